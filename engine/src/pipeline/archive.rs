//! Owns reading the past again: the messages that every record caused, from the first record on, by
//! deciding the journal once more. Leaves out who wants them.

use super::watermarks::Watermarks;
use crate::decision::Outgoing;
use crate::follower::{Follower, RecordSource};
use std::fmt;
use std::sync::Arc;

/// Opens the records of a journal from the first, as often as it is called.
pub type OpenRecords = Box<dyn Fn() -> Box<dyn RecordSource> + Send>;

/// The journal of a running pipeline, to be read from the beginning.
pub struct Archive {
    open: OpenRecords,
    watermarks: Arc<Watermarks>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").finish_non_exhaustive()
    }
}

impl Archive {
    pub(super) fn new(open: OpenRecords, watermarks: Arc<Watermarks>) -> Self {
        Self { open, watermarks }
    }

    /// Begins at the first record, with an engine that knows nothing.
    #[must_use]
    pub fn past(&self) -> Past {
        Past {
            records: (self.open)(),
            follower: Follower::new(),
            watermarks: Arc::clone(&self.watermarks),
        }
    }
}

/// A walk through the past, up to what is durable.
pub struct Past {
    records: Box<dyn RecordSource>,
    follower: Follower,
    watermarks: Arc<Watermarks>,
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Past")
            .field("seq", &self.follower.seq())
            .finish_non_exhaustive()
    }
}

impl Past {
    /// What the next record sent, in order; `None` when no further record is durable yet.
    ///
    /// # Errors
    /// A sentence: the journal can't be read, or this build decides otherwise than it says.
    pub fn next(&mut self) -> Result<Option<&[Outgoing]>, String> {
        let durable = self.watermarks.durable();
        if self.follower.seq() >= durable {
            return Ok(None);
        }
        let Some((input, decision)) = self.records.next(durable)? else {
            return Ok(None);
        };
        self.follower
            .replay(&input, &decision)
            .map_err(|difference| difference.to_string())?;
        Ok(Some(self.follower.sent()))
    }
}
