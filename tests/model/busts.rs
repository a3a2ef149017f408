//! Busts and corrections (R16): what takes an execution back, before or after it was seen.

use super::book::{Cause, Move};
use super::fills::Booking;
use super::lifecycle::Expect;
use super::state::{Execution, ExecutionKey, Model, Standing};
use engine::decision::Outcome;
use wire::{Flag, RejectCode, RiskEventKind, Side, VenueReport};

impl Model {
    /// R16: a bust; its fill may not have come yet.
    pub(crate) fn bust(
        &mut self,
        session_id: u32,
        m: &VenueReport,
        found: Option<usize>,
    ) -> Expect {
        if !self.instruments.contains_key(&m.instrument_id) {
            return Expect::refused(RejectCode::UnknownInstrument);
        }
        let key = self.execution_key(session_id, m, m.ref_exec_id);
        let reopen = m.reopen == Flag::Yes;
        let Some(known) = self.executions.get(&key).copied() else {
            if found.is_none() && !self.may_name(session_id, m.account) {
                return Expect::refused(RejectCode::NotEntitled);
            }
            self.lay_tombstone(session_id, (key, found), m, 0);
            return Expect::of(Outcome::Applied).hit("R16 bust before its fill");
        };
        if known.standing != Standing::Booked {
            return Expect::of(Outcome::NoEffect).hit("R16 a second bust");
        }
        if !self.may_name(session_id, known.account) {
            return Expect::refused(RejectCode::NotEntitled);
        }
        let revived = self.take_back(&key, reopen, None, 0);
        Expect::of(Outcome::Applied).hit(match (revived, reopen) {
            (true, _) => "R16 bust that reopens an ended order",
            (_, true) => "R16 bust with reopen",
            _ => "R16 bust",
        })
    }

    /// What a desk takes back before it was seen can only be of the account that it speaks for.
    fn lay_tombstone(
        &mut self,
        session_id: u32,
        (key, found): (ExecutionKey, Option<usize>),
        m: &VenueReport,
        corrected: i128,
    ) {
        let reopen = m.reopen == Flag::Yes;
        let account = found.map_or(m.account, |index| self.orders[index].account);
        let only = self.is_desk(session_id).then_some(account);
        let execution = Execution {
            price: m.last_px.0,
            qty: corrected,
            side: m.side,
            standing: Standing::Tombstone { reopen, only },
            account: m.account,
            order: None,
        };
        self.executions.insert(key, execution);
    }

    /// R16: bust and fill in one event.
    pub(crate) fn correct(
        &mut self,
        session_id: u32,
        m: &VenueReport,
        found: Option<usize>,
    ) -> Expect {
        if m.last_qty.0 <= 0 {
            return Expect::refused(RejectCode::BadQty);
        }
        if !self.is_bookable(m) {
            return self.unbookable();
        }
        if m.last_px.is_null() {
            return Expect::refused(RejectCode::BadPrice);
        }
        let id = if m.venue_exec_id == 0 {
            m.ref_exec_id
        } else {
            m.venue_exec_id
        };
        let same_id = id == m.ref_exec_id;
        let key = self.execution_key(session_id, m, m.ref_exec_id);
        // Of the day of what it corrects, whatever date the correction bears.
        let new_key = (key.0, key.1, key.2, key.3, id);
        let Some(known) = self.executions.get(&key).copied() else {
            if found.is_none() && !self.may_name(session_id, m.account) {
                return Expect::refused(RejectCode::NotEntitled);
            }
            if !same_id {
                let corrected = i128::from(m.last_qty.0);
                self.lay_tombstone(session_id, (key, found), m, corrected);
            }
            let fill = VenueReport {
                venue_exec_id: id,
                ..*m
            };
            return self
                .fill(session_id, &fill, found)
                .hit("R16 correction before its fill");
        };
        let price_and_qty = (m.last_px.0, i128::from(m.last_qty.0));
        let unchanged = same_id && (known.price, known.qty) == price_and_qty;
        let there = self.executions.get(&new_key).copied().filter(|_| !same_id);
        let tombstone = there.filter(|there| matches!(there.standing, Standing::Tombstone { .. }));
        let repeated = there.is_some() && tombstone.is_none();
        if known.standing != Standing::Booked || unchanged || repeated {
            return Expect::of(Outcome::NoEffect).hit("R16 a correction again");
        }
        if !self.may_name(session_id, known.account) {
            return Expect::refused(RejectCode::NotEntitled);
        }
        let reopen = m.reopen == Flag::Yes;
        self.take_back(&key, reopen, Some((new_key, price_and_qty)), 0);
        let Some(tombstone) = tombstone else {
            return Expect::of(Outcome::Applied).hit("R16 correction");
        };
        match tombstone.takes_back(known.account) {
            Some(reopen) => drop(self.take_back(&new_key, reopen, None, tombstone.qty)),
            None => self.alert(RiskEventKind::ExecutionMismatch),
        }
        Expect::of(Outcome::Applied).hit("R16 correction that was taken back before")
    }

    /// Takes a booked execution back, and books its correction; says whether an ended order lives again.
    /// `booked` is what a correction that came before its fill has booked already.
    pub(crate) fn take_back(
        &mut self,
        key: &ExecutionKey,
        reopen: bool,
        corrected: Option<(ExecutionKey, (i64, i128))>,
        booked: i128,
    ) -> bool {
        let Some(old) = self.executions.get(key).copied() else {
            return false;
        };
        let booking = Booking {
            account: old.account,
            order: old.order,
            instrument: key.2,
            side: old.side,
            price: old.price,
            qty: old.qty,
            of_the_day: key.1 >= self.business_date,
        };
        if let Some(execution) = self.executions.get_mut(key) {
            execution.standing = Standing::Busted;
        }
        let signed = if old.side == Side::Buy {
            -old.qty
        } else {
            old.qty
        };
        self.moves.push(Move {
            account: Some(old.account),
            trader: old.order.map(|index| self.orders[index].trader),
            instrument: key.2,
            qty: signed,
            cause: Cause::Fill,
            day: self.day,
            of_the_day: booking.of_the_day,
            traded: if booking.of_the_day {
                signed * i128::from(old.price)
            } else {
                0
            },
            bought: 0,
            sold: 0,
        });
        self.pay(&booking, -1);
        self.alert(RiskEventKind::Busted);
        let new_qty = corrected.map_or(0, |(_, (_, qty))| qty);
        let mut revived = false;
        if let Some(index) = old.order {
            let order = &mut self.orders[index];
            order.cum += new_qty - old.qty;
            let less = (old.qty - new_qty - booked).max(0);
            if !reopen {
                for version in &mut order.versions {
                    version.gone += less;
                }
            }
            if !order.terminal {
                order.end_if_nothing_is_left();
            } else if new_qty > old.qty {
                order.find_again(new_qty - old.qty);
            } else if reopen && less > 0 {
                revived = order.revive(less);
            }
        }
        if let Some((new_key, (price, qty))) = corrected {
            let new = Execution {
                price,
                qty,
                standing: Standing::Booked,
                ..old
            };
            self.executions.insert(new_key, new);
            self.book(&Booking {
                price,
                qty,
                ..booking
            });
        }
        revived
    }
}
