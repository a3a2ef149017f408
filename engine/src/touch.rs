//! Early looks at memory that is read or written a little later.
//!
//! What an order needs stands in a dozen places that are seldom all in a cache. A processor that comes to one of
//! them after the other waits for each by itself; asked for together, they come together. A look changes nothing
//! and decides nothing.

use prefetch_index::prefetch_index;
use std::slice::from_ref;

/// Asks for the cache line of a number; nobody waits for it here.
#[inline(always)]
pub(crate) fn look_at<T: Copy>(number: &T) {
    prefetch_index(from_ref(number), 0);
}
