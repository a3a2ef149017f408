//! The published SBE schema is the one that the layouts give.
#![allow(clippy::unwrap_used, reason = "a test without its files has to fail")]

mod support;

use std::collections::BTreeSet;
use support::assert_published;
use wire::schema::{all_layouts, sbe_xml};
use wire::types::ENUMS;

#[test]
fn the_published_schema_is_generated_from_the_layouts() {
    assert_published("engine/wire/schema/portcullis-sbe.xml", &sbe_xml());
}

#[test]
fn fields_follow_each_other_without_gaps_and_frames_are_multiples_of_eight() {
    for layout in all_layouts() {
        let mut end = 0;
        for field in layout.fields {
            assert_eq!(field.offset, end, "{}.{}", layout.name, field.name);
            end += field.size;
        }
        assert_eq!(end, layout.block_length, "{}", layout.name);
        assert_eq!((end + wire::codec::HEADER_LEN) % 8, 0, "{}", layout.name);
        assert!(end + wire::codec::HEADER_LEN <= wire::codec::MAX_FRAME);
    }
}

#[test]
fn names_and_template_ids_are_unique_and_everything_is_described() {
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for layout in all_layouts() {
        assert!(names.insert(layout.name), "{}", layout.name);
        assert!(ids.insert(layout.template_id), "{}", layout.template_id);
        assert!(layout.doc.ends_with('.'), "{}", layout.name);
        let mut fields = BTreeSet::new();
        for field in layout.fields {
            assert!(fields.insert(field.name), "{}.{}", layout.name, field.name);
            assert!(
                field.doc.ends_with('.'),
                "{}.{}: {:?}",
                layout.name,
                field.name,
                field.doc
            );
        }
    }
    for def in ENUMS {
        assert!(names.insert(def.name), "{} names two things", def.name);
        let values: Vec<u8> = def.values.iter().map(|(_, value, _)| *value).collect();
        assert!(
            values.is_sorted_by(|a, b| a < b),
            "{} is not in order",
            def.name
        );
        assert!(!values.contains(&255), "255 is null in {}", def.name);
    }
}

#[test]
fn sequenced_messages_begin_with_the_same_prefix() {
    for layout in all_layouts() {
        let prefix: Vec<&str> = layout.fields.iter().map(|f| f.name).take(4).collect();
        match layout.template_id {
            100..200 => assert_eq!(prefix[..2], ["flags", "seqNo"], "{}", layout.name),
            200..300 => assert_eq!(
                prefix[..],
                ["flags", "seqNo", "engineSeq", "engineTime"],
                "{}",
                layout.name
            ),
            _ => {}
        }
    }
}
