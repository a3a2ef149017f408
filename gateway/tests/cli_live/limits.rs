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
