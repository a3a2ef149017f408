//! What a booked fill means beyond position and reserve: turnover, profit, cash, windows, latches.

use super::fills::Booked;
use super::{Done, RiskEngine, Turn};
use crate::exposure::Delta;
use crate::limits::{Limit, SetKey, UNLIMITED};
use crate::windows::RecentFill;
use wire::{
    CancelReason, LimitKind, MmpReset, RejectCode, RiskEvent, RiskEventKind, Scope, Selector,
    Severity, Side, TradingState, Unit,
};

impl RiskEngine {
    /// What a fill moves in its rows besides position and reserve: turnover and profit of the day.
    pub(super) fn day_delta(&self, fill: &Booked) -> Delta {
        let buy = fill.side == Side::Buy;
        let signed = i128::from(if buy {
            fill.qty
        } else {
            fill.qty.saturating_neg()
        });
        if !fill.today {
            // A late fill of a prior date moves the position, not the new day's counters (R23).
            return Delta {
                buy,
                opening: signed,
                ..Delta::default()
            };
        }
        let factor = self.state.instruments.get(fill.instrument).last_factor;
        Delta {
            buy,
            turnover: factor.map_or(0, |factor| {
                factor.fill_value(fill.price.saturating_abs(), fill.qty, true)
            }),
            traded: signed.saturating_mul(i128::from(fill.price)),
            ..Delta::default()
        }
    }

    /// Carries a fill, whose rows have moved, into every other book.
    pub(super) fn booked(&mut self, fill: &Booked, rows: &[u32]) {
        if fill.today && fill.side == Side::Buy {
            for row in rows {
                let qty = i128::from(fill.qty);
                self.state.day_buys.note(*row, qty, fill.price);
            }
        }
        self.settle_fill(fill);
        if fill.today {
            self.note_execution(fill);
            self.note_protection(fill);
        }
        self.refresh_rows(rows);
    }

    /// C7: at the n-th fill of a trader in a window the trader is halted.
    fn note_execution(&mut self, fill: &Booked) {
        let (Some(trader), Some(order)) = (fill.trader, fill.order) else {
            return;
        };
        let longest = self
            .state
            .limits
            .longest_window(LimitKind::RepeatedExecution);
        let t = self.t;
        self.state.trader_fills.get_mut(trader, 0).note(
            RecentFill {
                t,
                instrument: fill.instrument,
                qty: fill.qty,
            },
            longest,
        );
        if longest == 0 {
            return;
        }
        let order = self.state.orders.get(order);
        let scopes = self.state.tree.chain(order.account, trader);
        let (account_row, trader_row) = (order.account_row, order.trader_row);
        let rows = self.state.exposure.chain_rows(account_row, trader_row);
        let chain = crate::checks::Chain::of(&self.state, scopes, rows, fill.instrument);
        let trips = chain
            .limits(&self.state, LimitKind::RepeatedExecution)
            .any(|(_, limit)| {
                let fills = |limit: &Limit| {
                    self.state.trader_fills.get(trader, 0).map_or(0, |log| {
                        log.within(t, limit.window_ns)
                            .filter(|recent| self.instrument_is_selected(limit, recent.instrument))
                            .count()
                    })
                };
                !limit.is_shadow()
                    && limit
                        .finite()
                        .and_then(|bound| usize::try_from(bound).ok())
                        .is_some_and(|bound| fills(limit) >= bound)
            });
        let node = self.state.tree.get_mut(trader);
        if !trips || node.state == TradingState::Halted {
            return;
        }
        node.state = TradingState::Halted;
        node.state_version = node.state_version.saturating_add(1);
        let scope_id = node.id;
        self.alert(RiskEvent {
            new_value: i64::from(TradingState::Halted.0),
            scope: Scope::Trader,
            scope_id,
            limit_kind: LimitKind::RepeatedExecution,
            event: RiskEventKind::RepeatedExecution,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
    }

    fn instrument_is_selected(&self, limit: &Limit, instrument: u32) -> bool {
        let definition = &self.state.instruments.get(instrument).definition;
        match limit.selector {
            Selector::Instrument => limit.selector_id == definition.instrument_id,
            Selector::Group => limit.selector_id == definition.product_group,
            _ => true,
        }
    }

    /// C15: enough fills of an account in a group ask for the cancel of its orders there.
    fn note_protection(&mut self, fill: &Booked) {
        let Some(row) = fill.account_row else {
            return;
        };
        let account = self.state.exposure.scope_of_row(row);
        let group = self
            .state
            .instruments
            .get(fill.instrument)
            .definition
            .product_group;
        let key = SetKey {
            scope: account,
            selector: Selector::Group,
            selector_id: group,
        };
        let kind = LimitKind::MarketMakerProtection;
        let longest = self.state.limits.longest_window(kind);
        let t = self.t;
        let log = self.state.account_fills.get_mut(account, group);
        log.note(
            RecentFill {
                t,
                instrument: fill.instrument,
                qty: fill.qty,
            },
            longest,
        );
        if longest == 0 {
            return;
        }
        let Some(limit) = self
            .state
            .limits
            .find(key, kind)
            .map(|slot| *self.state.limits.get(slot))
        else {
            return;
        };
        let log = self.state.account_fills.get_mut(account, group);
        let within = log.within(t, limit.window_ns);
        let reached: i128 = if limit.unit == Unit::Quantity {
            within.map(|recent| i128::from(recent.qty)).sum()
        } else {
            within.map(|_| 1).sum()
        };
        let trips = limit
            .value
            .is_some_and(|bound| bound != UNLIMITED && reached >= i128::from(bound));
        if !trips || limit.is_shadow() {
            return;
        }
        let log = self.state.account_fills.get_mut(account, group);
        let was_frozen = std::mem::replace(&mut log.frozen, true);
        let matches = |engine: &Self, slot: u32| {
            let order = engine.state.orders.get(slot);
            let definition = &engine.state.instruments.get(order.instrument).definition;
            order.account == account && definition.product_group == group
        };
        if !was_frozen {
            // Without a free job nothing new is accepted all the same: the group is frozen.
            let _started = self.start_job(0, None, CancelReason::MassCancel, matches);
            let scope_id = self.state.tree.get(account).id;
            self.alert(RiskEvent {
                old_value: limit.value.unwrap_or(i64::MIN),
                new_value: crate::units::saturate(reached),
                ref_id: u64::from(group),
                scope: Scope::Account,
                scope_id,
                limit_kind: kind,
                event: RiskEventKind::MarketMakerProtection,
                severity: Severity::Critical,
                ..RiskEvent::default()
            });
        }
    }

    /// C15: the account's desk trades on; the window is not emptied.
    pub(super) fn mmp_reset(&mut self, turn: &Turn, m: &MmpReset) -> Done {
        let Some(account) = self.state.tree.find(Scope::Account, m.account) else {
            return Done::refused(RejectCode::UnknownAccount, 0);
        };
        let entitled = turn
            .session
            .is_none_or(|slot| self.state.sessions.get(slot).may_use_account(account));
        if !entitled {
            return Done::refused(RejectCode::NotEntitled, 0);
        }
        let frozen = self
            .state
            .account_fills
            .get(account, m.product_group)
            .is_some_and(|log| log.frozen);
        if !frozen {
            return Done::NO_EFFECT;
        }
        self.state
            .account_fills
            .get_mut(account, m.product_group)
            .frozen = false;
        self.alert(RiskEvent {
            ref_id: u64::from(m.product_group),
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            scope: Scope::Account,
            scope_id: m.account,
            limit_kind: LimitKind::MarketMakerProtection,
            event: RiskEventKind::MarketMakerProtection,
            severity: Severity::Info,
            ..RiskEvent::default()
        });
        Done::APPLIED
    }

    /// C13: a loss that reaches its limit latches the scope, once for each crossing.
    pub(super) fn refresh_loss(&mut self, slot: u32) {
        let limit = *self.state.limits.get(slot);
        let reached = limit
            .finite()
            .filter(|_| !limit.is_shadow())
            .is_some_and(|bound| -self.profit_of(&limit) >= i128::from(bound));
        let crossed = reached && !limit.breached;
        self.state.limits.note_told(slot, limit.warned, reached);
        if !crossed {
            return;
        }
        let wanted = if limit.unit == Unit::Halt {
            TradingState::Halted
        } else {
            TradingState::ReduceOnly
        };
        let node = self.state.tree.get_mut(limit.scope);
        if node.state < wanted {
            node.state = wanted;
            node.state_version = node.state_version.saturating_add(1);
        }
        let (scope, scope_id) = (node.scope, node.id);
        let loss = -self.profit_of(&limit);
        self.alert(RiskEvent {
            old_value: limit.value.unwrap_or(i64::MIN),
            new_value: crate::units::saturate(loss),
            scope,
            scope_id,
            limit_kind: LimitKind::DailyLoss,
            event: RiskEventKind::DailyLoss,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
    }
}
