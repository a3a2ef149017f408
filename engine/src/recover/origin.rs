//! Owns where a start begins to read: behind the newest snapshot that is whole, else at the journal's
//! first record. Leaves out reading on from there.
//!
//! A snapshot that can't be used is named and passed over, never believed in part. What its intact header
//! says was on disk stays said: a journal that ends before it is refused.

use super::{RULES_VERSION, StartCause};
use crate::journal::{ScanFrom, SegmentId, Storage, Watermark, segments};
use crate::snapshot::{Header, Restored, Snapshots};

/// Where a start begins.
pub(super) struct Origin {
    pub(super) restored: Option<Restored>,
    /// What was passed over, and why.
    pub(super) unusable: Vec<String>,
    /// Files of those that are not what was written.
    pub(super) damaged: Vec<String>,
    name: Option<String>,
    newest: Option<Header>,
}

impl Origin {
    /// Looks at the snapshots, newest first.
    pub(super) fn choose<S: Storage>(storage: &S) -> Result<Self, StartCause> {
        let snapshots = Snapshots::new(storage.clone());
        let mut origin = Self {
            restored: None,
            unusable: Vec::new(),
            damaged: Vec::new(),
            name: None,
            newest: None,
        };
        let read = |error: std::io::Error| StartCause::Write(error.to_string());
        for found in snapshots.found().map_err(read)? {
            if let Ok(header) = found.header {
                origin.newest.get_or_insert(header);
            }
            match snapshots.read(&found) {
                Ok(restored) => {
                    origin.restored = Some(restored);
                    origin.name = Some(found.name);
                    break;
                }
                Err(error) => {
                    origin.unusable.push(format!("{}: {error}", found.name));
                    origin
                        .damaged
                        .extend(error.is_damage().then_some(found.name));
                }
            }
        }
        let first = segments(storage).map_err(read)?.first().copied();
        if origin.restored.is_none()
            && let Some(first) = first.filter(|first| *first != SegmentId::FIRST)
        {
            return Err(StartCause::NoOrigin {
                first,
                unusable: origin.unusable,
            });
        }
        Ok(origin)
    }

    /// Where to begin reading.
    pub(super) fn start(&self) -> ScanFrom {
        match &self.restored {
            Some(restored) => ScanFrom::Place(restored.header.place),
            None => ScanFrom::Segment(SegmentId::FIRST),
        }
    }

    /// The place of the newest snapshot: all before it had been on disk when it was made.
    pub(super) fn known(&self) -> Option<Watermark> {
        self.newest.map(|header| header.watermark())
    }

    /// The snapshot that is gone on from.
    pub(super) fn name(&self) -> Option<String> {
        self.name.clone()
    }

    /// The rules that its state was decided by.
    pub(super) fn rules(&self) -> Option<u32> {
        self.restored
            .as_ref()
            .map(|restored| restored.header.rules_version)
            .filter(|rules| *rules != RULES_VERSION)
    }
}
