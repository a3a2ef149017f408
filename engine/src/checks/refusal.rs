//! A refused order, as a value, and what else the checks find on their way.

use crate::limits::Limit;
use crate::tree::Tree;
use crate::units::{BPS, saturate};
use wire::{LimitKind, RejectCode, Scope};

/// Why an order is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: RejectCode,
    pub(crate) kind: LimitKind,
    pub(crate) scope: Scope,
    pub(crate) scope_id: Option<u32>,
    pub(crate) limit: Option<i64>,
    pub(crate) observed: Option<i64>,
    pub(crate) version: Option<u32>,
}

impl Refusal {
    /// A refusal that names no limit.
    pub(crate) const fn plain(code: RejectCode) -> Self {
        Self {
            code,
            kind: LimitKind::NULL,
            scope: Scope::NULL,
            scope_id: None,
            limit: None,
            observed: None,
            version: None,
        }
    }

    /// No limit of this kind selects the order: unlimited must be said.
    pub(crate) const fn not_set(kind: LimitKind) -> Self {
        Self {
            kind,
            ..Self::plain(RejectCode::LimitNotSet)
        }
    }

    /// A refusal by a scope as such.
    pub(crate) fn at(code: RejectCode, scope: Scope, scope_id: u32) -> Self {
        Self {
            scope,
            scope_id: Some(scope_id),
            ..Self::plain(code)
        }
    }

    /// A refusal by a limit, with the value that would have been reached.
    pub(crate) fn by(code: RejectCode, limit: &Limit, tree: &Tree, observed: i128) -> Self {
        let node = tree.get(limit.scope);
        Self {
            code,
            kind: limit.kind,
            scope: node.scope,
            scope_id: Some(node.id),
            limit: limit.value,
            observed: Some(saturate(observed)),
            version: Some(limit.version),
        }
    }
}

/// What the checks of one order found besides a refusal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) headroom: Headroom,
    /// The first shadow limit that would have refused.
    pub(crate) shadow: Option<Refusal>,
    /// The clOrdId is above the session's mark (R32).
    pub(crate) mark_passes: bool,
    /// Every enforced rate bucket conforms: all advance, whatever later checks say (C5).
    pub(crate) rate_conforms: bool,
    /// The order's use of some limit crosses a warn level or its bound: alerts are due once it is reserved.
    pub(crate) tells: bool,
    /// A list of possible matches was walked: its exact bound (C17).
    pub(crate) peer_bound: Option<(u32, i64)>,
    /// Every control met on the way, where the order is to be explained rather than decided.
    pub(crate) trace: Option<Vec<Met>>,
    /// The first enforced limit that refused while explaining.
    pub(crate) first: Option<Refusal>,
}

/// A control that an order met, and what it looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Met {
    /// A limit.
    Limit {
        limit: Limit,
        /// Value that the order would bring the limit to; `None` where it can't be told.
        reached: Option<i128>,
        refuses: Option<RejectCode>,
    },
    /// A control without a limit of its own, that refuses.
    Plain {
        refusal: Refusal,
        /// Bound and value reached, where there are such.
        bound: Option<i128>,
        reached: Option<i128>,
    },
}

impl Findings {
    /// The order met a limit that stands for use: headroom counts it.
    pub(crate) fn note_use(&mut self, limit: &Limit, tree: &Tree, used: i128) {
        self.headroom.note(limit, tree, used);
        self.note_met(limit, || Some(used));
    }

    /// The order met a limit.
    pub(crate) fn note_met(&mut self, limit: &Limit, reached: impl FnOnce() -> Option<i128>) {
        if let Some(trace) = &mut self.trace {
            // A limit that has just refused is met already.
            let met = |met: &Met| matches!(met, Met::Limit { limit: met, .. } if met == limit);
            if trace.last().is_some_and(met) {
                return;
            }
            trace.push(Met::Limit {
                limit: *limit,
                reached: reached(),
                refuses: None,
            });
        }
    }

    /// A control without a limit of its own refuses.
    pub(crate) fn note_plain(&mut self, refusal: Refusal) {
        let (bound, observed) = (refusal.limit, refusal.observed);
        self.note_bound(refusal, bound.map(i128::from), observed.map(i128::from));
    }

    /// The same with a bound and a value that the refusal does not say.
    pub(crate) fn note_bound(
        &mut self,
        refusal: Refusal,
        bound: Option<i128>,
        reached: Option<i128>,
    ) {
        if let Some(trace) = &mut self.trace {
            let said =
                |met: &Met| matches!(met, Met::Plain { refusal: met, .. } if *met == refusal);
            // What has been said with its numbers is not said again without.
            if !trace.last().is_some_and(said) {
                trace.push(Met::Plain {
                    refusal,
                    bound,
                    reached,
                });
            }
        }
    }

    /// A limit of the chain is not kept: an enforced one refuses, a shadow one is recorded.
    pub(crate) fn refuse(
        &mut self,
        code: RejectCode,
        limit: &Limit,
        tree: &Tree,
        observed: i128,
    ) -> Result<(), Refusal> {
        self.refuse_showing(code, limit, tree, observed, || Some(observed))
    }

    /// The same where a refusal says another value than the one reached: `reached` is what an explanation shows.
    pub(crate) fn refuse_showing(
        &mut self,
        code: RejectCode,
        limit: &Limit,
        tree: &Tree,
        observed: i128,
        reached: impl FnOnce() -> Option<i128>,
    ) -> Result<(), Refusal> {
        let refusal = Refusal::by(code, limit, tree, observed);
        if let Some(trace) = &mut self.trace {
            trace.push(Met::Limit {
                limit: *limit,
                reached: reached(),
                refuses: Some(code),
            });
            if !limit.is_shadow() {
                // The limits behind it are to be explained as well.
                self.first = self.first.or(Some(refusal));
                return Ok(());
            }
        }
        if limit.is_shadow() {
            self.shadow = self.shadow.or(Some(refusal));
            Ok(())
        } else {
            Err(refusal)
        }
    }
}

/// The tightest use of a limit after an order: ⌊used · 10⁴ / limit⌋, first in check order where equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Headroom {
    pub(crate) bps: u16,
    pub(crate) kind: LimitKind,
    pub(crate) scope: Scope,
}

impl Default for Headroom {
    fn default() -> Self {
        Self {
            bps: 0,
            kind: LimitKind::NULL,
            scope: Scope::NULL,
        }
    }
}

/// Largest use that can be told.
pub(super) const BPS_MAX: u16 = 65_534;

impl Headroom {
    /// Takes the use of one enforced, finite limit into account.
    pub(crate) fn note(&mut self, limit: &Limit, tree: &Tree, used: i128) {
        let Some(value) = limit.finite().filter(|_| !limit.is_shadow()) else {
            return;
        };
        let bps = if value == 0 {
            if used <= 0 { 0 } else { BPS_MAX }
        } else {
            u16::try_from(used.max(0) * BPS / i128::from(value))
                .unwrap_or(BPS_MAX)
                .min(BPS_MAX)
        };
        if self.kind.is_null() || bps > self.bps {
            *self = Self {
                bps,
                kind: limit.kind,
                scope: tree.get(limit.scope).scope,
            };
        }
    }
}
