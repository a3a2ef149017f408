//! Owns the second copy of the engine: applies durable records behind the live one, compares what it
//! decides with what was journalled, and answers queries (`answers`). Leaves out threads and files.

mod answers;

use crate::command::{Command, Sequenced, Started};
use crate::decision::{Decision, Outbox, Outcome, Outgoing};
use crate::journal::End;
use crate::outbound_logs::{Logs, SessionLog};
use crate::risk::RiskEngine;
use crate::snapshot::Restored;
use wire::{Query, RejectCode};

/// Queries that may wait for a sequence that is still to come.
const WAITING_MAX: usize = 256;

/// Where durable records come from.
pub trait RecordSource: Send + 'static {
    /// The next record, if it is durable: its sequence is at most `durable`.
    ///
    /// # Errors
    /// A sentence that says where the journal can't be read.
    fn next(&mut self, durable: u64) -> Result<Option<(Sequenced, Decision)>, String>;

    /// The records that [`Self::next`] gives without reading anything, from 0 on; `None` where it would have to
    /// read.
    fn gathered(&self, _nth: usize) -> Option<&Sequenced> {
        None
    }

    /// Reads a frame, if the last one is used up; gives the sequence up to which records are at hand, or 0
    /// where none is.
    ///
    /// # Errors
    /// A sentence that says where the journal can't be read.
    fn gather(&mut self, _durable: u64) -> Result<u64, String> {
        Ok(0)
    }

    /// Where the journal stands just behind the record given last; `None` within a frame.
    fn end(&self) -> Option<End> {
        None
    }
}

/// The same command was decided otherwise than the journal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}: the journal says {journalled:?}, this build decides {decided:?}")]
pub struct Difference {
    /// Sequence of the record.
    pub seq: u64,
    /// What the journal says.
    pub journalled: Decision,
    /// What this build decides.
    pub decided: Decision,
}

/// A query that has been journalled, and who asked.
#[derive(Debug, Clone, Copy)]
struct Asked {
    session_id: u32,
    query: Query,
}

/// The second copy.
#[derive(Debug, Default)]
pub struct Follower {
    engine: RiskEngine,
    outbox: Outbox,
    waiting: Vec<Asked>,
    /// The last start, which a snapshot has to know.
    started: Option<Started>,
    /// What the sessions were sent, where that is kept.
    logs: Option<Logs>,
    seq: u64,
    t: u64,
}

impl Follower {
    /// A copy that knows nothing yet: it has to see every record from the first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, keeping up to `retained` outbound messages over all sessions.
    #[must_use]
    pub fn keeping(retained: usize) -> Self {
        Self {
            logs: Some(Logs::new(retained)),
            ..Self::default()
        }
    }

    /// A copy that goes on from a snapshot.
    #[must_use]
    pub fn restored(from: Restored, retained: usize) -> Self {
        let Restored {
            engine,
            mut logs,
            started,
            header,
        } = from;
        logs.retain(retained);
        Self {
            engine,
            started: Some(started),
            logs: Some(logs),
            seq: header.sequence,
            t: header.t,
            ..Self::default()
        }
    }

    /// Takes the memory of its copy, as [`RiskEngine::make_room`] does.
    pub fn make_room(&mut self) {
        self.engine.make_room();
    }

    /// The last `Started` record.
    #[must_use]
    pub const fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// The sessions' outbound messages that are kept, by ascending session id.
    #[must_use]
    pub fn session_logs(&self) -> Vec<SessionLog> {
        self.logs.as_ref().map(Logs::sessions).unwrap_or_default()
    }

    /// All that a snapshot holds; `None` before the first start, or where no messages are kept.
    pub(crate) fn whole(&self) -> Option<(&Started, &Logs, &RiskEngine)> {
        Some((self.started.as_ref()?, self.logs.as_ref()?, &self.engine))
    }

    /// The engine itself, for the thread that decides; this copy goes on with another of the same state.
    pub(crate) fn split_off(&mut self) -> RiskEngine {
        let copy = self.engine.clone();
        std::mem::replace(&mut self.engine, copy)
    }

    /// Applies a command that the start itself adds, and says what was decided.
    pub(crate) fn decide(&mut self, input: &Sequenced) -> Decision {
        self.outbox.clear();
        let decided = self.engine.apply(input, &mut self.outbox);
        (self.seq, self.t) = (input.seq, input.t);
        if let Some(logs) = &mut self.logs {
            for outgoing in self.outbox.items() {
                logs.add(outgoing);
            }
        }
        if let Command::Started(started) = input.command {
            self.started = Some(started);
        }
        decided
    }

    /// Whether a query waits for what is still to come.
    #[must_use]
    pub const fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Last sequence applied.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Time of the last record.
    #[must_use]
    pub const fn t(&self) -> u64 {
        self.t
    }

    /// The state as of [`Self::seq`].
    #[must_use]
    pub const fn engine(&self) -> &RiskEngine {
        &self.engine
    }

    /// What the last record sent to sessions.
    #[must_use]
    pub fn sent(&self) -> &[Outgoing] {
        self.outbox.items()
    }

    /// Looks at the memory of records that come behind the next one.
    pub fn look_ahead(&self, source: &dyn RecordSource) {
        self.engine.look_ahead(|by| {
            let next = source.gathered(by.wrapping_sub(1))?;
            Some((next.session_id, &next.command))
        });
    }

    /// Applies a record without answering: for the past, whose askers are gone.
    ///
    /// # Errors
    /// [`Difference`]: this build decides otherwise. The copy is of no use any more.
    pub fn replay(
        &mut self,
        input: &Sequenced,
        journalled: &Decision,
    ) -> Result<(), Box<Difference>> {
        let decided = self.decide(input);
        if decided != *journalled {
            return Err(Box::new(Difference {
                seq: input.seq,
                journalled: *journalled,
                decided,
            }));
        }
        Ok(())
    }

    /// Applies a record and adds to `out` the answers that are due now.
    ///
    /// # Errors
    /// [`Difference`]: this build decides otherwise. The copy is of no use any more.
    pub fn apply(
        &mut self,
        input: &Sequenced,
        journalled: &Decision,
        out: &mut Vec<Outgoing>,
    ) -> Result<(), Box<Difference>> {
        self.replay(input, journalled)?;
        if !self.waiting.is_empty() {
            let seq = self.seq;
            let due: Vec<Asked> = self
                .waiting
                .extract_if(.., |asked| asked.query.min_engine_seq <= seq)
                .collect();
            for asked in due {
                self.answer(asked.session_id, &asked.query, out);
            }
        }
        if let Command::Query(query) = input.command {
            let asked = Asked {
                session_id: input.session_id,
                query,
            };
            if journalled.outcome == Outcome::Refused {
                // The engine has said why, in sequence.
            } else if query.min_engine_seq <= self.seq {
                self.answer(input.session_id, &query, out);
            } else if self.waiting.len() < WAITING_MAX {
                self.waiting.push(asked);
            } else {
                self.end_page(&asked, 0, 0, RejectCode::Busy.number(), out);
            }
        }
        Ok(())
    }
}
