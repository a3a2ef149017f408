//! Two people to loosen.

use super::serving::{Serving, key_of};
use engine::firm::Firm;
use serde_json::Value;

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
