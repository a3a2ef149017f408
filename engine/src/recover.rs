//! Owns opening a journal directory at start: judge it, replay and compare every record, say what was
//! lost, journal the start, and hand over what the pipeline needs. Leaves out the rules for damage (see
//! `journal::recovery`) and what a restart restricts (the engine decides that from the record).

use crate::decision::Outgoing;
use crate::follower::Follower;
use crate::follower::RecordSource;
use crate::pipeline::Sink;
use crate::risk::RiskEngine;
use std::collections::VecDeque;
use std::fmt;

/// The outbound messages of one session that are still known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionLog {
    /// Session.
    pub session_id: u32,
    /// Sequence number of the first message kept; the next to come if none is.
    pub first_retained: u64,
    /// The messages in order, without gaps.
    pub messages: VecDeque<Outgoing>,
}

/// A journal that is ready to go on.
pub struct Opened {
    /// The engine after the last record.
    pub engine: RiskEngine,
    /// The second copy, at the same place.
    pub follower: Follower,
    /// Where records go.
    pub sink: Box<dyn Sink>,
    /// Where the follower reads them.
    pub tail: Box<dyn RecordSource>,
    /// Last sequence; durable.
    pub seq: u64,
    /// Time of the last record.
    pub t: u64,
    /// Outbound logs by ascending session id.
    pub logs: Vec<SessionLog>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("seq", &self.seq)
            .field("t", &self.t)
            .finish_non_exhaustive()
    }
}
