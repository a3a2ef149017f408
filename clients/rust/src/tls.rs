//! TLS of a client: whose certificate the server must have, and which certificate the client shows.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::keys::KeyError;

/// How to speak TLS 1.3 to a server.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

/// Files or names that make no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The private key's file may be used by others.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file holds nothing of use.
    #[error("{}: {cause}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The server's name is neither a host name nor an address.
    #[error("`{0}` is no name that a server's certificate could have")]
    Name(String),
}

/// A client's own certificate.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Certificate and those between it and an authority, PEM.
    pub certificate: &'a Path,
    /// Private key, PEM; nobody but its owner may read it.
    pub key: &'a Path,
}

impl Tls {
    /// Trusts servers called `server_name` (a host name or an address) by the authorities in a PEM file,
    /// and shows a certificate where the server asks for one.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn new(
        authorities: &Path,
        server_name: &str,
        identity: Option<Identity<'_>>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authorities)? {
            roots.add(certificate).map_err(wrong(authorities))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(wrong(authorities))?
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                crate::keys::check_mode(key)?;
                let private = PrivateKeyDer::from_pem_file(key).map_err(wrong(key))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, private)
                    .map_err(wrong(certificate))?
            }
        };
        let server_name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| TlsError::Name(server_name.to_owned()))?;
        Ok(Self {
            config: Arc::new(config),
            server_name,
        })
    }

    /// A connection over a socket; the handshake comes with the first read.
    pub(crate) fn connect(
        &self,
        socket: TcpStream,
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.server_name.clone())
            .map_err(std::io::Error::other)?;
        Ok(StreamOwned::new(connection, socket))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = fs::read(path).map_err(wrong(path))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = read.map_err(wrong(path))?;
    if found.is_empty() {
        return Err(wrong(path)("no certificate is in it"));
    }
    Ok(found)
}

fn wrong<E: ToString>(path: &Path) -> impl Fn(E) -> TlsError {
    move |cause| TlsError::File {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}
