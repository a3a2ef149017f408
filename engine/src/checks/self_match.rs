//! C17: the order would match a live order of the same group in the same instrument and venue.

use super::{Ask, Findings, Refusal};
use crate::peers;
use crate::shelves::NOT_YET;
use crate::state::State;
use wire::{OrdType, RejectCode, Scope};

/// Accounts without a group stand for themselves.
pub(crate) fn group_of(state: &State, account: u32) -> u64 {
    match state.tree.get(account).self_match_group {
        0 => u64::from(account) | (1 << 40),
        group => u64::from(group),
    }
}

/// Price at which a version can match: market orders match everything.
pub(crate) fn price_of(ord_type: OrdType, price: i64, buy: bool) -> i64 {
    if ord_type == OrdType::Market {
        peers::market(buy)
    } else {
        price
    }
}

/// Most aggressive price of an order over its live versions with leaves; `None` without any.
fn best_price(state: &State, slot: u32) -> Option<i64> {
    let order = state.orders.get(slot);
    let prices = state
        .orders
        .live_prices(slot)
        .map(|price| price_of(order.ord_type, price, order.is_buy()));
    if order.is_buy() {
        prices.max()
    } else {
        prices.min()
    }
}

/// Whether the order's own price reaches one of the other side.
fn crosses(order: &Ask, other: i64) -> bool {
    let own = price_of(order.ord_type, order.price.0, order.is_buy());
    if order.is_buy() {
        peers::crosses(own, other)
    } else {
        peers::crosses(other, own)
    }
}

/// The list of orders that the order may cross, unless its bound shows that it crosses none.
fn reachable(state: &State, order: &Ask) -> Option<u32> {
    let account = order.scopes[0];
    if state.tree.get(account).self_match_off {
        return None;
    }
    let buys = !order.is_buy();
    let known = order
        .account_row()
        .map(|row| state.exposure.shelf(row).peers[usize::from(buys)])
        .filter(|list| *list != NOT_YET);
    let list = match known {
        Some(list) => list,
        None => {
            let group = group_of(state, account);
            state.peers.find(group, order.instrument, buys)?
        }
    };
    let bound = state.peers.bound(list);
    (bound != peers::never(!order.is_buy()) && crosses(order, bound)).then_some(list)
}

/// Whether the best price on the other side shows that nothing can cross the order.
pub(super) fn is_clear(state: &State, order: &Ask) -> bool {
    reachable(state, order).is_none()
}

/// Nothing live on the other side of the group crosses the order.
pub(super) fn matches_nobody(
    state: &State,
    order: &Ask,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    let Some(list) = reachable(state, order) else {
        return Ok(());
    };
    let (mut best, mut crossed) = (peers::never(!order.is_buy()), false);
    for slot in state.peers.orders(&state.orders, list) {
        let Some(price) = best_price(state, slot) else {
            continue;
        };
        best = if order.is_buy() {
            best.min(price)
        } else {
            best.max(price)
        };
        crossed |= crosses(order, price) && order.replaces != Some(slot);
    }
    findings.peer_bound = Some((list, best));
    if crossed {
        let id = state.tree.get(order.scopes[0]).id;
        return Err(Refusal::at(RejectCode::SelfMatch, Scope::Account, id));
    }
    Ok(())
}
