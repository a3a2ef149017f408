//! Owns where a look into the past begins: at the journal's first record, or, where its first segments have been
//! removed, at the oldest snapshot. Leaves out reading on from there (`verify`), and where a start begins, which
//! takes the newest (`recover`).

use crate::journal::{Position, ScanFrom, SegmentId, Storage, Watermark, segments};
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
    /// Snapshots that nobody could go on from, and why.
    unusable: Vec<String>,
    newest: Option<Header>,
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
        let mut beginning = Self {
            start: ScanFrom::Segment(SegmentId::FIRST),
            restored: None,
            newest: landmarks.last().copied(),
            landmarks,
            unusable: Vec::new(),
        };
        let first = first_of(&segments(storage)?)?;
        let first = first.filter(|first| *first != SegmentId::FIRST);
        for one in found.iter().rev() {
            let read = match first {
                Some(_) if beginning.restored.is_none() => snapshots.read(one).map(Some),
                _ => snapshots.check(one).map(|()| None),
            };
            match (read, first) {
                (Ok(Some(restored)), Some(first)) => beginning.begin_with(restored, first),
                (Ok(_), _) => {}
                (Err(error), _) => beginning.unusable.push(format!("{}: {error}", one.name)),
            }
        }
        match first {
            Some(first) if beginning.restored.is_none() => Err(corrupt(
                first,
                format!("the journal begins at {first}, and no snapshot can be used"),
            )),
            _ => Ok(beginning),
        }
    }

    /// All segments there are will be read, and decisions begin behind the snapshot.
    fn begin_with(&mut self, restored: Restored, first: SegmentId) {
        let header = restored.header;
        self.landmarks
            .retain(|landmark| landmark.sequence > header.sequence);
        self.start = ScanFrom::Through(first, header.place);
        self.restored = Some(restored);
    }

    /// Snapshots that nobody could go on from, each with why.
    #[must_use]
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// The place of the newest snapshot: all before it had been on disk when it was made.
    #[must_use]
    pub fn known(&self) -> Option<Watermark> {
        self.newest.map(|header| header.watermark())
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
