//! The Python client trades against the real server, in its own tests.
//!
//! They need a python3 with `cryptography`, found by the environment variable `PYTHON` or on the path.
//! Without it this says so and passes, unless `PORTCULLIS_REQUIRE_PYTHON` is set, as it is in CI; then
//! `mypy --strict` has to pass too.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python")
}

/// Runs Python with the client on its path, wherever it is installed or not.
fn python(directory: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    Command::new(python)
        .args(arguments)
        .current_dir(directory)
        .env("PYTHONPATH", package().join("src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PORTCULLIS_BIN", env!("CARGO_BIN_EXE_portcullis"))
        .output()
}

/// Whether these modules are there; if not, says so, or fails where they are required.
fn has(module: &str) -> bool {
    let found = python(&package(), &["-c", &format!("import {module}")]);
    if found.is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(
        std::env::var_os("PORTCULLIS_REQUIRE_PYTHON").is_none(),
        "PORTCULLIS_REQUIRE_PYTHON is set, but python has no module {module}"
    );
    eprintln!("skipped: python3 with the module {module} is not here; pip install {module}");
    false
}

fn assert_passes(output: &Output) {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_python_client_trades_against_the_real_server() {
    if has("cryptography") {
        let output = python(&package().join("tests"), &["-m", "unittest"]).unwrap();
        assert_passes(&output);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("skipped"), "{said}");
    }
}

#[test]
fn the_python_client_is_typed_without_exception() {
    if has("mypy") && has("cryptography") {
        assert_passes(&python(&package(), &["-m", "mypy", "--no-incremental"]).unwrap());
    }
}
