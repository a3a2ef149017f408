//! The Wireshark dissector is generated from the layouts, and tshark reads every golden frame with it.
//!
//! `clients/wireshark/portcullis.lua` is written by `PORTCULLIS_BLESS=1 cargo test -p wire`. The tests that
//! run it need tshark; without it they say so and pass, unless `PORTCULLIS_REQUIRE_TSHARK` is set, as it is
//! in CI.
#![allow(clippy::unwrap_used, reason = "a test without its files has to fail")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use support::{Golden, assert_published, golden_frames, repository_file};
use wire::codec::{MAGIC, MAX_FRAME, SCHEMA_ID, VERSION};
use wire::schema::{all_layouts, null_value, sbe_type};
use wire::types::ENUMS;
use wire::{Field, FieldKind, RejectCode};

const PATH: &str = "clients/wireshark/portcullis.lua";
const BY_HAND: &str = include_str!("support/dissector.lua");

/// The filter name of a field: `portcullis.clOrdId`. Where messages use one name for different types, the
/// type is part of it: `portcullis.reason.char32`.
fn abbreviation(field: &Field, shared: &BTreeMap<&str, BTreeSet<String>>) -> String {
    let kind = kind(field);
    if shared[field.name].len() == 1 {
        format!("portcullis.{}", field.name)
    } else {
        format!("portcullis.{}.{kind}", field.name)
    }
}

/// The type of a field as far as the dissector cares.
fn kind(field: &Field) -> String {
    sbe_type(field).trim_end_matches("Opt").to_owned()
}

/// The types that each name has over all messages.
fn shared() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut out: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for field in all_layouts().iter().flat_map(|layout| layout.fields) {
        out.entry(field.name).or_default().insert(kind(field));
    }
    out
}

fn is_code(field: &Field) -> bool {
    field.name == "code"
}

fn generated() -> String {
    let shared = shared();
    let mut out = format!(
        "-- Dissector of the Portcullis order-entry protocol, schema {SCHEMA_ID} version {VERSION}, for Wireshark and tshark.\n\
         -- Generated from engine/wire/src by PORTCULLIS_BLESS=1 cargo test -p wire; a test keeps it true.\n\
         --\n\
         --   cp clients/wireshark/portcullis.lua ~/.local/lib/wireshark/plugins/\n\
         --   tshark -X lua_script:clients/wireshark/portcullis.lua -r FILE -Y 'portcullis.clOrdId == 1001'\n\n\
         local SCHEMA_ID, MARKER, LONGEST = {SCHEMA_ID}, {MAGIC:#06x}, {MAX_FRAME}\n\n\
         local enums = {{}}\n"
    );
    for def in ENUMS {
        let values: Vec<String> = def
            .values
            .iter()
            .map(|(name, value, _)| format!("[{value}] = \"{name}\""))
            .collect();
        writeln!(
            out,
            "enums.{} = {{ {}, [255] = \"null\" }}",
            def.name,
            values.join(", ")
        )
        .unwrap();
    }
    let codes: Vec<String> = RejectCode::ALL
        .iter()
        .map(|code| format!("[{}] = \"{}\"", code.number(), code.name()))
        .collect();
    writeln!(
        out,
        "enums.RejectCode = {{ [0] = \"none\", {} }}",
        codes.join(", ")
    )
    .unwrap();

    out.push_str("\n-- Every field by its filter name.\nlocal fields = {}\n");
    let mut seen = BTreeSet::new();
    for field in all_layouts().iter().flat_map(|layout| layout.fields) {
        let name = abbreviation(field, &shared);
        if field.is_reserved() || !seen.insert(name.clone()) {
            continue;
        }
        let constructor = match field.kind {
            FieldKind::Chars => "string".to_owned(),
            FieldKind::Enum(_) => "uint8".to_owned(),
            FieldKind::Uint | FieldKind::Time => format!("uint{}", 8 * field.size),
            FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => "int64".to_owned(),
        };
        let values = match field.kind {
            FieldKind::Enum(def) => format!(", base.DEC, enums.{}", def.name),
            FieldKind::Uint if is_code(field) => ", base.DEC, enums.RejectCode".to_owned(),
            FieldKind::Chars => String::new(),
            FieldKind::Uint
            | FieldKind::Int
            | FieldKind::Time
            | FieldKind::Decimal8
            | FieldKind::Amount => ", base.DEC".to_owned(),
        };
        writeln!(
            out,
            "fields[\"{name}\"] = ProtoField.{constructor}(\"{name}\", \"{}\"{values})",
            field.name
        )
        .unwrap();
    }

    out.push_str(
        "\n-- Every message: its name, the length of its block, and of each field: filter name, offset, size, how it\n\
         -- is to be read, and what stands for null.\nlocal messages = {}\n",
    );
    for layout in all_layouts() {
        writeln!(
            out,
            "messages[{}] = {{ \"{}\", {}, {{",
            layout.template_id, layout.name, layout.block_length
        )
        .unwrap();
        for field in layout.fields.iter().filter(|field| !field.is_reserved()) {
            let how = match field.kind {
                FieldKind::Chars => "text",
                FieldKind::Time => "time",
                FieldKind::Decimal8 => "e8",
                FieldKind::Amount => "e4",
                FieldKind::Uint | FieldKind::Int | FieldKind::Enum(_) => "plain",
            };
            let null = match null_value(field).filter(|_| field.optional) {
                Some(null) => format!(", \"{null}\""),
                None => String::new(),
            };
            writeln!(
                out,
                "    {{ \"{}\", {}, {}, \"{how}\"{null} }},",
                abbreviation(field, &shared),
                field.offset,
                field.size
            )
            .unwrap();
        }
        out.push_str("} }\n");
    }
    out.push('\n');
    out.push_str(BY_HAND);
    out
}

#[test]
fn the_dissector_is_generated_from_the_code() {
    assert_published(PATH, &generated());
}

/// Runs tshark over a capture file; `None` where there is no tshark.
fn tshark(capture: &[u8], name: &str, more: &[&str]) -> Option<String> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join(name);
    std::fs::write(&file, capture).unwrap();
    let lua = format!("lua_script:{}", repository_file(PATH).display());
    let output = Command::new("tshark")
        .args(["-X", &lua, "-o", "tcp.check_checksum:false", "-r"])
        .arg(&file)
        .args(more)
        // A home of its own: a dissector installed there already would be a second one.
        .env("HOME", &directory)
        .output();
    match output {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("Lua"), "{said}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            assert!(
                std::env::var_os("PORTCULLIS_REQUIRE_TSHARK").is_none(),
                "PORTCULLIS_REQUIRE_TSHARK is set, but tshark can't be run: {error}"
            );
            eprintln!("skipped: tshark can't be run: {error}");
            None
        }
    }
}

/// A capture file of one TCP stream to port 7201, a packet for each piece.
fn capture(pieces: &[&[u8]]) -> Vec<u8> {
    // Raw IP, no link layer: type 101.
    let mut out = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect::<Vec<u8>>();
    let mut sequence = 1_u32;
    for piece in pieces {
        let length = u16::try_from(40 + piece.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 1, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2]);
        packet.extend(40_000_u16.to_be_bytes());
        packet.extend(7201_u16.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(*piece);
        sequence += u32::try_from(piece.len()).unwrap();
        let length = u32::from(length);
        out.extend(
            [1, 0, length, length]
                .into_iter()
                .flat_map(u32::to_le_bytes),
        );
        out.extend(packet);
    }
    out
}

/// The values of an XML attribute, in order, of the fields with this name.
fn shown(packet: &str, name: &str) -> Vec<String> {
    let start = format!("<field name=\"{name}\" ");
    packet
        .split(&start)
        .skip(1)
        .map(|rest| {
            let (_, show) = rest.split_once("show=\"").unwrap();
            let (show, _) = show.split_once('"').unwrap();
            show.replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        })
        .collect()
}

/// What tshark has to show of a field: the integer of the wire, or the text.
fn expected(golden: &Golden, field: &Field, value: &str) -> String {
    if value == "null" {
        return null_value(field).unwrap();
    }
    match field.kind {
        FieldKind::Chars => value.trim_matches('"').to_owned(),
        FieldKind::Enum(def) => def.value_of(value).unwrap().to_string(),
        FieldKind::Uint
        | FieldKind::Int
        | FieldKind::Time
        | FieldKind::Decimal8
        | FieldKind::Amount => {
            assert!(!value.starts_with('"'), "{}", golden.layout.name);
            value.to_owned()
        }
    }
}

#[test]
fn tshark_shows_every_field_of_every_golden_frame() {
    let golden = golden_frames();
    let frames: Vec<&[u8]> = golden.iter().map(|g| g.frame.as_slice()).collect();
    let Some(said) = tshark(&capture(&frames), "golden.pcap", &["-T", "pdml"]) else {
        return;
    };
    let packets: Vec<&str> = said.split("<packet>").skip(1).collect();
    assert_eq!(packets.len(), golden.len());
    let shared = shared();
    for (golden, packet) in golden.iter().zip(packets) {
        let id = golden.layout.template_id.to_string();
        assert_eq!(shown(packet, "portcullis.templateId"), [id], "{packet}");
        for (field, (name, value)) in golden.layout.fields.iter().zip(&golden.fields) {
            if !field.is_reserved() {
                let found = shown(packet, &abbreviation(field, &shared));
                let at = format!("{} {} {name}", golden.layout.name, golden.instance);
                assert_eq!(found, [expected(golden, field, value)], "{at}");
            }
        }
        assert!(!packet.contains("_ws.malformed"), "{packet}");
    }
}

#[test]
fn tshark_finds_the_frames_however_tcp_cuts_them() {
    let golden = golden_frames();
    let stream: Vec<u8> = golden.iter().flat_map(|g| g.frame.clone()).collect();
    let pieces: Vec<&[u8]> = stream.chunks(333).collect();
    let fields = ["-T", "fields", "-e", "portcullis.templateId"];
    let Some(said) = tshark(&capture(&pieces), "cut.pcap", &fields) else {
        return;
    };
    let found: Vec<&str> = said
        .split_whitespace()
        .flat_map(|line| line.split(','))
        .collect();
    let ids: Vec<String> = golden
        .iter()
        .map(|g| g.layout.template_id.to_string())
        .collect();
    assert_eq!(found, ids);
}

#[test]
fn tshark_says_in_words_what_a_person_wants_to_see() {
    let golden = golden_frames();
    let order = golden
        .iter()
        .find(|g| g.layout.name == "NewOrder" && g.instance == "typical")
        .unwrap();
    let Some(said) = tshark(&capture(&[&order.frame]), "order.pcap", &["-V"]) else {
        return;
    };
    for line in [
        "NewOrder",
        "price: 10125000000 (101.25)",
        "qty: 50000000000 (500)",
        "side: Buy (1)",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
}
