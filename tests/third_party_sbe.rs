//! An independent SBE implementation reads the published schema and agrees on every golden frame.
//!
//! It needs a python3 with the module `sbe` (pip install sbe==0.4.3), found by the environment
//! variable `PYTHON` or on the path. Without it the test says so and passes, unless
//! `PORTCULLIS_REQUIRE_SBE` is set, as it is in CI.

use std::path::Path;
use std::process::Command;

/// Exit code of the script when the module is missing.
const SKIPPED: i32 = 77;

#[test]
fn the_python_package_sbe_encodes_and_decodes_every_golden_frame() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python)
        .arg(root.join("tests/python/third_party_sbe.py"))
        .arg(root.join("engine/wire/schema/portcullis-sbe.xml"))
        .arg(root.join("engine/wire/golden/frames.txt"))
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
