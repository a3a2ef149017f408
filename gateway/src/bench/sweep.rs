//! How much goes through: rates through the knee, server and echo in turns (P3), and the throughput of
//! `ack=durable` against `ack=memory` with a full window (P4).

use std::time::Duration;

use engine::pipeline::AckPolicy;

use super::desk::Mix;
use super::figures::Pairs;
use super::line::{Line, Run, Waiting};
use super::report::Report;
use super::servers::{EchoServer, LIVE_ORDERS, RealServer, Start};
use super::{Settings, tell_proof};

/// A rate is sustained while p99 is at most this, nanoseconds.
const P99_MAX: u64 = 1_000_000;
/// First rate of a sweep, messages a second.
const FIRST_RATE: u64 = 10_000;
/// No sweep goes on beyond.
const LAST_RATE: u64 = 20_000_000;
/// Halvings of the interval that holds the knee.
const BISECTIONS: u32 = 4;
/// Messages under way when throughput is measured.
const WINDOW: usize = 2_048;

/// The search of one side for its knee.
struct Search<'a> {
    name: &'a str,
    line: Line,
    runs: Vec<Run>,
    good: u64,
    bad: Option<u64>,
    failures: u32,
}

impl<'a> Search<'a> {
    fn new(name: &'a str, line: Line) -> Self {
        Self {
            name,
            line,
            runs: Vec::new(),
            good: 0,
            bad: None,
            failures: 0,
        }
    }

    /// One run; a rate that fails once may have met a hiccup of the machine and is tried again.
    fn attempt(&mut self, rate: u64, time: Duration) -> anyhow::Result<bool> {
        for _ in 0..2 {
            let run = self.line.open_loop(rate, time)?;
            let sustained =
                run.invalid().is_none() && run.latency.value_at_quantile(0.99) <= P99_MAX;
            self.runs.push(run);
            if sustained {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One rate on the way up.
    fn climb(&mut self, rate: u64, time: Duration) -> anyhow::Result<()> {
        if self.failures >= 2 {
            return Ok(());
        }
        if self.attempt(rate, time)? {
            self.good = self.good.max(rate);
            self.failures = 0;
            self.bad = None;
        } else {
            self.failures += 1;
            self.bad = Some(self.bad.unwrap_or(rate));
        }
        Ok(())
    }

    /// Between the last rate that was sustained and the first that was not.
    fn bisect(&mut self, time: Duration) -> anyhow::Result<()> {
        for _ in 0..BISECTIONS {
            let Some(bad) = self.bad else { break };
            let middle = self.good.midpoint(bad);
            if self.attempt(middle, time)? {
                self.good = middle;
            } else {
                self.bad = Some(middle);
            }
        }
        Ok(())
    }
}

/// P3: the highest rate with p99 of at most 1 ms, of the server and of the echo.
///
/// # Errors
/// What stands in the way, or a wrong decision.
pub fn rates(settings: &Settings) -> anyhow::Result<()> {
    let mut report = Report::open(
        "rates",
        "P3: messages at planned rates through the knee, ack=memory, latency from the planned time",
        settings.quick,
    );
    settings.conditions(&mut report)?;
    report.note(
        "new orders, replaces and cancels of one sidecar desk with the reports of what became of them; \
         one decision and one answer a message",
    );
    let time = settings.pick(Duration::from_secs(3), Duration::from_millis(200));
    let directory = settings.directory()?;
    let server = RealServer::start(
        &directory.path().join("journal"),
        Start::small(AckPolicy::Memory),
    )?;
    let echo = EchoServer::start()?;
    let line = |line: anyhow::Result<Line>| line;
    let mut ours = Search::new(
        "server",
        line(server.line(Waiting::Yielding, Mix::TRADING, LIVE_ORDERS))?,
    );
    let mut floor = Search::new(
        "echo",
        line(echo.line(Waiting::Yielding, Mix::TRADING, LIVE_ORDERS))?,
    );
    let mut rate = FIRST_RATE;
    while rate <= settings.pick(LAST_RATE, FIRST_RATE) && (ours.failures < 2 || floor.failures < 2)
    {
        floor.climb(rate, time)?;
        ours.climb(rate, time)?;
        rate = rate / 2 * 3;
    }
    for side in [&mut floor, &mut ours] {
        side.bisect(time)?;
    }
    for side in [&floor, &ours] {
        let runs: Vec<(&str, &Run)> = side.runs.iter().map(|run| (side.name, run)).collect();
        report.rates(&runs);
    }
    if !settings.quick {
        let share = ours.good as f64 / floor.good.max(1) as f64;
        report.note(format!(
            "p99 at most 1 ms up to {} messages/s, the echo up to {}: {:.0} % (goal: 1 M/s, 70 %)",
            ours.good,
            floor.good,
            100.0 * share
        ));
        report.fact("knee", ours.good);
        report.fact("knee_of_the_echo", floor.good);
    }
    echo.stop(&floor.line.books())?;
    tell_proof(&mut report, server.stop(&ours.line.books())?);
    report.write(&settings.out)
}

/// P4: messages a second with a full window, `ack=durable` against `ack=memory`, and both against the echo.
///
/// # Errors
/// What stands in the way, or a wrong decision.
pub fn throughput(settings: &Settings) -> anyhow::Result<()> {
    let mut report = Report::open(
        "throughput",
        "P4: messages a second with 2,048 under way, ack=durable against ack=memory",
        settings.quick,
    );
    settings.conditions(&mut report)?;
    let time = settings.pick(Duration::from_millis(1_000), Duration::from_millis(50));
    let pairs = settings.pick(settings.pairs, 2);
    let directory = settings.directory()?;
    let start =
        |name: &str, ack| RealServer::start(&directory.path().join(name), Start::small(ack));
    let memory = start("memory", AckPolicy::Memory)?;
    let durable = start("durable", AckPolicy::Durable)?;
    let echo = EchoServer::start()?;
    let (mix, live) = (Mix::TRADING, 2 * WINDOW);
    let mut lines = [
        durable.line(Waiting::Yielding, mix, live)?,
        memory.line(Waiting::Yielding, mix, live)?,
        echo.line(Waiting::Yielding, mix, live)?,
    ];
    let mut figures: [Vec<f64>; 3] = Default::default();
    let mut ratios = [Pairs::none(), Pairs::none()];
    for pair in 0..=pairs {
        let mut turn = [0.0; 3];
        let order: [usize; 3] = if pair % 2 == 0 { [0, 1, 2] } else { [2, 1, 0] };
        for side in order {
            let busy = lines[side].busy();
            let reached = lines[side].throughput(WINDOW, time)?;
            // A refusal for want of room is cheaper than an order: it must not count as throughput.
            if lines[side].busy() == busy {
                turn[side] = reached;
            }
        }
        if pair > 0 && turn.iter().all(|reached| *reached > 0.0) {
            for (all, reached) in figures.iter_mut().zip(turn) {
                all.push(reached);
            }
            ratios[0].add(turn[0], turn[1]);
            ratios[1].add(turn[1], turn[2]);
        }
    }
    for (name, all) in ["ack=durable", "ack=memory", "echo"]
        .iter()
        .zip(&mut figures)
    {
        if !settings.quick && !all.is_empty() {
            report.note(format!(
                "{name}: median {:.0} messages/s",
                super::figures::median(all)
            ));
        }
    }
    report.ratio_at_least("durable / memory", &ratios[0], Some(0.7));
    report.ratio_at_least("memory / echo", &ratios[1], None);
    let books = lines.each_ref().map(Line::books);
    drop(lines);
    echo.stop(&books[2])?;
    tell_proof(&mut report, durable.stop(&books[0])?);
    tell_proof(&mut report, memory.stop(&books[1])?);
    report.write(&settings.out)
}
