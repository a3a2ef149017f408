//! Limits, trading states, prices, permissions, the day: what risk and ops say.

use super::say;
use super::text::{Words, decimal, duration, whole};
use super::world::World;
use engine::command::{Command, Entitle};
use wire::{
    Adjust, AdjustKind, Amount, CashLoad, DayOpen, DayRoll, DefineAccount, DefineInstrument,
    Factor, Flag, LimitKind, LimitMode, LocateLoad, LocateWhat, MmpReset, OrdType, Permit,
    PositionLoad, Price, Qty, Reconcile, ReconcileWhat, SetFx, SetLimit, SetMark, SetReference,
    SetState, Text, Time, TradingState, Unit,
};

fn yes(flag: bool) -> Flag {
    if flag { Flag::Yes } else { Flag::No }
}

fn reason<const N: usize>(words: &mut Words) -> Result<Text<N>, String> {
    let text = words.named("reason")?;
    Ok(Text::new(text.as_deref().unwrap_or("scenario")))
}

/// `limit SCOPE KIND SELECTOR VALUE [per WINDOW] [version N] [shadow] [until +TIME] [warn A/B/C]`
///
/// VALUE: a decimal, `unlimited`, `none`, `500bps`, `3ticks`, `2fills`, `10qty`, `1000halt` (a loss that
/// halts), or a duration for an age.
pub(super) fn limit(world: &World, words: &mut Words) -> Result<Command, String> {
    let window = words.named("per")?;
    let until = words.named("until")?;
    let warn = words.named("warn")?;
    let version = words.number("version")?;
    let shadow = words.flag("shadow");
    let reason = reason(words)?;
    let (scope, scope_id) = world.scope(words)?;
    let kind = words.next("the kind")?;
    let limit_kind = LimitKind::DEF.value_of(&kind).map(LimitKind);
    let limit_kind = limit_kind.ok_or_else(|| format!("{kind} is not a kind of limit"))?;
    let (selector, selector_id) = world.selector(words)?;
    let text = words.next("the value")?;
    let collar = limit_kind == LimitKind::PriceCollar;
    let (value, unit) = if text == "unlimited" || text == "none" {
        let unit = if collar {
            Unit::BasisPoints
        } else {
            Unit::Natural
        };
        (if text == "none" { i64::MIN } else { i64::MAX }, unit)
    } else if let Some(digits) = text.strip_suffix("bps") {
        (whole(digits)?, Unit::BasisPoints)
    } else if let Some(digits) = text.strip_suffix("ticks") {
        (whole(digits)?, Unit::Ticks)
    } else if let Some(digits) = text.strip_suffix("fills") {
        (whole(digits)?, Unit::Fills)
    } else if let Some(digits) = text.strip_suffix("qty") {
        (decimal(digits, 8)?, Unit::Quantity)
    } else if let Some(digits) = text.strip_suffix("halt") {
        (decimal(digits, say::places(limit_kind))?, Unit::Halt)
    } else if limit_kind == LimitKind::ReferenceMaxAge {
        let ns = i64::try_from(duration(&text)?).map_err(|e| e.to_string())?;
        (ns, Unit::Natural)
    } else {
        (decimal(&text, say::places(limit_kind))?, Unit::Natural)
    };
    let in_force =
        world
            .engine
            .limit_version((scope, scope_id), (selector, selector_id), limit_kind);
    let mut levels = [0; 3];
    if let Some(warn) = warn {
        for (level, text) in levels.iter_mut().zip(warn.split('/')) {
            *level = whole(text)?;
        }
    }
    let expires = match until.as_deref().map(|text| text.trim_start_matches('+')) {
        Some(text) => world.t + duration(text)?,
        None => 0,
    };
    Ok(SetLimit {
        value,
        window_ns: window.map_or(Ok(0), |text| duration(&text))?,
        expires_at: Time(expires),
        expected_version: version.unwrap_or(in_force),
        scope_id,
        selector_id,
        scope,
        limit_kind,
        selector,
        unit,
        mode: if shadow {
            LimitMode::Shadow
        } else {
            LimitMode::Enforced
        },
        warn1: levels[0],
        warn2: levels[1],
        warn3: levels[2],
        reason,
        ..SetLimit::default()
    }
    .into())
}

/// `state SCOPE Active|ReduceOnly|Halted [cancel] [version N]`
pub(super) fn state(world: &World, words: &mut Words) -> Result<Command, String> {
    let cancel = words.flag("cancel");
    let version = words.number("version")?;
    let reason = reason(words)?;
    let (scope, scope_id) = world.scope(words)?;
    let name = words.next("the state")?;
    let state = TradingState::DEF.value_of(&name).map(TradingState);
    let in_force = world
        .engine
        .states()
        .find(|known| (known.scope, known.scope_id) == (scope, scope_id))
        .map_or(0, |known| known.version);
    Ok(SetState {
        expected_version: version.unwrap_or(in_force),
        scope,
        scope_id,
        state: state.ok_or_else(|| format!("{name} is not a state"))?,
        cancel_open: yes(cancel),
        reason,
        ..SetState::default()
    }
    .into())
}

fn price_or_none(words: &mut Words) -> Result<Price, String> {
    match words.next("the price")?.as_str() {
        "none" => Ok(Price::NULL),
        text => decimal(text, 8).map(Price),
    }
}

/// `age DURATION` or `ahead DURATION`; else now.
fn stamp(world: &World, words: &mut Words) -> Result<Time, String> {
    let mut read = |word| match words.named(word)? {
        Some(text) => duration(&text),
        None => Ok(0),
    };
    let (age, ahead) = (read("age")?, read("ahead")?);
    Ok(Time(world.t + ahead - age))
}

/// `reference SYMBOL PRICE|none [age DURATION | ahead DURATION]`
pub(super) fn reference(world: &World, words: &mut Words) -> Result<Command, String> {
    let feed_time = stamp(world, words)?;
    Ok(SetReference {
        instrument_id: world.instrument(&words.next("the instrument")?)?,
        price: price_or_none(words)?,
        feed_time,
        ..SetReference::default()
    }
    .into())
}

/// `mark SYMBOL PRICE|none`
pub(super) fn mark(world: &World, words: &mut Words) -> Result<Command, String> {
    Ok(SetMark {
        instrument_id: world.instrument(&words.next("the instrument")?)?,
        price: price_or_none(words)?,
        ..SetMark::default()
    }
    .into())
}

/// `rate CURRENCY RATE|none [age DURATION] [maxage DURATION]`
pub(super) fn rate(world: &World, words: &mut Words) -> Result<Command, String> {
    let rate_time = stamp(world, words)?;
    let max_age = words.named("maxage")?;
    Ok(SetFx {
        currency: Text::new(&words.next("the currency")?),
        rate: Factor(price_or_none(words)?.0),
        rate_time,
        max_age_ns: max_age.map_or(Ok(u64::MAX), |text| duration(&text))?,
        ..SetFx::default()
    }
    .into())
}

/// `instrument SYMBOL id N [tick P] [lot Q] [step Q] [multiplier F] [group N] [currency C] [types N] …`
///
/// What is not said stays as it is, or is as for ACME.
pub(super) fn instrument(world: &mut World, words: &mut Words) -> Result<Command, String> {
    let symbol = words.next("the symbol")?;
    let id = match words.number("id")? {
        Some(id) => id,
        None => world.instrument(&symbol)?,
    };
    let known = |id| {
        let mut all = world.engine.instruments();
        all.find(|view| view.definition.instrument_id == id)
    };
    let base = known(id)
        .or_else(|| known(1))
        .ok_or("the firm comes first")?;
    let mut d = DefineInstrument {
        instrument_id: id,
        symbol: Text::new(&symbol),
        ..base.definition
    };
    for (name, place) in [
        ("tick", &mut d.tick.0),
        ("lot", &mut d.lot.0),
        ("step", &mut d.qty_step.0),
        ("multiplier", &mut d.multiplier.0),
        ("adv", &mut d.average_daily_volume.0),
    ] {
        if let Some(text) = words.named(name)? {
            *place = decimal(&text, 8)?;
        }
    }
    d.product_group = words.number("group")?.unwrap_or(d.product_group);
    d.venue_id = words.number("venue")?.unwrap_or(d.venue_id);
    d.ord_types = words.number("types")?.unwrap_or(d.ord_types);
    if let Some(text) = words.named("currency")? {
        d.currency = Text::new(&text);
    }
    if words.flag("short-sale-check") {
        d.short_sale_check = Flag::Yes;
    }
    world.symbols.insert(symbol, id);
    Ok(d.into())
}

/// `account N desk N [group N] [selfmatch] [suspense]`
pub(super) fn account(words: &mut Words) -> Result<Command, String> {
    Ok(DefineAccount {
        account: whole(&words.next("the account")?)?,
        desk_id: words.number("desk")?.ok_or("which desk?")?,
        self_match_group: words.number("group")?.unwrap_or(0),
        self_match_off: yes(!words.flag("selfmatch")),
        suspense: yes(words.flag("suspense")),
        ..DefineAccount::default()
    }
    .into())
}

/// `permit|forbid SCOPE SELECTOR [type Market|Limit]`
pub(super) fn permit(world: &World, allow: bool, words: &mut Words) -> Result<Command, String> {
    let ord_type = words.named("type")?;
    let ord_type = ord_type.map_or(Some(u8::MAX), |name| OrdType::DEF.value_of(&name));
    let reason = reason(words)?;
    let (scope, scope_id) = world.scope(words)?;
    let (selector, selector_id) = world.selector(words)?;
    Ok(Permit {
        scope,
        scope_id,
        selector,
        selector_id,
        ord_type: OrdType(ord_type.ok_or("that is not an order type")?),
        allow: yes(allow),
        reason,
        ..Permit::default()
    }
    .into())
}

/// `entitle|withdraw SESSION account N | trader N`
pub(super) fn entitle(world: &World, allow: bool, words: &mut Words) -> Result<Command, String> {
    Ok(Entitle {
        session_id: world.session(&words.next("the session")?)?,
        account: words.number("account")?.unwrap_or(u32::MAX),
        trader_id: words.number("trader")?.unwrap_or(u16::MAX),
        allow: yes(allow),
        reserved: 0,
    }
    .into())
}

/// `load batch N date D [account N SYMBOL QTY] [last]`
pub(super) fn load(world: &World, words: &mut Words) -> Result<Command, String> {
    let last = words.flag("last");
    let batch_id = words.number("batch")?.ok_or("which batch?")?;
    let business_date = words.number("date")?.ok_or("which date?")?;
    let mut load = PositionLoad {
        batch_id,
        business_date,
        last: yes(last),
        ..PositionLoad::default()
    };
    if let Some(account) = words.number("account")? {
        load.account = account;
        load.instrument_id = world.instrument(&words.next("the instrument")?)?;
        load.qty = Qty(decimal(&words.next("the quantity")?, 8)?);
    }
    Ok(load.into())
}

/// `open DATE`
pub(super) fn open(words: &mut Words) -> Result<Command, String> {
    Ok(DayOpen {
        business_date: whole(&words.next("the date")?)?,
        ..DayOpen::default()
    }
    .into())
}

/// `roll DATE`
pub(super) fn roll(words: &mut Words) -> Result<Command, String> {
    Ok(DayRoll {
        business_date: whole(&words.next("the date")?)?,
        ..DayRoll::default()
    }
    .into())
}

/// `reconcile NAME leaves QTY [reason WORDS]` or `reconcile restart`
pub(super) fn reconcile(world: &World, words: &mut Words) -> Result<Command, String> {
    let given = words.named("reason")?;
    let reason = Text::new(given.as_deref().unwrap_or(""));
    let leaves = words.named("leaves")?;
    let what = words.next("what to reconcile")?;
    if what == "restart" {
        return Ok(Reconcile {
            what: ReconcileWhat::Restart,
            reason,
            ..Reconcile::default()
        }
        .into());
    }
    let order = world.orders.iter().find(|(_, name)| **name == what);
    Ok(Reconcile {
        what: ReconcileWhat::Order,
        order_id: order.map_or(999_999, |(id, _)| *id),
        leaves_qty: Qty(decimal(&leaves.ok_or("how much is left?")?, 8)?),
        reason,
        ..Reconcile::default()
    }
    .into())
}

/// `settled|locates ACCOUNT SYMBOL QTY [date D]`
pub(super) fn locates(world: &World, verb: &str, words: &mut Words) -> Result<Command, String> {
    let today = world.engine.firm().map_or(0, |firm| firm.business_date);
    Ok(LocateLoad {
        business_date: words.number("date")?.unwrap_or(today),
        account: whole(&words.next("the account")?)?,
        instrument_id: world.instrument(&words.next("the instrument")?)?,
        qty: Qty(decimal(&words.next("the quantity")?, 8)?),
        what: if verb == "settled" {
            LocateWhat::Settled
        } else {
            LocateWhat::Locates
        },
        ..LocateLoad::default()
    }
    .into())
}

/// `cash ACCOUNT CURRENCY AMOUNT`
pub(super) fn cash(world: &World, words: &mut Words) -> Result<Command, String> {
    let today = world.engine.firm().map_or(0, |firm| firm.business_date);
    Ok(CashLoad {
        account: whole(&words.next("the account")?)?,
        currency: Text::new(&words.next("the currency")?),
        amount: Amount(decimal(&words.next("the amount")?, 4)?),
        business_date: today,
        ..CashLoad::default()
    }
    .into())
}

/// `mmpreset account N group N`
pub(super) fn mmp_reset(words: &mut Words) -> Result<Command, String> {
    Ok(MmpReset {
        account: words.number("account")?.ok_or("which account?")?,
        product_group: words.number("group")?.ok_or("which group?")?,
        ..MmpReset::default()
    }
    .into())
}

/// `override SYMBOL CHANGE account N id N` or `split SYMBOL NEW for OLD id N`, `[reason WORDS] [approver NAME]`
pub(super) fn adjust(world: &World, verb: &str, words: &mut Words) -> Result<Command, String> {
    let said = |text: Option<String>, default: &str| text.unwrap_or_else(|| default.to_owned());
    let mut adjust = Adjust {
        adjust_id: words.number("id")?.ok_or("which id?")?,
        reason: Text::new(&said(words.named("reason")?, "scenario")),
        approver: Text::new(&said(words.named("approver")?, "second")),
        account: words.number("account")?.unwrap_or(u32::MAX),
        ..Adjust::default()
    };
    if verb == "split" {
        let old = words.number("for")?.ok_or("for how many?")?;
        (adjust.kind, adjust.denominator) = (AdjustKind::Split, old);
        adjust.qty = Qty::NULL;
        adjust.instrument_id = world.instrument(&words.next("the instrument")?)?;
        adjust.numerator = whole(&words.next("how many new ones")?)?;
    } else {
        adjust.kind = AdjustKind::Position;
        adjust.instrument_id = world.instrument(&words.next("the instrument")?)?;
        adjust.qty = Qty(decimal(&words.next("the change")?, 8)?);
    }
    Ok(adjust.into())
}
