//! The processes: a server, a desk, and who starts and kills them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_client::keys;

use super::desk;

/// The desk's session, in sidecar: it reports its own fills.
pub(crate) const DESK: u32 = 1;
/// The risk manager's session.
pub(crate) const RISK: u32 = 2;
/// Who trades where.
pub(crate) const ACCOUNT: u32 = 1;
pub(crate) const TRADER: u16 = 1;
/// Instruments are numbered from 1.
pub(crate) const INSTRUMENTS: u32 = 3;
/// A start replays the journal.
const START: Duration = Duration::from_secs(120);

/// One campaign.
pub(crate) struct World {
    dir: tempfile::TempDir,
    server: Option<Child>,
    desk: Option<Child>,
}

impl World {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut sessions = String::new();
        for (id, name, more) in [
            (
                DESK,
                "desk",
                "role = \"desk\"\ntopology = \"sidecar\"\naccounts = [1]\ntraders = [1]",
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
            desk: None,
        };
        world.start_server();
        world.start_desk(false);
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

    fn start_desk(&mut self, settle: bool) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "desk_process", "--nocapture"])
            .env(desk::DIR, self.dir.path())
            .stdout(Stdio::null());
        if settle {
            command.env(desk::SETTLE, "1");
        }
        self.desk = Some(command.spawn().unwrap());
    }

    /// Lets them trade for some milliseconds, and at least until something new has been asked.
    pub(crate) fn trade(&mut self, millis: u64) {
        let before = self.requests();
        let deadline = Instant::now() + START;
        std::thread::sleep(Duration::from_millis(millis));
        while self.requests() == before {
            let desk = self.desk.as_mut().unwrap();
            assert!(desk.try_wait().unwrap().is_none(), "the desk has ended");
            assert!(Instant::now() < deadline, "nobody trades any more");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Requests that the desk has written down.
    pub(crate) fn requests(&self) -> u64 {
        fs::metadata(self.dir.path().join(desk::REQUESTS))
            .map_or(0, |file| file.len() / desk::REQUEST_BYTES)
    }

    pub(crate) fn kill_server(&mut self) {
        kill(self.server.take());
        self.start_server();
    }

    pub(crate) fn kill_desk(&mut self) {
        kill(self.desk.take());
        self.start_desk(false);
    }

    pub(crate) fn kill_both(&mut self) {
        kill(self.server.take());
        kill(self.desk.take());
        self.start_server();
        self.start_desk(false);
    }

    /// The last desk asks for nothing new, waits for every answer, and ends.
    pub(crate) fn settle(&mut self) {
        kill(self.desk.take());
        self.start_desk(true);
        let status = self.desk.take().unwrap().wait().unwrap();
        assert!(status.success(), "the last desk ends in order");
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
        for mut child in [self.server.take(), self.desk.take()].into_iter().flatten() {
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
         [capacity]\norders = 65536\nexecutions = 1048576\nrows = 256\n\
         [journal]\nsegment_size = \"16MiB\"\n\
         [day]\nopen = \"auto\"\n\
         [[desks]]\nid = 1\nname = \"Desk\"\n\
         [[accounts]]\nid = 1\nname = \"ONE\"\ndesk = 1\nself_match = \"off\"\n\
         [[accounts]]\nid = 99\nname = \"SUSPENSE\"\ndesk = 1\nsuspense = true\n\
         [[traders]]\nid = 1\nname = \"Trader\"\n\
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
            "MaxOpenOrders" => "60000",
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
