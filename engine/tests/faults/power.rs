//! Owns the campaign of power failures: each seed is a life of its own, one moment in it, and one
//! choice of what the disk keeps of everything not yet synced.

use engine::journal::sim::Fault;

use crate::life::{Between, Life, Stop};
use crate::promise::Breach;
use crate::random::{Random, mix};
use crate::tally::{Tally, seeds};

fn strike(seed: u64, tally: &mut Tally) -> Result<(), Breach> {
    let mut random = Random::new(mix(seed, 1));
    let seed = mix(seed, 2);
    let at = random.below(Life::operations(seed));
    let mut life = Life::with_fault(seed, at, Fault::Crash);
    match life.run() {
        Err(Stop::Breach(breach)) => return Err(breach),
        Err(Stop::Disk) => tally.count("in mid-operation"),
        Ok(()) => tally.count("between two"),
    }
    life.files.reseed(random.next());
    let strikes = random.below(4);
    let outcome = life.outlive(Between::PowerLoss, strikes);
    tally.add("failures more during recovery", strikes);
    tally.add("torn tails cut", life.cut);
    outcome
}

fn campaign(name: &'static str, count: u64) {
    let mut tally = Tally::new(name);
    for seed in seeds(name, count) {
        let outcome = strike(seed, &mut tally);
        tally.tried(outcome, format_args!("seed {seed}"));
    }
    // Most of them must have torn something from the middle of its work.
    assert!(tally.of("in mid-operation") > count / 2);
    assert!(tally.of("torn tails cut") > count / 20);
    tally.finish(count);
}

#[test]
fn any_subset_of_unsynced_sectors_may_be_lost() {
    campaign("power failures, quick", 1_500);
}

#[test]
#[ignore = "500,000 seeds: minutes in a release build"]
fn full_power_failures() {
    campaign("power failures", 500_000);
}
