//! Starting: the address, the threads behind it, and the server as one piece.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::pipeline::{self, Doors, Pipeline, PipelineHandle, Stopped};
use engine::recover::Opened;
use mio::net::TcpListener;
use mio::{Interest, Poll, Waker};
use wire::Text;

use super::{
    Gateway, LISTENER, ReloadHandle, Seed, ServeError, ServerConfig, StopHandle, WAKER, nanos,
};
use crate::clock::Clock;
use crate::history::History;
use crate::office::Office;
use crate::session::Timing;
use crate::table::{Bounds, Table};
use crate::throttle::Throttle;
use crate::verify_key::Verifier;

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
        mut office: O,
        clock: Arc<dyn Clock>,
    ) -> Result<Gateway<O>, ServeError> {
        let wake = self.wake();
        let limits = self.config.limits;
        let millis = |d: Duration| u32::try_from(d.as_millis()).unwrap_or(u32::MAX);
        let history = match office.archive() {
            Some(archive) => Some(History::start(
                archive,
                Arc::clone(&clock),
                nanos(limits.route_max_age),
                limits.stall,
                Arc::clone(&wake),
            )?),
            None => None,
        };
        let share = limits.outbound_logs_total / seed.sessions.len().max(1);
        let bounds = Bounds {
            max_msg_per_sec: limits.max_msg_per_sec,
            log_bytes: limits.outbound_log_bytes.min(share),
            remembers: history.is_some(),
        };
        let awaits = seed.sessions.iter().filter(|session| session.awaits_grace);
        let graces = awaits.map(|session| session.session_id).collect();
        let (reload, reloads) = ReloadHandle::new(Arc::clone(&self.waker));
        Ok(Gateway {
            verifier: Verifier::start(wake)?,
            history,
            keys: self.config.keys.unwrap_or(seed.keys),
            tls: self.config.tls,
            reloads,
            reload,
            table: Table::new(seed.sessions, seed.logs, bounds),
            timing: Timing {
                handshake: nanos(limits.handshake),
                keep_alive_min_ms: millis(limits.keep_alive_min),
                keep_alive_max_ms: millis(limits.keep_alive_max),
            },
            refused_logons: Throttle::per_second(limits.refused_logons_per_sec),
            untold_refusals: 0,
            broken_handshakes: Throttle::per_second(limits.refused_logons_per_sec),
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
            newcomers: HashMap::new(),
            accepting: true,
            accept_again_at: 0,
            ready: Vec::new(),
            waiting: VecDeque::new(),
            stalled: Vec::new(),
            out_of_space: Vec::new(),
            touched: Vec::new(),
            spare: Vec::new(),
            settling: Vec::new(),
            recalling: Vec::new(),
            graces,
            own_control: VecDeque::new(),
            own_orders: VecDeque::new(),
            current: None,
            now: 0,
            stamp: 0,
            seen: 0,
            next_tick: 0,
            spare_steps: 0,
            ticked: 0,
            told_deadline: 0,
        })
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

    /// For changing keys and certificates from elsewhere.
    #[must_use]
    pub fn reload_handle(&self) -> ReloadHandle {
        self.gateway.reload_handle()
    }

    /// Serves on the calling thread until asked to stop; then drains, syncs and marks the journal.
    ///
    /// # Errors
    /// [`ServeError`]: the process must exit non-zero.
    pub fn run(mut self) -> Result<Stopped, ServeError> {
        let served = self.gateway.run();
        let stopped = self.pipeline.shutdown(&mut self.gateway.office, drop);
        served?;
        Ok(stopped?)
    }
}
