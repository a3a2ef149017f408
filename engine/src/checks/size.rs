//! C1 `MaxOrderQty`, the value of an order, C2 `MaxOrderNotional` and C14 `MaxOrderVsAdv`.

use super::price::finite_collars;
use super::{Ask, Findings, Proposal, Refusal};
use crate::instrument::Instrument;
use crate::orders::Worth;
use crate::state::State;
use crate::units::BPS;
use wire::{LimitKind, OrdType, RejectCode, Unit};

/// C1: the total order quantity.
pub(super) fn quantity_is_within_limits(
    state: &State,
    order: &Proposal,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let kind = LimitKind::MaxOrderQty;
    if !order.chain.has(kind) {
        return Err(Refusal::not_set(kind));
    }
    for (_, limit) in order.chain.limits(state, kind) {
        if limit.value.is_some_and(|value| order.qty > value) {
            let observed = i128::from(order.qty);
            findings.refuse(RejectCode::MaxOrderQty, limit, &state.tree, observed)?;
        } else {
            findings.note_met(limit, || Some(i128::from(order.qty)));
        }
    }
    Ok(())
}

/// The price at which an order is valued: what it may cost at worst.
fn worst_price(state: &State, order: &Proposal, instrument: &Instrument) -> Option<i64> {
    if order.ord_type == OrdType::Market {
        return market_price(state, order, instrument, instrument.last_reference?);
    }
    limit_price(order, instrument)
}

/// The worst price of a limit order.
fn limit_price(order: &Ask, instrument: &Instrument) -> Option<i64> {
    let price = order.price.0;
    match instrument.last_reference {
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
    finite_collars(state, order)
        .map(|(collar, unit)| {
            let collar = i128::from(collar);
            if unit == Unit::Ticks {
                reference + collar * tick
            } else {
                (reference * (BPS + collar) + BPS - 1) / BPS
            }
        })
        .min()
        .and_then(|price| i64::try_from(price).ok())
}

/// What an order is worth, rounded up once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Values {
    /// Value of the total order quantity, 10⁻⁴ of the base currency.
    pub(crate) full: i64,
    /// What its leaves reserve.
    pub(crate) worth: Worth,
}

/// Value of the full quantity and of the leaves.
pub(super) fn value(state: &State, order: &Proposal) -> Result<Values, Refusal> {
    let instrument = state.instruments.get(order.instrument);
    worst_price(state, order, instrument)
        .and_then(|price| values_at(price, order, instrument))
        .ok_or(Refusal::plain(RejectCode::ValueOverflow))
}

/// The same for a limit order; `None` where it can't be told.
pub(super) fn limit_value(order: &Ask, instrument: &Instrument) -> Option<Values> {
    values_at(limit_price(order, instrument)?, order, instrument)
}

fn values_at(price: i64, order: &Ask, instrument: &Instrument) -> Option<Values> {
    let factor = instrument.factor.as_ref()?;
    let full = factor.order_value(price, order.qty)?;
    let value = if order.leaves == order.qty {
        full
    } else {
        factor.order_value(price, order.leaves)?
    };
    let cash = if !order.is_buy() {
        0
    } else if instrument.is_in_base {
        value
    } else {
        // The value is of the base currency: what the instrument's own can't tell is more than any cash.
        let cash = instrument.own_factor.order_value(price, order.leaves);
        cash.unwrap_or(i64::MAX)
    };
    Some(Values {
        full,
        worth: Worth { value, cash },
    })
}

/// C14: the total order quantity as a share of the average daily volume, where that is loaded.
pub(super) fn share_of_volume_is_within_limits(
    state: &State,
    order: &Proposal,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let volume = state
        .instruments
        .get(order.instrument)
        .definition
        .average_daily_volume;
    if volume.is_null() {
        return Ok(());
    }
    let (qty, volume) = (i128::from(order.qty) * BPS, i128::from(volume.0));
    for (_, limit) in order.chain.limits(state, LimitKind::MaxOrderVsAdv) {
        let reached = || {
            // Of nothing any quantity is more than can be told.
            if volume > 0 {
                (qty + volume - 1) / volume
            } else {
                i128::MAX
            }
        };
        if limit
            .finite()
            .is_some_and(|share| qty > volume * i128::from(share))
        {
            findings.refuse(RejectCode::MaxOrderVsAdv, limit, &state.tree, reached())?;
        } else {
            findings.note_met(limit, || Some(reached()));
        }
    }
    Ok(())
}

/// C2: the value of the total order quantity.
pub(super) fn value_is_within_limits(
    state: &State,
    order: &Proposal,
    value: i64,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let kind = LimitKind::MaxOrderNotional;
    if !order.chain.has(kind) {
        return Err(Refusal::not_set(kind));
    }
    for (_, limit) in order.chain.limits(state, kind) {
        if limit.value.is_some_and(|bound| value > bound) {
            let observed = i128::from(value);
            findings.refuse(RejectCode::MaxOrderNotional, limit, &state.tree, observed)?;
        } else {
            findings.note_met(limit, || Some(i128::from(value)));
        }
    }
    Ok(())
}
