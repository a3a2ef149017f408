//! Ids that clients write, to slots: small ones by their place in a list, the others hashed.
//!
//! The list has a fixed size from the start, so that an id of any size costs no memory of its own.

use crate::table::Table;
use bincode::de::{BorrowDecode, BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};

/// Marks an id that has no slot.
const NONE: u32 = u32::MAX;
/// The list is at least and at most this long.
const NEAR: (usize, usize) = (1 << 10, 1 << 20);

/// Ids to slots below `u32::MAX`; an id keeps its slot for good.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    near: Vec<u32>,
    far: Table<u64>,
}

impl Ids {
    /// Room for `capacity` ids of any size.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let near = capacity.saturating_mul(4).clamp(NEAR.0, NEAR.1);
        Self {
            near: vec![NONE; near],
            far: Table::with_capacity(capacity, 0),
        }
    }

    /// The slot of `id`.
    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<u32> {
        match self.near.get(id as usize) {
            Some(slot) if *slot == NONE => None,
            Some(slot) => Some(*slot),
            None => self.far.get(u64::from(id)),
        }
    }

    /// Adds `id`, which must not be there yet.
    pub(crate) fn insert(&mut self, id: u32, slot: u32) {
        debug_assert!(slot != NONE && self.get(id).is_none(), "ids are new");
        match self.near.get_mut(id as usize) {
            Some(place) => *place = slot,
            None => self.far.insert(u64::from(id), slot),
        }
    }
}

/// In a snapshot: length of the list, its ids in ascending order, then the others.
impl Encode for Ids {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        let Self { near, far } = self;
        let used = || (0_u32..).zip(near).filter(|(_, slot)| **slot != NONE);
        (near.len(), used().count()).encode(encoder)?;
        used().try_for_each(|(id, slot)| (id, *slot).encode(encoder))?;
        far.encode(encoder)
    }
}

impl<Context> Decode<Context> for Ids {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let (len, used) = <(usize, usize)>::decode(decoder)?;
        if !(NEAR.0..=NEAR.1).contains(&len) || used > len {
            return Err(DecodeError::Other("a list of ids of an impossible size"));
        }
        let mut near = vec![NONE; len];
        for _ in 0..used {
            let (id, slot) = <(u32, u32)>::decode(decoder)?;
            match near.get_mut(id as usize) {
                Some(place) if *place == NONE && slot != NONE => *place = slot,
                _ => return Err(DecodeError::Other("a list that holds an id twice")),
            }
        }
        let far = Table::decode(decoder)?;
        Ok(Self { near, far })
    }
}

impl<'de, Context> BorrowDecode<'de, Context> for Ids {
    fn borrow_decode<D: BorrowDecoder<'de, Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_size_are_found_and_no_others() {
        let mut ids = Ids::with_capacity(3);
        let known = [0, 1, 1_023, 1_024, u32::MAX];
        for (slot, id) in (0..).zip(known) {
            ids.insert(id, slot);
        }
        let bytes = bincode::encode_to_vec(&ids, bincode::config::standard()).unwrap();
        let (again, _): (Ids, usize) =
            bincode::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
        for ids in [ids, again] {
            for (slot, id) in (0..).zip(known) {
                assert_eq!(ids.get(id), Some(slot), "{id}");
            }
            for id in [2, 1_022, 1_025, u32::MAX - 1] {
                assert_eq!(ids.get(id), None, "{id}");
            }
        }
    }
}
