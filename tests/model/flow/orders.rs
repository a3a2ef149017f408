//! New orders, at the edge of what passes.

use super::{Flow, Item};
use crate::model::checks::{Ask, Judgement};
use crate::model::genesis::{ACCOUNTS, DESK_SESSIONS, Listed, OPS, RISK, TRADERS};
use crate::model::orders::Order;
use crate::model::state::Model;
use wire::{Capacity, LimitKind, NewOrder, OrdType, Price, Qty, Side, TimeInForce};

impl Flow {
    pub(crate) fn next_cl_ord_id(&mut self, session: u32) -> u64 {
        let repeated = self.random.chance(1);
        let id = self.cl_ord_ids.entry(session).or_insert(0);
        if repeated && *id > 0 {
            return *id;
        }
        *id += 1;
        *id
    }

    pub(crate) fn new_order(&mut self, model: &Model) -> Item {
        let (session, _, accounts, traders) = self.random.pick(&DESK_SESSIONS);
        let listed = self.listed();
        let market = self.random.chance(12) && listed.ord_types & 1 != 0;
        let sides = [
            Side::Buy,
            Side::Sell,
            Side::Buy,
            Side::Sell,
            Side::SellShort,
        ];
        let mut m = NewOrder {
            price: if market {
                Price::NULL
            } else {
                Price(self.order_price(model, listed))
            },
            qty: Qty(self.order_qty(listed)),
            account: self.random.pick(accounts),
            instrument_id: listed.id,
            trader_id: self.random.pick(traders),
            strategy_id: u16::try_from(self.random.below(3)).unwrap_or(0),
            side: self.random.pick(&sides),
            ord_type: if market {
                OrdType::Market
            } else {
                OrdType::Limit
            },
            tif: self.random.pick(&[
                TimeInForce::Day,
                TimeInForce::GoodTillCancel,
                TimeInForce::GoodTillCancel,
                TimeInForce::ImmediateOrCancel,
                TimeInForce::FillOrKill,
            ]),
            capacity: Capacity::Principal,
            ..NewOrder::default()
        };
        if self.random.chance(8) {
            self.spoil(&mut m, listed);
        } else if self.random.chance(30) {
            let mut ask = ask_of(session, &m);
            let (qty, price) = self.at_the_edge(model, &mut ask, listed);
            m.qty = Qty(qty);
            m.price = price.map_or(Price::NULL, Price);
        }
        if self.random.chance(4) {
            m.flags |= wire::WHAT_IF;
        }
        m.cl_ord_id = self.next_cl_ord_id(session);
        let busy = self.random.chance(1);
        let mut item = self.item(session, m.into());
        item.busy = busy;
        let ask = ask_of(session, &m);
        if self.random.chance(22)
            && m.qty.0 > 0
            && let Some(limit) = self.squeeze(model, &ask)
        {
            self.queue.push(item);
            return limit;
        }
        if self.random.chance(5)
            && ask.is_buy()
            && m.qty.0 > 0
            && let Some(commands) = self.squeeze_cash(model, &ask)
        {
            self.queue.push(item);
            let [limit, cash] = commands.as_slice() else {
                return self.new_order(model);
            };
            let (limit, cash) = (self.item(RISK, *limit), self.item(OPS, *cash));
            self.queue.push(cash);
            return limit;
        }
        if self.random.chance(10)
            && m.qty.0 > 0
            && let Some(load) = self.squeeze_cover(model, &ask)
        {
            self.queue.push(item);
            return load;
        }
        if self.random.chance(28) {
            self.aim_order(model, m.instrument_id);
        }
        item
    }

    /// An order that was accepted before, at the end of some window (C6).
    pub(crate) fn repeat_order(&mut self, model: &Model) -> Item {
        let recent = model.orders.iter().rev().take(3).count();
        let back = usize::try_from(self.random.below(recent as u64)).unwrap_or(0);
        let Some(order) = model.orders.iter().rev().nth(back) else {
            return self.new_order(model);
        };
        let first = &order.versions[0];
        let m = NewOrder {
            cl_ord_id: self.next_cl_ord_id(order.session),
            price: first.price.map_or(Price::NULL, Price),
            qty: Qty(i64::try_from(first.qty).unwrap_or(1)),
            account: order.account,
            instrument_id: order.instrument,
            trader_id: order.trader,
            strategy_id: order.strategy,
            side: order.side,
            ord_type: order.ord_type,
            tif: order.tif,
            capacity: Capacity::Principal,
            ..NewOrder::default()
        };
        let session = order.session;
        let mut windows: Vec<u64> = model
            .limits
            .iter()
            .filter(|(key, _)| key.kind == LimitKind::DuplicateOrder)
            .map(|(_, limit)| limit.window)
            .collect();
        windows.push(7);
        let window = self.random.pick(&windows);
        self.aim_at(model, order.accepted_at + window);
        self.item(session, m.into())
    }

    pub(crate) fn order_price(&mut self, model: &Model, listed: &Listed) -> i64 {
        let reference = model
            .instruments
            .get(&listed.id)
            .and_then(|i| i.last_reference)
            .unwrap_or(listed.price);
        let ticks = self.random.between(-40, 40);
        reference / listed.tick * listed.tick + ticks * listed.tick
    }

    pub(crate) fn order_qty(&mut self, listed: &Listed) -> i64 {
        listed.lot * self.random.between(1, 8)
    }

    /// Makes one field wrong, or enormous.
    fn spoil(&mut self, m: &mut NewOrder, listed: &Listed) {
        match self.random.below(16) {
            0 => m.instrument_id = 77,
            1 => m.account = 77,
            2 => m.ord_type = self.random.pick(&[OrdType::Stop, OrdType::StopLimit]),
            3 => {
                m.ord_type = OrdType::Market;
                m.price = Price::NULL;
            }
            4 => m.qty = Qty(self.random.pick(&[0, -listed.lot])),
            5 => m.qty.0 += listed.step / 2,
            6 => m.qty.0 += listed.step,
            7 => m.price = Price::NULL,
            8 => m.price.0 = m.price.0.saturating_add(1),
            9 => {
                m.ord_type = OrdType::Market;
                m.price = Price(listed.price);
            }
            10 => m.trader_id = 77,
            11 => m.trader_id = self.random.pick(&TRADERS),
            12 => m.account = self.random.pick(&ACCOUNTS).0,
            13 | 14 => {
                let lots = i64::MAX / listed.lot;
                m.qty = Qty(lots / self.random.between(1, 50) * listed.lot);
                if !m.price.is_null() && self.random.chance(30) {
                    m.price = Price(i64::MAX / listed.tick * listed.tick);
                }
            }
            _ => {
                // About at the largest value that can be told.
                m.price = Price(listed.price);
                m.qty = Qty(self.random.between(1, i64::MAX / listed.lot) * listed.lot);
            }
        }
    }

    /// The largest quantity, or the most aggressive price, that passes now: or one step past it.
    pub(crate) fn at_the_edge(
        &mut self,
        model: &Model,
        ask: &mut Ask,
        listed: &Listed,
    ) -> (i64, Option<i64>) {
        let rows = model.chain_rows(ask.account, ask.trader);
        let passes = |ask: &Ask| model.judge(ask, &rows, &mut Judgement::default()).is_ok();
        let here = i64::try_from(ask.qty).unwrap_or(listed.lot);
        if !passes(ask) && self.random.chance(60) {
            ask.qty = i128::from(listed.lot);
        }
        if !passes(ask) {
            return (here, ask.price);
        }
        let by_price = ask.price.is_some() && self.random.chance(35);
        let away = if ask.is_buy() {
            listed.tick
        } else {
            -listed.tick
        };
        let from = (i64::try_from(ask.qty).unwrap_or(0), ask.price);
        let at = |n: i64| {
            if by_price {
                (
                    from.0,
                    from.1.map(|px| px.saturating_add(n.saturating_mul(away))),
                )
            } else {
                (from.0.saturating_add(n.saturating_mul(listed.lot)), from.1)
            }
        };
        let mut passes_at = |n: i64| {
            let (qty, price) = at(n);
            ask.qty = i128::from(qty);
            ask.price = price;
            passes(ask)
        };
        let (mut low, mut high) = (0_i64, 1_i64);
        while high < 1 << 14 && passes_at(high) {
            low = high;
            high *= 2;
        }
        if high >= 1 << 14 {
            return (here, from.1);
        }
        while high - low > 1 {
            let middle = i64::midpoint(low, high);
            if passes_at(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        at(if self.random.chance(50) { low } else { high })
    }

    /// One of the orders, in `live_percent` of a hundred cases a live one.
    pub(crate) fn pick_order<'m>(
        &mut self,
        model: &'m Model,
        live_percent: u64,
    ) -> Option<&'m Order> {
        let live = self.random.chance(live_percent);
        let orders: Vec<&Order> = model
            .orders
            .iter()
            .filter(|o| !live || !o.terminal)
            .collect();
        let i = usize::try_from(self.random.below(orders.len() as u64)).ok()?;
        orders.get(i).copied()
    }
}

pub(crate) fn ask_of(session: u32, m: &NewOrder) -> Ask {
    Ask {
        session,
        account: m.account,
        instrument: m.instrument_id,
        trader: m.trader_id,
        side: m.side,
        price: (!m.price.is_null()).then_some(m.price.0),
        qty: i128::from(m.qty.0),
        busy: false,
        replaces: None,
    }
}
