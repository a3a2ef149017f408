//! `stats`: what is in a journal, counted.

use crate::output::{Failure, print_table, table};
use crate::reading::{journal_dir, records};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use wire::RejectCode;

#[derive(Debug, Default)]
struct Counts {
    records: u64,
    first: Option<(u64, u64)>,
    last: (u64, u64),
    busy: u64,
    /// By command, then by decision.
    commands: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    codes: BTreeMap<u16, u64>,
    sessions: BTreeMap<u32, u64>,
}

pub(crate) fn run(dir: &Path, json: bool) -> Result<(), Failure> {
    let dir = journal_dir(dir)?;
    let mut counts = Counts::default();
    let read = records(&dir, |input, decision| {
        counts.records += 1;
        counts.first.get_or_insert((input.seq, input.t));
        counts.last = (input.seq, input.t);
        counts.busy += u64::from(input.busy);
        let name = input.command.layout().name;
        let by_decision = counts.commands.entry(name).or_default();
        *by_decision.entry(decision.outcome.name()).or_default() += 1;
        *counts.sessions.entry(input.session_id).or_default() += 1;
        if decision.code != 0 {
            *counts.codes.entry(decision.code).or_default() += 1;
        }
        Ok(())
    });
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", counts.as_json())?;
    } else {
        counts.for_people(&mut out)?;
    }
    read
}

fn code_name(code: u16) -> &'static str {
    RejectCode::from_number(code).map_or("?", RejectCode::name)
}

impl Counts {
    fn as_json(&self) -> Value {
        let commands: Map<_, _> = self
            .commands
            .iter()
            .map(|(name, decisions)| ((*name).to_owned(), json!(decisions)))
            .collect();
        let refused: Map<_, _> = self
            .codes
            .iter()
            .map(|(code, count)| (code_name(*code).to_owned(), json!(count)))
            .collect();
        let sessions: Map<_, _> = self
            .sessions
            .iter()
            .map(|(id, count)| (id.to_string(), json!(count)))
            .collect();
        let (first_seq, first_t) = self.first.unwrap_or_default();
        json!({
            "records": self.records,
            "firstSeq": first_seq,
            "lastSeq": self.last.0,
            "firstT": first_t,
            "lastT": self.last.1,
            "busy": self.busy,
            "commands": commands,
            "refused": refused,
            "sessions": sessions,
        })
    }

    fn for_people(&self, out: &mut impl Write) -> io::Result<()> {
        let (first_seq, first_t) = self.first.unwrap_or_default();
        writeln!(
            out,
            "records    {} (sequence {first_seq} to {})",
            self.records, self.last.0
        )?;
        writeln!(out, "time       {first_t} to {} ns", self.last.1)?;
        writeln!(out, "busy       {}", self.busy)?;
        let mut commands = table(["command", "decision", "records"]);
        for (name, decisions) in &self.commands {
            for (decision, count) in decisions {
                commands.add_row([
                    (*name).to_owned(),
                    (*decision).to_owned(),
                    count.to_string(),
                ]);
            }
        }
        writeln!(out)?;
        print_table(out, &commands)?;
        if !self.codes.is_empty() {
            let mut codes = table(["code", "reason", "records"]);
            for (code, count) in &self.codes {
                codes.add_row([
                    code.to_string(),
                    code_name(*code).to_owned(),
                    count.to_string(),
                ]);
            }
            writeln!(out)?;
            print_table(out, &codes)?;
        }
        let mut sessions = table(["session", "records"]);
        for (id, count) in &self.sessions {
            sessions.add_row([id.to_string(), count.to_string()]);
        }
        writeln!(out)?;
        print_table(out, &sessions)
    }
}
