//! Both sides in turns, A B B A, and what came of it. Leaves out what a side is.

use std::time::Duration;

use anyhow::Result;
use gateway::bench::Settings;
use gateway::bench::figures::{Pairs, histogram, median};
use gateway::bench::report::Report;
use hdrhistogram::Histogram;

/// Round trips of a turn end after this time, however few they are: what is loud now is for both sides.
pub(crate) const TURN_MAX: Duration = Duration::from_secs(1);

/// One side of a comparison. A turn that says nothing, because an order was refused for want of room,
/// is `None`.
pub(crate) trait Side {
    /// `count` orders, one in flight, or fewer by the end of [`TURN_MAX`]: the time of each in nanoseconds.
    fn round_trips(&mut self, count: usize) -> Result<Option<Histogram<u64>>>;

    /// `count` orders with `window` under way, both of all clients together: how long they took.
    fn burst(&mut self, count: usize, window: usize) -> Result<Option<Duration>>;

    /// Holds its books against those of its clients and ends all orders, outside of what is measured.
    fn settle(&mut self) -> Result<()>;
}

/// A turn of each, the first side first in every second pair. The first pair warms up and is dropped.
fn in_turns<T>(
    settings: &Settings,
    mut ours: impl FnMut() -> Result<T>,
    mut theirs: impl FnMut() -> Result<T>,
    mut take: impl FnMut(T, T) -> Result<()>,
) -> Result<()> {
    for pair in 0..=settings.pick(settings.pairs, 2) {
        let (a, b) = match pair % 2 {
            0 => {
                let a = ours()?;
                (a, theirs()?)
            }
            _ => {
                let b = theirs()?;
                (ours()?, b)
            }
        };
        if pair > 0 {
            take(a, b)?;
        }
    }
    Ok(())
}

/// One order in flight: the median of a turn, ours over theirs, at most `goal`.
pub(crate) fn round_trips(
    report: &mut Report,
    settings: &Settings,
    name: &str,
    trips: usize,
    (ours, theirs): (&mut impl Side, &mut impl Side),
    goal: f64,
) -> Result<()> {
    let trips = settings.pick(trips, 100);
    let (mut pairs, mut all) = (Pairs::none(), [histogram(), histogram()]);
    in_turns(
        settings,
        || {
            let turn = ours.round_trips(trips)?;
            ours.settle()?;
            Ok(turn)
        },
        || {
            let turn = theirs.round_trips(trips)?;
            theirs.settle()?;
            Ok(turn)
        },
        |a, b| {
            if let (Some(a), Some(b)) = (a, b) {
                let p50 = |turn: &Histogram<u64>| turn.value_at_quantile(0.5) as f64;
                pairs.add(p50(&a), p50(&b));
                all[0].add(&a)?;
                all[1].add(&b)?;
            }
            Ok(())
        },
    )?;
    report.sides(name, &[("portcullis", &all[0]), ("peer", &all[1])]);
    report.ratio("p50, ours / theirs", &pairs, Some(goal), None);
    Ok(())
}

/// How much a side does in a turn: orders, and how many of them are under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) orders: usize,
    pub(crate) window: usize,
}

/// Decisions a second, ours over theirs, at least `goal`.
pub(crate) fn throughput(
    report: &mut Report,
    settings: &Settings,
    name: &str,
    (ours, our_load): (&mut impl Side, Load),
    (theirs, their_load): (&mut impl Side, Load),
    goal: f64,
) -> Result<()> {
    let (mut pairs, mut all) = (Pairs::none(), [Vec::new(), Vec::new()]);
    in_turns(
        settings,
        || turn(settings, ours, our_load),
        || turn(settings, theirs, their_load),
        |a, b| {
            if let (Some(a), Some(b)) = (a, b) {
                pairs.add(a, b);
                all[0].push(a);
                all[1].push(b);
            }
            Ok(())
        },
    )?;
    let [a, b] = all.each_mut().map(|all| median(all));
    report.note(format!(
        "{name}: portcullis {a:.0} decisions a second with {} under way, peer {b:.0} with {}",
        our_load.window, their_load.window
    ));
    report.ratio_at_least("decisions/s, ours / theirs", &pairs, Some(goal));
    Ok(())
}

fn turn(settings: &Settings, side: &mut impl Side, load: Load) -> Result<Option<f64>> {
    let orders = settings.pick(load.orders, (load.orders / 10).max(load.window));
    let took = side.burst(orders, load.window)?;
    side.settle()?;
    Ok(took.map(|took| orders as f64 / took.as_secs_f64()))
}
