//! The session: numbers, what is sent, resume. What is received: `receive`.

mod receive;

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use wire::{Heartbeat, Hello, LogonAck, POSS_DUP, ReplayComplete, Reply, Request, Terminate, Time};

use crate::answer::Unacknowledged;
use crate::error::ClientError;
use crate::logon::{Credentials, Options, log_on};
use crate::resume::Broken;
use crate::stream::FrameStream;

/// Something the server said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A message of the session's outbound log, each exactly once and in order; or the answer to a
    /// query (seqNo 0).
    Reply(Reply),
    /// What was asked for at logon has been replayed; what follows is live.
    ReplayComplete(ReplayComplete),
    /// A heartbeat of the server with both watermarks.
    Heartbeat(Heartbeat),
    /// The line broke and the session is up again, as [`Options::reconnect_for`] asks for: nothing was
    /// lost, and what the server had not applied was sent again.
    Resumed(LogonAck),
}

/// One session with a server: numbers what it sends, delivers each reply once, keeps the line alive.
///
/// Heartbeats are sent by [`Client::recv`], [`Client::try_recv`] and [`Client::send`]: a program that
/// calls none of them for three intervals loses its connection. With [`Options::reconnect_for`] the calls
/// take a broken session up again by themselves; without it they return what broke, and
/// [`Client::reconnect`] takes it up.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    credentials: Credentials,
    options: Options,
    stream: FrameStream,
    hello: Hello,
    ack: LogonAck,
    /// Sequence number of the next request.
    next_seq_no: u64,
    /// Next outbound message of the server.
    next_expected: u64,
    last_applied: u64,
    unacknowledged: VecDeque<Unacknowledged>,
    nonblocking: bool,
    keep_alive: Duration,
    last_sent: Instant,
    last_heard: Instant,
    /// `sendTime` of the server's last heartbeat, to be echoed.
    peer_time: Time,
    /// Answer to a heartbeat that asked for one is due.
    answer_due: bool,
    /// Events that a helper of [`crate::ops`] put aside.
    pub(crate) aside: VecDeque<Event>,
    /// The line is broken, and is to be taken up again.
    pub(crate) broken: Option<Broken>,
}

impl Client {
    /// Connects, proves the session's identity and logs on.
    ///
    /// # Errors
    /// [`ClientError`] says what failed: the connection, a pinned instance, the logon.
    pub fn connect(
        address: impl ToSocketAddrs,
        credentials: Credentials,
        options: Options,
    ) -> Result<Self, ClientError> {
        let address = address
            .to_socket_addrs()
            .map_err(ClientError::Address)?
            .next()
            .ok_or_else(|| ClientError::Address(std::io::ErrorKind::NotFound.into()))?;
        let (stream, hello, ack) = log_on(
            address,
            &credentials,
            &options,
            options.epoch,
            options.next_expected,
        )?;
        let now = Instant::now();
        let next_expected = match options.next_expected {
            0 => ack.next_seq_no,
            n => n,
        };
        Ok(Self {
            address,
            credentials,
            options,
            stream,
            hello,
            ack,
            next_seq_no: ack.last_applied_seq_no + 1,
            next_expected,
            last_applied: ack.last_applied_seq_no,
            unacknowledged: VecDeque::new(),
            nonblocking: false,
            keep_alive: Duration::from_millis(ack.keep_alive_ms.into()),
            last_sent: now,
            last_heard: now,
            peer_time: Time(0),
            answer_due: false,
            aside: VecDeque::new(),
            broken: None,
        })
    }

    /// Takes up the session on a new connection: asks for every reply not yet delivered, and sends what
    /// the server's durable journal does not hold again, under the same numbers.
    ///
    /// # Errors
    /// As [`Client::connect`]; [`ClientError::WrongEpoch`] means that acknowledged records may be lost
    /// and that nothing was sent again. The session keeps its state, so that the call may be repeated.
    pub fn reconnect(&mut self) -> Result<(), ClientError> {
        let (stream, hello, ack) = log_on(
            self.address,
            &self.credentials,
            &self.options,
            self.ack.epoch,
            self.next_expected,
        )?;
        self.broken = None;
        self.stream = stream;
        self.stream.set_nonblocking(self.nonblocking)?;
        self.hello = hello;
        self.ack = ack;
        self.keep_alive = Duration::from_millis(ack.keep_alive_ms.into());
        self.last_sent = Instant::now();
        self.last_heard = self.last_sent;
        self.peer_time = Time(0);
        self.answer_due = false;
        self.applied(ack.last_applied_seq_no);
        self.next_seq_no = self.next_seq_no.max(ack.last_applied_seq_no + 1);
        for sent in &self.unacknowledged {
            let mut request = sent.request;
            request.set_seq_no(request.flags() | POSS_DUP, sent.seq_no);
            self.stream
                .queue_block(request.layout().template_id, |block| {
                    request.encode_block(block)
                });
        }
        self.stream.flush()?;
        Ok(())
    }

    /// Goes on in the server's epoch after [`ClientError::WrongEpoch`] and a reconciliation with the venue:
    /// call this with what the error says, then [`Client::reconnect`].
    ///
    /// Returns the requests that were not known to be durable. They are not sent again, and their numbers
    /// are void.
    pub fn accept_epoch(&mut self, server: u64, next_seq_no: u64) -> Vec<Request> {
        self.ack.epoch = server;
        self.next_expected = self.next_expected.min(next_seq_no);
        self.next_seq_no = 0;
        self.last_applied = 0;
        self.unacknowledged
            .drain(..)
            .map(|sent| sent.request)
            .collect()
    }

    /// Says where the server is to be found from the next [`Client::reconnect`] on.
    pub fn set_address(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Numbers a request and sends it; returns its number.
    ///
    /// # Errors
    /// [`ClientError`] if the connection is over. The request keeps its number and is sent again when the
    /// session is taken up; with [`Options::reconnect_for`] that is all that happens, and no error.
    pub fn send(&mut self, request: impl Into<Request>) -> Result<u64, ClientError> {
        let seq_no = self.queue(request);
        self.flush()?;
        if self.broken.is_none()
            && let Err(cause) = self.tick()
        {
            self.line_broke(cause)?;
        }
        Ok(seq_no)
    }

    /// Numbers a request and puts it behind what [`Client::flush`] sends: many in one write.
    pub fn queue(&mut self, request: impl Into<Request>) -> u64 {
        let mut request = request.into();
        let seq_no = self.next_seq_no;
        self.next_seq_no += 1;
        request.set_seq_no(request.flags(), seq_no);
        if self.broken.is_none() {
            self.stream
                .queue_block(request.layout().template_id, |block| {
                    request.encode_block(block)
                });
        }
        if self.options.resend {
            self.unacknowledged
                .push_back(Unacknowledged { seq_no, request });
        }
        seq_no
    }

    /// Writes what is queued; `false` if the socket takes no more now (non-blocking only).
    ///
    /// # Errors
    /// [`ClientError::Io`] if the connection is over and is not to be taken up again.
    pub fn flush(&mut self) -> Result<bool, ClientError> {
        if self.broken.is_some() || self.stream.unwritten() == 0 {
            return Ok(true);
        }
        self.last_sent = Instant::now();
        match self.stream.flush() {
            Ok(all) => Ok(all),
            Err(error) => {
                self.line_broke(error.into())?;
                Ok(true)
            }
        }
    }

    /// Chooses whether [`Client::send`] and [`Client::flush`] may block; for load generators that
    /// poll the socket themselves (see [`Client::socket`]).
    ///
    /// # Errors
    /// [`ClientError::Io`] if the system refuses.
    pub fn set_nonblocking(&mut self, nonblocking: bool) -> Result<(), ClientError> {
        self.stream.set_nonblocking(nonblocking)?;
        self.nonblocking = nonblocking;
        Ok(())
    }

    /// The socket, to poll it (it is `AsFd` and `AsRawFd`). Reading or writing it breaks the session.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        self.stream.socket()
    }

    /// Ends the connection in an orderly way. The session can be taken up by another one.
    ///
    /// # Errors
    /// [`ClientError::Io`] if the connection was over.
    pub fn terminate(&mut self) -> Result<(), ClientError> {
        self.stream.queue(&Terminate {
            last_applied_seq_no: self.next_expected.saturating_sub(1),
            next_seq_no: self.next_seq_no,
            ..Terminate::default()
        });
        self.flush()?;
        self.stream.socket().shutdown(std::net::Shutdown::Write)?;
        Ok(())
    }

    /// The server's greeting on this connection.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The server's answer to the logon of this connection.
    #[must_use]
    pub fn logon_ack(&self) -> &LogonAck {
        &self.ack
    }

    /// Epoch that the session's numbers belong to.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.ack.epoch
    }

    /// Number of the next request.
    #[must_use]
    pub fn next_seq_no(&self) -> u64 {
        self.next_seq_no
    }

    /// Number of the next reply: `next_expected` of another process that takes up the session.
    #[must_use]
    pub fn next_expected(&self) -> u64 {
        self.next_expected
    }

    /// Longest wait for an answer, as the options said.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// Highest request that is known to be durable.
    #[must_use]
    pub fn last_applied(&self) -> u64 {
        self.last_applied
    }

    /// How many requests would be sent again after a reconnect now.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged.len()
    }

    /// How long a broken session is tried to be taken up; zero where that is the program's business, as it
    /// is without the requests to send again.
    pub(crate) fn reconnects_for(&self) -> Duration {
        if self.options.resend {
            self.options.reconnect_for
        } else {
            Duration::ZERO
        }
    }
}
