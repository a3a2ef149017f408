//! A sink with something done before each of its syncs: how measurements and tests let a disk stand still, or look
//! who syncs.

use super::sink::{Sink, SinkError, Space};
use std::fmt;

/// A sink that does something before each sync.
pub struct BeforeSync<F> {
    inner: Box<dyn Sink>,
    act: F,
}

impl<F: FnMut() + Send + 'static> BeforeSync<F> {
    /// `inner`, with `act` before each of its syncs.
    #[must_use]
    pub fn new(inner: Box<dyn Sink>, act: F) -> Self {
        Self { inner, act }
    }
}

impl<F> fmt::Debug for BeforeSync<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeSync").finish_non_exhaustive()
    }
}

impl<F: FnMut() + Send + 'static> Sink for BeforeSync<F> {
    fn has_room_for(&self, length: usize) -> bool {
        self.inner.has_room_for(length)
    }

    fn push(&mut self, seq: u64, record: &[u8]) -> Result<(), SinkError> {
        self.inner.push(seq, record)
    }

    fn write(&mut self, now_ns: u64) -> Result<u64, SinkError> {
        self.inner.write(now_ns)
    }

    fn sync(&mut self) -> Result<u64, SinkError> {
        (self.act)();
        self.inner.sync()
    }

    fn needs_restate(&self) -> bool {
        self.inner.needs_restate()
    }

    fn restate(&mut self, now_ns: u64) -> Result<(), SinkError> {
        self.inner.restate(now_ns)
    }

    fn may_roll(&self) -> bool {
        self.inner.may_roll()
    }

    fn prepare_ahead(&mut self, waiting_bytes: u64) -> Space {
        self.inner.prepare_ahead(waiting_bytes)
    }

    fn clean_stop(self: Box<Self>, now_ns: u64) -> Result<u64, SinkError> {
        self.inner.clean_stop(now_ns)
    }
}
