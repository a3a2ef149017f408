//! Cancels, mass cancels, the kill switch, and what comes and goes with sessions.

use super::checks::Refusal;
use super::lifecycle::Expect;
use super::orders::Order;
use super::state::{Job, Model};
use engine::command::{SessionDown, SessionUp, Started};
use engine::decision::Outcome;
use wire::{
    CancelOrder, CodMode, Flag, MassCancel, MmpReset, RejectCode, RiskEventKind, Scope, SetState,
    Side, TradingState,
};

impl Model {
    pub(crate) fn cancel(&mut self, session_id: u32, m: &CancelOrder) -> Expect {
        let Some(index) = self.find(session_id, m.orig_cl_ord_id) else {
            return Expect::rejected(Refusal::of(RejectCode::UnknownOrder));
        };
        if self.orders[index].terminal {
            return Expect::rejected(Refusal::of(RejectCode::TooLate));
        }
        if !self.is_above_mark(session_id, m.cl_ord_id) {
            return Expect::rejected(Refusal::of(RejectCode::DuplicateClOrdId));
        }
        self.raise_mark(session_id, m.cl_ord_id);
        let order = &mut self.orders[index];
        order.cancel_pending = true;
        order.cancel_ids.push(m.cl_ord_id);
        Expect {
            order_id: Some(order.order_id),
            ..Expect::of(Outcome::Accepted)
        }
        .hit("R31 cancel accepted")
    }

    pub(crate) fn mass_cancel(&mut self, session_id: u32, m: &MassCancel) -> Expect {
        let any = u32::MAX;
        if m.instrument_id != any && !self.instruments.contains_key(&m.instrument_id) {
            return Expect::rejected(Refusal::of(RejectCode::UnknownInstrument));
        }
        if m.account != any && !self.accounts.contains_key(&m.account) {
            return Expect::rejected(Refusal::of(RejectCode::UnknownAccount));
        }
        let accounts = self.sessions[&session_id].accounts.clone();
        if m.account != any && !accounts.contains(&m.account) {
            return Expect::rejected(Refusal::of(RejectCode::NotEntitled));
        }
        if !self.is_above_mark(session_id, m.cl_ord_id) {
            return Expect::rejected(Refusal::of(RejectCode::DuplicateClOrdId));
        }
        self.raise_mark(session_id, m.cl_ord_id);
        let orders = self.live_where(|_, o| {
            accounts.contains(&o.account)
                && (m.account == any || m.account == o.account)
                && (m.instrument_id == any || m.instrument_id == o.instrument)
                && (m.trader_id == u16::MAX || m.trader_id == o.trader)
                && (m.strategy_id == u16::MAX || m.strategy_id == o.strategy)
                && (m.side.is_null() || (m.side == Side::Buy) == o.is_buy())
        });
        self.ask_cancels(Some((session_id, m.cl_ord_id)), orders);
        Expect::of(Outcome::Accepted).hit("S7 mass cancel")
    }

    /// Indices of the live orders of a kind.
    pub(crate) fn live_where(&self, of_kind: impl Fn(&Self, &Order) -> bool) -> Vec<usize> {
        let orders = self.orders.iter().enumerate();
        orders
            .filter(|(_, o)| !o.terminal && of_kind(self, o))
            .map(|(i, _)| i)
            .collect()
    }

    /// Asks for the cancel of these orders; who asked is told how many at once, and again when all of
    /// them have ended.
    pub(crate) fn ask_cancels(&mut self, told: Option<(u32, u64)>, orders: Vec<usize>) {
        let requested = orders.len();
        if let Some((session, id)) = told.filter(|(session, _)| *session != 0) {
            self.said.reports.push((session, id, requested, requested));
        }
        let mut ids = Vec::new();
        for index in orders {
            let order = &mut self.orders[index];
            order.cancel_due = true;
            ids.push(order.order_id);
        }
        if requested > 0 {
            self.jobs.push(Job {
                told,
                requested,
                orders: ids,
            });
        }
    }

    /// The cancels of wide work are on their way; an order that has become unresolved meanwhile stays it.
    pub(crate) fn send_due_cancels(&mut self) {
        for order in &mut self.orders {
            if std::mem::take(&mut order.cancel_due) {
                order.cancel_pending |= !order.unresolved;
            }
        }
    }

    /// Mass cancels all of whose orders have ended are reported and forgotten.
    pub(crate) fn end_jobs(&mut self) {
        let jobs = std::mem::take(&mut self.jobs);
        for mut job in jobs {
            // Once terminal is enough: an order that lives again is nobody's any more.
            job.orders
                .retain(|id| self.orders.iter().any(|o| !o.terminal && o.order_id == *id));
            if !job.orders.is_empty() {
                self.jobs.push(job);
            } else if let Some((session, id)) = job.told.filter(|(session, _)| *session != 0) {
                self.said.reports.push((session, id, job.requested, 0));
                self.hit("S7 nothing is outstanding any more");
            }
        }
    }

    pub(crate) fn set_state(&mut self, session_id: u32, m: &SetState) -> Expect {
        let at = (m.scope, m.scope_id);
        match self.check_state(m) {
            Ok(()) => {}
            Err(RejectCode::VersionConflict) => {
                return Expect::refused(RejectCode::VersionConflict)
                    .hit("code 300 VersionConflict");
            }
            Err(_) => return Expect::of(Outcome::Refused).hit("state refused"),
        }
        if self.takes_two(session_id) && m.state.0 < self.state(at).0 {
            return Self::needs_approval();
        }
        let expect = self.put_state(m);
        if m.cancel_open == Flag::Yes {
            let orders = self.live_where(|model, o| match m.scope {
                Scope::Instrument => o.instrument == m.scope_id,
                _ => model.belongs(at, Some(o.account), Some(o.trader)),
            });
            self.ask_cancels(Some((session_id, m.request_id)), orders);
            self.hit("R30 kill switch with cancel");
        }
        expect
    }

    /// Whether there is such a scope, at the version that is named.
    pub(crate) fn check_state(&self, m: &SetState) -> Result<(), RejectCode> {
        let at = (m.scope, m.scope_id);
        let known = match m.scope {
            Scope::Instrument => self.instruments.contains_key(&m.scope_id),
            _ => self.knows(at),
        };
        if !known {
            return Err(if m.scope == Scope::Instrument {
                RejectCode::UnknownInstrument
            } else {
                RejectCode::LimitRange
            });
        }
        let version = self.states.get(&at).map_or(0, |(_, version)| *version);
        if version != m.expected_version {
            return Err(RejectCode::VersionConflict);
        }
        Ok(())
    }

    pub(crate) fn put_state(&mut self, m: &SetState) -> Expect {
        let version = m.expected_version + 1;
        self.states
            .insert((m.scope, m.scope_id), (m.state, version));
        self.alert(RiskEventKind::StateChanged);
        Expect::version(version).hit(match m.state {
            TradingState::Halted => "R30 state Halted",
            TradingState::ReduceOnly => "state ReduceOnly",
            _ => "state Active",
        })
    }

    pub(crate) fn mmp_reset(&mut self, session_id: u32, m: &MmpReset) -> Expect {
        if !self.accounts.contains_key(&m.account) {
            return Expect::refused(RejectCode::UnknownAccount);
        }
        if !self.sessions[&session_id].accounts.contains(&m.account) {
            return Expect::refused(RejectCode::NotEntitled);
        }
        if !self.frozen.remove(&(m.account, m.product_group)) {
            return Expect::of(Outcome::NoEffect);
        }
        self.alert(RiskEventKind::MarketMakerProtection);
        Expect::of(Outcome::Applied).hit("C15 protection is reset")
    }

    pub(crate) fn session_up(&mut self, m: &SessionUp) -> Expect {
        if let Some(session) = self.sessions.get_mut(&m.session_id) {
            session.up = true;
            session.cod = m.cod_mode;
            session.grace = u64::from(m.cod_grace_ms) * 1_000_000;
            let awaits = std::mem::replace(&mut session.awaits_grace, false);
            if session.deadline.take().is_some() || awaits {
                self.hit("R26 back within the grace");
            }
        }
        Expect::loose()
    }

    pub(crate) fn session_down(&mut self, m: &SessionDown) -> Expect {
        let now = self.t;
        if let Some(session) = self.sessions.get_mut(&m.session_id) {
            let was_up = std::mem::replace(&mut session.up, false);
            let cancels = match session.cod {
                CodMode::Both => true,
                CodMode::Terminate => m.code == 0,
                CodMode::Disconnect => m.code != 0,
                _ => false,
            };
            // After a start the grace begins when the server listens, which the first of these says.
            let awaits = std::mem::replace(&mut session.awaits_grace, false);
            if (was_up && cancels) || awaits {
                session.deadline = Some(now + session.grace);
            }
        }
        self.end_graces();
        Expect::loose()
    }

    /// R26: sessions that did not come back in time.
    pub(crate) fn end_graces(&mut self) {
        let now = self.t;
        let mut due = Vec::new();
        for (id, session) in &mut self.sessions {
            if session.deadline.is_some_and(|end| now >= end) {
                session.deadline = None;
                due.push(*id);
            }
        }
        for id in due {
            let orders = self.live_where(|_, o| o.session == id);
            self.ask_cancels(None, orders);
            self.hit("R26 cancel on disconnect");
        }
    }

    /// No connection outlives the process; the gateway journals who comes back.
    pub(crate) fn started(&mut self, m: &Started) -> Expect {
        self.started = true;
        for session in self.sessions.values_mut() {
            let breaks = matches!(session.cod, CodMode::Disconnect | CodMode::Both);
            let was_up = std::mem::replace(&mut session.up, false);
            if session.deadline.take().is_some() || (was_up && breaks) {
                session.awaits_grace = true;
            }
        }
        self.ready = false;
        if m.restricted == Flag::Yes {
            self.restricted = true;
            self.alert(RiskEventKind::Restricted);
        }
        Expect::loose().hit("R22 a start")
    }
}
