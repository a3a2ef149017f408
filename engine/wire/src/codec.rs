//! Frames: bytes in, messages out, and back. No I/O and no state.
//!
//! ```text
//! offset 0  u16  length of the whole frame, 12..=512, a multiple of 8 for every message of version 0
//!        2  u16  0xEB50
//!        4  u16  blockLength
//!        6  u16  templateId
//!        8  u16  schemaId (7201)
//!       10  u16  version
//!       12       root block, blockLength bytes
//! ```
//!
//! A frame shorter than its length is *incomplete*, which is not an error. The root block is every field
//! behind the one before, little-endian: what bincode writes with fixed-length integers, as a test holds
//! for every message. Its general reader and writer took ten times as long.

use crate::layout::{Layout, Message, set_bytes_at};

/// Identifies the schema in every frame.
pub const SCHEMA_ID: u16 = 7201;
/// Version of the schema that this build writes.
pub const VERSION: u16 = 0;
/// Second 16-bit word of every frame.
pub const MAGIC: u16 = 0xEB50;
/// Bytes before the root block.
pub const HEADER_LEN: usize = 12;
/// Longest frame in bytes.
pub const MAX_FRAME: usize = 512;

/// One whole frame, still undecoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Template id of its message.
    pub template_id: u16,
    /// Schema version of the sender.
    pub version: u16,
    /// The root block.
    pub block: &'a [u8],
    /// Length of the whole frame in bytes.
    pub len: usize,
}

/// The byte stream can't be followed any further: the peer does not speak this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is outside 12..=512.
    #[error("frame length {0} is outside 12..=512")]
    Length(u16),
    /// The second word is not `0xEB50`.
    #[error("frame marker {0:#06x} is not 0xeb50")]
    Marker(u16),
    /// The schema id is not 7201.
    #[error("schema id {0} is not 7201")]
    Schema(u16),
    /// The block length does not fit the frame length.
    #[error("block length {block} does not fill a frame of {frame} bytes")]
    BlockLength {
        /// As the frame says.
        frame: u16,
        /// As the SBE header says.
        block: u16,
    },
}

/// A root block whose contents are not as the schema says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The block is shorter than version 0 of the message.
    #[error("block of {have} bytes is shorter than the {need} of version 0")]
    TooShort {
        /// Bytes received.
        have: usize,
        /// Bytes of version 0.
        need: usize,
    },
    /// A field holds a value that the schema does not allow.
    #[error("field `{field}` at offset {offset} holds a value that the schema does not allow")]
    Field {
        /// Name in the schema.
        field: &'static str,
        /// First byte in the root block.
        offset: u16,
    },
}

impl Malformed {
    /// Offset of the offending field in the root block; the block's own length if it is too short.
    #[must_use]
    pub fn field_offset(&self) -> u16 {
        match self {
            Self::TooShort { have, .. } => u16::try_from(*have).unwrap_or(u16::MAX),
            Self::Field { offset, .. } => *offset,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Takes the first frame of `bytes`; `Ok(None)` means that it is incomplete.
///
/// # Errors
/// [`FrameError`] if what is there can't be the beginning of a frame.
pub fn split_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    if bytes.len() < 2 {
        return Ok(None);
    }
    let length = word(bytes, 0);
    let len = usize::from(length);
    if !(HEADER_LEN..=MAX_FRAME).contains(&len) {
        return Err(FrameError::Length(length));
    }
    if bytes.len() >= 4 && word(bytes, 2) != MAGIC {
        return Err(FrameError::Marker(word(bytes, 2)));
    }
    if bytes.len() < HEADER_LEN {
        return Ok(None);
    }
    let (block, template_id, schema, version) = (
        word(bytes, 4),
        word(bytes, 6),
        word(bytes, 8),
        word(bytes, 10),
    );
    if schema != SCHEMA_ID {
        return Err(FrameError::Schema(schema));
    }
    if HEADER_LEN + usize::from(block) != len {
        return Err(FrameError::BlockLength {
            frame: length,
            block,
        });
    }
    if bytes.len() < len {
        return Ok(None);
    }
    Ok(Some(Frame {
        template_id,
        version,
        block: &bytes[HEADER_LEN..len],
        len,
    }))
}

/// Writes the frame of a root block that `encode` puts after the header; returns the frame's length.
///
/// # Panics
/// If `out` is too short: callers give at least [`MAX_FRAME`] bytes.
pub fn write_frame(
    template_id: u16,
    out: &mut [u8],
    encode: impl FnOnce(&mut [u8]) -> usize,
) -> usize {
    let block = encode(&mut out[HEADER_LEN..]);
    let len = HEADER_LEN + block;
    let narrow = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let words = [
        narrow(len),
        MAGIC,
        narrow(block),
        template_id,
        SCHEMA_ID,
        VERSION,
    ];
    for (index, word) in words.into_iter().enumerate() {
        set_bytes_at(out, 2 * index, word.to_le_bytes());
    }
    len
}

/// Writes `message` as one frame into `out`; returns the frame's length.
///
/// # Panics
/// If `out` is too short: callers give at least [`MAX_FRAME`] bytes.
pub fn encode_frame<M: Message>(message: &M, out: &mut [u8]) -> usize {
    write_frame(M::LAYOUT.template_id, out, |block| {
        encode_block(message, block)
    })
}

/// Writes the root block of `message` into `out`; returns its length.
///
/// # Panics
/// If `out` is shorter than the root block.
pub fn encode_block<M: Message>(message: &M, out: &mut [u8]) -> usize {
    let length = M::LAYOUT.block_length;
    match message.put(out) {
        Some(()) => length,
        None => panic!(
            "{} takes {length} bytes, and there are {}",
            M::LAYOUT.name,
            out.len()
        ),
    }
}

/// Reads a root block. A longer block's tail (of a later version) is ignored.
///
/// # Errors
/// [`Malformed`] if the block is shorter than version 0, an enum has a value that it does not define
/// (null where the field is not optional included), or text is not printable ASCII padded with NUL.
pub fn decode_block<M: Message>(block: &[u8]) -> Result<M, Malformed> {
    let Some(message) = M::get(block) else {
        return Err(Malformed::TooShort {
            have: block.len(),
            need: M::LAYOUT.block_length,
        });
    };
    match message.first_invalid() {
        None => Ok(message),
        Some(index) => Err(invalid(&M::LAYOUT, index)),
    }
}

/// The error for a field that holds what the schema does not allow.
#[cold]
fn invalid(layout: &Layout, index: usize) -> Malformed {
    let field = &layout.fields[index];
    Malformed::Field {
        field: field.name,
        offset: u16::try_from(field.offset).unwrap_or(u16::MAX),
    }
}
