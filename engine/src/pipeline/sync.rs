//! What `wait` is made of: the standard library's. A test puts loom's in its place.

pub(super) use std::sync::atomic::{AtomicBool, Ordering, fence};
pub(super) use std::thread::{Thread, current, park_timeout, yield_now};
