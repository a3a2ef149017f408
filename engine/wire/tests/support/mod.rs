//! What the tests of the published files share: compare or rewrite, and golden frames as text.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of it"
)]

use std::fmt::Write;
use std::path::PathBuf;
use wire::bincode;
use wire::codec::{HEADER_LEN, MAX_FRAME, split_frame, write_frame};
use wire::schema::all_layouts;
use wire::{Field, FieldKind, Layout, Malformed, Reply, Request, SessionMessage};

/// Path of a file of the repository.
pub fn repository_file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The text of a published file.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(repository_file(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Compares a published file with what the code says; `PORTCULLIS_BLESS=1` rewrites the file instead.
pub fn assert_published(path: &str, generated: &str) {
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        // By renaming, so that a test that reads the file at the same time sees a whole one.
        let fresh = repository_file(&format!("{path}.new"));
        std::fs::write(&fresh, generated).unwrap();
        std::fs::rename(&fresh, repository_file(path)).unwrap();
        return;
    }
    let published = std::fs::read_to_string(repository_file(path)).unwrap_or_default();
    if let Some((number, (was, is))) = published
        .lines()
        .chain([""])
        .zip(generated.lines().chain([""]))
        .enumerate()
        .find(|(_, (a, b))| a != b)
    {
        panic!(
            "{path}, line {}: the file says\n  {was}\nand the code says\n  {is}\n\
             If the code is right: PORTCULLIS_BLESS=1 cargo test -p wire",
            number + 1
        );
    }
    assert!(published == generated, "{path} differs in length: bless it");
}

/// A message of any of the three sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Any {
    Session(SessionMessage),
    Request(Request),
    Reply(Reply),
}

impl Any {
    pub fn decode(template_id: u16, block: &[u8]) -> Option<Result<Self, Malformed>> {
        SessionMessage::decode_block(template_id, block)
            .map(|r| r.map(Self::Session))
            .or_else(|| Request::decode_block(template_id, block).map(|r| r.map(Self::Request)))
            .or_else(|| Reply::decode_block(template_id, block).map(|r| r.map(Self::Reply)))
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = [0; MAX_FRAME];
        let len = match self {
            Self::Session(m) => {
                write_frame(m.layout().template_id, &mut out, |b| m.encode_block(b))
            }
            Self::Request(m) => {
                write_frame(m.layout().template_id, &mut out, |b| m.encode_block(b))
            }
            Self::Reply(m) => write_frame(m.layout().template_id, &mut out, |b| m.encode_block(b)),
        };
        out[..len].to_vec()
    }

    /// What bincode makes of it: the template id, then the fields, little-endian, of fixed length.
    pub fn bincode(&self) -> Vec<u8> {
        let config = bincode::config::standard()
            .with_little_endian()
            .with_fixed_int_encoding();
        match self {
            Self::Session(m) => bincode::encode_to_vec(m, config),
            Self::Request(m) => bincode::encode_to_vec(m, config),
            Self::Reply(m) => bincode::encode_to_vec(m, config),
        }
        .unwrap()
    }

    /// The struct's own `Debug` form, without the names of the sets around it.
    pub fn debug(&self) -> String {
        let text = match self {
            Self::Session(m) => format!("{m:?}"),
            Self::Request(m) => format!("{m:?}"),
            Self::Reply(m) => format!("{m:?}"),
        };
        let (_, inner) = text.split_once('(').unwrap();
        inner.strip_suffix(')').unwrap().to_owned()
    }
}

/// One golden frame as the file states it.
#[derive(Debug, Clone)]
pub struct Golden {
    pub layout: &'static Layout,
    pub instance: String,
    /// Name and value as written, reserved fields included.
    pub fields: Vec<(String, String)>,
    pub frame: Vec<u8>,
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        write!(out, "{b:02x}").unwrap();
        out
    })
}

pub fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "hex has an even length");
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect()
}

/// `clOrdId` or `RisklessPrincipal` with small letters and underscores.
pub fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        out
    })
}

/// The value of a field in the text of the golden frames.
pub fn show(field: &Field, bytes: &[u8]) -> String {
    let mut wide = [0; 8];
    if bytes.len() <= 8 {
        wide[..bytes.len()].copy_from_slice(bytes);
    }
    let (unsigned, signed) = (u64::from_le_bytes(wide), i64::from_le_bytes(wide));
    let all_ones = u64::MAX >> (64 - 8 * field.size.min(8));
    match field.kind {
        FieldKind::Chars => {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            format!("\"{}\"", core::str::from_utf8(&bytes[..end]).unwrap())
        }
        FieldKind::Enum(def) => def.name_of(bytes[0]).map_or_else(
            || {
                assert!(field.optional && bytes[0] == 255);
                "null".to_owned()
            },
            str::to_owned,
        ),
        FieldKind::Uint | FieldKind::Time => {
            if field.optional && unsigned == all_ones {
                "null".to_owned()
            } else {
                unsigned.to_string()
            }
        }
        FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => {
            if field.optional && signed == i64::MIN {
                "null".to_owned()
            } else {
                signed.to_string()
            }
        }
    }
}

/// The bytes of a field from the text of the golden frames: [`show`] backwards, without bincode.
pub fn bytes_of(field: &Field, value: &str) -> Vec<u8> {
    let null = value == "null";
    assert!(!null || field.optional, "{} can't be null", field.name);
    match field.kind {
        FieldKind::Chars => {
            let text = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            let mut bytes = text.as_bytes().to_vec();
            assert!(bytes.len() <= field.size);
            bytes.resize(field.size, 0);
            bytes
        }
        FieldKind::Enum(_) if null => vec![255],
        FieldKind::Enum(def) => vec![def.value_of(value).unwrap()],
        FieldKind::Uint | FieldKind::Time => {
            let number = if null {
                u64::MAX
            } else {
                value.parse::<u64>().unwrap()
            };
            number.to_le_bytes()[..field.size].to_vec()
        }
        FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => {
            let number = if null {
                i64::MIN
            } else {
                value.parse::<i64>().unwrap()
            };
            number.to_le_bytes().to_vec()
        }
    }
}

/// What `Debug` of the Rust struct must say for these fields.
pub fn expected_debug(golden: &Golden) -> String {
    let fields: Vec<String> = golden
        .layout
        .fields
        .iter()
        .zip(&golden.fields)
        .map(|(field, (name, value))| {
            let snake = snake(name);
            let null = wire::schema::null_value(field).unwrap_or_default();
            let number = if value == "null" { &null } else { value };
            let value = match field.kind {
                FieldKind::Enum(_) | FieldKind::Chars => value.clone(),
                FieldKind::Uint | FieldKind::Int => number.clone(),
                FieldKind::Decimal8 | FieldKind::Amount | FieldKind::Time => {
                    format!("{}({number})", field.type_name)
                }
            };
            format!("{snake}: {value}")
        })
        .collect();
    format!("{} {{ {} }}", golden.layout.name, fields.join(", "))
}

/// Reads `golden/frames.txt`.
pub fn golden_frames() -> Vec<Golden> {
    let text = read("engine/wire/golden/frames.txt");
    let layouts = all_layouts();
    let mut out: Vec<Golden> = Vec::new();
    for line in text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        if let Some(field) = line.strip_prefix("  ") {
            let (name, value) = field.split_once(" = ").unwrap();
            let golden = out.last_mut().unwrap();
            if name == "frame" {
                golden.frame = from_hex(value);
            } else {
                golden.fields.push((name.to_owned(), value.to_owned()));
            }
        } else {
            let (name, instance) = line.split_once(' ').unwrap();
            let layout = layouts.iter().find(|l| l.name == name);
            out.push(Golden {
                layout: layout.unwrap_or_else(|| panic!("no message {name}")),
                instance: instance.to_owned(),
                fields: Vec::new(),
                frame: Vec::new(),
            });
        }
    }
    assert!(!out.is_empty());
    out
}

/// The root block of a golden frame.
pub fn block(golden: &Golden) -> &[u8] {
    let frame = split_frame(&golden.frame).unwrap().unwrap();
    assert_eq!(frame.block.len() + HEADER_LEN, golden.frame.len());
    frame.block
}
