//! The machine under the figures: what it is, what its disk is, and what it does to a thread that only
//! reads the clock. Leaves out the figures themselves.

use hdrhistogram::Histogram;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::figures::{histogram, nanos, record};
use crate::echo::Before;

/// Processor, cores, memory and kernel of this machine.
pub fn machine() -> String {
    let first = |file: &str, key: &str| {
        std::fs::read_to_string(file).ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
    };
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel =
        std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown());
    format!(
        "{}, {cores} cores, memory {}, kernel {}",
        first("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        first("/proc/meminfo", "MemTotal").unwrap_or_else(unknown),
        kernel.trim(),
    )
}

/// Threads that run or want to, averaged over the last minute: what else this machine does. `None` where
/// the kernel does not tell.
#[must_use]
pub fn load() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/loadavg").ok()?;
    told.split(' ').next()?.parse().ok()
}

/// How long a thread that only reads the clock is held up: what the machine itself does to any figure.
#[must_use]
pub fn hiccups(time: Duration) -> Histogram<u64> {
    let mut seen = histogram();
    let start = Instant::now();
    let mut last = start;
    while start.elapsed() < time {
        let now = Instant::now();
        record(&mut seen, nanos(now - last));
        last = now;
    }
    seen
}

/// Bytes of a journal's frame with one order and its decision.
const JOURNAL_BYTES: usize = 320;

/// A file written ahead of use, as a journal's segment is: the floor of a durable reply.
#[derive(Debug)]
pub struct RawFile {
    file: File,
    at: u64,
    size: u64,
}

impl RawFile {
    /// Creates and fills it.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        let size = 64 << 20;
        let mut file = File::create_new(path)?;
        let zeros = vec![0; 1 << 20];
        for _ in 0..size >> 20 {
            file.write_all(&zeros)?;
        }
        file.sync_all()?;
        Ok(Self { file, at: 0, size })
    }

    /// Writes `bytes` behind what was written before and syncs; nanoseconds.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_and_sync(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let start = Instant::now();
        self.file.write_all_at(bytes, self.at)?;
        self.file.sync_data()?;
        let len = bytes.len() as u64;
        // Starts over before the end: a longer file would be another measurement.
        self.at = match self.at + 2 * len > self.size {
            true => 0,
            false => self.at + len,
        };
        Ok(nanos(start.elapsed()))
    }
}

/// The floor of a durable reply: as many bytes as a journal holds of the frames, in one write, synced.
impl Before for RawFile {
    fn take(&mut self, frames: usize) -> io::Result<()> {
        let bytes = [7; JOURNAL_BYTES];
        match frames {
            1 => self.write_and_sync(&bytes),
            _ => self.write_and_sync(&bytes.repeat(frames)),
        }
        .map(drop)
    }
}

/// Type of the file system that holds `path`, as the kernel lists its mounts.
pub fn file_system(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut best = (0, "unknown".to_owned());
    for line in mounts.lines() {
        let mut halves = line.split(" - ");
        let point = halves.next().and_then(|left| left.split(' ').nth(4));
        let kind = halves.next().and_then(|right| right.split(' ').next());
        if let (Some(point), Some(kind)) = (point, kind)
            && path.starts_with(point)
            && point.len() >= best.0
        {
            best = (point.len(), kind.to_owned());
        }
    }
    best.1
}

/// A directory of its own on a disk, below `PORTCULLIS_BENCH_DIR` or else `parent`. In memory a sync costs
/// nothing, so a figure from there would be a lie: that is an error.
///
/// # Errors
/// A sentence that names the directory and the way out.
pub fn disk_directory(parent: &Path) -> Result<tempfile::TempDir, String> {
    let named = std::env::var_os("PORTCULLIS_BENCH_DIR");
    let parent = named.as_deref().map_or(parent, Path::new);
    directory_in(
        parent,
        "name a directory on a disk with PORTCULLIS_BENCH_DIR",
    )
}

/// [`disk_directory`] in `parent` and nowhere else.
///
/// # Errors
/// As there; the sentence ends with `way_out`.
pub fn directory_in(parent: &Path, way_out: &str) -> Result<tempfile::TempDir, String> {
    let directory = tempfile::Builder::new()
        .prefix("portcullis-bench-")
        .tempdir_in(parent)
        .map_err(|error| format!("{}: {error}; {way_out}", parent.display()))?;
    let kind = file_system(directory.path());
    match kind.as_str() {
        "tmpfs" | "ramfs" => Err(format!(
            "{} is {kind}, which syncs nothing; {way_out}",
            parent.display()
        )),
        _ => Ok(directory),
    }
}
