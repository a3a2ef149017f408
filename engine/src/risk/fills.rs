//! Fills: booked once and never dropped, whatever became of their order (R11–R15).

use super::{RiskEngine, Turn};
use crate::date::is_date;
use crate::decision::{Outbox, Outcome};
use crate::executions::{Execution, Standing};
use crate::exposure::Delta;
use crate::instrument::ExecutionKey;
use crate::tree::{CHAIN, FIRM};
use wire::{
    ExecType, OrderFilled, Qty, RejectCode, RiskEvent, RiskEventKind, Role, Scope, Severity, Side,
    TradingState, VenueReport,
};

/// One booked fill, for the controls that keep books of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Booked {
    /// Slot of the order; `None` where it is not known (R15).
    pub(super) order: Option<u32>,
    /// The account's row; `None` where there is no account.
    pub(super) account_row: Option<u32>,
    /// Slot of the trader; `None` where the order is not known.
    pub(super) trader: Option<u32>,
    pub(super) instrument: u32,
    pub(super) side: Side,
    pub(super) qty: i64,
    pub(super) price: i64,
    /// Whether it counts for the present day: not a fill of a prior trade date.
    pub(super) today: bool,
}

impl RiskEngine {
    /// Books a fill: known order, ended order or unknown order.
    pub(super) fn fill(
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
        let (account, instrument) = match order {
            // A report fits its order, instrument included.
            Some(slot) => {
                self.look_at_books_of(slot);
                (None, Some(self.state.orders.get(slot).instrument))
            }
            None => (
                self.account_of_unknown(turn, m)?,
                self.state.instruments.find(m.instrument_id),
            ),
        };
        let instrument = instrument.filter(|slot| {
            let instrument = self.state.instruments.get(*slot);
            instrument.qty_steps.divides(m.last_qty.0)
        });
        let Some(instrument) = instrument else {
            return Ok(self.unbookable(turn, m));
        };
        let key = self.execution_key(turn, m, instrument, m.venue_exec_id);
        let known = self.state.executions.locate(key);
        let tombstone = match known {
            Err(_) => None,
            Ok(slot) => {
                let known = *self.state.executions.get(slot);
                if !known.is_tombstone() {
                    return Ok(self.booked_before(&known, order, m));
                }
                Some(known)
            }
        };
        if let Some(slot) = order {
            let order = self.state.orders.get(slot);
            let (account_row, trader_row) = (order.account_row, order.trader_row);
            let rows = self.state.exposure.chain_rows(account_row, trader_row);
            self.look_at_fills(&rows);
        }
        // R16: a fill that was busted before is no loss and no breach in between.
        self.in_one_event = tombstone.is_some_and(|tombstone| {
            let of_order = order.map(|slot| self.state.orders.get(slot).account);
            tombstone.takes_back(of_order.or(account)).is_some()
        });
        let booked = Execution {
            key,
            price: m.last_px.0,
            qty: m.last_qty.0,
            side: m.side,
            standing: Standing::Booked,
            order_id: 0,
            order: u32::MAX,
            row: u32::MAX,
            trader_row: u32::MAX,
        };
        let execution = match order {
            Some(slot) => {
                self.fill_order(slot, m, out);
                let order = self.state.orders.get(slot);
                Execution {
                    side: order.side,
                    order_id: order.order_id,
                    order: slot,
                    row: order.account_row,
                    trader_row: order.trader_row,
                    ..booked
                }
            }
            None => Execution {
                row: self.fill_without_order(turn, account, instrument, m),
                ..booked
            },
        };
        self.in_one_event = false;
        match (known, tombstone) {
            (Err(vacant), _) => self.state.executions.add_at(vacant, execution),
            (Ok(slot), Some(tombstone)) => {
                // R16: it was busted before it was seen; it counts as fill and bust.
                *self.state.executions.get_mut(slot) = execution;
                self.take_back_at_once(slot, &tombstone, out);
            }
            (Ok(_), None) => {}
        }
        Ok(Outcome::Applied)
    }

    /// Looks at the memory that a report of an order moves.
    #[inline(always)]
    pub(super) fn look_at_books_of(&self, slot: u32) {
        let orders = &self.state.orders;
        let order = orders.get(slot);
        let (account_row, trader_row) = (order.account_row, order.trader_row);
        self.state.exposure.look_at_ends(account_row, trader_row);
        orders.look_at(slot);
        orders.look_beside(slot);
    }

    /// Looks at the memory that a fill moves besides.
    #[inline(always)]
    pub(super) fn look_at_fills(&self, rows: &[u32; CHAIN]) {
        let state = &self.state;
        state.exposure.look_at_chain(rows);
        state.exposure.look_at_fills(rows);
        state.day_buys.look_at(rows);
        let log_of = |row| state.exposure.shelf(row).fills;
        state.account_fills.look_at(log_of(rows[0]));
        state.trader_fills.look_at(log_of(rows[3]));
    }

    /// R13: an execution that was booked before has no effect; if it says something else, that is told.
    #[cold]
    fn booked_before(&mut self, seen: &Execution, order: Option<u32>, m: &VenueReport) -> Outcome {
        let of_another = order.is_some_and(|slot| {
            let account = self.state.orders.get(slot).account;
            account != self.state.exposure.scope_of_row(seen.row)
        });
        if seen.price != m.last_px.0 || seen.qty != m.last_qty.0 || of_another {
            self.tell_mismatch(&seen.key);
        }
        Outcome::NoEffect
    }

    /// What is said of an execution does not go together.
    #[cold]
    pub(super) fn tell_mismatch(&mut self, key: &ExecutionKey) {
        self.alert(RiskEvent {
            ref_id: key.exec_id,
            instrument_id: self.state.instruments.get(key.instrument).id,
            event: RiskEventKind::ExecutionMismatch,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
    }

    /// R6, R7, R11, R12: position and reserve move in one event.
    #[inline]
    fn fill_order(&mut self, slot: u32, m: &VenueReport, out: &mut Outbox) {
        let qty = m.last_qty.0;
        let open = self.state.orders.open_qty(slot);
        let order = self.state.orders.get_mut(slot);
        order.cum_qty = order.cum_qty.saturating_add(qty);
        order.acknowledged = true;
        let was_terminal = order.terminal;
        let fill = Booked {
            order: Some(slot),
            account_row: Some(order.account_row),
            trader: Some(order.trader),
            instrument: order.instrument,
            side: order.side,
            qty,
            price: m.last_px.0,
            today: self.trade_date(m) >= self.state.day.date,
        };
        let moved = Delta {
            position: fill.signed_qty(),
            ..self.day_delta(&fill)
        };
        let rows = if was_terminal || self.in_one_event {
            self.fill_unsettled(slot, &fill, moved)
        } else {
            self.settle(slot, Some(&moved))
        };
        if qty > open && !was_terminal {
            self.tell_overfill(slot, open, qty);
        }
        self.booked(&fill, &rows);
        let exposure = &mut self.state.exposure;
        exposure.add_day_fills(rows[0], fill.signed_qty());
        let position = exposure.position(rows[0]);
        let order = self.state.orders.get(slot);
        let leaves = if order.terminal { 0 } else { order.leaves() };
        let filled = OrderFilled {
            cl_ord_id: order.cl_ord_id,
            order_id: order.order_id,
            exec_id: m.venue_exec_id,
            last_px: m.last_px,
            last_qty: m.last_qty,
            leaves_qty: Qty(leaves),
            cum_qty: Qty(order.cum_qty),
            net_position: Qty(position),
            account: self.state.tree.get(order.account).id,
            instrument_id: m.instrument_id,
            exec_type: ExecType::Fill,
            side: order.side,
            liquidity: m.liquidity,
            venue_id: m.venue_id,
            ..OrderFilled::default()
        };
        self.send(order.session, filled.into(), out);
    }

    /// A fill that moves rows and leaves its order as it stands: the order has ended, or the fill's bust settles
    /// it, so that it neither ends nor revives in between.
    #[cold]
    #[inline(never)]
    fn fill_unsettled(&mut self, slot: u32, fill: &Booked, moved: Delta) -> [u32; CHAIN] {
        let order = self.state.orders.get(slot);
        let (order_id, was_terminal) = (order.order_id, order.terminal);
        let (account_row, trader_row) = (order.account_row, order.trader_row);
        let rows = self.state.exposure.chain_rows(account_row, trader_row);
        self.reserve(&rows, &moved);
        if was_terminal {
            // What was released as gone was filled after all: a bust may reopen no less for it.
            self.state.orders.find_again(slot, fill.qty);
            self.alert(RiskEvent {
                new_value: fill.qty,
                ref_id: order_id,
                instrument_id: self.state.instruments.get(fill.instrument).id,
                event: RiskEventKind::LateFill,
                severity: Severity::Warning,
                ..RiskEvent::default()
            });
        }
        rows
    }

    #[cold]
    #[inline(never)]
    fn tell_overfill(&mut self, slot: u32, open: i64, qty: i64) {
        let order = self.state.orders.get(slot);
        self.alert(RiskEvent {
            old_value: open,
            new_value: qty,
            ref_id: order.order_id,
            instrument_id: self.state.instruments.get(order.instrument).id,
            event: RiskEventKind::Overfill,
            severity: Severity::Critical,
            ..RiskEvent::default()
        });
    }

    /// Moves the rows of one instrument.
    pub(super) fn reserve(&mut self, rows: &[u32], delta: &Delta) {
        if let Some(row) = rows.first() {
            let exposure = &mut self.state.exposure;
            let instrument = exposure.instrument_of_row(*row);
            exposure.apply_all(rows, delta, self.state.instruments.get(instrument));
        }
    }

    /// R15: whose fill it is when the order is not known. `None`: the firm's suspense account.
    pub(super) fn account_of_unknown(
        &self,
        turn: &Turn,
        m: &VenueReport,
    ) -> Result<Option<u32>, RejectCode> {
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
    #[cold]
    #[inline(never)]
    fn fill_without_order(
        &mut self,
        turn: &Turn,
        account: Option<u32>,
        instrument: u32,
        m: &VenueReport,
    ) -> u32 {
        let state = &mut self.state;
        let scope = account.unwrap_or(FIRM);
        let row = state.exposure.row_or_new(
            scope,
            instrument,
            &state.tree,
            &mut state.instruments,
            &state.limits,
        );
        let [desk_row, firm_row] = state.exposure.uppers(row);
        let all = [row, desk_row, firm_row];
        let rows = if account.is_some() {
            &all[..]
        } else {
            &all[..1]
        };
        let fill = Booked {
            order: None,
            account_row: account.map(|_| row),
            trader: None,
            instrument,
            side: m.side,
            qty: m.last_qty.0,
            price: m.last_px.0,
            today: self.trade_date(m) >= self.state.day.date,
        };
        let signed = fill.signed_qty();
        let moved = Delta {
            position: signed,
            ..self.day_delta(&fill)
        };
        self.reserve(rows, &moved);
        if account.is_some() {
            self.state.exposure.add_day_fills(row, signed);
        } else {
            self.reduce_only(FIRM);
        }
        self.booked(&fill, rows);
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
        row
    }

    /// R15: an unknown instrument, or a quantity that can't trade: listed, and the firm reduces only.
    #[cold]
    pub(super) fn unbookable(&mut self, turn: &Turn, m: &VenueReport) -> Outcome {
        self.state.unbooked.push(turn.seq);
        self.reduce_only(FIRM);
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

    /// What is not known any more is not traded on.
    pub(super) fn reduce_only(&mut self, scope: u32) {
        let node = self.state.tree.get_mut(scope);
        if node.state == TradingState::Active {
            node.state = TradingState::ReduceOnly;
            node.state_version = node.state_version.saturating_add(1);
        }
    }

    /// What identifies an execution that a report names. A venue speaks for itself only.
    pub(super) fn execution_key(
        &self,
        turn: &Turn,
        m: &VenueReport,
        instrument: u32,
        exec_id: u64,
    ) -> ExecutionKey {
        let venue = turn
            .session
            .map(|slot| self.state.sessions.get(slot))
            .filter(|session| session.role() == Role::Venue)
            .map_or(m.venue_id, |session| session.venue_id());
        let of = |trade_date| ExecutionKey {
            exec_id,
            instrument,
            trade_date,
            venue_id: venue,
            buy: m.side == Side::Buy,
        };
        if is_date(m.trade_date) {
            return of(m.trade_date);
        }
        // Of the remembered days the newest that has such an execution, lest it be booked again each day.
        let known = self.state.day.dates.iter().rev().map(|date| of(*date));
        known
            .into_iter()
            .find(|key| self.state.executions.find(*key).is_some())
            .unwrap_or_else(|| of(self.state.day.date))
    }

    /// The trade date of a report. One that is no date counts as the present day's: only a real date of the past
    /// keeps a fill out of the day's counters (R23).
    fn trade_date(&self, m: &VenueReport) -> u32 {
        if is_date(m.trade_date) {
            m.trade_date
        } else {
            self.state.day.date
        }
    }
}
