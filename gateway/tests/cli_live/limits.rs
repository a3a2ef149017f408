//! Limits: listed, changed, temporary, shadow, removed.

use super::serving::Serving;
use serde_json::Value;
use std::time::Duration;

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
fn a_limit_that_was_removed_can_be_set_again_at_once() {
    let server = Serving::start();
    let set = |value: &str| {
        let args = [
            "limits",
            "set",
            "account:2",
            "MaxOrderQty",
            value,
            "--reason",
            "x",
        ];
        let (code, out, err) = server.run(&args);
        assert_eq!(code, 0, "{value}: {err}");
        out
    };
    set("50");
    set("none");
    assert!(set("10").contains("version 3"), "the version goes on");
    // Who says what he bases it on is taken at his word.
    set("none");
    let stale = [
        "limits",
        "set",
        "account:2",
        "MaxOrderQty",
        "10",
        "--reason",
        "x",
        "--expect-version",
        "3",
    ];
    assert_eq!(server.run(&stale).0, 6);
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
    // What is not said stays; the way back has its own flag.
    assert_eq!(loss(&[]), true);
    assert_eq!(loss(&["--reduce-only"]), Value::Null);
    for flag in ["--halt", "--reduce-only"] {
        let (code, _, err) = set(&[flag]);
        assert_eq!(code, 2, "{err}");
        assert!(
            err.contains(&format!("{flag} means nothing for MaxOrderQty")),
            "{err}"
        );
    }
}

#[test]
fn a_limit_for_a_group_or_currency_of_no_instrument_binds_and_says_so() {
    let server = Serving::start();
    let set = |scope: &str, kind: &str, selector: &str| {
        let args = ["limits", "set", scope, kind, "10", "--selector", selector];
        let (code, out, err) = server.run(&[&args[..], &["--reason", "x"]].concat());
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("limit in force"), "{out}");
        err
    };
    let quantity = |selector: &str| set("firm", "MaxOrderQty", selector);
    assert!(quantity("group:77").contains("no instrument is of group 77 (yet)"));
    for known in ["group:1", "all", "instrument:1"] {
        assert_eq!(quantity(known), "", "{known}");
    }
    let cash = |selector: &str| set("account:4", "BuyingPower", selector);
    assert!(cash("currency:EUT").contains("no instrument is in EUT (yet)"));
    assert_eq!(cash("currency:USD"), "");
}

#[test]
fn what_a_flag_means_nothing_for_is_a_mistake() {
    let server = Serving::start();
    let limit = [
        "limits",
        "set",
        "firm",
        "MaxOrderQty",
        "500",
        "--reason",
        "x",
    ];
    let state = ["state", "set", "desk:1", "Halted", "--reason", "x"];
    for (args, more, why) in [
        (&limit[..], ["--lapses", "1h"], "it needs --propose"),
        (
            &limit,
            ["--per", "1s"],
            "--per means nothing for MaxOrderQty",
        ),
        (&state, ["--lapses", "1h"], "it needs --propose"),
    ] {
        let (code, out, err) = server.run(&[args, &more].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(why), "{err}");
    }
    assert_eq!(server.firm_max_order_qty()["version"], 1);
}

#[test]
fn a_reader_of_stderr_that_has_gone_changes_nothing() {
    let server = Serving::start();
    let set = [
        "limits",
        "set",
        "firm",
        "MaxOrderQty",
        "500",
        "--reason",
        "x",
    ];
    let stale = [&set[..], &["--expect-version", "9"]].concat();
    for (args, code) in [
        (&["limits", "list"][..], 0),
        (&["limits", "list", "--json"], 0),
        (&["state", "show"], 0),
        (&set, 0),
        (&stale, 6),
        (&["positions", "--scope", "desk:77"], 2),
    ] {
        let unread = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            std::process::Stdio::from(writer)
        };
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(args)
            .arg("--data")
            .arg(server.data.path())
            .stdout(unread())
            .stderr(unread())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}: {status}");
    }
    assert_eq!(server.firm_max_order_qty()["value"], "500");
}
