//! Owns the workload of a whole firm: an engine that decides, a journal that keeps, and behind it the
//! follower with its clerk, who seals finished segments, makes snapshots and removes what is old, by a
//! record first. Every choice by the seed. And the oracle: every record of a firm's life, and how far it
//! was promised.

use std::collections::VecDeque;

use engine::chain::{Against, Proven, prove};
use engine::clerk::{Clerk, Notice};
use engine::command::{Command, Sequenced};
use engine::decision::{Outbox, Outcome};
use engine::follower::{Follower, RecordSource};
use engine::journal::sim::SimFiles;
use engine::journal::{Reader, segment_header, segments};
use engine::pipeline::Sink;
use engine::record::{MAX_RECORD, decode_record, encode_record};
use engine::recover::{Opened, StartCause, open_on};
use engine::snapshot::Snapshots;
use wire::{
    CancelOrder, Capacity, E8, ExecType, NewOrder, OrdType, Price, Qty, Side, Time, TimeInForce,
    VenueReport,
};

use crate::plan::{Plan, TRADE_DATE, key};
use crate::promise::Breach;
use crate::random::{Random, mix};

/// Snapshots kept.
const SNAPSHOTS: usize = 2;
const DESK: u32 = 1;

/// What a life has come by.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) accepted: u64,
    pub(crate) snapshots: u64,
    /// Starts that went on from a snapshot.
    pub(crate) from_snapshots: u64,
    /// Removals that were carried out, and of how many segments.
    pub(crate) removals: u64,
    pub(crate) removed: u64,
    /// Segments whose seals have been proven.
    pub(crate) sealed: u64,
}

/// A firm, its disk, and what was journalled.
#[derive(Debug, Clone)]
pub(crate) struct Office {
    pub(crate) files: SimFiles,
    pub(crate) plan: Plan,
    pub(crate) random: Random,
    /// Bytes of every record by sequence, from 1.
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) durable: u64,
    pub(crate) written: u64,
    /// Snapshots that any later start must find.
    snapshots: usize,
    in_seq_no: u64,
    cl_ord_id: u64,
    /// Each run ends with a clean stop, and not only every second one.
    pub(crate) ends_cleanly: bool,
    pub(crate) seen: Seen,
}

/// What stands behind the engine in the office.
struct Behind {
    follower: Follower,
    tail: Box<dyn RecordSource>,
    clerk: Box<dyn Clerk>,
}

/// How a piece of work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worked {
    Done,
    /// The disk or the machine has stopped it.
    Stopped,
}

impl Office {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let files = SimFiles::new(mix(seed, 7));
        let mut random = Random::new(seed);
        // In every second life reads and writes are now and then short or interrupted.
        if random.one_in(2) {
            files.interrupt_one_in(16);
        }
        Self {
            files,
            plan,
            random,
            records: Vec::new(),
            durable: 0,
            written: 0,
            snapshots: 0,
            in_seq_no: 0,
            cl_ord_id: 0,
            ends_cleanly: false,
            seen: Seen::default(),
        }
    }

    /// The same firm on a copy of its disk.
    pub(crate) fn fork(&self) -> Self {
        Self {
            files: self.files.fork(),
            ..self.clone()
        }
    }

    /// A start, if the machine holds; `needed` records must be found.
    pub(crate) fn open(&mut self, needed: u64) -> Result<Option<Opened>, Breach> {
        let opened = match open_on(self.files.clone(), &self.plan.options) {
            // The clerk's first look, which stops nobody.
            Ok(_) if self.files.has_crashed() => return Ok(None),
            Ok(opened) => opened,
            Err(cause @ (StartCause::Corrupt(_) | StartCause::Differs { .. })) => {
                return Err(Breach::Refused(cause.to_string()));
            }
            Err(_) if self.files.has_failed() => return Ok(None),
            Err(cause) => return Err(Breach::Refused(cause.to_string())),
        };
        // Both are written whole or not at all, whatever happens.
        if let Some(unusable) = opened.report.unusable.first() {
            return Err(Breach::Refused(format!("a snapshot is lost: {unusable}")));
        }
        let whole = self.snapshots_there();
        if whole < self.snapshots {
            return Err(Breach::Lost(format!(
                "{whole} of {} snapshots are there",
                self.snapshots
            )));
        }
        let found = opened.report.records;
        if found < needed {
            return Err(Breach::Lost(format!("{found} of {needed} are there")));
        }
        self.seen.from_snapshots += u64::from(opened.report.snapshot.is_some());
        self.compare(&opened, needed)?;
        Ok(Some(opened))
    }

    /// Records behind `last`, and snapshots of them, are given up by a person.
    pub(crate) fn gives_up_behind(&mut self, last: u64) {
        self.records.truncate(usize::try_from(last).unwrap());
        self.durable = last;
        self.written = last;
        self.snapshots = 0;
    }

    /// Snapshots whose headers are whole, two at most.
    fn snapshots_there(&self) -> usize {
        let found = Snapshots::new(self.files.clone()).found();
        let whole = found.map_or(0, |all| all.iter().filter(|s| s.header.is_ok()).count());
        whole.min(SNAPSHOTS)
    }

    /// The records that the disk holds, and the sequence of the first.
    pub(crate) fn on_disk(&self) -> Result<(u64, Vec<Vec<u8>>), Breach> {
        let wrong = |error: &dyn std::fmt::Display| Breach::Refused(error.to_string());
        let all = segments(&self.files).map_err(|error| wrong(&error))?;
        let first = *all.first().ok_or(Breach::Lost("all".to_owned()))?;
        let header = segment_header(&self.files, first).map_err(|error| wrong(&error))?;
        let mut reader = Reader::open(self.files.clone(), first).map_err(|error| wrong(&error))?;
        let mut records: Vec<Vec<u8>> = Vec::new();
        while let Ok(Some(frame)) = reader.next_frame() {
            records.extend(frame.records().map(|record| record.bytes.to_vec()));
        }
        Ok((header.first_sequence, records))
    }

    /// The journal's records against those that were journalled, the engine against a fresh one that has
    /// decided all of them, those that have been removed too.
    fn compare(&mut self, opened: &Opened, needed: u64) -> Result<(), Breach> {
        let (first, tail) = self.on_disk()?;
        let kept = usize::try_from(needed).unwrap();
        let removed = usize::try_from(first).unwrap() - 1;
        if removed > kept {
            return Err(Breach::Lost(format!("the first record is {first}")));
        }
        // Behind the needed ones a start that was struck itself may have put its own.
        let mut records = self.records[..removed].to_vec();
        records.extend(tail);
        if records.get(..kept) != self.records.get(..kept) {
            return Err(Breach::Accepted("a record is another".to_owned()));
        }
        let mut fresh = Follower::keeping(self.plan.options.retained);
        for bytes in &records {
            let (input, decision) = decode_record(bytes).unwrap();
            if let Err(difference) = fresh.replay(&input, &decision) {
                return Err(Breach::HalfApplied(difference.to_string()));
            }
        }
        for engine in [&opened.engine, opened.follower.engine()] {
            if fresh.engine().risk_digest() != engine.risk_digest()
                || fresh.engine().session_digest() != engine.session_digest()
            {
                return Err(Breach::HalfApplied("the digests differ".to_owned()));
            }
        }
        if fresh.session_logs() != opened.logs {
            return Err(Breach::HalfApplied(
                "the sessions were sent something else".to_owned(),
            ));
        }
        self.durable = u64::try_from(records.len()).unwrap();
        self.written = self.durable;
        self.records = records;
        Ok(())
    }

    /// Orders, fills and cancels, and what the clerk asks for, until the disk stops; then an end, clean in
    /// every second case.
    pub(crate) fn work(&mut self, opened: Opened, commands: u32) -> Result<Worked, Breach> {
        let Opened {
            mut engine,
            mut sink,
            follower,
            tail,
            clerk,
            mut seq,
            mut t,
            ..
        } = opened;
        let mut behind = Behind {
            follower,
            tail,
            clerk,
        };
        let mut outbox = Outbox::new();
        let mut bytes = [0; MAX_RECORD];
        let ready = engine.firm().is_some_and(|firm| firm.ready);
        // The server's own commands go first.
        let mut own: VecDeque<Command> = if ready {
            VecDeque::new()
        } else {
            self.plan.day.iter().copied().collect()
        };
        for _ in 0..commands {
            seq += 1;
            t += 1 + self.random.below(1_000_000);
            let input = match own.pop_front() {
                Some(command) => Sequenced {
                    seq,
                    t,
                    session_id: 0,
                    in_seq_no: 0,
                    busy: false,
                    command,
                },
                None => self.command(seq, t),
            };
            outbox.clear();
            let decision = engine.apply(&input, &mut outbox);
            if !sink.has_room_for(MAX_RECORD) && self.put(&mut *sink, t, true) == Worked::Stopped {
                return Ok(Worked::Stopped);
            }
            self.seen.accepted += u64::from(decision.outcome == Outcome::Accepted);
            let length = encode_record(&input, &decision, &mut bytes);
            self.records.push(bytes[..length].to_vec());
            if sink.push(seq, &bytes[..length]).is_err() {
                return Ok(Worked::Stopped);
            }
            if self.random.one_in(3) {
                let synced = self.random.one_in(2);
                if self.put(&mut *sink, t, synced) == Worked::Stopped {
                    return Ok(Worked::Stopped);
                }
            }
            self.follow(&mut behind, t, &mut own)?;
        }
        if self.put(&mut *sink, t, true) == Worked::Stopped {
            return Ok(Worked::Stopped);
        }
        self.follow(&mut behind, t, &mut own)?;
        if self.random.one_in(2) || self.ends_cleanly {
            if let Some(end) = behind.tail.end() {
                behind.clerk.close(&behind.follower, &end, t);
            }
            self.hear(&mut behind, &mut own)?;
            let Ok(durable) = sink.clean_stop(t) else {
                return Ok(Worked::Stopped);
            };
            self.durable = durable;
            self.written = durable;
        }
        Ok(Worked::Done)
    }

    fn put(&mut self, sink: &mut dyn Sink, t: u64, synced: bool) -> Worked {
        let Ok(written) = sink.write(t) else {
            return Worked::Stopped;
        };
        self.written = written;
        if synced {
            let Ok(durable) = sink.sync() else {
                return Worked::Stopped;
            };
            self.durable = durable;
        }
        Worked::Done
    }

    /// What the follower's thread does with all that is durable.
    fn follow(
        &mut self,
        behind: &mut Behind,
        t: u64,
        own: &mut VecDeque<Command>,
    ) -> Result<(), Breach> {
        let mut answers = Vec::new();
        while behind.follower.seq() < self.durable {
            let (input, decision) = match behind.tail.next(self.durable) {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(_) if self.files.has_failed() => return Ok(()),
                Err(error) => return Err(Breach::Lost(error)),
            };
            if let Err(difference) = behind.follower.apply(&input, &decision, &mut answers) {
                return Err(Breach::HalfApplied(difference.to_string()));
            }
            if let Command::SegmentsRemoved(removed) = &input.command {
                behind.clerk.remove(removed);
                self.seen.removals += 1;
                self.seen.removed += removed.last_segment - removed.first_segment + 1;
            }
            if let Some(end) = behind.tail.end() {
                behind
                    .clerk
                    .attend(&behind.follower, 0, &end, t, &mut || {});
            }
        }
        self.hear(behind, own)
    }

    /// What the clerk has to say. He may fail only where the disk does.
    fn hear(&mut self, behind: &mut Behind, own: &mut VecDeque<Command>) -> Result<(), Breach> {
        for notice in behind.clerk.notices() {
            match notice {
                Notice::Enter(command) => own.push_back(command),
                Notice::Done(what) => {
                    self.seen.snapshots += u64::from(what.starts_with("snapshot"));
                }
                Notice::Failed(_) if self.files.has_failed() => {}
                Notice::Failed(what) => return Err(Breach::Refused(what)),
            }
        }
        if !self.files.has_failed() {
            self.snapshots = self.snapshots_there();
        }
        Ok(())
    }

    /// Order and completeness from the first segment that is left, and every seal.
    pub(crate) fn prove(&mut self) -> Result<Proven, Breach> {
        let against = Against {
            key: Some(key().verifying_key().to_bytes()),
            heads: Vec::new(),
        };
        let proven = prove(self.files.clone(), &against, |_| {})
            .map_err(|error| Breach::Refused(format!("the chain: {error}")))?;
        self.seen.sealed += proven.sealed;
        Ok(proven)
    }

    fn command(&mut self, seq: u64, t: u64) -> Sequenced {
        self.in_seq_no += 1;
        let old = self.cl_ord_id.saturating_sub(self.random.below(8));
        let qty = Qty((1 + i64::try_from(self.random.below(110)).unwrap()) * E8);
        let price = Price(100 * E8 + i64::try_from(self.random.below(1200)).unwrap() * (E8 / 100));
        let command: Command = match self.random.below(10) {
            0..=5 => {
                self.cl_ord_id += 1;
                NewOrder {
                    cl_ord_id: self.cl_ord_id,
                    price,
                    qty,
                    account: 1,
                    instrument_id: 1,
                    trader_id: 1,
                    side: if self.random.one_in(2) {
                        Side::Buy
                    } else {
                        Side::Sell
                    },
                    ord_type: OrdType::Limit,
                    tif: TimeInForce::Day,
                    capacity: Capacity::Agency,
                    ..NewOrder::default()
                }
                .into()
            }
            6 => {
                self.cl_ord_id += 1;
                CancelOrder {
                    cl_ord_id: self.cl_ord_id,
                    orig_cl_ord_id: old,
                    trader_id: 1,
                    ..CancelOrder::default()
                }
                .into()
            }
            kind => VenueReport {
                cl_ord_id: old,
                venue_exec_id: seq,
                last_px: price,
                last_qty: qty,
                cum_qty: Qty::NULL,
                leaves_qty: Qty::NULL,
                transact_time: Time(t),
                trade_date: TRADE_DATE,
                account: 1,
                instrument_id: 1,
                venue_id: 1,
                exec_type: if kind == 7 {
                    ExecType::Cancelled
                } else {
                    ExecType::Fill
                },
                side: Side::Buy,
                ..VenueReport::default()
            }
            .into(),
        };
        Sequenced {
            seq,
            t,
            session_id: DESK,
            in_seq_no: self.in_seq_no,
            busy: self.random.one_in(40),
            command,
        }
    }
}
