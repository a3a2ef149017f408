//! Limits: (scope, selector, kind) → value, version, mode.
//!
//! The limits of one scope and one selector are a *set*. A row and its sums know the sets that select them,
//! and a set knows what an order is held against: its *checks*, of limits that are used up, in one piece of
//! memory, and its *bounds*, of all limits on the order by itself at once. So a decision visits only limits that
//! exist. Use of a limit belongs to `exposure`.

mod block;
mod bounds;
mod limit;

pub(crate) use block::Check;
pub(crate) use bounds::Bounds;
pub(crate) use limit::{Limit, REARM_POINTS, with_default_levels};

use crate::table::{Key, Table, mix, room_for};
use bincode::{Decode, Encode};
use block::{Block, Blocks};
use bounds::BOUNDING;
use std::collections::BTreeSet;
use wire::{LimitKind, LimitMode, Selector};

/// Value that means "unlimited": it satisfies the duty to say so and lifts nothing else.
pub(crate) const UNLIMITED: i64 = i64::MAX;
/// Kinds are numbered 1..=20.
pub(crate) const KINDS: usize = 21;
/// The set that holds no limit.
pub(crate) const NO_SET: u32 = 0;

/// Kinds that are used up, so that their use is watched: C8 to C13.
pub(crate) const WATCHED: u32 = bit(LimitKind::MaxOpenOrders)
    | bit(LimitKind::MaxLong)
    | bit(LimitKind::MaxShort)
    | bit(LimitKind::GrossNotional)
    | bit(LimitKind::NetLong)
    | bit(LimitKind::NetShort)
    | bit(LimitKind::DailyBuyTurnover)
    | bit(LimitKind::DailySellTurnover)
    | bit(LimitKind::DailyTurnover)
    | bit(LimitKind::DailyLoss);

/// The bit of a kind in a mask over kinds.
pub(crate) const fn bit(kind: LimitKind) -> u32 {
    1 << kind.0
}

/// Kinds of limits that no order is held against alone: fills are.
const OF_FILLS: u32 = bit(LimitKind::RepeatedExecution) | bit(LimitKind::MarketMakerProtection);

/// Place of a set whose limits bound no order by itself.
const NO_BOUNDS: u32 = u32::MAX;

/// The limits of one scope and selector.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct LimitSet {
    /// Bit `kind` is set where a limit of that kind is in force, enforced or shadow.
    pub(crate) mask: u32,
    /// The same, enforced only.
    pub(crate) enforced: u32,
    /// The same, finite only, enforced or shadow: those that are used up have checks, in ascending order of
    /// kind.
    pub(crate) finite: u32,
    /// The same, enforced and finite, of kinds that are used up.
    pub(crate) watched: u32,
    /// Kinds of limits of which a breach or a warn level was told and is not re-armed.
    pub(crate) told: u32,
    checks: Block,
    bounds: u32,
}

/// Slots of the limits of one set by kind; `u32::MAX` where there never was one.
type SlotsByKind = [u32; KINDS];

impl LimitSet {
    const EMPTY: Self = Self {
        mask: 0,
        enforced: 0,
        finite: 0,
        watched: 0,
        told: 0,
        checks: Block::EMPTY,
        bounds: NO_BOUNDS,
    };

    /// Finite limits that have to be looked at one by one: neither checks nor bounds say all of them.
    #[inline(always)]
    pub(crate) fn special(&self) -> u32 {
        self.finite & !(WATCHED | BOUNDING | OF_FILLS)
    }

    /// Notes whether something was told of a kind; returns how many of all limits that is said of.
    fn tell(&mut self, bit: u32, told: bool, of_all: usize) -> usize {
        let was = self.told & bit != 0;
        self.told = if told {
            self.told | bit
        } else {
            self.told & !bit
        };
        of_all
            .saturating_add(usize::from(told))
            .saturating_sub(usize::from(was))
    }
}

/// Where a set of limits applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SetKey {
    pub(crate) scope: u32,
    pub(crate) selector: Selector,
    pub(crate) selector_id: u32,
}

impl Key for SetKey {
    fn spread(self) -> u64 {
        let place = (u64::from(self.scope) << 32) | u64::from(self.selector_id);
        mix(place ^ (u64::from(self.selector.0) << 61))
    }
}

/// All limits.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Limits {
    items: Vec<Limit>,
    /// Limit → its set.
    set_of_slot: Vec<u32>,
    sets: Vec<LimitSet>,
    slots: Vec<SlotsByKind>,
    checks: Blocks,
    bounds: Vec<Bounds>,
    by_key: Table<SetKey>,
    /// (end, slot) of temporary limits, soonest first.
    deadlines: BTreeSet<(u64, u32)>,
    longest_window: [u64; KINDS],
    /// Kinds that were ever in force.
    known: u32,
    /// Limits of which a breach or a warn level was told and is not re-armed.
    told: usize,
    capacity: usize,
}

impl Limits {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let filler = SetKey {
            scope: 0,
            selector: Selector::All,
            selector_id: 0,
        };
        let mut sets = Vec::with_capacity(capacity.saturating_add(1));
        let mut slots = Vec::with_capacity(capacity.saturating_add(1));
        sets.push(LimitSet::EMPTY);
        slots.push([u32::MAX; KINDS]);
        Self {
            items: Vec::with_capacity(capacity),
            set_of_slot: Vec::with_capacity(capacity),
            sets,
            slots,
            checks: Blocks::with_capacity(capacity),
            bounds: Vec::with_capacity(capacity),
            by_key: Table::with_capacity(capacity, filler),
            deadlines: BTreeSet::new(),
            longest_window: [0; KINDS],
            known: 0,
            told: 0,
            capacity,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        room_for(&mut self.items, self.capacity);
        room_for(&mut self.set_of_slot, self.capacity);
        room_for(&mut self.sets, self.capacity.saturating_add(1));
        room_for(&mut self.slots, self.capacity.saturating_add(1));
        self.checks.make_room(self.capacity);
        room_for(&mut self.bounds, self.capacity);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.capacity
    }

    /// The set of a scope and selector; [`NO_SET`] if none was ever set.
    pub(crate) fn set_of(&self, key: SetKey) -> u32 {
        self.by_key.get(key).unwrap_or(NO_SET)
    }

    /// Whether of any limit a breach or a warn level was told and is not re-armed.
    pub(crate) fn is_any_told(&self) -> bool {
        self.told != 0
    }

    /// Whether a limit of a kind was ever in force.
    pub(crate) fn knows(&self, kind: LimitKind) -> bool {
        self.known & bit(kind) != 0
    }

    /// The limits in force of a set, as a bit mask over kinds.
    pub(crate) fn mask(&self, set: u32) -> u32 {
        self.sets[set as usize].mask
    }

    /// The enforced limits in force of a set, as a bit mask over kinds.
    pub(crate) fn enforced(&self, set: u32) -> u32 {
        self.sets[set as usize].enforced
    }

    /// A set as a whole.
    #[inline(always)]
    pub(crate) fn set(&self, set: u32) -> &LimitSet {
        &self.sets[set as usize]
    }

    /// Looks at a set and at its first check.
    #[inline(always)]
    pub(crate) fn look_at_set(&self, set: u32) {
        if let Some(check) = self.checks(self.set(set)).first() {
            crate::touch::look_at(&check.quiet_from);
        }
    }

    /// What uses are held against: the finite limits in force of a set that are used up, in ascending order of kind.
    #[inline(always)]
    pub(crate) fn checks(&self, set: &LimitSet) -> &[Check] {
        self.checks.get(set.checks)
    }

    /// What an order by itself is held against by a set; `None` where no limit of it ever bounded one.
    #[inline(always)]
    pub(crate) fn bounds(&self, set: &LimitSet) -> Option<&Bounds> {
        self.bounds.get(set.bounds as usize)
    }

    /// The limit of `kind` in a set whose mask has it.
    pub(crate) fn in_set(&self, set: u32, kind: usize) -> &Limit {
        self.get(self.slot_in_set(set, kind))
    }

    /// Longest window of the limits of a kind that were ever in force; 0 without any.
    pub(crate) fn longest_window(&self, kind: LimitKind) -> u64 {
        self.longest_window[usize::from(kind.0)]
    }

    /// Slot of the limit of `kind` in a set whose mask has it.
    pub(crate) fn slot_in_set(&self, set: u32, kind: usize) -> u32 {
        self.slots[set as usize][kind]
    }

    /// The slot of a limit, removed or in force.
    pub(crate) fn find(&self, key: SetKey, kind: LimitKind) -> Option<u32> {
        let set = self.by_key.get(key)?;
        let slot = self.slots[set as usize][usize::from(kind.0)];
        (slot != u32::MAX).then_some(slot)
    }

    pub(crate) fn get(&self, slot: u32) -> &Limit {
        &self.items[slot as usize]
    }

    /// The limit of a slot, to advance its rate bucket.
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Limit {
        &mut self.items[slot as usize]
    }

    /// Remembers what was told of a limit's use.
    pub(crate) fn note_told(&mut self, slot: u32, warned: u8, breached: bool) {
        let limit = &mut self.items[slot as usize];
        (limit.warned, limit.breached) = (warned, breached);
        limit.derive();
        let (bit, told) = (bit(limit.kind), warned != 0 || breached);
        let check = Check::of(slot, limit);
        let set = &mut self.sets[self.set_of_slot[slot as usize] as usize];
        self.told = set.tell(bit, told, self.told);
        let used = set.finite & WATCHED;
        if used & bit != 0 {
            let at = (used & bit.wrapping_sub(1)).count_ones();
            self.checks.put(set.checks, at, check);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Limit> {
        self.items.iter()
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> + use<> {
        0..u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// When the first temporary limit ends.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(end, _)| *end)
    }

    /// A temporary limit that has ended at `t`, soonest first.
    pub(crate) fn due(&self, t: u64) -> Option<u32> {
        self.deadlines
            .first()
            .filter(|(end, _)| *end <= t)
            .map(|(_, slot)| *slot)
    }

    /// Remembers the end of a limit's temporary value, if it has one.
    pub(crate) fn arm(&mut self, slot: u32) {
        let end = self.get(slot).expires_at;
        if end != 0 {
            self.deadlines.insert((end, slot));
        }
    }

    /// Forgets the end of a limit's temporary value.
    pub(crate) fn disarm(&mut self, slot: u32) {
        self.deadlines.remove(&(self.get(slot).expires_at, slot));
    }

    /// Puts `limit` in force (or out of it, where its value is `None`) and returns its set and slot.
    pub(crate) fn put(&mut self, mut limit: Limit) -> (u32, u32) {
        limit.derive();
        let key = SetKey {
            scope: limit.scope,
            selector: limit.selector,
            selector_id: limit.selector_id,
        };
        let set = self.by_key.get(key).unwrap_or_else(|| {
            let set = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
            self.sets.push(LimitSet::EMPTY);
            self.slots.push([u32::MAX; KINDS]);
            self.by_key.insert(key, set);
            set
        });
        let kind = usize::from(limit.kind.0);
        self.longest_window[kind] = self.longest_window[kind].max(limit.window_ns);
        self.known |= bit(limit.kind);
        let slot = match self.slots[set as usize][kind] {
            u32::MAX => {
                let slot = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
                self.slots[set as usize][kind] = slot;
                self.items.push(limit);
                self.set_of_slot.push(set);
                slot
            }
            slot => {
                self.items[slot as usize] = limit;
                slot
            }
        };
        let (bit, in_force) = (bit(limit.kind), limit.value.is_some());
        let enforced = in_force && limit.mode == LimitMode::Enforced;
        let finite = limit.finite().is_some();
        let entry = &mut self.sets[set as usize];
        self.told = entry.tell(bit, limit.warned != 0 || limit.breached, self.told);
        for (mask, has) in [
            (&mut entry.mask, in_force),
            (&mut entry.enforced, enforced),
            (&mut entry.finite, finite),
            (&mut entry.watched, enforced && finite && bit & WATCHED != 0),
        ] {
            *mask = if has { *mask | bit } else { *mask & !bit };
        }
        self.lay_out(set);
        (set, slot)
    }

    /// Lays out the checks and the bounds of a set anew.
    fn lay_out(&mut self, set: u32) {
        let entry = &mut self.sets[set as usize];
        let kinds = entry.finite & WATCHED;
        entry.checks = self.checks.resize(entry.checks, kinds.count_ones());
        if entry.bounds == NO_BOUNDS && entry.finite & BOUNDING != 0 {
            entry.bounds = u32::try_from(self.bounds.len()).unwrap_or(NO_BOUNDS);
            self.bounds.push(Bounds::NONE);
        }
        let (entry, slots) = (*entry, self.slots[set as usize]);
        let limits = |kinds: u32| {
            let of_kinds = (0_u32..).zip(slots);
            of_kinds.filter(move |(kind, _)| kinds & (1 << kind) != 0)
        };
        for (at, (_, slot)) in (0..).zip(limits(kinds)) {
            let check = Check::of(slot, &self.items[slot as usize]);
            self.checks.put(entry.checks, at, check);
        }
        if let Some(bounds) = self.bounds.get_mut(entry.bounds as usize) {
            *bounds = Bounds::NONE;
            for (_, slot) in limits(entry.finite & BOUNDING) {
                bounds.bound(&self.items[slot as usize]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_counted_once_a_kind_until_it_is_armed_again() {
        let mut set = LimitSet::EMPTY;
        let steps = [
            (1, true, 1),
            (1, true, 1),
            (4, true, 2),
            (1, false, 1),
            (1, false, 1),
            (4, false, 0),
            (1, true, 1),
        ];
        let mut told = 0;
        for (bit, tells, count) in steps {
            told = set.tell(bit, tells, told);
            assert_eq!(told, count, "{bit} {tells}");
        }
        assert_eq!(set.told, 1);
    }
}
