//! The memory of `portcullis serve`: refused by name where there is too little, locked where the firm's file asks
//! for it, in large pages where the system gives them.

#![allow(clippy::unwrap_used, reason = "a test that meets something else fails")]

use engine::command::DefineFirm;
use engine::firm::EXAMPLE;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The example firm with more in its file, and its keys.
struct Firm {
    data: tempfile::TempDir,
}

impl Firm {
    fn with(change: impl FnOnce(&str) -> String) -> Self {
        let data = tempfile::tempdir().unwrap();
        drop(Server::start(data.path(), None));
        fs::write(data.path().join("firm.toml"), change(EXAMPLE)).unwrap();
        Self { data }
    }

    fn file(&self) -> PathBuf {
        self.data.path().join("firm.toml")
    }

    /// A start that ends by itself, under another program where one is named.
    fn refused(&self, under: &[&str]) -> Output {
        let program = env!("CARGO_BIN_EXE_portcullis");
        let mut words = under.iter().copied().chain([program]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        serve(&mut command, self.data.path(), Some(&self.file()));
        command.output().unwrap()
    }
}

fn serve(command: &mut Command, data: &Path, file: Option<&Path>) {
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data);
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
}

/// A server that is stopped cleanly in the end.
struct Server {
    child: Child,
}

impl Server {
    fn start(data: &Path, file: Option<&Path>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        serve(&mut command, data, file);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.starts_with("listening on "), "{line:?}");
        Self { child }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// What the system says of the process under a name, in KiB.
    fn kib(&self, file: &str, name: &str) -> u64 {
        let text = self.read(file);
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        drop(self.child.wait());
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether this process may lock memory, and `setpriv` take the right to away.
fn can_lock() -> bool {
    const IPC_LOCK: u64 = 1 << 14;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rights = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    let tries = ["--bounding-set", "-ipc_lock", "true"];
    let ran = Command::new("setpriv").args(tries).status();
    rights.is_some_and(|rights| rights & IPC_LOCK != 0) && ran.is_ok_and(|status| status.success())
}

#[test]
fn tables_that_the_machine_has_no_memory_for_are_refused_before_anything_is_made() {
    let most = DefineFirm::LARGEST;
    let firm = Firm::with(|text| {
        text.replace("orders = 262144 ", &format!("orders = {} ", most.orders))
            .replace("rows = 65536 ", &format!("rows = {} ", most.rows))
            .replace(
                "executions = 1048576",
                &format!("executions = {}", most.executions),
            )
    });
    let check = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("check-config")
        .arg(firm.file())
        .output()
        .unwrap();
    // The file is right, for a larger machine.
    assert!(check.status.success(), "{}", told(&check));
    if !told(&check).contains("it could not be served here") {
        println!("skipped: this machine has memory for the largest tables");
        return;
    }
    let refused = firm.refused(&[]);
    assert_eq!(refused.status.code(), Some(1));
    for told in [told(&check), told(&refused)] {
        assert!(told.contains("[capacity] asks for tables of "), "{told}");
        assert!(told.contains("say fewer `orders`"), "{told}");
    }
    assert!(
        refused.stdout.is_empty(),
        "no address was promised: {:?}",
        refused.stdout
    );
}

#[test]
fn memory_is_locked_where_the_file_says_so_and_a_start_that_may_not_is_refused() {
    let firm = Firm::with(|text| format!("{text}\n[memory]\nlock = true\n"));
    if !can_lock() {
        println!("skipped: this process may not lock memory, or setpriv (util-linux) is not here");
        return;
    }
    let refused = firm.refused(&["setpriv", "--bounding-set", "-ipc_lock"]);
    assert_eq!(refused.status.code(), Some(1), "{}", told(&refused));
    assert!(
        told(&refused).contains("the memory cannot be locked"),
        "{}",
        told(&refused)
    );
    assert!(
        refused.stdout.is_empty(),
        "no address was promised: {:?}",
        refused.stdout
    );
    // It had ended its journal cleanly: this start finds it whole.
    let server = Server::start(firm.data.path(), Some(&firm.file()));
    let (locked, resident) = (
        server.kib("status", "VmLck:"),
        server.kib("status", "VmRSS:"),
    );
    assert!(
        locked >= resident / 10 * 9,
        "{locked} KiB locked of {resident}"
    );
}

#[test]
fn tables_stand_in_large_pages_where_the_system_gives_them_to_who_asks() {
    let modes = "/sys/kernel/mm/transparent_hugepage/enabled";
    if !fs::read_to_string(modes).is_ok_and(|modes| modes.contains("[madvise]")) {
        println!("skipped: this system gives large pages unasked, or never");
        return;
    }
    for (says, asks) in [("", true), ("\n[memory]\nlarge_pages = false\n", false)] {
        let firm = Firm::with(|text| format!("{text}{says}"));
        let server = Server::start(firm.data.path(), Some(&firm.file()));
        let has_asked = server.read("environ").contains("glibc.malloc.hugetlb=1");
        assert_eq!(has_asked, asks && cfg!(target_env = "gnu"), "{says}");
        assert_eq!(server.read("comm").trim(), "portcullis");
        let large = server.kib("smaps_rollup", "AnonHugePages:");
        println!("large_pages {asks}: {large} KiB in large pages");
        if !asks {
            assert_eq!(large, 0, "nobody asked");
        }
    }
}
