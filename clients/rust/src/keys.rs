//! Key files: the 32-byte Ed25519 seed as 64 hexadecimal digits in a file that only its owner reads.
//!
//! The server knows the public key only; a seed never appears in an argument or an environment
//! variable.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;

/// A key file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read.
    #[error("cannot read key file {}: {cause}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file can't be written.
    #[error("cannot write key file {}: {cause}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Others may read or write it.
    #[error("key file {} has mode {mode:04o}: others may use it; run `chmod 600 {}`", path.display(), path.display())]
    Mode {
        /// Where.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Its contents are not a seed.
    #[error("key file {} does not hold the 64 hexadecimal digits of an Ed25519 seed", path.display())]
    Contents {
        /// Where.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Makes a new key pair from the system's random source.
///
/// # Errors
/// [`KeyError::Random`] if the system has none to give.
pub fn generate() -> Result<SigningKey, KeyError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(KeyError::Random)?;
    Ok(SigningKey::from_bytes(&seed))
}

/// The public key as 64 hexadecimal digits: what the server's configuration names.
#[must_use]
pub fn public_hex(key: &SigningKey) -> String {
    to_hex(key.verifying_key().as_bytes())
}

/// Writes the seed into a new file of mode 0600. An existing file is never overwritten.
///
/// # Errors
/// [`KeyError::Write`], also where the file exists.
pub fn save(key: &SigningKey, path: &Path) -> Result<(), KeyError> {
    let failed = |cause| KeyError::Write {
        path: path.to_owned(),
        cause,
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(failed)?;
    let text = format!("{}\n", to_hex(key.as_bytes()));
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// Reads a key file; one that others may read or write is refused.
///
/// # Errors
/// [`KeyError`] names the file and what to do.
pub fn load(path: &Path) -> Result<SigningKey, KeyError> {
    check_mode(path)?;
    let failed = |cause| KeyError::Read {
        path: path.to_owned(),
        cause,
    };
    let text = fs::read_to_string(path).map_err(failed)?;
    from_hex(text.trim())
        .map(|seed| SigningKey::from_bytes(&seed))
        .ok_or_else(|| KeyError::Contents {
            path: path.to_owned(),
        })
}

/// Refuses a file of secrets that others than its owner may read or write.
pub(crate) fn check_mode(path: &Path) -> Result<(), KeyError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(path).map_err(|cause| KeyError::Read {
            path: path.to_owned(),
            cause,
        })?;
        // Its mode is its own affair: no advice about that would help.
        if metadata.is_dir() {
            let cause = io::ErrorKind::IsADirectory.into();
            let path = path.to_owned();
            return Err(KeyError::Read { path, cause });
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(KeyError::Mode { path, mode });
        }
    }
    Ok(())
}

/// Lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_key_loads_again_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.key");
        let key = generate().unwrap();
        save(&key, &path).unwrap();
        assert_eq!(load(&path).unwrap().to_bytes(), key.to_bytes());
        assert!(matches!(save(&key, &path), Err(KeyError::Write { .. })));
        assert_eq!(public_hex(&key).len(), 64);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.key");
        save(&generate().unwrap(), &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load(&path).unwrap_err();
        assert!(matches!(error, KeyError::Mode { mode: 0o640, .. }));
        assert!(error.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_directory_is_called_one_and_nothing_is_said_about_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with(": is a directory"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_a_seed_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.key");
        save(&generate().unwrap(), &path).unwrap();
        for text in ["", "abc", &"g".repeat(64), &"é".repeat(32)] {
            fs::write(&path, text).unwrap();
            assert!(
                matches!(load(&path), Err(KeyError::Contents { .. })),
                "{text}"
            );
        }
    }
}
