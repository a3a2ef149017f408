//! Limits: (scope, selector, kind) → value, version, mode.
//!
//! The limits of one scope and one selector stand in a *set*, indexed by kind. A row knows the sets that
//! select it, so that a check visits only limits that exist. Use of a limit belongs to `exposure`.

use crate::table::{Key, Table, mix, room_for};
use bincode::{Decode, Encode};
use std::collections::BTreeSet;
use wire::{LimitKind, LimitMode, Selector, Unit};

/// Value that means "unlimited": it satisfies the duty to say so and lifts nothing else.
pub(crate) const UNLIMITED: i64 = i64::MAX;
/// Kinds are numbered 1..=20.
pub(crate) const KINDS: usize = 21;
/// The set that holds no limit.
pub(crate) const NO_SET: u32 = 0;

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Limit {
    pub(crate) scope: u32,
    pub(crate) selector: Selector,
    pub(crate) selector_id: u32,
    pub(crate) kind: LimitKind,
    /// Value in force; `None` once removed, while the version lives on.
    pub(crate) value: Option<i64>,
    /// The permanent value that a temporary one reverts to.
    pub(crate) permanent: Option<i64>,
    /// When the temporary value ends; 0 where the permanent one is in force.
    pub(crate) expires_at: u64,
    pub(crate) unit: Unit,
    pub(crate) mode: LimitMode,
    pub(crate) window_ns: u64,
    pub(crate) version: u32,
    pub(crate) warn: [u8; 3],
    /// C5: theoretical arrival time of the next conforming order.
    pub(crate) arrival: u64,
    /// Whether use is above the value (R18).
    pub(crate) breached: bool,
    /// Warn levels that use has crossed and that are not re-armed yet (R27).
    pub(crate) warned: u8,
}

impl Limit {
    /// The value, unless it is unlimited.
    pub(crate) fn finite(&self) -> Option<i64> {
        self.value.filter(|value| *value != UNLIMITED)
    }

    /// Whether it is evaluated without ever refusing.
    pub(crate) fn is_shadow(&self) -> bool {
        self.mode == LimitMode::Shadow
    }
}

/// The limits of one scope and selector, by kind.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct LimitSet {
    /// Bit `kind` is set where a limit of that kind is in force, enforced or shadow.
    pub(crate) mask: u32,
    /// The same, enforced only.
    pub(crate) enforced: u32,
    slots: [u32; KINDS],
}

const EMPTY_SET: LimitSet = LimitSet {
    mask: 0,
    enforced: 0,
    slots: [u32::MAX; KINDS],
};

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
    sets: Vec<LimitSet>,
    by_key: Table<SetKey>,
    /// (end, slot) of temporary limits, soonest first.
    deadlines: BTreeSet<(u64, u32)>,
    longest_window: [u64; KINDS],
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
        sets.push(EMPTY_SET);
        Self {
            items: Vec::with_capacity(capacity),
            sets,
            by_key: Table::with_capacity(capacity, filler),
            deadlines: BTreeSet::new(),
            longest_window: [0; KINDS],
            capacity,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        room_for(&mut self.items, self.capacity);
        room_for(&mut self.sets, self.capacity.saturating_add(1));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.capacity
    }

    /// The set of a scope and selector; [`NO_SET`] if none was ever set.
    pub(crate) fn set_of(&self, key: SetKey) -> u32 {
        self.by_key.get(key).unwrap_or(NO_SET)
    }

    /// The limits in force of a set, as a bit mask over kinds.
    pub(crate) fn mask(&self, set: u32) -> u32 {
        self.sets[set as usize].mask
    }

    /// The enforced limits in force of a set, as a bit mask over kinds.
    pub(crate) fn enforced(&self, set: u32) -> u32 {
        self.sets[set as usize].enforced
    }

    /// The limit of `kind` in a set whose mask has it.
    pub(crate) fn in_set(&self, set: u32, kind: usize) -> &Limit {
        &self.items[self.sets[set as usize].slots[kind] as usize]
    }

    /// Longest window of the limits of a kind that were ever in force; 0 without any.
    pub(crate) fn longest_window(&self, kind: LimitKind) -> u64 {
        self.longest_window[usize::from(kind.0)]
    }

    /// Slot of the limit of `kind` in a set whose mask has it.
    pub(crate) fn slot_in_set(&self, set: u32, kind: usize) -> u32 {
        self.sets[set as usize].slots[kind]
    }

    /// The limit of `kind` in a set whose mask has it, to advance its rate bucket.
    pub(crate) fn in_set_mut(&mut self, set: u32, kind: usize) -> &mut Limit {
        &mut self.items[self.sets[set as usize].slots[kind] as usize]
    }

    /// The slot of a limit, removed or in force.
    pub(crate) fn find(&self, key: SetKey, kind: LimitKind) -> Option<u32> {
        let set = self.by_key.get(key)?;
        let slot = self.sets[set as usize].slots[usize::from(kind.0)];
        (slot != u32::MAX).then_some(slot)
    }

    pub(crate) fn get(&self, slot: u32) -> &Limit {
        &self.items[slot as usize]
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Limit {
        &mut self.items[slot as usize]
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
    pub(crate) fn put(&mut self, limit: Limit) -> (u32, u32) {
        let key = SetKey {
            scope: limit.scope,
            selector: limit.selector,
            selector_id: limit.selector_id,
        };
        let set = self.by_key.get(key).unwrap_or_else(|| {
            let set = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
            self.sets.push(EMPTY_SET);
            self.by_key.insert(key, set);
            set
        });
        let kind = usize::from(limit.kind.0);
        self.longest_window[kind] = self.longest_window[kind].max(limit.window_ns);
        let entry = &mut self.sets[set as usize];
        let bit = 1_u32 << limit.kind.0;
        entry.mask &= !bit;
        entry.enforced &= !bit;
        if limit.value.is_some() {
            entry.mask |= bit;
            if limit.mode == LimitMode::Enforced {
                entry.enforced |= bit;
            }
        }
        if entry.slots[kind] == u32::MAX {
            entry.slots[kind] = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
            self.items.push(limit);
        } else {
            self.items[entry.slots[kind] as usize] = limit;
        }
        (set, entry.slots[kind])
    }
}
