//! Executions already booked, so that none is booked twice (R13) and each can be taken back once (R16).

use crate::instrument::ExecutionKey;
use crate::table::{Table, room_for};
use bincode::{Decode, Encode};
use wire::Side;

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Standing {
    /// It counts.
    Booked,
    /// It was busted, or corrected by another.
    Busted,
    /// It was busted before it was seen; whether the quantity was reopened.
    Tombstone {
        /// As the bust said.
        reopen: bool,
    },
}

/// One execution and where it was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Execution {
    pub(crate) key: ExecutionKey,
    pub(crate) price: i64,
    pub(crate) qty: i64,
    pub(crate) side: Side,
    pub(crate) standing: Standing,
    /// Id and slot of the order; 0 where it was not known.
    pub(crate) order_id: u64,
    pub(crate) order: u32,
    /// Row it was booked to: the account's, or the firm's where there was no account.
    pub(crate) row: u32,
    /// Row of the order's trader; `u32::MAX` where the order was not known.
    pub(crate) trader_row: u32,
}

/// Executions of the last five trade dates.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Executions {
    items: Vec<Execution>,
    by_key: Table<ExecutionKey>,
    capacity: usize,
}

const FILLER: ExecutionKey = ExecutionKey {
    exec_id: 0,
    instrument: 0,
    trade_date: 0,
    venue_id: 0,
    buy: false,
};

impl Executions {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            items: Vec::with_capacity(capacity),
            by_key: Table::with_capacity(capacity, FILLER),
            capacity,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        room_for(&mut self.items, self.capacity);
    }

    pub(crate) fn find(&self, key: ExecutionKey) -> Option<u32> {
        self.by_key.get(key)
    }

    pub(crate) fn get(&self, slot: u32) -> &Execution {
        &self.items[slot as usize]
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Execution {
        &mut self.items[slot as usize]
    }

    /// Remembers an execution that is new.
    pub(crate) fn add(&mut self, execution: Execution) -> u32 {
        let slot = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.items.push(execution);
        self.by_key.insert(execution.key, slot);
        slot
    }

    /// Forgets executions of trade dates before `oldest` (off the hot path: at the day roll).
    pub(crate) fn forget_before(&mut self, oldest: u32) {
        self.items
            .retain(|execution| execution.key.trade_date >= oldest);
        self.by_key = Table::with_capacity(self.capacity.max(self.items.len()), FILLER);
        for (slot, execution) in self.items.iter().enumerate() {
            self.by_key
                .insert(execution.key, u32::try_from(slot).unwrap_or(u32::MAX));
        }
    }

    /// Whether new orders must stop: at 90 % of the table.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.items.len().saturating_mul(10) >= self.capacity.saturating_mul(9)
    }

    /// Whether every place is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.capacity
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Execution> {
        self.items.iter()
    }
}
