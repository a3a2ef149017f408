//! Owns the campaign of a whole firm: the engine decides, the journal keeps, the machine stops, and the
//! start that follows decides everything again. What it finds must be what was promised, and the
//! engine's state that of a fresh engine fed the same records: nothing half-applied.

use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outbox, Outcome};
use engine::firm::Firm;
use engine::journal::sim::{Fault, SimFiles};
use engine::journal::{Reader, SegmentId};
use engine::pipeline::{AckPolicy, Sink};
use engine::record::{MAX_RECORD, decode_record, encode_record};
use engine::recover::{OpenOptions, Opened, StartCause, open_on};
use engine::risk::RiskEngine;
use wire::{
    CancelOrder, Capacity, E8, ExecType, NewOrder, OrdType, Price, Qty, Side, Time, TimeInForce,
    VenueReport,
};

use crate::life::Between;
use crate::promise::Breach;
use crate::random::{Random, mix};
use crate::tally::{Tally, seeds};

const START: u64 = 1_780_000_000_000_000_000;
const DESK: u32 = 1;
const TRADE_DATE: u32 = 20_260_528;

const FIRM: &str = r#"
[firm]
name = "Faults"
instance = "faults"
two_person = false
base_currency = "USD"
[capacity]
accounts = 4
instruments = 4
orders = 256
rows = 64
executions = 256
limits = 32
sessions = 4
[day]
open = "auto"
[[desks]]
id = 1
name = "Desk"
[[accounts]]
id = 1
name = "ACCOUNT"
desk = 1
suspense = true
[[traders]]
id = 1
name = "Ada"
[[instruments]]
id = 1
symbol = "SHARE"
venue = 1
group = 1
tick = 0.01
lot = 1
reference = 100
mark = 100
[[sessions]]
id = 1
name = "desk"
role = "desk"
topology = "sidecar"
accounts = [1]
traders = [1]
public_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
"#;

/// How a start goes, and the commands that open the first day.
fn options() -> (OpenOptions, Vec<Command>) {
    let mut text = FIRM.to_owned();
    for (kind, value) in [
        ("MaxOrderQty", "100"),
        ("MaxOrderNotional", "unlimited"),
        ("PriceCollar", "10%"),
        ("OrderRate", "unlimited"),
        ("MaxOpenOrders", "20"),
        ("MaxLong", "500"),
        ("MaxShort", "500"),
        ("GrossNotional", "unlimited"),
    ] {
        text += &format!("[[limits]]\nscope = \"firm\"\nkind = \"{kind}\"\nvalue = \"{value}\"\n");
    }
    let firm = Firm::parse("firm.toml", &text).unwrap();
    let genesis = firm.genesis(Time(START));
    let mut options = OpenOptions::new(genesis, AckPolicy::Durable, "test-1", START);
    options.segment_bytes = 8 << 10;
    options.retained = 256;
    (options, firm.first_day(TRADE_DATE))
}

/// A firm, its disk, and what was journalled.
struct Office {
    files: SimFiles,
    options: OpenOptions,
    random: Random,
    /// Bytes of every record by sequence, from 1.
    records: Vec<Vec<u8>>,
    durable: u64,
    written: u64,
    in_seq_no: u64,
    cl_ord_id: u64,
    day: Vec<Command>,
    /// Orders that were accepted.
    accepted: u64,
}

impl Office {
    fn new(seed: u64, (options, day): (OpenOptions, Vec<Command>)) -> Self {
        Self {
            day,
            accepted: 0,
            files: SimFiles::new(mix(seed, 7)),
            options,
            random: Random::new(seed),
            records: Vec::new(),
            durable: 0,
            written: 0,
            in_seq_no: 0,
            cl_ord_id: 0,
        }
    }

    /// A start, if the machine holds; `needed` records must be found.
    fn open(&mut self, needed: u64) -> Result<Option<Opened>, Breach> {
        let opened = match open_on(self.files.clone(), &self.options) {
            Ok(opened) => opened,
            Err(cause @ (StartCause::Corrupt(_) | StartCause::Differs { .. })) => {
                return Err(Breach::Refused(cause.to_string()));
            }
            Err(cause) if self.files.has_crashed() => {
                drop(cause);
                return Ok(None);
            }
            Err(cause) => return Err(Breach::Refused(cause.to_string())),
        };
        let found = opened.report.replayed;
        if found < needed {
            return Err(Breach::Lost(format!("{found} of {needed} are there")));
        }
        self.compare(&opened, needed)?;
        Ok(Some(opened))
    }

    /// The journal's records against those that were journalled, the engine against a fresh one.
    fn compare(&mut self, opened: &Opened, needed: u64) -> Result<(), Breach> {
        let mut reader = Reader::open(self.files.clone(), SegmentId::FIRST)
            .map_err(|error| Breach::Refused(error.to_string()))?;
        let mut records: Vec<Vec<u8>> = Vec::new();
        while let Ok(Some(frame)) = reader.next_frame() {
            records.extend(frame.records().map(|record| record.bytes.to_vec()));
        }
        // Behind these a start that was struck itself may have put its own.
        let kept = usize::try_from(needed).unwrap();
        if records.get(..kept) != self.records.get(..kept) {
            return Err(Breach::Accepted("a record is another".to_owned()));
        }
        let (mut fresh, mut outbox) = (RiskEngine::new(), Outbox::new());
        for bytes in &records {
            let (input, decision) = decode_record(bytes).unwrap();
            outbox.clear();
            let again: Decision = fresh.apply(&input, &mut outbox);
            if again != decision {
                return Err(Breach::HalfApplied(format!(
                    "record {} decides otherwise",
                    input.seq
                )));
            }
        }
        if fresh.risk_digest() != opened.engine.risk_digest()
            || fresh.session_digest() != opened.engine.session_digest()
        {
            return Err(Breach::HalfApplied("the digests differ".to_owned()));
        }
        self.durable = u64::try_from(records.len()).unwrap();
        self.written = self.durable;
        self.records = records;
        Ok(())
    }

    /// Orders, fills and cancels until the disk stops; `false` if it did.
    fn work(&mut self, opened: Opened, commands: u32) -> bool {
        let Opened {
            mut engine,
            mut sink,
            mut seq,
            mut t,
            ..
        } = opened;
        let mut outbox = Outbox::new();
        let mut bytes = [0; MAX_RECORD];
        let ready = engine.firm().is_some_and(|firm| firm.ready);
        let mut day = if ready { Vec::new() } else { self.day.clone() }.into_iter();
        for _ in 0..commands {
            seq += 1;
            t += 1 + self.random.below(1_000_000);
            let input = match day.next() {
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
            if !sink.has_room_for(MAX_RECORD) && !self.put(&mut *sink, t, true) {
                return false;
            }
            self.accepted += u64::from(decision.outcome == Outcome::Accepted);
            let length = encode_record(&input, &decision, &mut bytes);
            self.records.push(bytes[..length].to_vec());
            if sink.push(seq, &bytes[..length]).is_err() {
                return false;
            }
            if self.random.one_in(3) {
                let synced = self.random.one_in(2);
                if !self.put(&mut *sink, t, synced) {
                    return false;
                }
            }
        }
        if self.random.one_in(2) {
            let Ok(durable) = sink.clean_stop(t) else {
                return false;
            };
            self.durable = durable;
            self.written = durable;
            return true;
        }
        self.put(&mut *sink, t, true)
    }

    fn put(&mut self, sink: &mut dyn Sink, t: u64, synced: bool) -> bool {
        let Ok(written) = sink.write(t) else {
            return false;
        };
        self.written = written;
        if synced {
            let Ok(durable) = sink.sync() else {
                return false;
            };
            self.durable = durable;
        }
        true
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

/// A first run, and a second one that is struck at operation `at`; then starts until one works.
fn strike(
    seed: u64,
    at: Option<u64>,
    options: &(OpenOptions, Vec<Command>),
    tally: &mut Tally,
) -> Result<u64, Breach> {
    let mut office = Office::new(seed, options.clone());
    let Some(opened) = office.open(0)? else {
        return Err(Breach::Refused("the first start".to_owned()));
    };
    office.work(opened, 8);
    office.files.restart();
    let before = office.files.operations();
    if let Some(at) = at {
        office.files.fail_at(before + at, Fault::Crash);
    }
    if let Some(opened) = office.open(office.written)? {
        office.work(opened, 12);
    }
    let operations = office.files.operations() - before;
    let between = if office.random.one_in(2) {
        Between::Killed
    } else {
        Between::PowerLoss
    };
    office.files.reseed(mix(seed, at.unwrap_or(0)));
    for strike in 0..3 {
        let needed = match between {
            Between::Killed => {
                office.files.restart();
                office.written
            }
            Between::Evicted | Between::PowerLoss => {
                office.files.power_loss();
                office.durable
            }
        };
        if strike < 2 {
            let at = office.files.operations() + office.random.below(24);
            office.files.fail_at(at, Fault::Crash);
        }
        if let Some(opened) = office.open(needed)? {
            office.work(opened, 4);
        }
    }
    tally.add("orders accepted", office.accepted);
    Ok(operations)
}

fn campaign(name: &'static str, lives: u64) {
    let options = options();
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        let operations = strike(seed, None, &options, &mut tally);
        let until = *operations.as_ref().unwrap_or(&0);
        tally.tried(
            operations.map(drop),
            format_args!("seed {seed}, undisturbed"),
        );
        for at in 0..until {
            let outcome = strike(seed, Some(at), &options, &mut tally).map(drop);
            tally.tried(outcome, format_args!("seed {seed}, operation {at}"));
        }
    }
    assert!(tally.of("orders accepted") > lives * 50);
    tally.finish(lives * 20);
}

#[test]
fn a_firm_struck_at_any_operation_comes_back_as_it_was_promised() {
    campaign("a firm struck at every operation, quick", 3);
}

#[test]
#[ignore = "minutes in a release build"]
fn full_firm() {
    campaign("a firm struck at every operation", 200);
}
