//! The Python client's messages, enums and reject codes are generated from the layouts.
//!
//! `clients/python/src/portcullis/messages.py` holds nothing else, so that a new message or field is in
//! the client as soon as it is in the table: `PORTCULLIS_BLESS=1 cargo test -p wire`.
#![allow(clippy::unwrap_used, reason = "a test without its files has to fail")]

mod support;

use std::fmt::Write;
use support::{assert_published, snake};
use wire::codec::{HEADER_LEN, MAGIC, MAX_FRAME, SCHEMA_ID, VERSION};
use wire::schema::all_layouts;
use wire::types::ENUMS;
use wire::{EnumDef, Field, FieldKind, Layout, RejectCode, Reply, Request};

const PATH: &str = "clients/python/src/portcullis/messages.py";

/// `RisklessPrincipal` as Python names constants: `RISKLESS_PRINCIPAL`.
fn constant(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// The type that a program sees, without `| None`.
fn python_type(field: &Field) -> &'static str {
    match field.kind {
        FieldKind::Uint | FieldKind::Int | FieldKind::Time => "int",
        FieldKind::Decimal8 | FieldKind::Amount => "Decimal",
        FieldKind::Enum(def) => def.name,
        FieldKind::Chars => "str",
    }
}

/// What a field holds that a program does not set; `None` where it has to say something: an enum or a
/// scaled number has no value that goes without saying.
fn default(field: &Field) -> Option<&'static str> {
    if field.optional {
        return Some("None");
    }
    match field.kind {
        FieldKind::Uint | FieldKind::Int | FieldKind::Time => Some("0"),
        FieldKind::Chars => Some("\"\""),
        FieldKind::Decimal8 | FieldKind::Amount | FieldKind::Enum(_) => None,
    }
}

/// How the codec reads and writes the field: see `portcullis/layout.py`.
fn descriptor(field: &Field) -> String {
    if field.is_reserved() {
        return format!("Pad({})", field.size);
    }
    let unsigned = || match field.size {
        1 => 'B',
        2 => 'H',
        4 => 'I',
        _ => 'Q',
    };
    let (name, offset, null) = (snake(field.name), field.offset, field.optional);
    let null = if null { "True" } else { "False" };
    match field.kind {
        FieldKind::Uint | FieldKind::Time => {
            format!("Integer(\"{name}\", {offset}, {null}, \"{}\")", unsigned())
        }
        FieldKind::Int => format!("Integer(\"{name}\", {offset}, {null}, \"q\")"),
        FieldKind::Decimal8 => format!("Scaled(\"{name}\", {offset}, {null}, 8)"),
        FieldKind::Amount => format!("Scaled(\"{name}\", {offset}, {null}, 4)"),
        FieldKind::Enum(def) => format!("Enumerated(\"{name}\", {offset}, {null}, {})", def.name),
        FieldKind::Chars => format!("Chars(\"{name}\", {offset}, {null}, {})", field.size),
    }
}

fn enumeration(def: &EnumDef) -> String {
    let mut out = format!(
        "\n\nclass {}(IntEnum):\n    \"\"\"{}\"\"\"\n",
        def.name,
        def.doc.trim()
    );
    for (name, value, doc) in def.values {
        write!(
            out,
            "\n    {} = {value}\n    \"\"\"{}\"\"\"\n",
            constant(name),
            doc.trim()
        )
        .unwrap();
    }
    out
}

fn reject_codes() -> String {
    let mut out = "\n\nclass RejectCode(IntEnum):\n    \"\"\"Why something was refused; 0 on the wire where nothing was.\"\"\"\n"
        .to_owned();
    for code in RejectCode::ALL {
        write!(
            out,
            "\n    {} = {}\n    \"\"\"{}\"\"\"\n",
            constant(code.name()),
            code.number(),
            code.doc().trim()
        )
        .unwrap();
    }
    out.push_str("\n\nREJECT_MEANINGS: Final[dict[int, str]] = {\n");
    for code in RejectCode::ALL {
        writeln!(out, "    {}: {:?},", code.number(), code.doc().trim()).unwrap();
    }
    out.push_str("}\n\"\"\"What each code means, in one sentence.\"\"\"\n");
    out
}

/// A reply that names the query that it answers; AdminAck ends the page and is none itself.
fn is_report(layout: &Layout) -> bool {
    let names_a_query = layout.fields.iter().any(|field| field.name == "requestId");
    base(layout) == "Reply" && names_a_query && layout.name != "AdminAck"
}

fn base(layout: &Layout) -> &'static str {
    let of = |set: &[&Layout]| set.iter().any(|l| l.template_id == layout.template_id);
    if of(Request::LAYOUTS) {
        "Request"
    } else if of(Reply::LAYOUTS) {
        "Reply"
    } else {
        "SessionMessage"
    }
}

fn message(layout: &Layout) -> String {
    let mut out = format!(
        "\n\n@dataclass(frozen=True, slots=True, kw_only=True)\nclass {}({}):\n    \"\"\"{}\"\"\"\n\n    \
         TEMPLATE_ID: ClassVar[int] = {}\n    FIELDS: ClassVar[tuple[Field, ...]] = (\n",
        layout.name,
        base(layout),
        layout.doc.trim(),
        layout.template_id
    );
    for field in layout.fields {
        writeln!(out, "        {},", descriptor(field)).unwrap();
    }
    out.push_str("    )\n");
    for field in layout.fields.iter().filter(|field| !field.is_reserved()) {
        let optional = if field.optional { " | None" } else { "" };
        let default = default(field).map_or(String::new(), |value| format!(" = {value}"));
        write!(
            out,
            "\n    {}: {}{optional}{default}\n    \"\"\"{}\"\"\"\n",
            snake(field.name),
            python_type(field),
            field.doc.trim()
        )
        .unwrap();
    }
    out
}

fn generated() -> String {
    let mut out = format!(
        "\"\"\"Every message, enum and reject code of the protocol, schema {SCHEMA_ID} version {VERSION}.\n\n\
         Generated from engine/wire/src by PORTCULLIS_BLESS=1 cargo test -p wire; a test keeps it true.\n\n\
         Names are the schema's in Python's spelling (clOrdId is cl_ord_id). Prices, quantities, rates and\n\
         amounts are decimal.Decimal in their natural unit, times are nanoseconds since 1970 in UTC, None is\n\
         the null value. Reserved fields are not shown.\n\"\"\"\n\n\
         # ruff: noqa: E501\n\
         from __future__ import annotations\n\n\
         from dataclasses import dataclass\nfrom decimal import Decimal\nfrom enum import IntEnum\n\
         from typing import ClassVar, Final, TypeAlias\n\n\
         from portcullis.layout import (\n    Chars,\n    Enumerated,\n    Field,\n    Integer,\n    Message,\n    Pad,\n    \
         Reply,\n    Request,\n    Scaled,\n    SessionMessage,\n)\n\n\
         SCHEMA_ID: Final = {SCHEMA_ID}\nVERSION: Final = {VERSION}\nMAGIC: Final = {MAGIC:#06X}\n\
         HEADER_LEN: Final = {HEADER_LEN}\nMAX_FRAME: Final = {MAX_FRAME}\n\
         POSS_DUP: Final = {}\nWHAT_IF: Final = {}\nREPLY_REQUESTED: Final = {}\n",
        wire::POSS_DUP,
        wire::WHAT_IF,
        wire::REPLY_REQUESTED
    );
    out = out.replace("0XEB50", "0xEB50");
    for def in ENUMS {
        out.push_str(&enumeration(def));
    }
    out.push_str(&reject_codes());
    let layouts = all_layouts();
    for layout in &layouts {
        out.push_str(&message(layout));
    }
    out.push_str("\n\nMESSAGES: Final[dict[int, type[Message]]] = {\n");
    for layout in &layouts {
        writeln!(out, "    {}: {},", layout.template_id, layout.name).unwrap();
    }
    out.push_str("}\n\"\"\"Every message by its template id.\"\"\"\n\nReport: TypeAlias = (\n    ");
    let reports: Vec<&str> = layouts
        .iter()
        .filter(|layout| is_report(layout))
        .map(|layout| layout.name)
        .collect();
    out.push_str(&reports.join("\n    | "));
    out.push_str("\n)\n\"\"\"What a query is answered with.\"\"\"\n\n__all__ = [\n");
    let constants = [
        "MESSAGES",
        "POSS_DUP",
        "REPLY_REQUESTED",
        "RejectCode",
        "Report",
        "WHAT_IF",
    ];
    let mut names: Vec<&str> = constants
        .into_iter()
        .chain(ENUMS.iter().map(|def| def.name))
        .chain(layouts.iter().map(|layout| layout.name))
        .collect();
    names.sort_unstable();
    for name in names {
        writeln!(out, "    \"{name}\",").unwrap();
    }
    out.push_str("]\n");
    out
}

#[test]
fn the_python_messages_are_generated_from_the_code() {
    assert_published(PATH, &generated());
}
