//! `explain`: why an order of the past passed or not. The state just before its record is rebuilt, every
//! decision on the way compared, and the order asked about again; nothing is decided anew.

use crate::output::{DIFFERS, Failure, print_table, table};
use crate::reading::{beginning, journal_dir, records_from};
use clap::Args;
use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outcome};
use engine::risk::RiskEngine;
use engine::text::{ValueForm, push_limit, value_form};
use engine::view::{ControlView, Explanation};
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use wire::{RejectCode, Scope, Selector, Unit};

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Journal directory
    dir: PathBuf,
    /// Sequence of a NewOrder or ReplaceOrder
    #[arg(required_unless_present = "order_id", conflicts_with = "order_id")]
    seq: Option<u64>,
    /// The order that was accepted with this id
    #[arg(long, value_name = "ID")]
    order_id: Option<u64>,
    /// One JSON object a line: each control, then the decision
    #[arg(long)]
    json: bool,
}

/// An order as it stands in the journal, and what can be said about it.
struct Explained {
    input: Sequenced,
    decision: Decision,
    explanation: Explanation,
    controls: Vec<Row>,
}

/// A control with its numbers in the unit of its limit.
struct Row {
    view: ControlView,
    form: ValueForm,
}

pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let dir = journal_dir(&args.dir)?;
    let (mut copy, start) = beginning(&dir)?;
    let begins_at = copy.seq();
    let mut found = None;
    records_from(&dir, start, |input, decision| {
        if found.is_some() {
            return Ok(());
        }
        if is_asked(args, &input, &decision) {
            found = Some(explain(copy.engine(), input, decision)?);
            return Ok(());
        }
        copy.replay(&input, &decision)
            .map_err(|difference| Failure::new(DIFFERS, format!("replay differs: {difference}")))
    })?;
    let Some(explained) = found else {
        let what = match (args.seq, args.order_id) {
            (Some(seq), _) if seq <= begins_at => format!(
                "the state before record {seq} can't be rebuilt: what was before {begins_at} has been removed"
            ),
            (None, Some(id)) if id <= begins_at => format!(
                "order {id} was accepted before record {begins_at}: what was before that has been removed"
            ),
            (Some(seq), _) => format!("the journal has no record {seq}; it ends at {}", copy.seq()),
            (None, Some(id)) => format!("the journal has no accepted order {id}"),
            (None, None) => "nothing was asked".to_owned(),
        };
        return Err(Failure::new(1, what));
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        explained.as_json(&mut out)?;
    } else {
        explained.for_people(&mut out)?;
    }
    out.flush()?;
    Ok(())
}

fn is_asked(args: &ExplainArgs, input: &Sequenced, decision: &Decision) -> bool {
    match args.order_id {
        Some(id) => {
            matches!(input.command, Command::NewOrder(_))
                && decision.outcome == Outcome::Accepted
                && decision.order_id == id
        }
        None => args.seq == Some(input.seq),
    }
}

fn explain(
    engine: &RiskEngine,
    input: Sequenced,
    decision: Decision,
) -> Result<Explained, Failure> {
    let explanation = engine
        .explain(input.session_id, &input.command, input.t)
        .ok_or_else(|| {
            let what = format!(
                "record {} is a {}; only NewOrder and ReplaceOrder meet controls",
                input.seq,
                input.command.layout().name
            );
            Failure::new(1, what)
        })?;
    let units: Vec<_> = engine.limits().collect();
    let controls = explanation
        .controls
        .iter()
        .map(|view| {
            let unit = units
                .iter()
                .find(|limit| {
                    (limit.kind, limit.scope, limit.scope_id)
                        == (view.kind, view.scope, view.scope_id)
                        && (limit.selector, limit.selector_id) == (view.selector, view.selector_id)
                })
                .map_or(Unit::Natural, |limit| limit.unit);
            // Two controls have a bound that is no limit.
            let form = match view.refuses {
                Some(RejectCode::ShortSale) => ValueForm::Quantity,
                Some(RejectCode::FxStale) => ValueForm::Nanos,
                _ => value_form(view.kind, unit),
            };
            Row { view: *view, form }
        })
        .collect();
    Ok(Explained {
        input,
        decision,
        explanation,
        controls,
    })
}

impl Row {
    fn number(&self, value: i64) -> String {
        let mut text = String::new();
        push_limit(&mut text, self.form, value);
        text
    }

    /// The limit's kind, or what a control without a limit refuses with.
    fn name(&self) -> String {
        let refuses = self.view.refuses.map_or("", RejectCode::name);
        if self.view.kind.is_null() {
            refuses.to_owned()
        } else {
            self.view.kind.name().to_owned()
        }
    }

    fn limit(&self) -> Option<String> {
        let limit = self.view.limit?;
        let unit = if limit == i64::MAX {
            ""
        } else {
            self.form.suffix()
        };
        Some(format!("{}{unit}", self.number(limit)))
    }

    fn selector(&self) -> String {
        if self.view.selector.is_null() {
            return String::new();
        }
        let id = self.view.selector_id;
        let name = self.view.selector.name().to_ascii_lowercase();
        match self.view.selector {
            Selector::All => name,
            Selector::Currency => {
                let code = id.to_le_bytes();
                let code = String::from_utf8_lossy(&code);
                format!("{name}:{}", code.trim_end_matches('\0'))
            }
            _ => format!("{name}:{id}"),
        }
    }
}

fn place(scope: Scope, id: u32) -> String {
    if scope.is_null() {
        return String::new();
    }
    let name = scope.name().to_ascii_lowercase();
    if scope == Scope::Firm {
        name
    } else {
        format!("{name}:{id}")
    }
}

impl Explained {
    fn as_json(&self, out: &mut impl Write) -> io::Result<()> {
        for row in &self.controls {
            let v = &row.view;
            let (kind, scope) = (!v.kind.is_null(), !v.scope.is_null());
            let selector = !v.selector.is_null();
            let mode = if v.shadow { "Shadow" } else { "Enforced" };
            let fields = [
                ("is", json!("control")),
                ("limitKind", json!(kind.then(|| v.kind.name()))),
                ("scope", json!(scope.then(|| v.scope.name()))),
                ("scopeId", json!(scope.then_some(v.scope_id))),
                ("selector", json!(selector.then(|| v.selector.name()))),
                ("selectorId", json!(selector.then_some(v.selector_id))),
                ("limit", json!(v.limit.map(|n| row.number(n)))),
                ("reached", json!(v.reached.map(|n| row.number(n)))),
                ("headroom", json!(v.headroom.map(|n| row.number(n)))),
                ("version", json!(v.version)),
                ("mode", json!(v.version.map(|_| mode))),
                ("refuses", json!(v.refuses.map(RejectCode::name))),
            ];
            writeln!(out, "{}", object(&fields))?;
        }
        let by = self.explanation.refused_by;
        let fields = [
            ("is", json!("decision")),
            ("seq", json!(self.input.seq)),
            ("cmd", json!(self.input.command.layout().name)),
            ("decision", json!(self.decision.outcome.name())),
            (
                "code",
                json!((self.decision.code != 0).then_some(self.decision.code)),
            ),
            ("reason", json!(self.reason())),
            (
                "limitKind",
                json!(self.explanation.limit_kind.map(|kind| kind.name())),
            ),
            ("scope", json!(by.map(|(scope, _)| scope.name()))),
            ("scopeId", json!(by.map(|(_, id)| id))),
        ];
        writeln!(out, "{}", object(&fields))
    }

    fn reason(&self) -> Option<&'static str> {
        let code = self.decision.code;
        (code != 0).then(|| RejectCode::from_number(code).map_or("?", RejectCode::name))
    }

    fn for_people(&self, out: &mut impl Write) -> io::Result<()> {
        let mut lines = table([
            "control", "scope", "selector", "limit", "reached", "headroom", "version", "says",
        ]);
        for row in &self.controls {
            let v = &row.view;
            let number = |value: Option<i64>| value.map_or(String::new(), |n| row.number(n));
            let says = match (v.refuses, v.shadow) {
                (Some(code), false) => format!("refuses: {}", code.name()),
                (Some(code), true) => format!("would refuse: {} (shadow)", code.name()),
                (None, false) => "passes".to_owned(),
                (None, true) => "passes (shadow)".to_owned(),
            };
            lines.add_row([
                row.name(),
                place(v.scope, v.scope_id),
                row.selector(),
                row.limit().unwrap_or_default(),
                number(v.reached),
                number(v.headroom),
                v.version.map_or(String::new(), |n| n.to_string()),
                says,
            ]);
        }
        print_table(out, &lines)?;
        writeln!(out)?;
        let name = self.input.command.layout().name;
        let (seq, outcome) = (self.input.seq, self.decision.outcome.name());
        write!(out, "{name} {seq}: {outcome}")?;
        if let Some(reason) = self.reason() {
            write!(out, ", {reason}")?;
        }
        // Which limit is missing is said by its kind alone.
        if self.explanation.code == Some(RejectCode::LimitNotSet)
            && let Some(kind) = self.explanation.limit_kind
        {
            write!(out, ": {kind}")?;
        }
        if let Some((scope, id)) = self.explanation.refused_by {
            write!(out, " by {}", place(scope, id))?;
        }
        writeln!(out)
    }
}

fn object(fields: &[(&str, Value)]) -> Value {
    let named = fields.iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        named
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}
