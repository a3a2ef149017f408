//! Owns what a clerk is told once.

use ed25519_dalek::SigningKey;
use std::path::PathBuf;

/// What is done with the journal behind the engine.
#[derive(Debug, Clone)]
pub struct Duties {
    /// Records between two snapshots; 0 for none at all. A clean stop makes one too.
    pub snapshot_every: u64,
    /// The server's key: seals segments and signs heads.
    pub signing_key: Option<SigningKey>,
    /// The file that heads of the chain are appended to.
    pub heads: Option<PathBuf>,
    /// What of the journal is removed.
    pub retention: Retention,
}

impl Default for Duties {
    /// A snapshot every million records; nothing signed, nothing removed.
    fn default() -> Self {
        Self {
            snapshot_every: 1_000_000,
            signing_key: None,
            heads: None,
            retention: Retention::default(),
        }
    }
}

/// What of the journal is removed: only segments that both kept snapshots cover, oldest first. Nothing,
/// unless one of the two is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Bytes of segments to keep.
    pub keep_bytes: Option<u64>,
    /// Age, in nanoseconds, above which a segment goes.
    pub keep_ns: Option<u64>,
}
