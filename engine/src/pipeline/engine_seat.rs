//! Owns the engine's place in the gateway's loop, where it has no thread of its own: on few cores two
//! threads that hand each order to each other cost more than the decision. Leaves out what a turn of the
//! engine is (see `engine_loop`): it is the same code in both shapes.

use super::engine_loop::{EngineLoop, EngineStopped, Turn};
use super::following::Following;
use super::wait::Bed;
use super::watermarks::AckPolicy;
use super::writing::Writing;
use super::{Guard, Shared, in_hand};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Turns of the engine before the gateway looks at its sockets and at the outbound ring again.
const TURNS: u32 = 256;
/// Records of a batch, at most, that the loop writes itself, as many as one turn of it reads frames: more are worth
/// another thread, beside which it decides what comes meanwhile.
const SMALL_BATCH: usize = 64;

/// The engine in the gateway's loop.
#[derive(Debug)]
pub(super) struct EngineSeat {
    /// `None` once it has ended.
    engine: Option<EngineLoop>,
    stopped: Option<EngineStopped>,
    /// Tells the other threads when it has; let go then.
    guard: Option<Guard>,
    shared: Arc<Shared>,
    /// The second copy, which its thread leaves to this loop where it can.
    following: Arc<Mutex<Following>>,
    /// The journal, which the writer's thread leaves to this loop where it rests.
    writing: Arc<Mutex<Writing>>,
    follower: Arc<Bed>,
    /// The loop has written a batch.
    has_written: bool,
}

impl EngineSeat {
    pub(super) fn new(
        engine: EngineLoop,
        guard: Guard,
        following: Arc<Mutex<Following>>,
        writing: Arc<Mutex<Writing>>,
        follower: Arc<Bed>,
    ) -> Self {
        Self {
            shared: Arc::clone(&engine.shared),
            engine: Some(engine),
            stopped: None,
            guard: Some(guard),
            following,
            writing,
            follower,
            has_written: false,
        }
    }

    /// Decides what has been pushed, as far as there is room for what it causes and for a bounded number of
    /// turns; whether there was anything.
    ///
    /// Where a reply waits for the disk it is written here, or the writer is woken at once; else the writer is
    /// woken by [`Self::hand_on`].
    pub(super) fn decide(&mut self) -> bool {
        let Some(engine) = &mut self.engine else {
            return false;
        };
        if engine.must_end() {
            self.end();
            return false;
        }
        let mut worked = false;
        for _ in 0..TURNS {
            match engine.turn() {
                Turn::Worked => worked = true,
                Turn::Stepped => {
                    worked = true;
                    // Long work goes on beside the sockets, not before them.
                    if !engine.has_input() {
                        break;
                    }
                }
                Turn::NothingToDo => break,
                Turn::NoRoom => {
                    engine.wake_others();
                    engine.call_relief();
                    break;
                }
            }
        }
        // This thread does other things too, and their faults are nobody's command.
        in_hand::put_down();
        if worked && engine.bell.policy != AckPolicy::Memory && !self.write() {
            self.wake_others();
        }
        worked
    }

    /// Writes and syncs what has been decided, where every reply waits for that, it is little, the disk is quick
    /// and the writer rests: two threads that hand each batch to each other cost more than a sync. Whether it did.
    fn write(&mut self) -> bool {
        let Some(engine) = &mut self.engine else {
            return false;
        };
        if engine.bell.policy != AckPolicy::Durable || engine.records_waiting() > SMALL_BATCH {
            return false;
        }
        let Some(mut writing) = self.writing.try_lock().filter(|w| w.is_quick()) else {
            return false;
        };
        if !writing.batch() {
            return false;
        }
        engine.needs_no_writer();
        self.has_written = true;
        true
    }

    /// Wakes who has something to do with what was decided or written: replies that need not wait for it have
    /// left.
    pub(super) fn hand_on(&mut self) {
        self.wake_others();
        if std::mem::take(&mut self.has_written) {
            // Else the writer's thread wakes it, now and then.
            let called = self.shared.called.load(Ordering::Acquire);
            if called > self.shared.watermarks.followed() {
                self.follower.wake();
            }
        }
    }

    fn wake_others(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.wake_others();
        }
    }

    /// Applies one record to the second copy, if its thread has left one and is not at it itself; whether
    /// it did. Never waits.
    pub(super) fn follow(&self) -> bool {
        let followed = self.shared.watermarks.followed();
        if followed >= self.shared.gathered.load(Ordering::Acquire) {
            return false;
        }
        self.following
            .try_lock()
            .is_some_and(|mut following| following.step())
    }

    /// Whether [`Self::decide`] would do something.
    pub(super) fn can_turn(&self) -> bool {
        self.engine.as_ref().is_some_and(EngineLoop::can_turn)
    }

    /// Ends it when a stop has been asked for and nothing is left to decide, or at once when the journal
    /// has failed; decides what is left until then. Whether it has ended.
    pub(super) fn finish(&mut self) -> bool {
        if !self.decide()
            && let Some(engine) = &self.engine
            && engine.shared.stop.load(Ordering::Acquire)
            && !engine.has_input()
        {
            self.end();
        }
        self.hand_on();
        self.engine.is_none()
    }

    fn end(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.stopped = Some(engine.end());
            self.guard = None;
        }
    }

    /// What it has left behind, once.
    pub(super) const fn take_stopped(&mut self) -> Option<EngineStopped> {
        self.stopped.take()
    }
}
