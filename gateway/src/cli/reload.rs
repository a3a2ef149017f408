//! SIGHUP: keys and certificates are read again, and nothing else. What can't be read leaves those in
//! force as they are.

use super::failure::Failure;
use super::key_files::shared_by_two_people;
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
    no_key_of_two(&in_force(before.sessions(), now.sessions()), &keys)?;
    Ok(Reload {
        keys,
        tls,
        journal: changed(before.sessions(), now.sessions()),
    })
}

/// Refuses keys of which one belongs to two people, as the journal has them.
pub(super) fn no_key_of_two(in_force: &[DefineSession], keys: &KeyRing) -> Result<(), Failure> {
    let problems = shared_by_two_people(in_force, keys);
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new(1, problems.join("\nportcullis: ")))
}

/// The sessions as they were, with the keys that they have now.
fn in_force(before: &[DefineSession], now: &[DefineSession]) -> Vec<DefineSession> {
    let with_key = |old: &DefineSession| {
        let new = now.iter().find(|s| s.session_id == old.session_id);
        new.map_or(*old, |new| DefineSession {
            key_id: new.key_id,
            public_key: new.public_key,
            ..*old
        })
    };
    before.iter().map(with_key).collect()
}

/// Sessions whose first key is another, to be journalled. Other differences wait for the next start.
fn changed(before: &[DefineSession], now: &[DefineSession]) -> Vec<Command> {
    let with_keys = in_force(before, now);
    let pairs = with_keys.into_iter().zip(before);
    pairs
        .filter(|(new, old)| new != *old)
        .map(|(new, _)| new.into())
        .collect()
}
