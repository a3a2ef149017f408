//! Setting limits, and what is used of them.

use super::{Done, RiskEngine, Turn};
use crate::limits::{Limit, SetKey, UNLIMITED};
use wire::{
    LimitKind, RejectCode, RiskEvent, RiskEventKind, Scope, Selector, SetLimit, Severity, Unit,
};

impl RiskEngine {
    /// Puts a limit in force; it binds from the next order in the sequence.
    pub(super) fn set_limit(&mut self, turn: &Turn, m: &SetLimit) -> Done {
        let key = match self.check_limit(turn, m) {
            Ok(key) => key,
            Err(refused) => return refused,
        };
        if self.limit_takes_two(turn, key, m) {
            return Done::refused(RejectCode::NeedsApproval, m.expected_version);
        }
        self.put_limit(turn, key, m)
    }

    /// The place of a limit that could be set as `m` says, by however many people.
    pub(super) fn check_limit(&self, turn: &Turn, m: &SetLimit) -> Result<SetKey, Done> {
        let range = |version| Err(Done::refused(RejectCode::LimitRange, version));
        let Some(key) = self.limit_key(m).filter(|_| !m.limit_kind.is_null()) else {
            return range(0);
        };
        let known = self.state.limits.find(key, m.limit_kind);
        let before = known.map(|slot| *self.state.limits.get(slot));
        let version = before.map_or(0, |limit| limit.version);
        let temporary = m.expires_at.0 != 0;
        let in_force = before.filter(|limit| limit.permanent.is_some());
        let in_range = is_in_range(m)
            && (known.is_some() || !self.state.limits.is_full())
            && (!temporary
                || (in_force.is_some_and(|limit| means_the_same(&limit, m))
                    && m.expires_at.0 > turn.t
                    && m.value != i64::MIN));
        if !in_range {
            return range(version);
        }
        if m.expected_version != version {
            return Err(Done::refused(RejectCode::VersionConflict, version));
        }
        Ok(key)
    }

    /// Puts in force what [`Self::check_limit`] has let through.
    pub(super) fn put_limit(&mut self, turn: &Turn, key: SetKey, m: &SetLimit) -> Done {
        let known = self.state.limits.find(key, m.limit_kind);
        let before = known.map(|slot| *self.state.limits.get(slot));
        let version = before.map_or(0, |limit| limit.version);
        let temporary = m.expires_at.0 != 0;
        let in_force = before.filter(|limit| limit.permanent.is_some());
        if let Some(slot) = known {
            self.state.limits.disarm(slot);
        }
        // What happened to the marks before is judged by the limit before.
        self.follow_all(key.scope);
        if m.limit_kind == LimitKind::DailyLoss {
            self.keep_profits();
        }
        let value = (m.value != i64::MIN).then_some(m.value);
        let limit = match in_force.filter(|_| temporary) {
            // A temporary limit changes the value only.
            Some(limit) => Limit {
                value,
                expires_at: m.expires_at.0,
                version: version.saturating_add(1),
                breached: m.limit_kind != LimitKind::DailyLoss && limit.breached,
                ..limit
            },
            None => Limit {
                scope: key.scope,
                selector: key.selector,
                selector_id: key.selector_id,
                kind: m.limit_kind,
                value,
                permanent: value,
                expires_at: 0,
                unit: m.unit,
                mode: m.mode,
                window_ns: m.window_ns,
                version: version.saturating_add(1),
                warn: [m.warn1, m.warn2, m.warn3],
                arrival: before.map_or(0, |limit| limit.arrival),
                interval: 0,
                quiet_from: 0,
                quiet_to: 0,
                // C13 is armed again when its limit is set anew.
                breached: m.limit_kind != LimitKind::DailyLoss
                    && before.is_some_and(|limit| limit.breached),
                warned: before.map_or(0, |limit| limit.warned),
            },
        };
        let (set, slot) = self.state.limits.put(limit);
        self.state.limits.arm(slot);
        if m.limit_kind == LimitKind::DuplicateOrder {
            self.state.accepted_orders.index();
        }
        self.attach(key, set);
        self.alert(RiskEvent {
            old_value: before.and_then(|limit| limit.value).unwrap_or(i64::MIN),
            new_value: m.value,
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            event: RiskEventKind::LimitChanged,
            severity: Severity::Info,
            reason: m.reason,
            ..self.about_limit(&limit)
        });
        self.refresh_limit(slot);
        Done::version(limit.version)
    }

    /// R26: temporary limits that have ended revert before anything at or after their end is decided.
    pub(super) fn end_temporary_limits(&mut self) {
        while let Some(slot) = self.state.limits.due(self.t) {
            self.state.limits.disarm(slot);
            self.follow_all(self.state.limits.get(slot).scope);
            let limit = self.state.limits.get(slot);
            let reverted = Limit {
                value: limit.permanent,
                expires_at: 0,
                version: limit.version.saturating_add(1),
                ..*limit
            };
            let (old, new) = (limit.value, reverted.value);
            self.state.limits.put(reverted);
            self.alert(RiskEvent {
                old_value: old.unwrap_or(i64::MIN),
                new_value: new.unwrap_or(i64::MIN),
                event: RiskEventKind::TemporaryEnded,
                severity: Severity::Info,
                ..self.about_limit(&reverted)
            });
            self.refresh_limit(slot);
        }
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
            Selector::Currency => m.limit_kind == LimitKind::BuyingPower,
            _ => false,
        };
        known.then_some(SetKey {
            scope,
            selector: m.selector,
            selector_id: m.selector_id,
        })
    }

    /// Profit is kept from the first limit on that asks for it, by everyone as valued last.
    fn keep_profits(&mut self) {
        if !self.state.limits.knows(LimitKind::DailyLoss) {
            self.finish_valuation();
            self.state.exposure.keep_profits(&self.state.instruments);
        }
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
                    exposure.set_limits_of_row(row, set);
                }
            }
            Selector::Group => {
                let instruments = &self.state.instruments;
                let group = exposure.keep_group(key.scope, key.selector_id, instruments);
                exposure.set_limits_of_group(group, set);
            }
            Selector::All => {
                exposure.set_limits_of_all(key.scope, set);
            }
            // Buying power is looked up by account and currency.
            _ => {}
        }
    }

    /// Use of a limit now, in its own unit; `None` for kinds that are not used up.
    pub(super) fn used(&self, limit: &Limit) -> Option<i128> {
        let exposure = &self.state.exposure;
        if matches!(limit.kind, LimitKind::MaxLong | LimitKind::MaxShort) {
            // One bound for each instrument: the highest use counts.
            return Some(self.row_used_most(limit).map_or(0, |(used, _)| used));
        }
        let row = || {
            let instrument = self.state.instruments.find(limit.selector_id)?;
            Some(exposure.row(exposure.find(limit.scope, instrument)?))
        };
        let sums = || match limit.selector {
            Selector::Group => exposure
                .group_of(limit.scope, limit.selector_id)
                .map(|slot| exposure.group(slot))
                .unwrap_or_default(),
            _ => exposure.all(limit.scope),
        };
        let by_row = limit.selector == Selector::Instrument;
        match limit.kind {
            LimitKind::MaxOpenOrders if by_row => Some(row().map_or(0, |row| i128::from(row.live))),
            LimitKind::MaxOpenOrders => Some(i128::from(sums().live)),
            LimitKind::GrossNotional if by_row => Some(row().map_or(0, |row| row.gross())),
            LimitKind::GrossNotional => Some(sums().gross),
            LimitKind::NetLong if by_row => {
                Some(row().map_or(0, |row| row.value.saturating_add(row.reserved_buy)))
            }
            LimitKind::NetLong => Some(sums().long),
            LimitKind::NetShort if by_row => {
                Some(row().map_or(0, |row| row.reserved_sell.saturating_sub(row.value)))
            }
            LimitKind::NetShort => Some(sums().short),
            LimitKind::DailyBuyTurnover if by_row => {
                Some(row().map_or(0, |row| row.bought.saturating_add(row.reserved_buy)))
            }
            LimitKind::DailyBuyTurnover => Some(sums().buying),
            LimitKind::DailySellTurnover if by_row => {
                Some(row().map_or(0, |row| row.sold.saturating_add(row.reserved_sell)))
            }
            LimitKind::DailySellTurnover => Some(sums().selling),
            LimitKind::DailyTurnover if by_row => Some(row().map_or(0, |row| {
                row.bought
                    .saturating_add(row.reserved_buy)
                    .saturating_add(row.sold)
                    .saturating_add(row.reserved_sell)
            })),
            LimitKind::DailyTurnover => Some(sums().buying.saturating_add(sums().selling)),
            LimitKind::DailyLoss => Some(self.profit_of(limit).saturating_neg()),
            _ => None,
        }
    }

    /// The highest use of a limit on positions, and its row.
    fn row_used_most(&self, limit: &Limit) -> Option<(i128, u32)> {
        let rows = self.state.exposure.rows_of_scope(limit.scope);
        rows.filter(|slot| self.selects(limit, *slot))
            .map(|slot| (self.used_in_row(limit, slot), slot))
            .max_by_key(|(used, _)| *used)
    }

    /// The instrument in which a limit on positions is used most.
    pub(super) fn instrument_used_most(&self, limit: &Limit) -> u32 {
        self.row_used_most(limit).map_or(u32::MAX, |(_, row)| {
            let instrument = self.state.exposure.instrument_of_row(row);
            self.state.instruments.get(instrument).id
        })
    }

    /// The day's profit and loss that a limit looks at.
    fn profit_of(&self, limit: &Limit) -> i128 {
        let exposure = &self.state.exposure;
        match limit.selector {
            Selector::Instrument => self
                .state
                .instruments
                .find(limit.selector_id)
                .and_then(|instrument| exposure.find(limit.scope, instrument))
                .map_or(0, |row| exposure.row(row).profit),
            Selector::Group => exposure
                .group_of(limit.scope, limit.selector_id)
                .map_or(0, |slot| exposure.group(slot).profit),
            _ => exposure.all(limit.scope).profit,
        }
    }

    /// Whether a limit of the row's scope selects the row's instrument.
    pub(super) fn selects(&self, limit: &Limit, row: u32) -> bool {
        self.selects_instrument(limit, self.state.exposure.instrument_of_row(row))
    }

    /// Whether a limit selects an instrument.
    pub(super) fn selects_instrument(&self, limit: &Limit, instrument: u32) -> bool {
        let definition = &self.state.instruments.get(instrument).definition;
        match limit.selector {
            Selector::Instrument => limit.selector_id == definition.instrument_id,
            Selector::Group => limit.selector_id == definition.product_group,
            Selector::Currency => limit.selector_id == u32::from_le_bytes(definition.currency.0),
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

/// Whether a temporary value is meant in the unit of its limit: a temporary limit changes the value only.
fn means_the_same(limit: &Limit, m: &SetLimit) -> bool {
    let has_units = matches!(
        m.limit_kind,
        LimitKind::PriceCollar | LimitKind::MarketMakerProtection
    );
    !has_units || m.unit == limit.unit
}

/// Whether value, unit, window, mode and warn levels belong to the kind.
fn is_in_range(m: &SetLimit) -> bool {
    let removed = m.value == i64::MIN;
    let unit = match m.limit_kind {
        LimitKind::PriceCollar => matches!(m.unit, Unit::BasisPoints | Unit::Ticks),
        LimitKind::MarketMakerProtection => matches!(m.unit, Unit::Quantity | Unit::Fills),
        LimitKind::DailyLoss => matches!(m.unit, Unit::Natural | Unit::Halt),
        LimitKind::MaxOrderVsAdv => matches!(m.unit, Unit::Natural | Unit::BasisPoints),
        _ => m.unit == Unit::Natural,
    };
    let needs_window = matches!(
        m.limit_kind,
        LimitKind::OrderRate
            | LimitKind::DuplicateOrder
            | LimitKind::RepeatedExecution
            | LimitKind::MarketMakerProtection
    );
    let window = !needs_window || m.value == UNLIMITED || m.window_ns > 0;
    let place = match m.limit_kind {
        LimitKind::BuyingPower => m.scope == Scope::Account && m.selector == Selector::Currency,
        LimitKind::MarketMakerProtection => {
            m.scope == Scope::Account && m.selector == Selector::Group
        }
        _ => m.selector != Selector::Currency,
    };
    !m.limit_kind.is_null()
        && (removed || (m.value >= 0 && unit && window))
        && place
        && !m.mode.is_null()
        && warn_levels_ascend(m)
}

/// Warn levels ascend, in per cent, with the defaults where none is given.
fn warn_levels_ascend(m: &SetLimit) -> bool {
    let levels = crate::limits::with_default_levels([m.warn1, m.warn2, m.warn3]);
    levels.is_sorted_by(|a, b| a < b) && levels[2] <= 100
}
