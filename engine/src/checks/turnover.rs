//! C12 `DailyBuyTurnover`, `DailySellTurnover`, `DailyTurnover`: today's fills at their prices, and
//! everything open. Reducing is no exemption.

use super::chain::Place;
use super::{Findings, Proposal, Refusal};
use crate::state::State;
use wire::{LimitKind, RejectCode};

/// (buying, selling) at a place: filled today and open.
fn used(state: &State, order: &Proposal, place: Place) -> (i128, i128) {
    if place.selector == 0 {
        return order.chain.row(state, place.level).map_or((0, 0), |row| {
            (row.bought + row.reserved_buy, row.sold + row.reserved_sell)
        });
    }
    let sums = order.chain.sums(state, place);
    (sums.buying, sums.selling)
}

/// What is traded and open today stays within every limit of the order's side, and of both.
pub(super) fn is_within_limits(
    state: &State,
    order: &Proposal,
    value_delta: i64,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let delta = i128::from(value_delta);
    for kind in [
        LimitKind::DailyBuyTurnover,
        LimitKind::DailySellTurnover,
        LimitKind::DailyTurnover,
    ] {
        for (place, limit) in order.chain.limits(state, kind) {
            let (buying, selling) = used(state, order, place);
            let (before, counts) = match kind {
                LimitKind::DailyBuyTurnover => (buying, order.is_buy()),
                LimitKind::DailySellTurnover => (selling, !order.is_buy()),
                _ => (buying + selling, true),
            };
            let after = before + if counts { delta } else { 0 };
            let exempt = !counts || (order.is_replace() && delta <= 0);
            if !exempt
                && limit
                    .finite()
                    .is_some_and(|value| after > i128::from(value))
            {
                findings.refuse(RejectCode::Turnover, limit, &state.tree, after)?;
            }
            findings.note_use(limit, &state.tree, after);
        }
    }
    Ok(())
}
