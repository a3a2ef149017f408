//! C8 `MaxOpenOrders`: live orders, one bucket a scope and selector. A replace adds none.

use super::chain::Place;
use super::{Findings, Proposal, Refusal};
use crate::state::State;
use wire::{LimitKind, RejectCode};

fn live(state: &State, order: &Proposal, place: Place) -> i64 {
    match place.selector {
        0 => order
            .chain
            .row(state, place.level)
            .map_or(0, |row| row.live),
        _ => order.chain.sums(state, place).live,
    }
}

/// One more live order stays within every limit.
pub(super) fn count_is_within_limits(
    state: &State,
    order: &Proposal,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    for (place, limit) in order.chain.limits(state, LimitKind::MaxOpenOrders) {
        let after = live(state, order, place) + i64::from(!order.is_replace());
        if !order.is_replace()
            && limit.finite().is_some()
            && limit.value.is_some_and(|value| after > value)
        {
            let observed = i128::from(after);
            findings.refuse(RejectCode::MaxOpenOrders, limit, &state.tree, observed)?;
        }
        findings.note_use(limit, &state.tree, i128::from(after));
    }
    Ok(())
}
