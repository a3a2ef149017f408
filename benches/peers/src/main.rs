//! What people use instead of Portcullis, beside it, in one run and in turns:
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- redis --quick   # shows that it works
//! ```
//! ```text
//! redis, postgres   the same check as a Lua script and as a function, over TCP (P13)
//! openpit           the same orders in process (P14)
//! exchange_core     the mix that exchange-core publishes percentiles of (P15)
//! ours, orders      Portcullis over TCP; what the servers are asked
//! turns, servers    A B B A; Debian's servers on loopback, each in a directory of its own
//! ```
//! Every decision is checked against what it has to be. What each side checks, and what it leaves out,
//! stands in `docs/performance.md`, with figures.

mod exchange_core;
mod openpit;
mod orders;
mod ours;
mod postgres;
mod redis;
mod servers;
mod turns;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use gateway::bench::{Settings, refuse_debug_builds};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// P13: Redis, one Lua script
    Redis,
    /// P13: PostgreSQL, one function
    Postgres,
    /// P14: the crate `openpit`, in process
    Openpit,
    /// P15: the mix and the rates that exchange-core publishes percentiles of
    ExchangeCore,
}

/// What people use instead of Portcullis, beside it
#[derive(Debug, Parser)]
struct Args {
    /// What to measure; all of it, if nothing is named
    #[arg(value_enum)]
    subjects: Vec<Subject>,
    /// Pairs of turns behind each ratio; fewer than 20 are no measurement
    #[arg(long, value_name = "N", default_value_t = 30)]
    pairs: usize,
    /// Where journals and databases are written: a directory on a disk, not in memory
    #[arg(long, value_name = "DIR", default_value = ".")]
    disk: PathBuf,
    /// Where the JSON of each subject goes
    #[arg(long, value_name = "DIR", default_value = "portcullis-bench")]
    out: PathBuf,
    /// Show in seconds that all of it works; no measurement
    #[arg(long)]
    quick: bool,
}

fn main() -> Result<()> {
    refuse_debug_builds()?;
    let args = Args::parse();
    let settings = Settings {
        quick: args.quick,
        pairs: args.pairs,
        rate: None,
        disk: args.disk,
        out: args.out,
    };
    let subjects = match args.subjects.as_slice() {
        [] => Subject::value_variants(),
        named => named,
    };
    for subject in subjects {
        match subject {
            Subject::Redis => redis::run(&settings)?,
            Subject::Postgres => postgres::run(&settings)?,
            Subject::Openpit => openpit::run(&settings)?,
            Subject::ExchangeCore => exchange_core::run(&settings)?,
        }
    }
    Ok(())
}
