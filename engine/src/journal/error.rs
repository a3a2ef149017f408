//! Owns what can go wrong when a journal is read: a defect, its position, and
//! whether a torn write could have caused it. Leaves out what recovery makes of
//! it (see `recovery`) and failures of writing (see `writer`).

use std::io;

use super::format::{Position, SegmentId};

/// A place where the journal is not what its writer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {defect}")]
pub struct Damage {
    /// Where: the start of the frame or header that is wrong.
    pub position: Position,
    /// What is wrong there.
    pub defect: Defect,
}

/// What is wrong at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// The segment's file is not there.
    #[error("the segment is missing")]
    SegmentMissing,
    /// The file's length is not the size its header names.
    #[error("the segment has {found} bytes, its header says {expected}")]
    SegmentSize {
        /// Bytes by the header.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// The file does not start like a journal segment.
    #[error("not a journal segment (wrong magic)")]
    SegmentMagic,
    /// The segment header's checksum does not match.
    #[error("segment header checksum mismatch")]
    SegmentChecksum,
    /// Reserved bytes of the segment header are not zero.
    #[error("segment header with reserved bytes set")]
    SegmentReserved,
    /// The header names another segment than the file name.
    #[error("the header is that of segment {found}")]
    SegmentId {
        /// Segment in the header.
        found: SegmentId,
    },
    /// The header does not follow from the segment before.
    #[error("the segment does not continue the one before (chain hash differs)")]
    SegmentChain,
    /// The header's first sequence is not the next one.
    #[error("the segment starts at sequence {found}, expected {expected}")]
    SegmentSequence {
        /// Next sequence by the segment before.
        expected: u64,
        /// First sequence in the header.
        found: u64,
    },
    /// The header's epoch is lower than one already seen.
    #[error("the segment's epoch {found} is below {highest}")]
    SegmentEpoch {
        /// Highest epoch before.
        highest: u64,
        /// Epoch in the header.
        found: u64,
    },
    /// The frame header's checksum does not match.
    #[error("frame header checksum mismatch")]
    HeaderChecksum,
    /// The frame header's checksum matches, but it is no frame header.
    #[error("not a frame (wrong magic)")]
    FrameMagic,
    /// Unknown flags or reserved bytes of a frame header.
    #[error("frame header with unknown flags or reserved bytes set")]
    FrameReserved,
    /// The frame was written for another segment.
    #[error("the frame belongs to segment {found}")]
    FrameSegment {
        /// Segment in the frame.
        found: SegmentId,
    },
    /// The frame was written for another offset.
    #[error("the frame belongs to byte {found}")]
    FrameOffset {
        /// Offset in the frame.
        found: u64,
    },
    /// The frame would reach past the end of its segment.
    #[error("the frame's length of {length} bytes reaches past the segment's end")]
    FrameLength {
        /// Payload bytes by the header.
        length: u32,
    },
    /// The frame's first sequence is not the next one.
    #[error("the frame starts at sequence {found}, expected {expected}")]
    FrameSequence {
        /// Next sequence.
        expected: u64,
        /// First sequence in the frame.
        found: u64,
    },
    /// The frame's epoch is lower than one already seen.
    #[error("the frame's epoch {found} is below {highest}")]
    FrameEpoch {
        /// Highest epoch before.
        highest: u64,
        /// Epoch in the frame.
        found: u64,
    },
    /// Durable-up-to falls, or claims sequences not yet written.
    #[error("the frame claims durable up to {found}, possible is {lowest} to {highest}")]
    FrameDurable {
        /// What was durable before.
        lowest: u64,
        /// The last sequence before the frame.
        highest: u64,
        /// What the frame claims.
        found: u64,
    },
    /// The payload's checksum does not match.
    #[error("payload checksum mismatch")]
    PayloadChecksum,
    /// The chain hash does not follow from what stands before.
    #[error("chain hash mismatch")]
    FrameChain,
    /// The lengths of the records do not add up to the payload.
    #[error("record {index} of the frame does not fit its payload")]
    RecordLength {
        /// Index of the record in its frame, from 0.
        index: u32,
    },
    /// Padding after a frame that is not zero.
    #[error("padding that is not zero")]
    Padding,
    /// Bytes where only zeros may stand.
    #[error("stray bytes from byte {first} where nothing was written")]
    Stray {
        /// Offset of the first of them.
        first: u64,
    },
}

impl Defect {
    /// Whether a write that was never synced can have left this behind.
    ///
    /// A torn write leaves some sectors as written and the others zero, so it
    /// breaks a checksum or leaves pieces of a frame without its header. It
    /// never makes a checksum match over wrong content: a frame with intact
    /// checksums in the wrong place, order or chain is corruption. Segment
    /// headers are synced before their file gets its name, so they never tear.
    #[must_use]
    pub fn can_be_torn_write(&self) -> bool {
        match self {
            Self::HeaderChecksum | Self::PayloadChecksum | Self::Stray { .. } => true,
            Self::SegmentMissing
            | Self::SegmentSize { .. }
            | Self::SegmentMagic
            | Self::SegmentChecksum
            | Self::SegmentReserved
            | Self::SegmentId { .. }
            | Self::SegmentChain
            | Self::SegmentSequence { .. }
            | Self::SegmentEpoch { .. }
            | Self::FrameMagic
            | Self::FrameReserved
            | Self::FrameSegment { .. }
            | Self::FrameOffset { .. }
            | Self::FrameLength { .. }
            | Self::FrameSequence { .. }
            | Self::FrameEpoch { .. }
            | Self::FrameDurable { .. }
            | Self::FrameChain
            | Self::RecordLength { .. }
            | Self::Padding => false,
        }
    }
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The journal is damaged.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The segment is intact but too new for this build.
    #[error(
        "{segment}: written in format {format}, which needs a reader of version \
         {lowest_reader}; this build reads version {}",
        super::format::FORMAT_VERSION
    )]
    Version {
        /// The segment.
        segment: SegmentId,
        /// Its format version.
        format: u32,
        /// The lowest reader version it asks for.
        lowest_reader: u32,
    },
    /// The file system refused to read.
    #[error("{position}: {source}")]
    Io {
        /// Where.
        position: Position,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    pub(super) fn damage(position: Position, defect: Defect) -> Self {
        Self::Damage(Damage { position, defect })
    }

    /// For `map_err` on the result of a file operation at `position`.
    pub(super) fn io(position: Position) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { position, source }
    }
}
