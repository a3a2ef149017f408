//! What the tests of the pipeline share: a small firm's journal, a desk that counts, records read back.

#![allow(dead_code, reason = "each test file uses its part")]

use engine::command::{Command, Refused, Sequenced};
use engine::decision::Decision;
use engine::journal::{Reader, RealFiles, SegmentId};
use engine::pipeline::{AckPolicy, Doors, Inbound, Options, Pipeline, PipelineHandle, Wait, Wake};
use engine::record::decode_record;
use engine::recover::{self, OpenOptions, Opened};
use std::path::Path;
use std::sync::Arc;

/// A moment in 2026, in nanoseconds.
pub const NOW: u64 = 1_780_000_000_000_000_000;

pub fn options(ack: AckPolicy) -> OpenOptions {
    let mut options = OpenOptions::new(Vec::new(), ack, "test-1", NOW);
    options.segment_bytes = 4 << 20;
    options
}

pub fn open(dir: &Path, ack: AckPolicy) -> Opened {
    recover::open(dir, &options(ack)).unwrap()
}

/// Rings that are full all the time.
pub fn tiny(ack: AckPolicy) -> Options {
    Options {
        control_slots: 4,
        orders_slots: 8,
        outbound_slots: 1,
        journal_slots: 4,
        report_slots: 2,
        reserve: 2,
        engine_wait: Wait {
            spins: 0,
            yields: 10,
        },
        writer_wait: Wait {
            spins: 0,
            yields: 10,
        },
        ack,
    }
}

pub fn start(opened: Opened, options: Options) -> (Doors, PipelineHandle) {
    start_with_wake(opened, options, Arc::new(|| {}))
}

pub fn start_with_wake(opened: Opened, options: Options, wake: Wake) -> (Doors, PipelineHandle) {
    Pipeline::start(opened, options, Arc::new(|| NOW), wake).unwrap()
}

/// A session that sends messages which any engine journals.
pub struct Desk {
    session_id: u32,
    in_seq_no: u64,
}

impl Desk {
    pub fn new(session_id: u32) -> Self {
        Self {
            session_id,
            in_seq_no: 0,
        }
    }

    pub fn next(&mut self, ref_id: u64) -> Inbound {
        self.in_seq_no += 1;
        Inbound {
            received_at: NOW + self.in_seq_no,
            session_id: self.session_id,
            in_seq_no: self.in_seq_no,
            command: Command::Refused(Refused {
                ref_id,
                code: 51,
                ref_template_id: 199,
                ..Refused::default()
            }),
        }
    }
}

/// Everything that a stopped journal holds.
pub fn records(dir: &Path) -> Vec<(Sequenced, Decision)> {
    let mut reader = Reader::open(RealFiles::new(dir), SegmentId::FIRST).unwrap();
    let mut records = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        records.extend(frame.records().map(|r| decode_record(r.bytes).unwrap()));
    }
    records
}
