//! Owns the engine's thread, where it has one: turns the loop, waits when there is nothing to do, and ends.
//! Leaves out what a turn is (see `engine_loop`).

use super::engine_loop::{EngineLoop, EngineStopped, Turn};
use super::wait::{Bed, Patience, Wait};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A sleeping engine looks for itself this often: a net under the wake-ups, not a means.
const NAP: Duration = Duration::from_millis(20);

/// The loop and how its thread waits.
#[derive(Debug)]
pub(super) struct EngineThread {
    pub(super) engine: EngineLoop,
    pub(super) bed: Arc<Bed>,
    pub(super) wait: Wait,
}

impl EngineThread {
    /// Runs until asked to stop and the inlets are empty, or until the journal has failed.
    pub(super) fn run(self) -> EngineStopped {
        let Self {
            mut engine,
            bed,
            wait,
        } = self;
        let mut patience = Patience::new(wait);
        let stops = |engine: &EngineLoop| engine.shared.stop.load(Ordering::Acquire);
        loop {
            match engine.turn() {
                Turn::Worked | Turn::Stepped => {
                    patience.reset();
                    if engine.owes_wakes() {
                        engine.wake_others();
                    }
                    continue;
                }
                Turn::NothingToDo if stops(&engine) => break,
                Turn::NothingToDo | Turn::NoRoom => {}
            }
            engine.wake_others();
            if engine.must_end() {
                break;
            }
            engine.call_relief();
            if patience.idle() {
                // A gateway that sleeps while the outbound ring is full must drain it.
                if !engine.has_room() {
                    engine.bell.ring();
                }
                bed.sleep(NAP, || {
                    stops(&engine) || (engine.has_room() && engine.has_input())
                });
            }
        }
        engine.end()
    }
}
