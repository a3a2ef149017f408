//! Orders within their limits take the short way to yes, whatever kinds of limit they meet and wherever those stand.
//!
//! Nothing else tells: an order that takes the long way is decided the same, only slower.

use super::RiskEngine;
use crate::checks::{Findings, passes};
use crate::command::{Command, Sequenced, SessionUp, Started};
use crate::decision::{Outbox, Outcome};
use crate::firm::Firm;
use wire::{Capacity, CodMode, E8, Flag, NewOrder, OrdType, Price, Qty, Side, Time, TimeInForce};

/// When the firm is founded and its prices are from, in nanoseconds.
const T: u64 = 1_000_000_000;

/// A sidecar desk with one account, and what must be said, said by the firm.
const FIRM: &str = r#"[firm]
name = "Small"
instance = "small"
base_currency = "USD"
two_person = false
[capacity]
orders = 64
rows = 64
executions = 64
[[currencies]]
code = "EUR"
rate = 1.1
max_age = "10s"
[[desks]]
id = 1
name = "D"
[[accounts]]
id = 1
name = "A"
desk = 1
suspense = true
[[traders]]
id = 7
name = "T"
[[instruments]]
id = 1
symbol = "ACME"
tick = 0.01
lot = 1
venue = 1
group = 3
currency = "EUR"
reference = 100
mark = 100
average_daily_volume = 1_000_000
short_sale_check = true
[[sessions]]
id = 1
name = "desk"
role = "desk"
topology = "sidecar"
accounts = [1]
traders = [7]
key_file = "keys/desk.pub"
[[cash]]
account = 1
currency = "EUR"
amount = 1_000_000
[[locates]]
account = 1
instrument = 1
settled = 1000
"#;
const SAID: [&str; 7] = [
    "MaxOrderQty",
    "MaxOrderNotional",
    "PriceCollar",
    "OrderRate",
    "MaxLong",
    "MaxShort",
    "GrossNotional",
];

fn limit(place: &str, kind: &str, value: &str) -> String {
    let per = match kind {
        "OrderRate" | "DuplicateOrder" | "RepeatedExecution" | "MarketMakerProtection" => {
            "per = \"1s\"\n"
        }
        _ => "",
    };
    format!("[[limits]]\n{place}\nkind = \"{kind}\"\nvalue = \"{value}\"\n{per}")
}

/// Decides commands one after the other.
struct Office {
    engine: RiskEngine,
    seq: u64,
}

impl Office {
    /// The firm with more limits, its day open, and one order of each side live, so that the rows are there.
    fn with(limits: &str) -> Self {
        let said = SAID.map(|kind| limit("scope = \"firm\"", kind, "unlimited"));
        let text = format!("{FIRM}{}{limits}", said.concat());
        let firm = Firm::parse("firm.toml", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
        let mut office = Self {
            engine: RiskEngine::new(),
            seq: 0,
        };
        for command in firm.genesis(Time(T)) {
            office.apply(0, command);
        }
        let started = Started {
            epoch: 1,
            restricted: Flag::No,
            clean: Flag::Yes,
            clock_commanded: Flag::No,
            ack: 1,
            ..Started::default()
        };
        office.apply(0, started);
        for command in firm.first_day(20_261_127) {
            office.apply(0, command);
        }
        let up = SessionUp {
            session_id: 1,
            cod_mode: CodMode::Off,
            ..SessionUp::default()
        };
        office.apply(0, up);
        for (id, side) in [(1, Side::Buy), (2, Side::Sell)] {
            let first = order(id, side, if side == Side::Buy { 90 } else { 110 });
            office.apply(1, first);
        }
        office
    }

    fn apply(&mut self, session_id: u32, command: impl Into<Command>) {
        self.seq += 1;
        let command = command.into();
        let input = Sequenced {
            seq: self.seq,
            t: T,
            session_id,
            in_seq_no: u64::from(session_id != 0) * self.seq,
            busy: false,
            command,
        };
        let decision = self.engine.apply(&input, &mut Outbox::new());
        let done = [Outcome::Applied, Outcome::Accepted, Outcome::NoEffect];
        assert!(done.contains(&decision.outcome), "{command:?} {decision:?}");
    }

    /// Whether an order now would surely pass, without the controls being asked.
    fn is_short(&self, order: &NewOrder, t: u64) -> bool {
        let turn = self.engine.question(1, t).unwrap();
        let ask = self
            .engine
            .check_entry(&turn, order, &mut Findings::default());
        passes(&self.engine.state, &ask.unwrap()).is_some()
    }
}

fn order(cl_ord_id: u64, side: Side, price: i64) -> NewOrder {
    NewOrder {
        cl_ord_id,
        price: Price(price * E8),
        qty: Qty(2 * E8),
        account: 1,
        instrument_id: 1,
        trader_id: 7,
        side,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}

/// Each kind with a value that the orders keep and one that they do not; those that no order can miss have none.
const KINDS: [(&str, &str, Option<&str>); 20] = [
    ("MaxOrderQty", "2", Some("1")),
    ("MaxOrderNotional", "1000", Some("100")),
    ("PriceCollar", "5%", Some("0.5%")),
    ("ReferenceMaxAge", "1s", Some("0s")),
    ("OrderRate", "10", Some("1")),
    ("DuplicateOrder", "1", Some("0")),
    ("RepeatedExecution", "10", None),
    ("MaxOpenOrders", "3", Some("2")),
    ("MaxLong", "4", Some("3")),
    ("MaxShort", "4", Some("3")),
    ("GrossNotional", "1000", Some("250")),
    ("NetLong", "1000", Some("210")),
    ("NetShort", "1000", Some("210")),
    ("DailyBuyTurnover", "1000", Some("210")),
    ("DailySellTurnover", "1000", Some("210")),
    ("DailyTurnover", "1000", Some("450")),
    ("DailyLoss", "1000", None),
    ("MaxOrderVsAdv", "5%", Some("0bps")),
    ("MarketMakerProtection", "10 fills", None),
    ("BuyingPower", "1000", None),
];

/// Where limits of a kind may stand, and whether the order of this side looks at it.
fn places(kind: &str) -> Vec<String> {
    match kind {
        "BuyingPower" => vec!["scope = \"account:1\"\nselector = \"currency:EUR\"".to_owned()],
        "MarketMakerProtection" => vec!["scope = \"account:1\"\nselector = \"group:3\"".to_owned()],
        _ => {
            let scopes = ["account:1", "desk:1", "firm", "trader:7"];
            let selectors = ["instrument:ACME", "group:3", "all"];
            let both = scopes.iter().flat_map(|scope| {
                selectors
                    .iter()
                    .map(move |selector| format!("scope = \"{scope}\"\nselector = \"{selector}\""))
            });
            let said = SAID.contains(&kind);
            both.filter(|place| !(said && place.contains("firm") && place.contains("all")))
                .collect()
        }
    }
}

#[test]
fn an_order_within_a_limit_of_any_kind_at_any_place_takes_the_short_way_and_one_past_it_does_not() {
    for (kind, kept, missed) in KINDS {
        for place in places(kind) {
            let office = Office::with(&limit(&place, kind, kept));
            for side in [Side::Buy, Side::Sell] {
                let asked = order(3, side, if side == Side::Buy { 101 } else { 99 });
                assert!(
                    office.is_short(&asked, T),
                    "{kind} {kept} at {place}: {side}"
                );
            }
            let Some(missed) = missed else { continue };
            let sells = ["MaxShort", "NetShort", "DailySellTurnover"].contains(&kind);
            let (side, price) = if sells {
                (Side::Sell, 99)
            } else {
                (Side::Buy, 101)
            };
            // Set behind the orders that make the rows: some values would refuse those.
            let mut office = Office::with("");
            let firm = Firm::parse(
                "firm.toml",
                &format!("{FIRM}{}", limit(&place, kind, missed)),
            );
            for command in firm.unwrap().genesis(Time(T)) {
                if matches!(command, Command::SetLimit(_)) {
                    office.apply(0, command);
                }
            }
            if kind == "OrderRate" {
                office.apply(1, order(3, Side::Buy, 91));
            }
            let asked = order(4, side, price);
            let late = T + u64::from(kind == "ReferenceMaxAge");
            assert!(!office.is_short(&asked, late), "{kind} {missed} at {place}");
        }
    }
}

#[test]
fn a_rate_of_its_age_is_fresh_and_a_nanosecond_older_is_not() {
    let office = Office::with("");
    let asked = order(3, Side::Buy, 96);
    assert!(office.is_short(&asked, T + 10_000_000_000));
    assert!(!office.is_short(&asked, T + 10_000_000_001));
}

#[test]
fn an_order_that_crosses_nothing_of_its_own_is_short_and_one_that_does_is_not() {
    let office = Office::with("");
    assert!(office.is_short(&order(3, Side::Buy, 109), T));
    assert!(!office.is_short(&order(3, Side::Buy, 110), T));
}
