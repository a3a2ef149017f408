//! Owns the engine's place in the gateway's loop, where it has no thread of its own: on few cores two
//! threads that hand each order to each other cost more than the decision. Leaves out what a turn of the
//! engine is (see `engine_loop`): it is the same code in both shapes.

use super::engine_loop::{EngineLoop, EngineStopped, Turn};
use super::following::Following;
use super::watermarks::AckPolicy;
use super::{Guard, Shared, in_hand};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Turns of the engine before the gateway looks at its sockets and at the outbound ring again.
const TURNS: u32 = 256;

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
}

impl EngineSeat {
    pub(super) fn new(engine: EngineLoop, guard: Guard, following: Arc<Mutex<Following>>) -> Self {
        Self {
            shared: Arc::clone(&engine.shared),
            engine: Some(engine),
            stopped: None,
            guard: Some(guard),
            following,
        }
    }

    /// Decides what has been pushed, as far as there is room for what it causes and for a bounded number of
    /// turns; whether there was anything.
    ///
    /// Where a reply waits for the disk the writer is woken at once, else by [`Self::hand_on`].
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
        if worked && engine.bell.policy != AckPolicy::Memory {
            engine.wake_others();
        }
        worked
    }

    /// Wakes the writer for what has been decided: replies that need not wait for it have left.
    pub(super) fn hand_on(&mut self) {
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
