//! Sessions over TCP with the Rust client: watermark, replay, resume, take-over, back-pressure, stop.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

mod support;

use std::time::Duration;

use engine::command::Command;
use engine::pipeline::AckPolicy;
use gateway::key_ring::KeyRing;
use gateway::office::Lane;
use gateway::server::{Limits, Reload, ServeError};
use portcullis_client::{Client, ClientError, Code, Credentials, Event, Options, keys};
use support::{Fixture, Got, Raw, WAIT, order, reply, until};
use wire::{
    CancelOrder, LimitKind, LimitMode, NewOrder, POSS_DUP, Query, QueryWhat, RejectCode, Reply,
    Scope, Selector, SetLimit, Unit,
};

fn accepted(client: &mut Client) -> wire::OrderAccepted {
    match reply(client) {
        Reply::OrderAccepted(accepted) => accepted,
        other => panic!("{other:?}"),
    }
}

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
fn a_full_ring_stops_reading_and_loses_nothing() {
    let fixture = Fixture::start(Limits::default());
    let mut client = fixture.connect(1);
    let mut neighbour = fixture.connect(2);
    fixture.change(|state| state.full = true);
    for n in 1..=500 {
        client.send(order(n)).unwrap();
    }
    neighbour.send(order(1)).unwrap();
    // Replies go out although nothing can go in.
    fixture.change(|state| {
        state.seq += 1;
        state.durable = state.seq;
        state.send(
            2,
            wire::RiskEvent {
                event: wire::RiskEventKind::Day,
                severity: wire::Severity::Info,
                ..wire::RiskEvent::default()
            }
            .into(),
        );
    });
    assert!(matches!(reply(&mut neighbour), Reply::RiskEvent(_)));
    fixture.change(|state| state.full = false);
    for n in 1..=500 {
        assert_eq!(accepted(&mut client).cl_ord_id, n);
    }
    assert_eq!(accepted(&mut neighbour).cl_ord_id, 1);
}

#[test]
fn while_the_last_space_is_kept_orders_wait_with_their_client_and_what_cannot_wait_passes() {
    let fixture = Fixture::start(Limits::default());
    let mut flood = fixture.connect(1);
    let mut neighbour = fixture.connect(2);
    let mut risk = fixture.connect(3);
    fixture.change(|state| state.reserved = true);
    for n in 1..=500 {
        flood.send(order(n)).unwrap();
    }
    // A cancel of another desk, a limit and a look of the risk manager.
    neighbour.send(CancelOrder::default()).unwrap();
    risk.request_and_ack(SetLimit {
        scope: Scope::Firm,
        limit_kind: LimitKind::MaxOrderQty,
        selector: Selector::All,
        unit: Unit::Natural,
        mode: LimitMode::Enforced,
        ..SetLimit::default()
    })
    .unwrap();
    let query = Query {
        what: QueryWhat::Limits,
        ..Query::default()
    };
    assert_eq!(risk.query(query).unwrap(), []);
    until("the cancel is journalled", || {
        let journal = &fixture.script.state().journal;
        let is_cancel = |(_, _, command): &_| matches!(command, Command::CancelOrder(_));
        journal.iter().any(is_cancel)
    });
    let is_order = |(_, _, command): &(u32, u64, Command)| matches!(command, Command::NewOrder(_));
    let orders = || {
        fixture
            .script
            .state()
            .journal
            .iter()
            .filter(|c| is_order(c))
            .count()
    };
    assert_eq!(orders(), 0, "not even a refusal takes space");
    fixture.change(|state| state.reserved = false);
    for n in 1..=500 {
        assert_eq!(accepted(&mut flood).cl_ord_id, n);
    }
    assert_eq!(orders(), 500);
}

#[test]
fn a_newcomer_supersedes_a_half_open_connection() {
    let fixture = Fixture::start(Limits::default());
    let mut half_open = Raw::log_on(&fixture, 1);
    let mut client = fixture.connect(1);
    half_open.is_terminated(RejectCode::AlreadyLoggedOn.number());
    client.send(order(1)).unwrap();
    assert_eq!(accepted(&mut client).cl_ord_id, 1);
    let state = fixture.script.state();
    let story: Vec<_> = state
        .journal
        .iter()
        .filter_map(|(_, _, command)| match command {
            Command::SessionUp(_) => Some("up"),
            Command::SessionDown(_) => Some("down"),
            _ => None,
        })
        .collect();
    assert_eq!(story, ["up", "down", "up"]);
}

#[test]
fn the_beginning_and_the_end_of_a_session_travel_with_its_messages() {
    let fixture = Fixture::start(Limits::default());
    for (session_id, lane) in [(1, Lane::Orders), (3, Lane::Control)] {
        let mut client = fixture.connect(session_id);
        client.terminate().unwrap();
        let is_down = |command: &Command| matches!(command, Command::SessionDown(d) if d.session_id == session_id);
        until("the session is down", || {
            let state = fixture.script.state();
            state.journal.iter().any(|(_, _, c)| is_down(c))
        });
        let state = fixture.script.state();
        for ((_, _, command), taken) in state.journal.iter().zip(&state.lanes) {
            if is_down(command)
                || matches!(command, Command::SessionUp(u) if u.session_id == session_id)
            {
                assert_eq!(*taken, lane, "session {session_id}: {command:?}");
            }
        }
    }
}

#[test]
fn a_revoked_key_ends_its_connection_and_opens_no_other_while_a_second_key_goes_on() {
    let fixture = Fixture::start(Limits::default());
    let old = fixture.credentials(1);
    let mut new = old.clone();
    (new.key, new.key_id) = (keys::generate().unwrap(), 2);
    let mut neighbour = fixture.connect(2);
    let reload = |with_old: bool| {
        let mut ring = KeyRing::new();
        if with_old {
            ring.add(1, 1, old.key.verifying_key());
        }
        ring.add(1, 2, new.key.verifying_key());
        ring.add(2, 1, fixture.credentials(2).key.verifying_key());
        Reload {
            keys: ring,
            journal: Vec::new(),
            tls: None,
        }
    };
    let connect = |credentials: &Credentials| {
        Client::connect(fixture.address, credentials.clone(), Options::default())
    };
    assert!(connect(&new).is_err(), "a key that is not in the ring yet");
    fixture.reload.replace(reload(true));
    until("the second key opens", || connect(&new).is_ok());
    let mut client = connect(&old).unwrap();
    fixture.reload.replace(reload(false));
    let credentials = RejectCode::Credentials.number();
    match client.recv(WAIT) {
        Err(ClientError::Terminated { code, .. }) => assert_eq!(code.0, credentials),
        other => panic!("{other:?}"),
    }
    match connect(&old) {
        Err(ClientError::LogonRejected { code, .. }) => assert_eq!(code.0, credentials),
        other => panic!("{other:?}"),
    }
    connect(&new).unwrap();
    neighbour.send(order(1)).unwrap();
    assert_eq!(accepted(&mut neighbour).cl_ord_id, 1);
}

#[test]
fn a_session_fills_its_share_of_the_ring_and_leaves_the_rest_to_others() {
    let fixture = Fixture::start(Limits {
        in_flight: 8,
        ..Limits::default()
    });
    let mut busy = fixture.connect(1);
    let mut quiet = fixture.connect(2);
    fixture.change(|state| state.idle = true);
    for n in 1..=100 {
        busy.queue(order(n));
    }
    busy.flush().unwrap();
    until("its share is in the ring", || {
        fixture.script.state().ring_of(1) == 8
    });
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(fixture.script.state().ring_of(1), 8);
    quiet.send(order(1)).unwrap();
    until("the other is in the ring", || {
        fixture.script.state().ring_of(2) == 1
    });
    fixture.change(|state| state.idle = false);
    for n in 1..=100 {
        assert_eq!(accepted(&mut busy).cl_ord_id, n);
    }
    assert_eq!(accepted(&mut quiet).cl_ord_id, 1);
}

#[test]
fn a_session_that_flaps_is_asked_to_wait() {
    let fixture = Fixture::start(Limits::default());
    // From several threads, so that even a slow machine does it often enough within a second.
    let flap = || {
        let mut kept = Vec::new();
        for _ in 0..12 {
            match Client::connect(fixture.address, fixture.credentials(1), Options::default()) {
                Ok(client) => kept.push(client),
                Err(error @ ClientError::LogonRejected { .. }) => return Some(error),
                // Taken over in the middle of its logon.
                Err(_) => {}
            }
        }
        None
    };
    let refused = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(flap)).collect();
        threads.into_iter().find_map(|t| t.join().unwrap())
    });
    match refused {
        Some(ClientError::LogonRejected {
            code, retry_after, ..
        }) => {
            assert_eq!(code, Code(RejectCode::AlreadyLoggedOn.number()));
            assert_eq!(retry_after, Duration::from_secs(1));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_logon_answer_waits_for_what_an_older_connection_sent() {
    let fixture = Fixture::start(Limits::default());
    let mut older = fixture.connect(1);
    fixture.change(|state| state.hold = true);
    older.send(order(1)).unwrap();
    until("the order is taken", || fixture.script.state().seq == 2);
    let (address, credentials) = (fixture.address, fixture.credentials(1));
    let newcomer = std::thread::spawn(move || {
        Client::connect(address, credentials, Options::default()).unwrap()
    });
    std::thread::sleep(Duration::from_millis(100));
    assert!(!newcomer.is_finished());
    fixture.change(|state| {
        state.hold = false;
        state.durable = state.seq;
    });
    assert_eq!(newcomer.join().unwrap().next_seq_no(), 2);
}

#[test]
fn a_session_over_its_rate_is_refused_in_sequence_and_then_ended() {
    let fixture = Fixture::start(Limits {
        max_msg_per_sec: 50,
        ..Limits::default()
    });
    let mut client = fixture.connect(1);
    assert_eq!(client.logon_ack().max_msg_per_sec, 50);
    for n in 1..=60 {
        client.queue(order(n));
    }
    client.flush().unwrap();
    let mut refused = 0;
    for _ in 1..=60 {
        match reply(&mut client) {
            Reply::OrderAccepted(_) => {}
            Reply::BusinessReject(m) => {
                assert_eq!(m.code, RejectCode::Throttled.number());
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((5..=10).contains(&refused), "{refused}");
    for n in 61..=400 {
        client.queue(order(n));
    }
    client.flush().unwrap();
    let error = loop {
        if let Err(error) = client.recv(WAIT) {
            break error;
        }
    };
    assert!(
        matches!(error, ClientError::Terminated { code, .. } if code.0 == RejectCode::Throttled.number()),
        "{error}"
    );
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
fn a_client_of_an_older_epoch_is_told_to_reconcile() {
    let fixture = Fixture::start(Limits::default());
    let options = Options {
        epoch: support::EPOCH + 1,
        ..Options::default()
    };
    let refused = Client::connect(fixture.address, fixture.credentials(1), options);
    assert!(
        matches!(
            refused,
            Err(ClientError::WrongEpoch {
                ours: 8,
                server: 7,
                next_seq_no: 1
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_pinned_instance_that_differs_is_never_sent_a_signature() {
    let fixture = Fixture::start(Limits::default());
    let mut credentials = fixture.credentials(1);
    credentials.expected_instance = Some("another".to_owned());
    let refused = Client::connect(fixture.address, credentials, Options::default());
    assert!(matches!(refused, Err(ClientError::Instance { .. })));
}

#[test]
fn heartbeats_keep_an_idle_session_and_restate_the_durable_watermark() {
    let fixture = Fixture::start_with(Limits::default(), AckPolicy::Memory);
    let options = Options {
        keep_alive: Duration::from_millis(60),
        ..Options::default()
    };
    let mut client = fixture.connect_with(1, options);
    client.send(order(1)).unwrap();
    accepted(&mut client);
    let mut beats = 0;
    let until = std::time::Instant::now() + Duration::from_millis(600);
    while std::time::Instant::now() < until {
        if let Some(Event::Heartbeat(beat)) = client.recv(Duration::from_millis(50)).unwrap() {
            beats += 1;
            assert_eq!((beat.last_applied_seq_no, beat.next_seq_no), (1, 2));
        }
    }
    assert!(beats >= 5, "{beats}");
    assert_eq!(client.last_applied(), 1);
}

#[test]
fn helpers_ask_and_have_the_answer() {
    let fixture = Fixture::start(Limits::default());
    let mut risk = fixture.connect(3);
    let ack = risk
        .request_and_ack(SetLimit {
            scope: Scope::Firm,
            limit_kind: LimitKind::MaxOrderQty,
            selector: Selector::All,
            unit: Unit::Natural,
            mode: LimitMode::Enforced,
            ..SetLimit::default()
        })
        .unwrap();
    assert_eq!((ack.code, ack.new_version), (0, 1));
    let query = Query {
        what: QueryWhat::Limits,
        ..Query::default()
    };
    assert_eq!(risk.query(query).unwrap(), []);
    let flagged = SetLimit {
        flags: wire::WHAT_IF,
        scope: Scope::Firm,
        limit_kind: LimitKind::MaxOrderQty,
        selector: Selector::All,
        unit: Unit::Natural,
        mode: LimitMode::Enforced,
        ..SetLimit::default()
    };
    let refused = risk.request_and_ack(flagged);
    assert!(
        matches!(refused, Err(ClientError::Rejected(m)) if m.code == RejectCode::UnsupportedFlag.number())
    );
}

#[test]
fn a_journal_that_fails_ends_every_session_and_the_server() {
    let mut fixture = Fixture::start(Limits::default());
    let mut client = fixture.connect(1);
    fixture.change(|state| state.hold = true);
    client.send(order(1)).unwrap();
    until("the order is taken", || fixture.script.state().seq == 2);
    fixture.change(|state| {
        state.durable = 1;
        state.failure = Some("disk".to_owned());
    });
    match client.recv(WAIT) {
        Err(ClientError::Terminated {
            code,
            last_applied_seq_no,
            ..
        }) => assert_eq!(
            (code.0, last_applied_seq_no),
            (RejectCode::Busy.number(), 0)
        ),
        other => panic!("{other:?}"),
    }
    assert!(matches!(fixture.finish(), Err(ServeError::Journal(text)) if text == "disk"));
}

#[test]
fn a_stop_answers_what_is_under_way_and_says_goodbye() {
    let mut fixture = Fixture::start(Limits::default());
    let mut client = fixture.connect(1);
    client.send(order(1)).unwrap();
    until("the order is taken", || fixture.script.state().seq == 2);
    fixture.stop.stop();
    assert_eq!(accepted(&mut client).cl_ord_id, 1);
    match client.recv(WAIT) {
        Err(ClientError::Terminated {
            code,
            last_applied_seq_no,
            ..
        }) => assert_eq!((code.0, last_applied_seq_no), (0, 1)),
        other => panic!("{other:?}"),
    }
    fixture.finish().unwrap();
    // The session did not end: the next start begins its grace.
    let state = fixture.script.state();
    let downs = state
        .journal
        .iter()
        .filter(|(_, _, command)| matches!(command, Command::SessionDown(_)));
    assert_eq!(downs.count(), 0);
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

#[test]
fn many_sessions_come_and_go_without_losing_a_slot() {
    let fixture = Fixture::start(Limits::default());
    for n in 1..=50 {
        let mut client = fixture.connect(1 + u32::try_from(n % 3).unwrap());
        client.send(order(n)).unwrap();
        assert_eq!(accepted(&mut client).cl_ord_id, n);
        client.terminate().unwrap();
        while client.recv(WAIT).is_ok() {}
    }
}
