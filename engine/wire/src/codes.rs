//! Reject codes, in the documented precedence where one refusal of an order wins over another.

macro_rules! reject_codes {
    ($( #[doc = $doc:literal] $name:ident = $code:literal, )*) => {
        /// Why something was refused; 0 where nothing was.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RejectCode {
            $( #[doc = $doc] $name, )*
        }

        impl RejectCode {
            /// Every code, in ascending order of number within each block.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $( Self::$name => $code, )* }
            }

            /// The name used in the journal, the CLI and the docs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )* }
            }

            /// The code with this number.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $( $code => Some(Self::$name), )* _ => None }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $( Self::$name => $doc, )* }
            }
        }

        impl core::fmt::Display for RejectCode {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

reject_codes! {
    #[doc = "Key or signature is not the session's."]
    Credentials = 1,
    #[doc = "No such session."]
    UnknownSession = 2,
    #[doc = "The session is bound to a live connection."]
    AlreadyLoggedOn = 3,
    #[doc = "The client's epoch is not the journal's: reconcile instead of resending."]
    WrongEpoch = 4,
    #[doc = "The outbound sequence number asked for has not been sent yet."]
    SeqTooHigh = 5,
    #[doc = "The schema version is not supported."]
    Version = 6,
    #[doc = "The session is blocked."]
    SessionBlocked = 7,
    #[doc = "The heartbeat interval is out of range."]
    KeepAliveRange = 8,
    #[doc = "Too many messages, or too much output waiting."]
    Throttled = 9,
    #[doc = "The session's role may not send this."]
    RoleDenied = 10,
    #[doc = "The outbound sequence number asked for is no longer retained."]
    SeqTooLow = 11,
    #[doc = "The connection broke or fell silent."]
    Disconnected = 12,
    #[doc = "The connection does not take what it is sent; the outbound log replays it."]
    SlowConsumer = 13,
    #[doc = "A field is not as the schema says."]
    MalformedField = 50,
    #[doc = "No such template."]
    UnknownTemplate = 51,
    #[doc = "A flag is not supported on this message."]
    UnsupportedFlag = 52,
    #[doc = "The clOrdId is not above the session's mark."]
    DuplicateClOrdId = 100,
    #[doc = "No such order in this session."]
    UnknownOrder = 101,
    #[doc = "No such instrument."]
    UnknownInstrument = 102,
    #[doc = "No such account."]
    UnknownAccount = 103,
    #[doc = "The order has ended or can't be changed any more."]
    TooLate = 104,
    #[doc = "The quantity is not positive or not a multiple of the lot or step."]
    BadQty = 105,
    #[doc = "The price is missing, not wanted or not a multiple of the tick."]
    BadPrice = 106,
    #[doc = "The server has no room to decide and journal the message now."]
    Busy = 107,
    #[doc = "The instrument's venue is not connected."]
    VenueDown = 108,
    #[doc = "The trading day is not open."]
    NotReady = 109,
    #[doc = "The session may not act for this account, trader or order."]
    NotEntitled = 110,
    #[doc = "The order type is not supported."]
    UnsupportedOrderType = 111,
    #[doc = "C19: the account or desk may not trade this."]
    NotPermitted = 112,
    #[doc = "A table of the server is full."]
    CapacityExceeded = 113,
    #[doc = "The scope or instrument is halted."]
    Halted = 200,
    #[doc = "C5: too many orders in the window."]
    OrderRate = 201,
    #[doc = "C6: too many equal orders in the window."]
    DuplicateOrder = 202,
    #[doc = "C4: the reference price (or the mark of a held instrument) is missing."]
    ReferenceMissing = 203,
    #[doc = "C4: the reference price is stale."]
    ReferenceStale = 204,
    #[doc = "The rate of a currency is missing."]
    FxMissing = 205,
    #[doc = "The rate of a currency is stale."]
    FxStale = 206,
    #[doc = "C3: the price is too far from the reference."]
    PriceCollar = 207,
    #[doc = "C1: the quantity is above the limit."]
    MaxOrderQty = 208,
    #[doc = "The value of the order can't be represented."]
    ValueOverflow = 209,
    #[doc = "C2: the value is above the limit."]
    MaxOrderNotional = 210,
    #[doc = "C14: the quantity is too large a share of the average daily volume."]
    MaxOrderVsAdv = 211,
    #[doc = "C8: too many live orders."]
    MaxOpenOrders = 212,
    #[doc = "C18: the short sale is not covered."]
    ShortSale = 213,
    #[doc = "C9: the worst-case long position is above the limit."]
    MaxLong = 214,
    #[doc = "C9: the worst-case short position is above the limit."]
    MaxShort = 215,
    #[doc = "Only orders that reduce the account's position are allowed."]
    ReduceOnly = 216,
    #[doc = "After a restart that may have lost records, only reducing orders are allowed."]
    Restricted = 217,
    #[doc = "C10: the gross value is above the limit."]
    GrossNotional = 218,
    #[doc = "C11: the net long value is above the limit."]
    NetLong = 219,
    #[doc = "C11: the net short value is above the limit."]
    NetShort = 220,
    #[doc = "C12: the turnover of the day is above the limit."]
    Turnover = 221,
    #[doc = "C16: the buying power is exceeded."]
    BuyingPower = 222,
    #[doc = "C17: the order would match one of the same group."]
    SelfMatch = 223,
    #[doc = "C15: market-maker protection has tripped."]
    MarketMakerProtection = 224,
    #[doc = "A limit that must be set is not set: unlimited must be said."]
    LimitNotSet = 225,
    #[doc = "The expected version is not the one in force."]
    VersionConflict = 300,
    #[doc = "A value is out of range or does not belong to what it names."]
    LimitRange = 301,
    #[doc = "The session may not do this."]
    NotAuthorised = 302,
    #[doc = "The change loosens a control and needs a second person."]
    NeedsApproval = 303,
}
