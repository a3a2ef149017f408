//! What a refusal and a question leave as it was (R1, R35).

use super::flow::{Flow, Item};
use super::pair::Pair;
use engine::command::{Command, Sequenced, TimePassed};
use engine::decision::{Decision, Outbox, Outcome};
use engine::risk::RiskEngine;
use wire::{LimitKind, NewOrder, RejectCode, ReplaceOrder};

/// How often each of them was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Refusals before any bucket advanced.
    pub(crate) refused: u64,
    /// Refusals of which only the buckets remember anything.
    pub(crate) counted: u64,
    pub(crate) asked: u64,
}

/// A refused order leaves the risk digest unchanged but for its rate counters; a question unchanged
/// altogether.
pub(crate) fn refusals_and_questions_change_nothing(
    seed: u64,
    steps: usize,
    seen: &mut Seen,
) -> Result<(), String> {
    let mut flow = Flow::new(seed);
    let mut pair = Pair::new(u32::MAX);
    let failed = |step: &dyn std::fmt::Debug| format!("seed {seed}: {step:?}");
    for _ in 0..steps {
        let item = pair.symbolic(flow.next(&pair.model));
        let Some(flags) = flags_of_order(&item.command) else {
            pair.step(&item).map_err(|d| failed(&d))?;
            continue;
        };
        // Deadlines that the order's time brings are not its own doing.
        let time = Item {
            session: 0,
            seq_shift: 0,
            busy: false,
            id: u64::MAX,
            command: TimePassed { reserved: 0 }.into(),
            ..item.clone()
        };
        pair.step(&time).map_err(|d| failed(&d))?;
        let counts_rates = pair
            .model
            .limits
            .iter()
            .any(|(key, limit)| key.kind == LimitKind::OrderRate && limit.finite());
        let (before, seq) = (pair.engine.clone(), pair.next_seq());
        pair.step(&item).map_err(|d| failed(&d))?;
        let refused = pair.last.outcome == Outcome::Rejected;
        let asked = flags & wire::WHAT_IF != 0 && pair.last.outcome != Outcome::Dropped;
        let untouched = asked || (refused && (!counts_rates || is_before_rates(&pair.last)));
        if untouched && pair.engine.risk_digest() != before.risk_digest() {
            return Err(failed(&("the digest changed", &item, &pair.last)));
        }
        // What a temporary rate has counted, the permanent one may not look at any more.
        let lasts = pair
            .model
            .limits
            .iter()
            .all(|(key, limit)| key.kind != LimitKind::OrderRate || limit.expires.is_none());
        if refused && !untouched && lasts {
            let later = later(&item, seq + 1);
            match only_the_buckets_differ(before, pair.engine.clone(), &later) {
                Some(true) => seen.counted += 1,
                Some(false) => {
                    return Err(failed(&("more than rates changed", &item, &pair.last)));
                }
                None => {}
            }
        }
        seen.refused += u64::from(untouched && refused && !asked);
        seen.asked += u64::from(asked);
    }
    Ok(())
}

/// Flags of a new order or a replace.
fn flags_of_order(command: &Command) -> Option<u32> {
    if let Command::NewOrder(m) = command {
        return Some(m.flags);
    }
    if let Command::ReplaceOrder(m) = command {
        return Some(m.flags);
    }
    None
}

/// Whether the refusal came before any bucket advances.
fn is_before_rates(decision: &Decision) -> bool {
    decision.code <= RejectCode::OrderRate.number()
}

/// The same order long after, when no bucket remembers anything of now.
fn later(item: &Item, seq: u64) -> Sequenced {
    const LONG: u64 = 3_600_000_000_000;
    let again = |cl_ord_id: u64| cl_ord_id + (1 << 40);
    let command = if let Command::NewOrder(m) = &item.command {
        NewOrder {
            cl_ord_id: again(m.cl_ord_id),
            ..*m
        }
        .into()
    } else if let Command::ReplaceOrder(m) = &item.command {
        ReplaceOrder {
            cl_ord_id: again(m.cl_ord_id),
            ..*m
        }
        .into()
    } else {
        item.command
    };
    Sequenced {
        seq,
        t: item.t.saturating_add(LONG),
        session_id: item.session,
        in_seq_no: 1 << 40,
        busy: false,
        command,
    }
}

/// Whether two engines differ in nothing but rate buckets: after an order that all buckets of its chain let pass,
/// long after, they stand where that order has put them, and the engines are equal. `None` if it did not come
/// past the buckets.
fn only_the_buckets_differ(
    mut one: RiskEngine,
    mut other: RiskEngine,
    order: &Sequenced,
) -> Option<bool> {
    let mut out = Outbox::new();
    // The refusal itself took a number of the session's log.
    let mut decide = |engine: &mut RiskEngine| Decision {
        out_seq_no: 0,
        ..engine.apply(order, &mut out)
    };
    let decision = decide(&mut one);
    let same = decide(&mut other) == decision;
    if decision.outcome == Outcome::Rejected && is_before_rates(&decision) {
        return None;
    }
    Some(same && one.risk_digest() == other.risk_digest())
}
