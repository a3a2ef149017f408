//! Owns how records get onto a disk and back: framed batches in segment files,
//! each durable point provable, nothing lost silently. Leaves out what a record
//! means: here it is a sequence number and opaque bytes.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::unwrap_used,
    reason = "a wrong offset in a journal is not an overflow one can shrug off"
)]

// What lies on disk: tables, headers, frames.
pub mod format;

pub mod segment;

pub mod frame;

pub mod batch;

// What it lies on.
pub mod storage;

pub mod read_only;

pub mod lock;

#[doc(hidden)]
pub mod sim;

// Writing.
pub mod options;

pub mod spare;

pub mod watermark;

pub mod writer;

mod opening;

// Reading.
pub mod error;

pub mod cursor;

pub mod place;

pub mod reader;

pub mod tail;

// Proof against whoever can write the files.
pub mod seal;

pub mod heads;

// Between two runs.
pub mod recovery;

pub mod judge;

pub mod repair;

pub use batch::{Frame, Record, Records};
pub use cursor::End;
pub use error::{Damage, Defect, ReadError};
pub use format::{Build, ChainHash, Position, SegmentId};
pub use heads::{Head, Heads};
pub use judge::{Refusal, TornTail};
pub use lock::LockError;
pub use options::{Failure, Operation, Options, PushError, WriteError};
pub use place::Place;
pub use read_only::ReadOnly;
pub use reader::{Reader, first_time, segment_header, segment_holding, segments};
pub use recovery::{
    Recovered, RecoveryError, SNAPSHOT_TEMPORARY, Scan, ScanFrom, Verdict, scan, scan_locked,
};
pub use repair::{RepairMark, RepairOrder, Repaired, repair};
pub use seal::{Seal, Seals};
pub use segment::SegmentHeader;
pub use spare::{Spare, SpareTask};
pub use storage::{RealFiles, Storage, StorageFile};
pub use tail::{Tail, TailStep};
pub use watermark::{Watermark, WatermarkFile};
pub use writer::{JournalWriter, Room};
