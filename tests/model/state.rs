//! What the model remembers: plain lists. Every row, sum and count is worked out from them when asked.
//!
//! Orders are never removed and fills are never summed up: a position is the sum of what is listed, an
//! open quantity the sum over the orders, each time anew (`book`).

use super::approvals::Proposal;
use super::book::Move;
use super::limits::{Limit, LimitKey};
use super::orders::Order;
use std::collections::{BTreeMap, BTreeSet};
use wire::{
    CodMode, DefineInstrument, OrdType, RiskEventKind, Role, Scope, Selector, Side, Text, Topology,
    TradingState,
};

/// A scope with its id.
pub(crate) type At = (Scope, u32);

/// A session as defined, with its marks.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) role: Role,
    /// Whose it is, and by which key: what makes two sessions one person.
    pub(crate) person: Text<16>,
    pub(crate) key: Text<64>,
    pub(crate) topology: Topology,
    pub(crate) venue: u16,
    pub(crate) up: bool,
    pub(crate) last_applied: u64,
    pub(crate) mark: u64,
    pub(crate) accounts: BTreeSet<u32>,
    pub(crate) traders: BTreeSet<u16>,
    pub(crate) cod: CodMode,
    /// Nanoseconds between the loss of the session and the cancel of its orders.
    pub(crate) grace: u64,
    /// When its orders are cancelled unless it comes back.
    pub(crate) deadline: Option<u64>,
    /// Its grace is to begin when the server listens again.
    pub(crate) awaits_grace: bool,
}

/// An account's place in the tree and its self-match group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) desk: u32,
    /// 0: the account alone.
    pub(crate) group: u32,
    pub(crate) self_match_off: bool,
}

/// An instrument with its prices.
#[derive(Debug, Clone)]
pub(crate) struct Instrument {
    pub(crate) def: DefineInstrument,
    /// Price and time of the feed.
    pub(crate) reference: Option<(i64, u64)>,
    /// The reference, kept after it was removed (R17).
    pub(crate) last_reference: Option<i64>,
    pub(crate) mark: Option<i64>,
    /// The mark at the roll of the day; the first one since where there was none.
    pub(crate) mark0: Option<i64>,
}

/// A currency with its rate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Currency {
    pub(crate) rate: Option<(i64, u64)>,
    /// The rate, kept after it was removed: what fills meanwhile counts at it.
    pub(crate) last_rate: Option<i64>,
    pub(crate) max_age: Option<u64>,
}

/// What R13 knows a fill by: venue, trade date, instrument, whether it bought, execution id.
pub(crate) type ExecutionKey = (u16, u32, u32, bool, u64);

/// What became of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Booked,
    Busted,
    /// Its bust came first; `reopen` as the bust said.
    Tombstone {
        reopen: bool,
        /// The account for which a desk said so.
        only: Option<u32>,
    },
}

/// An execution that was seen, or whose bust was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Execution {
    pub(crate) price: i64,
    pub(crate) qty: i128,
    pub(crate) side: Side,
    pub(crate) standing: Standing,
    pub(crate) account: u32,
    /// Index of the order, where it is known.
    pub(crate) order: Option<usize>,
}

impl Execution {
    /// Whether this is a tombstone that takes back an execution of this account, and if so whether it reopens.
    pub(crate) fn takes_back(&self, account: u32) -> Option<bool> {
        let Standing::Tombstone { reopen, only } = self.standing else {
            return None;
        };
        only.is_none_or(|only| only == account).then_some(reopen)
    }
}

/// A fill as C7 and C15 count it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Print {
    pub(crate) t: u64,
    pub(crate) account: u32,
    pub(crate) trader: Option<u16>,
    pub(crate) instrument: u32,
    pub(crate) qty: i128,
}

/// Settled and located quantities of an account in an instrument, and the rolls they were loaded after.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ShortBook {
    pub(crate) settled: i128,
    pub(crate) sold: i128,
    pub(crate) locates: i128,
    pub(crate) used: i128,
}

/// A mass cancel, kill or protection that waits for its orders to end.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Who is told, and under which id; `None` for the server's own.
    pub(crate) told: Option<(u32, u64)>,
    pub(crate) requested: usize,
    /// Those that have not ended yet.
    pub(crate) orders: Vec<u64>,
}

/// What is sent besides the answer: alerts to risk managers, progress of mass cancels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) alerts: Vec<Alert>,
    /// Session, id, requested, outstanding.
    pub(crate) reports: Vec<(u32, u64, usize, usize)>,
    pub(crate) hits: Vec<String>,
}

/// An alert, with the limit it is about and its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alert {
    pub(crate) event: RiskEventKind,
    /// Limit key, warn level (100 for a breach), limit and use.
    pub(crate) about: Option<(LimitKey, u64, i64, i64)>,
}

/// The rows of a load: account, instrument, quantity.
pub(crate) type Batch = BTreeMap<(u32, u32), Option<i64>>;

/// Everything the model knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) t: u64,
    pub(crate) base: Text<4>,
    /// Size of the table of execution ids.
    pub(crate) executions_max: usize,
    pub(crate) full: bool,
    pub(crate) currencies: BTreeMap<Text<4>, Currency>,
    pub(crate) instruments: BTreeMap<u32, Instrument>,
    pub(crate) desks: BTreeSet<u32>,
    pub(crate) traders: BTreeSet<u16>,
    pub(crate) accounts: BTreeMap<u32, Account>,
    pub(crate) suspense: Option<u32>,
    pub(crate) sessions: BTreeMap<u32, Session>,
    /// What is forbidden (C19): scope, selector, order type.
    pub(crate) forbidden: BTreeSet<(Scope, u32, Selector, u32, OrdType)>,
    pub(crate) limits: BTreeMap<LimitKey, Limit>,
    /// Versions of limits that were removed: they go on when the limit is set again.
    pub(crate) removed: BTreeMap<LimitKey, Limit>,
    pub(crate) states: BTreeMap<At, (TradingState, u32)>,
    pub(crate) orders: Vec<Order>,
    pub(crate) moves: Vec<Move>,
    pub(crate) prints: Vec<Print>,
    /// Accounts and groups that C15 has frozen.
    pub(crate) frozen: BTreeSet<(u32, u32)>,
    pub(crate) executions: BTreeMap<ExecutionKey, Execution>,
    /// Cash by account and currency, 10⁻⁴ of the currency.
    pub(crate) cash: BTreeMap<(u32, Text<4>), i128>,
    pub(crate) shorts: BTreeMap<(u32, u32), ShortBook>,
    pub(crate) adjusted: BTreeSet<u64>,
    pub(crate) jobs: Vec<Job>,
    /// Rows and completion of loads by batch id and business date.
    pub(crate) batches: BTreeMap<(u64, u32), (Batch, bool)>,
    /// Business date of the last complete load.
    pub(crate) loaded: u32,
    pub(crate) business_date: u32,
    /// Business dates so far.
    pub(crate) dates: Vec<u32>,
    /// Rolls of the day so far.
    pub(crate) day: u32,
    pub(crate) ready: bool,
    pub(crate) restricted: bool,
    /// Whether the server has started: what it said before was the genesis.
    pub(crate) started: bool,
    /// Whether loosening takes two people.
    pub(crate) two_person: bool,
    pub(crate) proposals: Vec<Proposal>,
    pub(crate) last_proposal: u32,
    pub(crate) said: Said,
}

impl Model {
    /// The chain of scopes of an order.
    pub(crate) fn chain(&self, account: u32, trader: u16) -> [At; 4] {
        [
            (Scope::Account, account),
            (Scope::Desk, self.accounts[&account].desk),
            (Scope::Firm, 0),
            (Scope::Trader, u32::from(trader)),
        ]
    }

    /// Every scope of the firm.
    pub(crate) fn scopes(&self) -> Vec<At> {
        let mut scopes: Vec<At> = vec![(Scope::Firm, 0)];
        scopes.extend(self.accounts.keys().map(|a| (Scope::Account, *a)));
        scopes.extend(self.desks.iter().map(|d| (Scope::Desk, *d)));
        scopes.extend(self.traders.iter().map(|t| (Scope::Trader, u32::from(*t))));
        scopes
    }

    /// Whether the firm has the scope.
    pub(crate) fn knows(&self, at: At) -> bool {
        self.scopes().contains(&at)
    }

    /// Whether what `account` and `trader` do belongs to the scope.
    pub(crate) fn belongs(&self, at: At, account: Option<u32>, trader: Option<u16>) -> bool {
        match at.0 {
            Scope::Account => account == Some(at.1),
            Scope::Desk => {
                account.and_then(|a| self.accounts.get(&a)).map(|a| a.desk) == Some(at.1)
            }
            Scope::Firm => account.is_some(),
            _ => trader.map(u32::from) == Some(at.1),
        }
    }

    /// The rate of an instrument's currency, stale or not.
    pub(crate) fn rate(&self, instrument: &Instrument) -> Option<(i64, u64)> {
        if instrument.def.currency == self.base {
            return Some((super::value::E8, u64::MAX));
        }
        self.currencies.get(&instrument.def.currency)?.rate
    }

    /// The rate, or the last there was.
    pub(crate) fn last_rate(&self, instrument: &Instrument) -> Option<i64> {
        if instrument.def.currency == self.base {
            return Some(super::value::E8);
        }
        self.currencies.get(&instrument.def.currency)?.last_rate
    }

    /// Trading state of a scope or an instrument.
    pub(crate) fn state(&self, at: At) -> TradingState {
        self.states
            .get(&at)
            .map_or(TradingState::Active, |(state, _)| *state)
    }

    /// Makes a state at least as strict as `wanted`; says whether it changed.
    pub(crate) fn tighten(&mut self, at: At, wanted: TradingState) -> bool {
        let (now, version) = self
            .states
            .get(&at)
            .copied()
            .unwrap_or((TradingState::Active, 0));
        if now.0 >= wanted.0 {
            return false;
        }
        self.states.insert(at, (wanted, version + 1));
        true
    }

    /// Whether a session of the venue is logged on.
    pub(crate) fn venue_up(&self, venue: u16) -> bool {
        self.sessions
            .values()
            .any(|s| s.role == Role::Venue && s.venue == venue && s.up)
    }

    /// Tells the risk managers.
    pub(crate) fn alert(&mut self, event: RiskEventKind) {
        self.said.alerts.push(Alert { event, about: None });
    }

    /// Counts for the campaign.
    pub(crate) fn hit(&mut self, what: &str) {
        self.said.hits.push(what.to_owned());
    }
}
