//! What the `portcullis` command understands, and how every subcommand answers.
//!
//! Data goes to stdout, everything else to stderr. Each subcommand has a file of its own; completions
//! and the man page come from the definition here.

mod approvals;
mod bench;
mod check_config;
mod failure;
mod failure_mark;
mod key_files;
mod keygen;
mod ops;
mod output;
mod reload;
mod remote;
mod risk;
mod room;
mod serve;

use clap::{Args, CommandFactory, Parser, Subcommand};
use failure::Failure;
use signal_hook::consts::SIGTERM;
use signal_hook::low_level::raise;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Pre-trade risk between trading desks and markets.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 ok, 1 failed, 2 usage, 3 corrupt journal, 4 replay differs, \
    5 unreachable, 6 rejected."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server; with no file, the example firm on loopback
    Serve(serve::ServeArgs),
    /// `serve`, until stdin ends: a server that must not outlive whoever started it
    #[command(hide = true)]
    Tethered(serve::ServeArgs),
    /// Play the whole job once, with real processes over TCP, and check that everything adds up
    Demo(crate::demo::DemoArgs),
    /// Measure round trips, rates and disturbances on this machine, each beside a bare echo
    Bench(bench::BenchArgs),
    /// Say what a configuration file becomes, or all its mistakes with their places
    CheckConfig {
        /// The file; the example firm without one
        file: Option<PathBuf>,
        /// Data directory that key files are relative to; if given, they are read too
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Print the example firm's file instead, to copy and change
        #[arg(long, conflicts_with_all = ["file", "data", "json"])]
        example: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Make an Ed25519 key pair: NAME.key to keep, NAME.pub for the server
    Keygen {
        /// Path of the two files without their endings
        name: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// List and set limits of a running server
    Limits {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        what: Limits,
    },
    /// Show and set trading states: kill switch, reduce only, release
    State {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        what: State,
    },
    /// Two people to loosen: list, approve and withdraw proposals (role risk)
    Approvals {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        what: approvals::Approvals,
    },
    /// Show positions with open quantities and reserved values
    Positions {
        #[command(flatten)]
        to: To,
        /// Only this scope: firm, desk:1, account:2, trader:3
        #[arg(long)]
        scope: Option<remote::ScopeArg>,
        /// Only this instrument
        #[arg(long, value_name = "ID")]
        instrument: Option<u32>,
    },
    /// Show live orders
    Orders {
        #[command(flatten)]
        to: To,
        /// Only this instrument
        #[arg(long, value_name = "ID")]
        instrument: Option<u32>,
    },
    /// Show what a desk's account could still buy and sell now (role desk)
    Room(room::RoomArgs),
    /// Load, open and roll the trading day (role ops)
    Day {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        what: ops::Day,
    },
    /// Set prices and rates (role risk)
    Prices {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        what: Prices,
    },
    /// Confirm what is left of an unresolved order, or a lossy restart (role ops)
    Reconcile {
        #[command(flatten)]
        to: To,
        #[command(subcommand)]
        what: ops::Reconciled,
    },
    /// Show sessions
    Sessions {
        #[command(flatten)]
        to: To,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// Where the server is, and who asks.
#[derive(Debug, Clone, Args)]
struct To {
    /// Address of the server; else what DATA/address says
    #[arg(long, global = true, value_name = "ADDRESS")]
    connect: Option<String>,
    /// Session to log on as, of the command's role; else the example firm's: risk 21, ops 22, desk 1
    #[arg(long, global = true, value_name = "ID")]
    session: Option<u32>,
    /// Its key file; else DATA/keys/risk.key, ops.key or desk1.key
    #[arg(long, global = true, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Data directory of the server on this machine
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "portcullis-data"
    )]
    data: PathBuf,
    /// Name of the server's instance; a server that calls itself otherwise is signed nothing
    #[arg(long, global = true, value_name = "NAME")]
    instance: Option<String>,
    /// Speak TLS, and trust a server by the authorities in this PEM file
    #[arg(long, global = true, value_name = "FILE")]
    tls_authorities: Option<PathBuf>,
    /// Name in the server's certificate; else the host of its address, or localhost for `0.0.0.0` and `[::]`
    #[arg(long, global = true, value_name = "NAME", requires = "tls_authorities")]
    tls_name: Option<String>,
    /// Certificate to show to the server, PEM
    #[arg(long, global = true, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, PEM, of mode 0600
    #[arg(long, global = true, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Limits {
    /// Every limit with its use
    List {
        /// Only this scope: firm, desk:1, account:2, trader:3
        #[arg(long)]
        scope: Option<remote::ScopeArg>,
    },
    /// Set one limit; it binds from the next order in the sequence
    Set(risk::SetArgs),
}

#[derive(Debug, Subcommand)]
enum Prices {
    /// Set one price or rate; `none` removes it
    #[command(subcommand)]
    Set(ops::Price),
}

#[derive(Debug, Subcommand)]
enum State {
    /// Every scope and instrument with its trading state
    Show {
        /// Only what is not Active
        #[arg(long)]
        changed: bool,
    },
    /// Set the state of a scope or an instrument
    Set(risk::StateArgs),
}

/// Runs the command and says how it went.
pub(crate) fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Tethered(args) => {
            end_with_stdin()?;
            serve::run(&args)
        }
        Command::Demo(args) => {
            crate::demo::run(&args).map_err(|error| Failure::new(1, format!("{error:#}")))
        }
        Command::Bench(args) => bench::run(&args),
        Command::CheckConfig { example: true, .. } => check_config::print_example(),
        Command::CheckConfig {
            file, data, json, ..
        } => check_config::run(file.as_deref(), data.as_deref(), json),
        Command::Keygen { name, json } => keygen::run(&name, json),
        Command::Limits { to, what } => match what {
            Limits::List { scope } => risk::list_limits(&to, scope),
            Limits::Set(args) => risk::set_limit(&to, &args),
        },
        Command::State { to, what } => match what {
            State::Show { changed } => risk::show_states(&to, changed),
            State::Set(args) => risk::set_state(&to, &args),
        },
        Command::Approvals { to, what } => approvals::run(&to, &what),
        Command::Positions {
            to,
            scope,
            instrument,
        } => risk::positions(&to, scope, instrument),
        Command::Orders { to, instrument } => risk::orders(&to, instrument),
        Command::Sessions { to } => risk::sessions(&to),
        Command::Room(args) => room::run(&args),
        Command::Day { to, what } => ops::day(&to, &what),
        Command::Prices {
            to,
            what: Prices::Set(price),
        } => ops::set_price(&to, &price),
        Command::Reconcile { to, what } => ops::reconcile(&to, &what),
        Command::Completions { shell } => {
            // By way of memory: the generator panics where a reader has gone.
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut text);
            Ok(std::io::stdout().write_all(&text)?)
        }
        Command::Man => Ok(clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?),
    }
}

/// Stops this process, as SIGTERM does, once nobody holds the other end of stdin any more: the system lets go of
/// it for a process that was killed, too.
fn end_with_stdin() -> Result<(), Failure> {
    std::thread::Builder::new()
        .name("portcullis-tether".to_owned())
        .spawn(|| {
            // Nothing is ever written there; an error is an end as well.
            drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
            drop(raise(SIGTERM));
        })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_is_sound() {
        Cli::command().debug_assert();
    }
}
