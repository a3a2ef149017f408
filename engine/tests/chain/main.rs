//! Order and completeness, seals, heads that were carried off, removal of old segments, and repair.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod history;
#[path = "../pipeline_kit/mod.rs"]
mod pipeline_kit;

use ed25519_dalek::SigningKey;
use engine::chain::{Against, ChainError, prove};
use engine::clerk::{Notice, Retention};
use engine::command::{Command, Sequenced, Started};
use engine::follower::Follower;
use engine::journal::{
    Build, Head, JournalWriter, Reader, RealFiles, RepairOrder, SegmentId, repair, segments,
};
use engine::pipeline::{AckPolicy, Inbound};
use engine::record::{MAX_RECORD, encode_record};
use engine::recover::{self, OpenOptions, RULES_VERSION, StartCause};
use engine::snapshot::{Snapshots, is_snapshot_behind};
use engine::verify::verify;
use pipeline_kit::{Desk, NOW, open, options, records, start};
use std::fs;
use std::path::Path;
use std::time::Duration;
use wire::Flag;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn sealing(dir: &Path) -> OpenOptions {
    let mut options = options(AckPolicy::Durable);
    options.segment_bytes = 64 << 10;
    options.duties.snapshot_every = 400;
    options.duties.signing_key = Some(key());
    options.duties.heads = Some(dir.join("heads.ndjson"));
    options
}

/// Serves `count` messages over several segments, entering what the clerk asks for; returns the last
/// sequence.
fn run(dir: &Path, options: &OpenOptions, from: u64, count: u64) -> u64 {
    let opened = recover::open(dir, options).unwrap();
    let (mut doors, handle) = start(opened, pipeline_kit::usual(AckPolicy::Durable));
    let mut desk = Desk::at(101, from);
    let enter = || {
        while let Some(notice) = doors.notices.pop() {
            match notice {
                Notice::Enter(command) => {
                    let inbound = Inbound {
                        received_at: NOW,
                        session_id: 0,
                        in_seq_no: 0,
                        command,
                    };
                    doors.control.try_push(inbound).unwrap();
                }
                Notice::Done(_) => {}
                Notice::Failed(what) => panic!("{what}"),
            }
        }
    };
    for n in 0..count {
        let mut waiting = desk.next(n);
        while let Err(back) = doors.orders.try_push(waiting) {
            waiting = back;
            while doors.outbound.pop().is_some() {}
        }
        if n % 50 == 49 {
            // The follower keeps up, so that it finds places between frames to stop at.
            for _ in 0..100 {
                while doors.outbound.pop().is_some() {}
                enter();
                if doors.watermarks.followed() + 40 > doors.watermarks.durable() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    for _ in 0..300 {
        while doors.outbound.pop().is_some() {}
        enter();
        std::thread::sleep(Duration::from_millis(1));
    }
    handle.shutdown(&mut doors, |_| {}).unwrap().seq
}

fn heads(dir: &Path) -> Vec<(usize, Head)> {
    let text = fs::read_to_string(dir.join("heads.ndjson")).unwrap();
    let public = key().verifying_key().to_bytes();
    (1..)
        .zip(text.lines())
        .map(|(line, text)| (line, Head::parse(text, Some(&public)).unwrap()))
        .collect()
}

fn against(dir: &Path) -> Against {
    Against {
        key: Some(key().verifying_key().to_bytes()),
        heads: heads(dir),
    }
}

fn ids(dir: &Path) -> Vec<SegmentId> {
    segments(&RealFiles::new(dir)).unwrap()
}

fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if wanted(&name) {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn an_honest_journal_is_complete_sealed_and_comes_by_every_head() {
    let dir = tempfile::tempdir().unwrap();
    let last = run(dir.path(), &sealing(dir.path()), 0, 3_000);
    let proven = prove(RealFiles::new(dir.path()), &against(dir.path()), |_| {}).unwrap();
    assert_eq!((proven.first_sequence, proven.last_sequence), (1, last));
    assert!(proven.last.0 > 3, "{proven:?}");
    assert_eq!(proven.sealed, proven.last.0 - 1);
    assert!(
        proven.heads >= proven.sealed,
        "a head at each roll and at the stop"
    );
    assert_eq!(proven.torn, None);
}

#[test]
fn a_start_seals_what_the_last_run_left_unsealed_even_if_it_never_serves() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    run(dir.path(), &options, 0, 2_000);
    let mut removed = 0;
    for id in ids(dir.path()) {
        removed += u64::from(fs::remove_file(dir.path().join(id.seal_name())).is_ok());
    }
    assert!(removed > 1);
    recover::open(dir.path(), &options)
        .unwrap()
        .close(NOW)
        .unwrap();
    let proven = prove(RealFiles::new(dir.path()), &against(dir.path()), |_| {}).unwrap();
    assert_eq!(proven.sealed, proven.last.0 - 1);
    assert!(proven.sealed >= removed);
}

#[test]
fn another_history_under_the_same_seals_or_heads_is_named() {
    let [dir, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    run(dir.path(), &sealing(dir.path()), 0, 3_000);
    // Somebody writes the whole journal anew, a little otherwise, and keeps the proofs.
    let mut without_key = sealing(other.path());
    without_key.now_ns += 1;
    without_key.duties.signing_key = None;
    without_key.duties.heads = None;
    run(other.path(), &without_key, 0, 3_000);
    copy(dir.path(), other.path(), |name| name.ends_with(".seal"));
    let files = || RealFiles::new(other.path());
    let Against { key, heads } = against(dir.path());
    let with_key = Against {
        key,
        ..Against::default()
    };
    let error = prove(files(), &with_key, |_| {}).unwrap_err();
    assert!(
        matches!(error, ChainError::Seal { segment, .. } if segment.0 == 1),
        "{error}"
    );
    assert_eq!(error.exit_code(), 3);
    for entry in fs::read_dir(other.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "seal") {
            fs::remove_file(path).unwrap();
        }
    }
    let error = prove(files(), &with_key, |_| {}).unwrap_err();
    assert!(
        matches!(error, ChainError::Unsealed { segment } if segment.0 == 1),
        "{error}"
    );
    // Even with the key's holder among them, a head that was carried off tells.
    let with_heads = Against { key: None, heads };
    let error = prove(files(), &with_heads, |_| {}).unwrap_err();
    assert!(matches!(error, ChainError::Head { .. }), "{error}");
    // By itself it holds: a chain alone can't tell a history that was written anew.
    prove(files(), &Against::default(), |_| {}).unwrap();
}

#[test]
fn a_changed_a_missing_and_a_cut_off_part_are_each_named_by_their_first_place() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &sealing(dir.path()), 0, 3_000);
    let against = against(dir.path());
    let try_on = |change: &dyn Fn(&Path)| {
        let work = tempfile::tempdir().unwrap();
        copy(dir.path(), work.path(), |_| true);
        change(work.path());
        prove(RealFiles::new(work.path()), &against, |_| {}).unwrap_err()
    };
    let second = SegmentId(2).file_name();
    let error = try_on(&|work| {
        let mut bytes = fs::read(work.join(&second)).unwrap();
        bytes[2_000] ^= 1;
        fs::write(work.join(&second), bytes).unwrap();
    });
    let position = error.position().unwrap();
    assert!(matches!(error, ChainError::Broken(_)), "{error}");
    assert!(
        position.segment.0 == 2 && position.offset <= 2_000,
        "{position}"
    );
    let error = try_on(&|work| fs::remove_file(work.join(&second)).unwrap());
    assert_eq!(error.position().unwrap().segment.0, 2, "{error}");
    let error = try_on(&|work| fs::remove_file(work.join(SegmentId(1).file_name())).unwrap());
    assert!(
        matches!(error, ChainError::Beheaded { first } if first.0 == 2),
        "{error}"
    );
    let last = *ids(dir.path()).last().unwrap();
    let error = try_on(&|work| fs::remove_file(work.join(last.file_name())).unwrap());
    assert!(matches!(error, ChainError::Head { .. }), "{error}");
}

#[test]
fn old_segments_go_only_when_two_snapshots_cover_them_and_the_journal_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut keeping = sealing(dir.path());
    run(dir.path(), &keeping, 0, 3_000);
    assert_eq!(
        ids(dir.path())[0],
        SegmentId::FIRST,
        "nothing is deleted by default"
    );
    keeping.duties.retention = Retention {
        keep_bytes: Some(2 * (64 << 10)),
        keep_ns: None,
    };
    let last = run(dir.path(), &keeping, 3_000, 3_000);
    let left = ids(dir.path());
    let first = left[0];
    assert!(first > SegmentId(2), "{left:?}");
    let snapshots = Snapshots::new(RealFiles::new(dir.path())).found().unwrap();
    assert!(
        snapshots
            .iter()
            .all(|found| found.header.unwrap().place.position.segment >= first)
    );
    let proven = prove(RealFiles::new(dir.path()), &against(dir.path()), |_| {}).unwrap();
    assert_eq!((proven.first, proven.last_sequence), (first, last));
    assert_eq!(proven.removed.unwrap().last_segment, first.0 - 1);
    assert!(proven.heads_before > 0);
    // The rest is proven from the oldest snapshot, and started from.
    let report = verify(dir.path(), |_| {}).unwrap();
    assert!(report.from.is_some() && report.from.unwrap() + report.records == last);
    let opened = open(dir.path(), AckPolicy::Durable);
    assert_eq!(opened.report.records, last);
    assert_eq!(opened.engine.risk_digest(), report.risk_digest);
    opened.close(NOW).unwrap();
    for found in snapshots {
        fs::remove_file(dir.path().join(found.name)).unwrap();
    }
    for found in Snapshots::new(RealFiles::new(dir.path())).found().unwrap() {
        fs::remove_file(dir.path().join(found.name)).unwrap();
    }
    let error = recover::open(dir.path(), &options(AckPolicy::Durable)).unwrap_err();
    assert!(
        matches!(error.cause, StartCause::NoOrigin { .. }),
        "{error}"
    );
    assert_eq!(error.exit_code(), 3);
}

fn order() -> RepairOrder {
    RepairOrder {
        reason: "the disk had a bad sector".to_owned(),
        now_ns: NOW,
    }
}

#[test]
fn a_repair_cuts_where_the_journal_is_not_whole_keeps_it_all_and_the_next_start_is_restricted() {
    let dir = tempfile::tempdir().unwrap();
    let plain = sealing(dir.path());
    let last = run(dir.path(), &plain, 0, 3_000);
    let files = RealFiles::new(dir.path());
    let error = repair(&files, &order(), is_snapshot_behind).unwrap_err();
    assert!(error.to_string().contains("nothing to repair"), "{error}");
    let damaged = SegmentId(3).file_name();
    let mut bytes = fs::read(dir.path().join(&damaged)).unwrap();
    bytes[30_000] ^= 1;
    fs::write(dir.path().join(&damaged), bytes).unwrap();
    for found in Snapshots::new(files.clone()).found().unwrap() {
        fs::remove_file(dir.path().join(found.name)).unwrap();
    }
    let refused = recover::open(dir.path(), &plain).unwrap_err();
    assert_eq!(refused.exit_code(), 3);
    let done = repair(&files, &order(), is_snapshot_behind).unwrap();
    assert_eq!(done.cut.segment.0, 3);
    assert!(done.cut.offset <= 30_000 && done.last_sequence < last);
    assert!(done.kept.len() > 2 && done.kept.iter().all(|name| dir.path().join(name).exists()));
    let log = fs::read_to_string(dir.path().join("repairs.ndjson")).unwrap();
    assert!(log.contains("bad sector"), "{log}");
    let opened = recover::open(dir.path(), &plain).unwrap();
    let report = &opened.report;
    assert_eq!((report.records, report.epoch), (done.last_sequence, 2));
    assert!(report.repaired && report.restricted);
    opened.close(NOW).unwrap();
    let of_starts = |(input, _): (Sequenced, _)| {
        if let Command::Started(started) = input.command {
            Some(started)
        } else {
            None
        }
    };
    let started = records(dir.path()).into_iter().rev().find_map(of_starts);
    let started: Started = started.unwrap();
    assert_eq!(started.restricted, Flag::Yes);
    assert_eq!(
        (started.cut_segment, started.cut_offset),
        (3, done.cut.offset)
    );
    assert_eq!(started.cut_bytes, done.bytes);
    verify(dir.path(), |_| {}).unwrap();
    // Told once.
    let again = recover::open(dir.path(), &plain).unwrap();
    assert!(!again.report.repaired && !again.report.restricted);
}

/// A journal of the rules before these, with `behind` records after its snapshot.
fn of_older_rules(dir: &Path, behind: usize) {
    let whole = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        open(whole.path(), AckPolicy::Durable).close(NOW).unwrap();
    }
    let files = RealFiles::new(dir);
    let build = Build::new("older-1").unwrap();
    let options = engine::journal::Options {
        segment_bytes: 4 << 20,
        ..engine::journal::Options::new(build, RULES_VERSION - 1)
    };
    let mut writer = JournalWriter::create(files.clone(), options).unwrap();
    let mut copy = Follower::keeping(100);
    let all = records(whole.path());
    let (before, after) = all.split_at(all.len() - behind);
    let mut bytes = [0; MAX_RECORD];
    for (input, decision) in before {
        copy.replay(input, decision).unwrap();
        let length = encode_record(input, decision, &mut bytes);
        writer.push(input.seq, &bytes[..length]).unwrap();
    }
    writer.write_batch(NOW).unwrap();
    writer.sync().unwrap();
    let mut reader = Reader::open(files.clone(), SegmentId::FIRST).unwrap();
    while reader.next_frame().unwrap().is_some() {}
    if copy.started().is_some() {
        let snapshots = Snapshots::new(files);
        let place = reader.end().place();
        let mut header = snapshots.make(&copy, &place, build, &mut || {}).unwrap();
        header.rules_version = RULES_VERSION - 1;
        let path = dir.join(Snapshots::<RealFiles>::file_name(header.sequence));
        let mut bytes = fs::read(&path).unwrap();
        bytes[..512].copy_from_slice(&header.encode());
        fs::write(&path, bytes).unwrap();
    }
    for (input, decision) in after {
        let length = encode_record(input, decision, &mut bytes);
        writer.push(input.seq, &bytes[..length]).unwrap();
    }
    writer.clean_stop(NOW).unwrap();
}

#[test]
fn other_rules_go_on_from_the_final_snapshot_with_nothing_behind_it_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    of_older_rules(dir.path(), 0);
    let opened = open(dir.path(), AckPolicy::Durable);
    assert!(opened.report.snapshot.is_some());
    opened.close(NOW).unwrap();
    let mut changes = Vec::new();
    for (input, _) in records(dir.path()) {
        if let Command::RulesChanged(changed) = input.command {
            changes.push((changed.from_version, changed.to_version));
        }
    }
    assert_eq!(changes, [(RULES_VERSION - 1, RULES_VERSION)]);
    assert_eq!(
        ids(dir.path()).len(),
        2,
        "one segment is written under one rules version"
    );
    open(dir.path(), AckPolicy::Durable).close(NOW).unwrap();
}

#[test]
fn other_rules_with_records_behind_the_snapshot_or_without_one_name_the_build_to_run_first() {
    for behind in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        of_older_rules(dir.path(), behind);
        let error = recover::open(dir.path(), &options(AckPolicy::Durable)).unwrap_err();
        assert!(matches!(error.cause, StartCause::Rules { .. }), "{error}");
        assert_eq!(error.exit_code(), 1);
    }
}
