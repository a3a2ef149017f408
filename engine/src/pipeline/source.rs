//! Owns reading durable records back from the live journal, one at a time. Leaves out what they say
//! and how far is durable (the caller knows the watermark).

use crate::command::Sequenced;
use crate::decision::Decision;
use crate::follower::RecordSource;
use crate::journal::{End, ReadError, SegmentId, Storage, Tail, TailStep, segment_holding};
use crate::record::decode_record;
use std::collections::VecDeque;

/// The records of a journal after a given sequence.
#[derive(Debug)]
pub struct JournalTail<S: Storage> {
    storage: S,
    /// Opened at the first look, so that the start does not wait for it.
    tail: Option<Tail<S>>,
    after: u64,
    /// The rest of the frame last read: at most one batch.
    gathered: VecDeque<(Sequenced, Decision)>,
}

impl<S: Storage> JournalTail<S> {
    /// Everything after sequence `after`.
    #[must_use]
    pub const fn new(storage: S, after: u64) -> Self {
        Self {
            storage,
            tail: None,
            after,
            gathered: VecDeque::new(),
        }
    }

    fn open(&self) -> Result<Tail<S>, ReadError> {
        let next = self.after.saturating_add(1);
        let segment = segment_holding(&self.storage, next)?.unwrap_or(SegmentId::FIRST);
        Tail::open(self.storage.clone(), segment)
    }
}

impl<S: Storage> RecordSource for JournalTail<S>
where
    Tail<S>: Send,
{
    fn end(&self) -> Option<End> {
        let tail = self.tail.as_ref().filter(|_| self.gathered.is_empty())?;
        Some(*tail.end())
    }

    fn gathered(&self, nth: usize) -> Option<&Sequenced> {
        self.gathered.get(nth).map(|(input, _)| input)
    }

    fn gather(&mut self, durable: u64) -> Result<u64, String> {
        while self.gathered.is_empty() {
            let tail = match &mut self.tail {
                Some(tail) => tail,
                None => {
                    let tail = self.open().map_err(|error| error.to_string())?;
                    self.tail.insert(tail)
                }
            };
            match tail
                .next_frame(durable)
                .map_err(|error| error.to_string())?
            {
                TailStep::NotYet => return Ok(0),
                TailStep::Frame(frame) => {
                    for record in frame.records().filter(|r| r.sequence > self.after) {
                        let decoded = decode_record(record.bytes)
                            .map_err(|error| format!("{}: {error}", frame.position()))?;
                        self.gathered.push_back(decoded);
                    }
                }
            }
        }
        Ok(self.gathered.back().map_or(0, |(input, _)| input.seq))
    }

    fn next(&mut self, durable: u64) -> Result<Option<(Sequenced, Decision)>, String> {
        if self.gathered.is_empty() {
            self.gather(durable)?;
        }
        Ok(self.gathered.pop_front())
    }
}
