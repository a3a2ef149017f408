//! Alerts: warn levels and breaches of limits, told once each (R18, R25, R27).

use super::RiskEngine;
use crate::exposure::{Lines, Uses};
use crate::limits::{Limit, LimitSet, NO_SET, REARM_POINTS, bit};
use wire::{LimitKind, RiskEvent, RiskEventKind, Selector, Severity, Time};

impl RiskEngine {
    /// Compares one limit with its use, and tells what that crosses.
    pub(super) fn refresh_limit(&mut self, slot: u32) {
        let limit = *self.state.limits.get(slot);
        let Some(used) = self.used(&limit) else {
            return;
        };
        let bound = limit.finite().filter(|_| !limit.is_shadow());
        let (warned, crossed) = levels_reached(&limit, bound, used);
        let over = bound.is_some_and(|bound| is_over(limit.kind, i128::from(bound), used));
        if warned == limit.warned && over == limit.breached {
            return;
        }
        self.state.limits.note_told(slot, warned, over);
        // A breach says more than the levels crossed with it (R18: one alert).
        if !over || limit.breached {
            for (at, level) in limit.warn_levels().into_iter().enumerate() {
                if crossed & (1 << at) != 0 {
                    self.tell_use(&limit, used, RiskEventKind::Warning, u64::from(level));
                }
            }
        } else if limit.kind == LimitKind::DailyLoss {
            self.latch_loss(&limit, used);
        } else {
            self.tell_use(&limit, used, RiskEventKind::Breach, 100);
        }
    }

    /// What is told of the use of a limit; `level` in per cent.
    fn tell_use(&mut self, limit: &Limit, used: i128, event: RiskEventKind, level: u64) {
        let about = self.about_limit(limit);
        self.alert(RiskEvent {
            new_value: crate::units::saturate(used),
            ref_id: level,
            instrument_id: match limit.is_each() {
                true => self.instrument_used_most(limit),
                false => about.instrument_id,
            },
            event,
            severity: if event == RiskEventKind::Breach {
                Severity::Critical
            } else {
                Severity::Warning
            },
            ..about
        });
    }

    /// Which limit an event is about, and what it says now.
    pub(super) fn about_limit(&self, limit: &Limit) -> RiskEvent {
        let node = self.state.tree.get(limit.scope);
        RiskEvent {
            old_value: limit.value.unwrap_or(i64::MIN),
            scope: node.scope,
            scope_id: node.id,
            instrument_id: match limit.selector {
                Selector::Instrument => limit.selector_id,
                _ => u32::MAX,
            },
            limit_kind: limit.kind,
            selector: limit.selector,
            selector_id: limit.selector_id,
            version: limit.version,
            expires_at: Time(limit.expires_at),
            ..RiskEvent::default()
        }
    }

    /// All limits, after something rare has changed much: those on an instrument, on a group, on all, in this
    /// order and by their numbers, however they were set, so that a state is tightened as by an order's row.
    pub(super) fn refresh_all(&mut self) {
        for selector in [Selector::Instrument, Selector::Group, Selector::All] {
            let limits = &self.state.limits;
            let of_selector = |slot: &u32| limits.get(*slot).selector == selector;
            let mut slots: Vec<u32> = limits.slots().filter(of_selector).collect();
            slots.sort_by_key(|slot| limits.get(*slot).selector_id);
            for slot in slots {
                self.refresh_limit(slot);
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

/// Whether a use is past the value of its limit; a loss at it has reached it (C13).
fn is_over(kind: LimitKind, bound: i128, used: i128) -> bool {
    used > bound || (kind == LimitKind::DailyLoss && used == bound)
}

/// R27: the warn levels that a use has reached and not left by the points that arm them again, and those of
/// them that it had not reached before. Of a limit of 0 any use at all is past every level.
fn levels_reached(limit: &Limit, bound: Option<i64>, used: i128) -> (u8, u8) {
    let (mut warned, mut crossed) = (0, 0);
    let Some(bound) = bound.map(i128::from).filter(|_| used > 0) else {
        return (0, 0);
    };
    let points = used.saturating_mul(100);
    for (at, level) in limit.warn_levels().into_iter().enumerate() {
        let (bit, level) = (1 << at, i128::from(level));
        let before = limit.warned & bit != 0;
        let reached = points >= bound.saturating_mul(level);
        let lower = level.saturating_sub(REARM_POINTS);
        if reached || (before && points > bound.saturating_mul(lower)) {
            warned |= bit;
        }
        if reached && !before {
            crossed |= bit;
        }
    }
    (warned, crossed)
}
