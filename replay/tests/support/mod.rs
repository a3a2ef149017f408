//! The command as a person runs it on a journal.

use assert_cmd::Command;
use std::path::Path;

/// A subcommand on a directory: exit code, stdout, stderr.
pub(crate) fn replay(args: &[&str], dir: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-replay"))
        .arg(args[0])
        .arg(dir)
        .args(&args[1..])
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}
