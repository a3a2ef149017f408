//! What makes a change looser: it lets through, at some time from now on, what would have been refused.
//!
//! A limit is looked at as what bounds at each moment: now, once the temporary value of before has ended, and
//! once the one of after has. Looser at one of them is looser.

use super::limits::{Limit, LimitKey};
use super::state::Model;
use wire::{LimitKind, LimitMode, Scope, Selector, SetLimit, Unit};

/// What bounds at one moment.
#[derive(Debug, Clone, Copy)]
struct Bound {
    value: i64,
    window: u64,
    unit: Unit,
}

/// Kinds of which something must be said.
pub(crate) const MUST_BE_SAID: [LimitKind; 7] = [
    LimitKind::MaxOrderQty,
    LimitKind::MaxOrderNotional,
    LimitKind::PriceCollar,
    LimitKind::OrderRate,
    LimitKind::MaxLong,
    LimitKind::MaxShort,
    LimitKind::GrossNotional,
];

impl Model {
    /// Whether setting a limit this way loosens it.
    pub(crate) fn limit_loosens(&self, m: &SetLimit) -> bool {
        let key = LimitKey {
            scope: m.scope,
            scope_id: m.scope_id,
            kind: m.limit_kind,
            selector: m.selector,
            selector_id: m.selector_id,
        };
        let before = self.limits.get(&key);
        if m.value == i64::MIN {
            return before.is_some();
        }
        let temporary = m.expires_at.0 != 0;
        let was_shadow = before.is_some_and(Limit::shadow);
        if was_shadow && temporary {
            return false;
        }
        let Some(before) = before.filter(|_| !was_shadow) else {
            // It begins to bind: only where something must be said does that let orders through.
            return m.mode == LimitMode::Enforced
                && MUST_BE_SAID.contains(&key.kind)
                && !self.is_bound_by_others(&key);
        };
        if !temporary && m.mode != LimitMode::Enforced {
            return true;
        }
        let old_end = before.expires.unwrap_or(0);
        let old = |t: u64| Bound {
            value: if t < old_end {
                before.value
            } else {
                before.permanent
            },
            window: before.window,
            unit: before.unit,
        };
        let new = |t: u64| match temporary {
            true if t < m.expires_at.0 => Bound {
                value: m.value,
                ..old(t)
            },
            // A temporary value takes the place of the one before, not of the permanent one.
            true => Bound {
                value: before.permanent,
                ..old(t)
            },
            false => Bound {
                value: m.value,
                window: m.window_ns,
                unit: m.unit,
            },
        };
        [self.t, old_end, m.expires_at.0]
            .into_iter()
            .filter(|t| *t >= self.t)
            .any(|t| is_looser(key.kind, old(t), new(t)))
    }

    /// Whether another enforced limit of the kind bounds every order that this one selects.
    fn is_bound_by_others(&self, key: &LimitKey) -> bool {
        self.limits.iter().any(|(other, limit)| {
            let wider_scope = match other.scope {
                Scope::Firm => true,
                Scope::Desk if key.scope == Scope::Account => {
                    self.accounts.get(&key.scope_id).map(|a| a.desk) == Some(other.scope_id)
                }
                scope => (scope, other.scope_id) == (key.scope, key.scope_id),
            };
            let wider_selector = match other.selector {
                Selector::All => true,
                Selector::Group if key.selector == Selector::Instrument => {
                    self.instruments
                        .get(&key.selector_id)
                        .map(|i| i.def.product_group)
                        == Some(other.selector_id)
                }
                selector => (selector, other.selector_id) == (key.selector, key.selector_id),
            };
            other != key
                && other.kind == key.kind
                && !limit.shadow()
                && wider_scope
                && wider_selector
        })
    }
}

/// The table of the guide, row by row.
fn is_looser(kind: LimitKind, old: Bound, new: Bound) -> bool {
    const UNLIMITED: i64 = i64::MAX;
    if old.value == UNLIMITED || new.value == UNLIMITED {
        return old.value != UNLIMITED;
    }
    let rises = new.value > old.value;
    let spacing = |bound: Bound| {
        let n = u64::try_from(bound.value).unwrap_or(0);
        bound.window.div_ceil(n.max(1))
    };
    match kind {
        LimitKind::OrderRate | LimitKind::DuplicateOrder | LimitKind::RepeatedExecution
            if new.value == 0 =>
        {
            false
        }
        LimitKind::OrderRate => rises || spacing(new) < spacing(old),
        LimitKind::DuplicateOrder | LimitKind::RepeatedExecution => {
            rises || new.window < old.window
        }
        LimitKind::MarketMakerProtection => {
            rises || new.window < old.window || new.unit != old.unit
        }
        LimitKind::PriceCollar => rises || new.unit != old.unit,
        LimitKind::DailyLoss => rises || (old.unit == Unit::Halt && new.unit != Unit::Halt),
        _ => rises,
    }
}
