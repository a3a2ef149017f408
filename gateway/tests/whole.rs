//! The gateway with the real pipeline and a real journal behind it.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use engine::clerk::{Duties, Retention};
use engine::command::{Command, DefineFirm, DefineSession, Sequenced};
use engine::decision::Decision;
use engine::journal::{Reader, RealFiles, SegmentId};
use engine::pipeline::{self, AckPolicy, Pipeline, PipelineHandle, Shape, Stopped};
use engine::record::decode_record;
use engine::recover::{self, OpenOptions};
use gateway::clock::{Clock, RealClock};
use gateway::server::{Bound, Limits, Seed, ServeError, Server, ServerConfig, StopHandle};
use portcullis_client::{Client, ClientError, Credentials, Event, Options, SigningKey, keys};
use wire::{
    Capacity, Flag, NewOrder, OrdType, POSS_DUP, Query, QueryWhat, RejectCode, Reply, Role, Side,
    Text, TimeInForce, Topology,
};

const WAIT: Duration = Duration::from_secs(10);

fn genesis(desk: &SigningKey, risk: &SigningKey) -> Vec<Command> {
    let session = |session_id, role, key: &SigningKey| {
        Command::DefineSession(DefineSession {
            session_id,
            key_id: 1,
            public_key: Text::new(&keys::public_hex(key)),
            name: Text::new("session"),
            role,
            topology: Topology::Sidecar,
            ..DefineSession::default()
        })
    };
    vec![
        Command::DefineFirm(DefineFirm {
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
        }),
        session(1, Role::Desk, desk),
        session(2, Role::Risk, risk),
    ]
}

struct Firm {
    dir: tempfile::TempDir,
    desk: SigningKey,
    risk: SigningKey,
    ack: AckPolicy,
    shape: Shape,
    limits: Limits,
    duties: Duties,
    segment_bytes: u64,
}

impl Firm {
    fn new(ack: AckPolicy) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            desk: keys::generate().unwrap(),
            risk: keys::generate().unwrap(),
            ack,
            shape: Shape::of_this_machine(),
            limits: Limits::default(),
            duties: Duties::default(),
            segment_bytes: 4 << 20,
        }
    }

    fn open(&self, dir: &Path) -> recover::Opened {
        let clock = RealClock::start();
        let mut options = OpenOptions::new(
            genesis(&self.desk, &self.risk),
            self.ack,
            "test-1",
            clock.now(),
        );
        options.segment_bytes = self.segment_bytes;
        options.duties = self.duties.clone();
        recover::open(dir, &options).unwrap()
    }

    fn pipeline(&self) -> pipeline::Options {
        pipeline::Options {
            shape: self.shape,
            ..pipeline::Options::new(self.ack)
        }
    }

    fn config(&self) -> ServerConfig {
        ServerConfig {
            limits: self.limits.clone(),
            ..ServerConfig::new("127.0.0.1:0".parse().unwrap(), self.ack)
        }
    }

    fn serve(&self) -> Serving {
        let server = Server::start(
            self.config(),
            self.pipeline(),
            self.open(self.dir.path()),
            Arc::new(RealClock::start()),
        )
        .unwrap();
        Serving {
            address: server.address(),
            stop: server.stop_handle(),
            thread: std::thread::spawn(move || server.run()),
        }
    }

    /// A server whose pipeline can be killed.
    fn serve_mortal(&self) -> (Mortal, PipelineHandle) {
        let mut opened = self.open(self.dir.path());
        let bound = Bound::bind(self.config()).unwrap();
        let address = bound.address();
        let seed = Seed::of(&mut opened);
        let (doors, pipeline) =
            Pipeline::start(opened, self.pipeline(), Arc::new(|| 0), bound.wake()).unwrap();
        let mut gateway = bound
            .with(seed, doors, Arc::new(RealClock::start()))
            .unwrap();
        let stop = gateway.stop_handle();
        let mortal = Mortal {
            address,
            stop,
            thread: std::thread::spawn(move || gateway.run()),
        };
        (mortal, pipeline)
    }

    fn connect(&self, address: SocketAddr, session_id: u32, options: Options) -> Client {
        self.try_connect(address, session_id, options).unwrap()
    }

    fn try_connect(
        &self,
        address: SocketAddr,
        session_id: u32,
        options: Options,
    ) -> Result<Client, ClientError> {
        let (role, key) = match session_id {
            1 => (Role::Desk, &self.desk),
            _ => (Role::Risk, &self.risk),
        };
        let credentials = Credentials {
            session_id,
            role,
            key: key.clone(),
            key_id: 1,
            expected_instance: Some("TEST".to_owned()),
        };
        Client::connect(address, credentials, options)
    }
}

struct Serving {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<Result<Stopped, ServeError>>,
}

impl Serving {
    fn finish(self) -> Stopped {
        self.stop.stop();
        self.thread.join().unwrap().unwrap()
    }
}

struct Mortal {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<Result<(), ServeError>>,
}

fn order(cl_ord_id: u64) -> NewOrder {
    NewOrder {
        cl_ord_id,
        account: 1,
        instrument_id: 1,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}

/// The clOrdId of the next refusal.
fn refused(client: &mut Client) -> Result<u64, ClientError> {
    loop {
        match client.recv(WAIT)? {
            Some(Event::Reply(Reply::OrderRejected(m))) => return Ok(m.cl_ord_id),
            Some(Event::Heartbeat(_) | Event::ReplayComplete(_) | Event::Resumed(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn orders_are_answered_through_the_whole_pipeline_under_every_policy() {
    let policies = [AckPolicy::Durable, AckPolicy::Written, AckPolicy::Memory];
    for (ack, shape) in policies
        .into_iter()
        .flat_map(|ack| [(ack, Shape::Pipelined), (ack, Shape::Fused)])
    {
        let firm = Firm {
            shape,
            ..Firm::new(ack)
        };
        let serving = firm.serve();
        let mut client = firm.connect(serving.address, 1, Options::default());
        for n in 1..=2000 {
            client.queue(order(n));
        }
        client.flush().unwrap();
        for n in 1..=2000 {
            assert_eq!(refused(&mut client).unwrap(), n);
        }
        let stopped = serving.finish();
        assert_eq!(stopped.dropped, 0, "{ack:?} {shape:?}");
    }
}

#[test]
fn a_query_is_answered_from_durable_state() {
    let firm = Firm::new(AckPolicy::Durable);
    let serving = firm.serve();
    let mut risk = firm.connect(serving.address, 2, Options::default());
    let query = Query {
        what: QueryWhat::Sessions,
        ..Query::default()
    };
    let reports = risk.query(query).unwrap();
    let sessions: Vec<_> = reports
        .iter()
        .map(|report| match report {
            Reply::SessionReport(m) => (m.session_id, m.up),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sessions, [(1, Flag::No), (2, Flag::Yes)]);
    serving.finish();
}

#[test]
fn a_session_survives_a_clean_restart_and_replays_from_the_journal() {
    let firm = Firm::new(AckPolicy::Durable);
    let serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    for n in 1..=100 {
        client.send(order(n)).unwrap();
    }
    for n in 1..=40 {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    serving.finish();
    let serving = firm.serve();
    client.set_address(serving.address);
    client.reconnect().unwrap();
    assert_eq!(client.last_applied(), 100);
    for n in 41..=100 {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    client.send(order(101)).unwrap();
    assert_eq!(refused(&mut client).unwrap(), 101);
    serving.finish();
}

/// A firm whose sessions keep some twenty messages in memory.
fn forgetful() -> Firm {
    Firm {
        limits: Limits {
            outbound_log_bytes: 20 * 128,
            ..Limits::default()
        },
        ..Firm::new(AckPolicy::Durable)
    }
}

/// Everything from a number up to ReplayComplete: `(seqNo, clOrdId, flags)`.
fn replayed(client: &mut Client, from: u64) -> Vec<(u64, u64, u32)> {
    let mut out = Vec::new();
    loop {
        match client.recv(WAIT).unwrap() {
            Some(Event::Reply(Reply::OrderRejected(m))) => {
                out.push((m.seq_no, m.cl_ord_id, m.flags));
            }
            Some(Event::ReplayComplete(m)) => {
                assert_eq!(m.next_seq_no, out.last().map_or(from, |last| last.0 + 1));
                return out;
            }
            Some(Event::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_no_longer_in_memory_is_read_back_from_the_journal_also_after_a_restart() {
    const SENT: u64 = 3000;
    let firm = forgetful();
    let mut serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    for n in 1..=SENT {
        client.queue(order(n));
    }
    client.flush().unwrap();
    for n in 1..=SENT {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    drop(client);
    for from in [1, 2, 1500, SENT - 30, SENT + 1] {
        let options = Options {
            next_expected: from,
            ..Options::default()
        };
        let mut client = firm.connect(serving.address, 1, options);
        assert_eq!(client.logon_ack().replay_count, SENT + 1 - from);
        let expected: Vec<_> = (from..=SENT).map(|n| (n, n, POSS_DUP)).collect();
        assert_eq!(replayed(&mut client, from), expected, "from {from}");
        if from == 1500 {
            serving.finish();
            serving = firm.serve();
        }
    }
    serving.finish();
}

#[test]
fn who_asks_for_what_has_been_removed_is_told_the_first_number_there_is_and_gets_all_from_it_on() {
    let firm = Firm {
        duties: Duties {
            snapshot_every: 200,
            retention: Retention {
                keep_bytes: Some(128 << 10),
                keep_ns: None,
            },
            ..Duties::default()
        },
        segment_bytes: 64 << 10,
        ..forgetful()
    };
    let mut serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    let first_segment = firm.dir.path().join(SegmentId::FIRST.file_name());
    let mut sent = 0;
    while first_segment.exists() {
        assert!(sent < 1_000_000, "nothing is ever removed");
        for _ in 0..100 {
            sent += 1;
            client.queue(order(sent));
        }
        client.flush().unwrap();
        for n in sent - 99..=sent {
            assert_eq!(refused(&mut client).unwrap(), n);
        }
    }
    client.terminate().unwrap();
    let from = |next_expected| Options {
        next_expected,
        ..Options::default()
    };
    for round in 0..2 {
        let too_low = |from| match firm.try_connect(serving.address, 1, from) {
            Err(ClientError::LogonRejected {
                code, next_seq_no, ..
            }) => {
                assert_eq!(code.0, RejectCode::SeqTooLow.number());
                next_seq_no
            }
            other => panic!("{:?}", other.map(drop)),
        };
        let first = too_low(from(1));
        println!("{sent} sent, from {first} on they can be told again");
        assert!((2..sent - 20).contains(&first), "{first} of {sent}");
        assert_eq!(too_low(from(first - 1)), first);
        let mut client = firm.connect(serving.address, 1, from(first));
        let expected: Vec<_> = (first..=sent).map(|n| (n, n, POSS_DUP)).collect();
        assert_eq!(replayed(&mut client, first), expected);
        client.terminate().unwrap();
        if round == 0 {
            serving.finish();
            serving = firm.serve();
        }
    }
    serving.finish();
}

#[test]
fn a_session_may_trade_on_while_its_past_is_read_back() {
    const SENT: u64 = 2000;
    let firm = forgetful();
    let serving = firm.serve();
    let mut client = firm.connect(serving.address, 1, Options::default());
    for n in 1..=SENT {
        client.queue(order(n));
    }
    client.flush().unwrap();
    for n in 1..=SENT {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    drop(client);
    let options = Options {
        next_expected: 1,
        ..Options::default()
    };
    let mut client = firm.connect(serving.address, 1, options);
    for n in SENT + 1..=2 * SENT {
        client.queue(order(n));
    }
    client.flush().unwrap();
    let expected: Vec<_> = (1..=SENT).map(|n| (n, n, POSS_DUP)).collect();
    assert_eq!(replayed(&mut client, 1), expected);
    for n in SENT + 1..=2 * SENT {
        assert_eq!(refused(&mut client).unwrap(), n);
    }
    serving.finish();
}

#[test]
fn the_end_of_a_session_never_overtakes_its_last_orders() {
    let firm = Firm::new(AckPolicy::Memory);
    let serving = firm.serve();
    let mut sent = 0;
    for _ in 0..20 {
        let mut client = firm.connect(serving.address, 1, Options::default());
        assert_eq!(
            client.last_applied(),
            sent,
            "all were applied before the new logon"
        );
        for _ in 0..400 {
            sent += 1;
            client.queue(order(sent));
        }
        client.flush().unwrap();
        // An orderly end: everything that was sent is read before it.
        client.terminate().unwrap();
        while client.recv(WAIT).is_ok() {}
    }
    serving.finish();
    let mut up = false;
    let mut orders = 0;
    for (input, _) in records(firm.dir.path()) {
        match input.command {
            Command::SessionUp(m) if m.session_id == 1 => up = true,
            Command::SessionDown(m) if m.session_id == 1 => up = false,
            _ if input.session_id == 1 => {
                assert!(up, "order {} stands outside its session", input.in_seq_no);
                orders += 1;
            }
            _ => {}
        }
    }
    assert_eq!(orders, sent);
}

/// Everything that a stopped journal holds.
fn records(dir: &Path) -> Vec<(Sequenced, Decision)> {
    let mut reader = Reader::open(RealFiles::new(dir), SegmentId::FIRST).unwrap();
    let mut records = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        records.extend(frame.records().map(|r| decode_record(r.bytes).unwrap()));
    }
    records
}

#[test]
fn a_killed_server_comes_back_and_every_order_has_exactly_one_answer() {
    for shape in [Shape::Pipelined, Shape::Fused] {
        kill_and_resume(&Firm {
            shape,
            ..Firm::new(AckPolicy::Durable)
        });
    }
}

fn kill_and_resume(firm: &Firm) {
    let (mortal, pipeline) = firm.serve_mortal();
    let mut client = firm.connect(mortal.address, 1, Options::default());
    for n in 1..=5000 {
        client.queue(order(n));
    }
    client.flush().unwrap();
    let mut answered = Vec::new();
    for _ in 0..500 {
        answered.push(refused(&mut client).unwrap());
    }
    pipeline.kill();
    mortal.stop.stop();
    // Whatever the dying gateway says, nothing more is made durable.
    drop(mortal.thread.join().unwrap());
    while let Ok(n) = refused(&mut client) {
        answered.push(n);
    }
    let serving = firm.serve();
    client.set_address(serving.address);
    client.reconnect().unwrap();
    while answered.len() < 5000 {
        answered.push(refused(&mut client).unwrap());
    }
    assert_eq!(answered, (1..=5000).collect::<Vec<_>>());
    serving.finish();
}
