//! Books beside the rows: cash, settled positions and locates, lists of possible matches.

use super::fills::Booked;
use super::{Done, RiskEngine};
use crate::cash::CashBook;
use crate::checks::{self, Ask};
use crate::orders::Worth;
use crate::shelves::NOT_YET;
use crate::state::State;
use wire::{CashLoad, LocateLoad, LocateWhat, RejectCode, Scope, Side};

impl RiskEngine {
    /// C18: absolute for its date; zero after the roll until loaded.
    pub(super) fn locate_load(&mut self, m: &LocateLoad) -> Done {
        let Some(instrument) = self.state.instruments.find(m.instrument_id) else {
            return Done::refused(RejectCode::UnknownInstrument, 0);
        };
        let Some(account) = self.state.tree.find(Scope::Account, m.account) else {
            return Done::refused(RejectCode::UnknownAccount, 0);
        };
        let day = self.state.day.date;
        if m.qty.0 < 0 || (day != 0 && m.business_date != day) {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        if !self
            .state
            .instruments
            .get(instrument)
            .qty_steps
            .divides(m.qty.0)
        {
            return Done::refused(RejectCode::BadQty, 0);
        }
        let state = &mut self.state;
        let row = state.exposure.row_or_new(
            account,
            instrument,
            &state.tree,
            &mut state.instruments,
            &state.limits,
        );
        let book = state.exposure.short_mut(row);
        let loaded = if m.what == LocateWhat::Settled {
            &mut book.settled
        } else {
            &mut book.locates
        };
        *loaded = m.qty.0;
        Done::APPLIED
    }

    /// C16: absolute; fills move it from there.
    pub(super) fn cash_load(&mut self, m: &CashLoad) -> Done {
        let Some(account) = self.state.tree.find(Scope::Account, m.account) else {
            return Done::refused(RejectCode::UnknownAccount, 0);
        };
        let day = self.state.day.date;
        let other_day = day != 0 && m.business_date != 0 && m.business_date != day;
        if m.amount.is_null() || other_day {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        let currency = self.state.instruments.currency(m.currency);
        let book = self.state.cash.find_or_new(account, currency);
        self.state.cash.at_mut(book).cash = Some(i128::from(m.amount.0));
        Done::APPLIED
    }

    /// An accepted new order enters the books.
    pub(super) fn note_accepted(&mut self, slot: u32, ask: &Ask, worth: Worth) {
        let key = checks::order_key(ask);
        self.state.accepted_orders.note(key, ask.t);
        let order = self.state.orders.get(slot);
        let (row, buy) = (order.account_row, ask.is_buy());
        let price = checks::price_of(ask.ord_type, ask.price.0, buy);
        let list = self.peers_of(row, buy);
        let State { peers, orders, .. } = &mut self.state;
        peers.add(orders, slot, list, (buy, price));
        self.use_locates(slot, ask);
        self.note_reserve(slot, ask.qty, worth.cash);
    }

    /// Lists a live order with those that it could match.
    pub(super) fn list_peer(&mut self, slot: u32) {
        let order = self.state.orders.get(slot);
        let (row, buy) = (order.account_row, order.is_buy());
        let price = self.state.orders.in_force(slot).price.0;
        let price = checks::price_of(order.ord_type, price, buy);
        let list = self.peers_of(row, buy);
        let State { peers, orders, .. } = &mut self.state;
        peers.add(orders, slot, list, (buy, price));
    }

    /// The list of those that an order of an account's row could meet on its own side.
    #[inline]
    fn peers_of(&mut self, account_row: u32, buy: bool) -> u32 {
        let list = self.state.exposure.shelf(account_row).peers[usize::from(buy)];
        if list == NOT_YET {
            return self.look_up_peers(account_row, buy);
        }
        list
    }

    #[cold]
    fn look_up_peers(&mut self, account_row: u32, buy: bool) -> u32 {
        let exposure = &self.state.exposure;
        let account = exposure.scope_of_row(account_row);
        let instrument = exposure.instrument_of_row(account_row);
        let group = checks::group_of(&self.state, account);
        let list = self.state.peers.find_or_new(group, instrument, buy);
        self.state.exposure.shelf_mut(account_row).peers[usize::from(buy)] = list;
        list
    }

    /// The cash book of an account's row; `None` where there is none and none is to be opened.
    #[inline]
    fn cash_of(&mut self, account_row: u32, opens: bool) -> Option<&mut CashBook> {
        let book = match self.state.exposure.shelf(account_row).cash {
            NOT_YET => self.look_up_cash(account_row, opens)?,
            book => book,
        };
        Some(self.state.cash.at_mut(book))
    }

    #[inline(never)]
    fn look_up_cash(&mut self, account_row: u32, opens: bool) -> Option<u32> {
        let exposure = &self.state.exposure;
        let account = exposure.scope_of_row(account_row);
        let instrument = exposure.instrument_of_row(account_row);
        let currency = self.state.instruments.get(instrument).currency;
        let book = if opens {
            self.state.cash.find_or_new(account, currency)
        } else {
            self.state.cash.find(account, currency)?
        };
        self.state.exposure.shelf_mut(account_row).cash = book;
        Some(book)
    }

    /// The self-match group of an account has changed: its live orders move to the new lists.
    pub(super) fn relist_peers(&mut self, account: u32) {
        let live: Vec<u32> = self
            .state
            .orders
            .live()
            .filter(|(_, order)| order.account == account)
            .map(|(slot, _)| slot)
            .collect();
        let rows: Vec<u32> = self.state.exposure.rows_of_scope(account).collect();
        for row in rows {
            self.state.exposure.shelf_mut(row).peers = [NOT_YET; 2];
        }
        for slot in live {
            let buy = self.state.orders.get(slot).is_buy();
            let State { peers, orders, .. } = &mut self.state;
            peers.remove(orders, slot, buy);
            self.list_peer(slot);
            self.reach_peers(slot);
        }
    }

    /// Lets the bound of an order's peers reach the prices of all its versions.
    pub(super) fn reach_peers(&mut self, slot: u32) {
        let order = self.state.orders.get(slot);
        let (ord_type, buy) = (order.ord_type, order.is_buy());
        let State { peers, orders, .. } = &mut self.state;
        for price in orders.prices(slot) {
            let price = checks::price_of(ord_type, price, buy);
            peers.add_version(orders, slot, buy, price);
        }
    }

    /// An accepted replace enters the books; what it reserves follows when the order settles.
    pub(super) fn note_replace(&mut self, slot: u32, ask: &Ask) {
        let price = checks::price_of(ask.ord_type, ask.price.0, ask.is_buy());
        let State { peers, orders, .. } = &mut self.state;
        peers.add_version(orders, slot, ask.is_buy(), price);
        self.use_locates(slot, ask);
    }

    /// Locates are used up at acceptance and never come back.
    fn use_locates(&mut self, slot: u32, ask: &Ask) {
        if ask.side == Side::SellShort {
            let row = self.state.orders.get(slot).account_row;
            let book = self.state.exposure.short_mut(row);
            book.located_used = book.located_used.saturating_add(checks::unlocated(ask));
        }
    }

    /// What an order reserves has changed.
    pub(super) fn note_reserve(&mut self, slot: u32, qty_change: i64, cash_change: i64) {
        let order = self.state.orders.get(slot);
        let (row, side) = (order.account_row, order.side);
        if side == Side::Sell && qty_change != 0 {
            self.state.exposure.add_live_sells(row, qty_change);
        }
        if side == Side::Buy
            && cash_change != 0
            && let Some(book) = self.cash_of(row, true)
        {
            book.reserved = book.reserved.saturating_add(i128::from(cash_change));
        }
    }

    /// Cash and settled positions after a booked fill.
    pub(super) fn settle_fill(&mut self, fill: &Booked) {
        let Some(row) = fill.account_row else {
            return;
        };
        self.move_cash(row, fill, 1);
        if fill.today && fill.side == Side::Sell {
            let book = self.state.exposure.short_mut(row);
            book.sold = book.sold.saturating_add(fill.qty);
        }
    }

    /// A buy pays ⌈⌉, a sell brings ⌊⌋; `sign` is −1 where a fill is taken back.
    pub(super) fn move_cash(&mut self, account_row: u32, fill: &Booked, sign: i128) {
        if self
            .cash_of(account_row, false)
            .is_none_or(|book| book.cash.is_none())
        {
            return;
        }
        let instrument = self.state.instruments.get(fill.instrument);
        let buy = fill.side == Side::Buy;
        let amount = instrument.own_factor.fill_value(fill.price, fill.qty, buy);
        let change = if buy { amount.saturating_neg() } else { amount };
        if let Some(book) = self.cash_of(account_row, false) {
            book.cash = book
                .cash
                .map(|cash| cash.saturating_add(change.saturating_mul(sign)));
        }
    }
}
