//! What a refusal and a question leave as it was (R1, R35), and what a desk is told it has room for.

use super::flow::{Flow, Item};
use super::genesis::{DESK_SESSIONS, INSTRUMENTS};
use super::pair::Pair;
use super::random::Random;
use engine::command::{Command, Sequenced, TimePassed};
use engine::decision::{Decision, Outbox, Outcome};
use engine::risk::{RiskEngine, RoomQuestion};
use wire::{Capacity, LimitKind, NewOrder, OrdType, Price, Qty, RejectCode, Side, TimeInForce};

/// How often each of them was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) refused: u64,
    pub(crate) asked: u64,
    pub(crate) room: u64,
    pub(crate) no_room: u64,
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
        let before = pair.engine.risk_digest();
        pair.step(&item).map_err(|d| failed(&d))?;
        let refused = pair.last.outcome == Outcome::Rejected;
        let asked = flags & wire::WHAT_IF != 0 && pair.last.outcome != Outcome::Dropped;
        let untouched = asked || (refused && (!counts_rates || is_before_rates(&pair.last)));
        if untouched && pair.engine.risk_digest() != before {
            return Err(failed(&("the digest changed", &item, &pair.last)));
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

/// A desk's room is what the checks allow: exactly that passes, and one lot more is refused by the code
/// that the answer names.
pub(crate) fn room_is_what_passes(seed: u64, steps: usize, seen: &mut Seen) -> Result<(), String> {
    let mut flow = Flow::new(seed);
    let mut pair = Pair::new(u32::MAX);
    let mut random = Random::new(seed);
    for step in 0..steps {
        let item = pair.symbolic(flow.next(&pair.model));
        pair.step(&item)
            .map_err(|d| format!("seed {seed}: {d:?}"))?;
        if step > 100 && step % 4 == 0 {
            ask_for_room(&pair, &mut random, seen).map_err(|e| format!("seed {seed}: {e}"))?;
        }
    }
    Ok(())
}

fn ask_for_room(pair: &Pair, random: &mut Random, seen: &mut Seen) -> Result<(), String> {
    let (session_id, _, accounts, traders) = random.pick(&DESK_SESSIONS);
    let at = usize::try_from(random.below(5)).unwrap_or(0);
    let listed = &INSTRUMENTS[at];
    let asked = RoomQuestion {
        session_id,
        account: random.pick(accounts),
        instrument_id: listed.id,
        trader_id: Some(random.pick(traders)),
        price: Some(listed.price + random.between(-30, 30) * listed.tick),
    };
    let now = pair.model.t;
    let Ok(room) = pair.engine.room(&asked, now) else {
        return Ok(());
    };
    let odd_lots = listed.odd_lot_sell == wire::Flag::Yes;
    let step_of_sale = if odd_lots { listed.step } else { listed.lot };
    for (side, most, more, code) in [
        (Side::Buy, room.max_buy, listed.lot, room.buy_code),
        (Side::Sell, room.max_sell, step_of_sale, room.sell_code),
    ] {
        let session = &pair.model.sessions[&session_id];
        let send = |qty: i64| {
            let order = NewOrder {
                cl_ord_id: session.mark + 1,
                price: asked.price.map_or(Price::NULL, Price),
                qty: Qty(qty),
                account: asked.account,
                instrument_id: asked.instrument_id,
                trader_id: room.trader_id,
                side,
                ord_type: OrdType::Limit,
                tif: TimeInForce::Day,
                capacity: Capacity::Agency,
                ..NewOrder::default()
            };
            let input = Sequenced {
                seq: pair.next_seq(),
                t: now,
                session_id,
                in_seq_no: session.last_applied + 1,
                busy: false,
                command: order.into(),
            };
            let mut engine: RiskEngine = pair.engine.clone();
            engine.apply(&input, &mut Outbox::new())
        };
        if most > 0 && send(most).outcome != Outcome::Accepted {
            return Err(format!(
                "{asked:?} {side}: room for {most}, {:?}",
                send(most)
            ));
        }
        if let Some(past) = most.checked_add(more) {
            let refused = send(past);
            if refused.outcome != Outcome::Rejected || refused.code != code.number() {
                return Err(format!(
                    "{asked:?} {side}: {past} past {room:?}, {refused:?}"
                ));
            }
        }
        seen.room += u64::from(most > 0);
        seen.no_room += u64::from(most == 0);
    }
    Ok(())
}
