//! Live orders that could match each other: one list a self-match group, instrument and side (C17).
//!
//! Each list keeps a bound on its most aggressive price. An order that does not reach the bound can't
//! cross anything, so that the list is walked only when a cross is likely; the walk tightens the bound.

use crate::table::{Table, room_for};
use bincode::{Decode, Encode};

/// Orders linked in one list; links live in [`Peers`], indexed by order slot.
#[derive(Debug, Clone, Copy, Encode, Decode)]
struct List {
    head: Option<u32>,
    /// Highest price of buys, lowest of sells, or beyond; market orders are at the ends.
    bound: i64,
}

#[derive(Debug, Clone, Copy, Encode, Decode)]
struct Link {
    list: u32,
    previous: Option<u32>,
    next: Option<u32>,
}

/// All lists.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Peers {
    lists: Vec<List>,
    by_place: Table<(u32, u64)>,
    links: Vec<Option<Link>>,
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
    pub(crate) fn with_capacity(orders: usize, rows: usize) -> Self {
        Self {
            lists: Vec::with_capacity(rows),
            by_place: Table::with_capacity(rows, (0, 0)),
            links: vec![None; orders],
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, rows: usize) {
        room_for(&mut self.lists, rows);
    }

    /// The list of a group's buys or sells in an instrument: its bound and its first order.
    pub(crate) fn list(&self, group: u64, instrument: u32, buys: bool) -> Option<(u32, i64)> {
        let list = self.by_place.get(key(group, instrument, buys))?;
        Some((list, self.lists[list as usize].bound))
    }

    /// Orders of a list.
    pub(crate) fn orders(&self, list: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.lists[list as usize].head, |slot| {
            self.links[*slot as usize].and_then(|link| link.next)
        })
    }

    /// Adds a live order.
    pub(crate) fn add(&mut self, slot: u32, group: u64, instrument: u32, buy: bool, price: i64) {
        let place = key(group, instrument, buy);
        let list = self.by_place.get(place).unwrap_or_else(|| {
            let list = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
            self.lists.push(List {
                head: None,
                bound: never(buy),
            });
            self.by_place.insert(place, list);
            list
        });
        if self.links.len() <= slot as usize {
            self.links.resize((slot as usize).saturating_add(1), None);
        }
        let head = self.lists[list as usize].head;
        if let Some(link) = head.and_then(|head| self.links[head as usize].as_mut()) {
            link.previous = Some(slot);
        }
        self.links[slot as usize] = Some(Link {
            list,
            previous: None,
            next: head,
        });
        self.lists[list as usize].head = Some(slot);
        self.reach(list, buy, price);
    }

    /// A version of a listed order has this price.
    pub(crate) fn add_version(&mut self, slot: u32, buy: bool, price: i64) {
        if let Some(link) = self.links[slot as usize] {
            self.reach(link.list, buy, price);
        }
    }

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
    pub(crate) fn remove(&mut self, slot: u32, buy: bool) {
        let Some(link) = self.links.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        match link
            .previous
            .and_then(|at| self.links[at as usize].as_mut())
        {
            Some(previous) => previous.next = link.next,
            None => self.lists[link.list as usize].head = link.next,
        }
        if let Some(next) = link.next.and_then(|at| self.links[at as usize].as_mut()) {
            next.previous = link.previous;
        }
        if self.lists[link.list as usize].head.is_none() {
            self.lists[link.list as usize].bound = never(buy);
        }
    }
}
