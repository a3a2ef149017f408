//! Several connections and sessions: take-over, shares, rates, back-pressure.

use std::time::Duration;

use crate::support::raw::Raw;
use crate::support::{Fixture, WAIT, order, reply, until};
use engine::command::Command;
use gateway::office::Lane;
use gateway::server::Limits;
use portcullis_client::{Client, ClientError, Code, Options};
use wire::{
    CancelOrder, LimitKind, LimitMode, Query, QueryWhat, RejectCode, Reply, Scope, Selector,
    SetLimit, Unit,
};

use super::accepted;

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
