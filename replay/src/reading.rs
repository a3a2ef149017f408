//! Reading a journal's records for `dump`, `state` and `stats`: the end judged by the rules of a
//! server's start, without its lock.

use crate::output::{CORRUPT, Failure, remark};
use engine::beginning::Beginning;
use engine::command::Sequenced;
use engine::decision::Decision;
use engine::follower::Follower;
use engine::journal::watermark::WATERMARK_FILE;
use engine::journal::{
    ReadError, ReadOnly, RealFiles, RecoveryError, ScanFrom, SegmentId, Storage, Verdict, scan,
    scan_locked, segments,
};
use engine::record::decode_record;
use std::path::{Path, PathBuf};

/// The directory of the journal: `dir` itself, or `dir/journal` if `dir` holds no segments.
pub(crate) fn journal_dir(dir: &Path) -> Result<PathBuf, Failure> {
    for candidate in [dir.to_owned(), dir.join("journal")] {
        let found = candidate.is_dir() && !segments(&RealFiles::new(&candidate))?.is_empty();
        if found {
            return Ok(candidate);
        }
    }
    for candidate in [dir.to_owned(), dir.join("journal")] {
        if candidate.is_dir() {
            what_is_left(&candidate)?;
        }
    }
    Err(Failure::new(
        1,
        format!("there is no journal in {}", dir.display()),
    ))
}

/// A directory without a segment is no journal yet, unless something beside them says that there was one.
fn what_is_left(dir: &Path) -> Result<(), Failure> {
    let storage = ReadOnly(RealFiles::new(dir));
    let mut left: Vec<String> = storage.list()?;
    left.retain(|name| name == WATERMARK_FILE || name.ends_with(".snapshot"));
    if left.is_empty() {
        return Ok(());
    }
    left.sort();
    let proof = match scan(storage, SegmentId::FIRST, |_| {}) {
        Err(RecoveryError::Refused(refusal)) => format!("; {refusal}"),
        // The watermark is gone, too, or can't be read; the snapshots say that records were decided.
        Err(_) | Ok(_) => String::new(),
    };
    let (dir, left) = (dir.display(), left.join(", "));
    Err(Failure::new(
        CORRUPT,
        format!(
            "corrupt: every segment of the journal in {dir} is gone{proof}\n  \
             left:  {left}\n  \
             next:  copy the segments back from a backup into {dir}, verify again, and start with --new-epoch if \
             the backup is older. Without one nothing here can be repaired: see `every segment is gone` in \
             docs/runbook.md"
        ),
    ))
}

/// Gives every record there is to `each`, until it says that it has enough or fails.
///
/// A torn tail is no failure: it was never reported durable. It is said on stderr, and so is where a journal
/// begins whose first segments have been removed.
pub(crate) fn records(
    dir: &Path,
    each: impl FnMut(Sequenced, Decision) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let all = segments(&RealFiles::new(dir))?;
    let first = all.first().copied().unwrap_or(SegmentId::FIRST);
    if first != SegmentId::FIRST {
        remark(format_args!(
            "portcullis-replay: the journal begins at {first}: what was before has been removed"
        ));
    }
    records_from(dir, ScanFrom::Segment(first), each)
}

/// A copy of the engine as far back as the journal goes: empty, or that of the oldest snapshot where the first
/// segments have been removed; and the place to read on from.
pub(crate) fn beginning(dir: &Path) -> Result<(Follower, ScanFrom), Failure> {
    let beginning = Beginning::of(&ReadOnly(RealFiles::new(dir)))
        .map_err(|error| Failure::new(error.exit_code(), error.to_string()))?;
    let start = beginning.start();
    let copy = match beginning.into_restored() {
        Some(restored) => Follower::restored(restored, 0),
        None => Follower::new(),
    };
    Ok((copy, start))
}

/// [`records`] from a place.
pub(crate) fn records_from(
    dir: &Path,
    start: ScanFrom,
    mut each: impl FnMut(Sequenced, Decision) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = None;
    let storage = ReadOnly(RealFiles::new(dir));
    let scanned = scan_locked(storage, (), start, None, |record| {
        if failed.is_some() {
            return;
        }
        let decoded = decode_record(record.bytes).map_err(|error| {
            let place = format!("{}, byte {}", record.segment, record.frame_offset);
            Failure::new(CORRUPT, format!("corrupt: {place}: {error}"))
        });
        failed = decoded
            .and_then(|(input, decision)| each(input, decision))
            .err();
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    match scanned.map_err(from_recovery)?.verdict() {
        Verdict::Clean | Verdict::Unclean => {}
        Verdict::TornTail(torn) => remark(format_args!(
            "portcullis-replay: the journal ends in the middle of a write at {}; what follows was never reported durable",
            torn.position
        )),
    }
    Ok(())
}

fn from_recovery(error: RecoveryError) -> Failure {
    match error {
        RecoveryError::Refused(refusal) => Failure::new(CORRUPT, format!("corrupt: {refusal}")),
        RecoveryError::Read(ReadError::Damage(damage)) => {
            Failure::new(CORRUPT, format!("corrupt: {damage}"))
        }
        RecoveryError::NoJournal
        | RecoveryError::Read(ReadError::Version { .. } | ReadError::Io { .. })
        | RecoveryError::Lock(_)
        | RecoveryError::Io(_) => Failure::new(1, error.to_string()),
    }
}
