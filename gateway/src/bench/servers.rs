//! The two servers of a measurement, in this process: the real one on a journal of its own, and the
//! echo, which is the same I/O loop with nothing behind it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use engine::pipeline::{self, AckPolicy, Sink, Stopped};
use engine::recover::{self, OpenOptions};
use engine::verify::verify;
use portcullis_client::{Client, Credentials, Event, Options, SigningKey, keys};
use wire::{E8, Reply, Role, Scope, Text, Topology};

use super::books::Books;
use super::desk::{Desk, Mix};
use super::firm::{INSTANCE, OPS_SESSION, RISK_SESSION, Shape, TWELVE, day_open, genesis};
use super::line::{Line, Waiting};
use super::machine::RawFile;
use crate::clock::{Clock, RealClock};
use crate::echo::Echo;
use crate::server::{Limits, ServeError, Server, ServerConfig, StopHandle};

/// Live orders of a desk in the middle of its trading.
pub const LIVE_ORDERS: usize = 256;

const LOOPBACK: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Puts something between the writer thread and the journal.
pub type Wrap = Box<dyn FnOnce(Box<dyn Sink>) -> Box<dyn Sink>>;

/// How a server is to be started.
pub struct Start {
    /// Its firm.
    pub shape: Shape,
    /// When replies leave.
    pub ack: AckPolicy,
    /// What stands before its journal.
    pub wrap: Option<Wrap>,
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start")
            .field("shape", &self.shape)
            .field("ack", &self.ack)
            .finish_non_exhaustive()
    }
}

impl Start {
    /// A small firm with a risk manager.
    #[must_use]
    pub fn small(ack: AckPolicy) -> Self {
        Self {
            shape: Shape {
                orders: 65_536,
                executions: 1 << 22,
                topology: Topology::Sidecar,
                watched: true,
                ..Shape::small()
            },
            ack,
            wrap: None,
        }
    }
}

/// A real server with one firm of sidecar desks.
#[derive(Debug)]
pub struct RealServer {
    address: SocketAddr,
    shape: Shape,
    journal: PathBuf,
    key: SigningKey,
    stop: StopHandle,
    thread: JoinHandle<Result<Stopped, ServeError>>,
    /// Where the desk's clOrdIds go on in the next connection.
    next_id: Cell<u64>,
}

/// What a stopped server and its journal say of a run.
#[derive(Debug, Clone, Copy)]
pub struct Proof {
    /// Records, each decided again with the same result.
    pub records: u64,
    /// Bytes of the journal.
    pub bytes: u64,
}

impl RealServer {
    /// Starts it with its journal in `journal`.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn start(journal: &Path, start: Start) -> anyhow::Result<Self> {
        let key = keys::generate().context("making a key")?;
        let genesis = genesis(&start.shape, TWELVE, Text::new(&keys::public_hex(&key)));
        let clock = Arc::new(RealClock::start());
        std::fs::create_dir_all(journal)?;
        let options = OpenOptions::new(genesis, start.ack, "bench", clock.now());
        let mut opened = recover::open(journal, &options)?;
        if let Some(wrap) = start.wrap {
            opened.sink = wrap(opened.sink);
        }
        let config = ServerConfig::new(SocketAddr::from(LOOPBACK), start.ack);
        let server = Server::start(config, pipeline::Options::new(start.ack), opened, clock)?;
        let started = Self {
            address: server.address(),
            shape: start.shape,
            journal: journal.to_owned(),
            key,
            stop: server.stop_handle(),
            thread: std::thread::Builder::new()
                .name("portcullis-gateway".to_owned())
                .spawn(move || server.run())?,
            next_id: Cell::new(1),
        };
        started.open_day()?;
        Ok(started)
    }

    fn connect(&self, session_id: u32, role: Role) -> anyhow::Result<Client> {
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
        Ok(Client::connect(self.address, credentials, options)?)
    }

    /// A started server waits for its day to be opened.
    fn open_day(&self) -> anyhow::Result<()> {
        let mut ops = self.connect(OPS_SESSION, Role::Ops)?;
        ops.send(day_open())?;
        loop {
            match ops.recv(Duration::from_secs(30))? {
                Some(Event::Reply(Reply::AdminAck(ack))) => {
                    ensure!(ack.code == 0, "the day was not opened: code {}", ack.code);
                    break;
                }
                Some(_) => {}
                None => bail!("no answer to DayOpen"),
            }
        }
        ops.terminate()?;
        Ok(())
    }

    /// The risk manager's connection.
    ///
    /// # Errors
    /// The logon's.
    pub fn risk(&self) -> anyhow::Result<Client> {
        self.connect(RISK_SESSION, Role::Risk)
    }

    /// A logged-on line whose desk, the first, keeps about `live` orders.
    ///
    /// # Errors
    /// The logon's.
    pub fn line(&self, waiting: Waiting, mix: Mix, live: usize) -> anyhow::Result<Line> {
        self.line_of_desk(1, waiting, mix, live)
    }

    /// The same for any desk of the firm.
    ///
    /// # Errors
    /// The logon's.
    pub fn line_of_desk(
        &self,
        desk: u32,
        waiting: Waiting,
        mix: Mix,
        live: usize,
    ) -> anyhow::Result<Line> {
        let client = self.connect(Shape::session_of_desk(desk), Role::Desk)?;
        let stream = client.socket().try_clone()?;
        let first = self.next_id.get();
        // No run sends as many.
        self.next_id.set(first + (1 << 40));
        let desk = Desk::new(mix, live, client.next_seq_no(), first).of(self.shape, desk);
        Line::new(stream, waiting, Some(client), desk)
    }

    /// Stops it and holds the desk's books against what it decided: positions, live orders, and every
    /// record of the journal decided again.
    ///
    /// # Errors
    /// A difference, which makes every figure of the run worthless.
    pub fn stop(self, books: &Books) -> anyhow::Result<Proof> {
        self.stop.stop();
        let stopped = self
            .thread
            .join()
            .map_err(|_| anyhow!("the server's thread has panicked"))??;
        let engine = &stopped.engine;
        // Both ways: what only the engine holds, and what only the desk believes to hold.
        let held: BTreeMap<(u32, u32), i128> = engine
            .rows()
            .filter(|row| row.scope == Scope::Account)
            .map(|row| ((row.scope_id, row.instrument_id), row.position))
            .collect();
        for place in held.keys().chain(books.positions.keys()) {
            let (account, instrument) = *place;
            let loaded = match self.shape.holding(account) {
                (loaded, lots) if loaded == instrument => lots,
                _ => 0,
            };
            let lots = loaded + books.positions.get(place).copied().unwrap_or(0);
            let position = held.get(place).copied().unwrap_or(0);
            ensure!(
                position == i128::from(lots) * i128::from(E8),
                "account {account} holds {position} of instrument {instrument} by the engine, {lots} lots by the desk's books",
            );
        }
        let live = engine.live_orders().count() as u64;
        ensure!(
            live == books.live,
            "{live} orders are live by the engine, {} by the desk's books",
            books.live
        );
        let answered = books.right + books.busy + books.wrong.values().sum::<u64>();
        ensure!(
            answered == books.sent,
            "{} messages sent, {answered} answered",
            books.sent
        );
        if let Some((what, count)) = books.wrong.first_key_value() {
            bail!("{count} times {what}");
        }
        let report = verify(&self.journal, |_| {})?;
        ensure!(
            report.records >= books.sent,
            "{} records in the journal, {} messages sent",
            report.records,
            books.sent
        );
        Ok(Proof {
            records: report.records,
            bytes: report.bytes,
        })
    }
}

/// The bare echo.
#[derive(Debug)]
pub struct EchoServer {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<Result<(), ServeError>>,
}

impl EchoServer {
    /// Starts it with the waits of the real server's loop.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn start() -> anyhow::Result<Self> {
        Self::run(Echo::bind(
            SocketAddr::from(LOOPBACK),
            Limits::default().spin,
        )?)
    }

    /// The same, and each frame comes back only when a journal's bytes of it are on the disk.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn start_on(file: RawFile) -> anyhow::Result<Self> {
        let echo = Echo::bind(SocketAddr::from(LOOPBACK), Limits::default().spin)?;
        Self::run(echo.with(file))
    }

    fn run(echo: Echo) -> anyhow::Result<Self> {
        Ok(Self {
            address: echo.address(),
            stop: echo.stop_handle(),
            thread: std::thread::Builder::new()
                .name("portcullis-echo".to_owned())
                .spawn(move || echo.run())?,
        })
    }

    /// A line whose desk keeps about `live` orders.
    ///
    /// # Errors
    /// What the system says.
    pub fn line(&self, waiting: Waiting, mix: Mix, live: usize) -> anyhow::Result<Line> {
        let stream = TcpStream::connect(self.address)?;
        Line::new(stream, waiting, None, Desk::new(mix, live, 1, 1))
    }

    /// Stops it; a message that came back otherwise than it was sent is an error.
    ///
    /// # Errors
    /// See above.
    pub fn stop(self, books: &Books) -> anyhow::Result<()> {
        self.stop.stop();
        self.thread
            .join()
            .map_err(|_| anyhow!("the echo's thread has panicked"))??;
        ensure!(
            books.right == books.sent,
            "{} frames sent, {} came back as they were",
            books.sent,
            books.right
        );
        Ok(())
    }
}
