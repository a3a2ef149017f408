//! A second, tiny server beside the story: tables that fill up, and a crash that may have lost what
//! was acknowledged, because `ack=memory` promises no more.

use super::plan::{Keys, Plan};
use super::server::ServerProcess;
use super::tally::Tally;
use super::world::{B, World, limit_order};
use std::fs;
use std::path::Path;
use wire::{Reconcile, ReconcileWhat, RejectCode, Side, Text};

/// Orders that the tiny firm's table holds.
const TABLE: u64 = 64;
/// Orders before the crash.
const EARLY: u64 = 8;

/// Plays it; gives the tally back.
pub(super) fn run(
    directory: &Path,
    keys: &Keys,
    plan: &Plan<'_>,
    tally: Tally,
) -> anyhow::Result<Tally> {
    fs::create_dir_all(directory)?;
    let plan = Plan {
        table: Some(TABLE),
        ..*plan
    };
    fs::write(directory.join("config.toml"), plan.toml()?)?;
    let server = ServerProcess::start(directory, &["--ack", "memory"])?;
    let mut world = World::connect(&server, keys, tally)?;
    world.open_day()?;
    let price = plan
        .instruments
        .first()
        .and_then(|i| i.day_start.price_e8());
    let lot = plan.instruments.first().map_or(1, |i| i.lot);
    let order = limit_order(
        2,
        2,
        1,
        Side::Buy,
        price.unwrap_or(wire::E8),
        i64::try_from(lot)?.saturating_mul(wire::E8),
    );
    for _ in 0..EARLY {
        world.open(B, order);
    }
    world.settle()?;
    server.kill()?;

    let server = ServerProcess::start(directory, &["--ack", "memory"])?;
    let mut world = World::connect(&server, keys, world.tally)?;
    world.desks[B].begin_above(EARLY);
    world.open_day()?;
    world.open(B, order);
    world.settle()?;
    let restricted = refused(&world, RejectCode::Restricted);
    world.tally.expect(restricted == 1, || {
        "after a crash under ack=memory an order that opens a position passed".to_owned()
    });
    let reconciled = world.ops.request_and_ack(Reconcile {
        what: ReconcileWhat::Restart,
        reason: Text::new("demo: compared with the venue"),
        ..Reconcile::default()
    })?;
    world.tally.expect(reconciled.code == 0, || {
        format!("the reconciliation was refused: code {}", reconciled.code)
    });
    for _ in 0..TABLE {
        world.open(B, order);
    }
    world.settle()?;
    let full = refused(&world, RejectCode::CapacityExceeded);
    world
        .tally
        .expect(full > 0, || "the tiny table did not fill up".to_owned());
    server.stop()?;
    Ok(world.tally)
}

fn refused(world: &World, code: RejectCode) -> usize {
    let refused = (0..world.orders.len()).filter(|index| world.refusal(*index) == code.number());
    refused.count()
}
