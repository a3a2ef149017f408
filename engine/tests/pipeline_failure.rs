//! What the pipeline does when the disk says no, when the journal and the engine disagree, and when
//! the second copy is asked.

#![expect(
    clippy::disallowed_methods,
    reason = "tests wait and measure with a clock"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod pipeline_kit;

use engine::command::{Command, Sequenced};
use engine::pipeline::{AckPolicy, BeforeSync, Inbound, Outbound, PipelineError};
use pipeline_kit::{Desk, FailingSink, NOW, open, records, start, tiny};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wire::{Query, QueryWhat, Reply};

#[test]
fn after_a_failed_write_or_sync_nothing_more_is_published_and_the_stop_says_why() {
    for at_sync in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut opened = open(dir.path(), AckPolicy::Durable);
        opened.sink = FailingSink::after(50, at_sync, opened.sink);
        let started = opened.seq;
        let (mut doors, handle) = start(opened, tiny(AckPolicy::Durable));
        let mut desk = Desk::new(101);
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut waiting = desk.next(0);
        while doors.watermarks.failure().is_none() && Instant::now() < deadline {
            match doors.orders.try_push(waiting) {
                Ok(()) => waiting = desk.next(0),
                Err(back) => waiting = back,
            }
            while doors.outbound.pop().is_some() {}
        }
        assert!(doors.watermarks.failure().unwrap().contains("patience"));
        let durable = doors.watermarks.durable();
        assert!(durable < started + 50);
        let error = handle.shutdown(&mut doors, |_| {}).unwrap_err();
        assert!(matches!(error, PipelineError::Failed(_)));
        assert_eq!(doors.watermarks.durable(), durable);
        if !at_sync {
            assert_eq!(doors.watermarks.written(), durable);
        }
        // What was acknowledged is there at the next start.
        let again = open(dir.path(), AckPolicy::Durable);
        assert!(again.report.records >= durable);
    }
}

fn query(in_seq_no: u64, what: QueryWhat, min_engine_seq: u64) -> Inbound {
    Inbound {
        received_at: NOW,
        session_id: 1,
        in_seq_no,
        command: Command::Query(Query {
            seq_no: in_seq_no,
            request_id: 1000 + in_seq_no,
            min_engine_seq,
            what,
            ..Query::default()
        }),
    }
}

#[test]
fn queries_are_answered_from_durable_records_and_wait_for_the_sequence_they_ask_for() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path(), AckPolicy::Memory);
    let base = opened.seq;
    let (mut doors, handle) = start(opened, pipeline_kit::usual(AckPolicy::Memory));
    let push = |inbound| doors.control.try_push(inbound).unwrap();
    push(query(1, QueryWhat::Positions, base + 4));
    push(query(2, QueryWhat::OpenOrders, 0));
    push(query(3, QueryWhat::States, 0));
    let mut desk = Desk::new(101);
    let mut ends = Vec::new();
    let mut await_ends = |count: usize| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while ends.len() < count && Instant::now() < deadline {
            while doors.outbound.pop().is_some() {}
            if let Some(report) = doors.reports.pop() {
                assert_eq!(report.session_id, 1);
                assert_eq!(report.reply.seq_no(), 0);
                assert!(report.reply.engine_seq() <= doors.watermarks.durable());
                if let Reply::AdminAck(end) = report.reply {
                    assert_eq!((end.ref_template_id, end.code), (122, 0));
                    ends.push((end.request_id, end.engine_seq));
                }
            }
        }
        ends.clone()
    };
    // The first waits for its sequence; the others do not wait for the first.
    assert_eq!(await_ends(2), [(1002, base + 2), (1003, base + 3)]);
    doors.orders.try_push(desk.next(0)).unwrap();
    assert_eq!(await_ends(3)[2], (1001, base + 4));
    handle.shutdown(&mut doors, |_| {}).unwrap();
}

#[test]
fn a_query_that_waits_for_room_in_the_reports_never_holds_up_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = pipeline_kit::usual(AckPolicy::Durable);
    options.report_slots = 1;
    let opened = open(dir.path(), AckPolicy::Durable);
    let base = opened.seq;
    let (mut doors, handle) = start(opened, options);
    for n in 1..=20 {
        let inbound = query(n, QueryWhat::Limits, 0);
        doors.control.try_push(inbound).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while doors.watermarks.durable() < base + 20 && Instant::now() < deadline {
        while doors.outbound.pop().is_some() {}
    }
    assert!(doors.watermarks.durable() >= base + 20);
    assert!(doors.watermarks.followed() < base + 20);
    let mut ends = 0;
    while ends < 20 && Instant::now() < deadline {
        if let Some(Reply::AdminAck(_)) = doors.reports.pop().map(|report| report.reply) {
            ends += 1;
        }
    }
    assert_eq!(ends, 20);
    handle.shutdown(&mut doors, |_: Outbound| {}).unwrap();
}

/// Messages pushed and not yet taken: few enough that what they cause never crowds the outbound ring,
/// however late this thread comes to drain it, so that only the journal can be short of room.
const ON_THE_WAY: u64 = 256;
/// Without any message taken for so long the engine counts as stopped, on a machine with other work too.
const STANDSTILL: Duration = Duration::from_secs(5);

/// Pushes messages through rings of 256 while the disk stands still; what was decided, and how many were
/// taken before it moved again.
fn through_a_frozen_disk(memory: usize, messages: u64) -> (Vec<Sequenced>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), AckPolicy::Memory);
    let frozen = Arc::new(AtomicBool::new(true));
    let held = Arc::clone(&frozen);
    opened.sink = Box::new(BeforeSync::new(opened.sink, move || {
        while held.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }));
    let mut options = pipeline_kit::usual(AckPolicy::Memory);
    options.journal_slots = 256;
    options.reserve = 64;
    options.journal_memory = memory;
    let (mut doors, handle) = start(opened, options);
    let mut desk = Desk::new(101);
    let (mut taken, mut waiting) = (0_u64, None);
    let mut pushed = 0;
    let mut moved = Instant::now();
    while taken < messages && moved.elapsed() < STANDSTILL {
        if pushed < messages && pushed < taken + ON_THE_WAY {
            let next = waiting.take().unwrap_or_else(|| desk.next(pushed));
            match doors.orders.try_push(next) {
                Ok(()) => pushed += 1,
                Err(back) => waiting = Some(back),
            }
        }
        while let Some(outbound) = doors.outbound.pop() {
            taken += u64::from(matches!(outbound, Outbound::Taken { .. }));
            moved = Instant::now();
        }
    }
    assert!(
        doors.watermarks.durable() < 100,
        "hardly anything is durable yet"
    );
    frozen.store(false, Ordering::Release);
    handle.shutdown(&mut doors, |_| {}).unwrap();
    let of_the_desk = |(input, _): &(Sequenced, _)| input.session_id == 101;
    let journalled = records(dir.path()).into_iter().filter(of_the_desk);
    (journalled.map(|(input, _)| input).collect(), taken)
}

#[test]
fn a_disk_that_stands_still_holds_nobody_up_while_there_is_memory_and_loses_nothing() {
    let (journalled, taken) = through_a_frozen_disk(8 << 20, 20_000);
    assert_eq!(taken, 20_000, "all were decided while the disk stood still");
    assert_eq!(journalled.len(), 20_000);
    assert!(journalled.iter().all(|input| !input.busy));
    assert!(journalled.is_sorted_by_key(|input| input.seq));
}

#[test]
fn when_the_memory_is_full_too_orders_are_busy_and_still_nothing_is_lost() {
    let (journalled, taken) = through_a_frozen_disk(64 << 10, 3_000);
    assert!(taken < 3_000, "{taken} were decided");
    assert!(journalled.iter().any(|input| input.busy));
    assert!(journalled.len() as u64 >= taken);
}
