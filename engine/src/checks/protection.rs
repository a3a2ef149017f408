//! C15: market-maker protection has tripped, and the account's desk has not reset it.

use super::{Ask, Refusal};
use crate::state::State;
use wire::{RejectCode, Scope};

/// The account is not frozen in the instrument's group.
pub(super) fn is_not_frozen(state: &State, order: &Ask) -> Result<(), Refusal> {
    let account = order.scopes[0];
    let group = state
        .instruments
        .get(order.instrument)
        .definition
        .product_group;
    if state
        .account_fills
        .get(account, group)
        .is_some_and(|log| log.frozen)
    {
        let id = state.tree.get(account).id;
        return Err(Refusal::at(
            RejectCode::MarketMakerProtection,
            Scope::Account,
            id,
        ));
    }
    Ok(())
}
