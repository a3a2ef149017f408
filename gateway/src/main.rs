//! The `portcullis` command.

// A line that nobody reads ends nothing: `gateway::voice`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod demo;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
