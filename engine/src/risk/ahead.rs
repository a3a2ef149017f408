//! Looks at memory that commands which wait will be decided by.
//!
//! What leads to that memory, from ids through indexes to orders and rows, is a chain of waits: one command by
//! itself waits at each. Of a row of commands the first link is looked at for one while the second is for the
//! one before it, and so on, so that each finds its chain in the caches when its turn comes. A look changes
//! nothing and decides nothing: what becomes of the state meanwhile does not matter, and what is only likely
//! will do.

use super::RiskEngine;
use crate::command::Command;
use wire::{ExecType, NewOrder, Scope, VenueReport};

/// Links of the chain.
const LINKS: usize = 4;
/// Commands between those that two links are looked at for.
const APART: usize = 3;
/// Of the commands ahead about one in three is a new order, which takes the next place that has become free.
const FREE_AHEAD: usize = LINKS * APART / 3;

impl RiskEngine {
    /// So many commands behind the next are worth knowing.
    pub const AHEAD: usize = LINKS * APART;

    /// Looks at the memory of commands that come behind the next one, before that is applied: of each session and
    /// command that `coming` tells, by their distance from 1 on.
    #[inline]
    pub fn look_ahead<'a>(&self, coming: impl Fn(usize) -> Option<(u32, &'a Command)>) {
        for link in 0..LINKS {
            if let Some((session_id, command)) = coming((LINKS - link) * APART) {
                self.look(link, session_id, command);
            }
        }
    }

    #[inline]
    fn look(&self, link: usize, session_id: u32, command: &Command) {
        if let Command::NewOrder(m) = command {
            self.look_for_new(link, session_id, m);
        } else if let Command::VenueReport(m) = command {
            self.look_for_report(link, session_id, m);
        } else if let Command::CancelOrder(m) = command {
            self.look_for_order(link, session_id, m.orig_cl_ord_id, false);
        } else if let Command::ReplaceOrder(m) = command {
            self.look_for_order(link, session_id, m.orig_cl_ord_id, false);
        }
    }

    fn look_for_new(&self, link: usize, session_id: u32, m: &NewOrder) {
        let state = &self.state;
        if link == 0 {
            if let Some(session) = state.sessions.find(session_id) {
                state.orders.look_at_id(session, m.cl_ord_id);
            }
            state.orders.look_at_free(FREE_AHEAD);
            return;
        }
        let instrument = state.instruments.find(m.instrument_id);
        let account = state.tree.find(Scope::Account, m.account);
        let (Some(instrument), Some(account)) = (instrument, account) else {
            return;
        };
        if link == 1 {
            state.exposure.look_at_place(account, instrument);
            state.orders.look_at_free_ids(FREE_AHEAD / 2);
            return;
        }
        let Some(row) = state.exposure.likely(account, instrument) else {
            return;
        };
        if link == 2 {
            state.exposure.look_at_end(row);
            return;
        }
        let rows = state
            .exposure
            .chain_rows(row, state.exposure.last_trader_row(row));
        state.exposure.look_at_chain(&rows);
        let shelf = state.exposure.shelf(row);
        for list in shelf.peers {
            state.peers.look_at(list);
        }
        state.cash.look_at(shelf.cash);
    }

    fn look_for_report(&self, link: usize, session_id: u32, m: &VenueReport) {
        let owner = match m.order_session_id {
            0 => session_id,
            id => id,
        };
        self.look_for_order(link, owner, m.cl_ord_id, m.exec_type == ExecType::Fill);
    }

    fn look_for_order(&self, link: usize, session_id: u32, cl_ord_id: u64, fill: bool) {
        let state = &self.state;
        let Some(session) = state.sessions.find(session_id) else {
            return;
        };
        if link == 0 {
            state.orders.look_at_id(session, cl_ord_id);
            return;
        }
        let Some(slot) = state.orders.likely(session, cl_ord_id) else {
            return;
        };
        if link == 1 {
            state.orders.look_at(slot);
            state.orders.look_beside(slot);
            return;
        }
        let order = state.orders.get(slot);
        if link == 2 {
            state
                .exposure
                .look_at_ends(order.account_row, order.trader_row);
            return;
        }
        let rows = state
            .exposure
            .chain_rows(order.account_row, order.trader_row);
        if fill {
            self.look_at_fills(&rows);
        } else {
            state.exposure.look_at_chain(&rows);
        }
    }
}
