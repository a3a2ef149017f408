//! What a flow must end with, worked out the short way.
//!
//! The engine arrives at positions through reservations, versions and
//! releases, and at collar refusals through limits and references. These
//! functions arrive at the same numbers straight from the events, in a few
//! lines a person can check, and share no code with it.

use std::collections::BTreeMap;

use super::{Attribution, FlowEvent, FlowKind, Side};

/// Whose position, in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PositionKey {
    /// Index of the account, from [`Attribution::attribute`].
    pub account: u32,
    /// Index of the instrument, from [`FlowEvent::instrument`].
    pub instrument: u32,
}

/// The signed positions (long positive, in shares) that the fills among
/// `events` add up to. Accounts without a fill are left out. A caller whose
/// orders were refused in part passes only the events that were played.
pub fn expected_positions<'a>(
    events: impl IntoIterator<Item = &'a FlowEvent>,
    attribution: &Attribution,
) -> BTreeMap<PositionKey, i128> {
    let mut positions = BTreeMap::new();
    for event in events {
        if let FlowKind::Fill {
            order_ref,
            side,
            qty,
            ..
        } = event.kind
        {
            let key = PositionKey {
                account: attribution.attribute(order_ref).account,
                instrument: event.instrument,
            };
            let signed = match side {
                Side::Buy => i128::from(qty),
                Side::Sell => -i128::from(qty),
            };
            *positions.entry(key).or_insert(0) += signed;
        }
    }
    positions
}

/// How many new orders of an instrument are priced beyond a collar of
/// `collar_bps` (10⁻⁴) around a reference: buys above it, sells below it. An
/// order exactly at the collar is inside. Replaces are not counted.
///
/// Example: around 1795.00 with 1000 bps, a buy at 1974.50 is inside and one
/// at 1974.51 is outside; a sell at 1974.51 is inside too.
pub fn count_outside_collar<'a>(
    events: impl IntoIterator<Item = &'a FlowEvent>,
    instrument: u32,
    reference_e8: i64,
    collar_bps: u32,
) -> u64 {
    let reference = i128::from(reference_e8);
    let collar = i128::from(collar_bps);
    let mut outside = 0;
    for event in events {
        if event.instrument != instrument {
            continue;
        }
        if let FlowKind::New { side, price_e8, .. } = event.kind {
            let price = i128::from(price_e8) * 10_000;
            let is_outside = match side {
                Side::Buy => price > reference * (10_000 + collar),
                Side::Sell => price < reference * (10_000 - collar),
            };
            outside += u64::from(is_outside);
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const CENT_E8: i64 = 1_000_000;

    fn event(kind: FlowKind) -> FlowEvent {
        FlowEvent {
            time_ns: 0,
            line: 1,
            instrument: 0,
            kind,
        }
    }

    fn new_order(side: Side, cents: i64) -> FlowEvent {
        event(FlowKind::New {
            order_ref: 1,
            side,
            price_e8: cents * CENT_E8,
            qty: 100,
        })
    }

    #[test]
    fn an_order_at_the_collar_is_inside_and_one_tick_past_is_outside() {
        let table = [
            (Side::Buy, 197_450, 0),
            (Side::Buy, 197_451, 1),
            (Side::Sell, 197_451, 0),
            (Side::Sell, 161_550, 0),
            (Side::Sell, 161_549, 1),
            (Side::Buy, 161_549, 0),
        ];
        for (side, cents, outside) in table {
            assert_eq!(
                count_outside_collar(&[new_order(side, cents)], 0, 179_500 * CENT_E8, 1_000),
                outside,
                "{side:?} {cents}"
            );
        }
    }

    #[test]
    fn positions_are_buys_less_sells() {
        let one = NonZeroU32::MIN;
        let attribution = Attribution {
            accounts: one,
            desks: one,
            traders: one,
        };
        let fill = |side, qty| {
            event(FlowKind::Fill {
                order_ref: 1,
                side,
                price_e8: 1,
                qty,
                exec_ref: 1,
            })
        };
        let events = [fill(Side::Buy, 30), fill(Side::Sell, 100)];
        let key = PositionKey {
            account: 0,
            instrument: 0,
        };
        assert_eq!(
            expected_positions(&events, &attribution),
            BTreeMap::from([(key, -70)])
        );
    }
}
