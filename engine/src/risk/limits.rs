//! Setting limits, and what is used of them.

use super::{Done, RiskEngine, Turn};
use crate::limits::{Limit, SetKey, UNLIMITED};
use wire::{
    LimitKind, LimitMode, RejectCode, RiskEvent, RiskEventKind, Scope, Selector, SetLimit,
    Severity, Unit,
};

/// Kinds that this build enforces. A limit of another kind is refused rather than silently ignored.
const ENFORCED: &[LimitKind] = &[
    LimitKind::MaxOrderQty,
    LimitKind::MaxOrderNotional,
    LimitKind::PriceCollar,
    LimitKind::ReferenceMaxAge,
    LimitKind::OrderRate,
    LimitKind::MaxOpenOrders,
    LimitKind::MaxLong,
    LimitKind::MaxShort,
    LimitKind::GrossNotional,
    LimitKind::NetLong,
    LimitKind::NetShort,
];

impl RiskEngine {
    /// Puts a limit in force; it binds from the next order in the sequence.
    pub(super) fn set_limit(&mut self, turn: &Turn, m: &SetLimit) -> Done {
        let Some(key) = self.limit_key(m) else {
            return Done::refused(RejectCode::LimitRange, 0);
        };
        let known = self.state.limits.find(key, m.limit_kind);
        let before = known.map(|slot| *self.state.limits.get(slot));
        let version = before.map_or(0, |limit| limit.version);
        if !is_in_range(m) || (known.is_none() && self.state.limits.is_full()) {
            return Done::refused(RejectCode::LimitRange, version);
        }
        if m.expected_version != version {
            return Done::refused(RejectCode::VersionConflict, version);
        }
        let limit = Limit {
            scope: key.scope,
            selector: key.selector,
            selector_id: key.selector_id,
            kind: m.limit_kind,
            value: (m.value != i64::MIN).then_some(m.value),
            unit: m.unit,
            mode: m.mode,
            window_ns: m.window_ns,
            version: version.saturating_add(1),
            warn: [m.warn1, m.warn2, m.warn3],
            arrival: before.map_or(0, |limit| limit.arrival),
            breached: before.is_some_and(|limit| limit.breached),
        };
        let (set, slot) = self.state.limits.put(limit);
        self.attach(key, set);
        self.alert(RiskEvent {
            old_value: before.and_then(|limit| limit.value).unwrap_or(i64::MIN),
            new_value: m.value,
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            scope: m.scope,
            scope_id: m.scope_id,
            instrument_id: if m.selector == Selector::Instrument {
                m.selector_id
            } else {
                u32::MAX
            },
            limit_kind: m.limit_kind,
            event: RiskEventKind::LimitChanged,
            severity: Severity::Info,
            reason: m.reason,
            ..RiskEvent::default()
        });
        self.refresh_limit(slot);
        Done::version(limit.version)
    }

    /// The place a limit names, if it exists.
    fn limit_key(&self, m: &SetLimit) -> Option<SetKey> {
        if m.scope == Scope::Instrument {
            return None;
        }
        let scope = self.state.tree.find(m.scope, m.scope_id)?;
        let known = match m.selector {
            Selector::Instrument => self.state.instruments.find(m.selector_id).is_some(),
            Selector::Group => true,
            Selector::All => m.selector_id == 0,
            _ => false,
        };
        known.then_some(SetKey {
            scope,
            selector: m.selector,
            selector_id: m.selector_id,
        })
    }

    /// Lets the row or sum that a set of limits selects know of it.
    fn attach(&mut self, key: SetKey, set: u32) {
        let exposure = &mut self.state.exposure;
        match key.selector {
            Selector::Instrument => {
                let row = self
                    .state
                    .instruments
                    .find(key.selector_id)
                    .and_then(|instrument| exposure.find(key.scope, instrument));
                if let Some(row) = row {
                    exposure.row_mut(row).limits = set;
                }
            }
            Selector::Group => {
                let total = exposure.group_or_new(key.scope, key.selector_id);
                exposure.total_mut(total).limits = set;
            }
            _ => {
                let total = exposure.all_of(key.scope);
                exposure.total_mut(total).limits = set;
            }
        }
    }

    /// Use of a limit now, in its own unit; `None` for kinds that are not used up.
    pub(super) fn used(&self, limit: &Limit) -> Option<i128> {
        let exposure = &self.state.exposure;
        if matches!(limit.kind, LimitKind::MaxLong | LimitKind::MaxShort) {
            // One bound for each instrument: the highest use counts.
            return Some(
                exposure
                    .rows_of_scope(limit.scope)
                    .filter(|slot| self.selects(limit, *slot))
                    .map(|slot| self.used_in_row(limit, slot))
                    .max()
                    .unwrap_or(0),
            );
        }
        let row = || {
            let instrument = self.state.instruments.find(limit.selector_id)?;
            Some(exposure.row(exposure.find(limit.scope, instrument)?))
        };
        let sums = || match limit.selector {
            Selector::Group => exposure
                .group_of(limit.scope, limit.selector_id)
                .map(|slot| exposure.total(slot).sums)
                .unwrap_or_default(),
            _ => exposure.total(exposure.all_of(limit.scope)).sums,
        };
        let by_row = limit.selector == Selector::Instrument;
        match limit.kind {
            LimitKind::MaxOpenOrders if by_row => Some(row().map_or(0, |row| i128::from(row.live))),
            LimitKind::MaxOpenOrders => Some(i128::from(sums().live)),
            LimitKind::GrossNotional if by_row => {
                Some(row().map_or(0, crate::exposure::Row::gross))
            }
            LimitKind::GrossNotional => Some(sums().gross),
            LimitKind::NetLong if by_row => {
                Some(row().map_or(0, |row| row.value.saturating_add(row.reserved_buy)))
            }
            LimitKind::NetLong => Some(sums().long),
            LimitKind::NetShort if by_row => {
                Some(row().map_or(0, |row| row.reserved_sell.saturating_sub(row.value)))
            }
            LimitKind::NetShort => Some(sums().short),
            _ => None,
        }
    }

    /// Whether a limit of the row's scope selects the row's instrument.
    pub(super) fn selects(&self, limit: &Limit, row: u32) -> bool {
        let instrument = self
            .state
            .instruments
            .get(self.state.exposure.row(row).instrument);
        match limit.selector {
            Selector::Instrument => limit.selector_id == instrument.id,
            Selector::Group => limit.selector_id == instrument.definition.product_group,
            _ => true,
        }
    }

    /// Worst-case position of a row on the limit's side.
    pub(super) fn used_in_row(&self, limit: &Limit, row: u32) -> i128 {
        let row = self.state.exposure.row(row);
        if limit.kind == LimitKind::MaxLong {
            row.position.saturating_add(row.open_buy)
        } else {
            row.open_sell.saturating_sub(row.position)
        }
    }
}

/// Whether value, unit, window, mode and expiry are what this build can enforce.
fn is_in_range(m: &SetLimit) -> bool {
    let removed = m.value == i64::MIN;
    let unit = if m.limit_kind == LimitKind::PriceCollar {
        removed || matches!(m.unit, Unit::BasisPoints | Unit::Ticks)
    } else {
        m.unit == Unit::Natural
    };
    let window =
        m.limit_kind != LimitKind::OrderRate || removed || m.value == UNLIMITED || m.window_ns > 0;
    ENFORCED.contains(&m.limit_kind)
        && (removed || m.value >= 0)
        && unit
        && window
        && m.mode == LimitMode::Enforced
        && m.expires_at.0 == 0
}
