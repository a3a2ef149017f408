//! Fills (R6, R11 to R15): each execution is booked once and never dropped.

use super::book::{Cause, Move};
use super::lifecycle::Expect;
use super::state::{Execution, ExecutionKey, Model, Print, Standing};
use super::value::{amount, cash_of};
use engine::decision::Outcome;
use num_bigint::BigInt;
use wire::{RejectCode, RiskEventKind, Role, Scope, Side, TradingState, VenueReport};

/// A fill with where it belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Booking {
    pub(crate) account: u32,
    pub(crate) order: Option<usize>,
    pub(crate) instrument: u32,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) qty: i128,
    /// Not of a prior trade date.
    pub(crate) of_the_day: bool,
}

impl Model {
    /// The key of an execution; a venue speaks only for itself.
    pub(crate) fn execution_key(&self, session_id: u32, m: &VenueReport, id: u64) -> ExecutionKey {
        let sender = self.sessions.get(&session_id);
        let venue = sender
            .filter(|s| s.role == Role::Venue)
            .map_or(m.venue_id, |s| s.venue);
        let key = |date| (venue, date, m.instrument_id, m.side == Side::Buy, id);
        if is_date(m.trade_date) {
            return key(m.trade_date);
        }
        // Without a date the newest of that id is meant, of the days that are remembered.
        let days = self.dates.iter().rev().take(super::day::TRADE_DATES);
        let known = days.map(|date| key(*date));
        known
            .into_iter()
            .find(|key| self.executions.contains_key(key))
            .unwrap_or_else(|| key(self.business_date))
    }

    /// A trade date that is no date is today's.
    fn date_of(&self, m: &VenueReport) -> u32 {
        if is_date(m.trade_date) {
            m.trade_date
        } else {
            self.business_date
        }
    }

    pub(crate) fn is_desk(&self, session_id: u32) -> bool {
        self.sessions
            .get(&session_id)
            .is_some_and(|s| s.role == Role::Desk)
    }

    /// Whether the session may speak of this account without an order: a desk only of its own.
    pub(crate) fn may_name(&self, session_id: u32, account: u32) -> bool {
        !self.is_desk(session_id)
            || self.accounts.contains_key(&account)
                && self.sessions[&session_id].accounts.contains(&account)
    }

    /// Whether a quantity of the instrument can be booked.
    pub(crate) fn is_bookable(&self, m: &VenueReport) -> bool {
        self.instruments
            .get(&m.instrument_id)
            .is_some_and(|i| m.last_qty.0 % i.def.qty_step.0 == 0)
    }

    /// R15: journalled, listed, and the firm goes ReduceOnly.
    pub(crate) fn unbookable(&mut self) -> Expect {
        self.tighten((Scope::Firm, 0), TradingState::ReduceOnly);
        self.alert(RiskEventKind::UnknownInstrumentFill);
        Expect::of(Outcome::Applied).hit("R15 fill of an unknown instrument")
    }

    pub(crate) fn fill(
        &mut self,
        session_id: u32,
        m: &VenueReport,
        found: Option<usize>,
    ) -> Expect {
        if m.last_qty.0 <= 0 {
            return Expect::refused(RejectCode::BadQty);
        }
        if m.last_px.is_null() {
            return Expect::refused(RejectCode::BadPrice);
        }
        if found.is_none() && !self.may_name(session_id, m.account) {
            return Expect::refused(RejectCode::NotEntitled)
                .hit("R15 a desk names an account that is not its own");
        }
        if !self.is_bookable(m) {
            return self.unbookable();
        }
        let key = self.execution_key(session_id, m, m.venue_exec_id);
        let (price, qty) = (m.last_px.0, i128::from(m.last_qty.0));
        let known = self.executions.get(&key).copied();
        let tombstone = match known.map(|e| e.standing) {
            Some(Standing::Tombstone { .. }) => known,
            Some(_) => {
                let of_another = found.is_some_and(|index| {
                    known.is_some_and(|e| e.account != self.orders[index].account)
                });
                let same = known.is_some_and(|e| (e.price, e.qty) == (price, qty)) && !of_another;
                if same {
                    return Expect::of(Outcome::NoEffect).hit("R13 the same execution again");
                }
                self.alert(RiskEventKind::ExecutionMismatch);
                return Expect::of(Outcome::NoEffect).hit("R13 again with other numbers");
            }
            None => None,
        };
        let suspense = self.suspense.unwrap_or(u32::MAX);
        let account = match found {
            Some(index) => self.orders[index].account,
            None if self.accounts.contains_key(&m.account) => m.account,
            None => suspense,
        };
        let booking = Booking {
            account,
            order: found,
            instrument: m.instrument_id,
            side: found.map_or(m.side, |index| self.orders[index].side),
            price,
            qty,
            of_the_day: self.date_of(m) >= self.business_date,
        };
        let taken_back = tombstone.and_then(|tombstone| tombstone.takes_back(account));
        let what = self.fill_order(&booking, taken_back.is_some());
        self.book(&booking);
        let execution = Execution {
            price,
            qty,
            side: booking.side,
            standing: Standing::Booked,
            account,
            order: found,
        };
        self.executions.insert(key, execution);
        if let (Some(reopen), Some(tombstone)) = (taken_back, tombstone) {
            // What its correction has booked already is the quantity of the tombstone.
            self.take_back(&key, reopen, None, tombstone.qty);
            return Expect::of(Outcome::Applied).hit("R16 a fill that was busted before");
        }
        if tombstone.is_some() {
            self.alert(RiskEventKind::ExecutionMismatch);
            return Expect::of(Outcome::Applied).hit("R16 a fill that another desk had busted");
        }
        let expect = Expect::of(Outcome::Applied).hit(what);
        if booking.of_the_day {
            expect
        } else {
            expect.hit("R23 fill of a prior date")
        }
    }

    /// What a fill does to its order; one that was `busted` before neither ends it nor lets it live again.
    fn fill_order(&mut self, booking: &Booking, busted: bool) -> &'static str {
        let Some(index) = booking.order else {
            self.alert(RiskEventKind::UnknownOrderFill);
            return "R15 fill of an unknown order";
        };
        let order = &mut self.orders[index];
        let (was_terminal, open) = (order.terminal, order.reserved_qty());
        let was_acknowledged = std::mem::replace(&mut order.acknowledged, true);
        order.cum += booking.qty;
        if was_terminal {
            order.find_again(booking.qty);
            self.alert(RiskEventKind::LateFill);
            return "R11 fill after the end";
        }
        let pending = order.pending_replaces() > 0;
        let left = order.reserved_qty();
        if !busted {
            order.end_if_nothing_is_left();
        }
        let ended = order.terminal;
        if left > 0 && left < open {
            self.hit("R7 what is left stays reserved");
        }
        if booking.qty > open {
            self.alert(RiskEventKind::Overfill);
            return "R12 overfill";
        }
        match (was_acknowledged, pending, ended) {
            (_, true, _) => "R14 a fill with a replace under way",
            (false, ..) => "R14 a fill acknowledges",
            (.., true) => "last fill",
            _ => "R6 partial fill",
        }
    }

    /// Position, turnover, cash, sales and windows.
    pub(crate) fn book(&mut self, booking: &Booking) {
        let buy = booking.side == Side::Buy;
        let instrument = &self.instruments[&booking.instrument];
        let multiplier = instrument.def.multiplier.0;
        let turnover = self
            .last_rate(instrument)
            .filter(|_| booking.of_the_day)
            .map_or(0, |rate| {
                let px = BigInt::from(booking.price).magnitude().clone().into();
                let value = amount(&px, booking.qty, multiplier, rate);
                i128::try_from(value).unwrap_or(i128::MAX)
            });
        let signed = if buy { booking.qty } else { -booking.qty };
        let traded = if booking.of_the_day {
            signed * i128::from(booking.price)
        } else {
            0
        };
        self.moves.push(Move {
            account: Some(booking.account),
            trader: booking.order.map(|index| self.orders[index].trader),
            instrument: booking.instrument,
            qty: signed,
            cause: Cause::Fill,
            day: self.day,
            of_the_day: booking.of_the_day,
            traded,
            bought: if buy { turnover } else { 0 },
            sold: if buy { 0 } else { turnover },
        });
        self.pay(booking, 1);
        if !booking.of_the_day {
            return;
        }
        if booking.side == Side::Sell {
            let place = (booking.account, booking.instrument);
            self.shorts.entry(place).or_default().sold += booking.qty;
        }
        let trader = booking.order.map(|index| self.orders[index].trader);
        self.prints.push(Print {
            t: self.t,
            account: booking.account,
            trader,
            instrument: booking.instrument,
            qty: booking.qty,
        });
        if let Some(trader) = trader {
            self.halt_repeating(booking.account, trader, booking.instrument);
        }
        self.protect(booking.account, booking.instrument);
    }

    /// Cash of a fill (1), or given back (−1), where a balance is known.
    pub(crate) fn pay(&mut self, booking: &Booking, sign: i128) {
        let buy = booking.side == Side::Buy;
        let def = &self.instruments[&booking.instrument].def;
        let cash = cash_of(booking.price, booking.qty, def.multiplier.0, buy);
        let change = if buy { -cash } else { cash };
        if let Some(balance) = self.cash.get_mut(&(booking.account, def.currency)) {
            *balance += change * sign;
        }
    }
}

fn is_date(date: u32) -> bool {
    let text = format!("{date:08}");
    text.len() == 8
        && text[..4] >= *"1900"
        && ("01"..="12").contains(&&text[4..6])
        && (1..=days_of(date)).contains(&(date % 100))
}

/// Days of the month that a date is in.
fn days_of(date: u32) -> u32 {
    let (year, month) = (date / 10_000, date / 100 % 100);
    match month {
        2 if year.is_multiple_of(400) || (year.is_multiple_of(4) && !year.is_multiple_of(100)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
