//! Owns reading the past again: the messages that every record caused, by deciding the journal once more
//! from a snapshot or from its beginning, and how far back that goes. Leaves out who wants them.

use super::watermarks::Watermarks;
use crate::decision::Outgoing;
use crate::follower::{Follower, RecordSource};
use std::fmt;
use std::sync::Arc;

/// A copy as it was before a message of a session was sent, and the records that follow.
pub type OpenPast =
    Box<dyn Fn(u32, u64) -> Result<(Follower, Box<dyn RecordSource>), String> + Send>;

/// How far back the past of each session can be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Name of the snapshot that it begins with; empty for the journal's first record.
    pub snapshot: String,
    /// The first message of each session that the snapshot knows, by ascending session id.
    pub first: Vec<(u32, u64)>,
}

impl Reach {
    /// The first message of a session that can be read again.
    #[must_use]
    pub fn first_of(&self, session_id: u32) -> u64 {
        let found = self.first.binary_search_by_key(&session_id, |(id, _)| *id);
        found
            .ok()
            .and_then(|at| self.first.get(at))
            .map_or(1, |(_, first)| *first)
    }
}

/// Finds the reach as it is now. What was found before is handed in: a snapshot is read once.
pub type FindReach = Box<dyn Fn(&Reach) -> Result<Reach, String> + Send>;

/// What a journal offers to those who look back.
pub struct Kept {
    /// Reads it again.
    pub open: OpenPast,
    /// Says from where on.
    pub reach: FindReach,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// The journal of a running pipeline, to be read again.
pub struct Archive {
    open: OpenPast,
    reach: Option<FindReach>,
    watermarks: Arc<Watermarks>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").finish_non_exhaustive()
    }
}

impl Archive {
    pub(super) fn new(kept: Kept, watermarks: Arc<Watermarks>) -> Self {
        Self {
            open: kept.open,
            reach: Some(kept.reach),
            watermarks,
        }
    }

    /// What says how far back it goes, once: for a thread of its own, since it may read a whole snapshot.
    pub fn reach(&mut self) -> Option<FindReach> {
        self.reach.take()
    }

    /// Begins before message `from` of a session, as near as can be.
    ///
    /// # Errors
    /// A sentence: nothing from before that message is kept any more, or it can't be read.
    pub fn past(&self, session_id: u32, from: u64) -> Result<Past, String> {
        let (follower, records) = (self.open)(session_id, from)?;
        Ok(Past {
            records,
            follower,
            watermarks: Arc::clone(&self.watermarks),
        })
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
    pub fn advance(&mut self) -> Result<Option<&[Outgoing]>, String> {
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
