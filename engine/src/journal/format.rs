//! Owns the bytes of a journal: the segment header, the frame header, their
//! constants and their checksums. Leaves out files, buffers and what a record
//! means; nothing here does I/O.
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
const KNOWN_FLAGS: u32 = FLAG_CLEAN_STOP | FLAG_OPENED;

const SEGMENT_MAGIC: [u8; 8] = *b"PCJOURNL";
const FRAME_MAGIC: [u8; 4] = *b"PCFR";
const BUILD_BYTES: usize = 32;
/// The part of a frame header that the chain hash covers.
const FRAME_FIELD_BYTES: usize = 64;

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
        // Names that only resemble ours ("7.seg", "+00000000007.seg") are not segments.
        (id.file_name() == name).then_some(id)
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
pub struct Build([u8; BUILD_BYTES]);

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

/// What the first 128 bytes of a segment say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Format the segment was written in.
    pub format_version: u32,
    /// Lowest reader version able to read it.
    pub lowest_reader_version: u32,
    /// The build that wrote it.
    pub build: Build,
    /// The rules version every decision in it was made under.
    pub rules_version: u32,
    /// Size of the segment's file in bytes.
    pub size: u64,
    /// Its own id.
    pub id: SegmentId,
    /// The first sequence it may hold.
    pub first_sequence: u64,
    /// Epoch when it was opened.
    pub epoch: u64,
    /// Chain hash at the end of the segment before.
    pub previous: ChainHash,
}

/// Why 128 bytes are not a segment header this build can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentHeaderError {
    /// Not the magic of a journal.
    Magic,
    /// The checksum does not match.
    Checksum,
    /// Intact, but written for newer readers.
    Version {
        /// Format of the segment.
        format: u32,
        /// Lowest reader version it asks for.
        lowest_reader: u32,
    },
    /// Bytes that must be zero are not.
    Reserved,
}

impl SegmentHeader {
    /// The header's 128 bytes, checksum included.
    #[must_use]
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let mut rest = bytes.as_mut_slice();
        put(&mut rest, SEGMENT_MAGIC);
        put(&mut rest, self.format_version.to_le_bytes());
        put(&mut rest, self.lowest_reader_version.to_le_bytes());
        put(&mut rest, self.build.0);
        put(&mut rest, self.rules_version.to_le_bytes());
        put(&mut rest, [0; 4]);
        put(&mut rest, self.size.to_le_bytes());
        put(&mut rest, self.id.0.to_le_bytes());
        put(&mut rest, self.first_sequence.to_le_bytes());
        put(&mut rest, self.epoch.to_le_bytes());
        put(&mut rest, self.previous.0);
        put(&mut rest, [0; 4]);
        seal(&mut bytes);
        bytes
    }

    /// Reads a header back.
    ///
    /// The magic, the two versions and the checksum keep their places in every
    /// later format, so that an old build can refuse a new segment by name
    /// instead of calling it damaged.
    ///
    /// # Errors
    /// See [`SegmentHeaderError`].
    pub fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Result<Self, SegmentHeaderError> {
        if !bytes.starts_with(&SEGMENT_MAGIC) {
            return Err(SegmentHeaderError::Magic);
        }
        if !sealed(bytes) {
            return Err(SegmentHeaderError::Checksum);
        }
        let mut fields = Fields(bytes);
        let _magic: [u8; 8] = fields.take();
        let format_version = fields.u32();
        let lowest_reader_version = fields.u32();
        if lowest_reader_version > FORMAT_VERSION || format_version < LOWEST_READER_VERSION {
            return Err(SegmentHeaderError::Version {
                format: format_version,
                lowest_reader: lowest_reader_version,
            });
        }
        let build = Build(fields.take());
        let rules_version = fields.u32();
        let reserved = fields.u32();
        let header = Self {
            format_version,
            lowest_reader_version,
            build,
            rules_version,
            size: fields.u64(),
            id: SegmentId(fields.u64()),
            first_sequence: fields.u64(),
            epoch: fields.u64(),
            previous: ChainHash(fields.take()),
        };
        if reserved != 0 || fields.u32() != 0 {
            return Err(SegmentHeaderError::Reserved);
        }
        Ok(header)
    }

    /// Where the chain of this segment's frames starts.
    #[must_use]
    pub fn chain_start(&self) -> ChainHash {
        ChainHash(*blake3::hash(&self.encode()).as_bytes())
    }
}

/// What the first 104 bytes of a frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of payload.
    pub payload_length: u32,
    /// Sequence of the first record; of an empty frame, the sequence still to come.
    pub first_sequence: u64,
    /// Number of records; their sequences are consecutive.
    pub count: u32,
    /// `FLAG_*` bits.
    pub flags: u32,
    /// Epoch in force.
    pub epoch: u64,
    /// The segment this frame was written for: defeats stale and misdirected blocks.
    pub segment: SegmentId,
    /// The offset this frame was written for, to the same end.
    pub offset: u64,
    /// Every sequence up to this one was durable before this frame was written.
    pub durable_up_to: u64,
    /// When the batch was written, nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// Chain hash after this frame.
    pub chain: ChainHash,
}

/// Why 104 bytes are not a frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameHeaderError {
    /// The checksum does not match: the only one of these a torn write can cause.
    Checksum,
    /// The checksum matches, the magic does not.
    Magic,
    /// Flags this build does not know, or reserved bytes that are not zero.
    Reserved,
}

impl FrameHeader {
    /// The same header with the chain hash that follows from `previous` and `payload`.
    #[must_use]
    pub fn chained(mut self, previous: &ChainHash, payload: &[u8]) -> Self {
        let mut fields = [0; FRAME_FIELD_BYTES];
        self.put_fields(&mut fields.as_mut_slice());
        let mut hasher = blake3::Hasher::new();
        hasher.update(&previous.0);
        hasher.update(&fields);
        hasher.update(payload);
        self.chain = ChainHash(*hasher.finalize().as_bytes());
        self
    }

    /// The header's 104 bytes, checksum included.
    #[must_use]
    pub fn encode(&self) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let mut rest = bytes.as_mut_slice();
        self.put_fields(&mut rest);
        put(&mut rest, self.chain.0);
        seal(&mut bytes);
        bytes
    }

    fn put_fields(&self, rest: &mut &mut [u8]) {
        put(rest, FRAME_MAGIC);
        put(rest, self.payload_length.to_le_bytes());
        put(rest, self.first_sequence.to_le_bytes());
        put(rest, self.count.to_le_bytes());
        put(rest, self.flags.to_le_bytes());
        put(rest, self.epoch.to_le_bytes());
        put(rest, self.segment.0.to_le_bytes());
        put(rest, self.offset.to_le_bytes());
        put(rest, self.durable_up_to.to_le_bytes());
        put(rest, self.time_ns.to_le_bytes());
    }

    /// Reads a header back. Its meaning (place, order, chain) is the reader's to check.
    ///
    /// # Errors
    /// See [`FrameHeaderError`].
    pub fn decode(bytes: &[u8; FRAME_HEADER_BYTES]) -> Result<Self, FrameHeaderError> {
        if !sealed(bytes) {
            return Err(FrameHeaderError::Checksum);
        }
        let mut fields = Fields(bytes);
        if fields.take() != FRAME_MAGIC {
            return Err(FrameHeaderError::Magic);
        }
        let header = Self {
            payload_length: fields.u32(),
            first_sequence: fields.u64(),
            count: fields.u32(),
            flags: fields.u32(),
            epoch: fields.u64(),
            segment: SegmentId(fields.u64()),
            offset: fields.u64(),
            durable_up_to: fields.u64(),
            time_ns: fields.u64(),
            chain: ChainHash(fields.take()),
        };
        if fields.u32() != 0 || header.flags & !KNOWN_FLAGS != 0 {
            return Err(FrameHeaderError::Reserved);
        }
        Ok(header)
    }

    /// Bytes the whole frame takes in its segment, padding included.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(u64::from(self.payload_length))
    }

    /// Sequence of the last record; of an empty frame, the last record before it.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.first_sequence
            .saturating_add(u64::from(self.count))
            .saturating_sub(1)
    }

    /// Whether the writer stopped cleanly with this frame.
    #[must_use]
    pub fn is_clean_stop(&self) -> bool {
        self.flags & FLAG_CLEAN_STOP != 0
    }
}

/// Bytes a frame with this much payload takes, padding included.
#[must_use]
pub fn frame_bytes(payload: u64) -> u64 {
    const FIXED: u64 = 108;
    const _: () = assert!(FRAME_HEADER_BYTES == 104 && PAYLOAD_CRC_BYTES == 4);
    payload
        .saturating_add(FIXED)
        .div_ceil(64)
        .saturating_mul(64)
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

    fn segment_header() -> SegmentHeader {
        SegmentHeader {
            format_version: FORMAT_VERSION,
            lowest_reader_version: LOWEST_READER_VERSION,
            build: Build::new("portcullis-0.1.0").unwrap(),
            rules_version: 3,
            size: 4096,
            id: SegmentId(7),
            first_sequence: 42,
            epoch: 2,
            previous: ChainHash([9; 32]),
        }
    }

    fn frame_header() -> FrameHeader {
        FrameHeader {
            payload_length: 5,
            first_sequence: 42,
            count: 1,
            flags: FLAG_OPENED,
            epoch: 2,
            segment: SegmentId(7),
            offset: 128,
            durable_up_to: 41,
            time_ns: 1_700_000_000_000_000_000,
            chain: ChainHash::NONE,
        }
        .chained(&ChainHash([1; 32]), &[1, 0, 0, 0, 7])
    }

    #[test]
    fn headers_come_back_as_they_were_written() {
        let segment = segment_header();
        assert_eq!(SegmentHeader::decode(&segment.encode()), Ok(segment));
        let frame = frame_header();
        assert_eq!(FrameHeader::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn fields_lie_where_the_tables_say() {
        let segment = segment_header().encode();
        assert_eq!(&segment[0..8], b"PCJOURNL");
        assert_eq!(&segment[16..32], b"portcullis-0.1.0");
        assert_eq!(segment[56..64], 4096_u64.to_le_bytes());
        assert_eq!(segment[64..72], 7_u64.to_le_bytes());
        assert_eq!(segment[88..120], [9; 32]);
        let frame = frame_header().encode();
        assert_eq!(&frame[0..4], b"PCFR");
        assert_eq!(frame[40..48], 128_u64.to_le_bytes());
        assert_eq!(frame[48..56], 41_u64.to_le_bytes());
        assert_eq!(frame[64..96], frame_header().chain.0);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        for bit in 0..SEGMENT_HEADER_BYTES * 8 {
            let mut bytes = segment_header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bytes).is_err(), "bit {bit}");
        }
        for bit in 0..FRAME_HEADER_BYTES * 8 {
            let mut bytes = frame_header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameHeader::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number_unless_it_allows_old_readers() {
        let mut header = segment_header();
        header.format_version = 7;
        assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
        header.lowest_reader_version = 7;
        assert_eq!(
            SegmentHeader::decode(&header.encode()),
            Err(SegmentHeaderError::Version {
                format: 7,
                lowest_reader: 7
            })
        );
    }

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
            "000000000007.seg.torn-128",
            "spare.tmp",
            ".seg",
        ] {
            assert_eq!(SegmentId::from_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_frame_takes_whole_units_of_sixty_four_bytes() {
        assert_eq!(frame_bytes(0), 128);
        assert_eq!(frame_bytes(20), 128);
        assert_eq!(frame_bytes(21), 192);
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
