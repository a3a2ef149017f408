//! What the tests of the pipeline share: a small firm's journal, a desk that counts, records read back.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use engine::command::{Command, DefineFirm, DefineSession, Refused, Sequenced};
use engine::decision::Decision;
use engine::journal::{Reader, RealFiles, SegmentId};
use engine::pipeline::{
    AckPolicy, Doors, Inbound, Options, Pipeline, PipelineHandle, Shape, Sink, SinkError, Space,
    Wait, Wake,
};
use engine::record::decode_record;
use engine::recover::{self, OpenOptions, Opened};
use std::path::Path;
use std::sync::Arc;
use wire::{Flag, Role, Text, Topology};

/// A moment in 2026, in nanoseconds.
pub(crate) const NOW: u64 = 1_780_000_000_000_000_000;

pub(crate) fn options(ack: AckPolicy) -> OpenOptions {
    let mut options = OpenOptions::new(genesis(), ack, "test-1", NOW);
    options.segment_bytes = 4 << 20;
    options
}

/// A firm with a risk session 1 and the desks' sessions 101 and 102.
pub(crate) fn genesis() -> Vec<Command> {
    let firm = DefineFirm {
        instance: Text::new("TEST"),
        name: Text::new("Test firm"),
        base_currency: Text::new("EUR"),
        accounts: 16,
        instruments: 16,
        orders: 1024,
        rows: 256,
        executions: 1024,
        limits: 256,
        sessions: 16,
        two_person: Flag::No,
        ..DefineFirm::default()
    };
    let session = |session_id, role| {
        Command::DefineSession(DefineSession {
            session_id,
            key_id: 1,
            name: Text::new("session"),
            role,
            topology: Topology::Sidecar,
            ..DefineSession::default()
        })
    };
    vec![
        Command::DefineFirm(firm),
        session(1, Role::Risk),
        session(101, Role::Desk),
        session(102, Role::Desk),
    ]
}

pub(crate) fn open(dir: &Path, ack: AckPolicy) -> Opened {
    recover::open(dir, &options(ack)).unwrap()
}

/// The usual rings, and a thread for the engine whatever the machine.
pub(crate) fn usual(ack: AckPolicy) -> Options {
    Options {
        shape: Shape::Pipelined,
        ..Options::new(ack)
    }
}

/// Rings that are full all the time.
pub(crate) fn tiny(ack: AckPolicy) -> Options {
    Options {
        shape: Shape::Pipelined,
        control_slots: 4,
        orders_slots: 8,
        outbound_slots: 1,
        journal_slots: 4,
        journal_memory: 0,
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
        on_thread: |_| {},
    }
}

pub(crate) fn start(opened: Opened, options: Options) -> (Doors, PipelineHandle) {
    start_with_wake(opened, options, Arc::new(|| {}))
}

pub(crate) fn start_with_wake(
    opened: Opened,
    options: Options,
    wake: Wake,
) -> (Doors, PipelineHandle) {
    Pipeline::start(opened, options, Arc::new(|| NOW), wake).unwrap()
}

/// A session that sends messages which any engine journals.
pub(crate) struct Desk {
    session_id: u32,
    in_seq_no: u64,
}

impl Desk {
    pub(crate) fn new(session_id: u32) -> Self {
        Self {
            session_id,
            in_seq_no: 0,
        }
    }

    /// The same desk, whose messages up to `in_seq_no` were sent before.
    pub(crate) fn at(session_id: u32, in_seq_no: u64) -> Self {
        Self {
            session_id,
            in_seq_no,
        }
    }

    pub(crate) fn next(&mut self, ref_id: u64) -> Inbound {
        self.in_seq_no += 1;
        self.message(ref_id)
    }

    /// The last message once more, as a client resends it after a crash.
    pub(crate) fn again(&self) -> Inbound {
        self.message(u64::MAX)
    }

    fn message(&self, ref_id: u64) -> Inbound {
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
pub(crate) fn records(dir: &Path) -> Vec<(Sequenced, Decision)> {
    let mut reader = Reader::open(RealFiles::new(dir), SegmentId::FIRST).unwrap();
    let mut records = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        records.extend(frame.records().map(|r| decode_record(r.bytes).unwrap()));
    }
    records
}

/// A disk that takes so many records and then fails at writing or at syncing.
pub(crate) struct FailingSink {
    inner: Box<dyn Sink>,
    left: u64,
    at_sync: bool,
}

impl FailingSink {
    /// `inner`, which fails when it has taken `left` records: at the next sync, or at the next write.
    pub(crate) fn after(left: u64, at_sync: bool, inner: Box<dyn Sink>) -> Box<dyn Sink> {
        Box::new(Self {
            inner,
            left,
            at_sync,
        })
    }

    fn error() -> SinkError {
        SinkError("no space left on the test's patience".to_owned())
    }
}

impl Sink for FailingSink {
    fn has_room_for(&self, length: usize) -> bool {
        self.inner.has_room_for(length)
    }
    fn push(&mut self, seq: u64, record: &[u8]) -> Result<(), SinkError> {
        self.left = self.left.saturating_sub(1);
        self.inner.push(seq, record)
    }
    fn write(&mut self, now_ns: u64) -> Result<u64, SinkError> {
        if self.left == 0 && !self.at_sync {
            return Err(Self::error());
        }
        self.inner.write(now_ns)
    }
    fn sync(&mut self) -> Result<u64, SinkError> {
        if self.left == 0 {
            return Err(Self::error());
        }
        self.inner.sync()
    }
    fn needs_restate(&self) -> bool {
        self.left > 0 && self.inner.needs_restate()
    }
    fn restate(&mut self, now_ns: u64) -> Result<(), SinkError> {
        self.inner.restate(now_ns)
    }
    fn may_roll(&self) -> bool {
        self.inner.may_roll()
    }
    fn prepare_ahead(&mut self, waiting_bytes: u64) -> Space {
        self.inner.prepare_ahead(waiting_bytes)
    }
    fn clean_stop(self: Box<Self>, _now_ns: u64) -> Result<u64, SinkError> {
        panic!("a failed journal is never marked as cleanly stopped");
    }
}
