//! Rows said once, printed as a table for people or as JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value};
use std::io::{self, Write};

/// Rows with the names of their fields; a null is an empty cell and no JSON field.
pub(crate) struct Rows {
    pub(crate) fields: &'static [&'static str],
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Rows {
    pub(crate) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            for row in &self.rows {
                let named = self
                    .fields
                    .iter()
                    .zip(row)
                    .filter(|(_, value)| !value.is_null());
                let object: Map<_, _> = named.map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
                writeln!(out, "{}", Value::Object(object))?;
            }
            return Ok(());
        }
        if self.rows.is_empty() {
            return writeln!(out, "none");
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(self.fields);
        for row in &self.rows {
            table.add_row(row.iter().map(cell));
        }
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
