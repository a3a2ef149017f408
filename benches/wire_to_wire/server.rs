//! The two servers in this process: the real one on a journal of its own, and the echo.

use super::client::{Line, Waiting};
use engine::pipeline::{self, AckPolicy, Stopped};
use engine::recover::{self, OpenOptions};
use gateway::bench::firm::{
    FIRST_DESK_SESSION, INSTANCE, OPS_SESSION, Shape, TWELVE, day_open, genesis,
};
use gateway::clock::{Clock, RealClock};
use gateway::echo::Echo;
use gateway::server::{Limits, ServeError, Server, ServerConfig, StopHandle};
use portcullis_client::{Client, Credentials, Event, Options, SigningKey, keys};
use std::cell::Cell;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use wire::{Reply, Role, Text, Topology};

/// A failed step of the set-up ends the bench with its reason.
pub(super) fn must<T, E: Display>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A real server with one firm of sidecar desks.
pub(super) struct RealServer {
    address: SocketAddr,
    key: SigningKey,
    stop: StopHandle,
    thread: JoinHandle<Result<Stopped, ServeError>>,
    /// Where the desk's clOrdIds go on in the next connection.
    next_id: Cell<u64>,
}

impl RealServer {
    pub(super) fn start(journal: &Path, ack: AckPolicy) -> Self {
        let shape = Shape {
            orders: 65_536,
            topology: Topology::Sidecar,
            ..Shape::small()
        };
        let key = must("make a key", keys::generate());
        let genesis = genesis(&shape, TWELVE, Text::new(&keys::public_hex(&key)));
        let clock = Arc::new(RealClock::start());
        must("create a directory", std::fs::create_dir_all(journal));
        let options = OpenOptions::new(genesis, ack, "bench", clock.now());
        let opened = must("open a journal", recover::open(journal, &options));
        let config = ServerConfig::new(loopback(), ack);
        let server = Server::start(config, pipeline::Options::new(ack), opened, clock);
        let server = must("start a server", server);
        let started = Self {
            address: server.address(),
            key,
            stop: server.stop_handle(),
            thread: std::thread::spawn(move || server.run()),
            next_id: Cell::new(1),
        };
        started.open_day();
        started
    }

    fn connect(&self, session_id: u32, role: Role) -> Client {
        let credentials = Credentials {
            session_id,
            role,
            key: self.key.clone(),
            key_id: 1,
            expected_instance: Some(INSTANCE.to_owned()),
        };
        let options = Options {
            keep_alive: Duration::from_secs(60),
            ..Options::default()
        };
        must(
            "log on",
            Client::connect(self.address, credentials, options),
        )
    }

    /// A started server waits for its day to be opened.
    fn open_day(&self) {
        let mut ops = self.connect(OPS_SESSION, Role::Ops);
        must("open the day", ops.send(day_open()));
        loop {
            let event = must("open the day", ops.recv(Duration::from_secs(5)));
            match event {
                Some(Event::Reply(Reply::AdminAck(ack))) => {
                    assert_eq!(ack.code, 0, "the day is open");
                    break;
                }
                Some(_) => {}
                None => panic!("no answer to DayOpen"),
            }
        }
        must("log off", ops.terminate());
    }

    /// A logged-on line that speaks frames itself.
    pub(super) fn line(&self, waiting: Waiting) -> Line {
        let client = self.connect(FIRST_DESK_SESSION, Role::Desk);
        let stream = must("share the socket", client.socket().try_clone());
        let first = self.next_id.get();
        // No run sends as many.
        self.next_id.set(first + (1 << 40));
        Line::new(stream, waiting, Some(client), first)
    }

    pub(super) fn stop(self) {
        self.stop.stop();
        match self.thread.join() {
            Ok(stopped) => drop(must("stop the server", stopped)),
            Err(_) => panic!("the server's thread has panicked"),
        }
    }
}

/// The bare echo.
pub(super) struct EchoServer {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<Result<(), ServeError>>,
}

impl EchoServer {
    pub(super) fn start() -> Self {
        let echo = must(
            "start the echo",
            Echo::bind(loopback(), Limits::default().spin),
        );
        Self {
            address: echo.address(),
            stop: echo.stop_handle(),
            thread: std::thread::spawn(move || echo.run()),
        }
    }

    pub(super) fn line(&self, waiting: Waiting) -> Line {
        let stream = must("connect", std::net::TcpStream::connect(self.address));
        Line::new(stream, waiting, None, 1)
    }

    pub(super) fn stop(self) {
        self.stop.stop();
        match self.thread.join() {
            Ok(stopped) => must("stop the echo", stopped),
            Err(_) => panic!("the echo's thread has panicked"),
        }
    }
}
