//! The firm's file: what it becomes, and how it says what is wrong with it.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should stop"
)]

use engine::command::{Command, Sequenced};
use engine::decision::{Outbox, Outcome};
use engine::firm::{Ack, DayOpening, EXAMPLE, Firm, Mistakes, auto_day};
use engine::risk::RiskEngine;
use std::collections::BTreeSet;
use wire::{
    Amount, Flag, LimitKind, LimitMode, LocateWhat, Message, Price, Qty, Role, Scope, Selector,
    SetLimit, Text, Time, Topology, Unit,
};

const SMALL: &str = r#"[firm]
name = "Small"
instance = "small"
base_currency = "USD"
two_person = false
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
symbol = "AAPL"
tick = 0.01
lot = 1
venue = 1
group = 3
[[sessions]]
id = 1
name = "desk"
role = "desk"
accounts = [1]
traders = [7]
key_file = "keys/desk.pub"
"#;

fn mistakes(text: &str) -> Mistakes {
    Firm::parse("firm.toml", text).unwrap_err()
}

/// The only mistake of `SMALL` with `from` replaced by `to`.
fn only(from: &str, to: &str) -> String {
    let text = SMALL.replacen(from, to, 1);
    assert_ne!(text, SMALL, "{from} is not there");
    let mistakes = mistakes(&text);
    assert_eq!(mistakes.list.len(), 1, "{mistakes}");
    mistakes.to_string()
}

/// The only mistake of `SMALL` with `more` after it.
fn appended(more: &str) -> String {
    let mistakes = mistakes(&format!("{SMALL}{more}"));
    assert_eq!(mistakes.list.len(), 1, "{mistakes}");
    mistakes.to_string()
}

#[test]
fn the_example_is_a_firm_of_the_promised_shape() {
    let firm = Firm::example();
    assert_eq!(firm.name(), "Example Firm");
    assert_eq!(firm.process.ack, Ack::Durable);
    assert_eq!(firm.process.day_open, DayOpening::Auto);
    assert!(firm.process.listen.ip().is_loopback());
    let roles: BTreeSet<_> = firm.sessions().iter().map(|s| s.role).collect();
    assert_eq!(
        roles,
        BTreeSet::from([Role::Desk, Role::Venue, Role::Risk, Role::Ops, Role::Audit])
    );
    let topologies: Vec<_> = firm.sessions().iter().map(|s| s.topology).collect();
    assert_eq!(
        topologies[..3],
        [Topology::Inline, Topology::Sidecar, Topology::NULL]
    );
    assert_eq!(firm.key_files.len(), firm.sessions().len());
}

#[test]
fn the_example_sets_every_limit_that_must_be_set() {
    let genesis = Firm::example().genesis(Time(1));
    for must in [
        LimitKind::MaxOrderQty,
        LimitKind::MaxOrderNotional,
        LimitKind::PriceCollar,
        LimitKind::OrderRate,
        LimitKind::MaxLong,
        LimitKind::MaxShort,
        LimitKind::GrossNotional,
    ] {
        let at_firm = genesis.iter().any(|command| {
            matches!(command, Command::SetLimit(set)
                if set.limit_kind == must && set.scope == Scope::Firm && set.selector == Selector::All)
        });
        assert!(at_firm, "{must}");
    }
}

#[test]
fn genesis_commands_come_in_the_documented_order_and_are_valid_on_the_wire() {
    let genesis = Firm::example().genesis(Time(77));
    let order = [
        "DefineFirm",
        "DefineCurrency",
        "SetFx",
        "DefineInstrument",
        "SetReference",
        "SetMark",
        "DefineDesk",
        "DefineAccount",
        "DefineTrader",
        "DefineSession",
        "Entitle",
        "Permit",
        "SetLimit",
    ];
    let names: Vec<_> = genesis
        .iter()
        .map(|command| command.layout().name)
        .collect();
    let places: Vec<_> = names
        .iter()
        .map(|name| order.iter().position(|o| o == name).unwrap())
        .collect();
    assert!(places.is_sorted(), "{names:?}");
    assert_eq!(
        places.iter().collect::<BTreeSet<_>>().len(),
        order.len(),
        "one of each"
    );
    for command in &genesis {
        let mut block = [0; 512];
        let length = command.encode_block(&mut block);
        let back = Command::decode_block(command.layout().template_id, &block[..length]);
        assert_eq!(back, Some(Ok(*command)), "{}", command.layout().name);
        match command {
            Command::SetFx(fx) => assert_eq!(fx.rate_time, Time(77)),
            Command::SetReference(reference) => assert_eq!(reference.feed_time, Time(77)),
            _ => {}
        }
    }
}

#[test]
fn numbers_of_the_file_become_exact_integers() {
    let text = SMALL.replace(
        "tick = 0.01",
        "tick = 0.00000001\nmultiplier = \"1_000.5\"\nreference = 0.1",
    ) + "[[limits]]\nscope = \"trader:T\"\nselector = \"instrument:AAPL\"\nkind = \"pricecollar\"\nvalue = \"20 ticks\"\n\
           [[limits]]\nscope = \"desk:1\"\nselector = \"group:3\"\nkind = \"MaxOrderQty\"\nvalue = 12.5\nwarn = [50, 60, 70]\n";
    let genesis = Firm::parse("firm.toml", &text).unwrap().genesis(Time(1));
    let mut seen = 0;
    for command in genesis {
        match command {
            Command::DefineInstrument(define) => {
                assert_eq!(define.tick, Price(1));
                assert_eq!(define.multiplier.0, 100_050_000_000);
                assert_eq!(define.qty_step, define.lot);
                assert_eq!(define.currency.as_str(), "USD");
                seen += 1;
            }
            Command::SetReference(reference) => {
                assert_eq!(reference.price, Price(10_000_000));
                seen += 1;
            }
            Command::SetLimit(set) if set.limit_kind == LimitKind::PriceCollar => {
                assert_eq!((set.value, set.unit), (20, Unit::Ticks));
                assert_eq!((set.scope, set.scope_id), (Scope::Trader, 7));
                assert_eq!((set.selector, set.selector_id), (Selector::Instrument, 1));
                seen += 1;
            }
            Command::SetLimit(set) => {
                assert_eq!((set.value, set.unit), (1_250_000_000, Unit::Natural));
                assert_eq!((set.selector, set.selector_id), (Selector::Group, 3));
                assert_eq!([set.warn1, set.warn2, set.warn3], [50, 60, 70]);
                assert_eq!((set.expected_version, set.reason.as_str()), (0, "genesis"));
                seen += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seen, 4);
}

#[test]
fn a_misspelt_key_is_named_with_line_column_and_the_right_one() {
    assert_eq!(
        only("desk = 1\n", "dsek = 1\ndesk = 1\n"),
        "firm.toml:12:1: [[accounts]] dsek: is not a key that Portcullis knows; did you mean `desk`?"
    );
    let section = only(
        "[[traders]]",
        "[[trader]]\nid = 7\nname = \"T\"\n[[traders]]",
    );
    assert!(
        section.starts_with("firm.toml:14:3: the file trader: is not a key"),
        "{section}"
    );
    assert!(section.contains("did you mean `traders`?"), "{section}");
}

#[test]
fn each_mistake_names_its_place_the_key_and_the_way_out() {
    for (from, to, says) in [
        (
            "tick = 0.01",
            "tick = 0.000000001",
            "20:8: [[instruments]] tick: `0.000000001` has more than 8 decimals, and nothing is rounded",
        ),
        (
            "tick = 0.01",
            "tick = 0",
            "20:8: [[instruments]] tick: must be above 0",
        ),
        (
            "tick = 0.01",
            "tick = true",
            "20:8: [[instruments]] tick: must be a number, and is of type boolean",
        ),
        (
            "lot = 1\n",
            "lot = 10\nqty_step = 3\n",
            "22:12: [[instruments]] qty_step: does not divide the lot",
        ),
        (
            "venue = 1",
            "venue = 1\ncurrency = \"EUR\"",
            "23:12: [[instruments]] currency: EUR is not defined; add [[currencies]] with code = \"EUR\"",
        ),
        (
            "venue = 1",
            "venue = 1\norder_types = [\"stop\"]",
            "is not supported; supported are market and limit",
        ),
        (
            "desk = 1\n",
            "desk = 4\n",
            "12:8: [[accounts]] desk: there is no desk 4; add [[desks]] with id = 4",
        ),
        ("suspense = true\n", "", "no account has `suspense = true`"),
        (
            "name = \"Small\"\n",
            "",
            "1:1: [firm]: `name` is missing; add `name = …` to [firm]",
        ),
        (
            "\"USD\"",
            "\"usd\"",
            "4:17: [firm] base_currency: `usd` is not a currency",
        ),
        (
            "\"small\"",
            "\"an instance with a long name\"",
            "3:12: [firm] instance: has 28 characters; at most 16 fit",
        ),
        ("\"small\"", "\"größer\"", "must be printable ASCII"),
        (
            "role = \"desk\"",
            "role = \"desck\"",
            "27:8: [[sessions]] role: `desck` is not a Role; did you mean `Desk`?",
        ),
        (
            "role = \"desk\"",
            "role = \"desk\"\nvenue = 1",
            "28:9: [[sessions]] venue: means nothing for the role Desk; it belongs to Venue",
        ),
        (
            "accounts = [1]",
            "accounts = [1, 2]",
            "28:16: [[sessions]] accounts: there is no account 2",
        ),
        (
            "traders = [7]\n",
            "",
            "`traders` is missing; name the traders",
        ),
        (
            "key_file = \"keys/desk.pub\"\n",
            "",
            "has no key; add `key_file` or `public_key`",
        ),
        (
            "key_file = \"keys/desk.pub\"",
            "public_key = \"abc\"",
            "30:14: [[sessions]] public_key: is not 64 hexadecimal digits",
        ),
        (
            "venue = 1",
            "venue = 70000",
            "`70000` is not an integer from 1 to 65534",
        ),
    ] {
        let mistake = only(from, to);
        assert!(mistake.contains(says), "{mistake}");
    }
}

#[test]
fn mistakes_of_limits_and_process_name_their_place_too() {
    for (more, says) in [
        (
            "[[limits]]\nscope = \"account:9\"\nkind = \"MaxLong\"\nvalue = \"1\"\n",
            "32:9: [[limits]] scope: there is no account `9`",
        ),
        (
            "[[limits]]\nscope = \"book:9\"\nkind = \"MaxLong\"\nvalue = \"1\"\n",
            "write firm, desk:ID, account:ID or trader:ID",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLng\"\nvalue = \"1\"\n",
            "33:8: [[limits]] kind: `MaxLng` is not a LimitKind; did you mean `MaxLong`?",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = \"1\"\nhalt = true\n",
            "35:8: [[limits]] halt: means nothing for MaxLong",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"BuyingPower\"\nvalue = \"1\"\n",
            "33:8: [[limits]] kind: BuyingPower is an account's credit in one currency",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nselector = \"currency:USD\"\nkind = \"MaxLong\"\nvalue = \"1\"\n",
            "MaxLong knows no currencies",
        ),
        (
            "[[limits]]\nscope = \"account:1\"\nselector = \"currency:EUR\"\nkind = \"BuyingPower\"\nvalue = \"1\"\n",
            "there is no currency `EUR`",
        ),
        (
            "[[limits]]\nscope = \"account:1\"\nkind = \"MarketMakerProtection\"\nvalue = \"1 fills\"\nper = \"1s\"\n",
            "MarketMakerProtection protects an account in one product group",
        ),
        (
            "[[cash]]\naccount = \"A\"\ncurrency = \"USD\"\namount = 1\n[[cash]]\naccount = 1\ncurrency = \"USD\"\namount = 2\n",
            "36:11: [[cash]] account: has a row for this already",
        ),
        (
            "[[locates]]\naccount = 1\ninstrument = \"AAPL\"\n",
            "[[locates]]: loads nothing; add `settled`",
        ),
        (
            "[[positions]]\naccount = 1\ninstrument = \"APPL\"\nqty = 1\n",
            "there is no instrument `APPL`; did you mean `AAPL`?",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"PriceCollar\"\nvalue = \"5\"\n",
            "34:9: [[limits]] value: `5` has no unit; write a distance as `5%`",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"OrderRate\"\nvalue = 5\n",
            "`per` is missing: OrderRate counts in a window",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\nper = \"1s\"\n",
            "35:7: [[limits]] per: means nothing for MaxLong",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\nselector = \"instrument:APPL\"\n",
            "there is no instrument `APPL`; did you mean `AAPL`?",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\nwarn = [90, 80, 70]\n",
            "must be three rising levels",
        ),
        (
            "[[permissions]]\nscope = \"firm\"\nallow = false\n",
            "permissions stand at accounts and desks",
        ),
        (
            "[[currencies]]\ncode = \"USD\"\nrate = 1\nmax_age = \"1d\"\n",
            "USD is the base currency",
        ),
        (
            "[journal]\nack = \"durabel\"\n",
            "32:7: [journal] ack: `durabel` is not a Ack; did you mean `durable`?",
        ),
        (
            "[journal]\nsegment_size = \"1KiB\"\n",
            "is outside 4MiB to 4GiB",
        ),
        (
            "[listen]\naddress = \"0.0.0.0:7201\"\n",
            "32:11: [listen] address: is not loopback, and traffic is not encrypted",
        ),
        (
            "[listen]\naddress = \"localhost\"\n",
            "`localhost` is not an address",
        ),
        ("[day]\nopen = \"atuo\"\n", "did you mean `auto`?"),
        (
            "[limits_per_session]\nlogon_timeout = \"2\"\n",
            "`2` is not a duration",
        ),
        (
            "limits = 3\n",
            "must be a list of tables; write `[[limits]]` above each",
        ),
    ] {
        let mistake = if more.starts_with('[') {
            appended(more)
        } else {
            let mistakes = mistakes(&format!("{more}{SMALL}"));
            mistakes.to_string()
        };
        assert!(mistake.contains(says), "{mistake}");
    }
    let twice = "[[limits]]\nscope = \"firm\"\nkind = \"MaxLong\"\nvalue = 5\n";
    assert!(appended(&format!("{twice}{twice}")).contains("MaxLong is set twice"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_places() {
    let text = SMALL
        .replace("tick = 0.01", "tick = -1")
        .replace("role = \"desk\"", "role = \"dsk\"")
        .replace("name = \"D\"", "nam = \"D\"");
    let mistakes = mistakes(&text);
    let lines: Vec<_> = mistakes.list.iter().map(|m| m.line).collect();
    assert!(lines.is_sorted() && lines.len() >= 4, "{mistakes}");
}

#[test]
fn what_is_no_toml_is_told_with_its_place_only() {
    let mistakes = mistakes("[firm]\nname = \"x\ninstance = 3 4\n");
    assert!(mistakes.list.iter().all(|m| m.key == "TOML"), "{mistakes}");
    assert_eq!(mistakes.list[0].line, 2, "{mistakes}");
}

#[test]
fn an_empty_file_is_told_what_a_firm_needs() {
    let mistakes = mistakes("");
    assert!(
        mistakes.to_string().contains("[firm]: is missing"),
        "{mistakes}"
    );
}

#[test]
fn public_keys_of_key_files_are_set_by_session() {
    let mut firm = Firm::example();
    let hex = "AB".repeat(32);
    firm.set_public_key(1, &format!("{hex}\n")).unwrap();
    assert_eq!(firm.sessions()[0].public_key.as_str(), hex.to_lowercase());
    assert!(
        firm.set_public_key(1, "abc")
            .unwrap_err()
            .to_string()
            .contains("session 1")
    );
    assert!(
        firm.set_public_key(99, &hex)
            .unwrap_err()
            .to_string()
            .contains("session 99")
    );
}

#[test]
fn a_day_that_opens_by_itself_loads_nothing_and_opens() {
    let commands = auto_day(20_261_122);
    let Command::PositionLoad(load) = commands[0] else {
        panic!("{commands:?}")
    };
    assert_eq!(
        (load.qty, load.last, load.business_date),
        (Qty::NULL, Flag::Yes, 20_261_122)
    );
    let Command::DayOpen(open) = commands[1] else {
        panic!("{commands:?}")
    };
    assert_eq!(open.business_date, 20_261_122);
    assert_eq!(commands.len(), 2);
    assert_eq!(wire::DayOpen::LAYOUT.name, "DayOpen");
}

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

#[test]
fn loosening_takes_two_people_unless_the_firm_says_that_it_is_one() {
    let told = only("two_person = false\n", "");
    assert!(told.contains("loosening takes two people"), "{told}");
    let session = |id: u32, person: &str, key: &str| {
        format!(
            "[[sessions]]\nid = {id}\nname = \"r{id}\"\nrole = \"risk\"\nperson = \"{person}\"\nkey_file = \"{key}\"\n"
        )
    };
    let firm = |second: String| {
        let text = SMALL.replacen("two_person = false\n", "", 1) + &session(21, "ada", "ada.pub");
        Firm::parse("firm.toml", &(text + &second))
    };
    assert!(firm(session(22, "bob", "bob.pub")).is_ok());
    assert!(firm(session(22, "ada", "bob.pub")).is_err(), "one person");
    assert!(firm(session(22, "bob", "ada.pub")).is_err(), "one key");
    assert!(firm(String::new()).is_err());
}
