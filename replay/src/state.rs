//! `state`: what the engine knows at a sequence, by replaying up to it. Every decision on the way is
//! compared, so that a state is never shown that the journal does not confirm.

mod sections;

use crate::output::{DIFFERS, Failure, print_table, table};
use crate::reading::{beginning, journal_dir, records_from};
use engine::risk::RiskEngine;
use sections::{Section, sections};
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(crate) fn run(dir: &Path, at: Option<u64>, json: bool) -> Result<(), Failure> {
    let dir = journal_dir(dir)?;
    let (mut copy, start) = beginning(&dir)?;
    if let Some(at) = at
        && at < copy.seq()
    {
        let what = format!(
            "the records before {} have been removed: that is the oldest state there is",
            copy.seq()
        );
        return Err(Failure::new(1, what));
    }
    records_from(&dir, start, |input, decision| {
        if at.is_some_and(|at| input.seq > at) {
            return Ok(());
        }
        copy.replay(&input, &decision)
            .map_err(|difference| Failure::new(DIFFERS, format!("replay differs: {difference}")))
    })?;
    if let Some(at) = at
        && at > copy.seq()
    {
        let what = format!("the journal ends at sequence {}, before {at}", copy.seq());
        return Err(Failure::new(1, what));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let sections = sections(copy.engine());
    for (i, section) in sections.iter().enumerate() {
        if json {
            section.as_json(&mut out)?;
        } else {
            if i > 0 {
                writeln!(out)?;
            }
            section.for_people(&mut out)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Every section as JSON lines.
pub(crate) fn as_json(engine: &RiskEngine, out: &mut impl Write) -> io::Result<()> {
    for section in sections(engine) {
        section.as_json(out)?;
    }
    Ok(())
}

impl Section {
    fn as_json(&self, out: &mut impl Write) -> io::Result<()> {
        for row in &self.rows {
            let mut object = Map::new();
            object.insert("is".to_owned(), json!(self.what));
            let named = self
                .fields
                .iter()
                .zip(row)
                .filter(|(_, value)| !value.is_null());
            object.extend(named.map(|(name, value)| ((*name).to_owned(), value.clone())));
            writeln!(out, "{}", Value::Object(object))?;
        }
        Ok(())
    }

    fn for_people(&self, out: &mut impl Write) -> io::Result<()> {
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                value.to_string()
            }
        };
        if let ([row], true) = (self.rows.as_slice(), self.fields.len() > 9) {
            let width = self.fields.iter().map(|name| name.len()).max().unwrap_or(0);
            writeln!(out, "{}", self.what)?;
            for (name, value) in self.fields.iter().zip(row) {
                writeln!(out, "  {name:width$}  {}", text(value))?;
            }
            return Ok(());
        }
        let count = self.rows.len();
        writeln!(out, "{} ({count})", self.what)?;
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut lines = table([]);
        lines.set_header(self.fields);
        for row in &self.rows {
            lines.add_row(row.iter().map(text));
        }
        print_table(out, &lines)
    }
}
