//! What the server sends to a venue's adapter, template ids 220 to 222.

use crate::messages;
use crate::types::{CancelReason, Capacity, OrdType, Price, Qty, Side, Time, TimeInForce};

messages! {
    #[doc = "To the venue session: an accepted order."]
    220 RoutedOrder {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "Id of the order."]
        cl_ord_id: u64,
        #[doc = "Limit price; null for market orders."]
        price: Price [optional],
        #[doc = "Total order quantity."]
        qty: Qty,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Session that sent the order."]
        order_session_id: u32,
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
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "To the venue session: an accepted replace."]
    221 RoutedReplace {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "Id of the replace."]
        cl_ord_id: u64,
        #[doc = "Id of the version that it replaces."]
        orig_cl_ord_id: u64,
        #[doc = "New limit price."]
        price: Price [optional],
        #[doc = "New total quantity."]
        qty: Qty,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Session that sent the order."]
        order_session_id: u32,
        #[doc = "Side."]
        side: Side,
        #[doc = "Order type."]
        ord_type: OrdType,
        #[doc = "Zero."]
        reserved: u16,
    }

    #[doc = "To the venue session, or to a desk in sidecar: a request to cancel."]
    222 RoutedCancel {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "Id of the cancel; 0 for one of the server's own."]
        cl_ord_id: u64,
        #[doc = "Id of the newest version."]
        orig_cl_ord_id: u64,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Session that sent the order."]
        order_session_id: u32,
        #[doc = "Side."]
        side: Side,
        #[doc = "Why."]
        reason: CancelReason,
        #[doc = "Zero."]
        reserved: u16,
    }
}
