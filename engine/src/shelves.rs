//! Where the other books of a row stand: cash, lists of possible matches, fill logs.
//!
//! Those books are kept by account and currency, by group, by trader; the row of an order leads to all of
//! them. A book is looked up by its own key once, and found by the row from then on.

use bincode::{Decode, Encode};

/// Slots of the books of one row; [`NOT_YET`] where it was not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Shelf {
    /// Cash of the account in the instrument's currency (accounts only).
    pub(crate) cash: u32,
    /// Lists of the account's group in the instrument: sells, buys (accounts only).
    pub(crate) peers: [u32; 2],
    /// Fills of the trader, or of the account in the instrument's product group.
    pub(crate) fills: u32,
}

/// A book that was not looked up yet.
pub(crate) const NOT_YET: u32 = u32::MAX;

impl Shelf {
    /// Nothing was looked up.
    pub(crate) const EMPTY: Self = Self {
        cash: NOT_YET,
        peers: [NOT_YET; 2],
        fills: NOT_YET,
    };
}
