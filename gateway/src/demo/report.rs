//! What the demo prints: a story for people, or one object for programs.

use super::drive::Played;
use super::scenes::{Killed, Recovered, Tightened};
use super::tally::{Tally, code_name};
use comfy_table::{CellAlignment, Table, presets};
use engine::verify::Report;
use gateway::flow::Flow;
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// Columns of the longest bar of the histogram.
const BAR: u64 = 40;

/// A file's day, and what became of it.
#[derive(Debug)]
pub(super) struct FlowResult {
    pub(super) played: Played,
    /// Orders beyond the collar by a direct count from the file, if there is a collar.
    pub(super) outside_collar: Option<u64>,
    /// Positions equal to the independent sum of the file's fills.
    pub(super) positions_equal: bool,
    pub(super) final_positions: usize,
}

/// Everything there is to tell.
#[derive(Debug)]
pub(super) struct Story<'a> {
    pub(super) tally: &'a Tally,
    pub(super) flow: &'a Flow,
    pub(super) result: &'a FlowResult,
    pub(super) from_file: bool,
    pub(super) tightened: Tightened,
    pub(super) killed: Killed,
    pub(super) recovered: Recovered,
    pub(super) tally_equal: bool,
    pub(super) verified: &'a Report,
    pub(super) took: Duration,
    pub(super) seed: Option<u64>,
    pub(super) kept: Option<&'a Path>,
}

fn quantiles(of: &Histogram<u64>) -> Value {
    json!({
        "p50": of.value_at_quantile(0.5),
        "p90": of.value_at_quantile(0.9),
        "p99": of.value_at_quantile(0.99),
        "p999": of.value_at_quantile(0.999),
        "max": of.max(),
        "samples": of.len(),
    })
}

fn by_name<'a>(codes: impl IntoIterator<Item = (&'a u16, &'a u64)>) -> Value {
    let named = codes
        .into_iter()
        .map(|(code, n)| (code_name(*code), json!(n)));
    Value::Object(named.collect::<Map<_, _>>())
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Story<'_> {
    /// One object; `orders_sent` = `accepted` + the sum of `rejected` + `busy`.
    pub(super) fn json(&self) -> Value {
        let tally = self.tally;
        let accounting = &self.flow.accounting;
        let played = &self.result.played;
        let unmatched: Vec<Value> = accounting
            .unmatched_by_reason()
            .map(|(kind, reason, n)| {
                json!({"kind": kind.to_string(), "why": reason.to_string(), "lines": n})
            })
            .collect();
        let used: Map<String, Value> = accounting
            .used_by_kind()
            .map(|(kind, n)| (kind.to_string(), json!(n)))
            .collect();
        json!({
            "orders_sent": tally.sent,
            "accepted": tally.accepted,
            "rejected": by_name(&tally.rejected),
            "busy": tally.busy,
            "new_orders": {"sent": tally.new_orders, "accepted": tally.new_accepted},
            "other_refusals": by_name(&tally.others),
            "fills": tally.fills_told,
            "limit_change_effective": self.tightened.effective,
            "kill_clear": self.killed.clear,
            "recovered_equal": self.recovered.equal,
            "tally_equal": self.tally_equal,
            "unanswered_at_kill": self.recovered.unanswered,
            "answers_heard_again": self.recovered.heard_again,
            "kill_cancelled": self.killed.live,
            "replay": {
                "verified": true,
                "records": self.verified.records,
                "segments": self.verified.segments,
                "digest": hex(&self.verified.risk_digest),
                "session_digest": hex(&self.verified.session_digest),
            },
            "latency_ns": quantiles(&tally.decision),
            "round_trip_ns": quantiles(&tally.round_trip),
            "flow": {
                "source": if self.from_file { "file" } else { "generated" },
                "seed": self.seed,
                "lines_read": accounting.lines_read(),
                "used": used,
                "unmatched": accounting.unmatched(),
                "unmatched_by_reason": unmatched,
                "events": played.events,
                "new_orders": played.new_orders,
                "accepted": played.accepted,
                "refused": by_name(&played.refused),
                "replaces": played.replaces,
                "cancels": played.cancels,
                "fills": played.fills,
                "prices": played.prices,
                "halts_not_played": played.halts_not_played,
                "skipped": played.skipped,
                "outside_collar": self.result.outside_collar,
                "positions": self.result.final_positions,
                "positions_equal": self.result.positions_equal,
            },
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "wrong": tally.wrong,
            "journal": self.kept.map(|path| path.display().to_string()),
        })
    }

    /// The table, the percentiles and the histogram.
    pub(super) fn text(&self) -> String {
        let mut out = format!("\n{}\n", self.table());
        let tally = self.tally;
        // Writing to a string can't fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        if self.from_file {
            let accounting = &self.flow.accounting;
            line(format!(
                "\nThe file: {} lines read, {} of them not usable; accounts are attributed synthetically.",
                accounting.lines_read(),
                accounting.unmatched()
            ));
            for (kind, n) in accounting.used_by_kind() {
                line(format!("  {n:>8}  {kind}"));
            }
            for (kind, reason, n) in accounting.unmatched_by_reason() {
                line(format!("  {n:>8}  {kind}, unmatched: {reason}"));
            }
            for (what, n) in &self.result.played.skipped {
                line(format!("  {n:>8}  {what} of a refused order, not sent"));
            }
        }
        line(format!(
            "\nFrom receipt to the reply's departure, as the server says (decisionNanos; under ack=durable\n\
             the sync of its batch is part of it), {} accepted messages with up to 256 under way:",
            tally.decision.len()
        ));
        line(percentiles(&tally.decision));
        line(histogram(&tally.decision));
        line(
            "From sending to reading the answer, as the clients measure, queueing included:"
                .to_owned(),
        );
        line(percentiles(&tally.round_trip));
        line(format!(
            "\nReplay: {} records decided again, every decision equal; digest {}",
            self.verified.records,
            hex(&self.verified.risk_digest)
        ));
        if let Some(kept) = self.kept {
            line(format!(
                "The journal is in {}; try `portcullis-replay verify {}`",
                kept.display(),
                kept.display()
            ));
        }
        for wrong in &tally.wrong {
            line(format!("DOES NOT ADD UP: {wrong}"));
        }
        out
    }

    fn table(&self) -> Table {
        let tally = self.tally;
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |what: String, n: u64| {
            table.add_row([what, n.to_string()]);
        };
        row("order messages sent".to_owned(), tally.sent);
        row("  accepted".to_owned(), tally.accepted);
        for (code, n) in &tally.rejected {
            row(format!("  refused: {}", code_name(*code)), *n);
        }
        row("  refused: Busy".to_owned(), tally.busy);
        row("fills".to_owned(), tally.fills_told);
        let positions = u64::try_from(tally.positions().len()).unwrap_or(u64::MAX);
        let verdict = if self.tally_equal {
            "equal to"
        } else {
            "NOT equal to"
        };
        row(
            format!("positions, {verdict} the clients' tally"),
            positions,
        );
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

fn percentiles(of: &Histogram<u64>) -> String {
    let at = |q| micros(of.value_at_quantile(q));
    format!(
        "  p50 {}  p90 {}  p99 {}  p99.9 {}  max {}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        micros(of.max())
    )
}

fn micros(nanos: u64) -> String {
    format!("{}.{} µs", nanos / 1_000, nanos % 1_000 / 100)
}

/// One bar for each doubling.
fn histogram(of: &Histogram<u64>) -> String {
    let mut bars: Vec<(u64, u64)> = Vec::new();
    for bucket in of.iter_log(1_000, 2.0) {
        bars.push((
            bucket.value_iterated_to(),
            bucket.count_since_last_iteration(),
        ));
    }
    let most = bars.iter().map(|(_, n)| *n).max().unwrap_or(1).max(1);
    let mut out = String::new();
    for (upto, count) in bars.into_iter().skip_while(|(_, n)| *n == 0) {
        let width = usize::try_from(count * BAR / most).unwrap_or(0);
        // Writing to a string can't fail.
        let bar = "█".repeat(width);
        let _ = writeln!(out, "  ≤ {:>12} {bar:<40} {count}", micros(upto));
    }
    out
}
