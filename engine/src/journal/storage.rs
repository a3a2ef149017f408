//! Owns the seam between the journal and a file system: the few operations the
//! journal needs, and their real implementation over one directory. Leaves out
//! what is written and when it is synced.
//!
//! Everything above this trait runs unchanged over [`super::sim::SimFiles`],
//! which loses, tears and refuses writes on purpose.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{narrow, wide};
use super::lock::{DirectoryLock, LockError};

/// One directory of files. Clones name the same directory.
pub trait Storage: Clone + Debug + Send + 'static {
    /// An open file.
    type File: StorageFile;
    /// Held for as long as this process may write the directory.
    type Lock: Debug + Send + 'static;

    /// Takes the directory for this process alone.
    ///
    /// # Errors
    /// [`LockError::Held`] names the process that has it.
    fn lock(&self) -> Result<Self::Lock, LockError>;

    /// Opens an existing file for reading.
    ///
    /// # Errors
    /// `NotFound`, or what the system says.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Opens an existing file for reading and writing in place.
    ///
    /// # Errors
    /// `NotFound`, or what the system says.
    fn open_for_write(&self, name: &str) -> io::Result<Self::File>;

    /// Creates a file, or empties the one there is.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Renames a file over whatever bears the new name. Durable only after
    /// [`Self::sync_directory`].
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Durable only after [`Self::sync_directory`].
    ///
    /// # Errors
    /// `NotFound`, or what the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals durable.
    ///
    /// # Errors
    /// What the system says; nothing may be assumed durable then.
    fn sync_directory(&self) -> io::Result<()>;

    /// The names of all files, in no particular order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<String>>;
}

/// One open file, read and written at explicit offsets.
///
/// An implementation answers as the system calls do, short and interrupted; going on after that is
/// done here, once, so that the simulated file system can provoke it.
pub trait StorageFile: Debug + Send + 'static {
    /// Writes some of `bytes` at `offset`, into the kernel, and returns how many.
    ///
    /// # Errors
    /// What the system says, `Interrupted` included.
    fn write_some_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads some bytes at `offset`; 0 at the file's end.
    ///
    /// # Errors
    /// What the system says, `Interrupted` included.
    fn read_some_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`: into the kernel, not onto the disk. Goes on after short and
    /// interrupted writes, which are not errors.
    ///
    /// # Errors
    /// What the system says; any part may have been written then.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut written = 0_usize;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.write_some_at(rest, offset.saturating_add(wide(written))) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written = written.saturating_add(more),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads at `offset` until `buffer` is full or the file ends; returns the bytes read.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_some_at(rest, offset.saturating_add(wide(filled))) {
                Ok(0) => break,
                Ok(more) => filled = filled.saturating_add(more),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Puts everything written so far, and the file's length, onto the disk.
    ///
    /// # Errors
    /// What the system says. The kernel may then have marked the lost pages
    /// clean: a second call that succeeds proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// The file's length in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn length(&self) -> io::Result<u64>;
}

/// Files of a real directory.
#[derive(Debug, Clone)]
pub struct RealFiles {
    directory: Arc<Path>,
}

impl RealFiles {
    /// The files of `directory`, which must exist.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: Arc::from(directory.into()),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Storage for RealFiles {
    type File = File;
    type Lock = DirectoryLock;

    fn lock(&self) -> Result<DirectoryLock, LockError> {
        DirectoryLock::acquire(&self.directory)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let file = File::open(self.path(name))?;
        // It opens, and only reading it would say so, without its name.
        if file.metadata()?.is_dir() {
            let what = format!("{name} is a directory where the journal has a file: move it away");
            return Err(io::Error::new(io::ErrorKind::IsADirectory, what));
        }
        Ok(file)
    }

    fn open_for_write(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(name))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.path(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }
}

impl StorageFile for File {
    fn write_some_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn read_some_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync: also flushes a changed length, but not the time stamps.
        self.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }
}

/// Writes zeros into `from..to`, in pieces small enough to stay out of the way.
pub(super) fn write_zeros(file: &impl StorageFile, from: u64, to: u64) -> io::Result<()> {
    static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];
    let mut offset = from;
    while offset < to {
        let piece = narrow(to.saturating_sub(offset)).min(ZEROS.len());
        file.write_at(ZEROS.get(..piece).unwrap_or_default(), offset)?;
        offset = offset.saturating_add(wide(piece));
    }
    Ok(())
}

/// The offset of the first byte in `from..to` that is not zero. A file that
/// ends early is an error: the caller has checked its length.
pub(super) fn first_nonzero(
    file: &impl StorageFile,
    from: u64,
    to: u64,
) -> io::Result<Option<u64>> {
    let mut found = None;
    scan_pieces(file, from, to, |offset, piece| {
        found = piece
            .iter()
            .position(|byte| *byte != 0)
            .map(|at| offset.saturating_add(wide(at)));
        found.is_none()
    })?;
    Ok(found)
}

/// The offset just past the last byte in `from..to` that is not zero; `from` when all are.
pub(super) fn nonzero_end(file: &impl StorageFile, from: u64, to: u64) -> io::Result<u64> {
    let mut end = from;
    scan_pieces(file, from, to, |offset, piece| {
        if let Some(at) = piece.iter().rposition(|byte| *byte != 0) {
            end = offset.saturating_add(wide(at)).saturating_add(1);
        }
        true
    })?;
    Ok(end)
}

/// Shows `from..to` in pieces until `visit` returns false.
pub(super) fn scan_pieces(
    file: &impl StorageFile,
    from: u64,
    to: u64,
    mut visit: impl FnMut(u64, &[u8]) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; narrow(to.saturating_sub(from)).min(256 * 1024)];
    let mut offset = from;
    while offset < to {
        let wanted = narrow(to.saturating_sub(offset)).min(buffer.len());
        let piece = buffer.get_mut(..wanted).unwrap_or_default();
        if file.read_at(piece, offset)? != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !visit(offset, piece) {
            break;
        }
        offset = offset.saturating_add(wide(wanted));
    }
    Ok(())
}
