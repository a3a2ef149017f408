//! Owns what happens to a journal between two runs: reading all of it, judging
//! its end, and cutting a torn tail. Leaves out what the records decide, and
//! going on writing (`writer`).
//!
//! Three steps, so that nothing is changed before everything is known:
//! [`scan`] takes the lock, reads and judges; [`Scan::repair`] cuts and makes
//! sure that what was read is on disk; `JournalWriter::resume` goes on.
//!
//! The rules for damage, in order:
//! 1. in any segment but the last: refuse;
//! 2. with an intact frame of the same segment behind it: refuse, because the
//!    writer never has two frames unsynced;
//! 3. at or below any point known to be durable: refuse;
//! 4. otherwise a torn tail: keep a copy, cut, report.
//!
//! Before them stands one more: what no torn write can leave behind is refused
//! wherever it stands (see [`Defect::can_be_torn_write`]).

use std::io;

use super::batch::Record;
use super::cursor::End;
use super::error::{Damage, Defect, ReadError};
use super::format::{
    EMPTY_FRAME_BYTES, FRAME_ALIGN, FRAME_HEADER_BYTES, Position, SEGMENT_HEADER_BYTES, SegmentId,
    narrow, wide,
};
use super::frame::FrameHeader;
use super::lock::LockError;
use super::reader::{Reader, segments};
use super::spare::SPARE_FILE;
use super::storage::{Storage, StorageFile, nonzero_end, scan_pieces, write_zeros};
use super::watermark::{WATERMARK_TEMPORARY, Watermark, WatermarkFile};

const TORN_TEMPORARY: &str = "torn.tmp";

/// Whether a file is what an interrupted run leaves behind and nobody needs.
pub(super) fn is_leftover(name: &str) -> bool {
    [SPARE_FILE, WATERMARK_TEMPORARY, TORN_TEMPORARY].contains(&name)
}

/// How the last run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// With a clean stop: nothing was lost under any acknowledgement policy.
    Clean,
    /// Without one. Every frame is whole; what was never written cannot be seen.
    Unclean,
    /// In the middle of a write.
    TornTail(TornTail),
}

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
    /// The watermark names another history.
    #[error("{known}: the chain hash differs from the one kept in the file `durable`")]
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
            | Self::NotTorn { damage } => damage.position,
            Self::EndsEarly { end, .. } => *end,
            Self::OtherHistory { known } => *known,
        }
    }

    /// The rule that refused, as numbered above; 0 for what no torn write does.
    #[must_use]
    pub fn rule(&self) -> u8 {
        match self {
            Self::EarlierSegment { .. } => 1,
            Self::FrameBehind { .. } => 2,
            Self::KnownDurable { .. } | Self::EndsEarly { .. } | Self::OtherHistory { .. } => 3,
            Self::NotTorn { .. } => 0,
        }
    }
}

/// Why recovery did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// There is no journal here: start one.
    #[error("there is no journal here")]
    NoJournal,
    /// The journal is damaged in a way that must not be passed over.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be read, or is too new.
    #[error(transparent)]
    Read(ReadError),
    /// The directory is taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system refused to list, copy, cut or sync.
    #[error("repairing the journal: {0}")]
    Io(#[from] io::Error),
}

/// A journal that has been read to its end and judged; nothing is changed yet.
#[derive(Debug)]
pub struct Scan<S: Storage> {
    storage: S,
    lock: S::Lock,
    end: End,
    verdict: Verdict,
    watermark: WatermarkFile,
    leftovers: Vec<String>,
    kept_tails: Vec<String>,
}

/// A journal whose every byte is accounted for and on disk, ready to go on.
#[derive(Debug)]
pub struct Recovered<S: Storage> {
    pub(super) storage: S,
    pub(super) lock: S::Lock,
    pub(super) file: S::File,
    /// Where it ends: last sequence, epoch, time, chain hash.
    pub end: End,
    /// How the last run ended.
    pub verdict: Verdict,
    /// The file that keeps the torn tail just cut; to be named in the record about it.
    pub kept_tail: Option<String>,
}

/// Takes the lock, reads the journal from `start` ([`SegmentId::FIRST`] for all
/// of it) and judges its end, showing every intact record to `on_record`.
///
/// Records already shown count for nothing when this returns an error.
///
/// # Errors
/// [`RecoveryError::Refused`] names file, offset and rule.
pub fn scan<S: Storage>(
    storage: S,
    start: SegmentId,
    mut on_record: impl FnMut(Record<'_>),
) -> Result<Scan<S>, RecoveryError> {
    let lock = storage.lock()?;
    let watermark = Watermark::load(&storage)?;
    let known = watermark.watermark();
    let Some(last) = segments(&storage)?.last().copied() else {
        return Err(known.map_or(RecoveryError::NoJournal, |known| {
            ends_early(
                Position {
                    segment: SegmentId::FIRST,
                    offset: 0,
                },
                &known,
            )
            .into()
        }));
    };
    let judge = Judge {
        storage: &storage,
        last,
        known,
    };
    let mut reader =
        Reader::open(storage.clone(), start).map_err(|error| judge.refuse_header(error))?;
    let torn = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => frame.records().for_each(&mut on_record),
            Ok(None) => break None,
            Err(ReadError::Damage(damage)) => break Some(judge.judge(damage, reader.end())?),
            Err(error) => return Err(RecoveryError::Read(error)),
        }
        judge.compare(reader.end())?;
    };
    let end = *reader.end();
    if let Some(known) = known.filter(|known| end.position < known.position) {
        return Err(ends_early(end.position, &known).into());
    }
    let names = storage.list()?;
    let (leftovers, names): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| is_leftover(name));
    let verdict = match torn {
        Some(torn) => Verdict::TornTail(torn),
        None if end.clean_stop => Verdict::Clean,
        None => Verdict::Unclean,
    };
    Ok(Scan {
        storage,
        lock,
        end,
        verdict,
        watermark,
        leftovers,
        kept_tails: names
            .into_iter()
            .filter(|name| name.contains(".seg.torn-"))
            .collect(),
    })
}

impl<S: Storage> Scan<S> {
    /// How the last run ended.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Where the intact part ends: last sequence, epoch, time, chain hash.
    #[must_use]
    pub fn end(&self) -> &End {
        &self.end
    }

    /// What was found of the watermark file. Missing after a first run or
    /// damaged, it is worth a warning: one proof fewer.
    #[must_use]
    pub fn watermark(&self) -> WatermarkFile {
        self.watermark
    }

    /// Torn tails kept by earlier repairs. One that no record mentions was cut
    /// by a start that ended before it could say so.
    #[must_use]
    pub fn kept_tails(&self) -> &[String] {
        &self.kept_tails
    }

    /// Cuts a torn tail, after keeping a copy of it, and makes durable all that was read.
    ///
    /// A failed sync may have left pages that look clean and are not on disk.
    /// So the last frame (the only one that can be in doubt) is written again,
    /// and after an unclean stop also the zeros behind it; then all is synced.
    ///
    /// # Errors
    /// [`RecoveryError::Io`]; repeating it later is safe.
    pub fn repair(self) -> Result<Recovered<S>, RecoveryError> {
        for name in &self.leftovers {
            self.storage.remove(name)?;
        }
        let segment = self.end.position.segment.file_name();
        let file = self.storage.open_for_write(&segment)?;
        let kept_tail = match self.verdict {
            Verdict::TornTail(torn) => Some(self.keep_tail(&file, &torn)?),
            Verdict::Clean | Verdict::Unclean => None,
        };
        if let Some((offset, length)) = self.end.last_frame {
            let mut frame = vec![0; narrow(length)];
            if file.read_at(&mut frame, offset)? != frame.len() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            file.write_at(&frame, offset)?;
        }
        if self.verdict != Verdict::Clean {
            write_zeros(&file, self.end.position.offset, self.end.segment.size)?;
        }
        file.sync()?;
        self.storage.sync_directory()?;
        Ok(Recovered {
            storage: self.storage,
            lock: self.lock,
            file,
            end: self.end,
            verdict: self.verdict,
            kept_tail,
        })
    }

    /// Copies the torn tail to a file of its own; durable before anything is cut.
    fn keep_tail(&self, file: &S::File, torn: &TornTail) -> io::Result<String> {
        let base = format!(
            "{}.torn-{}",
            torn.position.segment.file_name(),
            torn.position.offset
        );
        // The same place can tear twice; the earlier copy stays.
        let mut name = base.clone();
        let mut number = 2_u32;
        while self.kept_tails.contains(&name) {
            name = format!("{base}-{number}");
            number = number.saturating_add(1);
        }
        let copy = self.storage.create(TORN_TEMPORARY)?;
        let end = torn.position.offset.saturating_add(torn.bytes);
        let mut outcome = Ok(());
        scan_pieces(file, torn.position.offset, end, |offset, piece| {
            outcome = copy.write_at(piece, offset.saturating_sub(torn.position.offset));
            outcome.is_ok()
        })?;
        outcome?;
        copy.sync()?;
        self.storage.rename(TORN_TEMPORARY, &name)?;
        self.storage.sync_directory()?;
        Ok(name)
    }
}

fn ends_early(end: Position, known: &Watermark) -> Refusal {
    Refusal::EndsEarly {
        end,
        known: known.position,
        durable: known.sequence,
    }
}

/// What the rules are applied with.
struct Judge<'a, S: Storage> {
    storage: &'a S,
    last: SegmentId,
    known: Option<Watermark>,
}

impl<S: Storage> Judge<'_, S> {
    /// Damage before the first frame: a header never tears.
    fn refuse_header(&self, error: ReadError) -> RecoveryError {
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

    fn judge(&self, damage: Damage, end: &End) -> Result<TornTail, RecoveryError> {
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

    /// The watermark must lie between two frames, with the same chain hash.
    fn compare(&self, end: &End) -> Result<(), Refusal> {
        let Some(known) = &self.known else {
            return Ok(());
        };
        let last_start = end.last_frame.map_or(0, |(offset, _)| offset);
        let same_segment = end.position.segment == known.position.segment;
        let inside_frame = same_segment
            && last_start < known.position.offset
            && known.position.offset < end.position.offset
            && known.position.offset > wide(SEGMENT_HEADER_BYTES);
        let differs = end.position == known.position && end.chain != known.chain;
        if inside_frame || differs {
            return Err(Refusal::OtherHistory {
                known: known.position,
            });
        }
        Ok(())
    }
}

/// The first intact frame header of the same segment behind a damaged place.
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
            if slot.starts_with(&super::frame::FRAME_MAGIC) {
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
        let own = FrameHeader::decode(&bytes)
            .is_ok_and(|header| header.segment == damaged.segment && header.offset == offset);
        if whole && own {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}
