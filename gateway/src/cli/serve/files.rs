//! What a start reads: the firm's file and the keys, which it makes where they may be missing.

use super::ServeArgs;
use crate::cli::failure::Failure;
use crate::cli::key_files;
use ed25519_dalek::SigningKey;
use engine::firm::{EXAMPLE, Firm};
use gateway::key_ring::KeyRing;
use portcullis_client::keys;
use std::fs;
use std::path::Path;

/// The file with its public keys; the example firm gets the keys it misses.
pub(super) fn read_firm(args: &ServeArgs) -> Result<(Firm, KeyRing), Failure> {
    let mut firm = match &args.config {
        Some(path) => {
            let name = path.display().to_string();
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::new(1, format!("cannot read {name}: {error}")))?;
            Firm::parse(&name, &text).map_err(|mistakes| {
                let next = format!("portcullis check-config {name}");
                Failure::new(1, format!("{mistakes}\n  next:  {next}"))
            })?
        }
        None => {
            let firm = Firm::parse("example.toml", EXAMPLE)
                .map_err(|mistakes| Failure::new(1, mistakes.to_string()))?;
            make_keys(&firm, &args.data)?;
            firm
        }
    };
    let ring = key_files::load(&mut firm, &args.data)
        .map_err(|problems| Failure::new(1, problems.join("\nportcullis: ")))?;
    Ok((firm, ring))
}

/// Makes the key pairs that are not there yet. A private key without its public half is not replaced.
pub(super) fn make_keys(firm: &Firm, data: &Path) -> Result<(), Failure> {
    for file in &firm.key_files {
        let public = data.join(&file.path);
        let private = public.with_extension("key");
        if public.exists() {
            continue;
        }
        if let Some(parent) = public.parent() {
            fs::create_dir_all(parent).map_err(|error| {
                Failure::new(1, format!("cannot make {}: {error}", parent.display()))
            })?;
        }
        let failed = |error: keys::KeyError| Failure::new(1, error.to_string());
        let key = if private.exists() {
            keys::load(&private).map_err(failed)?
        } else {
            let key = keys::generate().map_err(failed)?;
            keys::save(&key, &private).map_err(failed)?;
            tracing::info!(session = file.name, key = %private.display(), "made a key");
            key
        };
        fs::write(&public, format!("{}\n", keys::public_hex(&key))).map_err(|error| {
            Failure::new(1, format!("cannot write {}: {error}", public.display()))
        })?;
    }
    Ok(())
}

/// The key that seals the journal's segments, made at the first start.
pub(super) fn server_key(data: &Path) -> Result<SigningKey, Failure> {
    let private = data.join("keys").join("server.key");
    let failed = |error: keys::KeyError| Failure::new(1, error.to_string());
    if private.exists() {
        return keys::load(&private).map_err(failed);
    }
    let directory = data.join("keys");
    fs::create_dir_all(&directory).map_err(|error| {
        Failure::new(1, format!("cannot make {}: {error}", directory.display()))
    })?;
    let key = keys::generate().map_err(failed)?;
    keys::save(&key, &private).map_err(failed)?;
    let public = private.with_extension("pub");
    fs::write(&public, format!("{}\n", keys::public_hex(&key)))
        .map_err(|error| Failure::new(1, format!("cannot write {}: {error}", public.display())))?;
    tracing::info!(key = %private.display(), "made the server's key, which seals the journal");
    Ok(key)
}
