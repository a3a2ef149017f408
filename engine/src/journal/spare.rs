//! Owns the next segment before it is one: a file of written zeros under a
//! temporary name, and its turning into a segment. Leaves out when that is due.
//!
//! The zeros are really written: space that is only reserved would be converted
//! block by block under the first syncs, stalling each by milliseconds.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use super::segment::SegmentHeader;
use super::storage::{Storage, StorageFile, write_zeros};

/// Number of the next spare of this process. A task still writing zeros on
/// another thread must never share its file with a later spare: that one may
/// already be a segment.
static NEXT_SPARE: AtomicU64 = AtomicU64::new(1);

/// Whether a file is a spare that never became a segment.
pub(super) fn is_spare(name: &str) -> bool {
    name.starts_with("spare-") && name.ends_with(".tmp")
}

/// A prepared file of zeros, synced.
#[derive(Debug)]
pub struct Spare<S: Storage> {
    file: S::File,
    name: String,
    bytes: u64,
}

/// The preparing of a spare, to be run on any thread.
#[derive(Debug)]
pub struct SpareTask<S: Storage> {
    storage: S,
    name: String,
    bytes: u64,
}

impl<S: Storage> SpareTask<S> {
    pub(super) fn new(storage: S, bytes: u64) -> Self {
        // Only distinct, not ordered with anything: relaxed is enough.
        let number = NEXT_SPARE.fetch_add(1, Ordering::Relaxed);
        Self {
            storage,
            name: format!("spare-{number}.tmp"),
            bytes,
        }
    }

    /// Writes the zeros and syncs them; takes as long as the disk takes.
    ///
    /// # Errors
    /// What the system says; the unfinished file has been removed, so that a
    /// full disk gets its space back.
    pub fn run(self) -> io::Result<Spare<S>> {
        let prepared = self.prepare();
        if prepared.is_err() {
            // The first error is the one to report; this one changes nothing.
            drop(self.storage.remove(&self.name));
        }
        prepared
    }

    fn prepare(&self) -> io::Result<Spare<S>> {
        let file = self.storage.create(&self.name)?;
        write_zeros(&file, 0, self.bytes)?;
        // The sync of the header would do this too, but then it would be slow.
        file.sync()?;
        Ok(Spare {
            file,
            name: self.name.clone(),
            bytes: self.bytes,
        })
    }
}

impl<S: Storage> Spare<S> {
    /// Size of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the spare the segment `header` describes. The header is synced
    /// before the file gets its name: a segment with a torn header cannot
    /// exist. The caller syncs the directory before it writes a frame.
    pub(super) fn open_as(self, storage: &S, header: &SegmentHeader) -> io::Result<S::File> {
        self.file.write_at(&header.encode(), 0)?;
        self.file.sync()?;
        storage.rename(&self.name, &header.id.file_name())?;
        Ok(self.file)
    }
}
