//! Owns how large a journal is, to say how far its reading has come. Leaves out the reading.

use super::Progress;
use crate::journal::{Position, Record, SegmentId, Storage, StorageFile, segments};
use std::collections::BTreeMap;
use std::io;

/// How large a journal is, to say how far its reading has come.
#[derive(Debug, Clone, Default)]
pub struct Extent {
    /// Segment → bytes of its file.
    sizes: BTreeMap<u64, u64>,
    bytes_total: u64,
}

impl Extent {
    /// Of the journal in `storage`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn of<S: Storage>(storage: &S) -> io::Result<Self> {
        let mut sizes = BTreeMap::new();
        for segment in segments(storage)? {
            sizes.insert(segment.0, storage.open(&segment.file_name())?.length()?);
        }
        let bytes_total = sizes.values().sum();
        Ok(Self { sizes, bytes_total })
    }

    /// Bytes of all segments.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes_total
    }

    /// Segments there are.
    #[must_use]
    pub fn segments(&self) -> u64 {
        u64::try_from(self.sizes.len()).unwrap_or(u64::MAX)
    }

    /// The first segment there is.
    #[must_use]
    pub fn first(&self) -> Option<SegmentId> {
        self.sizes.keys().next().copied().map(SegmentId)
    }

    /// Bytes from the journal's start to a place.
    #[must_use]
    pub fn before(&self, position: Position) -> u64 {
        let earlier: u64 = self
            .sizes
            .range(..position.segment.0)
            .map(|(_, size)| *size)
            .sum();
        earlier.saturating_add(position.offset)
    }

    /// How far the reading has come with this record.
    #[must_use]
    pub fn progress(&self, record: &Record<'_>, records: u64) -> Progress {
        let position = Position {
            segment: record.segment,
            offset: record.frame_offset,
        };
        self.progress_at(position, records)
    }

    /// How far the reading has come at a place.
    #[must_use]
    pub fn progress_at(&self, position: Position, records: u64) -> Progress {
        Progress {
            records,
            bytes: self.before(position),
            bytes_total: self.bytes_total,
        }
    }
}
