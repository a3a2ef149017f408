//! The mix of commands and the rates that exchange-core publishes percentiles of (P15): the engine in
//! process, as there, and the server over TCP, which there is not measured.
//!
//! Commands come at planned times, one interval apart, and are measured from the planned time to the
//! decision. One thread does both, so that what the engine is behind is in the figure, the hand-off
//! between threads is not. The venue's reports have no counterpart in exchange-core, which is the venue:
//! they are decided between the commands, as additional work that those wait for.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use engine::decision::{Outbox, Outcome};
use engine::pipeline::AckPolicy;
use engine::risk::RiskEngine;
use gateway::bench::Settings;
use gateway::bench::desk::Mix;
use gateway::bench::figures::{duration, histogram, nanos, record};
use gateway::bench::firm::{Shape, TWELVE, found};
use gateway::bench::flow::{Flow, Kind, Work};
use gateway::bench::line::Waiting;
use gateway::bench::report::{self, Report};
use gateway::bench::servers::{RealServer, Start};
use hdrhistogram::Histogram;

/// Quantiles of the published table; the last is the worst.
const QUANTILES: [(&str, f64); 7] = [
    ("50 %", 0.5),
    ("90 %", 0.9),
    ("95 %", 0.95),
    ("99 %", 0.99),
    ("99.9 %", 0.999),
    ("99.99 %", 0.9999),
    ("worst", 1.0),
];

/// Commands a second, and what they take at each quantile in nanoseconds, as published in the README of
/// <https://github.com/exchange-core/exchange-core>: one order book, 1,000 accounts, about 1,000 live
/// orders, risk and matching only, no network, no journal; Xeon X5690 at 3.47 GHz, one socket isolated
/// and tickless, Java 8.
const PUBLISHED: [(u64, [u64; 7]); 10] = [
    (125_000, [600, 900, 1_000, 1_400, 4_000, 24_000, 41_000]),
    (250_000, [600, 900, 1_000, 1_400, 9_000, 27_000, 41_000]),
    (500_000, [600, 900, 1_000, 1_600, 14_000, 29_000, 42_000]),
    (1_000_000, [500, 900, 1_200, 4_000, 22_000, 31_000, 45_000]),
    (
        2_000_000,
        [500, 1_200, 3_900, 10_000, 30_000, 39_000, 60_000],
    ),
    (
        3_000_000,
        [700, 3_600, 6_200, 15_000, 36_000, 45_000, 60_000],
    ),
    (
        4_000_000,
        [1_000, 6_000, 9_000, 25_000, 45_000, 55_000, 70_000],
    ),
    (
        5_000_000,
        [1_500, 9_500, 16_000, 42_000, 150_000, 170_000, 190_000],
    ),
    (
        6_000_000,
        [5_000, 30_000, 45_000, 300_000, 500_000, 520_000, 540_000],
    ),
    (
        7_000_000,
        [
            60_000, 1_300_000, 1_500_000, 1_800_000, 1_900_000, 1_900_000, 1_900_000,
        ],
    ),
];

/// Live orders, as published.
const LIVE: usize = 1_000;
/// Client commands of a run; p99.99 has a hundred samples beyond it.
const COMMANDS: usize = 1_000_000;
/// Runs at each rate.
const ROUNDS: u64 = 5;
/// A run whose last command is decided later than this after its planned time did not keep its rate.
const BEHIND_MAX: Duration = Duration::from_millis(2);

/// The mix up to a number of client commands, ready to be decided.
struct Workload {
    engine: RiskEngine,
    out: Outbox,
    flow: Flow,
}

fn from_a_client(work: &Work) -> bool {
    matches!(work.kind, Kind::New | Kind::Replace | Kind::Cancel)
}

impl Workload {
    /// A firm with its orders live, past the first moves. Seeded: a round is the same every time.
    fn new(seed: u64) -> Result<Self> {
        let shape = Shape::exchange_core();
        let mut engine = RiskEngine::new();
        let seq = found(&mut engine, &shape, TWELVE);
        let mut workload = Self {
            engine,
            out: Outbox::new(),
            flow: Flow::new(shape, seed, seq, LIVE),
        };
        for _ in 0..50_000 {
            let work = workload.flow.next_of_exchange_core();
            let right = workload.decide(&work);
            ensure!(right, "{:?} was decided wrongly", work.kind);
        }
        Ok(workload)
    }

    /// The next commands, `count` of them from clients, in place of those in `works`.
    fn generate(&mut self, works: &mut Vec<Work>, count: usize) {
        works.clear();
        let mut commands = 0;
        while commands < count {
            let work = self.flow.next_of_exchange_core();
            commands += usize::from(from_a_client(&work));
            works.push(work);
        }
    }

    /// Whether the engine decides as the mix means it: everything is accepted.
    fn decide(&mut self, work: &Work) -> bool {
        let outcome = self.engine.apply(&work.input, &mut self.out).outcome;
        match work.kind {
            Kind::New | Kind::Replace | Kind::Cancel => outcome == Outcome::Accepted,
            Kind::Fill | Kind::Report => outcome == Outcome::Applied,
            Kind::Refused => outcome == Outcome::Rejected,
        }
    }

    /// Decides `works`, those of clients at their planned times; from these to the decisions. `None` if the
    /// rate was not kept. The floor decides nothing: it shows what the machine does to such a loop.
    fn paced(
        &mut self,
        works: &[Work],
        rate: u64,
        is_floor: bool,
    ) -> Result<Option<Histogram<u64>>> {
        let interval_ps = 1_000_000_000_000 / rate;
        let (mut latency, mut commands, mut wrong) = (histogram(), 0_u64, 0);
        let start = Instant::now() + Duration::from_micros(100);
        let (mut now, mut behind) = (Instant::now(), Duration::ZERO);
        for work in works {
            if !from_a_client(work) {
                wrong += u64::from(!is_floor && !self.decide(work));
                continue;
            }
            let planned = start + Duration::from_nanos(commands * interval_ps / 1_000);
            commands += 1;
            while now < planned {
                std::hint::spin_loop();
                now = Instant::now();
            }
            wrong += u64::from(!is_floor && !self.decide(work));
            now = Instant::now();
            behind = now - planned;
            record(&mut latency, nanos(behind));
        }
        ensure!(wrong == 0, "{wrong} commands were decided wrongly");
        Ok((behind <= BEHIND_MAX).then_some(latency))
    }
}

/// exchange-core's mix beside its published percentiles.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let title =
        "P15: exchange-core's mix at its rates: the engine in process, then the server over TCP";
    let mut report = Report::open("peers-exchange-core", title, settings.quick);
    settings.conditions(&mut report)?;
    report.note(
        "of 100 commands 9 rest, 3 are IOC, 6 cancel, 82 move, 6 trade; every new order and move passes twelve \
         limits of four scopes; reports of the venue are decided between them and have no percentiles",
    );
    in_process(&mut report, settings)?;
    over_tcp(&mut report, settings)?;
    report.write(&settings.out)
}

fn in_process(report: &mut Report, settings: &Settings) -> Result<()> {
    let mut header = vec!["rate /s", "in process"];
    header.extend(QUANTILES.iter().map(|(name, _)| *name));
    let (mut works, mut rows) = (Vec::new(), Vec::new());
    let (commands, rounds) = settings.pick((COMMANDS, ROUNDS), (20_000, 1));
    for (rate, published) in PUBLISHED {
        let (mut kept, mut floor) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            let mut workload = Workload::new(round)?;
            workload.generate(&mut works, commands);
            if rows.is_empty() && round == 1 {
                report.note(mix(&works));
            }
            floor.extend(workload.paced(&works, rate, true)?);
            kept.extend(workload.paced(&works, rate, false)?);
            workload.engine.check_invariants();
        }
        rows.push(row(rate, "exchange-core, published", |n| published[n]));
        let figures: Vec<_> = kept.iter().map(report::percentiles).collect();
        report.fact(&format!("in_process_{rate}"), figures);
        if floor.is_empty() {
            rows.push(vec![
                rate.to_string(),
                "nothing decided: not kept".to_owned(),
            ]);
        } else {
            let at = |n: usize| across(&floor, QUANTILES[n].1, Of::Middle);
            rows.push(row(rate, "nothing decided, median", at));
        }
        if (kept.len() as u64) * 2 <= rounds {
            let told = format!("ours: kept in {} of {rounds} runs", kept.len());
            rows.push(vec![rate.to_string(), told]);
            break;
        }
        for (of, side) in [
            (Of::First, "ours, least"),
            (Of::Middle, "ours, median"),
            (Of::Last, "ours, most"),
        ] {
            rows.push(row(rate, side, |n| across(&kept, QUANTILES[n].1, of)));
        }
    }
    report.rows(&header, rows);
    report.note(format!(
        "{rounds} runs at each rate; least, median and most of each quantile by itself"
    ));
    Ok(())
}

/// Which of the runs at a rate, in the order of a quantile.
#[derive(Debug, Clone, Copy)]
enum Of {
    First,
    Middle,
    Last,
}

fn across(runs: &[Histogram<u64>], quantile: f64, of: Of) -> u64 {
    let mut values: Vec<u64> = runs
        .iter()
        .map(|run| run.value_at_quantile(quantile))
        .collect();
    values.sort_unstable();
    let last = values.len() - 1;
    match of {
        Of::First => values[0],
        Of::Middle => values[last / 2],
        Of::Last => values[last],
    }
}

fn row(rate: u64, side: &str, at: impl Fn(usize) -> u64) -> Vec<String> {
    let mut row = vec![rate.to_string(), side.to_owned()];
    row.extend((0..QUANTILES.len()).map(|n| duration(at(n))));
    row
}

/// What the commands of a run are, in the published terms.
fn mix(works: &[Work]) -> String {
    let count = |kind: Kind| works.iter().filter(|work| work.kind == kind).count();
    let commands = works.iter().filter(|work| from_a_client(work)).count() as f64;
    let percent = |kind| 100.0 * count(kind) as f64 / commands;
    format!(
        "as generated: {:.1} % new, {:.1} % cancels, {:.1} % moves; and {:.1} fills and {:.1} other reports to 100 commands",
        percent(Kind::New),
        percent(Kind::Cancel),
        percent(Kind::Replace),
        percent(Kind::Fill),
        percent(Kind::Report),
    )
}

/// The same mix through the whole server: socket, session, engine, journal, socket. Half of its messages are
/// the desk's reports of what became of its orders.
fn over_tcp(report: &mut Report, settings: &Settings) -> Result<()> {
    let directory = settings.directory()?;
    let journal = directory.path().join("journal");
    let server = RealServer::start(&journal, Start::small(AckPolicy::Memory))?;
    let mut line = server.line(Waiting::Yielding, Mix::EXCHANGE_CORE, LIVE)?;
    let time = settings.pick(Duration::from_secs(5), Duration::from_millis(200));
    let rates: &[u64] = settings.pick(&[50_000, 125_000, 250_000, 500_000, 1_000_000], &[10_000]);
    line.open_loop(rates[0], time / 4)?;
    let mut runs = Vec::new();
    for rate in rates {
        let run = line.open_loop(*rate, time)?;
        let kept = run.invalid().is_none();
        runs.push(run);
        if !kept {
            break;
        }
    }
    let told: Vec<_> = runs.iter().map(|run| ("over TCP", run)).collect();
    report.rates(&told);
    let books = line.books();
    drop(line);
    let proof = server.stop(&books)?;
    report.note(format!(
        "over TCP: messages a second, reports included; all decisions right, {} records decided again, all equal",
        proof.records
    ));
    Ok(())
}
