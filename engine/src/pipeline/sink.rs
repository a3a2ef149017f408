//! Owns the seam between the writer thread and where records go, and its one implementation so far:
//! the journal of this machine, with its next segment prepared on a thread of its own. Leaves out
//! batching and watermarks (see `writer_thread`).

use crate::journal::{JournalWriter, Options, PushError, Spare, Storage, WriteError};
use std::io;
use std::thread::{self, JoinHandle};

/// Where records go: the journal of this machine now, others later.
pub trait Sink: Send + 'static {
    /// Whether a record of `length` bytes fits the batch being gathered.
    fn has_room_for(&self, length: usize) -> bool;

    /// Adds a record to the batch.
    ///
    /// # Errors
    /// What has stopped the sink.
    fn push(&mut self, seq: u64, record: &[u8]) -> Result<(), SinkError>;

    /// Hands the batch to the kernel; returns the last sequence written.
    ///
    /// # Errors
    /// What has stopped the sink.
    fn write(&mut self, now_ns: u64) -> Result<u64, SinkError>;

    /// Puts everything written on the disk; returns the last durable sequence.
    ///
    /// # Errors
    /// What has stopped the sink.
    fn sync(&mut self) -> Result<u64, SinkError>;

    /// Whether the disk does not yet say how far it is durable.
    fn needs_restate(&self) -> bool;

    /// States on the disk how far it is durable.
    ///
    /// # Errors
    /// What has stopped the sink.
    fn restate(&mut self, now_ns: u64) -> Result<(), SinkError>;

    /// Whether the next batch may have to begin a new segment, which takes longer than a batch.
    fn may_roll(&self) -> bool;

    /// Prepares space ahead without waiting for it; says how much is left for what comes after the
    /// `waiting_bytes` of records that are decided and not yet here.
    fn prepare_ahead(&mut self, waiting_bytes: u64) -> Space;

    /// Marks a clean stop, durably, and lets the journal go.
    ///
    /// # Errors
    /// What has stopped the sink.
    fn clean_stop(self: Box<Self>, now_ns: u64) -> Result<u64, SinkError>;
}

/// How much space there is for records to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Enough for everything.
    Enough,
    /// New orders are refused as `Busy`, which takes a record each.
    Low,
    /// A quarter of what is kept has gone to such refusals and the like: what may wait is not taken any
    /// more, so that the rest is there for reports, cancels and states.
    Reserved,
}

/// Why a sink stopped: for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

impl From<WriteError> for SinkError {
    fn from(error: WriteError) -> Self {
        Self(error.to_string())
    }
}

impl From<PushError> for SinkError {
    fn from(error: PushError) -> Self {
        Self(error.to_string())
    }
}

/// Calls of `prepare_ahead` after a failed attempt before the next one.
const RETRY_AFTER: u32 = 256;

/// The journal of this machine.
#[derive(Debug)]
pub struct JournalSink<S: Storage> {
    writer: JournalWriter<S>,
    preparing: Option<JoinHandle<io::Result<Spare<S>>>>,
    /// Calls to let pass after a failed attempt.
    pause: u32,
    spare_failed: bool,
    /// Room in the current segment that any one frame needs.
    frame_bytes: u64,
    /// Room in it below which space counts as low, if no spare could be prepared: kept for what the
    /// rings hold, and for reports, cancels and state changes.
    low_bytes: u64,
}

impl<S: Storage> JournalSink<S>
where
    S::File: Send,
{
    /// Writes to `writer`, which was opened with `options`.
    #[must_use]
    pub fn new(writer: JournalWriter<S>, options: &Options) -> Self {
        // Header, checksum and padding of a frame fit into 1 KiB.
        let frame_bytes = u64::from(options.batch_bytes_max) + 1024;
        Self {
            writer,
            frame_bytes,
            low_bytes: (options.segment_bytes / 8).max(2 * frame_bytes),
            preparing: None,
            pause: 0,
            spare_failed: false,
        }
    }

    /// Starts preparing the next segment beside the writing, takes it when it is ready.
    fn tend_spare(&mut self) {
        if let Some(preparing) = self.preparing.take() {
            if !preparing.is_finished() {
                self.preparing = Some(preparing);
                return;
            }
            match preparing.join() {
                Ok(Ok(spare)) => {
                    self.writer.install_spare(spare);
                    self.spare_failed = false;
                }
                Ok(Err(_)) | Err(_) => {
                    self.spare_failed = true;
                    self.pause = RETRY_AFTER;
                }
            }
        }
        if self.writer.spare_ready() {
            return;
        }
        if self.pause > 0 {
            self.pause -= 1;
            return;
        }
        let task = self.writer.spare_task();
        match thread::Builder::new()
            .name("portcullis-spare".to_owned())
            .spawn(move || task.run())
        {
            Ok(handle) => self.preparing = Some(handle),
            Err(_) => {
                self.spare_failed = true;
                self.pause = RETRY_AFTER;
            }
        }
    }

    /// When the segment may end with the next frame, a spare that is nearly ready is worth waiting for:
    /// the writer would else make another one from the start.
    fn expect_roll(&mut self) {
        if self.may_roll() {
            self.await_spare();
        }
    }

    /// Also at the end, so that nobody writes into the directory any more when it is given up.
    fn await_spare(&mut self) {
        if let Some(preparing) = self.preparing.take()
            && let Ok(Ok(spare)) = preparing.join()
        {
            self.writer.install_spare(spare);
        }
    }
}

impl<S: Storage> Sink for JournalSink<S>
where
    S::File: Send,
{
    fn has_room_for(&self, length: usize) -> bool {
        self.writer.has_room_for(length)
    }

    fn push(&mut self, seq: u64, record: &[u8]) -> Result<(), SinkError> {
        Ok(self.writer.push(seq, record)?)
    }

    fn write(&mut self, now_ns: u64) -> Result<u64, SinkError> {
        self.expect_roll();
        Ok(self.writer.write_batch(now_ns)?)
    }

    fn sync(&mut self) -> Result<u64, SinkError> {
        Ok(self.writer.sync()?)
    }

    fn needs_restate(&self) -> bool {
        self.writer.needs_restate()
    }

    fn restate(&mut self, now_ns: u64) -> Result<(), SinkError> {
        self.expect_roll();
        self.writer.restate(now_ns)?;
        Ok(())
    }

    fn may_roll(&self) -> bool {
        self.writer.room().segment_bytes < self.frame_bytes
    }

    fn prepare_ahead(&mut self, waiting_bytes: u64) -> Space {
        self.tend_spare();
        if !self.spare_failed {
            return Space::Enough;
        }
        let room = self.writer.room().segment_bytes;
        if room >= self.low_bytes.saturating_add(waiting_bytes) {
            Space::Enough
        } else if room >= (self.low_bytes / 4 * 3).saturating_add(waiting_bytes) {
            Space::Low
        } else {
            Space::Reserved
        }
    }

    fn clean_stop(mut self: Box<Self>, now_ns: u64) -> Result<u64, SinkError> {
        self.await_spare();
        Ok(self.writer.clean_stop(now_ns)?)
    }
}
