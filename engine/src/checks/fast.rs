//! The short way to yes: one walk over the limits of a chain, for orders that surely pass.
//!
//! Most orders pass everything, and for them neither the precedence of the controls nor what a refusal
//! would say matters. [`passes`] says yes only where every control of `checks` would; at the first
//! doubt (a limit not kept, a shadow limit not kept, a scope that is not active, anything missing, a
//! kind it does not know) it says nothing, and [`super::decide`] decides. So a new control needs no line
//! here: it is slower until it has one. A debug build runs both and panics where they differ.

use super::price::{age, is_outside};
use super::rate::next_arrival;
use super::refusal::BPS_MAX;
use super::{Ask, Findings, Headroom, Values, cover, duplicate, protection, self_match, size};
use crate::exposure::{Line, Lines, Uses, fit, gross_of};
use crate::instrument::{Instrument, Reference};
use crate::limits::{Bounds, Check, Limit, NO_SET, UNLIMITED, bit};
use crate::state::State;
use crate::tree::CHAIN;
use wire::{LimitKind, OrdType, TradingState, Unit};

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
    buckets: [u32; BUCKETS],
    arrivals: [u64; BUCKETS],
    count: usize,
}

impl Passed {
    /// Slots of the rate buckets that advance, and where to.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u32, u64)> {
        let all = self.buckets.into_iter().zip(self.arrivals);
        all.take(self.count)
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

/// Room for C8 to C12, whose kinds are fewer and follow each other; a power of two, so that no index has to be
/// checked.
const ADDS: usize = 16;

const fn index(kind: LimitKind) -> usize {
    kind.0 as usize % ADDS
}

/// The order with all that its walk over the chain needs.
struct Walk<'a> {
    state: &'a State,
    ask: &'a Ask,
    /// Change of the reserved value.
    value: i64,
    buy: bool,
    /// What the order adds to the use of each kind; to gross value at the level at hand.
    adds: [i64; ADDS],
    /// The tightest bounds on the order by itself.
    bounds: Bounds,
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
    let qty = ask.leaves.saturating_sub(ask.reserved_qty).max(0);
    let value = ask.value_delta(&values);
    if !fit([qty, value]) {
        return None;
    }
    let mut walk = Walk {
        state,
        ask,
        value,
        buy: ask.is_buy(),
        adds: [0; ADDS],
        bounds: Bounds::NONE,
        passed: Passed {
            values,
            headroom: Headroom::default(),
            tells: false,
            buckets: [0; BUCKETS],
            arrivals: [0; BUCKETS],
            count: 0,
        },
        tightest: Tightest::NONE,
        said: 0,
    };
    let [own, net, turnover] = match walk.buy {
        true => [
            LimitKind::MaxLong,
            LimitKind::NetLong,
            LimitKind::DailyBuyTurnover,
        ],
        false => [
            LimitKind::MaxShort,
            LimitKind::NetShort,
            LimitKind::DailySellTurnover,
        ],
    };
    walk.adds[index(own)] = qty;
    for kind in [net, turnover, LimitKind::DailyTurnover] {
        walk.adds[index(kind)] = value;
    }
    walk.adds[index(LimitKind::MaxOpenOrders)] = i64::from(!ask.is_replace());
    for level in 0..CHAIN {
        walk.level(level)?;
    }
    let must = SAID | bit(own);
    (walk.said & must == must).then_some(())?;
    walk.is_within_bounds(instrument, instrument.reference?)
        .then_some(())?;
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
        let slot = self.ask.rows[level];
        let first;
        let row = match state.exposure.find_line(slot) {
            Some(row) => row,
            None => {
                first = self.first_line(level);
                &first
            }
        };
        let Lines { row, group, all } = state.exposure.lines(row)?;
        // Something held without mark or rate refuses all but what reduces.
        if all.unmarked | all.unrated != 0
            || state.tree.get(self.ask.scopes[level]).state != TradingState::Active
        {
            return None;
        }
        let mut reserved = row.reserved;
        reserved[usize::from(self.buy)] += self.value;
        let gross = gross_of(row.value, reserved) - row.gross();
        self.adds[index(LimitKind::GrossNotional)] = gross;
        let place = level * SELECTORS;
        let uses = |sums| Uses { slot, row, sums };
        // Most rows and groups have no limits of their own.
        if row.limits != NO_SET {
            self.rare_set(row.limits, &uses(None), place)?;
        }
        if let Some(group) = group {
            self.rare_set(group.limits, &uses(Some(group)), place + 1)?;
        }
        self.set(all.limits, &uses(Some(all)), place + 2)
    }

    /// The row of a level before the first order in it.
    #[inline(never)]
    fn first_line(&self, level: usize) -> Line {
        let (state, scope) = (self.state, self.ask.scopes[level]);
        let instrument = state.instruments.get(self.ask.instrument);
        state.exposure.first_line(scope, instrument, &state.limits)
    }

    #[inline(never)]
    fn rare_set(&mut self, set: u32, uses: &Uses<'_>, place: usize) -> Option<()> {
        self.set(set, uses, place)
    }

    /// The limits of a scope on an instrument, a group or all, of which this is used.
    #[inline(always)]
    fn set(&mut self, set: u32, uses: &Uses<'_>, place: usize) -> Option<()> {
        let limits = &self.state.limits;
        let entry = limits.set(set);
        self.said |= entry.enforced;
        if let Some(bounds) = limits.bounds(entry) {
            self.bounds.tighten(bounds);
        }
        if entry.special() != 0 {
            self.specials(set)?;
        }
        for check in limits.checks(entry) {
            if check.kind == LimitKind::DailyLoss {
                // It refuses no order.
                continue;
            }
            let used = self.state.exposure.used(uses, check.kind)?;
            let used = used + self.adds[index(check.kind)];
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

    /// Limits that look at what came before the order.
    fn specials(&mut self, set: u32) -> Option<()> {
        let limits = &self.state.limits;
        let mut kinds = limits.set(set).special();
        while kinds != 0 {
            let kind = kinds.trailing_zeros();
            kinds &= kinds.wrapping_sub(1);
            let slot = limits.slot_in_set(set, kind as usize);
            let limit = limits.get(slot);
            match limit.kind {
                LimitKind::OrderRate => self.take_rate(slot, limit)?,
                LimitKind::DuplicateOrder => self.is_new_enough(limit).then_some(())?,
                _ => return None,
            }
        }
        Some(())
    }

    fn take_rate(&mut self, slot: u32, limit: &Limit) -> Option<()> {
        let next = next_arrival(limit, self.ask.t)?;
        let at = self.passed.count;
        *self.passed.buckets.get_mut(at)? = slot;
        self.passed.arrivals[at] = next;
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

    /// C1 to C4 and C14: the tightest of each kind is kept.
    fn is_within_bounds(&self, instrument: &Instrument, reference: Reference) -> bool {
        let (ask, bounds) = (self.ask, &self.bounds);
        let is_inside = |collar: i64, unit: Unit| {
            let price = i128::from(reference.price);
            collar == UNLIMITED || !is_outside(ask, instrument, price, (collar, unit))
        };
        let share_is_kept = || {
            let volume = instrument.definition.average_daily_volume;
            let most = i128::from(volume.0) * i128::from(bounds.share);
            volume.is_null() || i128::from(ask.qty) * crate::units::BPS <= most
        };
        let age = age(reference.feed_time, ask.t);
        ask.qty <= bounds.qty
            && self.passed.values.full <= bounds.notional
            && is_inside(bounds.collar, Unit::Natural)
            && is_inside(bounds.collar_ticks, Unit::Ticks)
            && (bounds.age == UNLIMITED || i128::from(age) <= i128::from(bounds.age))
            && (bounds.share == UNLIMITED || share_is_kept())
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
