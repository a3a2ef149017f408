//! Owns the campaign of disks that lie: a write that is reported done and never arrives, or arrives
//! somewhere else. No sync can prove these; what was written afterwards can.

use engine::journal::RecoveryError;
use engine::journal::sim::Fault;

use crate::life::{Life, Stop};
use crate::promise::{Breach, Found};
use crate::tally::{Tally, seeds};

/// Every record that a later frame or the file `durable` proves must be there, or the start refuses.
fn lie(seed: u64, at: u64, fault: Fault, tally: &mut Tally) -> Result<(), Breach> {
    let mut life = Life::with_fault(seed, at, fault);
    match life.run() {
        // A restart within the life has found it out, in one way or the other.
        Err(Stop::Breach(Breach::Refused(_))) => {
            tally.count("refused with their place");
            return Ok(());
        }
        Err(Stop::Breach(Breach::Lost(_))) => return in_the_window(&life, tally),
        Err(Stop::Breach(breach)) => return Err(breach),
        Err(Stop::Disk) | Ok(()) => {}
    }
    life.files.power_loss();
    match life.promise.check(&life.files, life.promise.stated) {
        Ok(Found::Error(RecoveryError::Refused(_))) => tally.count("refused with their place"),
        Ok(Found::Error(error)) => return Err(Breach::Refused(error.to_string())),
        Ok(Found::Journal(last, _)) if last < life.promise.durable => {
            tally.count("in the last frame, before anything proved it");
        }
        Ok(Found::Journal(..) | Found::Nothing) => tally.count("harmless"),
        Err(breach) => return Err(breach),
    }
    Ok(())
}

/// The last frame alone may vanish, and only until something has been written behind it.
fn in_the_window(life: &Life, tally: &mut Tally) -> Result<(), Breach> {
    match life.promise.check(&life.files, life.promise.stated) {
        Ok(_) => {
            tally.count("in the last frame, before anything proved it");
            Ok(())
        }
        Err(breach) => Err(breach),
    }
}

fn campaign(name: &'static str, lives: u64, tried_min: u64) {
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        for at in 0..Life::operations(seed) {
            for fault in [Fault::Lost, Fault::Misdirected] {
                let outcome = lie(seed, at, fault, &mut tally);
                tally.tried(
                    outcome,
                    format_args!("seed {seed}, operation {at}, {fault:?}"),
                );
            }
        }
    }
    tally.finish(tried_min);
}

#[test]
fn a_write_that_never_arrived_or_went_astray_is_found_by_what_was_written_after_it() {
    campaign("lying disks, quick", 12, 1_000);
}

#[test]
#[ignore = "minutes in a release build"]
fn full_liars() {
    campaign("lying disks", 1_000, 100_000);
}
