//! Live orders that could match each other: one list a self-match group, instrument and side (C17).
//!
//! Each list keeps a bound on its most aggressive price. An order that does not reach the bound can't
//! cross anything, so that the list is walked only when a cross is likely; the walk tightens the bound.

use crate::orders::Orders;
use crate::table::{Table, room_for};
use crate::touch::look_at;
use bincode::{Decode, Encode};

/// Marks the end of a list, and an order that is in none.
const NONE: u32 = u32::MAX;

/// Orders linked in one list; each order keeps its own [`Link`].
#[derive(Debug, Clone, Copy, Encode, Decode)]
struct List {
    head: u32,
    /// Highest price of buys, lowest of sells, or beyond; market orders are at the ends.
    bound: i64,
}

/// Where an order stands: its list, and its neighbours' slots there.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Link {
    list: u32,
    previous: u32,
    next: u32,
}

/// Of an order that is in no list.
pub(crate) const UNLISTED: Link = Link {
    list: NONE,
    previous: NONE,
    next: NONE,
};

/// All lists.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Peers {
    lists: Vec<List>,
    by_place: Table<(u32, u64)>,
}

/// Bound of an empty list: nothing reaches it.
pub(crate) fn never(buys: bool) -> i64 {
    if buys { i64::MIN } else { i64::MAX }
}

/// Price at which a market order rests: it crosses everything.
pub(crate) fn market(buy: bool) -> i64 {
    if buy { i64::MAX } else { i64::MIN }
}

/// Whether a buy at `buy` and a sell at `sell` would match.
pub(crate) fn crosses(buy: i64, sell: i64) -> bool {
    buy >= sell
}

fn key(group: u64, instrument: u32, buys: bool) -> (u32, u64) {
    (instrument, (group << 1) | u64::from(buys))
}

impl Peers {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            lists: Vec::with_capacity(rows),
            by_place: Table::with_capacity(rows, (0, 0)),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, rows: usize) {
        room_for(&mut self.lists, rows);
    }

    /// The list of a group's buys or sells in an instrument, if there is one.
    pub(crate) fn find(&self, group: u64, instrument: u32, buys: bool) -> Option<u32> {
        self.by_place.get(key(group, instrument, buys))
    }

    /// The same, made if need be.
    pub(crate) fn find_or_new(&mut self, group: u64, instrument: u32, buys: bool) -> u32 {
        self.find(group, instrument, buys).unwrap_or_else(|| {
            let list = u32::try_from(self.lists.len()).unwrap_or(NONE);
            self.lists.push(List {
                head: NONE,
                bound: never(buys),
            });
            self.by_place.insert(key(group, instrument, buys), list);
            list
        })
    }

    /// Looks at a list that there may be.
    #[inline(always)]
    pub(crate) fn look_at(&self, list: u32) {
        if let Some(list) = self.lists.get(list as usize) {
            look_at(&list.bound);
        }
    }

    /// The bound of a list.
    pub(crate) fn bound(&self, list: u32) -> i64 {
        self.lists[list as usize].bound
    }

    /// Orders of a list.
    pub(crate) fn orders<'a>(
        &self,
        orders: &'a Orders,
        list: u32,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let mut at = self.lists[list as usize].head;
        std::iter::from_fn(move || {
            let link = orders.link(at)?;
            Some(std::mem::replace(&mut at, link.next))
        })
    }

    /// Adds a live order to a list.
    #[inline]
    pub(crate) fn add(
        &mut self,
        orders: &mut Orders,
        slot: u32,
        list: u32,
        (buy, price): (bool, i64),
    ) {
        let head = std::mem::replace(&mut self.lists[list as usize].head, slot);
        if let Some(link) = orders.link_mut(head) {
            link.previous = slot;
        }
        if let Some(link) = orders.link_mut(slot) {
            *link = Link {
                list,
                previous: NONE,
                next: head,
            };
        }
        self.reach(list, buy, price);
    }

    /// A version of a listed order has this price.
    pub(crate) fn add_version(&mut self, orders: &Orders, slot: u32, buy: bool, price: i64) {
        if let Some(link) = orders.link(slot).filter(|link| link.list != NONE) {
            self.reach(link.list, buy, price);
        }
    }

    #[inline]
    fn reach(&mut self, list: u32, buy: bool, price: i64) {
        let bound = &mut self.lists[list as usize].bound;
        *bound = if buy {
            (*bound).max(price)
        } else {
            (*bound).min(price)
        };
    }

    /// Sets the bound after a walk over the whole list.
    pub(crate) fn tighten(&mut self, list: u32, bound: i64) {
        self.lists[list as usize].bound = bound;
    }

    /// Takes an ended order out.
    #[inline]
    pub(crate) fn remove(&mut self, orders: &mut Orders, slot: u32, buy: bool) {
        let Some(link) = orders.link_mut(slot) else {
            return;
        };
        let link = std::mem::replace(link, UNLISTED);
        if link.list == NONE {
            return;
        }
        if let Some(next) = orders.link_mut(link.next) {
            next.previous = link.previous;
        }
        if let Some(previous) = orders.link_mut(link.previous) {
            previous.next = link.next;
            return;
        }
        let list = &mut self.lists[link.list as usize];
        list.head = link.next;
        if link.next == NONE {
            list.bound = never(buy);
        }
    }
}
