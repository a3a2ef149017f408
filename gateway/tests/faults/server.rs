//! Owns the server as a child process of the test, plain or under strace, and its small firm.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use portcullis_client::{Client, ClientError, Credentials, Options, SigningKey, keys};
use wire::{Query, QueryWhat, Reply, Role};

/// A sidecar desk.
pub(crate) const DESK: u32 = 1;
pub(crate) const RISK: u32 = 2;
/// A desk whose accepted orders go on to the venue.
pub(crate) const INLINE: u32 = 3;
pub(crate) const VENUE: u32 = 4;
const OPS: u32 = 5;
/// An account that nobody trades.
pub(crate) const SUSPENSE: u32 = 9;
/// The smallest that a firm may have.
pub(crate) const SEGMENT_MIB: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// A data directory with a firm without limits that bind: a sidecar desk, an inline one and a venue.
#[derive(Debug)]
pub(crate) struct Firm {
    pub(crate) data: PathBuf,
    /// The private keys, by session.
    keys: BTreeMap<u32, SigningKey>,
}

impl Firm {
    pub(crate) fn found(data: &Path) -> Self {
        let firm = Self {
            data: data.to_owned(),
            keys: [DESK, RISK, INLINE, VENUE, OPS]
                .map(|session| (session, keys::generate().unwrap()))
                .into(),
        };
        let mut text = format!(
            "[firm]\nname = \"Faults\"\ninstance = \"faults\"\ntwo_person = false\nbase_currency = \"USD\"\n\
             [capacity]\naccounts = 8\ninstruments = 8\norders = 65536\nrows = 256\n\
             executions = 262144\nlimits = 64\nsessions = 8\n\
             [journal]\nack = \"durable\"\nsegment_size = \"{SEGMENT_MIB}MiB\"\n\
             [day]\nopen = \"auto\"\n\
             [[desks]]\nid = 1\nname = \"Desk\"\n\
             [[traders]]\nid = 1\nname = \"Ada\"\n"
        );
        write!(
            text,
            "[[accounts]]\nid = {SUSPENSE}\nname = \"SUSPENSE\"\ndesk = 1\nsuspense = true\n"
        )
        .unwrap();
        for id in [1, 2] {
            write!(
                text,
                "[[accounts]]\nid = {id}\nname = \"ACCOUNT-{id}\"\ndesk = 1\nself_match = \"off\"\n\
                 [[instruments]]\nid = {id}\nsymbol = \"SHARE-{id}\"\nvenue = 1\ngroup = 1\n\
                 tick = 0.01\nlot = 1\nreference = 100\nmark = 100\n"
            )
            .unwrap();
        }
        for kind in [
            "MaxOrderQty",
            "MaxOrderNotional",
            "PriceCollar",
            "OrderRate",
            "MaxOpenOrders",
            "MaxLong",
            "MaxShort",
            "GrossNotional",
        ] {
            write!(
                text,
                "[[limits]]\nscope = \"firm\"\nkind = \"{kind}\"\nvalue = \"unlimited\"\n"
            )
            .unwrap();
        }
        let desk = |topology| {
            format!(
                "role = \"desk\"\ntopology = \"{topology}\"\naccounts = [1, 2]\ntraders = [1]\n"
            )
        };
        for (id, name, role) in [
            (DESK, "desk", desk("sidecar")),
            (RISK, "risk", "role = \"risk\"\n".to_owned()),
            (INLINE, "inline", desk("inline")),
            (VENUE, "venue", "role = \"venue\"\nvenue = 1\n".to_owned()),
            (OPS, "ops", "role = \"ops\"\n".to_owned()),
        ] {
            let key = keys::public_hex(&firm.keys[&id]);
            write!(
                text,
                "[[sessions]]\nid = {id}\nname = \"{name}\"\n{role}public_key = \"{key}\"\n"
            )
            .unwrap();
        }
        fs::write(data.join("firm.toml"), text).unwrap();
        firm
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.data.join("journal")
    }

    /// What the server has said so far on its stderr, over all its runs.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.data.join("server.log")).unwrap_or_default()
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(self, Command::new(env!("CARGO_BIN_EXE_portcullis")))
    }

    /// The same under `strace`, with what it injects.
    pub(crate) fn serve_under_strace(&self, inject: &[&str]) -> Server {
        let mut command = Command::new("strace");
        // Not with `--seccomp-bpf`: under it strace 6.1 delivers no signals.
        command.args(["-f", "-qq", "-o"]);
        command.arg(self.data.join("strace.log"));
        for what in inject {
            command.arg("-e").arg(format!("inject={what}"));
        }
        let calls: Vec<&str> = inject
            .iter()
            .map(|what| what.split(':').next().unwrap())
            .collect();
        command
            .arg("-e")
            .arg(format!("trace={}", calls.join(",")))
            .arg(env!("CARGO_BIN_EXE_portcullis"));
        Server::start(self, command)
    }

    pub(crate) fn connect(&self, server: &Server, session_id: u32) -> Client {
        self.try_connect(server, session_id, &self.keys[&session_id])
            .unwrap()
    }

    /// A logon with any key.
    pub(crate) fn try_connect(
        &self,
        server: &Server,
        session_id: u32,
        key: &SigningKey,
    ) -> Result<Client, ClientError> {
        self.connect_with(server, session_id, key, Options::default())
    }

    /// A logon that asks for more.
    pub(crate) fn connect_with(
        &self,
        server: &Server,
        session_id: u32,
        key: &SigningKey,
        options: Options,
    ) -> Result<Client, ClientError> {
        let role = match session_id {
            RISK => Role::Risk,
            VENUE => Role::Venue,
            _ => Role::Desk,
        };
        let credentials = Credentials {
            session_id,
            role,
            key: key.clone(),
            key_id: 1,
            expected_instance: Some("faults".to_owned()),
        };
        let options = Options {
            timeout: PATIENCE,
            ..options
        };
        Client::connect(server.address, credentials, options)
    }

    pub(crate) fn key(&self, session_id: u32) -> &SigningKey {
        &self.keys[&session_id]
    }

    /// Another policy than `durable`, from the next start on.
    pub(crate) fn acknowledge_when(&self, ack: &str) {
        let file = self.data.join("firm.toml");
        let text = fs::read_to_string(&file).unwrap();
        let other = text.replace("ack = \"durable\"", &format!("ack = \"{ack}\""));
        assert_ne!(text, other);
        fs::write(file, other).unwrap();
    }

    /// The program's own client side, as operations.
    pub(crate) fn run_as_ops(&self, args: &[&str]) -> Output {
        let key = self.data.join("ops.key");
        if !key.exists() {
            keys::save(&self.keys[&OPS], &key).unwrap();
        }
        Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(args)
            .arg("--data")
            .arg(&self.data)
            .args(["--session", &OPS.to_string(), "--key"])
            .arg(key)
            .output()
            .unwrap()
    }

    /// What the risk manager is shown.
    pub(crate) fn ask(&self, server: &Server, what: QueryWhat) -> Vec<Reply> {
        let query = Query {
            what,
            scope_id: u32::MAX,
            instrument_id: u32::MAX,
            ..Query::default()
        };
        self.connect(server, RISK).query(query).unwrap()
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The server's own process, also under strace.
    pub(crate) pid: String,
}

impl Server {
    fn start(firm: &Firm, mut command: Command) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(firm.data.join("server.log"))
            .unwrap();
        let mut child = command
            .arg("serve")
            .arg("--config")
            .arg(firm.data.join("firm.toml"))
            .arg("--data")
            .arg(&firm.data)
            .args(["--listen", "127.0.0.1:0", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Option<serde_json::Value> = serde_json::from_str(&line).ok();
        let address = told.and_then(|told| told["listening"][0].as_str()?.parse().ok());
        let Some(address) = address else {
            drop(child.kill());
            drop(child.wait());
            panic!(
                "the server did not start; its log ends:\n{}",
                tail(&firm.log())
            );
        };
        let pid = fs::read_to_string(firm.journal().join("lock")).unwrap();
        Self {
            child,
            address,
            pid: pid.trim().to_owned(),
        }
    }

    /// Sends a signal to the server itself.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.pid])
            .status()
            .unwrap();
        assert!(status.success(), "kill {name} {}", self.pid);
    }

    /// SIGKILL after a while, from a thread of its own; the process has ended when that is joined.
    pub(crate) fn kill_after(mut self, wait: Duration) -> std::thread::JoinHandle<()> {
        std::thread::spawn(move || {
            std::thread::sleep(wait);
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        })
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the server does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGTERM, and a clean end.
    pub(crate) fn stop(self) {
        self.signal("-TERM");
        let status = self.ended();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Under strace the child is strace; the server itself goes first. Errors: it has gone already.
        if matches!(self.child.try_wait(), Ok(None)) {
            let kill = ["-KILL", &self.pid];
            drop(
                Command::new("kill")
                    .args(kill)
                    .stderr(Stdio::null())
                    .status(),
            );
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// The end of a log.
pub(crate) fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Whether something that a test needs is there; else says what is skipped and why.
pub(crate) fn available(what: &str, there: bool) -> bool {
    if !there {
        assert!(
            std::env::var_os("PORTCULLIS_REQUIRE_FAULTS").is_none(),
            "missing: {what}"
        );
        println!("SKIPPED: {what} is not available here");
    }
    there
}

pub(crate) fn strace_works() -> bool {
    let tried = Command::new("strace")
        .args(["-qq", "-f", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    available(
        "strace (Debian package strace, and the right to trace)",
        tried.is_ok_and(|status| status.success()),
    )
}
