//! What a booked fill means beyond position and reserve: turnover, profit, cash, windows, latches.

use super::fills::Booked;
use super::{Done, RiskEngine, Turn};
use crate::exposure::Delta;
use crate::limits::{Limit, SetKey, UNLIMITED};
use crate::shelves::NOT_YET;
use crate::windows::RecentFill;
use wire::{
    CancelReason, LimitKind, MmpReset, RejectCode, RiskEvent, RiskEventKind, Scope, Selector,
    Severity, Side, TradingState, Unit,
};

impl Booked {
    /// Quantity, negative where it was sold.
    #[inline]
    pub(super) fn signed_qty(&self) -> i128 {
        let qty = i128::from(self.qty);
        if self.side == Side::Buy { qty } else { -qty }
    }

    /// As the windows of fills see it.
    fn recent(&self, t: u64) -> RecentFill {
        RecentFill {
            t,
            instrument: self.instrument,
            qty: self.qty,
        }
    }
}

impl RiskEngine {
    /// What a fill moves in its rows besides position and reserve: turnover and profit of the day.
    #[inline]
    pub(super) fn day_delta(&self, fill: &Booked) -> Delta {
        let buy = fill.side == Side::Buy;
        let signed = fill.signed_qty();
        if !fill.today {
            // A late fill of a prior date moves the position, not the new day's counters (R23).
            return Delta {
                buy,
                opening: signed,
                ..Delta::default()
            };
        }
        let instrument = self.state.instruments.get(fill.instrument);
        let factor = instrument.last_factor.as_ref();
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
            self.state.day_buys.note(rows, fill.qty, fill.price);
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
        let state = &mut self.state;
        let row = state.orders.get(order).trader_row;
        let log = match state.exposure.shelf(row).fills {
            NOT_YET => {
                let log = state.trader_fills.find_or_new(trader, 0);
                state.exposure.shelf_mut(row).fills = log;
                log
            }
            log => log,
        };
        let recent = fill.recent(self.t);
        state.trader_fills.at_mut(log).note(recent, longest);
        if longest != 0 {
            self.watch_trader(trader, order, log, fill.instrument);
        }
    }

    /// Whether the fills of a trader are too many for some limit.
    #[inline(never)]
    fn watch_trader(&mut self, trader: u32, order: u32, log: u32, instrument: u32) {
        let t = self.t;
        let order = self.state.orders.get(order);
        let scopes = self.state.tree.chain(order.account, trader);
        let (account_row, trader_row) = (order.account_row, order.trader_row);
        let rows = self.state.exposure.chain_rows(account_row, trader_row);
        let chain = crate::checks::Chain::of(&self.state, scopes, rows, instrument);
        let trips = chain
            .limits(&self.state, LimitKind::RepeatedExecution)
            .any(|(_, limit)| {
                let fills = |limit: &Limit| {
                    let log = self.state.trader_fills.at(log);
                    log.within(t, limit.window_ns)
                        .filter(|recent| self.selects_instrument(limit, recent.instrument))
                        .count()
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
        let (scope_id, version) = (node.id, node.state_version);
        self.alert(RiskEvent {
            new_value: i64::from(TradingState::Halted.0),
            scope: Scope::Trader,
            scope_id,
            version,
            limit_kind: LimitKind::RepeatedExecution,
            event: RiskEventKind::RepeatedExecution,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
    }

    /// C15: enough fills of an account in a group ask for the cancel of its orders there.
    fn note_protection(&mut self, fill: &Booked) {
        let Some(row) = fill.account_row else {
            return;
        };
        let longest = self
            .state
            .limits
            .longest_window(LimitKind::MarketMakerProtection);
        let log = match self.state.exposure.shelf(row).fills {
            NOT_YET => self.look_up_fills(row),
            log => log,
        };
        let recent = fill.recent(self.t);
        let logs = &mut self.state.account_fills;
        logs.at_mut(log).note(recent, longest);
        if longest != 0 {
            self.watch_account(row, log);
        }
    }

    #[inline(never)]
    fn look_up_fills(&mut self, account_row: u32) -> u32 {
        let state = &mut self.state;
        let account = state.exposure.scope_of_row(account_row);
        let instrument = state.exposure.instrument_of_row(account_row);
        let group = state.instruments.get(instrument).definition.product_group;
        let log = state.account_fills.find_or_new(account, group);
        state.exposure.shelf_mut(account_row).fills = log;
        log
    }

    /// Whether the fills of an account in a group are too many for its limit.
    #[inline(never)]
    fn watch_account(&mut self, account_row: u32, log: u32) {
        let account = self.state.exposure.scope_of_row(account_row);
        let instrument = self.state.exposure.instrument_of_row(account_row);
        let group = self
            .state
            .instruments
            .get(instrument)
            .definition
            .product_group;
        let key = SetKey {
            scope: account,
            selector: Selector::Group,
            selector_id: group,
        };
        let (kind, t) = (LimitKind::MarketMakerProtection, self.t);
        let Some(limit) = self
            .state
            .limits
            .find(key, kind)
            .map(|slot| *self.state.limits.get(slot))
        else {
            return;
        };
        let within = self.state.account_fills.at(log).within(t, limit.window_ns);
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
        let log = self.state.account_fills.at_mut(log);
        let was_frozen = std::mem::replace(&mut log.frozen, true);
        let matches = |engine: &Self, slot: u32| {
            let order = engine.state.orders.get(slot);
            let definition = &engine.state.instruments.get(order.instrument).definition;
            order.account == account && definition.product_group == group
        };
        if !was_frozen {
            // Without a free job nothing new is accepted all the same: the group is frozen.
            let _started = self.start_job(0, None, CancelReason::MassCancel, matches);
            self.alert(RiskEvent {
                new_value: crate::units::saturate(reached),
                ref_id: u64::from(group),
                event: RiskEventKind::MarketMakerProtection,
                severity: Severity::Critical,
                ..self.about_limit(&limit)
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
        let logs = &mut self.state.account_fills;
        let frozen = logs
            .get(account, m.product_group)
            .is_some_and(|log| log.frozen);
        if !frozen {
            return Done::NO_EFFECT;
        }
        let log = logs.find_or_new(account, m.product_group);
        logs.at_mut(log).frozen = false;
        self.alert(RiskEvent {
            ref_id: u64::from(m.product_group),
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            scope: Scope::Account,
            scope_id: m.account,
            selector: Selector::Group,
            selector_id: m.product_group,
            limit_kind: LimitKind::MarketMakerProtection,
            event: RiskEventKind::MarketMakerProtection,
            severity: Severity::Info,
            ..RiskEvent::default()
        });
        Done::APPLIED
    }

    /// C13: a loss that has come to its limit latches the scope, once for each crossing.
    pub(super) fn latch_loss(&mut self, limit: &Limit, loss: i128) {
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
        self.alert(RiskEvent {
            new_value: crate::units::saturate(loss),
            event: RiskEventKind::DailyLoss,
            severity: Severity::Critical,
            ..self.about_limit(limit)
        });
    }
}
