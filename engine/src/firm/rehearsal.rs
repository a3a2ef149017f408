//! The firm's definition and its first day, tried on an engine of its own before anything is journalled.

use super::Firm;
use crate::command::{Command, DefineFirm, Sequenced};
use crate::decision::{Outbox, Outcome};
use crate::risk::RiskEngine;
use crate::text::write_command;
use std::fmt;
use wire::{RejectCode, Time};

/// Opening data are for whatever date comes first.
const ANY_DATE: u32 = 20_000_103;
/// Places that a rehearsal's tables have beside what the file fills.
const SPARE: usize = 16;

/// A command that the engine would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The command as `dump --json` shows it.
    pub command: String,
    /// Why.
    pub code: u16,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = RejectCode::from_number(self.code).map_or("refused", RejectCode::name);
        write!(f, "{} {code}: {}", self.code, self.command)
    }
}

impl Firm {
    /// What of the firm's definition and of its opening data for a first day the engine would refuse: a
    /// position that is no whole number of steps, for example.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        let mut engine = RiskEngine::new();
        let mut outbox = Outbox::new();
        let mut refusals = Vec::new();
        let commands = self
            .genesis(Time(1))
            .into_iter()
            .chain(self.definitions.opening.commands(ANY_DATE));
        for (seq, mut command) in (1..).zip(commands) {
            if let Command::DefineFirm(firm) = &mut command {
                self.shrink(firm);
            }
            let input = Sequenced {
                seq,
                t: 1,
                session_id: 0,
                in_seq_no: 0,
                busy: false,
                command,
            };
            let decision = engine.apply(&input, &mut outbox);
            if matches!(decision.outcome, Outcome::Refused | Outcome::Rejected) {
                let mut command = String::new();
                write_command(&input, &mut command);
                refusals.push(Refusal {
                    command,
                    code: decision.code,
                });
            }
        }
        refusals
    }

    /// No table larger than the file can fill: a rehearsal has neither orders nor executions.
    fn shrink(&self, firm: &mut DefineFirm) {
        let of = &self.definitions;
        // Each position stands in rows of account, desk and firm.
        let rows = of.opening.commands(ANY_DATE).len().saturating_mul(3);
        for (size, needed) in [
            (&mut firm.accounts, of.accounts.len()),
            (&mut firm.instruments, of.instruments.len()),
            (&mut firm.limits, of.limits.len()),
            (&mut firm.sessions, of.sessions.len()),
            (&mut firm.rows, rows),
            (&mut firm.orders, 0),
            (&mut firm.executions, 0),
        ] {
            let needed = u32::try_from(needed.saturating_add(SPARE)).unwrap_or(u32::MAX);
            *size = needed.min(*size);
        }
    }
}
