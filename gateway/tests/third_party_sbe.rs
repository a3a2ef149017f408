//! A third party's SBE codec, fed only the published schema, agrees on every golden frame and trades
//! against the real server.
//!
//! It needs a python3 with the modules `sbe` (pip install sbe==0.4.3) and `cryptography`, found by the
//! environment variable `PYTHON` or on the path. Without them the tests say so and pass, unless
//! `PORTCULLIS_REQUIRE_SBE` is set, as it is in CI.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

#[path = "support/process.rs"]
mod process;

use process::ServerProcess;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit code of a script when a module is missing.
const SKIPPED: i32 = 77;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a script of `tests/python` on the published schema; it has to end well, or be skipped.
fn run(script: &str, arguments: &[OsString]) {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python)
        .arg(repository().join("gateway/tests/python").join(script))
        .arg(repository().join("engine/wire/schema/portcullis-sbe.xml"))
        .args(arguments)
        .output();
    let skip = match &output {
        Err(error) => Some(format!("skipped: {python} can't be run: {error}")),
        Ok(output) if output.status.code() == Some(SKIPPED) => {
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(_) => None,
    };
    if let Some(reason) = skip {
        assert!(
            std::env::var_os("PORTCULLIS_REQUIRE_SBE").is_none(),
            "PORTCULLIS_REQUIRE_SBE is set, but: {reason}"
        );
        eprintln!("{}", reason.trim());
        return;
    }
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_python_package_sbe_encodes_and_decodes_every_golden_frame() {
    let frames = repository().join("engine/wire/golden/frames.txt");
    run("third_party_sbe.py", &[frames.into()]);
}

#[test]
fn the_python_package_sbe_logs_on_and_trades_with_the_published_schema_alone() {
    let server = ServerProcess::start();
    run(
        "third_party_sbe_trade.py",
        &[
            server.address.to_string().into(),
            server.key("desk2").into(),
        ],
    );
}
