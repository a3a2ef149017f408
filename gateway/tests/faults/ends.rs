//! Owns how a server ends that can't go on, and what its next start makes of it: the mark `failed`, the
//! cancels asked of the venues, a session whose command broke the engine.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use engine::pipeline::in_hand_file;
use portcullis_client::{Client, ClientError, Event, SigningKey, keys};
use wire::{
    Capacity, E8, NewOrder, OrdType, Price, Qty, QueryWhat, RejectCode, Reply, Scope, Side,
    TimeInForce,
};

use crate::desk::Desk;
use crate::server::{Firm, INLINE, Server, VENUE, strace_works, tail};

#[test]
fn a_server_whose_disk_fails_leaves_a_mark_and_the_next_start_tells_it_once() {
    if !strace_works() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    let server = firm.serve_under_strace(&["fdatasync:error=EIO:when=40"]);
    let mut desk = Desk::new(&firm, &server, 1);
    assert!(desk.trade(|_| false).is_err());
    assert_eq!(server.ended().code(), Some(1));
    let mark = firm.journal().join("failed");
    let cause = fs::read_to_string(&mark).unwrap();
    assert!(
        cause.contains("Sync failed at") && cause.contains("durable up to"),
        "{cause}"
    );
    let told = "the last run could not go on";
    assert!(!firm.log().contains(told));
    let server = firm.serve();
    assert!(firm.log().contains(told), "{}", tail(&firm.log()));
    assert!(firm.log().contains(cause.trim_end()));
    assert!(!mark.exists(), "it is told once");
    desk.resume(&server);
    desk.compare(&firm, &server);
    server.stop();
}

/// An order that the server sends on to the venue.
fn inline_order(cl_ord_id: u64) -> NewOrder {
    NewOrder {
        cl_ord_id,
        price: Price(100 * E8),
        qty: Qty(10 * E8),
        account: 1,
        instrument_id: 1,
        trader_id: 1,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}

/// Takes what a session is sent until it ends.
fn hear_to_the_end(client: &mut Client, mut hear: impl FnMut(Reply)) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "the session does not end");
        match client.recv(Duration::from_millis(100)) {
            Ok(Some(Event::Reply(reply))) => hear(reply),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[test]
fn before_it_ends_for_good_it_asks_the_venue_to_cancel_every_inline_order() {
    if !strace_works() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    let server = firm.serve_under_strace(&["fdatasync:error=EIO:when=60"]);
    let mut venue = firm.connect(&server, VENUE);
    let mut desk = firm.connect(&server, INLINE);
    // One at a time, so that each has a sync of its own, until one of them fails.
    let mut accepted = BTreeSet::new();
    for cl_ord_id in 1..=200 {
        if desk.send(inline_order(cl_ord_id)).is_err() {
            break;
        }
        match desk.recv(Duration::from_secs(60)) {
            Ok(Some(Event::Reply(Reply::OrderAccepted(m)))) => {
                accepted.insert(m.order_id);
            }
            Ok(Some(other)) => panic!("the desk was sent {other:?}"),
            Ok(None) => panic!("no answer"),
            Err(_) => break,
        }
    }
    assert!(accepted.len() > 10, "{} were accepted", accepted.len());
    let (mut routed, mut asked) = (BTreeSet::new(), BTreeSet::new());
    hear_to_the_end(&mut venue, |reply| {
        if let Reply::RoutedOrder(m) = reply {
            routed.insert(m.order_id);
        } else if let Reply::RoutedCancel(m) = reply {
            assert_eq!(m.seq_no, 0, "a wish stands in no sequence");
            asked.insert(m.order_id);
        }
    });
    assert_eq!(server.ended().code(), Some(1));
    assert!(routed.is_superset(&accepted));
    assert!(
        asked.is_superset(&routed),
        "{} of {} were asked back: {}",
        asked.len(),
        routed.len(),
        tail(&firm.log())
    );
    // A request changes nothing: all of them still hold their exposure at the next start.
    let server = firm.serve();
    let open: BTreeSet<u64> = (firm.ask(&server, QueryWhat::OpenOrders).iter())
        .filter_map(|reply| {
            if let Reply::OpenOrderReport(m) = reply {
                Some(m.order_id)
            } else {
                None
            }
        })
        .collect();
    assert!(open.is_superset(&accepted), "{open:?}");
    server.stop();
}

/// A logon that is refused, with its reason.
fn refused(firm: &Firm, server: &Server, session: u32, key: &SigningKey) -> RejectCode {
    match firm.try_connect(server, session, key) {
        Err(ClientError::LogonRejected { code, .. }) => code.known().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_whose_command_broke_the_engine_is_refused_until_released_and_only_it_is_told_why() {
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    let server = firm.serve();
    let mut desk = Desk::new(&firm, &server, 1);
    desk.trade(|desk| desk.orders.len() > 200).unwrap();
    desk.settle();
    server.stop();
    // As the panic hook leaves it: see engine/tests/pipeline_panic.rs.
    let file = firm.journal().join(in_hand_file(INLINE));
    fs::write(&file, "{}\n").unwrap();
    let server = firm.serve();
    assert!(
        firm.log().contains("was in hand when the engine broke"),
        "{}",
        tail(&firm.log())
    );
    let stranger = keys::generate().unwrap();
    let own = firm.key(INLINE);
    assert_eq!(
        refused(&firm, &server, INLINE, &stranger),
        RejectCode::Credentials
    );
    assert_eq!(
        refused(&firm, &server, INLINE, own),
        RejectCode::SessionBlocked
    );
    // Others go on, and nothing opens the door but the release, not even another start.
    desk.resume(&server);
    let before = desk.orders.len();
    desk.trade(|desk| desk.orders.len() > before + 200).unwrap();
    desk.settle();
    desk.compare(&firm, &server);
    server.stop();
    let server = firm.serve();
    assert_eq!(
        refused(&firm, &server, INLINE, own),
        RejectCode::SessionBlocked
    );
    // What `portcullis-replay release` does: see replay/tests/cli.rs.
    fs::rename(&file, file.with_extension("json.released")).unwrap();
    firm.try_connect(&server, INLINE, own).unwrap();
    server.stop();
    let server = firm.serve();
    firm.try_connect(&server, INLINE, own).unwrap();
    server.stop();
}

/// What becomes of an order of the desk `INLINE` for account 1.
fn answer(client: &mut Client, cl_ord_id: u64, side: Side) -> Result<(), u16> {
    let order = NewOrder {
        side,
        ..inline_order(cl_ord_id)
    };
    client.send(order).unwrap();
    loop {
        match client.recv(Duration::from_secs(60)).unwrap() {
            Some(Event::Reply(Reply::OrderAccepted(m))) if m.cl_ord_id == cl_ord_id => {
                return Ok(());
            }
            Some(Event::Reply(Reply::OrderRejected(m))) => return Err(m.code),
            Some(_) => {}
            None => panic!("no answer"),
        }
    }
}

#[test]
fn after_a_kill_under_written_only_reducing_orders_pass_until_an_operator_has_reconciled() {
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    firm.acknowledge_when("written");
    let server = firm.serve();
    let _venue = firm.connect(&server, VENUE);
    let mut desk = Desk::new(&firm, &server, 1);
    // Long in some rows, short in others: something can be reduced.
    desk.trade(|desk| desk.orders.len() > 500).unwrap();
    desk.settle();
    server.signal("-KILL");
    server.ended();
    let server = firm.serve();
    assert!(
        firm.log().contains("only reducing orders pass until"),
        "{}",
        tail(&firm.log())
    );
    let _venue = firm.connect(&server, VENUE);
    let mut inline = firm.connect(&server, INLINE);
    let net: i64 = (firm.ask(&server, QueryWhat::Positions).iter())
        .find_map(|reply| {
            let Reply::PositionReport(m) = reply else {
                return None;
            };
            let row = (m.scope, m.scope_id, m.instrument_id);
            (row == (Scope::Account, 1, 1)).then_some(m.net_qty.0)
        })
        .unwrap();
    assert_ne!(net, 0);
    let (more, less) = if net > 0 {
        (Side::Buy, Side::Sell)
    } else {
        (Side::Sell, Side::Buy)
    };
    let restricted = Err(RejectCode::Restricted.number());
    assert_eq!(answer(&mut inline, 1, more), restricted);
    // The desk's own open orders against the position may use up what can be reduced: that is refused too.
    let reducing = answer(&mut inline, 2, less);
    assert!(reducing == Ok(()) || reducing == restricted, "{reducing:?}");
    let out = firm.run_as_ops(&["reconcile", "restart"]);
    assert_ne!(out.status.code(), Some(0), "a reason is asked for");
    assert_eq!(answer(&mut inline, 3, more), restricted);
    let out = firm.run_as_ops(&[
        "reconcile",
        "restart",
        "--reason",
        "compared with the venue",
    ]);
    assert!(out.status.success(), "{out:?}");
    assert_eq!(answer(&mut inline, 4, more), Ok(()));
    // It stays so over a clean restart.
    server.stop();
    let server = firm.serve();
    let _venue = firm.connect(&server, VENUE);
    let mut inline = firm.connect(&server, INLINE);
    assert_eq!(answer(&mut inline, 5, more), Ok(()));
    server.stop();
}
