//! One deliberate mistake for every refusal of an order, each for an account of its own.

use super::book::{Asked, Step};
use super::drive::now;
use super::plan::{Keys, PROBE, probe};
use super::raw;
use super::server::ServerProcess;
use super::tally::code_name;
use super::world::{A, MISTAKES, World, limit_order};
use anyhow::bail;
use wire::{
    E8, ExecType, Factor, MassCancel, NewOrder, OrdType, Price, Qty, RejectCode, Scope, SetFx,
    SetLimit, SetReference, SetState, Side, Text, Time, TradingState,
};

/// One dollar, and a hundred of them.
const HUNDRED: i64 = 100 * E8;

/// A buy of one at the reference price.
fn plain(account: u32) -> NewOrder {
    limit_order(account, probe::TRADER, probe::PLAIN, Side::Buy, HUNDRED, E8)
}

fn of(instrument_id: u32) -> NewOrder {
    NewOrder {
        instrument_id,
        ..plain(probe::FREE)
    }
}

fn lots(account: u32, side: Side, qty: i64) -> NewOrder {
    NewOrder {
        side,
        qty: Qty(qty * E8),
        ..plain(account)
    }
}

/// Before the clients log on: a message that no version of the protocol knows.
pub(super) fn unknown_template(
    world: &mut super::tally::Tally,
    server: &ServerProcess,
    keys: &Keys,
) -> anyhow::Result<()> {
    let code = raw::send_unknown_template(server, keys, PROBE)?;
    world.sent(false);
    world.reject(code);
    world.expect(code == RejectCode::UnknownTemplate.number(), || {
        format!("an unknown template was answered with {}", code_name(code))
    });
    Ok(())
}

/// Before the day is open.
pub(super) fn not_ready(world: &mut World) -> anyhow::Result<()> {
    expect(world, MISTAKES, plain(probe::FREE), RejectCode::NotReady)
}

/// All others. The accounts' limits are in the plan, so that the mistakes disturb nobody else.
pub(super) fn all(world: &mut World) -> anyhow::Result<()> {
    entry(world)?;
    service(world)?;
    prices(world)?;
    sizes(world)?;
    exposures(world)?;
    offices(world)
}

/// What is wrong with the message itself.
fn entry(world: &mut World) -> anyhow::Result<()> {
    use RejectCode as Code;
    let mut bad = |order, code| expect(world, MISTAKES, order, code);
    let free = plain(probe::FREE);
    bad(
        NewOrder {
            side: Side(9),
            ..free
        },
        Code::MalformedField,
    )?;
    bad(NewOrder { flags: 8, ..free }, Code::UnsupportedFlag)?;
    bad(of(999), Code::UnknownInstrument)?;
    bad(plain(999), Code::UnknownAccount)?;
    bad(
        NewOrder {
            ord_type: OrdType::Stop,
            ..free
        },
        Code::UnsupportedOrderType,
    )?;
    bad(
        NewOrder {
            qty: Qty(0),
            ..free
        },
        Code::BadQty,
    )?;
    bad(
        NewOrder {
            price: Price(HUNDRED + 1),
            ..free
        },
        Code::BadPrice,
    )?;
    bad(plain(1), Code::NotEntitled)?;
    bad(plain(probe::FORBIDDEN), Code::NotPermitted)
}

/// What depends on earlier messages, on venues and on room.
fn service(world: &mut World) -> anyhow::Result<()> {
    // The same clOrdId again; the mark rises only with a message that gets as far as its check.
    let index = world.open(MISTAKES, plain(probe::FREE));
    world.settle()?;
    let again = world.desks[MISTAKES].last_id();
    world.push(index, Step::Cancel);
    world.settle()?;
    let before = world.tally.rejected.get(&100).copied().unwrap_or(0);
    world.tally.sent(true);
    world.desks[MISTAKES].client.queue(NewOrder {
        cl_ord_id: again,
        ..plain(probe::FREE)
    });
    // Its answer carries an id that has been answered: it is expected here and nowhere else.
    let wrong = world.tally.wrong.len();
    world.until("the answer to a repeated clOrdId", |world| {
        world.tally.wrong.len() > wrong
    })?;
    world.tally.wrong.truncate(wrong);
    let code = world.desks[MISTAKES]
        .heard
        .last()
        .map_or(0, |heard| heard.code);
    world.tally.reject(code);
    let after = world.tally.rejected.get(&100).copied().unwrap_or(0);
    world.tally.expect(after == before + 1, || {
        format!("a repeated clOrdId was answered with {}", code_name(code))
    });

    // A cancel of an order that never was, and one of an order that has ended.
    let nothing = world.desks[MISTAKES].ask(Asked::Cancel, None);
    world.tally.sent(false);
    world.desks[MISTAKES].client.queue(wire::CancelOrder {
        cl_ord_id: nothing,
        orig_cl_ord_id: u64::MAX / 2,
        trader_id: probe::TRADER,
        ..wire::CancelOrder::default()
    });
    let index = world.open(MISTAKES, plain(probe::FREE));
    world.settle()?;
    world.push(index, Step::Cancel);
    world.settle()?;
    world.cancel(index);
    world.settle()?;

    // More replaces than may be pending: the sidecar desk reports none of them.
    let index = world.open(MISTAKES, plain(probe::FREE));
    world.settle()?;
    for _ in 0..9 {
        world.replace(index, HUNDRED, E8);
    }
    world.settle()?;
    let (oldest, newest) = (world.orders[index].cl_ord_id, world.orders[index].replacing);
    let Some((id, ..)) = newest.or(Some((oldest, 0, 0))) else {
        bail!("an order without a version");
    };
    world.report(index, ExecType::Replaced, id);
    world.push(index, Step::Cancel);
    world.settle()?;

    let nowhere = NewOrder {
        account: 2,
        trader_id: 1,
        ..of(probe::NO_VENUE)
    };
    let account = (1..=super::plan::ACCOUNTS)
        .find(|id| super::plan::attribution().desk_of(id - 1) == 0)
        .unwrap_or(1);
    expect(
        world,
        A,
        NewOrder { account, ..nowhere },
        RejectCode::VenueDown,
    )
}

/// Reference prices and rates.
fn prices(world: &mut World) -> anyhow::Result<()> {
    use RejectCode as Code;
    const HOUR: u64 = 3_600_000_000_000;
    // Two hours old: more than the limit of this account (10 minutes) and of the currency (1 hour).
    let old = Time(now().0.saturating_sub(2 * HOUR));
    let gone = SetFx {
        rate: Factor::NULL,
        rate_time: now(),
        max_age_ns: u64::MAX,
        currency: Text::new("XXA"),
        ..SetFx::default()
    };
    let stale = SetFx {
        rate: Factor(E8),
        rate_time: old,
        currency: Text::new("XXB"),
        ..gone
    };
    world.risk.request_and_ack(gone)?;
    world.risk.request_and_ack(stale)?;
    let reference = |feed_time| SetReference {
        price: Price(HUNDRED),
        feed_time,
        instrument_id: probe::PLAIN,
        ..SetReference::default()
    };
    world.risk.request_and_ack(reference(old))?;
    expect(world, MISTAKES, plain(probe::AGE), Code::ReferenceStale)?;
    world.risk.request_and_ack(reference(now()))?;
    expect(
        world,
        MISTAKES,
        of(probe::NO_REFERENCE),
        Code::ReferenceMissing,
    )?;
    expect(world, MISTAKES, of(probe::NO_RATE), Code::FxMissing)?;
    expect(world, MISTAKES, of(probe::OLD_RATE), Code::FxStale)?;
    let far = NewOrder {
        price: Price(106 * E8),
        ..plain(probe::COLLAR)
    };
    expect(world, MISTAKES, far, Code::PriceCollar)
}

fn sizes(world: &mut World) -> anyhow::Result<()> {
    use RejectCode as Code;
    let huge = NewOrder {
        price: Price(10_000_000 * E8),
        ..lots(probe::FREE, Side::Buy, 1_000_000_000)
    };
    expect(world, MISTAKES, huge, Code::ValueOverflow)?;
    expect(
        world,
        MISTAKES,
        lots(probe::QTY, Side::Buy, 11),
        Code::MaxOrderQty,
    )?;
    expect(
        world,
        MISTAKES,
        lots(probe::NOTIONAL, Side::Buy, 6),
        Code::MaxOrderNotional,
    )?;
    accept(world, plain(probe::RATE))?;
    expect(world, MISTAKES, plain(probe::RATE), Code::OrderRate)?;
    accept(world, plain(probe::OPEN_ORDERS))?;
    expect(
        world,
        MISTAKES,
        plain(probe::OPEN_ORDERS),
        Code::MaxOpenOrders,
    )?;
    let market = NewOrder {
        ord_type: OrdType::Market,
        price: Price::NULL,
        ..plain(probe::FREE)
    };
    expect(world, MISTAKES, market, Code::LimitNotSet)?;
    expect(
        world,
        MISTAKES,
        lots(probe::UNSET, Side::Sell, 1),
        Code::LimitNotSet,
    )
}

fn exposures(world: &mut World) -> anyhow::Result<()> {
    use RejectCode as Code;
    expect(
        world,
        MISTAKES,
        lots(probe::POSITION, Side::Buy, 11),
        Code::MaxLong,
    )?;
    expect(
        world,
        MISTAKES,
        lots(probe::POSITION, Side::Sell, 11),
        Code::MaxShort,
    )?;
    expect(
        world,
        MISTAKES,
        lots(probe::GROSS, Side::Buy, 6),
        Code::GrossNotional,
    )?;
    expect(
        world,
        MISTAKES,
        lots(probe::NET_LONG, Side::Buy, 6),
        Code::NetLong,
    )?;
    expect(
        world,
        MISTAKES,
        lots(probe::NET_SHORT, Side::Sell, 6),
        Code::NetShort,
    )?;
    let state = SetState {
        scope_id: probe::REDUCE,
        scope: Scope::Account,
        state: TradingState::ReduceOnly,
        cancel_open: wire::Flag::No,
        reason: Text::new("demo"),
        ..SetState::default()
    };
    world.risk.request_and_ack(state)?;
    expect(world, MISTAKES, plain(probe::REDUCE), Code::ReduceOnly)
}

/// What the offices are refused: a version that is not in force, a limit below 0, a desk's SetLimit.
/// At the end, all that the probes left live is cancelled at once.
fn offices(world: &mut World) -> anyhow::Result<()> {
    let limit = SetLimit {
        value: 10 * E8,
        scope: Scope::Account,
        scope_id: probe::QTY,
        selector: wire::Selector::All,
        limit_kind: wire::LimitKind::MaxOrderQty,
        unit: wire::Unit::Natural,
        mode: wire::LimitMode::Enforced,
        reason: Text::new("demo"),
        ..SetLimit::default()
    };
    for (value, expected_version) in [(10 * E8, 77), (-5, 1)] {
        let request = SetLimit {
            value,
            expected_version,
            ..limit
        };
        let code = world.risk.request_and_ack(request)?.code;
        world.tally.refuse_other(code);
    }
    world.desks[MISTAKES].client.queue(limit);
    world.until("the answer to a desk's SetLimit", |world| {
        world
            .tally
            .others
            .contains_key(&RejectCode::RoleDenied.number())
    })?;
    let cl_ord_id = world.desks[MISTAKES].ask(Asked::Cancel, None);
    world.desks[MISTAKES].client.queue(MassCancel {
        cl_ord_id,
        ..MassCancel::default()
    });
    world.until("the probes' orders are gone", |world| {
        world
            .live()
            .all(|index| world.orders[index].desk != MISTAKES)
    })
}

/// Sends an order that must pass.
fn accept(world: &mut World, order: NewOrder) -> anyhow::Result<()> {
    let index = world.open(MISTAKES, order);
    world.settle()?;
    let code = world.refusal(index);
    world.tally.expect(code == 0, || {
        format!(
            "a probe for account {} was refused: {}",
            order.account,
            code_name(code)
        )
    });
    Ok(())
}

/// Sends an order that must be refused with this code.
fn expect(world: &mut World, desk: usize, order: NewOrder, code: RejectCode) -> anyhow::Result<()> {
    let index = world.open(desk, order);
    world.settle()?;
    let got = world.refusal(index);
    world.tally.expect(got == code.number(), || {
        let got = if got == 0 {
            "accepted".to_owned()
        } else {
            code_name(got)
        };
        format!("a probe for {} was answered with {got}", code.name())
    });
    Ok(())
}
