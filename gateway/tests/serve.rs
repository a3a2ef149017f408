//! `portcullis serve` as a program: its first line, its end, and the starts that it refuses.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do: with the place"
)]

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

fn portcullis() -> Command {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
}

struct Server {
    child: Child,
    first_line: String,
}

impl Server {
    fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = portcullis()
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut first_line)
            .unwrap();
        Self { child, first_line }
    }

    /// SIGTERM, and what it said on stderr.
    fn terminate(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let until = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut told = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut told)
            .unwrap();
        (self.child.wait().unwrap(), told)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs a subcommand against the server of this data directory.
fn ask(data: &Path, args: &[&str]) -> Output {
    portcullis()
        .args(args)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A start that is refused: its exit code and what it said.
fn refused(data: &Path) -> (Option<i32>, String) {
    let output = portcullis()
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(["--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert!(output.stdout.is_empty(), "no address was promised");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn with_no_file_the_example_firm_serves_and_stops_cleanly() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--json"]);
    let told: Value = serde_json::from_str(&server.first_line).unwrap();
    let address = told["listening"][0].as_str().unwrap().to_owned();
    assert!(address.starts_with("127.0.0.1:"));
    assert_eq!(told["instance"], "example");
    let file = fs::read_to_string(data.path().join("address")).unwrap();
    assert_eq!(file.trim(), address);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = fs::metadata(data.path().join("keys/risk.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    // Every command for people works against it with no more than the data directory.
    for command in [
        &["limits", "list", "--json"][..],
        &["state", "show", "--json"],
        &["sessions", "--json"],
        &["positions", "--json"],
        &["orders", "--json"],
    ] {
        rows(&ask(data.path(), command));
    }
    let states = rows(&ask(data.path(), &["state", "show", "--json"]));
    assert!(
        states.iter().any(|state| state["ready"] != false),
        "the day is open"
    );
    let (status, told) = server.terminate();
    assert_eq!(status.code(), Some(0), "{told}");
    assert!(told.contains("stopped cleanly"), "{told}");
}

#[test]
fn the_first_line_for_people_is_the_address() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    assert!(server.first_line.starts_with("listening on 127.0.0.1:"));
}

#[test]
fn a_second_server_names_the_first_ones_pid() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let (code, told) = refused(data.path());
    assert_eq!(code, Some(1));
    assert!(told.contains(&server.child.id().to_string()), "{told}");
    assert!(told.contains("next:"), "{told}");
}

#[test]
fn a_limit_changed_live_survives_a_restart_and_the_file_is_applied_only_by_command() {
    let data = tempfile::tempdir().unwrap();
    let of_firm = |data: &Path| -> Value {
        let limits = rows(&ask(data, &["limits", "list", "--json"]));
        let found = limits
            .into_iter()
            .find(|row| row["scope"] == "Firm" && row["limitKind"] == "MaxOrderQty");
        found.unwrap()["value"].clone()
    };
    let server = Server::start(data.path(), &[]);
    let before = of_firm(data.path());
    let set = ask(
        data.path(),
        &[
            "limits",
            "set",
            "firm",
            "MaxOrderQty",
            "777",
            "--reason",
            "a test",
        ],
    );
    assert!(
        set.status.success(),
        "{}",
        String::from_utf8_lossy(&set.stderr)
    );
    assert_eq!(of_firm(data.path()), "777");
    assert_eq!(server.terminate().0.code(), Some(0));

    let server = Server::start(data.path(), &[]);
    assert_eq!(of_firm(data.path()), "777");
    let (status, told) = server.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(told.contains("777 in the journal"), "{told}");
    assert!(told.contains("--apply-config"), "{told}");

    let server = Server::start(data.path(), &["--apply-config"]);
    assert_eq!(of_firm(data.path()), before);
    let (status, told) = server.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(told.contains("applied:"), "{told}");

    // The change is a record like any other: the journal proves it.
    let report = engine::verify::verify(&data.path().join("journal"), |_| {}).unwrap();
    assert!(report.records > 0);
}

/// `--apply-config` is one person's word: where loosening takes two it tightens, and what loosens is refused.
#[test]
fn a_file_that_loosens_is_refused_where_loosening_takes_two_and_what_tightens_is_applied() {
    let data = tempfile::tempdir().unwrap();
    let second = "[[sessions]]\nid = 24\nname = \"bob\"\nrole = \"risk\"\nperson = \"bob\"\n\
                  key_file = \"keys/bob.pub\"\n[journal]";
    let firm = engine::firm::EXAMPLE
        .replace("two_person = false", "two_person = true ")
        .replace("[journal]", second);
    let keys = data.path().join("keys");
    fs::create_dir(&keys).unwrap();
    for name in [
        "desk1", "desk2", "venue1", "venue2", "risk", "ops", "audit", "bob",
    ] {
        let made = portcullis().arg("keygen").arg(keys.join(name)).output();
        assert!(made.unwrap().status.success(), "{name}");
    }
    let file = data.path().join("firm.toml");
    let config = file.to_str().unwrap().to_owned();
    let write = |collar: &str, qty: &str| {
        let text = firm
            .replace(
                "kind = \"MaxOrderQty\"\nvalue = \"100000\"",
                &format!("kind = \"MaxOrderQty\"\nvalue = \"{qty}\""),
            )
            .replace("value = \"10%\"", &format!("value = \"{collar}\""));
        fs::write(&file, text).unwrap();
    };
    write("10%", "100000");
    let served = Server::start(data.path(), &["--config", &config]);
    assert_eq!(served.terminate().0.code(), Some(0));

    write("9%", "100001");
    let output = portcullis()
        .args(["serve", "--config", &config, "--apply-config", "--data"])
        .arg(data.path())
        .args(["--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{told}");
    assert!(output.stdout.is_empty(), "no address was promised");
    let line = |start: &str, holds: &str| {
        told.lines()
            .any(|line| line.starts_with(start) && line.contains(holds))
    };
    assert!(line("portcullis: refused: ", "MaxOrderQty"), "{told}");
    assert!(line("portcullis: refused: ", "NeedsApproval"), "{told}");
    assert!(line("portcullis: applied: ", "PriceCollar"), "{told}");

    // Without the option it serves on, with the tighter collar and the old quantity.
    let served = Server::start(data.path(), &["--config", &config]);
    let limits = rows(&ask(data.path(), &["limits", "list", "--json"]));
    let value = |kind: &str| {
        let of_firm = |row: &&Value| row["scope"] == "Firm" && row["limitKind"] == kind;
        limits.iter().find(of_firm).unwrap()["value"].clone()
    };
    assert_eq!(value("MaxOrderQty"), "100000");
    assert_eq!(value("PriceCollar"), "900");
    drop(served);
}

#[test]
fn a_corrupt_byte_is_refused_with_segment_offset_and_exit_code_3() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(
        Server::start(data.path(), &[]).terminate().0.code(),
        Some(0)
    );
    let segment = data.path().join("journal/000000000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[2_000] ^= 0x40;
    fs::write(&segment, bytes).unwrap();
    let (code, told) = refused(data.path());
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("000000000001.seg, byte "), "{told}");
    assert!(told.contains("portcullis-replay verify"), "{told}");
}

#[test]
fn a_file_with_a_misspelt_key_is_refused_with_its_place() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("firm.toml");
    fs::write(&file, "[firm]\nnmae = \"x\"\n").unwrap();
    let output = portcullis()
        .args(["serve", "--config"])
        .arg(&file)
        .arg("--data")
        .arg(data.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.contains("firm.toml:2:1") && told.contains("nmae"),
        "{told}"
    );
    assert!(!data.path().join("journal").exists());
}

#[test]
fn a_taken_address_leaves_a_clean_journal() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let output = portcullis()
        .args(["serve", "--listen", &address, "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&address));
    let report = engine::verify::verify(&data.path().join("journal"), |_| {}).unwrap();
    assert_eq!(report.verdict, engine::journal::Verdict::Clean);
}
