//! The gateway with the real pipeline and a real journal behind it.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

mod firm;

use std::path::Path;

use engine::clerk::{Duties, Retention};
use engine::command::{Command, Sequenced};
use engine::decision::Decision;
use engine::journal::{Reader, RealFiles, SegmentId};
use engine::pipeline::{AckPolicy, Shape};
use engine::record::decode_record;
use gateway::server::Limits;
use portcullis_client::{Client, ClientError, Event, Options};
use wire::{Flag, POSS_DUP, Query, QueryWhat, RejectCode, Reply};

use firm::{Firm, WAIT, order, refused};

#[test]
fn orders_are_answered_through_the_whole_pipeline_under_every_policy() {
    let policies = [AckPolicy::Durable, AckPolicy::Written, AckPolicy::Memory];
    for (ack, shape) in policies
        .into_iter()
        .flat_map(|ack| [(ack, Shape::Pipelined), (ack, Shape::Fused)])
    {
        let firm = Firm {
            shape,
            ..Firm::new(ack)
        };
        let serving = firm.serve();
        let mut client = firm.connect(serving.address, 1, Options::default());
        for n in 1..=2000 {
            client.queue(order(n));
        }
        client.flush().unwrap();
        for n in 1..=2000 {
            assert_eq!(refused(&mut client).unwrap(), n);
        }
        let stopped = serving.finish();
        assert_eq!(stopped.dropped, 0, "{ack:?} {shape:?}");
    }
}

#[test]
fn a_query_is_answered_from_durable_state() {
    let firm = Firm::new(AckPolicy::Durable);
    let serving = firm.serve();
    let mut risk = firm.connect(serving.address, 2, Options::default());
    let query = Query {
        what: QueryWhat::Sessions,
        ..Query::default()
    };
    let reports = risk.query(query).unwrap();
    let sessions: Vec<_> = reports
        .iter()
        .map(|report| match report {
            Reply::SessionReport(m) => (m.session_id, m.up),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sessions, [(1, Flag::No), (2, Flag::Yes)]);
    serving.finish();
}

#[test]
fn a_session_survives_a_clean_restart_and_replays_from_the_journal() {
    let firm = Firm::new(AckPolicy::Durable);
    let serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    for n in 1..=100 {
        client.send(order(n)).unwrap();
    }
    for n in 1..=40 {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    serving.finish();
    let serving = firm.serve();
    client.set_address(serving.address);
    client.reconnect().unwrap();
    assert_eq!(client.last_applied(), 100);
    for n in 41..=100 {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    client.send(order(101)).unwrap();
    assert_eq!(refused(&mut client).unwrap(), 101);
    serving.finish();
}

/// A firm whose sessions keep some twenty messages in memory.
fn forgetful() -> Firm {
    Firm {
        limits: Limits {
            outbound_log_bytes: 20 * 128,
            ..Limits::default()
        },
        ..Firm::new(AckPolicy::Durable)
    }
}

/// Everything from a number up to ReplayComplete: `(seqNo, clOrdId, flags)`.
fn replayed(client: &mut Client, from: u64) -> Vec<(u64, u64, u32)> {
    let mut out = Vec::new();
    loop {
        match client.recv(WAIT).unwrap() {
            Some(Event::Reply(Reply::OrderRejected(m))) => {
                out.push((m.seq_no, m.cl_ord_id, m.flags));
            }
            Some(Event::ReplayComplete(m)) => {
                assert_eq!(m.next_seq_no, out.last().map_or(from, |last| last.0 + 1));
                return out;
            }
            Some(Event::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_no_longer_in_memory_is_read_back_from_the_journal_also_after_a_restart() {
    const SENT: u64 = 3000;
    let firm = forgetful();
    let mut serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    for n in 1..=SENT {
        client.queue(order(n));
    }
    client.flush().unwrap();
    for n in 1..=SENT {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    drop(client);
    for from in [1, 2, 1500, SENT - 30, SENT + 1] {
        let options = Options {
            next_expected: from,
            ..Options::default()
        };
        let mut client = firm.connect(serving.address, 1, options);
        assert_eq!(client.logon_ack().replay_count, SENT + 1 - from);
        let expected: Vec<_> = (from..=SENT).map(|n| (n, n, POSS_DUP)).collect();
        assert_eq!(replayed(&mut client, from), expected, "from {from}");
        if from == 1500 {
            serving.finish();
            serving = firm.serve();
        }
    }
    serving.finish();
}

#[test]
fn who_asks_for_what_has_been_removed_is_told_the_first_number_there_is_and_gets_all_from_it_on() {
    let firm = Firm {
        duties: Duties {
            snapshot_every: 200,
            retention: Retention {
                keep_bytes: Some(128 << 10),
                keep_ns: None,
            },
            ..Duties::default()
        },
        segment_bytes: 64 << 10,
        ..forgetful()
    };
    let mut serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    let first_segment = firm.dir.path().join(SegmentId::FIRST.file_name());
    let mut sent = 0;
    while first_segment.exists() {
        assert!(sent < 1_000_000, "nothing is ever removed");
        for _ in 0..100 {
            sent += 1;
            client.queue(order(sent));
        }
        client.flush().unwrap();
        for n in sent - 99..=sent {
            assert_eq!(refused(&mut client).unwrap(), n);
        }
    }
    client.terminate().unwrap();
    let from = |next_expected| Options {
        next_expected,
        ..Options::default()
    };
    for round in 0..2 {
        let too_low = |from| match firm.try_connect(serving.address, 1, from) {
            Err(ClientError::LogonRejected {
                code, next_seq_no, ..
            }) => {
                assert_eq!(code.0, RejectCode::SeqTooLow.number());
                next_seq_no
            }
            other => panic!("{:?}", other.map(drop)),
        };
        // What the clerk has still to remove behind the orders may go between two questions: then all anew.
        let (first, mut client) = (0..100)
            .find_map(|_| {
                let first = too_low(from(1));
                let again = too_low(from(first - 1));
                let client = firm.try_connect(serving.address, 1, from(first));
                (again == first).then_some(first).zip(client.ok())
            })
            .unwrap();
        println!("{sent} sent, from {first} on they can be told again");
        assert!((2..sent - 20).contains(&first), "{first} of {sent}");
        let expected: Vec<_> = (first..=sent).map(|n| (n, n, POSS_DUP)).collect();
        assert_eq!(replayed(&mut client, first), expected);
        client.terminate().unwrap();
        if round == 0 {
            serving.finish();
            serving = firm.serve();
        }
    }
    serving.finish();
}

#[test]
fn a_session_may_trade_on_while_its_past_is_read_back() {
    const SENT: u64 = 2000;
    let firm = forgetful();
    let serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    for n in 1..=SENT {
        client.queue(order(n));
    }
    client.flush().unwrap();
    for n in 1..=SENT {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    drop(client);
    let options = Options {
        next_expected: 1,
        ..Options::default()
    };
    let mut client = firm.connect(serving.address, 1, options);
    for n in SENT + 1..=2 * SENT {
        client.queue(order(n));
    }
    client.flush().unwrap();
    let expected: Vec<_> = (1..=SENT).map(|n| (n, n, POSS_DUP)).collect();
    assert_eq!(replayed(&mut client, 1), expected);
    for n in SENT + 1..=2 * SENT {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    serving.finish();
}

#[test]
fn the_end_of_a_session_never_overtakes_its_last_orders() {
    let firm = Firm::new(AckPolicy::Memory);
    let serving = firm.serve();
    let mut sent = 0;
    for _ in 0..20 {
        let mut client = firm.connect(serving.address, 1, Options::default());
        assert_eq!(
            client.last_applied(),
            sent,
            "all were applied before the new logon"
        );
        for _ in 0..400 {
            sent += 1;
            client.queue(order(sent));
        }
        client.flush().unwrap();
        // An orderly end: everything that was sent is read before it.
        client.terminate().unwrap();
        while client.recv(WAIT).is_ok() {}
    }
    serving.finish();
    let mut up = false;
    let mut orders = 0;
    for (input, _) in records(firm.dir.path()) {
        match input.command {
            Command::SessionUp(m) if m.session_id == 1 => up = true,
            Command::SessionDown(m) if m.session_id == 1 => up = false,
            _ if input.session_id == 1 => {
                assert!(up, "order {} stands outside its session", input.in_seq_no);
                orders += 1;
            }
            _ => {}
        }
    }
    assert_eq!(orders, sent);
}

/// Everything that a stopped journal holds.
fn records(dir: &Path) -> Vec<(Sequenced, Decision)> {
    let mut reader = Reader::open(RealFiles::new(dir), SegmentId::FIRST).unwrap();
    let mut records = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        records.extend(frame.records().map(|r| decode_record(r.bytes).unwrap()));
    }
    records
}

#[test]
fn a_killed_server_comes_back_and_every_order_has_exactly_one_answer() {
    for shape in [Shape::Pipelined, Shape::Fused] {
        kill_and_resume(&Firm {
            shape,
            ..Firm::new(AckPolicy::Durable)
        });
    }
}

fn kill_and_resume(firm: &Firm) {
    let (mortal, pipeline) = firm.serve_mortal();
    let mut client = firm.connect(mortal.address, 1, Options::default());
    for n in 1..=5000 {
        client.queue(order(n));
    }
    client.flush().unwrap();
    let mut answered = Vec::new();
    for _ in 0..500 {
        answered.push(refused(&mut client).unwrap());
    }
    pipeline.kill();
    mortal.stop.stop();
    // Whatever the dying gateway says, nothing more is made durable.
    drop(mortal.thread.join().unwrap());
    while let Ok(n) = refused(&mut client) {
        answered.push(n);
    }
    let serving = firm.serve();
    client.set_address(serving.address);
    client.reconnect().unwrap();
    while answered.len() < 5000 {
        answered.push(refused(&mut client).unwrap());
    }
    assert_eq!(answered, (1..=5000).collect::<Vec<_>>());
    serving.finish();
}
