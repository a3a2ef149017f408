//! The versions of an order: the one in force stands in the order, the others in a list of their own.
//!
//! Version 0 is the order as accepted; each replace adds a version. Reserved is the largest leaves and,
//! independently, the largest value over the versions that may still come into force (R10).
//!
//! Versions that a chain has done with stay for reports that name them: the newest of each chain, and no
//! more than the table holds. Of those that are dropped the chain keeps the largest quantity (C18), and of
//! version 0 always its id.

use super::version::{DONE_KEPT, Reserved, Version, VersionState, worth_of};
use super::{NONE, Orders, id_tag};
use wire::Price;

/// Fills a place until a version stands in it.
const UNUSED: Version = Version {
    cl_ord_id: 0,
    price: Price(0),
    qty: 0,
    leaves_at_accept: 0,
    value_at_accept: 0,
    cash_at_accept: 0,
    gone: 0,
    state: VersionState::Refused,
    number: 0,
    next: NONE,
    order: NONE,
};

impl Orders {
    /// Slots of the versions that are not in force, newest first.
    #[inline]
    fn other_slots(&self, slot: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.get(slot).others;
        std::iter::from_fn(move || {
            let version = self.versions.get(at as usize)?;
            Some(std::mem::replace(&mut at, version.next))
        })
    }

    /// The versions asked for after the one in force, newest first: only these may still come into force.
    #[inline]
    fn newer(&self, slot: u32) -> impl Iterator<Item = &Version> {
        let number = self.aside[slot as usize].number;
        self.others(slot)
            .take_while(move |other| other.number > number)
    }

    /// The versions that are not in force, newest first.
    #[inline]
    pub(super) fn others(&self, slot: u32) -> impl Iterator<Item = &Version> {
        self.other_slots(slot).map(|at| &self.versions[at as usize])
    }

    /// Changes each version that is not in force.
    #[inline]
    fn change_others(&mut self, slot: u32, change: impl Fn(&mut Version)) {
        let mut at = self.get(slot).others;
        while let Some(version) = self.versions.get_mut(at as usize) {
            change(version);
            at = version.next;
        }
    }

    /// The version in force.
    pub(crate) fn in_force(&self, slot: u32) -> Version {
        let (order, aside) = (self.get(slot), &self.aside[slot as usize]);
        Version {
            cl_ord_id: order.cl_ord_id,
            price: Price(aside.price),
            qty: order.qty,
            leaves_at_accept: order.leaves_at_accept,
            value_at_accept: order.value_at_accept,
            cash_at_accept: order.cash_at_accept,
            gone: order.gone,
            state: VersionState::InForce,
            number: aside.number,
            next: NONE,
            order: slot,
        }
    }

    /// An order's versions that are kept, oldest first.
    pub(crate) fn versions(&self, slot: u32) -> impl Iterator<Item = Version> {
        let others: Vec<Version> = self.others(slot).copied().collect();
        let in_force = self.in_force(slot);
        let at = others.partition_point(|other| other.number > in_force.number);
        let (newer, older) = others.split_at(at);
        let (newer, older) = (newer.to_vec(), older.to_vec());
        older
            .into_iter()
            .rev()
            .chain(Some(in_force))
            .chain(newer.into_iter().rev())
    }

    /// clOrdId of the newest version that was not refused.
    #[inline]
    pub(crate) fn newest_cl_ord_id(&self, slot: u32) -> u64 {
        let order = self.get(slot);
        if order.others == NONE {
            return order.cl_ord_id;
        }
        self.newer(slot)
            .find(|other| other.state != VersionState::Refused)
            .map_or(order.cl_ord_id, |other| other.cl_ord_id)
    }

    /// clOrdId of the order as accepted.
    #[inline]
    pub(crate) fn first_cl_ord_id(&self, slot: u32) -> u64 {
        self.aside[slot as usize].first_cl_ord_id
    }

    /// Largest total quantity of any version: what a short sell has located.
    pub(crate) fn largest_qty(&self, slot: u32) -> i64 {
        self.others(slot)
            .map(|other| other.qty)
            .fold(self.get(slot).qty, i64::max)
            .max(self.aside[slot as usize].largest_dropped)
    }

    /// Prices of all versions that are kept.
    pub(crate) fn prices(&self, slot: u32) -> impl Iterator<Item = i64> + '_ {
        let own = self.aside[slot as usize].price;
        std::iter::once(own).chain(self.others(slot).map(|other| other.price.0))
    }

    /// Prices of the versions that may still trade.
    pub(crate) fn live_prices(&self, slot: u32) -> impl Iterator<Item = i64> + '_ {
        let order = self.get(slot);
        let cum_qty = order.cum_qty;
        let own = (order.leaves() > 0).then(|| self.aside[slot as usize].price);
        own.into_iter().chain(
            self.newer(slot)
                .filter(move |other| other.is_live() && other.leaves(cum_qty) > 0)
                .map(|other| other.price.0),
        )
    }

    /// Replaces that are not answered.
    #[inline]
    pub(crate) fn pending(&self, slot: u32) -> usize {
        self.newer(slot)
            .filter(|other| other.state == VersionState::Pending)
            .count()
    }

    /// The largest leaves over the live versions.
    #[inline]
    pub(crate) fn open_qty(&self, slot: u32) -> i64 {
        let order = self.get(slot);
        self.newer(slot)
            .filter(|other| other.is_live())
            .map(|other| other.leaves(order.cum_qty))
            .fold(order.leaves(), i64::max)
    }

    /// What must be reserved now: the largest leaves and the largest value over the live versions.
    #[inline]
    pub(crate) fn reserved(&self, slot: u32) -> Reserved {
        let order = self.get(slot);
        let leaves = order.leaves();
        let (value, cash) = worth_of(
            leaves,
            order.leaves_at_accept,
            (order.value_at_accept, order.cash_at_accept),
        );
        let reserved = Reserved {
            qty: leaves,
            value,
            cash,
            pending: 0,
        };
        if order.others == NONE {
            return reserved;
        }
        self.with_pending(slot, reserved)
    }

    /// What the version in force reserves, and the replaces that are not answered.
    fn with_pending(&self, slot: u32, mut reserved: Reserved) -> Reserved {
        let cum_qty = self.get(slot).cum_qty;
        for other in self.newer(slot) {
            if other.state != VersionState::Pending {
                continue;
            }
            let leaves = other.leaves(cum_qty);
            let (value, cash) = worth_of(
                leaves,
                other.leaves_at_accept,
                (other.value_at_accept, other.cash_at_accept),
            );
            reserved.qty = reserved.qty.max(leaves);
            reserved.value = reserved.value.max(value);
            reserved.cash = reserved.cash.max(cash);
            reserved.pending = reserved.pending.saturating_add(1);
        }
        reserved
    }

    /// Whether another replace has room: replaces that live orders wait for may fill the table, and no
    /// others.
    #[inline]
    pub(crate) fn has_room_for_replace(&self) -> bool {
        !self.free_versions.is_empty()
            || self.versions.len() < self.capacity
            || self.next_done().is_some()
    }

    /// Adds a replace to a chain.
    pub(crate) fn add_replace(&mut self, slot: u32, mut version: Version) {
        self.drop_done(slot);
        let at = self.free_version();
        let order = self.get(slot);
        let (session, newest) = (order.session, order.others);
        let number = self
            .versions
            .get(newest as usize)
            .map_or(0, |other| other.number)
            .max(self.aside[slot as usize].number);
        version.number = number.saturating_add(1);
        version.next = newest;
        version.order = slot;
        self.versions[at as usize] = version;
        self.get_mut(slot).others = at;
        self.by_id.insert(id_tag(session, version.cl_ord_id), slot);
    }

    /// A place for a version. The table is full only when what it holds is of use to somebody: then that of
    /// a version that its chain has done with.
    fn free_version(&mut self) -> u32 {
        if let Some(at) = self.free_versions.pop() {
            return at;
        }
        if self.versions.len() >= self.capacity
            && let Some(done) = self.next_done()
        {
            self.hand = done.saturating_add(1);
            let slot = self.versions[done as usize].order;
            let before = self
                .other_slots(slot)
                .find(|at| self.versions[*at as usize].next == done);
            self.drop_version(slot, before.unwrap_or(NONE), done);
            return self.free_versions.pop().unwrap_or(done);
        }
        self.versions.push(UNUSED);
        u32::try_from(self.versions.len().saturating_sub(1)).unwrap_or(NONE)
    }

    /// The next version, round the table, that no live order waits for.
    #[cold]
    fn next_done(&self) -> Option<u32> {
        let all = u32::try_from(self.versions.len()).unwrap_or(NONE);
        (self.hand.min(all)..all)
            .chain(0..self.hand.min(all))
            .find(|at| {
                let version = &self.versions[*at as usize];
                version.order != NONE
                    && (version.state != VersionState::Pending || self.get(version.order).terminal)
            })
    }

    /// Drops the oldest of the versions that a chain has done with, so that another one may follow them.
    fn drop_done(&mut self, slot: u32) {
        let (mut before, mut at, mut done) = (NONE, self.get(slot).others, 0);
        while let Some(version) = self.versions.get(at as usize).copied() {
            done += usize::from(version.state != VersionState::Pending);
            if version.state != VersionState::Pending && done > DONE_KEPT {
                self.drop_version(slot, before, at);
            } else {
                before = at;
            }
            at = version.next;
        }
    }

    /// Takes a version out of a chain and frees its place; `before` is the next newer one in the list, if any.
    fn drop_version(&mut self, slot: u32, before: u32, at: u32) {
        let version = std::mem::replace(&mut self.versions[at as usize], UNUSED);
        match self.versions.get_mut(before as usize) {
            Some(before) => before.next = version.next,
            None => self.get_mut(slot).others = version.next,
        }
        let aside = &mut self.aside[slot as usize];
        aside.largest_dropped = aside.largest_dropped.max(version.qty);
        if version.cl_ord_id != aside.first_cl_ord_id {
            let session = self.items[slot as usize].session;
            self.by_id.remove(id_tag(session, version.cl_ord_id), slot);
        }
        self.free_versions.push(at);
    }

    /// Frees the versions that are not in force, of an order that is forgotten.
    pub(super) fn forget_others(&mut self, slot: u32) {
        let mut at = self.get(slot).others;
        while at != NONE {
            self.drop_version(slot, NONE, at);
            at = self.get(slot).others;
        }
    }

    /// The venue has put a version in force: all older ones are dropped. False if it was not pending.
    pub(crate) fn put_in_force(&mut self, slot: u32, cl_ord_id: u64) -> bool {
        let Some(at) = self.pending_version(slot, cl_ord_id) else {
            return false;
        };
        let target = self.versions[at as usize];
        let before = Version {
            state: VersionState::Superseded,
            ..self.in_force(slot)
        };
        let order = &mut self.items[slot as usize];
        order.cl_ord_id = target.cl_ord_id;
        order.qty = target.qty;
        order.gone = target.gone;
        order.leaves_at_accept = target.leaves_at_accept;
        order.value_at_accept = target.value_at_accept;
        order.cash_at_accept = target.cash_at_accept;
        let aside = &mut self.aside[slot as usize];
        (aside.price, aside.number) = (target.price.0, target.number);
        // The version that was in force steps back among its elders and those that never came into force.
        let (mut at, mut next) = (at, target.next);
        while let Some(elder) = self
            .versions
            .get(next as usize)
            .copied()
            .filter(|elder| elder.number > before.number)
        {
            let state = if elder.state == VersionState::Pending {
                VersionState::Superseded
            } else {
                elder.state
            };
            self.versions[at as usize] = Version {
                state,
                next,
                ..elder
            };
            (at, next) = (next, elder.next);
        }
        self.versions[at as usize] = Version { next, ..before };
        true
    }

    /// The venue has refused a replace: only that version is dropped. False if it was not pending.
    pub(crate) fn refuse_version(&mut self, slot: u32, cl_ord_id: u64) -> bool {
        let Some(at) = self.pending_version(slot, cl_ord_id) else {
            return false;
        };
        self.versions[at as usize].state = VersionState::Refused;
        true
    }

    fn pending_version(&self, slot: u32, cl_ord_id: u64) -> Option<u32> {
        self.other_slots(slot).find(|at| {
            let version = &self.versions[*at as usize];
            version.cl_ord_id == cl_ord_id && version.state == VersionState::Pending
        })
    }

    /// Lets each live version keep at most `kept` of its leaves; the rest is gone for good.
    #[inline]
    pub(crate) fn keep_at_most(&mut self, slot: u32, kept: i64) {
        let order = &mut self.items[slot as usize];
        let (cum_qty, leaves) = (order.cum_qty, order.leaves());
        let lost = leaves.saturating_sub(leaves.min(kept));
        order.gone = order.gone.saturating_add(lost);
        if order.others != NONE {
            self.change_others(slot, |other| {
                if other.is_live() {
                    let leaves = other.leaves(cum_qty);
                    let lost = leaves.saturating_sub(leaves.min(kept));
                    other.gone = other.gone.saturating_add(lost);
                }
            });
        }
    }

    /// What of the version in force will not come back although its total says so.
    pub(crate) fn gone(&self, slot: u32) -> i64 {
        self.get(slot).gone
    }

    /// Quantity that will not come back, in every version.
    pub(crate) fn lose(&mut self, slot: u32, gone: i64) {
        let order = self.get_mut(slot);
        order.gone = order.gone.saturating_add(gone);
        self.change_others(slot, |other| other.gone = other.gone.saturating_add(gone));
    }

    /// Quantity that was gone and has been filled after all, in every version.
    pub(crate) fn find_again(&mut self, slot: u32, qty: i64) {
        let again = |gone: i64| gone.saturating_sub(qty).max(0);
        let order = self.get_mut(slot);
        order.gone = again(order.gone);
        self.change_others(slot, |other| other.gone = again(other.gone));
    }

    /// Revives the version in force of an ended order with at most `freed` leaves; false if none are.
    pub(crate) fn revive(&mut self, slot: u32, freed: i64) -> bool {
        if self.get(slot).leaves() == 0 {
            return false;
        }
        self.change_others(slot, |other| {
            if other.is_live() {
                other.state = VersionState::Superseded;
            }
        });
        self.keep_at_most(slot, freed);
        self.unend(slot);
        true
    }
}
