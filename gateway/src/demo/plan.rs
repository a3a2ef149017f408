//! The demo's firm: who takes part, and the TOML file that founds it.
//!
//! Two desks trade the flow, a third one sends deliberate mistakes for accounts that exist only for
//! them, so that every refusal is seen and none disturbs the flow.

use gateway::flow::{Attribution, FlowInstrument};
use portcullis_client::{SigningKey, keys};
use std::fmt::Write;
use std::num::NonZeroU32;
use wire::Role;

/// Name of the demo's instance.
pub(super) const INSTANCE: &str = "demo";
/// Accounts that the flow is attributed to.
pub(super) const ACCOUNTS: u32 = 8;
/// The venue that the flow trades at.
pub(super) const VENUE: u16 = 1;

/// Session of the inline desk.
pub(super) const INLINE: u32 = 1;
/// Session of the sidecar desk.
pub(super) const SIDECAR: u32 = 2;
/// Session of the desk that makes mistakes; sidecar.
pub(super) const PROBE: u32 = 3;
/// Session of the venue simulator.
pub(super) const VENUE_SESSION: u32 = 11;
/// Session of the risk manager.
pub(super) const RISK: u32 = 21;
/// Session of ops.
pub(super) const OPS: u32 = 22;

/// Accounts of the probe desk, each with one tight limit.
pub(super) mod probe {
    pub(crate) const FREE: u32 = 50;
    pub(crate) const FORBIDDEN: u32 = 51;
    pub(crate) const RATE: u32 = 52;
    pub(crate) const AGE: u32 = 53;
    pub(crate) const COLLAR: u32 = 54;
    pub(crate) const NOTIONAL: u32 = 55;
    pub(crate) const OPEN_ORDERS: u32 = 56;
    pub(crate) const POSITION: u32 = 57;
    pub(crate) const REDUCE: u32 = 58;
    pub(crate) const GROSS: u32 = 59;
    pub(crate) const NET_LONG: u32 = 60;
    pub(crate) const NET_SHORT: u32 = 61;
    /// Without MaxShort.
    pub(crate) const UNSET: u32 = 62;
    pub(crate) const QTY: u32 = 63;
    /// The first and the last of them.
    pub(crate) const RANGE: std::ops::RangeInclusive<u32> = FREE..=QTY;
    /// Trader of the probe desk.
    pub(crate) const TRADER: u16 = 9;
    /// Price 100, tick 0.01, lot 1.
    pub(crate) const PLAIN: u32 = 90;
    /// Without a reference price.
    pub(crate) const NO_REFERENCE: u32 = 91;
    /// In a currency whose rate is removed.
    pub(crate) const NO_RATE: u32 = 92;
    /// In a currency whose rate is made old.
    pub(crate) const OLD_RATE: u32 = 93;
    /// At a venue that never connects.
    pub(crate) const NO_VENUE: u32 = 94;
}

/// How wide the limits of the flow's accounts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Width {
    /// Finite limits that sensible flow does not reach.
    Sensible,
    /// Unlimited, but for a collar if one is given, such as `10%`.
    Unlimited {
        /// The collar.
        collar: Option<String>,
    },
}

/// Everybody's key.
#[derive(Debug)]
pub(super) struct Keys(Vec<(u32, Role, SigningKey)>);

impl Keys {
    pub(super) fn generate() -> anyhow::Result<Self> {
        let people = [
            (INLINE, Role::Desk),
            (SIDECAR, Role::Desk),
            (PROBE, Role::Desk),
            (VENUE_SESSION, Role::Venue),
            (RISK, Role::Risk),
            (OPS, Role::Ops),
        ];
        let mut out = Vec::new();
        for (session, role) in people {
            out.push((session, role, keys::generate()?));
        }
        Ok(Self(out))
    }

    pub(super) fn of(&self, session: u32) -> Option<(Role, SigningKey)> {
        let found = self.0.iter().find(|(id, ..)| *id == session)?;
        Some((found.1, found.2.clone()))
    }

    fn hex(&self, session: u32) -> String {
        self.of(session)
            .map_or_else(String::new, |(_, key)| keys::public_hex(&key))
    }
}

/// For whom an order of the flow is played. Account n belongs to desk n mod 2.
pub(super) fn attribution() -> Attribution {
    let number = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    Attribution {
        accounts: number(ACCOUNTS),
        desks: number(2),
        traders: number(4),
    }
}

/// The firm's file.
pub(super) struct Plan<'a> {
    pub(super) keys: &'a Keys,
    pub(super) instruments: &'a [FlowInstrument],
    pub(super) base_currency: &'a str,
    pub(super) width: &'a Width,
    /// New orders that the tables must hold.
    pub(super) orders: u64,
    /// Orders that the table holds, where it is to fill up.
    pub(super) table: Option<u64>,
}

impl Plan<'_> {
    pub(super) fn toml(&self) -> anyhow::Result<String> {
        let mut out = String::new();
        self.firm(&mut out)?;
        self.people(&mut out)?;
        self.market(&mut out)?;
        self.limits(&mut out)?;
        Ok(out)
    }

    fn firm(&self, out: &mut String) -> std::fmt::Result {
        let orders = self.table.unwrap_or((self.orders * 2).max(32_768));
        let executions = (self.orders * 4).max(65_536);
        writeln!(
            out,
            "# Written by `portcullis demo`.\n\
             [firm]\nname = \"Demo Firm\"\ninstance = \"{INSTANCE}\"\nbase_currency = \"{}\"\ntwo_person = false\n\
             [capacity]\norders = {orders}\nexecutions = {executions}\nrows = 4096\n\
             [journal]\nack = \"durable\"\nsegment_size = \"16MiB\"\n\
             [day]\nopen = \"manual\"\n\
             [[currencies]]\ncode = \"XXA\"\nrate = 1\nmax_age = \"never\"\n\
             [[currencies]]\ncode = \"XXB\"\nrate = 1\nmax_age = \"1h\"",
            self.base_currency
        )
    }

    fn people(&self, out: &mut String) -> std::fmt::Result {
        for (id, name) in [(1, "Inline"), (2, "Sidecar"), (3, "Mistakes")] {
            writeln!(out, "[[desks]]\nid = {id}\nname = \"{name}\"")?;
        }
        // Orders are spread over the accounts by a hash: what meets in one account says nothing.
        let mut account = |id: u32, desk: u32| {
            writeln!(
                out,
                "[[accounts]]\nid = {id}\nname = \"ACCOUNT-{id}\"\ndesk = {desk}\nself_match = \"off\""
            )
        };
        for id in 1..=ACCOUNTS {
            account(id, attribution().desk_of(id - 1) + 1)?;
        }
        for id in probe::RANGE {
            account(id, 3)?;
        }
        account(99, 3)?;
        writeln!(out, "suspense = true")?;
        for id in [1, 2, 3, 4, probe::TRADER] {
            writeln!(out, "[[traders]]\nid = {id}\nname = \"Trader {id}\"")?;
        }
        let of_desk = |desk: u32| -> Vec<u32> {
            (1..=ACCOUNTS)
                .filter(|id| attribution().desk_of(id - 1) + 1 == desk)
                .collect()
        };
        let probes: Vec<u32> = probe::RANGE.collect();
        let mut session = |id: u32, name: &str, more: String| {
            let key = self.keys.hex(id);
            writeln!(
                out,
                "[[sessions]]\nid = {id}\nname = \"{name}\"\npublic_key = \"{key}\"\n{more}"
            )
        };
        let desk = |topology: &str, accounts: Vec<u32>, traders: &str| {
            format!(
                "role = \"desk\"\ntopology = \"{topology}\"\naccounts = {accounts:?}\ntraders = {traders}"
            )
        };
        session(INLINE, "inline", desk("inline", of_desk(1), "[1, 3]"))?;
        session(SIDECAR, "sidecar", desk("sidecar", of_desk(2), "[2, 4]"))?;
        session(PROBE, "mistakes", desk("sidecar", probes, "[9]"))?;
        session(
            VENUE_SESSION,
            "venue",
            format!("role = \"venue\"\nvenue = {VENUE}"),
        )?;
        session(RISK, "risk", "role = \"risk\"".to_owned())?;
        session(OPS, "ops", "role = \"ops\"".to_owned())
    }

    fn market(&self, out: &mut String) -> std::fmt::Result {
        for (id, instrument) in (1..).zip(self.instruments) {
            let price = instrument.day_start.price_e8().unwrap_or(wire::E8);
            writeln!(
                out,
                "[[instruments]]\nid = {id}\nsymbol = \"{}\"\nvenue = {VENUE}\ngroup = 1\n\
                 tick = {}\nlot = {}\nqty_step = 1\nodd_lot_sell = {}\nreference = {}\nmark = {}",
                instrument.symbol,
                decimal(instrument.tick_e8),
                instrument.lot,
                instrument.odd_lot_sells,
                decimal(price),
                decimal(price),
            )?;
        }
        let mut plain = |id: u32, venue: u16, more: &str| {
            writeln!(
                out,
                "[[instruments]]\nid = {id}\nsymbol = \"PROBE-{id}\"\nvenue = {venue}\ngroup = 2\n\
                 tick = 0.01\nlot = 1\n{more}"
            )
        };
        let priced = "reference = 100\nmark = 100";
        plain(probe::PLAIN, VENUE, priced)?;
        plain(probe::NO_REFERENCE, VENUE, "mark = 100")?;
        plain(
            probe::NO_RATE,
            VENUE,
            &format!("currency = \"XXA\"\n{priced}"),
        )?;
        plain(
            probe::OLD_RATE,
            VENUE,
            &format!("currency = \"XXB\"\n{priced}"),
        )?;
        plain(probe::NO_VENUE, 9, priced)
    }

    fn limits(&self, out: &mut String) -> std::fmt::Result {
        let mut limit = |scope: &str, kind: &str, value: &str| {
            writeln!(
                out,
                "[[limits]]\nscope = \"{scope}\"\nkind = \"{kind}\"\nvalue = \"{value}\""
            )?;
            if kind == "OrderRate" && value != "unlimited" {
                writeln!(out, "per = \"1h\"")?;
            }
            Ok::<(), std::fmt::Error>(())
        };
        // What must be set and is not refuses: all but MaxShort is said by the firm.
        for kind in [
            "MaxOrderQty",
            "MaxOrderNotional",
            "PriceCollar",
            "OrderRate",
            "MaxOpenOrders",
            "MaxLong",
            "GrossNotional",
        ] {
            limit("firm", kind, "unlimited")?;
        }
        for id in 1..=ACCOUNTS {
            let scope = format!("account:{id}");
            match self.width {
                Width::Unlimited { collar } => {
                    limit(&scope, "MaxShort", "unlimited")?;
                    if let Some(collar) = collar {
                        limit(&scope, "PriceCollar", collar)?;
                    }
                }
                Width::Sensible => {
                    limit(&scope, "MaxOrderQty", "10000")?;
                    limit(&scope, "MaxOrderNotional", "20_000_000")?;
                    limit(&scope, "PriceCollar", "10%")?;
                    limit(&scope, "OrderRate", "100_000_000")?;
                    limit(&scope, "MaxOpenOrders", "100_000")?;
                    limit(&scope, "MaxLong", "100_000_000")?;
                    limit(&scope, "MaxShort", "100_000_000")?;
                    limit(&scope, "GrossNotional", "200_000_000_000")?;
                }
            }
        }
        for id in probe::RANGE.filter(|id| *id != probe::UNSET && *id != probe::POSITION) {
            limit(&format!("account:{id}"), "MaxShort", "unlimited")?;
        }
        let mut tight = |account: u32, kind: &str, value: &str| {
            limit(&format!("account:{account}"), kind, value)
        };
        tight(probe::RATE, "OrderRate", "1")?;
        tight(probe::AGE, "ReferenceMaxAge", "10m")?;
        tight(probe::COLLAR, "PriceCollar", "5%")?;
        tight(probe::QTY, "MaxOrderQty", "10")?;
        tight(probe::NOTIONAL, "MaxOrderNotional", "500")?;
        tight(probe::OPEN_ORDERS, "MaxOpenOrders", "1")?;
        tight(probe::POSITION, "MaxLong", "10")?;
        tight(probe::POSITION, "MaxShort", "10")?;
        tight(probe::GROSS, "GrossNotional", "500")?;
        tight(probe::NET_LONG, "NetLong", "500")?;
        tight(probe::NET_SHORT, "NetShort", "500")?;
        writeln!(
            out,
            "[[permissions]]\nscope = \"account:{}\"\nselector = \"group:2\"\nallow = false",
            probe::FORBIDDEN
        )
    }
}

/// A value in 10⁻⁸ as a decimal.
pub(super) fn decimal(value_e8: i64) -> String {
    let sign = if value_e8 < 0 { "-" } else { "" };
    let value = value_e8.unsigned_abs();
    let one = wire::E8.unsigned_abs();
    format!("{sign}{}.{:08}", value / one, value % one)
}
