//! How figures are taken and printed: arguments, machine, clock, percentiles, paired ratios.

use hdrhistogram::Histogram;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a bench was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    /// Ends in seconds and publishes nothing: the bench still works, that is all it shows.
    pub(crate) quick: bool,
}

impl Request {
    /// Reads the arguments. `--quick` and `--test` mean the same to the benches with a main of their own.
    pub(crate) fn from_args() -> Self {
        Self {
            quick: std::env::args().any(|arg| arg == "--quick" || arg == "--test"),
        }
    }

    /// Whether a part of the bench is wanted: all are, unless some are named.
    pub(crate) fn wants(self, part: &str) -> bool {
        let mut named = std::env::args()
            .skip(1)
            .filter(|arg| !arg.starts_with('-'))
            .peekable();
        named.peek().is_none() || named.any(|arg| arg == part)
    }

    /// One number for a real run, another for a quick one.
    pub(crate) fn pick<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// Prints what ran and where; a debug build ends here, because its figures mean nothing.
pub(crate) fn open(name: &str, request: Request) {
    if cfg!(debug_assertions) {
        eprintln!("{name}: a debug build has no figures; run `cargo bench --bench {name}`");
        std::process::exit(2);
    }
    let mode = if request.quick {
        " (quick: not a measurement)"
    } else {
        ""
    };
    println!("{name}{mode}\nmachine: {}", machine());
}

/// Processor, cores, memory and kernel of this machine.
pub(crate) fn machine() -> String {
    let first = |file: &str, key: &str| {
        std::fs::read_to_string(file).ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
    };
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel =
        std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown());
    format!(
        "{}, {cores} cores, memory {}, kernel {}",
        first("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        first("/proc/meminfo", "MemTotal").unwrap_or_else(unknown),
        kernel.trim(),
    )
}

/// Nanoseconds as an integer, at most `u64::MAX`.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Median cost of reading the clock twice in a row: what a time taken around one piece of work holds
/// besides the work.
pub(crate) fn clock_cost() -> u64 {
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
pub(crate) fn histogram() -> Histogram<u64> {
    match Histogram::new_with_bounds(1, 60_000_000_000, 3) {
        Ok(histogram) => histogram,
        Err(error) => panic!("the bounds of the histogram are constant: {error}"),
    }
}

/// Adds a sample; what is out of bounds counts at the bound.
pub(crate) fn record(histogram: &mut Histogram<u64>, ns: u64) {
    histogram.saturating_record(ns.max(1));
}

/// `p50 … p99 …` with p99.9 and beyond only where the samples carry them.
pub(crate) fn percentiles(histogram: &Histogram<u64>) -> String {
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
pub(crate) fn duration(ns: u64) -> String {
    let value = ns as f64;
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{:.1} µs", value / 1e3),
        _ => format!("{:.1} ms", value / 1e6),
    }
}

/// Median of a list, which it sorts.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n => values[n / 2],
    }
}

/// Ratios of two sides measured as pairs, A B B A.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    ratios: Vec<f64>,
}

impl Pairs {
    pub(crate) fn add(&mut self, ours: f64, floor: f64) {
        if floor > 0.0 {
            self.ratios.push(ours / floor);
        }
    }

    /// Median of the ratios.
    pub(crate) fn median(&self) -> f64 {
        median(&mut self.ratios.clone())
    }

    /// `1.12× (10–90 %: 1.08–1.17, 20 pairs)`.
    pub(crate) fn text(&self) -> String {
        let mut sorted = self.ratios.clone();
        let middle = median(&mut sorted);
        let at = |tenth: usize| {
            let last = sorted.len().saturating_sub(1);
            sorted.get(last * tenth / 10).copied().unwrap_or(f64::NAN)
        };
        format!(
            "{middle:.3}× (10–90 %: {:.3}–{:.3}, {} pairs)",
            at(1),
            at(9),
            self.ratios.len()
        )
    }
}

/// Type of the file system that holds `path`, as the kernel lists its mounts.
pub(crate) fn file_system(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut best = (0, "unknown".to_owned());
    for line in mounts.lines() {
        let mut halves = line.split(" - ");
        let point = halves.next().and_then(|left| left.split(' ').nth(4));
        let kind = halves.next().and_then(|right| right.split(' ').next());
        if let (Some(point), Some(kind)) = (point, kind)
            && path.starts_with(point)
            && point.len() >= best.0
        {
            best = (point.len(), kind.to_owned());
        }
    }
    best.1
}

/// Where benches that write files do so: `PORTCULLIS_BENCH_DIR`, or the target directory. In memory a
/// sync costs nothing, so a figure from there would be a lie: the bench ends.
pub(crate) fn disk_directory(name: &str) -> tempfile::TempDir {
    let parent = std::env::var("PORTCULLIS_BENCH_DIR")
        .unwrap_or_else(|_| env!("CARGO_TARGET_TMPDIR").to_owned());
    let directory = tempfile::Builder::new().prefix(name).tempdir_in(&parent);
    let directory = match directory {
        Ok(directory) => directory,
        Err(error) => panic!("{parent}: {error}; name a directory with PORTCULLIS_BENCH_DIR"),
    };
    let kind = file_system(directory.path());
    println!("file system: {kind}");
    if matches!(kind.as_str(), "tmpfs" | "ramfs") {
        eprintln!(
            "{name}: {parent} is {kind}, which syncs nothing; set PORTCULLIS_BENCH_DIR to a disk"
        );
        std::process::exit(2);
    }
    directory
}
