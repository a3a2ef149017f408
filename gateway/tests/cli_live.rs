//! The risk manager's side of the command against a running server of the example firm.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

use assert_cmd::Command;
use engine::firm::Firm;
use engine::pipeline::{self, AckPolicy, Stopped};
use engine::recover::{self, OpenOptions};
use gateway::clock::{Clock, RealClock};
use gateway::server::{ServeError, Server, ServerConfig, StopHandle};
use portcullis_client::{Client, Credentials, Event, Options, keys};
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use wire::{
    CancelOrder, Capacity, E8, NewOrder, OrdType, Price, Qty, ReplaceOrder, Reply, Role, Side,
    Time, TimeInForce, WHAT_IF,
};

struct Serving {
    data: tempfile::TempDir,
    stop: StopHandle,
    thread: Option<JoinHandle<Result<Stopped, ServeError>>>,
}

impl Serving {
    fn start() -> Self {
        Self::start_firm(Firm::example())
    }

    fn start_firm(mut firm: Firm) -> Self {
        let data = tempfile::tempdir().unwrap();
        let keys_dir = data.path().join("keys");
        fs::create_dir(&keys_dir).unwrap();
        for file in firm.key_files.clone() {
            let key = keys::generate().unwrap();
            firm.set_public_key(file.session_id, &keys::public_hex(&key))
                .unwrap();
            keys::save(&key, &keys_dir.join(format!("{}.key", file.name))).unwrap();
        }
        let clock = RealClock::start();
        let genesis = firm.genesis(Time(clock.now()));
        let mut options = OpenOptions::new(genesis, AckPolicy::Memory, "test-1", clock.now());
        options.segment_bytes = 4 << 20;
        let journal = data.path().join("journal");
        fs::create_dir(&journal).unwrap();
        let server = Server::start(
            ServerConfig::new("127.0.0.1:0".parse().unwrap(), AckPolicy::Memory),
            pipeline::Options::new(AckPolicy::Memory),
            recover::open(&journal, &options).unwrap(),
            Arc::new(clock),
        )
        .unwrap();
        fs::write(
            data.path().join("address"),
            format!("{}\n", server.address()),
        )
        .unwrap();
        Self {
            data,
            stop: server.stop_handle(),
            thread: Some(std::thread::spawn(move || server.run())),
        }
    }

    /// Exit code, stdout and stderr.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(args)
            .arg("--data")
            .arg(self.data.path())
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    fn lines(&self, args: &[&str]) -> Vec<Value> {
        let mut all = args.to_vec();
        all.push("--json");
        let (code, out, err) = self.run(&all);
        assert_eq!(code, 0, "{err}");
        assert!(err.contains("two-person approval is off"), "{err}");
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn firm_max_order_qty(&self) -> Value {
        let limits = self.lines(&["limits", "list", "--scope", "firm"]);
        let found = limits
            .into_iter()
            .find(|limit| limit["scope"] == "Firm" && limit["limitKind"] == "MaxOrderQty");
        found.unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[test]
fn a_limit_is_listed_changed_and_a_stale_change_refused_with_exit_code_6() {
    let server = Serving::start();
    let before = server.firm_max_order_qty();
    assert_eq!(
        (&before["value"], &before["version"]),
        (&"100000".into(), &1.into())
    );

    let set = [
        "limits",
        "set",
        "firm",
        "MaxOrderQty",
        "500.5",
        "--reason",
        "tighter",
    ];
    let (code, out, err) = server.run(&set);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("version 2"), "{out}");
    assert!(out.contains("two-person approval is off"), "{out}");
    let after = server.firm_max_order_qty();
    assert_eq!(
        (&after["value"], &after["version"]),
        (&"500.5".into(), &2.into())
    );

    let stale = [&set[..], &["--expect-version", "1"]].concat();
    let (code, _, err) = server.run(&stale);
    assert_eq!(code, 6, "{err}");
    assert!(
        err.contains("VersionConflict") && err.contains("version in force is 2"),
        "{err}"
    );

    let (code, _, err) =
        server.run(&["limits", "set", "firm", "PriceCollar", "5", "--reason", "x"]);
    assert_eq!(code, 2);
    assert!(err.contains("has no unit"), "{err}");
}

#[test]
fn a_rate_keeps_its_window_and_a_limit_can_be_removed() {
    let server = Serving::start();
    let rate = [
        "limits",
        "set",
        "trader:3",
        "OrderRate",
        "10",
        "--reason",
        "slower",
    ];
    assert_eq!(server.run(&rate).0, 0);
    let of_trader = || server.lines(&["limits", "list", "--scope", "trader:3"]);
    let limits = of_trader();
    let found = limits
        .iter()
        .find(|limit| limit["limitKind"] == "OrderRate")
        .unwrap();
    assert_eq!(
        (&found["value"], &found["windowNs"]),
        (&"10".into(), &1_000_000_000u64.into())
    );
    let gone = [
        "limits",
        "set",
        "trader:3",
        "OrderRate",
        "none",
        "--reason",
        "no need",
    ];
    let (code, _, err) = server.run(&gone);
    assert_eq!(code, 0, "{err}");
    assert!(
        of_trader()
            .iter()
            .all(|limit| limit["limitKind"] != "OrderRate")
    );
}

#[test]
fn a_state_is_set_shown_and_released() {
    let server = Serving::start();
    let halt = [
        "state",
        "set",
        "desk:1",
        "halted",
        "--cancel-open",
        "--reason",
        "kill",
    ];
    let (code, out, err) = server.run(&halt);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("state in force from sequence"), "{out}");
    let state_of_desk = || {
        let states = server.lines(&["state", "show"]);
        states
            .into_iter()
            .find(|row| row["scope"] == "Desk" && row["scopeId"] == 1)
            .unwrap()
    };
    assert_eq!(state_of_desk()["state"], "Halted");
    let firm = &server.lines(&["state", "show", "--changed"])[..];
    let firm = firm.iter().find(|row| row["scope"] == "Firm").unwrap();
    assert_eq!(firm["twoPerson"], false);
    let release = ["state", "set", "desk:1", "active", "--reason", "all clear"];
    assert_eq!(server.run(&release).0, 0);
    assert_eq!(state_of_desk()["state"], "Active");
}

#[test]
fn sessions_orders_and_positions_are_shown() {
    let server = Serving::start();
    let sessions = server.lines(&["sessions"]);
    assert_eq!(sessions.len(), 7);
    let risk = sessions.iter().find(|row| row["name"] == "risk").unwrap();
    assert_eq!((&risk["role"], &risk["up"]), (&"Risk".into(), &true.into()));
    assert_eq!(server.lines(&["orders"]).len(), 0);
    assert_eq!(server.run(&["positions"]).0, 0);
    let (code, _, err) = server.run(&["sessions", "--instance", "other"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("expected `other`"), "{err}");
    let key = server.data.path().join("keys").join("ops.key");
    let (code, _, err) = server.run(&["sessions", "--key", key.to_str().unwrap()]);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("Credentials"), "{err}");
}

/// The key of a session, as a path.
fn key_of(server: &Serving, name: &str) -> String {
    let path = server.data.path().join("keys").join(format!("{name}.key"));
    path.to_str().unwrap().to_owned()
}

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
fn room_is_what_an_order_may_still_have_and_one_lot_more_is_refused() {
    let server = Serving::start();
    assert_eq!(server.run(&["day", "load"]).0, 0);
    assert_eq!(server.run(&["day", "open"]).0, 0);
    let key = key_of(&server, "desk2");
    let room = |more: &[&str]| {
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
        server.lines(&[&args, more].concat())[0].clone()
    };
    let now = room(&[]);
    assert_eq!(
        (&now["price"], &now["traderId"], &now["nextBuyMeets"]),
        (&"585.33".into(), &3.into(), &"MaxOrderNotional".into()),
        "{now}"
    );
    let most: i64 = now["maxBuy"].as_str().unwrap().parse().unwrap();
    let credentials = Credentials {
        session_id: 2,
        role: Role::Desk,
        key: keys::load(std::path::Path::new(&key)).unwrap(),
        key_id: 1,
        expected_instance: Some("example".to_owned()),
    };
    let address = fs::read_to_string(server.data.path().join("address")).unwrap();
    let mut client = Client::connect(address.trim(), credentials, Options::default()).unwrap();
    let order = |cl_ord_id: u64, qty: i64| NewOrder {
        cl_ord_id,
        price: Price(58_533_000_000),
        qty: Qty(qty * E8),
        account: 4,
        instrument_id: 1,
        trader_id: 3,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Principal,
        ..NewOrder::default()
    };
    // Asking takes nothing: the same clOrdId is asked about again and then used.
    for _ in 0..2 {
        let answer = client.what_if(order(1, most)).unwrap();
        assert!(
            matches!(answer, Reply::OrderAccepted(m) if m.flags & WHAT_IF != 0 && m.cl_ord_id == 1),
            "{answer:?}"
        );
        let answer = client.what_if(order(1, most + 1)).unwrap();
        assert!(
            matches!(answer, Reply::OrderRejected(m) if m.flags & WHAT_IF != 0 && m.code == 210),
            "{answer:?}"
        );
    }
    client.send(order(1, most)).unwrap();
    let accepted = loop {
        match client.recv(Duration::from_secs(5)).unwrap() {
            Some(Event::Reply(Reply::OrderAccepted(m))) => break m,
            Some(_) => {}
            None => panic!("no answer"),
        }
    };
    assert_eq!((accepted.flags & WHAT_IF, accepted.cl_ord_id), (0, 1));
    let replace = ReplaceOrder {
        cl_ord_id: 2,
        orig_cl_ord_id: 1,
        price: Price(58_533_000_000),
        qty: Qty((most + 1) * E8),
        trader_id: 3,
        ..ReplaceOrder::default()
    };
    let answer = client.what_if_replaced(replace).unwrap();
    assert!(
        matches!(answer, Reply::OrderRejected(m) if m.code == 210),
        "{answer:?}"
    );
    // On anything else whatIf is refused in sequence.
    let cancel = CancelOrder {
        flags: WHAT_IF,
        cl_ord_id: 3,
        orig_cl_ord_id: 1,
        ..CancelOrder::default()
    };
    client.send(cancel).unwrap();
    let code = loop {
        match client.recv(Duration::from_secs(5)).unwrap() {
            Some(Event::Reply(Reply::BusinessReject(m))) => break m.code,
            Some(_) => {}
            None => panic!("no answer"),
        }
    };
    assert_eq!(code, 52);
    client.terminate().unwrap();
    assert_eq!(room(&["--price", "700"])["maxBuy"], "0", "above the collar");
    let (code, _, err) = server.run(&[
        "room",
        "--account",
        "1",
        "--instrument",
        "1",
        "--session",
        "2",
        "--key",
        &key,
    ]);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("NotEntitled"), "{err}");
}

#[test]
fn a_limit_can_be_temporary_shadow_and_warn_early() {
    let server = Serving::start();
    let set = |more: &[&str]| {
        let args = [
            "limits",
            "set",
            "firm",
            "MaxOrderQty",
            "500",
            "--reason",
            "news",
        ];
        server.run(&[&args, more].concat())
    };
    let (code, _, err) = set(&["--until", "1s"]);
    assert_eq!(code, 0, "{err}");
    let limit = server.firm_max_order_qty();
    assert_eq!(
        (&limit["value"], &limit["version"]),
        (&"500".into(), &2.into())
    );
    assert!(limit["expiresAt"].as_u64().unwrap() > 0);
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while server.firm_max_order_qty()["value"] == "500" {
        assert!(std::time::Instant::now() < until, "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
    let limit = server.firm_max_order_qty();
    assert_eq!(
        (&limit["value"], &limit["version"]),
        (&"100000".into(), &3.into())
    );
    assert!(limit["expiresAt"].is_null());
    let (code, _, err) = set(&["--shadow", "--warn", "10,20,30"]);
    assert_eq!(code, 0, "{err}");
    let limit = server.firm_max_order_qty();
    assert_eq!(
        (&limit["mode"], &limit["warn"]),
        (&"Shadow".into(), &serde_json::json!([10, 20, 30]))
    );
    // What is not said stays as it is.
    assert_eq!(set(&[]).0, 0);
    let limit = server.firm_max_order_qty();
    assert_eq!(
        (&limit["mode"], &limit["warn"]),
        (&"Shadow".into(), &serde_json::json!([10, 20, 30]))
    );
    assert_eq!(set(&["--enforced", "--until", "2100-01-01T00:00:00Z"]).0, 0);
    let (_, table, _) = server.run(&["limits", "list", "--scope", "firm"]);
    assert!(table.contains("2100-01-01T00:00:00Z"), "{table}");
    for (bad, says) in [
        (["--until", "soon"], "is not a duration"),
        (["--warn", "3,2,1"], "three rising numbers"),
    ] {
        let (code, _, err) = set(&bad);
        assert_eq!(code, 2);
        assert!(err.contains(says), "{err}");
    }
    let loss = |more: &[&str]| {
        let args = [
            "limits",
            "set",
            "desk:2",
            "DailyLoss",
            "1000",
            "--reason",
            "halt",
        ];
        assert_eq!(server.run(&[&args, more].concat()).0, 0);
        let limits = server.lines(&["limits", "list", "--scope", "desk:2"]);
        limits
            .into_iter()
            .find(|l| l["limitKind"] == "DailyLoss")
            .unwrap()["halt"]
            .clone()
    };
    assert_eq!(loss(&[]), Value::Null);
    assert_eq!(loss(&["--halt"]), true);
    assert_eq!(set(&["--halt"]).0, 2);
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
        assert_eq!(code, 0, "{err}");
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

/// The example firm with a second risk manager, where loosening takes two.
fn firm_of_two() -> Firm {
    let text = engine::firm::EXAMPLE.replace("two_person = false", "two_person = true ");
    let second = "[[sessions]]\nid = 24\nname = \"bob\"\nrole = \"risk\"\nperson = \"bob\"\nkey_file = \"keys/bob.pub\"\n[journal]";
    Firm::parse("two.toml", &text.replace("[journal]", second)).unwrap()
}

#[test]
fn loosening_is_proposed_by_one_and_approved_by_another_person() {
    let server = Serving::start_firm(firm_of_two());
    let bob = key_of(&server, "bob");
    let as_bob = ["--session", "24", "--key", &bob];
    let set = |value, more: &[&str]| {
        let set = ["limits", "set", "firm", "MaxOrderQty", value];
        server.run(&[&set[..], &["--reason", "test"], more].concat())
    };
    let (code, out, err) = set("50000", &[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("two-person approval is on"), "{out}");

    let (code, _, err) = set("60000", &[]);
    assert_eq!(code, 6);
    assert!(
        err.contains("NeedsApproval") && err.contains("--propose"),
        "{err}"
    );

    let (code, out, err) = set("60000", &["--propose", "--lapses", "1h"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("proposal 1"), "{out}");

    let (code, out, err) = server.run(&["approvals", "list", "--json"]);
    assert_eq!(code, 0, "{err}");
    let waiting: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(waiting["change"], "firm MaxOrderQty 60000");
    assert_eq!(waiting["person"], "risk");

    let approve = ["approvals", "approve", "1", "--reason", "agreed"];
    let (code, _, err) = server.run(&approve);
    assert_eq!(code, 6);
    assert!(err.contains("another person"), "{err}");
    let (code, _, err) = server.run(&[&approve[..], &as_bob].concat());
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = server.run(&[&approve[..], &as_bob].concat());
    assert_eq!(code, 6);
    assert!(err.contains("no such proposal"), "{err}");
    let (_, out, _) = server.run(&["limits", "list", "--scope", "firm"]);
    assert!(out.contains("60000"), "{out}");

    let (code, out, err) = server.run(&["state", "set", "desk:1", "Halted", "--reason", "stop"]);
    assert_eq!(code, 0, "{out}{err}");
    let release = ["state", "set", "desk:1", "Active", "--reason", "go"];
    let (code, _, err) = server.run(&release);
    assert_eq!(code, 6, "{err}");
    let (code, out, err) = server.run(&[&release[..], &["--propose"]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("proposal 2"), "{out}");
    let withdraw = ["approvals", "withdraw", "2", "--reason", "not yet"];
    let (code, _, err) = server.run(&withdraw);
    assert_eq!(code, 0, "{err}");

    let moving = [
        "approvals",
        "move",
        "account:1",
        "desk:2",
        "--reason",
        "reorganised",
    ];
    let (code, _, err) = server.run(&moving);
    assert_eq!(code, 0, "{err}");
    let switch = ["approvals", "switch", "off", "--reason", "alone now"];
    let (code, _, err) = server.run(&switch);
    assert_eq!(code, 0, "{err}");
    for id in ["3", "4"] {
        let approve = ["approvals", "approve", id, "--reason", "agreed"];
        let (code, out, err) = server.run(&[&approve[..], &as_bob].concat());
        assert_eq!(code, 0, "{out}{err}");
    }
    let (code, out, _) = set("70000", &[]);
    assert_eq!(code, 0);
    assert!(out.contains("two-person approval is off"), "{out}");
}

#[test]
fn what_the_firm_does_not_have_is_named_instead_of_an_empty_answer() {
    let server = Serving::start();
    for (args, named) in [
        (&["positions", "--scope", "account:77"][..], "account 77"),
        (&["positions", "--instrument", "77"], "instrument 77"),
        (&["orders", "--instrument", "77"], "instrument 77"),
        (&["limits", "list", "--scope", "desk:77"], "desk 77"),
        (
            &[
                "limits",
                "set",
                "account:77",
                "MaxLong",
                "5",
                "--reason",
                "x",
            ],
            "account 77",
        ),
        (
            &[
                "limits",
                "set",
                "firm",
                "MaxLong",
                "5",
                "--selector",
                "instrument:77",
                "--reason",
                "x",
            ],
            "instrument 77",
        ),
        (
            &["state", "set", "trader:77", "Halted", "--reason", "x"],
            "trader 77",
        ),
        (
            &[
                "limits",
                "set",
                "account:4",
                "OrderRate",
                "5",
                "--reason",
                "x",
            ],
            "--per",
        ),
        (
            &[
                "limits",
                "set",
                "account:4",
                "MaxLong",
                "5",
                "--until",
                "1h",
                "--reason",
                "x",
            ],
            "set it first",
        ),
        (
            &[
                "limits",
                "set",
                "instrument:1",
                "MaxLong",
                "5",
                "--reason",
                "x",
            ],
            "--selector instrument:ID",
        ),
    ] {
        let (code, out, err) = server.run(args);
        assert_eq!(code, 2, "{args:?}: {out}{err}");
        assert!(err.contains(named), "{args:?}: {err}");
    }
}
