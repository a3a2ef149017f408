//! How a field of a message looks in the textual form.

use wire::layout::{EnumDef, Field, FieldKind, Layout};
use wire::{Message, Propose, SetLimit};

use crate::command::Started;

/// Names of the acknowledgement policies, as in the configuration.
pub static ACK: EnumDef = EnumDef {
    name: "Ack",
    doc: "When a reply leaves.",
    values: &[
        ("durable", 1, "Its batch is on the disk."),
        ("written", 2, "Its batch has been handed to the kernel."),
        ("memory", 3, "It is decided."),
    ],
};

/// How a field is written and read.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// An integer without sign: ids, counts, times.
    Uint,
    /// An integer with sign.
    Int,
    /// A decimal string; the number is that of its digits after the point.
    Decimal(u32),
    /// The name of a value.
    Enum(&'static EnumDef),
    /// Text.
    Chars,
    /// The value of a limit, in the unit of the command's `limitKind` and `unit`.
    LimitValue,
}

impl Shape {
    /// What the documentation calls it.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Uint | Self::Int => "integer".to_owned(),
            Self::Decimal(digits) => format!("decimal string, at most {digits} decimals"),
            Self::Enum(def) => format!("name of {}", def.name),
            Self::Chars => "text".to_owned(),
            Self::LimitValue => "as the kind says".to_owned(),
        }
    }
}

/// The shape of a field: from its kind, but for the two fields whose kind does not say it.
#[must_use]
pub fn shape_of(layout: &Layout, field: &Field) -> Shape {
    let sets_limit = [SetLimit::LAYOUT.template_id, Propose::LAYOUT.template_id];
    if sets_limit.contains(&layout.template_id) && field.name == "value" {
        return Shape::LimitValue;
    }
    if layout.template_id == Started::LAYOUT.template_id && field.name == "ack" {
        return Shape::Enum(&ACK);
    }
    match field.kind {
        FieldKind::Uint | FieldKind::Time => Shape::Uint,
        FieldKind::Int => Shape::Int,
        FieldKind::Decimal8 => Shape::Decimal(8),
        FieldKind::Amount => Shape::Decimal(4),
        FieldKind::Enum(def) => Shape::Enum(def),
        FieldKind::Chars => Shape::Chars,
    }
}

/// Unsigned value of a field's bytes.
pub(super) fn uint(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

/// Signed value of a field of eight bytes.
pub(super) fn int(bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}

/// The null value of an optional field, as its bytes.
pub(super) fn put_null(field: &Field, bytes: &mut [u8]) {
    match field.kind {
        FieldKind::Uint | FieldKind::Time | FieldKind::Enum(_) => bytes.fill(u8::MAX),
        FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => {
            bytes.copy_from_slice(&i64::MIN.to_le_bytes());
        }
        FieldKind::Chars => bytes.fill(0),
    }
}

/// Whether an optional field holds its null value.
pub(super) fn is_null(field: &Field, bytes: &[u8]) -> bool {
    match field.kind {
        FieldKind::Uint | FieldKind::Time | FieldKind::Enum(_) => {
            bytes.iter().all(|b| *b == u8::MAX)
        }
        FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => int(bytes) == i64::MIN,
        FieldKind::Chars => bytes.iter().all(|b| *b == 0),
    }
}
