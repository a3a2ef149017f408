//! Prices, rates, definitions, permissions, cash and covers.

use super::entry::known;
use super::lifecycle::Expect;
use super::state::{Account, Instrument, Model};
use engine::decision::Outcome;
use wire::{
    CashLoad, DefineAccount, DefineInstrument, Flag, LocateLoad, LocateWhat, Permit, RejectCode,
    SetFx, SetMark, SetReference,
};

impl Model {
    pub(crate) fn set_reference(&mut self, m: &SetReference) -> Expect {
        let Some(instrument) = self.instruments.get_mut(&m.instrument_id) else {
            return Expect::of(Outcome::Refused);
        };
        instrument.reference = known(m.price).map(|px| (px, m.feed_time.0));
        instrument.last_reference = known(m.price).or(instrument.last_reference);
        Expect::loose()
    }

    pub(crate) fn set_mark(&mut self, m: &SetMark) -> Expect {
        let Some(instrument) = self.instruments.get_mut(&m.instrument_id) else {
            return Expect::of(Outcome::Refused);
        };
        instrument.mark = known(m.price);
        instrument.mark0 = instrument.mark0.or(instrument.mark);
        Expect::loose()
    }

    pub(crate) fn set_fx(&mut self, m: &SetFx) -> Expect {
        if m.currency == self.base || (m.rate.0 <= 0 && !m.rate.is_null()) {
            return Expect::any(&[Outcome::Refused, Outcome::NoEffect]);
        }
        let Some(currency) = self.currencies.get_mut(&m.currency) else {
            return Expect::of(Outcome::Refused);
        };
        currency.rate = (!m.rate.is_null()).then_some((m.rate.0, m.rate_time.0));
        currency.last_rate = currency.rate.map(|(rate, _)| rate).or(currency.last_rate);
        if m.max_age_ns != u64::MAX {
            currency.max_age = Some(m.max_age_ns);
        }
        Expect::loose().hit("R20 a rate")
    }

    /// A definition; a later one leaves the prices as they are.
    pub(crate) fn define_instrument(&mut self, m: &DefineInstrument) -> Expect {
        let def = *m;
        match self.instruments.get_mut(&m.instrument_id) {
            Some(instrument) => instrument.def = def,
            None => {
                let instrument = Instrument {
                    def,
                    reference: None,
                    last_reference: None,
                    mark: None,
                    mark0: None,
                };
                self.instruments.insert(m.instrument_id, instrument);
            }
        }
        Expect::of(Outcome::Applied)
    }

    /// R28: what an account does counts at the desk where it is now; rows are worked out from that.
    pub(crate) fn define_account(&mut self, session_id: u32, m: &DefineAccount) -> Expect {
        if !self.desks.contains(&m.desk_id) {
            return Expect::of(Outcome::Refused);
        }
        let known = self.accounts.get(&m.account);
        if self.takes_two(session_id) && known.is_some_and(|known| known.desk != m.desk_id) {
            return Self::needs_approval();
        }
        let account = Account {
            desk: m.desk_id,
            group: m.self_match_group,
            self_match_off: m.self_match_off == Flag::Yes,
        };
        let before = self.accounts.insert(m.account, account);
        if m.suspense == Flag::Yes {
            self.suspense = Some(m.account);
        }
        if before.is_some_and(|b| b.desk != m.desk_id) {
            self.hit("R28 account moved");
        }
        Expect::loose()
    }

    pub(crate) fn permit(&mut self, m: &Permit) -> Expect {
        let key = (m.scope, m.scope_id, m.selector, m.selector_id, m.ord_type);
        if m.allow == Flag::No {
            self.forbidden.insert(key);
        } else {
            self.forbidden.remove(&key);
        }
        Expect::loose()
    }

    /// C16: loaded cash is absolute.
    pub(crate) fn cash_load(&mut self, m: &CashLoad) -> Expect {
        if !self.accounts.contains_key(&m.account) {
            return Expect::refused(RejectCode::UnknownAccount);
        }
        let other_day = self.business_date != 0
            && m.business_date != 0
            && m.business_date != self.business_date;
        if other_day {
            return Expect::of(Outcome::Refused);
        }
        let amount = i128::from(m.amount.0);
        self.cash.insert((m.account, m.currency), amount);
        Expect::of(Outcome::Applied).hit("C16 cash loaded")
    }

    /// C18: settled and located quantities are absolute, for their day.
    pub(crate) fn locate_load(&mut self, m: &LocateLoad) -> Expect {
        if !self.instruments.contains_key(&m.instrument_id)
            || !self.accounts.contains_key(&m.account)
            || m.qty.0 < 0
            || (self.business_date != 0 && m.business_date != self.business_date)
        {
            return Expect::of(Outcome::Refused).hit("R21 load refused");
        }
        if m.qty.0 % self.instruments[&m.instrument_id].def.qty_step.0 != 0 {
            return Expect::refused(RejectCode::BadQty).hit("R21 load of no whole steps");
        }
        let place = (m.account, m.instrument_id);
        let book = self.shorts.entry(place).or_default();
        let qty = i128::from(m.qty.0);
        if m.what == LocateWhat::Settled {
            book.settled = qty;
        } else {
            book.locates = qty;
        }
        Expect::of(Outcome::Applied).hit("R21 cover loaded")
    }
}
