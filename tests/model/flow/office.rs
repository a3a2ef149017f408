//! What risk managers and operations do besides limits: states, prices, rates, accounts, covers, sessions.

use super::limits::lot_value;
use super::{Flow, Item};
use crate::model::genesis::{
    self, ACCOUNTS, CURRENCIES, DESK_SESSIONS, DESKS, INSTRUMENTS, OPS, RISK,
};
use crate::model::state::Model;
use crate::model::value::E8;
use engine::command::{Command, Refused, SessionDown};
use wire::{
    Amount, CashLoad, CodMode, Flag, LimitKind, LocateLoad, LocateWhat, OrdType, Permit, Qty,
    Scope, Selector, SetState, Text, TradingState,
};

impl Flow {
    pub(crate) fn change_state(&mut self, model: &Model) -> Item {
        let mut at = {
            let key = self.random_key(LimitKind::MaxLong);
            (key.scope, key.scope_id)
        };
        if self.random.chance(20) {
            at = (Scope::Instrument, self.listed().id);
        }
        let known = model.states.get(&at).copied();
        let (now, mut version) = known.unwrap_or((TradingState::Active, 0));
        let states: Vec<TradingState> = [
            TradingState::Active,
            TradingState::ReduceOnly,
            TradingState::Halted,
        ]
        .into_iter()
        .filter(|state| *state != now)
        .collect();
        if self.random.chance(8) {
            version += 1;
        }
        let state = self.random.pick(&states);
        let cancel = state == TradingState::Halted && self.random.chance(40);
        let m = SetState {
            request_id: self.next_id,
            expected_version: version,
            scope_id: if self.random.chance(3) { 77 } else { at.1 },
            scope: at.0,
            state,
            cancel_open: genesis::flag(cancel),
            ..SetState::default()
        };
        self.item(RISK, m.into())
    }

    pub(crate) fn price(&mut self, model: &Model) -> Item {
        let listed = self.listed();
        let now = model.instruments[&listed.id]
            .last_reference
            .unwrap_or(listed.price);
        let mut px = now + self.random.between(-5, 5) * listed.tick + self.random.between(-3, 3);
        if listed.id == 4 && self.random.chance(30) {
            px = self.random.between(-4, 4) * E8;
        } else if listed.id != 4 {
            px = px.max(listed.tick);
        }
        let missing = self.random.chance(6);
        let command = if self.random.chance(50) {
            let age = self.random.pick(&[0, 0, 1, 500_000_000, 3_000_000_000]);
            let feed_time = if self.random.chance(10) {
                model.t + age
            } else {
                model.t - age
            };
            genesis::reference(listed.id, (!missing).then_some(px), feed_time)
        } else {
            genesis::mark(listed.id, (!missing).then_some(px))
        };
        self.item(RISK, command)
    }

    pub(crate) fn currency(&mut self, model: &Model) -> Item {
        let (currency, rate) = self.random.pick(&CURRENCIES);
        let rate = rate + self.random.between(-rate / 20, rate / 20);
        let missing = self.random.chance(12);
        let old = if self.random.chance(15) {
            30_000_000_001
        } else {
            0
        };
        let command = genesis::fx(currency, (!missing).then_some(rate), model.t - old);
        self.item(RISK, command)
    }

    /// Venues come and go; desks go, with and without order, and come back with another wish.
    pub(crate) fn session_change(&mut self, model: &Model) -> Item {
        let desk = self.random.chance(65);
        let session_id = if desk {
            self.random.pick(&DESK_SESSIONS).0
        } else {
            self.random.pick(&genesis::VENUE_SESSIONS).0
        };
        if !model.sessions[&session_id].up || self.random.chance(40) {
            let mode = self.random.pick(&[
                CodMode::Off,
                CodMode::Disconnect,
                CodMode::Terminate,
                CodMode::Both,
            ]);
            let grace = self.random.pick(&[0, 5, 200]);
            let mode = if desk { mode } else { CodMode::Off };
            return self.item(0, genesis::up_with(session_id, mode, grace));
        }
        let down = SessionDown {
            session_id,
            code: self.random.pick(&[0, 12]),
            ..SessionDown::default()
        };
        self.item(0, down.into())
    }

    pub(crate) fn permit(&mut self) -> Item {
        let key = self.random_key(LimitKind::MaxLong);
        let scope = if self.random.chance(50) {
            (Scope::Account, self.random.pick(&ACCOUNTS).0)
        } else {
            (Scope::Desk, self.random.pick(&DESKS))
        };
        let ord_type = self
            .random
            .pick(&[OrdType::NULL, OrdType::Market, OrdType::Limit]);
        let selector = (key.selector, key.selector_id);
        let permit = permit_command(scope, selector, ord_type, Flag::No);
        self.item(RISK, permit)
    }

    /// Moves an account, or gives it another self-match group.
    pub(crate) fn account(&mut self, model: &Model) -> Item {
        let account = self.random.pick(&ACCOUNTS).0;
        let now = model.accounts[&account];
        let mut group = (now.group, now.self_match_off);
        let mut desk = now.desk;
        if self.random.chance(70) {
            desk = self.random.pick(&DESKS);
        } else {
            group = (self.random.pick(&[0, 700, 800]), self.random.chance(50));
        }
        self.item(OPS, genesis::account_at(account, desk, group))
    }

    /// Another definition of an instrument, of the same shape.
    pub(crate) fn instrument(&mut self) -> Item {
        let listed = self.listed();
        let at = INSTRUMENTS.iter().position(|i| i.id == listed.id);
        let at = at.unwrap_or(0);
        if self.random.chance(50) {
            self.traits.short_sale_check[at] = self.random.chance(50);
        } else {
            let lots = self.random.between(50, 3_000);
            self.traits.volume[at] = self.random.chance(80).then_some(lots);
        }
        let definition = self.traits.instrument(listed);
        self.item(OPS, definition.into())
    }

    /// What is settled, located and paid when a flow begins.
    pub(crate) fn covers_and_cash(&mut self, out: &mut Vec<Command>) {
        for (account, _) in ACCOUNTS {
            for listed in &INSTRUMENTS {
                if self.random.chance(50) {
                    let qty = listed.lot * self.random.between(0, 30);
                    for what in [LocateWhat::Settled, LocateWhat::Locates] {
                        let place = (account, listed.id);
                        out.push(cover(place, what, qty, genesis::FIRST_DATE));
                    }
                }
                if self.random.chance(40) {
                    let amount = lot_value(listed) * self.random.between(-2, 60);
                    out.push(cash(account, listed.currency, amount, genesis::FIRST_DATE));
                }
            }
        }
    }

    /// Loads what is settled, located or paid, at what is used of it now.
    pub(crate) fn cover(&mut self, model: &Model) -> Item {
        let account = self.random.pick(&ACCOUNTS).0;
        let listed = self.listed();
        let mut date = model.business_date;
        if self.random.chance(5) {
            date -= 1;
        }
        if self.random.chance(40) {
            let amount = lot_value(listed) * self.random.between(-2, 60);
            let load = cash(account, listed.currency, amount, date);
            return self.item(OPS, load);
        }
        let place = (account, listed.id);
        let book = model.shorts.get(&place).copied().unwrap_or_default();
        let live = model.live_sells(account, listed.id);
        let (what, used) = if self.random.chance(50) {
            (LocateWhat::Settled, book.sold + live)
        } else {
            (LocateWhat::Locates, book.used)
        };
        let more = listed.lot * self.random.between(-1, 6);
        let qty = i64::try_from(used).unwrap_or(0) + more;
        let load = cover(place, what, qty.max(0), date);
        self.item(OPS, load)
    }

    pub(crate) fn gateway_refuses(&mut self) -> Item {
        let session = self.random.pick(&DESK_SESSIONS).0;
        let refused = Refused {
            ref_id: 0,
            code: 50,
            ref_template_id: 100,
            ..Refused::default()
        };
        self.item(session, refused.into())
    }

    pub(crate) fn entitlement(&mut self) -> Item {
        let (session, _, accounts, traders) = self.random.pick(&DESK_SESSIONS);
        let (account, trader) = if self.random.chance(50) {
            (Some(self.random.pick(accounts)), None)
        } else {
            (None, Some(self.random.pick(traders)))
        };
        let away = self.item(0, genesis::entitle(session, account, trader, Flag::No));
        let back = self.item(0, genesis::entitle(session, account, trader, Flag::Yes));
        let at = self.queue.len();
        self.queue.insert(at, back);
        away
    }
}

pub(crate) fn cover(
    (account, instrument_id): (u32, u32),
    what: LocateWhat,
    qty: i64,
    business_date: u32,
) -> Command {
    LocateLoad {
        qty: Qty(qty),
        account,
        instrument_id,
        business_date,
        what,
        ..LocateLoad::default()
    }
    .into()
}

fn cash(account: u32, currency: &str, amount: i64, business_date: u32) -> Command {
    CashLoad {
        amount: Amount(amount),
        account,
        currency: Text::new(currency),
        business_date,
        ..CashLoad::default()
    }
    .into()
}

pub(crate) fn permit_command(
    (scope, scope_id): (Scope, u32),
    (selector, selector_id): (Selector, u32),
    ord_type: OrdType,
    allow: Flag,
) -> Command {
    Permit {
        scope_id,
        selector_id,
        scope,
        selector,
        ord_type,
        allow,
        reason: Text::new("model"),
        ..Permit::default()
    }
    .into()
}
