//! A refused order, as a value: what refused it, where, and by how much.

use crate::limits::{Limit, UNLIMITED};
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
const BPS_MAX: u16 = 65_534;

impl Headroom {
    /// Takes the use of one finite limit into account.
    pub(crate) fn note(&mut self, limit: &Limit, tree: &Tree, used: i128) {
        let Some(value) = limit.value.filter(|value| *value != UNLIMITED) else {
            return;
        };
        let first = self.kind.is_null();
        let scaled = used.max(0) * BPS;
        // Division only where the use is tighter than what is known.
        if !first && scaled < (i128::from(self.bps) + 1) * i128::from(value) && value > 0 {
            return;
        }
        let bps = if value == 0 {
            if used <= 0 { 0 } else { BPS_MAX }
        } else {
            u16::try_from(scaled / i128::from(value))
                .unwrap_or(BPS_MAX)
                .min(BPS_MAX)
        };
        if first || bps > self.bps {
            *self = Self {
                bps,
                kind: limit.kind,
                scope: tree.get(limit.scope).scope,
            };
        }
    }
}
