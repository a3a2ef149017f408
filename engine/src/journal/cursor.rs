//! Owns reading frames one after another and every check between them: place,
//! order, epoch, checksums, chain. Leaves out what comes at the end of a
//! segment: a reader and a live follower decide that differently.

use std::io;

use super::batch::{Frame, check_records};
use super::error::{Defect, ReadError};
use super::format::{
    ChainHash, EMPTY_FRAME_BYTES, FRAME_ALIGN, FRAME_HEADER_BYTES, PAYLOAD_CRC_BYTES, Position,
    SEGMENT_HEADER_BYTES, SegmentId, narrow, sealed, wide,
};
use super::frame::{FrameHeader, FrameHeaderError};
use super::segment::{SegmentHeader, SegmentHeaderError};
use super::storage::{Storage, StorageFile};

/// What is known after the last good frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Just past the last good frame.
    pub position: Position,
    /// The sequence the next record must have.
    pub next_sequence: u64,
    /// Chain hash here.
    pub chain: ChainHash,
    /// Highest epoch so far.
    pub epoch: u64,
    /// The highest durable-up-to stated so far.
    pub durable_up_to: u64,
    /// Time of the last frame; `None` before the first.
    pub time_ns: Option<u64>,
    /// Whether the last frame marks a clean stop.
    pub clean_stop: bool,
    /// The last frame of this segment: its offset and its bytes, padding included.
    pub last_frame: Option<(u64, u64)>,
    /// Header of this segment.
    pub segment: SegmentHeader,
}

/// A place between two frames, and the means to read on.
#[derive(Debug)]
pub(super) struct Cursor<S: Storage> {
    storage: S,
    file: S::File,
    end: End,
    /// Payload, checksum and padding of the frame last read. Grows to the
    /// largest frame of the journal, never beyond one segment.
    buffer: Vec<u8>,
    ahead: Ahead,
}

/// A piece of the segment read in advance: small frames would else cost two
/// calls of the system each.
#[derive(Debug, Default)]
struct Ahead {
    /// Bytes to read in advance; 0 where the file may still change.
    most: usize,
    start: u64,
    bytes: Vec<u8>,
}

impl Ahead {
    fn part(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let from = narrow(offset.checked_sub(self.start)?);
        self.bytes.get(from..from.checked_add(length)?)
    }
}

impl<S: Storage> Cursor<S> {
    /// Opens at the first frame of `segment`, whose predecessor is not read:
    /// its header is taken at its word, except that the first has none before.
    pub(super) fn open(storage: S, segment: SegmentId) -> Result<Self, ReadError> {
        let (file, header) = open_segment(&storage, segment)?;
        if segment == SegmentId::FIRST && header.previous != ChainHash::NONE {
            return Err(ReadError::damage(start_of(segment), Defect::SegmentChain));
        }
        let end = End {
            position: first_frame_of(segment),
            next_sequence: header.first_sequence,
            chain: header.chain_start(),
            epoch: header.epoch,
            // The writer syncs a segment before it begins the next.
            durable_up_to: header.first_sequence.saturating_sub(1),
            time_ns: None,
            clean_stop: false,
            last_frame: None,
            segment: header,
        };
        Ok(Self {
            storage,
            file,
            end,
            buffer: Vec::new(),
            ahead: Ahead::default(),
        })
    }

    /// Reads pieces of `bytes` in advance from here on: for a journal that
    /// nobody writes, or of which only what is there now is wanted.
    pub(super) fn read_ahead(&mut self, bytes: usize) {
        self.ahead.most = bytes;
    }

    pub(super) fn end(&self) -> &End {
        &self.end
    }

    pub(super) fn storage(&self) -> &S {
        &self.storage
    }

    pub(super) fn file(&self) -> &S::File {
        &self.file
    }

    /// Goes on to the next segment, which must continue this one.
    pub(super) fn follow(&mut self) -> Result<(), ReadError> {
        let id = self.end.position.segment.next();
        let (file, header) = open_segment(&self.storage, id)?;
        let defect = if header.previous != self.end.chain {
            Some(Defect::SegmentChain)
        } else if header.first_sequence != self.end.next_sequence {
            Some(Defect::SegmentSequence {
                expected: self.end.next_sequence,
                found: header.first_sequence,
            })
        } else if header.epoch < self.end.epoch {
            Some(Defect::SegmentEpoch {
                highest: self.end.epoch,
                found: header.epoch,
            })
        } else {
            None
        };
        if let Some(defect) = defect {
            return Err(ReadError::damage(start_of(id), defect));
        }
        self.file = file;
        self.ahead.bytes.clear();
        self.end.position = first_frame_of(id);
        self.end.chain = header.chain_start();
        self.end.epoch = header.epoch;
        self.end.durable_up_to = header.first_sequence.saturating_sub(1);
        self.end.clean_stop = false;
        self.end.last_frame = None;
        self.end.segment = header;
        Ok(())
    }

    /// The header of the next frame, checked against its place; `None` when
    /// nothing but zeros stands where it would be.
    pub(super) fn peek(&mut self) -> Result<Option<FrameHeader>, ReadError> {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let room = self
            .end
            .segment
            .size
            .saturating_sub(self.end.position.offset);
        if room < wide(EMPTY_FRAME_BYTES) {
            return Ok(None);
        }
        self.read(&mut bytes, self.end.position.offset)?;
        if !self.ahead.bytes.is_empty() && FrameHeader::decode(&bytes).is_err() {
            // What was read in advance may have been written since.
            self.ahead.bytes.clear();
            self.read_now(&mut bytes, self.end.position.offset)?;
        }
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = FrameHeader::decode(&bytes).map_err(|error| {
            self.damage(match error {
                FrameHeaderError::Checksum => Defect::HeaderChecksum,
                FrameHeaderError::Magic => Defect::FrameMagic,
                FrameHeaderError::Reserved => Defect::FrameReserved,
            })
        })?;
        match self.misplaced(&header, room) {
            Some(defect) => Err(self.damage(defect)),
            None => Ok(Some(header)),
        }
    }

    fn misplaced(&self, header: &FrameHeader, room: u64) -> Option<Defect> {
        let end = &self.end;
        let written = end.next_sequence.saturating_sub(1);
        if header.segment != end.position.segment {
            return Some(Defect::FrameSegment {
                found: header.segment,
            });
        }
        if header.offset != end.position.offset {
            return Some(Defect::FrameOffset {
                found: header.offset,
            });
        }
        if header.frame_bytes() > room {
            return Some(Defect::FrameLength {
                length: header.payload_length,
            });
        }
        if header.first_sequence != end.next_sequence {
            return Some(Defect::FrameSequence {
                expected: end.next_sequence,
                found: header.first_sequence,
            });
        }
        if header.epoch < end.epoch {
            return Some(Defect::FrameEpoch {
                highest: end.epoch,
                found: header.epoch,
            });
        }
        if header.durable_up_to < end.durable_up_to || header.durable_up_to > written {
            return Some(Defect::FrameDurable {
                lowest: end.durable_up_to,
                highest: written,
                found: header.durable_up_to,
            });
        }
        None
    }

    /// Reads and checks the frame whose header was just peeked at, and moves past it.
    pub(super) fn take(&mut self, header: &FrameHeader) -> Result<(), ReadError> {
        let start = self.end.position.offset;
        let length = header.frame_bytes();
        let behind_header = length.saturating_sub(wide(FRAME_HEADER_BYTES));
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(narrow(behind_header), 0);
        let body = start.saturating_add(wide(FRAME_HEADER_BYTES));
        let mut outcome = self
            .read(&mut buffer, body)
            .and_then(|()| self.check_body(header, &buffer));
        if outcome.is_err() && !self.ahead.bytes.is_empty() {
            self.ahead.bytes.clear();
            outcome = self
                .read_now(&mut buffer, body)
                .and_then(|()| self.check_body(header, &buffer));
        }
        self.buffer = buffer;
        outcome?;
        self.end.position.offset = start.saturating_add(length);
        self.end.next_sequence = header.last_sequence().saturating_add(1);
        self.end.chain = header.chain;
        self.end.epoch = header.epoch;
        self.end.durable_up_to = header.durable_up_to;
        self.end.time_ns = Some(header.time_ns);
        self.end.clean_stop = header.is_clean_stop();
        self.end.last_frame = Some((start, length));
        Ok(())
    }

    fn check_body(&self, header: &FrameHeader, body: &[u8]) -> Result<(), ReadError> {
        let payload_bytes = payload_bytes(header);
        let (checked, padding) = body
            .split_at_checked(payload_bytes.saturating_add(PAYLOAD_CRC_BYTES))
            .unwrap_or((body, &[]));
        let payload = checked.get(..payload_bytes).unwrap_or_default();
        // The checksum first: of all these only it can fail by a torn write.
        let defect = if !sealed(checked) {
            Defect::PayloadChecksum
        } else if padding.iter().any(|byte| *byte != 0) {
            Defect::Padding
        } else if header.chained(&self.end.chain, payload).chain != header.chain {
            Defect::FrameChain
        } else if let Err(index) = check_records(payload, header.count) {
            Defect::RecordLength { index }
        } else {
            return Ok(());
        };
        Err(self.damage(defect))
    }

    /// The frame last taken.
    pub(super) fn frame(&self, header: FrameHeader) -> Frame<'_> {
        let payload = self.buffer.get(..payload_bytes(&header));
        Frame::new(header, payload.unwrap_or_default())
    }

    fn read(&mut self, buffer: &mut [u8], offset: u64) -> Result<(), ReadError> {
        if let Some(part) = self.ahead.part(offset, buffer.len()) {
            buffer.copy_from_slice(part);
            return Ok(());
        }
        if buffer.len() < self.ahead.most {
            let left = self.end.segment.size.saturating_sub(offset);
            let ahead = &mut self.ahead;
            ahead.bytes.resize(ahead.most.min(narrow(left)), 0);
            ahead.start = offset;
            let read = self
                .file
                .read_at(&mut ahead.bytes, offset)
                .map_err(ReadError::io(self.end.position))?;
            ahead.bytes.truncate(read);
            if let Some(part) = ahead.part(offset, buffer.len()) {
                buffer.copy_from_slice(part);
                return Ok(());
            }
            ahead.bytes.clear();
        }
        self.read_now(buffer, offset)
    }

    fn read_now(&self, buffer: &mut [u8], offset: u64) -> Result<(), ReadError> {
        let read = self
            .file
            .read_at(buffer, offset)
            .map_err(ReadError::io(self.end.position))?;
        if read == buffer.len() {
            return Ok(());
        }
        // The length was right when the segment was opened.
        Err(self.damage(Defect::SegmentSize {
            expected: self.end.segment.size,
            found: offset.saturating_add(wide(read)),
        }))
    }

    pub(super) fn damage(&self, defect: Defect) -> ReadError {
        ReadError::damage(self.end.position, defect)
    }
}

fn payload_bytes(header: &FrameHeader) -> usize {
    narrow(u64::from(header.payload_length))
}

pub(super) fn start_of(segment: SegmentId) -> Position {
    Position { segment, offset: 0 }
}

/// Where the first frame of a segment stands.
pub(super) fn first_frame_of(segment: SegmentId) -> Position {
    Position {
        segment,
        offset: wide(SEGMENT_HEADER_BYTES),
    }
}

/// Opens a segment and checks its header against the file it stands in.
pub(super) fn open_segment<S: Storage>(
    storage: &S,
    id: SegmentId,
) -> Result<(S::File, SegmentHeader), ReadError> {
    let position = start_of(id);
    let damage = |defect| ReadError::damage(position, defect);
    let file = storage.open(&id.file_name()).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            damage(Defect::SegmentMissing)
        } else {
            ReadError::io(position)(error)
        }
    })?;
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let read = file
        .read_at(&mut bytes, 0)
        .map_err(ReadError::io(position))?;
    if read < bytes.len() {
        return Err(damage(Defect::SegmentSize {
            expected: wide(SEGMENT_HEADER_BYTES),
            found: wide(read),
        }));
    }
    let header = SegmentHeader::decode(&bytes).map_err(|error| match error {
        SegmentHeaderError::Magic => damage(Defect::SegmentMagic),
        SegmentHeaderError::Checksum => damage(Defect::SegmentChecksum),
        SegmentHeaderError::Reserved => damage(Defect::SegmentReserved),
        SegmentHeaderError::Version {
            format,
            lowest_reader,
        } => ReadError::Version {
            segment: id,
            format,
            lowest_reader,
        },
    })?;
    if header.id != id {
        return Err(damage(Defect::SegmentId { found: header.id }));
    }
    let length = file.length().map_err(ReadError::io(position))?;
    if length != header.size || !length.is_multiple_of(wide(FRAME_ALIGN)) {
        return Err(damage(Defect::SegmentSize {
            expected: header.size,
            found: length,
        }));
    }
    Ok((file, header))
}
