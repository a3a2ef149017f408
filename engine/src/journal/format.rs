//! Owns the layout of a journal: the byte tables, their constants, and the small
//! types that stand in them. Leaves out the two headers' own code (`segment`,
//! `frame`), files, and what a record means; nothing here does I/O.
//!
//! Every integer is little-endian. No byte is "don't care": what carries no
//! meaning must be zero, and a reader refuses it when it is not.
//!
//! Segment header, 128 bytes at the start of each segment:
//!
//! ```text
//! offset size field
//!      0    8 magic "PCJOURNL"
//!      8    4 format version
//!     12    4 lowest reader version able to read this segment
//!     16   32 build that wrote the segment, ASCII, zero-padded
//!     48    4 rules version
//!     52    4 zero
//!     56    8 segment size in bytes, this header included
//!     64    8 segment id
//!     72    8 first sequence this segment may hold
//!     80    8 epoch when the segment was opened
//!     88   32 chain hash at the end of the previous segment (first: zeros)
//!    120    4 zero
//!    124    4 CRC32C of bytes 0..124
//! ```
//!
//! Frame, aligned to 64 bytes:
//!
//! ```text
//! offset size field
//!      0    4 magic "PCFR"
//!      4    4 payload length n
//!      8    8 first sequence (of an empty frame: the sequence still to come)
//!     16    4 record count (0: the frame only restates durable-up-to)
//!     20    4 flags: bit 0 clean stop, bit 1 opened
//!     24    8 epoch
//!     32    8 segment id
//!     40    8 offset of this frame in its segment
//!     48    8 durable-up-to when the frame was written (0: nothing)
//!     56    8 time, nanoseconds since 1970-01-01 UTC
//!     64   32 chain hash: BLAKE3(previous chain hash, bytes 0..64, payload)
//!     96    4 zero
//!    100    4 CRC32C of bytes 0..100
//!    104    n payload: for each record its length (4 bytes), then its bytes
//!  104+n    4 CRC32C of the payload
//!  108+n      zeros up to the next multiple of 64
//! ```
//!
//! The chain of a segment starts at `BLAKE3(segment header)`, and the segment
//! header holds the end of the chain before it: one hash covers everything.

use std::fmt;

/// The format this build writes.
pub const FORMAT_VERSION: u32 = 1;
/// The lowest reader version able to read what this build writes.
pub const LOWEST_READER_VERSION: u32 = 1;
/// Bytes of a segment header.
pub const SEGMENT_HEADER_BYTES: usize = 128;
/// Bytes of a frame header, its checksum included.
pub const FRAME_HEADER_BYTES: usize = 104;
/// Frames start at multiples of this.
pub const FRAME_ALIGN: usize = 64;
/// Bytes of a frame without records.
pub const EMPTY_FRAME_BYTES: usize = 128;
/// Bytes in front of each record: its length.
pub const RECORD_PREFIX_BYTES: usize = 4;
/// Bytes of the payload checksum.
pub const PAYLOAD_CRC_BYTES: usize = 4;

/// Frame flag: the writer stopped cleanly and wrote nothing after this frame.
pub const FLAG_CLEAN_STOP: u32 = 1;
/// Frame flag: a writer took the journal up again here.
pub const FLAG_OPENED: u32 = 2;

const BUILD_BYTES: usize = 32;

/// Number of a segment; the first is 1, the next always one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

impl SegmentId {
    /// The segment a journal begins with.
    pub const FIRST: Self = Self(1);

    /// The segment after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The file this segment lives in, `000000000007.seg`.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{:012}.seg", self.0)
    }

    /// The id a file name stands for; `None` for any other file.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(".seg")?;
        let id = digits.parse().ok().map(Self)?;
        // Names that only resemble ours ("7.seg", "+00000000007.seg") are not segments; the first one is 1.
        (id >= Self::FIRST && id.file_name() == name).then_some(id)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}.seg", self.0)
    }
}

/// A place in the journal: a segment and a byte offset in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The segment.
    pub segment: SegmentId,
    /// Bytes from the start of the segment's file.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, byte {}", self.segment, self.offset)
    }
}

/// The BLAKE3 hash over everything journalled up to a point.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What stands before the first segment.
    pub const NONE: Self = Self([0; 32]);
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

/// The name of the build that writes a journal: at most 32 printable ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build(pub(super) [u8; BUILD_BYTES]);

impl Build {
    /// The name as stored; `None` when it is too long or not printable ASCII.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut stored = [0; BUILD_BYTES];
        stored
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        Some(Self(stored))
    }

    /// The name without its padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let used = self.0.iter().take_while(|byte| **byte != 0).count();
        self.0
            .get(..used)
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or("?")
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `usize` to `u64`; lossless on every target this runs on.
pub(super) fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// `u64` to `usize`; too large becomes a length no buffer has.
pub(super) fn narrow(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Writes the CRC32C of everything before them into the last four bytes.
pub(super) fn seal(bytes: &mut [u8]) {
    if let Some((body, crc)) = bytes.split_last_chunk_mut::<4>() {
        *crc = crc32c::crc32c(body).to_le_bytes();
    }
}

/// Whether the last four bytes are the CRC32C of everything before them.
pub(super) fn sealed(bytes: &[u8]) -> bool {
    bytes
        .split_last_chunk::<4>()
        .is_some_and(|(body, crc)| crc32c::crc32c(body).to_le_bytes() == *crc)
}

/// Writes one field and moves on; fields are written in the order of the tables.
pub(super) fn put<const N: usize>(rest: &mut &mut [u8], field: [u8; N]) {
    if let Some((head, tail)) = std::mem::take(rest).split_first_chunk_mut::<N>() {
        *head = field;
        *rest = tail;
    }
}

/// Takes one field after another, in the order of the tables.
#[derive(Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes. Callers hand in arrays of the table's size; past the end reads zeros.
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.0 = tail;
                *head
            }
            None => [0; N],
        }
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_names_are_twelve_digits_and_nothing_else() {
        assert_eq!(SegmentId(7).file_name(), "000000000007.seg");
        assert_eq!(
            SegmentId::from_file_name("000000000007.seg"),
            Some(SegmentId(7))
        );
        for name in [
            "7.seg",
            "+00000000007.seg",
            "000000000000.seg",
            "000000000007.seg.torn-128",
            "spare.tmp",
            ".seg",
        ] {
            assert_eq!(SegmentId::from_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_build_name_is_printable_ascii_of_at_most_32_characters() {
        assert_eq!(
            Build::new("portcullis-0.1.0").unwrap().as_str(),
            "portcullis-0.1.0"
        );
        assert!(Build::new(&"x".repeat(32)).is_some());
        assert!(Build::new(&"x".repeat(33)).is_none());
        assert!(Build::new("two words").is_none());
        assert!(Build::new("größe").is_none());
    }
}
