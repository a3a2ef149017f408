//! Trading states: `Halted` (200) and `ReduceOnly` (216, after a lossy restart 217).

use super::{Proposal, Refusal, fits_reduce_only};
use crate::state::State;
use wire::{RejectCode, Scope, TradingState};

/// The first scope of the chain, or the instrument, that is in `state`.
fn first_in(state: &State, order: &Proposal, wanted: TradingState) -> Option<(Scope, u32)> {
    for scope in order.scopes {
        let node = state.tree.get(scope);
        if node.state == wanted {
            return Some((node.scope, node.id));
        }
    }
    let instrument = state.instruments.get(order.instrument);
    (instrument.state == wanted).then_some((Scope::Instrument, instrument.id))
}

/// Nothing of the chain is halted.
pub(super) fn not_halted(state: &State, order: &Proposal) -> Result<(), Refusal> {
    match first_in(state, order, TradingState::Halted) {
        Some((scope, id)) => Err(Refusal::at(RejectCode::Halted, scope, id)),
        None => Ok(()),
    }
}

/// Where something of the chain is reduce-only, the order reduces the account's position (R4).
pub(super) fn reduces_where_it_must(state: &State, order: &Proposal) -> Result<(), Refusal> {
    let place = first_in(state, order, TradingState::ReduceOnly);
    if (place.is_none() && !state.restricted) || fits_reduce_only(state, order) {
        return Ok(());
    }
    Err(match place {
        Some((scope, id)) => Refusal::at(RejectCode::ReduceOnly, scope, id),
        None => Refusal::at(RejectCode::Restricted, Scope::Firm, 0),
    })
}
