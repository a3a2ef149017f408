//! What a decision costs (P5, P6): `RiskEngine::apply` over a flow of accepted work.
//!
//! Two shapes, each interleaved with the *plainest possible check* of the same new orders: a few
//! comparisons and two additions on dense arrays, without orders, scopes, releases or messages.
//!
//! - small (P5): 100 accounts × 50 instruments, 12,000 live orders, four scopes, 12 limits a chain;
//! - large (P6): 1,000,000 accounts × 1,000 instruments, 1,000,000 live orders, Zipf 0.99; it takes
//!   some 8 GiB of memory, half of it for the dense array of the plain check.
//!
//! The mean comes from batches between two readings of the clock; percentiles from other batches, in
//! which every command is timed and the clock's own cost taken off. `cargo bench --bench decision --
//! small` runs one shape only.

use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use gateway::bench::figures::{self, Pairs, Request, nanos};
use gateway::bench::firm::{REFERENCE, Shape, TWELVE, found};
use gateway::bench::flow::{Flow, Kind, Work};
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::time::Instant;
use wire::{E8, NewOrder, Side};

/// Commands between two readings of the clock.
const BATCH: usize = 256;
/// Batches of one side before the other side has its turn.
const TURN: usize = 16;

/// The plainest check one could write: quantity, collar and position against constants, dense arrays.
struct Plain {
    /// Worst-case position of (account, instrument) in lots.
    positions: Vec<i32>,
    /// Open value of each account in 10⁻⁴.
    values: Vec<i64>,
    references: Vec<i64>,
    instruments: usize,
}

impl Plain {
    fn new(shape: &Shape) -> Self {
        let (accounts, instruments) = (shape.accounts as usize, shape.instruments as usize);
        Self {
            // Not zero, so that every page is there before the first reading of the clock.
            positions: vec![1; accounts * instruments],
            values: vec![1; accounts],
            references: vec![REFERENCE; instruments],
            instruments,
        }
    }

    #[inline]
    fn check(&mut self, order: &NewOrder) -> bool {
        let (account, instrument) = (order.account as usize - 1, order.instrument_id as usize - 1);
        let lots = order.qty.0 / E8;
        let signed = if order.side == Side::Buy { lots } else { -lots };
        let row = &mut self.positions[account * self.instruments + instrument];
        let after = i64::from(*row) + signed;
        let value = &mut self.values[account];
        let value_after = *value + (order.price.0 / 10_000) * lots;
        let away = (order.price.0 - self.references[instrument]).abs();
        let passes = lots <= 10_000
            && away <= self.references[instrument] / 10
            && after.abs() <= 1_000_000_000
            && value_after <= i64::MAX / 2;
        if passes {
            *row = i32::try_from(after).unwrap_or(i32::MAX);
            *value = value_after;
        }
        passes
    }
}

/// What one shape measured.
struct Figures {
    /// Nanoseconds of each batch divided by its commands, each decided by itself.
    batches: Vec<f64>,
    /// The same where commands wait behind each other, as they do under load: the next ones are known.
    in_a_row: Vec<f64>,
    each: Histogram<u64>,
    by_kind: Vec<Histogram<u64>>,
    plain: Vec<f64>,
    pairs: Pairs,
    pairs_in_a_row: Pairs,
    counts: [u64; Kind::ALL.len()],
    unexpected: u64,
}

struct Bench {
    engine: RiskEngine,
    out: Outbox,
    flow: Flow,
    plain: Plain,
    work: Vec<Work>,
    clock: u64,
    figures: Figures,
}

impl Bench {
    fn new(shape: Shape, live: usize, skewed: bool) -> Self {
        let mut engine = RiskEngine::new();
        let seq = found(&mut engine, &shape, TWELVE);
        let flow = Flow::new(shape, 1, seq, live);
        let mut bench = Self {
            engine,
            out: Outbox::new(),
            flow: if skewed { flow.skewed() } else { flow },
            plain: Plain::new(&shape),
            work: Vec::with_capacity(BATCH),
            clock: figures::clock_cost(),
            figures: Figures {
                batches: Vec::new(),
                in_a_row: Vec::new(),
                each: figures::histogram(),
                by_kind: vec![figures::histogram(); Kind::ALL.len()],
                plain: Vec::new(),
                pairs: Pairs::default(),
                pairs_in_a_row: Pairs::default(),
                counts: [0; Kind::ALL.len()],
                unexpected: 0,
            },
        };
        // Up to the steady number of live orders, and past it until ended orders give up their slots.
        let warm_up = live * 2 + shape.orders as usize * 4;
        for _ in 0..warm_up.div_ceil(BATCH) {
            bench.flow.fill(&mut bench.work, BATCH);
            bench.check_only();
        }
        bench
    }

    /// Whether the engine decided as the flow meant it.
    fn expected(work: &Work, outcome: Outcome) -> bool {
        match work.kind {
            Kind::New | Kind::Replace | Kind::Cancel => outcome == Outcome::Accepted,
            Kind::Fill | Kind::Report => outcome == Outcome::Applied,
            Kind::Refused => outcome == Outcome::Rejected,
        }
    }

    fn check_only(&mut self) {
        for work in &self.work {
            let outcome = self.engine.apply(&work.input, &mut self.out).outcome;
            self.figures.unexpected += u64::from(!Self::expected(work, outcome));
        }
    }

    /// One batch between two readings of the clock; returns nanoseconds a command.
    fn batch(&mut self, in_a_row: bool) -> f64 {
        self.flow.fill(&mut self.work, BATCH);
        let mut unexpected = 0;
        let start = Instant::now();
        for (at, work) in self.work.iter().enumerate() {
            if in_a_row {
                self.engine.look_ahead(|by| {
                    let next = &self.work.get(at + by)?.input;
                    Some((next.session_id, &next.command))
                });
            }
            let decision = self.engine.apply(&work.input, &mut self.out);
            unexpected += u64::from(!Self::expected(work, decision.outcome));
            black_box(self.out.items().len());
        }
        let ns = nanos(start.elapsed()) as f64 / self.work.len() as f64;
        self.count(unexpected);
        ns
    }

    /// One batch with every command timed.
    fn singles(&mut self) {
        self.flow.fill(&mut self.work, BATCH);
        let mut unexpected = 0;
        for work in &self.work {
            let start = Instant::now();
            let decision = self.engine.apply(&work.input, &mut self.out);
            black_box(self.out.items().len());
            let ns = nanos(start.elapsed()).saturating_sub(self.clock);
            unexpected += u64::from(!Self::expected(work, decision.outcome));
            figures::record(&mut self.figures.each, ns);
            figures::record(&mut self.figures.by_kind[work.kind.index()], ns);
        }
        self.count(unexpected);
    }

    fn count(&mut self, unexpected: u64) {
        self.figures.unexpected += unexpected;
        for work in &self.work {
            self.figures.counts[work.kind.index()] += 1;
        }
    }

    /// The plain check of the new orders of the work at hand, over and over until a batch is full.
    fn plain_batch(&mut self, orders: &mut Vec<NewOrder>) -> Option<f64> {
        orders.clear();
        while orders.len() < BATCH {
            // Drawn from a flow of their own: the plain check keeps no orders.
            self.flow.sample(orders, BATCH);
        }
        let start = Instant::now();
        let mut passed = 0;
        for order in orders.iter() {
            passed += u32::from(self.plain.check(order));
        }
        let ns = nanos(start.elapsed()) as f64 / orders.len() as f64;
        (black_box(passed) > 0).then_some(ns)
    }

    /// Batches of both kinds in turns; their medians.
    fn turn_of_ours(&mut self) -> [f64; 2] {
        let (mut alone, mut in_a_row) = (Vec::new(), Vec::new());
        for _ in 0..TURN {
            alone.push(self.batch(false));
            in_a_row.push(self.batch(true));
        }
        self.singles();
        self.figures.batches.extend(&alone);
        self.figures.in_a_row.extend(&in_a_row);
        [figures::median(&mut alone), figures::median(&mut in_a_row)]
    }

    fn turn_of_plain(&mut self, orders: &mut Vec<NewOrder>) -> f64 {
        let mut batches: Vec<f64> = (0..TURN).filter_map(|_| self.plain_batch(orders)).collect();
        self.figures.plain.extend(&batches);
        figures::median(&mut batches)
    }

    fn run(mut self, pairs: usize) -> Self {
        let mut orders = Vec::with_capacity(BATCH);
        for pair in 0..pairs {
            let (ours, plain) = if pair % 2 == 0 {
                let ours = self.turn_of_ours();
                (ours, self.turn_of_plain(&mut orders))
            } else {
                let plain = self.turn_of_plain(&mut orders);
                (self.turn_of_ours(), plain)
            };
            let [alone, in_a_row] = ours;
            self.figures.pairs.add(alone, plain);
            self.figures.pairs_in_a_row.add(in_a_row, plain);
        }
        self
    }

    fn print(mut self, name: &str) {
        self.engine.check_invariants();
        let figures = &mut self.figures;
        let all: u64 = figures.counts.iter().sum();
        let refused = figures.counts[Kind::Refused.index()];
        assert_eq!(
            figures.unexpected, 0,
            "every decision is as the flow meant it"
        );
        assert!(refused * 20 <= all, "at most 5 % of the work is refused");
        let mean = figures.batches.iter().sum::<f64>() / figures.batches.len() as f64;
        let middle = figures::median(&mut figures.batches);
        // Sorted by now. On a machine with other work most batches are interrupted or find cold caches.
        let fastest = figures.batches[figures.batches.len() / 10];
        println!("\n{name}: {} live orders at the end", self.flow.live());
        println!(
            "  apply   mean {mean:.1} ns  (batches: median {middle:.1} ns, fastest tenth {fastest:.1} ns; {} commands, {:.1} % refused as meant)",
            figures.batches.len() * BATCH,
            100.0 * refused as f64 / all as f64,
        );
        println!(
            "  in a row, the next {} known: median {:.1} ns, fastest tenth {:.1} ns",
            RiskEngine::AHEAD,
            figures::median(&mut figures.in_a_row),
            figures.in_a_row[figures.in_a_row.len() / 10],
        );
        println!(
            "          {}  clock's {} ns taken off",
            figures::percentiles(&figures.each),
            self.clock
        );
        for kind in Kind::ALL {
            let share = 100.0 * figures.counts[kind.index()] as f64 / all as f64;
            let each = &figures.by_kind[kind.index()];
            println!(
                "          {:<13} {share:>4.1} %  mean {:>6.1} ns  p50 {:>5} ns  p99 {:>5} ns",
                kind.name(),
                each.mean(),
                each.value_at_quantile(0.5),
                each.value_at_quantile(0.99),
            );
        }
        println!(
            "  plain   median {:.1} ns an order; ours / plain {}; in a row {}",
            figures::median(&mut figures.plain),
            figures.pairs.text(),
            figures.pairs_in_a_row.text()
        );
    }
}

fn main() {
    let request = Request::from_args();
    figures::open("decision", request);
    println!("goals: P5 mean ≤ 80 ns, p99 ≤ 250 ns; P6 ≤ 3× the plain check");

    if request.wants("small") {
        Bench::new(Shape::small(), 12_000, false)
            .run(request.pick(200, 4))
            .print("P5 small: 100 accounts × 50 instruments, 12 limits a chain");
    }
    if request.wants("large") {
        large(request);
    }
}

fn large(request: Request) {
    let (accounts, instruments, live) =
        request.pick((1_000_000, 1_000, 1_000_000), (10_000, 100, 20_000));
    let live_slots = u32::try_from(live).unwrap_or(u32::MAX);
    let shape = Shape {
        accounts,
        desks: 100,
        traders: 1_000,
        instruments,
        groups: 20,
        orders: live_slots + live_slots / 4,
        rows: live_slots * 4,
        executions: 1 << 22,
        ..Shape::small()
    };
    Bench::new(shape, live, true)
        .run(request.pick(100, 4))
        .print(&format!(
            "P6 large: {accounts} accounts × {instruments} instruments, Zipf 0.99"
        ));
}
