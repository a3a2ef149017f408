//! Snapshots: made behind the engine, believed only whole, and gone on from.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod pipeline_kit;

use engine::command::{Command, DefineSession};
use engine::journal::{RealFiles, Verdict};
use engine::pipeline::{AckPolicy, Inbound};
use engine::recover::{self, Opened, StartCause};
use engine::snapshot::Snapshots;
use engine::verify::verify;
use pipeline_kit::{Desk, NOW, genesis, open, options, start};
use std::path::{Path, PathBuf};
use wire::{
    ApprovalAction, Approve, Flag, LimitKind, LimitMode, ProposalKind, Propose, Role, Scope,
    Selector, Text, Unit,
};

/// Serves `count` messages with a snapshot every 100 records; returns the last sequence.
fn run(dir: &Path, from: u64, count: u64, killed: bool) -> u64 {
    let mut options = options(AckPolicy::Durable);
    options.duties.snapshot_every = 100;
    let opened = recover::open(dir, &options).unwrap();
    let (mut doors, handle) = start(opened, pipeline_kit::usual(AckPolicy::Durable));
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
    handle.shutdown(&mut doors, |_| {}).unwrap().seq
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
fn a_server_that_hears_nothing_leaves_one_too() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), 0, 30, false);
    for snapshot in snapshots(dir.path()) {
        std::fs::remove_file(snapshot).unwrap();
    }
    let last = run(dir.path(), 30, 0, false);
    let opened = open(dir.path(), AckPolicy::Durable);
    assert!(opened.report.snapshot.is_some());
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

/// Opens the journal of the firm in which session 1 (ada) and session 2 (bob) loosen together.
fn open_of_two(dir: &Path) -> Opened {
    let mut options = options(AckPolicy::Durable);
    options.genesis = genesis();
    if let Some(Command::DefineFirm(firm)) = options.genesis.first_mut() {
        firm.two_person = Flag::Yes;
    }
    for (session_id, person) in [(1, "ada"), (2, "bob")] {
        let define = DefineSession {
            session_id,
            key_id: 1,
            name: Text::new(person),
            role: Role::Risk,
            person: Text::new(person),
            ..DefineSession::default()
        };
        options.genesis.push(define.into());
    }
    recover::open(dir, &options).unwrap()
}

/// Serves one message of a session and stops cleanly, with a snapshot.
fn serve_one(dir: &Path, session_id: u32, command: impl Into<Command>) {
    let opened = open_of_two(dir);
    let (mut doors, handle) = start(opened, pipeline_kit::usual(AckPolicy::Durable));
    let message = Inbound {
        received_at: NOW + 1,
        session_id,
        in_seq_no: 1,
        command: command.into(),
    };
    assert!(doors.control.try_push(message).is_ok());
    handle.shutdown(&mut doors, |_| {}).unwrap();
}

#[test]
fn a_proposal_waits_in_a_snapshot_and_is_approved_after_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    let propose = Propose {
        request_id: 1,
        what: ProposalKind::Limit,
        value: 1_000,
        scope: Scope::Firm,
        limit_kind: LimitKind::MaxOrderQty,
        selector: Selector::All,
        unit: Unit::Natural,
        mode: LimitMode::Enforced,
        reason: Text::new("a first limit"),
        ..Propose::default()
    };
    serve_one(dir.path(), 1, propose);
    let opened = open_of_two(dir.path());
    assert!(opened.report.snapshot.is_some());
    assert_eq!(opened.report.replayed, 0, "it comes from the snapshot");
    let [waiting] = opened
        .engine
        .proposals()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!((waiting.id, waiting.person.as_str()), (1, "ada"));
    assert_eq!(waiting.change, propose);
    opened.close(NOW).unwrap();

    let approve = Approve {
        request_id: 2,
        proposal_id: 1,
        action: ApprovalAction::Approve,
        reason: Text::new("agreed"),
        ..Approve::default()
    };
    serve_one(dir.path(), 2, approve);
    let opened = open_of_two(dir.path());
    assert_eq!(opened.report.replayed, 0);
    assert_eq!(opened.engine.proposals().count(), 0, "it is used once");
    let place = ((Scope::Firm, 0), (Selector::All, 0));
    let version = opened
        .engine
        .limit_version(place.0, place.1, LimitKind::MaxOrderQty);
    assert_eq!(version, 1);
    opened.close(NOW).unwrap();
}

#[test]
fn a_server_that_is_killed_before_a_snapshot_is_due_makes_it_in_a_later_life() {
    let dir = tempfile::tempdir().unwrap();
    // Thirty records a life, a hundred between two snapshots. When the follower gets to its work within a
    // life is the machine's affair, so there are lives enough.
    for life in 0..200 {
        run(dir.path(), 1 + 30 * life, 30, true);
        if !snapshots(dir.path()).is_empty() {
            return;
        }
    }
    panic!("none was ever made");
}
