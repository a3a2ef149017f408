//! Owns the oracle: what a journal had promised, and whether what a start finds keeps it.

use std::collections::BTreeSet;

use engine::journal::sim::SimFiles;
use engine::journal::{RecoveryError, Scan, SegmentId, scan};

/// How a promise can be broken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Breach {
    /// An acknowledged record is missing.
    #[error("lost: {0}")]
    Lost(String),
    /// Part of a batch is there.
    #[error("half-applied: {0}")]
    HalfApplied(String),
    /// Something else than what was written is taken for it, without a word.
    #[error("silently accepted: {0}")]
    Accepted(String),
    /// A start is refused that should have worked, or without naming a place.
    #[error("refused wrongly: {0}")]
    Refused(String),
}

/// Everything that has been handed to a journal, and how far it was promised.
#[derive(Debug, Default, Clone)]
pub(crate) struct Promise {
    records: Vec<Vec<u8>>,
    /// Sequences at which a batch may end.
    ends: BTreeSet<u64>,
    /// Records up to here are there after any honest power failure.
    pub(crate) durable: u64,
    /// Records up to here are there after the death of the process.
    pub(crate) written: u64,
    /// Records up to here must be there at the next start, after what came between.
    pub(crate) needed: u64,
    /// Records up to here are proven on the disk by something written after them.
    pub(crate) stated: u64,
    /// What the last frame written proves, once it is on the disk itself.
    pub(crate) proof: u64,
    /// Runs of the writer so far: records of another run have other bytes.
    run: u64,
}

impl Promise {
    /// The bytes of the next record, which is promised nothing yet.
    pub(crate) fn next_record(&mut self) -> &[u8] {
        let sequence = self.pushed() + 1;
        let salt = sequence.wrapping_mul(131).wrapping_add(self.run * 77);
        let length = salt.wrapping_mul(37) % 90;
        let record = (0..length)
            .map(|at| u8::try_from((salt + at * 7) % 251).unwrap())
            .collect();
        self.records.push(record);
        &self.records[self.records.len() - 1]
    }

    pub(crate) fn pushed(&self) -> u64 {
        u64::try_from(self.records.len()).unwrap()
    }

    /// A batch that ends with record `last` is about to be written.
    pub(crate) fn may_end_at(&mut self, last: u64) {
        self.ends.insert(last);
    }

    /// A writer goes on behind record `last`: what was behind it is gone for good.
    pub(crate) fn goes_on_behind(&mut self, last: u64) {
        self.records.truncate(usize::try_from(last).unwrap());
        self.ends.retain(|end| *end <= last);
        self.durable = last;
        self.written = last;
        self.needed = last;
        self.stated = last;
        self.proof = last;
        self.run += 1;
    }

    /// Reads the journal as a start does. `needed` records must be there, none may be changed, and no
    /// batch half. `None` when there is no journal, which only an empty promise allows.
    ///
    /// A refusal comes back as the recovery's own error.
    pub(crate) fn check(&self, files: &SimFiles, needed: u64) -> Result<Found, Breach> {
        let mut last = 0;
        let mut wrong = None;
        let scanned = scan(files.clone(), SegmentId::FIRST, |record| {
            let expected = usize::try_from(last)
                .ok()
                .and_then(|at| self.records.get(at));
            last += 1;
            if record.sequence != last || expected.is_none_or(|bytes| bytes != record.bytes) {
                wrong.get_or_insert(record.sequence);
            }
        });
        match scanned {
            Err(RecoveryError::NoJournal) if needed == 0 => Ok(Found::Nothing),
            Err(RecoveryError::NoJournal) => Err(Breach::Lost(format!("all {needed} of them"))),
            Err(error) => Ok(Found::Error(error)),
            Ok(scan) => {
                if let Some(sequence) = wrong {
                    return Err(Breach::Accepted(format!("record {sequence} is another")));
                }
                if last < needed {
                    return Err(Breach::Lost(format!("{last} of {needed} are there")));
                }
                if last > 0 && !self.ends.contains(&last) {
                    return Err(Breach::HalfApplied(format!("up to {last}")));
                }
                Ok(Found::Journal(last, Box::new(scan)))
            }
        }
    }
}

/// What a start finds.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    /// Its last sequence, and the judged journal.
    Journal(u64, Box<Scan<SimFiles>>),
    Error(RecoveryError),
}
