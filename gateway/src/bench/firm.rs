//! A firm of any size as the genesis commands of its journal.

use engine::command::{
    Command, DefineDesk, DefineFirm, DefineSession, DefineTrader, Entitle, Sequenced, SessionUp,
};
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use wire::{
    CodMode, DayOpen, DefineAccount, DefineInstrument, E4, E8, Factor, Flag, LimitKind, LimitMode,
    PositionLoad, Price, Qty, Role, Scope, Selector, SetLimit, SetMark, SetReference, Text, Time,
    Topology, Unit,
};

/// Name of the instance that clients pin.
pub const INSTANCE: &str = "bench";
/// First stamp of every firm: 2026-01-02 09:00 UTC in nanoseconds.
pub const START: u64 = 1_767_344_400_000_000_000;
/// Business date.
pub const DATE: u32 = 20_260_102;
/// The one venue.
pub const VENUE: u16 = 1;
/// Session of the venue; desks follow from [`FIRST_DESK_SESSION`].
pub const VENUE_SESSION: u32 = 1;
/// Session of the risk manager.
pub const RISK_SESSION: u32 = 2;
/// Session of operations.
pub const OPS_SESSION: u32 = 3;
/// First session of a desk.
pub const FIRST_DESK_SESSION: u32 = 10;
/// Reference and mark of every instrument.
pub const REFERENCE: i64 = 100 * E8;
/// Orders of a larger quantity are refused by every firm whose C1 is finite.
pub const QTY_MAX: i64 = 10_000 * E8;

/// How large a firm is.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Accounts.
    pub accounts: u32,
    /// Desks, with as many sessions.
    pub desks: u32,
    /// Traders.
    pub traders: u16,
    /// Instruments.
    pub instruments: u32,
    /// Product groups.
    pub groups: u32,
    /// Capacity of the table of orders, ended ones included.
    pub orders: u32,
    /// Capacity of the table of rows.
    pub rows: u32,
    /// Capacity of the table of execution ids.
    pub executions: u32,
    /// Accounts, from the first on, that begin the day with a position in one instrument.
    pub holders: u32,
    /// How desks stand in the flow.
    pub topology: Topology,
    /// Whether a risk manager listens to events: they cost room in the outbox.
    pub watched: bool,
}

impl Shape {
    /// A firm whose state fits the caches: 100 accounts, 50 instruments.
    pub fn small() -> Self {
        Self {
            accounts: 100,
            desks: 10,
            traders: 20,
            instruments: 50,
            groups: 5,
            orders: 16_384,
            rows: 16_384,
            executions: 1 << 20,
            holders: 0,
            topology: Topology::Inline,
            watched: false,
        }
    }

    /// Desk of an account; each desk has one session.
    pub fn desk_of(&self, account: u32) -> u32 {
        (account - 1) % self.desks + 1
    }

    /// Trader of an account: each belongs to one desk.
    pub fn trader_of(&self, account: u32) -> u16 {
        let desk = self.desk_of(account) - 1;
        let per_desk = (u32::from(self.traders) / self.desks).max(1);
        let trader = desk * per_desk + (account / self.desks) % per_desk;
        u16::try_from(trader % u32::from(self.traders) + 1).unwrap_or(1)
    }

    /// What a holder begins the day with: an instrument and lots of it.
    #[must_use]
    pub fn holding(&self, account: u32) -> (u32, i64) {
        match account <= self.holders {
            true => ((account - 1) % self.instruments + 1, 10),
            false => (1, 0),
        }
    }

    /// Session of a desk.
    #[must_use]
    pub fn session_of_desk(desk: u32) -> u32 {
        FIRST_DESK_SESSION + desk - 1
    }
}

/// One limit of a firm, on one scope or on every scope of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Where it is set.
    pub scope: Scope,
    /// What it limits.
    pub kind: LimitKind,
    /// How much, in the wire's unit.
    pub value: i64,
    /// What it applies to.
    pub selector: Selector,
}

impl Rule {
    /// A limit that selects everything.
    #[must_use]
    pub const fn new(scope: Scope, kind: LimitKind, value: i64) -> Self {
        Self {
            scope,
            kind,
            value,
            selector: Selector::All,
        }
    }
}

/// The kinds about which something must be said, all unlimited: what every order is checked for at least.
pub const UNLIMITED: &[Rule] = &[
    Rule::new(Scope::Firm, LimitKind::MaxOrderQty, i64::MAX),
    Rule::new(Scope::Firm, LimitKind::MaxOrderNotional, i64::MAX),
    Rule::new(Scope::Firm, LimitKind::PriceCollar, i64::MAX),
    Rule::new(Scope::Firm, LimitKind::OrderRate, i64::MAX),
    Rule::new(Scope::Firm, LimitKind::MaxLong, i64::MAX),
    Rule::new(Scope::Firm, LimitKind::MaxShort, i64::MAX),
    Rule::new(Scope::Firm, LimitKind::GrossNotional, i64::MAX),
];

/// Far above what a bench reaches, and finite: it is checked and lets pass.
pub const WIDE_QTY: i64 = 10_000_000 * E8;
/// As [`WIDE_QTY`], in 10⁻⁴ of the base currency.
pub const WIDE_VALUE: i64 = 100_000_000_000_000 * E4;

/// Twelve finite limits over the four scopes of a chain, every kind that this build enforces among them.
pub const TWELVE: &[Rule] = &[
    Rule::new(Scope::Firm, LimitKind::MaxOrderQty, QTY_MAX),
    Rule::new(Scope::Firm, LimitKind::MaxOrderNotional, 10_000_000 * E4),
    Rule::new(Scope::Firm, LimitKind::PriceCollar, 1_000),
    Rule::new(Scope::Firm, LimitKind::ReferenceMaxAge, i64::MAX - 1),
    Rule::new(Scope::Firm, LimitKind::GrossNotional, WIDE_VALUE),
    Rule::new(Scope::Desk, LimitKind::NetLong, WIDE_VALUE),
    Rule::new(Scope::Desk, LimitKind::NetShort, WIDE_VALUE),
    Rule::new(Scope::Account, LimitKind::MaxLong, WIDE_QTY),
    Rule::new(Scope::Account, LimitKind::MaxShort, WIDE_QTY),
    Rule::new(Scope::Account, LimitKind::GrossNotional, WIDE_VALUE),
    Rule::new(Scope::Account, LimitKind::MaxOpenOrders, 10_000_000),
    Rule::new(Scope::Trader, LimitKind::OrderRate, 1_000_000_000),
];

/// Builds the firm and opens its day; returns the last sequence used.
///
/// # Panics
/// If the engine does not apply one of the commands.
pub fn found(engine: &mut RiskEngine, shape: &Shape, rules: &[Rule]) -> u64 {
    let mut out = Outbox::new();
    let mut seq = 0;
    for command in genesis(shape, rules, Text::default()) {
        seq += 1;
        let input = Sequenced {
            seq,
            t: START,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command,
        };
        let decision = engine.apply(&input, &mut out);
        assert_eq!(
            decision.outcome,
            Outcome::Applied,
            "{command:?}: {decision:?}"
        );
    }
    seq
}

/// How many there are of a kind of scope.
fn scopes(shape: &Shape, scope: Scope) -> u32 {
    match scope {
        Scope::Desk => shape.desks,
        Scope::Account => shape.accounts,
        Scope::Trader => u32::from(shape.traders),
        _ => 1,
    }
}

/// The firm itself, with the sizes of its tables.
pub fn firm_of(shape: &Shape, rules: &[Rule]) -> DefineFirm {
    let limits: u32 = rules.iter().map(|rule| scopes(shape, rule.scope)).sum();
    DefineFirm {
        instance: Text::new(INSTANCE),
        name: Text::new("Bench"),
        base_currency: Text::new("USD"),
        accounts: shape.accounts,
        instruments: shape.instruments,
        orders: shape.orders,
        rows: shape.rows,
        executions: shape.executions,
        limits: limits + 1_024,
        sessions: shape.desks + 16,
        two_person: Flag::No,
        ..DefineFirm::default()
    }
}

/// The genesis of the firm, its day opened. All sessions have the same key.
pub fn genesis(shape: &Shape, rules: &[Rule], public_key: Text<64>) -> Vec<Command> {
    let mut genesis = Vec::new();
    let mut put = |command| genesis.push(command);
    put(firm_of(shape, rules).into());
    define_scopes(&mut put, shape);
    define_sessions(&mut put, shape, public_key);
    for instrument_id in 1..=shape.instruments {
        put(instrument(instrument_id, instrument_id % shape.groups + 1).into());
        put(reference(instrument_id, REFERENCE).into());
        put(mark(instrument_id, REFERENCE).into());
    }
    for rule in rules {
        let first = u32::from(rule.scope != Scope::Firm);
        for id in first..first + scopes(shape, rule.scope) {
            put(limit(rule, id, 0).into());
        }
    }
    for account in 1..=shape.holders {
        let (instrument_id, lots) = shape.holding(account);
        let load = PositionLoad {
            batch_id: 1,
            qty: Qty(lots * E8),
            business_date: DATE,
            account,
            instrument_id,
            last: Flag::No,
            ..PositionLoad::default()
        };
        put(load.into());
    }
    let load = PositionLoad {
        batch_id: 1,
        qty: Qty::NULL,
        business_date: DATE,
        last: Flag::Yes,
        ..PositionLoad::default()
    };
    put(load.into());
    put(day_open().into());
    genesis
}

/// Opens the business day.
#[must_use]
pub fn day_open() -> DayOpen {
    DayOpen {
        business_date: DATE,
        ..DayOpen::default()
    }
}

fn define_scopes(put: &mut impl FnMut(Command), shape: &Shape) {
    for desk_id in 1..=shape.desks {
        let desk = DefineDesk {
            desk_id,
            name: Text::new("desk"),
        };
        put(desk.into());
    }
    for account in 1..=shape.accounts {
        let account = DefineAccount {
            account,
            desk_id: shape.desk_of(account),
            self_match_off: Flag::Yes,
            suspense: if account == 1 { Flag::Yes } else { Flag::No },
            name: Text::new("account"),
            ..DefineAccount::default()
        };
        put(account.into());
    }
    for trader_id in 1..=shape.traders {
        let trader = DefineTrader {
            trader_id,
            name: Text::new("trader"),
            ..DefineTrader::default()
        };
        put(trader.into());
    }
}

fn define_sessions(put: &mut impl FnMut(Command), shape: &Shape, public_key: Text<64>) {
    let mut session = |session_id, role, topology| {
        let session = DefineSession {
            session_id,
            key_id: 1,
            public_key,
            role,
            topology,
            venue_id: if role == Role::Venue { VENUE } else { 0 },
            ..DefineSession::default()
        };
        put(session.into());
        let up = SessionUp {
            session_id,
            key_id: 1,
            cod_mode: CodMode::Off,
            ..SessionUp::default()
        };
        put(up.into());
    };
    session(VENUE_SESSION, Role::Venue, Topology::NULL);
    if shape.watched {
        session(RISK_SESSION, Role::Risk, Topology::NULL);
    }
    session(OPS_SESSION, Role::Ops, Topology::NULL);
    for desk in 1..=shape.desks {
        session(Shape::session_of_desk(desk), Role::Desk, shape.topology);
    }
    let mut entitle = |session_id, account, trader_id| {
        let entitle = Entitle {
            session_id,
            account,
            trader_id,
            allow: Flag::Yes,
            reserved: 0,
        };
        put(entitle.into());
    };
    for account in 1..=shape.accounts {
        let session_id = Shape::session_of_desk(shape.desk_of(account));
        entitle(session_id, account, u16::MAX);
    }
    for desk in 1..=shape.desks {
        for trader_id in 1..=shape.traders {
            entitle(Shape::session_of_desk(desk), u32::MAX, trader_id);
        }
    }
}

/// An instrument with tick 0.01 and lot 1.
pub fn instrument(instrument_id: u32, product_group: u32) -> DefineInstrument {
    DefineInstrument {
        instrument_id,
        product_group,
        tick: Price(E8 / 100),
        lot: Qty(E8),
        qty_step: Qty(E8),
        multiplier: Factor(E8),
        average_daily_volume: Qty::NULL,
        currency: Text::new("USD"),
        venue_id: VENUE,
        odd_lot_sell: Flag::No,
        short_sale_check: Flag::No,
        ord_types: 3,
        symbol: Text::new("BENCH"),
        ..DefineInstrument::default()
    }
}

/// Sets the reference price of an instrument.
#[must_use]
pub fn reference(instrument_id: u32, price: i64) -> SetReference {
    SetReference {
        instrument_id,
        price: Price(price),
        feed_time: Time(START),
        ..SetReference::default()
    }
}

/// Sets the mark of an instrument.
#[must_use]
pub fn mark(instrument_id: u32, price: i64) -> SetMark {
    SetMark {
        instrument_id,
        price: Price(price),
        ..SetMark::default()
    }
}

/// The command that sets a rule on one scope.
pub fn limit(rule: &Rule, scope_id: u32, expected_version: u32) -> SetLimit {
    let unit = if rule.kind == LimitKind::PriceCollar {
        Unit::BasisPoints
    } else {
        Unit::Natural
    };
    SetLimit {
        value: rule.value,
        window_ns: if rule.kind == LimitKind::OrderRate {
            1_000_000_000
        } else {
            0
        },
        expected_version,
        scope_id,
        selector_id: 0,
        scope: rule.scope,
        limit_kind: rule.kind,
        selector: rule.selector,
        unit,
        mode: LimitMode::Enforced,
        reason: Text::new("bench"),
        ..SetLimit::default()
    }
}
