//! Owns what happens to a journal between two runs: reading all of it, and
//! cutting a torn tail. Leaves out the rules by which its end is judged
//! (`judge`), what the records decide, and going on writing (`opening`).
//!
//! Three steps, so that nothing is changed before everything is known:
//! [`scan`] takes the lock, reads and judges; [`Scan::repair`] cuts and makes
//! sure that what was read is on disk; `JournalWriter::resume` goes on.

use std::io;

use super::batch::Record;
use super::cursor::{End, start_of};
use super::error::ReadError;
use super::format::{SegmentId, narrow};
use super::judge::{Judge, Refusal, TornTail, ends_early};
use super::lock::LockError;
use super::place::Place;
use super::reader::{Reader, segments};
use super::repair::REPAIR_TEMPORARY;
use super::seal::SEAL_TEMPORARY;
use super::spare::is_spare;
use super::storage::{Storage, StorageFile, scan_pieces, write_zeros};
use super::watermark::{WATERMARK_TEMPORARY, Watermark, WatermarkFile};

const TORN_TEMPORARY: &str = "torn.tmp";
/// A snapshot that was not finished.
pub const SNAPSHOT_TEMPORARY: &str = "snapshot.tmp";

/// Whether a file is what an interrupted run leaves behind and nobody needs.
pub(super) fn is_leftover(name: &str) -> bool {
    is_spare(name)
        || [
            WATERMARK_TEMPORARY,
            TORN_TEMPORARY,
            SNAPSHOT_TEMPORARY,
            SEAL_TEMPORARY,
            REPAIR_TEMPORARY,
        ]
        .contains(&name)
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
    on_record: impl FnMut(Record<'_>),
) -> Result<Scan<S>, RecoveryError> {
    let lock = storage.lock()?;
    scan_locked(storage, lock, ScanFrom::Segment(start), None, on_record)
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanFrom {
    /// At the first frame of a segment.
    Segment(SegmentId),
    /// At a place that a snapshot has written down. Its segment is read and
    /// checked from the beginning; records before the place are not shown.
    Place(Place),
    /// The same, with everything read and checked from an earlier segment on.
    Through(SegmentId, Place),
}

impl ScanFrom {
    fn segment(&self) -> SegmentId {
        match self {
            Self::Segment(segment) | Self::Through(segment, _) => *segment,
            Self::Place(place) => place.position.segment,
        }
    }

    /// The first sequence that is shown.
    fn first_sequence(&self) -> u64 {
        match self {
            Self::Segment(_) => 0,
            Self::Place(place) | Self::Through(_, place) => place.next_sequence,
        }
    }
}

/// [`scan`] with the lock already taken, from any place, and with what else is
/// known to have been durable: the place of the newest snapshot.
///
/// # Errors
/// [`RecoveryError::Refused`] names file, offset and rule.
pub fn scan_locked<S: Storage>(
    storage: S,
    lock: S::Lock,
    start: ScanFrom,
    also_known: Option<Watermark>,
    mut on_record: impl FnMut(Record<'_>),
) -> Result<Scan<S>, RecoveryError> {
    let watermark = Watermark::load(&storage)?;
    // The later of the two says more.
    let known = watermark
        .watermark()
        .into_iter()
        .chain(also_known)
        .max_by_key(|known| known.position);
    let Some(last) = segments(&storage)?.last().copied() else {
        return Err(known.map_or(RecoveryError::NoJournal, |known| {
            ends_early(start_of(SegmentId::FIRST), &known).into()
        }));
    };
    let judge = Judge {
        storage: &storage,
        last,
        known,
        watermark,
    };
    let mut reader = Reader::open(storage.clone(), start.segment())
        .map_err(|error| judge.refuse_header(error))?;
    let mut met = Met::new(start);
    met.look(reader.end())?;
    judge.compare(reader.end())?;
    let torn = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => frame
                .records()
                .filter(|record| record.sequence >= start.first_sequence())
                .for_each(&mut on_record),
            Ok(None) => break None,
            Err(ReadError::Damage(damage)) => break Some(judge.judge(damage, reader.end())?),
            Err(error) => return Err(RecoveryError::Read(error)),
        }
        met.look(reader.end())?;
        judge.compare(reader.end())?;
    };
    let end = *reader.end();
    if let Some(known) = known.filter(|known| end.position < known.position) {
        return Err(ends_early(end.position, &known).into());
    }
    judge.refuse_finished(&end)?;
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

/// Whether the place that a snapshot names has been met on the way.
struct Met(Option<Place>);

impl Met {
    fn new(start: ScanFrom) -> Self {
        match start {
            ScanFrom::Segment(_) => Self(None),
            ScanFrom::Place(place) | ScanFrom::Through(_, place) => Self(Some(place)),
        }
    }

    /// The journal must come by the place, between two frames and with its chain hash.
    fn look(&mut self, end: &End) -> Result<(), Refusal> {
        let Some(place) = &self.0 else { return Ok(()) };
        if end.position < place.position {
            return Ok(());
        }
        if end.place() != *place {
            return Err(Refusal::OtherHistory {
                known: place.position,
            });
        }
        self.0 = None;
        Ok(())
    }
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
