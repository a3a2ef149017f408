//! What the server is told at its start, what it says at its end, and how it is asked to stop.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, unbounded};
use engine::command::Command;
use engine::pipeline::{AckPolicy, PipelineError};
use engine::recover::{Opened, SessionLog};
use engine::view::SessionView;
use mio::Waker;

use crate::key_ring::KeyRing;

/// Bounds of the I/O thread.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From accept to Logon.
    pub handshake: Duration,
    /// Shortest heartbeat interval a client may ask for.
    pub keep_alive_min: Duration,
    /// Longest heartbeat interval a client may ask for.
    pub keep_alive_max: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Connections that have not logged on, in all.
    pub unauthenticated: usize,
    /// Connections that have not logged on, from one address.
    pub unauthenticated_per_address: usize,
    /// Connections of one address in a second, for long.
    pub accepts_per_sec: u32,
    /// Connections of one address at once.
    pub accepts_burst: u32,
    /// Messages of one session that may wait for the engine.
    pub in_flight: usize,
    /// Messages a second of one session, cancels as many again; 0 for no throttle.
    pub max_msg_per_sec: u32,
    /// Bytes of outbound messages kept in memory for each session; older ones come from the journal.
    pub outbound_log_bytes: usize,
    /// Bytes of outbound messages kept in memory for all sessions: each has an equal share at most.
    pub outbound_logs_total: usize,
    /// Bytes of output that may wait for all slow connections together.
    pub output_total: usize,
    /// Routed requests older than this leave marked as stale.
    pub route_max_age: Duration,
    /// Live messages that may wait for a slow connection.
    pub backlog_messages: u64,
    /// Bytes of answers to queries that may wait for a slow connection.
    pub backlog_answer_bytes: usize,
    /// How long a connection may take nothing while output waits.
    pub stall: Duration,
    /// Refused logons journalled and logged a second; the others are only counted, in the next log line. As many
    /// failed TLS handshakes are logged.
    pub refused_logons_per_sec: u32,
    /// How long the loop stays awake after the last work before it sleeps.
    pub spin: Duration,
    /// How long a stop waits for what is under way.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(2),
            keep_alive_min: Duration::from_millis(50),
            keep_alive_max: Duration::from_secs(60),
            connections: 10_000,
            unauthenticated: 1024,
            unauthenticated_per_address: 256,
            max_msg_per_sec: 0,
            accepts_per_sec: 200,
            accepts_burst: 1000,
            in_flight: 256,
            outbound_log_bytes: 16 << 20,
            outbound_logs_total: 512 << 20,
            output_total: 256 << 20,
            route_max_age: Duration::from_secs(2),
            backlog_messages: 1 << 18,
            backlog_answer_bytes: 1 << 20,
            stall: Duration::from_secs(10),
            refused_logons_per_sec: 10,
            spin: Duration::from_micros(50),
            drain: Duration::from_secs(2),
        }
    }
}

/// What the gateway needs to know at its start.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// When replies leave.
    pub ack: AckPolicy,
    /// Bounds.
    pub limits: Limits,
    /// Certificate and key; `None` for plain TCP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Who may log on; `None` for the keys that the journal holds.
    pub keys: Option<KeyRing>,
    /// Sessions that are refused as long as the file beside each is there.
    pub blocked: Vec<(u32, PathBuf)>,
    /// Whether the venues are asked to cancel all inline orders when the journal fails.
    pub cancel_on_failure: bool,
}

impl ServerConfig {
    /// Usual bounds.
    #[must_use]
    pub fn new(listen: SocketAddr, ack: AckPolicy) -> Self {
        Self {
            listen,
            ack,
            limits: Limits::default(),
            tls: None,
            keys: None,
            blocked: Vec::new(),
            cancel_on_failure: true,
        }
    }
}

/// The sessions as the journal knows them at the start.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// Name that clients pin.
    pub instance: String,
    /// Epoch of the journal.
    pub epoch: u64,
    /// All sessions.
    pub sessions: Vec<SessionView>,
    /// What is still known of their outbound logs.
    pub logs: Vec<SessionLog>,
    /// Who may log on.
    pub keys: KeyRing,
}

impl Seed {
    /// Takes it from an opened journal.
    #[must_use]
    pub fn of(opened: &mut Opened) -> Self {
        let firm = opened.engine.firm();
        Self {
            instance: firm
                .as_ref()
                .map_or_else(String::new, |f| f.instance.clone()),
            epoch: firm.map_or(0, |f| f.epoch),
            keys: KeyRing::of_views(&opened.engine.sessions().collect::<Vec<_>>()),
            sessions: opened.engine.sessions().collect(),
            logs: std::mem::take(&mut opened.logs),
        }
    }
}

/// Why the server could not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The poll or a thread failed.
    #[error("the I/O thread cannot go on: {0}")]
    Io(#[from] io::Error),
    /// Nothing can be acknowledged any more.
    #[error("the journal has failed: {0}; exit, and look at the disk before the next start")]
    Journal(String),
    /// The pipeline did not stop cleanly.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// Asks a running server to stop, from any thread or signal handler's thread.
#[derive(Debug, Clone)]
pub struct StopHandle {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl StopHandle {
    /// A handle that has not been used.
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        Self {
            stop: Arc::new(AtomicBool::new(false)),
            waker,
        }
    }

    /// Whether somebody has asked.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Stop accepting, end the sessions, drain.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        // A waker that fails belongs to a server that has gone.
        drop(self.waker.wake());
    }
}

/// What may change while the server runs.
#[derive(Debug, Clone)]
pub struct Reload {
    /// From the next moment on these keys may log on, and no others. Who has logged on with a key that
    /// is gone is ended.
    pub keys: KeyRing,
    /// Changed sessions, to be journalled.
    pub journal: Vec<Command>,
    /// For connections from the next moment on; `None` leaves it as it is, as a server does that began
    /// without TLS.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// Puts other keys and certificates in the place of those in force, from any thread.
#[derive(Debug, Clone)]
pub struct ReloadHandle {
    reloads: Sender<Reload>,
    waker: Arc<Waker>,
}

impl ReloadHandle {
    /// A handle and where it leads.
    pub(crate) fn new(waker: Arc<Waker>) -> (Self, Receiver<Reload>) {
        let (reloads, inbox) = unbounded();
        (Self { reloads, waker }, inbox)
    }

    /// Replaces both, within a tick.
    pub fn replace(&self, reload: Reload) {
        // What is meant for a server that has gone is lost with it.
        drop(self.reloads.send(reload));
        drop(self.waker.wake());
    }
}
