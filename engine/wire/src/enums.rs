//! The enums of the protocol: a byte each, with names. What they mean to the engine is not said here.

use crate::layout::{EnumDef, FieldKind, WireField};
use bincode::{Decode, Encode};
use core::fmt;

macro_rules! wire_enums {
    ($(
        #[doc = $doc:literal]
        $name:ident { $( #[doc = $vdoc:literal] $value:ident = $number:literal, )* }
    )*) => {$(
        #[doc = $doc]
        ///
        /// One byte on the wire; a value the enum does not have is malformed.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        pub struct $name(pub u8);

        #[allow(non_upper_case_globals, reason = "enum values keep their names from the schema")]
        impl $name {
            $( #[doc = $vdoc] pub const $value: Self = Self($number); )*
            /// The null value of the protocol.
            pub const NULL: Self = Self(u8::MAX);
            /// Names and values.
            pub const DEF: EnumDef = EnumDef {
                name: stringify!($name),
                doc: $doc,
                values: &[$( (stringify!($value), $number, $vdoc), )*],
            };

            /// Whether this is the null value.
            #[must_use]
            pub const fn is_null(self) -> bool {
                self.0 == u8::MAX
            }

            /// The name of the value; `?` for one that the enum does not have.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 { $( $number => stringify!($value), )* u8::MAX => "null", _ => "?" }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::NULL
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl WireField for $name {
            const SIZE: usize = 1;
            const TYPE_NAME: &'static str = stringify!($name);
            const KIND: FieldKind = FieldKind::Enum(&Self::DEF);
            const ZERO: Self = Self(0);
            const NULL: Self = Self(u8::MAX);

            fn is_valid(&self, optional: bool) -> bool {
                match self.0 {
                    $( $number => true, )*
                    u8::MAX => optional,
                    _ => false,
                }
            }

            #[inline]
            fn get(block: &[u8], at: usize) -> Self {
                Self(<u8 as WireField>::get(block, at))
            }

            #[inline]
            fn put(self, block: &mut [u8], at: usize) {
                self.0.put(block, at);
            }
        }
    )*

        /// Every enum of the protocol.
        pub const ENUMS: &[&EnumDef] = &[$( &$name::DEF, )*];
    };
}
wire_enums! {
    /// No or yes.
    Flag {
        /// No.
        No = 0,
        /// Yes.
        Yes = 1,
    }
    /// Side of an order (FIX tag 54).
    Side {
        /// Buy.
        Buy = 1,
        /// Sell a position that is held.
        Sell = 2,
        /// Sell short.
        SellShort = 5,
    }
    /// Order type (FIX tag 40).
    OrdType {
        /// Market.
        Market = 1,
        /// Limit.
        Limit = 2,
        /// Stop: in the schema so that it can be refused by name; not supported.
        Stop = 3,
        /// Stop limit: in the schema so that it can be refused by name; not supported.
        StopLimit = 4,
    }
    /// Time in force (FIX tag 59).
    TimeInForce {
        /// Until the end of the trading day.
        Day = 0,
        /// Until cancelled.
        GoodTillCancel = 1,
        /// What does not fill at once is cancelled.
        ImmediateOrCancel = 3,
        /// All at once or nothing.
        FillOrKill = 4,
    }
    /// Order capacity (FIX tag 528).
    Capacity {
        /// For a customer.
        Agency = 1,
        /// For the firm's own account.
        Principal = 2,
        /// Riskless principal.
        RisklessPrincipal = 3,
    }
    /// What a venue reports (FIX tag 150, with the refusals of requests apart).
    ExecType {
        /// The venue has the order.
        New = 0,
        /// A fill, partial or full.
        Fill = 1,
        /// A replace is in force.
        Replaced = 2,
        /// Cancelled, also unsolicited or an IOC remainder.
        Cancelled = 3,
        /// Expired.
        Expired = 4,
        /// The venue refused the order.
        Rejected = 5,
        /// The venue refused a cancel.
        CancelRejected = 6,
        /// The venue refused a replace.
        ReplaceRejected = 7,
        /// An earlier fill is busted.
        Bust = 8,
        /// An earlier fill is corrected.
        Correct = 9,
    }
    /// Why an order was cancelled or a report was made.
    CancelReason {
        /// Asked for by the desk.
        Requested = 0,
        /// Cancelled by the venue on its own.
        Unsolicited = 1,
        /// Refused by the venue.
        VenueRejected = 2,
        /// Expired at the venue or at the end of the day.
        Expired = 3,
        /// Kill switch.
        KillSwitch = 4,
        /// Mass cancel.
        MassCancel = 5,
        /// Cancel on disconnect.
        Disconnect = 6,
        /// Ended by reconciliation.
        Reconciled = 7,
        /// The venue does not know the order: it stays reserved, unresolved.
        UnknownAtVenue = 8,
    }
    /// Whether a fill added or removed liquidity (FIX tag 851).
    Liquidity {
        /// Not known.
        Unknown = 0,
        /// Added.
        Added = 1,
        /// Removed.
        Removed = 2,
        /// Auction.
        Auction = 3,
    }
    /// What a session may do.
    Role {
        /// Trades for its accounts.
        Desk = 1,
        /// Reports for the orders routed to it.
        Venue = 2,
        /// Limits, states, prices.
        Risk = 3,
        /// Sessions, the day, reconciliation.
        Ops = 4,
        /// Reads.
        Audit = 5,
    }
    /// How a desk's session stands in the flow of its orders.
    Topology {
        /// Accepted orders are routed to the instrument's venue.
        Inline = 1,
        /// The desk gets the decision and trades at the venue itself.
        Sidecar = 2,
    }
    /// When a session's loss cancels its orders.
    CodMode {
        /// Never.
        Off = 0,
        /// When the connection breaks.
        Disconnect = 1,
        /// When the session terminates in order.
        Terminate = 2,
        /// In both cases.
        Both = 3,
    }
    /// Where in the tree a limit or a state stands.
    Scope {
        /// An account.
        Account = 1,
        /// A desk.
        Desk = 2,
        /// The firm.
        Firm = 3,
        /// A trader: the person or algorithm behind an order.
        Trader = 4,
        /// An instrument (trading states only).
        Instrument = 5,
    }
    /// What a limit applies to within its scope.
    Selector {
        /// One instrument.
        Instrument = 1,
        /// One product group.
        Group = 2,
        /// All instruments.
        All = 3,
        /// One currency (buying power).
        Currency = 4,
    }
    /// The kind of a limit, numbered in the order of the checks' documentation.
    LimitKind {
        /// C1: largest quantity of an order.
        MaxOrderQty = 1,
        /// C2: largest value of an order.
        MaxOrderNotional = 2,
        /// C3: distance from the reference price.
        PriceCollar = 3,
        /// C4: age of the reference price.
        ReferenceMaxAge = 4,
        /// C5: orders and replaces in a window.
        OrderRate = 5,
        /// C6: equal orders in a window.
        DuplicateOrder = 6,
        /// C7: fills in a window.
        RepeatedExecution = 7,
        /// C8: live orders.
        MaxOpenOrders = 8,
        /// C9: worst-case long position.
        MaxLong = 9,
        /// C9: worst-case short position.
        MaxShort = 10,
        /// C10: gross value.
        GrossNotional = 11,
        /// C11: net long value.
        NetLong = 12,
        /// C11: net short value.
        NetShort = 13,
        /// C12: turnover of the day, buys.
        DailyBuyTurnover = 14,
        /// C12: turnover of the day, sells.
        DailySellTurnover = 15,
        /// C12: turnover of the day, both sides.
        DailyTurnover = 16,
        /// C13: loss of the day.
        DailyLoss = 17,
        /// C14: share of the average daily volume.
        MaxOrderVsAdv = 18,
        /// C15: market-maker protection.
        MarketMakerProtection = 19,
        /// C16: buying power.
        BuyingPower = 20,
    }
    /// The unit of a limit's value.
    Unit {
        /// As the kind says: quantities in 10⁻⁸, amounts in 10⁻⁴, counts.
        Natural = 0,
        /// Basis points.
        BasisPoints = 1,
        /// Ticks of the instrument.
        Ticks = 2,
        /// Quantity in 10⁻⁸ units.
        Quantity = 3,
        /// A count of fills.
        Fills = 4,
        /// Daily loss, an amount: the scope is halted instead of reduce-only.
        Halt = 5,
    }
    /// Whether a limit refuses.
    LimitMode {
        /// It refuses.
        Enforced = 0,
        /// It is evaluated and recorded, and never refuses.
        Shadow = 1,
    }
    /// Trading state of a scope or an instrument.
    TradingState {
        /// Everything is allowed.
        Active = 0,
        /// Only orders that reduce the account's position.
        ReduceOnly = 1,
        /// No new orders and no replaces.
        Halted = 2,
    }
    /// What a query asks for.
    QueryWhat {
        /// Positions with open quantity and reserved value.
        Positions = 1,
        /// Limits with their use.
        Limits = 2,
        /// Live orders.
        OpenOrders = 3,
        /// Sessions.
        Sessions = 4,
        /// Trading states.
        States = 5,
        /// What an account could still buy and sell.
        Room = 6,
        /// Proposals that wait for a second person.
        Proposals = 7,
    }
    /// Status of a live order.
    OrderStatus {
        /// Accepted, not yet acknowledged by the venue.
        PendingNew = 0,
        /// Acknowledged by the venue.
        Open = 1,
        /// A cancel is under way.
        PendingCancel = 2,
        /// A replace is under way.
        PendingReplace = 3,
        /// What became of it is not known: reserved until fills or a reconciliation end it.
        Unresolved = 4,
        /// Nothing is live any more.
        Terminal = 5,
    }
    /// What a risk event tells.
    RiskEventKind {
        /// A limit was changed.
        LimitChanged = 1,
        /// Use of a limit crossed a warn level.
        Warning = 2,
        /// Use of a limit is above it.
        Breach = 3,
        /// A trading state was changed.
        StateChanged = 4,
        /// A session came up.
        SessionUp = 5,
        /// A session went down.
        SessionDown = 6,
        /// A fill after the order's end.
        LateFill = 7,
        /// More was filled than the order had.
        Overfill = 8,
        /// A fill whose order is not known.
        UnknownOrderFill = 9,
        /// A fill of an instrument that is not known.
        UnknownInstrumentFill = 10,
        /// The same execution again with other numbers.
        ExecutionMismatch = 11,
        /// An order became unresolved.
        OrderUnresolved = 12,
        /// An order was reconciled by ops.
        Reconciled = 13,
        /// The trading day opened or rolled.
        Day = 14,
        /// The engine is restricted after a restart that may have lost records, or released from it.
        Restricted = 15,
        /// A value or table reached what it can hold.
        Capacity = 16,
        /// A temporary limit has ended and the permanent one is back.
        TemporaryEnded = 17,
        /// C7: too many fills in the window: the trader is halted.
        RepeatedExecution = 18,
        /// C13: the loss of the day reached its limit.
        DailyLoss = 19,
        /// C15: market-maker protection has tripped or was reset.
        MarketMakerProtection = 20,
        /// An execution was busted or corrected.
        Busted = 21,
        /// A position was overridden or an instrument split.
        Adjusted = 22,
        /// A change that loosens a control was proposed.
        Proposed = 23,
        /// A proposal was approved and has taken effect.
        Approved = 24,
        /// A proposal was withdrawn, or the state it was based on has changed.
        Withdrawn = 25,
        /// A proposal has lapsed.
        ProposalLapsed = 26,
        /// Two-person approval was switched on or off.
        TwoPerson = 27,
    }
    /// How urgent a risk event is.
    Severity {
        /// For the record.
        Info = 0,
        /// Someone should look.
        Warning = 1,
        /// Someone must act.
        Critical = 2,
    }
    /// What an adjustment changes.
    AdjustKind {
        /// One account's position, by a delta.
        Position = 1,
        /// An instrument, by a split.
        Split = 2,
    }
    /// What is loaded for short sales.
    LocateWhat {
        /// The settled position, which plain sells may use.
        Settled = 1,
        /// The located quantity, which short sells use up.
        Locates = 2,
    }
    /// What a proposal would change.
    ProposalKind {
        /// A limit.
        Limit = 1,
        /// A trading state.
        State = 2,
        /// The desk of an account.
        Move = 3,
        /// Two-person approval: to be switched off.
        SinglePerson = 4,
    }
    /// What a second person says to a proposal.
    ApprovalAction {
        /// It takes effect.
        Approve = 1,
        /// It is off the table.
        Withdraw = 2,
    }
    /// What a reconciliation confirms.
    ReconcileWhat {
        /// What is left of one order at the venue.
        Order = 1,
        /// That orders and positions were compared with the venues after a lossy restart.
        Restart = 2,
    }
}
