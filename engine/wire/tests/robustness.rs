//! Hostile bytes: whatever comes, the codec answers with incomplete, an error that says where, or a
//! message that the schema allows, and never panics or reads past the block.
//!
//! The golden frames are the seeds: each is cut at every length and changed in every byte to every
//! value. What must come out is computed here from the layout, apart from the codec's own checks.
#![allow(clippy::unwrap_used, reason = "a test without its files has to fail")]

mod support;

use std::fmt;
use support::{Any, Golden, golden_frames};
use wire::codec::{HEADER_LEN, MAX_FRAME, SCHEMA_ID, split_frame};
use wire::schema::all_layouts;
use wire::{FieldKind, FrameError, Layout, Malformed};

/// The first field of the block whose bytes the schema does not allow.
fn first_wrong_field(layout: &Layout, block: &[u8]) -> Option<Malformed> {
    layout.fields.iter().find_map(|field| {
        let bytes = &block[field.offset..field.offset + field.size];
        let allowed = match field.kind {
            FieldKind::Enum(def) => {
                def.name_of(bytes[0]).is_some() || (field.optional && bytes[0] == 255)
            }
            FieldKind::Chars => {
                let text = bytes.split(|b| *b == 0).next().unwrap();
                text.iter().all(|b| (0x20..0x7f).contains(b))
                    && bytes[text.len()..].iter().all(|b| *b == 0)
            }
            FieldKind::Uint
            | FieldKind::Int
            | FieldKind::Decimal8
            | FieldKind::Amount
            | FieldKind::Time => true,
        };
        (!allowed).then(|| Malformed::Field {
            field: field.name,
            offset: u16::try_from(field.offset).unwrap(),
        })
    })
}

/// Checks what the codec makes of `bytes`, which begin with a changed golden frame.
fn check(bytes: &[u8], layouts: &[&Layout], label: fmt::Arguments<'_>) {
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let frame = match split_frame(bytes) {
        Err(FrameError::Length(n)) => {
            assert!(!(12..=512).contains(&n), "{label}");
            return;
        }
        Err(FrameError::Marker(n)) => return assert_ne!(n, 0xeb50, "{label}"),
        Err(FrameError::Schema(n)) => return assert_ne!(n, SCHEMA_ID, "{label}"),
        Err(FrameError::BlockLength { frame, block }) => {
            return assert_ne!(u32::from(frame), u32::from(block) + 12, "{label}");
        }
        Ok(None) => return assert!(bytes.len() < usize::from(word(0)), "{label}"),
        Ok(Some(frame)) => frame,
    };
    assert_eq!(frame.block.len() + HEADER_LEN, frame.len, "{label}");
    let layout = layouts.iter().find(|l| l.template_id == frame.template_id);
    match (layout, Any::decode(frame.template_id, frame.block)) {
        (None, None) => {}
        (Some(layout), Some(Err(error @ Malformed::TooShort { have, need }))) => {
            assert!(have < need, "{label}");
            assert_eq!(
                (have, need),
                (frame.block.len(), layout.block_length),
                "{label}"
            );
            assert_eq!(usize::from(error.field_offset()), have, "{label}");
        }
        (Some(layout), Some(Err(error @ Malformed::Field { .. }))) => {
            assert_eq!(
                Some(error),
                first_wrong_field(layout, frame.block),
                "{label}"
            );
        }
        (Some(layout), Some(Ok(message))) => {
            assert_eq!(None, first_wrong_field(layout, frame.block), "{label}");
            assert_eq!(
                message.encode()[HEADER_LEN..],
                frame.block[..layout.block_length],
                "{label}"
            );
        }
        (layout, decoded) => panic!("{label}: {layout:?} and {decoded:?} disagree"),
    }
}

fn label(golden: &Golden) -> String {
    format!("{} {}", golden.layout.name, golden.instance)
}

#[test]
fn every_truncation_of_every_golden_frame_is_incomplete() {
    for golden in golden_frames() {
        for len in 0..golden.frame.len() {
            assert_eq!(
                split_frame(&golden.frame[..len]),
                Ok(None),
                "{} cut to {len}",
                label(&golden)
            );
        }
    }
}

#[test]
fn every_block_shorter_than_version_0_is_refused_with_its_length() {
    for golden in golden_frames() {
        let block = support::block(&golden);
        for have in 0..block.len() {
            assert_eq!(
                Any::decode(golden.layout.template_id, &block[..have]),
                Some(Err(Malformed::TooShort {
                    have,
                    need: block.len()
                })),
                "{}",
                label(&golden)
            );
        }
    }
}

#[test]
fn the_tail_of_a_longer_block_is_ignored_as_a_later_version_s() {
    for golden in golden_frames() {
        let block = support::block(&golden);
        let same = Any::decode(golden.layout.template_id, block);
        for extra in [1, 4, 8, 16, MAX_FRAME - HEADER_LEN - block.len()] {
            for fill in [0x00, 0x41, 0xff] {
                let mut longer = block.to_vec();
                longer.resize(block.len() + extra, fill);
                let decoded = Any::decode(golden.layout.template_id, &longer);
                assert_eq!(decoded, same, "{} + {extra}", label(&golden));

                let word = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
                let mut frame = golden.frame[..HEADER_LEN].to_vec();
                frame[0..2].copy_from_slice(&word(HEADER_LEN + longer.len()));
                frame[4..6].copy_from_slice(&word(longer.len()));
                frame[10..12].copy_from_slice(&word(1));
                frame.extend_from_slice(&longer);
                let split = split_frame(&frame).unwrap().unwrap();
                assert_eq!((split.version, split.block), (1, longer.as_slice()));
            }
        }
    }
}

#[test]
fn every_single_byte_change_of_every_golden_frame_gets_its_defined_answer() {
    for golden in golden_frames() {
        let label = label(&golden);
        let layouts = all_layouts();
        let mut bytes = golden.frame.clone();
        for at in 0..bytes.len() {
            let original = bytes[at];
            for value in 0..=u8::MAX {
                bytes[at] = value;
                check(
                    &bytes,
                    &layouts,
                    format_args!("{label}, byte {at} = {value}"),
                );
            }
            bytes[at] = original;
        }
    }
}

#[test]
fn every_frame_length_is_judged_before_a_byte_of_the_block_is_read() {
    for length in 0..=u16::MAX {
        let bytes = length.to_le_bytes();
        let expected = if (12..=512).contains(&length) {
            Ok(None)
        } else {
            Err(FrameError::Length(length))
        };
        assert_eq!(split_frame(&bytes), expected);
    }
}

#[test]
fn every_block_length_that_does_not_fill_the_frame_is_refused() {
    let golden = golden_frames();
    let mut bytes = golden[0].frame.clone();
    let true_block = bytes.len() - HEADER_LEN;
    for block in 0..=u16::MAX {
        bytes[4..6].copy_from_slice(&block.to_le_bytes());
        let split = split_frame(&bytes);
        if usize::from(block) == true_block {
            assert!(matches!(split, Ok(Some(_))));
        } else {
            assert!(matches!(split, Err(FrameError::BlockLength { .. })));
        }
    }
}

#[test]
fn any_block_of_any_template_decodes_or_is_refused() {
    // A fixed xorshift, so that a failure can be repeated.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let layouts = all_layouts();
    for round in 0..50_000 {
        let index = usize::try_from(next()).unwrap() % layouts.len();
        let layout = layouts[index];
        let len = usize::try_from(next()).unwrap() % (layout.block_length + 16);
        let block: Vec<u8> = (0..len)
            .map(|_| u8::try_from(next() >> 32 & 0xff).unwrap())
            .collect();
        let decoded = Any::decode(layout.template_id, &block).unwrap();
        let label = format!("round {round}, {}", layout.name);
        if len < layout.block_length {
            assert!(
                matches!(decoded, Err(Malformed::TooShort { .. })),
                "{label}"
            );
        } else {
            assert_eq!(decoded.err(), first_wrong_field(layout, &block), "{label}");
        }
    }
}
