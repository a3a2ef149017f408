//! Owns feeding a journal to the second copy at start, each record once, and deciding what the start
//! itself adds. Leaves out reading and writing the journal.

use super::error::StartCause;
use super::{OpenOptions, RULES_VERSION};
use crate::command::{Command, RulesChanged, SegmentsRemoved, Sequenced, Started};
use crate::decision::{Decision, Outcome};
use crate::follower::Follower;
use crate::journal::{Position, Record, SegmentId};
use crate::outbound_logs::SessionLog;
use crate::record::{MAX_RECORD, decode_record};
use crate::risk::RiskEngine;
use crate::snapshot::Restored;
use crate::verify::Progress;
use wire::{Flag, RejectCode};

/// Records between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 16_384;

/// The state that a journal leads to.
pub(super) struct Replay<'a> {
    copy: Follower,
    /// Commands before the first `Started`: the genesis as far as it was journalled.
    genesis: Vec<Command>,
    /// Records decided again.
    decided: u64,
    /// Rules of the snapshot, until the journal says that they have changed, and the build that had them.
    rules: u32,
    build: String,
    added: Vec<(Sequenced, Decision)>,
    /// The first thing that is wrong; nothing is applied after it.
    wrong: Option<StartCause>,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Replay<'a> {
    /// From the journal's first record.
    pub(super) fn new(retained: usize, progress: &'a mut dyn FnMut(Progress)) -> Self {
        let build = String::new();
        Self::on(Follower::keeping(retained), RULES_VERSION, build, progress)
    }

    /// From a snapshot.
    pub(super) fn after(
        snapshot: Restored,
        retained: usize,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let rules = snapshot.header.rules_version;
        let build = snapshot.header.build.as_str().to_owned();
        let copy = Follower::restored(snapshot, retained);
        Self::on(copy, rules, build, progress)
    }

    fn on(
        copy: Follower,
        rules: u32,
        build: String,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        Self {
            copy,
            genesis: Vec::new(),
            decided: 0,
            rules,
            build,
            added: Vec::new(),
            wrong: None,
            progress,
        }
    }

    /// Segments that are missing before the journal's first.
    pub(super) fn missing_before(&self, first: SegmentId) -> Option<u64> {
        self.copy.engine().missing_before(first)
    }

    pub(super) const fn seq(&self) -> u64 {
        self.copy.seq()
    }

    pub(super) const fn t(&self) -> u64 {
        self.copy.t()
    }

    pub(super) const fn decided(&self) -> u64 {
        self.decided
    }

    pub(super) const fn last_started(&self) -> Option<&Started> {
        self.copy.started()
    }

    /// What the start has added and somebody has to journal.
    pub(super) fn added(&self) -> &[(Sequenced, Decision)] {
        &self.added
    }

    /// Applies one journalled record and compares.
    pub(super) fn record(&mut self, record: &Record<'_>, progress: impl FnOnce(u64) -> Progress) {
        if self.wrong.is_some() {
            return;
        }
        match self.replay(record) {
            Ok(()) => {
                self.decided += 1;
                if self.decided.is_multiple_of(PROGRESS_EVERY) {
                    (self.progress)(progress(self.decided));
                }
            }
            Err(cause) => self.wrong = Some(cause),
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
        if let Command::RulesChanged(changed) = input.command
            && changed.from_version == self.rules
        {
            self.rules = changed.to_version;
        }
        if self.rules != RULES_VERSION {
            return Err(StartCause::Rules {
                journal: self.rules,
                build: self.build.clone(),
            });
        }
        self.copy
            .replay(&input, &journalled)
            .map_err(|difference| StartCause::Differs {
                position,
                difference,
            })?;
        if self.copy.started().is_none() {
            self.genesis.push(input.command);
        }
        Ok(())
    }

    /// What a first start that was interrupted has still to journal. A journal with a `Started` record
    /// has all of it.
    pub(super) fn rest_of_genesis<'g>(
        &self,
        genesis: &'g [Command],
    ) -> Result<&'g [Command], StartCause> {
        if self.last_started().is_some() {
            return Ok(&[]);
        }
        genesis
            .strip_prefix(self.genesis.as_slice())
            .ok_or(StartCause::UnfinishedGenesis { found: self.seq() })
    }

    /// Decides what the start adds: the rest of the genesis, and the start itself.
    pub(super) fn decide_start(
        &mut self,
        genesis: &[Command],
        removed: Option<SegmentsRemoved>,
        started: Started,
        options: &OpenOptions,
    ) -> Result<(), StartCause> {
        // A commanded clock stands still while the server is away.
        let t = if options.clock_commanded && self.seq() > 0 {
            self.t()
        } else {
            self.t().max(options.now_ns)
        };
        if self.rules != RULES_VERSION {
            let changed = RulesChanged {
                from_version: self.rules,
                to_version: RULES_VERSION,
                ..RulesChanged::default()
            };
            // Before its time: nothing is due because of it.
            self.add(self.t(), Command::RulesChanged(changed));
        }
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
        if let Some(removed) = removed {
            self.add(t, Command::SegmentsRemoved(removed));
        }
        self.add(t, Command::Started(started));
        debug_assert!(started.restricted == Flag::No || started.clean == Flag::No);
        Ok(())
    }

    fn add(&mut self, t: u64, command: Command) -> Decision {
        let input = Sequenced {
            seq: self.seq().saturating_add(1),
            t,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command,
        };
        let decision = self.copy.decide(&input);
        self.added.push((input, decision));
        decision
    }

    /// The engine with the memory of its firm, the second copy, and what the sessions were sent.
    pub(super) fn finish(mut self) -> (RiskEngine, Follower, Vec<SessionLog>) {
        let engine = self.copy.split_off();
        let logs = self.copy.session_logs();
        (engine, self.copy, logs)
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
