//! Owns the second copy of the engine: applies durable records behind the live one, compares what it
//! decides with what was journalled, and answers queries. Leaves out threads and files.

use crate::command::{Command, Sequenced};
use crate::decision::{Decision, Outbox, Outcome, Outgoing};
use crate::risk::RiskEngine;
use wire::layout::Message;
use wire::Query;

/// Where durable records come from.
pub trait RecordSource: Send + 'static {
    /// The next record, if it is durable: its sequence is at most `durable`.
    ///
    /// # Errors
    /// A sentence that says where the journal can't be read.
    fn next(&mut self, durable: u64) -> Result<Option<(Sequenced, Decision)>, String>;
}
