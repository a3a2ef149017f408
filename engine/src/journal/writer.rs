//! Owns the writing end of the journal: gathering a batch, handing it to the
//! kernel, syncing it, and knowing what each of these proves. Leaves out
//! threads, rings, the policy when a reply may leave, and how a writer comes to
//! be (`opening`); it runs on whatever
//! thread owns it, and only there.
//!
//! Invariant: at most one frame is not yet synced. [`JournalWriter::write_batch`]
//! syncs the frame before, so an intact frame behind a damaged one proves that
//! the damaged one had been on disk: that is corruption, not a torn tail.
//!
//! Invariant: behind a frame of records its segment has room for the two empty frames that may follow,
//! the one that restates and the one of a clean stop. So a segment is only ever left for a record (or at
//! a start), and whoever has read the last record has seen the last segment begin.

use std::io;

use super::batch::{Batch, Stamp, empty_frame};
use super::cursor::first_frame_of;
use super::format::{
    ChainHash, EMPTY_FRAME_BYTES, FLAG_CLEAN_STOP, FORMAT_VERSION, LOWEST_READER_VERSION, Position,
    SEGMENT_HEADER_BYTES, wide,
};
use super::frame::{FrameHeader, frame_bytes};
use super::options::{Failure, Operation, Options, PushError, WriteError};
use super::segment::SegmentHeader;
use super::spare::{Spare, SpareTask};
use super::storage::{Storage, StorageFile};
use super::watermark::Watermark;

/// Bytes kept behind a frame of records for the empty frames that may follow it.
pub(super) const EMPTY_FRAMES_BEHIND: usize = 2 * EMPTY_FRAME_BYTES;

/// Bytes the journal can still take without asking the file system for space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Left in the current segment.
    pub segment_bytes: u64,
    /// In the spare; 0 when none is ready.
    pub spare_bytes: u64,
}

/// The writing end of a journal.
#[derive(Debug)]
pub struct JournalWriter<S: Storage> {
    pub(super) storage: S,
    pub(super) _lock: S::Lock,
    pub(super) options: Options,
    pub(super) file: S::File,
    /// End of what has been written.
    pub(super) position: Position,
    pub(super) segment_bytes: u64,
    pub(super) chain: ChainHash,
    pub(super) batch: Batch,
    /// Last sequence handed to the kernel.
    pub(super) written: u64,
    /// Last sequence proven to be on disk.
    pub(super) durable: u64,
    /// The durable-up-to of the last frame on disk.
    pub(super) stated: u64,
    /// Whether a frame has been written since the last sync.
    pub(super) unsynced: bool,
    pub(super) spare: Option<Spare<S>>,
    pub(super) failure: Option<Failure>,
}

impl<S: Storage> JournalWriter<S> {
    /// The sequence the next pushed record must have.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.written
            .saturating_add(u64::from(self.batch.count()))
            .saturating_add(1)
    }

    /// Whether a record of `length` bytes fits the batch being gathered.
    #[must_use]
    pub fn has_room_for(&self, length: usize) -> bool {
        self.batch.has_room_for(length)
    }

    /// Records gathered and not yet written.
    #[must_use]
    pub fn gathered(&self) -> u32 {
        self.batch.count()
    }

    /// Copies a record into the batch. Nothing is written yet.
    ///
    /// # Errors
    /// [`PushError::BatchFull`] asks for [`Self::write_batch`] first.
    pub fn push(&mut self, sequence: u64, record: &[u8]) -> Result<(), PushError> {
        if let Some(failure) = self.failure {
            return Err(PushError::Stopped(failure));
        }
        let expected = self.next_sequence();
        if sequence != expected {
            return Err(PushError::Sequence {
                expected,
                found: sequence,
            });
        }
        if !self.batch.could_hold(record.len()) {
            return Err(PushError::TooLarge {
                length: record.len(),
            });
        }
        if !self.batch.has_room_for(record.len()) {
            return Err(PushError::BatchFull);
        }
        self.batch.push(record);
        Ok(())
    }

    /// Hands the gathered records to the kernel as one frame and returns the
    /// last sequence written; writes nothing when there are none.
    ///
    /// Survives the death of the process, not of the machine: that takes
    /// [`Self::sync`]. A frame still unsynced is synced first.
    ///
    /// # Errors
    /// [`WriteError::Stopped`]: what was in the batch must not be acknowledged.
    pub fn write_batch(&mut self, now_ns: u64) -> Result<u64, WriteError> {
        self.check_alive()?;
        if self.batch.count() == 0 {
            return Ok(self.written);
        }
        self.sync()?;
        let length = frame_bytes(wide(self.batch.payload_bytes()));
        self.make_room(length.saturating_add(wide(EMPTY_FRAMES_BEHIND)))?;
        let stamp = self.stamp(0, now_ns);
        let header = self.batch.seal(&stamp, &self.chain);
        let outcome = self.file.write_at(self.batch.bytes(), self.position.offset);
        self.guard(Operation::Write, outcome)?;
        self.batch.clear();
        self.advance(&header);
        Ok(self.written)
    }

    /// Puts everything written onto the disk and returns the last durable sequence.
    ///
    /// # Errors
    /// [`WriteError::Stopped`]: nothing written since the last sync is proven.
    pub fn sync(&mut self) -> Result<u64, WriteError> {
        self.check_alive()?;
        if self.unsynced {
            let outcome = self.file.sync();
            self.guard(Operation::Sync, outcome)?;
            self.unsynced = false;
            self.durable = self.written;
        }
        Ok(self.durable)
    }

    /// Whether the disk does not yet say how far it is durable; then
    /// [`Self::restate`] is due once the journal has been idle for a moment.
    #[must_use]
    pub fn needs_restate(&self) -> bool {
        self.stated < self.written
    }

    /// Writes and syncs an empty frame that states what is durable, unless the
    /// last frame already does. Returns the last durable sequence.
    ///
    /// Without it a damaged last batch could pass for a torn one.
    ///
    /// # Errors
    /// [`WriteError::Stopped`].
    pub fn restate(&mut self, now_ns: u64) -> Result<u64, WriteError> {
        self.check_alive()?;
        if self.needs_restate() {
            self.write_empty(0, now_ns)?;
        }
        self.sync()
    }

    /// Writes what is gathered, then the frame that marks a clean stop, syncs
    /// both, stores the watermark and gives the directory up.
    ///
    /// # Errors
    /// [`WriteError::Stopped`].
    pub fn clean_stop(mut self, now_ns: u64) -> Result<u64, WriteError> {
        self.write_batch(now_ns)?;
        self.write_empty(FLAG_CLEAN_STOP, now_ns)?;
        let durable = self.sync()?;
        self.store_watermark()?;
        Ok(durable)
    }

    /// Last sequence handed to the kernel.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Last sequence proven to be on disk.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// End of what has been written, and the chain hash there: what an anchor records.
    #[must_use]
    pub fn head(&self) -> (Position, ChainHash) {
        (self.position, self.chain)
    }

    /// The failure that stopped this writer, if one has.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Whether the next segment is prepared.
    #[must_use]
    pub fn spare_ready(&self) -> bool {
        self.spare.is_some()
    }

    /// What can still be written without new space from the file system.
    #[must_use]
    pub fn room(&self) -> Room {
        Room {
            segment_bytes: self.segment_bytes.saturating_sub(self.position.offset),
            spare_bytes: self.spare.as_ref().map_or(0, |spare| {
                spare.bytes().saturating_sub(wide(SEGMENT_HEADER_BYTES))
            }),
        }
    }

    /// Prepares the next segment now, on this thread, unless one is ready.
    ///
    /// # Errors
    /// What the system says, `StorageFull` above all. The writer goes on: the
    /// current segment serves until it is full.
    pub fn prepare_spare(&mut self) -> io::Result<()> {
        if self.spare.is_none() {
            self.spare = Some(self.spare_task().run()?);
        }
        Ok(())
    }

    /// The same work for another thread: run it there and hand the result to
    /// [`Self::install_spare`]. One at a time: the file has one name.
    #[must_use]
    pub fn spare_task(&self) -> SpareTask<S> {
        SpareTask::new(self.storage.clone(), self.options.segment_bytes())
    }

    /// Takes a spare prepared by this writer's [`Self::spare_task`].
    pub fn install_spare(&mut self, spare: Spare<S>) {
        debug_assert_eq!(spare.bytes(), self.options.segment_bytes());
        self.spare = Some(spare);
    }

    /// Ends the current segment and begins the next. Syncs first, because
    /// damage is only ever excused in the last segment.
    ///
    /// # Errors
    /// [`WriteError::Stopped`].
    pub fn roll(&mut self) -> Result<(), WriteError> {
        self.sync()?;
        let header = SegmentHeader {
            format_version: FORMAT_VERSION,
            lowest_reader_version: LOWEST_READER_VERSION,
            build: self.options.build,
            rules_version: self.options.rules_version,
            size: self.options.segment_bytes(),
            id: self.position.segment.next(),
            first_sequence: self.written.saturating_add(1),
            epoch: self.options.epoch,
            previous: self.chain,
        };
        let outcome = self.open_next(&header);
        self.file = self.guard(Operation::Roll, outcome)?;
        self.position = first_frame_of(header.id);
        self.segment_bytes = header.size;
        self.chain = header.chain_start();
        // Only now: a watermark in a segment that a crash could take away would lie.
        self.store_watermark()
    }

    /// Syncs, and notes in the file `durable` how far that went. Done at every
    /// roll and at a clean stop; doing it more often narrows the time in which
    /// the loss of the journal's very end could go unnoticed.
    ///
    /// # Errors
    /// [`WriteError::Stopped`]. A full disk is not an error: the old watermark stays true.
    pub fn store_watermark(&mut self) -> Result<(), WriteError> {
        self.sync()?;
        let watermark = Watermark {
            position: self.position,
            sequence: self.durable,
            chain: self.chain,
        };
        match watermark.store(&self.storage) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
            outcome => self.guard(Operation::Watermark, outcome)?,
        }
        let outcome = self.storage.sync_directory();
        self.guard(Operation::Watermark, outcome)
    }

    fn open_next(&mut self, header: &SegmentHeader) -> io::Result<S::File> {
        let spare = match self.spare.take() {
            Some(spare) => spare,
            None => self.spare_task().run()?,
        };
        let file = spare.open_as(&self.storage, header)?;
        self.storage.sync_directory()?;
        Ok(file)
    }

    fn make_room(&mut self, length: u64) -> Result<(), WriteError> {
        if length > self.room().segment_bytes {
            self.roll()?;
        }
        Ok(())
    }

    pub(super) fn write_empty(&mut self, flags: u32, now_ns: u64) -> Result<(), WriteError> {
        self.sync()?;
        self.make_room(wide(EMPTY_FRAME_BYTES))?;
        let (header, bytes) = empty_frame(&self.stamp(flags, now_ns), &self.chain);
        let outcome = self.file.write_at(&bytes, self.position.offset);
        self.guard(Operation::Write, outcome)?;
        self.advance(&header);
        Ok(())
    }

    fn stamp(&self, flags: u32, time_ns: u64) -> Stamp {
        Stamp {
            first_sequence: self.written.saturating_add(1),
            flags,
            epoch: self.options.epoch,
            position: self.position,
            durable_up_to: self.durable,
            time_ns,
        }
    }

    fn advance(&mut self, header: &FrameHeader) {
        self.position.offset = self.position.offset.saturating_add(header.frame_bytes());
        self.chain = header.chain;
        self.written = header.last_sequence();
        self.stated = header.durable_up_to;
        self.unsynced = true;
    }

    fn check_alive(&self) -> Result<(), WriteError> {
        match self.failure {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }

    /// Remembers the first failure for good.
    fn guard<T>(&mut self, operation: Operation, outcome: io::Result<T>) -> Result<T, WriteError> {
        outcome.map_err(|error| {
            let failure = Failure {
                operation,
                position: self.position,
                kind: error.kind(),
                errno: error.raw_os_error(),
                durable: self.durable,
            };
            self.failure = Some(failure);
            failure.into()
        })
    }
}
