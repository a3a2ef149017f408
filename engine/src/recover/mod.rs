//! Owns opening a journal directory at start: judge it, go on from the newest snapshot that is whole,
//! replay and compare every record after it, say what was lost, journal the start, and hand over what the
//! pipeline needs. Leaves out the rules for damage (see `journal::recovery`) and what a restart restricts
//! (the engine decides that from the record).

mod enter;
mod error;
mod origin;
mod past;
mod replay;

pub use crate::outbound_logs::SessionLog;
pub use error::{StartCause, StartError};

use crate::clerk::{Clerk, Duties, JournalClerk};
use crate::command::{Command, SegmentsRemoved, Started};
use crate::follower::{Follower, RecordSource};
use crate::journal::{
    Build, JournalWriter, Options, RealFiles, Recovered, RecoveryError, RepairMark, SegmentId,
    Storage, Tail, Verdict, WatermarkFile, scan_locked, segment_header,
};
use crate::pipeline::{
    AckPolicy, JournalSink, JournalTail, Kept, Sink, SinkError, sessions_in_hand,
};
use crate::record::{MAX_RECORD, encode_record};
use crate::risk::RiskEngine;
use crate::verify::{Extent, Progress};
use origin::Origin;
use replay::Replay;
use std::fmt;
use std::path::Path;
use wire::{Flag, Text, Time};

/// Version of the rules that this build decides by. It rises with every change of a decision.
pub const RULES_VERSION: u32 = 1;

/// How far the journal may be ahead of the clock at start, in nanoseconds.
const CLOCK_AHEAD_MAX_NS: u64 = 1_000_000_000;

/// Outbound messages kept over all sessions, unless said otherwise.
pub const RETAINED: usize = 262_144;

/// What is known when a journal is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The firm: what a first start journals. Ignored where there is a journal already.
    pub genesis: Vec<Command>,
    /// When replies will leave.
    pub ack: AckPolicy,
    /// Name of this build, at most 24 printable characters without spaces.
    pub build: String,
    /// The clock, in nanoseconds since the epoch.
    pub now_ns: u64,
    /// Start even if the journal is ahead of the clock.
    pub accept_clock: bool,
    /// Time moves by command only.
    pub clock_commanded: bool,
    /// Begin a new epoch, restricted: whoever starts it knows that acknowledged records may be lost, as
    /// after a copy of the journal was put back.
    pub new_epoch: bool,
    /// Size of new segments in bytes.
    pub segment_bytes: u64,
    /// Outbound messages kept over all sessions for clients that come back.
    pub retained: usize,
    /// What the follower does with the journal: snapshots, seals, heads, removal of what is old.
    pub duties: Duties,
}

impl OpenOptions {
    /// 64 MiB segments, the usual duties, a clock that is believed.
    #[must_use]
    pub fn new(genesis: Vec<Command>, ack: AckPolicy, build: &str, now_ns: u64) -> Self {
        Self {
            genesis,
            ack,
            build: build.to_owned(),
            now_ns,
            accept_clock: false,
            clock_commanded: false,
            new_epoch: false,
            segment_bytes: 64 << 20,
            retained: RETAINED,
            duties: Duties::default(),
        }
    }
}

/// What was found, and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    /// How the run before ended; `None` at a first start.
    pub verdict: Option<Verdict>,
    /// Sessions to refuse: a command of theirs broke the engine, and nobody has released them yet.
    pub blocked: Vec<u32>,
    /// Whether an operator had repaired the journal since: records were given up.
    pub repaired: bool,
    /// Records that the state stands on: those of the snapshot and those decided again.
    pub records: u64,
    /// Records decided again and found equal.
    pub replayed: u64,
    /// The snapshot that the start went on from.
    pub snapshot: Option<String>,
    /// Snapshots that could not be used, and why: each worth a warning.
    pub unusable: Vec<String>,
    /// Epoch from here on.
    pub epoch: u64,
    /// Whether acknowledged records may have been lost.
    pub restricted: bool,
    /// The file that keeps what was cut from the journal's end.
    pub kept_tail: Option<String>,
    /// Whether the file that proves what had been durable is missing or damaged: worth a warning.
    pub watermark_missing: bool,
    /// Segments before the journal's first that no record has removed: its history is not whole.
    pub missing_segments: u64,
}

/// A journal that is ready to go on.
pub struct Opened {
    /// The engine after the last record.
    pub engine: RiskEngine,
    /// The second copy, at the same place.
    pub follower: Follower,
    /// Where records go.
    pub sink: Box<dyn Sink>,
    /// Where the follower reads them.
    pub tail: Box<dyn RecordSource>,
    /// Reads them again from before any message of a session.
    pub archive: Kept,
    /// What the follower does besides.
    pub clerk: Box<dyn Clerk>,
    /// Last sequence; durable.
    pub seq: u64,
    /// Time of the last record.
    pub t: u64,
    /// Outbound logs by ascending session id.
    pub logs: Vec<SessionLog>,
    /// What was found.
    pub report: StartReport,
}

impl Opened {
    /// Lets the journal go again, cleanly, without having served.
    ///
    /// # Errors
    /// What the disk says.
    pub fn close(self, now_ns: u64) -> Result<(), SinkError> {
        self.sink.clean_stop(now_ns).map(|_| ())
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("seq", &self.seq)
            .field("t", &self.t)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// Opens the journal in `directory`, which is created if it is not there.
///
/// # Errors
/// [`StartError`] says what, where, and what to run next. Nothing has been changed then, except that a
/// torn tail may already have been put aside.
pub fn open(directory: &Path, options: &OpenOptions) -> Result<Opened, StartError> {
    open_with(directory, options, &mut |_| {})
}

/// [`open`], telling how far it has come.
///
/// # Errors
/// [`StartError`], as [`open`].
pub fn open_with(
    directory: &Path,
    options: &OpenOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Opened, StartError> {
    let at = |cause| StartError {
        directory: directory.to_owned(),
        cause,
    };
    std::fs::create_dir_all(directory).map_err(|error| at(StartCause::Directory(error)))?;
    open_on_with(RealFiles::new(directory), options, progress).map_err(at)
}

/// [`open`] on any storage.
///
/// # Errors
/// [`StartCause`].
pub fn open_on<S: Storage>(storage: S, options: &OpenOptions) -> Result<Opened, StartCause>
where
    Tail<S>: Send,
{
    open_on_with(storage, options, &mut |_| {})
}

/// [`open_with`] on any storage.
///
/// # Errors
/// [`StartCause`].
pub fn open_on_with<S: Storage>(
    storage: S,
    options: &OpenOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Opened, StartCause>
where
    Tail<S>: Send,
{
    let build =
        Build::new(&options.build).ok_or_else(|| StartCause::Build(options.build.clone()))?;
    let lock = storage.lock().map_err(StartCause::Locked)?;
    let mark = RepairMark::load(&storage)?;
    let extent = Extent::of(&storage)?;
    let first = extent.first();
    let mut origin = Origin::choose(&storage)?;
    let start = origin.start();
    let also_known = origin.known();
    let snapshot = origin.name();
    let unusable = std::mem::take(&mut origin.unusable);
    let damaged = std::mem::take(&mut origin.damaged);
    let journal_rules = origin.rules();
    let mut replay = match origin.restored {
        Some(restored) => Replay::after(restored, options.retained, progress),
        None => Replay::new(options.retained, progress),
    };
    let scanned = scan_locked(storage.clone(), lock, start, also_known, |record| {
        replay.record(&record, |records| extent.progress(&record, records));
    });
    let scanned = match scanned {
        Ok(scanned) => scanned,
        Err(RecoveryError::NoJournal) => return first_start(storage, options, build, replay),
        Err(error) => return Err(error.into()),
    };
    let header = scanned.end().segment;
    if header.rules_version != RULES_VERSION {
        let goes_on = journal_rules == Some(header.rules_version)
            && replay.decided() == 0
            && scanned.verdict() == Verdict::Clean;
        if !goes_on {
            return Err(StartCause::Rules {
                journal: header.rules_version,
                build: header.build.as_str().to_owned(),
            });
        }
    }
    // Only now: what other rules have decided differs, and is not wrong.
    replay.check()?;
    check_clock(&replay, options)?;
    let watermark_missing = !matches!(scanned.watermark(), WatermarkFile::Present(_));
    let last_epoch = scanned.end().epoch;
    let verdict = scanned.verdict();
    let mut restart = Restart::judge(verdict, replay.last_started());
    if mark.is_some() || options.new_epoch {
        // Somebody gave up records that had been acknowledged, or knows of some.
        (restart.clean, restart.lossy) = (false, true);
    }
    let genesis = replay.rest_of_genesis(&options.genesis)?;
    let mut start = start_record(options, last_epoch.saturating_add(u64::from(restart.lossy)));
    start.clean = flag(restart.clean);
    start.restricted = flag(restart.lossy);
    if let Verdict::TornTail(torn) = verdict {
        start.cut_bytes = torn.bytes;
        start.cut_records = torn.records_maybe.unwrap_or(u32::MAX);
        start.cut_segment = torn.position.segment.0;
        start.cut_offset = torn.position.offset;
    }
    if let Some(mark) = mark {
        start.cut_bytes = mark.bytes;
        start.cut_records = mark
            .records
            .and_then(|records| u32::try_from(records).ok())
            .unwrap_or(u32::MAX);
        start.cut_segment = mark.cut.segment.0;
        start.cut_offset = mark.cut.offset;
    }
    let (records, replayed) = (replay.seq(), replay.decided());
    let missing = first.and_then(|first| Some((first, replay.missing_before(first)?)));
    // A repair has cut the record that told it.
    let removed_again = match missing {
        Some((first, missing)) if mark.is_some() => Some(removed_before(&storage, first, missing)?),
        _ => None,
    };
    replay.decide_start(genesis, removed_again, start, options)?;

    let recovered: Recovered<S> = scanned.repair()?;
    let kept_tail = recovered.kept_tail.clone();
    let writer_options = writer_options(options, build, start.epoch);
    let writer = JournalWriter::resume(recovered, writer_options, options.now_ns)?;
    put_aside(&storage, &damaged)?;
    let report = StartReport {
        blocked: Vec::new(),
        repaired: mark.is_some(),
        verdict: Some(verdict),
        records,
        replayed,
        snapshot,
        unusable,
        epoch: start.epoch,
        restricted: restart.lossy,
        kept_tail,
        watermark_missing,
        missing_segments: match removed_again {
            Some(_) => 0,
            None => missing.map_or(0, |(_, missing)| missing),
        },
    };
    finish(storage, writer, &writer_options, options, replay, report)
}

/// Says of the segments before the first that they have been removed, where the record that said so is lost.
fn removed_before<S: Storage>(
    storage: &S,
    first: SegmentId,
    missing: u64,
) -> Result<SegmentsRemoved, StartCause> {
    let header = segment_header(storage, first).map_err(RecoveryError::Read)?;
    Ok(SegmentsRemoved {
        first_segment: first.0.saturating_sub(missing),
        last_segment: first.0.saturating_sub(1),
        last_sequence: header.first_sequence.saturating_sub(1),
        chain: Text::new(&header.previous.to_string()),
        ..SegmentsRemoved::default()
    })
}

/// A damaged snapshot must not count as one of the two that are kept.
fn put_aside<S: Storage>(storage: &S, damaged: &[String]) -> Result<(), StartCause> {
    for name in damaged {
        storage.rename(name, &format!("{name}.unusable"))?;
    }
    if !damaged.is_empty() {
        storage.sync_directory()?;
    }
    Ok(())
}

fn first_start<S: Storage>(
    storage: S,
    options: &OpenOptions,
    build: Build,
    mut replay: Replay<'_>,
) -> Result<Opened, StartCause>
where
    Tail<S>: Send,
{
    let mut start = start_record(options, 1);
    start.clean = Flag::Yes;
    // Decided before anything is written: a firm that the engine refuses leaves no journal behind.
    replay.decide_start(&options.genesis, None, start, options)?;
    let writer_options = writer_options(options, build, start.epoch);
    let writer = JournalWriter::create(storage.clone(), writer_options)?;
    let report = StartReport {
        blocked: Vec::new(),
        repaired: false,
        verdict: None,
        records: 0,
        replayed: 0,
        snapshot: None,
        unusable: Vec::new(),
        epoch: start.epoch,
        restricted: false,
        kept_tail: None,
        watermark_missing: false,
        missing_segments: 0,
    };
    finish(storage, writer, &writer_options, options, replay, report)
}

/// Journals what the start adds, durably, and hands everything over.
fn finish<S: Storage>(
    storage: S,
    writer: JournalWriter<S>,
    writer_options: &Options,
    options: &OpenOptions,
    replay: Replay<'_>,
    mut report: StartReport,
) -> Result<Opened, StartCause>
where
    Tail<S>: Send,
{
    report.blocked = sessions_in_hand(&storage)?;
    let mut sink = JournalSink::new(writer, writer_options);
    let mut bytes = [0; MAX_RECORD];
    for (input, decision) in replay.added() {
        if !sink.has_room_for(MAX_RECORD) {
            sink.write(options.now_ns)?;
        }
        let length = encode_record(input, decision, &mut bytes);
        sink.push(input.seq, &bytes[..length])?;
    }
    sink.write(options.now_ns)?;
    sink.sync()?;
    if report.repaired {
        RepairMark::clear(&storage)?;
    }
    let (seq, t) = (replay.seq(), replay.t());
    let (engine, follower, logs) = replay.finish();
    let mut clerk = JournalClerk::new(
        storage.clone(),
        writer_options.build,
        options.duties.clone(),
    );
    clerk.begin(options.now_ns);
    Ok(Opened {
        engine,
        follower,
        sink: Box::new(sink),
        tail: Box::new(JournalTail::new(storage.clone(), seq)),
        archive: past::kept(storage),
        clerk: Box::new(clerk),
        seq,
        t,
        logs,
        report,
    })
}

/// What the way the last run ended means for this one.
struct Restart {
    clean: bool,
    /// Records that had been acknowledged may be gone.
    lossy: bool,
}

impl Restart {
    /// Under `durable` nothing unsynced was ever acknowledged; a journal without a `Started` record
    /// has never served anybody.
    fn judge(verdict: Verdict, last: Option<&Started>) -> Self {
        let clean = verdict == Verdict::Clean;
        let promised_durable =
            last.is_none_or(|started| started.ack == AckPolicy::Durable.number());
        Self {
            clean,
            lossy: !clean && !promised_durable,
        }
    }
}

fn check_clock(replay: &Replay<'_>, options: &OpenOptions) -> Result<(), StartCause> {
    let ahead_ns = replay.t().saturating_sub(options.now_ns);
    let commanded = replay
        .last_started()
        .is_some_and(|started| started.clock_commanded == Flag::Yes);
    if ahead_ns > CLOCK_AHEAD_MAX_NS
        && !options.accept_clock
        && !(options.clock_commanded && commanded)
    {
        return Err(StartCause::Clock {
            last_t: replay.t(),
            now_ns: options.now_ns,
        });
    }
    Ok(())
}

fn start_record(options: &OpenOptions, epoch: u64) -> Started {
    Started {
        epoch,
        server_time: Time(options.now_ns),
        rules_version: RULES_VERSION,
        ack: options.ack.number(),
        clean: Flag::No,
        restricted: Flag::No,
        clock_commanded: flag(options.clock_commanded),
        build: Text::new(&options.build),
        ..Started::default()
    }
}

fn writer_options(options: &OpenOptions, build: Build, epoch: u64) -> Options {
    let mut writer = Options::new(build, RULES_VERSION);
    writer.segment_bytes = options.segment_bytes;
    // Small segments, as tests have them, hold small batches.
    let largest = u32::try_from(options.segment_bytes / 4).unwrap_or(u32::MAX);
    writer.batch_bytes_max = writer.batch_bytes_max.min(largest);
    writer.epoch = epoch;
    writer
}

const fn flag(yes: bool) -> Flag {
    if yes { Flag::Yes } else { Flag::No }
}
