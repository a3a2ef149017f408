//! Owns crashes: the machine stops, or the disk says no, at every single
//! operation of a workload, and nothing reported durable may be missing.

use std::io::ErrorKind;

use engine::journal::sim::{Fault, SimFiles};
use engine::journal::{JournalWriter, RecoveryError, Storage, Verdict, WriteError};

use crate::common::{NOW, append, open, options, record, scan_checked};

/// Splitmix64, so that a workload follows from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What a workload had reached when it ended or was stopped.
#[derive(Debug, Default, Clone, Copy)]
struct Reached {
    pushed: u64,
    written: u64,
    durable: u64,
    stopped_cleanly: bool,
}

/// Appends, writes, syncs, restates and prepares spares by the seed.
fn work<S: Storage>(
    mut writer: JournalWriter<S>,
    seed: u64,
    reached: &mut Reached,
) -> Result<(), WriteError> {
    let mut random = Random(seed);
    for _ in 0..40 {
        match random.below(8) {
            0..=3 => {
                append(&mut writer)?;
                reached.pushed = writer.next_sequence() - 1;
            }
            4 => {
                writer.write_batch(NOW)?;
            }
            5 => {
                writer.write_batch(NOW)?;
                reached.durable = writer.sync()?;
            }
            6 => reached.durable = writer.restate(NOW)?,
            // A spare that cannot be had is not the end of the journal.
            _ => drop(writer.prepare_spare()),
        }
        // What a roll or a next batch has synced may be acknowledged too.
        reached.durable = writer.durable();
        reached.written = writer.written();
    }
    if seed.is_multiple_of(2) {
        reached.durable = writer.clean_stop(NOW)?;
        reached.stopped_cleanly = true;
    }
    Ok(())
}

fn start(files: &SimFiles, seed: u64, reached: &mut Reached) -> Result<(), WriteError> {
    let writer = JournalWriter::create(files.clone(), options())?;
    work(writer, seed, reached)
}

/// Recovers as often as it takes, with the machine stopping again in between.
fn recover_through_crashes(files: &SimFiles, random: &mut Random) {
    for _ in 0..3 {
        let at = files.operations() + random.below(12);
        files.fail_at(at, Fault::Crash);
        let attempt = scan_checked(files).map(|(_, scan)| {
            let epoch = scan.end().epoch;
            scan.repair().map(|recovered| {
                let options = engine::journal::Options { epoch, ..options() };
                JournalWriter::resume(recovered, options, NOW).map(drop)
            })
        });
        if let Err(RecoveryError::Refused(refusal)) = attempt {
            panic!("an honest crash was refused: {refusal}");
        }
        files.power_loss();
    }
}

fn check(files: &SimFiles, reached: Reached, what: &str) {
    match scan_checked(files) {
        Err(RecoveryError::NoJournal) => assert_eq!(reached.durable, 0, "{what}"),
        Err(error) => panic!("{what}: {error}"),
        Ok((last, scan)) => {
            assert!(
                reached.durable <= last && last <= reached.pushed,
                "{what}: {reached:?}, but {last} records came back"
            );
            if reached.stopped_cleanly {
                assert_eq!(scan.verdict(), Verdict::Clean, "{what}");
            }
        }
    }
    // Life goes on, and the next stop is clean.
    let (mut writer, last, _) = open(files);
    assert_eq!(writer.next_sequence(), last + 1, "{what}");
    append(&mut writer).unwrap();
    assert_eq!(writer.clean_stop(NOW).unwrap(), last + 1, "{what}");
    let (last_again, scan) = scan_checked(files).unwrap();
    assert_eq!(last_again, last + 1, "{what}");
    assert_eq!(scan.verdict(), Verdict::Clean, "{what}");
}

fn operations_of(seed: u64) -> u64 {
    let files = SimFiles::new(seed);
    start(&files, seed, &mut Reached::default()).unwrap();
    files.operations()
}

#[test]
fn a_power_failure_at_any_operation_loses_nothing_reported_durable() {
    for seed in 0..60 {
        for at in 0..operations_of(seed) {
            let files = SimFiles::new(seed ^ (at << 32));
            files.fail_at(at, Fault::Crash);
            let mut reached = Reached::default();
            start(&files, seed, &mut reached).unwrap_err_or_done(&files);
            files.power_loss();
            check(&files, reached, &format!("seed {seed}, operation {at}"));
        }
    }
}

#[test]
fn power_failures_during_recovery_lose_nothing_either() {
    for seed in 0..30 {
        for at in 0..operations_of(seed) {
            let files = SimFiles::new(seed ^ (at << 32));
            files.fail_at(at, Fault::Crash);
            let mut reached = Reached::default();
            start(&files, seed, &mut reached).unwrap_err_or_done(&files);
            files.power_loss();
            recover_through_crashes(&files, &mut Random(seed ^ at));
            let mut after = reached;
            // Recovery ends the clean stop by opening the journal again.
            after.stopped_cleanly = false;
            check(&files, after, &format!("seed {seed}, operation {at}"));
        }
    }
}

#[test]
fn a_process_killed_at_any_operation_loses_nothing_written() {
    for seed in 0..30 {
        for at in 0..operations_of(seed) {
            let files = SimFiles::new(seed ^ (at << 32));
            files.fail_at(at, Fault::Crash);
            let mut reached = Reached::default();
            start(&files, seed, &mut reached).unwrap_err_or_done(&files);
            files.restart();
            reached.durable = reached.durable.max(reached.written);
            check(&files, reached, &format!("seed {seed}, operation {at}"));
        }
    }
}

#[test]
fn an_error_at_any_operation_stops_the_writer_and_nothing_acknowledged_is_missing() {
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        for seed in 0..30 {
            for at in 0..operations_of(seed) {
                let files = SimFiles::new(seed ^ (at << 32));
                files.fail_at(at, Fault::Error(kind));
                let mut reached = Reached::default();
                // Preparing a spare may fail without consequence; all else stops.
                drop(start(&files, seed, &mut reached));
                let what = format!("{kind}, seed {seed}, operation {at}");
                // The process starts again on a machine whose memory still shows
                // pages that are not on disk, and only then the power fails.
                files.restart();
                let before = scan_checked(&files).ok().map(|(last, _)| last);
                if let Some(last) = before {
                    let (writer, _, _) = open(&files);
                    assert_eq!(writer.durable(), last, "{what}");
                    drop(writer);
                    reached.durable = last;
                    reached.stopped_cleanly = false;
                }
                files.power_loss();
                check(&files, reached, &what);
            }
        }
    }
}

#[test]
fn a_stopped_writer_refuses_everything_and_never_retries() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    writer.push(1, &record(1)).unwrap();
    writer.write_batch(NOW).unwrap();
    files.fail_at(files.operations(), Fault::Error(ErrorKind::Other));
    assert!(matches!(writer.sync(), Err(WriteError::Stopped(_))));
    let operations = files.operations();
    assert!(matches!(writer.sync(), Err(WriteError::Stopped(_))));
    assert!(matches!(
        writer.write_batch(NOW),
        Err(WriteError::Stopped(_))
    ));
    assert!(matches!(writer.restate(NOW), Err(WriteError::Stopped(_))));
    assert!(matches!(writer.roll(), Err(WriteError::Stopped(_))));
    assert!(writer.push(2, &record(2)).is_err());
    assert_eq!(writer.durable(), 0);
    assert_eq!(files.operations(), operations, "nothing was tried again");
}

#[test]
fn a_full_disk_leaves_the_current_segment_serving_and_shows_the_room_left() {
    let files = SimFiles::new(1);
    let mut writer = JournalWriter::create(files.clone(), options()).unwrap();
    files.fail_at(files.operations() + 1, Fault::Error(ErrorKind::StorageFull));
    let error = writer.prepare_spare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(!writer.spare_ready());
    assert_eq!(writer.room().segment_bytes, 2048 - 128);
    assert_eq!(writer.room().spare_bytes, 0);
    let names = files.list().unwrap();
    assert!(
        !names.iter().any(|name| name.starts_with("spare")),
        "{names:?}"
    );
    append(&mut writer).unwrap();
    writer.write_batch(NOW).unwrap();
    assert_eq!(writer.sync().unwrap(), 1);
    writer.prepare_spare().unwrap();
    assert_eq!(writer.room().spare_bytes, 2048 - 128);
}

/// A workload that was told to crash must not end in any other way.
trait CrashOutcome {
    fn unwrap_err_or_done(self, files: &SimFiles);
}

impl CrashOutcome for Result<(), WriteError> {
    fn unwrap_err_or_done(self, files: &SimFiles) {
        // A crash inside the preparing of a spare shows at the next operation,
        // or never when none follows.
        assert!(self.is_err() || files.has_crashed());
    }
}
