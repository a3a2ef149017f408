//! Orders and execution reports from clients, template ids 100 to 104.

use crate::messages;
use crate::types::{
    CancelReason, Capacity, ExecType, Flag, Liquidity, OrdType, Price, Qty, Scope, Side, Time,
    TimeInForce,
};

messages! {
    #[doc = "A new order."]
    100 NewOrder {
        #[doc = "1 possDup, 2 whatIf."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Client's id of this message; strictly increasing for the life of the session."]
        cl_ord_id: u64,
        #[doc = "Limit price; null for market orders."]
        price: Price [optional],
        #[doc = "Total order quantity."]
        qty: Qty,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Person or algorithm behind the order."]
        trader_id: u16,
        #[doc = "Free for the desk's use."]
        strategy_id: u16,
        #[doc = "Side."]
        side: Side,
        #[doc = "Order type."]
        ord_type: OrdType,
        #[doc = "Time in force."]
        tif: TimeInForce,
        #[doc = "Order capacity."]
        capacity: Capacity,
    }

    #[doc = "Changes price or total quantity of a live order."]
    101 ReplaceOrder {
        #[doc = "1 possDup, 2 whatIf."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Client's id of this message; strictly increasing for the life of the session."]
        cl_ord_id: u64,
        #[doc = "Id of the newest version of the order that was not rejected."]
        orig_cl_ord_id: u64,
        #[doc = "Limit price; null for market orders."]
        price: Price [optional],
        #[doc = "Total order quantity."]
        qty: Qty,
        #[doc = "Person or algorithm behind the order."]
        trader_id: u16,
        #[doc = "Free for the desk's use."]
        strategy_id: u16,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Asks for the cancel of a live order."]
    102 CancelOrder {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Client's id of this message; strictly increasing for the life of the session."]
        cl_ord_id: u64,
        #[doc = "Id the order had: any id of its chain."]
        orig_cl_ord_id: u64,
        #[doc = "Person or algorithm behind the order."]
        trader_id: u16,
        #[doc = "Free for the desk's use."]
        strategy_id: u16,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Asks for the cancel of all live orders that match every field given, over the sender's accounts."]
    103 MassCancel {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Client's id of this message; strictly increasing for the life of the session."]
        cl_ord_id: u64,
        #[doc = "Reserved for wider scopes; null."]
        scope: Scope [optional],
        #[doc = "Only this side."]
        side: Side [optional],
        #[doc = "Only this trader."]
        trader_id: u16 [optional],
        #[doc = "Only this account."]
        account: u32 [optional],
        #[doc = "Only this instrument."]
        instrument_id: u32 [optional],
        #[doc = "Only this strategy."]
        strategy_id: u16 [optional],
        #[doc = "Zero."]
        reserved: u16,
    }

    #[doc = "An execution report: from the venue, or from a sidecar desk about its own orders."]
    104 VenueReport {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "orderId of the order, where known; else 0."]
        order_id: u64,
        #[doc = "Any id of the order's chain; Replaced and ReplaceRejected name the replace. 0 where not known, or where orderId names the order."]
        cl_ord_id: u64,
        #[doc = "Execution id, unique within venue, trade date, instrument and side."]
        venue_exec_id: u64,
        #[doc = "Execution that a bust or correct names; else 0."]
        ref_exec_id: u64,
        #[doc = "Price of the fill."]
        last_px: Price [optional],
        #[doc = "Quantity of the fill."]
        last_qty: Qty,
        #[doc = "Filled in all, as the venue sees it."]
        cum_qty: Qty [optional],
        #[doc = "Still open, as the venue sees it."]
        leaves_qty: Qty [optional],
        #[doc = "Clock of the venue."]
        transact_time: Time,
        #[doc = "Trade date as YYYYMMDD; what is no date counts as today's."]
        trade_date: u32,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Session that sent the order; 0 for the reporting session itself."]
        order_session_id: u32,
        #[doc = "Venue."]
        venue_id: u16,
        #[doc = "What is reported."]
        exec_type: ExecType,
        #[doc = "Side of the order."]
        side: Side,
        #[doc = "Whether liquidity was added or removed."]
        liquidity: Liquidity,
        #[doc = "Bust and correct: whether the venue reopened the quantity."]
        reopen: Flag,
        #[doc = "Cancelled: why. UnknownAtVenue makes the order unresolved."]
        reason: CancelReason,
        #[doc = "Zero."]
        reserved: u8,
    }
}
