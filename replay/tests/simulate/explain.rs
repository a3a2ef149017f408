//! `explain` over a journal: an order of the past, control by control.

use super::journal::{journal, journal_of_one_order};
use super::{dump, lines, replay};
use engine::firm::{EXAMPLE, Firm};
use serde_json::{Value, json};
use wire::{E8, NewOrder, Price};

/// The rows of a journal's last order, and its table.
fn explained(example: &str, order: impl FnOnce(NewOrder) -> NewOrder) -> (Vec<Value>, String) {
    let firm = Firm::parse("firm.toml", example).unwrap();
    let dir = journal_of_one_order(&firm, order);
    let seq = lines(&dump(dir.path())).last().unwrap()["seq"].to_string();
    let ask = |more: &[&str]| {
        let path = dir.path().to_str().unwrap();
        let (code, out, err) = replay(&[&["explain", path, &seq], more].concat(), "");
        assert_eq!(code, 0, "{err}");
        out
    };
    (lines(&ask(&["--json"])), ask(&[]))
}

fn row<'a>(rows: &'a [Value], kind: &str, scope: &str) -> &'a Value {
    let is = |row: &&Value| row["limitKind"] == kind && row["scope"] == scope;
    rows.iter().find(is).unwrap()
}

#[test]
fn a_stale_reference_shows_its_age_and_no_room_beside_the_refusal() {
    let shadow = "value = \"1h\"\nmode = \"shadow\"";
    let stale = EXAMPLE.replacen(shadow, "value = \"30s\"", 1);
    let (rows, table) = explained(&stale, |order| order);
    let age = row(&rows, "ReferenceMaxAge", "Firm");
    assert_eq!(
        [
            &age["limit"],
            &age["reached"],
            &age["headroom"],
            &age["refuses"]
        ],
        [
            &json!("30000000000"),
            &json!("60000001000"),
            &json!("-30000001000"),
            &json!("ReferenceStale")
        ]
    );
    // The first of 100,000 a second.
    let rate = row(&rows, "OrderRate", "Firm");
    assert_eq!(
        (&rate["reached"], &rate["headroom"]),
        (&json!("1"), &json!("99999"))
    );
    assert!(
        table.contains("Rejected, ReferenceStale by firm"),
        "{table}"
    );
}

#[test]
fn a_limit_that_is_not_set_is_named() {
    let (said, unsaid) = (
        "kind = \"MaxOrderQty\"\nvalue = \"100000\"",
        "kind = \"MaxOrderQty\"\nvalue = 1\nmode = \"shadow\"",
    );
    let (rows, table) = explained(&EXAMPLE.replacen(said, unsaid, 1), |order| order);
    let missing = rows
        .iter()
        .find(|row| row["refuses"] == "LimitNotSet")
        .unwrap();
    assert_eq!(
        *missing,
        json!({"is": "control", "limitKind": "MaxOrderQty", "refuses": "LimitNotSet"})
    );
    assert_eq!(rows.last().unwrap()["limitKind"], "MaxOrderQty");
    assert!(
        table.contains("Rejected, LimitNotSet: MaxOrderQty"),
        "{table}"
    );
}

#[test]
fn the_passive_side_of_a_collar_has_no_distance() {
    let (rows, _) = explained(EXAMPLE, |order| NewOrder {
        price: Price(E8),
        ..order
    });
    let collar = row(&rows, "PriceCollar", "Account");
    assert_eq!(
        (&collar["reached"], &collar["headroom"]),
        (&json!("0"), &json!("500"))
    );
}

#[test]
fn what_refuses_without_a_limit_has_a_row() {
    let dir = journal();
    let path = dir.path().to_str().unwrap();
    let all = lines(&dump(dir.path()));
    let halted = all.iter().find(|line| line["reason"] == "Halted").unwrap();
    let seq = halted["seq"].to_string();
    let (code, out, err) = replay(&["explain", path, &seq, "--json"], "");
    assert_eq!(code, 0, "{err}");
    let rows = lines(&out);
    assert_eq!(
        rows[0],
        json!({"is": "control", "scope": "Firm", "scopeId": 0, "refuses": "Halted"})
    );
    let (_, table, _) = replay(&["explain", path, &seq], "");
    assert!(
        table
            .lines()
            .nth(1)
            .unwrap()
            .trim_start()
            .starts_with("Halted"),
        "{table}"
    );
}

#[test]
fn an_order_of_the_past_is_explained_control_by_control() {
    let dir = journal();
    let path = dir.path().to_str().unwrap();
    let all = lines(&dump(dir.path()));
    let accepted = all
        .iter()
        .find(|l| l["cmd"] == "NewOrder" && l["decision"] == "Accepted")
        .unwrap();
    let refused = all.iter().find(|l| l["reason"] == "Halted").unwrap();
    let seq = accepted["seq"].to_string();
    let (code, out, err) = replay(&["explain", path, &seq, "--json"], "");
    assert_eq!(code, 0, "{err}");
    let rows = lines(&out);
    let (decision, controls) = rows.split_last().unwrap();
    assert_eq!(
        (&decision["is"], &decision["decision"]),
        (&"decision".into(), &"Accepted".into())
    );
    let kinds: Vec<_> = controls
        .iter()
        .map(|row| row["limitKind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.first(), Some(&"OrderRate"));
    let gross = controls
        .iter()
        .find(|row| row["limitKind"] == "GrossNotional" && row["scope"] == "Firm")
        .unwrap();
    assert_eq!(gross["limit"], "2000000000");
    assert!(gross["reached"].is_string() && gross["headroom"].is_string() && gross["version"] == 1);
    assert!(controls.iter().all(|row| row["refuses"].is_null()));
    // The same by its order id, for people.
    let (code, table, _) = replay(&["explain", path, "--order-id", &seq], "");
    assert_eq!(code, 0);
    assert!(
        table.starts_with("control") || table.trim_start().starts_with("control"),
        "{table}"
    );
    assert!(
        table.contains(&format!("NewOrder {seq}: Accepted")),
        "{table}"
    );
    let (code, out, _) = replay(&["explain", path, &refused["seq"].to_string()], "");
    assert_eq!(code, 0);
    assert!(out.contains("Rejected, Halted by firm"), "{out}");
}

#[test]
fn what_cannot_be_explained_is_said_with_exit_code_1_and_nothing_asked_with_2() {
    let dir = journal();
    let path = dir.path().to_str().unwrap();
    let (code, _, err) = replay(&["explain", path, "1"], "");
    assert_eq!(code, 1);
    assert!(err.contains("record 1 is a DefineFirm"), "{err}");
    let (code, _, err) = replay(&["explain", path, "99999"], "");
    assert_eq!(code, 1);
    assert!(err.contains("has no record 99999; it ends at"), "{err}");
    assert_eq!(replay(&["explain", path, "--order-id", "1"], "").0, 1);
    assert_eq!(replay(&["explain", path], "").0, 2);
    assert_eq!(replay(&["explain", path, "3", "--order-id", "1"], "").0, 2);
}
