//! Owns the campaign in which the disk says no: an error at every write, sync, creation and rename of
//! a life, at every read of a start, and a file system that is really full.

use std::io::ErrorKind;

use engine::journal::RecoveryError;
use engine::journal::sim::Fault;

use crate::life::{Between, Life, Stop};
use crate::promise::{Breach, Found};
use crate::random::mix;
use crate::tally::{Tally, seeds};

const BETWEEN: [Between; 3] = [Between::Killed, Between::Evicted, Between::PowerLoss];

fn refuse(seed: u64, at: u64, kind: ErrorKind, between: Between) -> Result<(), Breach> {
    let mut life = Life::with_fault(seed, at, Fault::Error(kind));
    match life.run() {
        Err(Stop::Breach(breach)) => return Err(breach),
        Err(Stop::Disk) | Ok(()) => {}
    }
    // What a failed sync has left marked clean is not to be trusted after the death of the process.
    if between == Between::Killed {
        life.promise.written = life.promise.durable;
    }
    life.files.reseed(mix(seed, at));
    life.outlive(between, mix(seed, at) % 3)
}

fn errors(name: &'static str, lives: u64, tried_min: u64) {
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        for at in 0..Life::operations(seed) {
            for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
                let between = BETWEEN[usize::try_from(mix(at, seed) % 3).unwrap()];
                let outcome = refuse(seed, at, kind, between);
                tally.tried(
                    outcome,
                    format_args!("seed {seed}, operation {at}, {kind}, {between:?}"),
                );
            }
        }
    }
    tally.finish(tried_min);
}

/// A start that cannot read does not guess: it fails, changes nothing, and the next one works.
fn unreadable(seed: u64, tally: &mut Tally) {
    let mut life = Life::new(seed);
    let ended = life.run();
    assert!(ended.is_ok(), "seed {seed}: {ended:?}");
    life.files.interrupt_one_in(0);
    let first = life.files.reads();
    let found = life.promise.check(&life.files, life.promise.needed);
    assert!(matches!(found, Ok(Found::Journal(..))), "{found:?}");
    let reads = life.files.reads() - first;
    for at in 0..reads {
        life.files.fail_read_at(life.files.reads() + at);
        let outcome = match life.promise.check(&life.files, life.promise.needed) {
            Ok(Found::Error(RecoveryError::Read(_) | RecoveryError::Io(_))) => Ok(()),
            Ok(other) => Err(Breach::Accepted(format!("{other:?}"))),
            Err(breach) => Err(breach),
        };
        tally.tried(outcome, format_args!("seed {seed}, read {at}"));
        life.files.restart();
    }
    let outcome = life.outlive(Between::Killed, 0);
    tally.tried(outcome, format_args!("seed {seed}, after the reads"));
}

fn reads(name: &'static str, lives: u64) {
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        unreadable(seed, &mut tally);
    }
    tally.finish(lives * 5);
}

/// Lives on a file system with too little space; then it gets some, and life goes on.
fn full_disk(seed: u64, tally: &mut Tally) -> Result<(), Breach> {
    let mut life = Life::new(seed);
    // From less than one segment to a few of them.
    life.files.limit_to(512 + mix(seed, 9) % (5 * 2048));
    match life.run() {
        Err(Stop::Breach(breach)) => return Err(breach),
        Err(Stop::Disk) => tally.count("ran full"),
        Ok(()) => tally.count("had enough"),
    }
    life.files.limit_to(u64::MAX);
    let between = BETWEEN[usize::try_from(mix(seed, 3) % 3).unwrap()];
    life.outlive(between, mix(seed, 4) % 3)
}

fn full_disks(name: &'static str, lives: u64) {
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        let outcome = full_disk(seed, &mut tally);
        tally.tried(outcome, format_args!("seed {seed}"));
    }
    assert!(tally.of("ran full") > lives / 4);
    tally.finish(lives);
}

#[test]
fn an_error_at_any_operation_stops_the_writer_and_loses_nothing_acknowledged() {
    errors("errors at every operation, quick", 12, 1_000);
}

#[test]
fn an_error_at_any_read_of_a_start_is_never_taken_for_an_end() {
    reads("errors at every read of a start, quick", 60);
}

#[test]
fn a_file_system_that_is_really_full_loses_nothing_acknowledged() {
    full_disks("full file systems, quick", 400);
}

#[test]
#[ignore = "minutes in a release build"]
fn full_errors() {
    errors("errors at every operation", 1_000, 100_000);
    reads("errors at every read of a start", 2_000);
    full_disks("full file systems", 50_000);
}
