//! `release`: a session whose command broke the engine may log on again. The command stays for whoever
//! looks for the cause, with who let the session in again and why.

use crate::output::Failure;
use crate::reading::journal_dir;
use clap::Args;
use engine::pipeline::in_hand_file;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// Let a session log on again.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    /// Journal directory
    dir: PathBuf,
    /// The session that is refused
    #[arg(long, value_name = "ID")]
    session: u32,
    /// Why it may log on again
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) fn run(args: &ReleaseArgs) -> Result<(), Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::new(2, "--reason says nothing"));
    }
    let dir = journal_dir(&args.dir)?;
    let name = in_hand_file(args.session);
    let blocked = dir.join(&name);
    if !blocked.exists() {
        let what = format!(
            "session {} is not refused: there is no {}",
            args.session,
            blocked.display()
        );
        return Err(Failure::new(1, what));
    }
    let mut kept = dir.join(format!("{name}.released"));
    let mut number = 2_u32;
    while kept.exists() {
        kept = dir.join(format!("{name}.released-{number}"));
        number += 1;
    }
    let mut file = fs::OpenOptions::new().append(true).open(&blocked)?;
    let reason = serde_json::json!({ "released": args.reason });
    writeln!(file, "{reason}")?;
    file.sync_all()?;
    fs::rename(&blocked, &kept)?;
    fs::File::open(&dir)?.sync_all()?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "session {} may log on again; kept: {}",
        args.session,
        kept.display()
    )?;
    Ok(())
}
