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

pub mod error;
pub mod format;
pub mod lock;
pub mod storage;
