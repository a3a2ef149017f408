//! The server as a child process: the same binary, told to serve until stdin ends, so that it does not outlive
//! a demo that is killed.

use anyhow::{Context, bail, ensure};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server and where its files are.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Child,
    address: SocketAddr,
    directory: PathBuf,
}

impl ServerProcess {
    /// Starts a server on loopback with the firm's file `config.toml` in `directory`.
    pub(super) fn start(directory: &Path, more: &[&str]) -> anyhow::Result<Self> {
        let config = directory.join("config.toml");
        let config = config.to_str().context("the directory has no UTF-8 name")?;
        Self::spawn(directory, &[&["--config", config], more].concat())
    }

    /// Starts a server of the example firm, which makes its keys in `directory`.
    pub(super) fn start_example(directory: &Path) -> anyhow::Result<Self> {
        Self::spawn(directory, &[])
    }

    fn spawn(directory: &Path, more: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding the portcullis binary")?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join("server.log"))?;
        let mut child = Command::new(program)
            .arg("tethered")
            .arg("--data")
            .arg(directory)
            .args(["--listen", "127.0.0.1:0", "--json"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("starting the server")?;
        let stdout = child.stdout.take().context("the server has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(address) = address_of(&line) else {
            let status = child.wait()?;
            let log = fs::read_to_string(directory.join("server.log")).unwrap_or_default();
            bail!("the server did not start ({status}):\n{log}");
        };
        Ok(Self {
            child,
            address,
            directory: directory.to_owned(),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the process has ended on its own.
    pub(super) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.directory.join("journal")
    }

    /// SIGKILL: no time for anything.
    pub(super) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and exit code 0 is expected.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        terminate(&self.child)?;
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self.directory.join("server.log")).unwrap_or_default();
                ensure!(status.success(), "the server ended with {status}:\n{log}");
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "the server did not stop within 20 s"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn address_of(line: &str) -> Option<SocketAddr> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line.get("listening")?.get(0)?.as_str()?.parse().ok()
}

/// The standard library knows only SIGKILL.
fn terminate(child: &Child) -> anyhow::Result<()> {
    let status = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .context("running kill")?;
    ensure!(status.success(), "kill -TERM failed: {status}");
    Ok(())
}
