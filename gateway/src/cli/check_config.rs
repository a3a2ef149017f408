//! `check-config`: what a file becomes, or all its mistakes with their places.

use super::failure::Failure;
use super::key_files;
use super::reload::load_tls;
use super::remote::two_person;
use engine::firm::{EXAMPLE, Firm, Mistakes};
use gateway::memory;
use gateway::voice::{remark, say};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report,
};
use serde_json::{Map, json};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

pub(crate) fn print_example() -> Result<(), Failure> {
    io::stdout().lock().write_all(EXAMPLE.as_bytes())?;
    Ok(())
}

pub(crate) fn run(file: Option<&Path>, data: Option<&Path>, json: bool) -> Result<(), Failure> {
    let (name, text) = match file {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|error| {
                Failure::new(1, format!("cannot read {}: {error}", path.display()))
            })?;
            (path.display().to_string(), text)
        }
        None => ("example.toml".to_owned(), EXAMPLE.to_owned()),
    };
    let mut firm = match Firm::parse(&name, &text) {
        Ok(firm) => firm,
        Err(mistakes) => {
            if json {
                print_json(&mistakes);
            } else {
                remark(with_carets(&mistakes, &text).trim_end());
            }
            return Err(Failure::told(1));
        }
    };
    if let Some(data) = data {
        let mut problems = key_files::load(&mut firm, data).err().unwrap_or_default();
        if let Err(failure) = load_tls(firm.process.tls.as_ref(), data) {
            problems.push(failure.what);
        }
        if !problems.is_empty() {
            return Err(Failure::new(1, problems.join("\nportcullis: ")));
        }
    }
    let refusals = firm.refusals();
    if !refusals.is_empty() {
        for refusal in &refusals {
            if json {
                let told = json!({"ok": false, "file": name, "what": refusal.to_string()});
                say(told);
            } else {
                remark(format_args!(
                    "portcullis: {name}: the engine would refuse {refusal}"
                ));
            }
        }
        return Err(Failure::told(1));
    }
    let counts = firm.counts();
    let table_bytes = firm.table_bytes();
    if json {
        let counts: Map<_, _> = counts
            .iter()
            .map(|(what, n)| ((*what).to_owned(), json!(n)))
            .collect();
        writeln!(
            io::stdout(),
            "{}",
            json!({"ok": true, "firm": firm.name(), "instance": firm.instance(), "defines": counts,
                "two_person": firm.two_person(), "table_bytes": table_bytes})
        )?;
    } else {
        let counts: Vec<_> = counts
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        writeln!(io::stdout(), "{name}: ok")?;
        writeln!(
            io::stdout(),
            "{} (instance {}): {}",
            firm.name(),
            firm.instance(),
            counts.join(", ")
        )?;
        writeln!(io::stdout(), "{}", two_person(firm.two_person()))?;
        writeln!(
            io::stdout(),
            "tables of {} MiB at most, twice in a server: its own and its follower's",
            table_bytes.div_ceil(1 << 20)
        )?;
        if let Some(why) = memory::too_little_for(table_bytes) {
            remark(format_args!(
                "portcullis: it could not be served here: {why}"
            ));
        }
    }
    Ok(())
}

fn print_json(mistakes: &Mistakes) {
    for mistake in &mistakes.list {
        let line = json!({
            "ok": false,
            "file": mistakes.file,
            "line": mistake.line,
            "column": mistake.column,
            "key": mistake.key,
            "what": mistake.what,
            "help": mistake.help,
        });
        say(line);
    }
}

/// Every mistake with its line of the file and a caret below it.
fn with_carets(mistakes: &Mistakes, text: &str) -> String {
    let plain = !io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    let theme = if plain {
        GraphicalTheme::none()
    } else {
        GraphicalTheme::unicode()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    let mut out = String::new();
    for mistake in &mistakes.list {
        let place = format!("{}:{}:{}", mistakes.file, mistake.line, mistake.column);
        let mut diagnostic =
            MietteDiagnostic::new(format!("{place}: {}: {}", mistake.key, mistake.what))
                .with_label(LabeledSpan::at(mistake.span.clone(), "here"));
        if !mistake.help.is_empty() {
            diagnostic = diagnostic.with_help(mistake.help.clone());
        }
        let source = NamedSource::new(&mistakes.file, text.to_owned());
        let report = Report::new(diagnostic).with_source_code(source);
        if handler.render_report(&mut out, report.as_ref()).is_err() {
            out.push_str(&mistakes.to_string());
        }
    }
    let count = mistakes.list.len();
    let s = if count == 1 { "" } else { "s" };
    out + &format!("{count} mistake{s} in {}\n", mistakes.file)
}
