//! The memory of the process: kept in RAM, in large pages, and no more of it than the machine has.
//!
//! What is here changes no decision: a server that is refused large pages serves with small ones. Locking, which
//! the firm's file asks for, is done or the start is refused.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};

/// Why memory stays where the system likes it.
#[derive(Debug, thiserror::Error)]
#[error(
    "the memory cannot be locked: {cause}; this process may lock {}, see `ulimit -l` (in a systemd unit \
     `LimitMEMLOCK=infinity`), or say `lock = false` in [memory]",
    match .allowed { Some(bytes) => format!("{} KiB", bytes >> 10), None => "all".to_owned() }
)]
pub struct LockError {
    cause: io::Error,
    allowed: Option<u64>,
}

/// Locks all memory of the process, so that none of it is ever read back from a disk, and touches it once.
///
/// What is taken later is locked too where that has no bound: with one, an allocation beyond it would end the
/// process.
///
/// # Errors
/// [`LockError`] where the process may not lock so much.
pub fn lock() -> Result<(), LockError> {
    let allowed = getrlimit(Resource::Memlock).current;
    let flags = match allowed {
        None => MlockAllFlags::CURRENT | MlockAllFlags::FUTURE,
        Some(_) => MlockAllFlags::CURRENT,
    };
    mlockall(flags).map_err(|cause| LockError {
        cause: cause.into(),
        allowed,
    })
}

/// Where glibc's allocator is told what it is to do, before a program starts.
const TUNABLES: &str = "GLIBC_TUNABLES";
/// Large pieces of memory ask the system for large pages.
const LARGE_PAGES: &str = "glibc.malloc.hugetlb";

/// Begins this program anew as the same process, with an allocator that asks for large pages: tables of many
/// megabytes that are read all over cost a processor most of its time in looking their small pages up.
///
/// Returns where there is nothing to do: it has begun anew already, somebody has said otherwise in
/// `GLIBC_TUNABLES`, the system gives large pages unasked or never, or the allocator is not glibc's.
pub fn ask_for_large_pages() {
    let said = env::var(TUNABLES).unwrap_or_default();
    if !cfg!(target_env = "gnu") || said.contains(LARGE_PAGES) || !system_waits_to_be_asked() {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut args = env::args_os();
    let name = args.next().unwrap_or_else(|| OsString::from("portcullis"));
    let ask = format!("{LARGE_PAGES}=1");
    let tunables = match said.as_str() {
        "" => ask,
        others => format!("{others}:{ask}"),
    };
    let error = Command::new(program)
        .arg0(name)
        .args(args)
        .env(TUNABLES, tunables)
        .exec();
    tracing::debug!(%error, "the tables stand in small pages");
}

/// Whether only who asks gets large pages.
fn system_waits_to_be_asked() -> bool {
    fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled")
        .is_ok_and(|modes| modes.contains("[madvise]"))
}

/// Copies of a firm's tables that a server keeps: the engine's and the follower's.
const COPIES: u64 = 2;

/// Says why this machine cannot serve a firm whose tables take so many bytes; `None` where it can, or does not tell
/// what it has.
#[must_use]
pub fn too_little_for(table_bytes: u64) -> Option<String> {
    let (need, has) = (table_bytes.saturating_mul(COPIES), of_machine()?);
    let mib = |bytes: u64| bytes >> 20;
    (need > has).then(|| {
        format!(
            "[capacity] asks for tables of {} MiB, which a server keeps {COPIES} times, and this machine has {} \
             MiB of memory: say fewer `orders`, `rows` or `executions`, or take a larger machine",
            mib(table_bytes),
            mib(has)
        )
    })
}

/// Bytes of memory that this machine has; `None` where the system does not say.
fn of_machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1_024)
}
