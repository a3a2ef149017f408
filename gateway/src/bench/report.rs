//! What a run says of itself: the machine, the conditions, tables for people and the same as JSON, curves
//! for the plot. A part of a run that is not valid has its reason where its percentiles would be.

use crate::voice::{remark, say};
use std::io::{self, Write};
use std::path::Path;

use comfy_table::{ContentArrangement, Table, presets};
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::figures::{Pairs, Summary, duration};
use super::line::Run;
use super::{machine, plot};

/// Quantiles that are printed, and the samples that each needs: ten beyond it.
const QUANTILES: [(&str, f64, u64); 5] = [
    ("p50", 0.5, 20),
    ("p90", 0.9, 100),
    ("p99", 0.99, 1_000),
    ("p99.9", 0.999, 10_000),
    ("p99.99", 0.9999, 100_000),
];

/// Whether a figure reaches its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The upper bound of its 95 % interval does.
    Met,
    /// It does not.
    Missed,
    /// The same build against itself does not either: the machine is too loud for this goal.
    Unresolved,
}

impl Verdict {
    /// Judges a ratio; `itself` is what the same build shows against itself.
    #[must_use]
    pub fn of(ratio: &Summary, goal: f64, itself: Option<&Summary>) -> Self {
        if ratio.interval.1 <= goal {
            Self::Met
        } else if itself.is_some_and(|itself| itself.interval.1 > goal) {
            Self::Unresolved
        } else {
            Self::Missed
        }
    }

    /// As it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unresolved => "unresolved",
        }
    }
}

/// A percentile curve.
#[derive(Debug, Clone)]
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// Nanoseconds.
    pub latency: Histogram<u64>,
}

/// The report of one subject.
#[derive(Debug)]
pub struct Report {
    subject: &'static str,
    title: String,
    facts: Map<String, Value>,
    curves: Vec<Curve>,
    quick: bool,
}

/// Percentiles that the samples carry, as JSON in nanoseconds.
#[must_use]
pub fn percentiles(latency: &Histogram<u64>) -> Value {
    let mut values = Map::new();
    for (name, quantile, needed) in QUANTILES {
        if latency.len() >= needed {
            values.insert(
                format!("{name}_ns"),
                latency.value_at_quantile(quantile).into(),
            );
        }
    }
    values.insert("max_ns".to_owned(), latency.max().into());
    values.insert("samples".to_owned(), latency.len().into());
    Value::Object(values)
}

impl Report {
    /// Opens a report and prints its head.
    #[must_use]
    pub fn open(subject: &'static str, title: &str, quick: bool) -> Self {
        let note = if quick {
            " (quick: not a measurement)"
        } else {
            ""
        };
        say(format_args!("\n{title}{note}"));
        Self {
            subject,
            title: title.to_owned(),
            facts: Map::new(),
            curves: Vec::new(),
            quick,
        }
    }

    /// Notes a fact for the JSON.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    fn list(&mut self, name: &str, value: Value) {
        let entry = self.facts.entry(name.to_owned());
        if let Value::Array(list) = entry.or_insert_with(|| Value::Array(Vec::new())) {
            list.push(value);
        }
    }

    /// Prints the percentiles of several sides as a table and keeps them.
    pub fn sides(&mut self, heading: &str, sides: &[(&str, &Histogram<u64>)]) {
        let mut header = vec![heading.to_owned()];
        header.extend(QUANTILES.iter().map(|(name, ..)| (*name).to_owned()));
        header.extend(["max", "samples"].map(str::to_owned));
        let mut table = table(header);
        for (name, latency) in sides {
            let mut row = vec![(*name).to_owned()];
            row.extend(cells(latency));
            table.add_row(row);
            let mut value = percentiles(latency);
            value["name"] = json!(format!("{heading}: {name}"));
            self.list("sides", value);
            self.curve(&format!("{heading}: {name}"), latency);
        }
        print(&table);
    }

    /// Keeps a curve for the plot.
    pub fn curve(&mut self, name: &str, latency: &Histogram<u64>) {
        self.curves.push(Curve {
            name: name.to_owned(),
            latency: latency.clone(),
        });
    }

    /// Prints a ratio with its spread, and its verdict where there is a goal.
    pub fn ratio(&mut self, name: &str, pairs: &Pairs, goal: Option<f64>, itself: Option<&Pairs>) {
        let Some(summary) = pairs.summary() else {
            say(format_args!("  {name}: no valid pairs"));
            self.list("ratios", json!({"name": name, "pairs": 0}));
            return;
        };
        let itself = itself.and_then(Pairs::summary);
        let verdict = goal.map(|goal| Verdict::of(&summary, goal, itself.as_ref()));
        let told = match (goal, verdict) {
            (Some(goal), Some(verdict)) if !self.quick => {
                format!("  goal {goal}×: {}", verdict.name())
            }
            _ => String::new(),
        };
        say(format_args!("  {name:<26} {summary}{told}"));
        if let Some(itself) = &itself {
            say(format_args!(
                "  {:<26} {itself}",
                "  the same against itself"
            ));
        }
        let itself = itself.map(|s| json!({"median": s.median, "interval_95": s.interval}));
        self.list(
            "ratios",
            json!({
                "name": name,
                "median": summary.median,
                "spread_10_90": summary.spread,
                "interval_95": summary.interval,
                "pairs": summary.pairs,
                "goal": goal,
                "against_itself": itself,
                "verdict": verdict.filter(|_| !self.quick).map(Verdict::name),
            }),
        );
    }

    /// As [`Self::ratio`] where more is better: the lower bound must reach the goal.
    pub fn ratio_at_least(&mut self, name: &str, pairs: &Pairs, goal: Option<f64>) {
        let Some(summary) = pairs.summary() else {
            say(format_args!("  {name}: no valid pairs"));
            self.list("ratios", json!({"name": name, "pairs": 0}));
            return;
        };
        let verdict = goal.map(|goal| match summary.interval.0 >= goal {
            true => Verdict::Met,
            false => Verdict::Missed,
        });
        let told = match (goal, verdict) {
            (Some(goal), Some(verdict)) if !self.quick => {
                format!("  goal ≥ {goal}×: {}", verdict.name())
            }
            _ => String::new(),
        };
        say(format_args!("  {name:<26} {summary}{told}"));
        self.list(
            "ratios",
            json!({
                "name": name,
                "median": summary.median,
                "spread_10_90": summary.spread,
                "interval_95": summary.interval,
                "pairs": summary.pairs,
                "goal_at_least": goal,
                "verdict": verdict.filter(|_| !self.quick).map(Verdict::name),
            }),
        );
    }

    /// Prints what runs at planned rates found, or why they found nothing.
    pub fn rates(&mut self, runs: &[(&str, &Run)]) {
        let mut header: Vec<String> = ["side", "rate /s", "answered /s"].map(str::to_owned).into();
        header.extend(QUANTILES.iter().map(|(name, ..)| (*name).to_owned()));
        header.extend(["max", "samples", "late"].map(str::to_owned));
        let mut table = table(header);
        for (side, run) in runs {
            let reached = run.latency.len() as f64 / run.took.as_secs_f64().max(1e-9);
            let mut row = vec![(*side).to_owned(), run.rate.to_string()];
            row.push(format!("{reached:.0}"));
            match run.invalid() {
                None => {
                    row.extend(cells(&run.latency));
                    let late = 100.0 * run.late as f64 / run.sent.max(1) as f64;
                    row.push(format!("{late:.2} %"));
                    self.curve(&format!("{side} {}/s", run.rate), &run.latency);
                }
                Some(reason) => row.push(format!("invalid: {reason}")),
            }
            table.add_row(row);
            let seconds: Vec<Value> = run
                .seconds
                .iter()
                .map(|second| percentiles(&second.latency))
                .collect();
            let valid = run.invalid().is_none();
            self.list(
                "rates",
                json!({
                    "side": side,
                    "rate": run.rate,
                    "answered_per_second": reached,
                    "sent": run.sent,
                    "late": run.late,
                    "busy": run.busy,
                    "invalid": run.invalid(),
                    "latency": valid.then(|| percentiles(&run.latency)),
                    "seconds": valid.then_some(seconds),
                }),
            );
        }
        print(&table);
    }

    /// Prints rows of any other kind; their figures are the caller's to keep as facts.
    pub fn rows(&self, header: &[&str], rows: Vec<Vec<String>>) {
        let mut table = table(header.iter().map(|name| (*name).to_owned()).collect());
        for row in rows {
            table.add_row(row);
        }
        print(&table);
    }

    /// Prints a sentence and keeps it as a note.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        say(format_args!("  {text}"));
        self.list("notes", text.into());
    }

    /// Writes `subject.json` and `subject.svg` into `directory`.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(mut self, directory: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(directory)?;
        self.fact("subject", self.subject);
        self.fact("title", self.title.clone());
        self.fact("quick", self.quick);
        self.fact("machine", machine::machine());
        self.fact("build", env!("CARGO_PKG_VERSION"));
        let json = directory.join(format!("{}.json", self.subject));
        std::fs::write(
            &json,
            serde_json::to_vec_pretty(&Value::Object(self.facts))?,
        )?;
        let mut told = json.display().to_string();
        // A quick run has no curve worth a picture, an invalid one none at all.
        if !self.curves.is_empty() {
            let svg = directory.join(format!("{}.svg", self.subject));
            plot::percentiles(&svg, &self.title, &self.curves)?;
            told += &format!(", {}", svg.display());
        }
        remark(format_args!("{told}"));
        Ok(())
    }
}

fn cells(latency: &Histogram<u64>) -> Vec<String> {
    let mut cells: Vec<String> = QUANTILES
        .iter()
        .map(|(_, quantile, needed)| match latency.len() >= *needed {
            true => duration(latency.value_at_quantile(*quantile)),
            false => "–".to_owned(),
        })
        .collect();
    cells.push(duration(latency.max()));
    cells.push(latency.len().to_string());
    cells
}

fn table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

fn print(table: &Table) {
    let mut out = io::stdout().lock();
    for line in table.lines() {
        // Who no longer reads gets the files.
        drop(writeln!(out, "  {}", line.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(median: f64, upper: f64) -> Summary {
        Summary {
            median,
            spread: (median, upper),
            interval: (median, upper),
            pairs: 20,
        }
    }

    #[test]
    fn a_goal_is_met_by_the_upper_bound_and_unresolved_where_noise_alone_exceeds_it() {
        let loud = summary(1.0, 1.2);
        let quiet = summary(1.0, 1.01);
        let judge = |upper, itself| Verdict::of(&summary(1.0, upper), 1.05, itself);
        assert_eq!(judge(1.05, Some(&loud)), Verdict::Met);
        assert_eq!(judge(1.06, None), Verdict::Missed);
        assert_eq!(judge(1.06, Some(&quiet)), Verdict::Missed);
        assert_eq!(judge(1.06, Some(&loud)), Verdict::Unresolved);
    }

    #[test]
    fn percentiles_that_the_samples_do_not_carry_are_left_out() {
        let mut latency = super::super::figures::histogram();
        latency.saturating_record_n(10, 999);
        let few = percentiles(&latency);
        assert_eq!(
            (few.get("p90_ns"), few.get("p99_ns")),
            (Some(&json!(10)), None)
        );
        latency.saturating_record(10);
        assert_eq!(percentiles(&latency)["p99_ns"], 10);
    }
}
