//! Owns what a campaign counts and how it ends: with numbers, and with zero breaches of a promise.

use std::fmt;
use std::ops::Range;
use std::time::Instant;

use crate::promise::Breach;

/// Faults between two lines that say how far a campaign has come.
const PROGRESS_EVERY: u64 = 50_000;

/// Breaches told in full.
const TOLD_MAX: usize = 10;

/// Counts of one campaign.
#[derive(Debug)]
pub(crate) struct Tally {
    name: &'static str,
    started: Instant,
    tried: u64,
    /// What happened, by name.
    counts: Vec<(&'static str, u64)>,
    lost: u64,
    half_applied: u64,
    silently_accepted: u64,
    refused_wrongly: u64,
    told: Vec<String>,
}

impl Tally {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            started: Instant::now(),
            tried: 0,
            counts: Vec::new(),
            lost: 0,
            half_applied: 0,
            silently_accepted: 0,
            refused_wrongly: 0,
            told: Vec::new(),
        }
    }

    /// One fault injected; what came of it is told with the seed and place that bring it back.
    pub(crate) fn tried(&mut self, outcome: Result<(), Breach>, place: impl fmt::Display) {
        self.tried += 1;
        if self.tried.is_multiple_of(PROGRESS_EVERY) {
            println!("{self}");
        }
        let Err(breach) = outcome else { return };
        match &breach {
            Breach::Lost(_) => self.lost += 1,
            Breach::HalfApplied(_) => self.half_applied += 1,
            Breach::Accepted(_) => self.silently_accepted += 1,
            Breach::Refused(_) => self.refused_wrongly += 1,
        }
        if self.told.len() < TOLD_MAX {
            self.told.push(format!("{place}: {breach}"));
        }
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    pub(crate) fn add(&mut self, what: &'static str, more: u64) {
        match self.counts.iter_mut().find(|(name, _)| *name == what) {
            Some((_, count)) => *count += more,
            None => self.counts.push((what, more)),
        }
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        let found = self.counts.iter().find(|(name, _)| *name == what);
        found.map_or(0, |(_, count)| *count)
    }

    /// Prints the counts; fails on any breach, and when hardly anything was tried.
    pub(crate) fn finish(mut self, tried_min: u64) {
        self.counts.sort_unstable();
        println!("{self}");
        assert!(self.told.is_empty(), "{self}\n{}", self.told.join("\n"));
        assert!(self.tried >= tried_min, "{self}: too few were tried");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} tried in {:.1} s; {} lost, {} half-applied, {} silently accepted, {} refused wrongly",
            self.name,
            self.tried,
            self.started.elapsed().as_secs_f64(),
            self.lost,
            self.half_applied,
            self.silently_accepted,
            self.refused_wrongly
        )?;
        for (what, count) in &self.counts {
            write!(f, "; {count} {what}")?;
        }
        Ok(())
    }
}

/// So many seeds, from `PORTCULLIS_SEED` on; printed.
pub(crate) fn seeds(name: &str, count: u64) -> Range<u64> {
    let first = std::env::var("PORTCULLIS_SEED").map_or(0, |seed| seed.parse().unwrap());
    println!("{name}: seeds {first}..{}", first + count);
    first..first + count
}
