//! A fixed-size map from keys to slots: open addressing with linear probing.
//!
//! The engine needs lookups whose order of iteration can't leak into a decision and which allocate
//! nothing; this map can't be iterated at all, and nothing is taken out of it. It grows only when it is full,
//! which its owner reports.

use bincode::de::{BorrowDecode, BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
use std::collections::VecDeque;
use std::hint::black_box;
use std::mem::MaybeUninit;

/// The smallest page of memory of the processors that this runs on.
const PAGE: usize = 4_096;

/// A key that can be spread over the table.
pub(crate) trait Key: Copy + Eq {
    /// A well-mixed 64-bit hash: the same on every machine.
    fn spread(self) -> u64;
}

/// Mixes 64 bits: both halves of the product with a constant whose bits are scattered (2⁶⁴ / φ, odd).
#[inline]
pub(crate) fn mix(x: u64) -> u64 {
    let product = u128::from(x ^ 0x2545_f491_4f6c_dd1d) * 0x9e37_79b9_7f4a_7c15;
    let [low, high] = [product & u128::from(u64::MAX), product >> 64];
    u64::try_from(low ^ high).unwrap_or(0)
}

/// The place that the low bits of a hash name.
#[inline]
pub(crate) fn masked(hash: u64, mask: usize) -> usize {
    usize::try_from(hash & (mask as u64)).unwrap_or(0)
}

impl Key for u64 {
    fn spread(self) -> u64 {
        mix(self)
    }
}

impl Key for (u32, u64) {
    fn spread(self) -> u64 {
        mix(self.1 ^ u64::from(self.0).rotate_left(32))
    }
}

/// Gives a list room for `most` entries in all, with memory behind it: a page that is written for the first time
/// while orders flow makes one of them wait for the system.
pub(crate) fn room_for<T>(items: &mut Vec<T>, most: usize) {
    items.reserve_exact(most.saturating_sub(items.len()));
    let free = items.spare_capacity_mut();
    for at in every_page::<T>(free.len()) {
        free[at] = black_box(MaybeUninit::zeroed());
    }
}

/// The same for a queue, which shows none of its free places: they are filled for a moment.
pub(crate) fn room_for_queue<T: Clone>(items: &mut VecDeque<T>, most: usize, filler: T) {
    let len = items.len();
    items.reserve_exact(most.saturating_sub(len));
    items.resize(items.capacity(), filler);
    black_box(&mut *items);
    items.truncate(len);
}

/// Places in a list of `len` of which at least one stands in each page.
fn every_page<T>(len: usize) -> impl Iterator<Item = usize> {
    let each = PAGE.checked_div(size_of::<T>()).unwrap_or(len).max(1);
    (0..len).step_by(each).chain(len.checked_sub(1))
}

/// Marks a free slot; no owner has that many entries.
const FREE: u32 = u32::MAX;

/// No table of ours is larger; a size read from a file is held against it before memory is taken.
const MOST_SLOTS: usize = 1 << 32;

/// Keys to slot numbers below `u32::MAX`.
#[derive(Debug, Clone)]
pub(crate) struct Table<K> {
    slots: Vec<(K, u32)>,
    mask: usize,
    len: usize,
    filler: K,
}

impl<K: Key> Table<K> {
    /// A table that holds `capacity` entries without growing. `filler` fills free slots.
    pub(crate) fn with_capacity(capacity: usize, filler: K) -> Self {
        let size = capacity
            .saturating_mul(4)
            .div_ceil(3)
            .next_power_of_two()
            .max(8);
        Self {
            slots: vec![(filler, FREE); size],
            mask: size.saturating_sub(1),
            len: 0,
            filler,
        }
    }

    fn home(&self, key: K) -> usize {
        masked(key.spread(), self.mask)
    }

    /// The slot of `key`.
    pub(crate) fn get(&self, key: K) -> Option<u32> {
        let mut at = self.home(key);
        loop {
            let (k, slot) = self.slots[at];
            if slot == FREE {
                return None;
            }
            if k == key {
                return Some(slot);
            }
            at = at.wrapping_add(1) & self.mask;
        }
    }

    /// Adds `key`, which must not be there yet.
    pub(crate) fn insert(&mut self, key: K, slot: u32) {
        debug_assert!(slot != FREE && self.get(key).is_none(), "keys are new");
        if self.len.saturating_mul(8) >= self.slots.len().saturating_mul(7) {
            self.grow();
        }
        let mut at = self.home(key);
        while self.slots[at].1 != FREE {
            at = at.wrapping_add(1) & self.mask;
        }
        self.slots[at] = (key, slot);
        self.len = self.len.saturating_add(1);
    }

    fn grow(&mut self) {
        let size = self.slots.len().saturating_mul(2);
        let old = std::mem::replace(&mut self.slots, vec![(self.filler, FREE); size]);
        self.mask = size.saturating_sub(1);
        self.len = 0;
        for (key, slot) in old {
            if slot != FREE {
                self.insert(key, slot);
            }
        }
    }
}

/// In a snapshot: size, filler, and the entries in order of their places. Where an entry stands is found
/// anew; it is nobody's business but the table's.
impl<K: Key + Encode> Encode for Table<K> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let Self {
            slots,
            mask: _,
            len,
            filler,
        } = self;
        (slots.len(), *len).encode(encoder)?;
        filler.encode(encoder)?;
        slots
            .iter()
            .filter(|(_, slot)| *slot != FREE)
            .try_for_each(|entry| entry.encode(encoder))
    }
}

impl<Context, K: Key + Decode<Context>> Decode<Context> for Table<K> {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let (size, len) = <(usize, usize)>::decode(decoder)?;
        if !size.is_power_of_two()
            || size > MOST_SLOTS
            || len.saturating_mul(8) > size.saturating_mul(7)
        {
            return Err(DecodeError::Other("a table of an impossible size"));
        }
        let filler = K::decode(decoder)?;
        let mut table = Self {
            slots: vec![(filler, FREE); size],
            mask: size.saturating_sub(1),
            len: 0,
            filler,
        };
        for _ in 0..len {
            let (key, slot) = <(K, u32)>::decode(decoder)?;
            if slot == FREE || table.get(key).is_some() {
                return Err(DecodeError::Other("a table that holds a key twice"));
            }
            table.insert(key, slot);
        }
        Ok(table)
    }
}

impl<'de, Context, K: Key + Decode<Context>> BorrowDecode<'de, Context> for Table<K> {
    fn borrow_decode<D: BorrowDecoder<'de, Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_table_agrees_with_a_tree_map(keys in proptest::collection::vec(0u64..256, 1..400)) {
            let mut table = Table::with_capacity(4, 0_u64);
            let mut model = BTreeMap::new();
            for (i, key) in keys.into_iter().enumerate() {
                if let std::collections::btree_map::Entry::Vacant(entry) = model.entry(key) {
                    entry.insert(i as u32);
                    table.insert(key, i as u32);
                }
                for key in 0..256 {
                    prop_assert_eq!(table.get(key), model.get(&key).copied());
                }
            }
        }
    }
}
