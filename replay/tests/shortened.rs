//! A journal whose first segments have been removed, as `keep_size` has it: what is left can be read.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

mod support;

use engine::command::{Command as Input, SegmentsRemoved};
use engine::firm::{Firm, auto_day};
use engine::journal::{Build, RealFiles, SegmentId, segment_header, segments};
use engine::pipeline::AckPolicy;
use engine::recover::{self, OpenOptions};
use engine::snapshot::Snapshots;
use serde_json::Value;
use std::fs;
use std::path::Path;
use support::replay;
use wire::{E8, Price, SetReference, Text, Time};

const T: u64 = 1_790_000_000_000_000_000;

/// Journals commands as a server would between two starts; the last sequence.
fn run(dir: &Path, commands: Vec<Input>) -> u64 {
    let mut firm = Firm::example();
    for file in firm.key_files.clone() {
        firm.set_public_key(file.session_id, &"ab".repeat(32))
            .unwrap();
    }
    let options = OpenOptions {
        segment_bytes: 64 << 10,
        ..OpenOptions::new(firm.genesis(Time(T)), AckPolicy::Durable, "test", T)
    };
    let mut opened = recover::open(dir, &options).unwrap();
    assert!(opened.tail.next(opened.seq).unwrap().is_none());
    let place = opened.tail.end().unwrap().place();
    Snapshots::new(RealFiles::new(dir))
        .make(
            &opened.follower,
            &place,
            Build::new("test").unwrap(),
            &mut || {},
        )
        .unwrap();
    opened.enter(commands, T).unwrap();
    let last = opened.seq;
    opened.close(T).unwrap();
    last
}

/// Removes the segments before the older snapshot, with a record that says so; the last sequence.
fn shorten(dir: &Path) -> u64 {
    run(dir, auto_day(20_261_122));
    for round in 0..4 {
        let price = |n: i64| SetReference {
            price: Price((500 + n) * E8),
            feed_time: Time(T),
            instrument_id: 1,
            ..SetReference::default()
        };
        run(dir, (0..600).map(|n| price(n + round).into()).collect());
    }
    let files = RealFiles::new(dir);
    let needed = (Snapshots::new(files.clone()).found().unwrap().iter())
        .map(|found| found.header.unwrap().place.position.segment)
        .min()
        .unwrap();
    assert!(needed > SegmentId(2), "{needed}");
    let header = segment_header(&files, needed).unwrap();
    let removed = SegmentsRemoved {
        first_segment: 1,
        last_segment: needed.0 - 1,
        last_sequence: header.first_sequence - 1,
        chain: Text::new(&header.previous.to_string()),
        ..SegmentsRemoved::default()
    };
    let last = run(dir, vec![removed.into()]);
    for id in segments(&files).unwrap() {
        if id < needed {
            fs::remove_file(dir.join(id.file_name())).unwrap();
        }
    }
    last
}

#[test]
fn what_is_left_is_proven_dumped_counted_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let last = shorten(dir.path());
    for proof in [&["verify"][..], &["verify", "--chain"]] {
        let (code, out, err) = replay(proof, dir.path());
        assert_eq!(code, 0, "{out}{err}");
    }

    let (code, dump, err) = replay(&["dump", "--json"], dir.path());
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("what was before has been removed"), "{err}");
    let seq = |line: &str| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64();
    let first = seq(dump.lines().next().unwrap()).unwrap();
    assert!(first > 1 && seq(dump.lines().last().unwrap()) == Some(last));
    let (_, stats, _) = replay(&["stats", "--json"], dir.path());
    let stats: Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(
        (&stats["firstSeq"], &stats["lastSeq"]),
        (&first.into(), &last.into())
    );

    let (code, state, err) = replay(&["state", "--json"], dir.path());
    assert_eq!(code, 0, "{err}");
    assert!(state.contains("\"businessDate\":20261122"), "{state}");
    let at = (last - 1).to_string();
    assert_eq!(replay(&["state", "--at", &at], dir.path()).0, 0);
    // What is gone is said to be.
    let (code, _, err) = replay(&["state", "--at", "5"], dir.path());
    assert!(
        code == 1 && err.contains("the oldest state there is"),
        "{err}"
    );
    let (code, _, err) = replay(&["explain", "5"], dir.path());
    assert!(code == 1 && err.contains("can't be rebuilt"), "{err}");
    let (code, _, err) = replay(&["explain", &last.to_string()], dir.path());
    assert!(
        code == 1 && err.contains("only NewOrder and ReplaceOrder"),
        "{err}"
    );
}
