//! Owns the right of one process to write a journal directory: a file `lock`
//! held exclusively. Leaves out readers, which need no lock.
//!
//! The kernel releases the lock when the process ends, however it ends; the
//! pid inside the file is only there to be named to a second opener.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// Name of the lock file in the journal directory.
pub const LOCK_FILE: &str = "lock";

/// Why the directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process (or another writer in this one) has the directory.
    #[error("the journal is in use by {}", holder(*.pid))]
    Held {
        /// Its process id; `None` in the instant before it has written it.
        pid: Option<u32>,
    },
    /// The lock file could not be opened or locked.
    #[error("the journal's lock file: {0}")]
    Io(#[from] io::Error),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "a process that has not yet written its id".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// The directory, taken until this value is dropped or the process ends.
#[derive(Debug)]
pub struct DirectoryLock {
    // Held for its lock; closing the file releases it.
    _file: File,
}

impl DirectoryLock {
    /// Takes `directory` for this process.
    ///
    /// # Errors
    /// [`LockError::Held`] with the pid of the process that has it.
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        // Not truncated on opening: until the lock is ours the pid inside is another's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join(LOCK_FILE))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    pid: read_pid(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opener_is_told_who_has_the_journal() {
        let directory = tempfile::tempdir().unwrap();
        let held = DirectoryLock::acquire(directory.path()).unwrap();
        let refused = DirectoryLock::acquire(directory.path()).unwrap_err();
        let pid = std::process::id();
        assert!(matches!(refused, LockError::Held { pid: Some(p) } if p == pid));
        assert_eq!(
            refused.to_string(),
            format!("the journal is in use by process {pid}")
        );
        drop(held);
        DirectoryLock::acquire(directory.path()).unwrap();
    }

    #[test]
    fn the_pid_of_a_process_long_gone_does_not_hold_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(LOCK_FILE), "4294967295\n").unwrap();
        DirectoryLock::acquire(directory.path()).unwrap();
        let text = std::fs::read_to_string(directory.path().join(LOCK_FILE)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }
}
