//! Owns where a look into the past begins: at the journal's first record, or, where its first segments have been
//! removed, at the oldest snapshot. Leaves out reading on from there (`verify`), and where a start begins, which
//! takes the newest (`recover`).

use crate::journal::{Position, ScanFrom, SegmentId, Storage, segments};
use crate::risk::RiskEngine;
use crate::snapshot::{Header, Restored, Snapshots};
use crate::verify::VerifyError;

/// A place in the journal, and the state there.
#[derive(Debug)]
pub struct Beginning {
    start: ScanFrom,
    restored: Option<Restored>,
    /// The snapshots behind it, by ascending sequence.
    landmarks: Vec<Header>,
}

impl Beginning {
    /// Of the journal in `storage`.
    ///
    /// # Errors
    /// [`VerifyError::Corrupt`] where a segment is missing between others, or the first ones are gone and no
    /// snapshot can be used.
    pub fn of<S: Storage>(storage: &S) -> Result<Self, VerifyError> {
        let snapshots = Snapshots::new(storage.clone());
        let found = snapshots.found()?;
        let mut landmarks: Vec<Header> = found.iter().filter_map(|one| one.header.ok()).collect();
        landmarks.sort_unstable_by_key(|header| header.sequence);
        let first = first_of(&segments(storage)?)?;
        let Some(first) = first.filter(|first| *first != SegmentId::FIRST) else {
            return Ok(Self {
                start: ScanFrom::Segment(SegmentId::FIRST),
                restored: None,
                landmarks,
            });
        };
        for one in found.iter().rev() {
            if let Ok(restored) = snapshots.read(one) {
                let header = restored.header;
                landmarks.retain(|landmark| landmark.sequence > header.sequence);
                return Ok(Self {
                    start: ScanFrom::Place(header.place),
                    restored: Some(restored),
                    landmarks,
                });
            }
        }
        Err(corrupt(
            first,
            format!("the journal begins at {first}, and no snapshot can be used"),
        ))
    }

    /// Where to read from.
    #[must_use]
    pub const fn start(&self) -> ScanFrom {
        self.start
    }

    /// The last record that is in the state already; `None` where that is empty.
    #[must_use]
    pub fn after(&self) -> Option<u64> {
        self.restored.as_ref().map(|from| from.header.sequence)
    }

    /// The state of the snapshot, if it begins with one.
    #[must_use]
    pub fn into_restored(self) -> Option<Restored> {
        self.restored
    }

    /// The engine to go on with, and the snapshots to come by.
    pub(crate) fn into_parts(self) -> (RiskEngine, Vec<Header>) {
        let engine = self.restored.map(Restored::into_engine);
        (engine.unwrap_or_default(), self.landmarks)
    }
}

/// The first of the segments, which must follow each other.
fn first_of(all: &[SegmentId]) -> Result<Option<SegmentId>, VerifyError> {
    for (one, next) in all.iter().zip(all.iter().skip(1)) {
        if one.next() != *next {
            let missing = one.next();
            let what = format!("the segment is missing; the journal goes on to {next}");
            return Err(corrupt(missing, what));
        }
    }
    Ok(all.first().copied())
}

fn corrupt(segment: SegmentId, what: String) -> VerifyError {
    VerifyError::Corrupt {
        position: Position { segment, offset: 0 },
        what,
    }
}
