//! How figures are taken and printed: arguments, clock, percentiles, paired ratios. Leaves out the
//! machine they are taken on (see [`super::machine`]).

use crate::voice::{remark, say};
use hdrhistogram::Histogram;
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use super::machine::machine;

/// What a bench was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Ends in seconds and publishes nothing: the bench still works, that is all it shows.
    pub quick: bool,
}

impl Request {
    /// Reads the arguments. `--quick` and `--test` mean the same to the benches with a main of their own.
    pub fn from_args() -> Self {
        Self {
            quick: std::env::args().any(|arg| arg == "--quick" || arg == "--test"),
        }
    }

    /// Whether a part of the bench is wanted: all are, unless some are named.
    pub fn wants(self, part: &str) -> bool {
        let mut named = std::env::args()
            .skip(1)
            .filter(|arg| !arg.starts_with('-'))
            .peekable();
        named.peek().is_none() || named.any(|arg| arg == part)
    }

    /// One number for a real run, another for a quick one.
    pub fn pick<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// Prints what ran and where; a debug build ends here, because its figures mean nothing.
pub fn open(name: &str, request: Request) {
    if cfg!(debug_assertions) {
        remark(format_args!(
            "{name}: a debug build has no figures; run `cargo bench --bench {name}`"
        ));
        std::process::exit(2);
    }
    let mode = if request.quick {
        " (quick: not a measurement)"
    } else {
        ""
    };
    say(format_args!("{name}{mode}\nmachine: {}", machine()));
}

/// Nanoseconds as an integer, at most `u64::MAX`.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Median cost of reading the clock twice in a row: what a time taken around one piece of work holds
/// besides the work.
pub fn clock_cost() -> u64 {
    let mut samples: Vec<u64> = (0..10_001)
        .map(|_| {
            let start = Instant::now();
            nanos(black_box(start.elapsed()))
        })
        .collect();
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// A histogram of nanoseconds, three significant digits, up to a minute.
pub fn histogram() -> Histogram<u64> {
    match Histogram::new_with_bounds(1, 60_000_000_000, 3) {
        Ok(histogram) => histogram,
        Err(error) => panic!("the bounds of the histogram are constant: {error}"),
    }
}

/// Adds a sample; what is out of bounds counts at the bound.
pub fn record(histogram: &mut Histogram<u64>, ns: u64) {
    histogram.saturating_record(ns.max(1));
}

/// `p50 … p99 …` with p99.9 and beyond only where the samples carry them.
pub fn percentiles(histogram: &Histogram<u64>) -> String {
    let mut text = String::new();
    let mut needed = 0;
    for (name, quantile) in [
        ("p50", 0.5),
        ("p99", 0.99),
        ("p99.9", 0.999),
        ("p99.99", 0.9999),
    ] {
        if histogram.len() >= needed {
            text += &format!(
                "{name} {}  ",
                duration(histogram.value_at_quantile(quantile))
            );
        }
        needed = match name {
            "p50" => 1_000,
            "p99" => 10_000,
            _ => 100_000,
        };
    }
    text + &format!(
        "max {}  ({} samples)",
        duration(histogram.max()),
        histogram.len()
    )
}

/// Nanoseconds in the unit that reads best.
pub fn duration(ns: u64) -> String {
    let value = ns as f64;
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{:.1} µs", value / 1e3),
        _ => format!("{:.1} ms", value / 1e6),
    }
}

/// Median of a list, which it sorts.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => values[n / 2],
    }
}

/// Ratios of two sides measured as pairs, A B B A.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    ratios: Vec<f64>,
}

/// What pairs say: the median with its spread and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Median of the ratios.
    pub median: f64,
    /// First and last tenth of the ratios.
    pub spread: (f64, f64),
    /// 95 % interval of the median, from order statistics: it assumes nothing of the distribution. A
    /// goal is met when the upper bound meets it.
    pub interval: (f64, f64),
    /// Pairs.
    pub pairs: usize,
}

impl Pairs {
    /// No pairs yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { ratios: Vec::new() }
    }

    /// Adds a pair; one whose floor is 0 is no pair.
    pub fn add(&mut self, ours: f64, floor: f64) {
        if floor > 0.0 {
            self.ratios.push(ours / floor);
        }
    }

    /// Pairs so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ratios.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ratios.is_empty()
    }

    /// Median of the ratios.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&mut self.ratios.clone())
    }

    /// What they say; `None` without any.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let mut sorted = self.ratios.clone();
        let middle = median(&mut sorted);
        let at = |index: usize| {
            sorted
                .get(index.min(sorted.len().saturating_sub(1)))
                .copied()
        };
        let n = sorted.len();
        let last = n.saturating_sub(1);
        let (low, high) = interval_95(n);
        Some(Summary {
            median: middle,
            spread: (at(last / 10)?, at(last - last / 10)?),
            interval: (at(low)?, at(high)?),
            pairs: n,
        })
    }

    /// `1.120× (10–90 %: 1.080–1.170, 95 % of the median: 1.100–1.140, 20 pairs)`.
    #[must_use]
    pub fn text(&self) -> String {
        self.summary()
            .map_or_else(|| "no pairs".to_owned(), |s| s.to_string())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3}× (10–90 %: {:.3}–{:.3}, 95 % of the median: {:.3}–{:.3}, {} pairs)",
            self.median, self.spread.0, self.spread.1, self.interval.0, self.interval.1, self.pairs
        )
    }
}

/// Ranks between which the median of the population lies with 95 % probability, given `n` samples in
/// order. Each sample is below it with probability ½: the binomial distribution, exactly. The whole
/// range where `n` is too small to say so (below 6).
fn interval_95(n: usize) -> (usize, usize) {
    debug_assert!(n <= 1_000, "0.5ⁿ underflows");
    let (mut below, mut probability) = (0.0, 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX)));
    let mut rank = 0;
    while rank < n / 2 && below + probability <= 0.025 {
        below += probability;
        probability *= (n - rank) as f64 / (rank + 1) as f64;
        rank += 1;
    }
    let low = rank.saturating_sub(1);
    (low, n.saturating_sub(1) - low.min(n.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_the_median_is_the_binomial_one() {
        // Ranks from the usual table of the sign test, counted from 0.
        for (n, low) in [(5, 0), (6, 0), (9, 1), (20, 5), (30, 9), (100, 39)] {
            assert_eq!(interval_95(n), (low, n - 1 - low), "{n} samples");
        }
        assert_eq!(interval_95(0), (0, 0));
    }

    #[test]
    fn a_summary_tells_median_and_spread() {
        let mut pairs = Pairs::default();
        assert_eq!(pairs.summary(), None);
        for ratio in 1..=21 {
            pairs.add(f64::from(ratio), 1.0);
        }
        pairs.add(1.0, 0.0);
        let summary = pairs.summary().unwrap();
        assert_eq!((summary.median, summary.pairs), (11.0, 21));
        assert_eq!(summary.spread, (3.0, 19.0));
        assert_eq!(summary.interval, (6.0, 16.0));
    }
}
