//! `repair`: the one way to go on with a journal that is refused. It gives records up, keeps what it cuts,
//! and writes down what it did; the next start journals it and is RESTRICTED.

use crate::output::{CORRUPT, Failure};
use crate::reading::journal_dir;
use clap::Args;
use engine::journal::{RealFiles, RecoveryError, RepairOrder, repair};
use engine::snapshot::is_snapshot_behind;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Cut a journal where it is not whole.
#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// Journal directory; copy it first
    dir: PathBuf,
    /// Why, for whoever asks later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) fn run(args: &RepairArgs) -> Result<(), Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::new(2, "--reason says nothing"));
    }
    let dir = journal_dir(&args.dir)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let order = RepairOrder {
        reason: args.reason.clone(),
        now_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
    };
    let done = repair(&RealFiles::new(&dir), &order, is_snapshot_behind).map_err(failure)?;
    let mut out = io::stdout().lock();
    for grown in &done.grown {
        writeln!(
            out,
            "grown: {}, which was shorter than its header says",
            dir.join(grown).display()
        )?;
    }
    if done.is_whole {
        writeln!(
            out,
            "every frame is whole and nothing is missing at the end: nothing was given up\nnext: start"
        )?;
        return Ok(());
    }
    writeln!(
        out,
        "cut at {}; the journal ends with record {}",
        done.cut, done.last_sequence
    )?;
    if let Some(damage) = done.damage {
        writeln!(out, "there: {}", damage.defect)?;
    }
    match done
        .known_sequence
        .filter(|known| *known > done.last_sequence)
    {
        Some(known) => writeln!(
            out,
            "given up: records {} to at least {known}, which had been acknowledged",
            done.last_sequence.saturating_add(1)
        )?,
        None => writeln!(
            out,
            "given up: an unknown number of records, {} bytes",
            done.bytes
        )?,
    }
    for kept in &done.kept {
        writeln!(out, "kept: {}", dir.join(kept).display())?;
    }
    writeln!(
        out,
        "next: `portcullis-replay verify {}`, then start: a new epoch, RESTRICTED until `portcullis reconcile restart`",
        dir.display()
    )?;
    Ok(())
}

fn failure(error: RecoveryError) -> Failure {
    match error {
        RecoveryError::Io(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Failure::new(1, error.to_string())
        }
        RecoveryError::Read(_) => Failure::new(
            CORRUPT,
            format!("{error}: nothing before it is whole, so nothing can be kept"),
        ),
        RecoveryError::NoJournal
        | RecoveryError::Refused(_)
        | RecoveryError::Lock(_)
        | RecoveryError::Io(_) => Failure::new(1, error.to_string()),
    }
}
