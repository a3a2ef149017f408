//! Executions already booked, so that none is booked twice (R13) and each can be taken back once (R16).

use crate::instrument::ExecutionKey;
use crate::table::{masked, room_for};
use bincode::de::{BorrowDecode, BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
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
    /// Of a tombstone that a desk left: the account that it spoke for.
    pub(crate) order: u32,
    /// Row it was booked to: the account's, or the firm's where there was no account.
    pub(crate) row: u32,
    /// Row of the order's trader; `u32::MAX` where the order was not known.
    pub(crate) trader_row: u32,
}

/// A report that takes back an execution before it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakenBack {
    pub(crate) key: ExecutionKey,
    pub(crate) side: Side,
    pub(crate) price: i64,
    /// What a correction books; nothing for a bust.
    pub(crate) qty: i64,
    pub(crate) reopen: bool,
    /// Slot of the account for which a desk said so; a venue speaks for all.
    pub(crate) account: Option<u32>,
}

impl Execution {
    /// What is left where an execution will stand that has been taken back already.
    pub(crate) fn tombstone(of: &TakenBack) -> Self {
        Self {
            key: of.key,
            price: of.price,
            qty: of.qty,
            side: of.side,
            standing: Standing::Tombstone { reopen: of.reopen },
            order_id: 0,
            order: of.account.unwrap_or(u32::MAX),
            row: u32::MAX,
            trader_row: u32::MAX,
        }
    }

    /// Whether only what takes it back has been seen.
    pub(crate) fn is_tombstone(&self) -> bool {
        matches!(self.standing, Standing::Tombstone { .. })
    }

    /// Whether this is a tombstone that takes back an execution of this account, and if so whether it reopens.
    pub(crate) fn takes_back(&self, account: Option<u32>) -> Option<bool> {
        let Standing::Tombstone { reopen } = self.standing else {
            return None;
        };
        let is_for = self.spoken_for().is_none_or(|only| account == Some(only));
        is_for.then_some(reopen)
    }

    /// The only account that a tombstone is for.
    pub(crate) fn spoken_for(&self) -> Option<u32> {
        (self.is_tombstone() && self.order != u32::MAX).then_some(self.order)
    }
}

/// Executions of the last five trade dates.
///
/// Ids that a venue gives in sequence share a cache line of places, eight to a line, whatever they are of.
/// Where that line is full, as where a venue numbers each instrument from 1, the whole key says where to
/// look next. Single executions are never taken out, so that a free place ends every search.
#[derive(Debug, Clone)]
pub(crate) struct Executions {
    items: Vec<Execution>,
    /// A power of two, at least one line.
    places: Vec<Place>,
    capacity: usize,
    /// New orders stop at this many.
    nearly_full: usize,
}

/// Tag of a key and slot of its execution.
#[derive(Debug, Clone, Copy)]
struct Place {
    tag: u32,
    slot: u32,
}

/// A place for an execution that is not there yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vacant {
    at: usize,
    tag: u32,
}

/// Marks a free place; no table has that many executions.
const FREE: Place = Place {
    tag: 0,
    slot: u32::MAX,
};

/// Places of a cache line.
const LINE: usize = 8;

fn free_places(capacity: usize) -> Vec<Place> {
    let size = capacity
        .saturating_mul(4)
        .div_ceil(3)
        .next_power_of_two()
        .max(LINE);
    vec![FREE; size]
}

/// The part of a hash that a place keeps.
fn half(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0)
}

impl Executions {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            items: Vec::with_capacity(capacity),
            places: free_places(capacity),
            capacity,
            // The least n with 10 n ≥ 9 capacity.
            nearly_full: capacity.saturating_mul(9).div_ceil(10),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        room_for(&mut self.items, self.capacity);
    }

    pub(crate) fn find(&self, key: ExecutionKey) -> Option<u32> {
        self.locate(key).ok()
    }

    /// The slot of an execution, or the place where [`Self::add_at`] may put it next.
    #[inline]
    pub(crate) fn locate(&self, key: ExecutionKey) -> Result<u32, Vacant> {
        let hash = key.hash();
        let tag = half(hash);
        let sees = |at: usize| {
            let place = self.places[at];
            if place.slot == FREE.slot {
                Some(Err(Vacant { at, tag }))
            } else if place.tag == tag && self.items[place.slot as usize].key == key {
                Some(Ok(place.slot))
            } else {
                None
            }
        };
        let mask = self.places.len().wrapping_sub(1);
        let line = masked(key.neighbours(), mask & !(LINE - 1));
        let first = masked(key.exec_id, LINE - 1);
        for step in 0..LINE {
            if let Some(seen) = sees(line | (first.wrapping_add(step) % LINE)) {
                return seen;
            }
        }
        let mut at = masked(hash, mask);
        loop {
            if let Some(seen) = sees(at) {
                return seen;
            }
            at = at.wrapping_add(1) & mask;
        }
    }

    pub(crate) fn get(&self, slot: u32) -> &Execution {
        &self.items[slot as usize]
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Execution {
        &mut self.items[slot as usize]
    }

    /// Remembers an execution that is new.
    pub(crate) fn add(&mut self, execution: Execution) {
        let vacant = self.locate(execution.key);
        debug_assert!(vacant.is_err(), "executions are new");
        if let Err(vacant) = vacant {
            self.add_at(vacant, execution);
        }
    }

    /// Remembers an execution that is new, in the place found for it.
    #[inline]
    pub(crate) fn add_at(&mut self, vacant: Vacant, execution: Execution) {
        let Vacant { at, tag } = vacant;
        let slot = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.places[at] = Place { tag, slot };
        self.items.push(execution);
        if self.items.len().saturating_mul(8) >= self.places.len().saturating_mul(7) {
            self.index(self.items.len().saturating_mul(2));
        }
    }

    /// Lists all places anew, with room for `capacity`; false if two executions have one key.
    #[cold]
    #[inline(never)]
    fn index(&mut self, capacity: usize) -> bool {
        self.places = free_places(capacity);
        let mut unique = true;
        for slot in 0..self.items.len() {
            match self.locate(self.items[slot].key) {
                Ok(_) => unique = false,
                Err(Vacant { at, tag }) => {
                    let slot = u32::try_from(slot).unwrap_or(u32::MAX);
                    self.places[at] = Place { tag, slot };
                }
            }
        }
        unique
    }

    /// Forgets executions of trade dates before `oldest` (off the hot path: at the day roll).
    pub(crate) fn forget_before(&mut self, oldest: u32) {
        self.items
            .retain(|execution| execution.key.trade_date >= oldest);
        self.index(self.capacity.max(self.items.len()));
    }

    /// Whether new orders must stop: at 90 % of the table.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.items.len() >= self.nearly_full
    }

    /// Whether every place is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.capacity
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Execution> {
        self.items.iter()
    }
}

/// In a snapshot stand the executions alone: their places follow from them.
impl Encode for Executions {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let Self {
            items,
            places: _,
            capacity,
            nearly_full: _,
        } = self;
        items.encode(encoder)?;
        capacity.encode(encoder)
    }
}

impl<Context> Decode<Context> for Executions {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let items = Vec::<Execution>::decode(decoder)?;
        let capacity = usize::decode(decoder)?;
        if capacity >= u32::MAX as usize {
            return Err(DecodeError::Other("executions of an impossible number"));
        }
        let mut executions = Self {
            items,
            ..Self::with_capacity(0)
        };
        executions.capacity = capacity;
        executions.nearly_full = capacity.saturating_mul(9).div_ceil(10);
        if executions.index(capacity.max(executions.items.len())) {
            Ok(executions)
        } else {
            Err(DecodeError::Other("executions that hold a key twice"))
        }
    }
}

impl<'de, Context> BorrowDecode<'de, Context> for Executions {
    fn borrow_decode<D: BorrowDecoder<'de, Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn execution(key: ExecutionKey) -> Execution {
        Execution {
            key,
            price: 1,
            qty: 1,
            side: Side::Buy,
            standing: Standing::Booked,
            order_id: 0,
            order: u32::MAX,
            row: 0,
            trader_row: u32::MAX,
        }
    }

    #[test]
    fn executions_are_found_whether_a_venue_numbers_all_of_them_or_each_instrument() {
        for instruments in [1, 300] {
            let mut executions = Executions::with_capacity(100);
            let mut model = BTreeMap::new();
            for number in 0..3_000_u64 {
                let key = ExecutionKey {
                    exec_id: number / u64::from(instruments),
                    instrument: u32::try_from(number).unwrap() % instruments,
                    trade_date: 20_260_102,
                    venue_id: 1,
                    buy: number % 2 == 0,
                };
                assert_eq!(executions.find(key), None);
                executions.add(execution(key));
                model.insert(key, u32::try_from(number).unwrap());
            }
            let bytes = bincode::encode_to_vec(&executions, bincode::config::standard()).unwrap();
            let (again, _): (Executions, usize) =
                bincode::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
            for executions in [executions, again] {
                for (key, slot) in &model {
                    assert_eq!(executions.find(*key), Some(*slot));
                    let other = ExecutionKey {
                        venue_id: 2,
                        ..*key
                    };
                    assert_eq!(executions.find(other), None);
                }
            }
        }
    }
}
