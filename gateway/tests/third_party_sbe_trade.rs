//! A third party's SBE codec, fed only the published schema, trades against the real server.
//!
//! It needs a python3 with the modules `sbe` and `cryptography`, found by the environment variable
//! `PYTHON` or on the path. Without them the test says so and passes, unless `PORTCULLIS_REQUIRE_SBE`
//! is set, as it is in CI.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

#[path = "support/process.rs"]
mod process;

use process::ServerProcess;
use std::path::Path;
use std::process::Command;

/// Exit code of the script when a module is missing.
const SKIPPED: i32 = 77;

#[test]
fn the_python_package_sbe_logs_on_and_trades_with_the_published_schema_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let server = ServerProcess::start();
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python)
        .arg(root.join("tests/python/third_party_sbe_trade.py"))
        .arg(root.join("../engine/wire/schema/portcullis-sbe.xml"))
        .arg(server.address.to_string())
        .arg(server.key("desk2"))
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
