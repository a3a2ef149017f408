//! Which changes loosen a control, and so take two people (`docs/controls.md`, two people).
//!
//! A change loosens if at any time from now on the limit could let through what it would have refused
//! without the change. What can't be compared counts as looser: the answer fails closed.

use crate::limits::{Limit, UNLIMITED};
use wire::{LimitKind, LimitMode, SetLimit, TradingState, Unit};

/// What bounds at one time: a value with the window and the unit that it is meant in.
#[derive(Debug, Clone, Copy)]
struct Bound {
    kind: LimitKind,
    value: i64,
    window_ns: u64,
    unit: Unit,
}

/// Whether a limit of the kind must be said, so that an order without any is refused.
pub(crate) fn must_be_said(kind: LimitKind) -> bool {
    matches!(
        kind,
        LimitKind::MaxOrderQty
            | LimitKind::MaxOrderNotional
            | LimitKind::PriceCollar
            | LimitKind::OrderRate
            | LimitKind::MaxLong
            | LimitKind::MaxShort
            | LimitKind::GrossNotional
    )
}

/// Whether a setting loosens a limit.
///
/// `before` is the limit as it stands, if it was ever set; `covered` says whether another enforced limit
/// of the kind bounds every order that this one selects.
pub(crate) fn limit_loosens(before: Option<&Limit>, m: &SetLimit, covered: bool) -> bool {
    let in_force = before.filter(|limit| limit.permanent.is_some());
    let removes = m.value == i64::MIN;
    let Some(limit) = in_force.filter(|limit| !limit.is_shadow()) else {
        let temporary = m.expires_at.0 != 0;
        let joins = m.mode == LimitMode::Enforced && !removes && !temporary;
        // Where unlimited must be said, a first enforced limit lets through what none refused.
        return (joins && must_be_said(m.limit_kind) && !covered)
            || (removes && in_force.is_some());
    };
    let (Some(now), Some(permanent)) = (limit.value, limit.permanent) else {
        return true;
    };
    let old = |value| Bound {
        kind: limit.kind,
        value,
        window_ns: limit.window_ns,
        unit: limit.unit,
    };
    if m.expires_at.0 != 0 {
        // A temporary value changes the value only, in force until the one or the other ends.
        let new = old(m.value);
        let ends_earlier = limit.expires_at != 0 && m.expires_at.0 < limit.expires_at;
        let ends_later = m.expires_at.0 > limit.expires_at;
        return is_looser(old(now), new)
            || (ends_later && is_looser(old(permanent), new))
            || (ends_earlier && is_looser(old(now), old(permanent)));
    }
    if removes || m.mode != LimitMode::Enforced {
        return true;
    }
    let new = Bound {
        kind: limit.kind,
        value: m.value,
        window_ns: m.window_ns,
        unit: m.unit,
    };
    is_looser(old(now), new) || is_looser(old(permanent), new)
}

/// Whether `new` lets through anything that `old` refuses.
fn is_looser(old: Bound, new: Bound) -> bool {
    if old.value == UNLIMITED {
        return false;
    }
    if new.value == UNLIMITED {
        return true;
    }
    let more = new.value > old.value;
    match old.kind {
        // 0 refuses all, whatever the window.
        LimitKind::OrderRate | LimitKind::DuplicateOrder | LimitKind::RepeatedExecution
            if new.value == 0 =>
        {
            false
        }
        // A bucket passes k orders in a row iff they take at least (k − n) intervals: it is tighter
        // iff neither the burst is larger nor the interval shorter.
        LimitKind::OrderRate => more || interval(new) < interval(old),
        LimitKind::DuplicateOrder | LimitKind::RepeatedExecution => {
            more || new.window_ns < old.window_ns
        }
        LimitKind::MarketMakerProtection => {
            more || new.window_ns < old.window_ns || new.unit != old.unit
        }
        LimitKind::PriceCollar => more || new.unit != old.unit,
        // To halt stops more than to reduce only.
        LimitKind::DailyLoss => more || (old.unit == Unit::Halt && new.unit != Unit::Halt),
        LimitKind::MaxOrderQty
        | LimitKind::MaxOrderNotional
        | LimitKind::ReferenceMaxAge
        | LimitKind::MaxOpenOrders
        | LimitKind::MaxLong
        | LimitKind::MaxShort
        | LimitKind::GrossNotional
        | LimitKind::NetLong
        | LimitKind::NetShort
        | LimitKind::DailyBuyTurnover
        | LimitKind::DailySellTurnover
        | LimitKind::DailyTurnover
        | LimitKind::MaxOrderVsAdv
        | LimitKind::BuyingPower => more,
        // How the values of another kind compare is not known here.
        _ => true,
    }
}

/// C5: nanoseconds between orders that just conform; the longest where nothing conforms.
fn interval(bound: Bound) -> u64 {
    u64::try_from(bound.value)
        .ok()
        .filter(|n| *n > 0)
        .map_or(u64::MAX, |n| bound.window_ns.div_ceil(n))
}

/// Whether a trading state allows more than another: Halted → `ReduceOnly` → Active.
pub(crate) fn state_loosens(old: TradingState, new: TradingState) -> bool {
    new.0 < old.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Selector, Time};

    const SECOND: u64 = 1_000_000_000;

    fn limit(kind: LimitKind, value: i64) -> Limit {
        Limit {
            scope: 0,
            selector: Selector::All,
            selector_id: 0,
            kind,
            value: Some(value),
            permanent: Some(value),
            expires_at: 0,
            unit: Unit::Natural,
            mode: LimitMode::Enforced,
            window_ns: 0,
            version: 1,
            warn: [0; 3],
            arrival: 0,
            interval: 0,
            quiet_from: 0,
            quiet_to: 0,
            breached: false,
            warned: 0,
        }
    }

    fn set(kind: LimitKind, value: i64) -> SetLimit {
        SetLimit {
            limit_kind: kind,
            value,
            unit: Unit::Natural,
            mode: LimitMode::Enforced,
            ..SetLimit::default()
        }
    }

    fn kinds() -> impl Iterator<Item = LimitKind> {
        LimitKind::DEF
            .values
            .iter()
            .map(|(_, number, _)| LimitKind(*number))
    }

    fn loosens(before: &Limit, m: &SetLimit) -> bool {
        limit_loosens(Some(before), m, true)
    }

    #[test]
    fn of_every_kind_a_higher_value_is_looser_and_the_same_or_a_lower_one_is_not() {
        for kind in kinds() {
            let before = limit(kind, 10);
            assert!(!loosens(&before, &set(kind, 9)), "{kind} 10 to 9");
            assert!(!loosens(&before, &set(kind, 10)), "{kind} 10 to 10");
            assert!(loosens(&before, &set(kind, 11)), "{kind} 10 to 11");
            assert!(!loosens(&before, &set(kind, 0)), "{kind} 10 to 0");
            assert!(loosens(&limit(kind, 0), &set(kind, 1)), "{kind} 0 to 1");
        }
    }

    #[test]
    fn of_every_kind_unlimited_is_the_loosest_and_to_remove_is_to_loosen() {
        for kind in kinds() {
            assert!(loosens(&limit(kind, 10), &set(kind, UNLIMITED)), "{kind}");
            let unlimited = limit(kind, UNLIMITED);
            assert!(!loosens(&unlimited, &set(kind, 10)), "{kind}");
            assert!(!loosens(&unlimited, &set(kind, UNLIMITED)), "{kind}");
            assert!(loosens(&unlimited, &set(kind, i64::MIN)), "{kind}");
            assert!(loosens(&limit(kind, 10), &set(kind, i64::MIN)), "{kind}");
            let removed = Limit {
                value: None,
                permanent: None,
                ..limit(kind, 10)
            };
            assert!(!loosens(&removed, &set(kind, i64::MIN)), "{kind}");
        }
    }

    #[test]
    fn of_every_kind_enforced_to_shadow_is_looser_and_a_shadow_alone_never_is() {
        for kind in kinds() {
            let shadow_set = |value| SetLimit {
                mode: LimitMode::Shadow,
                ..set(kind, value)
            };
            let shadow = Limit {
                mode: LimitMode::Shadow,
                ..limit(kind, 10)
            };
            assert!(loosens(&limit(kind, 10), &shadow_set(5)), "{kind}");
            assert!(!loosens(&shadow, &shadow_set(20)), "{kind}");
            assert!(!loosens(&shadow, &set(kind, 20)), "{kind}");
            assert!(!limit_loosens(None, &shadow_set(5), false), "{kind}");
            assert!(loosens(&shadow, &set(kind, i64::MIN)), "{kind}: removed");
        }
    }

    #[test]
    fn a_first_limit_of_a_kind_that_must_be_said_lets_through_what_none_refused() {
        for kind in kinds() {
            let first = |covered| limit_loosens(None, &set(kind, 10), covered);
            assert!(!first(true), "{kind}");
            assert_eq!(first(false), must_be_said(kind), "{kind}");
            let shadow = Limit {
                mode: LimitMode::Shadow,
                ..limit(kind, 10)
            };
            let enforced = limit_loosens(Some(&shadow), &set(kind, 10), false);
            assert_eq!(enforced, must_be_said(kind), "{kind}");
        }
    }

    /// 10 permanently, and a temporary value until 100 where one is given.
    fn with_temporary(temporary: Option<i64>) -> Limit {
        Limit {
            value: temporary.or(Some(10)),
            expires_at: if temporary.is_some() { 100 } else { 0 },
            ..limit(LimitKind::MaxLong, 10)
        }
    }

    fn temporarily(value: i64, expires_at: u64) -> SetLimit {
        SetLimit {
            expires_at: Time(expires_at),
            ..set(LimitKind::MaxLong, value)
        }
    }

    #[test]
    fn a_temporary_value_is_compared_with_what_is_in_force_over_all_of_its_time() {
        for (before, value, until, looser) in [
            (None, 9, 50, false),
            (None, 10, 50, false),
            (None, 11, 50, true),
            // A looser one until 100.
            (Some(20), 20, 100, false),
            (Some(20), 20, 101, true),
            (Some(20), 20, 99, false),
            (Some(20), 15, 100, false),
            (Some(20), 15, 101, true),
            (Some(20), 21, 50, true),
            (Some(20), 10, 200, false),
            // A tighter one until 100: the permanent value is looser than it.
            (Some(5), 5, 100, false),
            (Some(5), 5, 99, true),
            (Some(5), 5, 101, false),
            (Some(5), 4, 99, true),
            (Some(5), 6, 100, true),
        ] {
            let found = loosens(&with_temporary(before), &temporarily(value, until));
            assert_eq!(found, looser, "{before:?} to {value} until {until}");
        }
    }

    #[test]
    fn a_permanent_value_is_compared_with_both_the_temporary_and_the_permanent_one() {
        for (before, value, looser) in [
            (Some(20), 10, false),
            (Some(20), 11, true),
            (Some(20), 9, false),
            (Some(5), 5, false),
            (Some(5), 6, true),
            (Some(5), 10, true),
        ] {
            let found = loosens(&with_temporary(before), &set(LimitKind::MaxLong, value));
            assert_eq!(found, looser, "10, now {before:?}, to {value}");
        }
    }

    #[test]
    fn a_temporary_value_on_a_shadow_limit_never_loosens() {
        let shadow = Limit {
            mode: LimitMode::Shadow,
            ..limit(LimitKind::MaxLong, 10)
        };
        assert!(!loosens(&shadow, &temporarily(UNLIMITED, 50)));
    }

    #[test]
    fn windows_are_compared_with_their_counts() {
        use LimitKind as K;
        // (kind, old n and seconds, new n and seconds, whether the new one is looser)
        for (kind, (n, s), (new_n, new_s), looser) in [
            (K::OrderRate, (10, 1), (10, 1), false),
            (K::OrderRate, (10, 1), (10, 2), false),
            (K::OrderRate, (10, 2), (10, 1), true),
            (K::OrderRate, (10, 1), (100, 10), true),
            (K::OrderRate, (100, 10), (10, 1), false),
            (K::OrderRate, (100, 10), (11, 1), true),
            (K::OrderRate, (10, 1), (0, 1), false),
            (K::OrderRate, (0, 1), (1, 1), true),
            (K::DuplicateOrder, (3, 1), (3, 2), false),
            (K::DuplicateOrder, (3, 2), (3, 1), true),
            (K::DuplicateOrder, (3, 2), (2, 1), true),
            (K::DuplicateOrder, (3, 2), (0, 1), false),
            (K::RepeatedExecution, (3, 1), (4, 9), true),
            (K::RepeatedExecution, (3, 1), (3, 9), false),
            (K::RepeatedExecution, (3, 9), (2, 1), true),
            (K::MarketMakerProtection, (3, 1), (2, 1), false),
            (K::MarketMakerProtection, (3, 2), (3, 1), true),
        ] {
            let before = Limit {
                window_ns: s * SECOND,
                ..limit(kind, n)
            };
            let m = SetLimit {
                window_ns: new_s * SECOND,
                ..set(kind, new_n)
            };
            let what = format!("{kind} {n} per {s} s to {new_n} per {new_s} s");
            assert_eq!(loosens(&before, &m), looser, "{what}");
        }
    }

    #[test]
    fn another_unit_can_not_be_compared_and_counts_as_looser() {
        let of = |kind, value, unit| Limit {
            unit,
            ..limit(kind, value)
        };
        let to = |kind, value, unit| SetLimit {
            unit,
            ..set(kind, value)
        };
        let (collar, loss) = (LimitKind::PriceCollar, LimitKind::DailyLoss);
        let protection = LimitKind::MarketMakerProtection;
        let bps = of(collar, 500, Unit::BasisPoints);
        assert!(loosens(&bps, &to(collar, 1, Unit::Ticks)));
        assert!(!loosens(&bps, &to(collar, 499, Unit::BasisPoints)));
        let fills = of(protection, 5, Unit::Fills);
        let by_quantity = to(protection, 1, Unit::Quantity);
        assert!(loosens(&fills, &by_quantity));
        let halts = of(loss, 100, Unit::Halt);
        assert!(loosens(&halts, &to(loss, 100, Unit::Natural)));
        assert!(!loosens(&halts, &to(loss, 99, Unit::Halt)));
        let reduces = of(loss, 100, Unit::Natural);
        assert!(!loosens(&reduces, &to(loss, 100, Unit::Halt)));
    }

    #[test]
    fn states_loosen_from_halted_to_reduce_only_to_active() {
        use TradingState as S;
        for (old, new, looser) in [
            (S::Halted, S::ReduceOnly, true),
            (S::Halted, S::Active, true),
            (S::ReduceOnly, S::Active, true),
            (S::Halted, S::Halted, false),
            (S::Active, S::ReduceOnly, false),
            (S::Active, S::Halted, false),
            (S::ReduceOnly, S::Halted, false),
        ] {
            assert_eq!(state_loosens(old, new), looser, "{old} to {new}");
        }
    }
}
