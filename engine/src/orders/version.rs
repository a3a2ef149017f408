//! One version of an order, and what versions reserve.

use super::NONE;
use crate::units::proportion_ceil;
use bincode::{Decode, Encode};
use wire::Price;

/// Most replaces that may be under way in one chain.
pub(crate) const PENDING_MAX: usize = 8;

/// So many versions that a chain has done with stay findable by their ids, beside version 0: a replace
/// drops the older ones, so that an order that is replaced all day stays as small as it was.
pub(super) const DONE_KEPT: usize = 16;

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
    /// Place in the chain, from 0.
    pub(super) number: u32,
    /// The next older one that is not in force.
    pub(super) next: u32,
    /// The order it belongs to.
    pub(super) order: u32,
}

const _: () = assert!(size_of::<Version>() == 72, "nine words");

/// max(0, qty − cumQty − gone).
#[inline]
pub(super) fn leaves(qty: i64, cum_qty: i64, gone: i64) -> i64 {
    qty.saturating_sub(cum_qty).saturating_sub(gone).max(0)
}

impl Version {
    /// max(0, qty − cumQty − gone).
    pub(crate) fn leaves(&self, cum_qty: i64) -> i64 {
        leaves(self.qty, cum_qty, self.gone)
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, VersionState::Pending | VersionState::InForce)
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

impl Reserved {
    /// What an order reserves that has ended.
    pub(crate) const NOTHING: Self = Self {
        qty: 0,
        value: 0,
        cash: 0,
        pending: 0,
    };
}

/// What a version reserves for its leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worth {
    /// In 10⁻⁴ of the base currency.
    pub(crate) value: i64,
    /// Buys: in 10⁻⁴ of the instrument's currency.
    pub(crate) cash: i64,
}

/// A replace as it enters a chain.
pub(crate) fn version(
    cl_ord_id: u64,
    price: Price,
    (qty, leaves): (i64, i64),
    worth: Worth,
) -> Version {
    Version {
        cl_ord_id,
        price,
        qty,
        leaves_at_accept: leaves,
        value_at_accept: worth.value,
        cash_at_accept: worth.cash,
        gone: 0,
        state: VersionState::Pending,
        number: 0,
        next: NONE,
        order: NONE,
    }
}

/// Value and cash of a version's leaves. Most are whole or nothing, and in most the two are one.
#[inline]
pub(super) fn worth_of(leaves: i64, at_accept: i64, (value, cash): (i64, i64)) -> (i64, i64) {
    if leaves <= 0 {
        return (0, 0);
    }
    if leaves == at_accept {
        return (value.max(0), cash.max(0));
    }
    let left = proportion_ceil(value, leaves, at_accept);
    if cash == value {
        (left, left)
    } else {
        (left, proportion_ceil(cash, leaves, at_accept))
    }
}
