//! Execution reports: what the venue (or a sidecar desk) says became of an order.
//!
//! Exposure is released only by what ends it (R5–R10). Fills are in `fills`, busts in `busts`.

use super::{RiskEngine, Turn};
use crate::checks::Refusal;
use crate::decision::{Decision, Outbox, Outcome};
use crate::exposure::{Delta, Opened};
use crate::orders::Reserved;
use crate::tree::CHAIN;
use wire::{
    CancelReason, ExecType, Flag, OrderCancelled, OrderRejected, OrderReplaced, Qty, RejectCode,
    RiskEvent, RiskEventKind, Role, Severity, Side, VenueReport,
};

impl RiskEngine {
    #[inline]
    pub(super) fn venue_report(
        &mut self,
        turn: &Turn,
        m: &VenueReport,
        out: &mut Outbox,
        decision: &mut Decision,
    ) {
        let order = self.reported_order(turn, m);
        if self.state.exposure.remarks.is_pending() {
            self.follow_reported(turn, order, m);
        }
        let booked = match m.exec_type {
            ExecType::Fill => self.fill(turn, order, m, out),
            ExecType::Bust | ExecType::Correct => self.bust(turn, order, m, out),
            _ => match order {
                Some(slot) => Ok(self.order_report(slot, m, out)),
                None => Err(RejectCode::UnknownOrder),
            },
        };
        match booked {
            Ok(outcome) => {
                decision.outcome = outcome;
                decision.self_reported = Flag::No;
                decision.order_id = order.map_or(0, |slot| self.state.orders.get(slot).order_id);
            }
            Err(code) => *decision = self.refuse_report(turn, m, code, out),
        }
    }

    /// A report that books nothing.
    #[inline]
    fn order_report(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) -> Outcome {
        // R9: an unresolved order ends only by fills or a reconciliation.
        let order = self.state.orders.get_mut(slot);
        if order.terminal || order.unresolved {
            return Outcome::NoEffect;
        }
        if m.exec_type != ExecType::New {
            self.look_at_books_of(slot);
        }
        let order = self.state.orders.get_mut(slot);
        let changed = if m.reason == CancelReason::UnknownAtVenue {
            self.become_unresolved(slot, m.reason);
            true
        } else {
            match m.exec_type {
                ExecType::New => !std::mem::replace(&mut order.acknowledged, true),
                ExecType::Cancelled | ExecType::Expired | ExecType::Rejected => {
                    self.ended_at_venue(slot, m, out)
                }
                ExecType::Replaced => self.replaced(slot, m, out),
                ExecType::CancelRejected => self.cancel_rejected(slot, m, out),
                ExecType::ReplaceRejected => self.replace_rejected(slot, m, out),
                _ => false,
            }
        };
        if changed {
            Outcome::Applied
        } else {
            Outcome::NoEffect
        }
    }

    /// Whoever a report may move follows the marks before it.
    #[cold]
    #[inline(never)]
    fn follow_reported(&mut self, turn: &Turn, order: Option<u32>, m: &VenueReport) {
        if let Some(slot) = order {
            let order = self.state.orders.get(slot);
            self.follow(order.account, order.trader);
        } else if let Ok(Some(account)) = self.account_of_unknown(turn, m) {
            self.follow_all(account);
        }
        // A bust moves the rows that its fill was booked to, whatever it says of the order.
        let busted = self
            .state
            .instruments
            .find(m.instrument_id)
            .map(|slot| self.execution_key(turn, m, slot, m.ref_exec_id))
            .and_then(|key| self.state.executions.find(key))
            .map(|slot| *self.state.executions.get(slot));
        for row in busted.iter().flat_map(|one| [one.row, one.trader_row]) {
            if row != u32::MAX {
                self.follow_all(self.state.exposure.scope_of_row(row));
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn refuse_report(
        &mut self,
        turn: &Turn,
        m: &VenueReport,
        code: RejectCode,
        out: &mut Outbox,
    ) -> Decision {
        self.business_reject(turn, &crate::command::Command::VenueReport(*m), code, out)
    }

    /// The order a report is about, if the reporter may speak of it and the report fits it.
    #[inline]
    fn reported_order(&self, turn: &Turn, m: &VenueReport) -> Option<u32> {
        let (sessions, orders) = (&self.state.sessions, &self.state.orders);
        let owner = match (m.order_session_id, turn.session) {
            (0, Some(slot)) => slot,
            (id, _) => sessions.find(id)?,
        };
        // Any id of the chain names the order; so does orderId, where the venue answers with the id of
        // a cancel.
        let slot = match orders.find(owner, m.cl_ord_id) {
            Some(slot) => slot,
            None => orders
                .find_by_order_id(m.order_id)
                .filter(|slot| orders.get(*slot).session == owner)?,
        };
        let order = orders.get(slot);
        let instrument = self.state.instruments.get(order.instrument);
        let may_speak = match turn.session.map(|slot| (slot, sessions.get(slot))) {
            None => true,
            Some((slot, session)) if session.role() == Role::Desk => slot == order.session,
            Some((_, session)) => {
                order.inline && session.venue_id() == instrument.definition.venue_id
            }
        };
        let fits = m.instrument_id == instrument.id
            && (m.side == Side::Buy) == order.is_buy()
            && (m.order_id == 0 || m.order_id == order.order_id);
        (may_speak && fits).then_some(slot)
    }

    /// Brings what is reserved in line with the versions and tells what that crosses.
    pub(super) fn settle_and_tell(&mut self, slot: u32) {
        let before = self.state.orders.get(slot);
        let (qty, value) = (before.reserved_qty, before.reserved_value);
        let rows = self.settle(slot, None);
        let after = self.state.orders.get(slot);
        if after.reserved_qty > qty || after.reserved_value > value {
            self.refresh_rows(&rows);
        } else {
            self.refresh_released(&rows);
        }
    }

    /// Brings what is reserved in line with the versions, moves with it in the same event what `moved`
    /// says, and ends the order when nothing of it is live. Returns the rows that moved.
    #[inline]
    pub(super) fn settle(&mut self, slot: u32, moved: Option<&Delta>) -> [u32; CHAIN] {
        let reserved = self.state.orders.reserved(slot);
        let order = self.state.orders.get(slot);
        let ends = if order.unresolved {
            reserved.qty == 0
        } else {
            reserved.pending == 0 && order.leaves() == 0
        };
        if ends {
            self.settle_to(slot, Reserved::NOTHING, true, moved)
        } else {
            self.settle_to(slot, reserved, false, moved)
        }
    }

    /// Reserves this for an order instead of what it had reserved before.
    fn settle_to(
        &mut self,
        slot: u32,
        reserved: Reserved,
        ends: bool,
        moved: Option<&Delta>,
    ) -> [u32; CHAIN] {
        let order = self.state.orders.get_mut(slot);
        let qty_change = reserved.qty.saturating_sub(order.reserved_qty);
        let value_change = reserved.value.saturating_sub(order.reserved_value);
        let cash_change = reserved.cash.saturating_sub(order.reserved_cash);
        let opened = Opened {
            buy: order.is_buy(),
            qty: qty_change,
            value: value_change,
            live: if ends { -1 } else { 0 },
        };
        order.reserved_qty = reserved.qty;
        order.reserved_value = reserved.value;
        order.reserved_cash = reserved.cash;
        let (account_row, trader_row) = (order.account_row, order.trader_row);
        let rows = self.state.exposure.chain_rows(account_row, trader_row);
        match moved {
            None => self.state.exposure.open_all(&rows, &opened),
            Some(moved) => self.reserve(&rows, &moved.with(&opened)),
        }
        self.note_reserve(slot, qty_change, cash_change);
        if ends {
            self.end_order(slot);
        }
        rows
    }

    /// R8: the order ended at the venue. What the venue filled and we have not seen stays reserved.
    fn ended_at_venue(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) -> bool {
        let order = self.state.orders.get(slot);
        let cum_qty = order.cum_qty;
        let gap = if m.cum_qty.is_null() {
            0
        } else {
            m.cum_qty.0.saturating_sub(cum_qty).max(0)
        };
        let leaves = order.leaves();
        self.state.orders.keep_at_most(slot, gap);
        let kept = self.state.orders.get(slot).leaves();
        let reason = match m.exec_type {
            ExecType::Expired => CancelReason::Expired,
            ExecType::Rejected => CancelReason::VenueRejected,
            _ => m.reason,
        };
        if self.state.orders.open_qty(slot) > 0 {
            self.settle_and_tell(slot);
            self.become_unresolved(slot, reason);
        } else {
            self.release(slot);
        }
        self.send_cancelled(slot, leaves.saturating_sub(kept), reason, out);
        true
    }

    /// Releases all that is reserved and ends the order, whatever its versions say.
    pub(super) fn release(&mut self, slot: u32) {
        self.state.orders.keep_at_most(slot, 0);
        let rows = self.settle_to(slot, Reserved::NOTHING, true, None);
        self.refresh_released(&rows);
    }

    pub(super) fn send_cancelled(
        &mut self,
        slot: u32,
        cancelled: i64,
        reason: CancelReason,
        out: &mut Outbox,
    ) {
        let message = self.cancelled_message(slot, cancelled, reason);
        let session = self.state.orders.get(slot).session;
        self.send(session, message.into(), out);
    }

    #[inline]
    pub(super) fn cancelled_message(
        &self,
        slot: u32,
        cancelled: i64,
        reason: CancelReason,
    ) -> OrderCancelled {
        OrderCancelled {
            cl_ord_id: self.state.orders.newest_cl_ord_id(slot),
            orig_cl_ord_id: self.state.orders.first_cl_ord_id(slot),
            order_id: self.state.orders.get(slot).order_id,
            cancelled_qty: Qty(cancelled),
            reason,
            ..OrderCancelled::default()
        }
    }

    /// R9: the venue does not know the order, or knows more of it than we do. One of which nothing is open, but for
    /// a replace that would have opened nothing either, ends, and its session is told why.
    pub(super) fn become_unresolved(&mut self, slot: u32, why: CancelReason) {
        let order = self.state.orders.get_mut(slot);
        if order.unresolved {
            return;
        }
        order.unresolved = true;
        order.cancel_pending = false;
        let (order_id, reserved) = (order.order_id, order.reserved_qty);
        let instrument_id = self.state.instruments.get(order.instrument).id;
        self.alert(RiskEvent {
            new_value: reserved,
            ref_id: order_id,
            instrument_id,
            event: RiskEventKind::OrderUnresolved,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
        self.settle_and_tell(slot);
        let order = self.state.orders.get(slot);
        if order.terminal {
            let session = order.session;
            let notice = self.cancelled_message(slot, 0, why);
            self.backlog.push_back((session, notice.into()));
        }
    }

    fn replaced(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) -> bool {
        let before = self.state.orders.get(slot).cl_ord_id;
        if !self.state.orders.put_in_force(slot, m.cl_ord_id) {
            return false;
        }
        self.state.orders.get_mut(slot).acknowledged = true;
        self.settle_and_tell(slot);
        let order = self.state.orders.get(slot);
        let message = OrderReplaced {
            cl_ord_id: m.cl_ord_id,
            orig_cl_ord_id: before,
            order_id: order.order_id,
            leaves_qty: Qty(order.leaves()),
            ..OrderReplaced::default()
        };
        self.send(order.session, message.into(), out);
        true
    }

    fn cancel_rejected(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) -> bool {
        let order = self.state.orders.get_mut(slot);
        if !std::mem::replace(&mut order.cancel_pending, false) {
            return false;
        }
        // The venue may name the cancel, or any version of the order, or only the order.
        let session = order.session;
        let names_cancel =
            m.cl_ord_id != 0 && self.state.orders.find(session, m.cl_ord_id).is_none();
        let cl_ord_id = match names_cancel {
            true => m.cl_ord_id,
            false => self.state.orders.newest_cl_ord_id(slot),
        };
        self.refused_by_venue(slot, cl_ord_id, 102, out);
        true
    }

    fn replace_rejected(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) -> bool {
        if !self.state.orders.refuse_version(slot, m.cl_ord_id) {
            return false;
        }
        self.settle_and_tell(slot);
        self.refused_by_venue(slot, m.cl_ord_id, 101, out);
        true
    }

    fn refused_by_venue(&mut self, slot: u32, cl_ord_id: u64, template: u8, out: &mut Outbox) {
        let refusal = Refusal::plain(RejectCode::TooLate);
        let order = self.state.orders.get(slot);
        let message = OrderRejected {
            cl_ord_id,
            order_id: order.order_id,
            code: refusal.code.number(),
            ref_template_id: template,
            ..OrderRejected::default()
        };
        self.send(order.session, message.into(), out);
    }
}
