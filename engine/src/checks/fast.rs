//! The short way to yes: one walk over the limits of a chain, for orders that surely pass.
//!
//! Most orders pass everything, and for them neither the precedence of the controls nor what a refusal
//! would say matters. [`passes`] says yes only where every control of `checks` would; at the first
//! doubt (a limit not kept, a shadow limit not kept, a scope that is not active, anything missing, a
//! kind it does not know) it says nothing, and [`super::decide`] decides. So a new control needs no line
//! here: it is slower until it has one. A debug build runs both and panics where they differ.

use super::price::{age, is_outside, is_stale};
use super::rate::next_arrival;
use super::refusal::BPS_MAX;
use super::{
    Ask, Findings, Headroom, NO_ROW, Values, cover, duplicate, protection, self_match, size,
};
use crate::exposure::{Row, Sums, gross};
use crate::instrument::{Instrument, Reference};
use crate::limits::{Limit, bit};
use crate::state::State;
use crate::tree::CHAIN;
use wire::{LimitKind, OrdType, TradingState};

/// Most rate buckets that a chain may have here: three selectors for each of its four scopes.
const BUCKETS: usize = 12;
/// About these something must be said, whatever the side; C9's kind of the order's side comes to it.
const SAID: u32 = bit(LimitKind::MaxOrderQty)
    | bit(LimitKind::MaxOrderNotional)
    | bit(LimitKind::PriceCollar)
    | bit(LimitKind::OrderRate)
    | bit(LimitKind::GrossNotional);

/// What an order that passes everything moves and tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passed {
    pub(crate) values: Values,
    pub(crate) headroom: Headroom,
    /// Its use of some limit crosses a warn level or its bound.
    pub(crate) tells: bool,
    buckets: [(u32, u64); BUCKETS],
    count: usize,
}

impl Passed {
    /// Slots of the rate buckets that advance, and where to.
    pub(crate) fn buckets(&self) -> &[(u32, u64)] {
        &self.buckets[..self.count]
    }
}

/// The tightest use so far: the first in check order where equal.
#[derive(Debug, Clone, Copy)]
struct Tightest {
    bps: u64,
    /// (kind, place) of the limit in check order, and its scope; `None` before the first.
    at: Option<(usize, u32)>,
}

impl Tightest {
    fn note(&mut self, limit: &Limit, value: i64, used: i128, place: usize) -> Option<()> {
        let used = u64::try_from(used.max(0)).ok()?;
        let value = u64::try_from(value).ok()?;
        let at = Some((usize::from(limit.kind.0) * 16 + place, limit.scope));
        let scaled = u128::from(used) * 10_000;
        let known = self.at.is_some();
        // Division only where the use is not below what is known.
        if known && value > 0 && scaled < u128::from(self.bps) * u128::from(value) {
            return Some(());
        }
        let most = u64::from(BPS_MAX);
        let bps = match (u64::try_from(scaled), value) {
            (_, 0) => {
                if used == 0 {
                    0
                } else {
                    most
                }
            }
            (Ok(scaled), value) => (scaled / value).min(most),
            (Err(_), value) => u64::try_from(scaled / u128::from(value))
                .unwrap_or(most)
                .min(most),
        };
        if !known || bps > self.bps || (bps == self.bps && at < self.at) {
            *self = Self { bps, at };
        }
        Some(())
    }
}

/// The order with all that its walk over the chain needs.
struct Walk<'a> {
    state: &'a State,
    ask: &'a Ask,
    instrument: &'a Instrument,
    reference: Reference,
    qty_delta: i128,
    value_delta: i128,
    passed: Passed,
    tightest: Tightest,
    /// Kinds with an enforced limit somewhere in the chain.
    said: u32,
}

/// What a level of the chain looks like after the order.
struct Level {
    /// Worst-case long and short position in the row.
    long: i128,
    short: i128,
    /// What the row adds to its sums before the order and after it.
    before: Sums,
    after: Sums,
}

/// What the order moves if every control surely lets it pass; `None` where they have to be asked.
pub(crate) fn passes(state: &State, ask: &Ask) -> Option<Passed> {
    let instrument = state.instruments.get(ask.instrument);
    let plain = ask.ord_type == OrdType::Limit
        && !state.restricted
        && instrument.state == TradingState::Active;
    if !plain || !rate_is_fresh(state, instrument, ask.t) {
        return None;
    }
    let values = size::limit_value(ask, instrument)?;
    let mut walk = Walk {
        state,
        ask,
        instrument,
        reference: instrument.reference?,
        qty_delta: ask.qty_delta(),
        value_delta: i128::from(ask.value_delta(&values)),
        passed: Passed {
            values,
            headroom: Headroom::default(),
            tells: false,
            buckets: [(0, 0); BUCKETS],
            count: 0,
        },
        tightest: Tightest { bps: 0, at: None },
        said: 0,
    };
    for level in 0..CHAIN {
        walk.level(level)?;
    }
    let own = if ask.is_buy() {
        LimitKind::MaxLong
    } else {
        LimitKind::MaxShort
    };
    let must = SAID | bit(own);
    (walk.said & must == must).then_some(())?;
    others_let_pass(state, ask, &values)?;
    walk.passed.headroom = walk.headroom();
    Some(walk.passed)
}

fn rate_is_fresh(state: &State, instrument: &Instrument, t: u64) -> bool {
    let currency = state.instruments.currency_of(instrument);
    currency.rate.is_some()
        && currency
            .max_age_ns
            .is_none_or(|max_age| age(currency.rate_time, t) <= max_age)
}

/// C18, C16, C17, C15: the controls that look at books of their own.
fn others_let_pass(state: &State, ask: &Ask, values: &Values) -> Option<()> {
    cover::sale_is_covered(state, ask).ok()?;
    if state.limits.knows(LimitKind::BuyingPower) {
        let mut found = Findings::default();
        cover::buy_is_paid(state, ask, ask.cash_delta(values), &mut found).ok()?;
        found.shadow.is_none().then_some(())?;
    }
    self_match::is_clear(state, ask).then_some(())?;
    if state.limits.knows(LimitKind::MarketMakerProtection) {
        protection::is_not_frozen(state, ask).ok()?;
    }
    Some(())
}

impl Walk<'_> {
    /// One scope of the chain: its state, its row, and the limits on instrument, group and all.
    fn level(&mut self, level: usize) -> Option<()> {
        let state = self.state;
        let slot = self.ask.rows[level];
        if slot == NO_ROW || state.tree.get(self.ask.scopes[level]).state != TradingState::Active {
            return None;
        }
        let row = state.exposure.row(slot);
        let (group, all) = (
            state.exposure.total(row.group),
            state.exposure.total(row.all),
        );
        // Something held without mark or rate refuses all but what reduces.
        if all.sums.unmarked != 0 || all.sums.unrated != 0 {
            return None;
        }
        let mut after = None;
        for (selector, (set, total)) in [
            (row.limits, None),
            (group.limits, Some(&group.sums)),
            (all.limits, Some(&all.sums)),
        ]
        .into_iter()
        .enumerate()
        {
            let set = state.limits.set(set);
            self.said |= set.enforced;
            let mut mask = set.mask;
            while mask != 0 {
                let kind = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let slot = set.slot(kind);
                let after = after.get_or_insert_with(|| self.after(row));
                self.limit(slot, total, after, level * 3 + selector)?;
            }
        }
        Some(())
    }

    fn after(&self, row: &Row) -> Level {
        let before = row.contribution();
        let (mut long, mut short) = (row.position + row.open_buy, row.open_sell - row.position);
        let (mut buy, mut sell) = (row.reserved_buy, row.reserved_sell);
        if self.ask.is_buy() {
            long += self.qty_delta;
            buy += self.value_delta;
        } else {
            short += self.qty_delta;
            sell += self.value_delta;
        }
        let after = Sums {
            gross: gross(row.value, buy, sell),
            long: row.value + buy,
            short: sell - row.value,
            buying: row.bought + buy,
            selling: row.sold + sell,
            ..before
        };
        Level {
            long,
            short,
            before,
            after,
        }
    }

    /// One limit. Kinds that no order is checked against pass.
    fn limit(
        &mut self,
        slot: u32,
        total: Option<&Sums>,
        level: &Level,
        place: usize,
    ) -> Option<()> {
        let limit = self.state.limits.get(slot);
        let Some(value) = limit.finite() else {
            return Some(());
        };
        let ask = self.ask;
        let of = |sum: fn(&Sums) -> i128| match total {
            None => sum(&level.after),
            Some(total) => sum(total) + sum(&level.after) - sum(&level.before),
        };
        let kept = |kept: bool| kept.then_some(());
        let bound = i128::from(value);
        // (use after the order, whether a use above the bound could refuse this order)
        let (used, counts) = match limit.kind {
            LimitKind::MaxOrderQty => return kept(ask.qty <= value),
            LimitKind::MaxOrderNotional => return kept(self.passed.values.full <= value),
            LimitKind::PriceCollar => {
                let reference = i128::from(self.reference.price);
                let collar = (value, limit.unit);
                return kept(!is_outside(ask, self.instrument, reference, collar));
            }
            LimitKind::ReferenceMaxAge => return kept(!is_stale(limit, self.reference, ask.t)),
            LimitKind::OrderRate => return self.take_rate(slot, limit),
            LimitKind::DuplicateOrder => return kept(self.is_new_enough(limit)),
            LimitKind::MaxOrderVsAdv => {
                let volume = self.instrument.definition.average_daily_volume;
                let share = i128::from(ask.qty) * crate::units::BPS;
                return kept(volume.is_null() || share <= i128::from(volume.0) * bound);
            }
            LimitKind::RepeatedExecution
            | LimitKind::DailyLoss
            | LimitKind::MarketMakerProtection => return Some(()),
            LimitKind::MaxOpenOrders => {
                let live = total.map_or(level.after.live, |total| total.live);
                (i128::from(live + i64::from(!ask.is_replace())), true)
            }
            LimitKind::MaxLong => (level.long, ask.is_buy()),
            LimitKind::MaxShort => (level.short, !ask.is_buy()),
            LimitKind::GrossNotional => (of(|sums| sums.gross), true),
            LimitKind::NetLong => (of(|sums| sums.long), true),
            LimitKind::NetShort => (of(|sums| sums.short), true),
            LimitKind::DailyBuyTurnover => (of(|sums| sums.buying), ask.is_buy()),
            LimitKind::DailySellTurnover => (of(|sums| sums.selling), !ask.is_buy()),
            LimitKind::DailyTurnover => (of(|sums| sums.buying) + of(|sums| sums.selling), true),
            _ => return None,
        };
        if counts && used > bound {
            return None;
        }
        if !limit.is_shadow() {
            self.passed.tells |= !limit.is_quiet(used);
            self.tightest.note(limit, value, used, place)?;
        }
        Some(())
    }

    fn take_rate(&mut self, slot: u32, limit: &Limit) -> Option<()> {
        let next = next_arrival(limit, self.ask.t)?;
        *self.passed.buckets.get_mut(self.passed.count)? = (slot, next);
        self.passed.count += 1;
        Some(())
    }

    /// C6: fewer equal orders than the limit in its window.
    fn is_new_enough(&self, limit: &Limit) -> bool {
        let bound = limit.value.and_then(|value| u64::try_from(value).ok());
        let (ask, log) = (self.ask, &self.state.accepted_orders);
        ask.is_replace()
            || bound.is_some_and(|bound| {
                log.count(duplicate::key(ask), ask.t, limit.window_ns, bound) < bound
            })
    }

    fn headroom(&self) -> Headroom {
        self.tightest
            .at
            .map_or_else(Headroom::default, |(at, scope)| Headroom {
                bps: u16::try_from(self.tightest.bps).unwrap_or(BPS_MAX),
                kind: LimitKind(u8::try_from(at / 16).unwrap_or(0)),
                scope: self.state.tree.get(scope).scope,
            })
    }
}
