//! Owns what a writer is told and how it refuses: its options and its errors.
//! Leaves out the writing itself (`writer`).

use std::io;

use super::format::{Build, EMPTY_FRAME_BYTES, Position, SEGMENT_HEADER_BYTES, wide};
use super::frame::frame_bytes;
use super::lock::LockError;
use super::writer::EMPTY_FRAMES_BEHIND;

/// What a writer is told once.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Size of each new segment in bytes, rounded up to a multiple of 64.
    pub segment_bytes: u64,
    /// Largest payload of one batch in bytes, four bytes a record included.
    pub batch_bytes_max: u32,
    /// The build that writes.
    pub build: Build,
    /// The rules version decisions are made under.
    pub rules_version: u32,
    /// The epoch to write in; never below the journal's last.
    pub epoch: u64,
    /// The sequence of the first record of a new journal, at least 1.
    pub first_sequence: u64,
}

impl Options {
    /// 64 MiB segments, 1 MiB batches, epoch 1, sequences from 1.
    #[must_use]
    pub fn new(build: Build, rules_version: u32) -> Self {
        Self {
            segment_bytes: 64 << 20,
            batch_bytes_max: 1 << 20,
            build,
            rules_version,
            epoch: 1,
            first_sequence: 1,
        }
    }

    pub(super) fn segment_bytes(&self) -> u64 {
        self.segment_bytes.div_ceil(64).saturating_mul(64)
    }

    pub(super) fn check(&self) -> Result<(), WriteError> {
        let largest = frame_bytes(u64::from(self.batch_bytes_max));
        let room = self
            .segment_bytes()
            .saturating_sub(wide(SEGMENT_HEADER_BYTES));
        if self.first_sequence == 0 {
            return Err(WriteError::Options("sequences start at 1"));
        }
        // Empty frames must fit beside the largest batch: the one that a journal
        // is opened with before it, and those that may follow behind it.
        let beside = wide(EMPTY_FRAMES_BEHIND + EMPTY_FRAME_BYTES);
        if largest.saturating_add(beside) > room {
            return Err(WriteError::Options(
                "the largest batch does not fit a segment",
            ));
        }
        Ok(())
    }
}

/// What was being done when the disk said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Writing a frame.
    Write,
    /// Syncing a segment.
    Sync,
    /// Preparing or opening the next segment.
    Roll,
    /// Storing the watermark file.
    Watermark,
}

/// The first failure of a writer. It stays; nothing is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{operation:?} failed at {position}: {kind}{}; durable up to sequence {durable}",
    errno.map_or_else(String::new, |errno| format!(" (os error {errno})"))
)]
pub struct Failure {
    /// What was being done.
    pub operation: Operation,
    /// Where.
    pub position: Position,
    /// What the system said.
    pub kind: io::ErrorKind,
    /// Its number, when it gave one.
    pub errno: Option<i32>,
    /// What was durable then: nothing beyond it may ever be acknowledged.
    pub durable: u64,
}

/// Why a writer refused.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk failed, now or earlier: no retry, no acknowledgement.
    #[error("the journal has stopped: {0}")]
    Stopped(#[from] Failure),
    /// The options cannot work.
    #[error("journal options: {0}")]
    Options(&'static str),
    /// There is already a journal in the directory.
    #[error("there is already a journal here ({0})")]
    NotEmpty(String),
    /// The epoch would go backwards.
    #[error("epoch {wanted} is below the journal's {last}")]
    Epoch {
        /// Epoch asked for.
        wanted: u64,
        /// The journal's last.
        last: u64,
    },
    /// The directory is taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory could not be set up; nothing had been promised yet.
    #[error("setting up the journal: {0}")]
    Setup(#[from] io::Error),
}

/// Why a record was not taken into the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The batch is full: write it, then push again.
    #[error("the batch is full")]
    BatchFull,
    /// The record is larger than any batch.
    #[error("a record of {length} bytes fits no batch")]
    TooLarge {
        /// Bytes of the record.
        length: usize,
    },
    /// Not the next sequence.
    #[error("sequence {found} pushed, expected {expected}")]
    Sequence {
        /// The next sequence.
        expected: u64,
        /// The one pushed.
        found: u64,
    },
    /// The writer has stopped.
    #[error("the journal has stopped: {0}")]
    Stopped(Failure),
}
