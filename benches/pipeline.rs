//! What the hand-off of a record to the writer costs the engine thread (P7): the push of (command,
//! decision) into the ring, with room looked at before, as the engine does it.
//!
//! Two cases: the ring's own cost, pushed and popped by one thread in bursts that fit it, and with a
//! consumer on another thread, which adds the cache lines that travel between cores.

use engine::command::Sequenced;
use engine::decision::{Decision, Outcome};
use engine::pipeline::{Consumer, Producer, ring};
use engine::risk::RiskEngine;
use gateway::bench::figures::{self, Request, nanos};
use gateway::bench::firm::{Shape, TWELVE, found};
use gateway::bench::flow::Flow;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

type Recorded = (Sequenced, Decision);

/// Slots of the ring to the writer, as the pipeline has them.
const SLOTS: usize = 4_096;
/// Records of one timed burst.
const BURST: usize = 1_024;

fn records() -> Vec<Recorded> {
    let shape = Shape::small();
    let mut engine = RiskEngine::new();
    let seq = found(&mut engine, &shape, TWELVE);
    let mut flow = Flow::new(shape, 1, seq, 500);
    let decision = Decision::of(Outcome::Accepted);
    (0..BURST).map(|_| (flow.next().input, decision)).collect()
}

/// Pushes a burst that fits; nanoseconds a record.
fn push(producer: &Producer<Recorded>, records: &[Recorded]) -> f64 {
    let start = Instant::now();
    for record in records {
        if black_box(producer.room()) == 0 || producer.try_push(black_box(*record)).is_err() {
            panic!("the burst fits the ring");
        }
    }
    nanos(start.elapsed()) as f64 / records.len() as f64
}

fn drain(consumer: &Consumer<Recorded>) {
    while let Some(record) = consumer.pop() {
        black_box(record.0.seq);
    }
}

fn main() {
    let request = Request::from_args();
    figures::open("pipeline", request);
    println!(
        "goal: P7 at most 15 ns a record; a record in the ring has {} bytes",
        size_of::<Recorded>()
    );
    let records = records();
    let bursts = request.pick(5_000, 50);

    let (producer, consumer) = ring(SLOTS);
    let mut times: Vec<f64> = (0..bursts)
        .map(|_| {
            let ns = push(&producer, &records);
            drain(&consumer);
            ns
        })
        .collect();
    println!(
        "  one thread:  median {:.1} ns a record",
        figures::median(&mut times)
    );

    let (producer, consumer) = ring(SLOTS);
    let stop = AtomicBool::new(false);
    let mut times: Vec<f64> = Vec::with_capacity(bursts);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                drain(&consumer);
                std::thread::yield_now();
            }
        });
        for _ in 0..bursts {
            while producer.room() < BURST {
                std::thread::yield_now();
            }
            times.push(push(&producer, &records));
        }
        stop.store(true, Ordering::Release);
    });
    println!(
        "  two threads: median {:.1} ns a record",
        figures::median(&mut times)
    );
}
