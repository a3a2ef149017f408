//! Owns proving a journal: every record through a fresh engine, every decision compared, digests at
//! the end. Leaves out printing. It reads only, takes no lock, and judges the journal's end by the same
//! rules as the server's start.

use crate::decision::{Outbox, Outcome};
use crate::follower::Difference;
use crate::journal::{
    Position, ReadError, ReadOnly, RealFiles, Record, RecoveryError, Refusal, SegmentId, Storage,
    StorageFile, TornTail, Verdict, scan, segments,
};
use crate::record::{RecordError, decode_record};
use crate::risk::RiskEngine;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Records between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 16_384;

/// A journal that holds what its records say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Records, all of them decided again with the same result.
    pub records: u64,
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
            Self::NoJournal | Self::Version(_) | Self::Io(_) => 1,
        }
    }

    /// Where in the journal, if it is a place.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Corrupt { position, .. } | Self::Differs { position, .. } => Some(*position),
            Self::NoJournal | Self::Version(_) | Self::Io(_) => None,
        }
    }
}

/// Proves the journal in `directory`; memory is bounded by the engine's state and one batch.
///
/// # Errors
/// [`VerifyError`] names the place.
pub fn verify(directory: &Path, progress: impl FnMut(Progress)) -> Result<Report, VerifyError> {
    verify_on(RealFiles::new(directory), progress)
}

/// [`verify`] on any storage.
///
/// # Errors
/// [`VerifyError`] names the place.
pub fn verify_on<S: Storage>(
    storage: S,
    progress: impl FnMut(Progress),
) -> Result<Report, VerifyError> {
    let extent = Extent::of(&storage)?;
    let mut proof = Proof::new(&extent, progress);
    let scanned = scan(ReadOnly(storage), SegmentId::FIRST, |record| {
        proof.record(&record);
    });
    // A record that is wrong stands before whatever the scan found after it.
    if let Some(wrong) = proof.wrong.take() {
        return Err(wrong);
    }
    let scanned = scanned.map_err(from_recovery)?;
    let end = scanned.end();
    Ok(Report {
        records: proof.records,
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
        verdict: scanned.verdict(),
    })
}

/// The fresh engine and what it has seen.
struct Proof<'a, P> {
    engine: RiskEngine,
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
    fn new(extent: &'a Extent, progress: P) -> Self {
        Self {
            engine: RiskEngine::new(),
            outbox: Outbox::new(),
            records: 0,
            outcomes: [0; 256],
            codes: BTreeMap::new(),
            extent,
            progress,
            wrong: None,
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        if self.wrong.is_none()
            && let Err(error) = self.decide_again(record)
        {
            self.wrong = Some(error);
        }
    }

    fn decide_again(&mut self, record: &Record<'_>) -> Result<(), VerifyError> {
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
        self.outbox.clear();
        let decided = self.engine.apply(&input, &mut self.outbox);
        if decided != journalled {
            let difference = Box::new(Difference {
                seq: input.seq,
                journalled,
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
            (self.progress)(self.extent.progress(record, self.records));
        }
        Ok(())
    }
}

/// How large a journal is, to say how far its reading has come.
#[derive(Debug, Clone, Default)]
pub struct Extent {
    /// Segment → bytes of its file.
    sizes: BTreeMap<u64, u64>,
    bytes_total: u64,
}

impl Extent {
    /// Of the journal in `storage`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn of<S: Storage>(storage: &S) -> io::Result<Self> {
        let mut sizes = BTreeMap::new();
        for segment in segments(storage)? {
            sizes.insert(segment.0, storage.open(&segment.file_name())?.length()?);
        }
        let bytes_total = sizes.values().sum();
        Ok(Self { sizes, bytes_total })
    }

    /// Bytes of all segments.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes_total
    }

    /// Segments there are.
    #[must_use]
    pub fn segments(&self) -> u64 {
        u64::try_from(self.sizes.len()).unwrap_or(u64::MAX)
    }

    /// Bytes from the journal's start to a place.
    #[must_use]
    pub fn before(&self, position: Position) -> u64 {
        let earlier: u64 = self
            .sizes
            .range(..position.segment.0)
            .map(|(_, size)| *size)
            .sum();
        earlier.saturating_add(position.offset)
    }

    /// How far the reading has come with this record.
    #[must_use]
    pub fn progress(&self, record: &Record<'_>, records: u64) -> Progress {
        Progress {
            records,
            bytes: self.before(Position {
                segment: record.segment,
                offset: record.frame_offset,
            }),
            bytes_total: self.bytes_total,
        }
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

fn corrupt_by(refusal: &Refusal) -> VerifyError {
    VerifyError::Corrupt {
        position: refusal.position(),
        what: refusal.to_string(),
    }
}
