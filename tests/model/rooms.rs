//! What a desk is told it has room for: exactly that passes, and one step more does not. For new orders the
//! engine's own answer, for replaces the boundary that questions find (R35), held against the model.

use super::checks::{Ask, Judgement};
use super::flow::Flow;
use super::genesis::{DESK_SESSIONS, INSTRUMENTS, Listed};
use super::pair::Pair;
use super::random::Random;
use super::state::Model;
use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outbox, Outcome};
use engine::risk::{RiskEngine, RoomQuestion};
use std::collections::BTreeMap;
use wire::{
    Capacity, NewOrder, OrdType, Price, Qty, ReplaceOrder, Selector, Side, TimeInForce, WHAT_IF,
};

/// How often each of them was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) room: u64,
    pub(crate) no_room: u64,
    pub(crate) replaces: u64,
    /// What the limits that set the boundary selected: instrument, group, all.
    pub(crate) selected: BTreeMap<Selector, u64>,
}

impl Seen {
    /// The model names the limit that refuses what is past the boundary.
    fn note_limit(&mut self, model: &Model, ask: &Ask) -> Option<u16> {
        let rows = model.chain_rows(ask.account, ask.trader);
        let refusal = model.judge(ask, &rows, &mut Judgement::default()).err()?;
        let of_limit = model.limits.iter().find(|(key, limit)| {
            Some(key.kind) == refusal.kind
                && Some((key.scope, key.scope_id)) == refusal.at
                && Some(limit.version) == refusal.version
                && Some(limit.value) == refusal.limit
                && model.selects(key, ask.instrument)
        });
        if let Some((key, _)) = of_limit {
            *self.selected.entry(key.selector).or_default() += 1;
        }
        Some(refusal.code.number())
    }
}

/// A desk's room is what the checks allow: exactly that passes, and one lot more is refused by the code
/// that the answer names; the same for a replace, whose room is asked for by questions.
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
        if step > 100 && step % 4 == 2 {
            ask_for_replaces(&pair, &mut random, seen).map_err(|e| format!("seed {seed}: {e}"))?;
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
            apply(pair, session_id, session.last_applied + 1, order.into())
        };
        if most > 0 && send(most).outcome != Outcome::Accepted {
            return Err(format!(
                "{asked:?} {side}: room for {most}, {:?}",
                send(most)
            ));
        }
        if let Some(past) = most.checked_add(more) {
            let ask = Ask {
                session: session_id,
                account: asked.account,
                instrument: asked.instrument_id,
                trader: room.trader_id,
                side,
                price: asked.price,
                qty: i128::from(past),
                busy: false,
                replaces: None,
            };
            seen.note_limit(&pair.model, &ask);
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

/// Most lots that a replace is asked for.
const LOTS: i64 = 1 << 20;

/// Looks for the largest replace of some live order by questions, and holds the boundary against the model, and the
/// questions against what becomes of them in earnest.
fn ask_for_replaces(pair: &Pair, random: &mut Random, seen: &mut Seen) -> Result<(), String> {
    let model = &pair.model;
    let live = model.live_where(|_, o| !o.unresolved && o.ord_type == OrdType::Limit);
    if live.is_empty() {
        return Ok(());
    }
    let index = random.pick(&live);
    let order = &model.orders[index];
    let Some(listed) = INSTRUMENTS.iter().find(|i| i.id == order.instrument) else {
        return Ok(());
    };
    let (session_id, newest) = (order.session, order.newest());
    let session = &model.sessions[&session_id];
    let replace = |qty: i64, flags: u32| {
        let m = ReplaceOrder {
            flags,
            cl_ord_id: session.mark + 1,
            orig_cl_ord_id: newest.cl_ord_id,
            price: newest.price.map_or(Price::NULL, Price),
            qty: Qty(qty),
            trader_id: order.trader,
            ..ReplaceOrder::default()
        };
        apply(pair, session_id, session.last_applied + 1, m.into())
    };
    let passes = |lots: i64| {
        let decision = replace(lots * listed.lot, WHAT_IF);
        decision.outcome == Outcome::Accepted
    };
    let Some(most) = boundary(passes, order, listed) else {
        return Ok(());
    };
    for (lots, passes) in [(most, true), (most + 1, false)] {
        let qty = lots * listed.lot;
        let (asked, done) = (replace(qty, WHAT_IF), replace(qty, 0));
        if asked != done {
            return Err(format!("{qty}: asked {asked:?}, done {done:?}"));
        }
        let ask = Ask {
            session: session_id,
            account: order.account,
            instrument: order.instrument,
            trader: order.trader,
            side: order.side,
            price: newest.price,
            qty: i128::from(qty),
            busy: false,
            replaces: Some(index),
        };
        let code = seen.note_limit(model, &ask).unwrap_or(0);
        if (code == 0) != passes || code != done.code {
            return Err(format!("replace {ask:?}: engine {done:?}, model {code}"));
        }
    }
    seen.replaces += 1;
    Ok(())
}

/// A number of lots that passes while one more does not, from what the order has on.
fn boundary(
    passes: impl Fn(i64) -> bool,
    order: &super::orders::Order,
    listed: &Listed,
) -> Option<i64> {
    let now = i64::try_from(order.newest().qty).ok()? / listed.lot;
    let (mut low, mut high) = (now.max(1), now.max(1) + LOTS);
    if !passes(low) || passes(high) {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if passes(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// What the engine would decide now.
fn apply(pair: &Pair, session_id: u32, in_seq_no: u64, command: Command) -> Decision {
    let input = Sequenced {
        seq: pair.next_seq(),
        t: pair.model.t,
        session_id,
        in_seq_no,
        busy: false,
        command,
    };
    let mut engine: RiskEngine = pair.engine.clone();
    engine.apply(&input, &mut Outbox::new())
}
