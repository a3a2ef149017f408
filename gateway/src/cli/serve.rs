//! `serve`: a firm's file and a data directory become a running server.
//!
//! Owns the order of a start: read the file, find the keys, open the journal, say what differs, open
//! the day, listen, and print the address as the first line of stdout. Leaves out what runs then
//! (`gateway::server`) and what a journal must be like (`engine::recover`).
//!
//! The file is the first start's truth; afterwards the journal is. A file that differs is reported, and
//! applied only by `--apply-config`, each difference a journalled change before the first connection.

mod entering;
mod files;
mod options;
mod signals;

use super::failure::Failure;
use super::failure_mark::Mark;
use super::reload::{load_tls, no_key_of_two};
use clap::{Args, ValueEnum};
use engine::clerk::Duties;
use engine::firm::Firm;
use engine::journal::{RealFiles, Verdict, segments};
use engine::pipeline::{self, AckPolicy};
use engine::recover::{self, OpenOptions, Opened};
use entering::{enter_keys, open_day, report_differences, sessions_in_force};
use files::{read_firm, server_key};
use gateway::clock::{Clock, CommandedClock, RealClock};
use gateway::memory;
use gateway::pin;
use gateway::server::{Bound, Server, ServerConfig};
use gateway::voice::remark;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use options::{pipeline_options, policy, server_config};
use serde_json::json;
use signals::{Stopping, hangups, reload_on_signal};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use wire::Time;

/// Name and version that each start journals.
const BUILD: &str = concat!("portcullis-", env!("CARGO_PKG_VERSION"));

/// Start the server.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The firm's file; without one the example firm, whose keys are made on the first start
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the journal, the keys and the address file
    #[arg(long, value_name = "DIR", default_value = "portcullis-data")]
    data: PathBuf,
    /// Address to listen on, instead of the file's; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// When replies leave, instead of what the file says
    #[arg(long, value_enum)]
    ack: Option<AckArg>,
    /// Where time comes from
    #[arg(long, value_enum, default_value_t = ClockArg::Real)]
    clock: ClockArg,
    /// Listen off loopback without TLS: whoever is on the path can read everything and take sessions over
    #[arg(long)]
    plaintext_off_loopback: bool,
    /// Start even if the journal is ahead of the clock
    #[arg(long)]
    accept_clock: bool,
    /// Begin a new epoch: after a copy of the journal was put back, or whenever acknowledged records may be
    /// lost. Clients must reconcile instead of resending, and only reducing orders pass until
    /// `portcullis reconcile restart`
    #[arg(long)]
    new_epoch: bool,
    /// Apply what the file says otherwise than the journal, each difference as a journalled change
    #[arg(long)]
    apply_config: bool,
    /// Print the first line as one JSON object
    #[arg(long)]
    json: bool,
}

/// When replies leave.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum AckArg {
    /// The record is on the disk: nothing acknowledged is lost
    Durable,
    /// The record is with the kernel: a power failure may lose it
    Written,
    /// It is decided: a crash may lose it
    Memory,
}

/// Where time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockArg {
    /// The machine's clock
    Real,
    /// It stands still, on loopback only and marked in the journal: for tests
    Commanded,
}

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let _logging = start_logging();
    let (firm, ring) = read_firm(args)?;
    let process = &firm.process;
    if process.memory.large_pages {
        memory::ask_for_large_pages();
    }
    // Behind what may begin the program anew, which would forget a signal.
    let (stopping, hangups) = (Stopping::on_signals()?, hangups()?);
    if let Some(why) = memory::too_little_for(firm.table_bytes()) {
        return Err(Failure::new(1, why));
    }
    let listen = args.listen.unwrap_or(process.listen);
    if args.clock == ClockArg::Commanded && !listen.ip().is_loopback() {
        let what = format!("--clock=commanded is for tests on loopback; {listen} is not");
        return Err(Failure::new(2, what));
    }
    let journal = args.data.join(&process.journal_dir);
    // A later start goes on from the journal, whatever the file would begin with.
    if !has_segments(&journal) && !firm.refusals().is_empty() {
        let what = "the engine would refuse the firm's definition or its opening data\n  next:  portcullis \
                    check-config FILE";
        return Err(Failure::new(1, what));
    }
    let tls = load_tls(process.tls.as_ref(), &args.data)?;
    let may_be_plain = process.plaintext_off_loopback || args.plaintext_off_loopback;
    if tls.is_none() && !listen.ip().is_loopback() && !may_be_plain {
        let what = format!(
            "{listen} is not loopback, and traffic is not encrypted; say `tls_certificate` and `tls_key` in \
             [listen], or --plaintext-off-loopback on a network where nobody else is"
        );
        return Err(Failure::new(2, what));
    }
    let ack = policy(args.ack, process.ack);
    if let Some(cores) = process.threads.pin {
        pin::plan(cores);
    }
    let wall = RealClock::start();
    pipeline::stop_closed_on_panic(journal.clone());
    let mark = Mark::of(&journal);
    mark.report();
    let mut opened = open(args, &firm, &journal, ack, wall.now(), &stopping)?;
    mark.clear();
    let blocked = blocked(&opened, &journal);
    let now = match args.clock {
        ClockArg::Real => wall.now(),
        ClockArg::Commanded => opened.t,
    };
    let entered = enter_keys(&firm, &mut opened, now)
        .and_then(|()| report_differences(args, &firm, &mut opened, now))
        .and_then(|()| no_key_of_two(&sessions_in_force(&opened), &ring))
        .and_then(|()| open_day(&firm, &mut opened, now));
    if let Err(failure) = entered {
        return Err(let_go(opened, now, failure));
    }
    // A reload changes keys, never who is behind them.
    let mut in_force = firm.clone();
    in_force.keep_people_of(&sessions_in_force(&opened));
    if stopping.is_asked() {
        tracing::info!("stopped before anybody was served");
        return opened
            .close(now)
            .map_err(|error| Failure::new(1, error.to_string()));
    }
    let clock: Arc<dyn Clock> = match args.clock {
        ClockArg::Real => Arc::new(wall),
        ClockArg::Commanded => Arc::new(CommandedClock::at(now)),
    };

    let config = ServerConfig {
        tls,
        keys: Some(ring),
        blocked,
        ..server_config(process, listen, ack)
    };
    let bound = match Bound::bind(config) {
        Ok(bound) => bound,
        Err(error) => {
            let failure = Failure::new(1, format!("{error}; `--listen` takes another address"));
            return Err(let_go(opened, now, failure));
        }
    };
    let address = bound.address();
    let epoch = opened.report.epoch;
    let failed = |error: gateway::server::ServeError| Failure::new(1, error.to_string());
    let server =
        Server::on(bound, pipeline_options(process, ack), opened, clock).map_err(failed)?;
    let address_file = args.data.join("address");
    let ready = get_ready(&firm, &server, &address_file)
        .and_then(|()| reload_on_signal(args.clone(), in_force, server.reload_handle(), hangups))
        .and_then(|()| announce(args.json, address, firm.instance(), epoch, &journal));
    if let Err(failure) = ready {
        server.stop_handle().stop();
        return match server.run() {
            Ok(_) => Err(failure),
            Err(error) => Err(Failure::new(
                failure.code,
                format!("{}; and: {error}", failure.what),
            )),
        };
    }
    stopping.of(server.stop_handle());
    tracing::info!(%address, instance = firm.instance(), ack = ack.name(), epoch, "serving");
    // After all others have started: a thread hands its core down to those that it starts.
    pin::here("gateway");
    let served = server.run();
    // What is no longer served must not be found; a file that has gone already is as good.
    drop(fs::remove_file(&address_file));
    let stopped = served.map_err(|error| {
        mark.set(&error.to_string());
        failed(error)
    })?;
    tracing::info!(records = stopped.seq, "stopped cleanly");
    Ok(())
}

/// What is left to do once all threads have their stacks and all tables their pages.
fn get_ready(firm: &Firm, server: &Server, address_file: &Path) -> Result<(), Failure> {
    if firm.process.memory.lock {
        memory::lock().map_err(|error| Failure::new(1, error.to_string()))?;
    }
    fs::write(address_file, format!("{}\n", server.address())).map_err(|error| {
        let what = format!("cannot write {}: {error}", address_file.display());
        Failure::new(1, what)
    })
}

/// Whether there is a journal: the first segments of an old one may have been removed.
fn has_segments(journal: &Path) -> bool {
    segments(&RealFiles::new(journal)).is_ok_and(|segments| !segments.is_empty())
}

/// The sessions whose command broke the engine, each with the file whose removal releases it.
fn blocked(opened: &Opened, journal: &Path) -> Vec<(u32, PathBuf)> {
    let with_file = |session: &u32| (*session, journal.join(pipeline::in_hand_file(*session)));
    let blocked: Vec<_> = opened.report.blocked.iter().map(with_file).collect();
    for (session, file) in &blocked {
        tracing::error!(
            session,
            file = %file.display(),
            next = "portcullis-replay release DIR --session ID --reason TEXT",
            "a command of this session was in hand when the engine broke: it is refused until released"
        );
    }
    blocked
}

/// Log lines that may wait for whoever reads them; those behind them are lost.
const LOG_LINES: usize = 16_384;

/// Logs go to stderr by a thread of their own: whoever reads them may stand still or be gone, and their disk may be
/// full, without anybody here waiting or ending for that. What is returned has the last lines written when it goes.
fn start_logging() -> WorkerGuard {
    let (lines, writing) = NonBlockingBuilder::default()
        .buffered_lines_limit(LOG_LINES)
        .thread_name("portcullis-log")
        .finish(io::stderr());
    let filter =
        EnvFilter::try_from_env("PORTCULLIS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        // It would tell them on stderr, and end the process where that is what fails.
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_target(false)
        .try_init();
    if let Err(error) = logging {
        remark(format_args!("portcullis: no logs: {error}"));
    }
    writing
}

/// A bar on stderr if that is a terminal; else nothing.
fn progress() -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    let plain = "the journal is read: {bytes} of {total_bytes} [{bar:40}] {eta} left";
    if let Ok(style) = ProgressStyle::with_template(plain) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn open(
    args: &ServeArgs,
    firm: &Firm,
    journal: &Path,
    ack: AckPolicy,
    now: u64,
    stopping: &Stopping,
) -> Result<Opened, Failure> {
    let process = &firm.process;
    let options = OpenOptions {
        accept_clock: args.accept_clock,
        clock_commanded: args.clock == ClockArg::Commanded,
        new_epoch: args.new_epoch,
        segment_bytes: process.segment_size,
        duties: Duties {
            snapshot_every: process.snapshot_every,
            signing_key: Some(server_key(&args.data)?),
            heads: process.heads.as_ref().map(|path| args.data.join(path)),
            retention: process.retention,
        },
        ..OpenOptions::new(firm.genesis(Time(now)), ack, BUILD, now)
    };
    let bar = progress();
    let opened = recover::open_with(journal, &options, &mut |so_far| {
        bar.set_length(so_far.bytes_total);
        bar.set_position(so_far.bytes);
        if stopping.is_asked() {
            // Nothing has been written yet: the journal is what it was.
            bar.finish_and_clear();
            // Said directly, since what is logged waits for a thread of its own.
            drop(writeln!(
                io::stderr(),
                "portcullis: stopped while the journal was read; it is as it was"
            ));
            std::process::exit(0);
        }
    });
    bar.finish_and_clear();
    let opened = opened.map_err(|error| Failure::new(error.exit_code(), error.to_string()))?;
    let report = &opened.report;
    for why in &report.unusable {
        tracing::warn!("a snapshot can't be used, and is put aside if it is damaged: {why}");
    }
    if let Some(snapshot) = &report.snapshot {
        tracing::info!(
            snapshot,
            replayed = report.replayed,
            "gone on from a snapshot"
        );
    }
    let seq = opened.seq;
    match report.verdict {
        None => tracing::info!(records = seq, "first start: the firm is journalled"),
        Some(Verdict::Clean) => tracing::info!(records = seq, "the journal is whole"),
        Some(Verdict::Unclean) => {
            tracing::warn!(
                records = seq,
                "the last run was not stopped; nothing is cut"
            );
        }
        Some(Verdict::TornTail(torn)) => tracing::warn!(
            segment = torn.position.segment.file_name(),
            offset = torn.position.offset,
            bytes = torn.bytes,
            records = torn.records_maybe,
            kept = report.kept_tail,
            "a torn tail was cut: it had never been acknowledged as durable"
        ),
    }
    if report.watermark_missing && report.verdict.is_some() {
        tracing::warn!("the file that proves what was durable is missing or damaged");
    }
    if report.missing_segments > 0 {
        tracing::error!(
            segments = report.missing_segments,
            next = "portcullis-replay verify DIR --chain",
            "segments before the journal's first are missing, and no record tells that they were removed; what \
             was decided is whole, its history is not: put them back"
        );
    }
    if report.repaired {
        tracing::warn!(
            epoch = report.epoch,
            "records were given up by a repair; repairs.ndjson has it"
        );
    }
    if report.restricted {
        tracing::warn!(
            epoch = report.epoch,
            next = "portcullis reconcile restart --reason TEXT",
            "acknowledged records may be lost: only reducing orders pass until ops confirm the \
             reconciliation with the venues"
        );
    }
    Ok(opened)
}

/// Closes the journal cleanly before a start is given up.
fn let_go(opened: Opened, now: u64, failure: Failure) -> Failure {
    match opened.close(now) {
        Ok(()) => failure,
        Err(error) => Failure::new(failure.code, format!("{}; and: {error}", failure.what)),
    }
}

/// The first line of stdout: a program that started this server reads it and connects.
fn announce(
    as_json: bool,
    address: SocketAddr,
    instance: &str,
    epoch: u64,
    journal: &Path,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if as_json {
        let line = json!({
            "listening": [address.to_string()],
            "instance": instance,
            "epoch": epoch,
            "journal": journal.display().to_string(),
            "pid": std::process::id(),
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "listening on {address}")?;
    }
    out.flush()?;
    Ok(())
}
