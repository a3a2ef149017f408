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
        match command {
            Command::NewOrder(m) => {
                self.new_order(turn, m, out, &mut decision);
                decision
            }
            Command::ReplaceOrder(m) => {
                self.replace_order(turn, m, out, &mut decision);
                decision
            }
            Command::CancelOrder(m) => {
                self.cancel_order(turn, m, out, &mut decision);
                decision
            }
            Command::MassCancel(m) => self.mass_cancel(turn, m, out),
            Command::VenueReport(m) => {
                self.venue_report(turn, m, out, &mut decision);
                decision.self_reported = self.self_reported(turn);
                decision
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
                Decision {
                    code: m.code,
                    ..Decision::of(Outcome::Refused)
                }
            }
            Command::Query(_)
            | Command::TimePassed(_)
            | Command::LogonRefused(_)
            | Command::RulesChanged(_)
            | Command::SegmentsRemoved(_) => Decision::of(Outcome::Applied),
            Command::Step(_) => self.step(out),
            Command::SessionUp(m) => self.session_up(m),
            Command::SessionDown(m) => self.session_down(m),
            Command::Started(m) => self.started(m),
            Command::SetLimit(m) => {
                let done = self.set_limit(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::SetState(m) => self.set_state(turn, m, out),
            Command::SetReference(m) => {
                let done = self.set_reference(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::SetMark(m) => {
                let done = self.set_mark(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::SetFx(m) => {
                let done = self.set_fx(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::DefineInstrument(m) => {
                let done = self.define_instrument(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::DefineAccount(m) => {
                let done = self.define_account(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::Permit(m) => {
                let done = self.permit(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::PositionLoad(m) => {
                let done = self.position_load(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::DayOpen(m) => {
                let done = self.day_open(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::DayRoll(m) => {
                let done = self.day_roll(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::Reconcile(m) => {
                let done = self.reconcile(turn, m, out);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::Adjust(m) => {
                let done = self.adjust(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::LocateLoad(m) => {
                let done = self.locate_load(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::CashLoad(m) => {
                let done = self.cash_load(m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::MmpReset(m) => {
                let done = self.mmp_reset(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::AdvanceTime(m) => {
                // The gateway's clock has moved: the stamp of this command shows it.
                let done = if self.state.clock_commanded {
                    Done::APPLIED
                } else {
                    Done::refused(RejectCode::NotAuthorised, 0)
                };
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::Propose(m) => {
                let done = self.propose(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::Approve(m) => {
                let done = self.approve(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::SetTwoPerson(m) => {
                let done = self.set_two_person(turn, m);
                self.acknowledge(turn, m.request_id, command, done, out)
            }
            Command::DefineFirm(m) => self.define_firm(m),
            Command::DefineDesk(m) => self.define_desk(m),
            Command::DefineTrader(m) => self.define_trader(m),
            Command::DefineSession(m) => self.define_session(m),
            Command::Entitle(m) => self.entitle(m),
            Command::DefineCurrency(m) => self.define_currency(m),
        }
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
        request_id: u64,
        command: &Command,
        done: Done,
        out: &mut Outbox,
    ) -> Decision {
        let code = done.code.map_or(0, RejectCode::number);
        let ack = AdminAck {
            request_id,
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
        let ref_id = match command {
            Command::NewOrder(m) => m.cl_ord_id,
            Command::ReplaceOrder(m) => m.cl_ord_id,
            Command::CancelOrder(m) => m.cl_ord_id,
            Command::MassCancel(m) => m.cl_ord_id,
            Command::VenueReport(m) => m.cl_ord_id,
            Command::SetLimit(m) => m.request_id,
            Command::SetState(m) => m.request_id,
            Command::Query(m) => m.request_id,
            Command::SetReference(m) => m.request_id,
            Command::SetMark(m) => m.request_id,
            Command::SetFx(m) => m.request_id,
            Command::DefineInstrument(m) => m.request_id,
            Command::DefineAccount(m) => m.request_id,
            Command::Permit(m) => m.request_id,
            Command::PositionLoad(m) => m.request_id,
            Command::DayOpen(m) => m.request_id,
            Command::DayRoll(m) => m.request_id,
            Command::Reconcile(m) => m.request_id,
            Command::Adjust(m) => m.request_id,
            Command::LocateLoad(m) => m.request_id,
            Command::CashLoad(m) => m.request_id,
            Command::MmpReset(m) => m.request_id,
            Command::AdvanceTime(m) => m.request_id,
            Command::Propose(m) => m.request_id,
            Command::Approve(m) => m.request_id,
            Command::SetTwoPerson(m) => m.request_id,
            Command::Refused(m) => m.ref_id,
            Command::DefineFirm(_)
            | Command::DefineDesk(_)
            | Command::DefineTrader(_)
            | Command::DefineSession(_)
            | Command::Entitle(_)
            | Command::DefineCurrency(_)
            | Command::SessionUp(_)
            | Command::SessionDown(_)
            | Command::LogonRefused(_)
            | Command::TimePassed(_)
            | Command::Step(_)
            | Command::Started(_)
            | Command::RulesChanged(_)
            | Command::SegmentsRemoved(_) => 0,
        };
        let reject = BusinessReject {
            ref_seq_no: turn.in_seq_no,
            ref_id,
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
