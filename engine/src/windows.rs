//! What happened lately: accepted orders (C6), fills of traders (C7) and of accounts in product groups
//! (C15). A window holds events with 0 ≤ t − tᵢ < window.

use crate::index::{Index, Tag};
use crate::table::{Table, mix, room_for};
use crate::touch::look_at;
use bincode::{Decode, Encode};
use std::collections::VecDeque;

/// Fills kept of one trader, or of one account and group, while no limit looks at them: one that is set
/// later sees at least these.
const KEPT: usize = 8;
/// Fills that a log has room for once a limit looks at it.
const WATCHED: usize = 64;

/// What makes two orders equal (C6): short sells are sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct OrderKey {
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) buy: bool,
    pub(crate) price: i64,
    pub(crate) qty: i64,
}

impl OrderKey {
    fn tag(&self) -> Tag {
        let place = (u64::from(self.account) << 33)
            ^ (u64::from(self.instrument) << 1)
            ^ u64::from(self.buy);
        Tag::of_hash(mix(
            place ^ mix(self.price.cast_unsigned() ^ mix(self.qty.cast_unsigned()))
        ))
    }
}

#[derive(Debug, Clone, Copy, Encode, Decode)]
struct Entry {
    key: OrderKey,
    t: u64,
    /// Number of the equal order accepted before, plus one; 0 for none.
    previous: u64,
}

/// Accepted new orders, newest last, in a ring.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct AcceptedOrders {
    ring: Vec<Entry>,
    capacity: usize,
    /// Number of the next entry, and its slot in the ring.
    next: u64,
    next_slot: usize,
    /// Key → slot in the ring of its newest entry; kept from the first limit on that counts equal orders.
    newest: Index,
    indexed: bool,
}

impl AcceptedOrders {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.max(1_024);
        Self {
            ring: Vec::with_capacity(capacity),
            capacity,
            next: 0,
            next_slot: 0,
            indexed: false,
            newest: Index::with_capacity(capacity),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        room_for(&mut self.ring, self.capacity);
    }

    fn slot(&self, number: u64) -> usize {
        usize::try_from(number % (self.capacity as u64)).unwrap_or(0)
    }

    fn get(&self, number: u64) -> Option<&Entry> {
        let oldest = self.next.saturating_sub(self.ring.len() as u64);
        (number >= oldest && number < self.next).then(|| &self.ring[self.slot(number)])
    }

    /// Slot of the newest entry of `key`.
    fn newest(&self, key: &OrderKey) -> Option<u32> {
        self.newest
            .find(key.tag(), |slot| self.ring[slot as usize].key == *key)
    }

    fn number_at(&self, slot: u32) -> u64 {
        // Numbers of the ring's last lap end before `next`; slots at or behind it are a lap older.
        let capacity = self.capacity as u64;
        let lap = self.next.saturating_sub(1) / capacity * capacity;
        let number = lap.saturating_add(u64::from(slot));
        if number >= self.next {
            number.saturating_sub(capacity)
        } else {
            number
        }
    }

    /// How many equal orders were accepted in the window before `t`, counted up to `enough`.
    pub(crate) fn count(&self, key: OrderKey, t: u64, window_ns: u64, enough: u64) -> u64 {
        let mut at = self.newest(&key).map(|slot| self.number_at(slot));
        let mut count = 0_u64;
        while count < enough
            && let Some(entry) = at.and_then(|number| self.get(number))
            && entry.key == key
            && t.saturating_sub(entry.t) < window_ns
        {
            count = count.saturating_add(1);
            at = entry.previous.checked_sub(1);
        }
        count
    }

    /// Remembers an accepted order.
    pub(crate) fn note(&mut self, key: OrderKey, t: u64) {
        let slot = self.next_slot;
        let previous = if self.indexed {
            self.link(slot, key)
        } else {
            0
        };
        let entry = Entry { key, t, previous };
        if self.ring.len() < self.capacity {
            self.ring.push(entry);
        } else {
            self.ring[slot] = entry;
        }
        self.next = self.next.saturating_add(1);
        self.next_slot = slot.wrapping_add(1);
        if self.next_slot == self.capacity {
            self.next_slot = 0;
        }
    }

    /// Makes the slot that is written next the newest entry of `key`; what stood in it is forgotten.
    /// Returns the number of the equal order before, plus one; 0 for none.
    fn link(&mut self, slot: usize, key: OrderKey) -> u64 {
        let place = u32::try_from(slot).unwrap_or(u32::MAX);
        if self.ring.len() == self.capacity {
            // The oldest entry gives way; its key is forgotten if it has no newer one.
            let old = self.ring[slot].key;
            if self.newest(&old) == Some(place) {
                self.newest.remove(old.tag(), place);
            }
        }
        self.follow(place, &key)
    }

    /// Makes `slot` the newest entry of `key`, and returns the same.
    fn follow(&mut self, slot: u32, key: &OrderKey) -> u64 {
        let tag = key.tag();
        let before = self.newest(key);
        let previous = before.map_or(0, |slot| self.number_at(slot).saturating_add(1));
        if let Some(before) = before {
            self.newest.remove(tag, before);
        }
        self.newest.insert(tag, slot);
        previous
    }

    /// From now on equal orders are counted: those accepted so far are found as well.
    pub(crate) fn index(&mut self) {
        if std::mem::replace(&mut self.indexed, true) {
            return;
        }
        let oldest = self.next.saturating_sub(self.ring.len() as u64);
        for number in oldest..self.next {
            let slot = self.slot(number);
            let key = self.ring[slot].key;
            let place = u32::try_from(slot).unwrap_or(u32::MAX);
            self.ring[slot].previous = self.follow(place, &key);
        }
    }

    /// Whether 90 % of the ring lies within `window_ns` before `t`: an equal order could be missed.
    pub(crate) fn is_nearly_full(&self, t: u64, window_ns: u64) -> bool {
        let kept = (self.capacity as u64).saturating_mul(9) / 10;
        self.next
            .checked_sub(kept.max(1))
            .and_then(|number| self.get(number))
            .is_some_and(|entry| t.saturating_sub(entry.t) < window_ns)
    }

    /// Entries for the digest, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (OrderKey, u64)> + '_ {
        let oldest = self.next.saturating_sub(self.ring.len() as u64);
        (oldest..self.next)
            .filter_map(|number| self.get(number))
            .map(|entry| (entry.key, entry.t))
    }
}

/// One fill, as windows see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RecentFill {
    pub(crate) t: u64,
    pub(crate) instrument: u32,
    pub(crate) qty: i64,
}

/// Fills of one trader, or of one account in one group.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub(crate) struct FillLog {
    /// The newest fills while no limit looks at them, in a ring: they need no allocation.
    unwatched: [RecentFill; KEPT],
    /// How many of them there are, and where the next one goes.
    kept: usize,
    next: usize,
    /// All fills that a window may hold, newest last.
    fills: VecDeque<RecentFill>,
    /// C15: new orders and replaces are frozen until a reset.
    pub(crate) frozen: bool,
}

impl FillLog {
    /// Remembers a fill; what no window in force can hold may be forgotten. A window of 0 says that no
    /// limit looks at the log.
    #[inline]
    pub(crate) fn note(&mut self, fill: RecentFill, longest_window_ns: u64) {
        if longest_window_ns == 0 && self.fills.is_empty() {
            self.unwatched[self.next] = fill;
            self.next = self.next.wrapping_add(1) % KEPT;
            self.kept = self.kept.saturating_add(1).min(KEPT);
        } else {
            self.note_watched(fill, longest_window_ns);
        }
    }

    #[inline(never)]
    fn note_watched(&mut self, fill: RecentFill, longest_window_ns: u64) {
        if self.fills.is_empty() {
            self.fills.reserve(WATCHED);
            for back in (0..self.kept).rev() {
                self.fills.push_back(*self.unwatched_back(back));
            }
            self.kept = 0;
        }
        while self.fills.len() >= KEPT
            && self
                .fills
                .front()
                .is_some_and(|old| fill.t.saturating_sub(old.t) >= longest_window_ns)
        {
            self.fills.pop_front();
        }
        self.fills.push_back(fill);
    }

    /// The unwatched fill with this many newer ones.
    fn unwatched_back(&self, back: usize) -> &RecentFill {
        let at = self
            .next
            .wrapping_add(KEPT)
            .wrapping_sub(back)
            .wrapping_sub(1);
        &self.unwatched[at % KEPT]
    }

    /// Fills in the window that ends at `t`, newest first.
    pub(crate) fn within(&self, t: u64, window_ns: u64) -> impl Iterator<Item = &RecentFill> {
        self.iter()
            .take_while(move |fill| t.saturating_sub(fill.t) < window_ns)
    }

    /// All that is remembered, newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &RecentFill> {
        self.fills
            .iter()
            .rev()
            .chain((0..self.kept).map(|back| self.unwatched_back(back)))
    }
}

/// Fill logs by place: a trader, or (account, group).
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct FillLogs {
    logs: Vec<((u32, u32), FillLog)>,
    by_place: Table<u64>,
}

fn place(scope: u32, group: u32) -> u64 {
    (u64::from(scope) << 32) | u64::from(group)
}

impl FillLogs {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            logs: Vec::with_capacity(capacity),
            by_place: Table::with_capacity(capacity, 0),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, capacity: usize) {
        room_for(&mut self.logs, capacity);
        for (_, log) in &mut self.logs {
            if !log.fills.is_empty() {
                log.fills.reserve(WATCHED);
            }
        }
    }

    pub(crate) fn get(&self, scope: u32, group: u32) -> Option<&FillLog> {
        let slot = self.by_place.get(place(scope, group))?;
        Some(&self.logs[slot as usize].1)
    }

    /// Slot of a log, begun if need be.
    pub(crate) fn find_or_new(&mut self, scope: u32, group: u32) -> u32 {
        let place = place(scope, group);
        self.by_place.get(place).unwrap_or_else(|| {
            let slot = u32::try_from(self.logs.len()).unwrap_or(u32::MAX);
            self.logs.push(((scope, group), FillLog::default()));
            self.by_place.insert(place, slot);
            slot
        })
    }

    /// Looks at a log that there may be.
    #[inline(always)]
    pub(crate) fn look_at(&self, slot: u32) {
        if let Some((_, log)) = self.logs.get(slot as usize) {
            look_at(&log.next);
            look_at(&log.unwatched[log.next % KEPT].t);
        }
    }

    pub(crate) fn at(&self, slot: u32) -> &FillLog {
        &self.logs[slot as usize].1
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut FillLog {
        &mut self.logs[slot as usize].1
    }

    /// ((scope, group), log), in order of first use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &((u32, u32), FillLog)> {
        self.logs.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c06_equal_orders_are_counted_within_the_window_even_after_many_laps() {
        let mut log = AcceptedOrders::with_capacity(1_024);
        // Counting begins in the middle of a lap, and finds what was accepted before.
        let key = |qty| OrderKey {
            account: 0,
            instrument: 0,
            buy: false,
            price: 0,
            qty,
        };
        for i in 0..5_000_u64 {
            log.note(key(i64::try_from(i % 7).unwrap()), i);
            if i < 1_500 {
                continue;
            }
            log.index();
            let expected = (i.saturating_sub(699)..=i)
                .filter(|j| j % 7 == i % 7)
                .count();
            let found = log.count(key(i64::try_from(i % 7).unwrap()), i, 700, u64::MAX);
            assert_eq!(found, expected as u64, "at {i}");
        }
        assert!(log.is_nearly_full(5_000, 2_000));
        assert!(!log.is_nearly_full(5_000, 900));
    }
}
