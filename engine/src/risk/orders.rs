//! Orders, replaces and cancels: decision and reservation. What comes before the controls is in `entry`.

use super::{RiskEngine, Turn};
use crate::checks::{self, Ask, Findings, NO_ROW, Proposal, Refusal};
use crate::decision::{Decision, Outbox};
use crate::exposure::Opened;
use crate::orders::{Accepted, version};
use crate::tree::CHAIN;
use wire::{CancelOrder, CancelReason, NewOrder, ReplaceOrder, RoutedOrder, RoutedReplace};

impl RiskEngine {
    pub(super) fn new_order(
        &mut self,
        turn: &Turn,
        m: &NewOrder,
        out: &mut Outbox,
        decision: &mut Decision,
    ) {
        let mut found = Findings::default();
        self.state.orders.look_at_free(0);
        let entered = self.check_entry(turn, m, &mut found);
        self.raise_mark(turn, m.cl_ord_id, &found);
        // By reference: what was asked is larger than what it costs to look at it in its place.
        let ask = match &entered {
            Ok(ask) => ask,
            Err(refusal) => {
                *decision = self.reject_found(turn, (m.cl_ord_id, 100), *refusal, &found, out);
                return;
            }
        };
        self.look_at_books(ask);
        let worth = match self.decide(ask, &mut found) {
            Ok(values) => values.worth,
            Err(refusal) => {
                *decision = self.reject_found(turn, (m.cl_ord_id, 100), refusal, &found, out);
                return;
            }
        };
        if ask.what_if {
            self.accept(turn, (m.cl_ord_id, 0), Some(&found), out, decision);
            return;
        }

        // From here on the order is accepted: nothing below can fail.
        let order_id = turn.seq;
        let rows = self.rows_of(ask);
        let opened = Opened {
            buy: ask.is_buy(),
            qty: m.qty.0,
            value: worth.value,
            live: 1,
        };
        // R28: all levels, or none. They were all checked before.
        self.state.exposure.open_all(&rows, &opened);
        self.state.exposure.note_trader_row(rows[0], rows[3]);
        let session = turn.session.unwrap_or_default();
        let inline = self.state.sessions.get(session).is_inline();
        let accepted = Accepted {
            order_id,
            session,
            account: ask.scopes[0],
            trader: ask.scopes[3],
            instrument: ask.instrument,
            account_row: rows[0],
            trader_row: rows[3],
            inline,
        };
        let slot = self.state.orders.add(accepted, m, worth);
        self.note_accepted(slot, ask, worth);
        if found.tells {
            self.refresh_rows(&rows);
        }
        self.accept(turn, (m.cl_ord_id, order_id), Some(&found), out, decision);
        if inline {
            let routed = RoutedOrder {
                order_id,
                cl_ord_id: m.cl_ord_id,
                price: m.price,
                qty: m.qty,
                account: m.account,
                instrument_id: m.instrument_id,
                order_session_id: self.state.sessions.get(session).id(),
                trader_id: m.trader_id,
                strategy_id: m.strategy_id,
                side: m.side,
                ord_type: m.ord_type,
                tif: m.tif,
                capacity: m.capacity,
                ..RoutedOrder::default()
            };
            self.route(ask.instrument, routed.into(), out);
        }
    }

    /// Looks at the memory that an order which entered is decided by and stands in.
    #[inline(always)]
    fn look_at_books(&self, ask: &Ask) {
        let state = &self.state;
        state.exposure.look_at_chain(&ask.rows);
        state.orders.look_at_free_ids(0);
        if ask.rows[0] != NO_ROW {
            let shelf = state.exposure.shelf(ask.rows[0]);
            for list in shelf.peers {
                state.peers.look_at(list);
            }
            state.cash.look_at(shelf.cash);
        }
    }

    /// All controls; then, unless the order is only asked about, what they moved on their way.
    fn decide(&mut self, ask: &Ask, found: &mut Findings) -> Result<checks::Values, Refusal> {
        self.follow(ask.scopes[0], ask.scopes[3]);
        let Some(passed) = checks::passes(&self.state, ask) else {
            return self.decide_in_order(ask, found);
        };
        #[cfg(debug_assertions)]
        self.compare_with_controls(ask, &passed);
        if !ask.what_if {
            for (slot, arrival) in passed.buckets() {
                self.state.limits.get_mut(slot).arrival = arrival;
            }
        }
        found.headroom = passed.headroom;
        found.tells = passed.tells;
        Ok(passed.values)
    }

    /// Control by control, in the documented order: the first refusal wins.
    fn decide_in_order(
        &mut self,
        ask: &Ask,
        found: &mut Findings,
    ) -> Result<checks::Values, Refusal> {
        found.tells = true;
        let proposal = Proposal::of(&self.state, ask);
        let decided = checks::decide(&self.state, &proposal, found);
        if found.rate_conforms && !ask.what_if {
            checks::advance_rates(&mut self.state, &proposal);
        }
        if let Some((list, bound)) = found.peer_bound {
            self.state.peers.tighten(list, bound);
        }
        decided
    }

    /// Invariant: the short way says yes only to what the controls let pass, and tells the same of it.
    #[cfg(debug_assertions)]
    fn compare_with_controls(&self, ask: &Ask, passed: &checks::Passed) {
        let mut found = Findings::default();
        let proposal = Proposal::of(&self.state, ask);
        let decided = checks::decide(&self.state, &proposal, &mut found);
        assert_eq!(
            decided,
            Ok(passed.values),
            "the short way agrees with the controls"
        );
        assert_eq!(found.headroom, passed.headroom, "and on the tightest use");
        assert_eq!(found.shadow, None, "and nothing is left to record");
        let (count, same) = checks::arrivals(&self.state, &proposal).fold((0, true), |at, one| {
            (
                at.0 + 1,
                at.1 && passed.buckets().any(|bucket| bucket == one),
            )
        });
        assert!(
            same && count == passed.buckets().count(),
            "and on the rate buckets"
        );
    }

    pub(super) fn replace_order(
        &mut self,
        turn: &Turn,
        m: &ReplaceOrder,
        out: &mut Outbox,
        decision: &mut Decision,
    ) {
        let mut found = Findings::default();
        let entered = self.check_replace(turn, m, &mut found);
        self.raise_mark(turn, m.cl_ord_id, &found);
        let (slot, ask) = match &entered {
            Ok((slot, ask)) => {
                self.look_at_books_of(*slot);
                self.state.exposure.look_at_chain(&ask.rows);
                (*slot, ask)
            }
            Err(refusal) => {
                *decision = self.reject_found(turn, (m.cl_ord_id, 101), *refusal, &found, out);
                return;
            }
        };
        let worth = match self.decide(ask, &mut found) {
            Ok(values) => values.worth,
            Err(refusal) => {
                *decision = self.reject_found(turn, (m.cl_ord_id, 101), refusal, &found, out);
                return;
            }
        };
        if ask.what_if {
            let order_id = self.state.orders.get(slot).order_id;
            self.accept(turn, (m.cl_ord_id, order_id), Some(&found), out, decision);
            return;
        }

        // From here on the replace is accepted: nothing below can fail.
        let added = version(m.cl_ord_id, m.price, (m.qty.0, ask.leaves), worth);
        self.state.orders.add_replace(slot, added);
        self.note_replace(slot, ask);
        let rows = self.settle(slot, None);
        if found.tells {
            self.refresh_rows(&rows);
        }
        let order = self.state.orders.get(slot);
        let (order_id, inline) = (order.order_id, order.inline);
        let routed = RoutedReplace {
            order_id,
            cl_ord_id: m.cl_ord_id,
            orig_cl_ord_id: m.orig_cl_ord_id,
            price: m.price,
            qty: m.qty,
            account: self.state.tree.get(order.account).id,
            instrument_id: self.state.instruments.get(order.instrument).id,
            order_session_id: self.state.sessions.get(order.session).id(),
            side: order.side,
            ord_type: order.ord_type,
            ..RoutedReplace::default()
        };
        self.accept(turn, (m.cl_ord_id, order_id), Some(&found), out, decision);
        if inline {
            self.route(ask.instrument, routed.into(), out);
        }
    }

    pub(super) fn cancel_order(
        &mut self,
        turn: &Turn,
        m: &CancelOrder,
        out: &mut Outbox,
        decision: &mut Decision,
    ) {
        let slot = match self.check_cancel(turn, m) {
            Ok(slot) => slot,
            Err(refusal) => {
                *decision = self.reject(turn, m.cl_ord_id, 102, refusal, out);
                return;
            }
        };

        // R8: a request releases nothing; R31: a repeated one is routed again.
        let order = self.state.orders.get_mut(slot);
        order.cancel_pending = true;
        let (order_id, inline) = (order.order_id, order.inline);
        self.accept(turn, (m.cl_ord_id, order_id), None, out, decision);
        if inline {
            self.route_cancel(slot, m.cl_ord_id, CancelReason::Requested, out);
        }
    }

    /// The rows of an order's chain, made where there were none.
    fn rows_of(&mut self, ask: &Ask) -> [u32; CHAIN] {
        if !ask.rows.contains(&NO_ROW) {
            return ask.rows;
        }
        let state = &mut self.state;
        let [account, _, _, trader] = ask.scopes;
        let mut row = |scope| {
            state.exposure.row_or_new(
                scope,
                ask.instrument,
                &state.tree,
                &mut state.instruments,
                &state.limits,
            )
        };
        let (account_row, trader_row) = (row(account), row(trader));
        self.state.exposure.chain_rows(account_row, trader_row)
    }
}
