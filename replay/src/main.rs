//! The `portcullis-replay` command: ops after an incident.
//!
//! One file a subcommand. Data goes to stdout, progress and remarks to stderr. Nothing here writes to a
//! journal or takes its lock, so that every command may run beside a live server; the exceptions are
//! `repair`, which needs the lock, and `release`, which renames one file beside the segments.

// Remarks on stderr go through `output::remark`, which outlives a reader that has gone.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod dump;
mod explain;
mod left_out;
mod output;
mod reading;
mod release;
mod repair;
mod simulate;
mod simulator;
mod state;
mod stats;
mod verify;

use clap::{CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Verify, dump, simulate and question a journal.
#[derive(Debug, Parser)]
#[command(name = "portcullis-replay", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 ok, 1 failed, 2 usage, 3 corrupt journal, 4 replay differs.\n\
    DIR is a journal directory, or a data directory that holds one as `journal`."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Decide every record again and compare; print counts and digests
    Verify(verify::VerifyArgs),
    /// Cut a journal that is refused, at the first place that is not whole; the next start is RESTRICTED
    Repair(repair::RepairArgs),
    /// Let a session log on again whose command broke the engine
    Release(release::ReleaseArgs),
    /// Print commands and decisions
    Dump {
        /// Journal directory
        dir: PathBuf,
        /// The documented textual form: one JSON object a line
        #[arg(long)]
        json: bool,
        /// First sequence to print
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        from: u64,
        /// Last sequence to print
        #[arg(long, value_name = "SEQ", default_value_t = u64::MAX, hide_default_value = true)]
        to: u64,
    },
    /// Print the state: positions, reserves, live orders, limits with their use, states, sessions, digests
    State {
        /// Journal directory
        dir: PathBuf,
        /// As it was after this sequence; else at the end
        #[arg(long, value_name = "SEQ")]
        at: Option<u64>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Decide a flow under the limits of a firm's file, offline
    Simulate(simulate::SimulateArgs),
    /// Show every control that an order of the past met, in the order of the checks
    Explain(explain::ExplainArgs),
    /// Count commands, decisions and reject codes
    Stats {
        /// Journal directory
        dir: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Verify(args) => verify::run(&args),
        Command::Repair(args) => repair::run(&args),
        Command::Release(args) => release::run(&args),
        Command::Dump {
            dir,
            json,
            from,
            to,
        } => dump::run(&dir, json, from..=to),
        Command::State { dir, at, json } => state::run(&dir, at, json),
        Command::Simulate(args) => simulate::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Stats { dir, json } => stats::run(&dir, json),
        Command::Completions { shell } => {
            // By way of memory: the generator panics where a reader has gone.
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "portcullis-replay", &mut text);
            std::io::stdout()
                .write_all(&text)
                .map_err(output::Failure::from)
        }
        Command::Man => clap_mangen::Man::new(Cli::command())
            .render(&mut std::io::stdout())
            .map_err(output::Failure::from),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
