//! `dump`: the journal as lines. `--json` is the documented textual form.

use crate::output::Failure;
use crate::reading::{journal_dir, records};
use engine::text::write_line;
use serde_json::Value;
use std::io::{self, BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::Path;

pub(crate) fn run(dir: &Path, json: bool, range: RangeInclusive<u64>) -> Result<(), Failure> {
    let dir = journal_dir(dir)?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = String::with_capacity(1 << 10);
    let read = records(&dir, |input, decision| {
        if !range.contains(&input.seq) {
            return Ok(());
        }
        line.clear();
        write_line(&input, &decision, &mut line);
        if json {
            line.push('\n');
            out.write_all(line.as_bytes())?;
        } else {
            for_people(&mut out, &line)?;
        }
        Ok(())
    });
    // What was read before a damaged place is printed first: it may explain the damage.
    out.flush()?;
    read
}

/// The same fields without quotes and braces, the decision behind an arrow.
fn for_people(out: &mut impl Write, line: &str) -> Result<(), Failure> {
    let object: serde_json::Map<String, Value> =
        serde_json::from_str(line).map_err(|error| Failure::new(1, error.to_string()))?;
    let mut decided = false;
    for (i, (name, value)) in object.iter().enumerate() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let text = if text.is_empty() || text.contains(' ') {
            format!("{text:?}")
        } else {
            text
        };
        match (i, name.as_str()) {
            (0, _) => write!(out, "{text:>8}")?,
            (_, "cmd") => write!(out, " {text}")?,
            (_, "decision") => {
                decided = true;
                write!(out, " -> {text}")?;
            }
            (_, "reason") if decided => write!(out, " {text}")?,
            _ => write!(out, " {name}={text}")?,
        }
    }
    writeln!(out)?;
    Ok(())
}
