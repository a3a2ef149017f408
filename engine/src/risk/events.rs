//! Breaches: a limit whose use is above it, told once (R18, R25).

use super::RiskEngine;
use crate::limits::UNLIMITED;
use wire::{LimitKind, RiskEvent, RiskEventKind, Selector, Severity};

const VALUES: [LimitKind; 3] = [
    LimitKind::GrossNotional,
    LimitKind::NetLong,
    LimitKind::NetShort,
];

impl RiskEngine {
    /// Compares one limit with its use.
    pub(super) fn refresh_limit(&mut self, slot: u32) {
        let limit = *self.state.limits.get(slot);
        let over = self.used(&limit).filter(|used| {
            limit
                .value
                .is_some_and(|value| value != UNLIMITED && *used > i128::from(value))
        });
        self.note_breach(slot, over);
    }

    fn note_breach(&mut self, slot: u32, over: Option<i128>) {
        let limit = self.state.limits.get_mut(slot);
        let rising = over.is_some() && !limit.breached;
        limit.breached = over.is_some();
        let limit = *limit;
        if !rising {
            return;
        }
        let node = self.state.tree.get(limit.scope);
        let (scope, scope_id) = (node.scope, node.id);
        self.alert(RiskEvent {
            old_value: limit.value.unwrap_or(i64::MIN),
            new_value: over.map_or(i64::MIN, crate::units::saturate),
            scope,
            scope_id,
            instrument_id: if limit.selector == Selector::Instrument {
                limit.selector_id
            } else {
                u32::MAX
            },
            event: RiskEventKind::Breach,
            limit_kind: limit.kind,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
    }

    /// Limits on values, after a mark or a rate has changed.
    pub(super) fn refresh_values(&mut self) {
        for slot in self.state.limits.slots() {
            if VALUES.contains(&self.state.limits.get(slot).kind) {
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

    /// The limits that select these rows, after a fill has moved them.
    pub(super) fn refresh_rows(&mut self, rows: &[u32]) {
        for row in rows {
            let place = *self.state.exposure.row(*row);
            let sets = [
                place.limits,
                self.state.exposure.total(place.group).limits,
                self.state.exposure.total(place.all).limits,
            ];
            for set in sets {
                let mut mask = self.state.limits.mask(set);
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
        let each = matches!(limit.kind, LimitKind::MaxLong | LimitKind::MaxShort);
        if !each {
            if VALUES.contains(&limit.kind) {
                self.refresh_limit(slot);
            }
            return;
        }
        let used = self.used_in_row(&limit, row);
        let over = limit.is_finite() && limit.value.is_some_and(|value| used > i128::from(value));
        if over {
            self.note_breach(slot, Some(used));
        } else if limit.breached {
            // This row is within it: whether another one is not takes a walk over the scope.
            self.refresh_limit(slot);
        }
    }
}
