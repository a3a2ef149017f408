//! The venue simulator: takes what is routed to it, reports what the flow says became of it, and
//! can be told to be slow with its cancels. Also the reports that a sidecar desk makes itself.

use super::book::Order;
use super::plan::VENUE;
use portcullis_client::Client;
use wire::{CancelReason, ExecType, Flag, Liquidity, Price, Qty, RoutedCancel, Time, VenueReport};

/// The venue's session.
#[derive(Debug)]
pub(super) struct Venue {
    pub(super) client: Client,
    /// Requests to cancel are kept rather than answered.
    pub(super) holds_cancels: bool,
    pub(super) held: Vec<RoutedCancel>,
    /// Orders, replaces and cancels that were routed here.
    pub(super) routed: u64,
}

impl Venue {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            holds_cancels: false,
            held: Vec::new(),
            routed: 0,
        }
    }
}

/// A report about an order, without a fill.
pub(super) fn report(
    order: &Order,
    session: u32,
    trade_date: u32,
    exec_type: ExecType,
    cl_ord_id: u64,
) -> VenueReport {
    VenueReport {
        order_id: order.order_id,
        cl_ord_id,
        cum_qty: Qty(order.cum_e8),
        leaves_qty: Qty::NULL,
        last_px: Price::NULL,
        transact_time: Time(0),
        trade_date,
        account: order.account,
        instrument_id: order.instrument,
        order_session_id: session,
        venue_id: VENUE,
        exec_type,
        side: order.side,
        liquidity: Liquidity::Unknown,
        reopen: Flag::No,
        reason: CancelReason::Requested,
        ..VenueReport::default()
    }
}

/// A fill of an order; `order` as it is before.
pub(super) fn fill(
    order: &Order,
    session: u32,
    trade_date: u32,
    exec_id: u64,
    price_e8: i64,
    qty_e8: i64,
) -> VenueReport {
    VenueReport {
        venue_exec_id: exec_id,
        last_px: Price(price_e8),
        last_qty: Qty(qty_e8),
        cum_qty: Qty(order.cum_e8 + qty_e8),
        liquidity: Liquidity::Added,
        ..report(order, session, trade_date, ExecType::Fill, order.cl_ord_id)
    }
}
