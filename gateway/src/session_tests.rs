//! The states of a connection, one sentence a test.

use super::*;
use wire::codec::MAX_FRAME;
use wire::{CancelOrder, NewOrder, SetLimit, Terminate};

const MS: u64 = 1_000_000;
const TIMING: Timing = Timing {
    handshake: 2_000 * MS,
    keep_alive_min_ms: 50,
    keep_alive_max_ms: 60_000,
};

fn step<M: Message>(session: &mut Session, message: &M, now: u64) -> Step {
    let mut bytes = [0; MAX_FRAME];
    let len = codec::encode_frame(message, &mut bytes);
    let frame = codec::split_frame(&bytes[..len]).unwrap().unwrap();
    session.on_frame(&frame, now)
}

fn live() -> Session {
    let mut session = Session::accepted(TIMING, 0);
    let logon = Logon {
        session_id: 1,
        keep_alive_ms: 100,
        cod_mode: wire::CodMode::Off,
        role: wire::Role::Desk,
        ..Logon::default()
    };
    assert_eq!(step(&mut session, &logon, 1), Step::Verify(logon));
    session.verified();
    session.live(0);
    session
}

fn order(seq_no: u64) -> NewOrder {
    NewOrder {
        seq_no,
        cl_ord_id: 77,
        side: wire::Side::Buy,
        ord_type: wire::OrdType::Limit,
        tif: wire::TimeInForce::Day,
        capacity: wire::Capacity::Agency,
        ..NewOrder::default()
    }
}

fn refused_with(step: Step) -> (u64, Refused) {
    let Step::Command {
        seq_no,
        command: Command::Refused(refused),
    } = step
    else {
        panic!("no refusal: {step:?}")
    };
    (seq_no, refused)
}

#[test]
fn only_a_logon_may_follow_the_hello() {
    let mut session = Session::accepted(TIMING, 0);
    assert_eq!(
        step(&mut session, &order(1), 1),
        Step::End(Ending::Misplaced(100))
    );
}

#[test]
fn a_connection_that_does_not_log_on_in_two_seconds_ends() {
    let mut session = Session::accepted(TIMING, 5);
    assert_eq!(session.due(5 + 1_999 * MS), Due::Nothing);
    assert_eq!(
        session.due(5 + 2_000 * MS),
        Due::End(Ending::HandshakeTimeout)
    );
}

#[test]
fn nothing_is_taken_while_the_signature_is_checked() {
    let mut session = Session::accepted(TIMING, 0);
    let logon = Logon {
        cod_mode: wire::CodMode::Off,
        role: wire::Role::Desk,
        ..Logon::default()
    };
    assert!(matches!(step(&mut session, &logon, 1), Step::Verify(_)));
    assert!(!session.takes_frames());
    assert_eq!(session.due(10_000 * MS), Due::Nothing);
}

#[test]
fn a_logon_with_a_role_that_does_not_exist_ends_the_connection() {
    let mut session = Session::accepted(TIMING, 0);
    let logon = Logon {
        role: wire::Role(9),
        cod_mode: wire::CodMode::Off,
        ..Logon::default()
    };
    let ended = step(&mut session, &logon, 1);
    assert!(
        matches!(ended, Step::End(Ending::Malformed(_))),
        "{ended:?}"
    );
}

#[test]
fn a_logon_of_a_version_that_is_not_spoken_is_refused_by_name() {
    let mut session = Session::accepted(TIMING, 0);
    let mut bytes = [0; MAX_FRAME];
    let logon = Logon {
        session_id: 4,
        role: wire::Role::Desk,
        cod_mode: wire::CodMode::Off,
        ..Logon::default()
    };
    let len = codec::encode_frame(&logon, &mut bytes);
    bytes[10] = 9;
    let frame = codec::split_frame(&bytes[..len]).unwrap().unwrap();
    assert_eq!(
        session.on_frame(&frame, 1),
        Step::Refuse(4, RejectCode::Version)
    );
}

#[test]
fn an_interval_outside_the_range_is_refused() {
    let session = live();
    for (ms, fits) in [(49, false), (50, true), (60_000, true), (60_001, false)] {
        let logon = Logon {
            keep_alive_ms: ms,
            ..Logon::default()
        };
        assert_eq!(session.check_terms(&logon).is_ok(), fits, "{ms}");
    }
}

#[test]
fn an_order_becomes_a_command_with_its_number() {
    let mut session = live();
    assert_eq!(
        step(&mut session, &order(3), 1),
        Step::Command {
            seq_no: 3,
            command: Command::NewOrder(order(3))
        }
    );
}

#[test]
fn a_message_without_a_number_ends_the_connection() {
    let mut session = live();
    assert_eq!(
        step(&mut session, &order(0), 1),
        Step::End(Ending::Unnumbered(100))
    );
    let mut bytes = [0; MAX_FRAME];
    let len = codec::write_frame(100, &mut bytes, |_| 4);
    let frame = codec::split_frame(&bytes[..len]).unwrap().unwrap();
    assert_eq!(
        session.on_frame(&frame, 1),
        Step::End(Ending::Unnumbered(100))
    );
}

#[test]
fn an_unknown_template_uses_up_its_number_and_is_refused_in_its_place() {
    let mut session = live();
    let mut bytes = [0; MAX_FRAME];
    let len = codec::write_frame(199, &mut bytes, |block| {
        block[..28].fill(0);
        block[4] = 8;
        block[12] = 5;
        28
    });
    let frame = codec::split_frame(&bytes[..len]).unwrap().unwrap();
    let (seq_no, refused) = refused_with(session.on_frame(&frame, 1));
    assert_eq!(
        (seq_no, refused.ref_id, refused.ref_template_id),
        (8, 5, 199)
    );
    assert_eq!(refused.code, RejectCode::UnknownTemplate.number());
    assert_eq!(refused.field_offset, u16::MAX);
}

#[test]
fn a_value_that_an_enum_does_not_have_is_refused_with_its_offset() {
    let mut session = live();
    let bad = NewOrder {
        side: wire::Side(7),
        ..order(2)
    };
    let (seq_no, refused) = refused_with(step(&mut session, &bad, 1));
    assert_eq!((seq_no, refused.ref_id), (2, 77));
    assert_eq!(refused.code, RejectCode::MalformedField.number());
    let side = NewOrder::LAYOUT.fields.iter().find(|f| f.name == "side");
    assert_eq!(usize::from(refused.field_offset), side.unwrap().offset);
}

#[test]
fn a_block_cut_short_behind_its_number_is_refused_as_malformed() {
    let mut session = live();
    let mut bytes = [0; MAX_FRAME];
    let len = codec::write_frame(100, &mut bytes, |block| {
        block[..20].fill(0);
        block[4] = 6;
        20
    });
    let frame = codec::split_frame(&bytes[..len]).unwrap().unwrap();
    let (seq_no, refused) = refused_with(session.on_frame(&frame, 1));
    assert_eq!((seq_no, refused.field_offset), (6, 20));
}

#[test]
fn what_if_and_unknown_flags_are_refused_and_poss_dup_is_not() {
    let mut session = live();
    for (flags, refused) in [
        (0, false),
        (POSS_DUP, false),
        (wire::WHAT_IF, true),
        (8, true),
    ] {
        let message = SetLimit {
            flags,
            ..set_limit()
        };
        let step = step(&mut session, &message, 1);
        let is_refused = matches!(
            step,
            Step::Command {
                command: Command::Refused(r),
                ..
            } if r.code == RejectCode::UnsupportedFlag.number()
        );
        assert_eq!(is_refused, refused, "{flags}");
    }
}

#[test]
fn what_if_passes_on_orders_and_replaces_only() {
    let mut session = live();
    let order = wire::NewOrder {
        flags: wire::WHAT_IF | POSS_DUP,
        seq_no: 1,
        cl_ord_id: 1,
        price: wire::Price(1),
        qty: wire::Qty(1),
        side: wire::Side::Buy,
        ord_type: wire::OrdType::Limit,
        tif: wire::TimeInForce::Day,
        capacity: wire::Capacity::Agency,
        ..wire::NewOrder::default()
    };
    let replace = wire::ReplaceOrder {
        flags: wire::WHAT_IF,
        seq_no: 2,
        cl_ord_id: 2,
        orig_cl_ord_id: 1,
        price: wire::Price(1),
        qty: wire::Qty(1),
        ..wire::ReplaceOrder::default()
    };
    let cancel = wire::CancelOrder {
        flags: wire::WHAT_IF,
        seq_no: 3,
        cl_ord_id: 3,
        orig_cl_ord_id: 1,
        ..wire::CancelOrder::default()
    };
    let passed = |step| matches!(step, Step::Command { command, .. } if !matches!(command, Command::Refused(_)));
    assert!(passed(step(&mut session, &order, 1)));
    assert!(passed(step(&mut session, &replace, 1)));
    assert!(!passed(step(&mut session, &cancel, 1)));
    let unknown = wire::NewOrder { flags: 8, ..order };
    assert!(!passed(step(&mut session, &unknown, 1)));
}

fn set_limit() -> SetLimit {
    SetLimit {
        seq_no: 1,
        scope: wire::Scope::Firm,
        limit_kind: wire::LimitKind::MaxOrderQty,
        selector: wire::Selector::All,
        unit: wire::Unit::Natural,
        mode: wire::LimitMode::Enforced,
        ..SetLimit::default()
    }
}

#[test]
fn two_silent_intervals_ask_and_three_end() {
    let mut session = live();
    assert_eq!(session.due(99 * MS), Due::Nothing);
    assert_eq!(session.due(100 * MS), Due::Heartbeat(0));
    session.beat(100 * MS);
    assert_eq!(session.due(200 * MS), Due::Heartbeat(REPLY_REQUESTED));
    session.beat(200 * MS);
    assert_eq!(session.due(299 * MS), Due::Nothing);
    assert_eq!(session.due(300 * MS), Due::End(Ending::Silent));
    assert_eq!(
        Ending::Silent.to_string(),
        "silent for three heartbeat intervals"
    );
}

#[test]
fn anything_heard_stops_the_silence() {
    let mut session = live();
    assert_eq!(session.due(200 * MS), Due::Heartbeat(REPLY_REQUESTED));
    session.beat(200 * MS);
    let cancel = CancelOrder {
        seq_no: 1,
        ..CancelOrder::default()
    };
    assert!(matches!(
        step(&mut session, &cancel, 250 * MS),
        Step::Command { .. }
    ));
    session.beat(300 * MS);
    assert_eq!(session.due(349 * MS), Due::Nothing);
}

#[test]
fn a_peer_that_is_not_listened_to_is_not_silent() {
    let mut session = live();
    session.beat(250 * MS);
    session.not_read(299 * MS);
    assert_eq!(session.due(300 * MS), Due::Nothing);
    session.beat(500 * MS);
    assert_eq!(session.due(598 * MS), Due::Heartbeat(REPLY_REQUESTED));
}

#[test]
fn a_silence_while_nobody_listened_does_not_count_and_one_before_and_after_it_does() {
    let mut session = live();
    session.beat(250 * MS);
    // Nobody listened from 150 to 250: 50 ms of its own silence before, and what follows.
    session.not_heard_for(100 * MS, 250 * MS);
    assert_eq!(session.due(299 * MS), Due::Nothing);
    assert_eq!(session.due(300 * MS), Due::Heartbeat(REPLY_REQUESTED));
    session.beat(300 * MS);
    // However often nobody listens, a dead peer ends after three intervals in which somebody did.
    session.not_heard_for(1000 * MS, 1350 * MS);
    assert_eq!(session.due(1399 * MS), Due::Heartbeat(0));
    session.not_heard_for(1000 * MS, 2399 * MS);
    assert_eq!(session.due(2400 * MS), Due::End(Ending::Silent));
    // An absence longer than the silence leaves none, and no credit.
    let mut session = live();
    session.not_heard_for(500 * MS, 100 * MS);
    session.beat(200 * MS);
    assert_eq!(session.due(299 * MS), Due::Nothing);
    assert_eq!(session.due(300 * MS), Due::Heartbeat(REPLY_REQUESTED));
}

#[test]
fn a_heartbeat_is_answered_only_when_it_asks() {
    let mut session = live();
    let beat = |flags| Heartbeat {
        flags,
        send_time: Time(9),
        ..Heartbeat::default()
    };
    assert_eq!(step(&mut session, &beat(0), 1), Step::Heard);
    assert_eq!(step(&mut session, &beat(REPLY_REQUESTED), 1), Step::Answer);
    assert_eq!(session.peer_time(), Time(9));
}

#[test]
fn terminate_ends_in_order() {
    let mut session = live();
    let ended = step(&mut session, &Terminate::default(), 1);
    assert_eq!(ended, Step::End(Ending::Terminated));
    assert_eq!(Ending::Terminated.code(), 0);
}
