//! The small firm on which the flows run: few accounts and instruments, so that everything collides.

use engine::command::{
    Command, DefineCurrency, DefineDesk, DefineFirm, DefineSession, DefineTrader, Entitle,
    SessionUp,
};
use wire::{
    DayOpen, DefineAccount, DefineInstrument, Factor, Flag, PositionLoad, Price, Qty, Role, SetFx,
    SetMark, SetReference, Text, Time, Topology,
};

use super::random::Random;
use super::value::E8;

/// When the flows begin, in nanoseconds.
pub(crate) const START: u64 = 1_700_000_000_000_000_000;
/// The first business date.
pub(crate) const FIRST_DATE: u32 = 20_260_105;
/// The account for fills that name no account of the firm.
pub(crate) const SUSPENSE: u32 = 9;
pub(crate) const ACCOUNTS: [(u32, u32); 5] = [(1, 1), (2, 1), (3, 2), (4, 2), (SUSPENSE, 2)];
pub(crate) const DESKS: [u32; 2] = [1, 2];
pub(crate) const TRADERS: [u16; 3] = [1, 2, 3];
pub(crate) const RISK: u32 = 31;
/// Other risk managers: another person, and a second session with the key of the first.
pub(crate) const RISK_OF_ANOTHER: u32 = 32;
pub(crate) const RISK_WITH_THE_SAME_KEY: u32 = 33;
pub(crate) const OPS: u32 = 41;

/// A desk's session: id, topology, accounts, traders.
pub(crate) const DESK_SESSIONS: [(u32, Topology, &[u32], &[u16]); 3] = [
    (11, Topology::Inline, &[1, 2], &[1, 2]),
    (12, Topology::Sidecar, &[2, 3], &[2, 3]),
    (13, Topology::Inline, &[3, 4], &[1, 3]),
];
/// A venue's session and its venue.
pub(crate) const VENUE_SESSIONS: [(u32, u16); 2] = [(21, 1), (22, 2)];

/// An instrument of the firm, with the scale of its prices and quantities.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) id: u32,
    pub(crate) group: u32,
    pub(crate) currency: &'static str,
    pub(crate) venue: u16,
    pub(crate) tick: i64,
    pub(crate) lot: i64,
    pub(crate) step: i64,
    pub(crate) multiplier: i64,
    pub(crate) price: i64,
    pub(crate) odd_lot_sell: Flag,
    pub(crate) ord_types: u8,
}

/// Round lots, single shares, fractions, a contract with negative prices and a coin.
pub(crate) const INSTRUMENTS: [Listed; 5] = [
    Listed {
        id: 1,
        group: 1,
        currency: "USD",
        venue: 1,
        tick: E8 / 100,
        lot: 100 * E8,
        step: E8,
        multiplier: E8,
        price: 100 * E8,
        odd_lot_sell: Flag::Yes,
        ord_types: 3,
    },
    Listed {
        id: 2,
        group: 1,
        currency: "USD",
        venue: 1,
        tick: E8 / 100,
        lot: E8,
        step: E8,
        multiplier: E8,
        price: 10 * E8,
        odd_lot_sell: Flag::No,
        ord_types: 3,
    },
    Listed {
        id: 3,
        group: 2,
        currency: "EUR",
        venue: 1,
        tick: E8 / 20,
        lot: E8 / 10,
        step: E8 / 1000,
        multiplier: E8,
        price: 50 * E8,
        odd_lot_sell: Flag::Yes,
        ord_types: 3,
    },
    Listed {
        id: 4,
        group: 2,
        currency: "JPY",
        venue: 2,
        tick: E8,
        lot: E8,
        step: E8,
        multiplier: 10 * E8,
        price: 3 * E8,
        odd_lot_sell: Flag::No,
        ord_types: 3,
    },
    Listed {
        id: 5,
        group: 3,
        currency: "EUR",
        venue: 2,
        tick: E8 / 2,
        lot: E8 / 100,
        step: E8 / 10_000,
        multiplier: E8 + 12_345,
        price: 30_000 * E8,
        odd_lot_sell: Flag::No,
        ord_types: 2,
    },
];

/// Currencies besides the base with their rates.
pub(crate) const CURRENCIES: [(&str, i64); 2] = [("EUR", 108_765_432), ("JPY", 667_788)];

/// What differs from firm to firm.
#[derive(Debug, Clone)]
pub(crate) struct Traits {
    /// Whether loosening takes two people.
    pub(crate) two_person: bool,
    /// Size of the table of execution ids.
    pub(crate) executions: u32,
    /// Whether sales are checked, by instrument.
    pub(crate) short_sale_check: [bool; 5],
    /// Average daily volume in lots, by instrument.
    pub(crate) volume: [Option<i64>; 5],
    /// Self-match group and whether the check is off, by account.
    pub(crate) self_match: [(u32, bool); 5],
}

impl Traits {
    /// Those of one seed: one firm in twenty has a small table.
    pub(crate) fn of(seed: u64, random: &mut Random) -> Self {
        let quiet = random.chance(50);
        Self {
            two_person: seed % 10 < 3,
            executions: if seed % 20 == 7 { 20 } else { 4_096 },
            short_sale_check: std::array::from_fn(|_| random.chance(25)),
            volume: std::array::from_fn(|_| random.chance(60).then(|| random.between(50, 3_000))),
            self_match: std::array::from_fn(|_| {
                (random.pick(&[0, 0, 700, 800]), quiet || random.chance(50))
            }),
        }
    }

    /// The definition of an instrument under these traits.
    pub(crate) fn instrument(&self, listed: &Listed) -> DefineInstrument {
        let at = INSTRUMENTS.iter().position(|i| i.id == listed.id);
        let at = at.unwrap_or(0);
        DefineInstrument {
            tick: Price(listed.tick),
            lot: Qty(listed.lot),
            qty_step: Qty(listed.step),
            multiplier: Factor(listed.multiplier),
            average_daily_volume: self.volume[at].map_or(Qty::NULL, |lots| Qty(lots * listed.lot)),
            instrument_id: listed.id,
            product_group: listed.group,
            currency: Text::new(listed.currency),
            venue_id: listed.venue,
            odd_lot_sell: listed.odd_lot_sell,
            short_sale_check: flag(self.short_sale_check[at]),
            ord_types: listed.ord_types,
            symbol: Text::new(&format!("I{}", listed.id)),
            ..DefineInstrument::default()
        }
    }
}

pub(crate) fn flag(yes: bool) -> Flag {
    if yes { Flag::Yes } else { Flag::No }
}

/// The commands that build the firm, without its limits, loads and the opening of the day.
pub(crate) fn firm(traits: &Traits) -> Vec<Command> {
    let mut out: Vec<Command> = vec![
        DefineFirm {
            instance: Text::new("model"),
            name: Text::new("Model firm"),
            base_currency: Text::new("USD"),
            accounts: 64,
            instruments: 64,
            orders: 4_096,
            rows: 4_096,
            executions: traits.executions,
            limits: 4_096,
            sessions: 64,
            two_person: flag(traits.two_person),
            reserved1: 0,
            reserved2: 0,
        }
        .into(),
    ];
    for (currency, rate) in [("USD", None)]
        .into_iter()
        .chain(CURRENCIES.iter().map(|(c, r)| (*c, Some(*r))))
    {
        out.push(
            DefineCurrency {
                currency: Text::new(currency),
                max_age_ns: rate.map_or(u64::MAX, |_| 30_000_000_000),
            }
            .into(),
        );
        if let Some(rate) = rate {
            out.push(fx(currency, Some(rate), START));
        }
    }
    for i in &INSTRUMENTS {
        out.push(traits.instrument(i).into());
        out.push(reference(i.id, Some(i.price), START));
        out.push(mark(i.id, Some(i.price)));
    }
    for desk_id in DESKS {
        let name = Text::new("desk");
        out.push(DefineDesk { desk_id, name }.into());
    }
    for ((account, desk_id), own) in ACCOUNTS.into_iter().zip(traits.self_match) {
        out.push(account_at(account, desk_id, own));
    }
    for trader_id in TRADERS {
        out.push(
            DefineTrader {
                trader_id,
                reserved: 0,
                name: Text::new("trader"),
            }
            .into(),
        );
    }
    let session = |session_id, role, topology, venue_id| {
        Command::from(DefineSession {
            session_id,
            key_id: session_id,
            public_key: Text::new(&key_of(session_id)),
            person: Text::new(person_of(session_id)),
            name: Text::new("session"),
            role,
            topology,
            venue_id,
        })
    };
    for (id, topology, accounts, traders) in DESK_SESSIONS {
        out.push(session(id, Role::Desk, topology, 0));
        out.extend(
            accounts
                .iter()
                .map(|a| entitle(id, Some(*a), None, Flag::Yes)),
        );
        out.extend(
            traders
                .iter()
                .map(|t| entitle(id, None, Some(*t), Flag::Yes)),
        );
    }
    for (id, venue) in VENUE_SESSIONS {
        out.push(session(id, Role::Venue, Topology::NULL, venue));
    }
    for id in [RISK, RISK_OF_ANOTHER, RISK_WITH_THE_SAME_KEY] {
        out.push(session(id, Role::Risk, Topology::NULL, 0));
    }
    out.push(session(OPS, Role::Ops, Topology::NULL, 0));
    out.extend(sessions().map(up));
    out
}

/// A key of its own for each session but one.
fn key_of(session_id: u32) -> String {
    let of = match session_id {
        RISK_WITH_THE_SAME_KEY => RISK,
        id => id,
    };
    format!("{of:02x}").repeat(32)
}

/// Ada has a session of risk and that of ops.
fn person_of(session_id: u32) -> &'static str {
    match session_id {
        RISK | OPS => "ada",
        RISK_OF_ANOTHER => "bob",
        _ => "",
    }
}

/// Every session of the firm.
pub(crate) fn sessions() -> impl Iterator<Item = u32> {
    let desks = DESK_SESSIONS.iter().map(|(id, ..)| *id);
    desks
        .chain(VENUE_SESSIONS.iter().map(|(id, _)| *id))
        .chain([RISK, RISK_OF_ANOTHER, RISK_WITH_THE_SAME_KEY, OPS])
}

pub(crate) fn up(session_id: u32) -> Command {
    up_with(session_id, wire::CodMode::Off, 0)
}

/// A logon with cancel on disconnect after a grace.
pub(crate) fn up_with(session_id: u32, cod_mode: wire::CodMode, cod_grace_ms: u32) -> Command {
    SessionUp {
        session_id,
        key_id: session_id,
        cod_mode,
        cod_grace_ms,
        app_name: Text::new("model"),
        ..SessionUp::default()
    }
    .into()
}

pub(crate) fn entitle(
    session_id: u32,
    account: Option<u32>,
    trader: Option<u16>,
    allow: Flag,
) -> Command {
    Entitle {
        session_id,
        account: account.unwrap_or(u32::MAX),
        trader_id: trader.unwrap_or(u16::MAX),
        allow,
        reserved: 0,
    }
    .into()
}

/// An account at a desk, with its self-match group and whether the check is off.
pub(crate) fn account_at(account: u32, desk_id: u32, (group, off): (u32, bool)) -> Command {
    DefineAccount {
        account,
        desk_id,
        self_match_group: group,
        self_match_off: flag(off),
        suspense: flag(account == SUSPENSE),
        name: Text::new("account"),
        ..DefineAccount::default()
    }
    .into()
}

pub(crate) fn reference(instrument_id: u32, price: Option<i64>, feed_time: u64) -> Command {
    SetReference {
        price: price.map_or(Price::NULL, Price),
        feed_time: Time(feed_time),
        instrument_id,
        ..SetReference::default()
    }
    .into()
}

pub(crate) fn mark(instrument_id: u32, price: Option<i64>) -> Command {
    SetMark {
        price: price.map_or(Price::NULL, Price),
        instrument_id,
        ..SetMark::default()
    }
    .into()
}

pub(crate) fn fx(currency: &str, rate: Option<i64>, rate_time: u64) -> Command {
    SetFx {
        rate: rate.map_or(Factor::NULL, Factor),
        rate_time: Time(rate_time),
        currency: Text::new(currency),
        ..SetFx::default()
    }
    .into()
}

/// A batch of start-of-day positions; the last row completes it.
pub(crate) fn load(random: &mut Random, batch_id: u64, business_date: u32) -> Vec<Command> {
    let mut out = Vec::new();
    for (account, _) in ACCOUNTS {
        for i in &INSTRUMENTS {
            if random.chance(35) {
                let lots = random.between(-6, 6);
                let odd = i.step * random.between(0, 2);
                out.push(
                    PositionLoad {
                        batch_id,
                        qty: Qty(i.lot * lots + odd),
                        business_date,
                        account,
                        instrument_id: i.id,
                        last: Flag::No,
                        ..PositionLoad::default()
                    }
                    .into(),
                );
            }
        }
    }
    out.push(
        PositionLoad {
            batch_id,
            business_date,
            last: Flag::Yes,
            ..PositionLoad::default()
        }
        .into(),
    );
    out
}

pub(crate) fn day_open(business_date: u32) -> Command {
    DayOpen {
        business_date,
        ..DayOpen::default()
    }
    .into()
}
