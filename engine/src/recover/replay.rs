//! Owns feeding a journal to two fresh engines at start, and deciding what the start itself adds.
//! Leaves out reading and writing the journal.

use super::error::StartCause;
use super::logs::{Logs, SessionLog};
use super::{OpenOptions, session_down};
use crate::command::{Command, Sequenced, Started};
use crate::decision::{Decision, Outbox, Outcome};
use crate::follower::Follower;
use crate::journal::{Position, Record};
use crate::record::{MAX_RECORD, decode_record};
use crate::risk::RiskEngine;
use wire::{Flag, RejectCode};

/// The state that a journal leads to.
#[derive(Debug)]
pub(super) struct Replay {
    engine: RiskEngine,
    outbox: Outbox,
    follower: Follower,
    logs: Logs,
    /// Commands before the first `Started`: the genesis as far as it was journalled.
    genesis: Vec<Command>,
    last_started: Option<Started>,
    seq: u64,
    t: u64,
    added: Vec<(Sequenced, Decision)>,
    /// The first thing that is wrong; nothing is applied after it.
    wrong: Option<StartCause>,
}

impl Replay {
    pub(super) fn new(retained: usize) -> Self {
        Self {
            engine: RiskEngine::new(),
            outbox: Outbox::new(),
            follower: Follower::new(),
            logs: Logs::new(retained),
            genesis: Vec::new(),
            last_started: None,
            seq: 0,
            t: 0,
            added: Vec::new(),
            wrong: None,
        }
    }

    pub(super) const fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) const fn t(&self) -> u64 {
        self.t
    }

    pub(super) const fn last_started(&self) -> Option<&Started> {
        self.last_started.as_ref()
    }

    /// What the start has added and somebody has to journal.
    pub(super) fn added(&self) -> &[(Sequenced, Decision)] {
        &self.added
    }

    /// Applies one journalled record and compares.
    pub(super) fn record(&mut self, record: &Record<'_>) {
        if self.wrong.is_none()
            && let Err(cause) = self.replay(record)
        {
            self.wrong = Some(cause);
        }
    }

    /// The first thing that was wrong.
    pub(super) fn check(&mut self) -> Result<(), StartCause> {
        self.wrong.take().map_or(Ok(()), Err)
    }

    fn replay(&mut self, record: &Record<'_>) -> Result<(), StartCause> {
        let position = Position {
            segment: record.segment,
            offset: record.frame_offset,
        };
        let (input, journalled) =
            decode_record(record.bytes).map_err(|error| StartCause::Record { position, error })?;
        if input.seq != record.sequence {
            return Err(StartCause::Order {
                position,
                expected: record.sequence,
                found: input.seq,
            });
        }
        self.follower
            .replay(&input, &journalled)
            .map_err(|difference| StartCause::Differs {
                position,
                difference,
            })?;
        self.decide(&input);
        Ok(())
    }

    /// Applies a command that the follower has seen already.
    fn decide(&mut self, input: &Sequenced) -> Decision {
        self.outbox.clear();
        let decision = self.engine.apply(input, &mut self.outbox);
        for outgoing in self.outbox.items() {
            self.logs.add(outgoing);
        }
        if let Command::Started(started) = input.command {
            self.last_started = Some(started);
        } else if self.last_started.is_none() {
            self.genesis.push(input.command);
        }
        self.seq = input.seq;
        self.t = input.t;
        decision
    }

    /// What a first start that was interrupted has still to journal. A journal with a `Started` record
    /// has all of it.
    pub(super) fn rest_of_genesis<'a>(
        &self,
        genesis: &'a [Command],
    ) -> Result<&'a [Command], StartCause> {
        if self.last_started.is_some() {
            return Ok(&[]);
        }
        genesis
            .strip_prefix(self.genesis.as_slice())
            .ok_or(StartCause::UnfinishedGenesis { found: self.seq })
    }

    /// Decides what the start adds: the rest of the genesis, the start itself, and the downs of the
    /// sessions that were up when the server stopped.
    pub(super) fn decide_start(
        &mut self,
        genesis: &[Command],
        started: Started,
        options: &OpenOptions,
    ) -> Result<(), StartCause> {
        // A commanded clock stands still while the server is away.
        let t = if options.clock_commanded && self.seq > 0 {
            self.t
        } else {
            self.t.max(options.now_ns)
        };
        for (index, command) in genesis.iter().enumerate() {
            // The configuration's commands have not come through a decoder; the journal must be readable.
            check_layout(index, command)?;
            let decision = self.add(t, *command);
            if matches!(decision.outcome, Outcome::Refused | Outcome::Rejected) {
                return Err(StartCause::Genesis {
                    index,
                    name: command.layout().name,
                    code: decision.code,
                });
            }
        }
        self.add(t, Command::Started(started));
        let up: Vec<u32> = self
            .engine
            .sessions()
            .filter(|session| session.up)
            .map(|session| session.session_id)
            .collect();
        for session_id in up {
            self.add(t, session_down(session_id));
        }
        debug_assert!(started.restricted == Flag::No || started.clean == Flag::No);
        Ok(())
    }

    fn add(&mut self, t: u64, command: Command) -> Decision {
        let input = Sequenced {
            seq: self.seq.saturating_add(1),
            t,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command,
        };
        let decision = self.decide(&input);
        if let Err(difference) = self.follower.replay(&input, &decision) {
            panic!("two engines with the same past decide differently: {difference}");
        }
        self.added.push((input, decision));
        decision
    }

    pub(super) fn finish(self) -> (RiskEngine, Follower, Vec<SessionLog>) {
        (self.engine, self.follower, self.logs.finish())
    }
}

/// Refuses a command that could be written but not read back, such as one with a null role.
fn check_layout(index: usize, command: &Command) -> Result<(), StartCause> {
    let mut bytes = [0; MAX_RECORD];
    let length = command.encode_block(&mut bytes);
    let layout = command.layout();
    match Command::decode_block(layout.template_id, &bytes[..length]) {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) | None => Err(StartCause::Genesis {
            index,
            name: layout.name,
            code: RejectCode::MalformedField.number(),
        }),
    }
}
