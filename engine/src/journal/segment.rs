//! Owns the header of a segment: encoding, decoding, and the start of the hash
//! chain. Leaves out the segment's frames and its file.

use super::format::{
    Build, ChainHash, FORMAT_VERSION, Fields, LOWEST_READER_VERSION, SEGMENT_HEADER_BYTES,
    SegmentId, put, seal, sealed,
};

const SEGMENT_MAGIC: [u8; 8] = *b"PCJOURNL";

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

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

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

    #[test]
    fn a_header_comes_back_as_it_was_written() {
        let header = segment_header();
        assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn fields_lie_where_the_table_says() {
        let segment = segment_header().encode();
        assert_eq!(&segment[0..8], b"PCJOURNL");
        assert_eq!(&segment[16..32], b"portcullis-0.1.0");
        assert_eq!(segment[56..64], 4096_u64.to_le_bytes());
        assert_eq!(segment[64..72], 7_u64.to_le_bytes());
        assert_eq!(segment[88..120], [9; 32]);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        for bit in 0..SEGMENT_HEADER_BYTES * 8 {
            let mut bytes = segment_header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bytes).is_err(), "bit {bit}");
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
}
