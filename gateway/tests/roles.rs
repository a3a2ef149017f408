//! The matrix of roles and messages, cell by cell, over TCP: the golden frame of every request, sent by
//! every role, passes or is refused by `RoleDenied` in sequence.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::command::{Command, DefineFirm, DefineSession};
use engine::pipeline::{self, AckPolicy};
use engine::recover::{self, OpenOptions};
use gateway::clock::{Clock, RealClock};
use gateway::server::{Server, ServerConfig};
use portcullis_client::{Client, Credentials, Event, Options, SigningKey, keys};
use wire::{Flag, RejectCode, Reply, Request, Role, Text, Topology, codec};

const GOLDEN: &str = include_str!("../../engine/wire/golden/frames.txt");

/// Sessions: name, id, role, topology.
const SESSIONS: [(&str, u32, Role, Topology); 6] = [
    ("inline desk", 1, Role::Desk, Topology::Inline),
    ("sidecar desk", 2, Role::Desk, Topology::Sidecar),
    ("venue", 3, Role::Venue, Topology::Inline),
    ("risk", 4, Role::Risk, Topology::Inline),
    ("ops", 5, Role::Ops, Topology::Inline),
    ("audit", 6, Role::Audit, Topology::Inline),
];

/// Who may send what: the table of docs/protocol.md, §4.
const MAY: &[(&str, &[&str])] = &[
    ("NewOrder", &["inline desk", "sidecar desk"]),
    ("ReplaceOrder", &["inline desk", "sidecar desk"]),
    ("CancelOrder", &["inline desk", "sidecar desk"]),
    ("MassCancel", &["inline desk", "sidecar desk"]),
    ("MmpReset", &["inline desk", "sidecar desk"]),
    ("VenueReport", &["sidecar desk", "venue"]),
    ("SetLimit", &["risk"]),
    ("SetState", &["risk"]),
    ("SetReference", &["risk"]),
    ("SetMark", &["risk"]),
    ("SetFx", &["risk"]),
    ("Permit", &["risk"]),
    ("SetTwoPerson", &["risk"]),
    ("Propose", &["risk", "ops"]),
    ("Approve", &["risk", "ops"]),
    ("DefineInstrument", &["ops"]),
    ("DefineAccount", &["ops"]),
    ("PositionLoad", &["ops"]),
    ("DayOpen", &["ops"]),
    ("DayRoll", &["ops"]),
    ("Reconcile", &["ops"]),
    ("Adjust", &["ops"]),
    ("LocateLoad", &["ops"]),
    ("CashLoad", &["ops"]),
    ("AdvanceTime", &["ops"]),
    (
        "Query",
        &["inline desk", "sidecar desk", "risk", "ops", "audit"],
    ),
];

/// The typical instance of every request in the golden frames.
fn requests() -> BTreeMap<String, Request> {
    let mut out = BTreeMap::new();
    let mut name = "";
    for line in GOLDEN.lines() {
        if let Some(message) = line.strip_suffix(" typical") {
            name = message;
        } else if line.is_empty() {
            name = "";
        } else if let Some(hex) = line.trim().strip_prefix("frame = ")
            && !name.is_empty()
        {
            let bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            let frame = codec::split_frame(&bytes).unwrap().unwrap();
            if let Some(request) = Request::decode_block(frame.template_id, frame.block) {
                out.insert(name.to_owned(), request.unwrap());
            }
        }
    }
    out
}

fn genesis(keys: &BTreeMap<u32, SigningKey>) -> Vec<Command> {
    let firm = DefineFirm {
        instance: Text::new("TEST"),
        name: Text::new("Test firm"),
        base_currency: Text::new("EUR"),
        accounts: 16,
        instruments: 16,
        orders: 1024,
        rows: 256,
        executions: 1024,
        limits: 256,
        sessions: 16,
        two_person: Flag::No,
        ..DefineFirm::default()
    };
    let mut out = vec![Command::DefineFirm(firm)];
    for (name, session_id, role, topology) in SESSIONS {
        out.push(Command::DefineSession(DefineSession {
            session_id,
            key_id: 1,
            public_key: Text::new(&keys::public_hex(&keys[&session_id])),
            name: Text::new(name),
            role,
            topology: if role == Role::Desk {
                topology
            } else {
                Topology::NULL
            },
            venue_id: u16::from(role == Role::Venue),
            ..DefineSession::default()
        }));
    }
    out
}

/// Whether a request is refused for its sender's role. What else is said about it does not matter; it
/// is all said before the answer to a second request that the role may not send.
fn is_denied(client: &mut Client, request: Request, forbidden: Request) -> bool {
    let mut request = request;
    request.set_seq_no(0, 0);
    let asked = client.queue(request);
    let fence = client.send(forbidden).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut denied = false;
    while Instant::now() < deadline {
        if let Some(Event::Reply(Reply::BusinessReject(m))) =
            client.recv(Duration::from_millis(100)).unwrap()
            && m.code == RejectCode::RoleDenied.number()
        {
            denied |= m.ref_seq_no == asked;
            if m.ref_seq_no == fence {
                return denied;
            }
        }
    }
    panic!("no answer");
}

fn connect(address: SocketAddr, session_id: u32, role: Role, key: &SigningKey) -> Client {
    let credentials = Credentials {
        session_id,
        role,
        key: key.clone(),
        key_id: 1,
        expected_instance: Some("TEST".to_owned()),
    };
    Client::connect(address, credentials, Options::default()).unwrap()
}

#[test]
fn every_role_may_send_exactly_what_the_table_says() {
    let requests = requests();
    let known: Vec<&str> = requests.keys().map(String::as_str).collect();
    let mut listed: Vec<&str> = MAY.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(known, listed, "every request has its row");

    let dir = tempfile::tempdir().unwrap();
    let keys: BTreeMap<u32, SigningKey> = SESSIONS
        .iter()
        .map(|(_, id, ..)| (*id, keys::generate().unwrap()))
        .collect();
    let ack = AckPolicy::Memory;
    let mut options = OpenOptions::new(genesis(&keys), ack, "test-1", RealClock::start().now());
    options.segment_bytes = 4 << 20;
    let server = Server::start(
        ServerConfig::new("127.0.0.1:0".parse().unwrap(), ack),
        pipeline::Options::new(ack),
        recover::open(dir.path(), &options).unwrap(),
        Arc::new(RealClock::start()),
    )
    .unwrap();
    let (address, stop) = (server.address(), server.stop_handle());
    let thread = std::thread::spawn(move || server.run());

    let mut wrong = Vec::new();
    for (who, session_id, role, _) in SESSIONS {
        let mut client = connect(address, session_id, role, &keys[&session_id]);
        let forbidden = match role {
            Role::Risk => requests["NewOrder"],
            _ => requests["SetLimit"],
        };
        for (name, may) in MAY {
            let denied = is_denied(&mut client, requests[*name], forbidden);
            if denied == may.contains(&who) {
                wrong.push(format!("{who} {name}: denied {denied}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    stop.stop();
    thread.join().unwrap().unwrap();
}
