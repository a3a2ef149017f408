//! `keygen`: a key pair for a session.

use super::failure::Failure;
use portcullis_client::keys;
use serde_json::json;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) fn run(name: &Path, json: bool) -> Result<(), Failure> {
    let failed = |error: keys::KeyError| Failure::new(1, error.to_string());
    let (key_path, pub_path) = (with_ending(name, ".key"), with_ending(name, ".pub"));
    if let Some(taken) = [&key_path, &pub_path]
        .into_iter()
        .find(|path| path.exists())
    {
        let what = format!("{} exists and is never overwritten", taken.display());
        return Err(Failure::new(1, what));
    }
    if let Some(parent) = name.parent() {
        fs::create_dir_all(parent).map_err(|error| {
            Failure::new(1, format!("cannot make {}: {error}", parent.display()))
        })?;
    }
    let key = keys::generate().map_err(failed)?;
    keys::save(&key, &key_path).map_err(failed)?;
    let public = keys::public_hex(&key);
    fs::write(&pub_path, format!("{public}\n"))?;
    if json {
        let line = json!({
            "key": key_path.display().to_string(),
            "pub": pub_path.display().to_string(),
            "publicKey": public,
        });
        writeln!(io::stdout(), "{line}")?;
    } else {
        writeln!(
            io::stdout(),
            "{}  keep it secret (mode 0600)",
            key_path.display()
        )?;
        writeln!(
            io::stdout(),
            "{}  for the server: {public}",
            pub_path.display()
        )?;
    }
    Ok(())
}

/// Appends an ending; a dot in the name is part of the name.
fn with_ending(name: &Path, ending: &str) -> PathBuf {
    let mut path: OsString = name.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}
