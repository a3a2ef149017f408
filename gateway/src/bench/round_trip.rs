//! One order in flight, there and back, against the echo of the same frame (P1), or against an echo that makes one
//! write + fdatasync of as many bytes before it answers (P2). A B B A, turn by turn.

use std::time::Duration;

use engine::pipeline::AckPolicy;
use hdrhistogram::Histogram;

use super::books::Books;
use super::desk::Mix;
use super::figures::{Pairs, histogram, record};
use super::line::{Line, Waiting};
use super::machine::RawFile;
use super::report::Report;
use super::servers::{EchoServer, RealServer, Start};
use super::{Settings, tell_proof};

/// Orders that may stay live between two turns: well below where the server's table is full.
const LIVE_MAX: usize = 8_192;

const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// One side of the comparison.
struct Side {
    line: Line,
    all: Histogram<u64>,
    busy: u64,
}

impl Side {
    fn new(line: Line) -> Self {
        Self {
            line,
            all: histogram(),
            busy: 0,
        }
    }

    /// One turn; `None` if an order of it was refused for want of room, which is no round trip of an
    /// accepted order and says that the disk stood still.
    fn turn(&mut self, trips: usize) -> anyhow::Result<Option<Histogram<u64>>> {
        let busy = self.line.busy();
        let mut turn = histogram();
        for _ in 0..trips {
            self.line.end_orders_above(LIVE_MAX)?;
            record(&mut turn, self.line.order()?);
        }
        self.line.end_orders_above(0)?;
        let refused = self.line.busy() - busy;
        self.busy += refused;
        if refused > 0 {
            return Ok(None);
        }
        self.all.add(&turn)?;
        Ok(Some(turn))
    }
}

/// Measures under one ack policy, with both kinds of client.
///
/// # Errors
/// What stands in the way, or a wrong decision.
pub fn run(settings: &Settings, ack: AckPolicy) -> anyhow::Result<()> {
    let (subject, title, goals) = match ack {
        AckPolicy::Memory => (
            "round-trip",
            "P1: one order in flight, ack=memory, against a bare echo of the same frames",
            [Some(1.25), Some(1.3), Some(1.5)],
        ),
        AckPolicy::Written => (
            "round-trip-written",
            "one order in flight, ack=written, against a bare echo of the same frames",
            [None; 3],
        ),
        AckPolicy::Durable => (
            "round-trip-durable",
            "P2: one order in flight, ack=durable, against echo + one write + fdatasync",
            [Some(1.3), None, None],
        ),
    };
    let mut report = Report::open(subject, title, settings.quick);
    settings.conditions(&mut report)?;
    let (pairs, trips) = match (settings.quick, ack) {
        (true, _) => (2, 50),
        (false, AckPolicy::Durable) => (settings.pairs, 1_000),
        (false, _) => (settings.pairs, 10_000),
    };
    let directory = settings.directory()?;
    let server = RealServer::start(&directory.path().join("journal"), Start::small(ack))?;
    let echo = match ack {
        AckPolicy::Durable => {
            EchoServer::start_on(RawFile::create(&directory.path().join("raw"))?)?
        }
        AckPolicy::Memory | AckPolicy::Written => EchoServer::start()?,
    };
    let (mut books, mut floor_books) = (Books::default(), Books::default());
    let clients: &[Waiting] = match ack {
        AckPolicy::Durable => &[Waiting::Yielding],
        AckPolicy::Memory | AckPolicy::Written => &[Waiting::Yielding, Waiting::Blocking],
    };
    for (index, waiting) in clients.iter().enumerate() {
        let mut ours = Side::new(server.line(*waiting, Mix::TRADING, LIVE_MAX)?);
        let mut floor = Side::new(echo.line(*waiting, Mix::TRADING, LIVE_MAX)?);
        let ratios = compare(&mut ours, &mut floor, pairs, trips)?;
        let heading = format!("{waiting} client");
        report.sides(&heading, &[("server", &ours.all), ("floor", &floor.all)]);
        for ((ratio, (name, quantile)), goal) in ratios.iter().zip(QUANTILES).zip(goals) {
            // A turn's percentile needs ten samples beyond it.
            if trips as f64 * (1.0 - quantile) >= 9.99 {
                let goal = goal.filter(|_| index == 0);
                report.ratio(&format!("{waiting} {name}"), ratio, goal, None);
            }
        }
        if ours.busy > 0 {
            report.note(format!(
                "{} orders were refused as Busy: the journal's disk stood still; their turns are left out",
                ours.busy
            ));
        }
        books.merge(&ours.line.books());
        floor_books.merge(&floor.line.books());
    }
    echo.stop(&floor_books)?;
    tell_proof(&mut report, server.stop(&books)?);
    report.write(&settings.out)
}

fn compare(
    ours: &mut Side,
    floor: &mut Side,
    pairs: usize,
    trips: usize,
) -> anyhow::Result<[Pairs; 3]> {
    let mut ratios = [const { Pairs::none() }; 3];
    for pair in 0..=pairs {
        let (a, b) = match pair % 2 {
            0 => {
                let a = ours.turn(trips)?;
                (a, floor.turn(trips)?)
            }
            _ => {
                let b = floor.turn(trips)?;
                (ours.turn(trips)?, b)
            }
        };
        if pair == 0 {
            // The first pair warms both sides up.
            ours.all.reset();
            floor.all.reset();
        } else if let (Some(a), Some(b)) = (a, b) {
            for (ratio, (_, quantile)) in ratios.iter_mut().zip(QUANTILES) {
                let at = |side: &Histogram<u64>| side.value_at_quantile(quantile) as f64;
                ratio.add(at(&a), at(&b));
            }
        }
        // Whatever was put off is done between the turns, not in one of them.
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(ratios)
}
