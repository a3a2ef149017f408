//! Why a subcommand did not succeed, and the exit code that says so.

use engine::suggest;
use gateway::voice::remark;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// The server can't be reached.
pub(crate) const UNREACHABLE: u8 = 5;
/// The server refused.
pub(crate) const REJECTED: u8 = 6;
/// What was asked for makes no sense.
pub(crate) const USAGE: u8 = 2;

/// What went wrong, in a sentence for people.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) what: String,
}

impl Failure {
    pub(crate) fn new(code: u8, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
        }
    }

    /// Already told; only the exit code is left to say.
    pub(crate) fn told(code: u8) -> Self {
        Self::new(code, "")
    }

    /// A name that is not known, with the nearest one that is.
    pub(crate) fn unknown<'a>(
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> String {
        format!(
            "`{name}` is not a {what}{}",
            suggest::did_you_mean(name, known)
        )
    }

    pub(crate) fn report(self) -> ExitCode {
        if !self.what.is_empty() && self.code != 0 {
            remark(format_args!("portcullis: {}", self.what));
        }
        ExitCode::from(self.code)
    }
}

/// A reader of stdout that has gone (`| head`) is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let code = u8::from(error.kind() != ErrorKind::BrokenPipe);
        Self::new(code, error.to_string())
    }
}
