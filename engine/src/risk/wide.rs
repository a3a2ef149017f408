//! Wide work: kill switch and mass cancel, and the notices of a day roll.
//!
//! What decides takes effect in the command's own event; the messages follow in bounded steps between
//! other commands. A job marks the orders it matches with its bit, so that an order's end by any path
//! counts down what is outstanding.

use super::{Done, RiskEngine, Turn};
use crate::checks::Refusal;
use crate::command::Command;
use crate::decision::{Decision, Outbox, Outcome};
use crate::orders::Marks;
use crate::state::State;
use bincode::{Decode, Encode};
use std::collections::BTreeMap;
use wire::{
    CancelReason, Flag, MassCancel, MassCancelReport, RejectCode, RiskEvent, RiskEventKind, Scope,
    SetState, Severity, Side, TradingState,
};

/// Wide jobs that may be under way at once: one bit each in an order.
const JOBS: usize = 64;
/// Orders that one step may walk over.
const WALK: u32 = 4_096;
/// Most orders that one step may speak of.
const STEP_ORDERS: usize = 48;

/// One job under way.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(super) struct Job {
    /// clOrdId or requestId that the report echoes.
    pub(super) ref_id: u64,
    /// Session that asked; `None` for the server.
    pub(super) session: Option<u32>,
    pub(super) reason: CancelReason,
    pub(super) requested: u32,
    pub(super) outstanding: u32,
    /// Next order slot the steps come to; `None` once all were reached.
    pub(super) cursor: Option<u32>,
}

/// All jobs under way, by their bit.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct Jobs {
    slots: [Option<Job>; JOBS],
    /// Of orders that a notice is still to be sent of: what had gone before the day took the rest, where it was
    /// anything.
    gone_before: BTreeMap<u32, i64>,
}

impl Jobs {
    pub(super) fn new() -> Self {
        Self {
            slots: [None; JOBS],
            gone_before: BTreeMap::new(),
        }
    }

    pub(super) fn is_any_scanning(&self) -> bool {
        self.slots.iter().flatten().any(|job| job.cursor.is_some())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Job)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(bit, job)| Some((bit, job.as_ref()?)))
    }
}

impl RiskEngine {
    pub(super) fn mass_cancel(
        &mut self,
        turn: &Turn,
        m: &MassCancel,
        out: &mut Outbox,
    ) -> Decision {
        let session = match self.check_mass_cancel(turn, m) {
            Ok(session) => session,
            Err(refusal) => return self.reject(turn, m.cl_ord_id, 103, refusal, out),
        };
        let matches = |engine: &Self, slot: u32| {
            let order = engine.state.orders.get(slot);
            let given = |field: u32, value: u32| field == u32::MAX || field == value;
            let given16 = |field: u16, value: u16| field == u16::MAX || field == value;
            engine
                .state
                .sessions
                .get(session)
                .may_use_account(order.account)
                && given(m.account, engine.state.tree.get(order.account).id)
                && given(
                    m.instrument_id,
                    engine.state.instruments.get(order.instrument).id,
                )
                && given16(m.strategy_id, order.strategy_id)
                && (m.trader_id == u16::MAX
                    || u32::from(m.trader_id) == engine.state.tree.get(order.trader).id)
                && (m.side.is_null() || (m.side == Side::Buy) == order.is_buy())
        };
        let started = self.start_job(m.cl_ord_id, turn.session, CancelReason::MassCancel, matches);
        self.report_job(turn, m.cl_ord_id, started, out);
        match started {
            Ok(_) => Decision::of(Outcome::Accepted),
            Err(code) => Decision {
                code: code.number(),
                ..Decision::of(Outcome::Rejected)
            },
        }
    }

    fn check_mass_cancel(&mut self, turn: &Turn, m: &MassCancel) -> Result<u32, Refusal> {
        let session = turn
            .session
            .ok_or(Refusal::plain(RejectCode::NotEntitled))?;
        if m.instrument_id != u32::MAX && self.state.instruments.find(m.instrument_id).is_none() {
            return Err(Refusal::plain(RejectCode::UnknownInstrument));
        }
        if m.account != u32::MAX {
            let account = self
                .state
                .tree
                .find(Scope::Account, m.account)
                .ok_or(Refusal::plain(RejectCode::UnknownAccount))?;
            if !self.state.sessions.get(session).may_use_account(account) {
                return Err(Refusal::plain(RejectCode::NotEntitled));
            }
        }
        self.take_cl_ord_id(session, m.cl_ord_id)?;
        Ok(session)
    }

    /// R30: the state takes effect now; cancels follow.
    pub(super) fn set_state(
        &mut self,
        turn: &Turn,
        m: &SetState,
        command: &Command,
        out: &mut Outbox,
    ) -> Decision {
        let done = self.change_state(turn, m);
        let decision = self.acknowledge(turn, command, done, out);
        if done.code.is_none() && m.cancel_open == Flag::Yes {
            let matches = |engine: &Self, slot: u32| {
                let order = engine.state.orders.get(slot);
                let tree = &engine.state.tree;
                match m.scope {
                    Scope::Instrument => {
                        engine.state.instruments.get(order.instrument).id == m.scope_id
                    }
                    scope => tree
                        .chain(order.account, order.trader)
                        .iter()
                        .any(|slot| Some(*slot) == tree.find(scope, m.scope_id)),
                }
            };
            let started = self.start_job(
                m.request_id,
                turn.session,
                CancelReason::KillSwitch,
                matches,
            );
            self.report_job(turn, m.request_id, started, out);
        }
        decision
    }

    fn change_state(&mut self, turn: &Turn, m: &SetState) -> Done {
        let (state, version) = match self.state_of(m.scope, m.scope_id) {
            Ok(known) => known,
            Err(refused) => return refused,
        };
        if version != m.expected_version {
            return Done::refused(RejectCode::VersionConflict, version);
        }
        if self.state_takes_two(turn, state, m.state) {
            return Done::refused(RejectCode::NeedsApproval, version);
        }
        self.put_state(turn, m)
    }

    /// State and version of a scope or an instrument.
    pub(super) fn state_of(&self, scope: Scope, id: u32) -> Result<(TradingState, u32), Done> {
        if scope == Scope::Instrument {
            let slot = self.state.instruments.find(id);
            let slot = slot.ok_or(Done::refused(RejectCode::UnknownInstrument, 0))?;
            let instrument = self.state.instruments.get(slot);
            return Ok((instrument.state, instrument.state_version));
        }
        let slot = self.state.tree.find(scope, id);
        let slot = slot.ok_or(Done::refused(RejectCode::LimitRange, 0))?;
        let node = self.state.tree.get(slot);
        Ok((node.state, node.state_version))
    }

    /// Sets a state whose place and version have been checked.
    pub(super) fn put_state(&mut self, turn: &Turn, m: &SetState) -> Done {
        let (state, version) = if m.scope == Scope::Instrument {
            let Some(slot) = self.state.instruments.find(m.scope_id) else {
                return Done::refused(RejectCode::UnknownInstrument, 0);
            };
            let instrument = self.state.instruments.get_mut(slot);
            (&mut instrument.state, &mut instrument.state_version)
        } else {
            let Some(slot) = self.state.tree.find(m.scope, m.scope_id) else {
                return Done::refused(RejectCode::LimitRange, 0);
            };
            let node = self.state.tree.get_mut(slot);
            (&mut node.state, &mut node.state_version)
        };
        *version = version.saturating_add(1);
        let before = std::mem::replace(state, m.state);
        let version = *version;
        self.alert(RiskEvent {
            old_value: i64::from(before.0),
            new_value: i64::from(m.state.0),
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            scope: m.scope,
            scope_id: m.scope_id,
            version,
            event: RiskEventKind::StateChanged,
            severity: if m.state == TradingState::Active {
                Severity::Info
            } else {
                Severity::Warning
            },
            reason: m.reason,
            ..RiskEvent::default()
        });
        Done::version(version)
    }

    /// Cancel on disconnect: sessions that did not come back within their grace.
    pub(super) fn end_graces(&mut self) {
        while let Some(session) = self.state.sessions.due(self.t) {
            self.state.sessions.set_deadline(session, 0);
            let of_session =
                |engine: &Self, slot: u32| engine.state.orders.get(slot).session == session;
            // Without a free job the orders stay: an operator's kill switch reaches them.
            let _started = self.start_job(0, None, CancelReason::Disconnect, of_session);
        }
    }

    /// Marks all live orders that match, and lets the steps ask for their cancel.
    pub(super) fn start_job(
        &mut self,
        ref_id: u64,
        session: Option<u32>,
        reason: CancelReason,
        matches: impl Fn(&Self, u32) -> bool,
    ) -> Result<u32, RejectCode> {
        let bit = self
            .jobs
            .slots
            .iter()
            .position(Option::is_none)
            .ok_or(RejectCode::Busy)?;
        let mut requested = 0_u32;
        for slot in 0..self.state.orders.slots() {
            let order = self.state.orders.get(slot);
            if order.order_id == 0 || order.terminal || !matches(self, slot) {
                continue;
            }
            requested = requested.saturating_add(1);
            let mut marks = self.state.orders.marks(slot);
            marks.matched |= 1 << bit;
            marks.due |= 1 << bit;
            self.state.orders.set_marks(slot, marks);
        }
        if requested > 0 {
            self.jobs.slots[bit] = Some(Job {
                ref_id,
                session,
                reason,
                requested,
                outstanding: requested,
                cursor: Some(0),
            });
        }
        Ok(requested)
    }

    fn report_job(
        &mut self,
        turn: &Turn,
        ref_id: u64,
        started: Result<u32, RejectCode>,
        out: &mut Outbox,
    ) {
        let requested = started.unwrap_or(0);
        let report = MassCancelReport {
            cl_ord_id: ref_id,
            requested,
            outstanding: requested,
            code: started.err().map_or(0, RejectCode::number),
            ..MassCancelReport::default()
        };
        self.reply(turn, report.into(), out);
    }

    /// Ends orders with the day, and tells of them by steps (R23).
    pub(super) fn expire(&mut self, slots: &[u32]) {
        for slot in slots {
            let gone = self.state.orders.gone(*slot);
            if gone != 0 {
                self.jobs.gone_before.insert(*slot, gone);
            }
            self.release(*slot);
        }
        let Some(bit) = self.jobs.slots.iter().position(Option::is_none) else {
            // No bit is free: the notices wait in the backlog instead.
            for slot in slots {
                let session = self.state.orders.get(*slot).session;
                let expired = self.take_expired(*slot);
                let notice = self.cancelled_message(*slot, expired, CancelReason::Expired);
                self.backlog.push_back((session, notice.into()));
            }
            return;
        };
        let mut requested = 0_u32;
        for slot in slots {
            let mut marks = self.state.orders.marks(*slot);
            marks.due |= 1 << bit;
            self.state.orders.set_marks(*slot, marks);
            requested = requested.saturating_add(1);
        }
        if requested > 0 {
            self.jobs.slots[bit] = Some(Job {
                ref_id: 0,
                session: None,
                reason: CancelReason::Expired,
                requested,
                outstanding: 0,
                cursor: Some(0),
            });
        }
    }

    /// One bounded step of the first job that has orders left to reach.
    pub(super) fn step(&mut self, out: &mut Outbox) -> Decision {
        let scanning = self
            .jobs
            .slots
            .iter()
            .position(|job| job.is_some_and(|job| job.cursor.is_some()));
        let Some(bit) = scanning else {
            self.valuation_step();
            return Decision::of(Outcome::Applied);
        };
        let Some(mut job) = self.jobs.slots[bit] else {
            return Decision::of(Outcome::Applied);
        };
        let (mut at, slots) = (job.cursor.unwrap_or(0), self.state.orders.slots());
        let (end, mut told) = (at.saturating_add(WALK).min(slots), 0);
        while at < end && told < STEP_ORDERS {
            let due = self.state.orders.marks(at).due & (1 << bit) != 0;
            if due {
                told = told.saturating_add(1);
                self.reach(at, bit, &job, out);
            }
            at = at.saturating_add(1);
        }
        job.cursor = (at < slots).then_some(at);
        // Nobody is told of a job of the server's own: once its cancels are out it is done.
        let tells = job.session.is_some();
        let done = job.cursor.is_none() && (!tells || job.outstanding_is_settled(self, bit));
        self.jobs.slots[bit] = if done {
            None
        } else {
            self.jobs.slots[bit].map(|now| Job {
                cursor: job.cursor,
                ..now
            })
        };
        Decision::of(Outcome::Applied)
    }

    /// What the day took of an order that ended with it.
    fn take_expired(&mut self, slot: u32) -> i64 {
        let before = self.jobs.gone_before.remove(&slot).unwrap_or(0);
        self.state.orders.gone(slot).saturating_sub(before).max(0)
    }

    /// A step has come to an order of its job.
    fn reach(&mut self, slot: u32, bit: usize, job: &Job, out: &mut Outbox) {
        let mut marks = self.state.orders.marks(slot);
        marks.due &= !(1 << bit);
        let matched = marks.matched & (1 << bit) != 0;
        if matched && job.session.is_none() && !self.state.orders.get(slot).terminal {
            marks.matched &= !(1 << bit);
        }
        self.state.orders.set_marks(slot, marks);
        let order = self.state.orders.get_mut(slot);
        if !matched {
            // Notice of an order that ended with the day: reserved was released then.
            let expired = self.take_expired(slot);
            self.send_cancelled(slot, expired, CancelReason::Expired, out);
        } else if !order.terminal {
            if !order.unresolved {
                order.cancel_pending = true;
            }
            self.route_cancel(slot, 0, job.reason, out);
        }
    }

    /// An order has ended by any path: the jobs that matched it count down.
    #[inline]
    pub(super) fn end_order(&mut self, slot: u32) {
        self.state.orders.end(slot);
        let State { peers, orders, .. } = &mut self.state;
        let buy = orders.get(slot).is_buy();
        peers.remove(orders, slot, buy);
        let marks = orders.marks(slot);
        if marks.matched != 0 {
            self.count_down(slot, marks);
        }
    }

    /// An order of some jobs has ended.
    #[cold]
    fn count_down(&mut self, slot: u32, marks: Marks) {
        let mut bits = marks.matched;
        let left = Marks {
            matched: 0,
            due: marks.due & !bits,
        };
        self.state.orders.set_marks(slot, left);
        while bits != 0 {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            let Some(job) = self.jobs.slots[bit].as_mut() else {
                continue;
            };
            job.outstanding = job.outstanding.saturating_sub(1);
            if job.outstanding == 0 {
                let job = *job;
                let report = MassCancelReport {
                    cl_ord_id: job.ref_id,
                    requested: job.requested,
                    ..MassCancelReport::default()
                };
                if let Some(session) = job.session {
                    self.backlog.push_back((session, report.into()));
                }
                self.jobs.slots[bit] = None;
            }
        }
    }

    /// Puts an event into the backlog of every session that watches risk.
    #[cold]
    #[inline(never)]
    pub(super) fn alert(&mut self, event: RiskEvent) {
        for at in 0..self.state.sessions.watchers.len() {
            let slot = self.state.sessions.watchers[at];
            self.backlog.push_back((slot, event.into()));
        }
    }
}

impl Job {
    fn outstanding_is_settled(&self, engine: &RiskEngine, bit: usize) -> bool {
        engine.jobs.slots[bit].is_none_or(|now| now.outstanding == 0)
    }
}
