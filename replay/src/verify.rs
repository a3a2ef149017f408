//! `verify`: every record decided again, every decision compared, digests at the end; and the proof of
//! order and completeness, in `chain`.

mod chain;

use crate::output::{Failure, hex, print_table, progress, table};
use crate::reading::journal_dir;
use clap::Args;
use engine::journal::Verdict;
use engine::verify::{Report, VerifyError, verify};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::PathBuf;
use wire::RejectCode;

/// Prove a journal.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Journal directory
    dir: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Prove order and completeness only: chain and seals, no decision
    #[arg(long)]
    chain: bool,
    /// The server's public key: every finished segment must be sealed with it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Chain heads that were carried off: the journal must come by each of them
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let dir = journal_dir(&args.dir)?;
    let mut chain = None;
    if args.chain || args.key.is_some() || args.anchor.is_some() {
        chain = chain::run(&dir, args)?;
    }
    if args.chain {
        return Ok(());
    }
    let json = args.json;
    let bar = progress(0);
    let proven = verify(&dir, |so_far| {
        bar.set_length(so_far.bytes_total);
        bar.set_position(so_far.bytes);
    });
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    match proven {
        Ok(report) if json => {
            let mut object = as_json(&report);
            if let Some(chain) = chain {
                object["chain"] = chain;
            }
            writeln!(out, "{object}")?;
        }
        Ok(report) => for_people(&mut out, &report)?,
        Err(error) => {
            if json {
                // A reader that has gone must not hide that the journal is not whole.
                drop(writeln!(out, "{}", failed_json(&error)));
            }
            return Err(error.into());
        }
    }
    Ok(())
}

fn end(report: &Report) -> (&'static str, String) {
    match report.verdict {
        Verdict::Clean => ("clean", "after a clean stop".to_owned()),
        Verdict::Unclean => (
            "unclean",
            "without a clean stop; every frame is whole".to_owned(),
        ),
        Verdict::TornTail(torn) => (
            "torn",
            format!(
                "in the middle of a write at {}; never reported durable, cut at the next start",
                torn.position
            ),
        ),
    }
}

fn code_name(code: u16) -> &'static str {
    RejectCode::from_number(code).map_or("?", RejectCode::name)
}

fn as_json(report: &Report) -> Value {
    let outcomes: Map<_, _> = report
        .outcomes
        .iter()
        .map(|(outcome, count)| (outcome.name().to_owned(), json!(count)))
        .collect();
    let refused: Map<_, _> = report
        .codes
        .iter()
        .map(|(code, count)| (code_name(*code).to_owned(), json!(count)))
        .collect();
    json!({
        "verified": true,
        "records": report.records,
        "from": report.from,
        "segments": report.segments,
        "bytes": report.bytes,
        "epoch": report.epoch,
        "unusableSnapshots": report.unusable,
        "end": end(report).0,
        "riskDigest": hex(&report.risk_digest),
        "sessionDigest": hex(&report.session_digest),
        "decisions": outcomes,
        "refused": refused,
    })
}

fn failed_json(error: &VerifyError) -> Value {
    let mut object = json!({ "verified": false, "error": error.to_string() });
    if let Some(position) = error.position() {
        object["segment"] = json!(position.segment.to_string());
        object["offset"] = json!(position.offset);
    }
    if let VerifyError::Differs { difference, .. } = error {
        object["seq"] = json!(difference.seq);
    }
    object
}

fn for_people(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(
        out,
        "verified: every decision of {} records was reached again",
        report.records
    )?;
    if let Some(from) = report.from {
        writeln!(
            out,
            "from            the snapshot after record {from}; what was before has been removed"
        )?;
    }
    writeln!(out, "segments        {}", report.segments)?;
    writeln!(out, "bytes           {}", report.bytes)?;
    writeln!(out, "epoch           {}", report.epoch)?;
    writeln!(out, "ends            {}", end(report).1)?;
    for unusable in &report.unusable {
        writeln!(out, "can't be used   {unusable}")?;
    }
    writeln!(out, "risk digest     {}", hex(&report.risk_digest))?;
    writeln!(out, "session digest  {}", hex(&report.session_digest))?;
    let mut counts = table(["decision", "records"]);
    for (outcome, count) in &report.outcomes {
        counts.add_row([outcome.name().to_owned(), count.to_string()]);
    }
    writeln!(out)?;
    print_table(out, &counts)?;
    if report.codes.is_empty() {
        return Ok(());
    }
    let mut codes = table(["code", "reason", "records"]);
    for (code, count) in &report.codes {
        codes.add_row([
            code.to_string(),
            code_name(*code).to_owned(),
            count.to_string(),
        ]);
    }
    writeln!(out)?;
    print_table(out, &codes)
}
