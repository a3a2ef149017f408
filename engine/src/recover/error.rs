//! Owns the refusals to start: each names the cause, the place and the next command to run.

use crate::follower::Difference;
use crate::journal::{
    LockError, Position, ReadError, RecoveryError, Refusal, SegmentId, WriteError,
};
use crate::pipeline::SinkError;
use crate::record::RecordError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the server does not start on this directory.
#[derive(Debug)]
pub struct StartError {
    /// The journal directory.
    pub directory: PathBuf,
    /// What is wrong.
    pub cause: StartCause,
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = self.directory.display();
        write!(f, "{directory}: {}", self.cause)?;
        if let Some(position) = self.cause.position() {
            let file = position.segment.file_name();
            write!(f, "\n  place: {directory}/{file}, byte {}", position.offset)?;
        }
        write!(
            f,
            "\n  next:  {}",
            self.cause.next_step(&directory.to_string())
        )
    }
}

impl StartError {
    /// Exit code of the process: 3 for a corrupt journal, 4 where replay differs, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.cause.exit_code()
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum StartCause {
    /// The directory can't be made or entered.
    #[error("the journal directory can't be used: {0}")]
    Directory(io::Error),
    /// Another process has it.
    #[error(transparent)]
    Locked(LockError),
    /// The journal is damaged in a way that must not be passed over.
    #[error("the journal is corrupt: {0}")]
    Corrupt(Refusal),
    /// The journal can't be read.
    #[error("the journal can't be read: {0}")]
    Read(ReadError),
    /// A frame is whole, but a record in it is not one of this build.
    #[error("the journal can't be understood: {error}")]
    Record {
        /// Its frame.
        position: Position,
        /// What is wrong with it.
        error: RecordError,
    },
    /// The records are not numbered as the frames say.
    #[error("record {found} stands in the place of record {expected}")]
    Order {
        /// Its frame.
        position: Position,
        /// Sequence by the frame.
        expected: u64,
        /// Sequence in the record.
        found: u64,
    },
    /// This build decides otherwise than the journal says, under the same rules version.
    #[error("replay differs: {difference}")]
    Differs {
        /// Its frame.
        position: Position,
        /// What differs.
        difference: Box<Difference>,
    },
    /// The journal was decided by other rules.
    #[error(
        "the journal was decided by rules version {journal} (build {build}), this build has {}",
        super::RULES_VERSION
    )]
    Rules {
        /// Rules version of the journal.
        journal: u32,
        /// Build that wrote it.
        build: String,
    },
    /// The journal's time is ahead of the clock.
    #[error(
        "the journal's last time is {last_t} ns, the clock says {now_ns} ns: {:.3} s ahead",
        seconds_ahead(*last_t, *now_ns)
    )]
    Clock {
        /// Time of the last record.
        last_t: u64,
        /// The clock.
        now_ns: u64,
    },
    /// The engine refuses a command of the genesis.
    #[error("the firm's definition is refused at command {index} ({name}) with code {code}")]
    Genesis {
        /// Index of the command, from 0.
        index: usize,
        /// Name of the command.
        name: &'static str,
        /// Reject code.
        code: u16,
    },
    /// The first start ended before it had journalled the whole firm, and the configuration is another
    /// one now.
    #[error(
        "the first start ended after {found} records of the firm's definition, which is another one now"
    )]
    UnfinishedGenesis {
        /// Records there are.
        found: u64,
    },
    /// The journal's first segments have been removed, and no snapshot of them can be used.
    #[error(
        "the journal begins at {first} and no snapshot can be used{}",
        unusable.iter().map(|one| format!("; {one}")).collect::<String>()
    )]
    NoOrigin {
        /// The first segment that is there.
        first: SegmentId,
        /// The snapshots that are there, and what is wrong with each.
        unusable: Vec<String>,
    },
    /// The build's name can't be written into a segment.
    #[error("`{0}` is not a name for a build: at most 32 printable characters, no spaces")]
    Build(String),
    /// Repairing, resuming or journalling the start failed.
    #[error("the journal can't be gone on with: {0}")]
    Write(String),
}

#[expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "seconds in a message for people"
)]
fn seconds_ahead(last_t: u64, now_ns: u64) -> f64 {
    last_t.saturating_sub(now_ns) as f64 / 1e9
}

impl StartCause {
    /// Exit code of the process: 3 for a corrupt journal, 4 where replay differs, else 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Corrupt(_)
            | Self::Read(ReadError::Damage(_))
            | Self::Record { .. }
            | Self::Order { .. }
            | Self::NoOrigin { .. } => 3,
            Self::Differs { .. } => 4,
            Self::Directory(_)
            | Self::Locked(_)
            | Self::Read(_)
            | Self::Rules { .. }
            | Self::Clock { .. }
            | Self::Genesis { .. }
            | Self::UnfinishedGenesis { .. }
            | Self::Build(_)
            | Self::Write(_) => 1,
        }
    }

    /// Where in the journal, if it is a place.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Corrupt(refusal) => Some(refusal.position()),
            Self::Read(error) => match error {
                ReadError::Damage(damage) => Some(damage.position),
                ReadError::Io { position, .. } => Some(*position),
                ReadError::Version { segment, .. } => Some(start_of(*segment)),
            },
            Self::Record { position, .. }
            | Self::Order { position, .. }
            | Self::Differs { position, .. } => Some(*position),
            Self::NoOrigin { first, .. } => Some(start_of(*first)),
            Self::Directory(_)
            | Self::Locked(_)
            | Self::Rules { .. }
            | Self::Clock { .. }
            | Self::Genesis { .. }
            | Self::UnfinishedGenesis { .. }
            | Self::Build(_)
            | Self::Write(_) => None,
        }
    }

    fn next_step(&self, directory: &str) -> String {
        match self {
            Self::Directory(_) => format!("ls -ld {directory}"),
            Self::Locked(LockError::Held { pid: Some(pid) }) => {
                format!("ps -p {pid}    (stop that server, or give this one another directory)")
            }
            Self::Locked(_) => format!("ls -l {directory}/lock"),
            Self::Corrupt(_) => format!(
                "portcullis-replay verify {directory}    (then see `the journal is corrupt` in docs/runbook.md)"
            ),
            Self::Read(_) | Self::Record { .. } | Self::Order { .. } | Self::Differs { .. } => {
                format!("portcullis-replay verify {directory}")
            }
            Self::Rules { build, .. } => {
                format!("run build {build} on {directory} first and stop it cleanly")
            }
            Self::Clock { .. } => {
                "set the clock right, or start with --accept-clock if it is".to_owned()
            }
            Self::Genesis { .. } => "portcullis check-config FILE".to_owned(),
            Self::UnfinishedGenesis { .. } => format!(
                "mv {directory} {directory}.unfinished    (it has never served anybody), then start again"
            ),
            Self::NoOrigin { .. } => format!(
                "copy the removed segments, or a snapshot that is whole, back into {directory}"
            ),
            Self::Build(_) => "build with a shorter version string".to_owned(),
            Self::Write(_) => format!("df -h {directory}"),
        }
    }
}

const fn start_of(segment: SegmentId) -> Position {
    Position { segment, offset: 0 }
}

impl From<RecoveryError> for StartCause {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Refused(refusal) => Self::Corrupt(refusal),
            RecoveryError::Read(error) => Self::Read(error),
            RecoveryError::Lock(error) => Self::Locked(error),
            other @ (RecoveryError::NoJournal | RecoveryError::Io(_)) => {
                Self::Write(other.to_string())
            }
        }
    }
}

impl From<io::Error> for StartCause {
    fn from(error: io::Error) -> Self {
        Self::Write(error.to_string())
    }
}

impl From<WriteError> for StartCause {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Lock(error) => Self::Locked(error),
            other @ (WriteError::Stopped(_)
            | WriteError::Options(_)
            | WriteError::NotEmpty(_)
            | WriteError::Epoch { .. }
            | WriteError::Setup(_)) => Self::Write(other.to_string()),
        }
    }
}

impl From<SinkError> for StartCause {
    fn from(error: SinkError) -> Self {
        Self::Write(error.0)
    }
}
