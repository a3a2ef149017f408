//! What people are told. Owns the ways a line gets to them, none of which can end the process: whoever reads may
//! be gone (`| head`), and the disk behind a redirection may be full. Answers that a program waits for are written
//! where they are made, and say when they could not be.

use std::fmt::Display;
use std::io::{self, Write};

/// A line on stderr.
pub fn remark(line: impl Display) {
    // Whom would one tell that nobody could be told?
    drop(writeln!(io::stderr(), "{line}"));
}

/// A line on stdout, of work that goes on and has its result elsewhere.
pub fn say(line: impl Display) {
    drop(writeln!(io::stdout(), "{line}"));
}
