//! Orders: a slab of chains, found by the ids their session gave them.
//!
//! A chain is an order with the replaces asked for it, see `chain`. Most orders are never replaced:
//! the version in force stands in the order itself, and only the others stand elsewhere. An ended order
//! stays for late fills until its slot is needed, oldest first.

mod chain;
mod order;
#[cfg(test)]
mod tests;
mod version;

pub(crate) use order::{Accepted, Marks, Order};
pub(crate) use version::{PENDING_MAX, Reserved, Version, VersionState, Worth, version};

use crate::index::{Index, Tag};
use crate::peers::{Link, UNLISTED};
use crate::table::{masked, room_for, room_for_queue};
use crate::touch::look_at;
use bincode::{Decode, Encode};
use order::Aside;
use std::collections::VecDeque;
use wire::OrderStatus;

const NONE: u32 = u32::MAX;

/// All orders.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Orders {
    items: Vec<Order>,
    aside: Vec<Aside>,
    /// Versions that are not in force.
    versions: Vec<Version>,
    free_versions: Vec<u32>,
    /// Where the next look for a version that can be dropped begins.
    hand: u32,
    ended: VecDeque<u32>,
    by_id: Index,
    /// The newest order of each list of those whose ids end in the same bits; ids follow the sequence, so that
    /// few do.
    by_order_id: Vec<u32>,
    pub(crate) live: usize,
    /// New orders stop at this many live ones.
    nearly_full: usize,
    capacity: usize,
}

impl Orders {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            items: Vec::with_capacity(capacity),
            aside: Vec::with_capacity(capacity),
            versions: Vec::with_capacity(capacity),
            free_versions: Vec::with_capacity(capacity),
            hand: 0,
            ended: VecDeque::with_capacity(capacity),
            // Ids: those in force, first ones, and those of other versions.
            by_id: Index::with_capacity(capacity.saturating_mul(3)),
            by_order_id: vec![NONE; capacity.next_power_of_two()],
            live: 0,
            // The least n with 10 n ≥ 9 capacity.
            nearly_full: capacity.saturating_mul(9).div_ceil(10),
            capacity,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        let Self {
            items,
            aside,
            versions,
            free_versions,
            hand: _,
            ended,
            by_id: _,
            by_order_id: _,
            live: _,
            nearly_full: _,
            capacity,
        } = self;
        room_for(items, *capacity);
        room_for(aside, *capacity);
        room_for(versions, *capacity);
        room_for(free_versions, *capacity);
        room_for_queue(ended, *capacity, NONE);
    }

    /// Whether new orders must stop: at 90 % of the table live.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.live >= self.nearly_full
    }

    /// Whether every slot is live.
    pub(crate) fn is_full(&self) -> bool {
        self.live >= self.capacity
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Order {
        &self.items[slot as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.items[slot as usize]
    }

    /// The order that one of a session's ids belongs to.
    #[inline]
    pub(crate) fn find(&self, session: u32, cl_ord_id: u64) -> Option<u32> {
        self.by_id.find(id_tag(session, cl_ord_id), |slot| {
            let order = self.get(slot);
            order.session == session
                && (order.cl_ord_id == cl_ord_id
                    || self.first_cl_ord_id(slot) == cl_ord_id
                    || self.others(slot).any(|other| other.cl_ord_id == cl_ord_id))
        })
    }

    /// The order with the id that the engine gave it.
    pub(crate) fn find_by_order_id(&self, order_id: u64) -> Option<u32> {
        let mut at = self.by_order_id[self.list_of(order_id)];
        while let Some(order) = self.items.get(at as usize) {
            if order.order_id == order_id {
                return Some(at);
            }
            at = self.aside[at as usize].next;
        }
        None
    }

    /// The list that an order id belongs to.
    #[inline]
    fn list_of(&self, order_id: u64) -> usize {
        masked(order_id, self.by_order_id.len().wrapping_sub(1))
    }

    /// Takes an order out of the list of its id.
    #[inline]
    fn unlist(&mut self, slot: u32, order_id: u64) {
        let next = self.aside[slot as usize].next;
        let list = self.list_of(order_id);
        let mut at = self.by_order_id[list];
        if at == slot {
            self.by_order_id[list] = next;
            return;
        }
        while let Some(aside) = self.aside.get_mut(at as usize) {
            if aside.next == slot {
                aside.next = next;
                return;
            }
            at = aside.next;
        }
    }

    /// Number of slots ever used, for walks over all orders.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(NONE)
    }

    /// All orders that are live.
    pub(crate) fn live(&self) -> impl Iterator<Item = (u32, &Order)> {
        self.remembered().filter(|(_, order)| !order.terminal)
    }

    /// All orders remembered, live and ended.
    pub(crate) fn remembered(&self) -> impl Iterator<Item = (u32, &Order)> {
        (0..)
            .zip(&self.items)
            .filter(|(_, order)| order.order_id != 0)
    }

    /// Looks at where one of a session's ids stands.
    #[inline(always)]
    pub(crate) fn look_at_id(&self, session: u32, cl_ord_id: u64) {
        self.by_id.look_at(id_tag(session, cl_ord_id));
    }

    /// The order that one of a session's ids most likely belongs to.
    #[inline]
    pub(crate) fn likely(&self, session: u32, cl_ord_id: u64) -> Option<u32> {
        self.by_id.likely(id_tag(session, cl_ord_id))
    }

    /// Looks at the order whose place the next new one takes, or one of those after it.
    #[inline(always)]
    pub(crate) fn look_at_free(&self, nth: usize) {
        if let Some(slot) = self.ended.get(nth) {
            self.look_at(*slot);
            look_at(&self.aside[*slot as usize].first_cl_ord_id);
        }
    }

    /// Looks at where the ids of that order stand.
    #[inline(always)]
    pub(crate) fn look_at_free_ids(&self, nth: usize) {
        if let Some(slot) = self.ended.get(nth) {
            let order = self.get(*slot);
            self.by_id.look_at(id_tag(order.session, order.cl_ord_id));
            look_at(&self.by_order_id[self.list_of(order.order_id)]);
        }
    }

    /// Looks at an order and at what it reserves.
    #[inline(always)]
    pub(crate) fn look_at(&self, slot: u32) {
        let order = self.get(slot);
        look_at(&order.session);
        look_at(&order.reserved_qty);
    }

    /// Looks at what stands beside an order.
    #[inline(always)]
    pub(crate) fn look_beside(&self, slot: u32) {
        look_at(&self.aside[slot as usize].number);
    }

    /// Adds an accepted order and returns its slot.
    pub(crate) fn add(
        &mut self,
        accepted: Accepted,
        message: &wire::NewOrder,
        worth: Worth,
    ) -> u32 {
        debug_assert!(
            self.find(accepted.session, message.cl_ord_id).is_none(),
            "ids are new"
        );
        let order_id = accepted.order_id;
        let slot = self.free_slot();
        let list = self.list_of(order_id);
        self.aside[slot as usize] = Aside {
            price: message.price.0,
            first_cl_ord_id: message.cl_ord_id,
            largest_dropped: 0,
            jobs: Marks::default(),
            number: 0,
            next: std::mem::replace(&mut self.by_order_id[list], slot),
            peers: UNLISTED,
        };
        self.items[slot as usize] = Order::new(&accepted, message, worth);
        let tag = id_tag(accepted.session, message.cl_ord_id);
        self.by_id.insert(tag, slot);
        self.live = self.live.wrapping_add(1);
        slot
    }

    /// A slot for a new order: while there is room a new one, then that of the order that ended longest ago.
    #[inline]
    fn free_slot(&mut self) -> u32 {
        if self.items.len() >= self.capacity
            && let Some(slot) = self.forget_oldest()
        {
            return slot;
        }
        self.aside.push(Aside::UNUSED);
        self.items.push(Order::UNUSED);
        u32::try_from(self.items.len().saturating_sub(1)).unwrap_or(NONE)
    }

    /// Frees the slot of the order that ended longest ago.
    #[inline]
    fn forget_oldest(&mut self) -> Option<u32> {
        let slot = match self.ended.front() {
            Some(slot) if !self.items[*slot as usize].in_jobs => self.ended.pop_front()?,
            _ => self.take_ended()?,
        };
        let order = self.get(slot);
        let (session, cl_ord_id, order_id) = (order.session, order.cl_ord_id, order.order_id);
        let first = self.first_cl_ord_id(slot);
        self.forget_others(slot);
        self.by_id.remove(id_tag(session, cl_ord_id), slot);
        if first != cl_ord_id {
            self.by_id.remove(id_tag(session, first), slot);
        }
        self.unlist(slot, order_id);
        Some(slot)
    }

    /// The order that ended longest ago among those that no step has still to speak of.
    #[cold]
    fn take_ended(&mut self) -> Option<u32> {
        let at = self
            .ended
            .iter()
            .position(|slot| self.aside[*slot as usize].jobs.due == 0)?;
        self.ended.remove(at)
    }

    /// Marks an order as ended; its row must have been released before.
    pub(crate) fn end(&mut self, slot: u32) {
        let order = self.get_mut(slot);
        order.terminal = true;
        order.cancel_pending = false;
        order.unresolved = false;
        self.live = self.live.saturating_sub(1);
        self.ended.push_back(slot);
    }

    /// An ended order is live again.
    fn unend(&mut self, slot: u32) {
        self.ended.retain(|ended| *ended != slot);
        self.get_mut(slot).terminal = false;
        self.live = self.live.saturating_add(1);
    }

    /// Where an order stands among those that it could match.
    #[inline]
    pub(crate) fn link(&self, slot: u32) -> Option<&Link> {
        self.aside.get(slot as usize).map(|aside| &aside.peers)
    }

    #[inline]
    pub(crate) fn link_mut(&mut self, slot: u32) -> Option<&mut Link> {
        self.aside
            .get_mut(slot as usize)
            .map(|aside| &mut aside.peers)
    }

    /// The wide jobs that an order belongs to.
    pub(crate) fn marks(&self, slot: u32) -> Marks {
        if self.get(slot).in_jobs {
            self.aside[slot as usize].jobs
        } else {
            Marks::default()
        }
    }

    /// Says which wide jobs an order belongs to from now on.
    pub(crate) fn set_marks(&mut self, slot: u32, marks: Marks) {
        self.get_mut(slot).in_jobs = marks != Marks::default();
        self.aside[slot as usize].jobs = marks;
    }

    /// Whether a cancel was asked for and has no answer yet: one that a step has still to send counts, since
    /// wide work takes effect in its own event (R30).
    pub(crate) fn is_cancel_pending(&self, slot: u32) -> bool {
        let order = self.get(slot);
        let marks = self.marks(slot);
        order.cancel_pending || marks.matched & marks.due != 0
    }

    /// Status for reports.
    pub(crate) fn status(&self, slot: u32) -> OrderStatus {
        let order = self.get(slot);
        if order.terminal {
            OrderStatus::Terminal
        } else if order.unresolved {
            OrderStatus::Unresolved
        } else if self.is_cancel_pending(slot) {
            OrderStatus::PendingCancel
        } else if self.pending(slot) > 0 {
            OrderStatus::PendingReplace
        } else if order.acknowledged {
            OrderStatus::Open
        } else {
            OrderStatus::PendingNew
        }
    }
}

#[inline]
fn id_tag(session: u32, cl_ord_id: u64) -> Tag {
    Tag::of(u64::from(session), cl_ord_id)
}
