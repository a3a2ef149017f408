//! Owns the follower thread: reads durable records behind the writer, applies them to the second copy
//! and puts its answers into the reports queue. Leaves out what an answer says (see `follower`).

use super::Shared;
use super::doors::Bell;
use super::rings::Producer;
use super::wait::Bed;
use crate::decision::Outgoing;
use crate::follower::{Follower, RecordSource};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long it sleeps at most without news; the writer wakes it.
const NAP: Duration = Duration::from_millis(20);

/// Everything that the follower thread owns.
pub(super) struct FollowerThread {
    follower: Follower,
    source: Box<dyn RecordSource>,
    reports: Producer<Outgoing>,
    shared: Arc<Shared>,
    bed: Arc<Bed>,
    bell: Arc<Bell>,
    answers: Vec<Outgoing>,
}

impl fmt::Debug for FollowerThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowerThread").finish_non_exhaustive()
    }
}

impl FollowerThread {
    pub(super) fn new(
        follower: Follower,
        source: Box<dyn RecordSource>,
        reports: Producer<Outgoing>,
        shared: Arc<Shared>,
        bed: Arc<Bed>,
        bell: Arc<Bell>,
    ) -> Self {
        Self {
            follower,
            source,
            reports,
            shared,
            bed,
            bell,
            answers: Vec::new(),
        }
    }

    /// Runs until the pipeline stops or its decisions differ from the journal's.
    pub(super) fn run(mut self) {
        while !self.is_over() {
            let durable = self.shared.watermarks.durable();
            if self.follower.seq() >= durable {
                let seq = self.follower.seq();
                let shared = Arc::clone(&self.shared);
                self.bed.sleep(NAP, || {
                    shared.watermarks.durable() > seq || shared.writer_ended.load(Ordering::Acquire)
                });
                continue;
            }
            if let Err(text) = self.catch_up(durable) {
                self.shared.watermarks.set_diverged(text);
                self.bell.ring();
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.shared.killed()
            || self.shared.watermarks.failure().is_some()
            || (self.shared.writer_ended.load(Ordering::Acquire)
                && self.follower.seq() >= self.shared.watermarks.durable())
    }

    /// Applies records up to `durable`, never past it.
    fn catch_up(&mut self, durable: u64) -> Result<(), String> {
        while self.follower.seq() < durable {
            let Some((input, decision)) = self.source.next(durable)? else {
                // The watermark may be ahead of what a reader sees for an instant; look again later.
                self.bed.sleep(Duration::from_millis(1), || false);
                return Ok(());
            };
            self.follower
                .apply(&input, &decision, &mut self.answers)
                .map_err(|difference| difference.to_string())?;
            self.shared.watermarks.publish_followed(self.follower.seq());
            if !self.answers.is_empty() {
                self.deliver();
            }
            if self.shared.killed() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Hands the answers on; waits with them while the gateway has no room, and drops them when the
    /// pipeline stops: a query is not promised an answer across a restart.
    fn deliver(&mut self) {
        for answer in self.answers.drain(..) {
            let mut waiting = answer;
            while let Err(back) = self.reports.try_push(waiting) {
                if self.shared.stop.load(Ordering::Acquire)
                    || self.shared.watermarks.failure().is_some()
                {
                    break;
                }
                waiting = back;
                self.bell.ring();
                let reports = &self.reports;
                self.bed.sleep(NAP, || reports.room() > 0);
            }
        }
        self.bell.ring();
    }
}
