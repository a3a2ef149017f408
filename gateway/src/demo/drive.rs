//! Plays order flow: every event becomes a message of a desk or of the venue, many at once.
//!
//! Events of one order keep their order; those of different orders do not wait for each other.

use super::book::Step;
use super::plan::attribution;
use super::world::{World, limit_order};
use gateway::flow::{Flow, FlowEvent, FlowKind, Side};
use indicatif::ProgressBar;
use std::collections::{BTreeMap, HashMap};
use wire::{Price, SetMark, SetReference, Time};

/// Steps under way before the driver waits for answers: well below the server's rings, so that it is
/// not busy.
const WINDOW: usize = 256;

/// What became of the flow's events.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) events: u64,
    pub(super) new_orders: u64,
    pub(super) accepted: u64,
    /// Orders of the flow that were refused, by code.
    pub(super) refused: BTreeMap<u16, u64>,
    pub(super) replaces: u64,
    pub(super) cancels: u64,
    pub(super) fills: u64,
    pub(super) prices: u64,
    pub(super) halts_not_played: u64,
    /// Events left out because their order had been refused, by what they were.
    pub(super) skipped: BTreeMap<&'static str, u64>,
    /// Numbers in the source of the orders that were refused.
    pub(super) refused_orders: Vec<u64>,
}

/// What a printed price of others is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prints {
    /// The reference price, as a feed would.
    Reference,
    /// The mark only: the collar stays around the price that the day began with.
    Mark,
}

/// Plays all events and waits until everything is answered.
pub(super) fn play(
    world: &mut World,
    flow: &Flow,
    prints: Prints,
    progress: &ProgressBar,
) -> anyhow::Result<Played> {
    let mut played = Played::default();
    let mut orders: HashMap<u64, usize> = HashMap::new();
    world.measures = true;
    progress.set_length(u64::try_from(flow.events.len())?);
    for event in &flow.events {
        played.events += 1;
        step(world, event, prints, &mut orders, &mut played)?;
        if world.open_steps >= WINDOW {
            world.until("answers to the flow", |world| world.open_steps < WINDOW / 2)?;
            progress.set_position(played.events);
        }
    }
    world.settle()?;
    world.measures = false;
    for (order_ref, index) in &orders {
        match world.refusal(*index) {
            0 => played.accepted += 1,
            code => {
                *played.refused.entry(code).or_default() += 1;
                played.refused_orders.push(*order_ref);
            }
        }
    }
    played.skipped = std::mem::take(&mut world.skipped);
    progress.finish_and_clear();
    Ok(played)
}

fn step(
    world: &mut World,
    event: &FlowEvent,
    prints: Prints,
    orders: &mut HashMap<u64, usize>,
    played: &mut Played,
) -> anyhow::Result<()> {
    let instrument = event.instrument + 1;
    let step = match event.kind {
        FlowKind::New {
            order_ref,
            side,
            price_e8,
            qty,
        } => {
            played.new_orders += 1;
            let to = attribution().attribute(order_ref);
            let trader = u16::try_from(to.trader + 1)?;
            let order = limit_order(
                to.account + 1,
                trader,
                instrument,
                wire_side(side),
                price_e8,
                shares(qty)?,
            );
            let desk = usize::try_from(to.desk)?;
            orders.insert(order_ref, world.open(desk, order));
            return Ok(());
        }
        FlowKind::Replace {
            order_ref,
            price_e8,
            qty,
            ..
        } => {
            played.replaces += 1;
            let qty_e8 = shares(qty)?;
            Some((order_ref, Step::Replace { price_e8, qty_e8 }))
        }
        FlowKind::Cancel { order_ref } => {
            played.cancels += 1;
            Some((order_ref, Step::Cancel))
        }
        FlowKind::Fill {
            order_ref,
            price_e8,
            qty,
            exec_ref,
            ..
        } => {
            played.fills += 1;
            let fill = Step::Fill {
                price_e8,
                qty_e8: shares(qty)?,
                exec_id: exec_ref,
            };
            Some((order_ref, fill))
        }
        FlowKind::ReferencePrice { price_e8 } => {
            played.prices += 1;
            price(world, prints, instrument, price_e8);
            None
        }
        FlowKind::Halt | FlowKind::Resume => {
            played.halts_not_played += 1;
            None
        }
    };
    // A source opens every order before it names it.
    if let Some((order_ref, step)) = step
        && let Some(index) = orders.get(&order_ref)
    {
        world.push(*index, step);
    }
    Ok(())
}

fn price(world: &mut World, prints: Prints, instrument_id: u32, price_e8: i64) {
    let request_id = world.risk.next_seq_no();
    let price = Price(price_e8);
    match prints {
        Prints::Reference => world.risk.queue(SetReference {
            request_id,
            price,
            feed_time: now(),
            instrument_id,
            ..SetReference::default()
        }),
        Prints::Mark => world.risk.queue(SetMark {
            request_id,
            price,
            instrument_id,
            ..SetMark::default()
        }),
    };
}

/// The clients' own clock.
pub(super) fn now() -> Time {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Time(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

fn wire_side(side: Side) -> wire::Side {
    match side {
        Side::Buy => wire::Side::Buy,
        Side::Sell => wire::Side::Sell,
    }
}

/// Shares in 10⁻⁸.
fn shares(qty: u64) -> anyhow::Result<i64> {
    let qty = i64::try_from(qty)?.checked_mul(wire::E8);
    qty.ok_or_else(|| anyhow::anyhow!("a quantity of the flow is too large"))
}
