//! A server of the example firm, or another, in this process, and the command run against it.

use assert_cmd::Command;
use engine::firm::Firm;
use engine::pipeline::{self, AckPolicy, Stopped};
use engine::recover::{self, OpenOptions};
use gateway::clock::{Clock, RealClock};
use gateway::server::{ServeError, Server, ServerConfig, StopHandle};
use portcullis_client::keys;
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::thread::JoinHandle;
use wire::Time;

pub(crate) struct Serving {
    pub(crate) data: tempfile::TempDir,
    stop: StopHandle,
    thread: Option<JoinHandle<Result<Stopped, ServeError>>>,
}

impl Serving {
    pub(crate) fn start() -> Self {
        Self::start_firm(Firm::example())
    }

    pub(crate) fn start_firm(mut firm: Firm) -> Self {
        let data = tempfile::tempdir().unwrap();
        let keys_dir = data.path().join("keys");
        fs::create_dir(&keys_dir).unwrap();
        for file in firm.key_files.clone() {
            let key = keys::generate().unwrap();
            firm.set_public_key(file.session_id, &keys::public_hex(&key))
                .unwrap();
            keys::save(&key, &keys_dir.join(format!("{}.key", file.name))).unwrap();
        }
        let clock = RealClock::start();
        let genesis = firm.genesis(Time(clock.now()));
        let mut options = OpenOptions::new(genesis, AckPolicy::Memory, "test-1", clock.now());
        options.segment_bytes = 4 << 20;
        let journal = data.path().join("journal");
        fs::create_dir(&journal).unwrap();
        let server = Server::start(
            ServerConfig::new("127.0.0.1:0".parse().unwrap(), AckPolicy::Memory),
            pipeline::Options::new(AckPolicy::Memory),
            recover::open(&journal, &options).unwrap(),
            Arc::new(clock),
        )
        .unwrap();
        fs::write(
            data.path().join("address"),
            format!("{}\n", server.address()),
        )
        .unwrap();
        Self {
            data,
            stop: server.stop_handle(),
            thread: Some(std::thread::spawn(move || server.run())),
        }
    }

    /// Exit code, stdout and stderr.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(args)
            .arg("--data")
            .arg(self.data.path())
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    pub(crate) fn lines(&self, args: &[&str]) -> Vec<Value> {
        let mut all = args.to_vec();
        all.push("--json");
        let (code, out, err) = self.run(&all);
        assert_eq!(code, 0, "{err}");
        assert!(err.contains("two-person approval is off"), "{err}");
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn firm_max_order_qty(&self) -> Value {
        let limits = self.lines(&["limits", "list", "--scope", "firm"]);
        let found = limits
            .into_iter()
            .find(|limit| limit["scope"] == "Firm" && limit["limitKind"] == "MaxOrderQty");
        found.unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The file of a session's private key.
pub(crate) fn key_of(server: &Serving, name: &str) -> String {
    let path = server.data.path().join("keys").join(format!("{name}.key"));
    path.to_str().unwrap().to_owned()
}
