//! Operations: the day, prices, reconciliation.

use super::serving::{Serving, key_of};
use portcullis_client::{Client, Credentials, Event, Options, decimal, keys};
use std::fs;
use std::time::Duration;
use wire::{Capacity, NewOrder, OrdType, Reply, Role, Side, TimeInForce};

/// The key of a session, as a path.
#[test]
fn ops_load_and_open_the_day_and_roll_it() {
    let server = Serving::start();
    let (code, _, err) = server.run(&["day", "open", "--date", "20261122"]);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("NotReady"), "{err}");
    let file = server.data.path().join("load.ndjson");
    let rows = [
        r#"{"cmd":"PositionLoad","account":2,"instrumentId":1,"qty":"1000"}"#,
        "",
        r#"{"cmd":"LocateLoad","account":2,"instrumentId":1,"qty":"10","what":"Locates"}"#,
        r#"{"cmd":"CashLoad","account":2,"currency":"USD","amount":"5000"}"#,
    ];
    fs::write(&file, rows.join("\n")).unwrap();
    let load = ["day", "load", file.to_str().unwrap(), "--date", "20261122"];
    for _ in 0..2 {
        // The same batch again has no effect.
        let (code, out, err) = server.run(&load);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("loaded for 20261122"), "{out}");
    }
    let positions = server.lines(&["positions", "--scope", "account:2"]);
    assert_eq!(positions[0]["netQty"], "1000");
    let (code, out, err) = server.run(&["day", "open", "--date", "20261122"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("20261122 is open"), "{out}");
    // The firm's own date is the usual one.
    assert_eq!(server.run(&["day", "open"]).0, 0);
    let state = |field: &str| {
        let states = server.lines(&["state", "show", "--changed"]);
        states.iter().find(|row| row["scope"] == "Firm").unwrap()[field].clone()
    };
    assert_eq!(state("ready"), true);
    assert_eq!(server.run(&["day", "roll", "20261123"]).0, 0);
    assert_eq!(
        (state("ready"), state("businessDate")),
        (false.into(), 20_261_123.into())
    );
    fs::write(&file, "{\"cmd\":\"DayOpen\"}\n").unwrap();
    let (code, _, err) = server.run(&load);
    assert_eq!(code, 2);
    assert!(err.contains("line 1: field `cmd`: is none of"), "{err}");
}

#[test]
fn a_load_with_a_mistake_is_corrected_and_loaded_again() {
    let server = Serving::start();
    let (code, _, err) = server.run(&["day", "open", "--date", "20261122"]);
    assert!(code == 6 && err.contains("portcullis day load"), "{err}");
    let file = server.data.path().join("load.ndjson");
    let row = |account: u32| {
        format!(
            "{{\"cmd\":\"PositionLoad\",\"account\":{account},\"instrumentId\":1,\"qty\":\"7\"}}\n"
        )
    };
    let load = |rows: &str| {
        fs::write(&file, rows).unwrap();
        server.run(&["day", "load", file.to_str().unwrap(), "--date", "20261122"])
    };
    let (code, _, err) = load(&(row(2) + &row(44)));
    assert!(
        code == 6 && err.contains("row 2 refused: UnknownAccount"),
        "{err}"
    );
    assert!(err.contains("correct the file and load it again"), "{err}");
    let (code, _, err) = load(&(row(2) + &row(1)));
    assert_eq!(code, 0, "{err}");
    // The one before was right after all: each load is absolute, and one of its own.
    for qty in ["7", "9", "7"] {
        let (code, _, err) = load(&row(2).replace('7', qty));
        assert_eq!(code, 0, "{err}");
        let positions = server.lines(&["positions", "--scope", "account:2"]);
        assert_eq!(positions[0]["netQty"], qty);
    }
    let (code, _, err) = server.run(&["day", "open", "--date", "20261122"]);
    assert_eq!(code, 0, "{err}");

    // A date can't be taken back.
    for (date, code, says) in [
        ("20261131", 2, "no day of the calendar"),
        ("20261122", 6, "a roll goes forward"),
        ("20991231", 2, "--far"),
    ] {
        let (got, _, err) = server.run(&["day", "roll", date]);
        assert!(got == code && err.contains(says), "{date}: {got} {err}");
    }
    assert_eq!(server.run(&["day", "roll", "20991231", "--far"]).0, 0);
}

#[test]
fn prices_are_set_and_restarts_and_orders_reconciled_by_hand() {
    let server = Serving::start();
    for set in [
        ["reference", "1", "600"],
        ["mark", "1", "601.5"],
        ["mark", "1", "none"],
        ["fx", "EUR", "1.2"],
    ] {
        let (code, out, err) = server.run(&[&["prices", "set"], &set[..]].concat());
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("set, from sequence"), "{out}");
    }
    assert_eq!(server.run(&["day", "load"]).0, 0);
    assert_eq!(server.run(&["day", "open"]).0, 0);
    let key = key_of(&server, "desk2");
    let args = [
        "room",
        "--account",
        "4",
        "--instrument",
        "1",
        "--session",
        "2",
        "--key",
        &key,
    ];
    assert_eq!(server.lines(&args)[0]["price"], "600");
    let (code, _, err) = server.run(&["prices", "set", "mark", "77", "1"]);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("UnknownInstrument"), "{err}");
    let (code, _, err) = server.run(&["reconcile", "restart", "--reason", "compared"]);
    assert_eq!(code, 0, "{err}");
    let order = [
        "reconcile",
        "order",
        "9",
        "--leaves",
        "0",
        "--reason",
        "gone",
    ];
    let (code, _, err) = server.run(&order);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("UnknownOrder"), "{err}");
}

#[test]
fn a_first_rate_of_a_currency_is_called_one() {
    let server = Serving::start();
    let (code, out, err) = server.run(&["prices", "set", "fx", "EUT", "1.2"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("rate set"), "{out}");
    assert!(err.contains("the first rate of EUT"), "{err}");
    // Taken back, and set anew: nothing is said to somebody who has been told.
    for rate in ["none", "1.2"] {
        let (code, _, err) = server.run(&["prices", "set", "fx", "EUT", rate]);
        assert_eq!((code, err.as_str()), (0, ""));
    }
}

#[test]
fn a_live_order_is_not_said_to_have_ended_where_it_is_reconciled() {
    let server = Serving::start();
    assert_eq!(server.run(&["day", "load"]).0, 0);
    assert_eq!(server.run(&["day", "open"]).0, 0);
    let credentials = Credentials {
        session_id: 2,
        role: Role::Desk,
        key: keys::load(key_of(&server, "desk2").as_ref()).unwrap(),
        key_id: 1,
        expected_instance: None,
    };
    let address = fs::read_to_string(server.data.path().join("address")).unwrap();
    let mut desk = Client::connect(address.trim(), credentials, Options::default()).unwrap();
    desk.send(NewOrder {
        cl_ord_id: 1,
        price: decimal::price("585.33").unwrap(),
        qty: decimal::qty("10").unwrap(),
        account: 4,
        instrument_id: 1,
        trader_id: 3,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Principal,
        ..NewOrder::default()
    })
    .unwrap();
    let order_id = loop {
        match desk.recv(Duration::from_secs(20)).unwrap() {
            Some(Event::Reply(Reply::OrderAccepted(accepted))) => break accepted.order_id,
            Some(Event::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    let order_id = order_id.to_string();
    let args = [
        "reconcile",
        "order",
        &order_id,
        "--leaves",
        "0",
        "--reason",
        "x",
    ];
    let (code, _, err) = server.run(&args);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("is live and PendingNew"), "{err}");
    assert!(!err.contains("has ended"), "{err}");
}
