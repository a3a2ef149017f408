//! Snapshots: the whole state after one record, so that a start need not decide the whole past again.
//!
//! A snapshot is made behind the engine, by the follower, from durable records only. It says where in
//! the journal it stands and with which chain hash, so that it can't be laid beside another journal, and
//! it is believed only when every byte of it is (see [`header`] for the bytes, [`stream`] for how they
//! are written and read). Two are kept: one that is damaged costs time, never the state.

pub mod header;
pub mod stream;

mod store;

pub use header::{Header, HeaderError, STATE_LAYOUT};
pub use store::{Found, SnapshotError, Snapshots, Unusable, is_snapshot_behind};

use crate::command::Started;
use crate::outbound_logs::Logs;
use crate::risk::RiskEngine;

/// What a snapshot brings back.
#[derive(Debug)]
pub struct Restored {
    pub(crate) engine: RiskEngine,
    pub(crate) logs: Logs,
    pub(crate) started: Started,
    /// What it said about itself.
    pub header: Header,
}

impl Restored {
    /// The engine as it was after [`Header::sequence`], with the memory of a firm of its size.
    #[must_use]
    pub fn into_engine(self) -> RiskEngine {
        self.engine
    }
}
