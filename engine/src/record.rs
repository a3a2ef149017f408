//! One journal record: a command with its place, and the decision about it, as bytes.
//!
//! ```text
//! [RecordHead, 36 bytes] [root block of the command] [Decision, 60 bytes]
//! ```
//! The same fixed little-endian encoding as on the wire; see `docs/journal-format.md`.

use crate::command::{Command, Sequenced};
use crate::decision::Decision;
use wire::codec::{decode_block, encode_block};
use wire::{Flag, Malformed, Message, messages};

messages! {
    #[doc = "Head of a journal record."]
    341 RecordHead {
        #[doc = "Place in the one sequence."]
        seq: u64,
        #[doc = "Time of the command in nanoseconds."]
        t: u64,
        #[doc = "Sequence number of the session's message; 0 for the server's own records."]
        in_seq_no: u64,
        #[doc = "Session that sent it; 0 for the server itself."]
        session_id: u32,
        #[doc = "Template of the command."]
        template_id: u16,
        #[doc = "Length of the command's root block."]
        block_length: u16,
        #[doc = "Whether there was too little room downstream for new orders."]
        busy: Flag,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
    }
}

/// Longest record in bytes.
pub const MAX_RECORD: usize = 512;

/// A record that can't be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A part of it is not as its layout says.
    #[error("record {seq}: {part}: {cause}")]
    Malformed {
        /// Sequence, where it could be read.
        seq: u64,
        /// `head`, the command's name or `decision`.
        part: &'static str,
        /// What is wrong.
        cause: Malformed,
    },
    /// The template is not one of this build.
    #[error("record {seq}: command template {template_id} is not known to this build")]
    UnknownCommand {
        /// Sequence.
        seq: u64,
        /// Template id.
        template_id: u16,
    },
    /// The parts do not fill the record.
    #[error("record {seq}: {have} bytes where its head announces {need}")]
    Length {
        /// Sequence.
        seq: u64,
        /// Bytes of the record.
        have: usize,
        /// Bytes announced.
        need: usize,
    },
}

/// Writes a record into `out` and returns its length.
///
/// # Panics
/// If `out` is shorter than [`MAX_RECORD`].
pub fn encode_record(input: &Sequenced, decision: &Decision, out: &mut [u8]) -> usize {
    let layout = input.command.layout();
    let head = RecordHead {
        seq: input.seq,
        t: input.t,
        in_seq_no: input.in_seq_no,
        session_id: input.session_id,
        template_id: layout.template_id,
        block_length: u16::try_from(layout.block_length).unwrap_or(u16::MAX),
        busy: if input.busy { Flag::Yes } else { Flag::No },
        ..RecordHead::default()
    };
    let mut len = encode_block(&head, out);
    len = len.saturating_add(input.command.encode_block(&mut out[len..]));
    len.saturating_add(encode_block(decision, &mut out[len..]))
}

/// Reads a record back.
///
/// # Errors
/// [`RecordError`] names the record and the part.
pub fn decode_record(bytes: &[u8]) -> Result<(Sequenced, Decision), RecordError> {
    let malformed = |seq, part| move |cause| RecordError::Malformed { seq, part, cause };
    let head_len = RecordHead::LAYOUT.block_length;
    let head: RecordHead = decode_block(bytes).map_err(malformed(0, "head"))?;
    let seq = head.seq;
    let command_end = head_len.saturating_add(usize::from(head.block_length));
    let need = command_end.saturating_add(Decision::LAYOUT.block_length);
    if bytes.len() != need {
        return Err(RecordError::Length {
            seq,
            have: bytes.len(),
            need,
        });
    }
    let command = Command::decode_block(head.template_id, &bytes[head_len..command_end])
        .ok_or(RecordError::UnknownCommand {
            seq,
            template_id: head.template_id,
        })?
        .map_err(malformed(seq, "command"))?;
    let decision = decode_block(&bytes[command_end..]).map_err(malformed(seq, "decision"))?;
    let input = Sequenced {
        seq,
        t: head.t,
        session_id: head.session_id,
        in_seq_no: head.in_seq_no,
        busy: head.busy == Flag::Yes,
        command,
    };
    Ok((input, decision))
}
