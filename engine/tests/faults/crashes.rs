//! Owns the campaign in which the machine stops at every single operation of a life: by a power
//! failure and by the death of the process, with the starts after it struck again.

use engine::journal::sim::Fault;

use crate::life::{Between, Life, Stop};
use crate::promise::Breach;
use crate::random::mix;
use crate::tally::{Tally, seeds};

/// One life up to operation `at`, its end there, and what comes after.
fn strike(seed: u64, at: u64, between: Between, tally: &mut Tally) -> Result<(), Breach> {
    let mut life = Life::with_fault(seed, at, Fault::Crash);
    match life.run() {
        Err(Stop::Breach(breach)) => return Err(breach),
        // A crash in a spare that is not waited for shows at the next operation, or never.
        Err(Stop::Disk) | Ok(()) => {}
    }
    let chance = mix(seed, at);
    life.files.reseed(chance);
    let outcome = life.outlive(between, chance % 4);
    tally.add("torn tails cut", life.cut);
    tally.add("starts", life.starts);
    outcome
}

fn campaign(name: &'static str, lives: u64, tried_min: u64) {
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        for at in 0..Life::operations(seed) {
            // By turns; with the next seed the other way round.
            let between = if (seed + at).is_multiple_of(2) {
                Between::PowerLoss
            } else {
                Between::Killed
            };
            let outcome = strike(seed, at, between, &mut tally);
            tally.tried(
                outcome,
                format_args!("seed {seed}, operation {at}, {between:?}"),
            );
        }
    }
    tally.finish(tried_min);
}

#[test]
fn a_crash_at_any_operation_of_a_life_loses_nothing_promised() {
    campaign("crash at every operation, quick", 24, 1_200);
}

#[test]
#[ignore = "10,000 lives: minutes in a release build"]
fn full_crashes() {
    campaign("crash at every operation", 10_000, 500_000);
}
