//! The one textual form of commands and decisions: one JSON object a line.
//!
//! `portcullis-replay dump --json` writes it and `simulate` reads it, so that yesterday's journal under
//! other limits is a pipe. The form is driven by the layouts: a field of a message appears here under
//! its protocol name without a line of code of its own. `docs/text-form.md` documents it field by
//! field. This module owns both directions and the rendering of scaled numbers; what a person types
//! into a configuration or a command line ("5%", "2s") belongs to [`crate::firm`].
//!
//! The rules:
//! - exact: no float anywhere, and writing what was read gives the same bytes;
//! - prices, quantities, rates and amounts are decimal strings; times are integer nanoseconds;
//! - enums stand by name, text as it is; fields that are null are left out;
//! - `flags` appears when it is not 0, `seqNo` when it differs from `inSeqNo`, reserved fields never;
//! - a field of the decision has its own name unless the command has a field of that name: then it is
//!   prefixed, `scope` of the decision becomes `decisionScope`. No field of an order collides.

mod json;
mod limit;
pub mod number;
mod parse;
mod shape;
mod write;

pub use limit::{ValueForm, limit_text, push_limit, read_limit, value_form};
pub use number::{decimal4, decimal8};
pub use parse::{FlowLine, parse_flow_line, parse_line};
pub use shape::{ACK, Shape, shape_of};
pub use write::{decision_field_name, write_command, write_line};

/// The fields of a decision in the order they are written, with what they say.
///
/// Each is prefixed `decision` where the command has a field of that name.
pub const DECISION_FIELDS: &[(&str, &str)] = &[
    ("decision", "What became of the command."),
    (
        "code",
        "Reject code as a number; left out where nothing was refused.",
    ),
    ("reason", "Name of the reject code."),
    ("limitKind", "Kind of the limit that refused."),
    ("scope", "Scope of the limit that refused."),
    ("scopeId", "Id within the scope."),
    ("limit", "Value of the limit, in the unit of its kind."),
    (
        "observed",
        "Value that would have been reached, in the same unit; 0 for ReferenceMaxAge, OrderRate and DuplicateOrder.",
    ),
    ("version", "Version of the limit."),
    (
        "orderId",
        "Order that was accepted or changed; left out for none.",
    ),
    ("utilBps", "Tightest use after an accept, in basis points."),
    ("utilLimitKind", "Kind of the tightest use."),
    ("utilScope", "Scope of the tightest use."),
    (
        "shadowReason",
        "Name of the reject code of the first shadow limit that would have refused; left out for none.",
    ),
    ("shadowLimitKind", "Kind of that shadow limit."),
    ("shadowScope", "Scope of that shadow limit."),
    ("shadowScopeId", "Id within that scope."),
    (
        "selfReported",
        "`Yes` where a desk reported on its own orders (sidecar); else left out.",
    ),
    (
        "outSeqNo",
        "Next outbound sequence number of the sending session before this command; left out where 0.",
    ),
];

/// The fields around a command's own, with what they say.
pub const HEAD_FIELDS: &[(&str, &str)] = &[
    (
        "seq",
        "Place in the one sequence, from 1. May be left out when read: 0.",
    ),
    (
        "t",
        "Stamp of the gateway, integer nanoseconds since 1970-01-01T00:00:00Z.",
    ),
    ("cmd", "Name of the command."),
    (
        "session",
        "Session that sent it; 0 for the server itself. May be left out when read: 0.",
    ),
    (
        "inSeqNo",
        "Sequence number of the session's message; 0 for the server's own records. May be left out when read: 0.",
    ),
    (
        "busy",
        "`Yes` if there was too little room downstream for new orders; else left out.",
    ),
];

/// A line that is not a command: which field, what is wrong and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{what}", .line.map(|n| format!("line {n}: ")).unwrap_or_default(), place(.field))]
pub struct TextError {
    /// Number of the line from 1, where the caller has counted: see [`TextError::at_line`].
    pub line: Option<u64>,
    /// Name of the field; empty if the line is no JSON object at all.
    pub field: String,
    /// What is wrong with it, and the way out.
    pub what: String,
}

fn place(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("field `{field}`: ")
    }
}

impl TextError {
    /// A mistake in one field.
    #[must_use]
    pub fn new(field: &str, what: impl Into<String>) -> Self {
        Self {
            line: None,
            field: field.to_owned(),
            what: what.into(),
        }
    }

    /// A line that is none as a whole.
    #[must_use]
    pub fn whole(what: impl Into<String>) -> Self {
        Self::new("", what)
    }

    /// The same error with the number of its line.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
}
