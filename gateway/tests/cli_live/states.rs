//! States set and released; what is shown of orders, positions, sessions; what the firm does not have.

use super::serving::Serving;

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
