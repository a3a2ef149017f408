//! What a desk knows and does. In sidecar it reports its own fills; inline the venue's adapter does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wire::{
    CancelOrder, CancelReason, Capacity, E8, ExecType, Flag, Liquidity, NewOrder, OrdType, Price,
    Qty, RejectCode, Reply, Request, Role, Side, TimeInForce, VenueReport,
};

use super::party::Party;
use super::world::INSTRUMENTS;

/// An order as the desk sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    pub(crate) instrument: u32,
    pub(crate) side: Side,
    pub(crate) qty: i64,
    pub(crate) cum: i64,
    pub(crate) is_open: bool,
}

/// What becomes of an order is in its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    /// What of its quantity the venue fills.
    pub(crate) fill: i64,
    /// Whether the desk cancels the rest, once that is filled.
    pub(crate) is_cancelled: bool,
}

pub(crate) fn fate(cl_ord_id: u64, qty: i64) -> Fate {
    let (fill, is_cancelled) = match cl_ord_id % 32 {
        0 => (0, false),
        4 => (qty / 2, false),
        5 | 13 | 21 => (qty / 2, true),
        6 | 14 | 22 => (0, true),
        _ => (qty, false),
    };
    Fate { fill, is_cancelled }
}

/// The desk's books, from what it asked and what it heard.
#[derive(Debug, Default)]
pub(crate) struct Desk<const INLINE: bool> {
    /// NewOrders by clOrdId: instrument, side, quantity.
    asked: BTreeMap<u64, (u32, Side, i64)>,
    /// Cancels by clOrdId: the order's.
    cancels: HashMap<u64, u64>,
    /// Orders that a cancel was asked for, by clOrdId; whether it was accepted.
    cancelled: HashMap<u64, bool>,
    /// Reports made, by orderId and kind.
    reported: BTreeSet<(u64, u8)>,
    /// By clOrdId.
    pub(crate) orders: BTreeMap<u64, Order>,
    /// clOrdIds by orderId.
    ids: HashMap<u64, u64>,
    /// How often each request was answered, by clOrdId; reports by orderId and kind.
    pub(crate) answers: BTreeMap<u64, u32>,
    pub(crate) report_answers: BTreeMap<(u64, u8), u32>,
    highest: u64,
    unanswered: usize,
    /// No adapter was there when an order was last answered.
    venue_is_down: bool,
}

pub(crate) type Sidecar = Desk<false>;
pub(crate) type Inline = Desk<true>;

impl<const INLINE: bool> Desk<INLINE> {
    pub(crate) const ACCOUNT: u32 = if INLINE { 2 } else { 1 };
    const TRADER: u16 = if INLINE { 2 } else { 1 };

    fn answered(&mut self, cl_ord_id: u64) {
        *self.answers.entry(cl_ord_id).or_insert(0) += 1;
        self.unanswered -= 1;
    }

    fn reported(&mut self, order_id: u64, kind: ExecType) {
        if !INLINE {
            *self.report_answers.entry((order_id, kind.0)).or_insert(0) += 1;
            self.unanswered -= 1;
        }
    }

    fn by_id(&mut self, order_id: u64) -> (u64, &mut Order) {
        let cl_ord_id = self.ids[&order_id];
        (cl_ord_id, self.orders.get_mut(&cl_ord_id).unwrap())
    }

    /// What is to be done for an order now.
    fn due(&self, cl_ord_id: u64) -> Vec<Request> {
        let order = &self.orders[&cl_ord_id];
        let fate = fate(cl_ord_id, order.qty);
        if !order.is_open {
            return Vec::new();
        }
        if order.cum < fate.fill {
            return self.report(ExecType::Fill, cl_ord_id, order, fate.fill);
        }
        match self.cancelled.get(&cl_ord_id) {
            None if fate.is_cancelled => vec![
                CancelOrder {
                    cl_ord_id: self.highest + 1,
                    orig_cl_ord_id: cl_ord_id,
                    trader_id: Self::TRADER,
                    ..CancelOrder::default()
                }
                .into(),
            ],
            Some(true) => self.report(ExecType::Cancelled, cl_ord_id, order, 0),
            None | Some(false) => Vec::new(),
        }
    }

    fn report(&self, kind: ExecType, cl_ord_id: u64, order: &Order, qty: i64) -> Vec<Request> {
        if INLINE || self.reported.contains(&(order.order_id, kind.0)) {
            return Vec::new();
        }
        let is_fill = kind == ExecType::Fill;
        let report = VenueReport {
            order_id: order.order_id,
            cl_ord_id,
            venue_exec_id: if is_fill { order.order_id } else { 0 },
            last_px: if is_fill { PRICE } else { Price::NULL },
            last_qty: Qty(qty),
            account: Self::ACCOUNT,
            instrument_id: order.instrument,
            exec_type: kind,
            side: order.side,
            ..blank_report()
        };
        vec![report.into()]
    }

    /// Net position of each instrument.
    pub(crate) fn positions(&self) -> BTreeMap<u32, i64> {
        let mut out = BTreeMap::new();
        for order in self.orders.values() {
            let sign = if order.side == Side::Buy { 1 } else { -1 };
            *out.entry(order.instrument).or_insert(0) += sign * order.cum;
        }
        out
    }
}

/// Everything trades at one price.
pub(crate) const PRICE: Price = Price(100 * E8);

/// What all reports to the server have in common.
pub(crate) fn blank_report() -> VenueReport {
    VenueReport {
        cum_qty: Qty::NULL,
        leaves_qty: Qty::NULL,
        trade_date: 20_991_231,
        venue_id: 1,
        liquidity: Liquidity::Unknown,
        reopen: Flag::No,
        reason: CancelReason::Requested,
        ..VenueReport::default()
    }
}

impl<const INLINE: bool> Party for Desk<INLINE> {
    const NAME: &str = if INLINE { "inline" } else { "sidecar" };
    const SESSION: u32 = if INLINE { 2 } else { 1 };
    const ROLE: Role = Role::Desk;

    fn ask(&mut self, request: &Request) {
        self.unanswered += 1;
        match request {
            Request::NewOrder(m) => {
                self.asked
                    .insert(m.cl_ord_id, (m.instrument_id, m.side, m.qty.0));
                self.highest = self.highest.max(m.cl_ord_id);
            }
            Request::CancelOrder(m) => {
                self.cancels.insert(m.cl_ord_id, m.orig_cl_ord_id);
                self.cancelled.insert(m.orig_cl_ord_id, false);
                self.highest = self.highest.max(m.cl_ord_id);
            }
            Request::VenueReport(m) => {
                self.reported.insert((m.order_id, m.exec_type.0));
            }
            other => panic!("a desk never asks {other:?}"),
        }
    }

    fn hear(&mut self, reply: &Reply) -> Vec<Request> {
        match reply {
            Reply::OrderAccepted(m) => {
                self.answered(m.cl_ord_id);
                self.venue_is_down = false;
                if let Some((instrument, side, qty)) = self.asked.get(&m.cl_ord_id).copied() {
                    let order = Order {
                        order_id: m.order_id,
                        instrument,
                        side,
                        qty,
                        cum: 0,
                        is_open: true,
                    };
                    assert_eq!(self.ids.insert(m.order_id, m.cl_ord_id), None);
                    self.orders.insert(m.cl_ord_id, order);
                    return self.due(m.cl_ord_id);
                }
                let original = self.cancels[&m.cl_ord_id];
                self.cancelled.insert(original, true);
                self.due(original)
            }
            Reply::OrderRejected(m) => {
                self.answered(m.cl_ord_id);
                self.venue_is_down = m.code == RejectCode::VenueDown.number();
                Vec::new()
            }
            Reply::OrderFilled(m) => {
                self.reported(m.order_id, ExecType::Fill);
                let (cl_ord_id, order) = self.by_id(m.order_id);
                order.cum += m.last_qty.0;
                assert_eq!(order.cum, m.cum_qty.0, "the server's cumQty");
                order.is_open = order.cum < order.qty;
                self.due(cl_ord_id)
            }
            Reply::OrderCancelled(m) => {
                self.reported(m.order_id, ExecType::Cancelled);
                let (_, order) = self.by_id(m.order_id);
                assert!(order.is_open, "an order ended twice");
                order.is_open = false;
                Vec::new()
            }
            other => panic!("a desk never expects {other:?}"),
        }
    }

    fn left_undone(&self) -> Vec<Request> {
        let mut out = Vec::new();
        let mut highest = self.highest;
        for cl_ord_id in self.orders.keys() {
            for mut request in self.due(*cl_ord_id) {
                if let Request::CancelOrder(cancel) = &mut request {
                    highest += 1;
                    cancel.cl_ord_id = highest;
                }
                out.push(request);
            }
        }
        out
    }

    fn of_its_own(&self) -> Option<Request> {
        let cl_ord_id = self.highest + 1;
        let order = NewOrder {
            cl_ord_id,
            price: PRICE,
            // One in ten is above MaxOrderQty.
            qty: Qty(i64::try_from(2 * (cl_ord_id % 50) + 2).unwrap() * E8),
            account: Self::ACCOUNT,
            instrument_id: 1 + u32::try_from(cl_ord_id % u64::from(INSTRUMENTS)).unwrap(),
            trader_id: Self::TRADER,
            side: if cl_ord_id.is_multiple_of(3) {
                Side::Sell
            } else {
                Side::Buy
            },
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        };
        // One at a time asks whether the adapter is back.
        (!self.venue_is_down || self.unanswered == 0).then(|| order.into())
    }

    fn unanswered(&self) -> usize {
        self.unanswered
    }
}
