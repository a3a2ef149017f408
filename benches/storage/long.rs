//! A long journal: start from a snapshot and from nothing, memory, and replay against the slower of the engine
//! alone and a sequential read (P9).

use super::{Rig, must, open_options, opened, shape};
use engine::command::Sequenced;
use engine::decision::Outbox;
use engine::journal::{Reader, RealFiles, SegmentId};
use engine::pipeline::AckPolicy;
use engine::record::{MAX_RECORD, decode_record, encode_record};
use engine::recover;
use engine::risk::RiskEngine;
use engine::verify::verify;
use gateway::bench::figures::Request;
use gateway::bench::firm::START;
use gateway::bench::flow::Flow;
use std::fs;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Records of a batch of the long journal.
const BATCH: u64 = 1_000;

/// Makes a journal longer as a server would, batch by batch, without waiting for each sync.
fn lengthen(dir: &Path, flow: &mut Option<Flow>, records: u64) -> u64 {
    let mut opened = opened(dir, AckPolicy::Durable, 0);
    let flow = flow.get_or_insert_with(|| Flow::new(shape(), 7, opened.seq, 5_000));
    // What the start has added stands between.
    while flow.seq() < opened.seq {
        flow.take_seq();
    }
    let mut bytes = [0; MAX_RECORD];
    let mut outbox = Outbox::new();
    let mut batched = 0_u64;
    for _ in 0..records {
        let input = flow.next().input;
        let decision = opened.engine.apply(&input, &mut outbox);
        if !opened.sink.has_room_for(MAX_RECORD) || batched == BATCH {
            must("write", opened.sink.write(input.t));
            opened.sink.prepare_ahead(0);
            batched = 0;
        }
        let length = encode_record(&input, &decision, &mut bytes);
        must("push", opened.sink.push(input.seq, &bytes[..length]));
        batched += 1;
    }
    must("stop", opened.sink.clean_stop(START));
    flow.seq()
}

/// The largest resident memory of this process so far, in MiB.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Reads all segments once, in pieces; bytes and seconds.
fn sequential(dir: &Path) -> (u64, f64) {
    let mut piece = vec![0; 1 << 20];
    let (mut bytes, start) = (0_u64, Instant::now());
    for entry in must("list", fs::read_dir(dir)) {
        let path = must("entry", entry).path();
        if path.extension().is_some_and(|ext| ext == "seg") {
            let mut file = must("open", fs::File::open(path));
            loop {
                let read = must("read", file.read(&mut piece));
                if read == 0 {
                    break;
                }
                bytes += black_box(&piece[..read]).len() as u64;
            }
        }
    }
    (bytes, start.elapsed().as_secs_f64())
}

/// The engine alone on the same commands, already decoded in pieces; seconds.
fn engine_alone(dir: &Path) -> f64 {
    let mut engine = RiskEngine::new();
    let mut outbox = Outbox::new();
    let mut reader = must("open", Reader::open(RealFiles::new(dir), SegmentId::FIRST));
    let mut busy = Duration::ZERO;
    let mut inputs: Vec<Sequenced> = Vec::with_capacity(1 << 16);
    loop {
        let frame = must("read", reader.next_frame());
        let ended = frame.is_none();
        if let Some(frame) = frame {
            let decoded = frame
                .records()
                .map(|record| must("decode", decode_record(record.bytes)));
            inputs.extend(decoded.map(|(input, _)| input));
        }
        if ended || inputs.len() > 50_000 {
            let start = Instant::now();
            for input in inputs.drain(..) {
                black_box(engine.apply(&input, &mut outbox));
            }
            busy += start.elapsed();
        }
        if ended {
            return busy.as_secs_f64();
        }
    }
}

pub(super) fn run(request: Request, dir: &Path) {
    let wanted = std::env::var("PORTCULLIS_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let records: u64 = wanted.unwrap_or(request.pick(10_000_000, 50_000));
    let work = must("directory", tempfile::tempdir_in(dir));
    let mut flow = None;
    let last = lengthen(work.path(), &mut flow, records);
    println!("a journal of {last} records, batches of {BATCH}");
    for _ in 0..request.pick(3, 1) {
        let alone = engine_alone(work.path());
        let (bytes, reading) = sequential(work.path());
        let start = Instant::now();
        let report = must("verify", verify(work.path(), |_| {}));
        let proven = start.elapsed().as_secs_f64();
        println!(
            "  verify {proven:.2} s, {:.0} records/s; engine alone {alone:.2} s, sequential read of \
             {} MiB {reading:.2} s: P9 {:.2} (goal ≥ 0.80)",
            report.records as f64 / proven,
            bytes >> 20,
            alone.max(reading) / proven
        );
    }
    println!("  memory after it: {} MiB at most", peak_mib());
    const NOTHING: &str = "nothing";
    let timed = |what: &str| {
        let options = open_options(AckPolicy::Durable, 1_000_000);
        let start = Instant::now();
        let opened = must("open", recover::open(work.path(), &options));
        println!(
            "  start from {what}: {:.2} s, {} records decided again, memory so far {} MiB at most",
            start.elapsed().as_secs_f64(),
            opened.report.replayed,
            peak_mib()
        );
        assert_eq!(opened.report.snapshot.is_some(), what != NOTHING, "{what}");
        opened
    };
    // A server that has run on it leaves a snapshot when it stops.
    Rig::start(timed(NOTHING), AckPolicy::Durable).stop();
    lengthen(work.path(), &mut flow, records / 20);
    must("close", timed("snapshot and tail").close(START));
}
