//! Opening a journal after a stop: clean, killed, damaged, interrupted, with the clock gone wrong.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod pipeline_kit;

use engine::command::{Command, DefineDesk, Started, TimePassed};
use engine::journal::{Build, JournalWriter, RealFiles, Verdict};
use engine::pipeline::{AckPolicy, Doors, Inbound, Outbound};
use engine::record::{MAX_RECORD, encode_record};
use engine::recover::{self, OpenOptions, StartCause};
use engine::verify::{VerifyError, verify};
use pipeline_kit::{Desk, NOW, open, options, records, start};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::Flag;

/// Runs a server with a few messages, then kills it or stops it.
fn run(dir: &Path, ack: AckPolicy, first: u64, count: u64, kill: bool) -> u64 {
    let (mut doors, handle) = start(open(dir, ack), pipeline_kit::usual(ack));
    let mut desk = Desk::at(101, first);
    for n in 0..count {
        doors.orders.try_push(desk.next(n)).unwrap();
    }
    let last = await_taken(&doors, count);
    while doors.watermarks.durable() < last {
        std::thread::sleep(Duration::from_millis(1));
    }
    if kill {
        handle.kill();
    } else {
        handle.shutdown(&mut doors, |_| {}).unwrap();
    }
    last
}

fn await_taken(doors: &Doors, count: u64) -> u64 {
    let (mut taken, mut last) = (0, 0);
    while taken < count {
        match doors.outbound.pop() {
            Some(Outbound::Taken { engine_seq, .. }) => {
                taken += 1;
                last = engine_seq;
            }
            Some(Outbound::Send(_) | Outbound::Dropped { .. }) => {}
            None => std::thread::yield_now(),
        }
    }
    last
}

fn starts(dir: &Path) -> Vec<Started> {
    records(dir)
        .into_iter()
        .filter_map(|(input, _)| {
            if let Command::Started(started) = input.command {
                Some(started)
            } else {
                None
            }
        })
        .collect()
}

fn segment(dir: &Path) -> PathBuf {
    dir.join("000000000001.seg")
}

#[test]
fn a_drained_stop_is_clean_and_the_next_start_stays_in_the_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let last = run(dir.path(), AckPolicy::Memory, 0, 300, false);
    let opened = open(dir.path(), AckPolicy::Memory);
    assert_eq!(opened.report.verdict, Some(Verdict::Clean));
    assert_eq!(opened.report.records, last);
    assert!(opened.seq > last, "the start is journalled");
    assert_eq!((opened.report.epoch, opened.report.restricted), (1, false));
    opened.close(NOW).unwrap();
    let starts = starts(dir.path());
    assert_eq!(starts.len(), 2);
    assert!(starts.iter().all(|started| started.clean == Flag::Yes));
}

#[test]
fn a_kill_under_memory_or_written_starts_a_restricted_epoch_and_under_durable_it_does_not() {
    for (ack, lossy) in [
        (AckPolicy::Memory, true),
        (AckPolicy::Written, true),
        (AckPolicy::Durable, false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let last = run(dir.path(), ack, 0, 100, true);
        // What counts is how the run that was killed acknowledged, not how this one will.
        let opened = open(dir.path(), AckPolicy::Durable);
        assert!(matches!(opened.report.verdict, Some(Verdict::Unclean)));
        assert_eq!(opened.report.records, last);
        assert_eq!(opened.report.restricted, lossy, "{ack:?}");
        assert_eq!(opened.report.epoch, 1 + u64::from(lossy));
        opened.close(NOW).unwrap();
        let started = *starts(dir.path()).last().unwrap();
        assert_eq!(started.restricted == Flag::Yes, lossy);
        assert_eq!(started.clean, Flag::No);
        assert_eq!(started.epoch, 1 + u64::from(lossy));
        // The next clean restart neither advances nor restricts.
        let again = open(dir.path(), AckPolicy::Durable);
        assert!(!again.report.restricted);
        assert_eq!(again.report.epoch, 1 + u64::from(lossy));
    }
}

#[test]
fn a_kill_in_full_flow_loses_nothing_that_was_durable_and_leaves_nothing_half_done() {
    for round in 0..10_u64 {
        let dir = tempfile::tempdir().unwrap();
        let opened = open(dir.path(), AckPolicy::Memory);
        let (doors, handle) = start(opened, pipeline_kit::usual(AckPolicy::Memory));
        let mut desk = Desk::new(101);
        for n in 0..500 + 300 * round {
            let mut waiting = desk.next(n);
            while let Err(back) = doors.orders.try_push(waiting) {
                waiting = back;
                while doors.outbound.pop().is_some() {}
            }
        }
        let durable = doors.watermarks.durable();
        handle.kill();
        let opened = open(dir.path(), AckPolicy::Memory);
        assert!(opened.report.records >= durable);
        assert!(opened.report.restricted);
        opened.close(NOW).unwrap();
        verify(dir.path(), |_| {}).unwrap();
    }
}

#[test]
fn the_logs_of_a_recovered_journal_hold_what_was_sent_before() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path(), AckPolicy::Durable);
    assert!(opened.logs.iter().all(|log| log.session_id != 101));
    let (mut doors, handle) = start(opened, pipeline_kit::usual(AckPolicy::Durable));
    let mut desk = Desk::new(101);
    for n in 0..50 {
        doors.orders.try_push(desk.next(n)).unwrap();
    }
    let mut sent = Vec::new();
    handle
        .shutdown(&mut doors, |outbound| {
            if let Outbound::Send(outgoing) = outbound
                && outgoing.session_id == 101
            {
                sent.push(outgoing);
            }
        })
        .unwrap();
    let opened = open(dir.path(), AckPolicy::Durable);
    let log = opened.logs.iter().find(|log| log.session_id == 101);
    let kept: Vec<_> = log
        .map(|log| log.messages.iter().copied().collect())
        .unwrap();
    assert_eq!(kept, sent);
    assert_eq!(kept.len(), 50);
}

#[test]
fn sequences_go_on_over_restarts_and_the_whole_is_proven() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..5 {
        let ended = run(
            dir.path(),
            AckPolicy::Durable,
            round * 50,
            50,
            round % 2 == 0,
        );
        assert!(ended >= last + 50);
        last = ended;
    }
    let report = verify(dir.path(), |_| {}).unwrap();
    assert!(report.records >= 255);
    let sequences: Vec<u64> = records(dir.path()).iter().map(|(r, _)| r.seq).collect();
    assert_eq!(sequences, (1..=report.records).collect::<Vec<_>>());
    let opened = open(dir.path(), AckPolicy::Durable);
    assert_eq!(opened.report.records, report.records);
}

#[test]
fn a_flipped_byte_is_named_by_segment_and_offset_and_nothing_starts_on_it() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), AckPolicy::Durable, 0, 200, false);
    run(dir.path(), AckPolicy::Durable, 200, 200, false);
    let mut bytes = std::fs::read(segment(dir.path())).unwrap();
    let used = bytes.iter().rposition(|b| *b != 0).unwrap();
    bytes[used / 2] ^= 1;
    std::fs::write(segment(dir.path()), &bytes).unwrap();
    let error = verify(dir.path(), |_| {}).unwrap_err();
    assert!(matches!(error, VerifyError::Corrupt { .. }), "{error}");
    let position = error.position().unwrap();
    assert_eq!(position.segment.0, 1);
    assert!(position.offset <= (used / 2) as u64);
    assert_eq!(error.exit_code(), 3);
    let error = recover::open(dir.path(), &options(AckPolicy::Durable)).unwrap_err();
    assert!(matches!(error.cause, StartCause::Corrupt(_)));
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(text.contains("000000000001.seg, byte "), "{text}");
    assert!(text.contains("portcullis-replay verify"), "{text}");
}

#[test]
fn an_unproven_last_batch_is_cut_kept_and_journalled() {
    let dir = tempfile::tempdir().unwrap();
    let last = run(dir.path(), AckPolicy::Durable, 0, 20, true);
    // The batch after it was being written when the power went: half a frame, never restated.
    let mut bytes = std::fs::read(segment(dir.path())).unwrap();
    let used = bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    let end = used.next_multiple_of(64);
    bytes[end..end + 200].fill(0xa5);
    std::fs::write(segment(dir.path()), &bytes).unwrap();
    assert!(verify(dir.path(), |_| {}).unwrap().torn_tail().is_some());
    let opened = open(dir.path(), AckPolicy::Durable);
    assert!(matches!(opened.report.verdict, Some(Verdict::TornTail(_))));
    assert!(opened.report.kept_tail.is_some());
    assert_eq!(opened.report.records, last);
    opened.close(NOW).unwrap();
    let started = *starts(dir.path()).last().unwrap();
    assert_eq!(started.cut_segment, 1);
    assert_eq!(started.cut_offset, end as u64);
    assert_eq!(started.cut_bytes, 200);
}

#[test]
fn a_second_server_on_the_same_journal_is_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let held = open(dir.path(), AckPolicy::Durable);
    let error = recover::open(dir.path(), &options(AckPolicy::Durable)).unwrap_err();
    assert!(matches!(error.cause, StartCause::Locked(_)));
    assert!(error.to_string().contains(&std::process::id().to_string()));
    held.close(NOW).unwrap();
}

#[test]
fn a_journal_ahead_of_the_clock_by_more_than_a_second_needs_the_clock_accepted() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), AckPolicy::Durable).close(NOW).unwrap();
    let mut early = options(AckPolicy::Durable);
    early.now_ns = NOW - 1_000_000_000;
    recover::open(dir.path(), &early)
        .unwrap()
        .close(NOW)
        .unwrap();
    early.now_ns = NOW - 1_000_000_001;
    let error = recover::open(dir.path(), &early).unwrap_err();
    assert!(matches!(error.cause, StartCause::Clock { .. }));
    assert!(error.to_string().contains("--accept-clock"));
    early.accept_clock = true;
    let opened = recover::open(dir.path(), &early).unwrap();
    assert_eq!(opened.t, NOW, "time never runs backwards");
}

#[test]
fn the_genesis_is_journalled_before_the_start_and_an_interrupted_one_is_finished() {
    let genesis = |count: u32| -> Vec<Command> {
        let desks = (1..=count).map(|desk_id| {
            Command::DefineDesk(DefineDesk {
                desk_id,
                ..DefineDesk::default()
            })
        });
        let firm = pipeline_kit::genesis()[0];
        std::iter::once(firm).chain(desks).collect()
    };
    let with = |count| OpenOptions {
        genesis: genesis(count),
        ..options(AckPolicy::Durable)
    };
    let dir = tempfile::tempdir().unwrap();
    let opened = recover::open(dir.path(), &with(3)).unwrap();
    assert_eq!((opened.seq, opened.report.verdict), (5, None));
    opened.close(NOW).unwrap();
    let kinds: Vec<&str> = records(dir.path())
        .iter()
        .map(|(input, _)| input.command.layout().name)
        .collect();
    assert_eq!(
        kinds,
        [
            "DefineFirm",
            "DefineDesk",
            "DefineDesk",
            "DefineDesk",
            "Started"
        ]
    );
    // A journal that has started once takes nothing from the configuration any more.
    let opened = recover::open(dir.path(), &with(9)).unwrap();
    assert_eq!(opened.seq, 6);
}

#[test]
fn a_first_start_that_was_killed_in_the_middle_is_finished_or_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let whole = tempfile::tempdir().unwrap();
    open(whole.path(), AckPolicy::Memory).close(NOW).unwrap();
    let mut writer = JournalWriter::create(
        RealFiles::new(dir.path()),
        engine::journal::Options {
            segment_bytes: 4 << 20,
            ..engine::journal::Options::new(Build::new("test-1").unwrap(), 1)
        },
    )
    .unwrap();
    let mut bytes = [0; MAX_RECORD];
    for (input, decision) in records(whole.path()).iter().take(2) {
        let length = encode_record(input, decision, &mut bytes);
        writer.push(input.seq, &bytes[..length]).unwrap();
    }
    writer.write_batch(NOW).unwrap();
    drop(writer);
    let mut other = options(AckPolicy::Memory);
    other.genesis.swap(0, 1);
    let error = recover::open(dir.path(), &other).unwrap_err();
    assert!(matches!(
        error.cause,
        StartCause::UnfinishedGenesis { found: 2 }
    ));
    let opened = open(dir.path(), AckPolicy::Memory);
    assert_eq!(opened.report.records, 2);
    assert!(!opened.report.restricted, "nobody was ever served");
    opened.close(NOW).unwrap();
    let commands = |dir| -> Vec<&str> {
        let records = records(dir);
        records
            .iter()
            .map(|(r, _)| r.command.layout().name)
            .collect()
    };
    assert_eq!(commands(dir.path()), commands(whole.path()));
}

#[test]
fn time_that_is_due_enters_as_a_record_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (mut doors, handle) = start(
        open(dir.path(), AckPolicy::Memory),
        pipeline_kit::usual(AckPolicy::Memory),
    );
    for n in 1..=10 {
        let time = Inbound {
            received_at: NOW + n,
            session_id: 0,
            in_seq_no: 0,
            command: Command::TimePassed(TimePassed::default()),
        };
        doors.control.try_push(time).unwrap();
    }
    let stopped = handle.shutdown(&mut doors, |_| {}).unwrap();
    assert_eq!(stopped.taken, 10);
    let times: Vec<u64> = records(dir.path()).iter().map(|(r, _)| r.t).collect();
    assert!(times.is_sorted());
    assert_eq!(times.last(), Some(&(NOW + 10)));
}
