//! Orders, replaces, cancels and execution reports in the trade's words.

use super::text::{Words, decimal, whole};
use super::world::{Named, World};
use engine::command::Command;
use wire::{
    CancelOrder, CancelReason, Capacity, ExecType, Flag, Liquidity, MassCancel, NewOrder, OrdType,
    POSS_DUP, Price, Qty, ReplaceOrder, Side, Time, TimeInForce, VenueReport, WHAT_IF,
};

fn side(word: &str) -> Result<Side, String> {
    match word {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        "short" => Ok(Side::SellShort),
        other => Err(format!("{other} is not a side")),
    }
}

fn price(words: &mut Words) -> Result<Price, String> {
    let text = words.named("@")?;
    text.map_or(Ok(Price::NULL), |text| decimal(&text, 8).map(Price))
}

fn flags(words: &mut Words) -> u32 {
    let bit = |set, bit| if set { bit } else { 0 };
    bit(words.flag("whatif"), WHAT_IF) | bit(words.flag("possdup"), POSS_DUP)
}

/// The clOrdId: `id N`, or the session's next.
fn cl_ord_id(world: &mut World, session: u32, words: &mut Words) -> Result<u64, String> {
    let next = world.next_id.entry(session).or_insert(1);
    let id = words.number("id")?.unwrap_or(*next);
    *next = (*next).max(id + 1);
    Ok(id)
}

/// The clOrdId of a name or `#number`, with what is known of it.
fn target(world: &World, text: &str) -> Result<(u64, Option<Named>), String> {
    if let Some(number) = text.strip_prefix('#') {
        return Ok((whole(number)?, None));
    }
    let named = world.named.get(text).copied();
    let named = named.ok_or_else(|| format!("nothing is called {text}"))?;
    Ok((named.cl_ord_id, Some(named)))
}

/// `buy|sell|short QTY SYMBOL [@ PRICE | market] [account N] [trader N] [as NAME] …`
pub(super) fn new_order(
    world: &mut World,
    session: u32,
    verb: &str,
    words: &mut Words,
) -> Result<Command, String> {
    let cl_ord_id = cl_ord_id(world, session, words)?;
    let name = words.named("as")?;
    let price = price(words)?;
    let ord_type = if words.flag("market") {
        OrdType::Market
    } else if words.flag("stop") {
        OrdType::Stop
    } else {
        OrdType::Limit
    };
    let tif = match words.named("tif")?.as_deref() {
        None | Some("day") => TimeInForce::Day,
        Some("gtc") => TimeInForce::GoodTillCancel,
        Some("ioc") => TimeInForce::ImmediateOrCancel,
        Some("fok") => TimeInForce::FillOrKill,
        Some(other) => return Err(format!("{other} is not a time in force")),
    };
    let account = words.number("account")?.unwrap_or(match session {
        2 => 3,
        3 => 2,
        _ => 1,
    });
    let order = NewOrder {
        flags: flags(words),
        cl_ord_id,
        price,
        account,
        trader_id: words.number("trader")?.unwrap_or(7),
        strategy_id: words.number("strategy")?.unwrap_or(0),
        side: side(verb)?,
        ord_type,
        tif,
        capacity: Capacity::Principal,
        qty: Qty(decimal(&words.next("the quantity")?, 8)?),
        instrument_id: world.instrument(&words.next("the instrument")?)?,
        ..NewOrder::default()
    };
    let named = Named {
        session,
        cl_ord_id,
        account,
        instrument: order.instrument_id,
        side: order.side,
        trader: order.trader_id,
    };
    world.named.extend(name.map(|name| (name, named)));
    Ok(order.into())
}

/// `replace NAME to QTY [@ PRICE] [trader N] [as NAME]`
pub(super) fn replace(
    world: &mut World,
    session: u32,
    words: &mut Words,
) -> Result<Command, String> {
    let cl_ord_id = cl_ord_id(world, session, words)?;
    let name = words.named("as")?;
    let qty = words.named("to")?.ok_or("replace … to which quantity?")?;
    let price = price(words)?;
    let (orig_cl_ord_id, orig) = target(world, &words.next("the order")?)?;
    let named_trader = words.number("trader")?;
    let trader_id = named_trader.or(orig.map(|o| o.trader)).unwrap_or(7);
    let replace = ReplaceOrder {
        flags: flags(words),
        cl_ord_id,
        orig_cl_ord_id,
        price,
        qty: Qty(decimal(&qty, 8)?),
        trader_id,
        ..ReplaceOrder::default()
    };
    let named = name.zip(orig).map(|(name, orig)| {
        (
            name,
            Named {
                session,
                cl_ord_id,
                ..orig
            },
        )
    });
    world.named.extend(named);
    Ok(replace.into())
}

/// `cancel NAME [as NAME]`
pub(super) fn cancel(
    world: &mut World,
    session: u32,
    words: &mut Words,
) -> Result<Command, String> {
    let cl_ord_id = cl_ord_id(world, session, words)?;
    let name = words.named("as")?;
    let (orig_cl_ord_id, orig) = target(world, &words.next("the order")?)?;
    let cancel = CancelOrder {
        flags: flags(words),
        cl_ord_id,
        orig_cl_ord_id,
        trader_id: words.number("trader")?.unwrap_or(7),
        ..CancelOrder::default()
    };
    if let (Some(name), Some(orig)) = (name, orig) {
        let named = Named {
            session,
            cl_ord_id,
            ..orig
        };
        world.named.insert(name, named);
    }
    Ok(cancel.into())
}

/// `masscancel [account N] [instrument SYMBOL] [side buy|sell] [trader N] [strategy N]`
pub(super) fn mass_cancel(
    world: &mut World,
    session: u32,
    words: &mut Words,
) -> Result<Command, String> {
    let instrument = words.named("instrument")?;
    let only = words.named("side")?;
    Ok(MassCancel {
        flags: flags(words),
        cl_ord_id: cl_ord_id(world, session, words)?,
        account: words.number("account")?.unwrap_or(u32::MAX),
        instrument_id: instrument.map_or(Ok(u32::MAX), |text| world.instrument(&text))?,
        side: only.map_or(Ok(Side::NULL), |word| side(&word))?,
        trader_id: words.number("trader")?.unwrap_or(u16::MAX),
        strategy_id: words.number("strategy")?.unwrap_or(u16::MAX),
        ..MassCancel::default()
    }
    .into())
}

/// What else a report says: `exec N`, `of EXEC`, `cum QTY`, `date N`, `order NAME` by its orderId, `reopen`.
fn details(world: &mut World, report: VenueReport, words: &mut Words) -> Result<Command, String> {
    let cum = words.named("cum")?;
    let today = world.engine.firm().map_or(0, |firm| firm.business_date);
    let fills = matches!(
        report.exec_type,
        ExecType::Fill | ExecType::Bust | ExecType::Correct
    );
    let chosen = words.number("exec")?;
    if fills && chosen.is_none() {
        world.next_exec += 1;
    }
    let ref_exec_id = words.number("of")?.unwrap_or(0);
    let order = words.named("order")?;
    let order = order.and_then(|name| world.orders.iter().find(|(_, known)| **known == name));
    Ok(VenueReport {
        order_id: order.map_or(0, |(id, _)| *id),
        venue_exec_id: chosen.unwrap_or(if fills { 1_000 + world.next_exec } else { 0 }),
        ref_exec_id,
        cum_qty: cum.map_or(Ok(Qty::NULL), |text| decimal(&text, 8).map(Qty))?,
        trade_date: words.number("date")?.unwrap_or(today),
        transact_time: Time(world.t),
        venue_id: words.number("venue")?.unwrap_or(1),
        order_session_id: words.number("session")?.unwrap_or(report.order_session_id),
        reopen: if words.flag("reopen") {
            Flag::Yes
        } else {
            Flag::No
        },
        liquidity: Liquidity::Unknown,
        ..report
    }
    .into())
}

/// `ack|fill|cancelled|expired|rejected|replaced|cancel-rejected|replace-rejected|unknown|bust|correct NAME …`
pub(super) fn report(world: &mut World, verb: &str, words: &mut Words) -> Result<Command, String> {
    let exec_type = match verb {
        "ack" => ExecType::New,
        "fill" => ExecType::Fill,
        "replaced" => ExecType::Replaced,
        "cancelled" | "unknown" => ExecType::Cancelled,
        "expired" => ExecType::Expired,
        "rejected" => ExecType::Rejected,
        "cancel-rejected" => ExecType::CancelRejected,
        "replace-rejected" => ExecType::ReplaceRejected,
        "bust" => ExecType::Bust,
        _ => ExecType::Correct,
    };
    let (cl_ord_id, named) = target(world, &words.next("the order")?)?;
    let reason = if verb == "unknown" {
        CancelReason::UnknownAtVenue
    } else if words.flag("unsolicited") {
        CancelReason::Unsolicited
    } else {
        CancelReason::Requested
    };
    let mut report = VenueReport {
        cl_ord_id,
        exec_type,
        reason,
        ..VenueReport::default()
    };
    if let Some(named) = named {
        report.account = named.account;
        report.instrument_id = named.instrument;
        report.order_session_id = named.session;
        report.side = named.side;
    }
    if matches!(
        exec_type,
        ExecType::Fill | ExecType::Bust | ExecType::Correct
    ) {
        report.last_px = price(words)?;
        if words
            .peek()
            .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        {
            report.last_qty = Qty(decimal(&words.next("the quantity")?, 8)?);
        }
    }
    details(world, report, words)
}

/// `stray-fill buy|sell QTY SYMBOL @ PRICE [account N]`: a fill whose order nobody knows.
pub(super) fn stray_fill(world: &mut World, words: &mut Words) -> Result<Command, String> {
    let report = VenueReport {
        exec_type: ExecType::Fill,
        reason: CancelReason::Requested,
        last_px: price(words)?,
        account: words.number("account")?.unwrap_or(0),
        side: side(&words.next("the side")?)?,
        last_qty: Qty(decimal(&words.next("the quantity")?, 8)?),
        instrument_id: world.instrument(&words.next("the instrument")?)?,
        ..VenueReport::default()
    };
    details(world, report, words)
}
