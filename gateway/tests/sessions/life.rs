//! Keys, epochs, heartbeats; the end of a session and of the server.

use std::time::Duration;

use crate::support::{Fixture, WAIT, order, until};
use engine::command::Command;
use engine::pipeline::AckPolicy;
use gateway::key_ring::KeyRing;
use gateway::server::{Limits, Reload, ServeError};
use portcullis_client::{Client, ClientError, Credentials, Event, Options, keys};
use wire::{LimitKind, LimitMode, Query, QueryWhat, RejectCode, Scope, Selector, SetLimit, Unit};

use super::accepted;

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
fn a_client_of_an_older_epoch_is_told_to_reconcile() {
    let fixture = Fixture::start(Limits::default());
    let options = Options {
        epoch: crate::support::EPOCH + 1,
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
