//! Replaces, cancels and mass cancels.

use super::{Flow, Item};
use crate::model::checks::Ask;
use crate::model::genesis::{DESK_SESSIONS, INSTRUMENTS, TRADERS};
use crate::model::state::Model;
use wire::{CancelOrder, MassCancel, Price, Qty, ReplaceOrder, Side};

impl Flow {
    pub(crate) fn replace(&mut self, model: &Model) -> Item {
        let Some(order) = self.pick_order(model, 92) else {
            return self.new_order(model);
        };
        let Some(listed) = INSTRUMENTS.iter().find(|i| i.id == order.instrument) else {
            return self.new_order(model);
        };
        let newest = order.newest();
        let session = order.session;
        let mut m = ReplaceOrder {
            orig_cl_ord_id: newest.cl_ord_id,
            price: newest.price.map_or(Price::NULL, Price),
            qty: Qty(i64::try_from(newest.qty).unwrap_or(listed.lot)),
            trader_id: order.trader,
            strategy_id: order.strategy,
            ..ReplaceOrder::default()
        };
        if newest.price.is_some() && self.random.chance(50) {
            m.price = Price(self.order_price(model, listed));
        }
        if self.random.chance(60) {
            m.qty = Qty(self.order_qty(listed) + self.random.between(0, 3) * listed.lot);
        }
        let ask = |m: &ReplaceOrder| Ask {
            session,
            account: order.account,
            instrument: order.instrument,
            trader: order.trader,
            side: order.side,
            price: (!m.price.is_null()).then_some(m.price.0),
            qty: i128::from(m.qty.0),
            busy: false,
            replaces: model.find(session, newest.cl_ord_id),
        };
        if self.random.chance(12) {
            match self.random.below(8) {
                0 => m.qty = Qty(self.random.pick(&[0, -1])),
                1 => m.orig_cl_ord_id = 999_999_999,
                2 => m.qty.0 += listed.step / 2,
                3 => m.price.0 = m.price.0.wrapping_add(1),
                4 => m.trader_id = self.random.pick(&TRADERS),
                5 => m.orig_cl_ord_id = order.versions[0].cl_ord_id,
                6 => m.price = Price::NULL,
                _ => m.qty = Qty(i64::MAX / listed.lot * listed.lot),
            }
        } else if self.random.chance(35) && !m.price.is_null() {
            let (qty, price) = self.at_the_edge(model, &mut ask(&m), listed);
            m.qty = Qty(qty);
            m.price = price.map_or(Price::NULL, Price);
        }
        if self.random.chance(4) {
            m.flags |= wire::WHAT_IF;
        }
        m.cl_ord_id = self.next_cl_ord_id(session);
        let from = if self.random.chance(2) {
            self.random.pick(&DESK_SESSIONS).0
        } else {
            session
        };
        let busy = self.random.chance(1);
        let mut item = self.item(from, m.into());
        item.busy = busy;
        if self.random.chance(6) {
            self.pile_up(&item, &m);
        } else if from == session
            && m.orig_cl_ord_id == newest.cl_ord_id
            && m.qty.0 > 0
            && self.random.chance(10)
            && let Some(limit) = self.squeeze(model, &ask(&m))
        {
            self.queue.push(item);
            return limit;
        }
        item
    }

    /// Many replaces in a row, none of them answered.
    fn pile_up(&mut self, first: &Item, m: &ReplaceOrder) {
        let mut m = *m;
        let mut items = Vec::new();
        for _ in 0..self.random.between(2, 10) {
            m.orig_cl_ord_id = m.cl_ord_id;
            m.cl_ord_id = self.next_cl_ord_id(first.session);
            items.push(self.item(first.session, m.into()));
        }
        self.queue.extend(items.into_iter().rev());
    }

    pub(crate) fn cancel(&mut self, model: &Model) -> Item {
        let Some(order) = self.pick_order(model, 88) else {
            return self.new_order(model);
        };
        let session = if self.random.chance(3) {
            self.random.pick(&DESK_SESSIONS).0
        } else {
            order.session
        };
        let mut ids: Vec<u64> = order.versions.iter().map(|v| v.cl_ord_id).collect();
        if self.random.chance(3) {
            ids = vec![999_999_999];
        }
        let m = CancelOrder {
            flags: if self.random.chance(2) {
                wire::WHAT_IF
            } else {
                0
            },
            cl_ord_id: self.next_cl_ord_id(session),
            orig_cl_ord_id: self.random.pick(&ids),
            trader_id: order.trader,
            ..CancelOrder::default()
        };
        let busy = self.random.chance(2);
        let mut item = self.item(session, m.into());
        item.busy = busy;
        item
    }

    pub(crate) fn mass_cancel(&mut self) -> Item {
        let (session, _, accounts, traders) = self.random.pick(&DESK_SESSIONS);
        let mut m = MassCancel {
            flags: if self.random.chance(8) {
                wire::WHAT_IF
            } else {
                0
            },
            cl_ord_id: self.next_cl_ord_id(session),
            ..MassCancel::default()
        };
        if self.random.chance(50) {
            m.account = self.random.pick(accounts);
        } else if self.random.chance(10) {
            m.account = self.random.pick(&[1, 4, 77]);
        }
        if self.random.chance(30) {
            m.instrument_id = self.listed().id;
        } else if self.random.chance(4) {
            m.instrument_id = 77;
        }
        if self.random.chance(30) {
            m.trader_id = self.random.pick(traders);
        }
        if self.random.chance(30) {
            m.side = self.random.pick(&[Side::Buy, Side::Sell]);
        }
        if self.random.chance(30) {
            m.strategy_id = 1;
        }
        self.item(session, m.into())
    }
}
