//! A journal of every format that was ever released, in the repository: later builds replay it to the
//! same digests, or refuse it by its version.
//!
//! Version 0 of the product is unreleased, so layouts and rules may still change; then
//! ```sh
//! PORTCULLIS_BLESS=1 cargo test -p engine --test golden_journal
//! ```
//! writes `journal-v1/` and what is expected of it anew. After a release that directory is history, and
//! the next format gets one of its own.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod firm;
mod flow;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use engine::journal::{RealFiles, Storage, StorageFile};
use engine::pipeline::AckPolicy;
use engine::record::{MAX_RECORD, RecordError, decode_record};
use engine::recover::{self, OpenOptions};
use engine::verify::{Report, verify};
use flow::{START, Scribe, TRADE_DATE, play};
use wire::{RejectCode, Time};

/// Refusal codes that the journal holds at least.
const CODES_MIN: usize = 25;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_journal/journal-v1")
}

/// Writes the journal of this build.
fn write(directory: &Path) {
    let firm = firm::firm();
    let genesis = firm.genesis(Time(START));
    let mut options = OpenOptions::new(genesis, AckPolicy::Durable, "golden", START);
    options.segment_bytes = 32 << 10;
    let mut opened = recover::open(directory, &options).unwrap();
    opened.enter(firm.first_day(TRADE_DATE), START).unwrap();
    let mut scribe = Scribe::new(opened);
    play(&mut scribe);
    scribe.finish();
    // A pid is nobody's history.
    fs::remove_file(directory.join("lock")).unwrap();
}

fn described(report: &Report) -> String {
    let mut text = String::new();
    let hex = |digest: &[u8]| -> String {
        digest.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    };
    writeln!(text, "records         {}", report.records).unwrap();
    writeln!(text, "segments        {}", report.segments).unwrap();
    writeln!(text, "risk digest     {}", hex(&report.risk_digest)).unwrap();
    writeln!(text, "session digest  {}", hex(&report.session_digest)).unwrap();
    for (outcome, count) in &report.outcomes {
        writeln!(text, "{:<15} {count}", outcome.name()).unwrap();
    }
    for (code, count) in &report.codes {
        let name = RejectCode::from_number(*code).map_or("?", RejectCode::name);
        writeln!(text, "{:<15} {count}", format!("{code} {name}")).unwrap();
    }
    text
}

#[test]
fn the_golden_journal_is_replayed_to_the_same_decisions_and_digests() {
    let expected = golden().with_extension("txt");
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        if golden().exists() {
            fs::remove_dir_all(golden()).unwrap();
        }
        write(&golden());
        let report = verify(&golden(), |_| {}).unwrap();
        fs::write(&expected, described(&report)).unwrap();
    }
    let report = verify(&golden(), |_| {}).unwrap_or_else(|error| {
        panic!("{error}\nPORTCULLIS_BLESS=1 writes it anew, before a release")
    });
    assert_eq!(described(&report), fs::read_to_string(expected).unwrap());
    assert!(report.codes.len() >= CODES_MIN, "{:?}", report.codes);
}

#[test]
fn the_same_build_writes_the_same_journal_twice() {
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for directory in [&first, &second] {
        write(directory.path());
    }
    let files = RealFiles::new(first.path());
    let mut names = files.list().unwrap();
    names.sort_unstable();
    assert!(names.len() > 2, "{names:?}");
    for name in names {
        let [one, other] = [&first, &second].map(|dir| fs::read(dir.path().join(&name)).unwrap());
        assert!(one == other, "{name}");
        assert!(files.open(&name).unwrap().length().unwrap() > 0);
    }
}

#[test]
fn a_record_type_that_this_build_does_not_know_is_refused_by_its_number() {
    let mut reader =
        engine::journal::Reader::open(RealFiles::new(golden()), engine::journal::SegmentId::FIRST)
            .unwrap();
    let frame = reader.next_frame().unwrap().unwrap();
    let mut bytes = [0; MAX_RECORD];
    let first = frame.records().next().unwrap().bytes;
    bytes[..first.len()].copy_from_slice(first);
    // The template stands behind sequence, time, inbound number and session.
    bytes[28..30].copy_from_slice(&9_999_u16.to_le_bytes());
    let error = decode_record(&bytes[..first.len()]).unwrap_err();
    assert!(
        matches!(
            error,
            RecordError::UnknownCommand {
                template_id: 9_999,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("9999 is not known to this build")
    );
}
