//! What a session may act for: slots of accounts or traders.
//!
//! The list says it; where it is dense, as a desk's accounts are, one bit for each slot says it at once.

use bincode::{Decode, Encode};

/// Words of bits there may be for each entry of the list, and that are always affordable.
const WORDS: (usize, usize) = (4, 64);

/// Slots, ascending.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub(crate) struct Entitled {
    slots: Vec<u32>,
    /// One bit for each slot from `64 · first_word` on; empty where the slots lie too far apart.
    bits: Vec<u64>,
    first_word: u32,
}

impl Entitled {
    /// Whether a slot is among them.
    #[inline]
    pub(crate) fn has(&self, slot: u32) -> bool {
        if self.bits.is_empty() {
            return self.slots.binary_search(&slot).is_ok();
        }
        let word = (slot / 64).wrapping_sub(self.first_word) as usize;
        self.bits
            .get(word)
            .is_some_and(|bits| (bits >> (slot % 64)) & 1 == 1)
    }

    /// Grants or withdraws a slot.
    pub(crate) fn set(&mut self, slot: u32, allow: bool) {
        let word = (slot / 64).wrapping_sub(self.first_word) as usize;
        match (self.slots.binary_search(&slot), allow) {
            (Err(at), true) => {
                self.slots.insert(at, slot);
                let words = self.bits.len();
                if words > 0 && word >= words && word < self.affordable() {
                    self.bits.resize(word.saturating_add(1), 0);
                }
                match self.bits.get_mut(word) {
                    Some(bits) => *bits |= 1 << (slot % 64),
                    None => self.spread(),
                }
            }
            (Ok(at), false) => {
                self.slots.remove(at);
                if let Some(bits) = self.bits.get_mut(word) {
                    *bits &= !(1 << (slot % 64));
                }
            }
            (Ok(_), true) | (Err(_), false) => {}
        }
    }

    /// How many words of bits the list may have.
    fn affordable(&self) -> usize {
        self.slots.len().saturating_mul(WORDS.0).max(WORDS.1)
    }

    /// Writes the bits anew, where they are affordable.
    fn spread(&mut self) {
        self.bits.clear();
        let (Some(first), Some(last)) = (self.slots.first(), self.slots.last()) else {
            return;
        };
        self.first_word = first / 64;
        let words = (last / 64).saturating_sub(self.first_word) as usize;
        if words >= self.affordable() {
            return;
        }
        self.bits.resize(words.saturating_add(1), 0);
        for slot in &self.slots {
            let word = (slot / 64).saturating_sub(self.first_word) as usize;
            self.bits[word] |= 1 << (slot % 64);
        }
    }

    /// All of them, ascending.
    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn entitlements_agree_with_a_set(
            ops in proptest::collection::vec((0u32..40, 0u32..4, any::<bool>()), 1..80),
            stride in prop_oneof![Just(1_u32), Just(63), Just(100_000)],
        ) {
            let mut entitled = Entitled::default();
            let mut model = BTreeSet::new();
            for (base, far, allow) in ops {
                let slot = base + far * stride;
                entitled.set(slot, allow);
                if allow {
                    model.insert(slot);
                } else {
                    model.remove(&slot);
                }
                for base in 0..41 {
                    for far in 0..4 {
                        let slot = base + far * stride;
                        prop_assert_eq!(entitled.has(slot), model.contains(&slot));
                    }
                }
            }
            prop_assert!(entitled.slots().iter().eq(model.iter()));
        }
    }
}
