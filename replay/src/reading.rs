//! Reading a journal's records for `dump`, `state` and `stats`: the end judged by the rules of a
//! server's start, without its lock.

use crate::output::{CORRUPT, Failure};
use engine::command::Sequenced;
use engine::decision::Decision;
use engine::journal::{
    ReadError, ReadOnly, RealFiles, RecoveryError, SegmentId, Verdict, scan, segments,
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
    Err(Failure::new(
        1,
        format!("there is no journal in {}", dir.display()),
    ))
}

/// Gives every record to `each`, until it says that it has enough or fails.
///
/// A torn tail is no failure: it was never reported durable. It is said on stderr.
pub(crate) fn records(
    dir: &Path,
    mut each: impl FnMut(Sequenced, Decision) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = None;
    let scanned = scan(ReadOnly(RealFiles::new(dir)), SegmentId::FIRST, |record| {
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
        Verdict::TornTail(torn) => eprintln!(
            "portcullis-replay: the journal ends in the middle of a write at {}; what follows was never reported durable",
            torn.position
        ),
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
