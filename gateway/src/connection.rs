//! One connection: its buffers, its transport and its place in the protocol. Moves bytes between them
//! and decides nothing.

use std::io;
use std::net::SocketAddr;

use ed25519_dalek::VerifyingKey;
use engine::pipeline::Inbound;
use wire::codec::{self, Frame, MAX_FRAME};
use wire::{FrameError, Hello, Message, Reply};

use crate::history::{Oldest, Recall};
use crate::outbound::{Cursor, encode};
use crate::session::Session;
use crate::tls::Handshake;
use crate::transport::Transport;

/// Bytes read ahead of a logon.
const INPUT_BEFORE_LOGON: usize = 4 * 1024;
/// Bytes read ahead of a session that is logged on.
const INPUT: usize = 64 * 1024;
/// Bytes of an output buffer that outlive a burst.
const OUTPUT_KEPT: usize = 512 * 1024;

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// More bytes.
    Some,
    /// None for now.
    Empty,
    /// The peer has closed, or the connection broke.
    Over,
}

/// Bytes that were read and not yet taken.
#[derive(Debug)]
pub struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity],
            start: 0,
            end: 0,
        }
    }

    /// The first whole frame; it stays until [`Input::consume`].
    ///
    /// # Errors
    /// [`FrameError`] if the bytes are no frames.
    pub fn frame(&self) -> Result<Option<Frame<'_>>, FrameError> {
        codec::split_frame(&self.bytes[self.start..self.end])
    }

    /// Takes `len` bytes off the front.
    pub fn consume(&mut self, len: usize) {
        self.start = self.end.min(self.start.saturating_add(len));
    }

    /// Whether everything that was read has been taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn room(&mut self) -> &mut [u8] {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        } else if self.bytes.len() - self.end < MAX_FRAME {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.bytes[self.end..]
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    /// How its bytes travel.
    pub transport: Transport,
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// Poll token: slot and generation.
    pub token: usize,
    /// Its place in the protocol.
    pub session: Session,
    /// The greeting that it was sent.
    pub hello: Hello,
    /// Index of the logical session that it speaks for.
    pub logical: Option<usize>,
    /// Where it reads in that session's outbound log.
    pub cursor: Option<Cursor>,
    /// ReplayComplete is still to be sent, when the cursor has come to `live_from`.
    pub replaying: bool,
    /// A command that its ring had no room for; nothing more is read until it has.
    pub held: Option<Inbound>,
    /// Bytes read.
    pub input: Input,
    /// Whether the socket may have more.
    pub readable: bool,
    /// Whether the peer sends no more, so that the end stands behind what can still be read.
    pub read_closed: bool,
    /// Whether the socket takes bytes.
    pub writable: bool,
    /// Whether it is on a list of those with something to read.
    pub queued: bool,
    /// Whether it is on the list of those with something to write.
    pub touched: bool,
    /// Whether it is on the list of those that found a full ring.
    pub stalled: bool,
    /// Whether its next message waits for space for the journal.
    pub out_of_space: bool,
    /// Whether it has as many messages in the ring as a session may have.
    pub waits_for_engine: bool,
    /// What comes before the log in memory, while it is being read back.
    pub recall: Option<Recall>,
    /// Its question how far back the journal goes, while it logs on.
    pub oldest: Option<Oldest>,
    /// Whether it counts as one that has not logged on.
    pub is_newcomer: bool,
    /// The session that it has logged on for; 0 before.
    pub session_id: u32,
    /// The key that its logon names.
    pub key: Option<VerifyingKey>,
    /// When it is dropped after its last words, monotonic.
    pub closes_at: Option<u64>,
    /// When its last whole frame was taken, monotonic.
    pub framed_at: u64,
    /// Last time that output was taken or there was none, monotonic.
    pub progress_at: u64,
    out: Vec<u8>,
    written: usize,
    finished: bool,
}

impl Connection {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(
        transport: Transport,
        peer: SocketAddr,
        token: usize,
        session: Session,
        hello: Hello,
        now: u64,
    ) -> Self {
        Self {
            transport,
            peer,
            token,
            session,
            hello,
            logical: None,
            cursor: None,
            replaying: false,
            held: None,
            input: Input::with_capacity(INPUT_BEFORE_LOGON),
            readable: true,
            read_closed: false,
            writable: true,
            queued: false,
            touched: false,
            stalled: false,
            out_of_space: false,
            waits_for_engine: false,
            recall: None,
            oldest: None,
            is_newcomer: true,
            session_id: 0,
            key: None,
            closes_at: None,
            framed_at: 0,
            progress_at: now,
            out: Vec::new(),
            written: 0,
            finished: false,
        }
    }

    /// Makes room for a session that has proven itself.
    pub fn widen(&mut self) {
        if self.input.bytes.len() < INPUT {
            self.input.bytes.resize(INPUT, 0);
        }
    }

    /// Takes in a part of a TLS handshake; `Some` has to be advanced elsewhere and given to
    /// [`Connection::resume`].
    ///
    /// # Errors
    /// [`Filled::Empty`] if nothing has come, [`Filled::Over`] if the connection is over.
    pub fn fill_handshake(&mut self) -> Result<Option<Handshake>, Filled> {
        match self.transport.fill_handshake() {
            Ok(handshake) => Ok(handshake),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Err(Filled::Empty)
            }
            Err(_) => Err(Filled::Over),
        }
    }

    /// Takes a handshake back: what came meanwhile can be read, what waits be written.
    pub fn resume(&mut self, handshake: Handshake) {
        self.transport.resume(handshake);
        self.readable = true;
        self.writable = true;
    }

    /// Reads once.
    pub fn fill(&mut self) -> Filled {
        let room = self.input.room();
        if room.is_empty() {
            return Filled::Empty;
        }
        let asked = room.len();
        match self.transport.read(room) {
            Ok(0) => Filled::Over,
            Ok(n) => {
                // A socket that gives less than was asked for has no more, and says when it has again.
                self.readable = n == asked || self.read_closed || !self.transport.is_plain();
                self.input.end += n;
                Filled::Some
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Filled::Some,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Filled::Empty
            }
            Err(_) => Filled::Over,
        }
    }

    /// Reads and forgets, after the last words.
    pub fn discard(&mut self) -> Filled {
        self.input.consume(usize::MAX);
        self.fill()
    }

    /// Puts a message behind what is to be written.
    pub fn send<M: Message>(&mut self, message: &M) {
        let mut frame = [0; MAX_FRAME];
        let len = codec::encode_frame(message, &mut frame);
        self.out.extend_from_slice(&frame[..len]);
    }

    /// Puts a reply behind what is to be written.
    pub fn send_reply(&mut self, reply: &Reply) {
        let mut frame = [0; MAX_FRAME];
        let len = encode(reply, &mut frame);
        self.out.extend_from_slice(&frame[..len]);
    }

    /// Puts the first whole frame that was read behind what is to be written; false if there is none.
    ///
    /// # Errors
    /// [`FrameError`] if the bytes are no frames.
    pub fn echo_frame(&mut self) -> Result<bool, FrameError> {
        let Some(len) = self.input.frame()?.map(|frame| frame.len) else {
            return Ok(false);
        };
        let start = self.input.start;
        self.out
            .extend_from_slice(&self.input.bytes[start..start + len]);
        self.input.consume(len);
        Ok(true)
    }

    /// Bytes that wait to be written; one more while encrypted ones do, whose number is not known.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.out.len() - self.written + usize::from(self.transport.has_unsent())
    }

    /// What is to be written, to add to it.
    pub fn out(&mut self) -> &mut Vec<u8> {
        if self.written > 0 {
            self.out.drain(..self.written);
            self.written = 0;
        }
        &mut self.out
    }

    /// Writes once; false if the connection is over.
    pub fn write(&mut self, now: u64) -> bool {
        if self.transport.has_unsent() {
            match self.transport.flush() {
                Ok(()) => self.progress_at = now,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    return true;
                }
                Err(_) => return false,
            }
        }
        if self.out.len() == self.written {
            self.progress_at = now;
            self.finish();
            return true;
        }
        match self.transport.write(&self.out[self.written..]) {
            Ok(0) => return false,
            Ok(n) => {
                self.written += n;
                self.progress_at = now;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
            Err(_) => return false,
        }
        if self.out.len() == self.written {
            self.out.clear();
            self.written = 0;
            // What a burst needed is given back.
            if self.out.capacity() > OUTPUT_KEPT {
                self.out.shrink_to(OUTPUT_KEPT);
            }
            if !self.transport.has_unsent() {
                self.finish();
            }
        }
        true
    }

    /// After the last words the peer is told that no more will come, and may read them in peace.
    fn finish(&mut self) {
        if self.closes_at.is_some() && !self.finished {
            self.finished = true;
            self.transport.finish();
        }
    }
}
