//! C19: what an account or a desk may not trade.

use super::Refusal;
use crate::state::State;
use wire::{OrdType, RejectCode, Selector};

/// No scope of the chain forbids the instrument, its group or the order type.
pub(crate) fn is_permitted(
    state: &State,
    scopes: &[u32],
    instrument: u32,
    ord_type: OrdType,
) -> Result<(), Refusal> {
    let definition = &state.instruments.get(instrument).definition;
    for scope in scopes {
        let node = state.tree.get(*scope);
        let forbids = node.forbidden.iter().any(|entry| {
            let selected = match entry.selector {
                Selector::Instrument => entry.selector_id == definition.instrument_id,
                Selector::Group => entry.selector_id == definition.product_group,
                _ => true,
            };
            selected && (entry.ord_type.is_null() || entry.ord_type == ord_type)
        });
        if forbids {
            return Err(Refusal::at(RejectCode::NotPermitted, node.scope, node.id));
        }
    }
    Ok(())
}
