//! The server's side of TLS: its certificate and key from files, who may connect, and one connection's
//! bytes. TLS 1.3 only. Leaves out sockets' readiness and the threads.
//!
//! The expensive part of a handshake (signing, key exchange) belongs off the I/O thread: while a
//! handshake goes on, [`TlsStream::fill_handshake`] takes bytes in, the owner has
//! [`Handshake::advance`] called elsewhere, and [`TlsStream::resume`] takes it back.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

/// The files of a server that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Its certificate and those between it and an authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM; nobody but its owner may read it.
    pub key: PathBuf,
    /// Authorities of the clients' certificates, PEM; without it clients need none.
    pub client_authorities: Option<PathBuf>,
}

/// Files that make no TLS server.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// What the system or the PEM reader said.
        cause: String,
    },
    /// Others may read or write the key.
    #[error("TLS key {} has mode {mode:04o}: others may use it; run `chmod 600 {}`", path.display(), path.display())]
    Mode {
        /// Where.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Certificate and key, or the authorities, are of no use.
    #[error("{}: {cause}", path.display())]
    Unusable {
        /// The certificate, or the authorities.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        check_mode(&self.key)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable(&self.certificate))?;
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(path)? {
                    roots.add(authority).map_err(unusable(path))?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(unusable(path))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(certificates(&self.certificate)?, key)
            .map_err(unusable(&self.certificate))?;
        // Connections last for a day: nothing is gained by resuming them.
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// Refuses a file of secrets that others than its owner may read or write.
fn check_mode(path: &Path) -> Result<(), TlsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(path).map_err(unreadable(path))?;
        if metadata.is_dir() {
            return Err(unreadable(path)("is a directory"));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(TlsError::Mode { path, mode });
        }
    }
    Ok(())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable(path))?
        .collect();
    match read {
        Ok(found) if found.is_empty() => Err(unreadable(path)("no certificate is in it")),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(path)(error)),
    }
}

fn unreadable<E: ToString>(path: &Path) -> impl Fn(E) -> TlsError {
    move |cause| TlsError::Read {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

fn unusable<E: ToString>(path: &Path) -> impl Fn(E) -> TlsError {
    move |cause| TlsError::Unusable {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

/// A handshake that has something to compute.
#[derive(Debug)]
pub struct Handshake(Box<ServerConnection>);

impl Handshake {
    /// Computes: some hundred microseconds. The result is told to [`TlsStream::resume`].
    ///
    /// # Errors
    /// What is wrong with what the peer sent.
    pub fn advance(&mut self) -> Result<(), rustls::Error> {
        self.0.process_new_packets().map(|_| ())
    }
}

/// A connection under TLS.
#[derive(Debug)]
pub struct TlsStream {
    socket: TcpStream,
    /// `None` while a handshake is being computed elsewhere.
    tls: Option<Box<ServerConnection>>,
}

impl TlsStream {
    /// A connection that was just accepted.
    ///
    /// # Errors
    /// Never in practice: what `rustls` says about its configuration.
    pub fn accept(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self {
            socket,
            tls: Some(Box::new(tls)),
        })
    }

    /// The socket.
    pub fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Whether no application bytes can come or go yet.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| tls.is_handshaking())
    }

    /// Takes in what the peer sent of its handshake; `Some` has to be advanced elsewhere and given back,
    /// and nothing can be read or written until it is.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing now; anything else means that the connection is over.
    pub fn fill_handshake(&mut self) -> io::Result<Option<Handshake>> {
        let Some(tls) = &mut self.tls else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        if tls.read_tls(&mut self.socket)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.tls.take().map(Handshake))
    }

    /// Takes a handshake back.
    pub fn resume(&mut self, handshake: Handshake) {
        self.tls = Some(handshake.0);
    }

    /// Reads application bytes.
    ///
    /// # Errors
    /// As [`crate::transport::Transport::read`].
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        loop {
            match tls.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An end without close_notify is an end all the same: frames have their own lengths.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if tls.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    /// Takes application bytes and writes what the socket takes of them.
    ///
    /// # Errors
    /// As [`crate::transport::Transport::write`].
    pub fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let taken = tls.writer().write(from)?;
        match self.flush() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && taken > 0 => {}
            Err(error) => return Err(error),
        }
        if taken == 0 && !from.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    /// Writes what is encrypted and has not left.
    ///
    /// # Errors
    /// `WouldBlock` when the socket takes no more now.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        while tls.wants_write() {
            if tls.write_tls(&mut self.socket)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Whether something is encrypted and has not left.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Says that nothing more will come.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn close(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        self.flush()
    }
}
