//! Orders: a slab of chains, found by the ids their session gave them.
//!
//! A chain is an order with the replaces asked for it. Version 0 is the order as accepted; each replace
//! adds a version. Reserved is the largest leaves and, independently, the largest value over the
//! versions that may still come into force (R10). An ended order stays for late fills until its slot is
//! needed, oldest first.

use crate::table::{Table, room_for};
use crate::units::proportion_ceil;
use bincode::{Decode, Encode};
use std::collections::VecDeque;
use wire::{Capacity, OrdType, OrderStatus, Price, Side, TimeInForce};

/// Most replaces that may be under way in one chain.
pub(crate) const PENDING_MAX: usize = 8;
const NONE: u32 = u32::MAX;

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum VersionState {
    /// Asked for, not answered.
    Pending,
    /// In force: accepted first, or acknowledged last.
    InForce,
    /// Replaced by a newer one.
    Superseded,
    /// Refused by the venue.
    Refused,
}

/// One version of an order.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Version {
    pub(crate) cl_ord_id: u64,
    pub(crate) price: Price,
    /// Total order quantity.
    pub(crate) qty: i64,
    /// Leaves when accepted.
    pub(crate) leaves_at_accept: i64,
    /// Value of those leaves.
    pub(crate) value_at_accept: i64,
    /// Cash that a buy of those leaves reserves, 10⁻⁴ of the instrument's currency.
    pub(crate) cash_at_accept: i64,
    /// Quantity that will not come back although the total says so.
    pub(crate) gone: i64,
    pub(crate) state: VersionState,
    next: u32,
}

impl Version {
    /// max(0, qty − cumQty − gone).
    pub(crate) fn leaves(&self, cum_qty: i64) -> i64 {
        self.qty
            .saturating_sub(cum_qty)
            .saturating_sub(self.gone)
            .max(0)
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, VersionState::Pending | VersionState::InForce)
    }
}

/// One order.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) trader: u32,
    pub(crate) instrument: u32,
    pub(crate) account_row: u32,
    pub(crate) trader_row: u32,
    pub(crate) strategy_id: u16,
    pub(crate) side: Side,
    pub(crate) ord_type: OrdType,
    pub(crate) tif: TimeInForce,
    pub(crate) capacity: Capacity,
    pub(crate) cum_qty: i64,
    /// Reserved over all versions, as the rows hold it.
    pub(crate) reserved_qty: i64,
    pub(crate) reserved_value: i64,
    pub(crate) reserved_cash: i64,
    /// Largest total quantity of any version: what a short sell has located.
    pub(crate) largest_qty: i64,
    pub(crate) acknowledged: bool,
    pub(crate) cancel_pending: bool,
    pub(crate) unresolved: bool,
    pub(crate) terminal: bool,
    /// Whether accepted messages are routed to the venue.
    pub(crate) inline: bool,
    /// One bit for each wide job that matched the order.
    pub(crate) jobs: u64,
    /// Jobs whose step has not reached the order yet.
    pub(crate) jobs_due: u64,
    first_version: u32,
    in_force: u32,
    last_version: u32,
}

impl Order {
    pub(crate) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }

    /// Whether a cancel was asked for and has no answer yet: one that a step has still to send counts, since
    /// wide work takes effect in its own event (R30).
    pub(crate) fn is_cancel_pending(&self) -> bool {
        self.cancel_pending || self.jobs & self.jobs_due != 0
    }
}

/// What an order looks like over its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) qty: i64,
    pub(crate) value: i64,
    pub(crate) cash: i64,
    pub(crate) pending: usize,
}

/// All orders.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Orders {
    items: Vec<Order>,
    versions: Vec<Version>,
    free_orders: Vec<u32>,
    free_versions: Vec<u32>,
    ended: VecDeque<u32>,
    by_id: Table<(u32, u64)>,
    by_order_id: Table<u64>,
    pub(crate) live: usize,
    capacity: usize,
}

impl Orders {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let versions = capacity.saturating_mul(2);
        Self {
            items: Vec::with_capacity(capacity),
            versions: Vec::with_capacity(versions),
            free_orders: Vec::with_capacity(capacity),
            free_versions: Vec::with_capacity(versions),
            ended: VecDeque::with_capacity(capacity),
            by_id: Table::with_capacity(versions, (0, 0)),
            by_order_id: Table::with_capacity(capacity, 0),
            live: 0,
            capacity,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        let Self {
            items,
            versions,
            free_orders,
            free_versions,
            ended,
            by_id: _,
            by_order_id: _,
            live: _,
            capacity,
        } = self;
        let most_versions = capacity.saturating_mul(2);
        room_for(items, *capacity);
        room_for(versions, most_versions);
        room_for(free_orders, *capacity);
        room_for(free_versions, most_versions);
        ended.reserve(capacity.saturating_sub(ended.len()));
    }

    /// Whether new orders must stop: at 90 % of the table live.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.live.saturating_mul(10) >= self.capacity.saturating_mul(9)
    }

    /// Whether every slot is live.
    pub(crate) fn is_full(&self) -> bool {
        self.live >= self.capacity
    }

    pub(crate) fn get(&self, slot: u32) -> &Order {
        &self.items[slot as usize]
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.items[slot as usize]
    }

    /// The order that one of a session's ids belongs to.
    pub(crate) fn find(&self, session: u32, cl_ord_id: u64) -> Option<u32> {
        self.by_id.get((session, cl_ord_id))
    }

    /// The order with the id that the engine gave it.
    pub(crate) fn find_by_order_id(&self, order_id: u64) -> Option<u32> {
        self.by_order_id.get(order_id)
    }

    /// Number of slots ever used, for walks over all orders.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(NONE)
    }

    /// All orders that are live.
    pub(crate) fn live(&self) -> impl Iterator<Item = (u32, &Order)> {
        (0..self.slots())
            .map(|slot| (slot, self.get(slot)))
            .filter(|(_, order)| order.order_id != 0 && !order.terminal)
    }

    /// All orders remembered, live and ended.
    pub(crate) fn remembered(&self) -> impl Iterator<Item = (u32, &Order)> {
        (0..self.slots())
            .map(|slot| (slot, self.get(slot)))
            .filter(|(_, order)| order.order_id != 0)
    }

    /// Adds an accepted order with its version 0.
    pub(crate) fn add(&mut self, mut order: Order, version: Version) -> u32 {
        if self.free_orders.is_empty() && self.items.len() >= self.capacity {
            self.forget_oldest();
        }
        let first = self.add_version(version);
        (order.first_version, order.in_force, order.last_version) = (first, first, first);
        let (id, order_id) = ((order.session, version.cl_ord_id), order.order_id);
        let slot = match self.free_orders.pop() {
            Some(slot) => {
                self.items[slot as usize] = order;
                slot
            }
            None => {
                self.items.push(order);
                u32::try_from(self.items.len().saturating_sub(1)).unwrap_or(NONE)
            }
        };
        self.by_id.insert(id, slot);
        self.by_order_id.insert(order_id, slot);
        self.live = self.live.saturating_add(1);
        slot
    }

    fn add_version(&mut self, version: Version) -> u32 {
        match self.free_versions.pop() {
            Some(slot) => {
                self.versions[slot as usize] = version;
                slot
            }
            None => {
                self.versions.push(version);
                u32::try_from(self.versions.len().saturating_sub(1)).unwrap_or(NONE)
            }
        }
    }

    /// Adds a replace to a chain.
    pub(crate) fn add_replace(&mut self, slot: u32, version: Version) {
        let added = self.add_version(version);
        let order = &mut self.items[slot as usize];
        let last = order.last_version;
        order.last_version = added;
        let id = (order.session, version.cl_ord_id);
        self.versions[last as usize].next = added;
        self.by_id.insert(id, slot);
    }

    /// Frees the slot of the order that ended longest ago.
    fn forget_oldest(&mut self) {
        // An order that a step has still to speak of waits for it.
        let ready = self
            .ended
            .iter()
            .position(|slot| self.items[*slot as usize].jobs_due == 0);
        let Some(slot) = ready.and_then(|at| self.ended.remove(at)) else {
            return;
        };
        let (session, mut at) = {
            let order = &self.items[slot as usize];
            (order.session, order.first_version)
        };
        while at != NONE {
            let version = self.versions[at as usize];
            self.by_id.remove((session, version.cl_ord_id));
            self.free_versions.push(at);
            at = version.next;
        }
        self.by_order_id.remove(self.items[slot as usize].order_id);
        self.items[slot as usize].order_id = 0;
        self.free_orders.push(slot);
    }

    /// Marks an order as ended; its row must have been released before.
    pub(crate) fn end(&mut self, slot: u32) {
        let order = &mut self.items[slot as usize];
        order.terminal = true;
        order.cancel_pending = false;
        order.unresolved = false;
        self.live = self.live.saturating_sub(1);
        self.ended.push_back(slot);
    }

    /// Slots of an order's versions, oldest first.
    fn version_slots(&self, slot: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.get(slot).first_version;
        std::iter::successors(Some(first), |at| {
            let next = self.versions[*at as usize].next;
            (next != NONE).then_some(next)
        })
    }

    /// An order's versions, oldest first.
    pub(crate) fn versions(&self, slot: u32) -> impl Iterator<Item = &Version> {
        self.version_slots(slot)
            .map(|at| &self.versions[at as usize])
    }

    /// The version in force.
    pub(crate) fn in_force(&self, slot: u32) -> &Version {
        &self.versions[self.get(slot).in_force as usize]
    }

    /// The newest version that was not refused.
    pub(crate) fn newest(&self, slot: u32) -> &Version {
        self.versions(slot)
            .filter(|version| version.state != VersionState::Refused)
            .last()
            .unwrap_or_else(|| self.in_force(slot))
    }

    /// What must be reserved now: the largest leaves and the largest value over the live versions.
    pub(crate) fn reserved(&self, slot: u32) -> Reserved {
        let cum_qty = self.get(slot).cum_qty;
        let mut reserved = Reserved {
            qty: 0,
            value: 0,
            cash: 0,
            pending: 0,
        };
        for version in self.versions(slot).filter(|version| version.is_live()) {
            let leaves = version.leaves(cum_qty);
            let value = proportion_ceil(version.value_at_accept, leaves, version.leaves_at_accept);
            reserved.qty = reserved.qty.max(leaves);
            let cash = proportion_ceil(version.cash_at_accept, leaves, version.leaves_at_accept);
            reserved.value = reserved.value.max(value);
            reserved.cash = reserved.cash.max(cash);
            if version.state == VersionState::Pending {
                reserved.pending = reserved.pending.saturating_add(1);
            }
        }
        reserved
    }

    /// The venue has put a version in force: all older ones are dropped. False if it was not pending.
    pub(crate) fn put_in_force(&mut self, slot: u32, cl_ord_id: u64) -> bool {
        let Some(target) = self.pending_version(slot, cl_ord_id) else {
            return false;
        };
        let mut at = self.get(slot).first_version;
        while at != target {
            let version = &mut self.versions[at as usize];
            if version.is_live() {
                version.state = VersionState::Superseded;
            }
            at = version.next;
        }
        self.versions[target as usize].state = VersionState::InForce;
        self.items[slot as usize].in_force = target;
        true
    }

    /// The venue has refused a replace: only that version is dropped. False if it was not pending.
    pub(crate) fn refuse_version(&mut self, slot: u32, cl_ord_id: u64) -> bool {
        let Some(target) = self.pending_version(slot, cl_ord_id) else {
            return false;
        };
        self.versions[target as usize].state = VersionState::Refused;
        true
    }

    fn pending_version(&self, slot: u32, cl_ord_id: u64) -> Option<u32> {
        self.version_slots(slot).find(|at| {
            let version = &self.versions[*at as usize];
            version.cl_ord_id == cl_ord_id && version.state == VersionState::Pending
        })
    }

    /// Lets each live version keep at most `kept` of its leaves; the rest is gone for good.
    pub(crate) fn keep_at_most(&mut self, slot: u32, kept: i64) {
        let cum_qty = self.get(slot).cum_qty;
        let mut at = self.get(slot).first_version;
        while at != NONE {
            let version = &mut self.versions[at as usize];
            if version.is_live() {
                let leaves = version.leaves(cum_qty);
                let lost = leaves.saturating_sub(leaves.min(kept));
                version.gone = version.gone.saturating_add(lost);
            }
            at = version.next;
        }
    }

    /// Quantity that will not come back, in every version.
    pub(crate) fn lose(&mut self, slot: u32, gone: i64) {
        let mut at = self.get(slot).first_version;
        while at != NONE {
            let version = &mut self.versions[at as usize];
            version.gone = version.gone.saturating_add(gone);
            at = version.next;
        }
    }

    /// Quantity that was gone and has been filled after all, in every version.
    pub(crate) fn find_again(&mut self, slot: u32, qty: i64) {
        let mut at = self.get(slot).first_version;
        while at != NONE {
            let version = &mut self.versions[at as usize];
            version.gone = version.gone.saturating_sub(qty).max(0);
            at = version.next;
        }
    }

    /// Revives the version in force of an ended order with at most `freed` leaves; false if none are.
    pub(crate) fn revive(&mut self, slot: u32, freed: i64) -> bool {
        let order = self.get(slot);
        let (cum_qty, in_force) = (order.cum_qty, order.in_force);
        if self.versions[in_force as usize].leaves(cum_qty) == 0 {
            return false;
        }
        let mut at = order.first_version;
        while at != NONE {
            let version = &mut self.versions[at as usize];
            if at != in_force && version.is_live() {
                version.state = VersionState::Superseded;
            }
            at = version.next;
        }
        self.keep_at_most(slot, freed);
        self.ended.retain(|ended| *ended != slot);
        self.items[slot as usize].terminal = false;
        self.live = self.live.saturating_add(1);
        true
    }

    /// Status for reports.
    pub(crate) fn status(&self, slot: u32) -> OrderStatus {
        let order = self.get(slot);
        if order.terminal {
            OrderStatus::Terminal
        } else if order.unresolved {
            OrderStatus::Unresolved
        } else if order.is_cancel_pending() {
            OrderStatus::PendingCancel
        } else if self.reserved(slot).pending > 0 {
            OrderStatus::PendingReplace
        } else if order.acknowledged {
            OrderStatus::Open
        } else {
            OrderStatus::PendingNew
        }
    }
}

/// What a version reserves for its leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worth {
    /// In 10⁻⁴ of the base currency.
    pub(crate) value: i64,
    /// Buys: in 10⁻⁴ of the instrument's currency.
    pub(crate) cash: i64,
}

/// A version as it enters a chain.
pub(crate) fn version(
    cl_ord_id: u64,
    price: Price,
    (qty, leaves): (i64, i64),
    worth: Worth,
    state: VersionState,
) -> Version {
    Version {
        cl_ord_id,
        price,
        qty,
        leaves_at_accept: leaves,
        value_at_accept: worth.value,
        cash_at_accept: worth.cash,
        gone: 0,
        state,
        next: NONE,
    }
}

/// The part of an order that is the same for all: filled in by [`Orders::add`].
pub(crate) const UNLINKED: (u32, u32, u32) = (NONE, NONE, NONE);

/// What an order is made of when it is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) order_id: u64,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) trader: u32,
    pub(crate) instrument: u32,
    pub(crate) account_row: u32,
    pub(crate) trader_row: u32,
    pub(crate) inline: bool,
}

impl Order {
    /// A new live order.
    pub(crate) fn new(accepted: Accepted, message: &wire::NewOrder, worth: Worth) -> Self {
        let (first_version, in_force, last_version) = UNLINKED;
        Self {
            order_id: accepted.order_id,
            session: accepted.session,
            account: accepted.account,
            trader: accepted.trader,
            instrument: accepted.instrument,
            account_row: accepted.account_row,
            trader_row: accepted.trader_row,
            strategy_id: message.strategy_id,
            side: message.side,
            ord_type: message.ord_type,
            tif: message.tif,
            capacity: message.capacity,
            cum_qty: 0,
            reserved_qty: message.qty.0,
            reserved_value: worth.value,
            reserved_cash: worth.cash,
            largest_qty: message.qty.0,
            acknowledged: false,
            cancel_pending: false,
            unresolved: false,
            terminal: false,
            inline: accepted.inline,
            jobs: 0,
            jobs_due: 0,
            first_version,
            in_force,
            last_version,
        }
    }
}
