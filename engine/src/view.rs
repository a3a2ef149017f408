//! What can be read of the engine's state: plain rows for reports, replay and tests.
//!
//! Views are made off the hot path (by the follower and by replay) and say everything in the units of
//! the protocol: quantities in 10⁻⁸, amounts in 10⁻⁴ of the base currency.

use wire::{
    CodMode, LimitKind, LimitMode, OrdType, OrderStatus, RejectCode, Role, Scope, Selector, Side,
    TimeInForce, Topology, TradingState, Unit,
};

/// One row: a scope's position and open exposure in an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowView {
    /// Account, desk, firm or trader.
    pub scope: Scope,
    /// Id within the scope; 0 for the firm.
    pub scope_id: u32,
    /// Instrument.
    pub instrument_id: u32,
    /// Signed filled position, 10⁻⁸ units.
    pub position: i128,
    /// Open quantity of live buys, 10⁻⁸ units.
    pub open_buy: i128,
    /// Open quantity of live sells, 10⁻⁸ units.
    pub open_sell: i128,
    /// Reserved value of live buys, 10⁻⁴.
    pub reserved_buy: i128,
    /// Reserved value of live sells, 10⁻⁴.
    pub reserved_sell: i128,
    /// Signed value of the position at the mark, 10⁻⁴; `None` without mark or rate.
    pub value: Option<i128>,
    /// Today's buys at their fill prices, 10⁻⁴.
    pub bought: i128,
    /// Today's sells at their fill prices, 10⁻⁴.
    pub sold: i128,
    /// Profit and loss of the day, 10⁻⁴; `None` without mark or rate.
    pub day_pnl: Option<i128>,
    /// The part of it that later prices can't change, 10⁻⁴.
    pub realised_pnl: Option<i128>,
    /// The rest: of the position at the mark against its average price, 10⁻⁴.
    pub unrealised_pnl: Option<i128>,
    /// Average price of the position, 10⁻⁸ of the instrument's currency; what was held at the roll counts
    /// at the opening mark. `None` where nothing is held.
    pub average_price: Option<i64>,
    /// Version of the rate that values it; 0 in the base currency.
    pub fx_version: u32,
}

/// One order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderView {
    /// Id that the engine gave it.
    pub order_id: u64,
    /// Session that sent it.
    pub session_id: u32,
    /// Id at its acceptance.
    pub cl_ord_id: u64,
    /// Id of the newest version not rejected.
    pub newest_cl_ord_id: u64,
    /// Account.
    pub account: u32,
    /// Instrument.
    pub instrument_id: u32,
    /// Trader.
    pub trader_id: u16,
    /// Strategy.
    pub strategy_id: u16,
    /// Side.
    pub side: Side,
    /// Type.
    pub ord_type: OrdType,
    /// Time in force.
    pub tif: TimeInForce,
    /// Status.
    pub status: OrderStatus,
    /// Price of the version in force, 10⁻⁸; `None` for market orders.
    pub price: Option<i64>,
    /// Total quantity of the version in force, 10⁻⁸ units.
    pub qty: i64,
    /// Filled, 10⁻⁸ units.
    pub cum_qty: i64,
    /// Open in the version in force, 10⁻⁸ units.
    pub leaves_qty: i64,
    /// Reserved over all versions, 10⁻⁸ units.
    pub reserved_qty: i64,
    /// Reserved over all versions, 10⁻⁴.
    pub reserved_value: i64,
    /// Replaces under way.
    pub pending_replaces: u32,
}

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitView {
    /// Scope.
    pub scope: Scope,
    /// Id within the scope; 0 for the firm.
    pub scope_id: u32,
    /// Selector.
    pub selector: Selector,
    /// Instrument or group; 0 for all.
    pub selector_id: u32,
    /// Kind.
    pub kind: LimitKind,
    /// Value in the unit of its kind; `i64::MAX` is unlimited.
    pub value: i64,
    /// Highest use now, in the same unit; `None` where the kind has none.
    pub used: Option<i64>,
    /// Version.
    pub version: u32,
    /// Mode.
    pub mode: LimitMode,
    /// Unit.
    pub unit: Unit,
    /// Window of a rate in nanoseconds.
    pub window_ns: u64,
    /// End of a temporary value; 0 for none.
    pub expires_at: u64,
    /// Warn levels in per cent.
    pub warn: [u8; 3],
}

/// A proposal that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalView {
    /// Its number.
    pub id: u32,
    /// Session that proposed it.
    pub session_id: u32,
    /// The person that the session names; empty for none.
    pub person: String,
    /// When it was proposed, nanoseconds.
    pub proposed_at: u64,
    /// When it lapses, nanoseconds.
    pub expires_at: u64,
    /// What is to change, and why.
    pub change: wire::Propose,
}

/// Cash of an account in one currency (C16), 10⁻⁴ of that currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CashView {
    /// Account.
    pub account: u32,
    /// ISO 4217 code.
    pub currency: wire::Text<4>,
    /// Loaded cash with the fills since; `None` before the first load.
    pub cash: Option<i128>,
    /// Reserved by live buys.
    pub reserved: i128,
}

/// What an account may sell of an instrument (C18), 10⁻⁸ units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverView {
    /// Account.
    pub account: u32,
    /// Instrument.
    pub instrument_id: u32,
    /// Settled position as loaded for the day.
    pub settled: i64,
    /// Plain sales of the day.
    pub sold: i64,
    /// Located quantity as loaded for the day.
    pub locates: i64,
    /// Located quantity that short sales have used up.
    pub located_used: i64,
    /// Open quantity of live plain sells.
    pub live_sells: i128,
}

/// The trading state of a scope or an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateView {
    /// Scope.
    pub scope: Scope,
    /// Id within the scope; 0 for the firm.
    pub scope_id: u32,
    /// State.
    pub state: TradingState,
    /// Version.
    pub version: u32,
    /// Whether use of an enforced limit is above it.
    pub breached: bool,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Session.
    pub session_id: u32,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Topology of a desk's session.
    pub topology: Topology,
    /// Venue of a venue's session; else 0.
    pub venue_id: u16,
    /// Number of its key.
    pub key_id: u32,
    /// Ed25519 public key, 64 hexadecimal digits.
    pub public_key: String,
    /// The person behind it; empty for none.
    pub person: String,
    /// Whether it is logged on.
    pub up: bool,
    /// Cancel on disconnect.
    pub cod_mode: CodMode,
    /// Whether its grace is to begin when the server listens.
    pub awaits_grace: bool,
    /// Highest inbound sequence number applied.
    pub last_applied_seq_no: u64,
    /// Number of the next outbound message.
    pub next_out_seq_no: u64,
    /// Mark of the clOrdIds.
    pub cl_ord_id_mark: u64,
}

/// The firm as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmView {
    /// Instance that clients pin.
    pub instance: String,
    /// Name.
    pub name: String,
    /// Base currency.
    pub base_currency: String,
    /// Epoch of the journal.
    pub epoch: u64,
    /// Sequence of the last command.
    pub seq: u64,
    /// Time of the last command, nanoseconds.
    pub t: u64,
    /// Business date, 0 before the first.
    pub business_date: u32,
    /// Whether the day is open.
    pub ready: bool,
    /// Whether only reducing orders pass until the restart is reconciled.
    pub restricted: bool,
    /// Whether loosening needs two people.
    pub two_person: bool,
    /// Whether time moves by command only.
    pub clock_commanded: bool,
    /// Live orders.
    pub live_orders: u64,
}

/// An instrument as defined, with its prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstrumentView {
    /// Definition in force.
    pub definition: wire::DefineInstrument,
    /// Reference price and the time of its feed.
    pub reference: Option<(i64, u64)>,
    /// Mark.
    pub mark: Option<i64>,
}

/// A currency with its rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyView {
    /// ISO 4217 code.
    pub currency: String,
    /// Rate in 10⁻⁸ and its time.
    pub rate: Option<(i64, u64)>,
    /// Age above which it is stale.
    pub max_age_ns: Option<u64>,
    /// How often it was set.
    pub version: u32,
}

/// One control that an order met: a limit, or one without a limit of its own that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlView {
    /// Kind of the limit, or the kind that is not set; null for a control without a limit.
    pub kind: LimitKind,
    /// Scope; null where the control names none.
    pub scope: Scope,
    /// Id within the scope; 0 for the firm.
    pub scope_id: u32,
    /// Selector; null for a control without a limit.
    pub selector: Selector,
    /// Instrument, group or currency; 0 for all.
    pub selector_id: u32,
    /// Value in the unit of its kind; `i64::MAX` is unlimited; `None` where there is none.
    pub limit: Option<i64>,
    /// Value that the order reaches, in the same unit; `None` where it can't be told.
    pub reached: Option<i64>,
    /// Limit less value reached; `None` where either is missing. Never above 0 beside a refusal.
    pub headroom: Option<i64>,
    /// Version of the limit.
    pub version: Option<u32>,
    /// Whether it is evaluated without ever refusing.
    pub shadow: bool,
    /// The code with which it refuses, if it does.
    pub refuses: Option<RejectCode>,
}

/// Why an order passes or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The first refusal; `None` where the order passes.
    pub code: Option<RejectCode>,
    /// Scope and id that the first refusal names.
    pub refused_by: Option<(Scope, u32)>,
    /// Kind of the limit that refuses, or that is not set.
    pub limit_kind: Option<LimitKind>,
    /// Every control met, in the order of the checks.
    pub controls: Vec<ControlView>,
}

/// What an account could still buy and sell with one limit order. Quantities in 10⁻⁸ units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomView {
    /// Account.
    pub account: u32,
    /// Instrument.
    pub instrument_id: u32,
    /// Trader that was assumed.
    pub trader_id: u16,
    /// Limit price that was assumed.
    pub price: Option<i64>,
    /// Largest quantity a buy would pass with; 0 for none.
    pub max_buy: i64,
    /// Largest quantity a sell would pass with; 0 for none.
    pub max_sell: i64,
    /// Code that one lot more to buy would meet.
    pub buy_code: RejectCode,
    /// Code that one lot more to sell would meet.
    pub sell_code: RejectCode,
}
