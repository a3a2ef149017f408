//! The session: numbers, heartbeats, delivery, resume.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wire::{
    Heartbeat, Hello, LogonAck, POSS_DUP, REPLY_REQUESTED, ReplayComplete, Reply, Request,
    SessionMessage, Terminate, Time,
};

use crate::answer::{Answer, Unacknowledged};
use crate::error::{ClientError, Code};
use crate::logon::{Credentials, Options, log_on};
use crate::resume::Broken;
use crate::stream::FrameStream;

/// How far into the unacknowledged requests an answer's own request is looked for. Answers come in the
/// order of the requests, so it is nearly always the first.
const ACK_SEARCH: usize = 64;

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
/// calls none of them for two intervals loses its connection. With [`Options::reconnect_for`] the calls
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

    /// The next event, waiting for at most `timeout`; `None` if there was none.
    ///
    /// # Errors
    /// [`ClientError`] when the connection is over; [`ClientError::Terminated`] carries the server's
    /// reason.
    pub fn recv(&mut self, timeout: Duration) -> Result<Option<Event>, ClientError> {
        if let Some(event) = self.aside.pop_front() {
            return Ok(Some(event));
        }
        self.recv_live(timeout)
    }

    /// [`Client::recv`] without what was put aside.
    pub(crate) fn recv_live(&mut self, timeout: Duration) -> Result<Option<Event>, ClientError> {
        let deadline = Instant::now() + timeout;
        loop {
            if self.broken.is_some() {
                let event = self.take_up(deadline)?;
                if event.is_some() || Instant::now() >= deadline {
                    return Ok(event);
                }
                continue;
            }
            match self.recv_unbroken(deadline) {
                Ok(event) => return Ok(event),
                Err(cause) => self.line_broke(cause)?,
            }
        }
    }

    fn recv_unbroken(&mut self, deadline: Instant) -> Result<Option<Event>, ClientError> {
        // However near the deadline, what is here is looked for once.
        let mut has_looked = false;
        loop {
            if let Some(event) = self.next_event()? {
                return Ok(Some(event));
            }
            let now = self.tick()?;
            if has_looked && now >= deadline {
                return Ok(None);
            }
            has_looked = true;
            let wait = deadline
                .saturating_duration_since(now)
                .min(self.keep_alive / 2);
            if self.stream.fill(wait)? {
                self.last_heard = Instant::now();
            } else {
                self.check_silence()?;
                if self.nonblocking {
                    std::thread::yield_now();
                }
            }
        }
    }

    /// The next event that is already here.
    ///
    /// # Errors
    /// As [`Client::recv`].
    pub fn try_recv(&mut self) -> Result<Option<Event>, ClientError> {
        if let Some(event) = self.aside.pop_front() {
            return Ok(Some(event));
        }
        if self.broken.is_some() {
            return self.take_up(Instant::now());
        }
        match self.try_recv_unbroken() {
            Err(cause) => self.line_broke(cause).map(|()| None),
            event => event,
        }
    }

    fn try_recv_unbroken(&mut self) -> Result<Option<Event>, ClientError> {
        if let Some(event) = self.next_event()? {
            return Ok(Some(event));
        }
        let now = self.tick()?;
        let filled = if self.nonblocking {
            self.stream.fill(Duration::ZERO)?
        } else {
            self.stream.set_nonblocking(true)?;
            let filled = self.stream.fill(Duration::ZERO);
            self.stream.set_nonblocking(false)?;
            filled?
        };
        if !filled {
            return self.check_silence().map(|()| None);
        }
        self.last_heard = now;
        self.next_event()
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

    /// Sends the heartbeat that is due; the time it read.
    fn tick(&mut self) -> Result<Instant, ClientError> {
        let now = Instant::now();
        if self.answer_due || now.duration_since(self.last_sent) >= self.keep_alive {
            self.answer_due = false;
            self.last_sent = now;
            // A client that heard nothing for an interval asks whether anybody is there.
            let silent = now.duration_since(self.last_heard) >= self.keep_alive;
            self.stream.queue(&Heartbeat {
                flags: if silent { REPLY_REQUESTED } else { 0 },
                next_seq_no: self.next_seq_no,
                last_applied_seq_no: self.next_expected.saturating_sub(1),
                send_time: wall_clock(),
                echo_time: self.peer_time,
            });
            self.stream.flush()?;
        }
        Ok(now)
    }

    /// After a read that brought nothing: whether the server still speaks. A program that was busy for long
    /// finds what waits for it first.
    fn check_silence(&self) -> Result<(), ClientError> {
        let silence = self.last_heard.elapsed();
        if silence > self.keep_alive * 3 {
            return Err(ClientError::Silent(silence));
        }
        Ok(())
    }

    fn next_event(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            let Some(frame) = self.stream.next_frame()? else {
                return Ok(None);
            };
            let message = Incoming::decode(frame.template_id, frame.block)?;
            match message {
                Incoming::Reply(reply) => {
                    if let Some(event) = self.on_reply(reply)? {
                        return Ok(Some(event));
                    }
                }
                Incoming::Session(message) => {
                    if let Some(event) = self.on_session(message)? {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }

    fn on_reply(&mut self, reply: Reply) -> Result<Option<Event>, ClientError> {
        let seq_no = reply.seq_no();
        if seq_no != 0 {
            if seq_no < self.next_expected {
                return Ok(None);
            }
            if seq_no > self.next_expected {
                return Err(ClientError::Gap {
                    expected: self.next_expected,
                    found: seq_no,
                });
            }
            self.next_expected += 1;
        }
        self.answered(&reply);
        Ok(Some(Event::Reply(reply)))
    }

    fn on_session(&mut self, message: SessionMessage) -> Result<Option<Event>, ClientError> {
        match message {
            SessionMessage::Heartbeat(heartbeat) => {
                self.peer_time = heartbeat.send_time;
                self.answer_due |= heartbeat.flags & REPLY_REQUESTED != 0;
                self.applied(heartbeat.last_applied_seq_no);
                Ok(Some(Event::Heartbeat(heartbeat)))
            }
            SessionMessage::ReplayComplete(complete) => Ok(Some(Event::ReplayComplete(complete))),
            SessionMessage::Terminate(terminate) => {
                self.applied(terminate.last_applied_seq_no);
                Err(ClientError::Terminated {
                    code: Code(terminate.code),
                    last_applied_seq_no: terminate.last_applied_seq_no,
                    next_seq_no: terminate.next_seq_no,
                })
            }
            SessionMessage::Hello(_)
            | SessionMessage::Logon(_)
            | SessionMessage::LogonAck(_)
            | SessionMessage::LogonReject(_) => Err(ClientError::Unexpected {
                expected: "a reply",
                template_id: message.layout().template_id,
            }),
        }
    }

    /// Everything up to `seq_no` is durable.
    fn applied(&mut self, seq_no: u64) {
        self.last_applied = self.last_applied.max(seq_no);
        while self
            .unacknowledged
            .front()
            .is_some_and(|sent| sent.seq_no <= seq_no)
        {
            self.unacknowledged.pop_front();
        }
    }

    /// An answer left the server only when its ack policy allowed, so it and all before it need no
    /// resending in this epoch.
    fn answered(&mut self, reply: &Reply) {
        let Some(answer) = Answer::of(reply) else {
            return;
        };
        let found = self
            .unacknowledged
            .iter()
            .take(ACK_SEARCH)
            .position(|sent| answer.is_to(sent));
        if let Some(index) = found {
            self.unacknowledged.drain(..=index);
        }
    }
}

/// A decoded message of the server.
enum Incoming {
    Reply(Reply),
    Session(SessionMessage),
}

impl Incoming {
    fn decode(template_id: u16, block: &[u8]) -> Result<Self, ClientError> {
        let malformed = |cause| ClientError::Malformed { template_id, cause };
        if let Some(reply) = Reply::decode_block(template_id, block) {
            return reply.map(Self::Reply).map_err(malformed);
        }
        if let Some(message) = SessionMessage::decode_block(template_id, block) {
            return message.map(Self::Session).map_err(malformed);
        }
        Err(ClientError::Unexpected {
            expected: "a message of this schema",
            template_id,
        })
    }
}

fn wall_clock() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX - 1))
}
