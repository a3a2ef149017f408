//! Owns the back-office writer thread: takes records as they gather, writes them as one batch, syncs,
//! and publishes the watermarks. Leaves out where records gather meanwhile (see `intake`), the bytes of a
//! record (see `record`) and of a frame (see `journal`).
//!
//! This is the only place that knows where frames go. After the first error nothing is retried and
//! nothing more is published.

use super::Shared;
use super::doors::{Bell, EngineWaker};
use super::intake::Intake;
use super::sink::{Sink, SinkError};
use super::wait::{Bed, Patience, Wait};
use super::watermarks::AckPolicy;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Time of idleness after which the disk is told what had been durable; journal.md asks for 10 ms. Under
/// `ack=memory`, where no reply waits for the disk, records gather as long: each batch takes the cores of a
/// small machine from the orders for the time of its sync and of following it.
const REST: Duration = Duration::from_millis(8);

/// Records of a batch at most where no reply waits for it: what has gathered behind a disk that stood still
/// must not keep a core for long.
const BITE: usize = 512;

/// How long it sleeps at most while the follower finishes; the follower wakes it.
const NAP: Duration = Duration::from_millis(10);

/// Reads the clock, in nanoseconds since the epoch: the stamp of batches, for information only.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Everything that the writer thread owns.
pub(super) struct WriterThread {
    pub(super) intake: Arc<Intake>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) shared: Arc<Shared>,
    pub(super) bed: Arc<Bed>,
    pub(super) engine: EngineWaker,
    pub(super) follower: Arc<Bed>,
    pub(super) bell: Arc<Bell>,
    pub(super) clock: Clock,
    pub(super) wait: Wait,
}

impl fmt::Debug for WriterThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterThread").finish_non_exhaustive()
    }
}

impl WriterThread {
    /// Runs until the engine thread has ended and everything is written, or until the sink fails.
    pub(super) fn run(mut self) {
        if let Err(error) = self.serve() {
            self.stop_closed(&error);
            return;
        }
        self.await_follower();
        if self.shared.killed() {
            return;
        }
        let (shared, bell) = (Arc::clone(&self.shared), Arc::clone(&self.bell));
        match self.sink.clean_stop((self.clock)()) {
            Ok(durable) => {
                shared.watermarks.publish_written(durable);
                shared.watermarks.publish_durable(durable);
            }
            Err(error) => shared.watermarks.fail(error.to_string()),
        }
        bell.ring();
    }

    fn serve(&mut self) -> Result<(), SinkError> {
        let mut patience = Patience::new(self.wait);
        loop {
            if self.shared.killed() {
                return Ok(());
            }
            // Read before the last look into the ring: whatever the engine pushed is then seen.
            let engine_ended = self.shared.engine_ended.load(Ordering::Acquire);
            let gathers = self.bell.policy == AckPolicy::Memory && !engine_ended;
            if self.batch()? {
                patience.reset();
                self.look_ahead();
                if !gathers {
                    continue;
                }
            } else if engine_ended {
                return Ok(());
            }
            if gathers || patience.idle() {
                self.rest()?;
                patience.reset();
            }
        }
    }

    /// Writes and syncs what has gathered; false when nothing had.
    fn batch(&mut self) -> Result<bool, SinkError> {
        let most = match self.bell.policy {
            AckPolicy::Memory => BITE,
            AckPolicy::Durable | AckPolicy::Written => usize::MAX,
        };
        let gathered = self.intake.fill(self.sink.as_mut(), most)?;
        if gathered == 0 {
            return Ok(false);
        }
        // The engine may have stopped for want of room.
        self.engine.wake();
        let marks = &self.shared.watermarks;
        marks.publish_written(self.sink.write((self.clock)())?);
        if self.bell.policy == AckPolicy::Written {
            self.bell.ring();
        }
        marks.publish_durable(self.sink.sync()?);
        if self.bell.policy == AckPolicy::Durable {
            self.bell.ring();
        }
        self.follower.wake();
        Ok(true)
    }

    /// Sleeps until there are records that somebody waits for; restates what is durable when the idleness
    /// lasts.
    fn rest(&mut self) -> Result<(), SinkError> {
        let gathers = self.bell.policy == AckPolicy::Memory;
        self.bed.sleep(REST, || {
            self.shared.engine_ended.load(Ordering::Acquire)
                || if gathers {
                    self.intake.is_urgent()
                } else {
                    !self.intake.is_empty()
                }
        });
        if self.intake.is_empty() && self.sink.needs_restate() {
            self.sink.restate((self.clock)())?;
        }
        self.look_ahead();
        Ok(())
    }

    /// Has the next space prepared, and says when it runs out.
    fn look_ahead(&mut self) {
        let space = self.sink.prepare_ahead(self.intake.waiting_bytes());
        self.shared.watermarks.set_space(space);
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

    fn stop_closed(&self, error: &SinkError) {
        self.shared.watermarks.fail(error.to_string());
        self.engine.wake();
        self.follower.wake();
        self.bell.ring();
    }
}
