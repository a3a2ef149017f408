//! Whether something that happens beside them can be felt by orders: limit changes (P10), new marks
//! (P11), a disk that stands still (P12). The same planned rate with it and without, A B B A; the two
//! quiet turns of each round against each other say what the machine itself does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail, ensure};
use engine::pipeline::{AckPolicy, BeforeSync};
use hdrhistogram::Histogram;
use portcullis_client::{Client, Event};
use wire::{E4, LimitKind, Reply, Scope};

use super::books::Books;
use super::desk::Mix;
use super::figures::{Pairs, histogram};
use super::firm::{REFERENCE, Rule, Shape, limit, mark};
use super::line::{Line, Run, Waiting};
use super::report::Report;
use super::servers::{LIVE_ORDERS, RealServer, Start};
use super::{Settings, tell_proof};

/// What happens beside the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// 10,000 limit changes a second.
    Limits,
    /// Every instrument gets a new mark ten times a second.
    Marks,
    /// The disk stands still for 500 ms of every turn.
    FrozenDisk,
}

impl Disturbance {
    /// Subject, title, orders a second, quantile that is compared, goal.
    const fn terms(self) -> (&'static str, &'static str, u64, (&'static str, f64), f64) {
        match self {
            Self::Limits => (
                "limits",
                "P10: 10,000 live limit updates a second while orders flow, ack=memory",
                20_000,
                ("p99", 0.99),
                1.05,
            ),
            Self::Marks => (
                "marks",
                "P11: every instrument re-marked ten times a second while orders flow, ack=memory",
                20_000,
                ("p99.9", 0.999),
                1.1,
            ),
            Self::FrozenDisk => (
                "frozen-disk",
                "P12: the disk stands still for 500 ms at 200,000 messages a second, ack=memory",
                200_000,
                ("p99.9", 0.999),
                1.1,
            ),
        }
    }
}

/// Limit changes a second.
const LIMITS_RATE: u64 = 10_000;
/// How long the disk stands still.
const FREEZE: Duration = Duration::from_millis(500);

/// The risk manager at a planned pace.
struct RiskManager {
    client: Client,
    what: Disturbance,
    instruments: u32,
    sent: u64,
    answered: u64,
    refused: Option<u16>,
}

impl RiskManager {
    /// Plays its part from `start` for `time`; returns messages sent.
    fn play(&mut self, start: Instant, time: Duration, pace: u64) -> anyhow::Result<u64> {
        let interval = Duration::from_nanos(1_000_000_000 / pace.max(1));
        let (end, before) = (start + time, self.sent);
        let mut planned = start;
        while planned < end {
            let now = Instant::now();
            while planned <= now && planned < end {
                self.queue();
                planned += interval;
            }
            self.client.flush()?;
            self.hear(Duration::ZERO)?;
            // Between two planned times there is time to sleep: a third spinning thread would disturb by
            // itself.
            std::thread::sleep(Duration::from_micros(50));
        }
        let until = Instant::now() + Duration::from_secs(10);
        while self.answered < self.sent {
            self.client.flush()?;
            self.hear(Duration::from_millis(10))?;
            ensure!(
                Instant::now() < until,
                "{} of {} changes were answered",
                self.answered,
                self.sent
            );
        }
        if let Some(code) = self.refused {
            bail!("a change of the risk manager was refused: code {code}");
        }
        Ok(self.sent - before)
    }

    fn queue(&mut self) {
        let n = self.sent;
        self.sent += 1;
        match self.what {
            Disturbance::Marks => {
                let instrument = u32::try_from(n % u64::from(self.instruments)).unwrap_or(0) + 1;
                let cents = i64::try_from(n % 7).unwrap_or(0) * E4 * 100;
                self.client.queue(mark(instrument, REFERENCE + cents));
            }
            Disturbance::Limits | Disturbance::FrozenDisk => {
                // The accounts of the desk that trades, one after the other; always far away, never the
                // same.
                let accounts = u64::from(Shape::small().accounts);
                let account = u32::try_from(n % accounts).unwrap_or(0) + 1;
                let version = u32::try_from(n / accounts).unwrap_or(0) + 1;
                let far = i64::MAX / 4 - i64::try_from(n % 1_000).unwrap_or(0);
                let rule = Rule::new(Scope::Account, LimitKind::GrossNotional, far);
                self.client.queue(limit(&rule, account, version));
            }
        }
    }

    fn hear(&mut self, patience: Duration) -> anyhow::Result<()> {
        let mut event = match patience.is_zero() {
            true => self.client.try_recv()?,
            false => self.client.recv(patience)?,
        };
        while let Some(heard) = event {
            if let Event::Reply(Reply::AdminAck(ack)) = heard {
                self.answered += 1;
                if ack.code != 0 {
                    self.refused = Some(ack.code);
                }
            }
            event = self.client.try_recv()?;
        }
        Ok(())
    }
}

/// Measures one of them.
///
/// # Errors
/// What stands in the way, a wrong decision, or a lost message.
pub fn run(settings: &Settings, what: Disturbance) -> anyhow::Result<()> {
    let (subject, title, rate, (quantile_name, quantile), goal) = what.terms();
    let mut report = Report::open(subject, title, settings.quick);
    settings.conditions(&mut report)?;
    let rate = settings.rate.unwrap_or(settings.pick(rate, rate / 20));
    let time = settings.pick(Duration::from_secs(2), Duration::from_millis(700));
    let rounds = settings.pick(settings.pairs.div_ceil(2), 1);
    let directory = settings.directory()?;
    let frozen = Arc::new(AtomicBool::new(false));
    let mut start = Start::small(AckPolicy::Memory);
    if what == Disturbance::FrozenDisk {
        let frozen = Arc::clone(&frozen);
        // In the middle of a sync.
        let stand_still = move || {
            while frozen.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        start.wrap = Some(Box::new(move |disk| {
            Box::new(BeforeSync::new(disk, stand_still))
        }));
    }
    if what == Disturbance::Marks {
        let (accounts, instruments) = settings.pick((100_000, 1_000), (1_000, 50));
        start.shape = Shape {
            accounts,
            instruments,
            rows: accounts * 4,
            holders: accounts,
            ..start.shape
        };
    }
    let instruments = start.shape.instruments;
    let pace = match what {
        Disturbance::Limits => settings.pick(LIMITS_RATE, 1_000),
        Disturbance::Marks => u64::from(instruments) * 10,
        Disturbance::FrozenDisk => 0,
    };
    let server = RealServer::start(&directory.path().join("journal"), start)?;
    let mut line = server.line(Waiting::Yielding, Mix::TRADING, LIVE_ORDERS)?;
    let mut risk = RiskManager {
        client: server.risk()?,
        what,
        instruments,
        sent: 0,
        answered: 0,
        refused: None,
    };
    risk.client.set_nonblocking(true)?;

    let mut turn = |line: &mut Line, disturbed: bool| -> anyhow::Result<Run> {
        let begin = Instant::now() + Duration::from_millis(2);
        let sent = AtomicU64::new(0);
        let run = std::thread::scope(|scope| {
            let beside = scope.spawn(|| -> anyhow::Result<()> {
                match (disturbed, what) {
                    (true, Disturbance::FrozenDisk) => {
                        std::thread::sleep(time / 10);
                        frozen.store(true, Ordering::Release);
                        std::thread::sleep(FREEZE);
                        frozen.store(false, Ordering::Release);
                    }
                    (true, _) => sent.store(risk.play(begin, time, pace)?, Ordering::Relaxed),
                    // Heard, so that its connection stays as it is.
                    (false, _) => risk.hear(Duration::ZERO)?,
                }
                Ok(())
            });
            let run = line.open_loop_from(begin, rate, time);
            match beside.join() {
                Ok(result) => result.and(run),
                Err(_) => Err(anyhow!("the thread beside the orders has panicked")),
            }
        })?;
        Ok(run)
    };

    let (mut ratios, mut itself) = (Pairs::none(), Pairs::none());
    let mut sides = [histogram(), histogram()];
    let mut invalid = Vec::new();
    turn(&mut line, false)?;
    for _ in 0..rounds {
        let runs = [false, true, true, false].map(|disturbed| turn(&mut line, disturbed));
        let [quiet, first, second, quiet_again] = runs;
        let runs = [quiet?, first?, second?, quiet_again?];
        if let Some(reason) = runs.iter().find_map(Run::invalid) {
            invalid.push(reason);
            continue;
        }
        let at = |run: &Run| run.latency.value_at_quantile(quantile) as f64;
        let [quiet, first, second, quiet_again] = &runs;
        ratios.add(at(first), at(quiet));
        ratios.add(at(second), at(quiet_again));
        itself.add(at(quiet_again), at(quiet));
        add(&mut sides[0], [quiet, quiet_again])?;
        add(&mut sides[1], [first, second])?;
    }
    report.note(format!("{rate} messages a second, turns of {time:?}"));
    if let Some(reason) = invalid.first() {
        report.note(format!(
            "{} of {rounds} rounds are invalid, the first: {reason}",
            invalid.len()
        ));
    }
    if !ratios.is_empty() {
        report.sides("turns", &[("quiet", &sides[0]), ("disturbed", &sides[1])]);
    }
    report.ratio(quantile_name, &ratios, Some(goal), Some(&itself));
    let books: Books = line.books();
    drop(line);
    drop(risk);
    tell_proof(&mut report, server.stop(&books)?);
    report.write(&settings.out)
}

fn add(all: &mut Histogram<u64>, runs: [&Run; 2]) -> anyhow::Result<()> {
    for run in runs {
        all.add(&run.latency)?;
    }
    Ok(())
}
