//! A firm with the real pipeline and a real journal behind its gateway, and servers of it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use engine::clerk::Duties;
use engine::command::{Command, DefineFirm, DefineSession};
use engine::pipeline::{self, AckPolicy, Pipeline, PipelineHandle, Shape, Stopped};
use engine::recover::{self, OpenOptions};
use gateway::clock::{Clock, RealClock};
use gateway::server::{Bound, Limits, Seed, ServeError, Server, ServerConfig, StopHandle};
use portcullis_client::{Client, ClientError, Credentials, Event, Options, SigningKey, keys};
use wire::{Capacity, Flag, NewOrder, OrdType, Reply, Role, Side, Text, TimeInForce, Topology};

pub(crate) const WAIT: Duration = Duration::from_secs(10);

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

pub(crate) struct Firm {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) desk: SigningKey,
    pub(crate) risk: SigningKey,
    pub(crate) ack: AckPolicy,
    pub(crate) shape: Shape,
    pub(crate) limits: Limits,
    pub(crate) duties: Duties,
    pub(crate) segment_bytes: u64,
}

impl Firm {
    pub(crate) fn new(ack: AckPolicy) -> Self {
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

    pub(crate) fn open(&self, dir: &Path) -> recover::Opened {
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

    pub(crate) fn pipeline(&self) -> pipeline::Options {
        pipeline::Options {
            shape: self.shape,
            ..pipeline::Options::new(self.ack)
        }
    }

    pub(crate) fn config(&self) -> ServerConfig {
        ServerConfig {
            limits: self.limits.clone(),
            ..ServerConfig::new("127.0.0.1:0".parse().unwrap(), self.ack)
        }
    }

    pub(crate) fn serve(&self) -> Serving {
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
    pub(crate) fn serve_mortal(&self) -> (Mortal, PipelineHandle) {
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

    pub(crate) fn connect(&self, address: SocketAddr, session_id: u32, options: Options) -> Client {
        self.try_connect(address, session_id, options).unwrap()
    }

    pub(crate) fn try_connect(
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

pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) stop: StopHandle,
    pub(crate) thread: JoinHandle<Result<Stopped, ServeError>>,
}

impl Serving {
    pub(crate) fn finish(self) -> Stopped {
        self.stop.stop();
        self.thread.join().unwrap().unwrap()
    }
}

pub(crate) struct Mortal {
    pub(crate) address: SocketAddr,
    pub(crate) stop: StopHandle,
    pub(crate) thread: JoinHandle<Result<(), ServeError>>,
}

pub(crate) fn order(cl_ord_id: u64) -> NewOrder {
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
pub(crate) fn refused(client: &mut Client) -> Result<u64, ClientError> {
    loop {
        match client.recv(WAIT)? {
            Some(Event::Reply(Reply::OrderRejected(m))) => return Ok(m.cl_ord_id),
            Some(Event::Heartbeat(_) | Event::ReplayComplete(_) | Event::Resumed(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}
