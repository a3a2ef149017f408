//! Books beside the rows: cash, settled positions and locates, lists of possible matches.

use super::fills::Booked;
use super::{Done, RiskEngine};
use crate::checks::{self, Ask};
use crate::orders::Worth;
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
        self.state.cash.get_mut(account, currency).cash = Some(i128::from(m.amount.0));
        Done::APPLIED
    }

    /// An accepted new order enters the books.
    pub(super) fn note_accepted(&mut self, slot: u32, ask: &Ask, worth: Worth) {
        let key = checks::order_key(ask);
        self.state.accepted_orders.note(key, ask.t);
        self.list_peer(slot);
        self.use_locates(slot, ask);
        self.note_reserve(slot, ask.qty, worth.cash);
    }

    /// Lists a live order with those that it could match.
    pub(super) fn list_peer(&mut self, slot: u32) {
        let order = self.state.orders.get(slot);
        let (instrument, buy) = (order.instrument, order.is_buy());
        let group = checks::group_of(&self.state, order.account);
        let price = checks::price_of(
            order.ord_type,
            self.state.orders.in_force(slot).price.0,
            buy,
        );
        self.state.peers.add(slot, group, instrument, buy, price);
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
        for slot in live {
            let buy = self.state.orders.get(slot).is_buy();
            self.state.peers.remove(slot, buy);
            self.list_peer(slot);
            self.reach_peers(slot);
        }
    }

    /// Lets the bound of an order's peers reach the prices of all its versions.
    pub(super) fn reach_peers(&mut self, slot: u32) {
        let order = self.state.orders.get(slot);
        let (ord_type, buy) = (order.ord_type, order.is_buy());
        for version in self.state.orders.versions(slot) {
            let price = checks::price_of(ord_type, version.price.0, buy);
            self.state.peers.add_version(slot, buy, price);
        }
    }

    /// An accepted replace enters the books; what it reserves follows when the order settles.
    pub(super) fn note_replace(&mut self, slot: u32, ask: &Ask) {
        let price = checks::price_of(ask.ord_type, ask.price.0, ask.is_buy());
        self.state.peers.add_version(slot, ask.is_buy(), price);
        self.use_locates(slot, ask);
        let order = self.state.orders.get_mut(slot);
        order.largest_qty = order.largest_qty.max(ask.qty);
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
        let (account, row, side) = (order.account, order.account_row, order.side);
        if side == Side::Sell && qty_change != 0 {
            let book = self.state.exposure.short_mut(row);
            book.live_sells = book.live_sells.saturating_add(i128::from(qty_change));
        }
        if side == Side::Buy && cash_change != 0 {
            let currency = self.state.instruments.get(order.instrument).currency;
            let book = self.state.cash.get_mut(account, currency);
            book.reserved = book.reserved.saturating_add(i128::from(cash_change));
        }
    }

    /// Cash and settled positions after a booked fill.
    pub(super) fn settle_fill(&mut self, fill: &Booked) {
        let Some(row) = fill.account_row else {
            return;
        };
        let account = self.state.exposure.scope_of_row(row);
        self.move_cash(account, fill, 1);
        if fill.today && fill.side == Side::Sell {
            let book = self.state.exposure.short_mut(row);
            book.sold = book.sold.saturating_add(fill.qty);
        }
    }

    /// A buy pays ⌈⌉, a sell brings ⌊⌋; `sign` is −1 where a fill is taken back.
    pub(super) fn move_cash(&mut self, account: u32, fill: &Booked, sign: i128) {
        let instrument = self.state.instruments.get(fill.instrument);
        let currency = instrument.currency;
        if self.state.cash.get(account, currency).cash.is_none() {
            return;
        }
        let buy = fill.side == Side::Buy;
        let amount = instrument.own_factor.fill_value(fill.price, fill.qty, buy);
        let change = if buy { amount.saturating_neg() } else { amount };
        let book = self.state.cash.get_mut(account, currency);
        book.cash = book
            .cash
            .map(|cash| cash.saturating_add(change.saturating_mul(sign)));
    }
}
