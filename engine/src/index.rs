//! Where the item with a key stands, in eight bytes an entry: a tag of the key and a slot.
//!
//! The key itself stands in the item: who looks says whether the item of a slot is the one. Ids that follow
//! each other share a cache line of entries, so that what a session sends in sequence stays together. Like
//! [`Table`](crate::table::Table) it can't be iterated, and it grows only when it is full.

use crate::table::mix;
use crate::touch::look_at;
use bincode::de::{BorrowDecode, BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};

/// What stands for a key: where it belongs, and most of what tells it from others there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Tag(u32);

/// Neighbouring ids that share a cache line.
const NEIGHBOURS: u64 = 8;

impl Tag {
    /// Of an id among the ids of `space`, a session for example.
    #[inline]
    pub(crate) fn of(space: u64, id: u64) -> Self {
        let line = mix((id / NEIGHBOURS) ^ space.rotate_left(40));
        let tag = (line & 0xffff_fff8) | (id % NEIGHBOURS);
        Self(u32::try_from(tag).unwrap_or(0))
    }

    /// What tells it from others.
    #[cfg(test)]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// Of a key that has no neighbours, by a well-mixed hash.
    #[inline]
    pub(crate) fn of_hash(hash: u64) -> Self {
        Self(u32::try_from(hash >> 32).unwrap_or(0))
    }
}

/// Two numbers of which the index can't tell by their tags which is which. Numbers in a row never are: the hash
/// spreads them evenly.
#[cfg(test)]
pub(crate) fn alike(tag: impl Fn(u32) -> Tag) -> [u32; 2] {
    let mut seen = std::collections::BTreeMap::new();
    (0..1_u32 << 20)
        .map(|n| n.wrapping_mul(n).wrapping_mul(0x9e37_79b1) ^ n.rotate_left(11))
        .find_map(|n| {
            let other = seen.insert(tag(n).bits(), n)?;
            (other != n).then_some([other, n])
        })
        .expect("a million scattered numbers have two with one tag")
}

/// Marks a free entry; no owner has that many items.
const FREE: u32 = u32::MAX;

/// No index of ours is larger; a size read from a file is held against it before memory is taken.
const MOST_ENTRIES: usize = 1 << 32;

/// The smallest one.
const SIZE_MIN: usize = 8;

#[derive(Debug, Clone, Copy, Encode, Decode)]
struct Entry {
    tag: Tag,
    slot: u32,
}

const EMPTY: Entry = Entry {
    tag: Tag(0),
    slot: FREE,
};

/// Tags to slots below `u32::MAX`, by open addressing with linear probing.
///
/// Invariant: along a run of entries none stands farther from its home than the one before it plus one, so
/// that what is behind an entry that is at home need not move when one before it is taken out.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    mask: usize,
    len: usize,
    /// It grows when it holds this many: 7/8 of its size.
    most: usize,
}

impl Index {
    /// An index that holds `capacity` entries without growing.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let size = capacity
            .saturating_mul(4)
            .div_ceil(3)
            .next_power_of_two()
            .max(SIZE_MIN);
        Self::of_size(size)
    }

    /// An empty one of a size that is a power of two.
    fn of_size(size: usize) -> Self {
        Self {
            entries: vec![EMPTY; size],
            mask: size.saturating_sub(1),
            len: 0,
            most: size / 8 * 7,
        }
    }

    /// Entries in it.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn home(&self, tag: Tag) -> usize {
        tag.0 as usize & self.mask
    }

    /// The slot behind `tag` whose item is the one that is looked for.
    #[inline]
    pub(crate) fn find(&self, tag: Tag, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(tag);
        loop {
            let entry = self.entries[at];
            if entry.slot == FREE {
                return None;
            }
            if entry.tag == tag && is_it(entry.slot) {
                return Some(entry.slot);
            }
            at = at.wrapping_add(1) & self.mask;
        }
    }

    /// Looks at where the slot behind a tag is likely to stand.
    #[inline(always)]
    pub(crate) fn look_at(&self, tag: Tag) {
        look_at(&self.entries[self.home(tag)].slot);
    }

    /// The first slot behind a tag: most likely that of the item that is looked for.
    #[inline]
    pub(crate) fn likely(&self, tag: Tag) -> Option<u32> {
        self.find(tag, |_| true)
    }

    /// Adds the slot of an item whose key is new.
    #[inline]
    pub(crate) fn insert(&mut self, tag: Tag, slot: u32) {
        debug_assert!(slot != FREE, "slots are below the mark of a free entry");
        if self.len >= self.most {
            self.grow();
        }
        let (mut entry, mut at, mut far) = (Entry { tag, slot }, self.home(tag), 0);
        loop {
            let there = self.entries[at];
            if there.slot == FREE {
                break;
            }
            let far_there = self.distance(there, at);
            if far_there < far {
                // Who is nearer to its home gives way.
                self.entries[at] = entry;
                (entry, far) = (there, far_there);
            }
            at = at.wrapping_add(1) & self.mask;
            far = far.wrapping_add(1);
        }
        self.entries[at] = entry;
        self.len = self.len.wrapping_add(1);
    }

    /// How far behind its home an entry stands.
    #[inline]
    fn distance(&self, entry: Entry, at: usize) -> usize {
        at.wrapping_sub(self.home(entry.tag)) & self.mask
    }

    /// Takes an entry out; entries behind it that are not at home move up, so that no marker is left.
    #[inline]
    pub(crate) fn remove(&mut self, tag: Tag, slot: u32) {
        let mut at = self.home(tag);
        loop {
            let entry = self.entries[at];
            if entry.slot == FREE {
                return;
            }
            if entry.slot == slot && entry.tag == tag {
                break;
            }
            at = at.wrapping_add(1) & self.mask;
        }
        self.len = self.len.wrapping_sub(1);
        loop {
            let next = at.wrapping_add(1) & self.mask;
            let entry = self.entries[next];
            if entry.slot == FREE || self.distance(entry, next) == 0 {
                break;
            }
            self.entries[at] = entry;
            at = next;
        }
        self.entries[at] = EMPTY;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let size = self.entries.len().saturating_mul(2);
        let old = std::mem::replace(self, Self::of_size(size));
        for entry in old.entries {
            if entry.slot != FREE {
                self.insert(entry.tag, entry.slot);
            }
        }
    }
}

/// In a snapshot: size, and the entries in order of their places. Where an entry stands is found anew.
impl Encode for Index {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let Self {
            entries,
            mask: _,
            len,
            most: _,
        } = self;
        (entries.len(), *len).encode(encoder)?;
        entries
            .iter()
            .filter(|entry| entry.slot != FREE)
            .try_for_each(|entry| entry.encode(encoder))
    }
}

impl<Context> Decode<Context> for Index {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let (size, len) = <(usize, usize)>::decode(decoder)?;
        if !size.is_power_of_two()
            || !(SIZE_MIN..=MOST_ENTRIES).contains(&size)
            || len > size / 8 * 7
        {
            return Err(DecodeError::Other("an index of an impossible size"));
        }
        let mut index = Self::of_size(size);
        for _ in 0..len {
            let Entry { tag, slot } = Entry::decode(decoder)?;
            if slot == FREE {
                return Err(DecodeError::Other("an index with an entry that is free"));
            }
            index.insert(tag, slot);
        }
        Ok(index)
    }
}

impl<'de, Context> BorrowDecode<'de, Context> for Index {
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

    proptest! {
        #[test]
        fn the_index_agrees_with_a_plain_list(ops in proptest::collection::vec((0u64..96, any::<bool>()), 1..400)) {
            let mut index = Index::with_capacity(4);
            // The item in slot n has this key, while it is there.
            let mut items: Vec<Option<u64>> = Vec::new();
            for (key, insert) in ops {
                let tag = Tag::of(key % 2, key);
                let at = items.iter().position(|item| *item == Some(key));
                match (at, insert) {
                    (None, true) => {
                        index.insert(tag, items.len() as u32);
                        items.push(Some(key));
                    }
                    (Some(at), false) => {
                        index.remove(tag, at as u32);
                        items[at] = None;
                    }
                    _ => {}
                }
                for key in 0..96 {
                    let expected = items.iter().position(|item| *item == Some(key));
                    let found = index.find(Tag::of(key % 2, key), |slot| items[slot as usize] == Some(key));
                    prop_assert_eq!(found.map(|slot| slot as usize), expected);
                }
            }
        }
    }

    #[test]
    fn eight_ids_in_sequence_share_a_cache_line() {
        let index = Index::with_capacity(1_000);
        let lines: Vec<usize> = (8..24).map(|id| index.home(Tag::of(7, id)) / 8).collect();
        assert_eq!(lines[..8], [lines[0]; 8]);
        assert_ne!(lines[0], lines[8]);
    }
}
