//! What the journal costs: a record's bytes and hand-over to a batch, and batches on the disk against
//! the raw write + fdatasync of as many bytes (P8), interleaved A B B A in the same directory.
//!
//! It runs on a disk only: on a file system in memory a sync costs nothing.

use engine::command::Sequenced;
use engine::decision::{Decision, Outcome};
use engine::journal::{Build, JournalWriter, Options, RealFiles};
use engine::record::{MAX_RECORD, encode_record};
use gateway::bench::figures::{self, Pairs, Request, nanos};
use gateway::bench::firm::{REFERENCE, START};
use gateway::bench::machine;
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;
use wire::{Capacity, E8, NewOrder, OrdType, Price, Qty, Side, TimeInForce};

/// Bytes of a batch frame beside its records: header, checksum, at most a block of padding.
const FRAME: usize = 104 + 4;

fn record(seq: u64) -> (Sequenced, Decision) {
    let order = NewOrder {
        seq_no: seq,
        cl_ord_id: seq,
        price: Price(REFERENCE),
        qty: Qty(5 * E8),
        account: 1,
        instrument_id: 1,
        trader_id: 1,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    };
    let input = Sequenced {
        seq,
        t: START + seq,
        session_id: 10,
        in_seq_no: seq,
        busy: false,
        command: order.into(),
    };
    let decision = Decision {
        order_id: seq,
        ..Decision::of(Outcome::Accepted)
    };
    (input, decision)
}

/// A failed write ends the bench with its reason.
fn must<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Our writer with one record after another.
struct Ours {
    writer: JournalWriter<RealFiles>,
    seq: u64,
    bytes: [u8; MAX_RECORD],
}

impl Ours {
    fn new(directory: &Path, segment_bytes: u64) -> Self {
        let Some(build) = Build::new("bench") else {
            panic!("`bench` is a valid name of a build");
        };
        let options = Options {
            segment_bytes,
            batch_bytes_max: 4 << 20,
            ..Options::new(build, 1)
        };
        let writer = JournalWriter::create(RealFiles::new(directory), options);
        Self {
            writer: must("create a journal", writer),
            seq: 0,
            bytes: [0; MAX_RECORD],
        }
    }

    fn push(&mut self) -> usize {
        self.seq += 1;
        let (input, decision) = record(self.seq);
        let len = encode_record(black_box(&input), black_box(&decision), &mut self.bytes);
        must("push", self.writer.push(self.seq, &self.bytes[..len]));
        len
    }

    /// Writes and syncs what was gathered; nanoseconds.
    fn batch(&mut self) -> u64 {
        let start = Instant::now();
        must("write a batch", self.writer.write_batch(START + self.seq));
        must("sync", self.writer.sync());
        nanos(start.elapsed())
    }
}

/// The floor: a file written with zeros ahead of use, as a segment is.
struct Raw {
    file: File,
    at: u64,
    size: u64,
    bytes: Vec<u8>,
}

impl Raw {
    fn new(path: &Path, size: u64) -> Self {
        let options = OpenOptions::new().write(true).create_new(true).open(path);
        let mut file = must("create the raw file", options);
        let zeros = vec![0; 1 << 20];
        for _ in 0..size >> 20 {
            must("write ahead", file.write_all(&zeros));
        }
        must("sync", file.sync_all());
        Self {
            file,
            at: 0,
            size,
            bytes: vec![7; 8 << 20],
        }
    }

    fn batch(&mut self, len: usize) -> u64 {
        if self.at + len as u64 > self.size {
            self.at = 0;
        }
        let start = Instant::now();
        must("write", self.file.write_all_at(&self.bytes[..len], self.at));
        must("sync", self.file.sync_data());
        self.at += len as u64;
        nanos(start.elapsed())
    }
}

/// Encode and hand-over of records to the batch, without a disk.
fn hand_over(ours: &mut Ours, request: Request) {
    let records = 4_096;
    let mut times = Vec::new();
    let mut len = 0;
    for _ in 0..request.pick(200, 3) {
        let start = Instant::now();
        for _ in 0..records {
            len = ours.push();
        }
        times.push(nanos(start.elapsed()) as f64 / f64::from(records));
        ours.batch();
    }
    println!(
        "encode_record + push: median {:.1} ns a record of {len} bytes ({} batches of {records})",
        figures::median(&mut times),
        times.len()
    );
}

fn main() {
    let request = Request::from_args();
    figures::open("journal", request);
    let directory = match machine::disk_directory(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(directory) => directory,
        Err(error) => {
            eprintln!("journal: {error}");
            std::process::exit(2);
        }
    };
    println!("file system: {}", machine::file_system(directory.path()));
    let size = request.pick(1_u64 << 30, 64 << 20);
    let journal = directory.path().join("journal");
    must("create a directory", std::fs::create_dir(&journal));
    let mut ours = Ours::new(&journal, size);
    let mut raw = Raw::new(
        &directory.path().join("raw"),
        request.pick(256 << 20, 16 << 20),
    );

    let mut syncs: Vec<f64> = (0..request.pick(500, 20))
        .map(|_| raw.batch(4_096) as f64)
        .collect();
    println!(
        "write + fdatasync of 4 KiB: p50 {:.1} µs",
        figures::median(&mut syncs) / 1e3
    );
    hand_over(&mut ours, request);

    println!("goal: P8 at least 90 % of the raw bytes a second, so a ratio of time at most 1.11");
    for records in [1, 16, 256, 4_096] {
        let (mut pairs, mut times) = (Pairs::default(), Vec::new());
        for pair in 0..request.pick(200, 6) {
            let mut len = FRAME;
            for _ in 0..records {
                len += ours.push() + 4;
            }
            let len = len.next_multiple_of(64);
            let (a, b) = if pair % 2 == 0 {
                let a = ours.batch();
                (a, raw.batch(len))
            } else {
                let b = raw.batch(len);
                (ours.batch(), b)
            };
            times.push(a as f64);
            pairs.add(a as f64, b as f64);
        }
        println!(
            "  {records:>5} records a batch: {:>9.1} µs, ours / raw {}",
            figures::median(&mut times) / 1e3,
            pairs.text()
        );
    }
    must("stop", ours.writer.clean_stop(START));
}
