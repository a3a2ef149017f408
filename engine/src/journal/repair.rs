//! Owns the one way to go on with a journal that is refused: an operator says
//! so, everything from the damage on is put aside, and what was done is written
//! down, beside the journal and in it. Leaves out the decision, which is a
//! person's, and the start after it, which is RESTRICTED in a new epoch.
//!
//! Nothing is destroyed: each file is copied before it is changed, and segments
//! and snapshots behind the damage get another name.

use std::io;

use serde_json::{Value, json};

use super::cursor::End;
use super::error::{Damage, Defect, ReadError};
use super::format::{FRAME_HEADER_BYTES, Position, SegmentId, wide};
use super::read_only::ReadOnly;
use super::reader::{Reader, segments};
use super::recovery::{RecoveryError, ScanFrom, scan_locked};
use super::seal::sealed_from;
use super::storage::{Storage, StorageFile, nonzero_end, scan_pieces, write_zeros};
use super::watermark::{WATERMARK_FILE, Watermark};

/// Tells the next start that records were given up; it says so in the journal.
pub const REPAIRED_FILE: &str = "repaired";
/// One line of JSON for each repair, kept for good.
pub const REPAIRS_FILE: &str = "repairs.ndjson";
pub(super) const REPAIR_TEMPORARY: &str = "repair.tmp";

/// What a repair is told.
#[derive(Debug, Clone)]
pub struct RepairOrder {
    /// Why, in the operator's words.
    pub reason: String,
    /// The clock, nanoseconds since 1970-01-01 UTC.
    pub now_ns: u64,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// Where the journal ends now.
    pub cut: Position,
    /// What was wrong there; `None` where it only ended too early.
    pub damage: Option<Damage>,
    /// The last record that is left.
    pub last_sequence: u64,
    /// The last record that is known to have been there.
    pub known_sequence: Option<u64>,
    /// Bytes that were put aside.
    pub bytes: u64,
    /// Files that keep what was put aside.
    pub kept: Vec<String>,
    /// Segments that were shorter than their header says and got the zeros back that were missing behind.
    pub grown: Vec<String>,
    /// Nothing was given up: it was only zeros that were missing.
    pub is_whole: bool,
}

/// A segment that was too short.
#[derive(Debug)]
struct Grown {
    segment: SegmentId,
    /// Bytes that it had.
    from: u64,
}

/// Cuts the journal at the first place that is not as it was written.
/// `is_snapshot_behind` says whether a file is a snapshot of a later record
/// than the one given.
///
/// # Errors
/// [`RecoveryError`]: nothing has been changed, or repeating it is safe. A
/// journal that is whole is `InvalidInput`: there is nothing to repair.
pub fn repair<S: Storage>(
    storage: &S,
    order: &RepairOrder,
    is_snapshot_behind: impl Fn(&str, u64) -> bool,
) -> Result<Repaired, RecoveryError> {
    let _lock = storage.lock()?;
    let all = segments(storage)?;
    let first = *all.first().ok_or(RecoveryError::NoJournal)?;
    let known = Watermark::load(storage)?.watermark();
    // Of an earlier repair that no start has heard of yet.
    let was_marked = storage.list()?.iter().any(|name| name == REPAIRED_FILE);
    let (end, damage, grown) = last_whole(storage, order, first)?;
    let ends_early = sealed_from(storage, end.position.segment)?.is_some()
        || known.is_some_and(|known| known.position > end.position)
        || storage
            .list()?
            .iter()
            .any(|name| is_snapshot_behind(name, end.next_sequence.saturating_sub(1)));
    if damage.is_none() && !ends_early && grown.is_empty() {
        // An earlier repair may have been interrupted with nothing left to do but this.
        storage.sync_directory()?;
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why_not(storage, first)).into());
    }
    let mut done = Repaired {
        cut: end.position,
        damage,
        last_sequence: end.next_sequence.saturating_sub(1),
        known_sequence: known.map(|known| known.sequence),
        bytes: 0,
        kept: Vec::new(),
        grown: grown.iter().map(|one| one.segment.file_name()).collect(),
        is_whole: damage.is_none() && !ends_early && shows_its_end(&grown, &end),
    };
    if done.is_whole {
        if !was_marked {
            RepairMark::clear(storage)?;
        }
        return Ok(done);
    }
    if first != SegmentId::FIRST && !is_state_left(storage, &is_snapshot_behind, &done)? {
        let nothing = format!(
            "{first} is where the journal begins, and every snapshot is of a later record than {}, the last before \
             the damage: nothing could be started from what a repair would leave; put a copy of the damaged segment \
             back, or of the removed ones",
            done.last_sequence
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, nothing).into());
    }
    // Said before anything is done: a repair that is interrupted is still told at the next start.
    mark(storage, &line(order, &done))?;
    keep_rest(storage, &end, &mut done)?;
    put_aside(storage, &is_snapshot_behind, &mut done)?;
    note(storage, order, &done)?;
    let file = storage.open_for_write(&end.position.segment.file_name())?;
    write_zeros(&file, end.position.offset, end.segment.size)?;
    file.sync()?;
    Watermark {
        position: end.position,
        sequence: done.last_sequence,
        chain: end.chain,
    }
    .store(storage)?;
    storage.sync_directory()?;
    Ok(done)
}

/// Why a journal of which every frame is whole is not repaired.
fn why_not<S: Storage>(storage: &S, first: SegmentId) -> String {
    let from = ScanFrom::Segment(first);
    match scan_locked(ReadOnly(storage.clone()), (), from, None, |_| {}) {
        Err(RecoveryError::Refused(refusal)) => format!(
            "every frame is whole, but {refusal}: `{WATERMARK_FILE}` and the segments are of two journals; put back \
             what belongs together, or move `{WATERMARK_FILE}`, the snapshots and later seals away and start with --new-epoch"
        ),
        _ => "every frame is whole and nothing is missing at the end: there is nothing to repair; if a start is \
              refused for a snapshot, it is of another journal: move it away and start with --new-epoch"
            .to_owned(),
    }
}

/// Whether a snapshot is left from which the rest of the journal could be gone on with.
fn is_state_left<S: Storage>(
    storage: &S,
    is_snapshot_behind: &impl Fn(&str, u64) -> bool,
    done: &Repaired,
) -> io::Result<bool> {
    let is_left = |name: &String| {
        is_snapshot_behind(name, 0) && !is_snapshot_behind(name, done.last_sequence)
    };
    Ok(storage.list()?.iter().any(is_left))
}

/// Reads as far as everything is whole. A segment whose header is damaged ends the journal at the end of the one
/// before. One that is only shorter than its header says gets zeros behind first, as its writer had made it, behind
/// a mark: what else was missing of it may not show.
fn last_whole<S: Storage>(
    storage: &S,
    order: &RepairOrder,
    first: SegmentId,
) -> Result<(End, Option<Damage>, Vec<Grown>), RecoveryError> {
    let mut grown: Vec<Grown> = Vec::new();
    loop {
        let read = read_whole(storage, first);
        let damage = match &read {
            Ok((_, damage)) => damage.as_ref(),
            Err(ReadError::Damage(damage)) => Some(damage),
            Err(_) => None,
        };
        let Some((segment, from, to)) = damage.and_then(missing_behind) else {
            let (end, damage) = read.map_err(RecoveryError::Read)?;
            return Ok((end, damage, grown));
        };
        let cut = json!({
            "time": order.now_ns,
            "reason": order.reason,
            "segment": segment.0,
            "offset": from,
        });
        // One that is there says more.
        if RepairMark::load(storage)?.is_none() {
            mark(storage, &format!("{cut}\n"))?;
        }
        let file = storage.open_for_write(&segment.file_name())?;
        write_zeros(&file, from, to)?;
        file.sync()?;
        grown.push(Grown { segment, from });
    }
}

/// The segment that is too short, and the bytes that are missing.
fn missing_behind(damage: &Damage) -> Option<(SegmentId, u64, u64)> {
    if let Defect::SegmentSize { expected, found } = damage.defect
        && found < expected
    {
        return Some((damage.position.segment, found, expected));
    }
    None
}

/// Whether the segment in which the journal ends still had zeros where its next frame would begin, so that there was
/// none. What was cut of earlier ones shows in the chain.
fn shows_its_end(grown: &[Grown], end: &End) -> bool {
    let last = grown.iter().find(|one| one.segment == end.position.segment);
    let next = end.position.offset.saturating_add(wide(FRAME_HEADER_BYTES));
    !grown.is_empty() && last.is_none_or(|last| last.from >= next)
}

fn read_whole<S: Storage>(
    storage: &S,
    first: SegmentId,
) -> Result<(End, Option<Damage>), ReadError> {
    let mut reader = Reader::open(storage.clone(), first)?;
    loop {
        match reader.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok((*reader.end(), None)),
            Err(ReadError::Damage(damage)) => return Ok((*reader.end(), Some(damage))),
            Err(error) => return Err(error),
        }
    }
}

/// Copies what stands in the cut segment behind the cut.
fn keep_rest<S: Storage>(storage: &S, end: &End, done: &mut Repaired) -> io::Result<()> {
    let segment = end.position.segment.file_name();
    let file = storage.open(&segment)?;
    let (from, size) = (end.position.offset, end.segment.size);
    let to = nonzero_end(&file, from, size)?;
    if to == from {
        return Ok(());
    }
    let name = unused(storage, &format!("{segment}.cut-{from}"))?;
    let copy = storage.create(REPAIR_TEMPORARY)?;
    let mut outcome = Ok(());
    scan_pieces(&file, from, to, |offset, piece| {
        outcome = copy.write_at(piece, offset.saturating_sub(from));
        outcome.is_ok()
    })?;
    outcome?;
    copy.sync()?;
    storage.rename(REPAIR_TEMPORARY, &name)?;
    storage.sync_directory()?;
    done.bytes = done.bytes.saturating_add(to.saturating_sub(from));
    done.kept.push(name);
    Ok(())
}

/// Renames segments behind the cut, with their seals and snapshots of what is given up.
fn put_aside<S: Storage>(
    storage: &S,
    is_snapshot_behind: &impl Fn(&str, u64) -> bool,
    done: &mut Repaired,
) -> io::Result<()> {
    let cut = done.cut.segment;
    for name in storage.list()? {
        let segment = SegmentId::from_file_name(&name);
        // That of a segment that is missing too: its name will be another's.
        let sealed_behind = SegmentId::from_seal_name(&name).is_some_and(|id| id >= cut);
        let behind = segment.is_some_and(|segment| segment > cut);
        if !behind && !sealed_behind && !is_snapshot_behind(&name, done.last_sequence) {
            continue;
        }
        if behind {
            let file = storage.open(&name)?;
            let used = nonzero_end(&file, 0, file.length()?)?;
            done.bytes = done.bytes.saturating_add(used);
        }
        let aside = unused(storage, &format!("{name}.cut"))?;
        storage.rename(&name, &aside)?;
        done.kept.push(aside);
    }
    storage.sync_directory()
}

fn unused<S: Storage>(storage: &S, base: &str) -> io::Result<String> {
    let names = storage.list()?;
    let mut name = base.to_owned();
    let mut number = 2_u32;
    while names.contains(&name) {
        name = format!("{base}-{number}");
        number = number.saturating_add(1);
    }
    Ok(name)
}

/// Writes down what is done: for the next start, and for good.
fn note<S: Storage>(storage: &S, order: &RepairOrder, done: &Repaired) -> io::Result<()> {
    let text = line(order, done);
    let kept = storage.open_for_write(REPAIRS_FILE).or_else(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            storage.create(REPAIRS_FILE)
        } else {
            Err(error)
        }
    })?;
    kept.write_at(text.as_bytes(), kept.length()?)?;
    kept.sync()?;
    mark(storage, &text)
}

/// What is said of a repair.
fn line(order: &RepairOrder, done: &Repaired) -> String {
    let line = json!({
        "time": order.now_ns,
        "reason": order.reason,
        "segment": done.cut.segment.0,
        "offset": done.cut.offset,
        "damage": done.damage.map(|damage| damage.to_string()),
        "lastSequence": done.last_sequence,
        "knownSequence": done.known_sequence,
        "bytes": done.bytes,
        "kept": done.kept,
        "grown": done.grown,
    });
    format!("{line}\n")
}

/// Has the next start told.
fn mark<S: Storage>(storage: &S, text: &str) -> io::Result<()> {
    let mark = storage.create(REPAIR_TEMPORARY)?;
    mark.write_at(text.as_bytes(), 0)?;
    mark.sync()?;
    storage.rename(REPAIR_TEMPORARY, REPAIRED_FILE)?;
    storage.sync_directory()
}

/// What a start reads of a repair before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepairMark {
    /// Where the journal was cut.
    pub cut: Position,
    /// Bytes given up.
    pub bytes: u64,
    /// Records given up, as far as is known.
    pub records: Option<u64>,
}

impl RepairMark {
    /// The mark of a repair that no start has journalled yet.
    ///
    /// # Errors
    /// `InvalidData` for a mark that can't be read; else what the system says.
    pub fn load(storage: &impl Storage) -> io::Result<Option<Self>> {
        let file = match storage.open(REPAIRED_FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = usize::try_from(file.length()?.min(1 << 20)).unwrap_or(0);
        let mut text = vec![0; length];
        file.read_at(&mut text, 0)?;
        let value: Value = serde_json::from_slice(&text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let last = value["lastSequence"].as_u64().unwrap_or(0);
        Ok(Some(Self {
            cut: Position {
                segment: SegmentId(value["segment"].as_u64().unwrap_or(0)),
                offset: value["offset"].as_u64().unwrap_or(0),
            },
            bytes: value["bytes"].as_u64().unwrap_or(0),
            records: value["knownSequence"]
                .as_u64()
                .and_then(|known| known.checked_sub(last))
                // What is known says nothing about what stood behind it.
                .filter(|records| *records > 0),
        }))
    }

    /// Removes the mark: the journal says it now, durably.
    ///
    /// # Errors
    /// What the system says.
    pub fn clear(storage: &impl Storage) -> io::Result<()> {
        match storage.remove(REPAIRED_FILE) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => storage.sync_directory(),
        }
    }
}
