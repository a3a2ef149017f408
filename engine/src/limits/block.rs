//! Checks: what decisions read of limits, 40 bytes each, those of one set side by side.

use super::{Limit, UNLIMITED};
use crate::table::room_for;
use crate::units::high_of;
use bincode::{Decode, Encode};
use wire::{LimitKind, Unit};

/// What the use of a limit is held against.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[repr(C)]
pub(crate) struct Check {
    pub(crate) value: i64,
    /// Uses in `quiet_from..quiet_to` are within the value and cross no warn level: they pass, and nothing is
    /// to be told. No use is quiet for a shadow limit, whose value must be looked at.
    pub(crate) quiet_from: i64,
    pub(crate) quiet_to: i64,
    /// ⌊10,000 · 2⁶⁴ / value⌋; 0 where that does not fit.
    points: u64,
    /// Slot of the limit.
    pub(crate) slot: u32,
    pub(crate) kind: LimitKind,
    pub(crate) unit: Unit,
    pub(crate) shadow: bool,
}

impl Check {
    pub(super) fn of(slot: u32, limit: &Limit) -> Self {
        let value = limit.value.unwrap_or(UNLIMITED);
        let quiet = if limit.is_shadow() {
            (0, 0)
        } else {
            // A breached limit tells nothing of uses that stay above it; they do not pass.
            (
                limit.quiet_from,
                limit.quiet_to.min(value.saturating_add(1)),
            )
        };
        Self {
            value,
            quiet_from: quiet.0,
            quiet_to: quiet.1,
            points: Self::points_for(value),
            slot,
            kind: limit.kind,
            unit: limit.unit,
            shadow: limit.is_shadow(),
        }
    }

    /// ⌊10,000 · 2⁶⁴ / value⌋; 0 where that does not fit.
    fn points_for(value: i64) -> u64 {
        let all = u128::from(POINTS) << 64;
        all.checked_div(u128::from(value.unsigned_abs()))
            .and_then(|points| u64::try_from(points).ok())
            .unwrap_or(0)
    }

    /// Whether a use passes, and changes neither warnings nor breach: nothing is to be told.
    #[inline(always)]
    pub(crate) fn is_quiet(&self, used: i64) -> bool {
        used >= self.quiet_from && used < self.quiet_to
    }

    /// ⌊10,000 · used / value⌋: what is used, in basis points. Of a limit of 0, nothing if unused, else
    /// more than can be told.
    #[inline(always)]
    pub(crate) fn points(&self, used: i64) -> u64 {
        let (used, value) = (used.max(0).unsigned_abs(), self.value.unsigned_abs());
        if self.points == 0 {
            return points_of_little(used, value);
        }
        // At most 1 too small; what remains fits 64 bits, whatever its parts overflow.
        let points = high_of(used, self.points);
        let rest = used
            .wrapping_mul(POINTS)
            .wrapping_sub(points.wrapping_mul(value));
        points + u64::from(rest >= value)
    }
}

/// Basis points in one.
const POINTS: u64 = 10_000;

/// Of values up to 10,000.
#[cold]
fn points_of_little(used: u64, value: u64) -> u64 {
    match (used, value) {
        (0, 0) => 0,
        (_, 0) => u64::MAX,
        (used, value) => used.saturating_mul(POINTS) / value,
    }
}

const UNUSED: Check = Check {
    value: 0,
    quiet_from: 0,
    quiet_to: 0,
    points: 0,
    slot: u32::MAX,
    kind: LimitKind(0),
    unit: Unit(0),
    shadow: false,
};

/// A piece of the memory for checks: room for a power of two of them.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(super) struct Block {
    first: u32,
    len: u32,
    room: u32,
}

impl Block {
    /// Holds nothing.
    pub(super) const EMPTY: Self = Self {
        first: 0,
        len: 0,
        room: 0,
    };
}

/// Sizes of blocks: 1, 2, 4, 8, 16, 32.
const SIZES: usize = 6;

/// The memory for checks.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct Blocks {
    checks: Vec<Check>,
    /// First checks of unused blocks, by size.
    free: [Vec<u32>; SIZES],
}

impl Blocks {
    /// Of `limits` limits, however they are spread over sets, none needs more room than four checks: blocks
    /// are at most half empty, and those left behind while growing are smaller together than the last.
    pub(super) fn with_capacity(limits: usize) -> Self {
        Self {
            checks: Vec::with_capacity(limits.saturating_mul(4)),
            free: Default::default(),
        }
    }

    pub(super) fn make_room(&mut self, limits: usize) {
        room_for(&mut self.checks, limits.saturating_mul(4));
    }

    #[inline(always)]
    pub(super) fn get(&self, block: Block) -> &[Check] {
        &self.checks[block.first as usize..][..block.len as usize]
    }

    pub(super) fn put(&mut self, block: Block, at: u32, check: Check) {
        self.checks[block.first as usize..][..block.len as usize][at as usize] = check;
    }

    /// A block for so many checks in place of another; what stood in it is to be put anew.
    pub(super) fn resize(&mut self, block: Block, len: u32) -> Block {
        if len <= block.room {
            return Block { len, ..block };
        }
        let size = |room: u32| room.trailing_zeros() as usize;
        if block.room > 0 {
            self.free[size(block.room)].push(block.first);
        }
        let room = len.next_power_of_two();
        let first = self.free[size(room)].pop().unwrap_or_else(|| {
            let first = self.checks.len();
            self.checks
                .resize(first.saturating_add(room as usize), UNUSED);
            u32::try_from(first).unwrap_or(u32::MAX)
        });
        Block { first, len, room }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn points_are_rounded_down_once(used in any::<i64>(), value in 0..=i64::MAX, shift in 0_u32..63) {
            for (used, value) in [(used, value), (used >> shift, value), (used, value >> shift)] {
                let mut check = UNUSED;
                check.value = value;
                check.points = Check::points_for(value);
                let exact = (u128::from(used.max(0).unsigned_abs()) * 10_000)
                    .checked_div(u128::from(value.unsigned_abs()));
                let exact = match exact {
                    Some(points) => u64::try_from(points).unwrap_or(u64::MAX),
                    None if used <= 0 => 0,
                    None => u64::MAX,
                };
                let told = u64::from(u16::MAX);
                prop_assert_eq!(check.points(used).min(told), exact.min(told), "{} of {}", used, value);
            }
        }
    }

    #[test]
    fn blocks_grow_to_powers_of_two_and_what_they_leave_is_used_again() {
        let mut blocks = Blocks::with_capacity(8);
        let one = blocks.resize(Block::EMPTY, 1);
        let two = blocks.resize(one, 2);
        let three = blocks.resize(two, 3);
        assert_eq!((one.room, two.room, three.room), (1, 2, 4));
        let again = [
            blocks.resize(Block::EMPTY, 1),
            blocks.resize(Block::EMPTY, 2),
        ];
        assert_eq!(
            (again[0].first, again[1].first),
            (one.first, two.first),
            "what was left"
        );
        assert_eq!(blocks.checks.len(), 7);
        assert_eq!(
            blocks.resize(three, 2).first,
            three.first,
            "shrinks in place"
        );
        assert!(blocks.get(Block::EMPTY).is_empty());
    }
}
