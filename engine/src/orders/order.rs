//! One order: what every command reads of it, and what stands beside it.

use super::NONE;
use super::version::{Worth, leaves};
use crate::peers::{Link, UNLISTED};
use bincode::{Decode, Encode};
use wire::{Capacity, OrdType, Side, TimeInForce};

/// One order with its version in force, in two cache lines: the first says whose it is and where it stands,
/// the second what it reserves.
#[derive(Debug, Clone, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    /// clOrdId of the version in force.
    pub(crate) cl_ord_id: u64,
    pub(crate) cum_qty: i64,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) trader: u32,
    pub(crate) instrument: u32,
    pub(crate) account_row: u32,
    pub(crate) trader_row: u32,
    /// The other versions: the newest of them.
    pub(super) others: u32,
    pub(crate) strategy_id: u16,
    pub(crate) side: Side,
    pub(crate) ord_type: OrdType,
    pub(crate) tif: TimeInForce,
    pub(crate) capacity: Capacity,
    pub(crate) acknowledged: bool,
    pub(crate) cancel_pending: bool,
    pub(crate) unresolved: bool,
    pub(crate) terminal: bool,
    /// Whether accepted messages are routed to the venue.
    pub(crate) inline: bool,
    /// Whether wide work matched the order or has still to speak of it.
    pub(super) in_jobs: bool,
    /// Total quantity of the version in force.
    pub(super) qty: i64,
    /// What of it will not come back although the total says so.
    pub(super) gone: i64,
    /// Its leaves when it was accepted, their value, and the cash that a buy of them reserves.
    pub(super) leaves_at_accept: i64,
    pub(super) value_at_accept: i64,
    pub(super) cash_at_accept: i64,
    /// Reserved over all versions, as the rows hold it.
    pub(crate) reserved_qty: i64,
    pub(crate) reserved_value: i64,
    pub(crate) reserved_cash: i64,
}

const _: () = assert!(size_of::<Order>() == 128, "an order is two cache lines");

/// What is asked of an order when it comes, when it ends, and rarely between.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[repr(C, align(64))]
pub(super) struct Aside {
    /// Price of the version in force.
    pub(super) price: i64,
    /// clOrdId of version 0: what the order is called, whatever replaced it.
    pub(super) first_cl_ord_id: u64,
    /// The largest total quantity of the versions that are no longer kept.
    pub(super) largest_dropped: i64,
    pub(super) jobs: Marks,
    /// Place of the version in force in the chain.
    pub(super) number: u32,
    /// The order accepted before it in the list of its order id.
    pub(super) next: u32,
    /// Where it stands among those that it could match.
    pub(super) peers: Link,
}

const _: () = assert!(
    size_of::<Aside>() == 64,
    "what stands aside is one cache line"
);

/// Which wide jobs an order belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Marks {
    /// One bit for each job that matched the order.
    pub(crate) matched: u64,
    /// Jobs whose step has not reached the order yet.
    pub(crate) due: u64,
}

impl Order {
    /// Fills a slot until its order stands in it.
    pub(super) const UNUSED: Self = Self {
        order_id: 0,
        cl_ord_id: 0,
        cum_qty: 0,
        session: NONE,
        account: NONE,
        trader: NONE,
        instrument: NONE,
        account_row: NONE,
        trader_row: NONE,
        others: NONE,
        strategy_id: 0,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        acknowledged: false,
        cancel_pending: false,
        unresolved: false,
        terminal: true,
        inline: false,
        in_jobs: false,
        qty: 0,
        gone: 0,
        leaves_at_accept: 0,
        value_at_accept: 0,
        cash_at_accept: 0,
        reserved_qty: 0,
        reserved_value: 0,
        reserved_cash: 0,
    };

    /// A new live order; it reserves what it is worth.
    #[inline(always)]
    pub(super) fn new(accepted: &Accepted, message: &wire::NewOrder, worth: Worth) -> Self {
        let qty = message.qty.0;
        Self {
            order_id: accepted.order_id,
            cl_ord_id: message.cl_ord_id,
            cum_qty: 0,
            session: accepted.session,
            account: accepted.account,
            trader: accepted.trader,
            instrument: accepted.instrument,
            account_row: accepted.account_row,
            trader_row: accepted.trader_row,
            others: NONE,
            strategy_id: message.strategy_id,
            side: message.side,
            ord_type: message.ord_type,
            tif: message.tif,
            capacity: message.capacity,
            acknowledged: false,
            cancel_pending: false,
            unresolved: false,
            terminal: false,
            inline: accepted.inline,
            in_jobs: false,
            qty,
            gone: 0,
            leaves_at_accept: qty,
            value_at_accept: worth.value,
            cash_at_accept: worth.cash,
            reserved_qty: qty,
            reserved_value: worth.value,
            reserved_cash: worth.cash,
        }
    }

    pub(crate) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }

    /// Leaves of the version in force: max(0, qty − cumQty − gone).
    #[inline]
    pub(crate) fn leaves(&self) -> i64 {
        leaves(self.qty, self.cum_qty, self.gone)
    }
}

/// What an order is made of when it is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) order_id: u64,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) trader: u32,
    pub(crate) instrument: u32,
    pub(crate) account_row: u32,
    pub(crate) trader_row: u32,
    pub(crate) inline: bool,
}

impl Aside {
    /// Fills a slot until its order stands in it.
    pub(super) const UNUSED: Self = Self {
        price: 0,
        first_cl_ord_id: 0,
        largest_dropped: 0,
        jobs: Marks { matched: 0, due: 0 },
        number: 0,
        next: NONE,
        peers: UNLISTED,
    };
}
