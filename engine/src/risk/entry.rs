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
    session: u32,
    cl_ord_id: u64,
    /// Account and desk.
    scopes: [u32; 2],
    ord_type: OrdType,
    /// A replace for whose version the table has no place.
    no_room: bool,
}

impl RiskEngine {
    pub(super) fn raise_mark(&mut self, turn: &Turn, cl_ord_id: u64, found: &Findings) {
        if found.mark_passes
            && !turn.what_if
            && let Some(slot) = turn.session
        {
            self.state.sessions.get_mut(slot).cl_ord_id_mark = cl_ord_id;
        }
    }

    /// The checks that need no limits, in the documented order.
    #[inline]
    pub(super) fn check_entry(
        &self,
        turn: &Turn,
        m: &NewOrder,
        found: &mut Findings,
    ) -> Result<Ask, Refusal> {
        let state = &self.state;
        let Some(slot) = state.instruments.find(m.instrument_id) else {
            return Err(Refusal::plain(RejectCode::UnknownInstrument));
        };
        let instrument = state.instruments.get(slot);
        let Some(account) = state.tree.find(Scope::Account, m.account) else {
            return Err(Refusal::plain(RejectCode::UnknownAccount));
        };
        check_order_type(instrument, m.ord_type)?;
        check_qty(instrument, m.side, m.qty)?;
        check_price(instrument, m.ord_type, m.price)?;
        let session = self.session_of(turn)?;
        let speaker = state.sessions.get(session);
        let Some(trader) = state.tree.find(Scope::Trader, u32::from(m.trader_id)) else {
            return Err(Refusal::plain(RejectCode::NotEntitled));
        };
        if !speaker.may_use_account(account) || !speaker.may_name_trader(trader) {
            return Err(Refusal::plain(RejectCode::NotEntitled));
        }
        let scopes = state.tree.chain(account, trader);
        let service = Service {
            session,
            cl_ord_id: m.cl_ord_id,
            scopes: [account, scopes[1]],
            ord_type: m.ord_type,
            no_room: false,
        };
        self.check_service(turn, &service, slot, found)?;
        Ok(Ask {
            scopes,
            rows: self.known_rows(&scopes, slot),
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
    #[inline]
    fn check_service(
        &self,
        turn: &Turn,
        service: &Service,
        instrument: u32,
        found: &mut Findings,
    ) -> Result<(), Refusal> {
        let state = &self.state;
        checks::is_permitted(state, &service.scopes, instrument, service.ord_type)?;
        let session = state.sessions.get(service.session);
        if service.cl_ord_id <= session.cl_ord_id_mark {
            return Err(Refusal::plain(RejectCode::DuplicateClOrdId));
        }
        found.mark_passes = true;
        if turn.busy {
            return Err(Refusal::plain(RejectCode::Busy));
        }
        let longest = state.limits.longest_window(LimitKind::DuplicateOrder);
        if service.no_room
            || state.orders.is_nearly_full()
            || (longest > 0 && state.accepted_orders.is_nearly_full(turn.t, longest))
            || state.exposure.is_nearly_full()
            || state.executions.is_nearly_full()
        {
            return Err(Refusal::plain(RejectCode::CapacityExceeded));
        }
        let venue = state.instruments.get(instrument).definition.venue_id;
        if session.is_inline() && !state.sessions.venue_is_up(venue) {
            return Err(Refusal::plain(RejectCode::VenueDown));
        }
        if !state.day.ready {
            return Err(Refusal::plain(RejectCode::NotReady));
        }
        Ok(())
    }

    fn session_of(&self, turn: &Turn) -> Result<u32, Refusal> {
        match turn.session {
            Some(session) => Ok(session),
            None => Err(Refusal::plain(RejectCode::NotEntitled)),
        }
    }

    /// The clOrdId is above the session's mark, which rises to it, whatever becomes of the message.
    pub(super) fn take_cl_ord_id(&mut self, session: u32, cl_ord_id: u64) -> Result<(), Refusal> {
        let session = self.state.sessions.get_mut(session);
        if cl_ord_id <= session.cl_ord_id_mark {
            return Err(Refusal::plain(RejectCode::DuplicateClOrdId));
        }
        session.cl_ord_id_mark = cl_ord_id;
        Ok(())
    }

    /// Rows of the chain, as far as there are any.
    #[inline]
    fn known_rows(&self, scopes: &[u32; CHAIN], instrument: u32) -> [u32; CHAIN] {
        let exposure = &self.state.exposure;
        let find = |scope| exposure.find(scope, instrument).unwrap_or(NO_ROW);
        let account_row = find(scopes[0]);
        if account_row == NO_ROW {
            return scopes.map(find);
        }
        let trader_row = exposure.trader_row(account_row, scopes[3]);
        exposure.chain_rows(account_row, trader_row.unwrap_or(NO_ROW))
    }

    #[inline]
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
        let (state, orders) = (&self.state, &self.state.orders);
        let Some(slot) = orders.find(session, m.orig_cl_ord_id) else {
            return Err(Refusal::plain(RejectCode::UnknownOrder));
        };
        let order = orders.get(slot);
        let instrument = state.instruments.get(order.instrument);
        check_qty(instrument, order.side, m.qty)?;
        check_price(instrument, order.ord_type, m.price)?;
        if order.terminal
            || order.unresolved
            || orders.is_cancel_pending(slot)
            || orders.newest_cl_ord_id(slot) != m.orig_cl_ord_id
        {
            return Err(Refusal::plain(RejectCode::TooLate));
        }
        let named = state.tree.find(Scope::Trader, u32::from(m.trader_id));
        let speaker = state.sessions.get(session);
        if named != Some(order.trader)
            || !speaker.may_use_account(order.account)
            || !speaker.may_name_trader(order.trader)
        {
            return Err(Refusal::plain(RejectCode::NotEntitled));
        }
        let turn = Turn {
            busy: turn.busy || orders.pending(slot) >= PENDING_MAX,
            ..*turn
        };
        let scopes = state.tree.chain(order.account, order.trader);
        let service = Service {
            session,
            cl_ord_id: m.cl_ord_id,
            scopes: [order.account, scopes[1]],
            ord_type: order.ord_type,
            no_room: !orders.has_room_for_replace(),
        };
        self.check_service(&turn, &service, order.instrument, found)?;
        let ask = Ask {
            scopes,
            rows: state
                .exposure
                .chain_rows(order.account_row, order.trader_row),
            instrument: order.instrument,
            side: order.side,
            ord_type: order.ord_type,
            price: m.price,
            qty: m.qty.0,
            leaves: m.qty.0.saturating_sub(order.cum_qty).max(0),
            reserved_qty: order.reserved_qty,
            reserved_value: order.reserved_value,
            reserved_cash: order.reserved_cash,
            located_qty: if order.side == Side::SellShort {
                orders.largest_qty(slot)
            } else {
                0
            },
            replaces: Some(slot),
            what_if: turn.what_if,
            t: turn.t,
        };
        Ok((slot, ask))
    }

    #[inline]
    pub(super) fn check_cancel(&mut self, turn: &Turn, m: &CancelOrder) -> Result<u32, Refusal> {
        let session = self.session_of(turn)?;
        let Some(slot) = self.state.orders.find(session, m.orig_cl_ord_id) else {
            return Err(Refusal::plain(RejectCode::UnknownOrder));
        };
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
