//! The scenes of the story: a limit is tightened, the kill switch falls, the server is killed.

use super::check::Compared;
use super::desk::Heard;
use super::plan::{Keys, attribution};
use super::server::ServerProcess;
use super::tally::code_name;
use super::world::{A, B, World, limit_order, log_on_from};
use gateway::flow::FlowInstrument;
use portcullis_client::Event;
use std::path::Path;
use std::time::Duration;
use wire::{
    E8, Flag, LimitKind, LimitMode, NewOrder, RejectCode, Scope, Selector, SetLimit, SetState,
    Side, Text, TradingState, Unit,
};

/// What the scenes trade in: instrument 1, at the price that its day began with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) lot_e8: i64,
    pub(super) price_e8: i64,
}

impl Stage {
    pub(super) fn of(instrument: &FlowInstrument) -> anyhow::Result<Self> {
        let lot_e8 = i64::try_from(instrument.lot)?.saturating_mul(E8);
        let price = instrument.day_start.price_e8().unwrap_or(100 * E8);
        let price_e8 = price - price % instrument.tick_e8.max(1);
        Ok(Self { lot_e8, price_e8 })
    }

    /// An order of desk `desk`'s first account.
    fn order(self, desk: usize, side: Side, lots: i64) -> NewOrder {
        let (account, trader) = if desk == A { (1, 1) } else { (2, 2) };
        debug_assert_eq!(attribution().desk_of(account - 1) as usize, desk);
        limit_order(account, trader, 1, side, self.price_e8, lots * self.lot_e8)
    }
}

/// What the limit's change led to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tightened {
    pub(super) limit_lots: i64,
    /// Sequence of the change in the journal.
    pub(super) at_seq: u64,
    pub(super) before: usize,
    pub(super) refused_after: usize,
    pub(super) effective: bool,
}

/// A limit is tightened while orders flow: it binds from the very next order in the sequence.
pub(super) fn tighten(world: &mut World, stage: Stage) -> anyhow::Result<Tightened> {
    const LIMIT_LOTS: i64 = 5;
    let mut orders = Vec::new();
    let mut send = |world: &mut World, count: usize| {
        for n in 0..count {
            // One in four is small enough for the limit to come.
            let lots = if n % 4 == 0 { 4 } else { 6 };
            let side = if n % 2 == 0 { Side::Buy } else { Side::Sell };
            orders.push((world.open(A, stage.order(A, side, lots)), lots));
        }
    };
    send(world, 40);
    world.settle()?;
    let (version, old) = limit_of(world)?;
    let request = SetLimit {
        value: LIMIT_LOTS * stage.lot_e8,
        expected_version: version,
        scope: Scope::Account,
        scope_id: 1,
        selector: Selector::All,
        limit_kind: LimitKind::MaxOrderQty,
        unit: Unit::Natural,
        mode: LimitMode::Enforced,
        reason: Text::new("demo: tighten"),
        ..SetLimit::default()
    };
    // These are on their way while the limit changes: before or after it, as the sequence falls.
    send(world, 40);
    for desk in &mut world.desks {
        desk.client.flush()?;
    }
    let ack = world.risk.request_and_ack(request)?;
    send(world, 40);
    world.settle()?;

    let wrong = world.tally.wrong.len();
    world.tally.expect(ack.code == 0, || {
        format!("the limit was not changed: {}", code_name(ack.code))
    });
    let (mut before, mut refused_after) = (0, 0);
    for (index, lots) in &orders {
        let order_seq = world.orders[*index].engine_seq;
        let code = world.refusal(*index);
        let bound = order_seq > ack.engine_seq && *lots > LIMIT_LOTS;
        before += usize::from(order_seq < ack.engine_seq);
        refused_after += usize::from(bound);
        let right = if bound {
            RejectCode::MaxOrderQty.number()
        } else {
            0
        };
        world.tally.expect(code == right, || {
            format!(
                "order of {lots} lots at {order_seq}, limit at {}: code {code}",
                ack.engine_seq
            )
        });
    }
    let effective = world.tally.wrong.len() == wrong && refused_after > 0 && before > 0;
    // Back to what it was; where there was none, the limit goes again.
    world.risk.request_and_ack(SetLimit {
        value: old.unwrap_or(i64::MIN),
        expected_version: ack.new_version,
        reason: Text::new("demo: restore"),
        ..request
    })?;
    Ok(Tightened {
        limit_lots: LIMIT_LOTS,
        at_seq: ack.engine_seq,
        before,
        refused_after,
        effective,
    })
}

/// Version and value of account 1's MaxOrderQty.
fn limit_of(world: &mut World) -> anyhow::Result<(u32, Option<i64>)> {
    let query = wire::Query {
        what: wire::QueryWhat::Limits,
        scope: Scope::Account,
        scope_id: 1,
        ..super::check::everything()
    };
    for reply in world.risk.query(query)? {
        if let wire::Reply::LimitReport(m) = reply
            && m.limit_kind == LimitKind::MaxOrderQty
            && m.selector == Selector::All
        {
            return Ok((m.version, Some(m.value)));
        }
    }
    Ok((0, None))
}

/// What the kill switch led to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Killed {
    pub(super) live: u32,
    pub(super) refused: usize,
    pub(super) filled_in_the_race: usize,
    pub(super) clear: bool,
}

/// The kill switch on one desk: cancels are acknowledged late, fills race them, clear is told at 0.
pub(super) fn kill(world: &mut World, stage: Stage) -> anyhow::Result<Killed> {
    const FRESH: usize = 120;
    const RACING: usize = 5;
    let wrong = world.tally.wrong.len();
    for n in 0..FRESH {
        let side = if n % 2 == 0 { Side::Buy } else { Side::Sell };
        world.open(A, stage.order(A, side, 2));
    }
    world.settle()?;
    let live: Vec<usize> = world
        .live()
        .filter(|index| world.orders[*index].desk == A)
        .collect();
    world.venue.holds_cancels = true;
    let kill = SetState {
        scope: Scope::Desk,
        scope_id: 1,
        state: TradingState::Halted,
        cancel_open: Flag::Yes,
        reason: Text::new("demo: kill"),
        ..SetState::default()
    };
    world.mass_cancels.clear();
    let ack = world.risk.request_and_ack(kill)?;
    world.until("the kill switch's first report", |world| {
        !world.mass_cancels.is_empty()
    })?;
    let requested = world
        .mass_cancels
        .first()
        .map_or(0, |report| report.requested);
    world.tally.expect(
        usize::try_from(requested).is_ok_and(|n| n == live.len()),
        || {
            format!(
                "the kill switch found {requested} live orders, the desk knows {}",
                live.len()
            )
        },
    );
    world.until("the requests to cancel are at the venue", |world| {
        world.venue.held.len() >= live.len()
    })?;

    // New orders are refused while it stands.
    let refused: Vec<usize> = (0..10)
        .map(|_| world.open(A, stage.order(A, Side::Buy, 1)))
        .collect();
    world.settle()?;
    let halted = RejectCode::Halted.number();
    let refused = refused
        .iter()
        .filter(|index| world.refusal(**index) == halted)
        .count();
    world.tally.expect(refused == 10, || {
        format!("{refused} of 10 orders were refused Halted")
    });

    // Some were filled before the venue saw the cancel; the rest is acknowledged, in two parts.
    for index in live.iter().rev().take(RACING) {
        let (price, leaves) = (
            world.orders[*index].price_e8,
            world.orders[*index].leaves_e8(),
        );
        let exec_id = world.next_exec();
        world.fill(*index, price, leaves, exec_id);
    }
    let told = world.tally.fills_reported;
    world.until("the racing fills are booked", |world| {
        world.tally.fills_told == told
    })?;
    world.venue.holds_cancels = false;
    let held = std::mem::take(&mut world.venue.held);
    let (first, second) = held.split_at(held.len() / 2);
    for request in first {
        world.on_routed_cancel(A, request);
    }
    pause(world, Duration::from_millis(5))?;
    let early = world
        .mass_cancels
        .iter()
        .any(|report| report.outstanding == 0);
    world.tally.expect(!early, || {
        "clear was told while orders were outstanding".to_owned()
    });
    for request in second {
        world.on_routed_cancel(A, request);
    }
    world.until("the kill switch is clear", |world| {
        world
            .mass_cancels
            .iter()
            .any(|report| report.outstanding == 0)
    })?;
    world.until("the desk has heard of every cancel", |world| {
        world.live().all(|index| world.orders[index].desk != A)
    })?;
    let left = world.query_orders()?;
    let left = left
        .iter()
        .filter(|order| attribution().desk_of(order.account - 1) == 0);
    let left = left
        .filter(|order| order.account <= super::plan::ACCOUNTS)
        .count();
    world
        .tally
        .expect(left == 0, || format!("{left} orders are live after clear"));

    let release = SetState {
        state: TradingState::Active,
        cancel_open: Flag::No,
        expected_version: ack.new_version,
        reason: Text::new("demo: release"),
        ..kill
    };
    world.risk.request_and_ack(release)?;
    let after = world.open(A, stage.order(A, Side::Buy, 1));
    world.settle()?;
    let code = world.refusal(after);
    world.tally.expect(code == 0, || {
        format!(
            "an order after the release was refused: {}",
            code_name(code)
        )
    });
    Ok(Killed {
        live: requested,
        refused,
        filled_in_the_race: RACING,
        clear: world.tally.wrong.len() == wrong && requested >= 100,
    })
}

/// Lets time pass while everybody goes on reading.
fn pause(world: &mut World, time: Duration) -> anyhow::Result<()> {
    let until = std::time::Instant::now() + time;
    while std::time::Instant::now() < until {
        world.pump()?;
    }
    Ok(())
}

/// What the crash led to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recovered {
    pub(super) unanswered: usize,
    pub(super) compared: Compared,
    /// Answers of the time before the crash that were heard again and found the same.
    pub(super) heard_again: usize,
    pub(super) equal: bool,
}

/// SIGKILL with orders unanswered; restart on the journal; the clients resend and compare.
pub(super) fn crash(
    world: &mut World,
    stage: Stage,
    server: ServerProcess,
    directory: &Path,
    keys: &Keys,
) -> anyhow::Result<(ServerProcess, Recovered)> {
    const ORDERS: usize = 1_500;
    let wrong = world.tally.wrong.len();
    for n in 0..ORDERS {
        for desk in [A, B] {
            let side = if n % 2 == 0 { Side::Buy } else { Side::Sell };
            world.open(desk, stage.order(desk, side, 1));
        }
    }
    // Some are answered, so that the server dies in the middle of its work.
    let mut answered = 0;
    while answered < 200 {
        for desk in [A, B] {
            world.desks[desk].client.flush()?;
            for _ in 0..8 {
                if let Some(event) = world.desks[desk].client.try_recv()? {
                    answered += 1;
                    world.on_desk(desk, event);
                }
            }
        }
    }
    server.kill()?;
    let unanswered = world.desks.iter().map(|desk| desk.unanswered).sum();
    let server = ServerProcess::start(directory, &[])?;
    // The venue first: what the desks resend is routed to it.
    world.venue.client.set_address(server.address());
    world.venue.client.reconnect()?;
    for client in [&mut world.risk, &mut world.ops] {
        client.set_address(server.address());
        client.reconnect()?;
    }
    let opened = world.ops.request_and_ack(wire::DayOpen {
        business_date: world.trade_date,
        ..wire::DayOpen::default()
    })?;
    world.tally.expect(opened.code == 0, || {
        format!(
            "the day could not be opened again: {}",
            code_name(opened.code)
        )
    });
    for desk in &mut world.desks {
        desk.client.set_address(server.address());
        desk.client.reconnect()?;
    }
    world.settle()?;
    let compared = world.compare("after the crash")?;
    let heard_again = hear_again(world, &server, keys)?;
    world.tally.expect(unanswered >= 1_000, || {
        format!("only {unanswered} orders were unanswered at the kill")
    });
    let equal = world.tally.wrong.len() == wrong;
    let recovered = Recovered {
        unanswered,
        compared,
        heard_again,
        equal,
    };
    Ok((server, recovered))
}

/// Every desk asks for all it was ever sent, on a new connection, and compares it with what it heard.
fn hear_again(world: &mut World, server: &ServerProcess, keys: &Keys) -> anyhow::Result<usize> {
    let mut compared = 0;
    for desk in [A, B] {
        let session = world.desks[desk].session;
        world.desks[desk].client.terminate()?;
        let first = world.desks[desk]
            .heard
            .first()
            .map_or(1, |heard| heard.seq_no);
        let mut client = log_on_from(server, keys, session, first)?;
        let mut again = Vec::new();
        loop {
            match client.recv(Duration::from_secs(10))? {
                Some(Event::Reply(reply)) => again.extend(Heard::of(&reply)),
                Some(Event::ReplayComplete(_)) => break,
                Some(Event::Heartbeat(_) | Event::Resumed(_)) => {}
                None => anyhow::bail!("session {session}: the replay did not come to its end"),
            }
        }
        let heard = &world.desks[desk].heard;
        let same = again.iter().zip(heard).take_while(|(a, b)| a == b).count();
        let all = same == heard.len() && again.len() == heard.len();
        compared += same;
        let place = (heard.get(same).copied(), again.get(same).copied());
        world.tally.expect(all, || {
            format!(
                "session {session}: heard {:?}, heard again {:?}",
                place.0, place.1
            )
        });
        client.set_nonblocking(true)?;
        world.desks[desk].client = client;
    }
    Ok(compared)
}
