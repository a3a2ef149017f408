//! A gateway on loopback with a scripted office behind it, and a client that speaks raw bytes.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part of the support"
)]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

pub mod raw;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::command::Command;
use engine::decision::Outgoing;
use engine::pipeline::{AckPolicy, Inbound, Outbound, Wake};
use engine::view::SessionView;
use gateway::clock::RealClock;
use gateway::key_ring::KeyRing;
use gateway::office::{Lane, Office};
use gateway::server::{Bound, Limits, ReloadHandle, Seed, ServeError, ServerConfig, StopHandle};
use portcullis_client::{Client, Credentials, Event, Options, SigningKey, keys};
use wire::{
    AdminAck, BusinessReject, Capacity, CodMode, NewOrder, NotApplied, OrdType, OrderAccepted,
    OrderCancelled, Reply, Role, Side, TimeInForce, Topology,
};

pub const WAIT: Duration = Duration::from_secs(5);
pub const INSTANCE: &str = "test";
pub const EPOCH: u64 = 7;

/// What the scripted office has seen and how it behaves.
#[derive(Debug, Default)]
pub struct State {
    pub seq: u64,
    pub durable: u64,
    /// Records stay undurable.
    pub hold: bool,
    /// Rings are full.
    pub full: bool,
    /// The last space of the journal is kept.
    pub reserved: bool,
    /// The engine takes nothing from the rings.
    pub idle: bool,
    ring: VecDeque<(Lane, Inbound)>,
    pub failure: Option<String>,
    /// Every record: session, its seqNo, what was asked.
    pub journal: Vec<(u32, u64, Command)>,
    /// The lane by which each came.
    pub lanes: Vec<Lane>,
    pub dropped: u64,
    applied: HashMap<u32, u64>,
    next_out: HashMap<u32, u64>,
    pub outbound: VecDeque<Outbound>,
    reports: VecDeque<Outgoing>,
}

impl State {
    pub fn send(&mut self, session_id: u32, mut reply: Reply) {
        let next = self.next_out.entry(session_id).or_insert(1);
        reply.set_seq_no(0, *next);
        *next += 1;
        reply.set_engine(self.seq, wire::Time(self.seq));
        self.outbound
            .push_back(Outbound::Send(Outgoing { session_id, reply }));
    }

    /// Messages of a session that wait in a ring.
    pub fn ring_of(&self, session_id: u32) -> usize {
        let of = |(_, inbound): &&(Lane, Inbound)| inbound.session_id == session_id;
        self.ring.iter().filter(of).count()
    }

    fn run(&mut self) {
        while !self.idle
            && let Some((lane, inbound)) = self.ring.pop_front()
        {
            let records = self.journal.len();
            self.take(inbound);
            if self.journal.len() > records {
                self.lanes.push(lane);
            }
        }
    }

    fn take(&mut self, inbound: Inbound) {
        let Inbound {
            session_id,
            in_seq_no,
            command,
            ..
        } = inbound;
        let applied = self.applied.get(&session_id).copied().unwrap_or(0);
        if session_id != 0 && in_seq_no <= applied {
            self.dropped += 1;
            self.outbound.push_back(Outbound::Dropped {
                session_id,
                in_seq_no,
            });
            return;
        }
        self.seq += 1;
        self.journal.push((session_id, in_seq_no, command));
        self.outbound.push_back(Outbound::Taken {
            session_id,
            in_seq_no,
            engine_seq: self.seq,
        });
        if session_id != 0 {
            if in_seq_no > applied + 1 {
                let missing = NotApplied {
                    from_seq_no: applied + 1,
                    count: in_seq_no - applied - 1,
                    ..NotApplied::default()
                };
                self.send(session_id, missing.into());
            }
            self.applied.insert(session_id, in_seq_no);
            self.decide(session_id, in_seq_no, command);
        }
        if !self.hold {
            self.durable = self.seq;
        }
    }

    fn decide(&mut self, session_id: u32, in_seq_no: u64, command: Command) {
        match command {
            Command::NewOrder(order) => {
                let accepted = OrderAccepted {
                    cl_ord_id: order.cl_ord_id,
                    order_id: self.seq,
                    ..OrderAccepted::default()
                };
                self.send(session_id, accepted.into());
            }
            Command::CancelOrder(cancel) => {
                let cancelled = OrderCancelled {
                    cl_ord_id: cancel.cl_ord_id,
                    ..OrderCancelled::default()
                };
                self.send(session_id, cancelled.into());
            }
            Command::Refused(refused) => {
                let reject = BusinessReject {
                    ref_seq_no: in_seq_no,
                    ref_id: refused.ref_id,
                    code: refused.code,
                    ref_template_id: refused.ref_template_id,
                    field_offset: refused.field_offset,
                    ..BusinessReject::default()
                };
                self.send(session_id, reject.into());
            }
            Command::SetLimit(set) => {
                let ack = AdminAck {
                    request_id: set.request_id,
                    new_version: 1,
                    ..AdminAck::default()
                };
                self.send(session_id, ack.into());
            }
            Command::Query(query) => self.reports.push_back(Outgoing {
                session_id,
                reply: AdminAck {
                    request_id: query.request_id,
                    ..AdminAck::default()
                }
                .into(),
            }),
            other => panic!("the script has no answer to {other:?}"),
        }
    }
}

/// The office as the gateway holds it.
#[derive(Debug, Clone)]
pub struct Script(Arc<Mutex<State>>);

impl Script {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Office for Script {
    fn push(&self, lane: Lane, inbound: Inbound) -> Result<(), Inbound> {
        let mut state = self.state();
        if state.full {
            return Err(inbound);
        }
        state.ring.push_back((lane, inbound));
        state.run();
        Ok(())
    }

    fn outbound(&self) -> Option<Outbound> {
        self.state().outbound.pop_front()
    }

    fn report(&self) -> Option<Outgoing> {
        self.state().reports.pop_front()
    }

    fn acknowledged(&self, policy: AckPolicy) -> u64 {
        match policy {
            AckPolicy::Memory => u64::MAX,
            AckPolicy::Durable | AckPolicy::Written => self.state().durable,
        }
    }

    fn durable(&self) -> u64 {
        self.state().durable
    }

    fn disk_reserved(&self) -> bool {
        self.state().reserved
    }

    fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    fn next_deadline(&self) -> Option<u64> {
        None
    }

    fn prepare_sleep(&self, seen: u64, wants_room: bool) -> bool {
        let state = self.state();
        (state.full || !wants_room) && state.reports.is_empty() && state.durable <= seen
    }

    fn awake(&self) {}
}

/// A running gateway.
pub struct Fixture {
    pub address: SocketAddr,
    pub script: Script,
    pub stop: StopHandle,
    pub reload: ReloadHandle,
    wake: Wake,
    keys: HashMap<u32, SigningKey>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Fixture {
    /// Sessions 1 and 2 are desks, 3 is a risk manager.
    pub fn start(limits: Limits) -> Self {
        Self::start_with(limits, AckPolicy::Durable)
    }

    pub fn start_with(limits: Limits, ack: AckPolicy) -> Self {
        Self::start_tls(limits, ack, None)
    }

    pub fn start_tls(
        limits: Limits,
        ack: AckPolicy,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let roles = [(1, Role::Desk), (2, Role::Desk), (3, Role::Risk)];
        let keys: HashMap<_, _> = roles
            .iter()
            .map(|(id, _)| (*id, keys::generate().unwrap()))
            .collect();
        let sessions: Vec<SessionView> = roles
            .iter()
            .map(|(session_id, role)| SessionView {
                session_id: *session_id,
                name: format!("session {session_id}"),
                role: *role,
                topology: Topology::Inline,
                venue_id: 0,
                key_id: 1,
                public_key: keys::public_hex(&keys[session_id]),
                person: String::new(),
                up: false,
                cod_mode: CodMode::Off,
                awaits_grace: false,
                last_applied_seq_no: 0,
                next_out_seq_no: 1,
                cl_ord_id_mark: 0,
            })
            .collect();
        let config = ServerConfig {
            limits,
            tls,
            ..ServerConfig::new("127.0.0.1:0".parse().unwrap(), ack)
        };
        let bound = Bound::bind(config).unwrap();
        let (address, wake) = (bound.address(), bound.wake());
        let script = Script(Arc::default());
        let seed = Seed {
            instance: INSTANCE.to_owned(),
            epoch: EPOCH,
            keys: KeyRing::of_views(&sessions),
            sessions,
            logs: Vec::new(),
        };
        let mut gateway = bound
            .with(seed, script.clone(), Arc::new(RealClock::start()))
            .unwrap();
        let stop = gateway.stop_handle();
        let reload = gateway.reload_handle();
        Self {
            address,
            script,
            stop,
            reload,
            wake,
            keys,
            thread: Some(std::thread::spawn(move || gateway.run())),
        }
    }

    /// Changes the script and wakes the gateway.
    pub fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.script.state();
        change(&mut state);
        state.run();
        drop(state);
        (self.wake)();
    }

    pub fn credentials(&self, session_id: u32) -> Credentials {
        Credentials {
            session_id,
            role: if session_id == 3 {
                Role::Risk
            } else {
                Role::Desk
            },
            key: self.keys[&session_id].clone(),
            key_id: 1,
            expected_instance: Some(INSTANCE.to_owned()),
        }
    }

    pub fn connect(&self, session_id: u32) -> Client {
        self.connect_with(session_id, Options::default())
    }

    pub fn connect_with(&self, session_id: u32, options: Options) -> Client {
        Client::connect(self.address, self.credentials(session_id), options).unwrap()
    }

    pub fn finish(&mut self) -> Result<(), ServeError> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let served = thread.join();
            if !std::thread::panicking() {
                served.unwrap().unwrap();
            }
        }
    }
}

pub fn order(cl_ord_id: u64) -> NewOrder {
    NewOrder {
        cl_ord_id,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}

/// The next reply, skipping heartbeats.
pub fn reply(client: &mut Client) -> Reply {
    let deadline = Instant::now() + WAIT;
    while Instant::now() < deadline {
        if let Some(Event::Reply(reply)) = client.recv(WAIT).unwrap() {
            return reply;
        }
    }
    panic!("no reply");
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
