//! The processes: a server, two desks, a venue's adapter; and who starts and kills them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_client::keys;

use super::adapter::Adapter;
use super::desk::{Inline, Sidecar};
use super::party::{Party, REQUEST_BYTES, requests_file};
use super::process;

/// The risk manager's session.
pub(crate) const RISK: u32 = 4;
/// Instruments are numbered from 1.
pub(crate) const INSTRUMENTS: u32 = 3;
/// Those who may die, by name; each is a process.
pub(crate) const PARTIES: [&str; 3] = [Sidecar::NAME, Inline::NAME, Adapter::NAME];
/// A start replays the journal.
const START: Duration = Duration::from_secs(120);

/// One campaign.
pub(crate) struct World {
    dir: tempfile::TempDir,
    server: Option<Child>,
    parties: [Option<Child>; 3],
}

impl World {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut sessions = String::new();
        for (id, name, more) in [
            (
                Sidecar::SESSION,
                Sidecar::NAME,
                "role = \"desk\"\ntopology = \"sidecar\"\naccounts = [1]\ntraders = [1]",
            ),
            (
                Inline::SESSION,
                Inline::NAME,
                "role = \"desk\"\ntopology = \"inline\"\naccounts = [2]\ntraders = [2]",
            ),
            (
                Adapter::SESSION,
                Adapter::NAME,
                "role = \"venue\"\nvenue = 1",
            ),
            (RISK, "risk", "role = \"risk\""),
        ] {
            let key = keys::generate().unwrap();
            keys::save(&key, &dir.path().join(format!("{name}.key"))).unwrap();
            let hex = keys::public_hex(&key);
            sessions += &format!(
                "[[sessions]]\nid = {id}\nname = \"{name}\"\npublic_key = \"{hex}\"\n{more}\n"
            );
        }
        fs::write(dir.path().join("firm.toml"), firm() + &sessions).unwrap();
        let mut world = Self {
            dir,
            server: None,
            parties: [const { None }; 3],
        };
        world.start_server();
        for at in 0..PARTIES.len() {
            world.start_party(at, false);
        }
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.path().join("data/journal")
    }

    fn start_server(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .current_dir(self.dir.path())
            .args(["serve", "--config", "firm.toml", "--data", "data"])
            .args(["--listen", "127.0.0.1:0"])
            .env("PORTCULLIS_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_default();
        assert!(!address.is_empty(), "the server does not start: {line:?}");
        assert!(begun.elapsed() < START, "the server starts too slowly");
        // Whole or not at all: the desk reads it at any moment.
        let new = self.dir.path().join("address.new");
        fs::write(&new, address).unwrap();
        fs::rename(&new, self.dir.path().join("address")).unwrap();
        self.server = Some(child);
    }

    fn start_party(&mut self, at: usize, settle: bool) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "party_process", "--nocapture"])
            .env(process::DIR, self.dir.path())
            .env(process::PARTY, PARTIES[at])
            .stdout(Stdio::null());
        if settle {
            command.env(process::SETTLE, "1");
        }
        self.parties[at] = Some(command.spawn().unwrap());
    }

    /// Lets them trade for some milliseconds, and at least until so many requests more have been made.
    pub(crate) fn trade(&mut self, millis: u64, requests: u64) {
        let before = self.requests();
        let deadline = Instant::now() + START;
        std::thread::sleep(Duration::from_millis(millis));
        while self.requests() < before + requests {
            for (name, party) in PARTIES.iter().zip(&mut self.parties) {
                let ended = party.as_mut().unwrap().try_wait().unwrap();
                assert!(ended.is_none(), "{name} has ended: {ended:?}");
            }
            assert!(Instant::now() < deadline, "nobody trades any more");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Requests that the parties have written down.
    pub(crate) fn requests(&self) -> u64 {
        let written = |name| {
            fs::metadata(requests_file(self.dir.path(), name))
                .map_or(0, |file| file.len() / REQUEST_BYTES)
        };
        PARTIES.into_iter().map(written).sum()
    }

    /// SIGKILL to all of them, and all of them come back.
    pub(crate) fn kill(&mut self, server: bool, parties: &[usize]) {
        if server {
            kill(self.server.take());
        }
        for at in parties {
            kill(self.parties[*at].take());
        }
        if server {
            self.start_server();
        }
        for at in parties {
            self.start_party(*at, false);
        }
    }

    /// Nobody asks for anything new; each waits for every answer and ends. What the adapter does may give
    /// the inline desk something to do, and the other way round.
    pub(crate) fn settle(&mut self) {
        for at in 0..PARTIES.len() {
            kill(self.parties[at].take());
        }
        for round in 0.. {
            let before = self.requests();
            // The adapter first: while it is away the inline desk's cancels wait for it.
            for at in (0..PARTIES.len()).rev() {
                self.start_party(at, true);
                let status = self.parties[at].take().unwrap().wait().unwrap();
                assert!(status.success(), "the last {} ends in order", PARTIES[at]);
            }
            // In the first one the inline desk may have sent again what the adapter has not heard yet.
            if round > 0 && self.requests() == before {
                return;
            }
        }
    }

    /// Ends the server in order.
    pub(crate) fn stop_server(&mut self) {
        let mut server = self.server.take().unwrap();
        let stopped = Command::new("kill")
            .args(["-TERM", &server.id().to_string()])
            .status()
            .unwrap();
        assert!(stopped.success() && server.wait().unwrap().success());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let parties = self.parties.iter_mut().map(Option::take);
        for mut child in parties.chain([self.server.take()]).flatten() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// SIGKILL.
fn kill(child: Option<Child>) {
    let mut child = child.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
}

fn firm() -> String {
    let mut text = String::from(
        "[firm]\nname = \"Campaign\"\ninstance = \"campaign\"\ntwo_person = false\nbase_currency = \"USD\"\n\
         [capacity]\norders = 131072\nexecutions = 1048576\nrows = 256\n\
         [journal]\nsegment_size = \"4MiB\"\nsnapshot_every = 20000\n\
         [day]\nopen = \"auto\"\n\
         [[desks]]\nid = 1\nname = \"Desk\"\n\
         [[accounts]]\nid = 1\nname = \"ONE\"\ndesk = 1\nself_match = \"off\"\n\
         [[accounts]]\nid = 2\nname = \"TWO\"\ndesk = 1\nself_match = \"off\"\n\
         [[accounts]]\nid = 99\nname = \"SUSPENSE\"\ndesk = 1\nsuspense = true\n\
         [[traders]]\nid = 1\nname = \"Sidecar\"\n\
         [[traders]]\nid = 2\nname = \"Inline\"\n\
         [limits_per_session]\noutbound_window = \"16KiB\"\n",
    );
    for id in 1..=INSTRUMENTS {
        text += &format!(
            "[[instruments]]\nid = {id}\nsymbol = \"I{id}\"\nvenue = 1\ncurrency = \"USD\"\n\
             tick = 0.01\nlot = 1\nreference = 100\nmark = 100\n"
        );
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
        "NetLong",
        "NetShort",
    ] {
        // Some orders are refused: a refusal is an answer like any other.
        let value = match kind {
            "MaxOrderQty" => "90",
            "PriceCollar" => "10%",
            "OrderRate" => "1000000",
            "MaxOpenOrders" => "110000",
            _ => "unlimited",
        };
        let per = match kind {
            "OrderRate" => "per = \"1s\"\n",
            _ => "",
        };
        text +=
            &format!("[[limits]]\nscope = \"firm\"\nkind = \"{kind}\"\nvalue = \"{value}\"\n{per}");
    }
    text
}
