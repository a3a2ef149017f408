//! The client of both sides: one socket, frames it makes itself, one loop. It differs between the
//! server and the echo only in what it expects to come back.

use super::server::must;
use gateway::bench::figures::{histogram, nanos, record};
use gateway::bench::firm::{REFERENCE, Shape};
use hdrhistogram::Histogram;
use portcullis_client::Client;
use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use wire::codec::{MAX_FRAME, encode_frame, split_frame};
use wire::{
    CancelReason, Capacity, E8, ExecType, Message, NewOrder, OrdType, OrderAccepted,
    OrderCancelled, Price, Qty, Side, TimeInForce, VenueReport,
};

/// How the client waits for bytes. The server's loop waits the same for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Asks again and again, yielding between.
    Yielding,
    /// Sleeps in `read`.
    Blocking,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yielding => "yielding",
            Self::Blocking => "blocking",
        })
    }
}

/// A sent message that has not been answered.
#[derive(Debug, Clone, Copy)]
struct Open {
    template_id: u16,
    planned: Instant,
}

/// What an open-loop run found.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) latency: Histogram<u64>,
    pub(super) sent: u64,
    /// Sent more than 100 µs after their time.
    pub(super) late: u64,
    pub(super) unanswered: usize,
}

/// Later than this after its time, a send is late.
const LATE: Duration = Duration::from_micros(100);
/// Orders whose end the open loop reports this many orders later.
const OPEN_ORDERS: usize = 64;

/// One connection.
pub(super) struct Line {
    stream: TcpStream,
    waiting: Waiting,
    /// Holds the session of a real server; `None` for the echo.
    session: Option<Client>,
    next_seq_no: u64,
    next_id: u64,
    /// Orders that have not ended.
    live: VecDeque<NewOrder>,
    open: VecDeque<Open>,
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
    written: usize,
}

impl Line {
    pub(super) fn new(
        stream: TcpStream,
        waiting: Waiting,
        session: Option<Client>,
        first_id: u64,
    ) -> Self {
        must("no delay", stream.set_nodelay(true));
        must("mode", stream.set_nonblocking(waiting == Waiting::Yielding));
        let next_seq_no = session.as_ref().map_or(1, Client::next_seq_no);
        Self {
            stream,
            waiting,
            session,
            next_seq_no,
            next_id: first_id,
            live: VecDeque::with_capacity(1 << 14),
            open: VecDeque::with_capacity(1 << 16),
            input: vec![0; 1 << 18],
            filled: 0,
            output: Vec::with_capacity(1 << 18),
            written: 0,
        }
    }

    fn queue<M: Message>(&mut self, message: &M, planned: Instant) {
        let mut frame = [0; MAX_FRAME];
        let len = encode_frame(message, &mut frame);
        self.output.extend_from_slice(&frame[..len]);
        self.next_seq_no += 1;
        self.open.push_back(Open {
            template_id: M::LAYOUT.template_id,
            planned,
        });
    }

    fn queue_order(&mut self, planned: Instant) {
        let account = u32::try_from(self.next_id % 10).unwrap_or(0) * 10 + 1;
        let order = NewOrder {
            seq_no: self.next_seq_no,
            cl_ord_id: self.next_id,
            price: Price(REFERENCE + i64::try_from(self.next_id % 100).unwrap_or(0) * (E8 / 100)),
            qty: Qty(5 * E8),
            account,
            instrument_id: u32::try_from(self.next_id % 50).unwrap_or(0) + 1,
            trader_id: Shape::small().trader_of(account),
            side: if self.next_id.is_multiple_of(2) {
                Side::Buy
            } else {
                Side::Sell
            },
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        };
        self.next_id += 1;
        self.live.push_back(order);
        self.queue(&order, planned);
    }

    /// The desk's report that its venue refused its oldest live order.
    fn queue_end(&mut self, planned: Instant) {
        let Some(order) = self.live.pop_front() else {
            return;
        };
        let report = VenueReport {
            seq_no: self.next_seq_no,
            cl_ord_id: order.cl_ord_id,
            account: order.account,
            instrument_id: order.instrument_id,
            exec_type: ExecType::Rejected,
            side: order.side,
            reason: CancelReason::VenueRejected,
            ..VenueReport::default()
        };
        self.queue(&report, planned);
    }

    /// Writes what the socket takes; whether nothing is left.
    fn flush(&mut self) -> bool {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(0) => panic!("the peer has closed the connection"),
                Ok(n) => self.written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("write: {error}"),
            }
        }
        self.output.clear();
        self.written = 0;
        true
    }

    /// Reads once and settles what has come back; the number of answers.
    fn receive(&mut self, mut answered: impl FnMut(Open, Instant)) -> usize {
        match self.stream.read(&mut self.input[self.filled..]) {
            Ok(0) => panic!("the peer has closed the connection"),
            Ok(n) => self.filled += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return 0,
            Err(error) => panic!("read: {error}"),
        }
        let now = Instant::now();
        let (mut at, mut answers) = (0, 0);
        while let Some(frame) = must("frame", split_frame(&self.input[at..self.filled])) {
            at += frame.len;
            // Session messages: heartbeats, and the echo's Hello.
            if frame.template_id < 100 {
                continue;
            }
            let Some(open) = self.open.pop_front() else {
                panic!("message {} answers nothing", frame.template_id);
            };
            let wanted = match (&self.session, open.template_id) {
                (None, sent) => sent,
                (Some(_), 100) => OrderAccepted::LAYOUT.template_id,
                (Some(_), _) => OrderCancelled::LAYOUT.template_id,
            };
            assert_eq!(
                frame.template_id, wanted,
                "every order is accepted and every report ends one"
            );
            answered(open, now);
            answers += 1;
        }
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
        answers
    }

    fn wait(&self) {
        if self.waiting == Waiting::Yielding {
            std::thread::yield_now();
        }
    }

    /// One order, there and back; nanoseconds.
    pub(super) fn order(&mut self) -> u64 {
        let start = Instant::now();
        self.queue_order(start);
        while !self.flush() {
            self.wait();
        }
        let mut ns = 0;
        while self.receive(|open, now| ns = nanos(now - open.planned)) == 0 {
            self.wait();
        }
        if self.session.is_none() {
            self.live.clear();
        }
        ns
    }

    /// Ends all live orders once there are so many, outside what is measured.
    pub(crate) fn end_orders_above(&mut self, most: usize) {
        if self.live.len() >= most {
            self.end_orders();
        }
    }

    /// Ends the live orders, outside any measurement.
    pub(super) fn end_orders(&mut self) {
        while !self.live.is_empty() {
            for _ in 0..256 {
                self.queue_end(Instant::now());
            }
            while !self.flush() {
                self.wait();
            }
            while !self.open.is_empty() {
                self.receive(|_, _| {});
                self.wait();
            }
        }
    }

    /// Messages at planned times: orders, each ended by a report some orders later.
    pub(super) fn open_loop(&mut self, rate: u64, time: Duration) -> Run {
        let interval = Duration::from_nanos(1_000_000_000 / rate.max(1));
        let mut run = Run {
            latency: histogram(),
            sent: 0,
            late: 0,
            unanswered: 0,
        };
        let start = Instant::now() + Duration::from_millis(1);
        let end = start + time;
        let give_up = end + Duration::from_secs(2);
        let mut planned = start;
        loop {
            let now = Instant::now();
            while planned <= now && planned < end && self.output.len() < 1 << 17 {
                if self.live.len() > OPEN_ORDERS {
                    self.queue_end(planned);
                } else {
                    self.queue_order(planned);
                }
                run.sent += 1;
                run.late += u64::from(now - planned > LATE);
                planned += interval;
            }
            self.flush();
            let latency = &mut run.latency;
            self.receive(|open, now| {
                record(latency, nanos(now.saturating_duration_since(open.planned)))
            });
            if (planned >= end && self.open.is_empty()) || now >= give_up {
                break;
            }
            self.wait();
        }
        run.unanswered = self.open.len();
        if run.unanswered == 0 {
            self.end_orders();
        }
        run
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // The bench wrote behind the client's back: only the socket is still good for anything.
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}
