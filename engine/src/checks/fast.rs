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
use crate::limits::{Limit, NO_SET, bit};
use crate::state::State;
use crate::tree::CHAIN;
use wire::{LimitKind, OrdType, TradingState};

/// Most rate buckets that a chain may have here.
const BUCKETS: usize = 6;
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
    #[inline]
    fn note(&mut self, limit: &Limit, value: i64, used: i64, place: usize) {
        let (used, value) = (used.max(0).unsigned_abs(), value.unsigned_abs());
        let scaled = u128::from(used) * 10_000;
        let at = (usize::from(limit.kind.0) * 16 + place, limit.scope);
        let Some(known) = self.at else {
            *self = Self {
                bps: points(scaled, value),
                at: Some(at),
            };
            return;
        };
        let least = u128::from(self.bps) * u128::from(value);
        // Division only where the use is tighter than what is known.
        if scaled >= least + u128::from(value) {
            let bps = points(scaled, value);
            if bps > self.bps || (bps == self.bps && at < known) {
                *self = Self { bps, at: Some(at) };
            }
        } else if scaled >= least && at < known {
            self.at = Some(at);
        }
    }
}

/// ⌊scaled / value⌋ as far as it can be told; of a limit of 0, nothing if unused, else all.
fn points(scaled: u128, value: u64) -> u64 {
    let most = u64::from(BPS_MAX);
    match (u64::try_from(scaled), value) {
        (Ok(0), 0) => 0,
        (_, 0) => most,
        (Ok(scaled), value) => (scaled / value).min(most),
        (Err(_), value) => {
            u64::try_from(scaled / u128::from(value)).map_or(most, |bps| bps.min(most))
        }
    }
}

/// The order with all that its walk over the chain needs.
struct Walk<'a> {
    state: &'a State,
    ask: &'a Ask,
    instrument: &'a Instrument,
    reference: Reference,
    /// What the order adds on its own side, and 0 on the other: quantity and value of buys, of sells.
    buy_qty: i128,
    sell_qty: i128,
    buy_value: i128,
    sell_value: i128,
    passed: Passed,
    tightest: Tightest,
    /// Kinds with an enforced limit somewhere in the chain.
    said: u32,
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
    let (qty, value) = (ask.qty_delta(), i128::from(ask.value_delta(&values)));
    let (buy_qty, sell_qty, buy_value, sell_value) = if ask.is_buy() {
        (qty, 0, value, 0)
    } else {
        (0, qty, 0, value)
    };
    let mut walk = Walk {
        state,
        ask,
        instrument,
        reference: instrument.reference?,
        buy_qty,
        sell_qty,
        buy_value,
        sell_value,
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

impl<'a> Walk<'a> {
    /// One scope of the chain: its state, its row, and the limits on instrument, group and all.
    fn level(&mut self, level: usize) -> Option<()> {
        let state = self.state;
        let slot = self.ask.rows[level];
        if slot == NO_ROW || state.tree.get(self.ask.scopes[level]).state != TradingState::Active {
            return None;
        }
        let row = state.exposure.row(slot);
        let group = state.exposure.total(row.group);
        let all = state.exposure.total(row.all);
        // Something held without mark or rate refuses all but what reduces.
        if all.sums.unmarked != 0 || all.sums.unrated != 0 {
            return None;
        }
        // Most rows and groups have no limits of their own.
        let place = level * 3;
        if row.limits != NO_SET {
            self.set(row.limits, row, None, place)?;
        }
        if group.limits != NO_SET {
            self.set(group.limits, row, Some(&group.sums), place + 1)?;
        }
        if all.limits != NO_SET {
            self.set(all.limits, row, Some(&all.sums), place + 2)?;
        }
        Some(())
    }

    fn set(&mut self, set: u32, row: &Row, total: Option<&'a Sums>, place: usize) -> Option<()> {
        let set = self.state.limits.set(set);
        self.said |= set.enforced;
        let mut mask = set.mask;
        while mask != 0 {
            let kind = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            self.limit(set.slot(kind), row, total, place)?;
        }
        Some(())
    }

    /// One limit. Kinds that no order is checked against pass.
    fn limit(&mut self, slot: u32, row: &Row, total: Option<&Sums>, place: usize) -> Option<()> {
        let limit = self.state.limits.get(slot);
        let Some(value) = limit.finite() else {
            return Some(());
        };
        let ask = self.ask;
        let kept = |kept: bool| kept.then_some(());
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
                let most = i128::from(volume.0) * i128::from(value);
                return kept(volume.is_null() || share <= most);
            }
            LimitKind::RepeatedExecution
            | LimitKind::DailyLoss
            | LimitKind::MarketMakerProtection => return Some(()),
            LimitKind::MaxOpenOrders => {
                let live = total.map_or(row.live, |total| total.live);
                (i128::from(live + i64::from(!ask.is_replace())), true)
            }
            LimitKind::MaxLong => (row.position + row.open_buy + self.buy_qty, ask.is_buy()),
            LimitKind::MaxShort => (row.open_sell - row.position + self.sell_qty, !ask.is_buy()),
            LimitKind::GrossNotional => {
                let after = gross(
                    row.value,
                    row.reserved_buy + self.buy_value,
                    row.reserved_sell + self.sell_value,
                );
                let used = total.map_or(after, |total| total.gross + after - row.gross());
                (used, true)
            }
            LimitKind::NetLong => {
                let before = total.map_or_else(|| row.value + row.reserved_buy, |total| total.long);
                (before + self.buy_value, true)
            }
            LimitKind::NetShort => {
                let before =
                    total.map_or_else(|| row.reserved_sell - row.value, |total| total.short);
                (before + self.sell_value, true)
            }
            LimitKind::DailyBuyTurnover
            | LimitKind::DailySellTurnover
            | LimitKind::DailyTurnover => {
                let (buying, selling) = total.map_or_else(
                    || (row.bought + row.reserved_buy, row.sold + row.reserved_sell),
                    |total| (total.buying, total.selling),
                );
                let (buying, selling) = (buying + self.buy_value, selling + self.sell_value);
                match limit.kind {
                    LimitKind::DailyBuyTurnover => (buying, ask.is_buy()),
                    LimitKind::DailySellTurnover => (selling, !ask.is_buy()),
                    _ => (buying + selling, true),
                }
            }
            _ => return None,
        };
        let used = i64::try_from(used).ok()?;
        if counts && used > value {
            return None;
        }
        if !limit.is_shadow() {
            self.passed.tells |= used < limit.quiet_from || used >= limit.quiet_to;
            self.tightest.note(limit, value, used, place);
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
