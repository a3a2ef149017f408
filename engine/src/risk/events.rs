//! Alerts: warn levels and breaches of limits, told once each (R18, R25, R27).

use super::RiskEngine;
use crate::limits::Limit;
use wire::{LimitKind, RiskEvent, RiskEventKind, Selector, Severity};

/// Warn levels in per cent where none were set.
const WARN_DEFAULT: [u8; 3] = [70, 80, 90];
/// A level is armed again when use has fallen this many points below it.
const REARM_POINTS: i128 = 5;

/// Kinds whose use follows values: marks and rates move it.
fn follows_values(kind: LimitKind) -> bool {
    matches!(
        kind,
        LimitKind::GrossNotional | LimitKind::NetLong | LimitKind::NetShort | LimitKind::DailyLoss
    )
}

/// Warn levels with the default for each that is 0.
pub(super) fn with_defaults(mut levels: [u8; 3]) -> [u8; 3] {
    for (level, default) in levels.iter_mut().zip(WARN_DEFAULT) {
        if *level == 0 {
            *level = default;
        }
    }
    levels
}

/// Warn levels in force, in per cent.
pub(super) fn warn_levels(limit: &Limit) -> [u8; 3] {
    with_defaults(limit.warn)
}

impl RiskEngine {
    /// Compares one limit with its use.
    pub(super) fn refresh_limit(&mut self, slot: u32) {
        if self.state.limits.get(slot).kind == LimitKind::DailyLoss {
            self.refresh_loss(slot);
            return;
        }
        let limit = *self.state.limits.get(slot);
        if let Some(used) = self.used(&limit) {
            self.note_use(slot, used);
        }
    }

    /// Tells what a new use of a limit crosses.
    fn note_use(&mut self, slot: u32, used: i128) {
        let limit = *self.state.limits.get(slot);
        let bound = limit
            .finite()
            .filter(|_| !limit.is_shadow())
            .map(i128::from);
        let (used_points, over) = match bound {
            Some(bound) => (used.saturating_mul(100), used > bound),
            None => (0, false),
        };
        let (mut warned, mut crossed) = (0_u8, 0_u8);
        for (at, level) in warn_levels(&limit).into_iter().enumerate() {
            let bit = 1 << at;
            let Some(bound) = bound.filter(|bound| level > 0 && *bound > 0) else {
                continue;
            };
            let reached = used_points >= bound.saturating_mul(i128::from(level));
            let lower = i128::from(level).saturating_sub(REARM_POINTS);
            let stays = limit.warned & bit != 0 && used_points > bound.saturating_mul(lower);
            if reached || stays {
                warned |= bit;
            }
            if reached && limit.warned & bit == 0 {
                crossed |= bit;
            }
        }
        let breaks = over && !limit.breached;
        if warned == limit.warned && over == limit.breached {
            return;
        }
        let entry = self.state.limits.get_mut(slot);
        (entry.warned, entry.breached) = (warned, over);
        // A breach says more than the levels crossed with it (R18: one alert).
        for (at, level) in warn_levels(&limit).into_iter().enumerate() {
            if !breaks && crossed & (1 << at) != 0 {
                self.tell_use(&limit, used, RiskEventKind::Warning, u64::from(level));
            }
        }
        if breaks {
            self.tell_use(&limit, used, RiskEventKind::Breach, 100);
        }
    }

    fn tell_use(&mut self, limit: &Limit, used: i128, event: RiskEventKind, level: u64) {
        let node = self.state.tree.get(limit.scope);
        let (scope, scope_id) = (node.scope, node.id);
        let by_instrument = limit.selector == Selector::Instrument;
        self.alert(RiskEvent {
            old_value: limit.value.unwrap_or(i64::MIN),
            new_value: crate::units::saturate(used),
            ref_id: level,
            scope,
            scope_id,
            instrument_id: if by_instrument {
                limit.selector_id
            } else {
                u32::MAX
            },
            event,
            limit_kind: limit.kind,
            severity: if event == RiskEventKind::Breach {
                Severity::Critical
            } else {
                Severity::Warning
            },
            ..RiskEvent::default()
        });
    }

    /// Limits on values, after a mark or a rate has changed.
    pub(super) fn refresh_values(&mut self) {
        for slot in self.state.limits.slots() {
            if follows_values(self.state.limits.get(slot).kind) {
                self.refresh_limit(slot);
            }
        }
    }

    /// All limits, after something rare has changed much.
    pub(super) fn refresh_all(&mut self) {
        for slot in self.state.limits.slots() {
            self.refresh_limit(slot);
        }
    }

    /// The limits that select these rows, after an order or a fill has moved them.
    pub(super) fn refresh_rows(&mut self, rows: &[u32]) {
        if self.in_one_event {
            return;
        }
        for row in rows {
            let place = *self.state.exposure.row(*row);
            let sets = [
                place.limits,
                self.state.exposure.total(place.group).limits,
                self.state.exposure.total(place.all).limits,
            ];
            for set in sets {
                let mut mask = self.state.limits.enforced(set);
                while mask != 0 {
                    let kind = mask.trailing_zeros() as usize;
                    mask &= mask.wrapping_sub(1);
                    self.refresh_in_row(set, kind, *row);
                }
            }
        }
    }

    fn refresh_in_row(&mut self, set: u32, kind: usize, row: u32) {
        let slot = self.state.limits.slot_in_set(set, kind);
        let limit = *self.state.limits.get(slot);
        if limit.finite().is_none() {
            return;
        }
        let each = matches!(limit.kind, LimitKind::MaxLong | LimitKind::MaxShort);
        if !each || limit.selector == Selector::Instrument {
            self.refresh_limit(slot);
            return;
        }
        // One bound for each instrument: this row alone can raise the highest use, and only a walk over
        // the scope tells whether it has fallen.
        let used = self.used_in_row(&limit, row);
        let lowest = i128::from(warn_levels(&limit)[0]).saturating_sub(REARM_POINTS);
        let bound = i128::from(limit.value.unwrap_or(0));
        let low = used.saturating_mul(100) < bound.saturating_mul(lowest);
        if limit.warned == 0 && !limit.breached && low {
            return;
        }
        self.refresh_limit(slot);
    }
}
