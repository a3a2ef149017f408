//! Golden frames: every message with its fields and its bytes, published for writers of clients.
//!
//! The frames of `golden/frames.txt` are made from the values below by the layouts, byte by byte, and
//! then have to come out of the codec and go into it. So the file checks the codec, and the two
//! ways of writing a frame check each other.
#![allow(clippy::unwrap_used, reason = "a test without its files has to fail")]

mod support;

use ed25519_dalek::{Signer, SigningKey};
use std::fmt::Write;
use support::{
    Any, assert_published, block, bytes_of, expected_debug, golden_frames, read, show, to_hex,
};
use wire::codec::{HEADER_LEN, MAGIC, SCHEMA_ID, VERSION, decode_block, split_frame};
use wire::schema::all_layouts;
use wire::{Field, FieldKind, Hello, LOGON_SIGNED_LEN, Layout, logon_signed_bytes};

const PATH: &str = "engine/wire/golden/frames.txt";

const INTRODUCTION: &str = "\
# Golden frames of the Portcullis protocol, schema 7201 version 0.
#
# An entry is a line with the message and the name of the instance, one indented line a field
# (name = value, in wire order, reserved fields included), and the frame in hexadecimal as it goes
# over TCP. Entries are separated by empty lines; lines that begin with # are comments.
#
# Values are as on the wire, unscaled: a price of 101.25 is 10125000000. Enums are given by name, text
# in double quotes without its padding, and null where the null value of the type is sent.
#
# Instances: `typical` has values as they occur; `least` the smallest and `most` the largest values
# that the types hold, with null in every optional field of `most`.
#
# The signature of `Logon typical` is real: docs/protocol.md says with which key and over what.
#
# This file is generated: PORTCULLIS_BLESS=1 cargo test -p wire. A test keeps it true.
";

#[derive(Clone, Copy)]
enum Instance {
    Typical,
    Least,
    Most,
}

fn value(layout: &Layout, field: &Field, instance: Instance) -> String {
    if field.is_reserved() {
        return "0".to_owned();
    }
    let max = u64::MAX >> (64 - 8 * field.size.min(8));
    match (instance, field.kind) {
        (Instance::Typical, _) => typical(layout, field),
        (Instance::Most, _) if field.optional => "null".to_owned(),
        (_, FieldKind::Enum(def)) => {
            let (first, last) = (def.values.first().unwrap(), def.values.last().unwrap());
            match instance {
                Instance::Most => last.0,
                Instance::Least | Instance::Typical => first.0,
            }
            .to_owned()
        }
        (Instance::Least, FieldKind::Chars) => "\"\"".to_owned(),
        (Instance::Most, FieldKind::Chars) => format!("\"{}\"", "~".repeat(field.size)),
        (Instance::Least, FieldKind::Uint | FieldKind::Time) => "0".to_owned(),
        (Instance::Most, FieldKind::Uint | FieldKind::Time) => (max - 1).to_string(),
        (Instance::Least, FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount) => {
            (i64::MIN + 1).to_string()
        }
        (Instance::Most, FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount) => {
            i64::MAX.to_string()
        }
    }
}

/// A value as it occurs: by message and field, else by field, else by type.
fn typical(layout: &Layout, field: &Field) -> String {
    let value = match (layout.name, field.name) {
        ("Hello", "minVersion" | "maxVersion") => "0",
        ("Hello", "instance") => "\"portcullis-demo\"",
        ("Hello", "challenge") => "\"9f86d081884c7d659a2feaa0c55ad015\"",
        ("Logon", "nextExpectedSeqNo") => "1",
        (_, "epoch") => "1",
        (_, "keyId") => "1",
        ("VenueReport", "reopen") => "No",
        ("Logon", "appName") => "\"example-desk\"",
        ("Logon", "appVersion") => "\"1.0.0\"",
        ("Logon", "flags") => "0",
        ("LogonReject", "code") => "4",
        ("Heartbeat", "flags") => "4",
        ("Terminate", "code") => "9",
        ("OrderRejected", "code") => "208",
        ("OrderRejected", "limitValue") => "30000000000",
        ("OrderRejected", "observedValue") => "50000000000",
        ("OrderRejected", "limitKind") => "MaxOrderQty",
        ("OrderRejected", "refTemplateId") => "100",
        ("BusinessReject", "code") => "50",
        ("BusinessReject", "refTemplateId") => "100",
        ("BusinessReject", "fieldOffset") => "48",
        ("MassCancelReport" | "AdminAck", "code") => "0",
        ("AdminAck", "refTemplateId") => "120",
        ("SetLimit", "value") | ("LimitReport", "value") => "30000000000",
        ("SetLimit" | "LimitReport", "windowNs" | "expiresAt") => "0",
        ("SetLimit" | "LimitReport", "unit") => "Natural",
        ("SetState", "state") => "Halted",
        ("MassCancel", "scope" | "side" | "traderId" | "strategyId") => "null",
        ("PositionReport", "notional") => "506250000",
        ("OrderCancelled" | "RoutedCancel", "reason") => "Requested",
        ("VenueReport", "reason") => "Requested",
        ("VenueReport", "refExecId") => "0",
        (_, "flags") => "0",
        (_, "seqNo") => "42",
        (_, "requestId") => "77",
        (_, "clOrdId") => "1001",
        (_, "origClOrdId") => "1000",
        (_, "orderId") => "90001",
        (_, "engineSeq") => "90017",
        (_, "price" | "lastPx" | "avgPx") => "10125000000",
        (_, "qty" | "leavesQty" | "reservedQty") => "50000000000",
        (_, "lastQty" | "cumQty" | "netQty" | "netPosition") => "20000000000",
        (_, "tick") => "1000000",
        (_, "lot") => "10000000000",
        (_, "qtyStep" | "multiplier") => "100000000",
        (_, "rate") => "108250000",
        (_, "account") => "11",
        (_, "instrumentId") => "7",
        (_, "traderId") => "3",
        (_, "strategyId") => "9",
        (_, "scopeId") => "11",
        (_, "sessionId" | "orderSessionId") => "101",
        (_, "venueId") => "1",
        (_, "businessDate" | "tradeDate") => "20260302",
        (_, "currency") => "\"EUR\"",
        (_, "symbol") => "\"ASML\"",
        (_, "name") => "\"north desk\"",
        (_, "reason") if matches!(field.kind, FieldKind::Chars) => {
            "\"smaller size before the news\""
        }
        (_, "keepAliveMs") => "1000",
        (_, "codGraceMs") => "5000",
        (_, "utilBps") => "6250",
        (_, "decisionNanos") => "640",
        (_, "ordTypes") => "3",
        (_, "warn1") => "70",
        (_, "warn2") => "80",
        (_, "warn3") => "90",
        _ => "",
    };
    if !value.is_empty() {
        return value.to_owned();
    }
    let position = layout.fields.iter().position(|f| f.name == field.name);
    let number = position.unwrap() + 1;
    match field.kind {
        FieldKind::Time => format!("177244200012345{number:04}"),
        FieldKind::Uint | FieldKind::Int => number.to_string(),
        FieldKind::Decimal8 => format!("{number}50000000"),
        FieldKind::Amount => format!("{number}5000"),
        FieldKind::Chars => "\"\"".to_owned(),
        FieldKind::Enum(def) => match def.name {
            "Scope" => "Account",
            "Side" => "Buy",
            "OrdType" => "Limit",
            "TimeInForce" => "Day",
            "Flag" => "Yes",
            "Role" => "Desk",
            "Topology" => "Inline",
            "CodMode" => "Disconnect",
            "ExecType" => "Fill",
            "LimitMode" => "Enforced",
            _ => def.values[def.values.len() / 2].0,
        }
        .to_owned(),
    }
}

/// The frame of these values, written from the layout alone.
fn frame_of(layout: &Layout, values: &[String]) -> Vec<u8> {
    let block: Vec<u8> = layout
        .fields
        .iter()
        .zip(values)
        .flat_map(|(field, value)| bytes_of(field, value))
        .collect();
    let len = u16::try_from(block.len()).unwrap();
    let header = u16::try_from(HEADER_LEN).unwrap();
    [
        len + header,
        MAGIC,
        len,
        layout.template_id,
        SCHEMA_ID,
        VERSION,
    ]
    .into_iter()
    .flat_map(u16::to_le_bytes)
    .chain(block)
    .collect()
}

/// The key of the example in docs/protocol.md: the secret bytes 00, 01 … 1f.
fn example_key() -> SigningKey {
    SigningKey::from_bytes(&core::array::from_fn(|i| u8::try_from(i).unwrap()))
}

fn generated() -> String {
    let mut out = INTRODUCTION.to_owned();
    let mut hello = Hello::default();
    for layout in all_layouts() {
        for (name, instance) in [
            ("typical", Instance::Typical),
            ("least", Instance::Least),
            ("most", Instance::Most),
        ] {
            let mut values: Vec<String> = layout
                .fields
                .iter()
                .map(|field| value(layout, field, instance))
                .collect();
            let mut frame = frame_of(layout, &values);
            match (layout.name, name) {
                ("Hello", "typical") => hello = decode_block(&frame[HEADER_LEN..]).unwrap(),
                ("Logon", "typical") => {
                    let signed = logon_signed_bytes(&hello, &frame[HEADER_LEN..]);
                    let signature = to_hex(&example_key().sign(&signed).to_bytes());
                    *values.last_mut().unwrap() = format!("\"{signature}\"");
                    frame = frame_of(layout, &values);
                }
                _ => {}
            }
            write!(out, "\n{} {name}\n", layout.name).unwrap();
            for (field, value) in layout.fields.iter().zip(&values) {
                writeln!(out, "  {} = {value}", field.name).unwrap();
            }
            writeln!(out, "  frame = {}", to_hex(&frame)).unwrap();
        }
    }
    out
}

#[test]
fn the_published_frames_are_the_generated_ones() {
    assert_published(PATH, &generated());
}

#[test]
fn every_message_has_at_least_two_golden_frames() {
    let golden = golden_frames();
    for layout in all_layouts() {
        let count = golden.iter().filter(|g| g.layout.name == layout.name);
        assert!(count.count() >= 2, "{}", layout.name);
    }
}

#[test]
fn golden_frames_decode_to_their_fields_and_encode_to_their_bytes() {
    for golden in golden_frames() {
        let label = format!("{} {}", golden.layout.name, golden.instance);
        let frame = split_frame(&golden.frame).unwrap().unwrap();
        assert_eq!(frame.template_id, golden.layout.template_id, "{label}");
        assert_eq!(frame.version, VERSION, "{label}");
        assert_eq!(frame.len, golden.frame.len(), "{label}");
        let message = Any::decode(frame.template_id, frame.block)
            .unwrap_or_else(|| panic!("{label} is in no set"))
            .unwrap_or_else(|e| panic!("{label}: {e}"));
        assert_eq!(message.debug(), expected_debug(&golden), "{label}");
        assert_eq!(message.encode(), golden.frame, "{label}");
        let by_bincode = message.bincode();
        let (template_id, block) = by_bincode.split_first_chunk().unwrap();
        assert_eq!(
            u16::from_le_bytes(*template_id),
            frame.template_id,
            "{label}"
        );
        assert_eq!(block, frame.block, "{label}");
        for (field, (name, value)) in golden.layout.fields.iter().zip(&golden.fields) {
            assert_eq!(field.name, name, "{label}");
            let bytes = &frame.block[field.offset..field.offset + field.size];
            assert_eq!(&show(field, bytes), value, "{label}.{name}");
        }
    }
}

#[test]
fn the_example_logon_verifies_and_the_guide_states_its_bytes() {
    let golden = golden_frames();
    let of = |name: &str| {
        golden
            .iter()
            .find(|g| g.layout.name == name && g.instance == "typical")
            .unwrap()
    };
    let hello: Hello = decode_block(block(of("Hello"))).unwrap();
    let logon = block(of("Logon"));
    let signed = logon_signed_bytes(&hello, logon);
    assert_eq!(signed.len(), 19 + 16 + 32 + LOGON_SIGNED_LEN);

    let key = example_key();
    let signature = to_hex(&key.sign(&signed).to_bytes());
    assert_eq!(&logon[LOGON_SIGNED_LEN..], signature.as_bytes());

    let guide = read("docs/protocol.md");
    let guide: String = guide.split_whitespace().collect();
    for hex in [
        to_hex(key.verifying_key().as_bytes()),
        to_hex(&signed),
        signature,
        to_hex(&of("NewOrder").frame),
    ] {
        assert!(guide.contains(&hex), "docs/protocol.md lacks {hex}");
    }
}
