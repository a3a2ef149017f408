//! Owns the follower thread: follows the journal behind the writer. Where the engine turns in the gateway's
//! loop and no reply waits for the disk, it leaves that loop what it can do beside its sockets: on few cores
//! a second thread would take one away from the orders for it. Leaves out what following is (see `following`).

use super::Shared;
use super::following::Following;
use super::wait::Bed;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long it sleeps at most without news; the writer wakes it.
const NAP: Duration = Duration::from_millis(20);
/// The watermark may be ahead of what a reader sees for an instant.
const INSTANT: Duration = Duration::from_millis(1);

/// Everything that the follower thread owns.
#[derive(Debug)]
pub(super) struct FollowerThread {
    pub(super) following: Arc<Mutex<Following>>,
    /// Whether the gateway's loop has a share in it.
    pub(super) is_shared: bool,
    pub(super) shared: Arc<Shared>,
    pub(super) bed: Arc<Bed>,
    pub(super) writer: Arc<Bed>,
}

impl FollowerThread {
    /// Runs until the pipeline stops or its decisions differ from the journal's.
    pub(super) fn run(self) {
        let followed = self.follow();
        let mut following = self.following.lock();
        if let Err(text) = followed {
            self.shared.watermarks.set_diverged(text.clone());
            following.failed = Some(text);
            following.bell.ring();
        } else if !self.shared.killed() && self.shared.watermarks.failure().is_none() {
            following.close();
        }
        drop(following);
        self.shared.follower_ended.store(true, Ordering::Release);
        self.writer.wake();
    }

    fn follow(&self) -> Result<(), String> {
        self.following.lock().find_place()?;
        // Where the gateway's loop had come when it was last left something.
        let mut left_at = None;
        loop {
            let mut following = self.following.lock();
            if let Some(text) = &following.failed {
                return Err(text.clone());
            }
            if following.is_over() {
                return Ok(());
            }
            let (seq, durable) = (following.seq(), self.shared.watermarks.durable());
            let leaves = self.is_shared && left_at != Some(seq) && following.can_be_left(durable);
            if seq < durable && !leaves {
                following.catch_up(durable)?;
                left_at = None;
                continue;
            }
            following.attend();
            left_at = (seq < durable).then_some(seq);
            let is_blind = left_at.is_some() && !following.gather(durable)?;
            drop(following);
            if is_blind {
                self.bed.sleep(INSTANT, || false);
            } else {
                self.bed.sleep(NAP, || self.has_work(left_at.is_some()));
            }
        }
    }

    /// Whether there is something to do that the gateway's loop was not left.
    fn has_work(&self, has_left: bool) -> bool {
        let shared = &self.shared;
        let followed = shared.watermarks.followed();
        let is_used_up = !has_left || followed >= shared.gathered.load(Ordering::Acquire);
        shared.records_ended.load(Ordering::Acquire)
            || shared.called.load(Ordering::Acquire) > followed
            || (is_used_up && shared.watermarks.durable() > followed)
    }
}
