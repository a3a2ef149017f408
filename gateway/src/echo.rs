//! The floor of every measurement: the same sockets, buffers, frames and waits as the server, and
//! nothing behind them, or nothing but a file. Each frame comes back as it was; there is no logon.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use wire::Hello;

use crate::clock::nanos_since;
use crate::connection::{Connection, Filled};
use crate::server::{ServeError, StopHandle};
use crate::session::{Session, Timing};
use crate::transport::Transport;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// Output above which a connection is not read: who does not take echoes sends no more.
const OUTPUT_MAX: usize = 1 << 20;
const SLEEP: Duration = Duration::from_millis(10);

/// What frames have to pass before they come back.
pub trait Before: fmt::Debug + Send {
    /// So many frames have come together.
    ///
    /// # Errors
    /// What ends the echo.
    fn take(&mut self, frames: usize) -> io::Result<()>;
}

/// A server that sends frames back.
#[derive(Debug)]
pub struct Echo {
    poll: Poll,
    listener: TcpListener,
    address: SocketAddr,
    stop: StopHandle,
    spin: Duration,
    /// What happens to frames before they come back.
    before: Option<Box<dyn Before>>,
    connections: Vec<Option<Connection>>,
}

impl Echo {
    /// Binds the address; `spin` is how long the loop stays awake after the last work, as in
    /// [`crate::server::Limits`].
    ///
    /// # Errors
    /// [`ServeError::Listen`] names the address.
    pub fn bind(listen: SocketAddr, spin: Duration) -> Result<Self, ServeError> {
        let failed = |cause| ServeError::Listen {
            address: listen,
            cause,
        };
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut listener = TcpListener::bind(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            address,
            stop: StopHandle::new(waker),
            spin,
            before: None,
            connections: Vec::new(),
        })
    }

    /// Lets frames come back only when `before` has had them.
    #[must_use]
    pub fn with(mut self, before: impl Before + 'static) -> Self {
        self.before = Some(Box::new(before));
        self
    }

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

    /// Echoes until asked to stop.
    ///
    /// # Errors
    /// [`ServeError::Io`] if the poll fails.
    pub fn run(mut self) -> Result<(), ServeError> {
        let mut events = Events::with_capacity(1024);
        let start = Instant::now();
        let spin = u64::try_from(self.spin.as_nanos()).unwrap_or(u64::MAX);
        let (mut timeout, mut idle_since) = (Duration::ZERO, 0);
        let mut unfinished = Vec::new();
        while !self.stop.is_stopped() {
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error.into());
            }
            let now = nanos_since(start);
            let mut slots = std::mem::take(&mut unfinished);
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(now)?,
                    WAKER => {}
                    Token(slot) => {
                        if let Some(Some(connection)) = self.connections.get_mut(slot) {
                            connection.readable |= event.is_readable() || event.is_read_closed();
                            connection.read_closed |= event.is_read_closed() || event.is_error();
                            connection.writable |= event.is_writable();
                        }
                        slots.push(slot);
                    }
                }
            }
            for slot in &slots {
                if self.echo(*slot, now)? {
                    unfinished.push(*slot);
                }
            }
            let now = nanos_since(start);
            timeout = if !slots.is_empty() {
                idle_since = now;
                Duration::ZERO
            } else if now.saturating_sub(idle_since) < spin {
                std::hint::spin_loop();
                Duration::ZERO
            } else {
                SLEEP
            };
        }
        Ok(())
    }

    fn accept(&mut self, now: u64) -> io::Result<()> {
        loop {
            let (socket, peer) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nodelay(true)?;
            let slot = self.connections.len();
            let mut transport = Transport::Plain(socket);
            transport.register(self.poll.registry(), Token(slot))?;
            let timing = Timing {
                handshake: u64::MAX,
                keep_alive_min_ms: 0,
                keep_alive_max_ms: u32::MAX,
            };
            let session = Session::accepted(timing, now);
            let mut connection =
                Connection::new(transport, peer, slot, session, Hello::default(), now);
            connection.widen();
            self.connections.push(Some(connection));
        }
    }

    /// Reads, sends back, writes once; whether there is more to do at once.
    fn echo(&mut self, slot: usize, now: u64) -> io::Result<bool> {
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return Ok(false);
        };
        let mut frames = 0;
        let over = loop {
            if connection.unwritten() > OUTPUT_MAX {
                break false;
            }
            match connection.echo_frame() {
                Ok(true) => frames += 1,
                Ok(false) if connection.readable => match connection.fill() {
                    Filled::Some | Filled::Empty => {}
                    Filled::Over => break true,
                },
                Ok(false) => break false,
                Err(_) => break true,
            }
        };
        if let Some(before) = &mut self.before
            && frames > 0
        {
            before.take(frames)?;
        }
        let written = !connection.writable || connection.write(now);
        if over || !written {
            self.connections[slot] = None;
            return Ok(false);
        }
        Ok(connection.writable && (connection.readable || connection.unwritten() > 0))
    }
}
