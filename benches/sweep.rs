//! What a valuation sweep costs the orders beside it (P11): marks change under 100,000 holders
//! of 1,000 instruments while orders flow.
//!
//! Both sides run the same flow on the same engine, A B B A: one without changes, one in which a mark
//! changes every few hundred commands and, while rows wait for it, a step of the sweep comes before every
//! sixteenth command, as the engine thread does it when commands never cease. An order's time holds the
//! step that it had to wait for, and what its own account had to follow.

use engine::command::{Command, Sequenced, Step};
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use gateway::bench::figures::{self, Pairs, Request, nanos};
use gateway::bench::firm::{DATE, REFERENCE, Rule, Shape, TWELVE, VENUE, found, mark};
use gateway::bench::flow::{Flow, Kind};
use gateway::bench::random::Random;
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::time::Instant;
use wire::{E4, E8, ExecType, LimitKind, Price, Qty, Scope, Side, VenueReport};

/// Commands of one side before the other has its turn.
const TURN: u64 = 40_000;
/// Commands between two changes of a mark.
const EVERY: u64 = 2_000;
/// Commands between two steps.
const STEP_EVERY: u64 = 16;

struct Bench {
    engine: RiskEngine,
    out: Outbox,
    flow: Flow,
    random: Random,
    instruments: u32,
    clock: u64,
    steps: u64,
    marks: u64,
}

impl Bench {
    fn new(request: Request) -> Self {
        let (accounts, instruments) = request.pick((100_000, 1_000), (2_000, 10));
        let shape = Shape {
            accounts,
            desks: 20,
            traders: 200,
            instruments,
            groups: 20,
            orders: 1 << 16,
            rows: 1 << 21,
            executions: 1 << 22,
            ..Shape::small()
        };
        // Each account has limits that follow the marks.
        let rules = [
            TWELVE,
            &[Rule::new(
                Scope::Account,
                LimitKind::DailyLoss,
                1_000_000_000 * E4,
            )],
        ]
        .concat();
        let mut engine = RiskEngine::new();
        let seq = found(&mut engine, &shape, &rules);
        let mut bench = Self {
            engine,
            out: Outbox::new(),
            flow: Flow::new(shape, 1, seq, 20_000).skewed(),
            random: Random::new(2),
            instruments,
            clock: figures::clock_cost(),
            steps: 0,
            marks: 0,
        };
        bench.hold(&shape);
        for _ in 0..request.pick(400_000, 60_000) {
            let work = bench.flow.next();
            bench.engine.apply(&work.input, &mut bench.out);
        }
        bench
    }

    /// Every account holds ten instruments, as fills of orders that nobody here knows.
    fn hold(&mut self, shape: &Shape) {
        for account in 1..=shape.accounts {
            for nth in 0..10_u32.min(shape.instruments) {
                let apart = shape.instruments / 10;
                let instrument = (account * 7 + nth * apart.max(1)) % shape.instruments;
                self.tell(VenueReport {
                    venue_exec_id: u64::from(account) * 16 + u64::from(nth) + (1 << 40),
                    last_px: Price(REFERENCE),
                    last_qty: Qty(100 * E8),
                    trade_date: DATE,
                    account,
                    instrument_id: instrument + 1,
                    venue_id: VENUE,
                    side: Side::Buy,
                    exec_type: ExecType::Fill,
                    ..VenueReport::default()
                });
            }
        }
    }

    fn tell(&mut self, command: impl Into<Command>) {
        let (seq, t) = self.flow.take_seq();
        let input = Sequenced {
            seq,
            t,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command: command.into(),
        };
        let outcome = self.engine.apply(&input, &mut self.out).outcome;
        assert_eq!(outcome, Outcome::Applied, "{:?}", input.command);
    }

    /// One turn; returns the times of new orders and replaces.
    fn turn(&mut self, sweeps: bool) -> Histogram<u64> {
        let mut times = figures::histogram();
        for number in 0..TURN {
            if sweeps && number % EVERY == 0 {
                let id = self.random.between(1, self.instruments);
                let ticks = i64::from(self.random.below(200)) - 100;
                self.marks += 1;
                self.tell(mark(id, REFERENCE + ticks * (E8 / 100)));
            }
            let work = self.flow.next();
            let waits = number % STEP_EVERY == 0 && self.engine.has_pending_steps();
            let start = Instant::now();
            if waits {
                self.steps += 1;
                self.tell(Step::default());
            }
            let decision = self.engine.apply(&work.input, &mut self.out);
            black_box(decision.outcome);
            let ns = nanos(start.elapsed()).saturating_sub(self.clock);
            if matches!(work.kind, Kind::New | Kind::Replace) {
                figures::record(&mut times, ns);
            }
        }
        // What the sweep has left is not the other side's.
        while self.engine.has_pending_steps() {
            self.tell(Step::default());
        }
        times
    }
}

fn main() {
    let request = Request::from_args();
    figures::open("sweep", request);
    println!("goal: P11 order p99.9 ≤ 1.1× of the same flow without a sweep");
    let mut bench = Bench::new(request);
    let (mut with, mut without) = (figures::histogram(), figures::histogram());
    let mut pairs = Pairs::default();
    for pair in 0..request.pick(20, 2) {
        let first = pair % 2 == 0;
        let one = bench.turn(first);
        let other = bench.turn(!first);
        let (swept, plain) = if first { (one, other) } else { (other, one) };
        pairs.add(
            swept.value_at_quantile(0.999) as f64,
            plain.value_at_quantile(0.999) as f64,
        );
        for (all, some) in [(&mut with, &swept), (&mut without, &plain)] {
            if let Err(error) = all.add(some) {
                panic!("histograms of the same bounds add: {error}");
            }
        }
    }
    bench.engine.check_invariants();
    println!(
        "\n{} changes of marks, {} steps between orders",
        bench.marks, bench.steps
    );
    println!("  without {}", figures::percentiles(&without));
    println!("  with    {}", figures::percentiles(&with));
    println!("  p99.9 with / without {}", pairs.text());
}
