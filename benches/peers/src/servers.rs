//! Servers of Debian's packages on loopback, each with a directory of its own, ended with their handle, or
//! by the kernel should this process end without dropping it.

use std::fs::{File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Port on loopback.
    pub(crate) port: u16,
    /// What ends it in order; without, it is killed.
    stop: Option<Command>,
    /// Lives as long as the server does.
    _directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.stop.as_mut().is_some_and(|stop| {
            let output = stop.output();
            output.is_ok_and(|output| output.status.success())
        });
        if !ended {
            // One that has ended already is as good.
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

/// What came of starting a server.
#[derive(Debug)]
pub(crate) enum Started {
    Running(Box<Server>),
    /// Why there is none here.
    Skipped(String),
}

/// Looks a program up in `PATH`.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// A program that gets `signal` when this process ends, whichever way that is; as another user if one is
/// named. It keeps its process id.
fn bound(program: &Path, signal: &str, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    // The directory one stands in may be closed to that user.
    command.arg("--").arg(program).current_dir("/");
    command.stdin(Stdio::null());
    command
}

fn directory(disk: &Path) -> Result<TempDir> {
    // Absolute: programs are started elsewhere.
    Ok(tempfile::tempdir_in(disk.canonicalize()?)?)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until a server is there.
fn wait_for(child: &mut Child, log: &Path, mut there: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while !there()? {
        if let Some(status) = child.try_wait()? {
            bail!("{status}: {}", std::fs::read_to_string(log)?);
        }
        ensure!(Instant::now() < until, "not there after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Redis, with every write synced before it answers or with none.
///
/// # Errors
/// It is installed and does not start.
pub(crate) fn redis(disk: &Path, always: bool) -> Result<Started> {
    let Some(program) = find("redis-server") else {
        return Ok(Started::Skipped("redis-server is not installed".to_owned()));
    };
    let directory = directory(disk)?;
    let log = directory.path().join("log");
    let port = free_port()?;
    let mut child = bound(&program, "KILL", None)
        .args(["--bind", "127.0.0.1", "--port"])
        .arg(port.to_string())
        // No snapshots and no rewriting of the file in the middle of a measurement.
        .args(["--save", "", "--auto-aof-rewrite-percentage", "0"])
        .args(["--appendonly", if always { "yes" } else { "no" }])
        .args(["--appendfsync", "always", "--dir"])
        .arg(directory.path())
        .stdout(File::create(&log)?)
        .spawn()
        .context("setpriv, of util-linux")?;
    let there = || Ok(TcpStream::connect(("127.0.0.1", port)).is_ok());
    wait_for(&mut child, &log, there).context("redis-server")?;
    Ok(Started::Running(Box::new(Server {
        child,
        port,
        stop: None,
        _directory: directory,
    })))
}

/// PostgreSQL as it is installed, its settings untouched. It refuses to run as root; then it runs as the
/// user `postgres`.
///
/// # Errors
/// It is installed and does not start.
pub(crate) fn postgres(disk: &Path) -> Result<Started> {
    let Some(bin) = newest_postgres() else {
        let reason = "PostgreSQL is not installed: no initdb below /usr/lib/postgresql";
        return Ok(Started::Skipped(reason.to_owned()));
    };
    let user = match user_id(None)?.as_deref() {
        Some("0") => Some("postgres"),
        _ => None,
    };
    if user.is_some() && user_id(user)?.is_none() {
        let reason = "PostgreSQL does not run as root, and there is no user `postgres`";
        return Ok(Started::Skipped(reason.to_owned()));
    }
    let directory = directory(disk)?;
    if let Some(user) = user {
        // Its own directory, and a way to it through the one made for this run.
        std::fs::set_permissions(disk, Permissions::from_mode(0o755))?;
        let owned = Command::new("chown")
            .arg(user)
            .arg(directory.path())
            .status()?;
        ensure!(owned.success(), "chown {user}: {owned}");
        let seen = bound(Path::new("test"), "KILL", Some(user))
            .arg("-w")
            .arg(directory.path())
            .status()
            .context("setpriv, of util-linux")?;
        if !seen.success() {
            return Ok(Started::Skipped(format!(
                "the user `{user}` can't reach {}; name another directory with --disk",
                disk.display()
            )));
        }
    }
    let data = directory.path().join("data");
    let log = directory.path().join("log");
    let made = bound(&bin.join("initdb"), "KILL", user)
        .args(["-U", "bench", "--auth=trust", "-E", "UTF8", "--locale=C"])
        .arg("-D")
        .arg(&data)
        .output()
        .context("setpriv, of util-linux")?;
    ensure!(
        made.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let port = free_port()?;
    let mut child = bound(&bin.join("postgres"), "INT", user)
        .args(["-h", "127.0.0.1", "-p"])
        .arg(port.to_string())
        .arg("-k")
        .arg(directory.path())
        .arg("-D")
        .arg(&data)
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .spawn()?;
    let mut stop = bound(&bin.join("pg_ctl"), "KILL", user);
    stop.args(["stop", "-w", "-m", "fast", "-D"]).arg(&data);
    let mut ready = Command::new(bin.join("pg_isready"));
    ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    wait_for(&mut child, &log, || Ok(ready.status()?.success())).context("postgres")?;
    Ok(Started::Running(Box::new(Server {
        child,
        port,
        stop: Some(stop),
        _directory: directory,
    })))
}

fn newest_postgres() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    found.sort();
    Some(found.pop()?.1)
}

/// The id of a user, or of the one that runs this; `None` if there is none.
fn user_id(user: Option<&str>) -> Result<Option<String>> {
    let output = Command::new("id")
        .arg("-u")
        .args(user)
        .output()
        .context("id")?;
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success().then_some(id))
}
