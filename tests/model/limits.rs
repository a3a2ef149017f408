//! Limits: setting them (with versions, temporary values and modes), which of them bind an order, how much
//! of each is used, and the warnings and latches that follow its use.

use super::book::{Rows, Sums};
use super::lifecycle::Expect;
use super::state::{Alert, At, Model};
use super::value::saturate;
use std::collections::BTreeMap;
use wire::{
    LimitKind, LimitMode, RejectCode, RiskEventKind, Scope, Selector, SetLimit, TradingState, Unit,
};

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
    /// The value to which a temporary one reverts; the same without one.
    pub(crate) permanent: i64,
    pub(crate) expires: Option<u64>,
    pub(crate) window: u64,
    pub(crate) unit: Unit,
    pub(crate) mode: LimitMode,
    pub(crate) version: u32,
    pub(crate) warn: [u8; 3],
    /// Theoretical arrival time of a rate limit.
    pub(crate) arrival: u64,
    /// Warn levels that were told and not armed again.
    pub(crate) warned: [bool; 3],
    /// Use is above it; C13: the loss has reached it.
    pub(crate) breached: bool,
    /// Loss when it was last looked at, so that a boundary is counted once.
    pub(crate) last_loss: Option<i128>,
}

impl Limit {
    /// Whether it bounds at all.
    pub(crate) fn finite(&self) -> bool {
        self.value != i64::MAX
    }

    pub(crate) fn shadow(&self) -> bool {
        self.mode == LimitMode::Shadow
    }

    /// What bounds: the value of an enforced finite limit.
    pub(crate) fn bound(&self) -> Option<i128> {
        (self.finite() && !self.shadow()).then(|| i128::from(self.value))
    }

    /// R27: notes which warn levels a use has reached, or not left by five points, and says which are new. Any
    /// use at all of a limit of 0 has reached them all.
    fn levels_crossed(&mut self, used: i128) -> Vec<u8> {
        let bound = self.bound();
        let mut crossed = Vec::new();
        for (at, level) in self.warn.into_iter().enumerate() {
            let of = |points: i128| bound.map(|bound| bound * points);
            let reached = used > 0 && of(level.into()).is_some_and(|some| used * 100 >= some);
            let near = used > 0 && of(i128::from(level) - 5).is_some_and(|some| used * 100 > some);
            if reached && !self.warned[at] {
                crossed.push(level);
            }
            self.warned[at] = reached || (self.warned[at] && near);
        }
        crossed
    }
}

/// The kinds of C8 to C12, in the order of checks.
pub(crate) const USED_UP: &[LimitKind] = &[
    LimitKind::MaxOpenOrders,
    LimitKind::MaxLong,
    LimitKind::MaxShort,
    LimitKind::GrossNotional,
    LimitKind::NetLong,
    LimitKind::NetShort,
    LimitKind::DailyBuyTurnover,
    LimitKind::DailySellTurnover,
    LimitKind::DailyTurnover,
];

impl Model {
    /// The version that a change of the limit must name; 0 where there was none yet.
    pub(crate) fn limit_version(&self, key: &LimitKey) -> u32 {
        let known = self.limits.get(key).or_else(|| self.removed.get(key));
        known.map_or(0, |limit| limit.version)
    }

    /// Whether a limit's selector takes in the instrument.
    pub(crate) fn selects(&self, key: &LimitKey, instrument: u32) -> bool {
        let Some(known) = self.instruments.get(&instrument) else {
            return false;
        };
        match key.selector {
            Selector::Instrument => key.selector_id == instrument,
            Selector::Group => known.def.product_group == key.selector_id,
            Selector::All => true,
            _ => key.selector_id == u32::from_le_bytes(known.def.currency.0),
        }
    }

    /// The limits of a kind that an order meets, shadow ones too, in the order they are checked.
    pub(crate) fn binding(
        &self,
        kind: LimitKind,
        chain: &[At; 4],
        instrument: u32,
    ) -> Vec<(LimitKey, Limit)> {
        let mut out = Vec::new();
        for (scope, scope_id) in chain {
            for selector in [
                Selector::Instrument,
                Selector::Group,
                Selector::All,
                Selector::Currency,
            ] {
                for (key, limit) in &self.limits {
                    if key.kind == kind
                        && (key.scope, key.scope_id) == (*scope, *scope_id)
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

    /// Use of a limit now, in its own unit; `None` for kinds that are not used up.
    pub(crate) fn used(&self, key: &LimitKey, rows: &Rows) -> Option<i128> {
        let Sums {
            gross,
            long,
            short,
            live,
            buying,
            selling,
            profit,
        } = self.sums(key, rows);
        let each = |buy| {
            rows.iter()
                .filter(|(id, _)| self.selects(key, **id))
                .map(|(_, row)| row.worst_case(buy))
                .max()
                .unwrap_or(0)
        };
        Some(match key.kind {
            LimitKind::MaxOpenOrders => live,
            LimitKind::MaxLong => each(true),
            LimitKind::MaxShort => each(false),
            LimitKind::GrossNotional => gross,
            LimitKind::NetLong => long,
            LimitKind::NetShort => short,
            LimitKind::DailyBuyTurnover => buying,
            LimitKind::DailySellTurnover => selling,
            LimitKind::DailyTurnover => buying + selling,
            LimitKind::DailyLoss => -profit,
            _ => return None,
        })
    }

    /// Use of every limit that is used up.
    pub(crate) fn uses(&self) -> BTreeMap<LimitKey, i128> {
        let mut rows: BTreeMap<At, Rows> = BTreeMap::new();
        let mut uses = BTreeMap::new();
        for key in self.limits.keys() {
            if !USED_UP.contains(&key.kind) && key.kind != LimitKind::DailyLoss {
                continue;
            }
            let at = (key.scope, key.scope_id);
            let rows = rows.entry(at).or_insert_with(|| self.rows(at));
            if let Some(used) = self.used(key, rows) {
                uses.insert(*key, used);
            }
        }
        uses
    }

    /// What follows from the use of limits after a command: warnings (R27), breaches (R18), the latch
    /// of the day's loss (C13).
    pub(crate) fn look_at_limits(&mut self) {
        for (key, used) in self.uses() {
            if key.kind == LimitKind::DailyLoss {
                self.look_at_loss(&key, used);
            } else {
                self.look_at_use(&key, used);
            }
        }
    }

    fn look_at_loss(&mut self, key: &LimitKey, loss: i128) {
        let Some(limit) = self.limits.get_mut(key) else {
            return;
        };
        let reached = limit.finite() && loss >= i128::from(limit.value);
        let crossed = reached && !limit.breached;
        limit.breached = reached;
        let (value, shadow, halts) = (limit.value, limit.shadow(), limit.unit == Unit::Halt);
        let news = limit.last_loss.replace(loss) != Some(loss) && limit.finite() && !shadow;
        let levels = limit.levels_crossed(loss);
        if news && (crossed || !reached) {
            // A loss of exactly the limit trips already.
            let past = crossed && loss > i128::from(value);
            self.edge(LimitKind::DailyLoss, loss, value, past);
        }
        if !crossed || shadow {
            self.warn(key, levels, loss);
            return;
        }
        let wanted = if halts {
            TradingState::Halted
        } else {
            TradingState::ReduceOnly
        };
        self.tighten((key.scope, key.scope_id), wanted);
        self.alert(RiskEventKind::DailyLoss);
        self.hit("C13 the loss of the day trips");
    }

    fn look_at_use(&mut self, key: &LimitKey, used: i128) {
        let Some(limit) = self.limits.get_mut(key) else {
            return;
        };
        let was_breached = limit.breached;
        limit.breached = limit.bound().is_some_and(|bound| used > bound);
        let breaks = limit.breached && !was_breached;
        let levels = limit.levels_crossed(used);
        // A breach says more than the levels crossed with it.
        if breaks {
            self.tell(key, RiskEventKind::Breach, 100, used);
            self.hit("R18 a breach is told once");
        } else {
            self.warn(key, levels, used);
        }
    }

    fn warn(&mut self, key: &LimitKey, levels: Vec<u8>, used: i128) {
        for level in levels {
            self.tell(key, RiskEventKind::Warning, level, used);
            self.hit("R27 a warn level is crossed");
        }
    }

    fn tell(&mut self, key: &LimitKey, event: RiskEventKind, level: u8, used: i128) {
        let value = self.limits[key].value;
        let about = Some((*key, u64::from(level), value, saturate(used)));
        self.said.alerts.push(Alert { event, about });
    }

    /// Counts how near to its bound something came. `past`: it was refused or tripped.
    pub(crate) fn edge(&mut self, kind: LimitKind, reached: i128, limit: i64, past: bool) {
        if let Some(what) = edge_of(kind, reached, limit, past) {
            self.said.hits.push(what);
        }
    }

    pub(crate) fn set_limit(&mut self, session_id: u32, m: &SetLimit) -> Expect {
        match self.check_limit(m) {
            Ok(()) if self.takes_two(session_id) && self.limit_loosens(m) => Self::needs_approval(),
            Ok(()) => self.put_limit(m),
            Err(RejectCode::VersionConflict) => {
                Expect::refused(RejectCode::VersionConflict).hit("code 300 VersionConflict")
            }
            Err(code) => Expect::refused(code).hit("limit refused"),
        }
    }

    /// Whether the limit could be set this way, by however many people.
    pub(crate) fn check_limit(&self, m: &SetLimit) -> Result<(), RejectCode> {
        let selector_known = match m.selector {
            Selector::Instrument => self.instruments.contains_key(&m.selector_id),
            Selector::Group => true,
            Selector::All => m.selector_id == 0,
            _ => m.limit_kind == LimitKind::BuyingPower,
        };
        let key = LimitKey {
            scope: m.scope,
            scope_id: m.scope_id,
            kind: m.limit_kind,
            selector: m.selector,
            selector_id: m.selector_id,
        };
        let removes = m.value == i64::MIN;
        let temporary = m.expires_at.0 != 0;
        let now = self.limits.get(&key);
        if !self.knows((m.scope, m.scope_id))
            || !selector_known
            || (m.value < 0 && !removes)
            || (temporary && (removes || m.expires_at.0 <= self.t))
            || (temporary && now.is_none_or(|l| !means_the_same(l, m)))
        {
            return Err(RejectCode::LimitRange);
        }
        if self.limit_version(&key) != m.expected_version {
            return Err(RejectCode::VersionConflict);
        }
        Ok(())
    }

    /// Puts in force what `check_limit` has let through.
    pub(crate) fn put_limit(&mut self, m: &SetLimit) -> Expect {
        let key = LimitKey {
            scope: m.scope,
            scope_id: m.scope_id,
            kind: m.limit_kind,
            selector: m.selector,
            selector_id: m.selector_id,
        };
        let removes = m.value == i64::MIN;
        let temporary = m.expires_at.0 != 0;
        let version = self.limit_version(&key);
        let now = self.limits.get(&key).cloned();
        let known = now.clone().or_else(|| self.removed.get(&key).cloned());
        let loss = key.kind == LimitKind::DailyLoss;
        let mut set = match now.filter(|_| temporary) {
            Some(limit) => Limit {
                value: m.value,
                expires: Some(m.expires_at.0),
                ..limit
            },
            None => Limit {
                value: m.value,
                permanent: m.value,
                expires: None,
                window: m.window_ns,
                unit: m.unit,
                mode: m.mode,
                version,
                warn: with_defaults([m.warn1, m.warn2, m.warn3]),
                arrival: known.as_ref().map_or(0, |l| l.arrival),
                warned: known.as_ref().map_or([false; 3], |l| l.warned),
                breached: known.as_ref().is_some_and(|l| l.breached),
                last_loss: None,
            },
        };
        set.version = version + 1;
        // C13: set anew, it is armed again.
        set.breached &= !loss;
        let expect = Expect::version(version + 1);
        if removes {
            set.breached = false;
            set.warned = [false; 3];
            self.limits.remove(&key);
            self.removed.insert(key, set);
            return expect.hit("limit removed");
        }
        self.removed.remove(&key);
        self.limits.insert(key, set);
        expect.hit(match (temporary, m.mode) {
            (true, _) => "R26 temporary limit set",
            (_, LimitMode::Shadow) => "shadow limit set",
            _ => "limit set",
        })
    }

    /// R26: temporary limits that have ended revert before anything at or after their end.
    pub(crate) fn end_temporary_limits(&mut self) {
        let now = self.t;
        let due: Vec<LimitKey> = self
            .limits
            .iter()
            .filter(|(_, l)| l.expires.is_some_and(|end| now >= end))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            let Some(limit) = self.limits.get_mut(&key) else {
                continue;
            };
            limit.value = limit.permanent;
            limit.expires = None;
            limit.version += 1;
            self.alert(RiskEventKind::TemporaryEnded);
            self.hit("R26 temporary limit ended");
            self.look_at_limits();
        }
    }
}

/// A temporary limit changes the value only: it may not be meant in another unit.
fn means_the_same(limit: &Limit, m: &SetLimit) -> bool {
    let has_units = matches!(
        m.limit_kind,
        LimitKind::PriceCollar | LimitKind::MarketMakerProtection
    );
    !has_units || m.unit == limit.unit
}

fn with_defaults(levels: [u8; 3]) -> [u8; 3] {
    let mut out = [70, 80, 90];
    for (out, level) in out.iter_mut().zip(levels) {
        if level != 0 {
            *out = level;
        }
    }
    out
}

/// How near to a bound something came, for the campaign's count; `None` where it was far.
pub(crate) fn edge_of(kind: LimitKind, reached: i128, limit: i64, past: bool) -> Option<String> {
    let limit = i128::from(limit);
    let near = (limit - reached).abs() * 100 <= limit.max(100);
    let side = match () {
        () if !near => return None,
        () if past => "past",
        () if reached == limit => "at",
        () if reached < limit => "below",
        () => return None,
    };
    Some(format!("edge {kind}: {side}"))
}
