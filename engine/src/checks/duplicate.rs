//! C6 `DuplicateOrder`: equal new orders accepted within a window. Replaces are skipped.

use super::{Ask, Findings, Proposal, Refusal};
use crate::state::State;
use crate::windows::OrderKey;
use wire::{LimitKind, RejectCode};

/// What makes the order equal to another.
pub(crate) fn key(order: &Ask) -> OrderKey {
    OrderKey {
        account: order.scopes[0],
        instrument: order.instrument,
        buy: order.is_buy(),
        price: order.price.0,
        qty: order.qty,
    }
}

/// Fewer equal orders than the limit were accepted in its window.
pub(super) fn is_not_repeated(
    state: &State,
    order: &Proposal,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    if order.is_replace() {
        return Ok(());
    }
    for (_, limit) in order.chain.limits(state, LimitKind::DuplicateOrder) {
        let Some(bound) = limit.finite().and_then(|value| u64::try_from(value).ok()) else {
            findings.note_met(limit, || None);
            continue;
        };
        let count = |enough| {
            state
                .accepted_orders
                .count(key(order), order.t, limit.window_ns, enough)
        };
        let reached = || Some(i128::from(count(u64::MAX)) + 1);
        if count(bound) >= bound {
            let code = RejectCode::DuplicateOrder;
            findings.refuse_showing(code, limit, &state.tree, 0, reached)?;
        } else {
            findings.note_met(limit, reached);
        }
    }
    Ok(())
}
