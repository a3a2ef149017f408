//! Commands and decisions to lines.

use super::limit::{push_limit, value_form};
use super::number::{push_i64, push_scaled, push_u64};
use super::shape::{Shape, int, is_null, shape_of, uint};
use crate::command::{Command, Sequenced};
use crate::decision::Decision;
use crate::record::MAX_RECORD;
use wire::layout::{Field, Layout};
use wire::{LimitKind, RejectCode, Scope, Unit};

/// Appends one line, without its line feed: the command, then the decision.
pub fn write_line(input: &Sequenced, decision: &Decision, out: &mut String) {
    open(input, out);
    push_decision(input.command.layout(), decision, out);
    out.push('}');
}

/// Appends one line, without its line feed: the command alone.
pub fn write_command(input: &Sequenced, out: &mut String) {
    open(input, out);
    out.push('}');
}

/// The name that a field of the decision has beside a command of this layout.
///
/// It is the field's own name, prefixed where the command has a field of that name: `code` and
/// `decisionCode`.
#[must_use]
pub fn decision_field_name(layout: &Layout, name: &'static str) -> std::borrow::Cow<'static, str> {
    if !layout.fields.iter().any(|field| field.name == name) {
        return name.into();
    }
    let (first, rest) = name.split_at(1);
    format!("decision{}{rest}", first.to_ascii_uppercase()).into()
}

fn open(input: &Sequenced, out: &mut String) {
    let layout = input.command.layout();
    out.push_str("{\"seq\":");
    push_u64(out, input.seq);
    out.push_str(",\"t\":");
    push_u64(out, input.t);
    out.push_str(",\"cmd\":\"");
    out.push_str(layout.name);
    out.push('"');
    let mut block = [0; MAX_RECORD];
    input.command.encode_block(&mut block);
    for field in layout.fields {
        let bytes = &block[field.offset..field.offset + field.size];
        let left_out = field.is_reserved()
            || (field.optional && is_null(field, bytes))
            || match field.name {
                "flags" => uint(bytes) == 0,
                "seqNo" => uint(bytes) == input.in_seq_no,
                _ => false,
            };
        if !left_out {
            push_key(out, field.name);
            push_value(out, layout, field, bytes, &input.command);
        }
    }
    push_key(out, "session");
    push_u64(out, input.session_id.into());
    push_key(out, "inSeqNo");
    push_u64(out, input.in_seq_no);
    if input.busy {
        push_key(out, "busy");
        out.push_str("\"Yes\"");
    }
}

fn push_key(out: &mut String, name: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
}

fn push_value(out: &mut String, layout: &Layout, field: &Field, bytes: &[u8], command: &Command) {
    match shape_of(layout, field) {
        Shape::Uint => push_u64(out, uint(bytes)),
        Shape::Int => push_i64(out, int(bytes)),
        Shape::Decimal(digits) => {
            out.push('"');
            push_scaled(out, int(bytes).into(), digits);
            out.push('"');
        }
        // A value without a name can't come off the wire; its number keeps the line exact all the same.
        Shape::Enum(def) => match def.name_of(bytes[0]) {
            Some(name) => push_quoted(out, name),
            None => push_u64(out, bytes[0].into()),
        },
        Shape::Chars => {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            push_quoted(out, std::str::from_utf8(&bytes[..end]).unwrap_or("?"));
        }
        Shape::LimitValue => {
            let (kind, unit) = if let Command::SetLimit(set) = command {
                (set.limit_kind, set.unit)
            } else if let Command::Propose(change) = command {
                (change.limit_kind, change.unit)
            } else {
                (LimitKind::NULL, Unit::Natural)
            };
            let form = value_form(kind, unit);
            out.push('"');
            push_limit(out, form, int(bytes));
            out.push('"');
        }
    }
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    if !text.contains(['"', '\\']) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

fn push_decision(layout: &Layout, decision: &Decision, out: &mut String) {
    let key = |out: &mut String, name: &'static str| {
        push_key(out, &decision_field_name(layout, name));
    };
    key(out, "decision");
    push_quoted(out, decision.outcome.name());
    if decision.code != 0 {
        key(out, "code");
        push_u64(out, decision.code.into());
        key(out, "reason");
        let name = RejectCode::from_number(decision.code).map_or("?", RejectCode::name);
        push_quoted(out, name);
    }
    let kind = |out: &mut String, name, kind: LimitKind| {
        if !kind.is_null() {
            key(out, name);
            push_quoted(out, kind.name());
        }
    };
    let scope = |out: &mut String, name, scope: Scope| {
        if !scope.is_null() {
            key(out, name);
            push_quoted(out, scope.name());
        }
    };
    kind(out, "limitKind", decision.limit_kind);
    scope(out, "scope", decision.scope);
    if decision.scope_id != u32::MAX {
        key(out, "scopeId");
        push_u64(out, decision.scope_id.into());
    }
    let form = value_form(decision.limit_kind, Unit::Natural);
    for (name, value) in [("limit", decision.limit), ("observed", decision.observed)] {
        if value != i64::MIN {
            key(out, name);
            out.push('"');
            push_limit(out, form, value);
            out.push('"');
        }
    }
    if decision.version != u32::MAX {
        key(out, "version");
        push_u64(out, decision.version.into());
    }
    if decision.order_id != 0 {
        key(out, "orderId");
        push_u64(out, decision.order_id);
    }
    if decision.util_bps != u16::MAX {
        key(out, "utilBps");
        push_u64(out, decision.util_bps.into());
    }
    kind(out, "utilLimitKind", decision.util_limit_kind);
    scope(out, "utilScope", decision.util_scope);
    if decision.shadow_code != 0 {
        key(out, "shadowReason");
        let name = RejectCode::from_number(decision.shadow_code).map_or("?", RejectCode::name);
        push_quoted(out, name);
        kind(out, "shadowLimitKind", decision.shadow_limit_kind);
        scope(out, "shadowScope", decision.shadow_scope);
    }
    if decision.shadow_scope_id != u32::MAX {
        key(out, "shadowScopeId");
        push_u64(out, decision.shadow_scope_id.into());
    }
    if decision.self_reported == wire::Flag::Yes {
        key(out, "selfReported");
        out.push_str("\"Yes\"");
    }
    if decision.out_seq_no != 0 {
        key(out, "outSeqNo");
        push_u64(out, decision.out_seq_no);
    }
}
