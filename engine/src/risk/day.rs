//! The trading day: loads of positions, open and roll; reconciliation.

use super::{Done, RiskEngine, Turn};
use crate::date::is_date;
use crate::decision::Outbox;
use crate::exposure::Delta;
use wire::{
    CancelReason, DayOpen, DayRoll, Flag, PositionLoad, Qty, Reconcile, ReconcileWhat, RejectCode,
    RiskEvent, RiskEventKind, Scope, Severity, TimeInForce,
};

/// Executions are remembered for this many trade dates (R13).
const TRADE_DATES: usize = 5;
/// Stands for the completion of a batch among its rows.
const COMPLETE: u32 = u32::MAX;

/// Stands for the position of a row that was refused and has not come right since.
const MISSING: i64 = Qty::NULL.0;

impl RiskEngine {
    /// R22: an absolute position; idempotent by batch and date.
    pub(super) fn position_load(&mut self, m: &PositionLoad) -> Done {
        let range = Done::refused(RejectCode::LimitRange, 0);
        let last = m.last == Flag::Yes;
        let right_day = self.state.day.date == 0 || self.state.day.date == m.business_date;
        if !is_date(m.business_date) || !right_day || (m.qty.is_null() && !last) {
            return range;
        }
        let complete = (m.batch_id, m.business_date, COMPLETE, COMPLETE);
        let is_complete = self.state.day.loads.contains_key(&complete);
        if m.qty.is_null() {
            if is_complete {
                return Done::NO_EFFECT;
            }
        } else {
            let key = (m.batch_id, m.business_date, m.account, m.instrument_id);
            let (account, instrument) = match self.place_of_load(m) {
                Ok(place) => place,
                Err(code) => {
                    if !is_complete {
                        self.state.day.loads.entry(key).or_insert(MISSING);
                    }
                    return Done::refused(code, 0);
                }
            };
            let before = self.state.day.loads.get(&key);
            match before.filter(|qty| **qty != MISSING) {
                Some(qty) if *qty == m.qty.0 && (is_complete || !last) => return Done::NO_EFFECT,
                Some(qty) if *qty != m.qty.0 => return range,
                None if is_complete => return range,
                _ => {}
            }
            self.state.day.loads.insert(key, m.qty.0);
            self.load(account, instrument, i128::from(m.qty.0));
        }
        if last {
            let batch = (m.batch_id, m.business_date, 0, 0)..complete;
            let is_whole = !self
                .state
                .day
                .loads
                .range(batch)
                .any(|(_, qty)| *qty == MISSING);
            self.state.day.loads.insert(complete, 0);
            // The day does not open on a batch of which a position is missing.
            if is_whole {
                self.state.day.loaded = m.business_date;
            }
        }
        Done::APPLIED
    }

    /// Account and instrument of a loaded position.
    fn place_of_load(&self, m: &PositionLoad) -> Result<(u32, u32), RejectCode> {
        let instrument = self.state.instruments.find(m.instrument_id);
        let instrument = instrument.ok_or(RejectCode::UnknownInstrument)?;
        let account = self.state.tree.find(Scope::Account, m.account);
        let account = account.ok_or(RejectCode::UnknownAccount)?;
        let steps = self.state.instruments.get(instrument).qty_steps;
        steps
            .divides(m.qty.0)
            .then_some((account, instrument))
            .ok_or(RejectCode::BadQty)
    }

    /// P = loaded + fills since the roll, in account, desk and firm.
    fn load(&mut self, account: u32, instrument: u32, loaded: i128) {
        let state = &mut self.state;
        let slot = state.exposure.row_or_new(
            account,
            instrument,
            &state.tree,
            &mut state.instruments,
            &state.limits,
        );
        let row = state.exposure.row(slot);
        let change = loaded
            .saturating_add(row.day_fills)
            .saturating_sub(row.position);
        let delta = Delta {
            position: change,
            opening: change,
            ..Delta::default()
        };
        let [desk_row, firm_row] = state.exposure.uppers(slot);
        for row in [slot, desk_row, firm_row] {
            state.exposure.apply(row, &delta, &state.instruments);
        }
        self.refresh_all();
    }

    pub(super) fn day_open(&mut self, turn: &Turn, m: &DayOpen) -> Done {
        let state = &self.state;
        if !is_date(m.business_date) {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        if state.day.date != 0 && state.day.date != m.business_date {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        if state.day.ready {
            return Done::NO_EFFECT;
        }
        let missing = state.instruments.len() == 0
            || state.tree.accounts() == 0
            || !state.limits.iter().any(|limit| limit.value.is_some())
            || state.day.loaded != m.business_date;
        if missing {
            return Done::refused(RejectCode::NotReady, 0);
        }
        if state.day.date == 0 {
            self.state.day.dates.push(m.business_date);
        }
        self.state.day.date = m.business_date;
        self.state.day.ready = true;
        self.tell_day(turn, m.business_date);
        Done::APPLIED
    }

    /// R23: the day ends by command; DAY and IOC orders expire, GTC and unresolved ones stay.
    pub(super) fn day_roll(&mut self, turn: &Turn, m: &DayRoll) -> Done {
        if !is_date(m.business_date) {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        if m.business_date <= self.state.day.date {
            return Done::NO_EFFECT;
        }
        let day = &mut self.state.day;
        day.date = m.business_date;
        day.ready = false;
        day.loads
            .retain(|(_, date, ..), _| *date >= m.business_date);
        day.dates.push(m.business_date);
        if day.dates.len() > TRADE_DATES {
            day.dates.remove(0);
            let oldest = day.dates[0];
            self.state.executions.forget_before(oldest);
        }
        let expiring: Vec<u32> = self
            .state
            .orders
            .live()
            .filter(|(_, order)| order.tif != TimeInForce::GoodTillCancel && !order.unresolved)
            .map(|(slot, _)| slot)
            .collect();
        self.expire(&expiring);
        self.state.instruments.start_day();
        self.state.exposure.start_day(&self.state.instruments);
        self.state.day_buys.start_day();
        self.refresh_all();
        self.tell_day(turn, m.business_date);
        Done::APPLIED
    }

    fn tell_day(&mut self, turn: &Turn, date: u32) {
        self.alert(RiskEvent {
            new_value: i64::from(date),
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            event: RiskEventKind::Day,
            severity: Severity::Info,
            ..RiskEvent::default()
        });
    }

    /// R9: ops say what is left of an unresolved order, or that a lossy restart is reconciled.
    pub(super) fn reconcile(&mut self, turn: &Turn, m: &Reconcile, out: &mut Outbox) -> Done {
        let range = Done::refused(RejectCode::LimitRange, 0);
        if m.reason.as_str().trim().is_empty() {
            return range;
        }
        let actor = turn
            .session
            .map_or(0, |slot| self.state.sessions.get(slot).id());
        if m.what == ReconcileWhat::Restart {
            if !std::mem::replace(&mut self.state.restricted, false) {
                return Done::NO_EFFECT;
            }
            self.alert(RiskEvent {
                old_value: 1,
                new_value: 0,
                actor,
                event: RiskEventKind::Restricted,
                severity: Severity::Warning,
                reason: m.reason,
                ..RiskEvent::default()
            });
            return Done::APPLIED;
        }
        let found = self
            .state
            .orders
            .find_by_order_id(m.order_id)
            .map(|slot| (slot, self.state.orders.get(slot)))
            .map(|(slot, order)| (slot, order.terminal, order.unresolved, order.reserved_qty));
        let Some((slot, terminal, unresolved, reserved)) = found else {
            return Done::refused(RejectCode::UnknownOrder, 0);
        };
        if terminal || !unresolved {
            return Done::refused(RejectCode::TooLate, 0);
        }
        if m.leaves_qty.0 < 0 || m.leaves_qty.0 > reserved {
            return range;
        }
        let instrument = self.state.orders.get(slot).instrument;
        let steps = self.state.instruments.get(instrument).qty_steps;
        if !steps.divides(m.leaves_qty.0) {
            return Done::refused(RejectCode::BadQty, 0);
        }
        let open = self.state.orders.get(slot).leaves();
        self.state.orders.keep_at_most(slot, m.leaves_qty.0);
        self.settle_and_tell(slot);
        if m.leaves_qty.0 == 0 {
            self.send_cancelled(slot, open, CancelReason::Reconciled, out);
        }
        self.alert(RiskEvent {
            old_value: reserved,
            new_value: m.leaves_qty.0,
            ref_id: m.order_id,
            actor,
            event: RiskEventKind::Reconciled,
            severity: Severity::Warning,
            reason: m.reason,
            ..RiskEvent::default()
        });
        Done::APPLIED
    }
}
