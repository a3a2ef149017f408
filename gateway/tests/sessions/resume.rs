//! Replies and their watermark; what a session that comes back gets and sends again.

use std::time::Duration;

use crate::support::raw::{Got, Raw};
use crate::support::{Fixture, WAIT, order, reply, until};
use engine::command::Command;
use engine::pipeline::AckPolicy;
use gateway::server::Limits;
use portcullis_client::{Client, ClientError, Event, Options};
use wire::{NewOrder, POSS_DUP, RejectCode, Reply};

use super::accepted;

#[test]
fn an_order_is_answered_with_its_decision_time() {
    let fixture = Fixture::start(Limits::default());
    let mut client = fixture.connect(1);
    assert_eq!(client.send(order(10)).unwrap(), 1);
    let accepted = accepted(&mut client);
    assert_eq!((accepted.seq_no, accepted.cl_ord_id), (1, 10));
    assert_eq!(accepted.flags, 0);
    assert!((1..1_000_000_000).contains(&accepted.decision_nanos));
    assert_eq!(client.unacknowledged(), 0);
}

#[test]
fn a_reply_waits_until_its_record_is_durable() {
    let fixture = Fixture::start(Limits::default());
    let mut client = fixture.connect(1);
    fixture.change(|state| state.hold = true);
    client.send(order(1)).unwrap();
    until("the order is taken", || fixture.script.state().seq == 2);
    assert_eq!(client.recv(Duration::from_millis(100)).unwrap(), None);
    fixture.change(|state| state.durable = state.seq);
    assert_eq!(accepted(&mut client).cl_ord_id, 1);
}

#[test]
fn under_memory_a_reply_does_not_wait() {
    let fixture = Fixture::start_with(Limits::default(), AckPolicy::Memory);
    let mut client = fixture.connect(1);
    fixture.change(|state| state.hold = true);
    client.send(order(1)).unwrap();
    assert_eq!(accepted(&mut client).cl_ord_id, 1);
    assert_eq!(client.last_applied(), 0, "decided is not durable");
}

#[test]
fn a_session_that_comes_back_gets_what_it_missed_once_and_marked() {
    let fixture = Fixture::start(Limits::default());
    let mut first = fixture.connect(1);
    for n in 1..=10 {
        first.send(order(n)).unwrap();
    }
    for n in 1..=4 {
        assert_eq!(accepted(&mut first).seq_no, n);
    }
    let (epoch, next_expected) = (first.epoch(), first.next_expected());
    assert_eq!(next_expected, 5);
    first.terminate().unwrap();
    until("all are decided", || fixture.script.state().durable >= 11);
    drop(first);

    let options = Options {
        epoch,
        next_expected,
        ..Options::default()
    };
    let mut second = fixture.connect_with(1, options);
    assert_eq!(second.logon_ack().replay_count, 6);
    assert_eq!(second.logon_ack().next_seq_no, 11);
    assert_eq!(second.next_seq_no(), 11, "ten are applied");
    for n in 5..=10 {
        let again = accepted(&mut second);
        assert_eq!((again.seq_no, again.flags), (n, POSS_DUP));
        assert_eq!(again.decision_nanos, u32::MAX);
    }
    match second.recv(WAIT).unwrap() {
        Some(Event::ReplayComplete(complete)) => assert_eq!(complete.next_seq_no, 11),
        other => panic!("{other:?}"),
    }
    second.send(order(11)).unwrap();
    assert_eq!(accepted(&mut second).flags, 0);
}

#[test]
fn requests_that_were_not_applied_are_sent_again_under_their_numbers() {
    let fixture = Fixture::start(Limits::default());
    let mut client = fixture.connect(1);
    client.send(order(1)).unwrap();
    assert_eq!(accepted(&mut client).cl_ord_id, 1);
    // The ring is full: these are read, or not even that, and lost with the connection.
    fixture.change(|state| state.full = true);
    for n in 2..=2000 {
        client.send(order(n)).unwrap();
    }
    fixture.stop_reading(&client);
    fixture.change(|state| state.full = false);
    client.reconnect().unwrap();
    for n in 2..=2000 {
        assert_eq!(accepted(&mut client).cl_ord_id, n);
    }
    let state = fixture.script.state();
    let orders: Vec<_> = state
        .journal
        .iter()
        .filter(|(session, ..)| *session == 1)
        .map(|(_, seq_no, _)| *seq_no)
        .collect();
    assert_eq!(orders, (1..=2000).collect::<Vec<_>>());
}

impl Fixture {
    /// Breaks a client's connection.
    fn stop_reading(&self, client: &Client) {
        client.socket().shutdown(std::net::Shutdown::Both).unwrap();
    }
}

#[test]
fn a_consumer_that_never_reads_is_ended_and_its_output_replays() {
    let fixture = Fixture::start(Limits {
        backlog_messages: 1000,
        outbound_log_bytes: 256 << 20,
        ..Limits::default()
    });
    let mut neighbour = fixture.connect(2);
    let deaf = Raw::log_on(&fixture, 1);
    let ended = || {
        fixture.script.state().journal.iter().any(|(_, _, c)| {
            matches!(c, Command::SessionDown(d) if d.session_id == 1
                && d.code == RejectCode::SlowConsumer.number())
        })
    };
    let mut sent = 0_u64;
    while !ended() {
        assert!(sent < 1_000_000, "never ended");
        fixture.change(|state| {
            for _ in 0..2000 {
                state.seq += 1;
                state.send(1, wire::AdminAck::default().into());
            }
            state.durable = state.seq;
        });
        sent += 2000;
        until("the gateway has taken them", || {
            fixture.script.state().outbound.is_empty()
        });
    }
    drop(deaf);
    neighbour.send(order(1)).unwrap();
    assert_eq!(accepted(&mut neighbour).cl_ord_id, 1);
    let options = Options {
        next_expected: 1,
        ..Options::default()
    };
    let mut back = fixture.connect_with(1, options);
    for n in 1..=sent {
        assert_eq!(reply(&mut back).seq_no(), n);
    }
}

#[test]
fn the_oldest_messages_give_way_and_who_asks_for_them_is_told_the_first_there_is() {
    let fixture = Fixture::start(Limits {
        // A frame of 64 bytes and what the log knows about it.
        outbound_log_bytes: 10 * (64 + 24),
        ..Limits::default()
    });
    let mut client = fixture.connect(1);
    for n in 1..=20 {
        client.send(order(n)).unwrap();
        accepted(&mut client);
    }
    drop(client);
    let options = Options {
        next_expected: 1,
        ..Options::default()
    };
    match Client::connect(fixture.address, fixture.credentials(1), options) {
        Err(ClientError::LogonRejected {
            code, next_seq_no, ..
        }) => assert_eq!((code.0, next_seq_no), (RejectCode::SeqTooLow.number(), 11)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gap_is_reported_and_the_message_processed() {
    let fixture = Fixture::start(Limits::default());
    let mut raw = Raw::log_on(&fixture, 1);
    raw.send(&NewOrder {
        seq_no: 3,
        ..order(3)
    });
    match raw.next() {
        Got::Reply(Reply::NotApplied(m)) => assert_eq!((m.from_seq_no, m.count), (1, 2)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(raw.next(), Got::Reply(Reply::OrderAccepted(_))));
}
