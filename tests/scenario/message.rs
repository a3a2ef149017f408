//! Any message from words and into words, by its layout: for what has no wording of its own.

use super::text::{decimal, in_decimals, in_duration, whole};
use engine::command::Command;
use wire::{Field, FieldKind, Layout};

/// Field names that every message has, and that say nothing about the trade.
const PREFIX: [&str; 4] = ["flags", "seqNo", "engineSeq", "engineTime"];

/// Fields whose zero says something.
const COUNTS: [&str; 2] = ["requested", "outstanding"];

/// Builds the command called `name` from `field=value` words.
pub(super) fn command(name: &str, fields: &[(String, String)]) -> Result<Command, String> {
    let layout = Command::LAYOUTS
        .iter()
        .find(|layout| layout.name == name)
        .ok_or_else(|| format!("there is no command {name}"))?;
    let mut block = vec![0; layout.block_length];
    for field in layout.fields.iter().filter(|field| field.optional) {
        put(&mut block, field, null(field));
    }
    for (name, value) in fields {
        let field = layout
            .fields
            .iter()
            .find(|field| field.name == name)
            .ok_or_else(|| format!("{} has no field {name}", layout.name))?;
        if matches!(field.kind, FieldKind::Chars) {
            let place = &mut block[field.offset..field.offset + field.size];
            for (to, from) in place.iter_mut().zip(value.bytes()) {
                *to = from;
            }
            continue;
        }
        put(&mut block, field, bytes(field, value)?);
    }
    match Command::decode_block(layout.template_id, &block) {
        Some(Ok(command)) => Ok(command),
        Some(Err(wrong)) => Err(wrong.to_string()),
        None => Err(format!("{name} can't be decoded")),
    }
}

fn put(block: &mut [u8], field: &Field, value: [u8; 8]) {
    for at in 0..field.size.min(8) {
        block[field.offset + at] = value[at];
    }
}

fn null(field: &Field) -> [u8; 8] {
    match field.kind {
        FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => i64::MIN.to_le_bytes(),
        FieldKind::Uint | FieldKind::Time | FieldKind::Enum(_) => u64::MAX.to_le_bytes(),
        FieldKind::Chars => [0; 8],
    }
}

fn bytes(field: &Field, value: &str) -> Result<[u8; 8], String> {
    if value == "null" {
        return Ok(null(field));
    }
    Ok(match field.kind {
        FieldKind::Int => whole::<i64>(value)?.to_le_bytes(),
        FieldKind::Decimal8 => decimal(value, 8)?.to_le_bytes(),
        FieldKind::Amount => decimal(value, 4)?.to_le_bytes(),
        FieldKind::Uint | FieldKind::Time => whole::<u64>(value)?.to_le_bytes(),
        FieldKind::Enum(def) => {
            let number = def
                .value_of(value)
                .ok_or_else(|| format!("{} has no value {value}", def.name))?;
            u64::from(number).to_le_bytes()
        }
        FieldKind::Chars => [0; 8],
    })
}

/// The integer in a field of a root block.
pub(super) fn integer(block: &[u8], field: &Field) -> i128 {
    let mut wide = [0; 8];
    for (to, from) in wide
        .iter_mut()
        .zip(&block[field.offset..field.offset + field.size])
    {
        *to = *from;
    }
    match field.kind {
        FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => {
            i128::from(i64::from_le_bytes(wide))
        }
        FieldKind::Uint | FieldKind::Time | FieldKind::Enum(_) | FieldKind::Chars => {
            i128::from(u64::from_le_bytes(wide))
        }
    }
}

/// The field called `name`, if the message has it.
pub(super) fn field<'a>(layout: &'a Layout, name: &str) -> Option<&'a Field> {
    layout.fields.iter().find(|field| field.name == name)
}

/// The fields that say something as `name value`, each through `say` first.
pub(super) fn words(
    layout: &Layout,
    block: &[u8],
    say: impl Fn(&Field, i128) -> Option<String>,
) -> Vec<String> {
    let mut words = Vec::new();
    for field in layout.fields {
        if field.is_reserved() || PREFIX.contains(&field.name) {
            continue;
        }
        let bytes = &block[field.offset..field.offset + field.size];
        let is_null = field.optional && bytes == &null(field)[..field.size.min(8)];
        let is_zero = bytes.iter().all(|b| *b == 0);
        let is_enum = matches!(field.kind, FieldKind::Enum(_));
        let counts = COUNTS.contains(&field.name);
        if is_null || (is_zero && !is_enum && !field.optional && !counts) {
            continue;
        }
        let value = integer(block, field);
        let text = say(field, value).unwrap_or_else(|| match field.kind {
            FieldKind::Decimal8 => in_decimals(value, 8),
            FieldKind::Amount => in_decimals(value, 4),
            FieldKind::Time => in_duration(u64::try_from(value).unwrap_or(0)),
            FieldKind::Enum(def) => u8::try_from(value)
                .ok()
                .and_then(|number| def.name_of(number))
                .unwrap_or("?")
                .to_owned(),
            FieldKind::Chars => {
                let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
                format!("{:?}", String::from_utf8_lossy(&bytes[..end]))
            }
            FieldKind::Uint | FieldKind::Int => value.to_string(),
        });
        if !text.is_empty() {
            words.push(format!("{} {text}", field.name));
        }
    }
    words
}
