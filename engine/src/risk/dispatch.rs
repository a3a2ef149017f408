//! Which command goes where, who may send it, and the answers to what is administrative.

use super::{RiskEngine, Turn};
use crate::command::Command;
use crate::decision::{Decision, Outbox, Outcome};
use wire::{AdminAck, BusinessReject, Flag, RejectCode, Role};

impl RiskEngine {
    /// Whether the session's role may send this; the server itself may send everything.
    fn may_send(&self, turn: &Turn, command: &Command) -> bool {
        let Some(slot) = turn.session else {
            return true;
        };
        let session = self.state.sessions.get(slot);
        let role = session.role();
        match command {
            Command::NewOrder(_)
            | Command::ReplaceOrder(_)
            | Command::CancelOrder(_)
            | Command::MassCancel(_)
            | Command::MmpReset(_) => role == Role::Desk,
            Command::VenueReport(_) => {
                role == Role::Venue || (role == Role::Desk && !session.is_inline())
            }
            Command::SetLimit(_)
            | Command::SetState(_)
            | Command::SetReference(_)
            | Command::SetMark(_)
            | Command::SetFx(_)
            | Command::Permit(_)
            | Command::SetTwoPerson(_) => role == Role::Risk,
            Command::Propose(_) | Command::Approve(_) => matches!(role, Role::Risk | Role::Ops),
            Command::DefineInstrument(_)
            | Command::DefineAccount(_)
            | Command::PositionLoad(_)
            | Command::DayOpen(_)
            | Command::DayRoll(_)
            | Command::Reconcile(_)
            | Command::Adjust(_)
            | Command::LocateLoad(_)
            | Command::CashLoad(_)
            | Command::AdvanceTime(_) => role == Role::Ops,
            Command::Query(_) => role != Role::Venue,
            Command::Refused(_) | Command::SessionUp(_) | Command::SessionDown(_) => true,
            Command::DefineFirm(_)
            | Command::DefineDesk(_)
            | Command::DefineTrader(_)
            | Command::DefineSession(_)
            | Command::Entitle(_)
            | Command::DefineCurrency(_)
            | Command::LogonRefused(_)
            | Command::TimePassed(_)
            | Command::Step(_)
            | Command::Started(_)
            | Command::RulesChanged(_)
            | Command::SegmentsRemoved(_) => false,
        }
    }

    /// A command that is rare, or not plainly allowed: decides and, where it passes, does what it asks.
    #[inline(never)]
    pub(super) fn dispatch(
        &mut self,
        mut turn: Turn,
        command: &Command,
        out: &mut Outbox,
        decision: &mut Decision,
    ) {
        turn.what_if = command.flags() & wire::WHAT_IF != 0;
        let asks = matches!(command, Command::NewOrder(_) | Command::ReplaceOrder(_));
        *decision = if !self.may_send(&turn, command) {
            self.business_reject(&turn, command, RejectCode::RoleDenied, out)
        } else if turn.what_if && !asks {
            self.business_reject(&turn, command, RejectCode::UnsupportedFlag, out)
        } else {
            self.finish_valuation_before(command);
            self.take(&turn, command, out)
        };
        self.note_deadlines();
    }

    fn take(&mut self, turn: &Turn, command: &Command, out: &mut Outbox) -> Decision {
        let mut decision = Decision::default();
        // What is administrative has one answer; the rest returns its own decision.
        let done = match command {
            Command::SetLimit(m) => self.set_limit(turn, m),
            Command::SetReference(m) => self.set_reference(m),
            Command::SetMark(m) => self.set_mark(m),
            Command::SetFx(m) => self.set_fx(m),
            Command::DefineInstrument(m) => self.define_instrument(m),
            Command::DefineAccount(m) => self.define_account(turn, m),
            Command::Permit(m) => self.permit(m),
            Command::PositionLoad(m) => self.position_load(m),
            Command::DayOpen(m) => self.day_open(turn, m),
            Command::DayRoll(m) => self.day_roll(turn, m),
            Command::Reconcile(m) => self.reconcile(turn, m, out),
            Command::Adjust(m) => self.adjust(turn, m),
            Command::LocateLoad(m) => self.locate_load(m),
            Command::CashLoad(m) => self.cash_load(m),
            Command::MmpReset(m) => self.mmp_reset(turn, m),
            // The gateway's clock has moved: the stamp of this command shows it.
            Command::AdvanceTime(_) if self.state.clock_commanded => Done::APPLIED,
            Command::AdvanceTime(_) => Done::refused(RejectCode::NotAuthorised, 0),
            Command::Propose(m) => self.propose(turn, m),
            Command::Approve(m) => self.approve(turn, m),
            Command::SetTwoPerson(m) => self.set_two_person(turn, m),
            Command::SetState(m) => return self.set_state(turn, m, command, out),
            Command::NewOrder(m) => {
                self.new_order(turn, m, out, &mut decision);
                return decision;
            }
            Command::ReplaceOrder(m) => {
                self.replace_order(turn, m, out, &mut decision);
                return decision;
            }
            Command::CancelOrder(m) => {
                self.cancel_order(turn, m, out, &mut decision);
                return decision;
            }
            Command::MassCancel(m) => return self.mass_cancel(turn, m, out),
            Command::VenueReport(m) => {
                self.venue_report(turn, m, out, &mut decision);
                decision.self_reported = self.self_reported(turn);
                return decision;
            }
            Command::Refused(m) => {
                let reject = BusinessReject {
                    ref_seq_no: turn.in_seq_no,
                    ref_id: m.ref_id,
                    code: m.code,
                    ref_template_id: m.ref_template_id,
                    field_offset: m.field_offset,
                    ..BusinessReject::default()
                };
                self.reply(turn, reject.into(), out);
                return Decision {
                    code: m.code,
                    ..Decision::of(Outcome::Refused)
                };
            }
            Command::Query(_)
            | Command::TimePassed(_)
            | Command::LogonRefused(_)
            | Command::RulesChanged(_) => return Decision::of(Outcome::Applied),
            Command::SegmentsRemoved(m) => {
                let removed = &mut self.state.removed_segments;
                *removed = m.last_segment.max(*removed);
                return Decision::of(Outcome::Applied);
            }
            Command::Step(_) => return self.step(out),
            Command::SessionUp(m) => return self.session_up(m),
            Command::SessionDown(m) => return self.session_down(m),
            Command::Started(m) => return self.started(m),
            Command::DefineFirm(m) => return self.define_firm(m),
            Command::DefineDesk(m) => return self.define_desk(m),
            Command::DefineTrader(m) => return self.define_trader(m),
            Command::DefineSession(m) => return self.define_session(m),
            Command::Entitle(m) => return self.entitle(m),
            Command::DefineCurrency(m) => return self.define_currency(m),
        };
        self.acknowledge(turn, command, done, out)
    }

    /// Whether a desk speaks of its own orders, rather than a venue (R15).
    fn self_reported(&self, turn: &Turn) -> Flag {
        let desk = turn
            .session
            .is_some_and(|slot| self.state.sessions.get(slot).role() == Role::Desk);
        if desk { Flag::Yes } else { Flag::No }
    }

    /// Answers an administrative command.
    pub(super) fn acknowledge(
        &mut self,
        turn: &Turn,
        command: &Command,
        done: Done,
        out: &mut Outbox,
    ) -> Decision {
        let code = done.code.map_or(0, RejectCode::number);
        let ack = AdminAck {
            request_id: command.ref_id(),
            new_version: done.version,
            code,
            ref_template_id: command.layout().template_id,
            ..AdminAck::default()
        };
        self.reply(turn, ack.into(), out);
        Decision {
            code,
            version: done.version,
            ..Decision::of(done.outcome)
        }
    }

    /// Refuses a message as such, in sequence.
    pub(super) fn business_reject(
        &mut self,
        turn: &Turn,
        command: &Command,
        code: RejectCode,
        out: &mut Outbox,
    ) -> Decision {
        let reject = BusinessReject {
            ref_seq_no: turn.in_seq_no,
            ref_id: command.ref_id(),
            code: code.number(),
            ref_template_id: command.layout().template_id,
            ..BusinessReject::default()
        };
        self.reply(turn, reject.into(), out);
        Decision::refused(code)
    }
}

/// What became of an administrative command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) code: Option<RejectCode>,
    pub(super) version: u32,
}

impl Done {
    pub(super) const APPLIED: Self = Self::version(0);
    pub(super) const NO_EFFECT: Self = Self {
        outcome: Outcome::NoEffect,
        code: None,
        version: 0,
    };

    /// Applied; this version is in force now.
    pub(super) const fn version(version: u32) -> Self {
        Self {
            outcome: Outcome::Applied,
            code: None,
            version,
        }
    }

    /// Refused; `version` stays in force.
    pub(super) const fn refused(code: RejectCode, version: u32) -> Self {
        Self {
            outcome: Outcome::Refused,
            code: Some(code),
            version,
        }
    }
}
