//! What measures Portcullis, in one place for the `portcullis bench` command, the benches of the pieces
//! and some tests.
//!
//! ```text
//! round_trip, sweep, disturbed   what is measured, a file a subject
//! servers, line, desk            the real server and the echo; the one client of both; what it plays
//! report, plot                   tables, JSON, SVG
//! figures, machine               percentiles, paired ratios; processor, disk, hiccups
//! firm, flow, random             a firm of any size, commands against an engine without a gateway
//! ```
//! The echo is a mode of this binary: same loop, same waits, same client, same run. A run that could not
//! keep its own schedule has no percentiles, and neither has one that decided wrongly.

pub mod books;
pub mod desk;
pub mod disturbed;
pub mod figures;
pub mod firm;
pub mod flow;
pub mod line;
pub mod machine;
pub mod plot;
pub mod random;
pub mod report;
pub mod round_trip;
pub mod servers;
pub mod sweep;

use crate::voice::say;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use machine::RawFile;
use report::Report;
use servers::Proof;

/// How to measure.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Ends in seconds and is no measurement: everything still works, that is all it shows.
    pub quick: bool,
    /// Pairs of turns behind a ratio.
    pub pairs: usize,
    /// Messages a second, where a subject has one rate and not its own.
    pub rate: Option<u64>,
    /// Where journals are written; on a disk.
    pub disk: PathBuf,
    /// Where JSON and plots go.
    pub out: PathBuf,
}

impl Settings {
    /// One value for a measurement, another for a quick run.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A directory of its own for a subject's journals.
    ///
    /// # Errors
    /// The directory can't be made, or lies in memory.
    pub fn directory(&self) -> anyhow::Result<tempfile::TempDir> {
        let way_out = "name a directory on a disk with --disk, or by PORTCULLIS_BENCH_DIR";
        machine::directory_in(&self.disk, way_out).map_err(|what| anyhow!(what))
    }

    /// Says on what machine and disk, and what the two do by themselves.
    ///
    /// # Errors
    /// What the disk says.
    pub fn conditions(&self, report: &mut Report) -> anyhow::Result<()> {
        let directory = self.directory()?;
        let kind = machine::file_system(directory.path());
        let mut raw = RawFile::create(&directory.path().join("raw"))?;
        let mut syncs = figures::histogram();
        for _ in 0..self.pick(200, 20) {
            figures::record(&mut syncs, raw.write_and_sync(&[7; 4096])?);
        }
        let sync = syncs.value_at_quantile(0.5);
        let hiccups =
            machine::hiccups(self.pick(Duration::from_secs(2), Duration::from_millis(50)));
        say(format_args!("  {}", machine::machine()));
        say(format_args!(
            "  file system {kind}, write + fdatasync of 4 KiB p50 {}; hiccups of an idle thread: {}",
            figures::duration(sync),
            figures::percentiles(&hiccups)
        ));
        if let Some(load) = machine::load() {
            report.fact("load", load);
            // A subject that was measured just before leaves less than one.
            if load > 1.5 {
                report.note(format!(
                    "load {load} before this: others are at work here, and in every figure below"
                ));
            }
        }
        report.fact("file_system", kind);
        report.fact("sync_4_kib_p50_ns", sync);
        report.fact("hiccups", report::percentiles(&hiccups));
        Ok(())
    }
}

/// A debug build has no figures.
///
/// # Errors
/// In a debug build, with the way out.
pub fn refuse_debug_builds() -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        return Err(anyhow!(
            "a debug build has no figures; build with --release"
        ));
    }
    Ok(())
}

fn tell_proof(report: &mut Report, proof: Proof) {
    report.note(format!(
        "decisions as the desk's own books say; {} records decided again, all equal",
        proof.records
    ));
    report.fact("records", proof.records);
}
