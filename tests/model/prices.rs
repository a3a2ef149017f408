//! C1 to C4 and C14: the reference, the rate, the collar, the size and the value of an order.

use super::checks::{Case, Judgement, Refusal, Worth};
use super::limits::Limit;
use super::orders::Order;
use super::state::{Instrument, Model};
use super::value::{E8, amount, ceil_div};
use num_bigint::BigInt;
use wire::{LimitKind, RejectCode, Unit};

impl Model {
    /// C4 and the marks of what is held; says whether a stale reference was passed over (R17).
    pub(crate) fn check_reference(
        &self,
        case: &Case,
        found: &mut Judgement,
    ) -> Result<bool, Refusal> {
        let age = case
            .instrument
            .reference
            .map(|(_, feed_time)| i128::from(self.t - feed_time.min(self.t)));
        let limits = self.met(case, LimitKind::ReferenceMaxAge);
        let stale =
            |limit: &Limit| limit.finite() && age.is_some_and(|age| age > i128::from(limit.value));
        if case.purely_reducing {
            let passed_over = limits.iter().any(|(_, l)| stale(l) && !l.shadow());
            if passed_over || age.is_none() {
                found
                    .edges
                    .push("R17 reduces without a reference".to_owned());
            }
            return Ok(passed_over);
        }
        let Some(age) = age else {
            return Err(Refusal::of(RejectCode::ReferenceMissing));
        };
        for met in limits {
            let (key, limit) = &met;
            let gap = age - i128::from(limit.value);
            if limit.bound().is_some() && gap.abs() <= 1_000 {
                let side = match gap {
                    0 => "at",
                    1.. => "past",
                    _ => "below",
                };
                found.edges.push(format!("edge {}: {side}", key.kind));
            }
            found.meet(RejectCode::ReferenceStale, &met, None, stale(limit))?;
        }
        if self.holds(case, |i| i.mark.is_none()) {
            return Err(Refusal::of(RejectCode::ReferenceMissing));
        }
        Ok(false)
    }

    /// Whether anything of the kind is held in the chain's rows.
    fn holds(&self, case: &Case, of_kind: impl Fn(&Instrument) -> bool) -> bool {
        case.rows.iter().any(|rows| {
            rows.iter()
                .any(|(id, row)| row.position != 0 && of_kind(&self.instruments[id]))
        })
    }

    /// The rate of the order's currency: always; that of what is held unless the order only reduces.
    pub(crate) fn check_fx(&self, case: &Case) -> Result<i64, Refusal> {
        let Some((rate, rate_time)) = self.rate(case.instrument) else {
            return Err(Refusal::of(RejectCode::FxMissing));
        };
        if !case.purely_reducing && self.holds(case, |i| self.rate(i).is_none()) {
            return Err(Refusal::of(RejectCode::FxMissing));
        }
        let currency = case.instrument.def.currency;
        if currency != self.base {
            let max_age = self.currencies[&currency].max_age;
            if max_age.is_some_and(|max| self.t - rate_time.min(self.t) > max) {
                return Err(Refusal::of(RejectCode::FxStale));
            }
        }
        Ok(rate)
    }

    pub(crate) fn check_collar(
        &self,
        case: &Case,
        stale: bool,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        let collars = self.met_or_refused(case, LimitKind::PriceCollar)?;
        let Some(px) = case.ask.price else {
            // A market order is priced by its collar.
            return if collars.iter().any(|(_, l)| l.bound().is_some()) {
                Ok(())
            } else {
                Err(Refusal::not_set(LimitKind::PriceCollar))
            };
        };
        let Some((reference, _)) = case.instrument.reference.filter(|_| !stale) else {
            return Ok(());
        };
        for met in collars.iter().filter(|(_, l)| l.finite()) {
            let (slack, over) = beyond_collar(px, reference, case, &met.1);
            if met.1.bound().is_some() {
                let tick = i128::from(case.instrument.def.tick.0);
                let side = match slack {
                    _ if over && slack >= -tick * 10_000 => Some("past"),
                    0 => Some("at"),
                    _ if !over && slack > 0 && slack <= tick * 10_000 => Some("below"),
                    _ => None,
                };
                found
                    .edges
                    .extend(side.map(|side| format!("edge {}: {side}", met.0.kind)));
            }
            // What was reached is the distance, in the unit of the collar, rounded up.
            let observed = distance(px, reference, case, &met.1);
            found
                .meet(RejectCode::PriceCollar, met, None, over)
                .map_err(|refusal| Refusal {
                    observed,
                    ..refusal
                })?;
        }
        Ok(())
    }

    pub(crate) fn check_size(&self, case: &Case, found: &mut Judgement) -> Result<(), Refusal> {
        for met in self.met_or_refused(case, LimitKind::MaxOrderQty)? {
            let over = case.ask.qty > i128::from(met.1.value);
            found.meet(RejectCode::MaxOrderQty, &met, Some(case.ask.qty), over)?;
        }
        Ok(())
    }

    /// The value of the full quantity, and of what the order or version leaves when accepted.
    pub(crate) fn worth(&self, case: &Case, rate: i64) -> Result<Worth, Refusal> {
        let px = self.valuation_price(case);
        let multiplier = case.instrument.def.multiplier.0;
        let overflow = Refusal::of(RejectCode::ValueOverflow);
        let full = amount(&px, case.ask.qty, multiplier, rate);
        let full = i64::try_from(full).map_err(|_| overflow)?;
        let of_leaves = |rate| {
            let value = amount(&px, case.leaves, multiplier, rate);
            i128::try_from(value).unwrap_or(i128::MAX)
        };
        let (value, cash) = (
            of_leaves(rate),
            if case.ask.is_buy() { of_leaves(E8) } else { 0 },
        );
        let reserved = case.replaced.map_or(0, Order::reserved_value);
        let reserved_cash = case.replaced.map_or(0, Order::reserved_cash);
        Ok(Worth {
            full: i128::from(full),
            value,
            cash,
            value_added: reserved.max(value) - reserved,
            cash_added: reserved_cash.max(cash) - reserved_cash,
        })
    }

    pub(crate) fn check_value(
        &self,
        case: &Case,
        worth: &Worth,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        for met in self.met_or_refused(case, LimitKind::MaxOrderNotional)? {
            let over = worth.full > i128::from(met.1.value);
            found.meet(RejectCode::MaxOrderNotional, &met, Some(worth.full), over)?;
        }
        Ok(())
    }

    /// C14: a share of the average daily volume, where it is loaded.
    pub(crate) fn check_volume(&self, case: &Case, found: &mut Judgement) -> Result<(), Refusal> {
        let volume = case.instrument.def.average_daily_volume;
        if volume.is_null() {
            return Ok(());
        }
        let volume = i128::from(volume.0);
        let share = case.ask.qty * 10_000;
        for met in self.met(case, LimitKind::MaxOrderVsAdv) {
            let over = met.1.finite() && share > volume * i128::from(met.1.value);
            let reached = super::value::ceil_div_128(share, volume);
            found.meet(RejectCode::MaxOrderVsAdv, &met, Some(reached), over)?;
        }
        Ok(())
    }

    /// The price at which an order is valued (section 2), never negative.
    fn valuation_price(&self, case: &Case) -> BigInt {
        let reference = case.instrument.last_reference.map(i128::from);
        match (case.ask.price.map(i128::from), reference) {
            (Some(px), None) => px.abs().into(),
            (Some(px), Some(reference)) if px <= 0 || reference <= 0 => {
                px.abs().max(reference.abs()).into()
            }
            (Some(px), Some(reference)) if !case.ask.is_buy() => px.max(reference).into(),
            (Some(px), Some(_)) => px.into(),
            (None, reference) => {
                let reference = BigInt::from(reference.unwrap_or(0).abs());
                let tick = case.instrument.def.tick.0;
                let bps = BigInt::from(10_000);
                self.met(case, LimitKind::PriceCollar)
                    .iter()
                    .filter_map(|(_, l)| Some((l.bound()?, l.unit)))
                    .map(|(collar, unit)| match unit {
                        Unit::Ticks => &reference + BigInt::from(collar) * tick,
                        _ => ceil_div(&(&reference * (&bps + collar)), &bps),
                    })
                    .min()
                    .unwrap_or_default()
            }
        }
    }
}

/// How far inside the collar a price is, in 10⁻⁴ of its unit, and whether it is beyond.
fn beyond_collar(px: i64, reference: i64, case: &Case, limit: &Limit) -> (i128, bool) {
    let (px, reference) = (i128::from(px), i128::from(reference));
    let collar = i128::from(limit.value);
    let buy = case.ask.is_buy();
    let width = match limit.unit {
        Unit::Ticks => collar * i128::from(case.instrument.def.tick.0) * 10_000,
        _ if reference <= 0 => return (i128::MIN, true),
        _ => reference * collar,
    };
    let away = if buy { px - reference } else { reference - px };
    let slack = width - away * 10_000;
    (slack, slack < 0)
}

/// ⌈|px − ref|⌉ in ticks or basis points of the reference; `None` where it has no such measure.
fn distance(px: i64, reference: i64, case: &Case, limit: &Limit) -> Option<i64> {
    let gap = (i128::from(px) - i128::from(reference)).abs();
    let (gap, unit) = match limit.unit {
        Unit::Ticks => (gap, i128::from(case.instrument.def.tick.0)),
        _ if reference <= 0 => return None,
        _ => (gap * 10_000, i128::from(reference)),
    };
    i64::try_from(super::value::ceil_div_128(gap, unit)).ok()
}
