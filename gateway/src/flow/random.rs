//! Numbers that look random and are not: the same on every machine, for ever.
//!
//! One published algorithm serves both the attribution of orders (a hash) and
//! generated flow (a sequence). Nothing here is fit for secrets.

/// The finaliser of Steele, Lea and Flood's `SplittableRandom` (OOPSLA 2014):
/// a bijection on 64 bits in which neighbouring inputs end far apart.
pub(super) fn splitmix64(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The generator of Steele, Lea and Flood: a counter through [`splitmix64`].
#[derive(Debug, Clone)]
pub(super) struct SplitMix64(pub(super) u64);

impl SplitMix64 {
    pub(super) fn next(&mut self) -> u64 {
        let value = splitmix64(self.0);
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        value
    }

    /// From 0 up to, not including, `bound`; 0 if there is nothing below it.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// From `-reach` to `reach`, both included.
    pub(super) fn around_zero(&mut self, reach: i64) -> i64 {
        let reach = reach.max(0);
        let width = reach.unsigned_abs().saturating_mul(2).saturating_add(1);
        self.below(width).cast_signed() - reach
    }

    /// An index into something of this length.
    pub(super) fn position(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a mut [T]) -> &'a mut T {
        let position = self.position(items.len());
        &mut items[position]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // The first outputs of SplittableRandom with seed 0.
        assert_eq!(splitmix64(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(splitmix64(0x9E37_79B9_7F4A_7C15), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn the_random_numbers_are_the_published_ones() {
        let mut random = SplitMix64(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        // As in the reference implementation's test vector for this seed.
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }
}
