//! `explain` over a journal: an order of the past, control by control.

use super::journal::journal;
use super::{dump, lines, replay};

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
