//! Lines to commands. Fields of a decision are ignored, all others must be known.

use super::json::{Line, Scalar};
use super::limit::{ValueForm, read_limit, value_form};
use super::number::parse_scaled;
use super::shape::{Shape, put_null, shape_of};
use super::write::decision_field_name;
use super::{DECISION_FIELDS, HEAD_FIELDS, TextError};
use crate::command::{Command, Sequenced};
use crate::decision::Outcome;
use crate::record::MAX_RECORD;
use crate::suggest::did_you_mean;
use wire::layout::{EnumDef, Field, Layout};
use wire::{Flag, LimitKind, Malformed, Message, Propose, Unit};

/// A line of a flow: what it says of its place may be left out, and the simulator fills it in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlowLine {
    /// Place in the one sequence.
    pub seq: Option<u64>,
    /// Stamp in nanoseconds.
    pub t: Option<u64>,
    /// Session that sent it; 0 for the server itself.
    pub session_id: Option<u32>,
    /// Sequence number of the session's message.
    pub in_seq_no: Option<u64>,
    /// Whether there was too little room downstream for new orders.
    pub busy: bool,
    /// What became of it where the line comes from, if it says so.
    pub decision: Option<Outcome>,
    /// What is asked. Where `inSeqNo` is left out, its own sequence number is 0.
    pub command: Command,
}

/// Reads one line whose place is known.
///
/// # Errors
/// [`TextError`] names the field, what is wrong with it and the way out.
pub fn parse_line(text: &str) -> Result<Sequenced, TextError> {
    let line = parse_flow_line(text)?;
    Ok(Sequenced {
        seq: line.seq.unwrap_or(0),
        t: line.t.ok_or_else(|| missing("t"))?,
        session_id: line.session_id.unwrap_or(0),
        in_seq_no: line.in_seq_no.unwrap_or(0),
        busy: line.busy,
        command: line.command,
    })
}

/// Reads one line of a flow.
///
/// # Errors
/// [`TextError`] names the field, what is wrong with it and the way out.
pub fn parse_flow_line(text: &str) -> Result<FlowLine, TextError> {
    // Without its line feed, behind which an error would stand in another line.
    let Line(fields) = serde_json::from_str(text.trim_end())
        .map_err(|error| TextError::whole(json_error(&error)))?;
    let mut head = Head::default();
    for (name, value) in &fields {
        head.take(name, value)?;
    }
    let cmd = head.cmd.ok_or_else(|| missing("cmd"))?;
    let layout = *Command::LAYOUTS
        .iter()
        .find(|layout| layout.name == cmd)
        .ok_or_else(|| {
            let names = Command::LAYOUTS.iter().map(|layout| layout.name);
            TextError::new(
                "cmd",
                format!("there is no command `{cmd}`{}", did_you_mean(cmd, names)),
            )
        })?;
    let block = fill_block(layout, &fields, head.in_seq_no.unwrap_or(0))?;
    let command = match Command::decode_block(layout.template_id, &block[..layout.block_length]) {
        Some(Ok(command)) => command,
        Some(Err(Malformed::Field { field, .. })) => {
            return Err(TextError::new(
                field,
                "holds a value that the schema does not allow",
            ));
        }
        Some(Err(Malformed::TooShort { .. })) | None => {
            return Err(TextError::new("cmd", "has no such layout in this build"));
        }
    };
    Ok(FlowLine {
        seq: head.seq,
        t: head.t,
        session_id: head.session,
        in_seq_no: head.in_seq_no,
        busy: head.busy.unwrap_or(false),
        decision: head.decision,
        command,
    })
}

fn json_error(error: &serde_json::Error) -> String {
    // serde_json counts lines too; here there is only one, which the caller has counted.
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    match error.column() {
        0 => format!("no JSON object: {what}"),
        column => format!("no JSON object: {what} at column {column}"),
    }
}

fn missing(field: &str) -> TextError {
    TextError::new(field, "is missing")
}

#[derive(Default)]
struct Head<'a> {
    cmd: Option<&'a str>,
    t: Option<u64>,
    seq: Option<u64>,
    session: Option<u32>,
    in_seq_no: Option<u64>,
    busy: Option<bool>,
    decision: Option<Outcome>,
}

impl<'a> Head<'a> {
    fn take(&mut self, name: &str, value: &'a Scalar<'a>) -> Result<(), TextError> {
        let at = |what: String| TextError::new(name, what);
        let given_before = match name {
            "cmd" => match value {
                Scalar::Text(text) => self.cmd.replace(text).is_some(),
                Scalar::Uint(_) | Scalar::Int(_) | Scalar::Null | Scalar::Other(_) => {
                    return Err(at("must be the name of a command".to_owned()));
                }
            },
            "t" => replaces(&mut self.t, uint(value, u64::MAX).map_err(at)?),
            "seq" => replaces(&mut self.seq, uint(value, u64::MAX).map_err(at)?),
            "inSeqNo" => replaces(&mut self.in_seq_no, uint(value, u64::MAX).map_err(at)?),
            "session" => {
                let wide = uint(value, u32::MAX.into()).map_err(at)?;
                replaces(&mut self.session, u32::try_from(wide).unwrap_or(u32::MAX))
            }
            // Other fields of the decision are not read at all; what is no outcome says nothing.
            "decision" => enum_value(&Outcome::DEF, value)
                .is_ok_and(|outcome| replaces(&mut self.decision, Outcome(outcome))),
            "busy" => {
                let flag = enum_value(&Flag::DEF, value).map_err(at)?;
                replaces(&mut self.busy, flag == Flag::Yes.0)
            }
            _ => false,
        };
        if given_before {
            return Err(at("is given twice".to_owned()));
        }
        Ok(())
    }
}

/// Puts a value, and says whether there was one.
fn replaces<T>(place: &mut Option<T>, value: T) -> bool {
    place.replace(value).is_some()
}

type Block = [u8; MAX_RECORD];

fn fill_block(
    layout: &'static Layout,
    fields: &[(std::borrow::Cow<'_, str>, Scalar<'_>)],
    in_seq_no: u64,
) -> Result<Block, TextError> {
    let mut block: Block = [0; MAX_RECORD];
    // One bit a field: no layout has 64 fields.
    let mut given: u64 = 0;
    // Lines mostly come in the order of the layout, so that the next field is where the last one ended.
    let mut next = 0;
    for (name, value) in fields {
        // No command has a field of these names.
        if matches!(
            &**name,
            "seq" | "t" | "cmd" | "session" | "inSeqNo" | "decision"
        ) {
            continue;
        }
        let place = (next..layout.fields.len())
            .chain(0..next)
            .find(|i| layout.fields[*i].name == name);
        let Some(place) = place else {
            check_foreign(layout, name)?;
            continue;
        };
        next = place + 1;
        let field = &layout.fields[place];
        if given & (1 << place) != 0 {
            return Err(TextError::new(field.name, "is given twice"));
        }
        given |= 1 << place;
        let bytes = &mut block[field.offset..field.offset + field.size];
        if field.is_reserved() {
            return Err(TextError::new(field.name, "is reserved: leave it out"));
        }
        if *value == Scalar::Null {
            if !field.optional {
                return Err(TextError::new(field.name, "can't be null"));
            }
            put_null(field, bytes);
            continue;
        }
        put_value(layout, field, value, fields, bytes)
            .map_err(|what| TextError::new(field.name, what))?;
    }
    for (place, field) in layout.fields.iter().enumerate() {
        if given & (1 << place) == 0 {
            let bytes = &mut block[field.offset..field.offset + field.size];
            put_default(layout, field, in_seq_no, bytes)?;
        }
    }
    Ok(block)
}

/// A name that the command does not have is the head's, the decision's or a mistake.
fn check_foreign(layout: &'static Layout, name: &str) -> Result<(), TextError> {
    // Few lines have a field of the decision that is prefixed: those are looked for last.
    let plain = HEAD_FIELDS.iter().any(|(field, _)| *field == name)
        || DECISION_FIELDS.iter().any(|(field, _)| *field == name);
    if plain
        || (name.starts_with("decision")
            && DECISION_FIELDS
                .iter()
                .any(|(field, _)| decision_field_name(layout, field) == name))
    {
        return Ok(());
    }
    let known = layout
        .fields
        .iter()
        .filter(|field| !field.is_reserved())
        .map(|field| field.name)
        .chain(HEAD_FIELDS.iter().map(|(field, _)| *field));
    let hint = did_you_mean(name, known);
    Err(TextError::new(
        name,
        format!("{} has no such field{hint}", layout.name),
    ))
}

/// What a field holds that the line leaves out: null, zero, empty; prices, quantities and enums without
/// a zero must be said.
fn put_default(
    layout: &'static Layout,
    field: &Field,
    in_seq_no: u64,
    bytes: &mut [u8],
) -> Result<(), TextError> {
    if field.optional {
        put_null(field, bytes);
        return Ok(());
    }
    if field.name == "seqNo" {
        bytes.copy_from_slice(&in_seq_no.to_le_bytes());
        return Ok(());
    }
    match shape_of(layout, field) {
        Shape::Decimal(_) | Shape::LimitValue => Err(missing(field.name)),
        Shape::Enum(def) if def.name_of(0).is_none() => Err(missing(field.name)),
        Shape::Enum(_) | Shape::Uint | Shape::Int | Shape::Chars => Ok(()),
    }
}

fn put_value(
    layout: &'static Layout,
    field: &Field,
    value: &Scalar<'_>,
    fields: &[(std::borrow::Cow<'_, str>, Scalar<'_>)],
    bytes: &mut [u8],
) -> Result<(), String> {
    match shape_of(layout, field) {
        Shape::Uint => {
            let bits = 8 * u32::try_from(field.size).unwrap_or(8);
            let max = u64::MAX >> (64 - bits.clamp(8, 64));
            let value = uint(value, max)?;
            bytes.copy_from_slice(&value.to_le_bytes()[..field.size]);
        }
        Shape::Int => bytes.copy_from_slice(&scaled(value, 0)?.to_le_bytes()),
        Shape::Decimal(digits) => bytes.copy_from_slice(&scaled(value, digits)?.to_le_bytes()),
        Shape::Enum(def) => bytes[0] = enum_value(def, value)?,
        Shape::Chars => put_text(value, bytes)?,
        Shape::LimitValue => {
            let value = limit(value, limit_form(layout, fields)?)?;
            bytes.copy_from_slice(&value.to_le_bytes());
        }
    }
    Ok(())
}

fn put_text(value: &Scalar<'_>, bytes: &mut [u8]) -> Result<(), String> {
    let Scalar::Text(text) = value else {
        return Err("must be text".to_owned());
    };
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err("must be printable ASCII".to_owned());
    }
    let Some(to) = bytes.get_mut(..text.len()) else {
        return Err(format!(
            "has {} characters; at most {} fit",
            text.len(),
            bytes.len()
        ));
    };
    to.copy_from_slice(text.as_bytes());
    Ok(())
}

/// The form of a limit's value: `limitKind` and `unit` may stand before or after it.
fn limit_form(
    layout: &Layout,
    fields: &[(std::borrow::Cow<'_, str>, Scalar<'_>)],
) -> Result<ValueForm, String> {
    let find = |name: &str| {
        let said = fields.iter().find(|(field, _)| field == name);
        said.filter(|(_, value)| !matches!(value, Scalar::Null))
    };
    let kind = match find("limitKind") {
        Some((_, kind)) => {
            enum_value(&LimitKind::DEF, kind).map_err(|what| format!("limitKind {what}"))?
        }
        // A proposal of something else than a limit has no kind.
        None if layout.template_id == Propose::LAYOUT.template_id => LimitKind::NULL.0,
        None => return Err("needs `limitKind`".to_owned()),
    };
    let unit = match find("unit") {
        Some((_, unit)) => enum_value(&Unit::DEF, unit).map_err(|what| format!("unit {what}"))?,
        None => Unit::Natural.0,
    };
    Ok(value_form(LimitKind(kind), Unit(unit)))
}

fn limit(value: &Scalar<'_>, form: ValueForm) -> Result<i64, String> {
    match value {
        Scalar::Text(text) => read_limit(text, form).map_err(|error| format!("`{text}` {error}")),
        Scalar::Uint(_) | Scalar::Int(_) | Scalar::Null | Scalar::Other(_) => scaled(
            value,
            match form {
                ValueForm::Quantity => 8,
                ValueForm::Amount => 4,
                ValueForm::Count | ValueForm::BasisPoints | ValueForm::Ticks | ValueForm::Nanos => {
                    0
                }
            },
        ),
    }
}

fn uint(value: &Scalar<'_>, max: u64) -> Result<u64, String> {
    let number = match value {
        Scalar::Uint(number) => *number,
        Scalar::Text(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is not an integer from 0 to {max}"))?,
        Scalar::Int(number) => return Err(format!("{number} is not an integer from 0 to {max}")),
        Scalar::Null => return Err("can't be null".to_owned()),
        Scalar::Other(what) => return Err(format!("is {what}")),
    };
    if number > max {
        return Err(format!("{number} is above {max}"));
    }
    Ok(number)
}

fn scaled(value: &Scalar<'_>, digits: u32) -> Result<i64, String> {
    let whole = |number: i128| {
        number
            .checked_mul(10i128.pow(digits))
            .and_then(|scaled| i64::try_from(scaled).ok())
            .ok_or_else(|| format!("{number} is out of range"))
    };
    match value {
        Scalar::Text(text) => {
            parse_scaled(text, digits).map_err(|error| format!("`{text}` {error}"))
        }
        Scalar::Uint(number) => whole((*number).into()),
        Scalar::Int(number) => whole((*number).into()),
        Scalar::Null => Err("can't be null".to_owned()),
        Scalar::Other(what) => Err(format!("is {what}")),
    }
}

fn enum_value(def: &'static EnumDef, value: &Scalar<'_>) -> Result<u8, String> {
    match value {
        Scalar::Text(name) => def.value_of(name).ok_or_else(|| {
            let names = def.values.iter().map(|(name, ..)| *name);
            format!(
                "`{name}` is not a {}{}",
                def.name,
                did_you_mean(name, names)
            )
        }),
        Scalar::Uint(number) => {
            u8::try_from(*number).map_err(|_| format!("{number} is not a {}", def.name))
        }
        Scalar::Int(number) => Err(format!("{number} is not a {}", def.name)),
        Scalar::Null => Err("can't be null".to_owned()),
        Scalar::Other(what) => Err(format!("is {what}")),
    }
}
