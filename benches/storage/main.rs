//! What the disk costs whom: replies under `durable` against `memory` (P4), orders while the disk stands
//! still (P12) and while snapshots are made, and a long journal: start from a snapshot and from nothing,
//! memory, and replay against the slower of the engine alone and a sequential read (P9).
//!
//! Parts by name: `ack`, `frozen`, `snapshot`, `long`; without one, all. `PORTCULLIS_RECORDS` sets the
//! length of the long journal. The pipeline runs in this process, without sockets; this thread stands in
//! for the gateway. It runs on a disk only.

mod long;

use engine::command::{Command, Sequenced, SessionUp};
use engine::pipeline::{
    AckPolicy, BeforeSync, Doors, Inbound, Options, Outbound, Pipeline, PipelineHandle,
};
use engine::recover::{self, OpenOptions, Opened};
use gateway::bench::figures::{self, Pairs, Request, nanos};
use gateway::bench::firm::{START, Shape, TWELVE, VENUE_SESSION, genesis};
use gateway::bench::flow::Flow;
use gateway::bench::machine::{disk_directory, file_system};
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wire::Text;

/// Rate of the open loop, orders a second.
const RATE: u64 = 200_000;
/// How long the disk stands still.
const FROZEN: Duration = Duration::from_millis(500);

/// A failed step ends the bench with its reason.
fn must<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}

fn shape() -> Shape {
    Shape {
        executions: 1 << 22,
        orders: 65_536,
        ..Shape::small()
    }
}

fn open_options(ack: AckPolicy, snapshot_every: u64) -> OpenOptions {
    let mut options = OpenOptions::new(
        genesis(&shape(), TWELVE, Text::default()),
        ack,
        "bench-1",
        START,
    );
    options.duties.snapshot_every = snapshot_every;
    // A flow has a clock of its own, which runs ahead of this one in a long journal.
    options.accept_clock = true;
    options
}

/// The venue's session is up: inline orders pass.
fn venue_up() -> Command {
    SessionUp {
        session_id: VENUE_SESSION,
        key_id: 1,
        ..SessionUp::default()
    }
    .into()
}

fn opened(dir: &Path, ack: AckPolicy, snapshot_every: u64) -> Opened {
    let mut opened = must(
        "open",
        recover::open(dir, &open_options(ack, snapshot_every)),
    );
    must("enter", opened.enter([venue_up()], START));
    opened
}

/// A pipeline with a flow that fits it.
struct Rig {
    doors: Doors,
    handle: PipelineHandle,
    flow: Flow,
    taken: u64,
}

impl Rig {
    fn start(opened: Opened, ack: AckPolicy) -> Self {
        let flow = Flow::new(shape(), 7, opened.seq, 5_000);
        let clock = Instant::now();
        let (doors, handle) = must(
            "start",
            Pipeline::start(
                opened,
                Options::new(ack),
                Arc::new(move || START + nanos(clock.elapsed())),
                Arc::new(|| {}),
            ),
        );
        Self {
            doors,
            handle,
            flow,
            taken: 0,
        }
    }

    fn next(&mut self) -> Inbound {
        let Sequenced {
            t,
            session_id,
            in_seq_no,
            command,
            ..
        } = self.flow.next().input;
        Inbound {
            received_at: t,
            session_id,
            in_seq_no,
            command,
        }
    }

    /// What the engine has answered; calls `each` for every command taken.
    fn drain(&mut self, mut each: impl FnMut()) {
        self.doors.decide();
        self.doors.hand_on();
        while let Some(outbound) = self.doors.outbound.pop() {
            if matches!(outbound, Outbound::Taken { .. }) {
                self.taken += 1;
                each();
            }
        }
        while self.doors.notices.pop().is_some() {}
    }

    /// As fast as it goes, until replies to all of `count` commands may leave; commands a second.
    fn flood(&mut self, count: u64, ack: AckPolicy) -> f64 {
        let start = Instant::now();
        let until = self.taken + count;
        let mut left = count;
        while self.taken < until {
            while left > 0 && self.doors.orders.room() > 0 {
                let next = self.next();
                if self.doors.orders.try_push(next).is_err() {
                    panic!("there was room");
                }
                left -= 1;
            }
            self.drain(|| {});
            std::thread::yield_now();
        }
        while self.doors.watermarks.acknowledged(ack) < self.flow.seq() {
            std::thread::yield_now();
        }
        count as f64 / start.elapsed().as_secs_f64()
    }

    /// `count` commands at planned times; times from the planned moment to the answer, and how many
    /// were pushed late because the door was full.
    fn paced(&mut self, count: u64) -> (Histogram<u64>, u64) {
        let mut times = figures::histogram();
        let mut planned: VecDeque<u64> = VecDeque::with_capacity(1 << 16);
        let start = Instant::now();
        let (mut sent, mut refused) = (0_u64, 0_u64);
        let mut waiting: Option<Inbound> = None;
        while sent < count || !planned.is_empty() {
            let now = nanos(start.elapsed());
            while sent < count && sent * 1_000_000_000 / RATE <= now {
                let next = waiting.take().unwrap_or_else(|| self.next());
                if let Err(back) = self.doors.orders.try_push(next) {
                    waiting = Some(back);
                    refused += 1;
                    break;
                }
                planned.push_back(sent * 1_000_000_000 / RATE);
                sent += 1;
            }
            self.drain(|| {
                if let Some(at) = planned.pop_front() {
                    figures::record(&mut times, nanos(start.elapsed()).saturating_sub(at));
                }
            });
            std::hint::spin_loop();
        }
        (times, refused)
    }

    fn stop(mut self) {
        must("stop", self.handle.shutdown(&mut self.doors, drop));
    }
}

/// P4.
fn ack(request: Request, dir: &Path) {
    let count = request.pick(200_000, 5_000);
    let pairs = request.pick(20, 1);
    let mut ratios = Pairs::default();
    let (mut best_durable, mut best_memory) = (0_f64, 0_f64);
    let mut run = |ack: AckPolicy, name: &str| {
        let work = must("directory", tempfile::tempdir_in(dir));
        let mut rig = Rig::start(opened(work.path(), ack, 0), ack);
        rig.flood(count / 4, ack);
        let rate = rig.flood(count, ack);
        rig.stop();
        let best = if name == "durable" {
            &mut best_durable
        } else {
            &mut best_memory
        };
        *best = best.max(rate);
        rate
    };
    for pair in 0..pairs {
        let (durable, memory) = if pair % 2 == 0 {
            let durable = run(AckPolicy::Durable, "durable");
            (durable, run(AckPolicy::Memory, "memory"))
        } else {
            let memory = run(AckPolicy::Memory, "memory");
            (run(AckPolicy::Durable, "durable"), memory)
        };
        ratios.add(durable, memory);
    }
    println!(
        "P4 durable against memory, {count} commands flooded: {} (goal ≥ 0.70; best {best_durable:.0} and {best_memory:.0} a second)",
        ratios.text()
    );
}

/// One second of the open loop under `memory`; its p99 and p99.9, and pushes that found the door full.
fn second(dir: &Path, frozen: bool, snapshot_every: u64) -> (u64, u64, u64) {
    let work = must("directory", tempfile::tempdir_in(dir));
    let mut opened = opened(work.path(), AckPolicy::Memory, snapshot_every);
    let freeze = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&freeze);
    opened.sink = Box::new(BeforeSync::new(opened.sink, move || {
        if told.swap(false, Ordering::AcqRel) {
            std::thread::sleep(FROZEN);
        }
    }));
    let mut rig = Rig::start(opened, AckPolicy::Memory);
    rig.paced(RATE / 4);
    freeze.store(frozen, Ordering::Release);
    let (times, refused) = rig.paced(RATE);
    let taken = rig.taken;
    rig.stop();
    assert_eq!(taken, RATE + RATE / 4, "nothing is lost");
    (
        times.value_at_quantile(0.99),
        times.value_at_quantile(0.999),
        refused,
    )
}

fn paired(
    request: Request,
    with: impl Fn() -> (u64, u64, u64),
    without: impl Fn() -> (u64, u64, u64),
) -> [Pairs; 2] {
    let mut pairs = [Pairs::default(), Pairs::default()];
    let mut sides = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    let mut full = 0;
    for pair in 0..request.pick(20, 1) {
        let (a, b) = if pair % 2 == 0 {
            let a = with();
            (a, without())
        } else {
            let b = without();
            (with(), b)
        };
        pairs[0].add(a.0 as f64, b.0 as f64);
        pairs[1].add(a.1 as f64, b.1 as f64);
        for (side, (p99, p999, _)) in sides.iter_mut().zip([a, b]) {
            side[0].push(p99);
            side[1].push(p999);
        }
        full += a.2;
    }
    for (side, name) in sides.iter_mut().zip(["with it", "without"]) {
        let [p99, p999] = side.each_mut().map(|turns| micros_in_the_middle(turns));
        println!("  {name}: p99 {p99:.1} µs, p99.9 {p999:.1} µs (medians of the turns)");
    }
    println!("  pushes that found the door full with it: {full}");
    pairs
}

fn micros_in_the_middle(turns: &mut [u64]) -> f64 {
    turns.sort_unstable();
    turns
        .get(turns.len() / 2)
        .map_or(0.0, |ns| *ns as f64 / 1e3)
}

/// P12.
fn frozen(request: Request, dir: &Path) {
    println!(
        "P12 disk frozen for {FROZEN:?} at {RATE} a second, ack=memory, against the same without"
    );
    let [p99, p999] = paired(request, || second(dir, true, 0), || second(dir, false, 0));
    println!(
        "  p99   {}\n  p99.9 {} (goal ≤ 1.1)",
        p99.text(),
        p999.text()
    );
}

fn snapshot(request: Request, dir: &Path) {
    println!("snapshots every 50,000 records at {RATE} a second, against the same without");
    let [p99, p999] = paired(
        request,
        || second(dir, false, 50_000),
        || second(dir, false, 0),
    );
    println!(
        "  p99   {} (goal ≤ 1.1)\n  p99.9 {}",
        p99.text(),
        p999.text()
    );
}

fn main() {
    let request = Request::from_args();
    figures::open("storage", request);
    let dir = must(
        "a disk",
        disk_directory(Path::new(env!("CARGO_TARGET_TMPDIR"))),
    );
    println!("disk: {}", file_system(dir.path()));
    let dir = dir.path();
    if request.wants("ack") {
        ack(request, dir);
    }
    if request.wants("frozen") {
        frozen(request, dir);
    }
    if request.wants("snapshot") {
        snapshot(request, dir);
    }
    if request.wants("long") {
        long::run(request, dir);
    }
}
