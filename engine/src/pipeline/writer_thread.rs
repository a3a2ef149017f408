//! Owns the back-office writer thread: takes records as they gather, as one batch after the other, and
//! rests between them. Leaves out where records gather meanwhile (see `intake`), how a batch becomes durable
//! (see `writing`), the bytes of a record (see `record`) and of a frame (see `journal`).

use super::Shared;
use super::intake::Intake;
use super::wait::{Bed, Patience, Wait};
use super::watermarks::AckPolicy;
use super::writing::Writing;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Time of idleness after which the disk is told what had been durable; journal.md asks for 10 ms. Under
/// `ack=memory`, where no reply waits for the disk, records gather as long: each batch takes the cores of a
/// small machine from the orders for the time of its sync and of following it.
const REST: Duration = Duration::from_millis(8);

/// The same where the gateway's loop writes too: its last batch may be as old as this when the idleness is noticed
/// first, so that twice as long has passed when it is noticed again.
const SHORT_REST: Duration = Duration::from_millis(5);

/// How long it sleeps at most while the follower finishes; the follower wakes it.
const NAP: Duration = Duration::from_millis(10);

/// Reads the clock, in nanoseconds since the epoch: the stamp of batches, for information only.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Everything that the writer thread owns.
#[derive(Debug)]
pub(super) struct WriterThread {
    /// Where the engine turns in the gateway's loop, that writes small batches itself.
    pub(super) writing: Arc<Mutex<Writing>>,
    pub(super) intake: Arc<Intake>,
    pub(super) policy: AckPolicy,
    /// Whether nobody else writes.
    pub(super) is_alone: bool,
    pub(super) shared: Arc<Shared>,
    pub(super) bed: Arc<Bed>,
    pub(super) follower: Arc<Bed>,
    pub(super) wait: Wait,
}

impl WriterThread {
    /// Runs until the engine thread has ended and everything is written, or until the sink fails.
    pub(super) fn run(self) {
        self.serve();
        if self.shared.watermarks.failure().is_some() {
            self.writing.lock().let_go();
            self.follower.wake();
            return;
        }
        self.await_follower();
        let mut writing = self.writing.lock();
        if self.shared.killed() {
            writing.let_go();
        } else {
            writing.stop();
        }
    }

    fn serve(&self) {
        let mut patience = Patience::new(self.wait);
        loop {
            if self.shared.killed() || self.shared.watermarks.failure().is_some() {
                return;
            }
            // Read before the last look into the ring: whatever the engine pushed is then seen.
            let engine_ended = self.shared.engine_ended.load(Ordering::Acquire);
            let gathers = self.policy == AckPolicy::Memory && !engine_ended;
            if self.batch() {
                patience.reset();
                if !gathers {
                    continue;
                }
            } else if engine_ended {
                return;
            }
            // Who stays awake takes what the loop would write itself.
            if gathers || !self.is_alone || patience.idle() {
                self.rest();
                patience.reset();
            }
        }
    }

    /// Writes and syncs what has gathered; false when nothing had.
    fn batch(&self) -> bool {
        let mut writing = self.writing.lock();
        if !writing.batch() {
            return false;
        }
        self.follower.wake();
        writing.look_ahead();
        true
    }

    /// Sleeps until there are records that somebody waits for; restates what is durable when the idleness
    /// lasts, and has followed what the gateway's loop wrote meanwhile.
    fn rest(&self) {
        let gathers = self.policy == AckPolicy::Memory;
        let batches = self.writing.lock().batches();
        let rest = if self.is_alone { REST } else { SHORT_REST };
        self.bed.sleep(rest, || {
            self.shared.engine_ended.load(Ordering::Acquire)
                || if gathers {
                    self.intake.is_urgent()
                } else {
                    !self.intake.is_empty()
                }
        });
        let mut writing = self.writing.lock();
        if writing.batches() == batches {
            writing.restate();
        } else {
            self.follower.wake();
        }
        writing.look_ahead();
    }

    /// Lets the follower finish with all that is durable, while the directory is still this process's own.
    fn await_follower(&self) {
        self.shared.records_ended.store(true, Ordering::Release);
        self.follower.wake();
        let ended = || self.shared.follower_ended.load(Ordering::Acquire);
        while !ended() && !self.shared.killed() {
            self.bed.sleep(NAP, ended);
        }
    }
}
