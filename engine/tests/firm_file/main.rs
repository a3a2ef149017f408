//! The firm's file: what it becomes, and how it says what is wrong with it.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should stop"
)]

mod limits;
mod mistakes;

use engine::command::Command;
use engine::firm::{Ack, DayOpening, Firm, auto_day};
use mistakes::only;
use std::collections::BTreeSet;
use wire::{Flag, LimitKind, Message, Price, Qty, Role, Scope, Selector, Time, Topology, Unit};

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
