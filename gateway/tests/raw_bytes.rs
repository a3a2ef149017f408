//! Peers that misbehave, in raw bytes over TCP: each gets its defined answer, and others never notice.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

mod support;

use std::time::{Duration, Instant};

use engine::command::Command;
use gateway::server::Limits;
use portcullis_client::{Options, keys, signed_logon};
use support::raw::{Got, Raw};
use support::{Fixture, WAIT, order, reply, until};
use wire::codec::{self, MAX_FRAME};
use wire::{Logon, LogonReject, NewOrder, RejectCode, Reply, Role, SessionMessage, Side};

fn rejected(raw: &mut Raw) -> LogonReject {
    match raw.next() {
        Got::Session(SessionMessage::LogonReject(reject)) => {
            assert_eq!(raw.next(), Got::Closed);
            reject
        }
        other => panic!("expected LogonReject, got {other:?}"),
    }
}

fn logon(fixture: &Fixture, raw: &Raw, change: impl FnOnce(&mut Options)) -> Logon {
    let mut options = Options::default();
    change(&mut options);
    let (epoch, next) = (options.epoch, options.next_expected);
    signed_logon(&raw.hello, &fixture.credentials(1), &options, epoch, next)
}

/// Logs on with a changed logon and says why it was refused.
fn refusal(fixture: &Fixture, change: impl FnOnce(&Raw, &mut Logon)) -> LogonReject {
    let mut raw = Raw::connect(fixture.address);
    let mut logon = logon(fixture, &raw, |_| {});
    change(&raw, &mut logon);
    raw.send(&logon);
    rejected(&mut raw)
}

#[test]
fn a_bad_signature_is_refused_and_journalled() {
    let fixture = Fixture::start(Limits::default());
    let reject = refusal(&fixture, |_, logon| logon.keep_alive_ms += 1);
    assert_eq!(reject.code, RejectCode::Credentials.number());
    assert_eq!(reject.session_id, 1);
    let journal = &fixture.script.state().journal;
    let refused = journal.iter().any(|(session, _, command)| {
        *session == 0
            && matches!(command, Command::LogonRefused(r)
                if r.code == RejectCode::Credentials.number() && r.peer.as_str() == "127.0.0.1")
    });
    assert!(refused, "{journal:?}");
}

#[test]
fn each_wrong_logon_is_refused_by_its_own_code() {
    let fixture = Fixture::start(Limits::default());
    let code = |change: &dyn Fn(&Raw, &mut Logon)| refusal(&fixture, change).code;
    let resign = |raw: &Raw, logon: &mut Logon, change: &dyn Fn(&mut Options), role| {
        let mut options = Options::default();
        change(&mut options);
        let (epoch, next) = (options.epoch, options.next_expected);
        let mut credentials = fixture.credentials(1);
        credentials.role = role;
        *logon = signed_logon(&raw.hello, &credentials, &options, epoch, next);
    };
    assert_eq!(
        code(&|_, l| l.session_id = 99),
        RejectCode::UnknownSession.number()
    );
    assert_eq!(code(&|_, l| l.key_id = 2), RejectCode::Credentials.number());
    assert_eq!(
        code(&|raw, l| {
            let mut thief = fixture.credentials(1);
            thief.key = keys::generate().unwrap();
            *l = signed_logon(&raw.hello, &thief, &Options::default(), 0, 0);
        }),
        RejectCode::Credentials.number()
    );
    assert_eq!(
        code(&|raw, l| resign(raw, l, &|_| {}, Role::Risk)),
        RejectCode::RoleDenied.number()
    );
    let slow = |o: &mut Options| o.keep_alive = Duration::from_secs(3600);
    assert_eq!(
        code(&|raw, l| resign(raw, l, &slow, Role::Desk)),
        RejectCode::KeepAliveRange.number()
    );
    let old = |o: &mut Options| o.epoch = support::EPOCH - 1;
    assert_eq!(
        code(&|raw, l| resign(raw, l, &old, Role::Desk)),
        RejectCode::WrongEpoch.number()
    );
    let ahead = |o: &mut Options| o.next_expected = 2;
    let reject = refusal(&fixture, |raw, l| resign(raw, l, &ahead, Role::Desk));
    assert_eq!(
        (reject.code, reject.next_seq_no, reject.epoch),
        (RejectCode::SeqTooHigh.number(), 1, support::EPOCH)
    );
}

#[test]
fn refused_logons_are_journalled_at_a_capped_rate() {
    let fixture = Fixture::start(Limits {
        refused_logons_per_sec: 3,
        ..Limits::default()
    });
    let started = Instant::now();
    for _ in 0..20 {
        refusal(&fixture, |_, logon| logon.session_id = 99);
    }
    let journal = fixture.script.state().journal.len();
    let most = 3 + usize::try_from(started.elapsed().as_millis() / 333).unwrap() + 1;
    assert!((3..=most).contains(&journal), "{journal} of at most {most}");
}

#[test]
fn a_peer_that_does_not_log_on_is_shown_the_door() {
    let fixture = Fixture::start(Limits {
        handshake: Duration::from_millis(100),
        ..Limits::default()
    });
    let mut raw = Raw::connect(fixture.address);
    raw.is_terminated(RejectCode::Disconnected.number());
    // A slow writer gains no time.
    let mut raw = Raw::connect(fixture.address);
    let started = Instant::now();
    raw.write(&[64]);
    raw.is_terminated(RejectCode::Disconnected.number());
    assert!(started.elapsed() < WAIT);
}

#[test]
fn unauthenticated_connections_are_capped_by_address() {
    let fixture = Fixture::start(Limits {
        unauthenticated_per_address: 2,
        ..Limits::default()
    });
    let waiting = [Raw::connect(fixture.address), Raw::connect(fixture.address)];
    let mut third = std::net::TcpStream::connect(fixture.address).unwrap();
    let mut byte = [0];
    assert_eq!(std::io::Read::read(&mut third, &mut byte).unwrap_or(0), 0);
    drop(waiting);
    // Room again; and those who are logged on do not count.
    until("a session logs on", || {
        portcullis_client::Client::connect(
            fixture.address,
            fixture.credentials(1),
            Options::default(),
        )
        .is_ok()
    });
}

#[test]
fn bytes_that_are_no_frames_end_the_connection() {
    let fixture = Fixture::start(Limits::default());
    let mut neighbour = fixture.connect(2);
    let good = {
        let mut bytes = [0; MAX_FRAME];
        let len = codec::encode_frame(&order(1), &mut bytes);
        bytes[..len].to_vec()
    };
    let spoil = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    for bytes in [
        spoil(0, 3),    // a length below the header
        spoil(1, 0xff), // a length above the largest frame
        spoil(0, 72),   // a length that the block does not fill
        spoil(2, 0),    // not the marker
        spoil(8, 0),    // another schema
    ] {
        let mut raw = Raw::log_on(&fixture, 1);
        raw.write(&bytes);
        raw.is_terminated(RejectCode::MalformedField.number());
    }
    neighbour.send(order(1)).unwrap();
    assert!(matches!(reply(&mut neighbour), Reply::OrderAccepted(_)));
}

#[test]
fn a_truncated_frame_waits_for_its_rest_and_disturbs_nobody() {
    let fixture = Fixture::start(Limits::default());
    let mut neighbour = fixture.connect(2);
    let mut raw = Raw::log_on(&fixture, 1);
    let mut bytes = [0; MAX_FRAME];
    let len = codec::encode_frame(
        &NewOrder {
            seq_no: 1,
            ..order(1)
        },
        &mut bytes,
    );
    raw.write(&bytes[..len - 1]);
    neighbour.send(order(1)).unwrap();
    assert!(matches!(reply(&mut neighbour), Reply::OrderAccepted(_)));
    raw.write(&bytes[len - 1..len]);
    assert!(matches!(raw.next(), Got::Reply(Reply::OrderAccepted(_))));
}

#[test]
fn contents_that_are_not_as_the_schema_says_are_refused_in_their_place() {
    let fixture = Fixture::start(Limits::default());
    let mut raw = Raw::log_on(&fixture, 1);
    let numbered = |seq_no| NewOrder {
        seq_no,
        ..order(seq_no)
    };
    raw.send(&numbered(1));
    raw.send(&NewOrder {
        side: Side(9),
        ..numbered(2)
    });
    let mut unknown = [0; MAX_FRAME];
    let len = codec::write_frame(177, &mut unknown, |block| {
        block[..20].fill(0);
        block[4] = 3;
        20
    });
    raw.write(&unknown[..len]);
    raw.send(&NewOrder {
        flags: 8,
        ..numbered(4)
    });
    raw.send(&numbered(5));
    let mut answers = Vec::new();
    for seq_no in 1..=5 {
        match raw.next() {
            Got::Reply(Reply::OrderAccepted(m)) => {
                assert_eq!((m.seq_no, m.cl_ord_id), (seq_no, seq_no));
                answers.push(0);
            }
            Got::Reply(Reply::BusinessReject(m)) => {
                assert_eq!((m.seq_no, m.ref_seq_no), (seq_no, seq_no));
                answers.push(m.code);
            }
            other => panic!("{other:?}"),
        }
    }
    let codes = [
        RejectCode::MalformedField,
        RejectCode::UnknownTemplate,
        RejectCode::UnsupportedFlag,
    ]
    .map(RejectCode::number);
    assert_eq!(answers, [0, codes[0], codes[1], codes[2], 0]);
    let journal = &fixture.script.state().journal;
    let numbers: Vec<_> = journal
        .iter()
        .filter(|(session, ..)| *session == 1)
        .map(|(_, seq_no, _)| *seq_no)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "one record a number");
}

#[test]
fn a_message_without_a_number_ends_the_connection() {
    let fixture = Fixture::start(Limits::default());
    let mut raw = Raw::log_on(&fixture, 1);
    raw.send(&order(1));
    raw.is_terminated(RejectCode::MalformedField.number());
}

#[test]
fn an_order_before_the_logon_ends_the_connection() {
    let fixture = Fixture::start(Limits::default());
    let mut raw = Raw::connect(fixture.address);
    raw.send(&order(1));
    raw.is_terminated(RejectCode::UnknownTemplate.number());
    assert!(fixture.script.state().journal.is_empty());
}

#[test]
fn one_byte_at_a_time_is_as_good_as_all_at_once() {
    let fixture = Fixture::start(Limits::default());
    let mut raw = Raw::connect(fixture.address);
    let logon = logon(&fixture, &raw, |_| {});
    let mut bytes = [0; MAX_FRAME];
    let len = codec::encode_frame(&logon, &mut bytes);
    for byte in &bytes[..len] {
        raw.write(&[*byte]);
    }
    assert!(matches!(
        raw.next(),
        Got::Session(SessionMessage::LogonAck(_))
    ));
}

#[test]
fn a_silent_peer_is_asked_and_then_ended() {
    let fixture = Fixture::start(Limits::default());
    let mut raw = Raw::connect(fixture.address);
    let logon = logon(&fixture, &raw, |o| o.keep_alive = Duration::from_millis(60));
    raw.send(&logon);
    assert!(matches!(
        raw.next(),
        Got::Session(SessionMessage::LogonAck(_))
    ));
    let mut asked = false;
    loop {
        match raw.next() {
            Got::Session(SessionMessage::Heartbeat(beat)) => {
                asked |= beat.flags & wire::REPLY_REQUESTED != 0;
            }
            Got::Session(SessionMessage::Terminate(terminate)) => {
                assert_eq!(terminate.code, RejectCode::Disconnected.number());
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(asked);
    until("the session is down in the journal", || {
        let state = fixture.script.state();
        state.journal.iter().any(|(_, _, command)| {
            matches!(command, Command::SessionDown(d) if d.session_id == 1
                && d.code == RejectCode::Disconnected.number())
        })
    });
}
