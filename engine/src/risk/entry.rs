//! What is asked of the service as such, before any control: known names, quantity, price, entitlement,
//! clOrdId, room, venue, day.

use super::{RiskEngine, Turn};
use crate::checks::{self, Ask, Findings, NO_ROW, Refusal};
use crate::instrument::Instrument;
use crate::orders::PENDING_MAX;
use crate::tree::CHAIN;
use wire::{
    CancelOrder, Flag, LimitKind, NewOrder, OrdType, Price, Qty, RejectCode, ReplaceOrder, Scope,
    Side,
};

/// What a new order or a replace asks of the service as such.
struct Service {
    cl_ord_id: u64,
    account: u32,
    instrument: u32,
    ord_type: OrdType,
}

impl RiskEngine {
    /// The entry checks; the clOrdId's mark rises as soon as that check has passed (R32).
    pub(super) fn enter(
        &mut self,
        turn: &Turn,
        m: &NewOrder,
        found: &mut Findings,
    ) -> Result<Ask, Refusal> {
        let checked = self.check_entry(turn, m, found);
        self.raise_mark(turn, m.cl_ord_id, found);
        checked
    }

    pub(super) fn raise_mark(&mut self, turn: &Turn, cl_ord_id: u64, found: &Findings) {
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
    ) -> Result<Ask, Refusal> {
        let state = &self.state;
        let slot = state
            .instruments
            .find(m.instrument_id)
            .ok_or(Refusal::plain(RejectCode::UnknownInstrument))?;
        let instrument = state.instruments.get(slot);
        let account = state
            .tree
            .find(Scope::Account, m.account)
            .ok_or(Refusal::plain(RejectCode::UnknownAccount))?;
        check_order_type(instrument, m.ord_type)?;
        check_qty(instrument, m.side, m.qty)?;
        check_price(instrument, m.ord_type, m.price)?;
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
            instrument: slot,
            ord_type: m.ord_type,
        };
        self.check_service(turn, &service, found)?;
        Ok(Ask {
            scopes: state.tree.chain(account, trader),
            rows: self.known_rows(account, trader, slot),
            instrument: slot,
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
        let desk = self.state.tree.get(service.account).desk;
        let scopes = [service.account, desk];
        checks::is_permitted(&self.state, &scopes, instrument, ord_type)?;
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

    /// Rows of the chain, as far as there are any.
    fn known_rows(&self, account: u32, trader: u32, instrument: u32) -> [u32; CHAIN] {
        let exposure = &self.state.exposure;
        let find = |scope| exposure.find(scope, instrument).unwrap_or(NO_ROW);
        let account_row = find(account);
        if account_row == NO_ROW {
            let scopes = self.state.tree.chain(account, trader);
            return scopes.map(find);
        }
        let row = exposure.row(account_row);
        [account_row, row.desk_row, row.firm_row, find(trader)]
    }

    pub(super) fn check_replace(
        &self,
        turn: &Turn,
        m: &ReplaceOrder,
        found: &mut Findings,
    ) -> Result<(u32, Ask), Refusal> {
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
        let definition = self.state.instruments.get(instrument);
        check_qty(definition, side, m.qty)?;
        check_price(definition, ord_type, m.price)?;
        if order.terminal
            || order.unresolved
            || self.state.orders.is_cancel_pending(slot)
            || self.state.orders.newest_cl_ord_id(slot) != m.orig_cl_ord_id
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
        let pending = self.state.orders.pending(slot);
        let turn = Turn {
            busy: turn.busy || pending >= PENDING_MAX,
            ..*turn
        };
        let service = Service {
            cl_ord_id: m.cl_ord_id,
            account,
            instrument,
            ord_type,
        };
        self.check_service(&turn, &service, found)?;
        let order = self.state.orders.get(slot);
        let rows = (order.account_row, order.trader_row);
        let ask = Ask {
            scopes: self.state.tree.chain(account, trader),
            rows: self.state.exposure.chain_rows(rows.0, rows.1),
            instrument,
            side,
            ord_type,
            price: m.price,
            qty: m.qty.0,
            leaves: m.qty.0.saturating_sub(order.cum_qty).max(0),
            reserved_qty: order.reserved_qty,
            reserved_value: order.reserved_value,
            reserved_cash: order.reserved_cash,
            located_qty: if side == Side::SellShort {
                self.state.orders.largest_qty(slot)
            } else {
                0
            },
            replaces: Some(slot),
            what_if: turn.what_if,
            t: turn.t,
        };
        Ok((slot, ask))
    }

    pub(super) fn check_cancel(&mut self, turn: &Turn, m: &CancelOrder) -> Result<u32, Refusal> {
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
}

fn check_order_type(instrument: &Instrument, ord_type: OrdType) -> Result<(), Refusal> {
    let allowed = match instrument.definition.ord_types {
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

fn check_qty(instrument: &Instrument, side: Side, qty: Qty) -> Result<(), Refusal> {
    let odd_lots = side != Side::Buy && instrument.definition.odd_lot_sell == Flag::Yes;
    let valid = qty.0 > 0
        && instrument.qty_steps.divides(qty.0)
        && (odd_lots || instrument.lots.divides(qty.0));
    if valid {
        Ok(())
    } else {
        Err(Refusal::plain(RejectCode::BadQty))
    }
}

fn check_price(instrument: &Instrument, ord_type: OrdType, price: Price) -> Result<(), Refusal> {
    let valid = if ord_type == OrdType::Market {
        price.is_null()
    } else {
        !price.is_null() && instrument.ticks.divides(price.0)
    };
    if valid {
        Ok(())
    } else {
        Err(Refusal::plain(RejectCode::BadPrice))
    }
}
