//! C1 `MaxOrderQty`, the value of an order, and C2 `MaxOrderNotional`.

use super::{Proposal, Refusal};
use crate::instrument::Instrument;
use crate::limits::UNLIMITED;
use crate::state::State;
use crate::units::BPS;
use wire::{LimitKind, OrdType, RejectCode, Unit};

/// C1: the total order quantity.
pub(super) fn quantity_is_within_limits(state: &State, order: &Proposal) -> Result<(), Refusal> {
    let kind = LimitKind::MaxOrderQty;
    if !order.chain.has(kind) {
        return Err(Refusal::not_set(kind));
    }
    for (_, limit) in order.chain.limits(state, kind) {
        if limit.value.is_some_and(|value| order.qty > value) {
            let observed = i128::from(order.qty);
            return Err(Refusal::by(
                RejectCode::MaxOrderQty,
                limit,
                &state.tree,
                observed,
            ));
        }
    }
    Ok(())
}

/// The price at which an order is valued: what it may cost at worst.
fn worst_price(state: &State, order: &Proposal, instrument: &Instrument) -> Option<i64> {
    let reference = instrument.last_reference;
    if order.ord_type == OrdType::Market {
        return market_price(state, order, instrument, reference?);
    }
    let price = order.price.0;
    match reference {
        Some(reference) if price <= 0 || reference <= 0 => {
            let worst = price.unsigned_abs().max(reference.unsigned_abs());
            i64::try_from(worst).ok()
        }
        // A sell at 1 fills at the market.
        Some(reference) if !order.is_buy() => Some(price.max(reference)),
        _ => price.checked_abs(),
    }
}

/// Reference plus the tightest finite collar, rounded up.
fn market_price(
    state: &State,
    order: &Proposal,
    instrument: &Instrument,
    reference: i64,
) -> Option<i64> {
    let reference = i128::from(reference).abs();
    let tick = i128::from(instrument.definition.tick.0);
    order
        .chain
        .limits(state, LimitKind::PriceCollar)
        .filter_map(|(_, limit)| {
            let collar = i128::from(limit.value.filter(|value| *value != UNLIMITED)?);
            Some(if limit.unit == Unit::Ticks {
                reference + collar * tick
            } else {
                (reference * (BPS + collar) + BPS - 1) / BPS
            })
        })
        .min()
        .and_then(|price| i64::try_from(price).ok())
}

/// Value of the full quantity and of the leaves, both rounded up once.
pub(super) fn value(state: &State, order: &Proposal) -> Result<(i64, i64), Refusal> {
    let instrument = state.instruments.get(order.instrument);
    let both = worst_price(state, order, instrument)
        .zip(instrument.factor)
        .and_then(|(price, factor)| {
            let full = factor.order_value(price, order.qty)?;
            let leaves = if order.leaves == order.qty {
                full
            } else {
                factor.order_value(price, order.leaves)?
            };
            Some((full, leaves))
        });
    both.ok_or(Refusal::plain(RejectCode::ValueOverflow))
}

/// C2: the value of the total order quantity.
pub(super) fn value_is_within_limits(
    state: &State,
    order: &Proposal,
    value: i64,
) -> Result<(), Refusal> {
    let kind = LimitKind::MaxOrderNotional;
    if !order.chain.has(kind) {
        return Err(Refusal::not_set(kind));
    }
    for (_, limit) in order.chain.limits(state, kind) {
        if limit.value.is_some_and(|bound| value > bound) {
            let observed = i128::from(value);
            return Err(Refusal::by(
                RejectCode::MaxOrderNotional,
                limit,
                &state.tree,
                observed,
            ));
        }
    }
    Ok(())
}
