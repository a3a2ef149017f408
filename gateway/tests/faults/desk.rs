//! Owns a sidecar desk that keeps books of its own: every acknowledgement it received, every order,
//! every fill. What the server says after a fault is compared with these books, never the other way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::date::yyyymmdd;
use portcullis_client::{Client, ClientError, Event};
use wire::{
    Capacity, E8, ExecType, NewOrder, OrdType, Price, Qty, Query, QueryWhat, RejectCode, Reply,
    Scope, Side, TimeInForce, VenueReport,
};

use crate::server::{DESK, Firm, RISK, Server};

/// Messages that may wait for their answer.
const IN_FLIGHT_MAX: usize = 128;
/// Live orders from which on every accepted one is ended again.
const LIVE_MAX: usize = 200;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted { order_id: u64 },
    Rejected { code: u16 },
}

#[derive(Debug)]
pub(crate) struct Order {
    account: u32,
    instrument: u32,
    side: Side,
    price: Price,
    qty: i64,
    /// Filled by the desk's own reports.
    filled: i64,
    cancelled: bool,
    pub(crate) answer: Option<(Answer, u64)>,
}

impl Order {
    fn leaves(&self) -> i64 {
        let live = matches!(self.answer, Some((Answer::Accepted { .. }, _))) && !self.cancelled;
        if live { self.qty - self.filled } else { 0 }
    }

    fn signed(&self, qty: i64) -> i64 {
        if self.side == Side::Buy { qty } else { -qty }
    }
}

/// The desk and its books.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) client: Client,
    /// By clOrdId, from 1.
    pub(crate) orders: Vec<Order>,
    /// Messages whose answer has not come yet.
    waiting: usize,
    /// Highest engineSeq of any answer: everything up to it was promised to be durable.
    pub(crate) acknowledged: u64,
    /// Answers received.
    pub(crate) answers: u64,
    pub(crate) busy: u64,
    /// Longest time without an answer while trading.
    pub(crate) silence_max: Duration,
    heard_at: Instant,
    live: usize,
    next_exec: u64,
    random: u64,
    trade_date: u32,
}

impl Desk {
    pub(crate) fn new(firm: &Firm, server: &Server, seed: u64) -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        Self {
            client: firm.connect(server, DESK),
            orders: Vec::new(),
            waiting: 0,
            acknowledged: 0,
            answers: 0,
            busy: 0,
            silence_max: Duration::ZERO,
            heard_at: Instant::now(),
            live: 0,
            next_exec: 1,
            random: seed,
            trade_date: yyyymmdd(u64::try_from(now.as_nanos()).unwrap()),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// Sends as fast as answers come, until the connection ends or `enough` says so.
    pub(crate) fn trade(
        &mut self,
        mut enough: impl FnMut(&Self) -> bool,
    ) -> Result<(), ClientError> {
        self.heard_at = Instant::now();
        while !enough(self) {
            while self.waiting < IN_FLIGHT_MAX {
                self.order();
            }
            self.client.flush()?;
            if let Some(event) = self.client.recv(Duration::from_millis(20))? {
                self.hear(event);
            }
            while let Some(event) = self.client.try_recv()? {
                self.hear(event);
            }
        }
        Ok(())
    }

    /// Time without an answer.
    pub(crate) fn silence(&self) -> Duration {
        self.heard_at.elapsed()
    }

    /// Takes what a server that has ended had still sent.
    pub(crate) fn drain(&mut self) {
        while let Ok(Some(event)) = self.client.recv(Duration::from_millis(200)) {
            self.hear(event);
        }
    }

    /// Takes up the session at a new server, and waits until everything is answered.
    pub(crate) fn resume(&mut self, server: &Server) {
        self.client.set_address(server.address);
        self.client.reconnect().unwrap();
        self.settle();
    }

    pub(crate) fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.waiting > 0 {
            assert!(
                Instant::now() < deadline,
                "{} answers never come",
                self.waiting
            );
            self.client.flush().unwrap();
            if let Some(event) = self.client.recv(Duration::from_millis(100)).unwrap() {
                self.hear(event);
            }
        }
    }

    fn order(&mut self) {
        let order = Order {
            account: if self.below(2) == 0 { 1 } else { 2 },
            instrument: if self.below(2) == 0 { 1 } else { 2 },
            side: if self.below(2) == 0 {
                Side::Buy
            } else {
                Side::Sell
            },
            price: Price(100 * E8 + i64::try_from(self.below(100)).unwrap() * (E8 / 100)),
            qty: (1 + i64::try_from(self.below(50)).unwrap()) * E8,
            filled: 0,
            cancelled: false,
            answer: None,
        };
        self.client.queue(NewOrder {
            cl_ord_id: u64::try_from(self.orders.len()).unwrap() + 1,
            price: order.price,
            qty: Qty(order.qty),
            account: order.account,
            instrument_id: order.instrument,
            trader_id: 1,
            side: order.side,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        });
        self.orders.push(order);
        self.waiting += 1;
    }

    fn report(&mut self, index: usize, exec_type: ExecType, last_qty: i64) {
        let order = &self.orders[index];
        let Some((Answer::Accepted { order_id }, _)) = order.answer else {
            panic!("a report about an order that was not accepted");
        };
        let fill = exec_type == ExecType::Fill;
        self.client.queue(VenueReport {
            order_id,
            cl_ord_id: u64::try_from(index).unwrap() + 1,
            venue_exec_id: if fill { self.next_exec } else { 0 },
            last_px: if fill { order.price } else { Price::NULL },
            last_qty: if fill { Qty(last_qty) } else { Qty::NULL },
            cum_qty: Qty(order.filled + last_qty),
            leaves_qty: Qty::NULL,
            trade_date: self.trade_date,
            account: order.account,
            instrument_id: order.instrument,
            venue_id: 1,
            exec_type,
            side: order.side,
            ..VenueReport::default()
        });
        self.next_exec += u64::from(fill);
        self.waiting += 1;
    }

    fn hear(&mut self, event: Event) {
        let Event::Reply(reply) = event else { return };
        self.acknowledged = self.acknowledged.max(reply.engine_seq());
        self.answers += 1;
        self.waiting -= 1;
        let now = Instant::now();
        self.silence_max = self.silence_max.max(now - self.heard_at);
        self.heard_at = now;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a desk that sends nothing else is sent nothing else"
        )]
        match reply {
            Reply::OrderAccepted(m) => {
                let order_id = m.order_id;
                let index = self.answered(m.cl_ord_id, Answer::Accepted { order_id }, m.engine_seq);
                self.live += 1;
                self.end_in_part(index);
            }
            Reply::OrderRejected(m) => {
                self.busy += u64::from(m.code == RejectCode::Busy.number());
                let code = m.code;
                self.answered(m.cl_ord_id, Answer::Rejected { code }, m.engine_seq);
            }
            Reply::OrderFilled(m) => self.live -= usize::from(m.leaves_qty.0 == 0),
            Reply::OrderCancelled(_) => self.live -= 1,
            other => panic!("the desk was sent {other:?}"),
        }
    }

    /// Each order is answered exactly once.
    fn answered(&mut self, cl_ord_id: u64, answer: Answer, engine_seq: u64) -> usize {
        let index = usize::try_from(cl_ord_id).unwrap() - 1;
        let before = self.orders[index].answer.replace((answer, engine_seq));
        assert_eq!(before, None, "order {cl_ord_id} is answered twice");
        index
    }

    /// Fills some of an accepted order, all of it, cancels it, or leaves it.
    fn end_in_part(&mut self, index: usize) {
        let qty = self.orders[index].qty;
        let choice = self.below(if self.live > LIVE_MAX { 2 } else { 4 });
        let fill = match choice {
            0 => qty,
            1 => {
                self.report(index, ExecType::Cancelled, 0);
                self.orders[index].cancelled = true;
                return;
            }
            2 if qty > E8 => qty / E8 / 2 * E8,
            _ => return,
        };
        self.report(index, ExecType::Fill, fill);
        self.orders[index].filled = fill;
    }

    /// The engine's positions and open quantities against the books, row by row.
    pub(crate) fn compare(&self, firm: &Firm, server: &Server) {
        let mut mine: BTreeMap<(u32, u32), (i64, i64, i64)> = BTreeMap::new();
        for order in &self.orders {
            let row = mine.entry((order.account, order.instrument)).or_default();
            row.0 += order.signed(order.filled);
            if order.side == Side::Buy {
                row.1 += order.leaves();
            } else {
                row.2 += order.leaves();
            }
        }
        mine.retain(|_, row| *row != (0, 0, 0));
        let query = Query {
            what: QueryWhat::Positions,
            scope_id: u32::MAX,
            instrument_id: u32::MAX,
            scope: Scope::Account,
            ..Query::default()
        };
        let mut theirs = BTreeMap::new();
        for reply in firm.connect(server, RISK).query(query).unwrap() {
            if let Reply::PositionReport(m) = reply {
                let row = (m.net_qty.0, m.open_buy_qty.0, m.open_sell_qty.0);
                if row != (0, 0, 0) {
                    theirs.insert((m.scope_id, m.instrument_id), row);
                }
            }
        }
        assert_eq!(
            mine, theirs,
            "position, open buys and open sells by account and instrument"
        );
    }
}
