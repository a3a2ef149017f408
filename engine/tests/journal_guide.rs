//! The tables of docs/journal-format.md about records say what the code's layouts say.
//!
//! The guide is prose with generated parts between `<!-- generated: NAME -->` and `<!-- end -->`. Only
//! those parts are compared and, with `REWRITE=1`, rewritten.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

use engine::command::{Command, Sequenced, TimePassed};
use engine::decision::{Decision, Outcome};
use engine::record::{MAX_RECORD, RecordHead, encode_record};
use std::fmt::Write;
use wire::schema::sbe_type;
use wire::{Layout, Message};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/journal-format.md");

/// Templates from here on are the journal's own.
const OWN: u16 = 300;

/// One row a field. `from` is where the block begins in what the table is about.
fn table(layout: &Layout) -> String {
    let mut out = "| offset | size | field | type | |\n|---:|---:|---|---|---|\n".to_owned();
    for field in layout.fields {
        let kind = sbe_type(field);
        let null = if field.optional && !kind.ends_with("Opt") {
            ", may be null"
        } else {
            ""
        };
        let (offset, size, doc) = (field.offset, field.size, field.doc.trim());
        let name = if field.is_reserved() { "" } else { field.name };
        writeln!(out, "| {offset} | {size} | {name} | {kind}{null} | {doc} |").unwrap();
    }
    out
}

fn outcomes() -> String {
    let mut out = "| outcome | name | |\n|---:|---|---|\n".to_owned();
    for (name, value, doc) in Outcome::DEF.values {
        writeln!(out, "| {value} | {name} | {doc} |").unwrap();
    }
    out
}

fn layouts() -> Vec<&'static Layout> {
    let mut all = Command::LAYOUTS.to_vec();
    all.sort_by_key(|layout| layout.template_id);
    all
}

/// The templates whose blocks are messages of the protocol.
fn requests() -> String {
    let names: Vec<String> = layouts()
        .iter()
        .filter(|layout| layout.template_id < OWN)
        .map(|layout| {
            format!(
                "{} {} ({})",
                layout.template_id, layout.name, layout.block_length
            )
        })
        .collect();
    format!("{}.\n", names.join(", "))
}

fn own_commands() -> String {
    let mut out = String::new();
    for layout in layouts().iter().filter(|layout| layout.template_id >= OWN) {
        write!(
            out,
            "\n#### {} {}\n\n{} {} bytes.\n\n{}",
            layout.template_id,
            layout.name,
            layout.doc.trim(),
            layout.block_length,
            table(layout)
        )
        .unwrap();
    }
    out
}

fn generated(name: &str) -> String {
    match name {
        "head" => table(&RecordHead::LAYOUT),
        "decision" => table(&Decision::LAYOUT),
        "outcomes" => outcomes(),
        "requests" => requests(),
        "own commands" => own_commands(),
        _ => panic!("{PATH}: nothing generates `{name}`"),
    }
}

#[test]
fn the_tables_of_records_are_those_of_the_layouts() {
    let guide = std::fs::read_to_string(PATH).unwrap();
    let mut parts = guide.split("<!-- generated: ");
    let mut wanted = parts.next().unwrap().to_owned();
    let mut count = 0;
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (_, tail) = rest.split_once("<!-- end -->\n").unwrap();
        let body = generated(name);
        write!(
            wanted,
            "<!-- generated: {name} -->\n\n{}\n\n<!-- end -->\n{tail}",
            body.trim()
        )
        .unwrap();
        count += 1;
    }
    assert_eq!(count, 5, "{PATH} has all generated parts");
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(PATH, &wanted).unwrap();
    } else {
        assert!(
            guide == wanted,
            "REWRITE=1 cargo test -p engine --test journal_guide"
        );
    }
}

#[test]
fn the_guides_sizes_and_its_order_of_parts_are_those_of_a_record() {
    let guide = std::fs::read_to_string(PATH).unwrap();
    let (head, decision) = (
        RecordHead::LAYOUT.block_length,
        Decision::LAYOUT.block_length,
    );
    for said in [
        format!("head, {head} bytes"),
        format!("decision, {decision} bytes"),
        format!("at most {MAX_RECORD} bytes"),
    ] {
        assert!(guide.contains(&said), "{said}");
    }
    let input = Sequenced {
        seq: 7,
        t: 9,
        session_id: 0,
        in_seq_no: 0,
        busy: true,
        command: TimePassed::default().into(),
    };
    let mut record = [0; MAX_RECORD];
    let length = encode_record(&input, &Decision::of(Outcome::Applied), &mut record);
    let block = TimePassed::LAYOUT.block_length;
    assert_eq!(length, head + block + decision);
    assert_eq!(record[..8], 7_u64.to_le_bytes());
    let outcome = Decision::LAYOUT
        .fields
        .iter()
        .find(|field| field.name == "outcome");
    let outcome = head + block + outcome.unwrap().offset;
    assert_eq!(record[outcome], Outcome::Applied.0);
}
