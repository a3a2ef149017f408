//! A process whose engine breaks: it stops closed, and saves the command in hand, so that its session is
//! refused at the next start. The process is this test program itself, started once more.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod pipeline_kit;

use engine::pipeline::{AckPolicy, in_hand_file, stop_closed_on_panic};
use pipeline_kit::{Desk, open, start_with_wake};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Where the process that is to break has its journal; where it is not set there is nothing to break.
const DIRECTORY: &str = "PORTCULLIS_TEST_BREAKS_IN";
const SIGABRT: i32 = 6;
/// Messages that are decided before the engine breaks.
const GOOD: u64 = 20;

/// What the other process does: the call that wakes the gateway is made on the engine's thread, right
/// behind a decision, and breaks there.
fn break_in(directory: PathBuf) {
    stop_closed_on_panic(directory.clone());
    let opened = open(&directory, AckPolicy::Memory);
    let before = opened.seq;
    let wake = Arc::new(|| {
        let thread = std::thread::current();
        assert_ne!(thread.name(), Some("portcullis-engine"), "an invariant");
    });
    let (doors, _handle) = start_with_wake(opened, pipeline_kit::usual(AckPolicy::Memory), wake);
    let mut desk = Desk::new(101);
    for n in 0..GOOD {
        doors.orders.try_push(desk.next(n)).unwrap();
    }
    while doors.watermarks.durable() < before + GOOD {
        while doors.outbound.pop().is_some() {}
        std::thread::sleep(Duration::from_millis(1));
    }
    // The gateway goes to sleep, and the next decision wakes it.
    loop {
        while doors.outbound.pop().is_some() {}
        if doors.prepare_sleep(u64::MAX, false) {
            break;
        }
    }
    doors.orders.try_push(desk.next(GOOD)).unwrap();
    std::thread::sleep(Duration::from_secs(60));
    panic!("the engine did not break");
}

fn run_one_that_breaks(directory: &Path) -> (Option<i32>, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "an_engine_that_breaks"])
        .env(DIRECTORY, directory)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.signal(), told)
}

#[test]
fn an_engine_that_breaks() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        break_in(directory.into());
    }
    let dir = tempfile::tempdir().unwrap();
    let (signal, told) = run_one_that_breaks(dir.path());
    assert_eq!(signal, Some(SIGABRT), "{told}");
    assert!(
        told.contains("thread `portcullis-engine` broke an invariant; stopping closed"),
        "{told}"
    );
    let file = dir.path().join(in_hand_file(101));
    assert!(told.contains(file.to_str().unwrap()), "{told}");
    // The command in hand, as a line of the textual form, with the cause.
    let saved = std::fs::read_to_string(&file).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert!(saved["panic"].as_str().unwrap().contains("an invariant"));
    assert_eq!(saved["command"]["session"], 101);
    assert_eq!(saved["command"]["inSeqNo"], GOOD + 1);
    // Nothing durable is missing, and the session is named until it is released.
    let opened = open(dir.path(), AckPolicy::Memory);
    assert!(opened.report.records >= GOOD);
    assert_eq!(opened.report.blocked, [101]);
    assert!(
        opened.report.restricted,
        "as after any crash under `memory`"
    );
    opened.close(pipeline_kit::NOW).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(open(dir.path(), AckPolicy::Memory).report.blocked, [0; 0]);
}
