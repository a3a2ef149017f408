//! Alerts: warn levels and breaches of limits, told once each (R18, R25, R27).

use super::RiskEngine;
use crate::limits::{Limit, LimitSet, NO_SET, REARM_POINTS};
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

    /// All limits, after something rare has changed much.
    pub(super) fn refresh_all(&mut self) {
        for slot in self.state.limits.slots() {
            self.refresh_limit(slot);
        }
    }

    /// The limits that select these rows, after an order or a fill has moved them.
    pub(super) fn refresh_rows(&mut self, rows: &[u32]) {
        self.refresh_sets(rows, |set| set.watched);
    }

    /// The same after something was only released: no use has risen, so that a limit of which nothing was
    /// told has nothing to tell.
    pub(super) fn refresh_released(&mut self, rows: &[u32]) {
        self.refresh_sets(rows, |set| set.watched & set.told);
    }

    #[inline]
    fn refresh_sets(&mut self, rows: &[u32], kinds: impl Fn(&LimitSet) -> u32) {
        if self.in_one_event {
            return;
        }
        for row in rows {
            let place = self.state.exposure.row(*row);
            let (group, all) = (place.group, place.all);
            let set = place.limits;
            self.refresh_set(set, *row, None, &kinds);
            let set = self.state.exposure.total(group).limits;
            self.refresh_set(set, *row, Some(group), &kinds);
            let set = self.state.exposure.total(all).limits;
            self.refresh_set(set, *row, Some(all), &kinds);
        }
    }

    #[inline]
    fn refresh_set(
        &mut self,
        set: u32,
        row: u32,
        total: Option<u32>,
        kinds: impl Fn(&LimitSet) -> u32,
    ) {
        if set == NO_SET {
            return;
        }
        let mut mask = kinds(self.state.limits.set(set));
        while mask != 0 {
            let kind = mask.trailing_zeros() as usize;
            mask &= mask.wrapping_sub(1);
            let slot = self.state.limits.slot_in_set(set, kind);
            if !self.is_quiet(slot, row, total) {
                self.refresh_limit(slot);
            }
        }
    }

    /// Whether the use of a limit of the row's scope, as the row and a sum tell it, crosses nothing.
    fn is_quiet(&self, slot: u32, row: u32, total: Option<u32>) -> bool {
        let limit = self.state.limits.get(slot);
        let row = self.state.exposure.row(row);
        let used = match limit.kind {
            // One bound for each instrument: this row alone can raise the highest use.
            LimitKind::MaxLong => row.position.saturating_add(row.open_buy),
            LimitKind::MaxShort => row.open_sell.saturating_sub(row.position),
            kind => {
                let own;
                let sums = match total {
                    Some(total) => &self.state.exposure.total(total).sums,
                    None => {
                        own = row.contribution();
                        &own
                    }
                };
                match kind {
                    LimitKind::MaxOpenOrders => i128::from(sums.live),
                    LimitKind::GrossNotional => sums.gross,
                    LimitKind::NetLong => sums.long,
                    LimitKind::NetShort => sums.short,
                    LimitKind::DailyBuyTurnover => sums.buying,
                    LimitKind::DailySellTurnover => sums.selling,
                    LimitKind::DailyTurnover => sums.buying.saturating_add(sums.selling),
                    LimitKind::DailyLoss => sums.profit.saturating_neg(),
                    _ => return false,
                }
            }
        };
        limit.is_quiet(used)
    }
}
