//! Owns what is done behind the writer: durable records are read back and applied to the second copy, its
//! answers go into the reports queue, and the clerk does his work between two frames. Leaves out who does
//! it when (see `follower_thread` and `engine_seat`), what an answer says (see `follower`) and what the
//! clerk's work is (see `clerk`).

use super::Shared;
use super::doors::Bell;
use super::rings::Producer;
use super::wait::Bed;
use super::writer_thread::Clock;
use crate::clerk::{Clerk, Notice};
use crate::command::{Command, Sequenced};
use crate::decision::{Decision, Outgoing};
use crate::follower::{Follower, RecordSource};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long it waits for room for an answer before it looks again; the gateway wakes it.
const NAP: Duration = Duration::from_millis(20);
/// The clerk's pause between two pieces of a snapshot: the engine may need this core.
const BREATH: Duration = Duration::from_millis(1);
/// Records behind which the copy may stand while it is followed with what time the gateway's loop has left.
const LEISURE: u64 = 4096;

/// The second copy and everything that it needs.
pub(super) struct Following {
    pub(super) follower: Follower,
    pub(super) source: Box<dyn RecordSource>,
    pub(super) clerk: Box<dyn Clerk>,
    pub(super) reports: Producer<Outgoing>,
    pub(super) notices: Producer<Notice>,
    pub(super) shared: Arc<Shared>,
    /// Where the follower's thread sleeps.
    pub(super) bed: Arc<Bed>,
    pub(super) bell: Arc<Bell>,
    pub(super) clock: Clock,
    /// Answers on their way to the reports queue.
    pub(super) answers: Vec<Outgoing>,
    /// What went wrong, in the gateway's loop for the thread to tell: nothing is applied any more.
    pub(super) failed: Option<String>,
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").finish_non_exhaustive()
    }
}

impl Following {
    /// Last sequence applied.
    pub(super) fn seq(&self) -> u64 {
        self.follower.seq()
    }

    /// Reads on to where the start has come, so that the clerk has a place although no record may follow: a
    /// stop then leaves a snapshot too.
    pub(super) fn find_place(&mut self) -> Result<(), String> {
        let seq = self.follower.seq();
        match self.source.next(seq)? {
            None => Ok(()),
            Some((input, _)) => Err(format!(
                "the journal gives record {} again behind record {seq}",
                input.seq
            )),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.shared.killed()
            || self.shared.watermarks.failure().is_some()
            || (self.shared.records_ended.load(Ordering::Acquire)
                && self.follower.seq() >= self.shared.watermarks.durable())
    }

    /// Applies records up to `durable`, never past it.
    pub(super) fn catch_up(&mut self, durable: u64) -> Result<(), String> {
        while self.follower.seq() < durable {
            let Some((input, decision)) = self.source.next(durable)? else {
                // The watermark may be ahead of what a reader sees for an instant; look again later.
                self.bed.sleep(Duration::from_millis(1), || false);
                return Ok(());
            };
            self.apply(&input, &decision)?;
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

    fn apply(&mut self, input: &Sequenced, decision: &Decision) -> Result<(), String> {
        self.follower.look_ahead(self.source.as_ref());
        self.follower
            .apply(input, decision, &mut self.answers)
            .map_err(|difference| difference.to_string())?;
        self.shared.watermarks.publish_followed(self.follower.seq());
        Ok(())
    }

    /// Whether the records up to `durable` may be left to the gateway's loop: it is awake, they are few, and
    /// nobody waits for what they will tell.
    pub(super) fn can_be_left(&self, durable: u64) -> bool {
        let seq = self.seq();
        durable.saturating_sub(seq) < LEISURE
            && self.shared.called.load(Ordering::Acquire) <= seq
            && !self.follower.is_waited_for()
            && !self.shared.records_ended.load(Ordering::Acquire)
            && !self.bell.is_asleep()
    }

    /// Reads the next frame up to `durable`, if the last one is used up; whether there is something to apply.
    pub(super) fn gather(&mut self, durable: u64) -> Result<bool, String> {
        if self.source.gathered(0).is_none() {
            let last = self.source.gather(durable)?;
            self.shared.gathered.store(last, Ordering::Release);
        }
        Ok(self.source.gathered(0).is_some())
    }

    /// Applies one record that has been read already; whether it did. It reads no file and writes none: what
    /// needs more than the copy is left to the thread.
    pub(super) fn step(&mut self) -> bool {
        let Some(next) = self.source.gathered(0) else {
            return false;
        };
        let needs_more =
            next.command.is_awaited() || matches!(next.command, Command::SegmentsRemoved(_));
        if needs_more || self.failed.is_some() {
            self.shared.called.fetch_max(next.seq, Ordering::AcqRel);
            self.bed.wake();
            return false;
        }
        let applied = match self.source.next(0) {
            Ok(Some((input, decision))) => self.apply(&input, &decision),
            Ok(None) => Ok(()),
            Err(text) => Err(text),
        };
        if let Err(text) = applied {
            self.failed = Some(text);
        }
        if self.source.gathered(0).is_none() || self.failed.is_some() {
            self.bed.wake();
        }
        true
    }

    /// What the clerk has asked for, and the journal now says.
    fn heed(&mut self, input: &Sequenced) {
        if let Command::SegmentsRemoved(removed) = &input.command {
            self.clerk.remove(removed);
        }
    }

    /// The clerk's last work, behind the last record.
    pub(super) fn close(&mut self) {
        if let Some(end) = self.source.end() {
            self.clerk.close(&self.follower, &end, (self.clock)());
        }
        self.tell();
    }

    /// Between two frames the clerk has his turn.
    pub(super) fn attend(&mut self) {
        if let Some(end) = self.source.end() {
            let shared = &self.shared;
            let mut pause = || {
                if !shared.records_ended.load(Ordering::Acquire) {
                    std::thread::sleep(BREATH);
                }
            };
            let now_ns = (self.clock)();
            let behind = shared
                .watermarks
                .durable()
                .saturating_sub(self.follower.seq());
            self.clerk
                .attend(&self.follower, behind, &end, now_ns, &mut pause);
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
