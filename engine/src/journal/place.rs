//! Owns a place between two frames as somebody has written it down. Leaves out
//! who wrote it down (a snapshot), what else it holds, and reading on from
//! there (`recovery`).

use super::cursor::End;
use super::format::{ChainHash, Position};

/// A place between two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Just past the last frame before it.
    pub position: Position,
    /// The sequence the next record has.
    pub next_sequence: u64,
    /// Chain hash here.
    pub chain: ChainHash,
    /// Highest epoch so far.
    pub epoch: u64,
}

impl End {
    /// This place, to be written down.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            position: self.position,
            next_sequence: self.next_sequence,
            chain: self.chain,
            epoch: self.epoch,
        }
    }
}
