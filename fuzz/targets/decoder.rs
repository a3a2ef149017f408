//! The frame decoder: bytes as they come over TCP.
//!
//! Whatever they are, they are frames, the beginning of one, or refused; a message that is taken encodes
//! to the bytes that it came from; one that is refused is refused at a place within its block.

use wire::codec::{self, HEADER_LEN, MAX_FRAME};
use wire::{Frame, Layout, Malformed, Reply, Request, SessionMessage};

pub fn run(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some(frame)) = codec::split_frame(rest) {
        assert!((HEADER_LEN..=MAX_FRAME).contains(&frame.len));
        assert_eq!(frame.block, &rest[HEADER_LEN..frame.len]);
        // A frame that lacks its last byte is one that has not come yet.
        assert_eq!(codec::split_frame(&rest[..frame.len - 1]), Ok(None));
        decode(&frame);
        rest = &rest[frame.len..];
    }
}

/// Decodes a frame in each set of messages; at most one of them has the template.
pub fn decode(frame: &Frame<'_>) {
    macro_rules! taken_by {
        ($($set:ident)*) => {
            0 $( + match $set::decode_block(frame.template_id, frame.block) {
                None => 0,
                Some(Ok(message)) => {
                    let mut out = [0; MAX_FRAME];
                    let len = message.encode_block(&mut out);
                    assert_eq!(out[..len], frame.block[..len], "{message:?}");
                    1
                }
                Some(Err(error)) => {
                    refused(&error, frame, $set::LAYOUTS);
                    1
                }
            } )*
        };
    }
    assert!(taken_by!(SessionMessage Request Reply) <= 1);
}

fn refused(error: &Malformed, frame: &Frame<'_>, layouts: &[&Layout]) {
    let layout = layouts
        .iter()
        .find(|layout| layout.template_id == frame.template_id)
        .unwrap();
    match error {
        Malformed::TooShort { have, need } => {
            assert_eq!((*have, *need), (frame.block.len(), layout.block_length));
            assert!(have < need);
        }
        Malformed::Field { field, offset } => {
            let found = layout.fields.iter().find(|f| f.name == *field).unwrap();
            assert_eq!(found.offset, usize::from(*offset));
            assert!(
                !found.is_reserved() || found.size > 8 || frame.block.len() >= layout.block_length
            );
        }
    }
}
