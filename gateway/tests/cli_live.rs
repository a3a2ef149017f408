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
use portcullis_client::keys;
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::thread::JoinHandle;
use wire::Time;

struct Serving {
    data: tempfile::TempDir,
    stop: StopHandle,
    thread: Option<JoinHandle<Result<Stopped, ServeError>>>,
}

impl Serving {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut firm = Firm::example();
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

#[test]
fn operations_end_the_day_and_open_the_next_one() {
    let server = Serving::start();
    let (code, _, err) = server.run(&["day", "open", "20240102"]);
    assert_eq!(code, 0, "{err}");
    let ready = |server: &Serving| {
        let states = server.lines(&["state", "show", "--changed"]);
        let firm = states.into_iter().find(|state| state["scope"] == "Firm");
        let firm = firm.unwrap();
        (firm["businessDate"].clone(), firm["ready"].clone())
    };
    assert_eq!(ready(&server), (20_240_102.into(), true.into()));
    let (code, out, err) = server.run(&["day", "roll", "20240103"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("the day is 20240103"), "{out}");
    assert_eq!(ready(&server), (20_240_103.into(), false.into()));
    let (code, _, err) = server.run(&["day", "open", "20240103"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(ready(&server), (20_240_103.into(), true.into()));
}

#[test]
fn operations_reconcile_and_a_risk_session_may_not() {
    let server = Serving::start();
    let restart = ["reconcile", "restart", "--reason", "agreed with the venue"];
    let (code, out, err) = server.run(&restart);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("two-person approval is off"), "{out}");
    let unknown = ["reconcile", "order", "77", "--leaves", "0", "--reason", "x"];
    let (code, _, err) = server.run(&unknown);
    assert_eq!(code, 6, "{err}");
    assert!(err.contains("UnknownOrder"), "{err}");
    let (code, _, err) = server.run(&[&restart[..], &["--session", "21"]].concat());
    assert_eq!(code, 6, "{err}");
}
