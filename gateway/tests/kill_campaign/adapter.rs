//! What the venue's adapter knows and does, and the market behind it: its file of requests is what has
//! happened there. It sends an order to the market once, and a stale one never.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use wire::{ExecType, Price, Qty, Reply, Request, Role, RoutedOrder, STALE, VenueReport};

use super::desk::{PRICE, blank_report, fate};
use super::party::Party;

/// Age above which an order is not sent to the market as if it were new.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// An order at the market.
#[derive(Debug)]
pub(crate) struct Order {
    routed: RoutedOrder,
    /// It was sent there.
    pub(crate) is_new: bool,
    pub(crate) cum: i64,
    pub(crate) is_over: bool,
    /// A cancel has been routed.
    cancel: bool,
}

impl Order {
    pub(crate) fn leaves(&self) -> i64 {
        self.routed.qty.0 - self.cum
    }

    fn is_stale(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let then = Duration::from_nanos(self.routed.engine_time.0);
        self.routed.flags & STALE != 0 || now.unwrap().saturating_sub(then) > STALE_AFTER
    }

    /// What happens to it at the market now.
    fn due(&self) -> Vec<Request> {
        let fate = fate(self.routed.cl_ord_id, self.routed.qty.0);
        if self.is_over {
            return Vec::new();
        }
        if !self.is_new && self.is_stale() {
            return vec![self.report(ExecType::Rejected, 0)];
        }
        let mut out = Vec::new();
        if !self.is_new {
            out.push(self.report(ExecType::New, 0));
        }
        if self.cum < fate.fill {
            out.push(self.report(ExecType::Fill, fate.fill));
        }
        if self.cancel {
            out.push(self.report(ExecType::Cancelled, 0));
        }
        out
    }

    fn report(&self, kind: ExecType, qty: i64) -> Request {
        let is_fill = kind == ExecType::Fill;
        VenueReport {
            order_id: self.routed.order_id,
            cl_ord_id: self.routed.cl_ord_id,
            order_session_id: self.routed.order_session_id,
            venue_exec_id: if is_fill { self.routed.order_id } else { 0 },
            last_px: if is_fill { PRICE } else { Price::NULL },
            last_qty: Qty(qty),
            account: self.routed.account,
            instrument_id: self.routed.instrument_id,
            exec_type: kind,
            side: self.routed.side,
            ..blank_report()
        }
        .into()
    }
}

/// The adapter's books, from what was routed and what it reported.
#[derive(Debug, Default)]
pub(crate) struct Adapter {
    /// By orderId.
    pub(crate) orders: BTreeMap<u64, Order>,
    /// Reports read from the file before the orders that they are about.
    early: BTreeMap<u64, Vec<VenueReport>>,
}

impl Adapter {
    fn happened(order: &mut Order, report: &VenueReport) {
        assert!(!order.is_over, "after its end: {report:?}");
        match report.exec_type {
            ExecType::New => {
                assert!(!order.is_new, "sent to the market twice: {report:?}");
                order.is_new = true;
            }
            ExecType::Fill => order.cum += report.last_qty.0,
            ExecType::Cancelled | ExecType::Rejected => order.is_over = true,
            other => panic!("no such report is made: {other:?}"),
        }
        order.is_over |= order.leaves() == 0;
    }
}

impl Party for Adapter {
    const NAME: &str = "adapter";
    const SESSION: u32 = 3;
    const ROLE: Role = Role::Venue;

    fn ask(&mut self, request: &Request) {
        let Request::VenueReport(report) = request else {
            panic!("an adapter never asks {request:?}");
        };
        match self.orders.get_mut(&report.order_id) {
            Some(order) => Self::happened(order, report),
            None => self.early.entry(report.order_id).or_default().push(*report),
        }
    }

    fn hear(&mut self, reply: &Reply) -> Vec<Request> {
        let order_id = match reply {
            Reply::RoutedOrder(m) => {
                let mut order = Order {
                    routed: *m,
                    is_new: false,
                    cum: 0,
                    is_over: false,
                    cancel: false,
                };
                for report in self.early.remove(&m.order_id).unwrap_or_default() {
                    Self::happened(&mut order, &report);
                }
                let before = self.orders.insert(m.order_id, order);
                assert!(before.is_none(), "routed twice: {m:?}");
                m.order_id
            }
            Reply::RoutedCancel(m) => {
                self.orders.get_mut(&m.order_id).unwrap().cancel = true;
                m.order_id
            }
            other => panic!("an adapter never expects {other:?}"),
        };
        self.orders[&order_id].due()
    }

    fn left_undone(&self) -> Vec<Request> {
        self.orders.values().flat_map(Order::due).collect()
    }

    fn of_its_own(&self) -> Option<Request> {
        None
    }

    /// Reports have no answers.
    fn unanswered(&self) -> usize {
        0
    }
}
