//! Snapshots: made behind the engine, believed only whole, and gone on from.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod pipeline_kit;

use engine::journal::{RealFiles, Verdict};
use engine::pipeline::{AckPolicy, Options};
use engine::recover::{self, Opened, StartCause};
use engine::snapshot::Snapshots;
use engine::verify::verify;
use pipeline_kit::{Desk, NOW, open, options, start};
use std::path::{Path, PathBuf};

/// Serves `count` messages with a snapshot every 100 records; returns the last sequence.
fn run(dir: &Path, from: u64, count: u64, killed: bool) -> u64 {
    let mut options = options(AckPolicy::Durable);
    options.duties.snapshot_every = 100;
    let opened = recover::open(dir, &options).unwrap();
    let (doors, handle) = start(opened, Options::new(AckPolicy::Durable));
    let mut desk = Desk::at(101, from);
    for n in 0..count {
        let mut waiting = desk.next(n);
        while let Err(back) = doors.orders.try_push(waiting) {
            waiting = back;
            while doors.outbound.pop().is_some() {}
        }
        // In small batches, so that the follower has places to stop at.
        if n % 10 == 9 {
            let at = doors.watermarks.durable();
            let mut looks = 0_u32;
            while doors.watermarks.followed() <= at && looks < 200 {
                while doors.outbound.pop().is_some() {}
                std::thread::sleep(std::time::Duration::from_micros(100));
                looks += 1;
            }
        }
    }
    if killed {
        for _ in 0..10_000 {
            if doors.watermarks.followed() >= count {
                break;
            }
            while doors.outbound.pop().is_some() {}
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let last = doors.watermarks.durable();
        handle.kill();
        return last;
    }
    handle.shutdown(&doors, |_| {}).unwrap().seq
}

fn snapshots(dir: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "snapshot"))
        .collect();
    names.sort();
    names
}

/// What a start leads to, however it got there.
fn state(opened: &Opened) -> ([u8; 32], [u8; 32], u64, u64, String) {
    let engine = &opened.engine;
    let logs = format!("{:?}", opened.logs);
    (
        engine.risk_digest(),
        engine.session_digest(),
        opened.seq,
        opened.t,
        logs,
    )
}

#[test]
fn a_start_from_a_snapshot_and_its_tail_leads_where_the_whole_journal_leads() {
    for killed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), 0, 450, killed);
        let durable = run(dir.path(), 450, 450, killed);
        assert_eq!(snapshots(dir.path()).len(), 2, "two are kept");
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ext| ext != "snapshot") {
                std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let (short, long) = (
            open(dir.path(), AckPolicy::Durable),
            open(copy.path(), AckPolicy::Durable),
        );
        assert!(short.report.snapshot.is_some() && long.report.snapshot.is_none());
        let last = long.report.replayed;
        assert!(last >= durable);
        assert!(short.report.replayed < 200, "{}", short.report.replayed);
        assert_eq!((short.report.records, long.report.records), (last, last));
        assert_eq!(short.report.verdict, long.report.verdict);
        assert_eq!(state(&short), state(&long));
        assert_eq!(
            short.follower.engine().risk_digest(),
            long.follower.engine().risk_digest()
        );
    }
}

#[test]
fn a_clean_stop_leaves_a_snapshot_with_nothing_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let last = run(dir.path(), 0, 30, false);
    let opened = open(dir.path(), AckPolicy::Durable);
    assert_eq!(opened.report.verdict, Some(Verdict::Clean));
    assert_eq!((opened.report.records, opened.report.replayed), (last, 0));
}

#[test]
fn a_damaged_newest_snapshot_is_named_and_the_other_one_taken() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), 0, 250, false);
    let last = run(dir.path(), 250, 250, false);
    let [older, newest] = snapshots(dir.path()).try_into().unwrap();
    let bytes = std::fs::read(&newest).unwrap();
    // Somewhere in the header, in the state, and cut off.
    let mut damaged: Vec<Vec<u8>> = [70, 600, bytes.len() - 1]
        .map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 4;
            bytes
        })
        .to_vec();
    damaged.push(bytes[..bytes.len() - 1].to_vec());
    damaged.push(bytes[..100].to_vec());
    let mut expected = None;
    for bytes in damaged {
        std::fs::write(&newest, bytes).unwrap();
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
        let opened = open(copy.path(), AckPolicy::Durable);
        let taken = opened.report.snapshot.as_deref();
        assert_eq!(taken, older.file_name().unwrap().to_str());
        let [why] = opened.report.unusable.as_slice() else {
            panic!("one is unusable: {:?}", opened.report.unusable);
        };
        assert!(
            why.starts_with(newest.file_name().unwrap().to_str().unwrap()),
            "{why}"
        );
        assert_eq!(opened.report.records, last);
        let state = state(&opened);
        assert_eq!(*expected.get_or_insert(state.clone()), state);
    }
}

#[test]
fn a_snapshot_of_another_journal_is_refused_and_a_journal_that_ends_before_one_too() {
    let [dir, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    run(dir.path(), 0, 100, false);
    run(other.path(), 0, 300, false);
    let newest = snapshots(other.path()).pop().unwrap();
    // It stands behind this journal's end: what it says was durable is not there.
    let laid = dir.path().join(newest.file_name().unwrap());
    std::fs::copy(&newest, &laid).unwrap();
    let error = recover::open(dir.path(), &options(AckPolicy::Durable)).unwrap_err();
    assert!(matches!(error.cause, StartCause::Corrupt(_)), "{error}");
    std::fs::remove_file(&laid).unwrap();
    // Within the journal, but of another history.
    run(dir.path(), 100, 500, false);
    for own in snapshots(dir.path()) {
        std::fs::remove_file(own).unwrap();
    }
    std::fs::copy(&newest, &laid).unwrap();
    let error = recover::open(dir.path(), &options(AckPolicy::Durable)).unwrap_err();
    assert!(matches!(error.cause, StartCause::Corrupt(_)), "{error}");
    assert_eq!(error.exit_code(), 3);
}

#[test]
fn damage_before_the_snapshot_in_its_own_segment_is_still_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), 0, 300, false);
    let segment = dir.path().join("000000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[400] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let error = recover::open(dir.path(), &options(AckPolicy::Durable)).unwrap_err();
    assert!(matches!(error.cause, StartCause::Corrupt(_)), "{error}");
}

#[test]
fn sequences_and_digests_go_on_over_many_starts_from_snapshots() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..6 {
        run(dir.path(), round * 70, 70, round % 2 == 0);
    }
    let opened = open(dir.path(), AckPolicy::Durable);
    assert!(opened.report.snapshot.is_some());
    let digest = opened.engine.risk_digest();
    opened.close(NOW).unwrap();
    let report = verify(dir.path(), |_| {}).unwrap();
    assert_eq!(report.risk_digest, digest);
    let found = Snapshots::new(RealFiles::new(dir.path())).found().unwrap();
    assert!(found.iter().all(|found| found.header.is_ok()));
}
