//! The firm in which a scenario begins, and the changes a scenario makes to who and what there is.
//!
//! ```text
//! desk 1   accounts 1, 2        ACME   USD, tick 0.01, lot 1, group 1
//! desk 2   account 3            ODDS   USD, tick 0.01, lot 100, odd lots may be sold, group 1
//! desk 9   account 99: suspense EURO   EUR, tick 0.01, lot 1, group 2; one euro is 1.25 dollars
//! traders  7, 8                 FUT    USD, tick 0.25, lot 1, multiplier 50, group 3
//! ```
//! Sessions `desk1` (accounts 1 and 2) and `desk2` (account 3) stand inline, `side` (account 2) as a
//! sidecar; `venue`, `risk` and `ops`. All are up, the day 2026-01-05 is open, every reference price and
//! mark is 100, and each limit that must be set is "unlimited" at the firm.

use super::text::{Words, duration};
use super::world::{Sender, World};
use engine::command::{
    Command, DefineCurrency, DefineDesk, DefineFirm, DefineSession, DefineTrader, Entitle,
    SessionDown, SessionUp, Started,
};
use engine::decision::Outcome;
use wire::{
    CodMode, DayOpen, DefineAccount, DefineInstrument, E8, Factor, Flag, LimitKind, PositionLoad,
    Price, Qty, Role, Scope, Selector, SetFx, SetLimit, SetMark, SetReference, SetTwoPerson, Text,
    Time, Topology, Unit,
};

/// Business date of a new scenario.
pub(super) const DATE: u32 = 20_260_105;

const SESSIONS: [(&str, u32, Role, Topology, u16); 6] = [
    ("desk1", 1, Role::Desk, Topology::Inline, 0),
    ("desk2", 2, Role::Desk, Topology::Inline, 0),
    ("side", 3, Role::Desk, Topology::Sidecar, 0),
    ("venue", 10, Role::Venue, Topology::NULL, 1),
    ("risk", 20, Role::Risk, Topology::NULL, 0),
    ("ops", 30, Role::Ops, Topology::NULL, 0),
];

const REQUIRED: [LimitKind; 7] = [
    LimitKind::MaxOrderQty,
    LimitKind::MaxOrderNotional,
    LimitKind::PriceCollar,
    LimitKind::OrderRate,
    LimitKind::MaxLong,
    LimitKind::MaxShort,
    LimitKind::GrossNotional,
];

fn build(world: &mut World, command: impl Into<engine::command::Command>) -> Result<(), String> {
    let command = command.into();
    let decision = world.apply(Sender::default(), command);
    if decision.outcome == Outcome::Applied {
        return Ok(());
    }
    Err(format!(
        "{}: {} {}",
        command.layout().name,
        decision.outcome.name(),
        decision.code
    ))
}

/// Sessions of role risk besides `risk`, and of whom, where loosening takes two people.
const PEOPLE: [(&str, u32, &str); 3] = [
    ("risk", 20, "ada"),
    ("risk2", 21, "bob"),
    ("ada2", 22, "ada"),
];

/// `firm [orders N] [executions N] [rows N] [limits N] [crowd N] [unopened] [two-person]`: the firm as drawn above; with
/// a crowd of N, desk 9 has the accounts 101, 102 and so on besides, each with one ACME and one EURO; with
/// `two-person` Ada has the sessions `risk` and `ada2`, Bob has `risk2`, and loosening takes both.
pub(super) fn firm(world: &mut World, mut words: Words) -> Result<(), String> {
    let table = |size: Option<u32>| size.unwrap_or(1_000);
    let crowd = words.number("crowd")?.unwrap_or(0);
    let define = DefineFirm {
        instance: Text::new("scenario"),
        name: Text::new("Scenario"),
        base_currency: Text::new("USD"),
        accounts: 10 + crowd,
        instruments: 10,
        orders: table(words.number("orders")?),
        rows: table(words.number("rows")?),
        executions: table(words.number("executions")?),
        limits: words.number("limits")?.unwrap_or(200),
        sessions: 10,
        ..DefineFirm::default()
    };
    let opened = !words.flag("unopened");
    let two_person = words.flag("two-person");
    words.finish()?;
    build(world, define)?;
    build(
        world,
        DefineCurrency {
            currency: Text::new("EUR"),
            max_age_ns: 60_000_000_000,
        },
    )?;
    for desk_id in [1, 2, 9] {
        let name = Text::new("");
        build(world, DefineDesk { desk_id, name })?;
    }
    for (account, desk_id) in [(1, 1), (2, 1), (3, 2), (99, 9)] {
        let suspense = if account == 99 { Flag::Yes } else { Flag::No };
        build(
            world,
            DefineAccount {
                account,
                desk_id,
                suspense,
                // Self match has a scenario of its own; elsewhere it would refuse what others teach.
                self_match_off: Flag::Yes,
                ..DefineAccount::default()
            },
        )?;
    }
    for trader_id in [7, 8] {
        build(
            world,
            DefineTrader {
                trader_id,
                reserved: 0,
                name: Text::new(""),
            },
        )?;
    }
    sessions(world)?;
    let odd = DefineInstrument {
        odd_lot_sell: Flag::Yes,
        ..instrument_of("ODDS", 2, 1, "USD")
    };
    let future = DefineInstrument {
        tick: Price(E8 / 4),
        multiplier: Factor(50 * E8),
        ..instrument_of("FUT", 4, 3, "USD")
    };
    for definition in [
        instrument_of("ACME", 1, 1, "USD"),
        DefineInstrument {
            lot: Qty(100 * E8),
            ..odd
        },
        instrument_of("EURO", 3, 2, "EUR"),
        future,
    ] {
        let id = definition.instrument_id;
        world.symbols.insert(definition.symbol.to_string(), id);
        build(world, definition)?;
        build(
            world,
            SetReference {
                instrument_id: id,
                price: Price(100 * E8),
                feed_time: Time(world.t),
                ..SetReference::default()
            },
        )?;
        build(
            world,
            SetMark {
                instrument_id: id,
                price: Price(100 * E8),
                ..SetMark::default()
            },
        )?;
    }
    build(
        world,
        SetFx {
            currency: Text::new("EUR"),
            rate: Factor(E8 + E8 / 4),
            rate_time: Time(world.t),
            ..SetFx::default()
        },
    )?;
    for limit_kind in REQUIRED {
        let unit = if limit_kind == LimitKind::PriceCollar {
            Unit::BasisPoints
        } else {
            Unit::Natural
        };
        build(
            world,
            SetLimit {
                scope: Scope::Firm,
                selector: Selector::All,
                limit_kind,
                unit,
                value: i64::MAX,
                mode: wire::LimitMode::Enforced,
                ..SetLimit::default()
            },
        )?;
    }
    for account in (101..).take(crowd as usize) {
        gather(world, account)?;
    }
    if opened {
        let last = PositionLoad {
            batch_id: 1,
            business_date: DATE,
            last: Flag::Yes,
            ..PositionLoad::default()
        };
        build(world, last)?;
        build(
            world,
            DayOpen {
                business_date: DATE,
                ..DayOpen::default()
            },
        )?;
    }
    if two_person {
        for (name, session_id, person) in PEOPLE {
            let define = DefineSession {
                session_id,
                key_id: 1,
                name: Text::new(name),
                role: Role::Risk,
                person: Text::new(person),
                ..DefineSession::default()
            };
            build(world, define)?;
            world.sessions.insert(name.to_owned(), session_id);
        }
        for session_id in [21, 22] {
            build(world, up(session_id))?;
        }
        let on = SetTwoPerson {
            on: Flag::Yes,
            ..SetTwoPerson::default()
        };
        build(world, on)?;
    }
    world.sent.clear();
    world.next_request = 1;
    Ok(())
}

/// One account of the crowd.
fn gather(world: &mut World, account: u32) -> Result<(), String> {
    let define = DefineAccount {
        account,
        desk_id: 9,
        self_match_off: Flag::Yes,
        ..DefineAccount::default()
    };
    build(world, define)?;
    for symbol in ["ACME", "EURO"] {
        let held = PositionLoad {
            batch_id: 1,
            business_date: DATE,
            account,
            instrument_id: world.instrument(symbol)?,
            qty: Qty(E8),
            ..PositionLoad::default()
        };
        build(world, held)?;
    }
    Ok(())
}

/// An instrument at tick 0.01 and lot 1.
fn instrument_of(symbol: &str, id: u32, group: u32, currency: &str) -> DefineInstrument {
    DefineInstrument {
        tick: Price(E8 / 100),
        lot: Qty(E8),
        qty_step: Qty(E8),
        multiplier: Factor(E8),
        instrument_id: id,
        product_group: group,
        currency: Text::new(currency),
        venue_id: 1,
        ord_types: 3,
        symbol: Text::new(symbol),
        ..DefineInstrument::default()
    }
}

fn sessions(world: &mut World) -> Result<(), String> {
    for (name, session_id, role, topology, venue_id) in SESSIONS {
        build(
            world,
            DefineSession {
                session_id,
                key_id: 1,
                public_key: Text::new(""),
                name: Text::new(name),
                role,
                topology,
                venue_id,
                person: Text::default(),
            },
        )?;
        world.sessions.insert(name.to_owned(), session_id);
    }
    for (session_id, accounts) in [(1, &[1, 2][..]), (2, &[3]), (3, &[2])] {
        let entitle = |account: u32, trader_id: u16| Entitle {
            session_id,
            account,
            trader_id,
            allow: Flag::Yes,
            reserved: 0,
        };
        for account in accounts {
            build(world, entitle(*account, u16::MAX))?;
        }
        for trader in [7, 8] {
            build(world, entitle(u32::MAX, trader))?;
        }
    }
    let started = started(world, false);
    build(world, started)?;
    for (_, session_id, ..) in SESSIONS {
        build(world, up(session_id))?;
    }
    Ok(())
}

/// A logon of a session.
pub(super) fn up(session_id: u32) -> SessionUp {
    SessionUp {
        session_id,
        key_id: 1,
        cod_mode: CodMode::Off,
        ..SessionUp::default()
    }
}

/// The end of a session's connection.
pub(super) fn down(session_id: u32) -> SessionDown {
    SessionDown {
        session_id,
        ..SessionDown::default()
    }
}

/// `up SESSION [cod off|disconnect|terminate|both] [grace DURATION]`
pub(super) fn logon(world: &World, words: &mut Words) -> Result<Command, String> {
    let grace = words.named("grace")?;
    let grace_ns = grace.map_or(Ok(0), |text| duration(&text))?;
    let cod_mode = match words.named("cod")?.as_deref() {
        None | Some("off") => CodMode::Off,
        Some("disconnect") => CodMode::Disconnect,
        Some("terminate") => CodMode::Terminate,
        Some("both") => CodMode::Both,
        Some(other) => return Err(format!("{other} is not a way to cancel on disconnect")),
    };
    let session_id = world.session(&words.next("the session")?)?;
    Ok(SessionUp {
        cod_mode,
        cod_grace_ms: u32::try_from(grace_ns / 1_000_000).map_err(|e| e.to_string())?,
        ..up(session_id)
    }
    .into())
}

/// `down SESSION [broken]`: an orderly end, or a connection that broke.
pub(super) fn logoff(world: &World, words: &mut Words) -> Result<Command, String> {
    let broken = words.flag("broken");
    let session_id = world.session(&words.next("the session")?)?;
    let code = if broken {
        wire::RejectCode::Disconnected.number()
    } else {
        0
    };
    Ok(SessionDown {
        code,
        ..down(session_id)
    }
    .into())
}

/// A start of the server on the same journal.
pub(super) fn started(world: &World, lossy: bool) -> Started {
    let flag = |yes| if yes { Flag::Yes } else { Flag::No };
    Started {
        epoch: if lossy { 2 } else { 1 },
        server_time: Time(world.t),
        rules_version: 1,
        ack: 1,
        clean: flag(!lossy),
        restricted: flag(lossy),
        clock_commanded: Flag::Yes,
        ..Started::default()
    }
}
