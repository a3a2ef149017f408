//! Early looks at memory that is read or written a little later.
//!
//! What an order needs stands in a dozen places that are seldom all in a cache. A processor that comes to one of
//! them after the other waits for each by itself; asked for together, they come together. A look changes nothing
//! and decides nothing.

use std::hint::black_box;

/// Looks at a number, so that its cache line comes.
#[inline(always)]
pub(crate) fn look_at<T: Copy>(number: &T) {
    black_box(*number);
}
