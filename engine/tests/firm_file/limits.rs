//! Limits and opening data of the file, as the engine takes them.

use super::SMALL;
use super::mistakes::only;
use engine::command::{Command, Sequenced};
use engine::decision::{Outbox, Outcome};
use engine::firm::{EXAMPLE, Firm};
use engine::risk::RiskEngine;
use wire::{
    Amount, Flag, LimitKind, LimitMode, LocateWhat, Qty, Selector, SetLimit, Text, Time, Unit,
};

/// Tables for a test's handful.
const FEW: &str = "[capacity]\norders = 16\nrows = 16\nexecutions = 16\n";

/// The limits of `SMALL` with `more` after it, applied to an engine that must accept them all.
fn limits_of(more: &str) -> Vec<SetLimit> {
    let firm = Firm::parse("firm.toml", &format!("{SMALL}{more}{FEW}"))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut engine = RiskEngine::new();
    let mut outbox = Outbox::new();
    let mut limits = Vec::new();
    let commands = firm
        .genesis(Time(1))
        .into_iter()
        .chain(firm.first_day(20_261_122));
    for (command, seq) in commands.zip(1..) {
        let input = Sequenced {
            seq,
            t: seq,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command,
        };
        let decision = engine.apply(&input, &mut outbox);
        assert_eq!(
            decision.outcome,
            Outcome::Applied,
            "{command:?}: {decision:?}"
        );
        if let Command::SetLimit(set) = command {
            limits.push(set);
        }
    }
    limits
}

#[test]
fn every_kind_can_be_set_in_a_file_enforced_or_shadow_and_the_engine_takes_it() {
    for (name, number, _) in LimitKind::DEF.values {
        let kind = LimitKind(*number);
        let value = match kind {
            LimitKind::PriceCollar | LimitKind::MaxOrderVsAdv => "5%",
            LimitKind::ReferenceMaxAge => "2s",
            LimitKind::MarketMakerProtection => "10 fills",
            _ => "10",
        };
        let place = match kind {
            LimitKind::BuyingPower => "scope = \"account:A\"\nselector = \"currency:USD\"\n",
            LimitKind::MarketMakerProtection => "scope = \"account:A\"\nselector = \"group:3\"\n",
            _ => "scope = \"firm\"\n",
        };
        let per = match kind {
            LimitKind::OrderRate
            | LimitKind::DuplicateOrder
            | LimitKind::RepeatedExecution
            | LimitKind::MarketMakerProtection => "per = \"1s\"\n",
            _ => "",
        };
        for (mode, expected) in [
            ("", LimitMode::Enforced),
            (
                "mode = \"shadow\"\nwarn = [10, 20, 30]\n",
                LimitMode::Shadow,
            ),
        ] {
            let text =
                format!("[[limits]]\n{place}kind = \"{name}\"\nvalue = \"{value}\"\n{per}{mode}");
            let limits = limits_of(&text);
            assert_eq!(limits.len(), 1, "{name}");
            assert_eq!((limits[0].limit_kind, limits[0].mode), (kind, expected));
            // Unlimited can be said of each, too.
            limits_of(&text.replace(&format!("\"{value}\""), "\"unlimited\""));
        }
    }
    assert!(EXAMPLE.contains("check-config"));
}

#[test]
fn units_of_limits_are_what_the_kind_and_the_value_say() {
    let limits = limits_of(
        r#"[[limits]]
scope = "account:A"
selector = "group:3"
kind = "MarketMakerProtection"
value = "250"
per = "500ms"
[[limits]]
scope = "firm"
kind = "DailyLoss"
value = "1_000.5"
halt = true
[[limits]]
scope = "desk:1"
kind = "DailyLoss"
value = "500"
[[limits]]
scope = "firm"
kind = "MaxOrderVsAdv"
value = "250bps"
[[limits]]
scope = "account:1"
selector = "currency:USD"
kind = "BuyingPower"
value = "0"
"#,
    );
    let said: Vec<_> = limits
        .iter()
        .map(|l| (l.value, l.unit, l.window_ns))
        .collect();
    assert_eq!(
        said,
        [
            (25_000_000_000, Unit::Quantity, 500_000_000),
            (10_005_000, Unit::Halt, 0),
            (5_000_000, Unit::Natural, 0),
            (250, Unit::BasisPoints, 0),
            (0, Unit::Natural, 0),
        ]
    );
    assert_eq!(limits[4].selector, Selector::Currency);
    assert_eq!(limits[4].selector_id, u32::from_le_bytes(*b"USD\0"));
}

#[test]
fn instruments_and_accounts_say_volume_short_sale_and_self_match() {
    let text = SMALL
        .replace(
            "venue = 1\n",
            "venue = 1\naverage_daily_volume = 1_000\nshort_sale_check = true\n",
        )
        .replace(
            "suspense = true\n",
            "suspense = true\nself_match_group = 4\nself_match = \"off\"\n",
        );
    for command in Firm::parse("firm.toml", &text).unwrap().genesis(Time(1)) {
        match command {
            Command::DefineInstrument(m) => assert_eq!(
                (m.average_daily_volume, m.short_sale_check),
                (Qty(100_000_000_000), Flag::Yes)
            ),
            Command::DefineAccount(m) => {
                assert_eq!((m.self_match_group, m.self_match_off), (4, Flag::Yes));
            }
            _ => {}
        }
    }
    let mistake = only(
        "suspense = true\n",
        "suspense = true\nself_match = \"no\"\n",
    );
    assert!(mistake.contains("`no` is neither on nor off"), "{mistake}");
}

#[test]
fn opening_data_enter_on_the_first_date_before_the_day_opens() {
    let more = r#"[[positions]]
account = "A"
instrument = "AAPL"
qty = -3
[[locates]]
account = 1
instrument = 1
settled = 5
locates = 7
[[cash]]
account = "A"
currency = "USD"
amount = 100.25
"#;
    assert_eq!(
        limits_of("[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 1\n").len(),
        1
    );
    let firm = Firm::parse("firm.toml", &format!("{SMALL}{more}")).unwrap();
    let commands = firm.first_day(20_261_122);
    let names: Vec<_> = commands.iter().map(|c| c.layout().name).collect();
    assert_eq!(
        names,
        [
            "PositionLoad",
            "LocateLoad",
            "LocateLoad",
            "CashLoad",
            "PositionLoad",
            "DayOpen"
        ]
    );
    let Command::PositionLoad(position) = commands[0] else {
        panic!("{commands:?}")
    };
    assert_eq!((position.qty, position.last), (Qty(-300_000_000), Flag::No));
    assert_eq!(
        (position.batch_id, position.business_date),
        (20_261_122, 20_261_122)
    );
    let Command::LocateLoad(locates) = commands[2] else {
        panic!("{commands:?}")
    };
    assert_eq!(
        (locates.what, locates.qty),
        (LocateWhat::Locates, Qty(700_000_000))
    );
    let Command::CashLoad(cash) = commands[3] else {
        panic!("{commands:?}")
    };
    assert_eq!(
        (cash.amount, cash.currency),
        (Amount(1_002_500), Text::new("USD"))
    );
    // The engine takes them, in this order.
    limits_of(&format!(
        "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 1\n{more}"
    ));
}
