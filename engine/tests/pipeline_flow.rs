//! The pipeline's rings and threads: nothing is lost, order holds, a stop drains.

#![expect(
    clippy::disallowed_methods,
    reason = "tests wait and measure with a clock"
)]

mod pipeline_kit;

use engine::command::Command;
use engine::pipeline::{AckPolicy, Inbound, Outbound};
use engine::recover::{self, OpenOptions};
use engine::verify::verify;
use pipeline_kit::{Desk, open, options, start, tiny};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[test]
fn everything_pushed_is_taken_or_dropped_through_tiny_rings_and_the_journal_proves_it() {
    let dir = tempfile::tempdir().unwrap();
    // Rings so small make a batch of a few records, and each batch is a sync.
    let messages: u64 = if cfg!(debug_assertions) {
        20_000
    } else {
        3_000_000
    };
    let small = OpenOptions {
        segment_bytes: 1 << 20,
        ..options(AckPolicy::Durable)
    };
    let opened = recover::open(dir.path(), &small).unwrap();
    let (mut doors, handle) = start(opened, tiny(AckPolicy::Durable));
    let mut desks = [Desk::new(101), Desk::new(102)];
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut taken, mut dropped, mut last_seq, mut pushed) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut drain = |outbound: Outbound| match outbound {
        Outbound::Taken {
            session_id,
            in_seq_no,
            engine_seq,
        } => {
            taken += 1;
            assert!(engine_seq > last_seq, "sequences rise");
            last_seq = engine_seq;
            let last = seen.entry(session_id).or_default();
            assert!(in_seq_no > *last, "order within a session holds");
            *last = in_seq_no;
        }
        Outbound::Dropped { .. } => dropped += 1,
        Outbound::Send(_) => {}
    };
    let mut waiting: Option<(bool, Inbound)> = None;
    while pushed < messages {
        while let Some(outbound) = doors.outbound.pop() {
            drain(outbound);
        }
        let (control, inbound) = waiting.take().unwrap_or_else(|| {
            let control = pushed.is_multiple_of(3);
            let desk = &mut desks[usize::from(control)];
            let repeat = pushed.is_multiple_of(1_000) && pushed > 0;
            (
                control,
                if repeat {
                    desk.again()
                } else {
                    desk.next(pushed)
                },
            )
        });
        let door = if control {
            &doors.control
        } else {
            &doors.orders
        };
        match door.try_push(inbound) {
            Ok(()) => pushed += 1,
            Err(back) => {
                waiting = Some((control, back));
                std::thread::yield_now();
            }
        }
    }
    let stopped = handle.shutdown(&mut doors, &mut drain).unwrap();
    assert_eq!(taken + dropped, messages);
    assert_eq!(stopped.taken, taken);
    assert_eq!(stopped.dropped, dropped);
    assert_eq!(doors.watermarks.durable(), stopped.seq);
    assert_eq!(doors.watermarks.followed(), stopped.seq);
    let report = verify(dir.path(), |_| {}).unwrap();
    assert_eq!(report.records, stopped.seq);
    assert!(
        report.segments > 2,
        "the journal rolled while it was written"
    );
    assert_eq!(report.risk_digest, stopped.engine.risk_digest());
    assert_eq!(report.session_digest, stopped.engine.session_digest());
}

#[test]
fn durable_never_passes_written_and_both_reach_what_was_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (mut doors, handle) = start(
        open(dir.path(), AckPolicy::Durable),
        tiny(AckPolicy::Durable),
    );
    let mut desk = Desk::new(101);
    let (mut last, mut rising) = (0, 0);
    for n in 0..5_000 {
        while doors.orders.try_push(desk.next(n)).is_err() {
            while let Some(outbound) = doors.outbound.pop() {
                if let Outbound::Taken { engine_seq, .. } = outbound {
                    last = engine_seq;
                }
            }
        }
        let durable = doors.watermarks.durable();
        assert!(durable <= doors.watermarks.written());
        assert!(durable >= rising, "watermarks never fall");
        rising = durable;
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while doors.watermarks.durable() < last && Instant::now() < deadline {
        while doors.outbound.pop().is_some() {}
    }
    assert!(doors.watermarks.durable() >= last);
    handle.shutdown(&mut doors, |_| {}).unwrap();
}

#[test]
fn control_overtakes_waiting_orders_but_never_more_than_64_in_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = pipeline_kit::usual(AckPolicy::Memory);
    // The outbound ring holds little, so that the engine stops and both inlets fill up.
    options.outbound_slots = 65;
    let (mut doors, handle) = start(open(dir.path(), AckPolicy::Memory), options);
    let (mut control, mut orders) = (Desk::new(1), Desk::new(101));
    for n in 0..1_000 {
        doors.orders.try_push(orders.next(n)).unwrap();
    }
    for n in 0..1_000 {
        doors.control.try_push(control.next(n)).unwrap();
    }
    let mut order = Vec::new();
    handle
        .shutdown(&mut doors, |outbound| {
            if let Outbound::Taken { session_id, .. } = outbound {
                order.push(session_id);
            }
        })
        .unwrap();
    assert_eq!(order.len(), 2_000);
    let mut run = 0;
    let mut longest = 0;
    for session in &order {
        run = if *session == 1 { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    // Once orders are gone control may go on; here they outnumber it.
    assert_eq!(longest, 64);
    let position = |session| {
        let sum: usize = order
            .iter()
            .enumerate()
            .filter(|(_, s)| **s == session)
            .map(|(at, _)| at)
            .sum();
        sum / 1_000
    };
    assert!(position(1) < position(101), "control came first");
}

#[test]
fn a_full_inlet_gives_the_command_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = tiny(AckPolicy::Memory);
    options.orders_slots = 4;
    let (mut doors, handle) = start(open(dir.path(), AckPolicy::Memory), options);
    let mut desk = Desk::new(101);
    // Nobody drains the outbound ring, so the engine stops and the inlet fills.
    let mut given_back = None;
    for n in 0..100_000 {
        let inbound = desk.next(n);
        if let Err(back) = doors.orders.try_push(inbound) {
            given_back = Some((inbound, back));
            break;
        }
        std::thread::sleep(Duration::from_micros(10));
    }
    let (sent, back) = given_back.unwrap();
    assert_eq!(sent, back);
    handle.shutdown(&mut doors, |_| {}).unwrap();
}

#[test]
fn orders_are_busy_while_only_the_reserve_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = pipeline_kit::usual(AckPolicy::Memory);
    options.outbound_slots = 65 + 64;
    options.reserve = 32;
    let (mut doors, handle) = start(open(dir.path(), AckPolicy::Memory), options);
    let mut desk = Desk::new(101);
    for n in 0..200 {
        doors.orders.try_push(desk.next(n)).unwrap();
    }
    std::thread::sleep(Duration::from_millis(100));
    handle.shutdown(&mut doors, |_| {}).unwrap();
    let busy = pipeline_kit::records(dir.path())
        .into_iter()
        .filter(|(input, _)| input.session_id == 101)
        .map(|(input, _)| input.busy)
        .collect::<Vec<_>>();
    assert_eq!(busy.len(), 200);
    assert!(!busy[0], "an empty pipeline is not busy");
    assert!(busy.iter().any(|busy| *busy), "a stalled one is");
}

#[test]
fn a_sleeping_gateway_is_woken_when_its_replies_may_leave() {
    for ack in [AckPolicy::Durable, AckPolicy::Written, AckPolicy::Memory] {
        let dir = tempfile::tempdir().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let (mut doors, handle) = pipeline_kit::start_with_wake(
            open(dir.path(), ack),
            tiny(ack),
            std::sync::Arc::new(move || {
                // The test may be over already.
                let _ = sender.send(());
            }),
        );
        let mut desk = Desk::new(101);
        for n in 0..200 {
            let seen = doors.watermarks.acknowledged(ack);
            doors.orders.try_push(desk.next(n)).unwrap();
            // A wake-up may come once too often, never once too seldom: a lost one is a timeout here.
            let mut seen = seen;
            let mut engine_seq = u64::MAX;
            while engine_seq > doors.watermarks.acknowledged(ack) || engine_seq == u64::MAX {
                if doors.prepare_sleep(seen, false) {
                    receiver.recv_timeout(Duration::from_secs(5)).unwrap();
                }
                seen = doors.watermarks.acknowledged(ack);
                while let Some(outbound) = doors.outbound.pop() {
                    if let Outbound::Taken {
                        engine_seq: seq, ..
                    } = outbound
                    {
                        engine_seq = seq;
                    }
                }
            }
        }
        handle.shutdown(&mut doors, |_| {}).unwrap();
    }
}

#[test]
fn every_command_of_the_journal_is_what_was_pushed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut doors, handle) = start(
        open(dir.path(), AckPolicy::Written),
        pipeline_kit::usual(AckPolicy::Written),
    );
    let mut desk = Desk::new(101);
    let pushed: Vec<Inbound> = (0..20).map(|n| desk.next(n)).collect();
    for inbound in &pushed {
        doors.orders.try_push(*inbound).unwrap();
    }
    handle.shutdown(&mut doors, |_| {}).unwrap();
    let found: Vec<Command> = pipeline_kit::records(dir.path())
        .into_iter()
        .filter(|(input, _)| input.session_id == 101)
        .map(|(input, _)| input.command)
        .collect();
    let sent: Vec<Command> = pushed.iter().map(|inbound| inbound.command).collect();
    assert_eq!(found, sent);
}
