//! Busts and corrections: a booked execution is taken back once (R16).

use super::fills::Booked;
use super::{RiskEngine, Turn};
use crate::decision::{Outbox, Outcome};
use crate::executions::{Execution, Standing, TakenBack};
use crate::exposure::Delta;
use crate::instrument::ExecutionKey;
use crate::tree::CHAIN;
use crate::units::saturate;
use wire::{
    ExecType, Flag, OrderFilled, Price, Qty, RejectCode, RiskEvent, RiskEventKind, Role, Scope,
    Severity, Side, VenueReport,
};

/// What a corrected execution becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Corrected {
    exec_id: u64,
    price: i64,
    qty: i64,
    liquidity: wire::Liquidity,
}

impl RiskEngine {
    pub(super) fn bust(
        &mut self,
        turn: &Turn,
        order: Option<u32>,
        m: &VenueReport,
        out: &mut Outbox,
    ) -> Result<Outcome, RejectCode> {
        let is_correction = m.exec_type == ExecType::Correct;
        if is_correction && m.last_qty.0 <= 0 {
            return Err(RejectCode::BadQty);
        }
        let instrument = self.state.instruments.find(m.instrument_id).filter(|slot| {
            let step = self.state.instruments.get(*slot).definition.qty_step;
            !is_correction || m.last_qty.0.checked_rem(step.0) == Some(0)
        });
        let instrument = match instrument {
            Some(instrument) => instrument,
            // R15: a correction carries a fill, and no fill is dropped.
            None if is_correction => return Ok(self.unbookable(turn, m)),
            None => return Err(RejectCode::UnknownInstrument),
        };
        let corrected = if is_correction {
            if m.last_px.is_null() {
                return Err(RejectCode::BadPrice);
            }
            let same_id = m.venue_exec_id == 0;
            Some(Corrected {
                exec_id: if same_id {
                    m.ref_exec_id
                } else {
                    m.venue_exec_id
                },
                price: m.last_px.0,
                qty: m.last_qty.0,
                liquidity: m.liquidity,
            })
        } else {
            None
        };
        let reopen = m.reopen == Flag::Yes;
        let key = self.execution_key(turn, m, instrument, m.ref_exec_id);
        let Some(slot) = self.state.executions.find(key) else {
            let account = self.account_spoken_for(turn, order, m)?;
            let exec_id = corrected.map_or(0, |c| c.exec_id);
            if corrected.is_some() && exec_id == m.ref_exec_id {
                // Corrected before it was seen, under its own id: what it says now is the fill.
                let fill = VenueReport {
                    venue_exec_id: exec_id,
                    ..*m
                };
                return self.fill(turn, order, &fill, out);
            }
            self.state.executions.add(Execution::tombstone(&TakenBack {
                key,
                side: m.side,
                price: m.last_px.0,
                qty: corrected.map_or(0, |c| c.qty),
                reopen,
                account,
            }));
            if corrected.is_some() {
                return self.fill(turn, order, m, out);
            }
            return Ok(Outcome::Applied);
        };
        let known = *self.state.executions.get(slot);
        let unchanged = corrected.is_some_and(|c| {
            c.exec_id == m.ref_exec_id && c.price == known.price && c.qty == known.qty
        });
        // What it corrects to may be known already, or taken back before it was seen.
        let there = corrected
            .filter(|c| c.exec_id != m.ref_exec_id)
            .and_then(|c| {
                // Of the day of what it corrects, whatever date the correction bears.
                let exec_id = c.exec_id;
                self.state.executions.find(ExecutionKey { exec_id, ..key })
            })
            .map(|slot| (slot, *self.state.executions.get(slot)));
        let replayed = there.is_some_and(|(_, execution)| !execution.is_tombstone());
        if known.standing != Standing::Booked || unchanged || replayed {
            return Ok(Outcome::NoEffect);
        }
        self.may_take_back(turn, &known)?;
        // What is taken back at once is part of the same event, as where its fill meets the tombstone.
        let account = self.state.exposure.scope_of_row(known.row);
        self.in_one_event = there.is_some_and(|(_, t)| t.takes_back(Some(account)).is_some());
        self.take_back(slot, reopen, corrected, 0, out);
        self.in_one_event = false;
        if let Some((slot, tombstone)) = there {
            self.take_back_at_once(slot, &tombstone, out);
        }
        Ok(Outcome::Applied)
    }

    /// An execution that was booked where a tombstone stood is taken back, if the tombstone is for its account;
    /// if not, somebody spoke of what is not theirs.
    pub(super) fn take_back_at_once(&mut self, slot: u32, tombstone: &Execution, out: &mut Outbox) {
        let booked = *self.state.executions.get(slot);
        let account = self.state.exposure.scope_of_row(booked.row);
        match tombstone.takes_back(Some(account)) {
            Some(reopen) => self.take_back(slot, reopen, None, tombstone.qty, out),
            None => self.tell_mismatch(&booked.key),
        }
    }

    /// Whose execution a report takes back that was not seen: a desk speaks for one account of its own, a venue
    /// for all (`None`).
    fn account_spoken_for(
        &self,
        turn: &Turn,
        order: Option<u32>,
        m: &VenueReport,
    ) -> Result<Option<u32>, RejectCode> {
        let account = match order {
            Some(slot) => Some(self.state.orders.get(slot).account),
            None => self.account_of_unknown(turn, m)?,
        };
        let is_desk = turn
            .session
            .is_some_and(|slot| self.state.sessions.get(slot).role() == Role::Desk);
        Ok(account.filter(|_| is_desk))
    }

    /// A desk takes back only what stands in its accounts, a venue what it reported.
    fn may_take_back(&self, turn: &Turn, execution: &Execution) -> Result<(), RejectCode> {
        let Some(session) = turn.session.map(|slot| self.state.sessions.get(slot)) else {
            return Ok(());
        };
        let account = self.state.exposure.scope_of_row(execution.row);
        let allowed = match session.role() {
            Role::Desk => session.may_use_account(account),
            _ => session.venue_id() == execution.key.venue_id,
        };
        if allowed {
            Ok(())
        } else {
            Err(RejectCode::NotEntitled)
        }
    }

    /// Takes an execution back, and books what it was corrected to, in one event. Windows and turnover
    /// keep what they counted; position, profit and cash move back. `booked` is what a correction that
    /// came before its fill has booked already.
    pub(super) fn take_back(
        &mut self,
        slot: u32,
        reopen: bool,
        corrected: Option<Corrected>,
        booked: i64,
        out: &mut Outbox,
    ) {
        let old = *self.state.executions.get(slot);
        let (rows, count) = self.rows_of_execution(&old);
        let rows = &rows[..count];
        let buy = old.side == Side::Buy;
        let signed = |qty: i64| i128::from(if buy { qty } else { qty.saturating_neg() });
        let today = old.key.trade_date >= self.state.day.date;
        let order = self.known_order(&old);
        let fill = |qty, price| Booked {
            order,
            account_row: self.account_row_of(&old),
            trader: order.map(|slot| self.state.orders.get(slot).trader),
            instrument: old.key.instrument,
            side: old.side,
            qty,
            price,
            today,
        };
        let (undone, redone) = (
            fill(old.qty, old.price),
            corrected.map(|c| fill(c.qty, c.price)),
        );
        let new_qty = corrected.map_or(0, |c| c.qty);
        let change = signed(new_qty).saturating_sub(signed(old.qty));

        let delta = Delta {
            position: change,
            traded: if today {
                signed(old.qty)
                    .saturating_mul(i128::from(old.price))
                    .saturating_neg()
            } else {
                0
            },
            opening: if today {
                0
            } else {
                signed(old.qty).saturating_neg()
            },
            ..Delta::default()
        };
        self.state.executions.get_mut(slot).standing = Standing::Busted;
        self.reserve(rows, &delta);
        if today && buy {
            let undone = old.qty.saturating_neg();
            self.state.day_buys.note(rows, undone, old.price);
        }
        if let Some(row) = self.account_row_of(&old) {
            self.move_cash(row, &undone, -1);
            self.state.exposure.add_day_fills(row, change);
        }
        if let Some(corrected) = corrected {
            self.replace_execution(&old, corrected);
        }
        // Bust and fill are one event: nothing is told or latched between them.
        let is_part = self.in_one_event;
        self.in_one_event |= corrected.is_some();
        let freed = old
            .qty
            .saturating_sub(new_qty)
            .saturating_sub(booked)
            .max(0);
        if let Some(order) = order {
            self.reverse_in_order(order, old.qty, new_qty, freed, reopen);
        } else if old.order_id != 0 && reopen && freed > 0 {
            // The venue has an order again that is forgotten here: nothing is reserved for what it may fill.
            self.reduce_only(self.state.exposure.scope_of_row(old.row));
        }
        self.in_one_event = is_part;
        match &redone {
            Some(fill) => {
                self.reserve(rows, &self.day_delta(fill));
                self.booked(fill, rows);
            }
            None => self.refresh_rows(rows),
        }
        self.tell_bust(&old, order, corrected, out);
    }

    fn account_row_of(&self, execution: &Execution) -> Option<u32> {
        let scope = self.state.exposure.scope_of_row(execution.row);
        (self.state.tree.get(scope).scope == Scope::Account).then_some(execution.row)
    }

    fn known_order(&self, execution: &Execution) -> Option<u32> {
        (execution.order_id != 0
            && self.state.orders.get(execution.order).order_id == execution.order_id)
            .then_some(execution.order)
    }

    /// Rows an execution was booked to: account, desk, firm and, where known, trader; and how many.
    fn rows_of_execution(&self, execution: &Execution) -> ([u32; CHAIN], usize) {
        match self.account_row_of(execution) {
            None => ([execution.row; CHAIN], 1),
            Some(row) => {
                let rows = self.state.exposure.chain_rows(row, execution.trader_row);
                let known = execution.trader_row != u32::MAX;
                (rows, if known { CHAIN } else { CHAIN - 1 })
            }
        }
    }

    fn replace_execution(&mut self, old: &Execution, corrected: Corrected) {
        let new = Execution {
            key: ExecutionKey {
                exec_id: corrected.exec_id,
                ..old.key
            },
            price: corrected.price,
            qty: corrected.qty,
            standing: Standing::Booked,
            ..*old
        };
        // Its own place under the same id, or that of a tombstone.
        match self.state.executions.find(new.key) {
            Some(slot) => *self.state.executions.get_mut(slot) = new,
            None => self.state.executions.add(new),
        }
    }

    /// cumQty falls; what is not reopened is gone for good, and what is may revive the order.
    fn reverse_in_order(&mut self, slot: u32, old: i64, new: i64, freed: i64, reopen: bool) {
        let order = self.state.orders.get_mut(slot);
        order.cum_qty = order.cum_qty.saturating_sub(old).saturating_add(new);
        let was_terminal = order.terminal;
        self.state.orders.lose(slot, if reopen { 0 } else { freed });
        if !was_terminal {
            // Versions that were filled may have leaves again, which others can cross.
            self.reach_peers(slot);
            self.settle_and_tell(slot);
            return;
        }
        // As with a late fill: what was released as gone was filled after all.
        self.state
            .orders
            .find_again(slot, new.saturating_sub(old).max(0));
        if !reopen || freed == 0 || !self.state.orders.revive(slot, freed) {
            return;
        }
        let (account_row, trader_row, buy) = {
            let order = self.state.orders.get(slot);
            (order.account_row, order.trader_row, order.is_buy())
        };
        let live = Delta {
            buy,
            live: 1,
            ..Delta::default()
        };
        let rows = self.state.exposure.chain_rows(account_row, trader_row);
        self.reserve(&rows, &live);
        self.list_peer(slot);
        self.settle_and_tell(slot);
    }

    fn tell_bust(
        &mut self,
        old: &Execution,
        order: Option<u32>,
        corrected: Option<Corrected>,
        out: &mut Outbox,
    ) {
        let instrument_id = self.state.instruments.get(old.key.instrument).id;
        self.alert(RiskEvent {
            old_value: old.qty,
            new_value: corrected.map_or(0, |c| c.qty),
            ref_id: old.key.exec_id,
            instrument_id,
            event: RiskEventKind::Busted,
            severity: Severity::Warning,
            ..RiskEvent::default()
        });
        let Some(slot) = order else {
            return;
        };
        let order = self.state.orders.get(slot);
        let leaves = if order.terminal { 0 } else { order.leaves() };
        let message = OrderFilled {
            cl_ord_id: order.cl_ord_id,
            order_id: order.order_id,
            exec_id: old.key.exec_id,
            last_px: Price(corrected.map_or(old.price, |c| c.price)),
            last_qty: Qty(corrected.map_or(old.qty, |c| c.qty)),
            leaves_qty: Qty(leaves),
            cum_qty: Qty(order.cum_qty),
            net_position: Qty(saturate(self.state.exposure.row(old.row).position)),
            account: self.state.tree.get(order.account).id,
            instrument_id,
            exec_type: if corrected.is_some() {
                ExecType::Correct
            } else {
                ExecType::Bust
            },
            side: order.side,
            venue_id: old.key.venue_id,
            liquidity: corrected.map_or(wire::Liquidity::Unknown, |c| c.liquidity),
            new_exec_id: corrected.map_or(0, |c| c.exec_id),
            ..OrderFilled::default()
        };
        let session = order.session;
        self.send(session, message.into(), out);
    }
}
