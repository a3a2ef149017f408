//! The I/O thread: one mio loop over the listener, all connections and the office behind them.
//!
//! A turn: wait for sockets → accept → read, decode, push → take what the engine and the follower sent →
//! write, one call a connection → now and then look at the time. It never waits for the engine: what
//! finds a full ring stays with its connection, whose socket is then not read, and replies are drained
//! in every turn. This file owns the loop; `logon` lets connections in, `lines` moves their
//! messages.

mod config;
mod lines;
mod logon;

pub use config::{Limits, Seed, ServeError, ServerConfig, StopHandle};

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::clerk::Notice;
use engine::command::{Command, TimePassed};
use engine::pipeline::{
    self, AckPolicy, Doors, Inbound, Outbound, Pipeline, PipelineHandle, Stopped,
};
use engine::recover::Opened;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use wire::Text;

use crate::clock::{Clock, nanos_since};
use crate::connection::Connection;
use crate::office::{Lane, Office};
use crate::session::{Ending, Timing};
use crate::table::Table;
use crate::throttle::Throttle;
use crate::verify_key::Verifier;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// Bits of a poll token that name the slot; the others count the slot's uses, so that an event for a
/// connection that has gone is not taken for its successor's.
const SLOT_BITS: u32 = 24;
/// Between two looks at the time.
const TICK: u64 = 10_000_000;
/// Messages taken from the engine in one turn.
const OUTBOUND_A_TURN: usize = 4096;

/// A listener that is bound, before there is an office behind it.
#[derive(Debug)]
pub struct Bound {
    poll: Poll,
    waker: Arc<Waker>,
    listener: TcpListener,
    address: SocketAddr,
    config: ServerConfig,
}

impl Bound {
    /// Binds the address.
    ///
    /// # Errors
    /// [`ServeError::Listen`] names the address.
    pub fn bind(config: ServerConfig) -> Result<Self, ServeError> {
        let listen = |cause| ServeError::Listen {
            address: config.listen,
            cause,
        };
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut listener = TcpListener::bind(config.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            waker,
            listener,
            address,
            config,
        })
    }

    /// The address that it is bound to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the poll return, from any thread.
    #[must_use]
    pub fn wake(&self) -> pipeline::Wake {
        let waker = Arc::clone(&self.waker);
        // A waker that fails belongs to a server that has gone.
        Arc::new(move || drop(waker.wake()))
    }

    /// Puts an office behind the listener.
    ///
    /// # Errors
    /// [`ServeError::Io`] if the verifier's thread can't be started.
    pub fn with<O: Office>(
        self,
        seed: Seed,
        office: O,
        clock: Arc<dyn Clock>,
    ) -> Result<Gateway<O>, ServeError> {
        let limits = self.config.limits;
        let millis = |d: Duration| u32::try_from(d.as_millis()).unwrap_or(u32::MAX);
        Ok(Gateway {
            verifier: Verifier::start({
                let waker = Arc::clone(&self.waker);
                Arc::new(move || drop(waker.wake()))
            })?,
            table: Table::new(
                seed.sessions,
                seed.logs,
                limits.max_msg_per_sec,
                limits.outbound_log_bytes,
            ),
            timing: Timing {
                handshake: nanos(limits.handshake),
                keep_alive_min_ms: millis(limits.keep_alive_min),
                keep_alive_max_ms: millis(limits.keep_alive_max),
            },
            refused_logons: Throttle::per_second(limits.refused_logons_per_sec),
            instance: Text::new(&seed.instance),
            epoch: seed.epoch,
            poll: self.poll,
            listener: Some(self.listener),
            address: self.address,
            ack: self.config.ack,
            limits,
            blocked: self.config.blocked,
            cancel_on_failure: self.config.cancel_on_failure,
            office,
            clock,
            start: Instant::now(),
            stop: StopHandle::new(self.waker),
            connections: Vec::new(),
            free: Vec::new(),
            generation: 0,
            unauthenticated: 0,
            unauthenticated_by_address: HashMap::new(),
            accepting: true,
            accept_again_at: 0,
            ready: Vec::new(),
            stalled: Vec::new(),
            touched: Vec::new(),
            settling: Vec::new(),
            control: VecDeque::new(),
            current: None,
            now: 0,
            stamp: 0,
            seen: 0,
            next_tick: 0,
            told_deadline: 0,
        })
    }
}

/// The I/O thread's state.
#[derive(Debug)]
pub struct Gateway<O> {
    poll: Poll,
    listener: Option<TcpListener>,
    address: SocketAddr,
    ack: AckPolicy,
    limits: Limits,
    /// Sessions that are refused as long as the file beside each is there.
    blocked: Vec<(u32, PathBuf)>,
    cancel_on_failure: bool,
    timing: Timing,
    office: O,
    clock: Arc<dyn Clock>,
    start: Instant,
    stop: StopHandle,
    verifier: Verifier,
    table: Table,
    instance: Text<16>,
    epoch: u64,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    generation: usize,
    unauthenticated: usize,
    unauthenticated_by_address: HashMap<IpAddr, usize>,
    /// The listener may have more connections.
    accepting: bool,
    /// After the process ran out of descriptors.
    accept_again_at: u64,
    /// Slots with something to read.
    ready: Vec<usize>,
    /// Slots that hold a command for a full ring.
    stalled: Vec<usize>,
    /// Slots with something to write.
    touched: Vec<usize>,
    /// Slots that wait for older messages of their session.
    settling: Vec<usize>,
    /// The gateway's own commands that the control ring had no room for; all others wait behind them.
    control: VecDeque<Inbound>,
    /// The command whose messages the engine is sending: session index, engineSeq, time of receipt.
    current: Option<(usize, u64, u64)>,
    refused_logons: Throttle,
    /// Monotonic time of this turn.
    now: u64,
    /// Stamp of what is received in this turn.
    stamp: u64,
    /// Acknowledged sequence that was acted on.
    seen: u64,
    next_tick: u64,
    told_deadline: u64,
}

/// Milliseconds that a failed journal's engine may take to say what is to be cancelled.
const WISHES_ROUNDS: u32 = 200;

impl<O: Office> Gateway<O> {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For stopping it from elsewhere.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Serves until asked to stop; gives the office back, to be drained.
    ///
    /// # Errors
    /// [`ServeError::Journal`] if nothing can be acknowledged any more: every session has been told.
    pub fn run(&mut self) -> Result<(), ServeError> {
        let mut events = Events::with_capacity(1024);
        let mut idle_since = 0;
        let mut timeout = Duration::ZERO;
        while !self.stop.is_stopped() {
            let worked = self.turn(&mut events, timeout)?;
            timeout = self.patience(worked, &mut idle_since);
        }
        self.drain(&mut events)
    }

    /// How long the next poll may wait.
    fn patience(&mut self, worked: bool, idle_since: &mut u64) -> Duration {
        let now = self.monotonic();
        if worked || !self.ready.is_empty() {
            *idle_since = now;
            return Duration::ZERO;
        }
        if now.saturating_sub(*idle_since) < nanos(self.limits.spin) {
            std::thread::yield_now();
            return Duration::ZERO;
        }
        let wants_room = !self.stalled.is_empty() || !self.control.is_empty();
        if self.verifier.has_verdict() || !self.office.prepare_sleep(self.seen, wants_room) {
            return Duration::ZERO;
        }
        Duration::from_nanos(TICK)
    }

    /// One turn; whether there was anything to do.
    fn turn(&mut self, events: &mut Events, timeout: Duration) -> Result<bool, ServeError> {
        if let Err(error) = self.poll.poll(events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        if !timeout.is_zero() {
            self.office.awake();
        }
        self.now = self.monotonic();
        if let Some(failure) = self.office.failure() {
            tracing::error!(failure, "the journal has failed: every session is ended");
            if self.cancel_on_failure {
                self.ask_for_cancels();
            }
            self.end_all(Ending::JournalFailed);
            return Err(ServeError::Journal(failure));
        }
        let mut worked = !events.is_empty();
        for event in &*events {
            match event.token() {
                LISTENER => self.accepting = true,
                WAKER => {}
                Token(token) => self.on_event(token, event),
            }
        }
        if self.accepting && self.now >= self.accept_again_at {
            self.accept();
        }
        worked |= self.push_waiting();
        if !self.ready.is_empty() {
            self.stamp = self.clock.now();
            self.read_ready();
        }
        while let Some((token, holds)) = self.verifier.verdict() {
            worked = true;
            self.on_verdict(token, holds);
        }
        worked |= self.take_outbound();
        self.settle();
        worked |= self.write_touched();
        if self.now >= self.next_tick {
            self.next_tick = self.now.saturating_add(TICK);
            self.heed_notices();
            self.tick();
        }
        Ok(worked)
    }

    fn on_event(&mut self, token: usize, event: &mio::event::Event) {
        let slot = slot_of(token);
        let Some(connection) = self.connection(slot).filter(|c| c.token == token) else {
            return;
        };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            self.ready.push(slot);
        }
        if event.is_writable() {
            if let Some(connection) = self.connection(slot) {
                connection.writable = true;
            }
            self.touch(slot);
        }
    }

    /// Takes what the engine and the follower sent; whether there was anything.
    fn take_outbound(&mut self) -> bool {
        // Read before the ring: whatever is below the watermark is then in the ring already.
        let acknowledged = self.office.acknowledged(self.ack);
        let mut worked = acknowledged != self.seen;
        self.seen = acknowledged;
        for _ in 0..OUTBOUND_A_TURN {
            let Some(outbound) = self.office.outbound() else {
                break;
            };
            worked = true;
            self.on_outbound(outbound);
        }
        while let Some(answer) = self.office.report() {
            worked = true;
            self.answer(&answer);
        }
        worked
    }

    fn on_outbound(&mut self, outbound: Outbound) {
        match outbound {
            Outbound::Taken {
                session_id,
                in_seq_no,
                engine_seq,
            } => {
                let durable = self.office.durable();
                self.current = self.table.find(session_id).and_then(|index| {
                    let session = self.table.get_mut(index)?;
                    let received = session.take(in_seq_no, engine_seq, durable);
                    Some((index, engine_seq, received))
                });
            }
            Outbound::Dropped {
                session_id,
                in_seq_no,
            } => {
                let index = self.table.find(session_id);
                if let Some(session) = index.and_then(|index| self.table.get_mut(index)) {
                    session.dropped(in_seq_no);
                }
            }
            Outbound::Send(message) if message.reply.seq_no() == 0 => self.answer(&message),
            Outbound::Send(message) => {
                let Some(index) = self.table.find(message.session_id) else {
                    tracing::error!(
                        session = message.session_id,
                        "a message for a session that does not exist"
                    );
                    return;
                };
                let received = match self.current {
                    Some((sender, engine_seq, received))
                        if sender == index && engine_seq == message.reply.engine_seq() =>
                    {
                        received
                    }
                    Some(_) | None => 0,
                };
                let bound = self.table.get_mut(index).and_then(|session| {
                    session.log.append(&message.reply, received);
                    session.bound
                });
                if let Some(slot) = bound {
                    self.touch(slot);
                }
            }
        }
    }

    /// What is due by time alone.
    fn tick(&mut self) {
        for slot in 0..self.connections.len() {
            self.tick_connection(slot);
        }
        if let Some(deadline) = self.office.next_deadline()
            && deadline != self.told_deadline
        {
            let stamp = self.clock.now();
            if stamp >= deadline {
                self.told_deadline = deadline;
                self.stamp = stamp;
                self.command(TimePassed::default().into());
            }
        }
    }

    /// Tells the log what the clerk has done, and lets in what it asks for.
    fn heed_notices(&mut self) {
        while let Some(notice) = self.office.notice() {
            match notice {
                Notice::Done(what) => tracing::info!("{what}"),
                Notice::Failed(what) => tracing::warn!("{what}"),
                Notice::Enter(command) => self.command(command),
            }
        }
    }

    /// Sends one of the gateway's own commands.
    fn command(&mut self, command: Command) {
        self.control.push_back(Inbound {
            received_at: self.stamp.max(self.clock.now()),
            session_id: 0,
            in_seq_no: 0,
            command,
        });
        self.push_control();
    }

    /// Pushes the gateway's own commands; whether none is left.
    fn push_control(&mut self) -> bool {
        while let Some(inbound) = self.control.pop_front() {
            if let Err(back) = self.office.push(Lane::Control, inbound) {
                self.control.push_front(back);
                return false;
            }
        }
        true
    }

    /// Stops in order: what is under way is answered, then every session is told.
    fn drain(&mut self, events: &mut Events) -> Result<(), ServeError> {
        if let Some(mut listener) = self.listener.take() {
            self.poll.registry().deregister(&mut listener)?;
        }
        tracing::info!("stopping: no more connections or messages are taken");
        let until = self.monotonic().saturating_add(nanos(self.limits.drain));
        let mut told = false;
        loop {
            self.ready.clear();
            self.turn(events, Duration::from_millis(1))?;
            let durable = self.office.durable();
            let settled = self.table.iter_mut().all(|s| s.is_settled(durable));
            let late = self.now >= until;
            if !told && (late || (settled && self.touched.is_empty())) {
                told = true;
                self.end_all(Ending::Stopping);
            } else if told && (late || self.control.is_empty()) {
                return Ok(());
            }
        }
    }

    /// Best effort: the venues that are up are asked to cancel all inline orders.
    fn ask_for_cancels(&mut self) {
        let mut rounds = WISHES_ROUNDS;
        while self.office.wishes().is_none() && rounds > 0 {
            rounds -= 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        let wishes = self.office.wishes().unwrap_or_default().to_vec();
        if !wishes.is_empty() {
            tracing::warn!(orders = wishes.len(), "asking the venues to cancel");
        }
        for wish in &wishes {
            self.answer(wish);
        }
        self.write_touched();
    }

    fn end_all(&mut self, ending: Ending) {
        for slot in 0..self.connections.len() {
            self.end(slot, ending);
        }
    }

    fn connection(&mut self, slot: usize) -> Option<&mut Connection> {
        self.connections.get_mut(slot)?.as_mut()
    }

    fn monotonic(&self) -> u64 {
        // 0 means "not known" for times of receipt.
        nanos_since(self.start).max(1)
    }
}

/// A gateway with the pipeline behind it.
#[derive(Debug)]
pub struct Server {
    gateway: Gateway<Doors>,
    pipeline: PipelineHandle,
}

impl Server {
    /// Binds the address and starts all threads on an opened journal.
    ///
    /// # Errors
    /// [`ServeError`] if the address is taken or a thread can't be started.
    pub fn start(
        config: ServerConfig,
        options: pipeline::Options,
        opened: Opened,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServeError> {
        Self::on(Bound::bind(config)?, options, opened, clock)
    }

    /// [`Self::start`] on an address that is bound already.
    ///
    /// # Errors
    /// [`ServeError`] if a thread can't be started.
    pub fn on(
        bound: Bound,
        options: pipeline::Options,
        mut opened: Opened,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServeError> {
        let seed = Seed::of(&mut opened);
        let batch_clock = Arc::clone(&clock);
        let (doors, pipeline) = Pipeline::start(
            opened,
            options,
            Arc::new(move || batch_clock.now()),
            bound.wake(),
        )?;
        Ok(Self {
            gateway: bound.with(seed, doors, clock)?,
            pipeline,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// For stopping it from elsewhere.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.gateway.stop_handle()
    }

    /// Serves on the calling thread until asked to stop; then drains, syncs and marks the journal.
    ///
    /// # Errors
    /// [`ServeError`]: the process must exit non-zero.
    pub fn run(mut self) -> Result<Stopped, ServeError> {
        let served = self.gateway.run();
        let stopped = self.pipeline.shutdown(&self.gateway.office, drop);
        served?;
        Ok(stopped?)
    }
}

const fn slot_of(token: usize) -> usize {
    token & ((1 << SLOT_BITS) - 1)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
