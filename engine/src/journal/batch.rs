//! Owns the memory in which a batch gathers, and turns it into a frame; reads
//! the records of a payload back. Leaves out where the frame goes and when.

use super::format::{
    ChainHash, EMPTY_FRAME_BYTES, FRAME_ALIGN, FRAME_HEADER_BYTES, PAYLOAD_CRC_BYTES, Position,
    RECORD_PREFIX_BYTES, SegmentId, narrow,
};
use super::frame::{FrameHeader, frame_bytes};

/// What the writer knows about a frame besides its records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) first_sequence: u64,
    pub(super) flags: u32,
    pub(super) epoch: u64,
    pub(super) position: Position,
    pub(super) durable_up_to: u64,
    pub(super) time_ns: u64,
}

/// One batch: records gathered behind the room for their frame header.
///
/// The memory is taken once; gathering and sealing never allocate.
#[derive(Debug)]
pub(super) struct Batch {
    /// Frame header (filled in last), then the payload.
    /// Invariant: capacity for header, largest payload, checksum and padding.
    buffer: Vec<u8>,
    count: u32,
    payload_bytes_max: usize,
}

impl Batch {
    pub(super) fn new(payload_bytes_max: u32) -> Self {
        let payload = u64::from(payload_bytes_max);
        let mut buffer = Vec::with_capacity(narrow(frame_bytes(payload)));
        buffer.resize(FRAME_HEADER_BYTES, 0);
        Self {
            buffer,
            count: 0,
            payload_bytes_max: narrow(payload),
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn payload_bytes(&self) -> usize {
        self.buffer.len().saturating_sub(FRAME_HEADER_BYTES)
    }

    /// Whether a record of `length` bytes can ever be part of a batch.
    pub(super) fn could_hold(&self, length: usize) -> bool {
        length.saturating_add(RECORD_PREFIX_BYTES) <= self.payload_bytes_max
    }

    /// Whether a record of `length` bytes still fits this batch.
    pub(super) fn has_room_for(&self, length: usize) -> bool {
        self.payload_bytes()
            .saturating_add(RECORD_PREFIX_BYTES)
            .saturating_add(length)
            <= self.payload_bytes_max
            && self.count < u32::MAX
    }

    /// Copies a record in. The caller has asked [`Self::has_room_for`].
    pub(super) fn push(&mut self, record: &[u8]) {
        debug_assert!(self.has_room_for(record.len()));
        // Fits: the payload's largest length is itself a u32.
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(record);
        self.count = self.count.saturating_add(1);
    }

    /// Completes the frame; returns its header. [`Self::bytes`] is then the whole frame.
    pub(super) fn seal(&mut self, stamp: &Stamp, previous: &ChainHash) -> FrameHeader {
        let payload = self.buffer.get(FRAME_HEADER_BYTES..).unwrap_or_default();
        let header = header(stamp, payload, self.count).chained(previous, payload);
        let crc = crc32c::crc32c(payload).to_le_bytes();
        self.buffer.extend_from_slice(&crc);
        let padded = self.buffer.len().next_multiple_of(FRAME_ALIGN);
        self.buffer.resize(padded, 0);
        if let Some(room) = self.buffer.first_chunk_mut() {
            *room = header.encode();
        }
        header
    }

    /// The sealed frame.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Makes room for the next batch.
    pub(super) fn clear(&mut self) {
        self.buffer.truncate(FRAME_HEADER_BYTES);
        self.count = 0;
    }
}

/// A frame without records: its header and its bytes.
pub(super) fn empty_frame(
    stamp: &Stamp,
    previous: &ChainHash,
) -> (FrameHeader, [u8; EMPTY_FRAME_BYTES]) {
    let header = header(stamp, &[], 0).chained(previous, &[]);
    let mut bytes = [0; EMPTY_FRAME_BYTES];
    // The CRC32C of an empty payload is zero, and so is the padding.
    if let Some(room) = bytes.first_chunk_mut() {
        *room = header.encode();
    }
    (header, bytes)
}

fn header(stamp: &Stamp, payload: &[u8], count: u32) -> FrameHeader {
    FrameHeader {
        payload_length: u32::try_from(payload.len()).unwrap_or(u32::MAX),
        first_sequence: stamp.first_sequence,
        count,
        flags: stamp.flags,
        epoch: stamp.epoch,
        segment: stamp.position.segment,
        offset: stamp.position.offset,
        durable_up_to: stamp.durable_up_to,
        time_ns: stamp.time_ns,
        chain: ChainHash::NONE,
    }
}

/// A frame that has passed every check, with its payload in the reader's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    header: FrameHeader,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(super) fn new(header: FrameHeader, payload: &'a [u8]) -> Self {
        Self { header, payload }
    }

    /// What the frame says about itself.
    #[must_use]
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// Where the frame starts.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            segment: self.header.segment,
            offset: self.header.offset,
        }
    }

    /// Its records in order; none for an empty frame.
    #[must_use]
    pub fn records(&self) -> Records<'a> {
        Records {
            rest: self.payload,
            index: 0,
            header: self.header,
        }
    }
}

/// One record, as it was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its sequence.
    pub sequence: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The segment it stands in, for messages about its content.
    pub segment: SegmentId,
    /// The offset of its frame in the segment.
    pub frame_offset: u64,
    /// Its index in the frame, from 0.
    pub index: u32,
    /// When its batch was written, nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// The epoch it was written in.
    pub epoch: u64,
}

/// The records of a frame.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    index: u32,
    header: FrameHeader,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (bytes, rest) = split_record(self.rest)?;
        self.rest = rest;
        let index = self.index;
        self.index = index.saturating_add(1);
        Some(Record {
            sequence: self.header.first_sequence.saturating_add(u64::from(index)),
            bytes,
            segment: self.header.segment,
            frame_offset: self.header.offset,
            index,
            time_ns: self.header.time_ns,
            epoch: self.header.epoch,
        })
    }
}

/// Checks that a payload is exactly `count` records; otherwise names the first that is wrong.
pub(super) fn check_records(payload: &[u8], count: u32) -> Result<(), u32> {
    let mut rest = payload;
    for index in 0..count {
        (_, rest) = split_record(rest).ok_or(index)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(count) }
}

fn split_record(payload: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = payload.split_first_chunk::<RECORD_PREFIX_BYTES>()?;
    rest.split_at_checked(narrow(u64::from(u32::from_le_bytes(*length))))
}

const _: () = assert!(PAYLOAD_CRC_BYTES == 4 && EMPTY_FRAME_BYTES.is_multiple_of(FRAME_ALIGN));

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

    use super::*;
    use crate::journal::format::wide;

    fn stamp(first_sequence: u64) -> Stamp {
        Stamp {
            first_sequence,
            flags: 0,
            epoch: 1,
            position: Position {
                segment: SegmentId::FIRST,
                offset: 128,
            },
            durable_up_to: 0,
            time_ns: 5,
        }
    }

    #[test]
    fn records_come_back_in_order_with_consecutive_sequences() {
        let mut batch = Batch::new(1024);
        for record in [&b"one"[..], b"", b"three"] {
            batch.push(record);
        }
        let header = batch.seal(&stamp(10), &ChainHash::NONE);
        assert_eq!(wide(batch.bytes().len()), header.frame_bytes());
        let end = FRAME_HEADER_BYTES + narrow(u64::from(header.payload_length));
        let payload = &batch.bytes()[FRAME_HEADER_BYTES..end];
        assert_eq!(check_records(payload, 3), Ok(()));
        let got: Vec<_> = Frame::new(header, payload)
            .records()
            .map(|record| (record.sequence, record.bytes.to_vec()))
            .collect();
        assert_eq!(
            got,
            [
                (10, b"one".to_vec()),
                (11, b"".to_vec()),
                (12, b"three".to_vec())
            ]
        );
    }

    #[test]
    fn gathering_and_sealing_never_grow_the_memory() {
        let mut batch = Batch::new(1000);
        let before = (batch.buffer.as_ptr(), batch.buffer.capacity());
        for _ in 0..3 {
            while batch.has_room_for(37) {
                batch.push(&[7; 37]);
            }
            batch.seal(&stamp(1), &ChainHash::NONE);
            batch.clear();
        }
        assert_eq!(before, (batch.buffer.as_ptr(), batch.buffer.capacity()));
    }

    #[test]
    fn a_record_of_exactly_the_room_left_fits_and_one_byte_more_does_not() {
        let mut batch = Batch::new(100);
        assert!(batch.could_hold(96) && !batch.could_hold(97));
        batch.push(&[1; 46]);
        assert!(batch.has_room_for(46) && !batch.has_room_for(47));
    }

    #[test]
    fn a_payload_that_is_not_its_records_names_the_first_wrong_one() {
        assert_eq!(check_records(&[1, 0, 0, 0, 9, 2, 0, 0, 0, 9], 2), Err(1));
        assert_eq!(check_records(&[1, 0, 0, 0, 9, 0, 0], 1), Err(1));
        assert_eq!(check_records(&[], 0), Ok(()));
    }

    #[test]
    fn an_empty_frame_is_a_header_and_zeros() {
        let (header, bytes) = empty_frame(&stamp(3), &ChainHash::NONE);
        assert_eq!(header.count, 0);
        assert_eq!(crc32c::crc32c(&[]), 0);
        assert!(bytes[FRAME_HEADER_BYTES..].iter().all(|byte| *byte == 0));
    }
}
