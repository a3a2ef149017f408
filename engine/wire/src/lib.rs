//! The order-entry protocol of Portcullis: layouts, codec, schema.
//!
//! TCP carries one frame a message ([`codec`]). Every message has a fixed root block, described once
//! in [`session`], [`orders`], [`admin`], [`ops`], [`replies`], [`reports`] and [`routed`]; the SBE schema (`schema/portcullis-sbe.xml`)
//! is generated from the same description. The crate does no I/O and keeps no state, so that the
//! engine, the gateway and every client can stand on it.

#![deny(clippy::float_arithmetic)]

extern crate self as wire;

pub use bincode;

pub mod admin;
pub mod codec;
pub mod codes;
pub mod enums;
pub mod layout;
pub mod ops;
pub mod orders;
pub mod replies;
pub mod reports;
pub mod routed;
pub mod schema;
pub mod session;
pub mod types;

pub use admin::*;
pub use codec::{Frame, FrameError, Malformed};
pub use codes::RejectCode;
pub use layout::{EnumDef, Field, FieldKind, Layout, Message, WireField};
pub use ops::*;
pub use orders::*;
pub use replies::*;
pub use reports::*;
pub use routed::*;
pub use session::*;
pub use types::*;

/// `flags`: this message was sent before.
pub const POSS_DUP: u32 = 1;
/// `flags`: decide, but reserve nothing.
pub const WHAT_IF: u32 = 2;
/// `flags`: answer this heartbeat.
pub const REPLY_REQUESTED: u32 = 4;
/// `flags`: this routed request is too old to be sent to the venue anew.
pub const STALE: u32 = 8;

message_set! {
    /// What a client may send inside a sequence, template ids 100 to 199.
    Request {
        NewOrder, ReplaceOrder, CancelOrder, MassCancel, VenueReport,
        SetLimit, SetState, Query, SetReference, SetMark, SetFx,
        DefineInstrument, DefineAccount, Permit, PositionLoad, DayOpen, DayRoll, Reconcile,
        Adjust, LocateLoad, CashLoad, Propose, Approve, MmpReset, AdvanceTime, SetTwoPerson,
    }
}

message_set! {
    /// What the server sends inside a session's sequence, template ids 200 to 299.
    Reply {
        OrderAccepted, OrderRejected, OrderReplaced, OrderCancelled, OrderFilled,
        MassCancelReport, BusinessReject, NotApplied,
        RiskEvent, PositionReport, AdminAck, LimitReport, OpenOrderReport, StateReport, SessionReport, RoomReport, ProposalReport,
        RoutedOrder, RoutedReplace, RoutedCancel,
    }
}

message_set! {
    /// Session messages: they have no sequence number.
    SessionMessage {
        Hello, Logon, LogonAck, LogonReject, Heartbeat, ReplayComplete, Terminate,
    }
}

macro_rules! prefixed {
    ($set:ident { $($name:ident,)* }) => {
        impl $set {
            /// Sequence number of the message in its session.
            #[must_use]
            pub const fn seq_no(&self) -> u64 {
                match self { $( Self::$name(message) => message.seq_no, )* }
            }

            /// Flags of the message.
            #[must_use]
            pub const fn flags(&self) -> u32 {
                match self { $( Self::$name(message) => message.flags, )* }
            }

            /// Sets flags and sequence number.
            pub const fn set_seq_no(&mut self, flags: u32, seq_no: u64) {
                match self { $( Self::$name(message) => {
                    message.flags = flags;
                    message.seq_no = seq_no;
                } )* }
            }
        }
    };
}
prefixed! { Request {
    NewOrder, ReplaceOrder, CancelOrder, MassCancel, VenueReport,
    SetLimit, SetState, Query, SetReference, SetMark, SetFx,
    DefineInstrument, DefineAccount, Permit, PositionLoad, DayOpen, DayRoll, Reconcile,
        Adjust, LocateLoad, CashLoad, Propose, Approve, MmpReset, AdvanceTime, SetTwoPerson,
} }
prefixed! { Reply {
    OrderAccepted, OrderRejected, OrderReplaced, OrderCancelled, OrderFilled,
    MassCancelReport, BusinessReject, NotApplied,
    RiskEvent, PositionReport, AdminAck, LimitReport, OpenOrderReport, StateReport, SessionReport, RoomReport, ProposalReport,
    RoutedOrder, RoutedReplace, RoutedCancel,
} }

impl Reply {
    /// Sets the sequence and time of the command that the reply results from.
    pub const fn set_engine(&mut self, engine_seq: u64, engine_time: Time) {
        macro_rules! each {
            ($($name:ident)*) => {
                match self { $( Self::$name(message) => {
                    message.engine_seq = engine_seq;
                    message.engine_time = engine_time;
                } )* }
            };
        }
        each!(OrderAccepted OrderRejected OrderReplaced OrderCancelled OrderFilled MassCancelReport
              BusinessReject NotApplied RiskEvent PositionReport AdminAck LimitReport OpenOrderReport
              StateReport SessionReport RoomReport ProposalReport RoutedOrder RoutedReplace RoutedCancel);
    }

    /// Sequence of the command that the reply results from.
    #[must_use]
    pub const fn engine_seq(&self) -> u64 {
        macro_rules! each {
            ($($name:ident)*) => {
                match self { $( Self::$name(message) => message.engine_seq, )* }
            };
        }
        each!(OrderAccepted OrderRejected OrderReplaced OrderCancelled OrderFilled MassCancelReport
              BusinessReject NotApplied RiskEvent PositionReport AdminAck LimitReport OpenOrderReport
              StateReport SessionReport RoomReport ProposalReport RoutedOrder RoutedReplace RoutedCancel)
    }
}

/// First template id of sequenced client messages.
pub const FIRST_REQUEST: u16 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_order_round_trips_in_a_64_byte_frame() {
        let order = NewOrder {
            seq_no: 7,
            cl_ord_id: 9,
            price: Price(101 * E8),
            qty: Qty(5 * E8),
            account: 1,
            instrument_id: 2,
            trader_id: 3,
            side: Side::Buy,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        };
        let mut bytes = [0; codec::MAX_FRAME];
        let len = codec::encode_frame(&order, &mut bytes);
        assert_eq!(len, 64);
        let frame = codec::split_frame(&bytes[..len]).unwrap().unwrap();
        assert_eq!(frame.template_id, 100);
        assert_eq!(codec::decode_block::<NewOrder>(frame.block), Ok(order));
        assert_eq!(NewOrder::LAYOUT.fields[2].name, "clOrdId");
    }
}
