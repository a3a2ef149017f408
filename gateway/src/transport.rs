//! How bytes travel: plain TCP or TLS behind the same questions.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::tls::{Handshake, TlsStream};

/// A connection's bytes, as the application sees them.
#[derive(Debug)]
pub enum Transport {
    /// Nothing between the application and TCP.
    Plain(TcpStream),
    /// TLS 1.3.
    Tls(Box<TlsStream>),
}

impl Transport {
    /// Reads application bytes. `Ok(0)` is the end; `WouldBlock` also means that nothing is left in
    /// buffers here.
    ///
    /// # Errors
    /// `WouldBlock` when there are none now; anything else means that the connection is over.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(tls) => tls.read(into),
        }
    }

    /// Writes application bytes; returns how many were taken.
    ///
    /// # Errors
    /// `WouldBlock` when none can be taken now; anything else means that the connection is over.
    pub fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(from),
            Self::Tls(tls) => tls.write(from),
        }
    }

    /// Whether bytes that were taken have not left.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.has_unsent(),
        }
    }

    /// Writes what was taken and has not left.
    ///
    /// # Errors
    /// As [`Transport::write`].
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }

    /// Whether what is read comes from the socket as it is.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether no application bytes can come or go yet.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.is_handshaking(),
        }
    }

    /// Takes in a part of a handshake; see [`TlsStream::fill_handshake`].
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing now; anything else means that the connection is over.
    pub fn fill_handshake(&mut self) -> io::Result<Option<Handshake>> {
        match self {
            Self::Plain(_) => Err(io::ErrorKind::WouldBlock.into()),
            Self::Tls(tls) => tls.fill_handshake(),
        }
    }

    /// Takes a handshake back that was advanced elsewhere.
    pub fn resume(&mut self, handshake: Handshake) {
        match self {
            Self::Plain(_) => {}
            Self::Tls(tls) => tls.resume(handshake),
        }
    }

    /// Says that nothing more will be written.
    pub fn finish(&mut self) {
        if let Self::Tls(tls) = self {
            // The peer may have gone already; there is nothing else to do then.
            drop(tls.close());
        }
        drop(self.socket().shutdown(Shutdown::Write));
    }

    /// Registers the socket, for reading and writing, edge-triggered.
    ///
    /// # Errors
    /// As the system says.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket()
            .register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Takes the socket out of the poll.
    ///
    /// # Errors
    /// As the system says.
    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket().deregister(registry)
    }

    fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.socket(),
        }
    }
}
