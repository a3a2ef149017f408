//! How every subcommand speaks: exit codes, tables, progress.

use comfy_table::{ContentArrangement, Table, presets};
use engine::verify::VerifyError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

/// Why a subcommand did not succeed, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) what: String,
}

/// Corrupt journal.
pub(crate) const CORRUPT: u8 = 3;
/// Replay differs.
pub(crate) const DIFFERS: u8 = 4;

impl Failure {
    pub(crate) fn new(code: u8, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
        }
    }

    /// Says it on stderr. A reader that has gone (`| head`) is no failure.
    pub(crate) fn report(self) -> ExitCode {
        if self.code != 0 {
            remark(format_args!("portcullis-replay: {}", self.what));
        }
        ExitCode::from(self.code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let code = u8::from(error.kind() != ErrorKind::BrokenPipe);
        Self::new(code, error.to_string())
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::new(error.exit_code(), error.to_string())
    }
}

/// A line on stderr. It ends nothing that nobody reads it, or that the disk behind it is full.
pub(crate) fn remark(line: impl Display) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// A table for people; colours and borders stay out, so that it survives being copied.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

/// Prints a table without the blanks that fill its lines.
pub(crate) fn print_table(out: &mut impl io::Write, table: &Table) -> io::Result<()> {
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A bar on stderr if that is a terminal; else nothing.
pub(crate) fn progress(unit_total: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(unit_total), target);
    let plain = "{bytes} of {total_bytes} [{bar:40}] {eta} left";
    if let Ok(style) = ProgressStyle::with_template(plain) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
