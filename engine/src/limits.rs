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

/// One limit. What an order's checks read stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[repr(C)]
pub(crate) struct Limit {
    /// Value in force; `None` once removed, while the version lives on.
    pub(crate) value: Option<i64>,
    /// Uses in `quiet_from..quiet_to` cross no warn level and no bound: nothing is to be told.
    pub(crate) quiet_from: i64,
    pub(crate) quiet_to: i64,
    /// C5: theoretical arrival time of the next conforming order.
    pub(crate) arrival: u64,
    /// C5: ⌈window / n⌉, the time that one order takes; 0 where none conforms.
    pub(crate) interval: u64,
    pub(crate) scope: u32,
    pub(crate) kind: LimitKind,
    pub(crate) mode: LimitMode,
    pub(crate) unit: Unit,
    /// Whether use is above the value (R18).
    pub(crate) breached: bool,
    /// Warn levels that use has crossed and that are not re-armed yet (R27).
    pub(crate) warned: u8,
    pub(crate) selector: Selector,
    pub(crate) selector_id: u32,
    pub(crate) window_ns: u64,
    /// The permanent value that a temporary one reverts to.
    pub(crate) permanent: Option<i64>,
    /// When the temporary value ends; 0 where the permanent one is in force.
    pub(crate) expires_at: u64,
    pub(crate) version: u32,
    pub(crate) warn: [u8; 3],
}

/// Warn levels in per cent where none were set.
const WARN_DEFAULT: [u8; 3] = [70, 80, 90];
/// A level is armed again when use has fallen this many points below it.
pub(crate) const REARM_POINTS: i128 = 5;

/// Warn levels with the default for each that is 0.
pub(crate) fn with_default_levels(mut levels: [u8; 3]) -> [u8; 3] {
    for (level, default) in levels.iter_mut().zip(WARN_DEFAULT) {
        if *level == 0 {
            *level = default;
        }
    }
    levels
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

    /// Warn levels in force, in per cent.
    pub(crate) fn warn_levels(&self) -> [u8; 3] {
        with_default_levels(self.warn)
    }

    /// Whether a use changes neither warnings nor breach: nothing is to be told.
    pub(crate) fn is_quiet(&self, used: i128) -> bool {
        used >= i128::from(self.quiet_from) && used < i128::from(self.quiet_to)
    }

    /// One bound for each instrument, over a group or all.
    pub(crate) fn is_each(&self) -> bool {
        matches!(self.kind, LimitKind::MaxLong | LimitKind::MaxShort)
            && self.selector != Selector::Instrument
    }

    /// What follows from value, warn levels and what was told: the quiet uses, and the bucket's interval.
    fn derive(&mut self) {
        self.interval = self
            .value
            .and_then(|count| u64::try_from(count).ok())
            .filter(|count| *count > 0)
            .map_or(0, |count| self.window_ns.div_ceil(count));
        let (from, to) = self.quiet();
        let saturate = crate::units::saturate;
        (self.quiet_from, self.quiet_to) = (saturate(from), saturate(to));
    }

    fn quiet(&self) -> (i128, i128) {
        const NONE: (i128, i128) = (0, 0);
        let (mut from, mut to) = (i128::from(i64::MIN), i128::from(i64::MAX));
        let loss = self.kind == LimitKind::DailyLoss;
        let bound = self.finite().filter(|_| !self.is_shadow());
        let Some(bound) = bound.map(i128::from) else {
            return if self.warned == 0 && !self.breached {
                (from, to)
            } else {
                NONE
            };
        };
        // A loss at its bound has reached it; any other use is above it only past it.
        let past = if loss { bound } else { bound + 1 };
        if self.breached {
            from = past;
        } else {
            to = past;
        }
        if loss {
            return (from, to);
        }
        if self.is_each() && (self.warned != 0 || self.breached) {
            // One row alone does not tell whether the highest use has fallen.
            return NONE;
        }
        for (at, level) in self.warn_levels().into_iter().enumerate() {
            let was = self.warned & (1 << at) != 0;
            if level == 0 || bound <= 0 {
                if was {
                    return NONE;
                }
                continue;
            }
            let level = i128::from(level);
            if was {
                from = from.max((bound * (level - REARM_POINTS)).div_euclid(100) + 1);
            } else {
                to = to.min((bound * level + 99).div_euclid(100));
            }
        }
        (from, to)
    }
}

/// Kinds that are used up, so that their use is watched: C8 to C13.
const WATCHED: u32 = bit(LimitKind::MaxOpenOrders)
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

/// The limits of one scope and selector, by kind.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct LimitSet {
    /// Bit `kind` is set where a limit of that kind is in force, enforced or shadow.
    pub(crate) mask: u32,
    /// The same, enforced only.
    pub(crate) enforced: u32,
    /// The same, enforced and finite, of kinds that are used up.
    pub(crate) watched: u32,
    /// Kinds of limits of which a breach or a warn level was told and is not re-armed.
    pub(crate) told: u32,
    slots: [u32; KINDS],
}

impl LimitSet {
    fn tell(&mut self, bit: u32, told: bool) {
        self.told = if told {
            self.told | bit
        } else {
            self.told & !bit
        };
    }

    /// Slot of the limit of a kind that the mask has.
    pub(crate) fn slot(&self, kind: usize) -> u32 {
        self.slots[kind]
    }
}

const EMPTY_SET: LimitSet = LimitSet {
    mask: 0,
    enforced: 0,
    watched: 0,
    told: 0,
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
    /// Limit → its set.
    set_of_slot: Vec<u32>,
    sets: Vec<LimitSet>,
    by_key: Table<SetKey>,
    /// (end, slot) of temporary limits, soonest first.
    deadlines: BTreeSet<(u64, u32)>,
    longest_window: [u64; KINDS],
    /// Kinds that were ever in force.
    known: u32,
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
            set_of_slot: Vec::with_capacity(capacity),
            sets,
            by_key: Table::with_capacity(capacity, filler),
            deadlines: BTreeSet::new(),
            longest_window: [0; KINDS],
            known: 0,
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
    pub(crate) fn set(&self, set: u32) -> &LimitSet {
        &self.sets[set as usize]
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

    /// The slot of a limit, removed or in force.
    pub(crate) fn find(&self, key: SetKey, kind: LimitKind) -> Option<u32> {
        let set = self.by_key.get(key)?;
        let slot = self.sets[set as usize].slots[usize::from(kind.0)];
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
        self.sets[self.set_of_slot[slot as usize] as usize].tell(bit, told);
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
            self.sets.push(EMPTY_SET);
            self.by_key.insert(key, set);
            set
        });
        let kind = usize::from(limit.kind.0);
        self.longest_window[kind] = self.longest_window[kind].max(limit.window_ns);
        self.known |= bit(limit.kind);
        let entry = &mut self.sets[set as usize];
        let bit = 1_u32 << limit.kind.0;
        entry.mask &= !bit;
        entry.enforced &= !bit;
        entry.watched &= !bit;
        entry.tell(bit, limit.warned != 0 || limit.breached);
        if limit.value.is_some() {
            entry.mask |= bit;
            if limit.mode == LimitMode::Enforced {
                entry.enforced |= bit;
                if limit.finite().is_some() {
                    entry.watched |= bit & WATCHED;
                }
            }
        }
        if entry.slots[kind] == u32::MAX {
            entry.slots[kind] = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
            self.items.push(limit);
            self.set_of_slot.push(set);
        } else {
            self.items[entry.slots[kind] as usize] = limit;
        }
        (set, entry.slots[kind])
    }
}
