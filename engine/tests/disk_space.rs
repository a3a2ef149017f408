//! Space that runs out: when orders are refused, when not even that is written any more, and what is left
//! for reports, cancels and states.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use engine::journal::sim::SimFiles;
use engine::journal::{Build, JournalWriter, Options};
use engine::pipeline::{JournalSink, Sink, Space};

const NOW: u64 = 1_780_000_000_000_000_000;
const SEGMENT: u64 = 256 << 10;
/// Looks, a millisecond apart, within which an attempt to prepare a segment has been made and has ended.
const LOOKS: u32 = 60_000;

fn sink(files: &SimFiles) -> JournalSink<SimFiles> {
    let options = Options {
        segment_bytes: SEGMENT,
        batch_bytes_max: 16 << 10,
        ..Options::new(Build::new("test-1").unwrap(), 1)
    };
    JournalSink::new(
        JournalWriter::create(files.clone(), options).unwrap(),
        &options,
    )
}

/// Looks until the attempt to prepare the next segment, on a thread of its own, has failed or succeeded:
/// only after a failure would more than a segment's records be too many.
fn await_attempt(sink: &mut JournalSink<SimFiles>, failed: bool) {
    for _ in 0..LOOKS {
        if (sink.prepare_ahead(SEGMENT) != Space::Enough) == failed {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("the next segment is never tried");
}

/// Writes records of 500 bytes as long as `goes_on` says; returns their number.
fn fill(
    sink: &mut JournalSink<SimFiles>,
    seq: &mut u64,
    goes_on: impl Fn(Space) -> bool,
) -> Result<u64, String> {
    let mut written = 0;
    while goes_on(sink.prepare_ahead(0)) {
        for _ in 0..8 {
            *seq += 1;
            sink.push(*seq, &[7; 500]).map_err(|error| error.0)?;
        }
        sink.write(NOW).map_err(|error| error.0)?;
        sink.sync().map_err(|error| error.0)?;
        written += 8;
    }
    Ok(written)
}

#[test]
fn a_flood_of_refusals_takes_no_more_than_a_quarter_of_what_is_kept_and_the_rest_can_be_written() {
    let files = SimFiles::new(1);
    let mut sink = sink(&files);
    let mut seq = 0;
    // No second segment fits, nor ever a part of one.
    files.limit_to(files.used());
    await_attempt(&mut sink, true);
    fill(&mut sink, &mut seq, |space| space == Space::Enough).unwrap();
    assert_eq!(sink.prepare_ahead(0), Space::Low);
    // Each refusal is a record; from `Reserved` on there are none.
    let refusals = fill(&mut sink, &mut seq, |space| space == Space::Low).unwrap();
    assert_eq!(sink.prepare_ahead(0), Space::Reserved);
    let kept = SEGMENT / 8;
    assert!(refusals * 500 < kept / 4 + 8 * 600, "{refusals} refusals");
    let before = seq;
    let error = fill(&mut sink, &mut seq, |_| true).unwrap_err();
    assert!(error.contains("no storage space; durable up to"), "{error}");
    let (left, batch) = (seq - before, 8);
    assert!(
        (left - batch) * 500 > kept / 2,
        "{left} records fit what was kept"
    );
}

#[test]
fn with_space_again_everything_is_taken_again_and_nothing_written_is_lost() {
    let files = SimFiles::new(2);
    let mut sink = sink(&files);
    let mut seq = 0;
    files.limit_to(files.used());
    await_attempt(&mut sink, true);
    fill(&mut sink, &mut seq, |space| space != Space::Reserved).unwrap();
    files.limit_to(u64::MAX);
    await_attempt(&mut sink, false);
    assert_eq!(sink.prepare_ahead(0), Space::Enough);
    let more = seq + 2_000;
    while seq < more {
        fill_once(&mut sink, &mut seq);
    }
    assert_eq!(Box::new(sink).clean_stop(NOW).unwrap(), seq);
}

fn fill_once(sink: &mut JournalSink<SimFiles>, seq: &mut u64) {
    *seq += 1;
    sink.push(*seq, &[7; 500]).unwrap();
    sink.write(NOW).unwrap();
    sink.sync().unwrap();
    sink.prepare_ahead(0);
}
