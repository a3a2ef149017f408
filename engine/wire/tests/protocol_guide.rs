//! The tables of docs/protocol.md say what the code says.
//!
//! The guide is prose with generated parts between `<!-- generated: NAME -->` and `<!-- end -->`. Only
//! those parts are compared and, with `PORTCULLIS_BLESS=1`, rewritten.
#![allow(clippy::unwrap_used, reason = "a test without its files has to fail")]

mod support;

use std::fmt::Write;
use support::{assert_published, golden_frames, read, to_hex};
use wire::schema::{all_layouts, sbe_type};
use wire::types::ENUMS;
use wire::{Layout, RejectCode};

const PATH: &str = "docs/protocol.md";

fn messages(range: core::ops::Range<u16>) -> String {
    all_layouts()
        .into_iter()
        .filter(|layout| range.contains(&layout.template_id))
        .map(message)
        .collect()
}

fn message(layout: &Layout) -> String {
    let mut out = format!(
        "#### {} {}\n\n{} Root block {} bytes, frame {} bytes.\n\n\
         | offset | field | type | meaning |\n|---:|---|---|---|\n",
        layout.template_id,
        layout.name,
        layout.doc.trim(),
        layout.block_length,
        layout.block_length + wire::codec::HEADER_LEN
    );
    for field in layout.fields {
        let null = if field.optional && !sbe_type(field).ends_with("Opt") {
            ", may be null"
        } else {
            ""
        };
        writeln!(
            out,
            "| {} | {} | {}{null} | {} |",
            field.offset,
            field.name,
            sbe_type(field),
            field.doc.trim()
        )
        .unwrap();
    }
    out.push('\n');
    out
}

fn enums() -> String {
    let mut out = String::new();
    for def in ENUMS {
        write!(
            out,
            "#### {}\n\n{}\n\n| value | name | meaning |\n|---:|---|---|\n",
            def.name,
            def.doc.trim()
        )
        .unwrap();
        for (name, value, doc) in def.values {
            writeln!(out, "| {value} | {name} | {} |", doc.trim()).unwrap();
        }
        out.push('\n');
    }
    out
}

fn reject_codes() -> String {
    let mut out = "| code | name | meaning |\n|---:|---|---|\n".to_owned();
    for code in RejectCode::ALL {
        writeln!(
            out,
            "| {} | {} | {} |",
            code.number(),
            code.name(),
            code.doc().trim()
        )
        .unwrap();
    }
    out
}

/// The frame of `NewOrder typical`, taken apart field by field.
fn example() -> String {
    let golden = golden_frames();
    let order = golden
        .iter()
        .find(|g| g.layout.name == "NewOrder" && g.instance == "typical")
        .unwrap();
    let mut out = "```text\n".to_owned();
    let mut row = |from: usize, size: usize, name: &str, value: &str| {
        let hex = to_hex(&order.frame[from..from + size]);
        writeln!(out, "{from:>2}  {hex:<16}  {name:<12}  {value}").unwrap();
    };
    let length = order.frame.len().to_string();
    let block = order.layout.block_length.to_string();
    row(0, 2, "length", &length);
    row(2, 2, "marker", "0xEB50");
    row(4, 2, "blockLength", &block);
    row(6, 2, "templateId", "100");
    row(8, 2, "schemaId", "7201");
    row(10, 2, "version", "0");
    for (field, (name, value)) in order.layout.fields.iter().zip(&order.fields) {
        row(12 + field.offset, field.size, name, value);
    }
    out.push_str("```\n\nThe whole frame:\n\n```text\n");
    writeln!(out, "{}\n```", to_hex(&order.frame)).unwrap();
    out
}

fn generated(name: &str) -> String {
    match name {
        "session messages" => messages(1..100),
        "client messages" => messages(100..200),
        "server messages" => messages(200..300),
        "enums" => enums(),
        "reject codes" => reject_codes(),
        "example" => example(),
        _ => panic!("{PATH}: nothing generates `{name}`"),
    }
}

#[test]
fn the_tables_of_the_guide_are_generated_from_the_code() {
    let guide = read(PATH);
    let mut out = String::new();
    let mut parts = guide.split("<!-- generated: ");
    out.push_str(parts.next().unwrap());
    let mut count = 0;
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (_, tail) = rest.split_once("<!-- end -->\n").unwrap();
        let body = generated(name);
        write!(
            out,
            "<!-- generated: {name} -->\n\n{}\n\n<!-- end -->\n{tail}",
            body.trim_end()
        )
        .unwrap();
        count += 1;
    }
    assert_eq!(count, 6, "{PATH} has all generated parts");
    assert_published(PATH, &out);
}

#[test]
fn reject_codes_are_unique_and_found_by_their_number() {
    for (i, code) in RejectCode::ALL.iter().enumerate() {
        assert_eq!(RejectCode::from_number(code.number()), Some(*code));
        assert!(
            RejectCode::ALL[..i].iter().all(|c| c.name() != code.name()),
            "{code}"
        );
    }
    assert!(
        RejectCode::ALL.is_sorted_by_key(|code| code.number()),
        "codes are in order of number"
    );
    assert_eq!(RejectCode::from_number(0), None);
}
