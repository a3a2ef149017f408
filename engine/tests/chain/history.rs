//! What is left of a journal's past: first segments that were removed or lost, damage in what no start reads, a
//! last segment that is gone, damaged snapshots, and what a repair leaves.

use super::{against, ids, key, order, run, sealing};
use engine::chain::{ChainError, prove};
use engine::clerk::Retention;
use engine::command::Command;
use engine::journal::{Head, Heads, ReadOnly, Reader, RealFiles, RecoveryError, SegmentId, repair};
use engine::record::decode_record;
use engine::recover::{self, OpenOptions, StartCause};
use engine::snapshot::{Snapshots, is_snapshot_behind};
use engine::verify::{VerifyError, verify};
use std::fs;
use std::path::Path;

const SEGMENT: u64 = 64 << 10;

fn flip(dir: &Path, name: &str, at: usize) {
    let mut bytes = fs::read(dir.join(name)).unwrap();
    bytes[at] ^= 1;
    fs::write(dir.join(name), bytes).unwrap();
}

/// A journal whose first segments have been removed by the server; its options and its last sequence.
fn shortened(dir: &Path) -> (OpenOptions, u64) {
    let mut keeping = sealing(dir);
    run(dir, &keeping, 0, 2_000);
    keeping.duties.retention = Retention {
        keep_bytes: Some(3 * SEGMENT),
        keep_ns: None,
    };
    let last = run(dir, &keeping, 2_000, 2_500);
    assert!(ids(dir)[0] > SegmentId(2), "segments were removed");
    (keeping, last)
}

/// The names of the snapshots, newest first.
fn snapshots(dir: &Path) -> Vec<String> {
    let found = Snapshots::new(RealFiles::new(dir)).found().unwrap();
    found.into_iter().map(|found| found.name).collect()
}

fn corrupt(error: &VerifyError) -> (SegmentId, String) {
    assert_eq!(error.exit_code(), 3, "{error}");
    (error.position().unwrap().segment, error.to_string())
}

#[test]
fn verify_reads_segments_that_no_start_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (options, _) = shortened(dir.path());
    verify(dir.path(), |_| {}).unwrap();
    let first = ids(dir.path())[0];
    flip(dir.path(), &first.file_name(), 3_000);
    let (segment, _) = corrupt(&verify(dir.path(), |_| {}).unwrap_err());
    assert_eq!(segment, first);
    // A start goes on from its snapshot, behind it.
    let opened = recover::open(dir.path(), &options).unwrap();
    assert_eq!(opened.report.missing_segments, 0);
}

#[test]
fn first_segments_that_no_record_has_removed_are_missed() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    let last = run(dir.path(), &options, 0, 3_000);
    for lost in [1, 2] {
        fs::remove_file(dir.path().join(SegmentId(lost).file_name())).unwrap();
        let (segment, what) = corrupt(&verify(dir.path(), |_| {}).unwrap_err());
        assert_eq!(segment, SegmentId(lost + 1));
        assert!(
            what.contains(&format!("{lost} segments before it are missing")),
            "{what}"
        );
    }
    let opened = recover::open(dir.path(), &options).unwrap();
    assert_eq!(
        (opened.report.missing_segments, opened.report.records),
        (2, last)
    );
}

#[test]
fn a_lost_last_segment_is_missed_by_snapshots_and_by_seals() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    run(dir.path(), &options, 0, 3_000);
    let all = ids(dir.path());
    fs::remove_file(dir.path().join(all[all.len() - 1].file_name())).unwrap();
    fs::remove_file(dir.path().join("durable")).unwrap();
    let refused = |at_start: &str, what: &str| {
        let start = recover::open(dir.path(), &options).unwrap_err();
        assert_eq!(start.exit_code(), 3, "{start}");
        assert!(start.to_string().contains(at_start), "{start}");
        let (_, said) = corrupt(&verify(dir.path(), |_| {}).unwrap_err());
        assert!(said.contains(what), "{said}");
    };
    refused("is missing", "had been durable");
    for name in snapshots(dir.path()) {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    refused("was finished and sealed", "was finished and sealed");
    let mut against = against(dir.path());
    against.heads.clear();
    let error = prove(RealFiles::new(dir.path()), &against, |_| {}).unwrap_err();
    assert!(matches!(error, ChainError::Seal { .. }), "{error}");
    // Given up knowingly, it is told, and all holds again.
    let done = repair(&RealFiles::new(dir.path()), &order(), is_snapshot_behind).unwrap();
    assert_eq!(done.damage, None);
    let opened = recover::open(dir.path(), &options).unwrap();
    assert!(opened.report.restricted && opened.report.repaired);
    opened.close(super::NOW).unwrap();
    prove(RealFiles::new(dir.path()), &against, |_| {}).unwrap();
}

#[test]
fn finished_segments_may_lack_their_seal_only_at_the_end_and_without_a_clean_stop() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &sealing(dir.path()), 0, 3_000);
    let all = ids(dir.path());
    let finished = all[all.len() - 2];
    fs::remove_file(dir.path().join(finished.seal_name())).unwrap();
    let proof = || prove(RealFiles::new(dir.path()), &against(dir.path()), |_| {});
    let error = proof().unwrap_err();
    assert!(matches!(error, ChainError::Unsealed { segment } if segment == finished));
    // As if the server still ran: the frame that says how it stopped is not there yet.
    let last = all[all.len() - 1].file_name();
    let mut reader =
        Reader::open(ReadOnly(RealFiles::new(dir.path())), all[all.len() - 1]).unwrap();
    let mut begins = reader.end().position.offset;
    while reader.next_frame().unwrap().is_some() {
        begins = reader.end().last_frame.map_or(begins, |(offset, _)| offset);
    }
    let mut bytes = fs::read(dir.path().join(&last)).unwrap();
    bytes[usize::try_from(begins).unwrap()..].fill(0);
    fs::write(dir.path().join(&last), bytes).unwrap();
    let against = engine::chain::Against {
        key: Some(key().verifying_key().to_bytes()),
        heads: Vec::new(),
    };
    let proven = prove(RealFiles::new(dir.path()), &against, |_| {}).unwrap();
    assert_eq!(proven.not_yet_sealed, 1);
    fs::remove_file(dir.path().join(all[0].seal_name())).unwrap();
    let error = prove(RealFiles::new(dir.path()), &against, |_| {}).unwrap_err();
    assert!(matches!(error, ChainError::Unsealed { segment } if segment == all[0]));
}

#[test]
fn a_damaged_snapshot_is_told_and_does_not_count_as_one_of_the_two() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    let last = run(dir.path(), &options, 0, 2_000);
    let [newest, older] = &snapshots(dir.path())[..] else {
        panic!("two are kept");
    };
    flip(dir.path(), newest, 600);
    let report = verify(dir.path(), |_| {}).unwrap();
    assert!(
        report.unusable[0].starts_with(newest.as_str()),
        "{:?}",
        report.unusable
    );
    let opened = recover::open(dir.path(), &options).unwrap();
    assert_eq!(
        (opened.report.snapshot.as_ref(), opened.report.records),
        (Some(older), last)
    );
    opened.close(super::NOW).unwrap();
    assert!(dir.path().join(format!("{newest}.unusable")).exists());
    run(dir.path(), &options, 2_000, 10);
    let now = snapshots(dir.path());
    assert!(now.len() == 2 && !now.contains(newest), "{now:?}");
    assert!(verify(dir.path(), |_| {}).unwrap().unusable.is_empty());
}

#[test]
fn a_repair_that_would_leave_nothing_to_start_from_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (options, _) = shortened(dir.path());
    let first = ids(dir.path())[0];
    // Before every snapshot.
    flip(dir.path(), &first.file_name(), 200);
    let names = || {
        let list = fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<_> = list.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let error = repair(&RealFiles::new(dir.path()), &order(), is_snapshot_behind).unwrap_err();
    assert!(
        error.to_string().contains("nothing could be started from"),
        "{error}"
    );
    assert_eq!(names(), before);
    recover::open(dir.path(), &options).unwrap();
}

#[test]
fn a_repair_that_cuts_the_record_of_a_removal_has_it_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let (options, mut last) = shortened(dir.path());
    // The place of the newest removal, once a snapshot is left before it.
    let (segment, offset) = loop {
        let mut reader =
            Reader::open(ReadOnly(RealFiles::new(dir.path())), ids(dir.path())[0]).unwrap();
        let mut removal = None;
        while let Some(frame) = reader.next_frame().unwrap() {
            for record in frame.records() {
                let (input, _) = decode_record(record.bytes).unwrap();
                if matches!(input.command, Command::SegmentsRemoved(_)) {
                    removal = Some((input.seq, record.segment, record.frame_offset));
                }
            }
        }
        let (seq, segment, offset) = removal.unwrap();
        let oldest = Snapshots::new(RealFiles::new(dir.path())).found().unwrap();
        if oldest
            .iter()
            .any(|found| found.header.unwrap().sequence < seq)
        {
            break (segment, offset);
        }
        last = run(dir.path(), &options, last * 2, 150);
    };
    flip(
        dir.path(),
        &segment.file_name(),
        usize::try_from(offset).unwrap() + 40,
    );
    let done = repair(&RealFiles::new(dir.path()), &order(), is_snapshot_behind).unwrap();
    assert!(done.last_sequence < last);
    let opened = recover::open(dir.path(), &options).unwrap();
    assert!(opened.report.repaired);
    opened.close(super::NOW).unwrap();
    verify(dir.path(), |_| {}).unwrap();
    let mut against = against(dir.path());
    against.heads.clear();
    let proven = prove(RealFiles::new(dir.path()), &against, |_| {}).unwrap();
    assert_eq!(
        proven.removed.unwrap().last_segment,
        ids(dir.path())[0].0 - 1
    );
}

#[test]
fn a_repair_gives_zeros_back_and_nothing_up_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    let last = run(dir.path(), &options, 0, 2_000);
    let all = ids(dir.path());
    let file = dir.path().join(all[all.len() - 1].file_name());
    let whole = fs::read(&file).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let cut = whole[..(used + 512) / 64 * 64].to_vec();
    assert!(cut.len() < whole.len());
    fs::write(&file, cut).unwrap();
    let refused = recover::open(dir.path(), &options).unwrap_err();
    assert_eq!(refused.exit_code(), 3);
    let done = repair(&RealFiles::new(dir.path()), &order(), is_snapshot_behind).unwrap();
    assert!(done.is_whole, "{done:?}");
    assert_eq!(fs::read(&file).unwrap(), whole);
    let report = recover::open(dir.path(), &options).unwrap().report;
    assert_eq!(
        (report.records, report.epoch, report.restricted),
        (last, 1, false)
    );
    let again = repair(&RealFiles::new(dir.path()), &order(), is_snapshot_behind);
    assert!(
        matches!(again, Err(RecoveryError::Io(_) | RecoveryError::Lock(_))),
        "{again:?}"
    );
}

#[test]
fn a_segment_cut_at_the_end_of_a_frame_is_not_taken_for_whole() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    run(dir.path(), &options, 0, 2_000);
    for name in snapshots(dir.path()) {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    let all = ids(dir.path());
    let segment = all[all.len() - 1];
    let mut reader = Reader::open(ReadOnly(RealFiles::new(dir.path())), segment).unwrap();
    // Behind the first frame of the last segment; `durable` is of when that began, as after a kill.
    let end = {
        reader.next_frame().unwrap().unwrap();
        *reader.end()
    };
    let file = dir.path().join(segment.file_name());
    let bytes = fs::read(&file).unwrap();
    fs::write(
        &file,
        &bytes[..usize::try_from(end.position.offset).unwrap()],
    )
    .unwrap();
    fs::remove_file(dir.path().join("durable")).unwrap();
    let done = repair(&RealFiles::new(dir.path()), &order(), is_snapshot_behind).unwrap();
    assert!(!done.is_whole, "{done:?}");
    let opened = recover::open(dir.path(), &options).unwrap();
    assert!(opened.report.repaired && opened.report.restricted);
}

#[test]
fn a_seal_of_a_segment_that_is_to_come_is_of_another_copy() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    run(dir.path(), &options, 0, 2_000);
    let all = ids(dir.path());
    let (first, last) = (all[0], all[all.len() - 1]);
    let later = SegmentId(last.0 + 1);
    // Its content names its segment: one of another name proves nothing.
    fs::copy(
        dir.path().join(first.seal_name()),
        dir.path().join(later.seal_name()),
    )
    .unwrap();
    recover::open(dir.path(), &options)
        .unwrap()
        .close(super::NOW)
        .unwrap();
    fs::remove_file(dir.path().join(later.seal_name())).unwrap();
    // The journal goes on for some segments, and an older copy of the others comes back under their seals.
    let older = tempfile::tempdir().unwrap();
    super::copy(dir.path(), older.path(), |name| name.ends_with(".seg"));
    run(dir.path(), &options, 4_000, 3_000);
    super::copy(dir.path(), older.path(), |name| name.ends_with(".seal"));
    let error = recover::open(older.path(), &options).unwrap_err();
    assert!(error.to_string().contains("of another copy"), "{error}");
    assert!(verify(older.path(), |_| {}).is_err());
}

#[test]
fn a_head_does_not_go_with_the_torn_line_before_it() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &sealing(dir.path()), 0, 500);
    let path = dir.path().join("heads.ndjson");
    let heads = super::heads(dir.path());
    let head: Head = heads[0].1;
    let mut text = fs::read_to_string(&path).unwrap();
    text.truncate(text.len() - 20);
    fs::write(&path, &text).unwrap();
    Heads::new(path.clone(), Some(key())).append(&head).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), heads.len() + 1);
    let public = key().verifying_key().to_bytes();
    assert_eq!(
        Head::parse(text.lines().last().unwrap(), Some(&public)),
        Ok(head)
    );
}

#[test]
fn other_rules_are_named_before_what_they_decided_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    super::of_older_rules(dir.path(), 3);
    for name in snapshots(dir.path()) {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    let error = verify(dir.path(), |_| {}).unwrap_err();
    assert!(matches!(error, VerifyError::Rules { .. }), "{error}");
    assert_eq!(error.exit_code(), 1);
    let error = recover::open(
        dir.path(),
        &super::options(engine::pipeline::AckPolicy::Durable),
    )
    .unwrap_err();
    assert!(matches!(error.cause, StartCause::Rules { .. }), "{error}");
}

#[test]
fn a_directory_in_the_place_of_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let options = sealing(dir.path());
    run(dir.path(), &options, 0, 1_000);
    let name = SegmentId(2).file_name();
    fs::remove_file(dir.path().join(&name)).unwrap();
    fs::create_dir(dir.path().join(&name)).unwrap();
    let error = verify(dir.path(), |_| {}).unwrap_err().to_string();
    assert!(error.contains(&format!("{name} is a directory")), "{error}");
}
