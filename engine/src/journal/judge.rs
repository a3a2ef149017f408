//! Owns the judgement of a journal's end: a torn tail, or a reason to refuse.
//! Leaves out reading it and cutting the tail (`recovery`).
//!
//! The rules for damage, in order:
//! 1. in any segment but the last: refuse;
//! 2. with an intact frame behind it in the same segment, of whatever place: refuse,
//!    because the writer never has two frames unsynced, and a frame that stands
//!    where it was not meant to is a write gone astray, perhaps over this one;
//! 3. at or below any point known to be durable, or when the file `durable`, which is
//!    never torn, is damaged and cannot say: refuse;
//! 4. otherwise a torn tail: keep a copy, cut, report.
//!
//! Before them stands one more: what no torn write can leave behind is refused
//! wherever it stands (see [`Defect::can_be_torn_write`]).

use std::io;

use super::cursor::{End, first_frame_of};
use super::error::{Damage, Defect, ReadError};
use super::format::{
    EMPTY_FRAME_BYTES, FRAME_ALIGN, FRAME_HEADER_BYTES, Position, SegmentId, wide,
};
use super::frame::{FRAME_MAGIC, FrameHeader};
use super::reader::segments;
use super::recovery::RecoveryError;
use super::seal::sealed_from;
use super::storage::{Storage, StorageFile, nonzero_end, scan_pieces};
use super::watermark::{WATERMARK_FILE, Watermark, WatermarkFile};

/// The end of a journal that was being written when the machine stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    /// Where the torn frame starts.
    pub position: Position,
    /// Bytes up to the last one that is not zero.
    pub bytes: u64,
    /// Records it may have held; `None` when even its header is lost. None of
    /// them was ever reported durable.
    pub records_maybe: Option<u32>,
    /// The sequence its first record would have had.
    pub first_sequence: u64,
    /// What is wrong with it.
    pub defect: Defect,
}

/// Why a journal may not be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Rule 1.
    #[error("{damage}; the journal goes on to {last}, so this is not a torn tail")]
    EarlierSegment {
        /// What is wrong where.
        damage: Damage,
        /// The last segment.
        last: SegmentId,
    },
    /// Rule 2.
    #[error("{damage}; an intact frame follows at byte {frame_offset}, so this is not a torn tail")]
    FrameBehind {
        /// What is wrong where.
        damage: Damage,
        /// Where the intact frame stands.
        frame_offset: u64,
    },
    /// Rule 3.
    #[error("{damage}; sequence {first_sequence} was reported durable (up to {durable}, {known})")]
    KnownDurable {
        /// What is wrong where.
        damage: Damage,
        /// The first sequence that cannot be read.
        first_sequence: u64,
        /// The highest sequence known to have been durable.
        durable: u64,
        /// The end of what is known to have been durable.
        known: Position,
    },
    /// Rule 3: what would say how much had been durable is damaged too.
    #[error(
        "{damage}; `{WATERMARK_FILE}` is damaged too and cannot say whether that had been durable"
    )]
    NothingKnown {
        /// What is wrong where.
        damage: Damage,
    },
    /// No torn write leaves this behind.
    #[error("{damage}; no torn write does this")]
    NotTorn {
        /// What is wrong where.
        damage: Damage,
    },
    /// Rule 3, without visible damage: the journal just ends too early.
    #[error(
        "{end}: the journal ends here, but {known} had been durable (up to sequence {durable})"
    )]
    EndsEarly {
        /// Where it ends.
        end: Position,
        /// The end of what is known to have been durable.
        known: Position,
        /// The highest sequence known to have been durable.
        durable: u64,
    },
    /// Rule 3: the segment that is the last has a seal, which it got when the next one stood.
    #[error(
        "{end}: the journal ends here, but {sealed} was finished and sealed (with record {sequence} as its last): \
         what is behind that is missing, or the seal is of another copy of the journal"
    )]
    Finished {
        /// Where it ends.
        end: Position,
        /// The last segment that has a seal.
        sealed: SegmentId,
        /// Its last record by the seal.
        sequence: u64,
    },
    /// The watermark, or a snapshot, names another history.
    #[error("{known}: the chain hash differs from the one kept in `durable` or a snapshot")]
    OtherHistory {
        /// Where the two differ.
        known: Position,
    },
}

impl Refusal {
    /// Where the refused thing stands.
    #[must_use]
    pub fn position(&self) -> Position {
        match self {
            Self::EarlierSegment { damage, .. }
            | Self::FrameBehind { damage, .. }
            | Self::KnownDurable { damage, .. }
            | Self::NothingKnown { damage }
            | Self::NotTorn { damage } => damage.position,
            Self::EndsEarly { end, .. } | Self::Finished { end, .. } => *end,
            Self::OtherHistory { known } => *known,
        }
    }

    /// The rule that refused, as numbered above; 0 for what no torn write does.
    #[must_use]
    pub fn rule(&self) -> u8 {
        match self {
            Self::EarlierSegment { .. } => 1,
            Self::FrameBehind { .. } => 2,
            Self::KnownDurable { .. }
            | Self::NothingKnown { .. }
            | Self::EndsEarly { .. }
            | Self::Finished { .. }
            | Self::OtherHistory { .. } => 3,
            Self::NotTorn { .. } => 0,
        }
    }
}

pub(super) fn ends_early(end: Position, known: &Watermark) -> Refusal {
    Refusal::EndsEarly {
        end,
        known: known.position,
        durable: known.sequence,
    }
}

/// What the rules are applied with.
#[derive(Debug)]
pub(super) struct Judge<'a, S: Storage> {
    pub(super) storage: &'a S,
    pub(super) last: SegmentId,
    pub(super) known: Option<Watermark>,
    pub(super) watermark: WatermarkFile,
}

impl<S: Storage> Judge<'_, S> {
    /// Damage before the first frame: a header never tears.
    pub(super) fn refuse_header(&self, error: ReadError) -> RecoveryError {
        match error {
            ReadError::Damage(damage) => self.refuse_place(damage).into(),
            other @ (ReadError::Version { .. } | ReadError::Io { .. }) => {
                RecoveryError::Read(other)
            }
        }
    }

    fn refuse_place(&self, damage: Damage) -> Refusal {
        if damage.position.segment < self.last {
            return Refusal::EarlierSegment {
                damage,
                last: self.last,
            };
        }
        Refusal::NotTorn { damage }
    }

    pub(super) fn judge(&self, damage: Damage, end: &End) -> Result<TornTail, RecoveryError> {
        let position = damage.position;
        if position.segment < self.last || !damage.defect.can_be_torn_write() {
            return Err(self.refuse_place(damage).into());
        }
        let file = self.storage.open(&position.segment.file_name())?;
        if let Some(frame_offset) = intact_frame_behind(&file, position, end.segment.size)? {
            return Err(Refusal::FrameBehind {
                damage,
                frame_offset,
            }
            .into());
        }
        if let Some(known) = self
            .known
            .filter(|known| known.position > position || known.sequence >= end.next_sequence)
        {
            return Err(Refusal::KnownDurable {
                damage,
                first_sequence: end.next_sequence,
                durable: known.sequence,
                known: known.position,
            }
            .into());
        }
        // It is replaced by renaming: no crash damages it, so the disk has lied about something.
        if self.watermark == WatermarkFile::Damaged {
            return Err(Refusal::NothingKnown { damage }.into());
        }
        let torn_end = nonzero_end(&file, position.offset, end.segment.size)?;
        let mut header = [0; FRAME_HEADER_BYTES];
        file.read_at(&mut header, position.offset)?;
        Ok(TornTail {
            position,
            bytes: torn_end.saturating_sub(position.offset),
            records_maybe: FrameHeader::decode(&header).ok().map(|header| header.count),
            first_sequence: end.next_sequence,
            defect: damage.defect,
        })
    }

    /// Only a segment that another one follows is sealed.
    pub(super) fn refuse_finished(&self, end: &End) -> Result<(), RecoveryError> {
        let segment = end.position.segment;
        let Some(seal) = sealed_from(self.storage, segment)? else {
            return Ok(());
        };
        // Beside a live server the next segment may just have come.
        if segments(self.storage)?.last() != Some(&segment) {
            return Ok(());
        }
        Err(Refusal::Finished {
            end: end.position,
            sealed: seal.segment,
            sequence: seal.last_sequence,
        }
        .into())
    }

    /// The watermark must lie between two frames, with the same chain hash.
    pub(super) fn compare(&self, end: &End) -> Result<(), Refusal> {
        let Some(known) = &self.known else {
            return Ok(());
        };
        if end.position.segment != known.position.segment {
            return Ok(());
        }
        let first_frame = known.position == first_frame_of(known.position.segment);
        let last_start = end.last_frame.map_or(0, |(offset, _)| offset);
        let inside_frame = !first_frame
            && last_start < known.position.offset
            && known.position.offset < end.position.offset;
        let differs = (first_frame && end.segment.chain_start() != known.chain)
            || (end.position == known.position && end.chain != known.chain);
        if inside_frame || differs {
            return Err(Refusal::OtherHistory {
                known: known.position,
            });
        }
        Ok(())
    }
}

/// The first intact frame header behind a damaged place, whatever place it names: a torn write
/// leaves pieces of one frame, and no second header.
fn intact_frame_behind(
    file: &impl StorageFile,
    damaged: Position,
    size: u64,
) -> io::Result<Option<u64>> {
    let from = damaged.offset.saturating_add(wide(FRAME_ALIGN));
    let mut candidates = Vec::new();
    scan_pieces(file, from, size, |offset, piece| {
        let slots = piece.chunks(FRAME_ALIGN).zip(0_u64..);
        for (slot, number) in slots {
            if slot.starts_with(&FRAME_MAGIC) {
                let ahead = number.saturating_mul(wide(FRAME_ALIGN));
                candidates.push(offset.saturating_add(ahead));
            }
        }
        true
    })?;
    for offset in candidates {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let whole = size.saturating_sub(offset) >= wide(EMPTY_FRAME_BYTES)
            && file.read_at(&mut bytes, offset)? == bytes.len();
        if whole && FrameHeader::decode(&bytes).is_ok() {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}
