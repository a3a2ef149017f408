//! From the first byte of an order to the last byte of its decision, over TCP on loopback: the real
//! server against a bare echo of the same frames, same loop, same client, same run.
//!
//! - P1: one order in flight, `ack=memory`, against the echo; yielding and blocking client;
//! - P2: one order in flight, `ack=durable`, against the echo and one write + fdatasync;
//! - open loop: messages leave at planned times and are measured from the *planned* time. A run that
//!   could not keep its own schedule prints `invalid` instead of percentiles.
//!
//! Orders are accepted by a firm with twelve limits a chain; in the open loop every order is followed
//! by the desk's report of its end, so that both sides of the reserve are paid for and the state stays
//! the same. Every reply is checked.

#[path = "wire_to_wire/client.rs"]
mod client;
#[path = "wire_to_wire/server.rs"]
mod server;

use client::{Line, Waiting};
use engine::pipeline::AckPolicy;
use gateway::bench::figures::{self, Pairs, Request};
use gateway::bench::machine::{self, RawFile};
use hdrhistogram::Histogram;
use server::{EchoServer, RealServer};
use std::path::Path;
use std::time::Duration;

/// What one side measured in all turns.
struct Side {
    name: &'static str,
    all: Histogram<u64>,
}

impl Side {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            all: figures::histogram(),
        }
    }

    /// One turn of round trips; adds to the total and gives the turn's own histogram.
    fn turn(&mut self, trips: usize, mut trip: impl FnMut() -> u64) -> Histogram<u64> {
        let mut turn = figures::histogram();
        for _ in 0..trips {
            let ns = trip();
            figures::record(&mut turn, ns);
        }
        if self.all.add(&turn).is_err() {
            panic!("both histograms have the same bounds");
        }
        turn
    }

    fn print(&self) {
        println!("    {:<28} {}", self.name, figures::percentiles(&self.all));
    }
}

/// Ratios of the percentiles of two sides, turn by turn.
#[derive(Default)]
struct Ratios([Pairs; 3]);

const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

impl Ratios {
    fn add(&mut self, ours: &Histogram<u64>, floor: &Histogram<u64>) {
        for (pairs, (_, quantile)) in self.0.iter_mut().zip(QUANTILES) {
            let at = |side: &Histogram<u64>| side.value_at_quantile(quantile) as f64;
            pairs.add(at(ours), at(floor));
        }
    }

    fn print(&self, trips: usize) {
        for (pairs, (name, quantile)) in self.0.iter().zip(QUANTILES) {
            // A turn's percentile needs ten samples beyond it.
            if trips as f64 * (1.0 - quantile) >= 9.99 {
                println!("    ours / floor {name:<6} {}", pairs.text());
            }
        }
    }
}

/// Orders that may stay live between two ends: well below where the server's table is full.
const LIVE_MAX: usize = 8_192;

/// One order in flight, A B B A.
fn in_flight(
    ours: &mut Line,
    floor: &mut Line,
    mut sync: Option<&mut RawFile>,
    (pairs, trips): (usize, usize),
) {
    let mut ratios = Ratios::default();
    let mut side_a = Side::new("server");
    let mut side_b = Side::new(if sync.is_some() {
        "echo + write + fdatasync"
    } else {
        "echo"
    });
    for pair in 0..=pairs {
        let mut turn_a = |side: &mut Side| {
            let turn = side.turn(trips, || {
                ours.end_orders_above(LIVE_MAX);
                ours.order()
            });
            ours.end_orders();
            turn
        };
        let mut turn_b = |side: &mut Side| {
            side.turn(trips, || {
                let echo = floor.order();
                echo + sync.as_mut().map_or(0, |file| {
                    server::must("the raw file", file.write_and_sync(&[7; 256]))
                })
            })
        };
        let (a, b) = if pair % 2 == 0 {
            let a = turn_a(&mut side_a);
            (a, turn_b(&mut side_b))
        } else {
            let b = turn_b(&mut side_b);
            (turn_a(&mut side_a), b)
        };
        if pair == 0 {
            // The first pair warms both sides up.
            side_a.all.reset();
            side_b.all.reset();
        } else {
            ratios.add(&a, &b);
        }
    }
    side_a.print();
    side_b.print();
    ratios.print(trips);
}

/// Messages at planned times; what was measured, or why not.
fn open_loop(name: &str, line: &mut Line, rate: u64, time: Duration) {
    let run = line.open_loop(rate, time);
    let late = 100.0 * run.late as f64 / run.sent.max(1) as f64;
    print!("    {name:<8} {rate:>9}/s  ");
    // More than one in a hundred late by more than 100 µs: the figures would be the generator's.
    if run.unanswered > 0 || late > 1.0 {
        println!(
            "invalid: {late:.1} % of {} sends were late, {} unanswered",
            run.sent, run.unanswered
        );
    } else {
        println!(
            "{}  ({late:.2} % sent late)",
            figures::percentiles(&run.latency)
        );
    }
}

fn main() {
    let request = Request::from_args();
    figures::open("wire_to_wire", request);
    println!("goals: P1 p50 ≤ 1.25×, p99 ≤ 1.3×, p99.9 ≤ 1.5×; P2 p50 ≤ 1.3×");
    let directory = match machine::disk_directory(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(directory) => directory,
        Err(error) => {
            eprintln!("wire_to_wire: {error}");
            std::process::exit(2);
        }
    };
    println!("file system: {}", machine::file_system(directory.path()));
    let hiccup = machine::hiccups(Duration::from_millis(request.pick(2_000, 100)));
    println!("hiccup baseline: {}", figures::percentiles(&hiccup));

    let echo = EchoServer::start();
    let memory = RealServer::start(&directory.path().join("memory"), AckPolicy::Memory);
    for waiting in [Waiting::Yielding, Waiting::Blocking] {
        println!("\nP1: one order in flight, ack=memory, {waiting} client");
        let mut ours = memory.line(waiting);
        let mut floor = echo.line(waiting);
        in_flight(
            &mut ours,
            &mut floor,
            None,
            request.pick((30, 5_000), (2, 200)),
        );
    }
    println!("\nopen loop, latency from the planned time");
    let time = Duration::from_millis(request.pick(3_000, 200));
    let rates: &[u64] = request.pick(
        &[
            10_000, 50_000, 100_000, 200_000, 400_000, 800_000, 1_600_000,
        ],
        &[2_000],
    );
    for rate in rates {
        open_loop("echo", &mut echo.line(Waiting::Yielding), *rate, time);
        open_loop("server", &mut memory.line(Waiting::Yielding), *rate, time);
    }
    memory.stop();

    println!("\nP2: one order in flight, ack=durable, yielding client");
    let durable = RealServer::start(&directory.path().join("durable"), AckPolicy::Durable);
    let mut raw = match RawFile::create(&directory.path().join("raw")) {
        Ok(raw) => raw,
        Err(error) => panic!("the raw file can't be written: {error}"),
    };
    let mut ours = durable.line(Waiting::Yielding);
    let mut floor = echo.line(Waiting::Yielding);
    in_flight(
        &mut ours,
        &mut floor,
        Some(&mut raw),
        request.pick((30, 1_000), (2, 20)),
    );
    drop(ours);
    durable.stop();
    echo.stop();
}
