//! Rings that are full all the time, under real orders: every order that goes in is accepted, rejected or
//! `Busy`, answered once, and a `Busy` one has changed nothing.
//!
//! Records go to memory instead of a disk, so that ten million take minutes:
//! ```sh
//! cargo test --release -p engine --test ring_full -- --ignored --nocapture
//! ```

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what two threads of a test share, and how long it took"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outbox, Outcome};
use engine::firm::Firm;
use engine::follower::RecordSource;
use engine::journal::sim::SimFiles;
use engine::pipeline::{
    AckPolicy, Inbound, Options, Outbound, Pipeline, Shape, Sink, SinkError, Space, Wait,
};
use engine::record::decode_record;
use engine::recover::{OpenOptions, open_on};
use engine::risk::RiskEngine;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use wire::{
    Capacity, E8, ExecType, NewOrder, OrdType, Price, Qty, RejectCode, Reply, Side, Time,
    TimeInForce, VenueReport,
};

const START: u64 = 1_780_000_000_000_000_000;
const TRADE_DATE: u32 = 20_260_528;
const DESK: u32 = 1;
/// Records that the follower may be behind.
const BEHIND_MAX: usize = 100_000;

const FIRM: &str = r#"
[firm]
name = "Full"
instance = "full"
two_person = false
base_currency = "USD"
[capacity]
accounts = 4
instruments = 4
orders = 4096
rows = 64
executions = 256
limits = 32
sessions = 4
[day]
open = "auto"
[[desks]]
id = 1
name = "Desk"
[[accounts]]
id = 1
name = "ACCOUNT"
desk = 1
suspense = true
self_match = "off"
[[traders]]
id = 1
name = "Ada"
[[instruments]]
id = 1
symbol = "SHARE"
venue = 1
group = 1
tick = 0.01
lot = 1
reference = 100
mark = 100
[[sessions]]
id = 1
name = "desk"
role = "desk"
topology = "sidecar"
accounts = [1]
traders = [1]
public_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
"#;

fn firm() -> Firm {
    let mut text = FIRM.to_owned();
    for (kind, value) in [
        ("MaxOrderQty", "100"),
        ("MaxOrderNotional", "unlimited"),
        ("PriceCollar", "10%"),
        ("OrderRate", "unlimited"),
        ("MaxOpenOrders", "1000"),
        ("MaxLong", "50000"),
        ("MaxShort", "50000"),
        ("GrossNotional", "unlimited"),
    ] {
        text += &format!("[[limits]]\nscope = \"firm\"\nkind = \"{kind}\"\nvalue = \"{value}\"\n");
    }
    Firm::parse("firm.toml", &text).unwrap()
}

/// What has been written, and an engine that has never heard of the orders that were `Busy`.
struct Written {
    waiting: VecDeque<(Sequenced, Decision)>,
    records: u64,
    shadow: RiskEngine,
}

struct ToMemory {
    written: Arc<Mutex<Written>>,
    batch: Vec<(Sequenced, Decision)>,
    last: u64,
}

impl Sink for ToMemory {
    fn has_room_for(&self, _length: usize) -> bool {
        self.batch.len() < 64
    }
    fn push(&mut self, seq: u64, record: &[u8]) -> Result<(), SinkError> {
        assert_eq!(seq, self.last + 1 + self.batch.len() as u64);
        self.batch.push(decode_record(record).unwrap());
        Ok(())
    }
    fn write(&mut self, _now_ns: u64) -> Result<u64, SinkError> {
        loop {
            let mut written = self.written.lock().unwrap();
            if written.waiting.len() > BEHIND_MAX {
                drop(written);
                std::thread::yield_now();
                continue;
            }
            let mut outbox = Outbox::new();
            for (input, decision) in self.batch.drain(..) {
                self.last = input.seq;
                written.records += 1;
                if decision.code != RejectCode::Busy.number() {
                    outbox.clear();
                    let again = written.shadow.apply(&input, &mut outbox);
                    let without = (again.outcome, again.code);
                    assert_eq!(without, (decision.outcome, decision.code), "{input:?}");
                }
                written.waiting.push_back((input, decision));
            }
            return Ok(self.last);
        }
    }
    fn sync(&mut self) -> Result<u64, SinkError> {
        Ok(self.last)
    }
    fn needs_restate(&self) -> bool {
        false
    }
    fn restate(&mut self, _now_ns: u64) -> Result<(), SinkError> {
        Ok(())
    }
    fn may_roll(&self) -> bool {
        false
    }

    fn prepare_ahead(&mut self, _waiting_bytes: u64) -> Space {
        Space::Enough
    }
    fn clean_stop(self: Box<Self>, _now_ns: u64) -> Result<u64, SinkError> {
        Ok(self.last)
    }
}

/// The records of the start, then those in memory.
struct FromMemory {
    begin: Box<dyn RecordSource>,
    begin_last: u64,
    at: u64,
    written: Arc<Mutex<Written>>,
}

impl RecordSource for FromMemory {
    fn next(&mut self, durable: u64) -> Result<Option<(Sequenced, Decision)>, String> {
        if self.at < self.begin_last {
            let record = self.begin.next(durable.min(self.begin_last))?;
            self.at = record.map_or(self.at, |(input, _)| input.seq);
            return Ok(record);
        }
        let mut written = self.written.lock().unwrap();
        let due = written
            .waiting
            .front()
            .is_some_and(|(i, _)| i.seq <= durable);
        Ok(due.then(|| written.waiting.pop_front()).flatten())
    }
}

/// What the desk counts for itself.
#[derive(Debug, Default)]
struct Counts {
    orders: u64,
    reports: u64,
    accepted: u64,
    rejected: u64,
    busy: u64,
    ended: u64,
}

struct Desk {
    counts: Counts,
    in_seq_no: u64,
    /// Orders that were accepted and have to be reported as ended.
    to_end: VecDeque<u64>,
    random: u64,
}

impl Counts {
    /// Whether each answer was given to more than one in a thousand of so many events.
    fn is_varied(&self, events: u64) -> bool {
        [self.accepted, self.rejected, self.busy]
            .iter()
            .all(|count| *count > events / 1_000)
    }
}

impl Desk {
    fn below(&mut self, bound: i64) -> i64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.random >> 33).unwrap() % bound
    }

    fn next(&mut self) -> Inbound {
        self.in_seq_no += 1;
        let command: Command = match self.to_end.pop_front() {
            Some(cl_ord_id) => {
                self.counts.reports += 1;
                VenueReport {
                    cl_ord_id,
                    transact_time: Time(START),
                    trade_date: TRADE_DATE,
                    account: 1,
                    instrument_id: 1,
                    venue_id: 1,
                    last_px: Price::NULL,
                    last_qty: Qty::NULL,
                    cum_qty: Qty::NULL,
                    leaves_qty: Qty::NULL,
                    exec_type: ExecType::Cancelled,
                    side: Side::Buy,
                    ..VenueReport::default()
                }
                .into()
            }
            None => {
                self.counts.orders += 1;
                NewOrder {
                    cl_ord_id: self.counts.orders,
                    price: Price(100 * E8),
                    // One in eleven is larger than the limit.
                    qty: Qty((1 + self.below(110)) * E8),
                    account: 1,
                    instrument_id: 1,
                    trader_id: 1,
                    side: Side::Buy,
                    ord_type: OrdType::Limit,
                    tif: TimeInForce::Day,
                    capacity: Capacity::Agency,
                    ..NewOrder::default()
                }
                .into()
            }
        };
        Inbound {
            received_at: START,
            session_id: DESK,
            in_seq_no: self.in_seq_no,
            command,
        }
    }

    fn hear(&mut self, outbound: &Outbound) {
        let Outbound::Send(outgoing) = outbound else {
            return;
        };
        if let Reply::OrderAccepted(m) = outgoing.reply {
            self.counts.accepted += 1;
            self.to_end.push_back(m.cl_ord_id);
        } else if let Reply::OrderRejected(m) = outgoing.reply {
            if m.code == RejectCode::Busy.number() {
                self.counts.busy += 1;
            } else {
                self.counts.rejected += 1;
            }
        } else if let Reply::OrderCancelled(_) = outgoing.reply {
            self.counts.ended += 1;
        }
    }
}

fn full_rings(events: u64) {
    let started = Instant::now();
    let firm = firm();
    let options = OpenOptions::new(
        firm.genesis(Time(START)),
        AckPolicy::Memory,
        "test-1",
        START,
    );
    let mut opened = open_on(SimFiles::new(1), &options).unwrap();
    let day = opened.enter(firm.first_day(TRADE_DATE), START).unwrap();
    assert!(day.iter().all(|d| d.outcome != Outcome::Rejected));
    let written = Arc::new(Mutex::new(Written {
        waiting: VecDeque::new(),
        records: 0,
        shadow: opened.engine.clone(),
    }));
    let (before, base) = (opened.follower.seq(), opened.seq);
    opened.tail = Box::new(FromMemory {
        begin: opened.tail,
        begin_last: base,
        at: before,
        written: Arc::clone(&written),
    });
    opened.sink = Box::new(ToMemory {
        written: Arc::clone(&written),
        batch: Vec::new(),
        last: base,
    });
    let wait = Wait {
        spins: 0,
        yields: 1_000,
    };
    let small = Options {
        control_slots: 4,
        orders_slots: 64,
        outbound_slots: 256,
        journal_slots: 64,
        journal_memory: 0,
        report_slots: 2,
        reserve: 32,
        engine_wait: wait,
        writer_wait: wait,
        shape: Shape::Pipelined,
        ..Options::new(AckPolicy::Memory)
    };
    let clock = Arc::new(|| START);
    let (mut doors, handle) = Pipeline::start(opened, small, clock, Arc::new(|| {})).unwrap();
    let mut desk = Desk {
        counts: Counts::default(),
        in_seq_no: 0,
        to_end: VecDeque::new(),
        random: 1,
    };
    let (mut pushed, mut gave_back) = (0_u64, 0_u64);
    let mut waiting = None;
    // On a machine that is busy elsewhere nearly all is Busy: then it takes more to meet the others.
    while pushed < events || (!desk.counts.is_varied(events) && pushed < 50 * events) {
        match doors
            .orders
            .try_push(waiting.take().unwrap_or_else(|| desk.next()))
        {
            Ok(()) => pushed += 1,
            Err(back) => {
                gave_back += 1;
                waiting = Some(back);
                while let Some(outbound) = doors.outbound.pop() {
                    desk.hear(&outbound);
                }
                std::thread::yield_now();
            }
        }
    }
    if let Some(Inbound { command, .. }) = waiting {
        // It was never handed over.
        if matches!(command, Command::NewOrder(_)) {
            desk.counts.orders -= 1;
        } else {
            desk.counts.reports -= 1;
        }
    }
    let stopped = handle
        .shutdown(&mut doors, |outbound| desk.hear(&outbound))
        .unwrap();
    let counts = &desk.counts;
    println!(
        "{events} events through full rings in {:.1} s; {counts:?}; {gave_back} times the ring was full",
        started.elapsed().as_secs_f64()
    );
    assert_eq!(counts.orders + counts.reports, pushed);
    assert_eq!(stopped.taken, pushed);
    assert_eq!(
        counts.orders,
        counts.accepted + counts.rejected + counts.busy,
        "each order has one answer"
    );
    assert_eq!(counts.ended, counts.reports, "reports are never refused");
    assert!(counts.is_varied(events), "hardly any of one: {counts:?}");
    assert!(gave_back > events / 1_000, "the rings were never full");
    let written = written.lock().unwrap();
    assert_eq!(written.records, pushed);
    // The follower has compared every decision; and what was Busy has left no trace.
    assert_eq!(doors.watermarks.followed(), stopped.seq);
    assert_eq!(doors.watermarks.diverged(), None);
    assert_eq!(written.shadow.risk_digest(), stopped.engine.risk_digest());
}

#[test]
fn through_full_rings_every_order_is_accepted_rejected_or_busy_and_busy_changes_nothing() {
    full_rings(20_000);
}

#[test]
#[ignore = "ten million events: minutes in a release build"]
fn full_ring_full() {
    full_rings(10_000_000);
}
