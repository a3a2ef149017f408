//! Owns the header of a frame: encoding, decoding, and its link in the hash
//! chain. Leaves out gathering records (`batch`) and checking a frame's place
//! among others (`cursor`).

use super::format::{
    ChainHash, FLAG_CLEAN_STOP, FLAG_OPENED, FRAME_HEADER_BYTES, Fields, PAYLOAD_CRC_BYTES,
    SegmentId, put, seal, sealed,
};

pub(super) const FRAME_MAGIC: [u8; 4] = *b"PCFR";
const KNOWN_FLAGS: u32 = FLAG_CLEAN_STOP | FLAG_OPENED;
/// The part of a frame header that the chain hash covers.
const FRAME_FIELD_BYTES: usize = 64;

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

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

    use super::*;

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
    fn a_header_comes_back_as_it_was_written() {
        let header = frame_header();
        assert_eq!(FrameHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn fields_lie_where_the_table_says() {
        let frame = frame_header().encode();
        assert_eq!(&frame[0..4], b"PCFR");
        assert_eq!(frame[40..48], 128_u64.to_le_bytes());
        assert_eq!(frame[48..56], 41_u64.to_le_bytes());
        assert_eq!(frame[64..96], frame_header().chain.0);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        for bit in 0..FRAME_HEADER_BYTES * 8 {
            let mut bytes = frame_header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameHeader::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_takes_whole_units_of_sixty_four_bytes() {
        assert_eq!(frame_bytes(0), 128);
        assert_eq!(frame_bytes(20), 128);
        assert_eq!(frame_bytes(21), 192);
    }
}
