//! Owns how a thread waits for work: spin a little, yield, then park until a producer wakes it.
//! Leaves out what the work is.
//!
//! On two cores a spinning thread takes the core that its own input needs, so the default spins only
//! where there are cores to spare. Nothing here reads a clock: patience is counted in rounds.

use std::sync::OnceLock;
use std::time::Duration;

// Named so that `engine/tests/wait_under_loom.rs` can try every interleaving of this file.
use super::sync::{AtomicBool, Ordering, Thread, current, fence, park_timeout, yield_now};

/// How long a thread waits awake before it parks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Rounds of spinning.
    pub spins: u32,
    /// Rounds of yielding after them.
    pub yields: u32,
}

impl Wait {
    /// For the engine: its hand-offs are on every reply's way, so it stays awake for a while.
    #[must_use]
    pub fn engine() -> Self {
        Self {
            spins: if spare_cores() { 200 } else { 0 },
            yields: 500,
        }
    }

    /// For threads behind it, whose work comes in batches anyway.
    #[must_use]
    pub const fn behind() -> Self {
        Self {
            spins: 0,
            yields: 20,
        }
    }
}

/// Whether a thread may spin, and the engine have one of its own: gateway, engine and writer each have a core, and one is left.
pub(super) fn spare_cores() -> bool {
    static SPARE: OnceLock<bool> = OnceLock::new();
    *SPARE.get_or_init(|| std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 3))
}

/// Where one thread sleeps and others wake it.
#[derive(Debug, Default)]
pub(super) struct Bed {
    asleep: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Bed {
    /// Wakes the sleeper if it sleeps. Call it after publishing the work.
    ///
    /// The fence orders the work before the look at `asleep`; the sleeper's fence orders `asleep`
    /// before its last look for work. One of the two sees the other, so no wake-up is lost.
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed)
            && self.asleep.swap(false, Ordering::AcqRel)
            && let Some(thread) = self.sleeper.get()
        {
            thread.unpark();
        }
    }

    /// Sleeps on the calling thread until woken or `limit` is over, unless `work` says there is some.
    ///
    /// `asleep` is exchanged and not only stored: the exchange reads what a waker left, so that both
    /// threads agree which of their writes came later.
    pub(super) fn sleep(&self, limit: Duration, work: impl Fn() -> bool) {
        self.sleeper.get_or_init(current);
        self.asleep.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        if !work() {
            park_timeout(limit);
        }
        self.asleep.swap(false, Ordering::AcqRel);
    }
}

/// Counts idle rounds of a thread and waits ever more patiently.
#[derive(Debug)]
pub(super) struct Patience {
    wait: Wait,
    rounds: u32,
}

impl Patience {
    /// Fresh patience.
    #[must_use]
    pub(super) const fn new(wait: Wait) -> Self {
        Self { wait, rounds: 0 }
    }

    /// There was work.
    pub(super) const fn reset(&mut self) {
        self.rounds = 0;
    }

    /// Waits one idle round; true when it is time to sleep instead.
    pub(super) fn idle(&mut self) -> bool {
        let round = self.rounds;
        self.rounds = round.saturating_add(1);
        if round < self.wait.spins {
            std::hint::spin_loop();
        } else if round < self.wait.spins.saturating_add(self.wait.yields) {
            yield_now();
        } else {
            return true;
        }
        false
    }
}
