//! Orders, replaces and cancels: entry, decision, reservation.

use super::{RiskEngine, Turn};
use crate::checks::{self, Chain, Findings, Proposal, Refusal};
use crate::decision::{Decision, Outbox, Outcome};
use crate::exposure::Delta;
use crate::orders::{Accepted, Order, PENDING_MAX, VersionState, version};
use crate::tree::CHAIN;
use wire::{
    CancelOrder, CancelReason, Flag, LimitKind, NewOrder, OrdType, OrderAccepted, OrderRejected,
    Price, Qty, RejectCode, ReplaceOrder, RoutedCancel, RoutedOrder, RoutedReplace, Scope, Side,
};

/// What a new order or a replace asks of the service as such.
struct Service {
    cl_ord_id: u64,
    account: u32,
    trader: u32,
    instrument: u32,
    ord_type: OrdType,
}

impl RiskEngine {
    pub(super) fn new_order(&mut self, turn: &Turn, m: &NewOrder, out: &mut Outbox) -> Decision {
        let mut found = Findings::default();
        let checked = self.enter(turn, m, &mut found).and_then(|proposal| {
            let value = self.decide(&proposal, &mut found)?;
            Ok((value.worth, proposal))
        });
        let (worth, proposal) = match checked {
            Ok((_, proposal)) if proposal.what_if => {
                return self.accept(turn, m.cl_ord_id, 0, Some(&found), out);
            }
            Ok(checked) => checked,
            Err(refusal) => {
                let rejected = self.reject(turn, m.cl_ord_id, 100, refusal, out);
                return with_shadow(rejected, &found);
            }
        };

        // From here on the order is accepted: nothing below can fail.
        let order_id = turn.seq;
        let rows = self.rows_of(&proposal);
        let delta = Delta {
            buy: proposal.is_buy(),
            qty: i128::from(m.qty.0),
            value: i128::from(worth.value),
            live: 1,
            ..Delta::default()
        };
        self.reserve(rows, delta);
        let session = turn.session.unwrap_or_default();
        let inline = self.state.sessions.get(session).is_inline();
        let accepted = Accepted {
            order_id,
            session,
            account: proposal.chain.scopes[0],
            trader: proposal.chain.scopes[3],
            instrument: proposal.instrument,
            account_row: rows[0],
            trader_row: rows[3],
            inline,
        };
        let first = version(
            m.cl_ord_id,
            m.price,
            (m.qty.0, m.qty.0),
            worth,
            VersionState::InForce,
        );
        let slot = self.state.orders.add(Order::new(accepted, m, worth), first);
        self.note_accepted(slot, &proposal, worth);
        self.refresh_rows(&rows);
        let decision = self.accept(turn, m.cl_ord_id, order_id, Some(&found), out);
        if inline {
            let routed = RoutedOrder {
                order_id,
                cl_ord_id: m.cl_ord_id,
                price: m.price,
                qty: m.qty,
                account: m.account,
                instrument_id: m.instrument_id,
                order_session_id: self.state.sessions.get(session).id(),
                trader_id: m.trader_id,
                strategy_id: m.strategy_id,
                side: m.side,
                ord_type: m.ord_type,
                tif: m.tif,
                capacity: m.capacity,
                ..RoutedOrder::default()
            };
            self.route(proposal.instrument, routed.into(), out);
        }
        decision
    }

    /// All controls; then, unless the order is only asked about, what they moved on their way.
    fn decide(
        &mut self,
        proposal: &Proposal,
        found: &mut Findings,
    ) -> Result<checks::Values, Refusal> {
        let decided = checks::decide(&self.state, proposal, found);
        if found.rate_conforms && !proposal.what_if {
            checks::advance_rates(&mut self.state, proposal);
        }
        if let Some((list, bound)) = found.peer_bound {
            self.state.peers.tighten(list, bound);
        }
        decided
    }

    /// The entry checks; the clOrdId's mark rises as soon as that check has passed (R32).
    fn enter(
        &mut self,
        turn: &Turn,
        m: &NewOrder,
        found: &mut Findings,
    ) -> Result<Proposal, Refusal> {
        let checked = self.check_entry(turn, m, found);
        self.raise_mark(turn, m.cl_ord_id, found);
        checked
    }

    fn raise_mark(&mut self, turn: &Turn, cl_ord_id: u64, found: &Findings) {
        if found.mark_passes
            && !turn.what_if
            && let Some(slot) = turn.session
        {
            self.state.sessions.get_mut(slot).cl_ord_id_mark = cl_ord_id;
        }
    }

    /// The checks that need no limits, in the documented order.
    pub(super) fn check_entry(
        &self,
        turn: &Turn,
        m: &NewOrder,
        found: &mut Findings,
    ) -> Result<Proposal, Refusal> {
        let state = &self.state;
        let instrument = state
            .instruments
            .find(m.instrument_id)
            .ok_or(Refusal::plain(RejectCode::UnknownInstrument))?;
        let account = state
            .tree
            .find(Scope::Account, m.account)
            .ok_or(Refusal::plain(RejectCode::UnknownAccount))?;
        self.check_order_type(instrument, m.ord_type)?;
        self.check_qty(instrument, m.side, m.qty)?;
        self.check_price(instrument, m.ord_type, m.price)?;
        let session = self.session_of(turn)?;
        let not_entitled = Refusal::plain(RejectCode::NotEntitled);
        let trader = state
            .tree
            .find(Scope::Trader, u32::from(m.trader_id))
            .ok_or(not_entitled)?;
        let speaker = state.sessions.get(session);
        if !speaker.may_use_account(account) || !speaker.may_name_trader(trader) {
            return Err(not_entitled);
        }
        let service = Service {
            cl_ord_id: m.cl_ord_id,
            account,
            trader,
            instrument,
            ord_type: m.ord_type,
        };
        self.check_service(turn, &service, found)?;
        Ok(Proposal {
            chain: Chain::of(&self.state, account, trader, instrument),
            instrument,
            side: m.side,
            ord_type: m.ord_type,
            price: m.price,
            qty: m.qty.0,
            leaves: m.qty.0,
            reserved_qty: 0,
            reserved_value: 0,
            reserved_cash: 0,
            located_qty: 0,
            replaces: None,
            what_if: turn.what_if,
            t: turn.t,
        })
    }

    /// C19, clOrdId, room, capacity, venue, day: the same for new orders and replaces.
    fn check_service(
        &self,
        turn: &Turn,
        service: &Service,
        found: &mut Findings,
    ) -> Result<(), Refusal> {
        let session = self.session_of(turn)?;
        let (instrument, ord_type) = (service.instrument, service.ord_type);
        let chain = self.state.tree.chain(service.account, service.trader);
        checks::is_permitted(&self.state, &chain[..2], instrument, ord_type)?;
        self.check_cl_ord_id(session, service.cl_ord_id)?;
        found.mark_passes = true;
        if turn.busy {
            return Err(Refusal::plain(RejectCode::Busy));
        }
        let state = &self.state;
        let longest = state.limits.longest_window(LimitKind::DuplicateOrder);
        if state.orders.is_nearly_full()
            || (longest > 0 && state.accepted_orders.is_nearly_full(turn.t, longest))
            || state.exposure.is_nearly_full()
            || state.executions.is_nearly_full()
        {
            return Err(Refusal::plain(RejectCode::CapacityExceeded));
        }
        let venue = state.instruments.get(instrument).definition.venue_id;
        if state.sessions.get(session).is_inline() && !state.sessions.venue_is_up(venue) {
            return Err(Refusal::plain(RejectCode::VenueDown));
        }
        if !state.day.ready {
            return Err(Refusal::plain(RejectCode::NotReady));
        }
        Ok(())
    }

    fn session_of(&self, turn: &Turn) -> Result<u32, Refusal> {
        turn.session.ok_or(Refusal::plain(RejectCode::NotEntitled))
    }

    fn check_cl_ord_id(&self, session: u32, cl_ord_id: u64) -> Result<(), Refusal> {
        if cl_ord_id <= self.state.sessions.get(session).cl_ord_id_mark {
            return Err(Refusal::plain(RejectCode::DuplicateClOrdId));
        }
        Ok(())
    }

    /// The clOrdId is above the session's mark, which rises to it, whatever becomes of the message.
    pub(super) fn take_cl_ord_id(&mut self, session: u32, cl_ord_id: u64) -> Result<(), Refusal> {
        self.check_cl_ord_id(session, cl_ord_id)?;
        self.state.sessions.get_mut(session).cl_ord_id_mark = cl_ord_id;
        Ok(())
    }

    fn check_order_type(&self, instrument: u32, ord_type: OrdType) -> Result<(), Refusal> {
        let allowed = match self.state.instruments.get(instrument).definition.ord_types {
            0 => 3,
            bits => bits,
        };
        let bit = match ord_type {
            OrdType::Market => 1,
            OrdType::Limit => 2,
            _ => 0,
        };
        if bit & allowed == 0 {
            return Err(Refusal::plain(RejectCode::UnsupportedOrderType));
        }
        Ok(())
    }

    fn check_qty(&self, instrument: u32, side: Side, qty: Qty) -> Result<(), Refusal> {
        let definition = &self.state.instruments.get(instrument).definition;
        let is_multiple = |step: Qty| qty.0.checked_rem(step.0) == Some(0);
        let odd_lot_allowed = side != Side::Buy && definition.odd_lot_sell == Flag::Yes;
        let valid = qty.0 > 0
            && is_multiple(definition.qty_step)
            && (odd_lot_allowed || is_multiple(definition.lot));
        if valid {
            Ok(())
        } else {
            Err(Refusal::plain(RejectCode::BadQty))
        }
    }

    fn check_price(&self, instrument: u32, ord_type: OrdType, price: Price) -> Result<(), Refusal> {
        let tick = self.state.instruments.get(instrument).definition.tick;
        let valid = if ord_type == OrdType::Market {
            price.is_null()
        } else {
            !price.is_null() && price.0.checked_rem(tick.0) == Some(0)
        };
        if valid {
            Ok(())
        } else {
            Err(Refusal::plain(RejectCode::BadPrice))
        }
    }

    pub(super) fn replace_order(
        &mut self,
        turn: &Turn,
        m: &ReplaceOrder,
        out: &mut Outbox,
    ) -> Decision {
        let mut found = Findings::default();
        let entered = self.check_replace(turn, m, &mut found);
        self.raise_mark(turn, m.cl_ord_id, &found);
        let checked = entered.and_then(|(slot, proposal)| {
            let value = self.decide(&proposal, &mut found)?;
            Ok((value.worth, slot, proposal))
        });
        let (worth, slot, proposal) = match checked {
            Ok((_, slot, proposal)) if proposal.what_if => {
                let order_id = self.state.orders.get(slot).order_id;
                return self.accept(turn, m.cl_ord_id, order_id, Some(&found), out);
            }
            Ok(checked) => checked,
            Err(refusal) => {
                let rejected = self.reject(turn, m.cl_ord_id, 101, refusal, out);
                return with_shadow(rejected, &found);
            }
        };

        // From here on the replace is accepted: nothing below can fail.
        let added = version(
            m.cl_ord_id,
            m.price,
            (m.qty.0, proposal.leaves),
            worth,
            VersionState::Pending,
        );
        self.state.orders.add_replace(slot, added);
        self.note_replace(slot, &proposal);
        self.settle(slot, 0);
        let order = self.state.orders.get(slot);
        let (order_id, inline) = (order.order_id, order.inline);
        let routed = RoutedReplace {
            order_id,
            cl_ord_id: m.cl_ord_id,
            orig_cl_ord_id: m.orig_cl_ord_id,
            price: m.price,
            qty: m.qty,
            account: self.state.tree.get(order.account).id,
            instrument_id: self.state.instruments.get(order.instrument).id,
            order_session_id: self.state.sessions.get(order.session).id(),
            side: order.side,
            ord_type: order.ord_type,
            ..RoutedReplace::default()
        };
        let decision = self.accept(turn, m.cl_ord_id, order_id, Some(&found), out);
        if inline {
            self.route(proposal.instrument, routed.into(), out);
        }
        decision
    }

    pub(super) fn check_replace(
        &self,
        turn: &Turn,
        m: &ReplaceOrder,
        found: &mut Findings,
    ) -> Result<(u32, Proposal), Refusal> {
        let session = self.session_of(turn)?;
        if m.qty.0 <= 0 {
            return Err(Refusal::plain(RejectCode::BadQty));
        }
        let slot = self
            .state
            .orders
            .find(session, m.orig_cl_ord_id)
            .ok_or(Refusal::plain(RejectCode::UnknownOrder))?;
        let order = self.state.orders.get(slot);
        let (account, trader, instrument) = (order.account, order.trader, order.instrument);
        let (side, ord_type) = (order.side, order.ord_type);
        self.check_qty(instrument, side, m.qty)?;
        self.check_price(instrument, ord_type, m.price)?;
        if order.terminal
            || order.cancel_pending
            || order.unresolved
            || self.state.orders.newest(slot).cl_ord_id != m.orig_cl_ord_id
        {
            return Err(Refusal::plain(RejectCode::TooLate));
        }
        let named = self.state.tree.find(Scope::Trader, u32::from(m.trader_id));
        let speaker = self.state.sessions.get(session);
        if named != Some(trader)
            || !speaker.may_use_account(account)
            || !speaker.may_name_trader(trader)
        {
            return Err(Refusal::plain(RejectCode::NotEntitled));
        }
        let pending = self.state.orders.reserved(slot).pending;
        let turn = Turn {
            busy: turn.busy || pending >= PENDING_MAX,
            ..*turn
        };
        let service = Service {
            cl_ord_id: m.cl_ord_id,
            account,
            trader,
            instrument,
            ord_type,
        };
        self.check_service(&turn, &service, found)?;
        let order = self.state.orders.get(slot);
        let proposal = Proposal {
            chain: Chain::of(&self.state, account, trader, instrument),
            instrument,
            side,
            ord_type,
            price: m.price,
            qty: m.qty.0,
            leaves: m.qty.0.saturating_sub(order.cum_qty).max(0),
            reserved_qty: order.reserved_qty,
            reserved_value: order.reserved_value,
            reserved_cash: order.reserved_cash,
            located_qty: order.largest_qty,
            replaces: Some(slot),
            what_if: turn.what_if,
            t: turn.t,
        };
        Ok((slot, proposal))
    }

    pub(super) fn cancel_order(
        &mut self,
        turn: &Turn,
        m: &CancelOrder,
        out: &mut Outbox,
    ) -> Decision {
        let slot = match self.check_cancel(turn, m) {
            Ok(slot) => slot,
            Err(refusal) => return self.reject(turn, m.cl_ord_id, 102, refusal, out),
        };

        // R8: a request releases nothing; R31: a repeated one is routed again.
        self.state.orders.get_mut(slot).cancel_pending = true;
        let (order_id, inline) = {
            let order = self.state.orders.get(slot);
            (order.order_id, order.inline)
        };
        let decision = self.accept(turn, m.cl_ord_id, order_id, None, out);
        if inline {
            self.route_cancel(slot, m.cl_ord_id, CancelReason::Requested, out);
        }
        decision
    }

    fn check_cancel(&mut self, turn: &Turn, m: &CancelOrder) -> Result<u32, Refusal> {
        let session = self.session_of(turn)?;
        let slot = self
            .state
            .orders
            .find(session, m.orig_cl_ord_id)
            .ok_or(Refusal::plain(RejectCode::UnknownOrder))?;
        if self.state.orders.get(slot).terminal {
            return Err(Refusal::plain(RejectCode::TooLate));
        }
        self.take_cl_ord_id(session, m.cl_ord_id)?;
        Ok(slot)
    }

    /// Sends a request to cancel to whoever has the order: the venue, or the sidecar desk itself.
    pub(super) fn route_cancel(
        &mut self,
        slot: u32,
        cl_ord_id: u64,
        reason: CancelReason,
        out: &mut Outbox,
    ) {
        let order = self.state.orders.get(slot);
        let (inline, session, instrument) = (order.inline, order.session, order.instrument);
        let routed = RoutedCancel {
            order_id: order.order_id,
            cl_ord_id,
            orig_cl_ord_id: self.state.orders.newest(slot).cl_ord_id,
            account: self.state.tree.get(order.account).id,
            instrument_id: self.state.instruments.get(instrument).id,
            order_session_id: self.state.sessions.get(session).id(),
            side: order.side,
            reason,
            ..RoutedCancel::default()
        };
        if inline {
            self.route(instrument, routed.into(), out);
        } else {
            self.send(session, routed.into(), out);
        }
    }

    fn route(&mut self, instrument: u32, reply: wire::Reply, out: &mut Outbox) {
        let venue = self.state.instruments.get(instrument).definition.venue_id;
        if let Some(session) = self.state.sessions.of_venue(venue) {
            self.send(session, reply, out);
        }
    }

    /// The rows of an order's chain, made where there were none.
    fn rows_of(&mut self, proposal: &Proposal) -> [u32; CHAIN] {
        let state = &mut self.state;
        let [account, _, _, trader] = proposal.chain.scopes;
        let mut row = |scope| {
            state.exposure.row_or_new(
                scope,
                proposal.instrument,
                &state.tree,
                &mut state.instruments,
                &state.limits,
            )
        };
        let (account_row, trader_row) = (row(account), row(trader));
        self.state.exposure.chain_rows(account_row, trader_row)
    }

    /// R28: all levels, or none. They were all checked before.
    pub(super) fn reserve(&mut self, rows: [u32; CHAIN], delta: Delta) {
        for row in rows {
            self.state
                .exposure
                .apply(row, delta, &self.state.instruments);
        }
    }

    fn accept(
        &mut self,
        turn: &Turn,
        cl_ord_id: u64,
        order_id: u64,
        found: Option<&Findings>,
        out: &mut Outbox,
    ) -> Decision {
        let tightest = found.map(|f| f.headroom).filter(|h| !h.kind.is_null());
        let mut decision = Decision {
            order_id,
            util_bps: tightest.map_or(if found.is_some() { 0 } else { u16::MAX }, |h| h.bps),
            util_limit_kind: tightest.map_or(LimitKind::NULL, |h| h.kind),
            util_scope: tightest.map_or(Scope::NULL, |h| h.scope),
            ..Decision::of(Outcome::Accepted)
        };
        if let Some(found) = found {
            decision = with_shadow(decision, found);
        }
        let reply = OrderAccepted {
            flags: turn.flags(),
            cl_ord_id,
            order_id,
            util_bps: decision.util_bps,
            util_limit_kind: decision.util_limit_kind,
            util_scope: decision.util_scope,
            ..OrderAccepted::default()
        };
        self.reply(turn, reply.into(), out);
        decision
    }

    /// Answers a refused order, replace, cancel or mass cancel.
    pub(super) fn reject(
        &mut self,
        turn: &Turn,
        cl_ord_id: u64,
        ref_template_id: u8,
        refusal: Refusal,
        out: &mut Outbox,
    ) -> Decision {
        let decision = Decision {
            code: refusal.code.number(),
            limit_kind: refusal.kind,
            scope: refusal.scope,
            scope_id: refusal.scope_id.unwrap_or(u32::MAX),
            limit: refusal.limit.unwrap_or(i64::MIN),
            observed: refusal.observed.unwrap_or(i64::MIN),
            version: refusal.version.unwrap_or(u32::MAX),
            ..Decision::of(Outcome::Rejected)
        };
        let reply = OrderRejected {
            flags: turn.flags(),
            cl_ord_id,
            limit_value: decision.limit,
            observed_value: decision.observed,
            code: decision.code,
            ref_template_id,
            limit_scope: decision.scope,
            scope_id: decision.scope_id,
            limit_version: decision.version,
            limit_kind: decision.limit_kind,
            ..OrderRejected::default()
        };
        self.reply(turn, reply.into(), out);
        decision
    }
}

/// Records the first shadow limit that would have refused.
fn with_shadow(decision: Decision, found: &Findings) -> Decision {
    found.shadow.map_or(decision, |shadow| Decision {
        shadow_code: shadow.code.number(),
        shadow_limit_kind: shadow.kind,
        shadow_scope: shadow.scope,
        shadow_scope_id: shadow.scope_id.unwrap_or(u32::MAX),
        ..decision
    })
}
