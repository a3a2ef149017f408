//! Owns the follower thread: reads durable records behind the writer, applies them to the second copy,
//! puts its answers into the reports queue and lets the clerk do his work. Leaves out what an answer says
//! (see `follower`) and what the work is (see `clerk`).

use super::Shared;
use super::doors::Bell;
use super::rings::Producer;
use super::wait::Bed;
use super::writer_thread::Clock;
use crate::clerk::{Clerk, Notice};
use crate::command::{Command, Sequenced};
use crate::decision::Outgoing;
use crate::follower::{Follower, RecordSource};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long it sleeps at most without news; the writer wakes it.
const NAP: Duration = Duration::from_millis(20);
/// The clerk's pause between two pieces of a snapshot: the engine may need this core.
const BREATH: Duration = Duration::from_millis(1);

/// Everything that the follower thread owns.
pub(super) struct FollowerThread {
    follower: Follower,
    source: Box<dyn RecordSource>,
    clerk: Box<dyn Clerk>,
    reports: Producer<Outgoing>,
    notices: Producer<Notice>,
    shared: Arc<Shared>,
    bed: Arc<Bed>,
    writer: Arc<Bed>,
    bell: Arc<Bell>,
    clock: Clock,
    answers: Vec<Outgoing>,
}

/// What the thread is started with.
pub(super) struct Belongings {
    pub(super) follower: Follower,
    pub(super) source: Box<dyn RecordSource>,
    pub(super) clerk: Box<dyn Clerk>,
    pub(super) reports: Producer<Outgoing>,
    pub(super) notices: Producer<Notice>,
    pub(super) shared: Arc<Shared>,
    pub(super) bed: Arc<Bed>,
    pub(super) writer: Arc<Bed>,
    pub(super) bell: Arc<Bell>,
    pub(super) clock: Clock,
}

impl fmt::Debug for FollowerThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowerThread").finish_non_exhaustive()
    }
}

impl FollowerThread {
    pub(super) fn new(own: Belongings) -> Self {
        Self {
            follower: own.follower,
            source: own.source,
            clerk: own.clerk,
            reports: own.reports,
            notices: own.notices,
            shared: own.shared,
            bed: own.bed,
            writer: own.writer,
            bell: own.bell,
            clock: own.clock,
            answers: Vec::new(),
        }
    }

    /// Runs until the pipeline stops or its decisions differ from the journal's.
    pub(super) fn run(mut self) {
        if let Err(text) = self.follow() {
            self.shared.watermarks.set_diverged(text);
            self.bell.ring();
        } else if !self.shared.killed() && self.shared.watermarks.failure().is_none() {
            if let Some(end) = self.source.end() {
                self.clerk.close(&self.follower, &end, (self.clock)());
            }
            self.tell();
        }
        self.shared.follower_ended.store(true, Ordering::Release);
        self.writer.wake();
    }

    fn follow(&mut self) -> Result<(), String> {
        self.find_place()?;
        while !self.is_over() {
            let durable = self.shared.watermarks.durable();
            if self.follower.seq() < durable {
                self.catch_up(durable)?;
                continue;
            }
            self.attend();
            let seq = self.follower.seq();
            let shared = Arc::clone(&self.shared);
            self.bed.sleep(NAP, || {
                shared.watermarks.durable() > seq || shared.records_ended.load(Ordering::Acquire)
            });
        }
        Ok(())
    }

    /// Reads on to where the start has come, so that the clerk has a place although no record may follow: a
    /// stop then leaves a snapshot too.
    fn find_place(&mut self) -> Result<(), String> {
        let seq = self.follower.seq();
        match self.source.next(seq)? {
            None => Ok(()),
            Some((input, _)) => Err(format!(
                "the journal gives record {} again behind record {seq}",
                input.seq
            )),
        }
    }

    fn is_over(&self) -> bool {
        self.shared.killed()
            || self.shared.watermarks.failure().is_some()
            || (self.shared.records_ended.load(Ordering::Acquire)
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
            self.heed(&input);
            if !self.answers.is_empty() {
                self.deliver();
            }
            if self.shared.killed() {
                return Ok(());
            }
            self.attend();
        }
        Ok(())
    }

    /// What the clerk has asked for, and the journal now says.
    fn heed(&mut self, input: &Sequenced) {
        if let Command::SegmentsRemoved(removed) = &input.command {
            self.clerk.remove(removed);
        }
    }

    /// Between two frames the clerk has his turn.
    fn attend(&mut self) {
        if let Some(end) = self.source.end() {
            let shared = &self.shared;
            let mut pause = || {
                if !shared.records_ended.load(Ordering::Acquire) {
                    std::thread::sleep(BREATH);
                }
            };
            let now_ns = (self.clock)();
            self.clerk.attend(&self.follower, &end, now_ns, &mut pause);
            self.tell();
        }
    }

    /// What there is to say is lost where nobody listens: it never holds anything up.
    fn tell(&mut self) {
        for notice in self.clerk.notices() {
            drop(self.notices.try_push(notice));
            self.bell.ring();
        }
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
