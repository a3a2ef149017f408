//! What the server answers to orders and to messages as such, template ids 200 to 207.

use crate::messages;
use crate::types::{CancelReason, ExecType, LimitKind, Liquidity, Price, Qty, Scope, Side, Time};

messages! {
    #[doc = "The order, replace or cancel request has passed and is reserved or pending."]
    200 OrderAccepted {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id of the accepted message."]
        cl_ord_id: u64,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "Time from receipt to decision; null when replayed."]
        decision_nanos: u32 [optional],
        #[doc = "Tightest use of a limit of C8 to C12 after this order, in basis points, at most 65534; 0 without one, and null for a cancel."]
        util_bps: u16 [optional],
        #[doc = "Its kind."]
        util_limit_kind: LimitKind [optional],
        #[doc = "Its scope."]
        util_scope: Scope [optional],
    }

    #[doc = "The order, replace or cancel request is refused."]
    201 OrderRejected {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id of the refused message; of a cancel that the venue refused the id that it named, else the order's newest."]
        cl_ord_id: u64,
        #[doc = "Value of the limit, in the unit of its kind."]
        limit_value: i64 [optional],
        #[doc = "Value that would have been reached, in the same unit."]
        observed_value: i64 [optional],
        #[doc = "Reject code."]
        code: u16,
        #[doc = "Template of the refused message."]
        ref_template_id: u8,
        #[doc = "Scope of the limit."]
        limit_scope: Scope [optional],
        #[doc = "Id within the scope."]
        scope_id: u32 [optional],
        #[doc = "Version of the limit."]
        limit_version: u32 [optional],
        #[doc = "Kind of the limit."]
        limit_kind: LimitKind [optional],
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Order whose cancel or replace the venue refused; else 0."]
        order_id: u64,
    }

    #[doc = "A replace is in force at the venue."]
    202 OrderReplaced {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id of the version in force."]
        cl_ord_id: u64,
        #[doc = "Id of the version that it replaces."]
        orig_cl_ord_id: u64,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "Still open."]
        leaves_qty: Qty,
    }

    #[doc = "An order has ended at the venue, or by the day, or by hand."]
    203 OrderCancelled {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id of the newest version."]
        cl_ord_id: u64,
        #[doc = "Id of the order at its acceptance."]
        orig_cl_ord_id: u64,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "What was open of the version in force and will not be filled any more."]
        cancelled_qty: Qty,
        #[doc = "Why."]
        reason: CancelReason,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Zero."]
        reserved3: u32,
    }

    #[doc = "A fill is booked, taken back, or corrected."]
    204 OrderFilled {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id of the version in force; 0 for an unknown order."]
        cl_ord_id: u64,
        #[doc = "Id that the server gave the order; never reused."]
        order_id: u64,
        #[doc = "Execution id of the venue: of the fill, or of the execution that is taken back or corrected."]
        exec_id: u64,
        #[doc = "Price."]
        last_px: Price,
        #[doc = "Quantity."]
        last_qty: Qty,
        #[doc = "Still open."]
        leaves_qty: Qty,
        #[doc = "Filled in all."]
        cum_qty: Qty,
        #[doc = "Account's position after it, saturating."]
        net_position: Qty,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Fill, Bust or Correct."]
        exec_type: ExecType,
        #[doc = "Side."]
        side: Side,
        #[doc = "Whether liquidity was added or removed."]
        liquidity: Liquidity,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Venue."]
        venue_id: u16,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Of a correction: the id that the execution is known by from now on; else 0."]
        new_exec_id: u64,
    }

    #[doc = "Progress of a mass cancel or kill switch: at once, and again when nothing is outstanding."]
    205 MassCancelReport {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Id of the mass cancel; requestId of the kill switch."]
        cl_ord_id: u64,
        #[doc = "Live orders that matched."]
        requested: u32,
        #[doc = "Those that have not ended yet."]
        outstanding: u32,
        #[doc = "0, or why no cancel was asked for."]
        code: u16,
        #[doc = "Zero."]
        reserved1: u16,
        #[doc = "Zero."]
        reserved2: u32,
    }

    #[doc = "A message that could not be taken as it is; its sequence number is used up."]
    206 BusinessReject {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "Sequence number of the message."]
        ref_seq_no: u64,
        #[doc = "Its clOrdId or requestId, where known."]
        ref_id: u64,
        #[doc = "Reject code."]
        code: u16,
        #[doc = "Template of the message."]
        ref_template_id: u16,
        #[doc = "Offset of the offending field in its root block."]
        field_offset: u16 [optional],
        #[doc = "Zero."]
        reserved: u16,
    }

    #[doc = "Sequence numbers that the server has not seen."]
    207 NotApplied {
        #[doc = "1: sent before (replay)."]
        flags: u32,
        #[doc = "Sequence number in the session's outbound log, from 1; 0 for answers to queries."]
        seq_no: u64,
        #[doc = "Sequence of the command in the journal that this message results from."]
        engine_seq: u64,
        #[doc = "Time of that command."]
        engine_time: Time,
        #[doc = "First one."]
        from_seq_no: u64,
        #[doc = "How many."]
        count: u64,
    }
}
