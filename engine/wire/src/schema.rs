//! The FIX SBE schema, generated from the layouts.
//!
//! [`sbe_xml`] is what `engine/wire/schema/portcullis-sbe.xml` holds; a test compares the two. This
//! module owns how a layout is said in SBE 1.0; it decides nothing about the layouts themselves.
//!
//! Off-the-shelf tools differ in what they understand, so the schema keeps to what all of them do:
//! no gaps (reserved fields are fields), no `set`, no group, no variable data, `char` arrays as named
//! types, a `blockLength` on every message, a named type for every field (PyPI's `sbe` 0.4.3 does not
//! decode fields of a bare primitive type) and one with an explicit `nullValue` wherever a field may
//! be null. Scaled integers are plain `int64` types whose description states the scale.

use crate::codec::{HEADER_LEN, MAGIC, MAX_FRAME, SCHEMA_ID, VERSION};
use crate::layout::{EnumDef, Field, FieldKind, Layout};
use crate::types::ENUMS;
use crate::{Reply, Request, SessionMessage};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Every message of the protocol in ascending order of template id.
#[must_use]
pub fn all_layouts() -> Vec<&'static Layout> {
    let mut layouts = [SessionMessage::LAYOUTS, Request::LAYOUTS, Reply::LAYOUTS].concat();
    layouts.sort_by_key(|layout| layout.template_id);
    layouts
}

/// Name of a field's encoding in the schema: the named type, `char` with its length,
/// `Opt` appended where the null value is allowed.
#[must_use]
pub fn sbe_type(field: &Field) -> String {
    match field.kind {
        FieldKind::Chars => format!("{}{}", field.type_name, field.size),
        FieldKind::Enum(_) => field.type_name.to_owned(),
        FieldKind::Uint
        | FieldKind::Int
        | FieldKind::Decimal8
        | FieldKind::Amount
        | FieldKind::Time => {
            let suffix = if field.optional { "Opt" } else { "" };
            format!("{}{suffix}", field.type_name)
        }
    }
}

/// The null value of a field's type, as its SBE `nullValue`; text has none.
#[must_use]
pub fn null_value(field: &Field) -> Option<String> {
    match field.kind {
        FieldKind::Chars => None,
        FieldKind::Int | FieldKind::Decimal8 | FieldKind::Amount => Some(i64::MIN.to_string()),
        FieldKind::Uint | FieldKind::Time | FieldKind::Enum(_) => {
            Some((u64::MAX >> (64 - 8 * field.size)).to_string())
        }
    }
}

/// The whole schema as XML.
#[must_use]
pub fn sbe_xml() -> String {
    let layouts = all_layouts();
    let mut xml = Xml::default();
    xml.line("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>");
    xml.line(&format!(
        "<!-- Generated from engine/wire/src by PORTCULLIS_BLESS=1 cargo test -p wire; a test keeps it true. \
         On TCP each SBE message is preceded by {} bytes that are not part of it: uint16 length of the \
         whole frame ({HEADER_LEN} to {MAX_FRAME}, these bytes included) and uint16 0x{MAGIC:04X}, both little-endian. \
         This is the order of fields of FIX's Simple Open Framing Header with a 16-bit little-endian length. -->",
        4
    ));
    xml.open(
        "sbe:messageSchema",
        &[
            ("xmlns:sbe", "http://fixprotocol.io/2016/sbe"),
            ("package", "portcullis"),
            ("id", &SCHEMA_ID.to_string()),
            ("version", &VERSION.to_string()),
            ("semanticVersion", &format!("portcullis.{VERSION}")),
            (
                "description",
                "Order entry and risk management of Portcullis",
            ),
            ("byteOrder", "littleEndian"),
            ("headerType", "messageHeader"),
        ],
    );
    xml.open("types", &[]);
    header(&mut xml);
    types(&mut xml, &layouts);
    for def in ENUMS {
        enumeration(&mut xml, def);
    }
    xml.close("types");
    for layout in layouts {
        message(&mut xml, layout);
    }
    xml.close("sbe:messageSchema");
    xml.text
}

fn header(xml: &mut Xml) {
    xml.open(
        "composite",
        &[
            ("name", "messageHeader"),
            ("description", "Stands before every root block"),
        ],
    );
    for name in ["blockLength", "templateId", "schemaId", "version"] {
        xml.empty("type", &[("name", name), ("primitiveType", "uint16")]);
    }
    xml.close("composite");
}

/// The named types in use, in order of name. Enums share one encoding with the null value 255.
fn types(xml: &mut Xml, layouts: &[&Layout]) {
    xml.empty(
        "type",
        &[
            ("name", "enumUint8"),
            ("primitiveType", "uint8"),
            ("nullValue", "255"),
            (
                "description",
                "Encoding of every enum; 255 is null where the field is optional",
            ),
        ],
    );
    let used: BTreeMap<String, &Field> = layouts
        .iter()
        .flat_map(|layout| layout.fields)
        .filter(|field| !matches!(field.kind, FieldKind::Enum(_)))
        .map(|field| (sbe_type(field), field))
        .collect();
    for (name, field) in used {
        let (primitive, semantic, meaning) = match field.kind {
            FieldKind::Chars => ("char", "String", "Printable ASCII, padded with NUL"),
            FieldKind::Int => ("int64", "int", ""),
            FieldKind::Uint => match field.size {
                1 => ("uint8", "int", ""),
                2 => ("uint16", "int", ""),
                4 => ("uint32", "int", ""),
                _ => ("uint64", "int", ""),
            },
            FieldKind::Decimal8 => match field.type_name {
                "Price" => (
                    "int64",
                    "Price",
                    "In units of 1e-8 of the instrument's currency",
                ),
                "Qty" => (
                    "int64",
                    "Qty",
                    "In units of 1e-8 of the instrument's quantity",
                ),
                _ => ("int64", "float", "In units of 1e-8"),
            },
            FieldKind::Amount => ("int64", "Amt", "In units of 1e-4 of the base currency"),
            FieldKind::Time => (
                "uint64",
                "UTCTimestamp",
                "Nanoseconds since 1970-01-01T00:00:00Z",
            ),
            FieldKind::Enum(_) => continue,
        };
        let length = field.size.to_string();
        let null = null_value(field).unwrap_or_default();
        let mut attributes = vec![("name", name.as_str()), ("primitiveType", primitive)];
        if matches!(field.kind, FieldKind::Chars) {
            attributes.extend([("length", length.as_str()), ("characterEncoding", "ASCII")]);
        } else if field.optional {
            attributes.extend([("presence", "optional"), ("nullValue", null.as_str())]);
        }
        attributes.push(("semanticType", semantic));
        if !meaning.is_empty() {
            attributes.push(("description", meaning));
        }
        xml.empty("type", &attributes);
    }
}

fn enumeration(xml: &mut Xml, def: &EnumDef) {
    xml.open(
        "enum",
        &[
            ("name", def.name),
            ("encodingType", "enumUint8"),
            ("semanticType", "int"),
            ("description", def.doc.trim()),
        ],
    );
    for (name, value, doc) in def.values {
        xml.line(&format!(
            "<validValue name=\"{name}\" description=\"{}\">{value}</validValue>",
            escape(doc.trim())
        ));
    }
    xml.close("enum");
}

fn message(xml: &mut Xml, layout: &Layout) {
    xml.open(
        "sbe:message",
        &[
            ("name", layout.name),
            ("id", &layout.template_id.to_string()),
            ("blockLength", &layout.block_length.to_string()),
            ("description", layout.doc.trim()),
        ],
    );
    for (position, field) in layout.fields.iter().enumerate() {
        let (id, name, offset) = (
            (position + 1).to_string(),
            sbe_type(field),
            field.offset.to_string(),
        );
        let mut attributes = vec![
            ("name", field.name),
            ("id", id.as_str()),
            ("type", name.as_str()),
            ("offset", offset.as_str()),
        ];
        if field.optional {
            attributes.push(("presence", "optional"));
        }
        attributes.push(("description", field.doc.trim()));
        xml.empty("field", &attributes);
    }
    xml.close("sbe:message");
}

/// Lines of XML, indented by depth.
#[derive(Default)]
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn tag(name: &str, attributes: &[(&str, &str)]) -> String {
        let mut tag = format!("<{name}");
        for (key, value) in attributes {
            // Writing to a String cannot fail.
            let _ = write!(tag, " {key}=\"{}\"", escape(value));
        }
        tag
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.line(&(Self::tag(name, attributes) + ">"));
        self.depth += 1;
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.line(&(Self::tag(name, attributes) + "/>"));
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
