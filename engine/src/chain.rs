//! Owns proving that a journal is complete and in order, from its first segment to its last, and that it
//! is the one that was written: chain, seals, and heads that were carried off. Leaves out what the records
//! decide (see [`mod@crate::verify`]).
//!
//! What each part proves: the chain, that nothing was changed, left out or swapped after it was written,
//! unless everything behind it was written anew; the seals, that the server's key was there when a segment
//! ended; a head kept where nobody who can write the journal can write, that even the holder of that key
//! has changed nothing before it.

use crate::command::{Command, SegmentsRemoved};
use crate::journal::{
    ChainHash, Damage, End, Head, Position, ReadError, ReadOnly, Reader, Record, RecoveryError,
    Seal, SegmentId, Storage, TornTail, Verdict, scan, segment_header, segments,
};
use crate::record::decode_record;
use crate::verify::{Extent, Progress, unless_removed};
use std::io;

/// Bytes read between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 8 << 20;
/// Where a record says which template its command has (see `record`).
const TEMPLATE_AT: usize = 28;

/// What a journal is held against, besides itself.
#[derive(Debug, Clone, Default)]
pub struct Against {
    /// The server's public key: every finished segment must be sealed with it.
    pub key: Option<[u8; 32]>,
    /// Heads by their line in the file, from 1.
    pub heads: Vec<(usize, Head)>,
}

/// A journal that is complete and in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// First segment there is.
    pub first: SegmentId,
    /// Last segment.
    pub last: SegmentId,
    /// First record there is.
    pub first_sequence: u64,
    /// Last record.
    pub last_sequence: u64,
    /// Frames.
    pub frames: u64,
    /// Chain hash at the end.
    pub chain: ChainHash,
    /// Segments with a seal by the key given, or by the key that the seal names.
    pub sealed: u64,
    /// The last finished segments that have none yet: the server that finished them runs, or was killed.
    pub not_yet_sealed: u64,
    /// Heads that were met.
    pub heads: u64,
    /// Heads of segments that have been removed since.
    pub heads_before: u64,
    /// The removal that the journal itself tells of, where it does not begin with segment 1. One that was
    /// interrupted has left its last segments.
    pub removed: Option<SegmentsRemoved>,
    /// The torn end, if there is one.
    pub torn: Option<TornTail>,
}

/// The first place where it does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// There is no journal.
    #[error("there is no journal here")]
    NoJournal,
    /// The chain breaks.
    #[error("the chain breaks: {0}")]
    Broken(ReadError),
    /// The journal does not begin with segment 1, and does not say why.
    #[error(
        "{first}: the journal begins here, and no record tells that what was before has been removed"
    )]
    Beheaded {
        /// First segment there is.
        first: SegmentId,
    },
    /// A finished segment has no seal.
    #[error("{segment}: the segment is finished and has no seal")]
    Unsealed {
        /// The segment.
        segment: SegmentId,
    },
    /// A seal that is none, or by another key, or of other content.
    #[error("{segment}: {what}")]
    Seal {
        /// The segment.
        segment: SegmentId,
        /// What is wrong.
        what: &'static str,
    },
    /// A head is not what the journal has there.
    #[error("{position}: the head of line {line} is not met: {what}")]
    Head {
        /// Line in the file, from 1.
        line: usize,
        /// Its place.
        position: Position,
        /// What is wrong.
        what: &'static str,
    },
    /// The file system refused.
    #[error("reading the journal: {0}")]
    Io(#[from] io::Error),
}

impl ChainError {
    /// Where in the journal, if it is a place.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let start = |segment| Position { segment, offset: 0 };
        match self {
            Self::Broken(ReadError::Damage(Damage { position, .. }))
            | Self::Broken(ReadError::Io { position, .. })
            | Self::Head { position, .. } => Some(*position),
            Self::Broken(ReadError::Version { segment, .. })
            | Self::Unsealed { segment }
            | Self::Seal { segment, .. } => Some(start(*segment)),
            Self::Beheaded { first } => Some(start(*first)),
            Self::NoJournal | Self::Io(_) => None,
        }
    }

    /// Exit code of the process: 3 where the journal is not what was written, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NoJournal | Self::Io(_) => 1,
            Self::Broken(_)
            | Self::Beheaded { .. }
            | Self::Unsealed { .. }
            | Self::Seal { .. }
            | Self::Head { .. } => 3,
        }
    }
}

/// Proves order and completeness, in bounded memory.
///
/// # Errors
/// [`ChainError`] names the first place where it does not hold.
pub fn prove<S: Storage>(
    storage: S,
    against: &Against,
    mut progress: impl FnMut(Progress),
) -> Result<Proven, ChainError> {
    let storage = ReadOnly(storage);
    unless_removed(&storage, || walk_through(&storage, against, &mut progress))
}

fn walk_through<S: Storage>(
    storage: &ReadOnly<S>,
    against: &Against,
    progress: &mut impl FnMut(Progress),
) -> Result<Proven, ChainError> {
    let extent = Extent::of(storage)?;
    let all = segments(storage)?;
    let (Some(first), Some(last)) = (all.first().copied(), all.last().copied()) else {
        return Err(ChainError::NoJournal);
    };
    let mut walk = Walk::new(storage, first, last, against);
    let mut reader = Reader::open(storage.clone(), first).map_err(ChainError::Broken)?;
    let begin = *reader.end();
    walk.look(&begin)?;
    let mut told = 0_u64;
    let torn = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                for record in frame.records() {
                    walk.record(&record);
                }
            }
            Ok(None) => break None,
            Err(ReadError::Damage(damage)) => break Some(torn_tail(storage, first, damage)?),
            Err(error) => return Err(ChainError::Broken(error)),
        }
        walk.look(reader.end())?;
        let bytes = extent.before(reader.end().position);
        if bytes >= told.saturating_add(PROGRESS_EVERY) {
            told = bytes;
            progress(Progress {
                records: reader.end().next_sequence.saturating_sub(1),
                bytes,
                bytes_total: extent.bytes(),
            });
        }
    };
    walk.finish(&begin, reader.end(), torn)
}

/// Damage at the very end may be a torn write; the rules of a start decide that.
fn torn_tail<S: Storage>(
    storage: &ReadOnly<S>,
    first: SegmentId,
    damage: Damage,
) -> Result<TornTail, ChainError> {
    match scan(storage.clone(), first, |_| {}).map(|scanned| scanned.verdict()) {
        Ok(Verdict::TornTail(torn)) => Ok(torn),
        Ok(Verdict::Clean | Verdict::Unclean) | Err(RecoveryError::Refused(_)) => {
            Err(ChainError::Broken(ReadError::Damage(damage)))
        }
        Err(RecoveryError::Read(error)) => Err(ChainError::Broken(error)),
        Err(error) => Err(ChainError::Io(io::Error::other(error.to_string()))),
    }
}

/// What has been met on the way.
struct Walk<'a, S> {
    storage: &'a ReadOnly<S>,
    first: SegmentId,
    last: SegmentId,
    key: Option<[u8; 32]>,
    /// Heads still ahead, by place.
    heads: std::iter::Peekable<std::vec::IntoIter<(usize, Head)>>,
    segment: Option<SegmentId>,
    frames: u64,
    sealed: u64,
    /// Finished segments without a seal, behind the last that has one where a key is given.
    unsealed: Vec<SegmentId>,
    met: u64,
    before: u64,
    removed: Option<SegmentsRemoved>,
}

impl<'a, S: Storage> Walk<'a, S> {
    fn new(storage: &'a ReadOnly<S>, first: SegmentId, last: SegmentId, against: &Against) -> Self {
        let mut heads = against.heads.clone();
        heads.sort_by_key(|(_, head)| head.position);
        Self {
            storage,
            first,
            last,
            key: against.key,
            heads: heads.into_iter().peekable(),
            segment: None,
            frames: 0,
            sealed: 0,
            unsealed: Vec::new(),
            met: 0,
            before: 0,
            removed: None,
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        let template = <crate::command::SegmentsRemoved as wire::Message>::LAYOUT.template_id;
        let own = record.bytes.get(TEMPLATE_AT..TEMPLATE_AT.saturating_add(2))
            == Some(template.to_le_bytes().as_slice());
        if own
            && self.first != SegmentId::FIRST
            && let Ok((input, _)) = decode_record(record.bytes)
            && let Command::SegmentsRemoved(removed) = input.command
            && self.explains(&removed)
        {
            self.removed = Some(removed);
        }
    }

    /// Whether a removal is the one that the journal begins behind, or in the middle of where it was
    /// interrupted: oldest first, so that the rest of it is still there.
    fn explains(&self, removed: &SegmentsRemoved) -> bool {
        let behind = SegmentId(removed.last_segment).next();
        let covers = (removed.first_segment..=behind.0).contains(&self.first.0);
        covers
            && segment_header(self.storage, behind)
                .is_ok_and(|next| removed.chain.as_str() == next.previous.to_string())
    }

    /// Between two frames.
    fn look(&mut self, end: &End) -> Result<(), ChainError> {
        self.frames = self.frames.saturating_add(1);
        let here = end.position.segment;
        if self.segment != Some(here) {
            self.segment = Some(here);
            self.seal_of(here)?;
        }
        while let Some((line, head)) = self.heads.peek().copied() {
            if head.position.segment < self.first {
                self.before = self.before.saturating_add(1);
            } else if head.position > end.position {
                break;
            } else if head.position < end.position {
                return Err(ChainError::Head {
                    line,
                    position: head.position,
                    what: "no frame ends there",
                });
            } else if head.chain != end.chain
                || head.sequence != end.next_sequence.saturating_sub(1)
            {
                return Err(ChainError::Head {
                    line,
                    position: head.position,
                    what: "the journal has another chain hash there",
                });
            } else {
                self.met = self.met.saturating_add(1);
            }
            self.heads.next();
        }
        Ok(())
    }

    /// A finished segment must be sealed with what the next one says of it.
    fn seal_of(&mut self, segment: SegmentId) -> Result<(), ChainError> {
        if segment >= self.last {
            return Ok(());
        }
        let wrong = |what| ChainError::Seal { segment, what };
        let seal = match Seal::load(self.storage, segment) {
            Ok(Some(seal)) => seal,
            Ok(None) => {
                self.unsealed.push(segment);
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(wrong(
                    "its seal is damaged, or not signed by the key it names",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        let next = segment_header(self.storage, segment.next()).map_err(ChainError::Broken)?;
        if self.key.is_some_and(|key| key != seal.key) {
            return Err(wrong("its seal is by another key"));
        }
        if seal.chain != next.previous
            || seal.last_sequence != next.first_sequence.saturating_sub(1)
        {
            return Err(wrong("its seal is of other content"));
        }
        // They are sealed in order.
        self.all_sealed()?;
        self.sealed = self.sealed.saturating_add(1);
        Ok(())
    }

    /// With a key each finished segment so far must have its seal.
    fn all_sealed(&self) -> Result<(), ChainError> {
        match self.unsealed.first() {
            Some(segment) if self.key.is_some() => Err(ChainError::Unsealed { segment: *segment }),
            _ => Ok(()),
        }
    }

    /// A segment is sealed when another one follows it.
    fn last_is_open(&self) -> Result<(), ChainError> {
        let last = self.last;
        if matches!(Seal::load(self.storage, last), Ok(Some(_)))
            && segments(self.storage)?.last() == Some(&last)
        {
            return Err(ChainError::Seal {
                segment: last,
                what: "its seal says that it was finished: what followed it is missing",
            });
        }
        Ok(())
    }

    fn finish(
        mut self,
        begin: &End,
        end: &End,
        torn: Option<TornTail>,
    ) -> Result<Proven, ChainError> {
        if let Some((line, head)) = self.heads.next() {
            return Err(ChainError::Head {
                line,
                position: head.position,
                what: "the journal ends before it",
            });
        }
        if end.clean_stop {
            self.all_sealed()?;
        }
        self.last_is_open()?;
        if self.first != SegmentId::FIRST && self.removed.is_none() {
            return Err(ChainError::Beheaded { first: self.first });
        }
        Ok(Proven {
            first: self.first,
            last: self.last,
            first_sequence: begin.next_sequence,
            last_sequence: end.next_sequence.saturating_sub(1),
            // The first look came before the first frame.
            frames: self.frames.saturating_sub(1),
            chain: end.chain,
            sealed: self.sealed,
            not_yet_sealed: self.unsealed.len() as u64,
            heads: self.met,
            heads_before: self.before,
            removed: self.removed,
            torn,
        })
    }
}
