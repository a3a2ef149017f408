//! Owns the small file `durable` beside the segments: the last point known to
//! be on disk when a segment ended or the writer stopped. Leaves out the
//! durable-up-to inside frames.
//!
//! It closes the one window frames cannot close themselves: when the *end* of
//! the journal vanishes, nothing behind it can say that it was there. It only
//! ever claims what was synced before it was written, so it can be stale but
//! not wrong. Losing it costs that proof and nothing else, so a missing or
//! damaged one is reported and written anew, never a reason to refuse.
//!
//! ```text
//! offset size field
//!      0    8 magic "PCDURABL"
//!      8    4 format version
//!     12    4 zero
//!     16    8 segment id
//!     24    8 offset just past the last durable frame of that segment
//!     32    8 durable sequence
//!     40   32 chain hash there
//!     72    4 zero
//!     76    4 CRC32C of bytes 0..76
//! ```

use std::io;

use super::format::{ChainHash, FORMAT_VERSION, Fields, Position, SegmentId, put, seal, sealed};
use super::storage::{Storage, StorageFile};

/// Name of the watermark file.
pub const WATERMARK_FILE: &str = "durable";
pub(super) const WATERMARK_TEMPORARY: &str = "durable.tmp";
const MAGIC: [u8; 8] = *b"PCDURABL";
const BYTES: usize = 80;

/// A point of the journal known to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// Just past the last durable frame.
    pub position: Position,
    /// The last durable sequence; 0 when there was none.
    pub sequence: u64,
    /// Chain hash at the position.
    pub chain: ChainHash,
}

/// What was found of the watermark file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatermarkFile {
    /// Intact.
    Present(Watermark),
    /// Not there: a journal's first run, or lost.
    Missing,
    /// There, but not readable as a watermark.
    Damaged,
}

impl WatermarkFile {
    /// The watermark, when there is one.
    #[must_use]
    pub fn watermark(&self) -> Option<Watermark> {
        match self {
            Self::Present(watermark) => Some(*watermark),
            Self::Missing | Self::Damaged => None,
        }
    }
}

impl Watermark {
    fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, MAGIC);
        put(&mut rest, FORMAT_VERSION.to_le_bytes());
        put(&mut rest, [0; 4]);
        put(&mut rest, self.position.segment.0.to_le_bytes());
        put(&mut rest, self.position.offset.to_le_bytes());
        put(&mut rest, self.sequence.to_le_bytes());
        put(&mut rest, self.chain.0);
        seal(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8; BYTES]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let intact = sealed(bytes) && fields.take() == MAGIC && fields.u32() == FORMAT_VERSION;
        if !intact || fields.u32() != 0 {
            return None;
        }
        Some(Self {
            position: Position {
                segment: SegmentId(fields.u64()),
                offset: fields.u64(),
            },
            sequence: fields.u64(),
            chain: ChainHash(fields.take()),
        })
    }

    /// Replaces the file. Durable once the directory has been synced.
    pub(super) fn store(&self, storage: &impl Storage) -> io::Result<()> {
        let file = storage.create(WATERMARK_TEMPORARY)?;
        file.write_at(&self.encode(), 0)?;
        file.sync()?;
        storage.rename(WATERMARK_TEMPORARY, WATERMARK_FILE)
    }

    /// Reads the file.
    pub(super) fn load(storage: &impl Storage) -> io::Result<WatermarkFile> {
        let file = match storage.open(WATERMARK_FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(WatermarkFile::Missing);
            }
            Err(error) => return Err(error),
        };
        let mut bytes = [0; BYTES];
        let whole = file.read_at(&mut bytes, 0)? == BYTES;
        Ok(match Self::decode(&bytes) {
            Some(watermark) if whole => WatermarkFile::Present(watermark),
            _ => WatermarkFile::Damaged,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

    use super::*;
    use crate::journal::storage::RealFiles;

    fn watermark() -> Watermark {
        Watermark {
            position: Position {
                segment: SegmentId(3),
                offset: 640,
            },
            sequence: 99,
            chain: ChainHash([5; 32]),
        }
    }

    #[test]
    fn a_watermark_comes_back_and_a_lost_one_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let files = RealFiles::new(directory.path());
        assert_eq!(Watermark::load(&files).unwrap(), WatermarkFile::Missing);
        watermark().store(&files).unwrap();
        assert_eq!(
            Watermark::load(&files).unwrap(),
            WatermarkFile::Present(watermark())
        );
    }

    #[test]
    fn every_flipped_bit_makes_it_damaged_never_wrong() {
        for bit in 0..BYTES * 8 {
            let mut bytes = watermark().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Watermark::decode(&bytes), None, "bit {bit}");
        }
    }
}
