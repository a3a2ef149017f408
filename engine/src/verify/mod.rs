//! Owns proving a journal: every record through a fresh engine, every decision compared, digests at
//! the end. Leaves out printing. It reads only, takes no lock, and judges the journal's end by the same
//! rules as the server's start.
//!
//! It is a stream: one thread reads, checks sums and chain, and decodes, a few chunks ahead; this one
//! decides, in order. Memory is the engine's state and those chunks, however long the journal is.

mod extent;

pub use extent::Extent;

use crate::beginning::Beginning;
use crate::command::Sequenced;
use crate::decision::{Decision, Outbox, Outcome};
use crate::follower::Difference;
use crate::journal::{
    Position, ReadError, ReadOnly, RealFiles, Record, RecoveryError, Refusal, Scan, ScanFrom,
    SegmentHeader, SegmentId, Storage, TornTail, Verdict, Watermark, scan_locked, segment_header,
    segments,
};
use crate::record::{RecordError, decode_record};
use crate::recover::RULES_VERSION;
use crate::risk::RiskEngine;
use crate::snapshot::{Header, STATE_LAYOUT};
use crossbeam::channel::{Receiver, Sender, bounded};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::thread;

/// Records of one chunk, and chunks that the reading may be ahead.
const CHUNK: usize = 4096;
const CHUNKS_AHEAD: usize = 4;
/// Records between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 16_384;

/// A journal that holds what its records say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Records, all of them decided again with the same result.
    pub records: u64,
    /// The record whose snapshot the proof began with, where what was before has been removed.
    pub from: Option<u64>,
    /// Segments.
    pub segments: u64,
    /// Bytes up to the end of the last intact frame.
    pub bytes: u64,
    /// Digest of all that decides.
    pub risk_digest: [u8; 32],
    /// Digest of time, sequence numbers and clOrdId marks.
    pub session_digest: [u8; 32],
    /// How many records had which outcome, ascending.
    pub outcomes: Vec<(Outcome, u64)>,
    /// How many records were refused with which code, ascending.
    pub codes: Vec<(u16, u64)>,
    /// Epoch of the last frame.
    pub epoch: u64,
    /// Snapshots that no start could go on from, each with why.
    pub unusable: Vec<String>,
    /// How the journal ends: after a clean stop, without one, or in the middle of a write.
    pub verdict: Verdict,
}

impl Report {
    /// The torn end, if there is one: never acknowledged as durable, to be cut at the next start.
    #[must_use]
    pub const fn torn_tail(&self) -> Option<TornTail> {
        match self.verdict {
            Verdict::TornTail(torn) => Some(torn),
            Verdict::Clean | Verdict::Unclean => None,
        }
    }
}

/// How far a proof has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records decided again.
    pub records: u64,
    /// Bytes read, about.
    pub bytes: u64,
    /// Bytes of all segments, the unused rest of the last included.
    pub bytes_total: u64,
}

/// Why a journal is not proven.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is none.
    #[error("there is no journal here")]
    NoJournal,
    /// It is not what its writer wrote.
    #[error("corrupt: {what}")]
    Corrupt {
        /// Where: segment and byte offset.
        position: Position,
        /// What is wrong there.
        what: String,
    },
    /// A record was decided otherwise.
    #[error("replay differs: {difference}")]
    Differs {
        /// Its frame.
        position: Position,
        /// What differs.
        difference: Box<Difference>,
    },
    /// It was decided by other rules.
    #[error(
        "the journal was decided by rules version {journal} (build {build}); this build has version {RULES_VERSION}: \
         verify it with that build"
    )]
    Rules {
        /// The journal's version.
        journal: u32,
        /// The build that wrote it.
        build: String,
    },
    /// The journal is newer than this build.
    #[error("{0}")]
    Version(ReadError),
    /// The file system refused.
    #[error("reading the journal: {0}")]
    Io(#[from] io::Error),
}

impl VerifyError {
    /// Exit code of the process: 3 for a corrupt journal, 4 where replay differs, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Corrupt { .. } => 3,
            Self::Differs { .. } => 4,
            Self::NoJournal | Self::Rules { .. } | Self::Version(_) | Self::Io(_) => 1,
        }
    }

    /// Where in the journal, if it is a place.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Corrupt { position, .. } | Self::Differs { position, .. } => Some(*position),
            Self::NoJournal | Self::Rules { .. } | Self::Version(_) | Self::Io(_) => None,
        }
    }
}

/// Proves the journal in `directory`; memory is bounded by the engine's state and one batch.
///
/// # Errors
/// [`VerifyError`] names the place.
pub fn verify(directory: &Path, mut progress: impl FnMut(Progress)) -> Result<Report, VerifyError> {
    let storage = RealFiles::new(directory);
    unless_removed(&storage, || verify_on(storage.clone(), &mut progress))
}

/// Does something again whose beginning a live server has removed meanwhile.
pub(crate) fn unless_removed<S: Storage, T, E>(
    storage: &S,
    mut act: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    const TRIES: u32 = 4;
    let first = || segments(storage).ok().and_then(|all| all.first().copied());
    for _ in 1..TRIES {
        let before = first();
        let done = act();
        if done.is_ok() || before == first() {
            return done;
        }
    }
    act()
}

/// [`verify`] on any storage.
///
/// # Errors
/// [`VerifyError`] names the place.
pub fn verify_on<S: Storage>(
    storage: S,
    progress: impl FnMut(Progress),
) -> Result<Report, VerifyError> {
    let storage = ReadOnly(storage);
    let source = storage.clone();
    let extent = Extent::of(&storage)?;
    let beginning = Beginning::of(&storage)?;
    let (start, known) = (beginning.start(), beginning.known());
    let unusable = beginning.unusable().to_vec();
    let mut proof = Proof::new(beginning, &extent, progress);
    let scanned = thread::scope(|scope| {
        let (full, chunks) = bounded(CHUNKS_AHEAD);
        let (empty, used) = bounded(CHUNKS_AHEAD + 2);
        let reading = scope.spawn(move || read_ahead(source, (start, known), full, &used));
        for mut chunk in chunks {
            proof.chunk(&mut chunk);
            // The reader may have ended; then nobody needs it.
            drop(empty.try_send(chunk));
        }
        reading.join()
    });
    // A record that is wrong stands before whatever the scan found after it.
    if let Some(wrong) = proof.wrong.take() {
        return Err(of_other_rules(&storage, &wrong).unwrap_or(wrong));
    }
    let scanned = match scanned {
        Ok(scanned) => scanned.map_err(from_recovery)?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let end = scanned.end();
    if let Some(other) = rules_of(&end.segment) {
        return Err(other);
    }
    if let Some(first) = extent.first()
        && let Some(missing) = proof.engine.missing_before(first)
    {
        return Err(missing_segments(first, missing));
    }
    Ok(Report {
        records: proof.records,
        from: proof.from,
        segments: extent.segments(),
        bytes: extent.before(end.position),
        risk_digest: proof.engine.risk_digest(),
        session_digest: proof.engine.session_digest(),
        outcomes: (0..=u8::MAX)
            .map(Outcome)
            .zip(proof.outcomes)
            .filter(|(_, count)| *count > 0)
            .collect(),
        codes: proof.codes.into_iter().collect(),
        epoch: end.epoch,
        unusable,
        verdict: scanned.verdict(),
    })
}

/// Records read and decoded, and where their frames stand.
#[derive(Debug, Default)]
struct Chunk {
    records: Vec<(Position, Sequenced, Decision)>,
    /// What is wrong with the record after them.
    wrong: Option<VerifyError>,
}

/// Reads to the end, whatever becomes of the chunks: the journal's end has to be judged.
fn read_ahead<S: Storage>(
    storage: ReadOnly<S>,
    (start, known): (ScanFrom, Option<Watermark>),
    full: Sender<Chunk>,
    used: &Receiver<Chunk>,
) -> Result<Scan<ReadOnly<S>>, RecoveryError> {
    let mut chunk = Chunk::default();
    let mut ended = false;
    let scanned = scan_locked(storage, (), start, known, |record| {
        if ended {
            return;
        }
        match decode(&record) {
            Ok(decoded) => chunk.records.push(decoded),
            Err(error) => chunk.wrong = Some(error),
        }
        if chunk.wrong.is_some() || chunk.records.len() >= CHUNK {
            ended = chunk.wrong.is_some();
            let next = used.try_recv().unwrap_or_default();
            ended |= full.send(std::mem::replace(&mut chunk, next)).is_err();
        }
    });
    if !ended {
        drop(full.send(chunk));
    }
    scanned
}

fn decode(record: &Record<'_>) -> Result<(Position, Sequenced, Decision), VerifyError> {
    let position = Position {
        segment: record.segment,
        offset: record.frame_offset,
    };
    let corrupt = |what: String| VerifyError::Corrupt { position, what };
    let (input, journalled) = decode_record(record.bytes)
        .map_err(|error: RecordError| corrupt(format!("{position}: {error}")))?;
    if input.seq != record.sequence {
        return Err(corrupt(format!(
            "{position}: record {} stands in the place of record {}",
            input.seq, record.sequence
        )));
    }
    Ok((position, input, journalled))
}

/// The fresh engine and what it has seen.
struct Proof<'a, P> {
    engine: RiskEngine,
    from: Option<u64>,
    landmarks: VecDeque<Header>,
    outbox: Outbox,
    records: u64,
    outcomes: [u64; 256],
    codes: BTreeMap<u16, u64>,
    extent: &'a Extent,
    progress: P,
    /// The first thing that is wrong; nothing is applied after it.
    wrong: Option<VerifyError>,
}

impl<'a, P: FnMut(Progress)> Proof<'a, P> {
    fn new(beginning: Beginning, extent: &'a Extent, progress: P) -> Self {
        let from = beginning.after();
        let (engine, landmarks) = beginning.into_parts();
        Self {
            engine,
            from,
            landmarks: landmarks.into(),
            outbox: Outbox::new(),
            records: 0,
            outcomes: [0; 256],
            codes: BTreeMap::new(),
            extent,
            progress,
            wrong: None,
        }
    }

    /// Decides what the chunk holds, and empties it.
    fn chunk(&mut self, chunk: &mut Chunk) {
        let wrong = chunk.wrong.take();
        for (at, (position, input, journalled)) in chunk.records.iter().enumerate() {
            self.engine.look_ahead(|by| {
                let (_, next, _) = chunk.records.get(at.wrapping_add(by))?;
                Some((next.session_id, &next.command))
            });
            if self.wrong.is_none()
                && let Err(error) = self.decide_again(*position, input, journalled)
            {
                self.wrong = Some(error);
            }
        }
        chunk.records.clear();
        if self.wrong.is_none() {
            self.wrong = wrong;
        }
    }

    fn decide_again(
        &mut self,
        position: Position,
        input: &Sequenced,
        journalled: &Decision,
    ) -> Result<(), VerifyError> {
        let decided = self.engine.apply(input, &mut self.outbox);
        if decided != *journalled {
            let difference = Box::new(Difference {
                seq: input.seq,
                journalled: *journalled,
                decided,
            });
            return Err(VerifyError::Differs {
                position,
                difference,
            });
        }
        self.records += 1;
        if let Some(count) = self.outcomes.get_mut(usize::from(decided.outcome.0)) {
            *count += 1;
        }
        if decided.code != 0 {
            *self.codes.entry(decided.code).or_default() += 1;
        }
        if self.records.is_multiple_of(PROGRESS_EVERY) {
            (self.progress)(self.extent.progress_at(position, self.records));
        }
        self.compare_landmark(input.seq)
    }

    /// A snapshot of this build's layout must hold the state that the proof has reached.
    fn compare_landmark(&mut self, seq: u64) -> Result<(), VerifyError> {
        let Some(landmark) = self.landmarks.front().filter(|one| one.sequence <= seq) else {
            return Ok(());
        };
        let landmark = *landmark;
        self.landmarks.pop_front();
        let same = landmark.risk_digest == self.engine.risk_digest()
            && landmark.session_digest == self.engine.session_digest();
        if landmark.sequence == seq && !same && landmark.layout == STATE_LAYOUT {
            return Err(VerifyError::Corrupt {
                position: landmark.place.position,
                what: format!(
                    "the snapshot after record {seq} holds another state than the journal leads to"
                ),
            });
        }
        Ok(())
    }
}

fn from_recovery(error: RecoveryError) -> VerifyError {
    match error {
        RecoveryError::NoJournal => VerifyError::NoJournal,
        RecoveryError::Refused(refusal) => corrupt_by(&refusal),
        RecoveryError::Read(ReadError::Damage(damage)) => VerifyError::Corrupt {
            position: damage.position,
            what: damage.to_string(),
        },
        RecoveryError::Read(error @ ReadError::Version { .. }) => VerifyError::Version(error),
        RecoveryError::Read(ReadError::Io { source, .. }) => VerifyError::Io(source),
        RecoveryError::Lock(error) => VerifyError::Io(io::Error::other(error)),
        RecoveryError::Io(error) => VerifyError::Io(error),
    }
}

/// A difference that is none: the segment was decided by other rules.
fn of_other_rules<S: Storage>(storage: &ReadOnly<S>, wrong: &VerifyError) -> Option<VerifyError> {
    let VerifyError::Differs { position, .. } = wrong else {
        return None;
    };
    rules_of(&segment_header(storage, position.segment).ok()?)
}

fn rules_of(header: &SegmentHeader) -> Option<VerifyError> {
    (header.rules_version != RULES_VERSION).then(|| VerifyError::Rules {
        journal: header.rules_version,
        build: header.build.as_str().to_owned(),
    })
}

fn missing_segments(first: SegmentId, missing: u64) -> VerifyError {
    VerifyError::Corrupt {
        position: Position {
            segment: first,
            offset: 0,
        },
        what: format!(
            "the journal begins at {first}: {missing} segments before it are missing, and no record tells that \
             they were removed"
        ),
    }
}

fn corrupt_by(refusal: &Refusal) -> VerifyError {
    VerifyError::Corrupt {
        position: refusal.position(),
        what: refusal.to_string(),
    }
}
