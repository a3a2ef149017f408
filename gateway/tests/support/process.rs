//! The real server as a child process of a test: the example firm in a directory of its own.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running server. Dropping it ends the process.
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) address: SocketAddr,
    data: tempfile::TempDir,
}

impl ServerProcess {
    /// Starts the example firm on a free port of loopback.
    pub(crate) fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let (child, address) = spawn(data.path(), "127.0.0.1:0");
        Self {
            child,
            address,
            data,
        }
    }

    /// SIGKILL, and a new start on the same journal and port.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        (self.child, self.address) = spawn(self.data.path(), &self.address.to_string());
    }

    /// SIGKILL, and nobody there any more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// The private key of a session, by the session's name.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.data().join(format!("keys/{name}.key"))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(data: &Path, listen: &str) -> (Child, SocketAddr) {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(data.join("server.log"))
        .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["serve", "--json", "--listen", listen, "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| {
        panic!(
            "{}",
            std::fs::read_to_string(data.join("server.log")).unwrap()
        )
    });
    let address = said["listening"][0].as_str().unwrap().parse().unwrap();
    (child, address)
}
