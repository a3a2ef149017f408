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
use super::{Ask, Findings, Headroom, Values, cover, duplicate, protection, self_match, size};
use crate::exposure::{Lines, Uses, fit, gross_of};
use crate::instrument::{Instrument, Reference};
use crate::limits::{Check, KINDS, Limit, NO_SET, WATCHED, bit};
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

/// Kinds that orders use up: a loss refuses none.
const USED: u32 = WATCHED & !bit(LimitKind::DailyLoss);

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
    /// Basis points above, what stands further behind in check order below: the largest is the tightest.
    rank: u64,
}

/// Behind every limit in check order.
const NOTHING: usize = 0xffff;
/// Selectors of a level: instrument, group, all.
const SELECTORS: usize = 3;
/// Room for the places of a chain: four levels of three selectors.
const PLACES: usize = 16;

impl Tightest {
    const NONE: Self = Self { rank: 0 };

    #[inline(always)]
    fn note(&mut self, check: &Check, used: i64, place: usize) {
        let at = usize::from(check.kind.0) * PLACES + place;
        let points = check.points(used).min(u64::from(BPS_MAX));
        let rank = points << 16 | (NOTHING - at) as u64;
        self.rank = self.rank.max(rank);
    }

    /// Basis points and (kind, place); `None` if nothing was noted.
    fn told(self) -> Option<(u16, usize)> {
        let at = NOTHING - usize::try_from(self.rank & 0xffff).unwrap_or(0);
        let points = u16::try_from(self.rank >> 16).unwrap_or(BPS_MAX);
        (at != NOTHING).then_some((points, at))
    }
}

/// The order with all that its walk over the chain needs.
struct Walk<'a> {
    state: &'a State,
    ask: &'a Ask,
    instrument: &'a Instrument,
    reference: Reference,
    /// Change of the reserved value.
    value: i64,
    buy: bool,
    /// What the order adds to the use of each kind; to gross value at the level at hand.
    adds: [i64; ADDS],
    passed: Passed,
    tightest: Tightest,
    /// Kinds with an enforced limit somewhere in the chain.
    said: u32,
}

/// Room for every kind; a power of two, so that no index has to be checked.
const ADDS: usize = KINDS.next_power_of_two();

const fn index(kind: LimitKind) -> usize {
    kind.0 as usize
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
    let qty = ask.leaves.saturating_sub(ask.reserved_qty).max(0);
    let value = ask.value_delta(&values);
    if !fit([qty, value]) {
        return None;
    }
    let mut walk = Walk {
        state,
        ask,
        instrument,
        reference: instrument.reference?,
        value,
        buy: ask.is_buy(),
        adds: [0; ADDS],
        passed: Passed {
            values,
            headroom: Headroom::default(),
            tells: false,
            buckets: [(0, 0); BUCKETS],
            count: 0,
        },
        tightest: Tightest::NONE,
        said: 0,
    };
    walk.adds[index(LimitKind::DailyTurnover)] = value;
    let own = if walk.buy {
        walk.adds[index(LimitKind::MaxLong)] = qty;
        walk.adds[index(LimitKind::NetLong)] = value;
        walk.adds[index(LimitKind::DailyBuyTurnover)] = value;
        LimitKind::MaxLong
    } else {
        walk.adds[index(LimitKind::MaxShort)] = qty;
        walk.adds[index(LimitKind::NetShort)] = value;
        walk.adds[index(LimitKind::DailySellTurnover)] = value;
        LimitKind::MaxShort
    };
    if !ask.is_replace() {
        walk.adds[index(LimitKind::MaxOpenOrders)] = 1;
    }
    for level in 0..CHAIN {
        walk.level(level)?;
    }
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
    #[inline(always)]
    fn level(&mut self, level: usize) -> Option<()> {
        let state = self.state;
        // No row has the slot that stands for none.
        let slot = self.ask.rows[level];
        let Lines { row, group, all } = state.exposure.lines(slot)?;
        // Something held without mark or rate refuses all but what reduces.
        if all.unmarked | all.unrated != 0
            || state.tree.get(self.ask.scopes[level]).state != TradingState::Active
        {
            return None;
        }
        let mut reserved = row.reserved;
        reserved[usize::from(self.buy)] += self.value;
        self.adds[index(LimitKind::GrossNotional)] = gross_of(row.value, reserved) - row.gross();
        let place = level * SELECTORS;
        let uses = |sums| Uses { slot, row, sums };
        // Most rows and groups have no limits of their own.
        if row.limits != NO_SET {
            self.set(row.limits, uses(None), place)?;
        }
        if let Some(group) = group {
            self.set(group.limits, uses(Some(group)), place + 1)?;
        }
        if all.limits != NO_SET {
            self.set(all.limits, uses(Some(all)), place + 2)?;
        }
        Some(())
    }

    #[inline(always)]
    fn set(&mut self, set: u32, uses: Uses<'_>, place: usize) -> Option<()> {
        let limits = &self.state.limits;
        let set = limits.set(set);
        self.said |= set.enforced;
        for check in limits.checks(set) {
            if USED & bit(check.kind) == 0 {
                self.check_order(check)?;
                continue;
            }
            let used = self.state.exposure.used(&uses, check.kind)?;
            let used = used + self.adds[index(check.kind) % ADDS];
            if !check.is_quiet(used) {
                self.check_loud(check, used)?;
                if check.shadow {
                    continue;
                }
            }
            self.tightest.note(check, used, place);
        }
        Some(())
    }

    /// A use that may be above the limit, or cross a level of it.
    #[cold]
    fn check_loud(&mut self, check: &Check, used: i64) -> Option<()> {
        if used > check.value && self.may_refuse(check) {
            return None;
        }
        self.passed.tells |= !check.shadow;
        Some(())
    }

    /// Whether an order of this side can be refused for what it adds to such a use.
    fn may_refuse(&self, check: &Check) -> bool {
        match check.kind {
            LimitKind::MaxLong | LimitKind::DailyBuyTurnover => self.buy,
            LimitKind::MaxShort | LimitKind::DailySellTurnover => !self.buy,
            _ => true,
        }
    }

    /// A limit that looks at the order alone, or at nothing that an order moves.
    #[inline(always)]
    fn check_order(&mut self, check: &Check) -> Option<()> {
        let (ask, value) = (self.ask, check.value);
        let limit = || self.state.limits.get(check.slot);
        let kept = match check.kind {
            LimitKind::MaxOrderQty => ask.qty <= value,
            LimitKind::MaxOrderNotional => self.passed.values.full <= value,
            LimitKind::PriceCollar => {
                let reference = i128::from(self.reference.price);
                !is_outside(ask, self.instrument, reference, (value, check.unit))
            }
            LimitKind::ReferenceMaxAge => !is_stale(limit(), self.reference, ask.t),
            LimitKind::OrderRate => return self.take_rate(check.slot, limit()),
            LimitKind::DuplicateOrder => self.is_new_enough(limit()),
            LimitKind::MaxOrderVsAdv => {
                let volume = self.instrument.definition.average_daily_volume;
                let share = i128::from(ask.qty) * crate::units::BPS;
                let most = i128::from(volume.0) * i128::from(value);
                volume.is_null() || share <= most
            }
            LimitKind::RepeatedExecution
            | LimitKind::DailyLoss
            | LimitKind::MarketMakerProtection => true,
            _ => false,
        };
        kept.then_some(())
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
        let Some((bps, at)) = self.tightest.told() else {
            return Headroom::default();
        };
        let scope = self.ask.scopes[at % PLACES / SELECTORS];
        Headroom {
            bps,
            kind: LimitKind(u8::try_from(at / PLACES).unwrap_or(0)),
            scope: self.state.tree.get(scope).scope,
        }
    }
}
