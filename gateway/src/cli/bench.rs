//! `bench`: the figures of `docs/performance.md`, each by one command, on this machine.
//!
//! Owns the arguments; what is measured, and how, is `gateway::bench`.

use super::failure::Failure;
use clap::{Args, ValueEnum};
use engine::pipeline::AckPolicy;
use gateway::bench::disturbed::{self, Disturbance};
use gateway::bench::{Settings, refuse_debug_builds, round_trip, sweep};
use gateway::memory;
use std::path::PathBuf;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// P1: one order in flight, ack=memory, against a bare echo of the same frames
    RoundTrip,
    /// P2: one order in flight, ack=durable, against echo + write + fdatasync
    RoundTripDurable,
    /// P3: planned rates through the knee, server and echo
    Rates,
    /// P4: throughput under ack=durable against ack=memory
    Throughput,
    /// P10: 10,000 limit updates a second while orders flow
    Limits,
    /// P11: every instrument re-marked ten times a second while orders flow
    Marks,
    /// P12: a disk that stands still for 500 ms under ack=memory
    FrozenDisk,
}

/// Measure this build on this machine.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// What to measure; all of it, if nothing is named
    #[arg(value_enum)]
    subjects: Vec<Subject>,
    /// Pairs of turns behind each ratio; fewer than 20 are no measurement
    #[arg(long, value_name = "N", default_value_t = 30)]
    pairs: usize,
    /// Messages a second, for limits, marks and frozen-disk
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// Where journals are written meanwhile: a directory on a disk, not in memory
    #[arg(
        long,
        value_name = "DIR",
        env = "PORTCULLIS_BENCH_DIR",
        default_value = "."
    )]
    disk: PathBuf,
    /// Where the JSON and the plot of each subject go
    #[arg(long, value_name = "DIR", default_value = "portcullis-bench")]
    out: PathBuf,
    /// Show in seconds that all of it works; no measurement
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    refuse_debug_builds().map_err(|error| Failure::new(1, error.to_string()))?;
    // As `serve` does.
    memory::ask_for_large_pages();
    let settings = Settings {
        quick: args.quick,
        pairs: args.pairs,
        rate: args.rate,
        disk: args.disk.clone(),
        out: args.out.clone(),
    };
    let subjects = match args.subjects.as_slice() {
        [] => Subject::value_variants(),
        named => named,
    };
    for subject in subjects {
        let measured = match subject {
            Subject::RoundTrip => round_trip::run(&settings, AckPolicy::Memory),
            Subject::RoundTripDurable => round_trip::run(&settings, AckPolicy::Durable),
            Subject::Rates => sweep::rates(&settings),
            Subject::Throughput => sweep::throughput(&settings),
            Subject::Limits => disturbed::run(&settings, Disturbance::Limits),
            Subject::Marks => disturbed::run(&settings, Disturbance::Marks),
            Subject::FrozenDisk => disturbed::run(&settings, Disturbance::FrozenDisk),
        };
        measured.map_err(|error| Failure::new(1, format!("{error:#}")))?;
    }
    Ok(())
}
