//! Owns the right to read a journal's files and nothing more, so that a proof
//! may run beside a server.

use std::io;

use super::lock::LockError;
use super::storage::Storage;

/// The same files without the right to write or lock them.
#[derive(Debug, Clone)]
pub struct ReadOnly<S>(pub S);

impl<S: Storage> Storage for ReadOnly<S> {
    type File = S::File;
    type Lock = ();

    fn lock(&self) -> Result<(), LockError> {
        Ok(())
    }

    fn open(&self, name: &str) -> io::Result<S::File> {
        self.0.open(name)
    }

    fn open_for_write(&self, _name: &str) -> io::Result<S::File> {
        Err(refused())
    }

    fn create(&self, _name: &str) -> io::Result<S::File> {
        Err(refused())
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        Err(refused())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Err(refused())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
}

fn refused() -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the journal is only read here",
    )
}
