//! Owns what the threads tell each other in passing: how far the journal is written and durable, that
//! it has failed, that space runs out, when time is due. Leaves out who acts on it.

use super::sink::Space;
use crate::decision::Outgoing;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What must have happened before a reply may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckPolicy {
    /// Its record is on the disk.
    Durable,
    /// Its record has been handed to the kernel: a power failure may lose it.
    Written,
    /// It is decided: a crash of the process may lose it.
    Memory,
}

impl AckPolicy {
    /// The number in the `Started` record.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Durable => 1,
            Self::Written => 2,
            Self::Memory => 3,
        }
    }

    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Written => "written",
            Self::Memory => "memory",
        }
    }
}

/// What the pipeline's threads publish. Sequences only rise.
#[derive(Debug)]
pub struct Watermarks {
    written: AtomicU64,
    durable: AtomicU64,
    followed: AtomicU64,
    next_deadline: AtomicU64,
    /// Space for the journal is low, and lower still.
    disk_low: AtomicBool,
    disk_reserved: AtomicBool,
    failed: AtomicBool,
    failure: OnceLock<String>,
    diverged: OnceLock<String>,
    wishes: OnceLock<Vec<Outgoing>>,
}

impl Watermarks {
    pub(super) fn new(durable: u64) -> Self {
        Self {
            written: AtomicU64::new(durable),
            durable: AtomicU64::new(durable),
            followed: AtomicU64::new(durable),
            next_deadline: AtomicU64::new(u64::MAX),
            disk_low: AtomicBool::new(false),
            disk_reserved: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failure: OnceLock::new(),
            diverged: OnceLock::new(),
            wishes: OnceLock::new(),
        }
    }

    /// Last sequence handed to the kernel. Acquire: pairs with the writer's Release.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Last sequence proven to be on the disk; never above [`Self::written`] if read before it.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Last sequence whose replies may leave under `policy`.
    #[must_use]
    pub fn acknowledged(&self, policy: AckPolicy) -> u64 {
        match policy {
            AckPolicy::Durable => self.durable(),
            AckPolicy::Written => self.written(),
            AckPolicy::Memory => u64::MAX,
        }
    }

    /// Last sequence that the follower has applied.
    #[must_use]
    pub fn followed(&self) -> u64 {
        self.followed.load(Ordering::Acquire)
    }

    /// When a `TimePassed` must enter if nothing else does, in nanoseconds since the epoch.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        Some(self.next_deadline.load(Ordering::Relaxed)).filter(|t| *t != u64::MAX)
    }

    /// Whether space for the journal runs out: new orders are refused as `Busy`.
    #[must_use]
    pub fn disk_low(&self) -> bool {
        self.disk_low.load(Ordering::Relaxed)
    }

    /// Whether what is left of that space is kept for reports, cancels and states: hand over nothing that
    /// may wait ([`Command::may_wait`](crate::command::Command::may_wait)).
    #[must_use]
    pub fn disk_reserved(&self) -> bool {
        self.disk_reserved.load(Ordering::Relaxed)
    }

    /// Why the pipeline has stopped for good: nothing after [`Self::durable`] may be acknowledged and
    /// the process must exit non-zero.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        if self.failed.load(Ordering::Acquire) {
            self.failure.get().map(String::as_str)
        } else {
            None
        }
    }

    /// Why the follower has stopped, if it has: it can't read the journal back, or decides otherwise
    /// than it says. It answers no more queries; log it loudly.
    #[must_use]
    pub fn diverged(&self) -> Option<&str> {
        self.diverged.get().map(String::as_str)
    }

    /// After a failure: requests to cancel every inline order, without a number, for the venues. A request
    /// changes no exposure, so it may leave although it is in no journal. `None` until the engine thread has
    /// ended.
    #[must_use]
    pub fn wishes(&self) -> Option<&[Outgoing]> {
        self.wishes.get().map(Vec::as_slice)
    }

    pub(super) fn set_wishes(&self, wishes: Vec<Outgoing>) {
        drop(self.wishes.set(wishes));
    }

    pub(super) fn publish_written(&self, seq: u64) {
        self.written.fetch_max(seq, Ordering::Release);
    }

    pub(super) fn publish_durable(&self, seq: u64) {
        debug_assert!(
            seq <= self.written(),
            "nothing is durable before it is written"
        );
        self.durable.fetch_max(seq, Ordering::Release);
    }

    pub(super) fn publish_followed(&self, seq: u64) {
        self.followed.fetch_max(seq, Ordering::Release);
    }

    pub(super) fn publish_deadline(&self, deadline: Option<u64>) {
        self.next_deadline
            .store(deadline.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn set_space(&self, space: Space) {
        self.disk_low.store(space >= Space::Low, Ordering::Relaxed);
        self.disk_reserved
            .store(space >= Space::Reserved, Ordering::Relaxed);
    }

    /// Keeps the first failure only.
    pub(super) fn fail(&self, text: String) {
        // A second failure is a consequence of the first, which is already told.
        drop(self.failure.set(text));
        self.failed.store(true, Ordering::Release);
    }

    pub(super) fn set_diverged(&self, text: String) {
        drop(self.diverged.set(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watermarks_never_fall_and_the_first_failure_stays() {
        let marks = Watermarks::new(5);
        marks.publish_written(9);
        marks.publish_durable(7);
        marks.publish_durable(6);
        marks.publish_written(8);
        assert_eq!((marks.durable(), marks.written()), (7, 9));
        assert_eq!(marks.acknowledged(AckPolicy::Durable), 7);
        assert_eq!(marks.acknowledged(AckPolicy::Memory), u64::MAX);
        assert_eq!(marks.failure(), None);
        marks.fail("disk".to_owned());
        marks.fail("ring".to_owned());
        assert_eq!(marks.failure(), Some("disk"));
    }
}
