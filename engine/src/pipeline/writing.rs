//! Owns how a batch becomes durable: records from the intake go into the sink, are written, synced, and the
//! watermarks published. Leaves out who does it when (see `writer_thread` and `engine_seat`).
//!
//! This is the only place that knows where frames go. After the first error nothing is retried and
//! nothing more is published.

use super::Shared;
use super::doors::{Bell, EngineWaker};
use super::intake::Intake;
use super::sink::{Sink, SinkError};
use super::watermarks::AckPolicy;
use super::writer_thread::Clock;
use std::fmt;
use std::sync::Arc;

/// Records of a batch at most where no reply waits for it: what has gathered behind a disk that stood still
/// must not keep a core for long.
const BITE: usize = 512;
/// A batch that takes longer, in nanoseconds, is not for the gateway's loop: sockets would wait for the disk.
const QUICK: u64 = 2_000_000;
/// So many batches in a row must have been quick before the loop writes one.
const QUICK_BATCHES: u32 = 16;

/// The sink and what is told of it.
pub(super) struct Writing {
    pub(super) intake: Arc<Intake>,
    /// `None` once it has stopped.
    pub(super) sink: Option<Box<dyn Sink>>,
    pub(super) shared: Arc<Shared>,
    pub(super) engine: EngineWaker,
    pub(super) bell: Arc<Bell>,
    pub(super) clock: Clock,
    /// Batches that were quick, in a row.
    pub(super) quick: u32,
    /// Batches so far, wrapping.
    pub(super) batches: u32,
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing").finish_non_exhaustive()
    }
}

impl Writing {
    /// Writes and syncs what has gathered; false when nothing had, or when nothing may be written any more.
    pub(super) fn batch(&mut self) -> Result<bool, SinkError> {
        let Some(sink) = &mut self.sink else {
            return Ok(false);
        };
        let (policy, marks) = (self.bell.policy, &self.shared.watermarks);
        let most = match policy {
            AckPolicy::Memory => BITE,
            AckPolicy::Durable | AckPolicy::Written => usize::MAX,
        };
        if self.intake.fill(sink.as_mut(), most)? == 0 {
            return Ok(false);
        }
        // The engine may have stopped for want of room.
        self.engine.wake();
        let begun = (self.clock)();
        marks.publish_written(sink.write(begun)?);
        if policy == AckPolicy::Written {
            self.bell.ring();
        }
        marks.publish_durable(sink.sync()?);
        if policy == AckPolicy::Durable {
            self.bell.ring();
        }
        let took = (self.clock)().saturating_sub(begun);
        self.quick = if took < QUICK {
            self.quick.saturating_add(1)
        } else {
            0
        };
        self.batches = self.batches.wrapping_add(1);
        Ok(true)
    }

    /// Whether the disk has been quick of late.
    pub(super) const fn is_quick(&self) -> bool {
        self.quick >= QUICK_BATCHES
    }

    /// States what is durable if the disk does not say so yet.
    pub(super) fn restate(&mut self) -> Result<(), SinkError> {
        match &mut self.sink {
            Some(sink) if self.intake.is_empty() && sink.needs_restate() => {
                sink.restate((self.clock)())
            }
            _ => Ok(()),
        }
    }

    /// Has the next space prepared, and says when it runs out.
    pub(super) fn look_ahead(&mut self) {
        if let Some(sink) = &mut self.sink {
            let space = sink.prepare_ahead(self.intake.waiting_bytes());
            self.shared.watermarks.set_space(space);
        }
    }

    /// Nothing is written any more, and nobody is told that anything was.
    pub(super) fn fail(&mut self, error: &SinkError) {
        self.sink = None;
        self.shared.watermarks.fail(error.to_string());
        self.engine.wake();
        self.bell.ring();
    }

    /// Marks a clean stop, durably, and lets the sink go.
    pub(super) fn stop(&mut self) {
        if let Some(sink) = self.sink.take() {
            let marks = &self.shared.watermarks;
            match sink.clean_stop((self.clock)()) {
                Ok(durable) => {
                    marks.publish_written(durable);
                    marks.publish_durable(durable);
                }
                Err(error) => marks.fail(error.to_string()),
            }
        }
        self.bell.ring();
    }
}
