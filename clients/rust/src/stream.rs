//! Frames over a TCP stream: buffers both ways. Knows nothing of sessions.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use wire::Message;
use wire::codec::{self, Frame, HEADER_LEN, MAX_FRAME};

use crate::error::ClientError;
use crate::line::Line;
use crate::logon::Options;

const READ_CHUNK: usize = 64 * 1024;

/// A connection that hands out whole frames.
#[derive(Debug)]
pub(crate) struct FrameStream {
    line: Line,
    inbound: Vec<u8>,
    /// Bytes of `inbound` that hold data.
    start: usize,
    end: usize,
    outbound: Vec<u8>,
    /// Bytes of `outbound` already written.
    written: usize,
    nonblocking: bool,
    /// Read timeout now set on the socket: setting it is a system call.
    read_timeout: Option<Duration>,
}

impl FrameStream {
    /// Connects; a write that makes no progress within the options' timeout fails.
    pub(crate) fn connect(address: SocketAddr, options: &Options) -> io::Result<Self> {
        let timeout = options.timeout;
        let socket = TcpStream::connect_timeout(&address, timeout)?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(timeout))?;
        #[cfg(feature = "tls")]
        let line = match &options.tls {
            Some(tls) => Line::Tls(Box::new(tls.connect(socket)?)),
            None => Line::Plain(socket),
        };
        #[cfg(not(feature = "tls"))]
        let line = Line::Plain(socket);
        Ok(Self {
            line,
            inbound: vec![0; READ_CHUNK],
            start: 0,
            end: 0,
            outbound: Vec::with_capacity(READ_CHUNK),
            written: 0,
            nonblocking: false,
            read_timeout: None,
        })
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.line.socket()
    }

    pub(crate) fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.nonblocking = nonblocking;
        self.line.socket().set_nonblocking(nonblocking)
    }

    /// Appends a message to what [`FrameStream::flush`] sends.
    pub(crate) fn queue<M: Message>(&mut self, message: &M) {
        let mut bytes = [0; MAX_FRAME];
        let len = codec::encode_frame(message, &mut bytes);
        self.outbound.extend_from_slice(&bytes[..len]);
    }

    /// Appends a frame whose root block `encode` writes.
    pub(crate) fn queue_block(
        &mut self,
        template_id: u16,
        encode: impl FnOnce(&mut [u8]) -> usize,
    ) {
        let mut bytes = [0; MAX_FRAME];
        let len = codec::write_frame(template_id, &mut bytes, encode);
        self.outbound.extend_from_slice(&bytes[..len]);
    }

    /// Bytes that wait to be written; one more while encrypted ones do.
    pub(crate) fn unwritten(&self) -> usize {
        self.outbound.len() - self.written + usize::from(self.line.has_unsent())
    }

    /// Writes what is queued; `false` if the socket takes no more now (non-blocking only).
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.written < self.outbound.len() {
            match self.line.write(&self.outbound[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.written += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.nonblocking => {
                    if self.written > READ_CHUNK {
                        self.outbound.drain(..self.written);
                        self.written = 0;
                    }
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        self.outbound.clear();
        self.written = 0;
        match self.line.flush() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.nonblocking => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads once, for at most `wait` (ignored when non-blocking); whether anything came.
    pub(crate) fn fill(&mut self, wait: Duration) -> Result<bool, ClientError> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.inbound.len() - self.end < MAX_FRAME {
            self.inbound.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if !self.nonblocking {
            // A zero timeout would mean "for ever".
            let wait = Some(wait.max(Duration::from_micros(100)));
            if self.read_timeout != wait {
                self.line.socket().set_read_timeout(wait)?;
                self.read_timeout = wait;
            }
        }
        match self.line.read(&mut self.inbound[self.end..]) {
            Ok(0) => Err(ClientError::Closed),
            Ok(n) => {
                self.end += n;
                Ok(true)
            }
            Err(error)
                if [
                    io::ErrorKind::WouldBlock,
                    io::ErrorKind::TimedOut,
                    io::ErrorKind::Interrupted,
                ]
                .contains(&error.kind()) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the next whole frame that has been read.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ClientError> {
        let bytes = &self.inbound[self.start..self.end];
        let frame = codec::split_frame(bytes).map_err(|error| match bytes {
            // A record of TLS: an alert, or its server's half of a handshake.
            [0x15 | 0x16, 0x03, ..] => ClientError::SpeaksTls,
            _ => error.into(),
        })?;
        let Some(frame) = frame else {
            return Ok(None);
        };
        let block = self.start + HEADER_LEN..self.start + frame.len;
        let (template_id, version, len) = (frame.template_id, frame.version, frame.len);
        self.start += len;
        Ok(Some(Frame {
            template_id,
            version,
            block: &self.inbound[block],
            len,
        }))
    }
}
