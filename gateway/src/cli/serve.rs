//! `serve`: a firm's file and a data directory become a running server.
//!
//! Owns the order of a start: read the file, find the keys, open the journal, say what differs, open
//! the day, listen, and print the address as the first line of stdout. Leaves out what runs then
//! (`gateway::server`) and what a journal must be like (`engine::recover`).
//!
//! The file is the first start's truth; afterwards the journal is. A file that differs is reported, and
//! applied only by `--apply-config`, each difference a journalled change before the first connection.

use super::failure::Failure;
use super::failure_mark::Mark;
use super::key_files;
use super::reload::{load_tls, reload};
use clap::{Args, ValueEnum};
use ed25519_dalek::SigningKey;
use engine::clerk::Duties;
use engine::command::Command;
use engine::date::yyyymmdd;
use engine::decision::Outcome;
use engine::firm::{
    Ack, DayOpening, Difference, EXAMPLE, Firm, ProcessConfig, auto_day, changed_keys, differences,
};
use engine::journal::Verdict;
use engine::pipeline::{self, AckPolicy, Wait};
use engine::recover::{self, OpenOptions, Opened};
use gateway::clock::{Clock, CommandedClock, RealClock};
use gateway::key_ring::KeyRing;
use gateway::pin;
use gateway::server::{Bound, Limits, ReloadHandle, Server, ServerConfig, StopHandle};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use portcullis_client::keys;
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing_subscriber::EnvFilter;
use wire::{RejectCode, Time};

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
    start_logging();
    let (firm, ring) = read_firm(args)?;
    let process = &firm.process;
    let listen = args.listen.unwrap_or(process.listen);
    if args.clock == ClockArg::Commanded && !listen.ip().is_loopback() {
        let what = format!("--clock=commanded is for tests on loopback; {listen} is not");
        return Err(Failure::new(2, what));
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
    let journal = args.data.join(&process.journal_dir);
    pipeline::stop_closed_on_panic(journal.clone());
    let mark = Mark::of(&journal);
    mark.report();
    let mut opened = open(args, &firm, &journal, ack, wall.now())?;
    mark.clear();
    let blocked = blocked(&opened, &journal);
    let now = match args.clock {
        ClockArg::Real => wall.now(),
        ClockArg::Commanded => opened.t,
    };
    let entered = enter_keys(&firm, &mut opened, now)
        .and_then(|()| report_differences(args, &firm, &mut opened, now))
        .and_then(|()| open_day(&firm, &mut opened, now));
    if let Err(failure) = entered {
        return Err(let_go(opened, now, failure));
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
    stop_on_signals(server.stop_handle())?;
    reload_on_signal(args.clone(), firm.clone(), server.reload_handle())?;
    let address_file = args.data.join("address");
    fs::write(&address_file, format!("{address}\n")).map_err(|error| {
        let what = format!("cannot write {}: {error}", address_file.display());
        Failure::new(1, what)
    })?;
    announce(args.json, address, firm.instance(), epoch, &journal)?;
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

fn start_logging() {
    let filter =
        EnvFilter::try_from_env("PORTCULLIS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .try_init();
    if let Err(error) = logging {
        eprintln!("portcullis: no logs: {error}");
    }
}

/// The file with its public keys; the example firm gets the keys it misses.
fn read_firm(args: &ServeArgs) -> Result<(Firm, KeyRing), Failure> {
    let mut firm = match &args.config {
        Some(path) => {
            let name = path.display().to_string();
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::new(1, format!("cannot read {name}: {error}")))?;
            Firm::parse(&name, &text).map_err(|mistakes| {
                let next = format!("portcullis check-config {name}");
                Failure::new(1, format!("{mistakes}\n  next:  {next}"))
            })?
        }
        None => {
            let firm = Firm::parse("example.toml", EXAMPLE)
                .map_err(|mistakes| Failure::new(1, mistakes.to_string()))?;
            make_keys(&firm, &args.data)?;
            firm
        }
    };
    let ring = key_files::load(&mut firm, &args.data)
        .map_err(|problems| Failure::new(1, problems.join("\nportcullis: ")))?;
    Ok((firm, ring))
}

/// Makes the key pairs that are not there yet. A private key without its public half is not replaced.
fn make_keys(firm: &Firm, data: &Path) -> Result<(), Failure> {
    for file in &firm.key_files {
        let public = data.join(&file.path);
        let private = public.with_extension("key");
        if public.exists() {
            continue;
        }
        if let Some(parent) = public.parent() {
            fs::create_dir_all(parent).map_err(|error| {
                Failure::new(1, format!("cannot make {}: {error}", parent.display()))
            })?;
        }
        let failed = |error: keys::KeyError| Failure::new(1, error.to_string());
        let key = if private.exists() {
            keys::load(&private).map_err(failed)?
        } else {
            let key = keys::generate().map_err(failed)?;
            keys::save(&key, &private).map_err(failed)?;
            tracing::info!(session = file.name, key = %private.display(), "made a key");
            key
        };
        fs::write(&public, format!("{}\n", keys::public_hex(&key))).map_err(|error| {
            Failure::new(1, format!("cannot write {}: {error}", public.display()))
        })?;
    }
    Ok(())
}

/// The key that seals the journal's segments, made at the first start.
fn server_key(data: &Path) -> Result<SigningKey, Failure> {
    let private = data.join("keys").join("server.key");
    let failed = |error: keys::KeyError| Failure::new(1, error.to_string());
    if private.exists() {
        return keys::load(&private).map_err(failed);
    }
    let directory = data.join("keys");
    fs::create_dir_all(&directory).map_err(|error| {
        Failure::new(1, format!("cannot make {}: {error}", directory.display()))
    })?;
    let key = keys::generate().map_err(failed)?;
    keys::save(&key, &private).map_err(failed)?;
    let public = private.with_extension("pub");
    fs::write(&public, format!("{}\n", keys::public_hex(&key)))
        .map_err(|error| Failure::new(1, format!("cannot write {}: {error}", public.display())))?;
    tracing::info!(key = %private.display(), "made the server's key, which seals the journal");
    Ok(key)
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
    });
    bar.finish_and_clear();
    let opened = opened.map_err(|error| Failure::new(error.exit_code(), error.to_string()))?;
    let report = &opened.report;
    for why in &report.unusable {
        tracing::warn!("a snapshot can't be used: {why}");
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

/// Journals which keys are in force, where they are others than at the last start.
fn enter_keys(firm: &Firm, opened: &mut Opened, now: u64) -> Result<(), Failure> {
    let changed = changed_keys(firm, &opened.engine);
    for session in &changed {
        let (id, name, key_id) = (session.session_id, session.name, session.key_id);
        tracing::info!(session = id, %name, key_id, "another key than at the last start");
    }
    let commands: Vec<Command> = changed.into_iter().map(Command::from).collect();
    if commands.is_empty() {
        return Ok(());
    }
    opened
        .enter(commands, now)
        .map(drop)
        .map_err(|error| Failure::new(1, error.to_string()))
}

/// Says where the file and the journal differ, and applies it if that was asked for.
fn report_differences(
    args: &ServeArgs,
    firm: &Firm,
    opened: &mut Opened,
    now: u64,
) -> Result<(), Failure> {
    if opened.report.verdict.is_none() {
        return Ok(());
    }
    let differ = differences(firm, &opened.engine, Time(now));
    if differ.is_empty() {
        return Ok(());
    }
    let file = args.config.as_ref().map_or_else(
        || "the example firm".to_owned(),
        |path| path.display().to_string(),
    );
    eprintln!("portcullis: {file} and the journal differ; the journal holds:");
    let mut changes = Vec::new();
    for Difference { line, command } in &differ {
        let note = if command.is_some() {
            ""
        } else {
            " (no command changes it)"
        };
        eprintln!("  {line}{note}");
        changes.extend(command.map(|command| (line, command)));
    }
    if !args.apply_config {
        eprintln!("  next:  start with --apply-config to journal these changes, or edit the file");
        return Ok(());
    }
    let commands: Vec<Command> = changes.iter().map(|(_, command)| *command).collect();
    let decisions = opened
        .enter(commands, now)
        .map_err(|error| Failure::new(1, error.to_string()))?;
    let mut refused = 0_u32;
    for ((line, _), decision) in changes.iter().zip(&decisions) {
        if matches!(decision.outcome, Outcome::Refused | Outcome::Rejected) {
            refused += 1;
            eprintln!("portcullis: refused: {line}: {}", code_name(decision.code));
        } else {
            eprintln!("portcullis: applied: {line}");
        }
    }
    if refused > 0 {
        let what = format!(
            "{refused} of {} changes were refused; the others are journalled",
            changes.len()
        );
        return Err(Failure::new(6, what));
    }
    Ok(())
}

/// `[day] open = "auto"`: the first day is opened with the file's opening data, a later one with what the
/// journal has.
fn open_day(file: &Firm, opened: &mut Opened, now: u64) -> Result<(), Failure> {
    let Some(firm) = opened.engine.firm() else {
        return Ok(());
    };
    if firm.ready || file.process.day_open != DayOpening::Auto {
        return Ok(());
    }
    // A day that has begun goes on; only ops end it.
    let (date, commands) = match firm.business_date {
        0 => (yyyymmdd(now), file.first_day(yyyymmdd(now))),
        date => (date, auto_day(date)),
    };
    let decisions = opened
        .enter(commands, now)
        .map_err(|error| Failure::new(1, error.to_string()))?;
    match decisions.last() {
        Some(last) if last.outcome == Outcome::Refused => {
            let code = code_name(last.code);
            tracing::warn!(
                date,
                code,
                "the day could not be opened; orders are refused NotReady"
            );
        }
        _ => tracing::info!(date, "the day is open"),
    }
    Ok(())
}

fn code_name(code: u16) -> &'static str {
    RejectCode::from_number(code).map_or("refused", RejectCode::name)
}

/// Closes the journal cleanly before a start is given up.
fn let_go(opened: Opened, now: u64, failure: Failure) -> Failure {
    match opened.close(now) {
        Ok(()) => failure,
        Err(error) => Failure::new(failure.code, format!("{}; and: {error}", failure.what)),
    }
}

fn policy(argument: Option<AckArg>, file: Ack) -> AckPolicy {
    match (argument, file) {
        (Some(AckArg::Durable), _) | (None, Ack::Durable) => AckPolicy::Durable,
        (Some(AckArg::Written), _) | (None, Ack::Written) => AckPolicy::Written,
        (Some(AckArg::Memory), _) | (None, Ack::Memory) => AckPolicy::Memory,
    }
}

fn server_config(process: &ProcessConfig, listen: SocketAddr, ack: AckPolicy) -> ServerConfig {
    let of = &process.session;
    let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let limits = Limits {
        handshake: of.logon_timeout,
        connections: count(of.connections),
        unauthenticated_per_address: count(of.connections_per_address),
        max_msg_per_sec: of.max_messages_per_second,
        backlog_answer_bytes: bytes(of.output_buffer),
        outbound_log_bytes: bytes(of.outbound_window),
        outbound_logs_total: bytes(of.outbound_windows),
        output_total: bytes(of.output_buffers),
        route_max_age: of.route_max_age,
        ..Limits::default()
    };
    ServerConfig {
        limits,
        cancel_on_failure: process.cancel_on_failure,
        ..ServerConfig::new(listen, ack)
    }
}

fn pipeline_options(process: &ProcessConfig, ack: AckPolicy) -> pipeline::Options {
    let usual = pipeline::Options::new(ack);
    let of = &process.threads;
    pipeline::Options {
        control_slots: of.control_ring.unwrap_or(usual.control_slots),
        orders_slots: of.orders_ring.unwrap_or(usual.orders_slots),
        journal_slots: of.journal_ring.unwrap_or(usual.journal_slots),
        journal_memory: usize::try_from(process.journal_memory).unwrap_or(usize::MAX),
        engine_wait: Wait {
            spins: of.engine_spins.unwrap_or(usual.engine_wait.spins),
            yields: of.engine_yields.unwrap_or(usual.engine_wait.yields),
        },
        on_thread: pin::here,
        ..usual
    }
}

/// SIGTERM and SIGINT drain and stop; a second SIGINT ends the process at once.
fn stop_on_signals(stop: StopHandle) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new()
        .name("portcullis-signals".to_owned())
        .spawn(move || {
            let mut interrupted = false;
            for signal in signals.forever() {
                // Supervisors and `timeout` may send SIGTERM more than once; a person who presses
                // Ctrl-C again means it.
                if signal == SIGINT && std::mem::replace(&mut interrupted, true) {
                    std::process::exit(128 + signal);
                }
                stop.stop();
            }
        })?;
    Ok(())
}

/// SIGHUP reads keys and certificates again; what can't be read changes nothing.
fn reload_on_signal(args: ServeArgs, mut firm: Firm, handle: ReloadHandle) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGHUP])?;
    std::thread::Builder::new()
        .name("portcullis-reload".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                let read = read_firm(&args)
                    .and_then(|(now, ring)| Ok((reload(&firm, &now, ring, &args.data)?, now)));
                match read {
                    Ok((changes, now)) => {
                        handle.replace(changes);
                        firm = now;
                    }
                    Err(failure) => {
                        tracing::error!("{}; keys and certificates stay as they were", failure.what)
                    }
                }
            }
        })?;
    Ok(())
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
