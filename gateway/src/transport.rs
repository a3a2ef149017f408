//! How bytes travel: plain TCP now, TLS later behind the same four questions.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// A connection's bytes, as the application sees them.
#[derive(Debug)]
pub enum Transport {
    /// Nothing between the application and TCP.
    Plain(TcpStream),
}

impl Transport {
    /// Reads application bytes.
    ///
    /// # Errors
    /// `WouldBlock` when there are none now; anything else means that the connection is over.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
        }
    }

    /// Writes application bytes; returns how many were taken.
    ///
    /// # Errors
    /// `WouldBlock` when none can be taken now; anything else means that the connection is over.
    pub fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(from),
        }
    }

    /// Application bytes that are already here although the socket may have nothing more to read: who
    /// waits for the socket while this is not 0 waits for ever.
    #[must_use]
    pub const fn buffered(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
        }
    }

    /// Says that nothing more will be written.
    pub fn finish(&mut self) {
        match self {
            // The peer may have gone already; there is nothing else to do then.
            Self::Plain(socket) => drop(socket.shutdown(Shutdown::Write)),
        }
    }

    /// Registers the socket, for reading and writing, edge-triggered.
    ///
    /// # Errors
    /// As the system says.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Plain(socket) => {
                socket.register(registry, token, Interest::READABLE | Interest::WRITABLE)
            }
        }
    }

    /// Takes the socket out of the poll.
    ///
    /// # Errors
    /// As the system says.
    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.deregister(registry),
        }
    }
}
