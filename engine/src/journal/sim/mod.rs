//! Owns a file system in memory that fails on purpose: it crashes at a chosen operation, loses, mixes
//! and tears unsynced sectors, misplaces writes, answers with chosen errors, fills up, interrupts, and
//! forgets pages after a failed sync. Leaves out everything real, and what lies on its disk (`disk`).
//!
//! For tests only. Every choice follows from the seed, so that a failing case can be named by two
//! numbers: seed and operation.

#![expect(
    clippy::disallowed_types,
    reason = "the simulated disk is shared by the threads of a test"
)]

mod disk;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::format::{narrow, wide};
use super::lock::LockError;
use super::storage::{Storage, StorageFile};
use disk::{Change, Disk, stopped};

/// What is lost or kept as a whole when the power fails.
pub const SECTOR_BYTES: usize = 512;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops in the middle of the operation; all later ones fail.
    Crash,
    /// The operation fails with this kind; later ones work.
    Error(io::ErrorKind),
    /// A write is reported done, shows until the memory is gone, and never reaches the disk.
    Lost,
    /// The same, and its bytes replace something else on the disk.
    Misdirected,
}

/// A simulated directory. Clones name the same one.
#[derive(Debug, Clone)]
pub struct SimFiles {
    disk: Arc<Mutex<Disk>>,
}

/// A file of a simulated directory.
#[derive(Debug)]
pub struct SimFile {
    disk: Arc<Mutex<Disk>>,
    node: usize,
}

impl SimFiles {
    /// An empty directory; all chance follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            disk: Arc::new(Mutex::new(Disk::new(seed))),
        }
    }

    /// Lets `fault` happen at changing operation number `at`, counted from 0 over the whole life.
    pub fn fail_at(&self, at: u64, fault: Fault) {
        self.disk().fault = Some((at, fault));
    }

    /// Lets reading operation number `at` fail with an I/O error, counted from 0 over the whole life.
    pub fn fail_read_at(&self, at: u64) {
        self.disk().read_fault = Some(at);
    }

    /// Lets one in `calls` reads and writes be short or interrupted; 0 for none.
    pub fn interrupt_one_in(&self, calls: usize) {
        self.disk().interrupt_one_in = calls;
    }

    /// Gives the file system this many bytes for the contents of all files.
    pub fn limit_to(&self, bytes: u64) {
        self.disk().capacity = bytes;
    }

    /// Bytes in all files.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.disk().used()
    }

    /// Changing operations so far: writes, syncs, creations, renames, removals.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Reading operations so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.disk().reads
    }

    /// Whether the simulated machine has stopped.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.disk().crashed
    }

    /// Whether the fault that was planned has happened since the last start.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.disk().failed
    }

    /// Lets chance start elsewhere.
    pub fn reseed(&self, seed: u64) {
        self.disk().random = seed;
    }

    /// The process dies, the machine does not: all that was written is still there.
    pub fn restart(&self) {
        self.disk().start_again();
    }

    /// The process dies and the kernel drops every page that it believes clean, also those that a
    /// failed sync has left so: they are read from the disk again.
    pub fn restart_and_evict(&self) {
        let mut disk = self.disk();
        disk.start_again();
        disk.evict();
    }

    /// The power fails and comes back: each unsynced sector is lost, or on the disk in any state it
    /// had since the last sync, or torn inside; directory changes likewise.
    pub fn power_loss(&self) {
        let mut disk = self.disk();
        disk.start_again();
        disk.lose_names();
        disk.lose_sectors();
    }

    /// The bytes of a file as programs see them.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let disk = self.disk();
        let node = disk.names.get(name)?;
        disk.nodes.get(*node).map(|node| node.cache.clone())
    }

    /// Replaces a file's bytes, on the platter too: damage done behind everyone's back.
    pub fn replace(&self, name: &str, bytes: &[u8]) {
        self.disk().replace(name, bytes);
    }

    /// Overwrites part of a file, on the platter too; what lies behind the file's end is left out.
    pub fn patch(&self, name: &str, offset: usize, bytes: &[u8]) {
        self.disk().patch(name, offset, bytes);
    }

    /// An independent copy of the directory as it is on the platter and in memory.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            disk: Arc::new(Mutex::new(self.disk().fork())),
        }
    }

    /// The same, with chance starting elsewhere.
    #[must_use]
    pub fn fork_with_seed(&self, seed: u64) -> Self {
        let fork = self.fork();
        fork.reseed(seed);
        fork
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, node: usize) -> SimFile {
        SimFile {
            disk: Arc::clone(&self.disk),
            node,
        }
    }
}

fn outcome(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        None | Some(Fault::Lost | Fault::Misdirected) => Ok(()),
        Some(Fault::Crash) => Err(stopped()),
        Some(Fault::Error(kind)) => Err(kind.into()),
    }
}

impl Storage for SimFiles {
    type File = SimFile;
    type Lock = ();

    fn lock(&self) -> Result<(), LockError> {
        Ok(())
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let node = self.disk().find(name)?;
        Ok(self.handle(node))
    }

    fn open_for_write(&self, name: &str) -> io::Result<SimFile> {
        self.open(name)
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let node = self.disk().create(name)?;
        Ok(self.handle(node))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let node = disk.find(from)?;
        disk.change(Change::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
            node,
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.find(name)?;
        disk.change(Change::Remove {
            name: name.to_owned(),
        })
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.disk().sync_names()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut disk = self.disk();
        disk.count_read()?;
        Ok(disk.names.keys().cloned().collect())
    }
}

impl SimFile {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageFile for SimFile {
    fn write_some_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk();
        let bytes = disk.interrupt(bytes)?;
        let fault = disk.count()?;
        let length = match fault {
            None | Some(Fault::Lost | Fault::Misdirected) => bytes.len(),
            // A write that fails has still written some prefix.
            Some(Fault::Crash | Fault::Error(_)) => disk.chance(bytes.len().saturating_add(1)),
        };
        let bytes = bytes.get(..length).unwrap_or_default();
        let written = disk.write(self.node, bytes, narrow(offset), fault)?;
        outcome(fault).map(|()| written)
    }

    fn read_some_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk();
        let wanted = disk.interrupt(buffer)?.len();
        disk.count_read()?;
        let cache = disk.nodes.get(self.node).map(|node| node.cache.as_slice());
        let rest = cache
            .and_then(|cache| cache.get(narrow(offset)..))
            .unwrap_or_default();
        let length = rest.len().min(wanted);
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk().sync(self.node)
    }

    fn length(&self) -> io::Result<u64> {
        let disk = self.disk();
        let node = disk.nodes.get(self.node);
        Ok(node.map_or(0, |node| wide(node.cache.len())))
    }
}
