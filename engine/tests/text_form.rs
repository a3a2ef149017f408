//! The textual form, both ways, over every command of the layouts; and its documentation.

#![expect(
    clippy::disallowed_methods,
    reason = "tests wait and measure with a clock"
)]
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should stop"
)]

use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outcome};
use engine::text::{
    ACK, DECISION_FIELDS, HEAD_FIELDS, Shape, decision_field_name, parse_line, shape_of,
    write_command, write_line,
};
use proptest::prelude::*;
use std::fmt::Write;
use wire::layout::{EnumDef, FieldKind, Layout};
use wire::{
    Capacity, Flag, LimitKind, NewOrder, OrdType, Price, Qty, RejectCode, Scope, Selector,
    SetLimit, Side, Text, TimeInForce, Unit,
};

/// A valid root block of `layout` made of `seed`.
fn block_of(layout: &Layout, seed: &[u8]) -> Vec<u8> {
    let mut block = vec![0; layout.block_length];
    let mut random = seed.iter().copied().cycle();
    let mut byte = || random.next().unwrap_or(0);
    for field in layout.fields.iter().filter(|field| !field.is_reserved()) {
        let bytes = &mut block[field.offset..field.offset + field.size];
        match (field.kind, shape_of(layout, field)) {
            (FieldKind::Enum(def), _) => {
                let pick = usize::from(byte()) % (def.values.len() + usize::from(field.optional));
                bytes[0] = def.values.get(pick).map_or(u8::MAX, |(_, value, _)| *value);
            }
            (FieldKind::Chars, _) => {
                let length = usize::from(byte()) % (field.size + 1);
                for to in &mut bytes[..length] {
                    *to = b' ' + byte() % 95;
                }
            }
            _ => {
                // Small, null, greatest and wild integers all appear.
                match byte() % 4 {
                    0 => bytes[0] = byte(),
                    1 => bytes.fill(u8::MAX),
                    2 => bytes.copy_from_slice(&i64::MAX.to_le_bytes()[8 - field.size..]),
                    _ => bytes.fill_with(&mut byte),
                }
            }
        }
    }
    block
}

proptest! {
    #[test]
    fn every_command_comes_back_from_its_line_unchanged(
        place in 0..Command::LAYOUTS.len(),
        seed in prop::collection::vec(any::<u8>(), 40..300),
        (seq, t, session_id, in_seq_no, busy) in any::<(u64, u64, u32, u64, bool)>(),
    ) {
        let layout = Command::LAYOUTS[place];
        let block = block_of(layout, &seed);
        let command = Command::decode_block(layout.template_id, &block).unwrap().unwrap();
        let input = Sequenced { seq, t, session_id, in_seq_no, busy, command };
        let decision = Decision { outcome: Outcome::Accepted, out_seq_no: 3, ..Decision::default() };
        let mut line = String::new();
        write_line(&input, &decision, &mut line);
        let back = parse_line(&line).map_err(|error| TestCaseError::fail(format!("{error}: {line}")))?;
        prop_assert_eq!(back, input, "{}", line);
        let mut again = String::new();
        write_line(&back, &decision, &mut again);
        prop_assert_eq!(again, line);
    }

    #[test]
    fn no_line_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = parse_line(&text);
    }

    #[test]
    fn a_line_cut_anywhere_is_an_error(cut in 0usize..300) {
        let line = order_line();
        prop_assume!(cut < line.len());
        prop_assert!(parse_line(&line[..cut]).is_err());
    }
}

fn order() -> Sequenced {
    Sequenced {
        seq: 57,
        t: 1_340_285_400_000_000_000,
        session_id: 1,
        in_seq_no: 12,
        busy: false,
        command: Command::NewOrder(NewOrder {
            seq_no: 12,
            cl_ord_id: 9,
            price: Price(10_125_000_000),
            qty: Qty(50_000_000_000),
            account: 1,
            instrument_id: 2,
            trader_id: 7,
            side: Side::Buy,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        }),
    }
}

fn order_line() -> String {
    let decision = Decision {
        limit: 40_000_000_000,
        observed: 50_000_000_000,
        out_seq_no: 12,
        scope: Scope::Account,
        scope_id: 1,
        version: 1,
        code: RejectCode::MaxOrderQty.number(),
        limit_kind: LimitKind::MaxOrderQty,
        ..Decision::of(Outcome::Rejected)
    };
    let mut line = String::new();
    write_line(&order(), &decision, &mut line);
    line
}

fn documentation() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/text-form.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_line_in_the_documentation_is_what_is_written() {
    assert!(documentation().contains(&order_line()), "{}", order_line());
}

#[test]
fn the_value_of_a_limit_is_written_in_the_unit_of_its_kind() {
    for (limit_kind, unit, value, text) in [
        (LimitKind::MaxOrderQty, Unit::Natural, 150_000_000, "1.5"),
        (LimitKind::GrossNotional, Unit::Natural, 15_000, "1.5"),
        (LimitKind::OrderRate, Unit::Natural, 100, "100"),
        (LimitKind::PriceCollar, Unit::BasisPoints, 500, "500"),
        (LimitKind::PriceCollar, Unit::Ticks, 20, "20"),
        (LimitKind::MaxLong, Unit::Natural, i64::MAX, "unlimited"),
    ] {
        let set = SetLimit {
            value,
            limit_kind,
            unit,
            scope: Scope::Firm,
            selector: Selector::All,
            reason: Text::new("a \"quoted\" \\ reason"),
            ..SetLimit::default()
        };
        let input = Sequenced {
            command: Command::SetLimit(set),
            in_seq_no: 0,
            ..order()
        };
        let mut line = String::new();
        write_command(&input, &mut line);
        assert!(line.contains(&format!("\"value\":\"{text}\"")), "{line}");
        assert_eq!(parse_line(&line), Ok(input));
    }
}

#[test]
fn a_field_of_the_decision_is_prefixed_only_beside_a_command_that_has_its_name() {
    let layouts = |name: &str| *Command::LAYOUTS.iter().find(|l| l.name == name).unwrap();
    for name in ["NewOrder", "ReplaceOrder", "CancelOrder"] {
        for (field, _) in DECISION_FIELDS {
            assert_eq!(decision_field_name(layouts(name), field), *field);
        }
    }
    assert_eq!(
        decision_field_name(layouts("SetLimit"), "scope"),
        "decisionScope"
    );
    assert_eq!(
        decision_field_name(layouts("Refused"), "code"),
        "decisionCode"
    );
    for layout in Command::LAYOUTS {
        let mut names: Vec<String> = layout.fields.iter().map(|f| f.name.to_owned()).collect();
        names.extend(HEAD_FIELDS.iter().map(|(name, _)| (*name).to_owned()));
        names.extend(
            DECISION_FIELDS
                .iter()
                .map(|(name, _)| decision_field_name(layout, name).into_owned()),
        );
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(
            names.len(),
            count,
            "{}: two fields of one name",
            layout.name
        );
    }
}

#[test]
fn a_mistake_names_the_field_and_the_way_out() {
    let good = order_line();
    for (from, to, field, what) in [
        (
            "\"qty\":\"500\"",
            "\"qty\":500.5",
            "qty",
            "write decimals as a string",
        ),
        (
            "\"qty\":\"500\"",
            "\"qty\":\"0.000000001\"",
            "qty",
            "more than 8 decimals",
        ),
        ("\"qty\":\"500\",", "", "qty", "is missing"),
        ("\"qty\":\"500\"", "\"qty\":null", "qty", "can't be null"),
        (
            "\"qty\":\"500\"",
            "\"qty\":\"500\",\"qty\":\"500\"",
            "qty",
            "is given twice",
        ),
        (
            "\"account\"",
            "\"acount\"",
            "acount",
            "did you mean `account`?",
        ),
        (
            "\"account\":1",
            "\"account\":4294967296",
            "account",
            "is above 4294967295",
        ),
        (
            "\"Buy\"",
            "\"Bye\"",
            "side",
            "known are Buy, Sell, SellShort",
        ),
        ("\"side\":\"Buy\",", "", "side", "is missing"),
        (
            "\"side\":\"Buy\"",
            "\"side\":9",
            "side",
            "holds a value that the schema does not allow",
        ),
        (
            "\"NewOrder\"",
            "\"NewOder\"",
            "cmd",
            "did you mean `NewOrder`?",
        ),
        ("\"t\":1340285400000000000,", "", "t", "is missing"),
        (
            "\"session\":1",
            "\"session\":true",
            "session",
            "true or false",
        ),
        (
            "\"seq\":57",
            "\"seq\":57,\"seq\":57",
            "seq",
            "is given twice",
        ),
        ("\"seq\":57", "\"seq\":57,\"t\":0", "t", "is given twice"),
        (
            "\"seq\":57",
            "\"seq\":57,\"cmd\":\"CancelOrder\"",
            "cmd",
            "is given twice",
        ),
        (
            "\"seq\":57",
            "\"seq\":57,\"session\":1",
            "session",
            "is given twice",
        ),
        (
            "\"seq\":57",
            "\"seq\":57,\"inSeqNo\":1",
            "inSeqNo",
            "is given twice",
        ),
        (
            "\"seq\":57",
            "\"busy\":\"No\",\"busy\":\"Yes\"",
            "busy",
            "is given twice",
        ),
        (
            "\"seq\":57",
            "\"decision\":\"Accepted\"",
            "decision",
            "is given twice",
        ),
        ("{", "[", "", "line 3: no JSON object: "),
    ] {
        let line = good.replacen(from, to, 1);
        assert_ne!(line, good);
        let error = parse_line(&line).unwrap_err().at_line(3);
        assert_eq!(error.field, field, "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.to_string().starts_with("line 3: "), "{error}");
    }
}

#[test]
fn integers_and_strings_are_both_read_as_decimals_and_integers() {
    let line = order_line()
        .replace("\"qty\":\"500\"", "\"qty\":500")
        .replace("\"account\":1", "\"account\":\"1\"");
    assert_eq!(parse_line(&line), Ok(order()));
}

fn tables() -> String {
    let mut out = String::new();
    let mut list = |title: &str, rows: &[(&str, &str)]| {
        let _ = write!(out, "\n## {title}\n\n| field | says |\n|---|---|\n");
        for (name, doc) in rows {
            let _ = writeln!(out, "| `{name}` | {doc} |");
        }
    };
    list("Around every command", HEAD_FIELDS);
    list("The decision", DECISION_FIELDS);
    let mut enums: Vec<&'static EnumDef> = vec![&Outcome::DEF];
    out.push_str("\n## The commands\n");
    for layout in Command::LAYOUTS {
        let _ = write!(out, "\n### {}\n\n{}\n\n", layout.name, layout.doc);
        let fields: Vec<_> = layout
            .fields
            .iter()
            .filter(|field| !field.is_reserved() && field.name != "flags" && field.name != "seqNo")
            .collect();
        if fields.is_empty() {
            out.push_str("No fields of its own.\n");
            continue;
        }
        out.push_str("| field | written as | may be null | says |\n|---|---|---|---|\n");
        for field in fields {
            let shape = shape_of(layout, field);
            if let Shape::Enum(def) = shape
                && !enums.iter().any(|known| known.name == def.name)
            {
                enums.push(def);
            }
            let size = match shape {
                Shape::Chars => format!(", at most {} characters", field.size),
                _ => String::new(),
            };
            let null = if field.optional { "yes" } else { "" };
            let (name, shape, doc) = (field.name, shape.describe(), field.doc);
            let _ = writeln!(out, "| `{name}` | {shape}{size} | {null} | {doc} |");
        }
        let renamed: Vec<_> = DECISION_FIELDS
            .iter()
            .map(|(name, _)| (*name, decision_field_name(layout, name)))
            .filter(|(name, renamed)| name != renamed)
            .map(|(_, renamed)| format!("`{renamed}`"))
            .collect();
        if !renamed.is_empty() {
            let _ = write!(out, "\nRenamed here: {}.\n", renamed.join(", "));
        }
    }
    out.push_str("\n## The enums\n\n| enum | names |\n|---|---|\n");
    for def in enums {
        let names: Vec<_> = def.values.iter().map(|(name, ..)| *name).collect();
        let _ = writeln!(out, "| {} | {} |", def.name, names.join(", "));
    }
    out.push('\n');
    out
}

#[test]
fn the_documentation_has_every_field_of_every_command() {
    const BEGIN: &str = "<!-- generated from the layouts: begin -->\n";
    const END: &str = "<!-- generated from the layouts: end -->";
    let text = documentation();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}{}{END}{after}", tables());
    if std::env::var_os("REWRITE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/text-form.md");
        std::fs::write(path, &wanted).unwrap();
    } else {
        assert_eq!(text, wanted, "run with REWRITE=1 to write the tables anew");
    }
    assert!(wanted.contains(ACK.name) && wanted.contains(Flag::DEF.name));
}

/// Run with `cargo test --release -p engine --test text_form -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, meaningful in a release build only"]
fn lines_a_second() {
    let line = order_line();
    let rounds: u32 = 500_000;
    let start = std::time::Instant::now();
    let mut out = String::with_capacity(1 << 12);
    let decision = Decision::of(Outcome::Accepted);
    for _ in 0..rounds {
        out.clear();
        write_line(&std::hint::black_box(order()), &decision, &mut out);
        std::hint::black_box(&out);
    }
    let written = start.elapsed();
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(parse_line(std::hint::black_box(&line)).unwrap());
    }
    let read = start.elapsed();
    let rate =
        |elapsed: std::time::Duration| u128::from(rounds) * 1_000_000_000 / elapsed.as_nanos();
    println!("written {}/s, read {}/s", rate(written), rate(read));
    assert!(rate(written) > 100_000 && rate(read) > 100_000);
}
