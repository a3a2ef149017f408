//! Owns the first 512 bytes of a snapshot: what it is, where it stands in the journal, and the hash of
//! what follows. Leaves out the state itself (see `stream`).
//!
//! ```text
//! offset size field
//!      0    8 magic "PCSNAPSH"
//!      8    4 format version (1)
//!     12    4 version of the state's layout
//!     16   32 build that made it, printable ASCII, zero-padded
//!     48    4 rules version
//!     52    4 zero
//!     56    8 sequence of the last record in it
//!     64    8 time of that record, nanoseconds
//!     72    8 segment id of the place just past that record's frame
//!     80    8 offset of that place
//!     88    8 epoch
//!     96   32 chain hash at the place
//!    128   32 risk digest
//!    160   32 session digest
//!    192    8 bytes of state behind this header
//!    200   32 BLAKE3 of the state
//!    232  276 zero
//!    508    4 CRC32C of bytes 0..508
//! ```

use crate::journal::{Build, ChainHash, Place, Position, SegmentId, Watermark};

/// Version of the encoding of the state. It rises whenever a table of the engine is laid out otherwise:
/// `tests/determinism.rs` fails until it does.
pub const STATE_LAYOUT: u32 = 6;
/// Version of this header.
pub const FORMAT: u32 = 1;
/// Bytes of the header; the state begins here.
pub const HEADER_BYTES: usize = 512;

const MAGIC: [u8; 8] = *b"PCSNAPSH";
const CRC_AT: usize = HEADER_BYTES - 4;

/// What a snapshot says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Version of the state's layout.
    pub layout: u32,
    /// Build that made it.
    pub build: Build,
    /// Rules that its state was decided by.
    pub rules_version: u32,
    /// Last record in it.
    pub sequence: u64,
    /// Time of that record, nanoseconds.
    pub t: u64,
    /// Where the journal goes on.
    pub place: Place,
    /// Digest of all that decides.
    pub risk_digest: [u8; 32],
    /// Digest of time, sequence numbers and clOrdId marks.
    pub session_digest: [u8; 32],
    /// Bytes of state.
    pub state_bytes: u64,
    /// BLAKE3 of the state.
    pub state_hash: [u8; 32],
}

/// Why 512 bytes are no header of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The file is shorter than a header.
    #[error("it ends within its header")]
    Short,
    /// It does not begin as one.
    #[error("it is not a snapshot (wrong magic)")]
    Magic,
    /// The checksum does not match.
    #[error("its header's checksum does not match")]
    Checksum,
    /// Another format.
    #[error("its format is version {0}, this build reads {FORMAT}")]
    Format(u32),
    /// Bytes that must be zero are not, or a build's name is none.
    #[error("its header holds what no build writes")]
    Reserved,
}

impl Header {
    /// Its place as a point up to which all had been on disk when it was made.
    pub(crate) const fn watermark(&self) -> Watermark {
        Watermark {
            position: self.place.position,
            sequence: self.sequence,
            chain: self.place.chain,
        }
    }

    /// The 512 bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut at = 0_usize;
        let mut put = |field: &[u8]| {
            let end = at.saturating_add(field.len());
            if let Some(room) = bytes.get_mut(at..end) {
                room.copy_from_slice(field);
            }
            at = end;
        };
        let mut build = [0_u8; 32];
        let name = self.build.as_str().as_bytes();
        build[..name.len()].copy_from_slice(name);
        put(&MAGIC);
        put(&FORMAT.to_le_bytes());
        put(&self.layout.to_le_bytes());
        put(&build);
        put(&self.rules_version.to_le_bytes());
        put(&[0; 4]);
        for value in [
            self.sequence,
            self.t,
            self.place.position.segment.0,
            self.place.position.offset,
            self.place.epoch,
        ] {
            put(&value.to_le_bytes());
        }
        put(&self.place.chain.0);
        put(&self.risk_digest);
        put(&self.session_digest);
        put(&self.state_bytes.to_le_bytes());
        put(&self.state_hash);
        let crc = crc32c::crc32c(&bytes[..CRC_AT]).to_le_bytes();
        bytes[CRC_AT..].copy_from_slice(&crc);
        bytes
    }

    /// Reads them back.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderError> {
        let mut rest = Rest(bytes);
        if rest.take::<8>() != MAGIC {
            return Err(HeaderError::Magic);
        }
        if crc32c::crc32c(&bytes[..CRC_AT]).to_le_bytes() != bytes[CRC_AT..] {
            return Err(HeaderError::Checksum);
        }
        let format = u32::from_le_bytes(rest.take());
        if format != FORMAT {
            return Err(HeaderError::Format(format));
        }
        let layout = u32::from_le_bytes(rest.take());
        let name: [u8; 32] = rest.take();
        let used = name.iter().take_while(|byte| **byte != 0).count();
        let build = std::str::from_utf8(&name[..used])
            .ok()
            .and_then(Build::new)
            .filter(|_| name[used..].iter().all(|byte| *byte == 0))
            .ok_or(HeaderError::Reserved)?;
        let rules_version = u32::from_le_bytes(rest.take());
        let reserved: [u8; 4] = rest.take();
        let [sequence, t, segment, offset, epoch] =
            [(); 5].map(|()| u64::from_le_bytes(rest.take()));
        let chain = ChainHash(rest.take());
        let risk_digest = rest.take();
        let session_digest = rest.take();
        let state_bytes = u64::from_le_bytes(rest.take());
        let state_hash = rest.take();
        let unused = &rest.0[..rest.0.len().saturating_sub(4)];
        if reserved != [0; 4] || unused.iter().any(|byte| *byte != 0) {
            return Err(HeaderError::Reserved);
        }
        Ok(Self {
            layout,
            build,
            rules_version,
            sequence,
            t,
            place: Place {
                position: Position {
                    segment: SegmentId(segment),
                    offset,
                },
                next_sequence: sequence.saturating_add(1),
                chain,
                epoch,
            },
            risk_digest,
            session_digest,
            state_bytes,
            state_hash,
        })
    }
}

/// Takes one field after another.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.0 = tail;
                *head
            }
            None => [0; N],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            layout: STATE_LAYOUT,
            build: Build::new("portcullis-0.1.0").unwrap(),
            rules_version: 3,
            sequence: 41,
            t: 5,
            place: Place {
                position: Position {
                    segment: SegmentId(7),
                    offset: 640,
                },
                next_sequence: 42,
                chain: ChainHash([9; 32]),
                epoch: 2,
            },
            risk_digest: [1; 32],
            session_digest: [2; 32],
            state_bytes: 77,
            state_hash: [3; 32],
        }
    }

    #[test]
    fn a_header_comes_back_as_it_was_written_and_its_fields_lie_where_the_table_says() {
        let bytes = header().encode();
        assert_eq!(Header::decode(&bytes), Ok(header()));
        assert_eq!(bytes[56..64], 41_u64.to_le_bytes());
        assert_eq!(bytes[96..128], [9; 32]);
        assert_eq!(bytes[192..200], 77_u64.to_le_bytes());
        assert_eq!(bytes[200..232], [3; 32]);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&bytes).is_err(), "bit {bit}");
        }
    }
}
