//! C5 `OrderRate`: at most n new orders and replaces a window, by the generic cell rate algorithm.
//!
//! With T = ⌈window / n⌉, an order at t conforms iff max(arrival, t) + T − t ≤ n · T. All buckets of
//! the chain are tested, then all advance or none.

use super::{Findings, Proposal, Refusal};
use crate::limits::Limit;
use crate::state::State;
use wire::{LimitKind, RejectCode};

/// The bucket's next arrival time if an order at `t` conforms.
pub(super) fn next_arrival(limit: &Limit, t: u64) -> Option<u64> {
    let count = u64::try_from(limit.value?)
        .ok()
        .filter(|count| *count > 0)?;
    let next = limit.arrival.max(t).checked_add(limit.interval)?;
    let burst = u128::from(count) * u128::from(limit.interval);
    (u128::from(next - t) <= burst).then_some(next)
}

/// Orders in the bucket with one at `t`: it conforms where they are no more than the limit.
fn in_window(limit: &Limit, t: u64) -> i128 {
    let ahead = limit.arrival.saturating_sub(t).checked_div(limit.interval);
    let rest = limit.arrival.saturating_sub(t).checked_rem(limit.interval);
    let whole = i128::from(ahead.unwrap_or(0));
    whole + i128::from(rest.is_some_and(|rest| rest > 0)) + 1
}

/// Every enforced bucket of the chain has room.
pub(super) fn conforms(
    state: &State,
    order: &Proposal,
    findings: &mut Findings,
) -> Result<(), Refusal> {
    if !order.chain.has(LimitKind::OrderRate) {
        return Err(Refusal::not_set(LimitKind::OrderRate));
    }
    for (_, limit) in order.chain.limits(state, LimitKind::OrderRate) {
        let reached = || limit.finite().map(|_| in_window(limit, order.t));
        if limit.finite().is_some() && next_arrival(limit, order.t).is_none() {
            let code = RejectCode::OrderRate;
            findings.refuse_showing(code, limit, &state.tree, 0, reached)?;
        } else {
            findings.note_met(limit, reached);
        }
    }
    Ok(())
}

/// Slots of the buckets of the chain that conform, all enforced ones among them, and where they go.
#[cfg(debug_assertions)]
pub(crate) fn arrivals<'a>(
    state: &'a State,
    order: &'a Proposal,
) -> impl Iterator<Item = (u32, u64)> + use<'a> {
    let kind = LimitKind::OrderRate;
    order.chain.places(kind).filter_map(move |place| {
        let set = order.chain.set(place);
        let slot = state.limits.slot_in_set(set, usize::from(kind.0));
        let limit = state.limits.get(slot);
        limit.finite()?;
        Some((slot, next_arrival(limit, order.t)?))
    })
}

/// Takes one order out of every bucket of the chain that conforms.
pub(crate) fn advance(state: &mut State, order: &Proposal) {
    let kind = LimitKind::OrderRate;
    for place in order.chain.places(kind) {
        let slot = state
            .limits
            .slot_in_set(order.chain.set(place), usize::from(kind.0));
        let limit = state.limits.get_mut(slot);
        if limit.finite().is_some()
            && let Some(next) = next_arrival(limit, order.t)
        {
            limit.arrival = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use wire::{LimitMode, Selector, Unit};

    fn limit(count: i64, window_ns: u64) -> Limit {
        let mut limits = Limits::with_capacity(1);
        let (_, slot) = limits.put(Limit {
            scope: 0,
            selector: Selector::All,
            selector_id: 0,
            kind: LimitKind::OrderRate,
            value: Some(count),
            unit: Unit::Natural,
            mode: LimitMode::Enforced,
            window_ns,
            version: 1,
            warn: [0; 3],
            permanent: Some(count),
            expires_at: 0,
            arrival: 0,
            interval: 0,
            quiet_from: 0,
            quiet_to: 0,
            breached: false,
            warned: 0,
        });
        *limits.get(slot)
    }

    #[test]
    fn c5_a_full_bucket_lets_n_through_at_once_and_one_more_after_an_interval() {
        let mut bucket = limit(3, 10);
        for _ in 0..3 {
            bucket.arrival = next_arrival(&bucket, 100).unwrap();
        }
        assert_eq!(next_arrival(&bucket, 100), None);
        assert_eq!(
            next_arrival(&bucket, 103),
            None,
            "T is 4, rounded up from 10/3"
        );
        assert_eq!(next_arrival(&bucket, 104), Some(116));
    }

    #[test]
    fn c5_what_is_in_the_bucket_is_more_than_the_limit_where_it_has_no_room() {
        let mut bucket = limit(3, 10);
        for seen in 1..=3 {
            assert_eq!(in_window(&bucket, 100), seen);
            bucket.arrival = next_arrival(&bucket, 100).unwrap();
        }
        for t in 100..140 {
            let conforms = next_arrival(&bucket, t).is_some();
            assert_eq!(conforms, in_window(&bucket, t) <= 3, "{t}");
        }
        assert_eq!(in_window(&limit(0, 10), 5), 1);
    }

    #[test]
    fn c5_zero_orders_a_window_refuses_all() {
        assert_eq!(next_arrival(&limit(0, 10), 5), None);
    }
}
