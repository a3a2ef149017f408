//! What each command does: orders, replaces, cancels and administration. Reports are in `reports`.

use super::checks::{Ask, Plan, Refusal};
use super::state::{Currency, Instrument, Limit, LimitKey, Model, Order, Session, Version};
use engine::command::{Command, Sequenced};
use engine::decision::Outcome;
use wire::{
    CancelOrder, DefineAccount, Flag, LimitKind, MassCancel, NewOrder, OrdType, Permit,
    PositionLoad, Price, Reconcile, ReconcileWhat, RejectCode, ReplaceOrder, Role, Scope, Selector,
    SetFx, SetLimit, SetReference, SetState, Side, TimeInForce, Topology, TradingState,
};

/// What the engine must answer. `None`: the documents don't say, so it is not compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expect {
    /// Any of these.
    pub(crate) outcomes: Vec<Outcome>,
    /// The code of a refused report or administrative command.
    pub(crate) code: Option<RejectCode>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) order_id: Option<u64>,
    pub(crate) plan: Option<Plan>,
    /// First missing inbound number and how many.
    pub(crate) not_applied: Option<(u64, u64)>,
    /// `requested` of the mass cancel report.
    pub(crate) requested: Option<usize>,
    /// What is counted for the campaign.
    pub(crate) hits: Vec<String>,
}

impl Expect {
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self {
            outcomes: vec![outcome],
            ..Self::default()
        }
    }

    pub(crate) fn any(outcomes: &[Outcome]) -> Self {
        Self {
            outcomes: outcomes.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn refused(code: RejectCode) -> Self {
        Self {
            code: Some(code),
            ..Self::of(Outcome::Refused)
        }
    }

    pub(crate) fn hit(mut self, what: &str) -> Self {
        self.hits.push(what.to_owned());
        self
    }

    fn rejected(refusal: Refusal) -> Self {
        let name = match refusal.kind {
            Some(kind) if refusal.code == RejectCode::LimitNotSet => {
                format!("code 225 LimitNotSet {kind}")
            }
            _ => String::new(),
        };
        let code = format!("code {} {}", refusal.code.number(), refusal.code.name());
        let past = match (refusal.kind, refusal.limit, refusal.observed) {
            (Some(kind), Some(limit), Some(observed))
                if observed > limit
                    && (i128::from(observed) - i128::from(limit)) * 100
                        <= i128::from(limit.max(100)) =>
            {
                Some(format!("edge {kind}: just past"))
            }
            _ => None,
        };
        let mut expect = Self {
            refusal: Some(refusal),
            ..Self::of(Outcome::Rejected)
        };
        expect.hits.push(code);
        expect.hits.extend(past);
        if !name.is_empty() {
            expect.hits.push(name);
        }
        expect
    }
}

/// A request that has passed the checks of its fields.
struct Entered {
    ask: Ask,
    cl_ord_id: u64,
}

impl Model {
    /// Applies one command and says what must be decided.
    pub(crate) fn apply(&mut self, input: &Sequenced) -> Expect {
        let mut not_applied = None;
        if input.in_seq_no > 0
            && let Some(session) = self.sessions.get_mut(&input.session_id)
        {
            if input.in_seq_no <= session.last_applied {
                return Expect::of(Outcome::Dropped).hit("dropped");
            }
            let next = session.last_applied + 1;
            if input.in_seq_no > next {
                not_applied = Some((next, input.in_seq_no - next));
            }
            session.last_applied = input.in_seq_no;
        }
        self.t = self.t.max(input.t);
        let mut expect = if self.may_send(input.session_id, &input.command) {
            self.dispatch(input)
        } else {
            Expect::refused(RejectCode::RoleDenied).hit("code 10 RoleDenied")
        };
        expect.not_applied = not_applied;
        if not_applied.is_some() {
            expect = expect.hit("gap in the inbound sequence");
        }
        expect
    }

    fn may_send(&self, session_id: u32, command: &Command) -> bool {
        let Some(session) = self.sessions.get(&session_id) else {
            return true;
        };
        let id = command.layout().template_id;
        match session.role {
            _ if id == 313 => true,
            Role::Desk => {
                matches!(id, 100..=103 | 122) || id == 104 && session.topology == Topology::Sidecar
            }
            Role::Venue => id == 104,
            Role::Risk => matches!(id, 120..=125 | 128),
            Role::Ops => matches!(id, 122 | 126 | 127 | 129..=132),
            _ => id == 122,
        }
    }

    fn dispatch(&mut self, input: &Sequenced) -> Expect {
        let session_id = input.session_id;
        match &input.command {
            Command::NewOrder(m) => {
                let entered = self.enter_new(session_id, m, input.busy);
                self.decide(input.seq, session_id, entered, |model, entered, plan| {
                    model.add_order(input.seq, m, entered, plan)
                })
            }
            Command::ReplaceOrder(m) => {
                let entered = self.enter_replace(session_id, m, input.busy);
                self.decide(input.seq, session_id, entered, Self::add_version)
            }
            Command::CancelOrder(m) => self.cancel(session_id, m),
            Command::MassCancel(m) => self.mass_cancel(session_id, m),
            Command::VenueReport(m) => self.report(session_id, m),
            Command::SetLimit(m) => self.set_limit(m),
            Command::SetState(m) => self.set_state(m),
            Command::SetReference(m) => self.set_reference(m),
            Command::SetMark(m) => match self.instruments.get_mut(&m.instrument_id) {
                None => Expect::of(Outcome::Refused),
                Some(instrument) => {
                    instrument.mark = known(m.price);
                    Expect::any(&[Outcome::Applied, Outcome::NoEffect])
                }
            },
            Command::SetFx(m) => self.set_fx(m),
            Command::DefineInstrument(m) => {
                self.instruments.insert(
                    m.instrument_id,
                    Instrument {
                        def: *m,
                        reference: None,
                        last_reference: None,
                        mark: None,
                    },
                );
                Expect::of(Outcome::Applied)
            }
            Command::DefineAccount(m) => self.define_account(m),
            Command::Permit(m) => self.permit(m),
            Command::PositionLoad(m) => self.position_load(m),
            Command::DayOpen(m) => {
                let loaded = self
                    .batches
                    .keys()
                    .any(|(_, date)| *date == m.business_date);
                if self.ready {
                    return Expect::any(&[Outcome::NoEffect, Outcome::Refused]);
                }
                if !loaded
                    || self.limits.is_empty()
                    || self.instruments.is_empty()
                    || self.accounts.is_empty()
                    || (self.business_date != 0 && self.business_date != m.business_date)
                {
                    return Expect::of(Outcome::Refused).hit("day open refused");
                }
                if self.business_date == 0 {
                    self.dates.push(m.business_date);
                }
                self.business_date = m.business_date;
                self.ready = true;
                Expect::of(Outcome::Applied).hit("day open")
            }
            Command::DayRoll(m) => {
                if m.business_date <= self.business_date {
                    return Expect::of(Outcome::NoEffect).hit("stale day roll");
                }
                for order in &mut self.orders {
                    if order.tif != TimeInForce::GoodTillCancel && !order.unresolved {
                        order.terminal = true;
                    }
                }
                self.business_date = m.business_date;
                self.dates.push(m.business_date);
                // Execution ids are kept five trade dates.
                if let Some(past) = self.dates.iter().rev().nth(5) {
                    self.executions.retain(|(_, date, ..), _| date > past);
                }
                self.day += 1;
                self.ready = false;
                Expect::of(Outcome::Applied).hit("day roll")
            }
            Command::Reconcile(m) => self.reconcile(m),
            Command::DefineFirm(m) => {
                self.base = m.base_currency;
                Expect::of(Outcome::Applied)
            }
            Command::DefineDesk(m) => {
                self.desks.insert(m.desk_id);
                Expect::of(Outcome::Applied)
            }
            Command::DefineTrader(m) => {
                self.traders.insert(m.trader_id);
                Expect::of(Outcome::Applied)
            }
            Command::DefineSession(m) => {
                self.sessions.insert(
                    m.session_id,
                    Session {
                        role: m.role,
                        topology: m.topology,
                        venue: m.venue_id,
                        up: false,
                        last_applied: 0,
                        mark: 0,
                        accounts: Default::default(),
                        traders: Default::default(),
                    },
                );
                Expect::of(Outcome::Applied)
            }
            Command::Entitle(m) => {
                if let Some(session) = self.sessions.get_mut(&m.session_id) {
                    let grant = m.allow == Flag::Yes;
                    if m.account != u32::MAX {
                        session.accounts.remove(&m.account);
                        if grant {
                            session.accounts.insert(m.account);
                        }
                    } else {
                        session.traders.remove(&m.trader_id);
                        if grant {
                            session.traders.insert(m.trader_id);
                        }
                    }
                }
                Expect::any(&[Outcome::Applied, Outcome::NoEffect])
            }
            Command::SessionUp(m) => self.session_up(m.session_id, true),
            Command::SessionDown(m) => self.session_up(m.session_id, false),
            Command::Refused(m) => Expect {
                code: RejectCode::from_number(m.code),
                ..Expect::of(Outcome::Refused)
            }
            .hit("refused by the gateway"),
            Command::Started(m) => {
                // No connection outlives the process; the gateway journals who comes back.
                for session in self.sessions.values_mut() {
                    session.up = false;
                }
                self.ready = false;
                self.restricted |= m.restricted == Flag::Yes;
                Expect::any(&[Outcome::Applied, Outcome::NoEffect])
            }
            Command::DefineCurrency(m) => {
                self.currencies.insert(
                    m.currency,
                    Currency {
                        rate: None,
                        max_age: (m.max_age_ns != u64::MAX).then_some(m.max_age_ns),
                    },
                );
                Expect::any(&[Outcome::Applied, Outcome::NoEffect])
            }
            Command::Query(_)
            | Command::LogonRefused(_)
            | Command::TimePassed(_)
            | Command::Step(_)
            | Command::RulesChanged(_)
            | Command::SegmentsRemoved(_)
            | Command::Adjust(_)
            | Command::LocateLoad(_)
            | Command::CashLoad(_)
            | Command::MmpReset(_)
            | Command::AdvanceTime(_)
            | Command::Propose(_)
            | Command::Approve(_)
            | Command::SetTwoPerson(_) => Expect::any(&[Outcome::Applied, Outcome::NoEffect]),
        }
    }

    fn session_up(&mut self, session_id: u32, up: bool) -> Expect {
        if let Some(session) = self.sessions.get_mut(&session_id) {
            session.up = up;
        }
        Expect::any(&[Outcome::Applied, Outcome::NoEffect])
    }

    /// The clOrdId's check, then all the others, then what becomes of an accepted request.
    fn decide(
        &mut self,
        _seq: u64,
        session_id: u32,
        entered: Result<Entered, RejectCode>,
        accept: impl FnOnce(&mut Self, &Entered, &Plan) -> u64,
    ) -> Expect {
        let entered = match entered {
            Ok(entered) => entered,
            Err(code) => return Expect::rejected(Refusal::of(code)),
        };
        if !self.raise_mark(session_id, entered.cl_ord_id) {
            return Expect::rejected(Refusal::of(RejectCode::DuplicateClOrdId));
        }
        let rows = self.chain_rows(entered.ask.account, entered.ask.trader);
        let judgement = self.judge(&entered.ask, &rows);
        for (key, tat) in judgement.advance {
            self.buckets.insert(key, tat);
        }
        match judgement.answer {
            Err(refusal) => Expect::rejected(refusal),
            Ok(plan) => {
                let order_id = accept(self, &entered, &plan);
                let what = if entered.ask.replaces.is_some() {
                    "accepted replace"
                } else {
                    "accepted order"
                };
                Expect {
                    order_id: Some(order_id),
                    hits: plan.edges.clone(),
                    plan: Some(plan),
                    ..Expect::of(Outcome::Accepted)
                }
                .hit(what)
            }
        }
    }

    /// Whether the clOrdId is above the session's mark; if so, the mark rises.
    fn raise_mark(&mut self, session_id: u32, cl_ord_id: u64) -> bool {
        let Some(session) = self.sessions.get_mut(&session_id) else {
            return true;
        };
        let above = cl_ord_id > session.mark;
        if above {
            session.mark = cl_ord_id;
        }
        above
    }

    fn enter_new(&self, session_id: u32, m: &NewOrder, busy: bool) -> Result<Entered, RejectCode> {
        let instrument = self
            .instruments
            .get(&m.instrument_id)
            .ok_or(RejectCode::UnknownInstrument)?;
        if !self.accounts.contains_key(&m.account) {
            return Err(RejectCode::UnknownAccount);
        }
        let allowed = match m.ord_type {
            OrdType::Market => instrument.def.ord_types & 1 != 0,
            OrdType::Limit => instrument.def.ord_types & 2 != 0,
            _ => false,
        };
        if !allowed {
            return Err(RejectCode::UnsupportedOrderType);
        }
        if m.qty.0 <= 0 {
            return Err(RejectCode::BadQty);
        }
        fits_lot(instrument, m.side, m.qty.0)?;
        fits_tick(instrument, m.ord_type, m.price)?;
        self.entitled(session_id, m.account, m.trader_id)?;
        self.permitted(m.account, m.instrument_id, m.ord_type)?;
        Ok(Entered {
            ask: Ask {
                session: session_id,
                account: m.account,
                instrument: m.instrument_id,
                trader: m.trader_id,
                buy: m.side == Side::Buy,
                price: known(m.price),
                qty: i128::from(m.qty.0),
                busy,
                replaces: None,
            },
            cl_ord_id: m.cl_ord_id,
        })
    }

    fn enter_replace(
        &self,
        session_id: u32,
        m: &ReplaceOrder,
        busy: bool,
    ) -> Result<Entered, RejectCode> {
        if m.qty.0 <= 0 {
            return Err(RejectCode::BadQty);
        }
        let index = self
            .find(session_id, m.orig_cl_ord_id)
            .ok_or(RejectCode::UnknownOrder)?;
        let order = &self.orders[index];
        let instrument = &self.instruments[&order.instrument];
        fits_lot(instrument, order.side, m.qty.0)?;
        fits_tick(instrument, order.ord_type, m.price)?;
        if order.terminal
            || order.cancel_pending
            || order.unresolved
            || order.newest().cl_ord_id != m.orig_cl_ord_id
        {
            return Err(RejectCode::TooLate);
        }
        if order.trader != m.trader_id {
            return Err(RejectCode::NotEntitled);
        }
        self.entitled(session_id, order.account, m.trader_id)?;
        self.permitted(order.account, order.instrument, order.ord_type)?;
        Ok(Entered {
            ask: Ask {
                session: session_id,
                account: order.account,
                instrument: order.instrument,
                trader: order.trader,
                buy: order.is_buy(),
                price: known(m.price),
                qty: i128::from(m.qty.0),
                busy,
                replaces: Some(index),
            },
            cl_ord_id: m.cl_ord_id,
        })
    }

    /// The order of a session that had this id.
    pub(crate) fn find(&self, session_id: u32, cl_ord_id: u64) -> Option<usize> {
        self.orders
            .iter()
            .position(|o| o.session == session_id && o.had_id(cl_ord_id))
    }

    fn entitled(&self, session_id: u32, account: u32, trader: u16) -> Result<(), RejectCode> {
        let session = &self.sessions[&session_id];
        if session.accounts.contains(&account)
            && session.traders.contains(&trader)
            && self.traders.contains(&trader)
        {
            Ok(())
        } else {
            Err(RejectCode::NotEntitled)
        }
    }

    fn permitted(
        &self,
        account: u32,
        instrument: u32,
        ord_type: OrdType,
    ) -> Result<(), RejectCode> {
        let desk = self.accounts[&account];
        let group = self.instruments[&instrument].def.product_group;
        let forbidden = self
            .forbidden
            .iter()
            .any(|(scope, id, selector, what, only)| {
                let scope_matches = match *scope {
                    Scope::Account => *id == account,
                    Scope::Desk => *id == desk,
                    _ => *scope == Scope::Firm,
                };
                let selector_matches = match *selector {
                    Selector::Instrument => *what == instrument,
                    Selector::Group => *what == group,
                    _ => true,
                };
                scope_matches && selector_matches && (only.is_null() || *only == ord_type)
            });
        if forbidden {
            Err(RejectCode::NotPermitted)
        } else {
            Ok(())
        }
    }

    fn add_order(&mut self, seq: u64, m: &NewOrder, entered: &Entered, plan: &Plan) -> u64 {
        let ask = &entered.ask;
        self.orders.push(Order {
            order_id: seq,
            session: ask.session,
            account: ask.account,
            instrument: ask.instrument,
            trader: ask.trader,
            strategy: m.strategy_id,
            side: m.side,
            ord_type: m.ord_type,
            tif: m.tif,
            cum: 0,
            versions: vec![version_of(entered, plan, false)],
            cancel_ids: Vec::new(),
            acknowledged: false,
            cancel_pending: false,
            unresolved: false,
            ended_with_gap: false,
            terminal: false,
        });
        seq
    }

    fn add_version(&mut self, entered: &Entered, plan: &Plan) -> u64 {
        let order = &mut self.orders[entered.ask.replaces.unwrap_or(0)];
        order.versions.push(version_of(entered, plan, true));
        order.order_id
    }

    fn cancel(&mut self, session_id: u32, m: &CancelOrder) -> Expect {
        let Some(index) = self.find(session_id, m.orig_cl_ord_id) else {
            return Expect::rejected(Refusal::of(RejectCode::UnknownOrder));
        };
        if self.orders[index].terminal {
            return Expect::rejected(Refusal::of(RejectCode::TooLate));
        }
        if !self.raise_mark(session_id, m.cl_ord_id) {
            return Expect::rejected(Refusal::of(RejectCode::DuplicateClOrdId));
        }
        let order = &mut self.orders[index];
        order.cancel_pending = true;
        order.cancel_ids.push(m.cl_ord_id);
        Expect {
            order_id: Some(order.order_id),
            ..Expect::of(Outcome::Accepted)
        }
        .hit("accepted cancel")
    }

    fn mass_cancel(&mut self, session_id: u32, m: &MassCancel) -> Expect {
        if !self.raise_mark(session_id, m.cl_ord_id) {
            return Expect::rejected(Refusal::of(RejectCode::DuplicateClOrdId));
        }
        let accounts = self.sessions[&session_id].accounts.clone();
        let mut requested = 0;
        for order in self.orders.iter_mut().filter(|o| !o.terminal) {
            let matches = accounts.contains(&order.account)
                && (m.account == u32::MAX || m.account == order.account)
                && (m.instrument_id == u32::MAX || m.instrument_id == order.instrument)
                && (m.trader_id == u16::MAX || m.trader_id == order.trader)
                && (m.strategy_id == u16::MAX || m.strategy_id == order.strategy)
                && (m.side.is_null() || (m.side == Side::Buy) == order.is_buy());
            if matches {
                order.cancel_pending = true;
                requested += 1;
            }
        }
        Expect {
            requested: Some(requested),
            ..Expect::of(Outcome::Accepted)
        }
        .hit("mass cancel")
    }

    fn set_limit(&mut self, m: &SetLimit) -> Expect {
        let scope_known = match m.scope {
            Scope::Account => self.accounts.contains_key(&m.scope_id),
            Scope::Desk => self.desks.contains(&m.scope_id),
            Scope::Firm => m.scope_id == 0,
            Scope::Trader => {
                u16::try_from(m.scope_id).is_ok_and(|trader| self.traders.contains(&trader))
            }
            _ => false,
        };
        let selector_known = match m.selector {
            Selector::Instrument => self.instruments.contains_key(&m.selector_id),
            Selector::Group => self
                .instruments
                .values()
                .any(|i| i.def.product_group == m.selector_id),
            _ => m.selector == Selector::All && m.selector_id == 0,
        };
        let removes = m.value == i64::MIN;
        if !scope_known || !selector_known || (m.value < 0 && !removes) {
            return Expect::of(Outcome::Refused).hit("limit refused");
        }
        let key = LimitKey {
            scope: m.scope,
            scope_id: m.scope_id,
            kind: m.limit_kind,
            selector: m.selector,
            selector_id: m.selector_id,
        };
        let version = self.limit_version(&key);
        if version != m.expected_version {
            return Expect::refused(RejectCode::VersionConflict).hit("code 300 VersionConflict");
        }
        if removes {
            if self.limits.remove(&key).is_some() {
                self.removed.insert(key, version + 1);
            }
            self.buckets.remove(&key);
            return Expect::any(&[Outcome::Applied, Outcome::NoEffect]).hit("limit removed");
        }
        self.limits.insert(
            key,
            Limit {
                value: m.value,
                window: m.window_ns,
                unit: m.unit,
                version: version + 1,
            },
        );
        Expect::of(Outcome::Applied).hit("limit set")
    }

    fn set_state(&mut self, m: &SetState) -> Expect {
        let known = match m.scope {
            Scope::Account => self.accounts.contains_key(&m.scope_id),
            Scope::Desk => self.desks.contains(&m.scope_id),
            Scope::Firm => m.scope_id == 0,
            Scope::Trader => {
                u16::try_from(m.scope_id).is_ok_and(|trader| self.traders.contains(&trader))
            }
            _ => self.instruments.contains_key(&m.scope_id),
        };
        if !known {
            return Expect::of(Outcome::Refused).hit("state refused");
        }
        let at = (m.scope, m.scope_id);
        let version = self.states.get(&at).map_or(0, |(_, version)| *version);
        if version != m.expected_version {
            return Expect::refused(RejectCode::VersionConflict).hit("code 300 VersionConflict");
        }
        self.states.insert(at, (m.state, version + 1));
        let mut requested = None;
        if m.cancel_open == Flag::Yes {
            let mut count = 0;
            for index in 0..self.orders.len() {
                let order = &self.orders[index];
                let in_scope = if m.scope == Scope::Instrument {
                    order.instrument == m.scope_id
                } else {
                    self.belongs(at, order.account, Some(order.trader))
                };
                if in_scope && !order.terminal {
                    self.orders[index].cancel_pending = true;
                    count += 1;
                }
            }
            requested = Some(count);
        }
        Expect {
            requested,
            ..Expect::of(Outcome::Applied)
        }
        .hit(match m.state {
            TradingState::Halted => "state Halted",
            TradingState::ReduceOnly => "state ReduceOnly",
            _ => "state Active",
        })
    }

    fn set_reference(&mut self, m: &SetReference) -> Expect {
        let Some(instrument) = self.instruments.get_mut(&m.instrument_id) else {
            return Expect::of(Outcome::Refused);
        };
        instrument.reference = known(m.price).map(|px| (px, m.feed_time.0));
        if let Some(px) = known(m.price) {
            instrument.last_reference = Some(px);
        }
        Expect::any(&[Outcome::Applied, Outcome::NoEffect])
    }

    fn set_fx(&mut self, m: &SetFx) -> Expect {
        if m.currency == self.base || (m.rate.0 <= 0 && !m.rate.is_null()) {
            return Expect::any(&[Outcome::Refused, Outcome::NoEffect]);
        }
        let Some(currency) = self.currencies.get_mut(&m.currency) else {
            return Expect::of(Outcome::Refused);
        };
        currency.rate = (!m.rate.is_null()).then_some((m.rate.0, m.rate_time.0));
        if m.max_age_ns != u64::MAX {
            currency.max_age = Some(m.max_age_ns);
        }
        Expect::any(&[Outcome::Applied, Outcome::NoEffect])
    }

    fn define_account(&mut self, m: &DefineAccount) -> Expect {
        if !self.desks.contains(&m.desk_id) {
            return Expect::of(Outcome::Refused);
        }
        let before = self.accounts.insert(m.account, m.desk_id);
        if m.suspense == Flag::Yes {
            self.suspense = Some(m.account);
        }
        let moved = before.is_some_and(|desk| desk != m.desk_id);
        let expect = Expect::any(&[Outcome::Applied, Outcome::NoEffect]);
        if moved {
            expect.hit("account moved")
        } else {
            expect
        }
    }

    fn permit(&mut self, m: &Permit) -> Expect {
        let key = (m.scope, m.scope_id, m.selector, m.selector_id, m.ord_type);
        if m.allow == Flag::No {
            self.forbidden.insert(key);
        } else {
            self.forbidden.remove(&key);
        }
        Expect::any(&[Outcome::Applied, Outcome::NoEffect]).hit("permit")
    }

    fn position_load(&mut self, m: &PositionLoad) -> Expect {
        if !m.qty.is_null() {
            let known = self.accounts.contains_key(&m.account)
                && self.instruments.contains_key(&m.instrument_id);
            if !known {
                return Expect::of(Outcome::Refused);
            }
            self.batch.push((m.account, m.instrument_id, m.qty.0));
        }
        // Rows of a new batch apply one by one; those of a complete one are only compared.
        let key = (m.batch_id, m.business_date);
        let complete = self.batches.get(&key);
        if !m.qty.is_null() && complete.is_none() {
            self.loads.insert(
                (m.account, m.instrument_id),
                (i128::from(m.qty.0), self.day),
            );
        }
        if m.last != Flag::Yes {
            return Expect::any(&[Outcome::Applied, Outcome::NoEffect, Outcome::Refused]);
        }
        let batch = std::mem::take(&mut self.batch);
        if let Some(before) = self.batches.get(&key) {
            return if m.business_date != self.business_date {
                Expect::any(&[Outcome::NoEffect, Outcome::Refused]).hit("load of another day")
            } else if *before == batch {
                Expect::of(Outcome::NoEffect).hit("load repeated")
            } else {
                Expect::any(&[Outcome::Refused, Outcome::NoEffect]).hit("load refused")
            };
        }
        self.batches.insert(key, batch);
        Expect::of(Outcome::Applied).hit("load")
    }

    fn reconcile(&mut self, m: &Reconcile) -> Expect {
        if m.what == ReconcileWhat::Restart {
            self.restricted = false;
            return Expect::any(&[Outcome::Applied, Outcome::NoEffect]).hit("restart reconciled");
        }
        let Some(order) = self.orders.iter_mut().find(|o| o.order_id == m.order_id) else {
            return Expect::of(Outcome::Refused).hit("reconcile refused");
        };
        let leaves = i128::from(m.leaves_qty.0);
        let step = i128::from(self.instruments[&order.instrument].def.qty_step.0);
        if order.terminal
            || !order.unresolved
            || leaves < 0
            || leaves > order.reserved_qty()
            || leaves % step != 0
            || m.reason.as_str().is_empty()
        {
            return Expect::of(Outcome::Refused).hit("reconcile refused");
        }
        // With something left it stays unresolved: only fills or another word of ops end it.
        order.keep_at_most(leaves);
        order.terminal = leaves == 0;
        Expect::of(Outcome::Applied).hit("reconciled")
    }
}

impl Order {
    /// Each version keeps at most this much of its leaves.
    pub(crate) fn keep_at_most(&mut self, kept: i128) {
        let leaves: Vec<i128> = self.versions.iter().map(|v| self.leaves(v)).collect();
        for (version, leaves) in self.versions.iter_mut().zip(leaves) {
            version.gone += leaves - leaves.min(kept);
        }
    }

    /// Terminal only when no version is pending and nothing is left; an unresolved order ends by its
    /// fills, for nobody will answer its replaces.
    pub(crate) fn end_if_nothing_is_left(&mut self) {
        if self.reserved_qty() == 0 && (self.unresolved || self.pending_replaces() == 0) {
            self.terminal = true;
        }
    }
}

fn version_of(entered: &Entered, plan: &Plan, pending: bool) -> Version {
    Version {
        cl_ord_id: entered.cl_ord_id,
        qty: entered.ask.qty,
        price: entered.ask.price,
        accepted_leaves: plan.leaves,
        accepted_value: plan.value,
        gone: 0,
        pending,
        dropped: false,
        rejected: false,
    }
}

fn known(price: Price) -> Option<i64> {
    (!price.is_null()).then_some(price.0)
}

fn fits_lot(instrument: &Instrument, side: Side, qty: i64) -> Result<(), RejectCode> {
    let def = &instrument.def;
    let odd = qty % def.lot.0 != 0;
    let odd_allowed = def.odd_lot_sell == Flag::Yes && side != Side::Buy;
    if qty % def.qty_step.0 != 0 || (odd && !odd_allowed) {
        return Err(RejectCode::BadQty);
    }
    Ok(())
}

fn fits_tick(instrument: &Instrument, ord_type: OrdType, price: Price) -> Result<(), RejectCode> {
    let fits = match known(price) {
        None => ord_type == OrdType::Market,
        Some(px) => ord_type == OrdType::Limit && px % instrument.def.tick.0 == 0,
    };
    if fits {
        Ok(())
    } else {
        Err(RejectCode::BadPrice)
    }
}

/// The kinds of limit that are checked by this model, with `●` where one must be said.
pub(crate) const KINDS: &[(LimitKind, bool)] = &[
    (LimitKind::MaxOrderQty, true),
    (LimitKind::MaxOrderNotional, true),
    (LimitKind::PriceCollar, true),
    (LimitKind::ReferenceMaxAge, false),
    (LimitKind::OrderRate, true),
    (LimitKind::MaxOpenOrders, false),
    (LimitKind::MaxLong, true),
    (LimitKind::MaxShort, true),
    (LimitKind::GrossNotional, true),
    (LimitKind::NetLong, false),
    (LimitKind::NetShort, false),
];
