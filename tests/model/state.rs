//! What the model remembers: plain lists. Every row, sum and count is worked out from them when asked.
//!
//! Orders are never removed and fills are never summed up: a position is the sum of the fills of the
//! list, an open quantity the sum over the orders of the list, each time anew.

use super::value::{ceil_div_128, position_value};
use std::collections::{BTreeMap, BTreeSet};
use wire::{
    DefineInstrument, LimitKind, OrdType, OrderStatus, Role, Scope, Selector, Side, Text,
    TimeInForce, Topology, TradingState, Unit,
};

/// A scope with its id.
pub(crate) type At = (Scope, u32);

/// A session as defined, with its marks.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) role: Role,
    pub(crate) topology: Topology,
    pub(crate) venue: u16,
    pub(crate) up: bool,
    pub(crate) last_applied: u64,
    pub(crate) mark: u64,
    pub(crate) accounts: BTreeSet<u32>,
    pub(crate) traders: BTreeSet<u16>,
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
}

/// A currency with its rate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Currency {
    pub(crate) rate: Option<(i64, u64)>,
    pub(crate) max_age: Option<u64>,
}

/// Where a limit stands and what it selects, in ascending order as the views list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LimitKey {
    pub(crate) scope: Scope,
    pub(crate) scope_id: u32,
    pub(crate) kind: LimitKind,
    pub(crate) selector: Selector,
    pub(crate) selector_id: u32,
}

/// A limit in force.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) value: i64,
    pub(crate) window: u64,
    pub(crate) unit: Unit,
    pub(crate) version: u32,
}

impl Limit {
    /// Whether it bounds at all.
    pub(crate) fn finite(&self) -> bool {
        self.value != i64::MAX
    }
}

/// One version of a chain of replaces.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) cl_ord_id: u64,
    pub(crate) qty: i128,
    pub(crate) price: Option<i64>,
    /// Leaves when accepted.
    pub(crate) accepted_leaves: i128,
    /// Value of those leaves.
    pub(crate) accepted_value: i128,
    pub(crate) gone: i128,
    pub(crate) pending: bool,
    /// No longer part of the chain's reserve.
    pub(crate) dropped: bool,
    /// Dropped because the venue refused it.
    pub(crate) rejected: bool,
}

/// One order with all its versions.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) trader: u16,
    pub(crate) strategy: u16,
    pub(crate) side: Side,
    pub(crate) ord_type: OrdType,
    pub(crate) tif: TimeInForce,
    pub(crate) cum: i128,
    pub(crate) versions: Vec<Version>,
    pub(crate) cancel_ids: Vec<u64>,
    pub(crate) acknowledged: bool,
    pub(crate) cancel_pending: bool,
    pub(crate) unresolved: bool,
    /// The venue has ended it, but its cumQty says that fills are missing.
    pub(crate) ended_with_gap: bool,
    pub(crate) terminal: bool,
}

impl Order {
    pub(crate) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }

    pub(crate) fn leaves(&self, version: &Version) -> i128 {
        if self.terminal || version.dropped {
            0
        } else {
            (version.qty - self.cum - version.gone).max(0)
        }
    }

    pub(crate) fn reserved_qty(&self) -> i128 {
        self.versions
            .iter()
            .map(|v| self.leaves(v))
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn reserved_value(&self) -> i128 {
        self.versions
            .iter()
            .map(|v| match self.leaves(v) {
                0 => 0,
                leaves => ceil_div_128(v.accepted_value * leaves, v.accepted_leaves),
            })
            .max()
            .unwrap_or(0)
    }

    /// Replaces that the venue has still to answer; the end of the order ends them all.
    pub(crate) fn pending_replaces(&self) -> usize {
        if self.ended_with_gap {
            return 0;
        }
        self.versions
            .iter()
            .filter(|v| v.pending && !v.dropped)
            .count()
    }

    /// The version that the venue works on.
    pub(crate) fn in_force(&self) -> &Version {
        self.versions
            .iter()
            .rfind(|v| !v.pending && !v.dropped)
            .unwrap_or(&self.versions[0])
    }

    /// The version that a replace must name.
    pub(crate) fn newest(&self) -> &Version {
        self.versions
            .iter()
            .rfind(|v| !v.rejected)
            .unwrap_or(&self.versions[0])
    }

    /// Whether `cl_ord_id` is one of the ids the order had.
    pub(crate) fn had_id(&self, cl_ord_id: u64) -> bool {
        self.versions.iter().any(|v| v.cl_ord_id == cl_ord_id)
    }

    pub(crate) fn status(&self) -> OrderStatus {
        if self.terminal {
            OrderStatus::Terminal
        } else if self.unresolved {
            OrderStatus::Unresolved
        } else if self.cancel_pending {
            OrderStatus::PendingCancel
        } else if self.pending_replaces() > 0 {
            OrderStatus::PendingReplace
        } else if self.acknowledged {
            OrderStatus::Open
        } else {
            OrderStatus::PendingNew
        }
    }
}

/// A fill that was booked.
#[derive(Debug, Clone)]
pub(crate) struct Fill {
    pub(crate) account: u32,
    pub(crate) trader: Option<u16>,
    pub(crate) instrument: u32,
    /// Positive for buys.
    pub(crate) signed_qty: i128,
    /// Rolls of the day before it was booked.
    pub(crate) day: u32,
}

/// What R13 knows a fill by: venue, trade date, instrument, whether it bought, execution id.
pub(crate) type ExecutionKey = (u16, u32, u32, bool, u64);

/// The rows of a load: account, instrument, quantity.
pub(crate) type Batch = Vec<(u32, u32, i64)>;

/// A row, worked out from the lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) position: i128,
    pub(crate) open_buy: i128,
    pub(crate) open_sell: i128,
    pub(crate) reserved_buy: i128,
    pub(crate) reserved_sell: i128,
}

impl Row {
    /// Whether there is anything in it.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// "Reducing in a row", with what the order would add to its open quantity.
    pub(crate) fn reducing(&self, buy: bool, added: i128) -> bool {
        if buy {
            self.position < 0 && self.open_buy + added <= -self.position
        } else {
            self.position > 0 && self.open_sell + added <= self.position
        }
    }
}

/// Everything the model knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) t: u64,
    pub(crate) base: Text<4>,
    pub(crate) currencies: BTreeMap<Text<4>, Currency>,
    pub(crate) instruments: BTreeMap<u32, Instrument>,
    pub(crate) desks: BTreeSet<u32>,
    pub(crate) traders: BTreeSet<u16>,
    /// Desk of each account.
    pub(crate) accounts: BTreeMap<u32, u32>,
    pub(crate) suspense: Option<u32>,
    pub(crate) sessions: BTreeMap<u32, Session>,
    /// What is forbidden (C19): scope, selector, order type.
    pub(crate) forbidden: BTreeSet<(Scope, u32, Selector, u32, OrdType)>,
    pub(crate) limits: BTreeMap<LimitKey, Limit>,
    /// Versions of limits that were removed: they go on when the limit is set again.
    pub(crate) removed: BTreeMap<LimitKey, u32>,
    /// Theoretical arrival time of each rate limit.
    pub(crate) buckets: BTreeMap<LimitKey, u64>,
    pub(crate) states: BTreeMap<At, (TradingState, u32)>,
    pub(crate) orders: Vec<Order>,
    pub(crate) fills: Vec<Fill>,
    pub(crate) executions: BTreeMap<ExecutionKey, (i64, i64)>,
    /// Loaded position and the day it was loaded for, by account and instrument.
    pub(crate) loads: BTreeMap<(u32, u32), (i128, u32)>,
    pub(crate) batch: Batch,
    /// Complete batches by id and business date.
    pub(crate) batches: BTreeMap<(u64, u32), Batch>,
    pub(crate) business_date: u32,
    /// Business dates so far.
    pub(crate) dates: Vec<u32>,
    /// Rolls of the day so far.
    pub(crate) day: u32,
    pub(crate) ready: bool,
    pub(crate) restricted: bool,
}

impl Model {
    /// The chain of scopes of an order.
    pub(crate) fn chain(&self, account: u32, trader: u16) -> [At; 4] {
        [
            (Scope::Account, account),
            (Scope::Desk, self.accounts[&account]),
            (Scope::Firm, 0),
            (Scope::Trader, u32::from(trader)),
        ]
    }

    /// Whether what `account` and `trader` do belongs to the scope.
    pub(crate) fn belongs(&self, at: At, account: u32, trader: Option<u16>) -> bool {
        match at.0 {
            Scope::Account => at.1 == account,
            Scope::Desk => self.accounts.get(&account) == Some(&at.1),
            Scope::Firm => true,
            _ => trader.map(u32::from) == Some(at.1),
        }
    }

    /// All rows of a scope by instrument, from scratch.
    pub(crate) fn rows(&self, at: At) -> BTreeMap<u32, Row> {
        let mut rows: BTreeMap<u32, Row> = BTreeMap::new();
        if at.0 != Scope::Trader {
            for ((account, instrument), (qty, _)) in &self.loads {
                if self.belongs(at, *account, None) {
                    rows.entry(*instrument).or_default().position += qty;
                }
            }
        }
        for fill in &self.fills {
            let loaded_later = at.0 != Scope::Trader
                && self
                    .loads
                    .get(&(fill.account, fill.instrument))
                    .is_some_and(|(_, day)| fill.day < *day);
            if !loaded_later && self.belongs(at, fill.account, fill.trader) {
                rows.entry(fill.instrument).or_default().position += fill.signed_qty;
            }
        }
        for order in self.orders.iter().filter(|o| !o.terminal) {
            if self.belongs(at, order.account, Some(order.trader)) {
                let row = rows.entry(order.instrument).or_default();
                if order.is_buy() {
                    row.open_buy += order.reserved_qty();
                    row.reserved_buy += order.reserved_value();
                } else {
                    row.open_sell += order.reserved_qty();
                    row.reserved_sell += order.reserved_value();
                }
            }
        }
        rows
    }

    /// The rate of an instrument's currency, stale or not.
    pub(crate) fn rate(&self, instrument: &Instrument) -> Option<(i64, u64)> {
        if instrument.def.currency == self.base {
            return Some((super::value::E8, u64::MAX));
        }
        self.currencies.get(&instrument.def.currency)?.rate
    }

    /// Signed value of a position; `None` without mark or rate.
    pub(crate) fn value_of(&self, instrument: u32, position: i128) -> Option<i128> {
        let instrument = self.instruments.get(&instrument)?;
        let (rate, _) = self.rate(instrument)?;
        Some(position_value(
            position,
            instrument.mark?,
            instrument.def.multiplier.0,
            rate,
        ))
    }

    /// The version that a change of the limit must name; 0 where there was none yet.
    pub(crate) fn limit_version(&self, key: &LimitKey) -> u32 {
        match self.limits.get(key) {
            Some(limit) => limit.version,
            None => self.removed.get(key).copied().unwrap_or(0),
        }
    }

    /// Whether a limit's selector takes in the instrument.
    pub(crate) fn selects(&self, key: &LimitKey, instrument: u32) -> bool {
        match key.selector {
            Selector::Instrument => key.selector_id == instrument,
            Selector::Group => self
                .instruments
                .get(&instrument)
                .is_some_and(|i| i.def.product_group == key.selector_id),
            Selector::All => true,
            _ => false,
        }
    }

    /// The limits of a kind that bind an order, in the order they are checked.
    pub(crate) fn binding(
        &self,
        kind: LimitKind,
        chain: &[At; 4],
        instrument: u32,
    ) -> Vec<(LimitKey, Limit)> {
        let mut out = Vec::new();
        for (scope, scope_id) in chain {
            for selector in [Selector::Instrument, Selector::Group, Selector::All] {
                for (key, limit) in &self.limits {
                    if key.kind == kind
                        && key.scope == *scope
                        && key.scope_id == *scope_id
                        && key.selector == selector
                        && self.selects(key, instrument)
                    {
                        out.push((*key, limit.clone()));
                    }
                }
            }
        }
        out
    }

    /// Live orders in a scope that a selector takes in.
    pub(crate) fn live_count(&self, key: &LimitKey) -> i128 {
        self.orders
            .iter()
            .filter(|o| {
                !o.terminal
                    && self.belongs((key.scope, key.scope_id), o.account, Some(o.trader))
                    && self.selects(key, o.instrument)
            })
            .map(|_| 1)
            .sum()
    }

    /// Σ max(|V + OB|, |V − OS|), Σ(V + OB) and −Σ(V − OS) over the rows that a selector takes in.
    ///
    /// A position without mark or rate counts with no value: R17 says which orders may still pass.
    pub(crate) fn sums(&self, key: &LimitKey, rows: &BTreeMap<u32, Row>) -> (i128, i128, i128) {
        let (mut gross, mut long, mut short) = (0, 0, 0);
        for (instrument, row) in rows {
            if self.selects(key, *instrument) {
                let value = self.value_of(*instrument, row.position).unwrap_or(0);
                let up = value + row.reserved_buy;
                let down = value - row.reserved_sell;
                gross += up.abs().max(down.abs());
                long += up;
                short -= down;
            }
        }
        (gross, long, short)
    }

    /// Trading state of a scope or an instrument.
    pub(crate) fn state(&self, at: At) -> TradingState {
        self.states
            .get(&at)
            .map_or(TradingState::Active, |(state, _)| *state)
    }
}
