//! SIGHUP: keys and certificates are read again, and nothing else. What can't be read leaves those in
//! force as they are.

use super::failure::Failure;
use engine::command::{Command, DefineSession};
use engine::firm::{Firm, TlsPaths};
use gateway::key_ring::KeyRing;
use gateway::server::Reload;
use gateway::tls::TlsFiles;
use rustls::ServerConfig;
use std::path::Path;
use std::sync::Arc;

/// Reads the certificate and key that the firm's file names, relative to the data directory.
pub(super) fn load_tls(
    paths: Option<&TlsPaths>,
    data: &Path,
) -> Result<Option<Arc<ServerConfig>>, Failure> {
    let Some(paths) = paths else {
        return Ok(None);
    };
    let files = TlsFiles {
        certificate: data.join(&paths.certificate),
        key: data.join(&paths.key),
        client_authorities: paths
            .client_authorities
            .as_ref()
            .map(|path| data.join(path)),
    };
    let loaded = files.load();
    loaded
        .map(Some)
        .map_err(|error| Failure::new(1, error.to_string()))
}

/// What changes from one reading of the files to the next.
pub(super) fn reload(
    before: &Firm,
    now: &Firm,
    keys: KeyRing,
    data: &Path,
) -> Result<Reload, Failure> {
    let tls = load_tls(now.process.tls.as_ref(), data)?;
    Ok(Reload {
        keys,
        tls,
        journal: changed(before.sessions(), now.sessions()),
    })
}

/// Sessions whose first key is another, to be journalled. Other differences wait for the next start.
fn changed(before: &[DefineSession], now: &[DefineSession]) -> Vec<Command> {
    let mut out = Vec::new();
    for old in before {
        let Some(new) = now.iter().find(|s| s.session_id == old.session_id) else {
            continue;
        };
        let with_key = DefineSession {
            key_id: new.key_id,
            public_key: new.public_key,
            ..*old
        };
        if with_key != *old {
            out.push(with_key.into());
        }
    }
    out
}
