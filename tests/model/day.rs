//! Loads of positions, the day's open and roll, reconciliation, overrides and splits.

use super::book::{Cause, Move};
use super::lifecycle::Expect;
use super::state::{At, Model, ShortBook};
use engine::decision::Outcome;
use num_bigint::BigInt;
use wire::{
    Adjust, AdjustKind, DayOpen, DayRoll, Flag, LimitKind, PositionLoad, Reconcile, ReconcileWhat,
    RejectCode, RiskEventKind, Scope, Selector, TimeInForce, TradingState,
};

/// Execution ids are kept this many trade dates.
pub(crate) const TRADE_DATES: usize = 5;

impl Model {
    /// R22: absolute, and idempotent by batch id and business date.
    pub(crate) fn position_load(&mut self, m: &PositionLoad) -> Expect {
        let last = m.last == Flag::Yes;
        if (self.business_date != 0 && m.business_date != self.business_date)
            || (m.qty.is_null() && !last)
        {
            return Expect::of(Outcome::Refused).hit("R22 load of another day");
        }
        let refusal = self.refusal_of_load(m);
        let batch = self.batches.entry((m.batch_id, m.business_date));
        let (rows, complete) = batch.or_default();
        if m.qty.is_null() {
            if *complete {
                return Expect::of(Outcome::NoEffect).hit("R22 load repeated");
            }
        } else {
            let place = (m.account, m.instrument_id);
            if let Some(code) = refusal {
                if !*complete {
                    rows.entry(place).or_insert(None);
                }
                return Expect::refused(code).hit("R22 load of a row that is refused");
            }
            match (rows.get(&place).copied().flatten(), *complete) {
                (Some(qty), _) if qty != m.qty.0 => {
                    return Expect::of(Outcome::Refused).hit("R22 load with other content");
                }
                (Some(_), true) => return Expect::of(Outcome::NoEffect),
                (None, true) => {
                    return Expect::of(Outcome::Refused).hit("R22 load with other content");
                }
                (Some(_), false) if !last => return Expect::of(Outcome::NoEffect),
                _ => {}
            }
            rows.insert(place, Some(m.qty.0));
        }
        let is_whole = rows.values().all(Option::is_some);
        *complete |= last;
        if !m.qty.is_null() {
            self.load(m.account, m.instrument_id, i128::from(m.qty.0));
        }
        match (last, is_whole) {
            (false, _) => Expect::of(Outcome::Applied),
            (true, true) => {
                self.loaded = m.business_date;
                Expect::of(Outcome::Applied).hit("R22 load")
            }
            (true, false) => Expect::of(Outcome::Applied).hit("R22 load with a position missing"),
        }
    }

    /// Why a position cannot be loaded.
    fn refusal_of_load(&self, m: &PositionLoad) -> Option<RejectCode> {
        let Some(instrument) = self.instruments.get(&m.instrument_id) else {
            return Some(RejectCode::UnknownInstrument);
        };
        if !self.accounts.contains_key(&m.account) {
            return Some(RejectCode::UnknownAccount);
        }
        let is_whole = m.qty.0 % instrument.def.qty_step.0 == 0;
        (!is_whole).then_some(RejectCode::BadQty)
    }

    /// P = loaded + fills since the roll.
    fn load(&mut self, account: u32, instrument: u32, loaded: i128) {
        let rows = self.rows((Scope::Account, account));
        let row = rows.get(&instrument).copied().unwrap_or_default();
        let change = loaded + row.filled - row.position;
        self.shift(Some(account), None, instrument, change);
    }

    /// A change of position that is no fill.
    fn shift(&mut self, account: Option<u32>, trader: Option<u16>, instrument: u32, qty: i128) {
        self.moves.push(Move {
            account,
            trader,
            instrument,
            qty,
            cause: Cause::Other,
            day: self.day,
            of_the_day: false,
            traded: 0,
            bought: 0,
            sold: 0,
        });
    }

    pub(crate) fn day_open(&mut self, m: &DayOpen) -> Expect {
        if self.business_date != 0 && self.business_date != m.business_date {
            return Expect::of(Outcome::Refused).hit("R22 open of another day refused");
        }
        if self.ready {
            return Expect::of(Outcome::NoEffect);
        }
        let missing = self.loaded != m.business_date
            || self.limits.is_empty()
            || self.instruments.is_empty()
            || self.accounts.is_empty();
        if missing {
            return Expect::refused(RejectCode::NotReady).hit("R22 day open refused");
        }
        if self.business_date == 0 {
            self.dates.push(m.business_date);
        }
        self.business_date = m.business_date;
        self.ready = true;
        Expect::of(Outcome::Applied).hit("R22 day open")
    }

    /// R23: DAY and IOC orders expire, GTC and unresolved ones stay.
    pub(crate) fn day_roll(&mut self, m: &DayRoll) -> Expect {
        if m.business_date <= self.business_date {
            return Expect::of(Outcome::NoEffect).hit("R23 stale day roll");
        }
        for order in self.orders.iter_mut().filter(|o| !o.terminal) {
            if order.tif != TimeInForce::GoodTillCancel && !order.unresolved {
                order.end();
            }
        }
        self.business_date = m.business_date;
        self.dates.push(m.business_date);
        let full = self.dates.len() > TRADE_DATES;
        let oldest = self.dates.iter().rev().nth(TRADE_DATES - 1);
        if let Some(oldest) = oldest.filter(|_| full) {
            self.executions.retain(|(_, date, ..), _| date >= oldest);
        }
        for book in self.shorts.values_mut() {
            *book = ShortBook::default();
        }
        for instrument in self.instruments.values_mut() {
            instrument.mark0 = instrument.mark;
        }
        self.day += 1;
        self.ready = false;
        Expect::of(Outcome::Applied).hit("R23 day roll")
    }

    pub(crate) fn reconcile(&mut self, m: &Reconcile) -> Expect {
        let refused = Expect::of(Outcome::Refused).hit("R9 reconcile refused");
        if m.reason.as_str().is_empty() {
            return refused;
        }
        if m.what == ReconcileWhat::Restart {
            if std::mem::replace(&mut self.restricted, false) {
                self.alert(RiskEventKind::Restricted);
                return Expect::of(Outcome::Applied).hit("restart reconciled");
            }
            return Expect::of(Outcome::NoEffect);
        }
        let Some(order) = self.orders.iter_mut().find(|o| o.order_id == m.order_id) else {
            return refused;
        };
        let leaves = i128::from(m.leaves_qty.0);
        let step = self.instruments[&order.instrument].def.qty_step.0;
        if m.leaves_qty.0 % step != 0
            || order.terminal
            || !order.unresolved
            || leaves < 0
            || leaves > order.reserved_qty()
        {
            return refused;
        }
        // With something left it stays unresolved: only fills or another word of ops end it.
        order.keep_at_most(leaves);
        order.end_if_nothing_is_left();
        self.alert(RiskEventKind::Reconciled);
        Expect::of(Outcome::Applied).hit("R9 reconciled")
    }

    /// R24: an override by a delta, or a split.
    pub(crate) fn adjust(&mut self, m: &Adjust) -> Expect {
        let refused = Expect::of(Outcome::Refused).hit("R24 adjustment refused");
        if m.adjust_id == 0 || m.reason.as_str().is_empty() || m.approver.as_str().is_empty() {
            return refused;
        }
        if self.adjusted.contains(&m.adjust_id) {
            return Expect::of(Outcome::NoEffect).hit("R24 adjustment again");
        }
        let Some(instrument) = self.instruments.get(&m.instrument_id) else {
            return refused;
        };
        let step = i128::from(instrument.def.qty_step.0);
        if m.kind == AdjustKind::Position {
            let qty = i128::from(m.qty.0);
            if !self.accounts.contains_key(&m.account) || m.qty.is_null() || qty % step != 0 {
                return refused;
            }
            self.shift(Some(m.account), None, m.instrument_id, qty);
            self.adjusted.insert(m.adjust_id);
            self.alert(RiskEventKind::Adjusted);
            return Expect::of(Outcome::Applied).hit("R24 override");
        }
        let ratio = (i128::from(m.numerator), i128::from(m.denominator));
        if ratio.0 == 0 || ratio.1 == 0 || !self.split(m.instrument_id, ratio, step) {
            return refused;
        }
        self.adjusted.insert(m.adjust_id);
        self.alert(RiskEventKind::Adjusted);
        Expect::of(Outcome::Applied).hit("R24 split")
    }

    /// Refused unless every row stays whole, with what of it is of today.
    fn split(&mut self, id: u32, (new, old): (i128, i128), step: i128) -> bool {
        let scopes: Vec<At> = self.scopes();
        let rows: Vec<_> = scopes
            .iter()
            .filter_map(|at| Some((*at, *self.rows(*at).get(&id)?)))
            .collect();
        let whole = |qty: i128| qty * new % old == 0 && qty * new / old % step == 0;
        let all_whole = rows
            .iter()
            .all(|(_, r)| whole(r.position) && whole(r.opening()) && whole(r.filled));
        if !all_whole {
            return false;
        }
        let more = |qty: i128| qty * new / old - qty;
        for (at, row) in rows {
            let (account, trader) = match at.0 {
                Scope::Account => (Some(at.1), None),
                Scope::Trader => (None, u16::try_from(at.1).ok()),
                _ => continue,
            };
            // What was traded today counts on in new units; what it was traded for stays.
            self.shift(
                account,
                trader,
                id,
                more(row.opening()) - more(row.filled - row.today),
            );
            for (qty, of_the_day) in [(row.today, true), (row.filled - row.today, false)] {
                self.shift(account, trader, id, more(qty));
                if let Some(part) = self.moves.last_mut() {
                    part.cause = Cause::Fill;
                    part.of_the_day = of_the_day;
                }
            }
        }
        let (n, d) = (BigInt::from(new), BigInt::from(old));
        let price = |px: i64| {
            let twice = BigInt::from(px) * &d * 2 + &n;
            i64::try_from(super::value::floor_div(&twice, &(&n * 2))).unwrap_or(i64::MAX)
        };
        if let Some(i) = self.instruments.get_mut(&id) {
            i.mark = i.mark.map(price);
            i.mark0 = i.mark0.map(price);
            i.last_reference = i.last_reference.map(price);
            i.reference = i.reference.map(|(px, t)| (price(px), t));
        }
        // A cover past the largest quantity ends there, as its loads do: too little may be sold, never too much.
        let most = i128::from(i64::MAX);
        let steps = |qty: i128| (qty * new).div_euclid(old * step) * step;
        let scaled = |qty: i128| steps(qty).min(most);
        // What is used up rounds up: fail closed.
        let used_up = |qty: i128| (-steps(-qty)).min(most);
        for ((_, instrument), book) in &mut self.shorts {
            if *instrument == id {
                *book = ShortBook {
                    settled: scaled(book.settled),
                    sold: used_up(book.sold),
                    locates: scaled(book.locates),
                    used: used_up(book.used),
                };
            }
        }
        for (key, limit) in &mut self.limits {
            let of_positions = matches!(key.kind, LimitKind::MaxLong | LimitKind::MaxShort)
                && (key.selector, key.selector_id) == (Selector::Instrument, id);
            if of_positions {
                for value in [&mut limit.value, &mut limit.permanent] {
                    if *value != i64::MAX {
                        *value = super::value::saturate(
                            (i128::from(*value) * new).div_euclid(old).min(most),
                        );
                    }
                }
                limit.version += 1;
            }
        }
        self.tighten((Scope::Instrument, id), TradingState::Halted);
        for index in self.live_where(|_, o| o.instrument == id) {
            self.become_unresolved(index);
        }
        true
    }
}
