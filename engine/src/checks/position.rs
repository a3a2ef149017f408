//! C9 `MaxLong` and `MaxShort`: the position if everything open on one side fills.
//!
//! Buys and sells never net (R2), and each side looks only at its own bound, so that an order which
//! reduces passes while the other side is breached (R3).

use super::{Findings, Proposal, Refusal};
use crate::exposure::Row;
use crate::state::State;
use wire::{LimitKind, RejectCode};

/// Whether a sell fits a long position, or a buy a short one, after `delta` more is open.
fn reduces(row: Option<Row>, buy: bool, delta: i128) -> bool {
    row.is_some_and(|row| {
        if buy {
            row.position < 0 && row.open_buy + delta <= -row.position
        } else {
            row.position > 0 && row.open_sell + delta <= row.position
        }
    })
}

/// Reducing in the row of a level of the chain.
pub(super) fn is_reducing_at(state: &State, order: &Proposal, level: usize) -> bool {
    reduces(
        order.chain.row(state, level),
        order.is_buy(),
        order.qty_delta(),
    )
}

/// Reducing in the account's row, and priced.
pub(super) fn is_purely_reducing(state: &State, order: &Proposal) -> bool {
    !order.price.is_null() && is_reducing_at(state, order, 0)
}

/// R4: what a reduce-only state lets through.
pub(crate) fn fits_reduce_only(state: &State, order: &Proposal) -> bool {
    is_reducing_at(state, order, 0)
}

/// C9: neither bound is passed on the order's own side.
pub(super) fn is_within_limits(
    state: &State,
    order: &Proposal,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let (kind, code) = if order.is_buy() {
        (LimitKind::MaxLong, RejectCode::MaxLong)
    } else {
        (LimitKind::MaxShort, RejectCode::MaxShort)
    };
    if !order.chain.has(kind) {
        return Err(Refusal::not_set(kind));
    }
    let delta = order.qty_delta();
    for side in [LimitKind::MaxLong, LimitKind::MaxShort] {
        for (place, limit) in order.chain.limits(state, side) {
            let (position, open) = order.chain.row(state, place.level).map_or((0, 0), |row| {
                if side == LimitKind::MaxLong {
                    (row.position, row.open_buy)
                } else {
                    (-row.position, row.open_sell)
                }
            });
            let own_side = side == kind;
            let worst = position + open + if own_side { delta } else { 0 };
            let over = limit
                .finite()
                .is_some_and(|value| worst > i128::from(value));
            if own_side && over && (!order.is_replace() || delta > 0) {
                findings.refuse(code, limit, &state.tree, worst)?;
            }
            findings.note_use(limit, &state.tree, worst);
        }
    }
    Ok(())
}
