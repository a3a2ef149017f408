//! Cash of accounts by currency, and what live buys have reserved of it (C16). Amounts in 10⁻⁴ of the
//! currency itself.

use crate::table::{Table, room_for};
use crate::touch::look_at;
use bincode::{Decode, Encode};

/// Cash of one account in one currency: one cache line with its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct CashBook {
    /// Loaded cash with the fills since; `None` before the first load.
    pub(crate) cash: Option<i128>,
    /// Reserved by live buys.
    pub(crate) reserved: i128,
}

/// All cash books.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Cash {
    items: Vec<(u32, u32, CashBook)>,
    by_place: Table<u64>,
}

fn place(account: u32, currency: u32) -> u64 {
    (u64::from(account) << 32) | u64::from(currency)
}

impl Cash {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            items: Vec::with_capacity(capacity),
            by_place: Table::with_capacity(capacity, 0),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, capacity: usize) {
        room_for(&mut self.items, capacity);
    }

    pub(crate) fn get(&self, account: u32, currency: u32) -> CashBook {
        self.find(account, currency)
            .map(|slot| self.items[slot as usize].2)
            .unwrap_or_default()
    }

    /// Slot of a book, if there is one.
    pub(crate) fn find(&self, account: u32, currency: u32) -> Option<u32> {
        self.by_place.get(place(account, currency))
    }

    /// Slot of a book, opened if need be.
    pub(crate) fn find_or_new(&mut self, account: u32, currency: u32) -> u32 {
        self.find(account, currency).unwrap_or_else(|| {
            let slot = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
            self.items.push((account, currency, CashBook::default()));
            self.by_place.insert(place(account, currency), slot);
            slot
        })
    }

    /// Looks at a book that there may be.
    #[inline(always)]
    pub(crate) fn look_at(&self, slot: u32) {
        if let Some((account, ..)) = self.items.get(slot as usize) {
            look_at(account);
        }
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut CashBook {
        &mut self.items[slot as usize].2
    }

    /// (account, currency, book) of every book, in order of their first use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u32, u32, CashBook)> {
        self.items.iter()
    }
}
