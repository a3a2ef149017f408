//! C3 `PriceCollar` and C4 `ReferenceMaxAge`, and the rate of the instrument's currency.
//!
//! A purely reducing order passes C3 and C4 when the reference is missing or stale (R17); a rate is
//! always required. Any held instrument of the chain without mark or rate refuses all other orders.

use super::{Ask, Findings, Proposal, Refusal};
use crate::instrument::{Instrument, Reference};
use crate::limits::Limit;
use crate::state::State;
use crate::tree::CHAIN;
use crate::units::BPS;
use wire::{LimitKind, OrdType, RejectCode, Unit};

/// Age of something stamped `stamped`, seen at `t`: never negative.
pub(super) fn age(stamped: u64, t: u64) -> u64 {
    t - stamped.min(t)
}

/// Whether a limit finds the reference too old.
pub(super) fn is_stale(limit: &Limit, reference: Reference, t: u64) -> bool {
    limit
        .finite()
        .is_some_and(|value| i128::from(age(reference.feed_time, t)) > i128::from(value))
}

/// C4: the reference is there and fresh, and every held instrument of the chain has a mark.
pub(super) fn reference_is_known(
    state: &State,
    order: &Proposal,
    reducing: bool,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let reference = state.instruments.get(order.instrument).reference;
    if reducing {
        return Ok(());
    }
    let Some(reference) = reference else {
        return Err(Refusal::plain(RejectCode::ReferenceMissing));
    };
    for (_, limit) in order.chain.limits(state, LimitKind::ReferenceMaxAge) {
        let reached = || Some(i128::from(age(reference.feed_time, order.t)));
        if is_stale(limit, reference, order.t) {
            let code = RejectCode::ReferenceStale;
            findings.refuse_showing(code, limit, &state.tree, 0, reached)?;
        } else {
            findings.note_met(limit, reached);
        }
    }
    if (0..CHAIN).any(|level| order.chain.all_sums(state, level).unmarked > 0) {
        return Err(Refusal::plain(RejectCode::ReferenceMissing));
    }
    Ok(())
}

/// The instrument's currency has a fresh rate, and so has the currency of every held instrument.
pub(super) fn rate_is_known(
    state: &State,
    order: &Proposal,
    reducing: bool,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let currency = state
        .instruments
        .currency_of(state.instruments.get(order.instrument));
    if currency.rate.is_none() {
        return Err(Refusal::plain(RejectCode::FxMissing));
    }
    if !reducing && (0..CHAIN).any(|level| order.chain.all_sums(state, level).unrated > 0) {
        return Err(Refusal::plain(RejectCode::FxMissing));
    }
    let is_old = age(currency.rate_time, order.t);
    if let Some(most) = currency.max_age_ns.filter(|most| is_old > *most) {
        let refusal = Refusal::plain(RejectCode::FxStale);
        findings.note_bound(refusal, Some(most.into()), Some(is_old.into()));
        return Err(refusal);
    }
    Ok(())
}

/// How far a price is from the reference, rounded up, in the collar's unit.
fn distance(price: i128, reference: i128, unit: Unit, instrument: &Instrument) -> i128 {
    let gap = (price - reference).abs();
    let (gap, per) = if unit == Unit::Ticks {
        (gap, i128::from(instrument.definition.tick.0))
    } else {
        (gap * BPS, reference.abs())
    };
    if per == 0 { gap } else { (gap + per - 1) / per }
}

/// Whether an enforced limit finds the reference too old.
fn is_stale_for(state: &State, order: &Proposal, reference: Reference) -> bool {
    order
        .chain
        .limits(state, LimitKind::ReferenceMaxAge)
        .any(|(_, limit)| !limit.is_shadow() && is_stale(limit, reference, order.t))
}

/// The enforced, finite collars of the chain: they price a market order.
pub(super) fn finite_collars<'a>(
    state: &'a State,
    order: &'a Proposal,
) -> impl Iterator<Item = (i64, Unit)> + 'a {
    order
        .chain
        .limits(state, LimitKind::PriceCollar)
        .filter(|(_, limit)| !limit.is_shadow())
        .filter_map(|(_, limit)| Some((limit.finite()?, limit.unit)))
}

/// Whether the order's price is further from the reference than a collar allows.
pub(super) fn is_outside(
    order: &Ask,
    instrument: &Instrument,
    reference: i128,
    (collar, unit): (i64, Unit),
) -> bool {
    let (price, collar) = (i128::from(order.price.0), i128::from(collar));
    if unit == Unit::Ticks {
        let width = collar * i128::from(instrument.definition.tick.0);
        if order.is_buy() {
            price > reference + width
        } else {
            price < reference - width
        }
    } else if reference <= 0 {
        true
    } else if order.is_buy() {
        price * BPS > reference * (BPS + collar)
    } else {
        price * BPS < reference * (BPS - collar)
    }
}

/// C3: the price is no further from the reference than every collar of the chain allows.
pub(super) fn is_within_collars(
    state: &State,
    order: &Proposal,
    reducing: bool,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let kind = LimitKind::PriceCollar;
    if !order.chain.has(kind) {
        return Err(Refusal::not_set(kind));
    }
    if order.ord_type == OrdType::Market {
        // A market order is priced by the collar: without a finite one it has no value.
        return if finite_collars(state, order).next().is_some() {
            Ok(())
        } else {
            Err(Refusal::not_set(kind))
        };
    }
    let instrument = state.instruments.get(order.instrument);
    let reference = match instrument.reference {
        Some(reference) if !(reducing && is_stale_for(state, order, reference)) => reference,
        _ => return Ok(()),
    };
    let (price, reference) = (i128::from(order.price.0), i128::from(reference.price));
    for (_, limit) in order.chain.limits(state, kind) {
        let Some(collar) = limit.finite() else {
            findings.note_met(limit, || None);
            continue;
        };
        let outside = is_outside(order, instrument, reference, (collar, limit.unit));
        let distance = || distance(price, reference, limit.unit, instrument);
        if outside {
            // Of a reference at or below zero basis points tell nothing.
            let reached = || (limit.unit == Unit::Ticks || reference > 0).then(distance);
            let code = RejectCode::PriceCollar;
            findings.refuse_showing(code, limit, &state.tree, distance(), reached)?;
        } else {
            // On the passive side no distance is too far.
            let aggressive = (price > reference) == order.is_buy();
            findings.note_met(limit, || Some(if aggressive { distance() } else { 0 }));
        }
    }
    Ok(())
}
