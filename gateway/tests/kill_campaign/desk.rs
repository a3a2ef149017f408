//! The desk as a process that may die at any instruction. It writes each request down before it sends
//! it, and each reply before it acts on it; a new process takes both files up where they end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_client::{Client, Credentials, Event, Options, keys};
use wire::codec::{self, MAX_FRAME};
use wire::{
    CancelOrder, CancelReason, Capacity, E8, ExecType, Flag, Liquidity, NewOrder, OrdType,
    POSS_DUP, Price, Qty, Reply, Request, Role, Side, TimeInForce, VenueReport,
};

use super::world::{ACCOUNT, DESK, INSTRUMENTS, TRADER};

/// Variable of the environment that names the campaign's directory.
pub(crate) const DIR: &str = "PORTCULLIS_CAMPAIGN_DIR";
/// Set: ask for nothing new, wait for every answer, end.
pub(crate) const SETTLE: &str = "PORTCULLIS_CAMPAIGN_SETTLE";
/// The requests, each a frame padded to this many bytes.
pub(crate) const REQUESTS: &str = "requests";
pub(crate) const REQUEST_BYTES: u64 = 128;
/// The replies, frame after frame.
const HEARD: &str = "heard";
/// Requests that may be unanswered at the same time.
const WINDOW: usize = 32;
const PATIENCE: Duration = Duration::from_secs(120);

/// An order as the desk sees it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    pub(crate) instrument: u32,
    pub(crate) side: Side,
    pub(crate) qty: i64,
    pub(crate) cum: i64,
    pub(crate) is_open: bool,
}

/// What the desk knows, from what it asked and what it heard.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// NewOrders by clOrdId: instrument, side, quantity.
    asked: BTreeMap<u64, (u32, Side, i64)>,
    /// Cancels by clOrdId: the order's.
    cancels: BTreeMap<u64, u64>,
    /// Orders that a cancel was asked for, by clOrdId.
    cancelled: BTreeSet<u64>,
    /// Reports made, by orderId and kind.
    reported: BTreeSet<(u64, u8)>,
    /// By clOrdId.
    pub(crate) orders: BTreeMap<u64, Order>,
    /// How often each request was answered, by clOrdId; reports by orderId and kind.
    pub(crate) answers: BTreeMap<u64, u32>,
    pub(crate) report_answers: BTreeMap<(u64, u8), u32>,
    highest: u64,
    unanswered: usize,
}

impl Book {
    pub(crate) fn ask(&mut self, request: &Request) {
        self.unanswered += 1;
        match request {
            Request::NewOrder(m) => {
                self.asked
                    .insert(m.cl_ord_id, (m.instrument_id, m.side, m.qty.0));
                self.highest = self.highest.max(m.cl_ord_id);
            }
            Request::CancelOrder(m) => {
                self.cancels.insert(m.cl_ord_id, m.orig_cl_ord_id);
                self.cancelled.insert(m.orig_cl_ord_id);
                self.highest = self.highest.max(m.cl_ord_id);
            }
            Request::VenueReport(m) => {
                self.reported.insert((m.order_id, m.exec_type.0));
            }
            other => panic!("the desk never asks {other:?}"),
        }
    }

    /// Takes a reply in and returns what the desk does next because of it.
    pub(crate) fn hear(&mut self, reply: &Reply) -> Vec<Request> {
        match reply {
            Reply::OrderAccepted(m) => {
                self.answered(m.cl_ord_id);
                if let Some((instrument, side, qty)) = self.asked.get(&m.cl_ord_id).copied() {
                    let order = Order {
                        order_id: m.order_id,
                        instrument,
                        side,
                        qty,
                        cum: 0,
                        is_open: true,
                    };
                    self.orders.insert(m.cl_ord_id, order);
                    return self.next(m.cl_ord_id);
                }
                let original = self.cancels[&m.cl_ord_id];
                let order = self.orders[&original].clone();
                self.report(ExecType::Cancelled, original, &order, 0)
            }
            Reply::OrderRejected(m) => {
                self.answered(m.cl_ord_id);
                Vec::new()
            }
            Reply::OrderFilled(m) => {
                self.reported(m.order_id, ExecType::Fill);
                let (cl_ord_id, order) = self.by_id(m.order_id);
                order.cum += m.last_qty.0;
                assert_eq!(
                    order.cum, m.cum_qty.0,
                    "the server's cumQty of {}",
                    m.order_id
                );
                order.is_open = order.cum < order.qty;
                if cl_ord_id % 8 == 5 {
                    self.cancel(cl_ord_id)
                } else {
                    Vec::new()
                }
            }
            Reply::OrderCancelled(m) => {
                self.reported(m.order_id, ExecType::Cancelled);
                self.by_id(m.order_id).1.is_open = false;
                Vec::new()
            }
            other => panic!("the desk never expects {other:?}"),
        }
    }

    fn answered(&mut self, cl_ord_id: u64) {
        *self.answers.entry(cl_ord_id).or_insert(0) += 1;
        self.unanswered -= 1;
    }

    fn reported(&mut self, order_id: u64, kind: ExecType) {
        *self.report_answers.entry((order_id, kind.0)).or_insert(0) += 1;
        self.unanswered -= 1;
    }

    fn by_id(&mut self, order_id: u64) -> (u64, &mut Order) {
        let found = self.orders.iter_mut().find(|(_, o)| o.order_id == order_id);
        found.map(|(cl_ord_id, order)| (*cl_ord_id, order)).unwrap()
    }

    /// What becomes of an order is in its number.
    fn next(&self, cl_ord_id: u64) -> Vec<Request> {
        let order = &self.orders[&cl_ord_id];
        match cl_ord_id % 8 {
            0 => Vec::new(),
            4 | 5 => self.report(ExecType::Fill, cl_ord_id, order, order.qty / 2),
            6 => self.cancel(cl_ord_id),
            _ => self.report(ExecType::Fill, cl_ord_id, order, order.qty),
        }
    }

    fn cancel(&self, cl_ord_id: u64) -> Vec<Request> {
        if self.cancelled.contains(&cl_ord_id) {
            return Vec::new();
        }
        let cancel = CancelOrder {
            cl_ord_id: self.highest + 1,
            orig_cl_ord_id: cl_ord_id,
            trader_id: TRADER,
            ..CancelOrder::default()
        };
        vec![cancel.into()]
    }

    fn report(&self, kind: ExecType, cl_ord_id: u64, order: &Order, qty: i64) -> Vec<Request> {
        if self.reported.contains(&(order.order_id, kind.0)) {
            return Vec::new();
        }
        let report = VenueReport {
            order_id: order.order_id,
            cl_ord_id,
            venue_exec_id: if qty > 0 { order.order_id } else { 0 },
            last_px: if qty > 0 {
                Price(100 * E8)
            } else {
                Price::NULL
            },
            last_qty: Qty(qty),
            cum_qty: Qty::NULL,
            leaves_qty: Qty::NULL,
            trade_date: 20_991_231,
            account: ACCOUNT,
            instrument_id: order.instrument,
            venue_id: 1,
            exec_type: kind,
            side: order.side,
            liquidity: Liquidity::Unknown,
            reopen: Flag::No,
            reason: CancelReason::Requested,
            ..VenueReport::default()
        };
        vec![report.into()]
    }

    fn order(&self) -> Request {
        let cl_ord_id = self.highest + 1;
        NewOrder {
            cl_ord_id,
            price: Price(100 * E8),
            // One in ten is above MaxOrderQty.
            qty: Qty(i64::try_from(2 * (cl_ord_id % 50) + 2).unwrap() * E8),
            account: ACCOUNT,
            instrument_id: 1 + u32::try_from(cl_ord_id % u64::from(INSTRUMENTS)).unwrap(),
            trader_id: TRADER,
            side: if cl_ord_id.is_multiple_of(3) {
                Side::Sell
            } else {
                Side::Buy
            },
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        }
        .into()
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

/// Both files, and what follows from them.
pub(crate) struct Memory {
    pub(crate) requests: Vec<Request>,
    pub(crate) heard: Vec<Reply>,
    pub(crate) book: Book,
    requests_file: File,
    heard_file: File,
}

impl Memory {
    /// Reads what a process before has written; what it was writing when it died is cut.
    pub(crate) fn open(dir: &Path) -> Self {
        let record = usize::try_from(REQUEST_BYTES).unwrap();
        let bytes = fs::read(dir.join(REQUESTS)).unwrap_or_default();
        let requests: Vec<Request> = bytes
            .chunks_exact(record)
            .map(|bytes| {
                let frame = codec::split_frame(bytes).unwrap().unwrap();
                Request::decode_block(frame.template_id, frame.block)
                    .unwrap()
                    .unwrap()
            })
            .collect();
        let bytes = fs::read(dir.join(HEARD)).unwrap_or_default();
        let (mut heard, mut rest) = (Vec::new(), bytes.as_slice());
        while let Some(frame) = codec::split_frame(rest).unwrap() {
            heard.push(
                Reply::decode_block(frame.template_id, frame.block)
                    .unwrap()
                    .unwrap(),
            );
            rest = &rest[frame.len..];
        }
        let open = |name: &str, length: usize| {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(dir.join(name))
                .unwrap();
            file.set_len(u64::try_from(length).unwrap()).unwrap();
            file
        };
        let mut memory = Self {
            requests_file: open(REQUESTS, requests.len() * record),
            heard_file: open(HEARD, bytes.len() - rest.len()),
            requests,
            heard,
            book: Book::default(),
        };
        for request in &memory.requests {
            memory.book.ask(request);
        }
        for reply in &memory.heard {
            memory.book.hear(reply);
        }
        memory
    }

    fn ask(&mut self, request: Request) {
        let mut bytes = [0; 128];
        codec::write_frame(request.layout().template_id, &mut bytes, |block| {
            request.encode_block(block)
        });
        self.requests_file.write_all(&bytes).unwrap();
        self.book.ask(&request);
        self.requests.push(request);
    }

    fn hear(&mut self, reply: Reply) {
        let mut bytes = [0; MAX_FRAME];
        let length = codec::write_frame(reply.layout().template_id, &mut bytes, |block| {
            reply.encode_block(block)
        });
        self.heard_file.write_all(&bytes[..length]).unwrap();
        for request in self.book.hear(&reply) {
            self.ask(request);
        }
        self.heard.push(reply);
    }

    /// What a process before has heard and died before it acted on.
    fn catch_up(&mut self) {
        let orders: Vec<u64> = self.book.orders.keys().copied().collect();
        for cl_ord_id in orders {
            let order = &self.book.orders[&cl_ord_id];
            let untouched = order.is_open && order.cum == 0;
            let due = match cl_ord_id % 8 {
                5 if order.cum > 0 && order.is_open => self.book.cancel(cl_ord_id),
                _ if untouched => self.book.next(cl_ord_id),
                _ => Vec::new(),
            };
            for request in due {
                self.ask(request);
            }
        }
        let accepted: Vec<u64> = self
            .book
            .cancels
            .iter()
            .filter(|(id, of)| self.book.answers.contains_key(id) && self.book.orders[of].is_open)
            .map(|(_, of)| *of)
            .collect();
        for cl_ord_id in accepted {
            let order = self.book.orders[&cl_ord_id].clone();
            for request in self.book.report(ExecType::Cancelled, cl_ord_id, &order, 0) {
                self.ask(request);
            }
        }
    }
}

/// The reply as it would be said again.
fn said_again(reply: &Reply) -> Reply {
    let mut reply = *reply;
    reply.set_seq_no(POSS_DUP, reply.seq_no());
    if let Reply::OrderAccepted(m) = &mut reply {
        m.decision_nanos = u32::MAX;
    }
    reply
}

fn address(dir: &Path) -> String {
    fs::read_to_string(dir.join("address")).unwrap()
}

pub(crate) fn credentials(dir: &Path, name: &str, session_id: u32, role: Role) -> Credentials {
    Credentials {
        session_id,
        role,
        key: keys::load(&dir.join(format!("{name}.key"))).unwrap(),
        key_id: 1,
        expected_instance: Some("campaign".to_owned()),
    }
}

/// Connects for as long as servers die and come back.
fn connect(dir: &Path, memory: &Memory, next_expected: u64) -> Client {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let options = Options {
            next_expected,
            timeout: PATIENCE,
            ..Options::default()
        };
        let credentials = credentials(dir, "desk", DESK, Role::Desk);
        match Client::connect(address(dir), credentials, options) {
            Ok(mut client) => {
                resend(&mut client, memory);
                return client;
            }
            Err(error) => assert!(Instant::now() < deadline, "no server: {error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends again what the server's journal does not hold, under the same numbers.
fn resend(client: &mut Client, memory: &Memory) {
    let applied = usize::try_from(client.last_applied()).unwrap();
    assert!(
        applied <= memory.requests.len(),
        "the server has what was never asked"
    );
    for request in &memory.requests[applied..] {
        let mut again = *request;
        again.set_seq_no(POSS_DUP, 0);
        client.queue(again);
    }
}

/// Hears everything from the first message again, as one who has lost the file would.
fn compare_from_the_first(dir: &Path, memory: &Memory) {
    let mut client = connect(dir, memory, 1);
    for expected in &memory.heard {
        match next(&mut client) {
            Ok(reply) => assert_eq!(said_again(&reply), said_again(expected)),
            // A server that dies meanwhile: the comparison goes as far as it went.
            Err(_) => return,
        }
    }
}

fn next(client: &mut Client) -> Result<Reply, portcullis_client::ClientError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(Event::Reply(reply)) = client.recv(Duration::from_millis(100))? {
            return Ok(reply);
        }
        assert!(Instant::now() < deadline, "a connection that says nothing");
    }
}

/// Trades until it is killed; or, to settle, until everything is answered.
pub(crate) fn run(dir: &Path) {
    let settle = std::env::var(SETTLE).is_ok();
    let mut memory = Memory::open(dir);
    memory.catch_up();
    if settle || memory.requests.len().is_multiple_of(8) {
        compare_from_the_first(dir, &memory);
    }
    let from = |memory: &Memory| memory.heard.last().map_or(1, |last| last.seq_no() + 1);
    let mut client = connect(dir, &memory, from(&memory));
    let mut sent = memory.requests.len();
    let mut heard_at = Instant::now();
    loop {
        match client
            .flush()
            .and_then(|_| client.recv(Duration::from_millis(1)))
        {
            Ok(Some(Event::Reply(reply))) => {
                heard_at = Instant::now();
                assert_eq!(reply.seq_no(), from(&memory), "in order, each once");
                memory.hear(reply);
            }
            Ok(_) => {
                if settle && memory.book.unanswered == 0 {
                    client.terminate().unwrap();
                    return;
                }
                assert!(
                    heard_at.elapsed() < PATIENCE,
                    "{} unanswered",
                    memory.book.unanswered
                );
                for _ in 0..4 {
                    if !settle && memory.book.unanswered < WINDOW {
                        let order = memory.book.order();
                        memory.ask(order);
                    }
                }
            }
            // The server has died. Half of the time the client takes its own session up, half of the
            // time a new one does.
            Err(_) if memory.requests.len().is_multiple_of(2) => take_up(dir, &mut client),
            Err(_) => {
                client = connect(dir, &memory, from(&memory));
                sent = memory.requests.len();
            }
        }
        for request in &memory.requests[sent..] {
            client.queue(*request);
        }
        sent = memory.requests.len();
    }
}

fn take_up(dir: &Path, client: &mut Client) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(address) = address(dir).parse() {
            client.set_address(address);
        }
        match client.reconnect() {
            Ok(()) => return,
            Err(error) => assert!(Instant::now() < deadline, "no server: {error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
