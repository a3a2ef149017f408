//! Owns what lies on the simulated disk and in the memory before it: files as sectors, names, what is
//! not yet synced, and what becomes of it. Leaves out the interface to the journal (`sim`).

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::{Fault, SECTOR_BYTES, outcome};
use crate::journal::format::{narrow, wide};

/// One in so many sectors that were being written is torn inside when the power fails.
const TORN_ONE_IN: usize = 16;

type Names = BTreeMap<String, usize>;
type Sector = [u8; SECTOR_BYTES];

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) nodes: Vec<Node>,
    pub(super) names: Names,
    durable_names: Names,
    /// Changes of the directory since the last sync, in order.
    pending: Vec<Change>,
    pub(super) random: u64,
    pub(super) operations: u64,
    pub(super) reads: u64,
    pub(super) fault: Option<(u64, Fault)>,
    pub(super) read_fault: Option<u64>,
    pub(super) interrupt_one_in: usize,
    pub(super) capacity: u64,
    pub(super) crashed: bool,
    /// The planned fault has happened.
    pub(super) failed: bool,
}

/// One change of the directory.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Name {
        name: String,
        node: usize,
    },
    Remove {
        name: String,
    },
    Rename {
        from: String,
        to: String,
        node: usize,
    },
}

impl Change {
    /// Does it. Of a rename the old name may stay for now; a file that had a name never has none.
    fn apply(&self, names: &mut Names, keep_old_name: bool) {
        match self {
            Self::Name { name, node } => {
                names.insert(name.clone(), *node);
            }
            Self::Remove { name } => {
                names.remove(name);
            }
            Self::Rename { from, to, node } => {
                if !keep_old_name {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// One file: what programs see, and what is on the platter.
#[derive(Debug, Default, Clone)]
pub(super) struct Node {
    pub(super) cache: Vec<u8>,
    platter: Vec<u8>,
    /// Sectors written since the last sync, each with the states it had before its last write.
    dirty: BTreeMap<usize, Vec<Sector>>,
}

pub(super) fn stopped() -> io::Error {
    io::Error::other("the simulated machine has stopped")
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            names: Names::new(),
            durable_names: Names::new(),
            pending: Vec::new(),
            random: seed,
            operations: 0,
            reads: 0,
            fault: None,
            read_fault: None,
            interrupt_one_in: 0,
            capacity: u64::MAX,
            crashed: false,
            failed: false,
        }
    }

    pub(super) fn fork(&self) -> Self {
        Self {
            nodes: self.nodes.clone(),
            names: self.names.clone(),
            durable_names: self.durable_names.clone(),
            pending: self.pending.clone(),
            fault: None,
            read_fault: None,
            crashed: false,
            failed: false,
            ..*self
        }
    }

    pub(super) fn start_again(&mut self) {
        self.crashed = false;
        self.failed = false;
        self.fault = None;
        self.read_fault = None;
    }

    /// A number below `bound`, by splitmix64.
    pub(super) fn chance(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        narrow(z.checked_rem(wide(bound)).unwrap_or(0))
    }

    /// Counts a changing operation; the fault due now, if any.
    pub(super) fn count(&mut self) -> io::Result<Option<Fault>> {
        if self.crashed {
            return Err(stopped());
        }
        let now = self.operations;
        self.operations = now.saturating_add(1);
        let fault = self.fault.filter(|(at, _)| *at == now).map(|(_, f)| f);
        self.failed |= fault.is_some();
        self.crashed = fault == Some(Fault::Crash);
        Ok(fault)
    }

    /// Counts a reading operation, or fails it.
    pub(super) fn count_read(&mut self) -> io::Result<()> {
        if self.crashed {
            return Err(stopped());
        }
        let now = self.reads;
        self.reads = now.saturating_add(1);
        if self.read_fault == Some(now) {
            return Err(io::Error::other("the simulated disk can't read this"));
        }
        Ok(())
    }

    /// What a call that may be short or interrupted is really about.
    pub(super) fn interrupt<'a>(&mut self, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        if self.interrupt_one_in == 0 || self.crashed || self.chance(self.interrupt_one_in) != 0 {
            return Ok(bytes);
        }
        if self.chance(2) == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = self.chance(bytes.len()).saturating_add(1).min(bytes.len());
        Ok(bytes.get(..length).unwrap_or_default())
    }

    pub(super) fn find(&self, name: &str) -> io::Result<usize> {
        if self.crashed {
            return Err(stopped());
        }
        let found = self.names.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, name: &str) -> io::Result<usize> {
        // A new node each time: what an old handle wrote belongs to the old file.
        let node = self.nodes.len();
        self.nodes.push(Node::default());
        self.change(Change::Name {
            name: name.to_owned(),
            node,
        })?;
        Ok(node)
    }

    pub(super) fn change(&mut self, change: Change) -> io::Result<()> {
        let fault = self.count()?;
        // A crash leaves the change done or not; an error leaves it not done.
        let done = match fault {
            None | Some(Fault::Lost | Fault::Misdirected) => true,
            Some(Fault::Crash) => self.chance(2) == 0,
            Some(Fault::Error(_)) => false,
        };
        if done {
            change.apply(&mut self.names, false);
            self.pending.push(change);
        }
        outcome(fault)
    }

    pub(super) fn sync_names(&mut self) -> io::Result<()> {
        let fault = self.count()?;
        if outcome(fault).is_ok() {
            self.durable_names = self.names.clone();
            self.pending.clear();
        }
        outcome(fault)
    }

    /// Bytes that files occupy; what has no name any more is free.
    pub(super) fn used(&self) -> u64 {
        let nodes: BTreeSet<usize> = self.names.values().copied().collect();
        let lengths = nodes.iter().filter_map(|node| self.nodes.get(*node));
        lengths.map(|node| wide(node.cache.len())).sum()
    }

    /// Writes into the memory, as far as there is space; returns the bytes written.
    pub(super) fn write(
        &mut self,
        index: usize,
        bytes: &[u8],
        offset: usize,
        fault: Option<Fault>,
    ) -> io::Result<usize> {
        let length = self.nodes.get(index).map_or(0, |node| node.cache.len());
        let end = offset.saturating_add(bytes.len());
        let mut bytes = bytes;
        if end > length && self.capacity < u64::MAX {
            let free = narrow(self.capacity.saturating_sub(self.used()));
            let most = length.saturating_add(free).saturating_sub(offset);
            if most == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            bytes = bytes.get(..most.min(bytes.len())).unwrap_or_default();
        }
        let reaches = !matches!(fault, Some(Fault::Lost | Fault::Misdirected));
        if let Some(node) = self.nodes.get_mut(index) {
            node.write(bytes, offset, reaches);
        }
        if fault == Some(Fault::Misdirected) {
            self.misdirect(bytes);
        }
        Ok(bytes.len())
    }

    /// Puts bytes where they do not belong, on the platter of any file.
    fn misdirect(&mut self, bytes: &[u8]) {
        let named: Vec<usize> = self.names.values().copied().collect();
        let Some(victim) = named.get(self.chance(named.len())).copied() else {
            return;
        };
        let sectors = self
            .nodes
            .get(victim)
            .map_or(0, |node| node.platter.len().div_ceil(SECTOR_BYTES));
        let start = self.chance(sectors).saturating_mul(SECTOR_BYTES);
        if let Some(node) = self.nodes.get_mut(victim) {
            let rest = node.platter.get_mut(start..).unwrap_or_default();
            for (to, from) in rest.iter_mut().zip(bytes) {
                *to = *from;
            }
        }
    }

    pub(super) fn sync(&mut self, index: usize) -> io::Result<()> {
        let fault = self.count()?;
        let dirty = match self.nodes.get_mut(index) {
            Some(node) if fault != Some(Fault::Crash) => std::mem::take(&mut node.dirty),
            Some(node) => node.dirty.clone(),
            None => BTreeMap::new(),
        };
        for sector in dirty.into_keys() {
            // A crash during the sync leaves any part of it done. An error does
            // too, and marks every page clean all the same: only writing the
            // sector again brings it back within reach of a later sync.
            let reached = outcome(fault).is_ok() || self.chance(2) == 0;
            if reached && let Some(node) = self.nodes.get_mut(index) {
                node.flush(sector);
            }
        }
        outcome(fault)
    }

    /// Directory changes since the last sync: a prefix of them, or any of them without the others.
    pub(super) fn lose_names(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let mut names = self.durable_names.clone();
        let in_order = self.chance(2) == 0;
        let kept = self.chance(pending.len().saturating_add(1));
        for (at, change) in pending.iter().enumerate() {
            let done = if in_order {
                at < kept
            } else {
                self.chance(2) == 0
            };
            if done {
                let keep_old_name = !in_order && self.chance(4) == 0;
                change.apply(&mut names, keep_old_name);
            }
        }
        self.durable_names = names.clone();
        self.names = names;
    }

    pub(super) fn lose_sectors(&mut self) {
        let mut nodes = std::mem::take(&mut self.nodes);
        for node in &mut nodes {
            for (sector, older) in std::mem::take(&mut node.dirty) {
                let choice = self.chance(older.len().saturating_add(2));
                if choice == 0 {
                    continue;
                }
                // Torn: the beginning is new, the rest as it was.
                let bytes = if self.chance(TORN_ONE_IN) == 0 {
                    self.chance(SECTOR_BYTES)
                } else {
                    SECTOR_BYTES
                };
                match older.get(choice.saturating_sub(2)).filter(|_| choice > 1) {
                    Some(state) => node.store(sector, state, bytes),
                    None => node.store(sector, &node.sector(sector), bytes),
                }
            }
            node.cache.clone_from(&node.platter);
        }
        self.nodes = nodes;
    }

    /// Reads again from the platter what is believed clean.
    pub(super) fn evict(&mut self) {
        for node in &mut self.nodes {
            let mut fresh = node.platter.clone();
            fresh.resize(node.cache.len(), 0);
            for sector in node.dirty.keys() {
                let (start, end) = node.bounds(*sector);
                if let (Some(to), Some(from)) =
                    (fresh.get_mut(start..end), node.cache.get(start..end))
                {
                    to.copy_from_slice(from);
                }
            }
            node.cache = fresh;
        }
    }

    pub(super) fn replace(&mut self, name: &str, bytes: &[u8]) {
        let index = self.nodes.len();
        self.nodes.push(Node {
            cache: bytes.to_vec(),
            platter: bytes.to_vec(),
            dirty: BTreeMap::new(),
        });
        self.names.insert(name.to_owned(), index);
        self.durable_names.insert(name.to_owned(), index);
    }

    pub(super) fn patch(&mut self, name: &str, offset: usize, bytes: &[u8]) {
        let index = self.names.get(name).copied();
        if let Some(node) = index.and_then(|index| self.nodes.get_mut(index)) {
            for place in [&mut node.cache, &mut node.platter] {
                let rest = place.get_mut(offset..).unwrap_or_default();
                for (to, from) in rest.iter_mut().zip(bytes) {
                    *to = *from;
                }
            }
        }
    }
}

impl Node {
    /// Where a sector lies in the memory.
    fn bounds(&self, sector: usize) -> (usize, usize) {
        let start = sector.saturating_mul(SECTOR_BYTES);
        let end = start.saturating_add(SECTOR_BYTES).min(self.cache.len());
        (start, end)
    }

    /// A sector as programs see it, filled up with zeros.
    fn sector(&self, sector: usize) -> Sector {
        let mut copy = [0; SECTOR_BYTES];
        let (start, end) = self.bounds(sector);
        let from = self.cache.get(start..end).unwrap_or_default();
        if let Some(to) = copy.get_mut(..from.len()) {
            to.copy_from_slice(from);
        }
        copy
    }

    /// Copies one sector from memory to the platter.
    fn flush(&mut self, sector: usize) {
        self.store(sector, &self.sector(sector), SECTOR_BYTES);
    }

    /// Puts the beginning of a sector's state on the platter, no further than the file goes.
    fn store(&mut self, sector: usize, state: &Sector, bytes: usize) {
        let (start, end) = self.bounds(sector);
        if self.platter.len() < end {
            self.platter.resize(end, 0);
        }
        let place = self.platter.get_mut(start..end).unwrap_or_default();
        for (to, from) in place.iter_mut().zip(state).take(bytes) {
            *to = *from;
        }
    }

    fn write(&mut self, bytes: &[u8], offset: usize, reaches: bool) {
        if bytes.is_empty() {
            return;
        }
        let end = offset.saturating_add(bytes.len());
        if reaches {
            let first = offset.checked_div(SECTOR_BYTES).unwrap_or(0);
            for sector in first..end.div_ceil(SECTOR_BYTES) {
                let before = self.sector(sector);
                self.dirty
                    .entry(sector)
                    .and_modify(|older| older.push(before))
                    .or_default();
            }
        }
        if self.cache.len() < end {
            self.cache.resize(end, 0);
        }
        if let Some(place) = self.cache.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
    }
}
