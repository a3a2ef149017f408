//! The one place of the gateway that reads the wall clock: the stamps of commands.
//!
//! Deadlines of connections (handshake, heartbeats, stalls) run on a monotonic clock of the I/O thread
//! and never enter the journal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where the stamps of commands come from, in nanoseconds since the Unix epoch.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The stamp of what is received now.
    fn now(&self) -> u64;

    /// An ops command asks for this time: only a commanded clock obeys.
    fn command(&self, _time: u64) {}
}

/// The realtime clock as it was at the start plus the monotonic time since: it never steps.
#[derive(Debug)]
pub struct RealClock {
    realtime_at_start: u64,
    start: Instant,
}

impl RealClock {
    /// Reads the realtime clock, once.
    #[must_use]
    pub fn start() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            realtime_at_start: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
            start: Instant::now(),
        }
    }
}

impl Clock for RealClock {
    fn now(&self) -> u64 {
        self.realtime_at_start
            .saturating_add(nanos_since(self.start))
    }
}

/// A clock that stands still until it is told the time: `--clock=commanded`, for tests.
#[derive(Debug)]
pub struct CommandedClock(AtomicU64);

impl CommandedClock {
    /// Stands at `now`.
    #[must_use]
    pub const fn at(now: u64) -> Self {
        Self(AtomicU64::new(now))
    }

    /// Moves to `now`; never backwards.
    pub fn advance_to(&self, now: u64) {
        self.0.fetch_max(now, Ordering::AcqRel);
    }
}

impl Clock for CommandedClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn command(&self, time: u64) {
        self.advance_to(time);
    }
}

/// Monotonic nanoseconds since `start`.
pub(crate) fn nanos_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
