//! One limit: what is set, what follows from it, and what was told of its use.

use super::UNLIMITED;
use bincode::{Decode, Encode};
use wire::{LimitKind, LimitMode, Selector, Unit};

/// One limit. What most checks read of it is copied into a [`super::Check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Limit {
    /// Value in force; `None` once removed, while the version lives on.
    pub(crate) value: Option<i64>,
    /// Uses in `quiet_from..quiet_to` cross no warn level and no bound: nothing is to be told.
    pub(crate) quiet_from: i64,
    pub(crate) quiet_to: i64,
    /// C5: theoretical arrival time of the next conforming order.
    pub(crate) arrival: u64,
    /// C5: ⌈window / n⌉, the time that one order takes; 0 where none conforms.
    pub(crate) interval: u64,
    pub(crate) scope: u32,
    pub(crate) kind: LimitKind,
    pub(crate) mode: LimitMode,
    pub(crate) unit: Unit,
    /// Whether use is above the value (R18).
    pub(crate) breached: bool,
    /// Warn levels that use has crossed and that are not re-armed yet (R27).
    pub(crate) warned: u8,
    pub(crate) selector: Selector,
    pub(crate) selector_id: u32,
    pub(crate) window_ns: u64,
    /// The permanent value that a temporary one reverts to.
    pub(crate) permanent: Option<i64>,
    /// When the temporary value ends; 0 where the permanent one is in force.
    pub(crate) expires_at: u64,
    pub(crate) version: u32,
    pub(crate) warn: [u8; 3],
}

/// Warn levels in per cent where none were set.
const WARN_DEFAULT: [u8; 3] = [70, 80, 90];
/// A level is armed again when use has fallen this many points below it.
pub(crate) const REARM_POINTS: i128 = 5;

/// Warn levels with the default for each that is 0.
pub(crate) fn with_default_levels(mut levels: [u8; 3]) -> [u8; 3] {
    for (level, default) in levels.iter_mut().zip(WARN_DEFAULT) {
        if *level == 0 {
            *level = default;
        }
    }
    levels
}

impl Limit {
    /// The value, unless it is unlimited.
    pub(crate) fn finite(&self) -> Option<i64> {
        self.value.filter(|value| *value != UNLIMITED)
    }

    /// Whether it is evaluated without ever refusing.
    pub(crate) fn is_shadow(&self) -> bool {
        self.mode == LimitMode::Shadow
    }

    /// Warn levels in force, in per cent.
    pub(crate) fn warn_levels(&self) -> [u8; 3] {
        with_default_levels(self.warn)
    }

    /// One bound for each instrument, over a group or all.
    pub(crate) fn is_each(&self) -> bool {
        matches!(self.kind, LimitKind::MaxLong | LimitKind::MaxShort)
            && self.selector != Selector::Instrument
    }

    /// What follows from value, warn levels and what was told: the quiet uses, and the bucket's interval.
    pub(super) fn derive(&mut self) {
        self.interval = self
            .value
            .and_then(|count| u64::try_from(count).ok())
            .filter(|count| *count > 0)
            .map_or(0, |count| self.window_ns.div_ceil(count));
        let (from, to) = self.quiet();
        let saturate = crate::units::saturate;
        (self.quiet_from, self.quiet_to) = (saturate(from), saturate(to));
    }

    fn quiet(&self) -> (i128, i128) {
        const NONE: (i128, i128) = (0, 0);
        let (mut from, mut to) = (i128::from(i64::MIN), i128::from(i64::MAX));
        let loss = self.kind == LimitKind::DailyLoss;
        let bound = self.finite().filter(|_| !self.is_shadow());
        let Some(bound) = bound.map(i128::from) else {
            return if self.warned == 0 && !self.breached {
                (from, to)
            } else {
                NONE
            };
        };
        // A loss at its bound has reached it; any other use is above it only past it.
        let past = if loss { bound } else { bound + 1 };
        if self.breached {
            from = past;
        } else {
            to = past;
        }
        if self.is_each() && (self.warned != 0 || self.breached) {
            // One row alone does not tell whether the highest use has fallen.
            return NONE;
        }
        for (at, level) in self.warn_levels().into_iter().enumerate() {
            let was = self.warned & (1 << at) != 0;
            // Of a limit of 0 any use at all is past every level.
            let level = i128::from(level);
            if was {
                let lower = (bound * (level - REARM_POINTS)).div_euclid(100);
                from = from.max(lower.max(0) + 1);
            } else {
                to = to.min((bound * level + 99).div_euclid(100).max(1));
            }
        }
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(value: Option<i64>, kind: LimitKind, selector: Selector) -> Limit {
        Limit {
            value,
            quiet_from: 0,
            quiet_to: 0,
            arrival: 0,
            interval: 0,
            scope: 0,
            kind,
            mode: LimitMode::Enforced,
            unit: Unit::default(),
            breached: false,
            warned: 0,
            selector,
            selector_id: 0,
            window_ns: 0,
            permanent: value,
            expires_at: 0,
            version: 1,
            warn: [0; 3],
        }
    }

    /// What a use says of a limit, one level after the other: which are told, and whether it is past the value.
    fn told(limit: &Limit, used: i128) -> (u8, bool) {
        let Some(bound) = limit.finite().filter(|_| !limit.is_shadow()) else {
            return (0, false);
        };
        let bound = i128::from(bound);
        let mut warned = 0;
        for (at, level) in limit.warn_levels().into_iter().enumerate() {
            let level = i128::from(level);
            let was = limit.warned & (1 << at) != 0;
            let stays = was && used * 100 > bound * (level - 5);
            if used > 0 && (used * 100 >= bound * level || stays) {
                warned |= 1 << at;
            }
        }
        let loss = limit.kind == LimitKind::DailyLoss;
        (warned, used > bound || (loss && used == bound))
    }

    #[test]
    fn of_quiet_uses_nothing_is_to_be_told_and_they_are_all_of_them() {
        let kinds = [
            (LimitKind::MaxOpenOrders, Selector::All, false),
            (LimitKind::MaxLong, Selector::Instrument, false),
            (LimitKind::MaxLong, Selector::All, true),
            (LimitKind::MaxShort, Selector::Group, true),
            (LimitKind::GrossNotional, Selector::Group, false),
            (LimitKind::DailyLoss, Selector::All, false),
        ];
        for (kind, selector, each) in kinds {
            for value in [
                None,
                Some(UNLIMITED),
                Some(0),
                Some(1),
                Some(7),
                Some(99),
                Some(200),
            ] {
                for (case, warned) in (0..32).map(|case| (case, case & 7)) {
                    let mut limit = limit(value, kind, selector);
                    (limit.warned, limit.breached) = (warned, case & 8 != 0);
                    if case & 16 != 0 {
                        limit.mode = LimitMode::Shadow;
                        limit.warn = [50, 51, 99];
                    }
                    limit.derive();
                    assert_eq!(limit.is_each(), each);
                    let told_before = (limit.warned, limit.breached);
                    for used in -3..270 {
                        let quiet = (limit.quiet_from..limit.quiet_to).contains(&used);
                        let same = told(&limit, i128::from(used)) == told_before;
                        // One row alone does not tell whether the highest use has fallen.
                        let unsure = each && told_before != (0, false);
                        assert_eq!(quiet, same && !unsure, "{limit:?} at {used}");
                    }
                }
            }
        }
    }
}
