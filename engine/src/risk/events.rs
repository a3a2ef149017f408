//! Alerts: warn levels and breaches of limits, told once each (R18, R25, R27).

use super::RiskEngine;
use crate::exposure::{Lines, Uses};
use crate::limits::{Limit, LimitSet, NO_SET, REARM_POINTS, bit};
use wire::{LimitKind, RiskEvent, RiskEventKind, Selector, Severity};

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
        for (at, level) in limit.warn_levels().into_iter().enumerate() {
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
        self.state.limits.note_told(slot, warned, over);
        // A breach says more than the levels crossed with it (R18: one alert).
        for (at, level) in limit.warn_levels().into_iter().enumerate() {
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

    /// All limits, after something rare has changed much: those on an instrument, on a group, on all, in this
    /// order within a scope, however they were set, so that a state is tightened as by an order's row.
    pub(super) fn refresh_all(&mut self) {
        for selector in [Selector::Instrument, Selector::Group, Selector::All] {
            for slot in self.state.limits.slots() {
                if self.state.limits.get(slot).selector == selector {
                    self.refresh_limit(slot);
                }
            }
        }
    }

    /// The limits that select these rows, after an order or a fill has moved them.
    pub(super) fn refresh_rows(&mut self, rows: &[u32]) {
        self.refresh_kinds(rows, |set| set.watched);
    }

    /// The same after something was only released: no use has risen, so that a limit of which nothing was
    /// told has nothing to tell.
    #[inline(always)]
    pub(super) fn refresh_released(&mut self, rows: &[u32]) {
        if self.state.limits.is_any_told() {
            self.refresh_kinds(rows, |set| set.watched & set.told);
        }
    }

    fn refresh_kinds(&mut self, rows: &[u32], kinds: impl Fn(&LimitSet) -> u32) {
        if self.in_one_event {
            return;
        }
        for row in rows {
            let loud = self.loud(*row, &kinds);
            if loud != [0; 3] {
                self.refresh_loud(*row, loud);
            }
        }
    }

    /// Kinds of limits that look at a row, at its group's sum and at that over all, and whose use may cross
    /// something.
    #[inline(always)]
    fn loud(&self, slot: u32, kinds: &impl Fn(&LimitSet) -> u32) -> [u32; 3] {
        let mut loud = [0; 3];
        let exposure = &self.state.exposure;
        let Some(Lines { row, group, all }) = exposure.lines(exposure.line(slot)) else {
            return [u32::MAX; 3];
        };
        if row.limits != NO_SET {
            let uses = Uses {
                slot,
                row,
                sums: None,
            };
            loud[0] = self.loud_in_set(row.limits, uses, kinds);
        }
        if let Some(sums) = group {
            let uses = Uses {
                slot,
                row,
                sums: group,
            };
            loud[1] = self.loud_in_set(sums.limits, uses, kinds);
        }
        if all.limits != NO_SET {
            let uses = Uses {
                slot,
                row,
                sums: Some(all),
            };
            loud[2] = self.loud_in_set(all.limits, uses, kinds);
        }
        loud
    }

    #[inline(always)]
    fn loud_in_set(&self, set: u32, uses: Uses<'_>, kinds: &impl Fn(&LimitSet) -> u32) -> u32 {
        let limits = &self.state.limits;
        let set = limits.set(set);
        let (kinds, mut loud) = (kinds(set), 0);
        if kinds == 0 {
            return 0;
        }
        for check in limits.checks(set) {
            let bit = kinds & bit(check.kind);
            if bit == 0 {
                continue;
            }
            let used = self.state.exposure.used(&uses, check.kind);
            if !used.is_some_and(|used| check.is_quiet(used)) {
                loud |= bit;
            }
        }
        loud
    }

    #[cold]
    fn refresh_loud(&mut self, row: u32, loud: [u32; 3]) {
        let exposure = &self.state.exposure;
        let line = exposure.line(row);
        let group = exposure.group_line(line.group);
        let sets = [
            line.limits,
            group.map_or(NO_SET, |sums| sums.limits),
            exposure.all_line(line.scope).limits,
        ];
        for (set, loud) in sets.into_iter().zip(loud) {
            let mut kinds = loud & self.state.limits.set(set).watched;
            while kinds != 0 {
                let kind = kinds.trailing_zeros() as usize;
                kinds &= kinds.wrapping_sub(1);
                self.refresh_limit(self.state.limits.slot_in_set(set, kind));
            }
        }
    }
}
