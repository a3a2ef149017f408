//! Reading the state: plain rows for reports, replay and tests.

use super::RiskEngine;
use crate::executions::Standing;
use crate::journal::SegmentId;
use crate::limits::SetKey;
use crate::units::saturate;
use crate::view::{
    CashView, CoverView, CurrencyView, FirmView, InstrumentView, LimitView, OrderView, RowView,
    SessionView, StateView,
};
use wire::{Flag, OrdType, Scope, Selector, Topology, VenueReport};

impl RiskEngine {
    /// The firm as a whole; `None` before the genesis.
    #[must_use]
    pub fn firm(&self) -> Option<FirmView> {
        let state = &self.state;
        self.defined.then(|| FirmView {
            instance: state.firm.instance.as_str().to_owned(),
            name: state.firm.name.as_str().to_owned(),
            base_currency: state.firm.base_currency.as_str().to_owned(),
            epoch: state.epoch,
            seq: self.seq,
            t: self.t,
            business_date: state.day.date,
            ready: state.day.ready,
            restricted: state.restricted,
            two_person: state.firm.two_person == Flag::Yes,
            clock_commanded: state.clock_commanded,
            live_orders: state.orders.live as u64,
        })
    }

    /// Sizes of the tables by the names that a firm's file has for them; `None` before the genesis.
    #[must_use]
    pub fn table_sizes(&self) -> Option<[(&'static str, u32); 7]> {
        self.defined.then(|| self.state.firm.table_sizes())
    }

    /// Segments that are missing before the journal's first, `None` if it begins where the last removal left it.
    #[must_use]
    pub fn missing_before(&self, first: SegmentId) -> Option<u64> {
        let expected = self.state.removed_segments.saturating_add(1);
        first.0.checked_sub(expected).filter(|missing| *missing > 0)
    }

    /// All rows in ascending order of scope, id and instrument.
    pub fn rows(&self) -> impl Iterator<Item = RowView> + '_ {
        let mut rows: Vec<RowView> = (0_u32..)
            .zip(self.state.exposure.rows())
            .map(|(slot, row)| {
                let node = self.state.tree.get(row.scope);
                let instrument = self.state.instruments.get(row.instrument);
                // Whether or not the row has followed the newest mark already.
                let row = &row.valued(&instrument.valuation());
                let instruments = &self.state.instruments;
                let parts = self.state.day_buys.parts(slot, row, instruments);
                let valued =
                    row.position == 0 || (instrument.mark.is_some() && instrument.factor.is_some());
                RowView {
                    scope: node.scope,
                    scope_id: node.id,
                    instrument_id: instrument.id,
                    position: row.position,
                    open_buy: row.open_buy,
                    open_sell: row.open_sell,
                    reserved_buy: row.reserved_buy,
                    reserved_sell: row.reserved_sell,
                    value: valued.then_some(row.value),
                    bought: row.bought,
                    sold: row.sold,
                    day_pnl: row.day_profit(&instrument.valuation()),
                    realised_pnl: parts.map(|parts| parts.realised),
                    unrealised_pnl: parts.map(|parts| parts.unrealised),
                    average_price: self.state.day_buys.average_price(slot, row, instruments),
                    fx_version: instruments.currency_of(instrument).version,
                }
            })
            .collect();
        rows.sort_by_key(|row| (row.scope, row.scope_id, row.instrument_id));
        rows.into_iter()
    }

    /// All live orders in ascending order of order id.
    pub fn live_orders(&self) -> impl Iterator<Item = OrderView> + '_ {
        let mut orders: Vec<OrderView> = self
            .state
            .orders
            .live()
            .map(|(slot, _)| self.order_view(slot))
            .collect();
        orders.sort_by_key(|order| order.order_id);
        orders.into_iter()
    }

    /// The desk of an account.
    #[must_use]
    pub fn desk_of(&self, account: u32) -> Option<u32> {
        let tree = &self.state.tree;
        let slot = tree.find(Scope::Account, account)?;
        Some(tree.get(tree.get(slot).desk).id)
    }

    /// Whether a limit applies to an instrument, by that, its group or its currency.
    #[must_use]
    pub fn limit_selects(&self, limit: &LimitView, instrument_id: u32) -> bool {
        let key = SetKey {
            scope: self
                .state
                .tree
                .find(limit.scope, limit.scope_id)
                .unwrap_or(u32::MAX),
            selector: limit.selector,
            selector_id: limit.selector_id,
        };
        let instrument = self.state.instruments.find(instrument_id);
        let known = self.state.limits.find(key, limit.kind);
        known.zip(instrument).is_some_and(|(limit, instrument)| {
            self.selects_instrument(self.state.limits.get(limit), instrument)
        })
    }

    /// An order, live or ended, while it is remembered: by one of its session's ids, or else by the id that the
    /// engine gave it. As a report names one.
    #[must_use]
    pub fn order_of(&self, session_id: u32, cl_ord_id: u64, order_id: u64) -> Option<OrderView> {
        let (sessions, orders) = (&self.state.sessions, &self.state.orders);
        let owner = sessions.find(session_id)?;
        let slot = orders.find(owner, cl_ord_id).or_else(|| {
            orders
                .find_by_order_id(order_id)
                .filter(|slot| orders.get(*slot).session == owner)
        })?;
        Some(self.order_view(slot))
    }

    /// What stands booked under an execution id that a session's report could name: the order's id (0 where it was
    /// not known) and the quantity.
    #[must_use]
    pub fn booked_as(
        &self,
        session_id: u32,
        report: &VenueReport,
        exec_id: u64,
    ) -> Option<(u64, i64)> {
        let turn = self.question(session_id, self.t)?;
        let instrument = self.state.instruments.find(report.instrument_id)?;
        let key = self.execution_key(&turn, report, instrument, exec_id);
        let execution = self.state.executions.get(self.state.executions.find(key)?);
        (execution.standing == Standing::Booked).then_some((execution.order_id, execution.qty))
    }

    pub(super) fn order_view(&self, slot: u32) -> OrderView {
        let state = &self.state;
        let order = state.orders.get(slot);
        let in_force = state.orders.in_force(slot);
        OrderView {
            order_id: order.order_id,
            session_id: state.sessions.get(order.session).id(),
            cl_ord_id: state.orders.first_cl_ord_id(slot),
            newest_cl_ord_id: state.orders.newest_cl_ord_id(slot),
            account: state.tree.get(order.account).id,
            instrument_id: state.instruments.get(order.instrument).id,
            trader_id: u16::try_from(state.tree.get(order.trader).id).unwrap_or(u16::MAX),
            strategy_id: order.strategy_id,
            side: order.side,
            ord_type: order.ord_type,
            tif: order.tif,
            status: state.orders.status(slot),
            price: (order.ord_type != OrdType::Market).then_some(in_force.price.0),
            qty: in_force.qty,
            cum_qty: order.cum_qty,
            leaves_qty: in_force.leaves(order.cum_qty),
            reserved_qty: order.reserved_qty,
            reserved_value: order.reserved_value,
            pending_replaces: u32::try_from(state.orders.pending(slot)).unwrap_or(u32::MAX),
        }
    }

    /// All limits in force, in ascending order of scope, id, kind, selector and selector id.
    pub fn limits(&self) -> impl Iterator<Item = LimitView> + '_ {
        let mut limits: Vec<LimitView> = self
            .state
            .limits
            .iter()
            .filter_map(|limit| {
                let node = self.state.tree.get(limit.scope);
                let warn = limit.warn_levels();
                Some(LimitView {
                    scope: node.scope,
                    scope_id: node.id,
                    selector: limit.selector,
                    selector_id: limit.selector_id,
                    kind: limit.kind,
                    value: limit.value?,
                    used: self.used_now(limit).map(saturate),
                    version: limit.version,
                    mode: limit.mode,
                    unit: limit.unit,
                    window_ns: limit.window_ns,
                    expires_at: limit.expires_at,
                    warn,
                })
            })
            .collect();
        limits.sort_by_key(|l| (l.scope, l.scope_id, l.kind, l.selector, l.selector_id));
        limits.into_iter()
    }

    /// Version of a limit, in force or removed; 0 if it was never set.
    #[must_use]
    pub fn limit_version(
        &self,
        (scope, scope_id): (Scope, u32),
        (selector, selector_id): (Selector, u32),
        kind: wire::LimitKind,
    ) -> u32 {
        self.state
            .tree
            .find(scope, scope_id)
            .and_then(|scope| {
                let key = crate::limits::SetKey {
                    scope,
                    selector,
                    selector_id,
                };
                self.state.limits.find(key, kind)
            })
            .map_or(0, |slot| self.state.limits.get(slot).version)
    }

    /// All scopes and instruments with their trading states, in ascending order of scope and id.
    pub fn states(&self) -> impl Iterator<Item = StateView> + '_ {
        let breached = |slot: usize| {
            self.state
                .limits
                .iter()
                .any(|limit| limit.breached && limit.scope as usize == slot)
        };
        let scopes = self
            .state
            .tree
            .iter()
            .enumerate()
            .map(|(slot, node)| StateView {
                scope: node.scope,
                scope_id: node.id,
                state: node.state,
                version: node.state_version,
                breached: breached(slot),
            });
        let instruments = self.state.instruments.iter().map(|instrument| StateView {
            scope: Scope::Instrument,
            scope_id: instrument.id,
            state: instrument.state,
            version: instrument.state_version,
            breached: false,
        });
        let mut states: Vec<StateView> = scopes.chain(instruments).collect();
        states.sort_by_key(|state| (state.scope, state.scope_id));
        states.into_iter()
    }

    /// All sessions in ascending order of id.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView> + '_ {
        let mut sessions: Vec<SessionView> = self
            .state
            .sessions
            .iter()
            .map(|session| SessionView {
                session_id: session.id(),
                name: session.definition.name.as_str().to_owned(),
                role: session.role(),
                topology: if session.definition.topology.is_null() {
                    Topology::Inline
                } else {
                    session.definition.topology
                },
                venue_id: session.venue_id(),
                key_id: session.definition.key_id,
                public_key: session.definition.public_key.as_str().to_owned(),
                person: session.definition.person.as_str().to_owned(),
                up: session.up,
                cod_mode: session.cod_mode,
                awaits_grace: session.awaits_grace(),
                last_applied_seq_no: session.last_applied,
                next_out_seq_no: session.next_out,
                cl_ord_id_mark: session.cl_ord_id_mark,
            })
            .collect();
        sessions.sort_by_key(|session| session.session_id);
        sessions.into_iter()
    }

    /// Accounts a session may act for, ascending.
    pub fn entitled_accounts(&self, session_id: u32) -> impl Iterator<Item = u32> + '_ {
        let mut accounts: Vec<u32> = self
            .state
            .sessions
            .find(session_id)
            .map(|slot| self.state.sessions.get(slot).accounts.slots())
            .unwrap_or_default()
            .iter()
            .map(|slot| self.state.tree.get(*slot).id)
            .collect();
        accounts.sort_unstable();
        accounts.into_iter()
    }

    /// Desks and their accounts as (desk, account), ascending.
    pub fn accounts(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let tree = &self.state.tree;
        let mut accounts: Vec<(u32, u32)> = tree
            .iter()
            .filter(|node| node.scope == Scope::Account)
            .map(|node| (tree.get(node.desk).id, node.id))
            .collect();
        accounts.sort_unstable();
        accounts.into_iter()
    }

    /// Self-match group of an account and whether its self-match check is off; `None` if unknown.
    #[must_use]
    pub fn self_match(&self, account: u32) -> Option<(u32, bool)> {
        let slot = self.state.tree.find(Scope::Account, account)?;
        let node = self.state.tree.get(slot);
        Some((node.self_match_group, node.self_match_off))
    }

    /// All instruments in ascending order of id.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentView> + '_ {
        let mut instruments: Vec<InstrumentView> = self
            .state
            .instruments
            .iter()
            .map(|instrument| InstrumentView {
                definition: wire::DefineInstrument {
                    flags: 0,
                    seq_no: 0,
                    request_id: 0,
                    ..instrument.definition
                },
                reference: instrument.reference.map(|r| (r.price, r.feed_time)),
                mark: instrument.mark,
            })
            .collect();
        instruments.sort_by_key(|instrument| instrument.definition.instrument_id);
        instruments.into_iter()
    }

    /// All currencies in ascending order of code.
    pub fn currencies(&self) -> impl Iterator<Item = CurrencyView> + '_ {
        let mut currencies: Vec<CurrencyView> = self
            .state
            .instruments
            .currencies
            .iter()
            .map(|currency| CurrencyView {
                currency: currency.code.as_str().to_owned(),
                rate: currency.rate.map(|rate| (rate, currency.rate_time)),
                max_age_ns: currency.max_age_ns,
                version: currency.version,
            })
            .collect();
        currencies.sort_by(|a, b| a.currency.cmp(&b.currency));
        currencies.into_iter()
    }

    /// All cash books, in ascending order of account and currency.
    pub fn cash_books(&self) -> impl Iterator<Item = CashView> + '_ {
        let mut books: Vec<CashView> = self
            .state
            .cash
            .iter()
            .map(|(account, currency, book)| CashView {
                account: self.state.tree.get(*account).id,
                currency: self.state.instruments.currencies[*currency as usize].code,
                cash: book.cash,
                reserved: book.reserved,
            })
            .collect();
        books.sort_unstable();
        books.into_iter()
    }

    /// What accounts may sell, in ascending order of account and instrument.
    pub fn covers(&self) -> impl Iterator<Item = CoverView> + '_ {
        let rows = (0_u32..).zip(self.state.exposure.rows());
        let mut covers: Vec<CoverView> = rows
            .filter(|(_, row)| self.state.tree.get(row.scope).scope == Scope::Account)
            .map(|(slot, row)| {
                let book = self.state.exposure.short(slot);
                CoverView {
                    account: self.state.tree.get(row.scope).id,
                    instrument_id: self.state.instruments.get(row.instrument).id,
                    settled: book.settled,
                    sold: book.sold,
                    locates: book.locates,
                    located_used: book.located_used,
                    live_sells: self.state.exposure.live_sells(slot),
                }
            })
            .collect();
        covers.sort_unstable();
        covers.into_iter()
    }

    /// Records of fills that could not be booked (R15), oldest first.
    #[must_use]
    pub fn unbooked_fills(&self) -> &[u64] {
        &self.state.unbooked
    }
}
