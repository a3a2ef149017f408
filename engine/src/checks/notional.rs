//! C10 `GrossNotional` and C11 `NetLong`, `NetShort`: values over an instrument, a group or all.

use super::chain::Place;
use super::position::is_reducing_at;
use super::{Findings, Proposal, Refusal};
use crate::exposure::{Sums, gross};
use crate::state::State;
use wire::{LimitKind, RejectCode};

/// Sums at a place before the order, and after it.
fn before_and_after(
    state: &State,
    order: &Proposal,
    place: Place,
    value_delta: i128,
) -> (Sums, Sums) {
    let (value, buy, sell) = order
        .chain
        .row(state, place.level)
        .map_or((0, 0, 0), |row| {
            (row.value, row.reserved_buy, row.reserved_sell)
        });
    let (buy_after, sell_after) = if order.is_buy() {
        (buy + value_delta, sell)
    } else {
        (buy, sell + value_delta)
    };
    let own = |buy, sell| Sums {
        gross: gross(value, buy, sell),
        long: value + buy,
        short: sell - value,
        ..Sums::default()
    };
    let (row_before, row_after) = (own(buy, sell), own(buy_after, sell_after));
    if place.selector == 0 {
        return (row_before, row_after);
    }
    let before = order.chain.sums(state, place);
    let after = Sums {
        gross: before.gross + row_after.gross - row_before.gross,
        long: before.long + row_after.long - row_before.long,
        short: before.short + row_after.short - row_before.short,
        ..before
    };
    (before, after)
}

/// C10: gross value. What does not raise it passes, and so does what reduces in the scope's row.
pub(super) fn gross_is_within_limits(
    state: &State,
    order: &Proposal,
    value_delta: i64,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let kind = LimitKind::GrossNotional;
    if !order.chain.has(kind) {
        return Err(Refusal::not_set(kind));
    }
    let delta = i128::from(value_delta);
    for (place, limit) in order.chain.limits(state, kind) {
        let (before, after) = before_and_after(state, order, place, delta);
        let passes = limit.finite().is_none()
            || limit
                .value
                .is_some_and(|value| after.gross <= i128::from(value))
            || after.gross <= before.gross
            || (order.is_replace() && delta <= 0)
            || is_reducing_at(state, order, place.level);
        if !passes {
            findings.refuse(RejectCode::GrossNotional, limit, &state.tree, after.gross)?;
        }
        findings.note_use(limit, &state.tree, after.gross);
    }
    Ok(())
}

/// C11: net value, long and short. What does not raise it passes.
pub(super) fn net_is_within_limits(
    state: &State,
    order: &Proposal,
    value_delta: i64,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let delta = i128::from(value_delta);
    for (kind, code) in [
        (LimitKind::NetLong, RejectCode::NetLong),
        (LimitKind::NetShort, RejectCode::NetShort),
    ] {
        for (place, limit) in order.chain.limits(state, kind) {
            let (before, after) = before_and_after(state, order, place, delta);
            let (before, after) = if kind == LimitKind::NetLong {
                (before.long, after.long)
            } else {
                (before.short, after.short)
            };
            let passes = limit.finite().is_none()
                || limit.value.is_some_and(|value| after <= i128::from(value))
                || after <= before;
            if !passes {
                findings.refuse(code, limit, &state.tree, after)?;
            }
            findings.note_use(limit, &state.tree, after);
        }
    }
    Ok(())
}
