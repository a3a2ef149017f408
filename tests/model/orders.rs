//! Orders and their chains of versions (R10), and what each reserves.

use super::value::ceil_div_128;
use wire::{OrdType, OrderStatus, Side, TimeInForce};

/// One version of a chain of replaces.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) cl_ord_id: u64,
    pub(crate) qty: i128,
    pub(crate) price: Option<i64>,
    /// Leaves when accepted.
    pub(crate) accepted_leaves: i128,
    /// Value of those leaves in the base currency.
    pub(crate) accepted_value: i128,
    /// Value of those leaves in the currency of the instrument; 0 for sells.
    pub(crate) accepted_cash: i128,
    pub(crate) gone: i128,
    pub(crate) pending: bool,
    /// No longer part of the chain's reserve.
    pub(crate) dropped: bool,
    /// Dropped because the venue refused it.
    pub(crate) rejected: bool,
    /// Its id is no longer known: sixteen versions that the chain has done with are newer.
    pub(crate) forgotten: bool,
}

/// One order with all its versions.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    pub(crate) accepted_at: u64,
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) trader: u16,
    pub(crate) strategy: u16,
    pub(crate) side: Side,
    pub(crate) ord_type: OrdType,
    pub(crate) tif: TimeInForce,
    pub(crate) cum: i128,
    pub(crate) versions: Vec<Version>,
    pub(crate) cancel_ids: Vec<u64>,
    pub(crate) acknowledged: bool,
    pub(crate) cancel_pending: bool,
    /// A cancel of wide work that the steps have still to send.
    pub(crate) cancel_due: bool,
    pub(crate) unresolved: bool,
    pub(crate) terminal: bool,
}

impl Order {
    pub(crate) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }

    pub(crate) fn leaves(&self, version: &Version) -> i128 {
        if self.terminal || version.dropped {
            0
        } else {
            (version.qty - self.cum - version.gone).max(0)
        }
    }

    pub(crate) fn reserved_qty(&self) -> i128 {
        self.versions
            .iter()
            .map(|v| self.leaves(v))
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn reserved_value(&self) -> i128 {
        self.most(|v| v.accepted_value)
    }

    pub(crate) fn reserved_cash(&self) -> i128 {
        self.most(|v| v.accepted_cash)
    }

    /// max ⌈Vᵢ·leavesᵢ/Lᵢ⌉ over the versions, 0 if Lᵢ = 0.
    fn most(&self, accepted: impl Fn(&Version) -> i128) -> i128 {
        self.versions
            .iter()
            .map(|v| match (self.leaves(v), v.accepted_leaves) {
                (0, _) | (_, 0) => 0,
                (leaves, of) => ceil_div_128(accepted(v) * leaves, of),
            })
            .max()
            .unwrap_or(0)
    }

    /// Replaces that the venue has still to answer; what became of an unresolved order nobody says.
    pub(crate) fn pending_replaces(&self) -> usize {
        self.versions
            .iter()
            .filter(|v| v.pending && !v.dropped)
            .count()
    }

    /// The version that the venue works on.
    pub(crate) fn in_force(&self) -> &Version {
        &self.versions[self.in_force_index()]
    }

    fn in_force_index(&self) -> usize {
        self.versions
            .iter()
            .rposition(|v| !v.pending && !v.dropped)
            .unwrap_or(0)
    }

    /// The version that a replace must name.
    pub(crate) fn newest(&self) -> &Version {
        self.versions
            .iter()
            .rfind(|v| !v.rejected)
            .unwrap_or(&self.versions[0])
    }

    /// Largest quantity of the chain: what a short sale has located.
    pub(crate) fn largest_qty(&self) -> i128 {
        self.versions.iter().map(|v| v.qty).max().unwrap_or(0)
    }

    /// Whether `cl_ord_id` is one of the ids the order had.
    pub(crate) fn had_id(&self, cl_ord_id: u64) -> bool {
        self.versions
            .iter()
            .any(|v| v.cl_ord_id == cl_ord_id && !v.forgotten)
    }

    /// Before another replace enters: of the versions that are neither in force nor pending the newest
    /// sixteen stay known, and version 0 always.
    pub(crate) fn forget_done(&mut self) {
        let done = |v: &&mut Version| v.dropped;
        for old in self.versions[1..].iter_mut().rev().filter(done).skip(16) {
            old.forgotten = true;
        }
    }

    /// Each version keeps at most this much of its leaves.
    pub(crate) fn keep_at_most(&mut self, kept: i128) {
        let leaves: Vec<i128> = self.versions.iter().map(|v| self.leaves(v)).collect();
        for (version, leaves) in self.versions.iter_mut().zip(leaves) {
            version.gone += leaves - leaves.min(kept);
        }
    }

    /// Terminal only when no version is pending and nothing is left; an unresolved order ends by its
    /// fills, for nobody will answer its replaces.
    pub(crate) fn end_if_nothing_is_left(&mut self) {
        if self.reserved_qty() == 0 && (self.unresolved || self.pending_replaces() == 0) {
            self.end();
        }
    }

    /// Ends all versions.
    pub(crate) fn end(&mut self) {
        self.terminal = true;
        self.unresolved = false;
        self.cancel_pending = false;
        self.cancel_due = false;
    }

    /// Filled after the end: what was said to be gone was not, and a later reopening finds it.
    pub(crate) fn find_again(&mut self, filled: i128) {
        for version in &mut self.versions {
            version.gone = (version.gone - filled).max(0);
        }
    }

    /// R16: the last acknowledged version of an ended order lives again, for at most `busted`.
    pub(crate) fn revive(&mut self, busted: i128) -> bool {
        let at = self.in_force_index();
        let version = &self.versions[at];
        let leaves = (version.qty - self.cum - version.gone).min(busted);
        if leaves <= 0 {
            return false;
        }
        for (i, version) in self.versions.iter_mut().enumerate() {
            version.dropped = i != at;
            version.pending = false;
        }
        self.versions[at].gone = self.versions[at].qty - self.cum - leaves;
        self.terminal = false;
        true
    }

    pub(crate) fn status(&self) -> OrderStatus {
        if self.terminal {
            OrderStatus::Terminal
        } else if self.unresolved {
            OrderStatus::Unresolved
        } else if self.cancel_pending || self.cancel_due {
            OrderStatus::PendingCancel
        } else if self.pending_replaces() > 0 {
            OrderStatus::PendingReplace
        } else if self.acknowledged {
            OrderStatus::Open
        } else {
            OrderStatus::PendingNew
        }
    }
}
