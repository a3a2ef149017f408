//! What comes from the server: events in order, heartbeats, what is known to be durable.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wire::{Heartbeat, REPLY_REQUESTED, Reply, SessionMessage, Time};

use super::{Client, Event};
use crate::answer::Answer;
use crate::error::{ClientError, Code};

/// How far into the unacknowledged requests an answer's own request is looked for. Answers come in the
/// order of the requests, so it is nearly always the first.
const ACK_SEARCH: usize = 64;

impl Client {
    /// The next event, waiting for `timeout`; `None` if there was none. The wait is as coarse as the
    /// system's timeouts of sockets: on Linux some milliseconds longer than asked for. Who must look
    /// more often uses [`Client::set_nonblocking`].
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

    /// Sends the heartbeat that is due; the time it read.
    pub(super) fn tick(&mut self) -> Result<Instant, ClientError> {
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
    pub(super) fn applied(&mut self, seq_no: u64) {
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
