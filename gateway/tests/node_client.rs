//! A client in another language, written from the README and the protocol guide alone, trades against the
//! real server: `clients/node`, without packages.
//!
//! It needs Node.js 20 or later. Without it the tests say so and pass, unless `PORTCULLIS_REQUIRE_NODE` is
//! set, as it is in CI where there is one.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

#[path = "support/process.rs"]
mod process;

use process::ServerProcess;
use std::path::Path;
use std::process::{Command, Output};

/// Runs Node in `clients/node`; `None` where there is none.
fn node(arguments: &[&str]) -> Option<Output> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/node");
    let output = Command::new("node")
        .args(arguments)
        .current_dir(directory)
        .output();
    if let Err(error) = &output {
        assert!(
            std::env::var_os("PORTCULLIS_REQUIRE_NODE").is_none(),
            "PORTCULLIS_REQUIRE_NODE is set, but node can't be run: {error}"
        );
        eprintln!("skipped: node can't be run: {error}");
    }
    output.ok()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

#[test]
fn the_example_desk_trades_loses_its_line_and_takes_the_session_up() {
    let server = ServerProcess::start();
    let data = server.data().to_str().unwrap();
    let Some(output) = node(&["desk.mjs", "--data", data]) else {
        return;
    };
    let said_first = said(&output);
    assert!(output.status.success(), "{said_first}");
    for line in [
        "logged on in epoch 1",
        "taken up again",
        "accepted: order",
        "OrderCancelled: 100",
    ] {
        assert!(said_first.contains(line), "{said_first}");
    }
    let output = node(&["desk.mjs", "--data", data, "--price", "700.00"]).unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(
        said(&output).contains("code 207: PriceCollar of Account 4 is 500"),
        "{}",
        said(&output)
    );
}

#[test]
fn the_schema_reader_agrees_with_every_golden_frame() {
    if let Some(output) = node(&["--test", "."]) {
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("pass 3"), "{}", said(&output));
    }
}
