//! What covers an order: C18 settled positions and locates for sells, C16 cash for buys.

use super::{Ask, Findings, Refusal};
use crate::limits::SetKey;
use crate::state::State;
use wire::{Flag, LimitKind, RejectCode, Scope, Selector, Side};

/// Quantity of a short sell that has no locate yet: a replace needs only its increase over the chain.
pub(crate) fn unlocated(order: &Ask) -> i64 {
    order.qty.saturating_sub(order.located_qty).max(0)
}

/// C18: plain sells are covered by what is settled, short sells by what is located.
pub(super) fn sale_is_covered(state: &State, order: &Ask) -> Result<(), Refusal> {
    let definition = &state.instruments.get(order.instrument).definition;
    if order.is_buy() || definition.short_sale_check != Flag::Yes {
        return Ok(());
    }
    let row = order.account_row();
    let book = row
        .map(|slot| *state.exposure.short(slot))
        .unwrap_or_default();
    let (bound, observed) = if order.side == Side::SellShort {
        let left = i128::from(book.locates) - i128::from(book.located_used);
        (left, i128::from(unlocated(order)))
    } else {
        let settled = i128::from(book.settled) - i128::from(book.sold);
        let live = row.map_or(0, |slot| state.exposure.live_sells(slot));
        (settled, live + order.qty_delta())
    };
    if observed <= bound {
        return Ok(());
    }
    let account = state.tree.get(order.scopes[0]);
    Err(Refusal {
        limit: Some(crate::units::saturate(bound)),
        observed: Some(crate::units::saturate(observed)),
        ..Refusal::at(RejectCode::ShortSale, Scope::Account, account.id)
    })
}

/// C16: cash and credit pay for the order and for all live buys of the account in the currency.
pub(super) fn buy_is_paid(
    state: &State,
    order: &Ask,
    cash_delta: i64,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let account = order.scopes[0];
    let instrument = state.instruments.get(order.instrument);
    if !order.is_buy() || (order.is_replace() && cash_delta <= 0) {
        return Ok(());
    }
    let set = state.limits.set_of(SetKey {
        scope: account,
        selector: Selector::Currency,
        selector_id: u32::from_le_bytes(instrument.definition.currency.0),
    });
    let kind = usize::from(LimitKind::BuyingPower.0);
    if state.limits.mask(set) & (1 << kind) == 0 {
        return Ok(());
    }
    let limit = state.limits.in_set(set, kind);
    let book = state.cash.get(account, instrument.currency);
    let needed = book.reserved + i128::from(cash_delta);
    // A missing balance refuses, whatever the credit.
    let paid = book.cash.is_some_and(|cash| {
        limit
            .finite()
            .is_none_or(|credit| cash + i128::from(credit) - needed >= 0)
    });
    let used = needed - book.cash.unwrap_or(0);
    if paid {
        findings.note_met(limit, || Some(used));
        return Ok(());
    }
    // Without a balance there is nothing that the credit could be held against.
    let reached = || book.cash.map(|_| used);
    findings.refuse_showing(RejectCode::BuyingPower, limit, &state.tree, used, reached)
}
