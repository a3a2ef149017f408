//! Execution reports: what the venue (or a sidecar desk) says became of an order.
//!
//! Whatever is reported, a fill is booked once and never dropped (R11–R15), and exposure is released
//! only by what ends it (R5–R10).

use super::{RiskEngine, Turn};
use crate::checks::Refusal;
use crate::decision::{Decision, Outbox, Outcome};
use crate::executions::{Execution, Seen};
use crate::exposure::Delta;
use crate::instrument::ExecutionKey;
use crate::tree::FIRM;
use crate::units::saturate;
use wire::{
    CancelReason, ExecType, OrderCancelled, OrderFilled, OrderRejected, OrderReplaced, Qty,
    RejectCode, Reply, RiskEvent, RiskEventKind, Role, Scope, Severity, Side, TradingState,
    VenueReport,
};

impl RiskEngine {
    pub(super) fn venue_report(
        &mut self,
        turn: &Turn,
        m: &VenueReport,
        out: &mut Outbox,
    ) -> Decision {
        let order = self.reported_order(turn, m);
        if m.exec_type == ExecType::Fill {
            return match self.fill(turn, order, m, out) {
                Ok(outcome) => self.reported(order, outcome),
                Err(code) => self.refuse_report(turn, m, code, out),
            };
        }
        let Some(slot) = order else {
            return self.refuse_report(turn, m, RejectCode::UnknownOrder, out);
        };
        if matches!(m.exec_type, ExecType::Bust | ExecType::Correct) {
            return self.refuse_report(turn, m, RejectCode::UnsupportedFlag, out);
        }
        if self.state.orders.get(slot).terminal {
            return self.reported(order, Outcome::NoEffect);
        }
        let changed = if m.reason == CancelReason::UnknownAtVenue {
            self.become_unresolved(slot)
        } else {
            match m.exec_type {
                ExecType::New => {
                    let order = self.state.orders.get_mut(slot);
                    !std::mem::replace(&mut order.acknowledged, true)
                }
                ExecType::Replaced => self.replaced(slot, m, out),
                ExecType::Cancelled | ExecType::Expired | ExecType::Rejected => {
                    self.ended_at_venue(slot, m, out)
                }
                ExecType::CancelRejected => self.cancel_rejected(slot, m, out),
                ExecType::ReplaceRejected => self.replace_rejected(slot, m, out),
                _ => false,
            }
        };
        let outcome = if changed {
            Outcome::Applied
        } else {
            Outcome::NoEffect
        };
        self.reported(order, outcome)
    }

    fn reported(&self, order: Option<u32>, outcome: Outcome) -> Decision {
        Decision {
            order_id: order.map_or(0, |slot| self.state.orders.get(slot).order_id),
            ..Decision::of(outcome)
        }
    }

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
    fn reported_order(&self, turn: &Turn, m: &VenueReport) -> Option<u32> {
        let sessions = &self.state.sessions;
        let reporter = turn.session.map(|slot| (slot, sessions.get(slot)));
        let owner = match (m.order_session_id, reporter) {
            (0, Some((slot, _))) => slot,
            (id, _) => sessions.find(id)?,
        };
        let slot = self.state.orders.find(owner, m.cl_ord_id)?;
        let order = self.state.orders.get(slot);
        let instrument = self.state.instruments.get(order.instrument);
        let may_speak = match reporter {
            None => true,
            Some((slot, session)) if session.role() == Role::Desk => slot == order.session,
            Some((_, session)) => {
                order.inline && session.definition.venue_id == instrument.definition.venue_id
            }
        };
        let fits = m.instrument_id == instrument.id
            && (m.side == Side::Buy) == order.is_buy()
            && (m.order_id == 0 || m.order_id == order.order_id);
        (may_speak && fits).then_some(slot)
    }

    /// Books a fill: known order, ended order or unknown order.
    fn fill(
        &mut self,
        turn: &Turn,
        order: Option<u32>,
        m: &VenueReport,
        out: &mut Outbox,
    ) -> Result<Outcome, RejectCode> {
        if m.last_qty.0 <= 0 {
            return Err(RejectCode::BadQty);
        }
        if m.last_px.is_null() {
            return Err(RejectCode::BadPrice);
        }
        let account = match order {
            Some(slot) => Some(self.state.orders.get(slot).account),
            None => self.account_of_unknown(turn, m)?,
        };
        let instrument = self.state.instruments.find(m.instrument_id).filter(|slot| {
            let step = self.state.instruments.get(*slot).definition.qty_step;
            m.last_qty.0.checked_rem(step.0) == Some(0)
        });
        let Some(instrument) = instrument else {
            return Ok(self.unbookable(turn, m));
        };
        let execution = Execution {
            key: ExecutionKey {
                exec_id: m.venue_exec_id,
                instrument,
                trade_date: m.trade_date,
                venue_id: m.venue_id,
                buy: m.side == Side::Buy,
            },
            price: m.last_px.0,
            qty: m.last_qty.0,
        };
        match self.state.executions.note(execution) {
            Seen::New => {}
            Seen::Same => return Ok(Outcome::NoEffect),
            Seen::Differs => {
                self.alert(RiskEvent {
                    ref_id: m.venue_exec_id,
                    instrument_id: m.instrument_id,
                    event: RiskEventKind::ExecutionMismatch,
                    severity: Severity::Critical,
                    ..RiskEvent::default()
                });
                return Ok(Outcome::NoEffect);
            }
        }
        let signed = if m.side == Side::Buy {
            m.last_qty.0
        } else {
            m.last_qty.0.saturating_neg()
        };
        match order {
            Some(slot) => self.fill_order(slot, m, i128::from(signed), out),
            None => self.fill_without_order(turn, account, instrument, m, i128::from(signed)),
        }
        Ok(Outcome::Applied)
    }

    /// R6, R7, R11, R12: position and reserve move in one event.
    fn fill_order(&mut self, slot: u32, m: &VenueReport, signed: i128, out: &mut Outbox) {
        let qty = m.last_qty.0;
        let was_terminal = self.state.orders.get(slot).terminal;
        let open = self.state.orders.reserved(slot).qty;
        let order = self.state.orders.get_mut(slot);
        order.cum_qty = order.cum_qty.saturating_add(qty);
        order.acknowledged = true;
        let (order_id, session, account_row) = (order.order_id, order.session, order.account_row);
        let (cum_qty, trader_row) = (order.cum_qty, order.trader_row);
        let instrument_id = m.instrument_id;
        let about = RiskEvent {
            ref_id: order_id,
            instrument_id,
            ..RiskEvent::default()
        };
        if was_terminal {
            self.move_position(account_row, trader_row, signed);
            self.alert(RiskEvent {
                new_value: qty,
                event: RiskEventKind::LateFill,
                severity: Severity::Warning,
                ..about
            });
        } else {
            self.settle(slot, signed);
            if qty > open {
                self.alert(RiskEvent {
                    old_value: open,
                    new_value: qty,
                    event: RiskEventKind::Overfill,
                    severity: Severity::Critical,
                    ..about
                });
            }
        }
        let row = self.state.exposure.row_mut(account_row);
        row.day_fills = row.day_fills.saturating_add(signed);
        let (position, account) = (row.position, row.scope);
        let leaves = if self.state.orders.get(slot).terminal {
            0
        } else {
            self.state.orders.in_force(slot).leaves(cum_qty)
        };
        let filled = OrderFilled {
            cl_ord_id: self.state.orders.in_force(slot).cl_ord_id,
            order_id,
            exec_id: m.venue_exec_id,
            last_px: m.last_px,
            last_qty: m.last_qty,
            leaves_qty: Qty(leaves),
            cum_qty: Qty(cum_qty),
            net_position: Qty(saturate(position)),
            account: self.state.tree.get(account).id,
            instrument_id,
            exec_type: ExecType::Fill,
            side: self.state.orders.get(slot).side,
            liquidity: m.liquidity,
            venue_id: m.venue_id,
            ..OrderFilled::default()
        };
        self.send(session, filled.into(), out);
        self.refresh_rows(&self.state.exposure.chain_rows(account_row, trader_row));
    }

    fn move_position(&mut self, account_row: u32, trader_row: u32, signed: i128) {
        let rows = self.state.exposure.chain_rows(account_row, trader_row);
        let delta = Delta {
            position: signed,
            ..Delta::default()
        };
        self.reserve(rows, delta);
    }

    /// R15: whose fill it is when the order is not known. `None`: the firm's suspense account.
    fn account_of_unknown(&self, turn: &Turn, m: &VenueReport) -> Result<Option<u32>, RejectCode> {
        let named = self.state.tree.find(Scope::Account, m.account);
        let desk = turn
            .session
            .map(|slot| self.state.sessions.get(slot))
            .filter(|session| session.role() == Role::Desk);
        match (desk, named) {
            (Some(session), Some(account)) if session.may_use_account(account) => Ok(named),
            (Some(_), _) => Err(RejectCode::NotEntitled),
            (None, named) => Ok(named.or(self.state.tree.suspense)),
        }
    }

    /// R15: books to account, desk and firm; without any account to the firm alone.
    fn fill_without_order(
        &mut self,
        turn: &Turn,
        account: Option<u32>,
        instrument: u32,
        m: &VenueReport,
        signed: i128,
    ) {
        let state = &mut self.state;
        let scope = account.unwrap_or(FIRM);
        let row = state.exposure.row_or_new(
            scope,
            instrument,
            &state.tree,
            &mut state.instruments,
            &state.limits,
        );
        let delta = Delta {
            position: signed,
            ..Delta::default()
        };
        state.exposure.apply(row, delta, &state.instruments);
        let mut rows = vec![row];
        if account.is_some() {
            let place = *state.exposure.row(row);
            for above in [place.desk_row, place.firm_row] {
                state.exposure.apply(above, delta, &state.instruments);
                rows.push(above);
            }
            let row = state.exposure.row_mut(row);
            row.day_fills = row.day_fills.saturating_add(signed);
        } else {
            self.firm_reduce_only();
        }
        let node = self.state.tree.get(scope);
        let event = RiskEvent {
            new_value: m.last_qty.0,
            ref_id: m.venue_exec_id,
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            scope: node.scope,
            scope_id: node.id,
            instrument_id: m.instrument_id,
            event: RiskEventKind::UnknownOrderFill,
            severity: Severity::Critical,
            ..RiskEvent::default()
        };
        self.alert(event);
        self.refresh_rows(&rows);
    }

    /// R15: an unknown instrument, or a quantity that can't trade: listed, and the firm reduces only.
    fn unbookable(&mut self, turn: &Turn, m: &VenueReport) -> Outcome {
        self.state.unbooked.push(turn.seq);
        self.firm_reduce_only();
        self.alert(RiskEvent {
            new_value: m.last_qty.0,
            ref_id: m.venue_exec_id,
            instrument_id: m.instrument_id,
            event: RiskEventKind::UnknownInstrumentFill,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
        Outcome::Applied
    }

    fn firm_reduce_only(&mut self) {
        let firm = self.state.tree.get_mut(FIRM);
        if firm.state == TradingState::Active {
            firm.state = TradingState::ReduceOnly;
            firm.state_version = firm.state_version.saturating_add(1);
        }
    }

    /// Brings what is reserved in line with the versions, moves the position with it, and ends the
    /// order when nothing of it is live.
    pub(super) fn settle(&mut self, slot: u32, position: i128) {
        let reserved = self.state.orders.reserved(slot);
        let in_force = *self.state.orders.in_force(slot);
        let order = self.state.orders.get_mut(slot);
        let ends = if order.unresolved {
            reserved.qty == 0
        } else {
            reserved.pending == 0 && in_force.leaves(order.cum_qty) == 0
        };
        let (qty, value) = if ends {
            (0, 0)
        } else {
            (reserved.qty, reserved.value)
        };
        let delta = Delta {
            buy: order.is_buy(),
            qty: i128::from(qty).saturating_sub(i128::from(order.reserved_qty)),
            value: i128::from(value).saturating_sub(i128::from(order.reserved_value)),
            live: if ends { -1 } else { 0 },
            position,
        };
        (order.reserved_qty, order.reserved_value) = (qty, value);
        let (account_row, trader_row) = (order.account_row, order.trader_row);
        let rows = self.state.exposure.chain_rows(account_row, trader_row);
        self.reserve(rows, delta);
        if ends {
            self.end_order(slot);
        }
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
        let leaves = self.state.orders.in_force(slot).leaves(cum_qty);
        self.state.orders.keep_at_most(slot, gap);
        let kept = self.state.orders.in_force(slot).leaves(cum_qty);
        let reason = match m.exec_type {
            ExecType::Expired => CancelReason::Expired,
            ExecType::Rejected => CancelReason::VenueRejected,
            _ => m.reason,
        };
        if self.state.orders.reserved(slot).qty > 0 {
            self.settle(slot, 0);
            self.become_unresolved(slot);
        } else {
            self.release(slot);
        }
        self.send_cancelled(slot, leaves.saturating_sub(kept), reason, out);
        true
    }

    /// Releases all that is reserved and ends the order, whatever its versions say.
    pub(super) fn release(&mut self, slot: u32) {
        self.state.orders.keep_at_most(slot, 0);
        self.state.orders.get_mut(slot).unresolved = true;
        self.settle(slot, 0);
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
        self.send(session, message, out);
    }

    pub(super) fn cancelled_message(
        &self,
        slot: u32,
        cancelled: i64,
        reason: CancelReason,
    ) -> Reply {
        let first = self
            .state
            .orders
            .versions(slot)
            .next()
            .map_or(0, |v| v.cl_ord_id);
        OrderCancelled {
            cl_ord_id: self.state.orders.newest(slot).cl_ord_id,
            orig_cl_ord_id: first,
            order_id: self.state.orders.get(slot).order_id,
            cancelled_qty: Qty(cancelled),
            reason,
            ..OrderCancelled::default()
        }
        .into()
    }

    /// R9: the venue does not know the order, or knows more of it than we do.
    fn become_unresolved(&mut self, slot: u32) -> bool {
        let order = self.state.orders.get_mut(slot);
        if order.unresolved {
            return false;
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
        self.settle(slot, 0);
        true
    }

    fn replaced(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) -> bool {
        let before = self.state.orders.in_force(slot).cl_ord_id;
        if !self.state.orders.put_in_force(slot, m.cl_ord_id) {
            return false;
        }
        self.state.orders.get_mut(slot).acknowledged = true;
        self.settle(slot, 0);
        let order = self.state.orders.get(slot);
        let message = OrderReplaced {
            cl_ord_id: m.cl_ord_id,
            orig_cl_ord_id: before,
            order_id: order.order_id,
            leaves_qty: Qty(self.state.orders.in_force(slot).leaves(order.cum_qty)),
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
        let session = order.session;
        self.refused_by_venue(session, m.cl_ord_id, 102, out);
        true
    }

    fn replace_rejected(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) -> bool {
        if !self.state.orders.refuse_version(slot, m.cl_ord_id) {
            return false;
        }
        self.settle(slot, 0);
        let session = self.state.orders.get(slot).session;
        self.refused_by_venue(session, m.cl_ord_id, 101, out);
        true
    }

    fn refused_by_venue(&mut self, session: u32, cl_ord_id: u64, template: u8, out: &mut Outbox) {
        let refusal = Refusal::plain(RejectCode::TooLate);
        let message = OrderRejected {
            cl_ord_id,
            code: refusal.code.number(),
            ref_template_id: template,
            ..OrderRejected::default()
        };
        self.send(session, message.into(), out);
    }
}
