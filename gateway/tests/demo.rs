//! The demo as a program: what it prints must add up by its own numbers.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do: with the place"
)]

use assert_cmd::Command;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

fn demo(args: &[&str]) -> Value {
    let out = Command::cargo_bin("portcullis")
        .unwrap()
        .args(["demo", "--json"])
        .args(args)
        .timeout(std::time::Duration::from_secs(300))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{told}");
    let lines: Vec<&[u8]> = out.stdout.trim_ascii_end().split(|b| *b == b'\n').collect();
    assert_eq!(lines.len(), 1, "one object");
    serde_json::from_slice(lines[0]).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn sum(value: &Value) -> u64 {
    value.as_object().unwrap().values().map(number).sum()
}

fn assert_it_adds_up(told: &Value) {
    assert_eq!(
        number(&told["orders_sent"]),
        number(&told["accepted"]) + sum(&told["rejected"]) + number(&told["busy"])
    );
    for name in [
        "limit_change_effective",
        "kill_clear",
        "recovered_equal",
        "tally_equal",
    ] {
        assert_eq!(told[name], true, "{name}");
    }
    assert_eq!(told["replay"]["verified"], true);
    assert!(number(&told["replay"]["records"]) > number(&told["orders_sent"]) / 2);
    assert_eq!(told["replay"]["digest"].as_str().unwrap().len(), 64);
    let latency = &told["latency_ns"];
    let mut last = 1;
    for name in ["p50", "p99", "p999", "max"] {
        assert!(number(&latency[name]) >= last, "{name}");
        last = number(&latency[name]);
    }
    assert_eq!(told["wrong"], serde_json::json!([]));
}

#[test]
fn the_generated_demo_adds_up_and_shows_every_refusal() {
    let kept = tempfile::tempdir().unwrap();
    let directory = kept.path().join("kept");
    let told = demo(&[
        "--orders",
        "1500",
        "--seed",
        "5",
        "--keep",
        directory.to_str().unwrap(),
    ]);
    assert_it_adds_up(&told);
    let new_orders = &told["new_orders"];
    assert!(number(&new_orders["accepted"]) * 10 >= number(&new_orders["sent"]) * 8);
    assert!(number(&told["unanswered_at_kill"]) >= 1_000);
    assert!(number(&told["kill_cancelled"]) >= 100);
    assert!(number(&told["busy"]) > 0 && number(&told["fills"]) > 0);
    for code in [
        "MalformedField",
        "UnknownTemplate",
        "VenueDown",
        "NotReady",
        "Halted",
        "FxStale",
    ] {
        assert!(number(&told["rejected"][code]) > 0, "{code}");
    }

    // What it kept is a journal that anybody can prove again.
    let report = engine::verify::verify(&directory.join("journal"), |_| {}).unwrap();
    assert_eq!(number(&told["replay"]["records"]), report.records);
}

#[test]
fn a_directory_that_is_in_use_is_not_kept_in() {
    let full = tempfile::tempdir().unwrap();
    std::fs::write(full.path().join("mine"), "x").unwrap();
    let out = Command::cargo_bin("portcullis")
        .unwrap()
        .args(["demo", "--keep", full.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("is not empty"));
}

/// The file of recorded flow, or `None` with the reason on the terminal.
fn find(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PORTCULLIS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    // Straight to the terminal: the test harness keeps what a passing test prints.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {} is not there; PORTCULLIS_DATA names its folder",
        path.display()
    );
    None
}

#[test]
fn the_shanghai_day_with_a_five_per_cent_collar_is_refused_as_counted_from_the_file() {
    let Some(path) = find("sse/AX_sbe_sse_600519.zip") else {
        return;
    };
    let path = path.to_str().unwrap();
    let told = demo(&["--flow", path, "--format", "sse", "--collar", "5"]);
    assert_it_adds_up(&told);
    let flow = &told["flow"];
    assert_eq!(number(&flow["lines_read"]), 69_595);
    assert_eq!(flow["outside_collar"], 139);
    assert_eq!(flow["refused"], serde_json::json!({"PriceCollar": 139}));
    assert_eq!(flow["positions_equal"], true);
}

#[test]
fn the_lobster_hour_is_played_to_the_last_line() {
    let name = "lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz";
    let Some(path) = find(name) else { return };
    let told = demo(&["--flow", path.to_str().unwrap(), "--format", "lobster"]);
    assert_it_adds_up(&told);
    let flow = &told["flow"];
    let used = sum(&flow["used"]);
    assert_eq!(number(&flow["lines_read"]), 91_997);
    assert_eq!(used + number(&flow["unmatched"]), 91_997);
    assert_eq!(number(&flow["new_orders"]), 44_256);
    assert!(number(&flow["unmatched"]) * 1_000 <= 2 * 91_997);
    assert_eq!(flow["positions_equal"], true);
}

#[test]
fn flow_that_is_not_there_is_named_with_its_cause_once() {
    let out = Command::cargo_bin("portcullis")
        .unwrap()
        .args(["demo", "--flow", "/no/such/flow", "--format", "lobster"])
        .output()
        .unwrap();
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(told.contains("/no/such/flow: cannot be opened"), "{told}");
    assert_eq!(told.matches("No such file").count(), 1, "{told}");
}

#[test]
fn the_server_of_a_demo_that_is_killed_ends_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["demo", "--stay", "--json", "--keep"])
        .arg(directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let read = BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line);
    demo.kill().unwrap();
    demo.wait().unwrap();
    read.unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let address = line["listening"][0].as_str().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < until, "the server goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    // In order: its journal has an end.
    let log = std::fs::read_to_string(directory.path().join("server.log")).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(directory.path().join("server.log"))
        .unwrap()
        .contains("stopped cleanly")
    {
        assert!(Instant::now() < until, "{log}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
