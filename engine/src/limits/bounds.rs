//! Bounds: what an order by itself is held against, whatever is used already, the tightest of many limits at once.

use super::{Limit, UNLIMITED, bit};
use bincode::{Decode, Encode};
use wire::{LimitKind, Unit};

/// Kinds of limits that bound an order by itself.
pub(super) const BOUNDING: u32 = bit(LimitKind::MaxOrderQty)
    | bit(LimitKind::MaxOrderNotional)
    | bit(LimitKind::PriceCollar)
    | bit(LimitKind::ReferenceMaxAge)
    | bit(LimitKind::MaxOrderVsAdv);

/// The tightest bounds of some limits, enforced or shadow, each in the unit of its kind; [`UNLIMITED`] where none
/// is finite. Whoever keeps these keeps every one of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Bounds {
    pub(crate) qty: i64,
    pub(crate) notional: i64,
    /// Basis points from the reference.
    pub(crate) collar: i64,
    pub(crate) collar_ticks: i64,
    /// Age of the reference in nanoseconds.
    pub(crate) age: i64,
    /// Basis points of the average daily volume.
    pub(crate) share: i64,
}

impl Bounds {
    /// Of no limit.
    pub(crate) const NONE: Self = Self {
        qty: UNLIMITED,
        notional: UNLIMITED,
        collar: UNLIMITED,
        collar_ticks: UNLIMITED,
        age: UNLIMITED,
        share: UNLIMITED,
    };

    /// Takes one more limit in.
    pub(super) fn bound(&mut self, limit: &Limit) {
        let bound = match (limit.kind, limit.unit) {
            (LimitKind::MaxOrderQty, _) => &mut self.qty,
            (LimitKind::MaxOrderNotional, _) => &mut self.notional,
            (LimitKind::PriceCollar, Unit::Ticks) => &mut self.collar_ticks,
            (LimitKind::PriceCollar, _) => &mut self.collar,
            (LimitKind::ReferenceMaxAge, _) => &mut self.age,
            (LimitKind::MaxOrderVsAdv, _) => &mut self.share,
            _ => return,
        };
        *bound = limit.finite().map_or(*bound, |value| value.min(*bound));
    }

    /// Takes the bounds of more limits in.
    #[inline(always)]
    pub(crate) fn tighten(&mut self, other: &Self) {
        self.qty = self.qty.min(other.qty);
        self.notional = self.notional.min(other.notional);
        self.collar = self.collar.min(other.collar);
        self.collar_ticks = self.collar_ticks.min(other.collar_ticks);
        self.age = self.age.min(other.age);
        self.share = self.share.min(other.share);
    }
}
