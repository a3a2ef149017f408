//! Where the other books of a row stand: cash, lists of possible matches, fill logs.
//!
//! Those books are kept by account and currency, by group, by trader; the row of an order leads to all of
//! them. A book is looked up by its own key once, and found here by the row from then on.

use crate::table::room_for;
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

const EMPTY: Shelf = Shelf {
    cash: NOT_YET,
    peers: [NOT_YET; 2],
    fills: NOT_YET,
};

/// The shelves of all rows, by slot of the row.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Shelves {
    by_row: Vec<Shelf>,
}

impl Shelves {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            by_row: Vec::with_capacity(rows),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, rows: usize) {
        room_for(&mut self.by_row, rows);
    }

    /// What is known of a row's books.
    #[inline]
    pub(crate) fn get(&self, row: u32) -> Shelf {
        self.by_row.get(row as usize).copied().unwrap_or(EMPTY)
    }

    /// The shelf of a row, to note where a book stands.
    pub(crate) fn get_mut(&mut self, row: u32) -> &mut Shelf {
        let at = row as usize;
        if self.by_row.len() <= at {
            self.by_row.resize(at.saturating_add(1), EMPTY);
        }
        &mut self.by_row[at]
    }
}
