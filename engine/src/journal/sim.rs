//! Owns a file system in memory that fails on purpose: it crashes at a chosen
//! operation, loses unsynced sectors, tears writes, answers with chosen errors
//! and forgets pages after a failed sync. Leaves out everything real.
//!
//! For tests only. Every choice follows from the seed, so that a failing case
//! can be named by two numbers: seed and operation.

#![expect(
    clippy::disallowed_types,
    reason = "the simulated disk is shared by the threads of a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::format::{narrow, wide};
use super::lock::LockError;
use super::storage::{Storage, StorageFile};

/// What is lost or kept as a whole when the power fails.
pub const SECTOR_BYTES: usize = 512;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops in the middle of the operation; all later ones fail.
    Crash,
    /// The operation fails with this kind; later ones work.
    Error(io::ErrorKind),
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

#[derive(Debug)]
struct Disk {
    nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Directory changes since the last sync, in order; a crash keeps a prefix.
    pending_names: Vec<BTreeMap<String, usize>>,
    random: u64,
    operations: u64,
    fault: Option<(u64, Fault)>,
    crashed: bool,
}

/// One file: what programs see, and what is on the platter.
#[derive(Debug, Default, Clone)]
struct Node {
    cache: Vec<u8>,
    platter: Vec<u8>,
    /// Sectors written since the last sync.
    dirty: BTreeSet<usize>,
}

impl SimFiles {
    /// An empty directory; all chance follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            disk: Arc::new(Mutex::new(Disk {
                nodes: Vec::new(),
                names: BTreeMap::new(),
                durable_names: BTreeMap::new(),
                pending_names: Vec::new(),
                random: seed,
                operations: 0,
                fault: None,
                crashed: false,
            })),
        }
    }

    /// Lets `fault` happen at changing operation number `at`, counted from 0 over the whole life.
    pub fn fail_at(&self, at: u64, fault: Fault) {
        self.disk().fault = Some((at, fault));
    }

    /// Changing operations so far: writes, syncs, creations, renames, removals.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Whether the simulated machine has stopped.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.disk().crashed
    }

    /// The process dies, the machine does not: all that was written is still there.
    pub fn restart(&self) {
        let mut disk = self.disk();
        disk.crashed = false;
        disk.fault = None;
    }

    /// The power fails and comes back: any subset of unsynced sectors is lost.
    pub fn power_loss(&self) {
        let mut disk = self.disk();
        disk.crashed = false;
        disk.fault = None;
        let choices = disk.pending_names.len().saturating_add(1);
        let kept = disk.chance(choices);
        if let Some(names) = kept
            .checked_sub(1)
            .and_then(|last| disk.pending_names.get(last).cloned())
        {
            disk.durable_names = names;
        }
        disk.pending_names.clear();
        disk.names = disk.durable_names.clone();
        for index in 0..disk.nodes.len() {
            disk.lose_sectors(index);
        }
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
        let mut disk = self.disk();
        let node = Node {
            cache: bytes.to_vec(),
            platter: bytes.to_vec(),
            dirty: BTreeSet::new(),
        };
        let index = disk.nodes.len();
        disk.nodes.push(node);
        disk.names.insert(name.to_owned(), index);
        disk.durable_names.insert(name.to_owned(), index);
    }

    /// An independent copy of the directory as it is on the platter and in memory.
    #[must_use]
    pub fn fork(&self) -> Self {
        let disk = self.disk();
        Self {
            disk: Arc::new(Mutex::new(Disk {
                nodes: disk.nodes.clone(),
                names: disk.names.clone(),
                durable_names: disk.durable_names.clone(),
                pending_names: disk.pending_names.clone(),
                random: disk.random,
                operations: disk.operations,
                fault: None,
                crashed: false,
            })),
        }
    }

    /// The same, with chance starting elsewhere.
    #[must_use]
    pub fn fork_with_seed(&self, seed: u64) -> Self {
        let fork = self.fork();
        fork.disk().random = seed;
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

impl Disk {
    /// A number below `bound`, by splitmix64.
    fn chance(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        narrow(z.checked_rem(wide(bound)).unwrap_or(0))
    }

    /// Counts an operation; the fault due now, if any.
    fn count(&mut self) -> io::Result<Option<Fault>> {
        if self.crashed {
            return Err(io::Error::other("the simulated machine has stopped"));
        }
        let now = self.operations;
        self.operations = now.saturating_add(1);
        let fault = self.fault.filter(|(at, _)| *at == now).map(|(_, f)| f);
        self.crashed = fault == Some(Fault::Crash);
        Ok(fault)
    }

    fn change_names(
        &mut self,
        change: impl FnOnce(&mut BTreeMap<String, usize>),
    ) -> io::Result<()> {
        let fault = self.count()?;
        // A crash leaves the change done or not; an error leaves it not done.
        if fault.is_none() || (fault == Some(Fault::Crash) && self.chance(2) == 0) {
            change(&mut self.names);
            self.pending_names.push(self.names.clone());
        }
        outcome(fault)
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        if self.crashed {
            return Err(io::Error::other("the simulated machine has stopped"));
        }
        let found = self.names.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn lose_sectors(&mut self, index: usize) {
        let Some(mut node) = self.nodes.get(index).cloned() else {
            return;
        };
        for sector in std::mem::take(&mut node.dirty) {
            if self.chance(2) == 0 {
                node.flush(sector);
            }
        }
        node.cache.clone_from(&node.platter);
        if let Some(place) = self.nodes.get_mut(index) {
            *place = node;
        }
    }
}

impl Node {
    /// Copies one sector from memory to the platter.
    fn flush(&mut self, sector: usize) {
        let start = sector.saturating_mul(SECTOR_BYTES);
        let end = start.saturating_add(SECTOR_BYTES).min(self.cache.len());
        if self.platter.len() < end {
            self.platter.resize(end, 0);
        }
        if let (Some(to), Some(from)) =
            (self.platter.get_mut(start..end), self.cache.get(start..end))
        {
            to.copy_from_slice(from);
        }
    }

    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset.saturating_add(bytes.len());
        if self.cache.len() < end {
            self.cache.resize(end, 0);
        }
        if let Some(place) = self.cache.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
        if !bytes.is_empty() {
            let first = offset.checked_div(SECTOR_BYTES).unwrap_or(0);
            self.dirty.extend(first..end.div_ceil(SECTOR_BYTES));
        }
    }
}

fn outcome(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        None => Ok(()),
        Some(Fault::Crash) => Err(io::Error::other("the simulated machine has stopped")),
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
        let mut disk = self.disk();
        // A new node each time: what an old handle wrote belongs to the old file.
        let node = disk.nodes.len();
        disk.nodes.push(Node::default());
        disk.change_names(|names| {
            names.insert(name.to_owned(), node);
        })?;
        drop(disk);
        Ok(self.handle(node))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let node = disk.find(from)?;
        disk.change_names(|names| {
            names.remove(from);
            names.insert(to.to_owned(), node);
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.find(name)?;
        disk.change_names(|names| {
            names.remove(name);
        })
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.count()?;
        if fault.is_none() {
            disk.durable_names = disk.names.clone();
            disk.pending_names.clear();
        }
        outcome(fault)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk().names.keys().cloned().collect())
    }
}

impl SimFile {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageFile for SimFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.count()?;
        // A write that fails has still written some prefix.
        let length = match fault {
            None => bytes.len(),
            Some(_) => disk.chance(bytes.len().saturating_add(1)),
        };
        if let Some(node) = disk.nodes.get_mut(self.node) {
            node.write(bytes.get(..length).unwrap_or_default(), narrow(offset));
        }
        outcome(fault)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let disk = self.disk();
        let cache = disk.nodes.get(self.node).map(|node| node.cache.as_slice());
        let rest = cache
            .and_then(|cache| cache.get(narrow(offset)..))
            .unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk();
        let fault = disk.count()?;
        let dirty = disk
            .nodes
            .get(self.node)
            .map(|node| node.dirty.clone())
            .unwrap_or_default();
        for sector in dirty {
            // A crash during the sync leaves any part of it done. An error does
            // too, and marks every page clean all the same: only writing the
            // sector again brings it back within reach of a later sync.
            let reached = fault.is_none() || disk.chance(2) == 0;
            if let Some(node) = disk.nodes.get_mut(self.node) {
                if reached {
                    node.flush(sector);
                }
                if fault != Some(Fault::Crash) {
                    node.dirty.remove(&sector);
                }
            }
        }
        outcome(fault)
    }

    fn length(&self) -> io::Result<u64> {
        let disk = self.disk();
        Ok(disk
            .nodes
            .get(self.node)
            .map_or(0, |node| wide(node.cache.len())))
    }
}
