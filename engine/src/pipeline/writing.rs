//! Owns how a batch becomes durable: records from the intake go into the sink, are written, synced, and the
//! watermarks published. Leaves out who does it when (see `writer_thread` and `engine_seat`).
//!
//! This is the only place that knows where frames go. After the first error the sink is let go: nothing is
//! retried and nothing more is published, whoever asks next.

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
/// A batch that takes longer by the gateway's clock, in nanoseconds, is not for its loop: sockets would wait for
/// the disk.
const QUICK: u64 = 2_000_000;
/// So many batches in a row must have been quick before the loop writes one.
const QUICK_BATCHES: u32 = 4;

/// The sink and what is told of it.
pub(super) struct Writing {
    intake: Arc<Intake>,
    /// `None` once it has stopped or failed.
    sink: Option<Box<dyn Sink>>,
    shared: Arc<Shared>,
    engine: EngineWaker,
    bell: Arc<Bell>,
    clock: Clock,
    /// Batches that were quick, in a row.
    quick: u32,
    /// Batches so far, wrapping.
    batches: u32,
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing").finish_non_exhaustive()
    }
}

impl Writing {
    pub(super) fn new(
        sink: Box<dyn Sink>,
        intake: Arc<Intake>,
        shared: Arc<Shared>,
        (engine, bell): (EngineWaker, Arc<Bell>),
        clock: Clock,
    ) -> Self {
        Self {
            intake,
            sink: Some(sink),
            shared,
            engine,
            bell,
            clock,
            quick: 0,
            batches: 0,
        }
    }

    /// Writes and syncs what has gathered; whether it did. Nothing had, or nothing may be written any more: no.
    pub(super) fn batch(&mut self) -> bool {
        let begun = (self.clock)();
        if !self.with_sink(|this, sink| this.write_and_sync(sink, begun)) {
            return false;
        }
        let took = (self.clock)().saturating_sub(begun);
        self.quick = if took < QUICK {
            self.quick.saturating_add(1)
        } else {
            0
        };
        self.batches = self.batches.wrapping_add(1);
        true
    }

    fn write_and_sync(&self, sink: &mut dyn Sink, now_ns: u64) -> Result<bool, SinkError> {
        let (policy, marks) = (self.bell.policy, &self.shared.watermarks);
        let most = match policy {
            AckPolicy::Memory => BITE,
            AckPolicy::Durable | AckPolicy::Written => usize::MAX,
        };
        if self.intake.fill(sink, most)? == 0 {
            return Ok(false);
        }
        // The engine may have stopped for want of room.
        self.engine.wake();
        marks.publish_written(sink.write(now_ns)?);
        if policy == AckPolicy::Written {
            self.bell.ring();
        }
        marks.publish_durable(sink.sync()?);
        if policy == AckPolicy::Durable {
            self.bell.ring();
        }
        Ok(true)
    }

    /// Whether the next batch is one for the gateway's loop: the disk has been quick of late, and no new segment
    /// begins with it.
    pub(super) fn is_quick(&self) -> bool {
        self.quick >= QUICK_BATCHES && self.sink.as_ref().is_some_and(|sink| !sink.may_roll())
    }

    /// Batches so far, wrapping.
    pub(super) const fn batches(&self) -> u32 {
        self.batches
    }

    /// States what is durable if the disk does not say so yet.
    pub(super) fn restate(&mut self) {
        if !self.intake.is_empty() {
            return;
        }
        let now_ns = (self.clock)();
        self.with_sink(|_, sink| {
            if sink.needs_restate() {
                sink.restate(now_ns)?;
            }
            Ok(true)
        });
    }

    /// Has the next space prepared, and says when it runs out.
    pub(super) fn look_ahead(&mut self) {
        if let Some(sink) = &mut self.sink {
            let space = sink.prepare_ahead(self.intake.waiting_bytes());
            self.shared.watermarks.set_space(space);
        }
    }

    /// Does something with the sink, unless the pipeline has failed; lets it go when that does.
    fn with_sink(
        &mut self,
        act: impl FnOnce(&Self, &mut dyn Sink) -> Result<bool, SinkError>,
    ) -> bool {
        if self.shared.watermarks.failure().is_some() {
            self.let_go();
        }
        // It is taken out, so that an error or a panic leaves none behind.
        let Some(mut sink) = self.sink.take() else {
            return false;
        };
        match act(self, sink.as_mut()) {
            Ok(done) => {
                self.sink = Some(sink);
                done
            }
            Err(error) => {
                self.shared.watermarks.fail(error.to_string());
                self.engine.wake();
                self.bell.ring();
                false
            }
        }
    }

    /// Nothing is written any more.
    pub(super) fn let_go(&mut self) {
        self.sink = None;
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
