//! Owns the snapshots of one journal directory: making one, keeping two, finding and reading them.
//! Leaves out when one is due (see `clerk`) and what is done without one (see `recover`).

use super::header::{HEADER_BYTES, Header, HeaderError, STATE_LAYOUT};
use super::{Restored, stream};
use crate::command::Started;
use crate::follower::Follower;
use crate::journal::{Build, Place, SNAPSHOT_TEMPORARY, Storage, StorageFile};
use crate::outbound_logs::Logs;
use crate::recover::RULES_VERSION;
use crate::risk::RiskEngine;
use std::io;

/// Snapshots kept.
const KEPT: usize = 2;
const SUFFIX: &str = ".snapshot";

/// The snapshots of a journal directory.
#[derive(Debug, Clone)]
pub struct Snapshots<S> {
    storage: S,
}

/// A snapshot file, and what its header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Name of the file.
    pub name: String,
    /// Its header, or what is wrong with it.
    pub header: Result<Header, HeaderError>,
}

/// Why a snapshot can't be started from.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its header is wrong.
    #[error("{0}")]
    Header(HeaderError),
    /// Its state is not what was written.
    #[error("its state's hash does not match")]
    Hash,
    /// It was made by a build with other tables.
    #[error(
        "build {build} laid its state out as version {layout}, this build reads {STATE_LAYOUT}"
    )]
    Layout {
        /// Version of its layout.
        layout: u32,
        /// The build.
        build: String,
    },
    /// It can't be decoded, although its hash matches.
    #[error("its state can't be decoded: {0}")]
    State(String),
    /// The state that comes out has other digests than the one that went in.
    #[error("its state does not have the digests that its header names")]
    Digest,
    /// The file system refused.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
}

impl Unusable {
    /// Whether it is not what was written, rather than another build's or not readable now.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::Header(HeaderError::Format(_)) | Self::Layout { .. } | Self::Io(_) => false,
            Self::Header(_) | Self::Hash | Self::State(_) | Self::Digest => true,
        }
    }
}

/// Why no snapshot was made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The follower has not seen a start yet: there is nothing to come back to.
    #[error("nothing has started yet")]
    NotStarted,
    /// The file system refused; what was there before stays.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl<S: Storage> Snapshots<S> {
    /// The snapshots in `storage`'s directory.
    #[must_use]
    pub const fn new(storage: S) -> Self {
        Self { storage }
    }

    /// Name of the snapshot after a record.
    #[must_use]
    pub fn file_name(sequence: u64) -> String {
        format!("{sequence:020}{SUFFIX}")
    }

    /// All there are, newest first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn found(&self) -> io::Result<Vec<Found>> {
        let mut names: Vec<String> = self
            .storage
            .list()?
            .into_iter()
            .filter(|name| sequence_of(name).is_some())
            .collect();
        names.sort_unstable();
        names
            .into_iter()
            .rev()
            .map(|name| {
                let header = self.header(&name)?;
                Ok(Found { name, header })
            })
            .collect()
    }

    fn header(&self, name: &str) -> io::Result<Result<Header, HeaderError>> {
        let file = self.storage.open(name)?;
        let mut bytes = [0; HEADER_BYTES];
        if file.read_at(&mut bytes, 0)? < bytes.len() {
            return Ok(Err(HeaderError::Short));
        }
        let header = Header::decode(&bytes);
        Ok(match header {
            // Renamed by hand is as good as damaged.
            Ok(header) if Some(header.sequence) != sequence_of(name) => Err(HeaderError::Reserved),
            header => header,
        })
    }

    /// Whether one is what was written, whoever can read its state.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn check(&self, found: &Found) -> Result<(), Unusable> {
        let header = found.header.map_err(Unusable::Header)?;
        let file = self.storage.open(&found.name)?;
        let length = (HEADER_BYTES as u64).saturating_add(header.state_bytes);
        if file.length()? != length || stream::hash(&file, header.state_bytes)? != header.state_hash
        {
            return Err(Unusable::Hash);
        }
        Ok(())
    }

    /// Reads one whole. Nothing of it is believed before all of it has been checked.
    ///
    /// # Errors
    /// [`Unusable`]: another one, or the journal from its start, has to do.
    pub fn read(&self, found: &Found) -> Result<Restored, Unusable> {
        self.check(found)?;
        let header = found.header.map_err(Unusable::Header)?;
        let file = self.storage.open(&found.name)?;
        if header.layout != STATE_LAYOUT {
            return Err(Unusable::Layout {
                layout: header.layout,
                build: header.build.as_str().to_owned(),
            });
        }
        let (started, logs, mut engine): (Started, Logs, RiskEngine) =
            stream::read(&file, header.state_bytes)
                .map_err(|error| Unusable::State(error.to_string()))?;
        if engine.risk_digest() != header.risk_digest
            || engine.session_digest() != header.session_digest
        {
            return Err(Unusable::Digest);
        }
        engine.make_room();
        Ok(Restored {
            engine,
            logs,
            started,
            header,
        })
    }

    /// Makes a snapshot of `copy`, which has applied everything before `place`, and removes all but the
    /// newest two. `pause` is called between pieces.
    ///
    /// # Errors
    /// [`SnapshotError`]; what was there before is still there.
    pub fn make(
        &self,
        copy: &Follower,
        place: &Place,
        build: Build,
        pause: &mut dyn FnMut(),
    ) -> Result<Header, SnapshotError> {
        let state = copy.whole().ok_or(SnapshotError::NotStarted)?;
        let made = self.write(copy, &state, place, build, pause);
        if made.is_err() {
            // The first error is the one to report; an unfinished file is removed at the next start too.
            drop(self.storage.remove(SNAPSHOT_TEMPORARY));
        }
        let header = made?;
        self.keep_newest()?;
        Ok(header)
    }

    fn write(
        &self,
        copy: &Follower,
        state: &(&Started, &Logs, &RiskEngine),
        place: &Place,
        build: Build,
        pause: &mut dyn FnMut(),
    ) -> io::Result<Header> {
        let file = self.storage.create(SNAPSHOT_TEMPORARY)?;
        let written = stream::write(&file, state, pause)?;
        let header = Header {
            layout: STATE_LAYOUT,
            build,
            rules_version: RULES_VERSION,
            sequence: copy.seq(),
            t: copy.t(),
            place: *place,
            risk_digest: copy.engine().risk_digest(),
            session_digest: copy.engine().session_digest(),
            state_bytes: written.bytes,
            state_hash: written.hash,
        };
        file.write_at(&header.encode(), 0)?;
        file.sync()?;
        let name = Self::file_name(header.sequence);
        self.storage.rename(SNAPSHOT_TEMPORARY, &name)?;
        self.storage.sync_directory()?;
        Ok(header)
    }

    /// Old ones go only after the new one is on the disk; a damaged one does not count as kept.
    fn keep_newest(&self) -> io::Result<()> {
        let mut kept = 0_usize;
        for found in self.found()? {
            if found.header.is_ok() && kept < KEPT {
                kept = kept.saturating_add(1);
            } else if kept == KEPT {
                self.storage.remove(&found.name)?;
            }
        }
        Ok(())
    }
}

/// Whether a file is a snapshot of a later record than `sequence`.
#[must_use]
pub fn is_snapshot_behind(name: &str, sequence: u64) -> bool {
    sequence_of(name).is_some_and(|of| of > sequence)
}

fn sequence_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}
