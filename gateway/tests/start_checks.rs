//! What `portcullis serve` checks before it lets anybody in, what SIGHUP changes while it runs, and a new
//! epoch: all with the real process and the example firm's own keys.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use engine::firm::EXAMPLE;
use portcullis_client::{Client, ClientError, Code, Credentials, Options, SigningKey, keys};
use serde_json::Value;
use wire::{RejectCode, Role};

const WAIT: Duration = Duration::from_secs(20);

/// A server process on the example firm, or on a file.
struct Server {
    child: Child,
    address: String,
    epoch: u64,
    log: PathBuf,
}

fn serve(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["serve", "--json", "--data"]).arg(data);
    if !more.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(more).env("PORTCULLIS_LOG", "info");
    command
}

impl Server {
    fn start(data: &Path, more: &[&str]) -> Self {
        let log = data.join("server.log");
        let mut options = fs::File::options();
        let stderr = options.create(true).append(true).open(&log).unwrap();
        Self::logging_to(data, more, (log, stderr.into()))
    }

    fn logging_to(data: &Path, more: &[&str], (log, stderr): (PathBuf, Stdio)) -> Self {
        let mut child = serve(data, more)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{}", fs::read_to_string(&log).unwrap()));
        Self {
            child,
            address: said["listening"][0].as_str().unwrap().to_owned(),
            epoch: said["epoch"].as_u64().unwrap(),
            log,
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGHUP, and waits for as many sentences of the log as will then have `words` in them.
    fn hang_up(&self, words: &str) {
        let count = || {
            fs::read_to_string(&self.log)
                .unwrap()
                .matches(words)
                .count()
        };
        let before = count();
        self.signal("-HUP");
        until(words, || count() > before);
    }

    fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }

    fn log_on(&self, key: &SigningKey, key_id: u32, epoch: u64) -> Result<Client, ClientError> {
        let credentials = Credentials {
            session_id: 2,
            role: Role::Desk,
            key: key.clone(),
            key_id,
            expected_instance: Some("example".to_owned()),
        };
        let options = Options {
            epoch,
            ..Options::default()
        };
        Client::connect(self.address.as_str(), credentials, options)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_refused(result: Result<Client, ClientError>, wanted: RejectCode) {
    match result.map(drop) {
        Err(ClientError::LogonRejected { code, .. }) => assert_eq!(code, Code(wanted.number())),
        other => panic!("{other:?}"),
    }
}

/// A start that must not come about: what it said.
fn refused(data: &Path, more: &[&str], code: i32) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = serve(data, more).output().unwrap();
    let told = String::from_utf8_lossy(&stderr).into_owned();
    assert!(stdout.is_empty(), "no address was promised");
    assert_eq!(status.code(), Some(code), "{told}");
    told
}

#[test]
fn sighup_lets_a_second_key_in_and_a_removed_one_ends_its_connection_at_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let file = data.path().join("keys/desk2.pub");
    let old = keys::load(&data.path().join("keys/desk2.key")).unwrap();
    let new = keys::generate().unwrap();
    let (old_hex, new_hex) = (keys::public_hex(&old), keys::public_hex(&new));
    is_refused(server.log_on(&new, 2, 0), RejectCode::Credentials);

    fs::write(&file, format!("{old_hex}\n2 {new_hex}   # the new one\n")).unwrap();
    server.hang_up("the keys have been read anew");
    let mut client = server.log_on(&old, 1, 0).unwrap();
    // Both keys are good: the newcomer takes the session over.
    let second = server.log_on(&new, 2, 0).unwrap();
    drop(second);
    let error = loop {
        if let Err(error) = client.recv(WAIT) {
            break error;
        }
    };
    let superseded = Code(RejectCode::AlreadyLoggedOn.number());
    assert!(
        matches!(error, ClientError::Terminated { code, .. } if code == superseded),
        "{error}"
    );

    let mut client = server.log_on(&old, 1, 0).unwrap();
    fs::write(&file, format!("2 {new_hex}\n")).unwrap();
    server.hang_up("the keys have been read anew");
    let error = loop {
        if let Err(error) = client.recv(WAIT) {
            break error;
        }
    };
    let revoked = Code(RejectCode::Credentials.number());
    assert!(
        matches!(error, ClientError::Terminated { code, .. } if code == revoked),
        "{error}"
    );
    is_refused(server.log_on(&old, 1, 0), RejectCode::Credentials);
    drop(server.log_on(&new, 2, 0).unwrap());

    // A file that can't be read changes nothing, and the log says so.
    fs::write(&file, "not a key\n").unwrap();
    server.hang_up("keys and certificates stay as they were");
    let log = fs::read_to_string(&server.log).unwrap();
    assert!(log.contains("desk2.pub line 1"), "{log}");
    drop(server.log_on(&new, 2, 0).unwrap());
    server.stop();
}

#[test]
fn plain_tcp_beyond_loopback_needs_a_flag() {
    let data = tempfile::tempdir().unwrap();
    let told = refused(data.path(), &["--listen", "0.0.0.0:0"], 2);
    assert!(told.contains("--plaintext-off-loopback"), "{told}");
    assert!(!data.path().join("journal").exists(), "nothing was begun");
    let insisted = Server::start(
        data.path(),
        &["--listen", "0.0.0.0:0", "--plaintext-off-loopback"],
    );
    assert!(insisted.address.starts_with("0.0.0.0:"));
    insisted.stop();
}

#[test]
fn private_keys_that_others_may_read_are_refused_with_the_mode_and_the_way_out() {
    let data = tempfile::tempdir().unwrap();
    Server::start(data.path(), &[]).stop();
    for name in ["server.key", "risk.key"] {
        let mode = fs::metadata(data.path().join("keys").join(name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let open = |name: &str, mode| {
        let path = data.path().join("keys").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    open("server.key", 0o644);
    let told = refused(data.path(), &[], 1);
    assert!(
        told.contains("server.key") && told.contains("644") && told.contains("chmod 600"),
        "{told}"
    );
    open("server.key", 0o600);
    // The same for whoever logs on.
    let server = Server::start(data.path(), &[]);
    open("risk.key", 0o640);
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["limits", "list", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        told.contains("risk.key") && told.contains("640") && told.contains("chmod 600"),
        "{told}"
    );
    server.stop();
}

#[test]
fn a_new_epoch_by_command_has_clients_reconcile_and_lets_reducing_orders_pass_only() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    assert_eq!(server.epoch, 1);
    let key = keys::load(&data.path().join("keys/desk2.key")).unwrap();
    drop(server.log_on(&key, 1, 1).unwrap());
    server.stop();

    let server = Server::start(data.path(), &["--new-epoch"]);
    assert_eq!(server.epoch, 2);
    match server.log_on(&key, 1, 1).map(drop) {
        Err(ClientError::WrongEpoch { server, .. }) => assert_eq!(server, 2),
        other => panic!("{other:?}"),
    }
    drop(server.log_on(&key, 1, 2).unwrap());
    let state = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(args)
            .arg("--data")
            .arg(data.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let is_restricted = || state(&["state", "show", "--json"]).contains("\"restricted\":true");
    assert!(is_restricted());
    server.stop();

    // It is in the journal: the next start is in the same epoch, and still restricted.
    let server = Server::start(data.path(), &[]);
    assert_eq!(server.epoch, 2);
    assert!(is_restricted());
    state(&["reconcile", "restart", "--reason", "agreed with the venues"]);
    assert!(!is_restricted());
    server.stop();
}

#[test]
fn a_first_start_does_not_begin_with_an_opening_position_that_is_refused() {
    let data = tempfile::tempdir().unwrap();
    // For its keys.
    Server::start(data.path(), &[]).stop();
    let position = "[[positions]]\naccount = \"EQ-HOUSE\"\ninstrument = \"AAPL\"\nqty = 49.5\n";
    let file = data.path().join("firm.toml");
    let start = |dir: &str| {
        let text = EXAMPLE.replace("dir = \"journal\"", &format!("dir = \"{dir}\""));
        fs::write(&file, format!("{text}{position}")).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let config = start("new");
    let told = refused(data.path(), &["--config", &config], 1);
    assert!(told.contains("next:  portcullis check-config"), "{told}");
    assert!(!data.path().join("new").exists(), "nothing was made");
    // A journal that is there knows better than the file what positions are.
    let config = start("journal");
    Server::start(data.path(), &["--config", &config]).stop();
}

#[test]
fn logs_that_nobody_takes_end_and_hold_up_nothing() {
    let data = tempfile::tempdir().unwrap();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let (reader, unread) = std::io::pipe().unwrap();
    let (gone, closed) = std::io::pipe().unwrap();
    drop(gone);
    for (what, stderr) in [
        ("a full disk", Stdio::from(full())),
        ("a reader that has gone", closed.into()),
        ("a reader that reads nothing", unread.into()),
    ] {
        let server = Server::logging_to(data.path(), &[], (PathBuf::new(), stderr));
        let key = keys::load(&data.path().join("keys/desk2.key")).unwrap();
        let other = keys::generate().unwrap();
        // More than a pipe holds of lines that tell of refusals and sessions.
        for _ in 0..3 {
            is_refused(server.log_on(&other, 1, 0), RejectCode::Credentials);
            drop(
                server
                    .log_on(&key, 1, 0)
                    .unwrap_or_else(|error| panic!("{what}: {error}")),
            );
        }
        server.stop();
    }
    drop(reader);
}

#[test]
fn a_stop_that_is_asked_for_during_the_start_is_a_clean_one() {
    for delay in [0, 5, 20, 60, 150] {
        let data = tempfile::tempdir().unwrap();
        let mut child = serve(data.path(), &["--ack", "written"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let first = data.path().join("journal/000000000001.seg");
        until("the journal is begun", || first.exists());
        std::thread::sleep(Duration::from_millis(delay));
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(child.wait().unwrap().code(), Some(0), "after {delay} ms");
        let server = Server::start(data.path(), &["--ack", "written"]);
        assert_eq!(server.epoch, 1, "after {delay} ms");
        let log = fs::read_to_string(&server.log).unwrap();
        assert!(
            log.contains("the journal is whole"),
            "after {delay} ms: {log}"
        );
        server.stop();
    }
}

#[test]
fn two_people_have_no_key_in_common() {
    let data = tempfile::tempdir().unwrap();
    Server::start(data.path(), &[]).stop();
    let keys_of = |name: &str| data.path().join("keys").join(format!("{name}.pub"));
    let first = fs::read_to_string(keys_of("risk")).unwrap();
    let ops = fs::read_to_string(keys_of("ops")).unwrap();
    let own = keys::public_hex(&keys::generate().unwrap());
    // A third one, so that there are two people whatever becomes of bob.
    let carol = "[[sessions]]\nid = 25\nname = \"carol\"\nrole = \"risk\"\nperson = \"carol\"\nkey_file = \"keys/carol.pub\"\n";
    fs::write(
        keys_of("carol"),
        keys::public_hex(&keys::generate().unwrap()),
    )
    .unwrap();
    let bob = "[[sessions]]\nid = 24\nname = \"bob\"\nrole = \"risk\"\nperson = \"bob\"\nkey_file = \"keys/bob.pub\"\n";
    let text = EXAMPLE
        .replace("two_person = false", "two_person = true")
        .replace("dir = \"journal\"", "dir = \"other\"");
    let file = data.path().join("firm.toml");
    fs::write(&file, format!("{text}\n{bob}")).unwrap();
    let config = ["--config", file.to_str().unwrap()];

    fs::write(keys_of("bob"), format!("{own}\n2 {first}")).unwrap();
    let told = refused(data.path(), &config, 1);
    assert!(
        told.contains("count as two people and have a key in common"),
        "{told}"
    );
    fs::write(keys_of("bob"), &first).unwrap();
    let told = refused(data.path(), &config, 1);
    assert!(told.contains("loosening takes two people"), "{told}");
    assert!(!data.path().join("other").exists(), "nothing was begun");

    fs::write(&file, format!("{text}\n{bob}\n{carol}")).unwrap();
    fs::write(keys_of("bob"), format!("{own}\n")).unwrap();
    let server = Server::start(data.path(), &config);
    fs::write(keys_of("bob"), format!("{own}\n2 {first}")).unwrap();
    server.hang_up("keys and certificates stay as they were");
    // Who they are is what the journal says, whatever the file has been made to say since.
    let one = |text: &str| text.replace("person = \"bob\"", "person = \"risk\"");
    fs::write(&file, one(&format!("{text}\n{bob}\n{carol}"))).unwrap();
    server.hang_up("keys and certificates stay as they were");
    server.stop();
    let told = refused(data.path(), &config, 1);
    assert!(told.contains("--apply-config"), "{told}");
    fs::write(keys_of("bob"), format!("{own}\n2 {ops}")).unwrap();
    let told = refused(data.path(), &config, 1);
    assert!(told.contains("ops"), "who may propose and approve: {told}");
    fs::write(keys_of("bob"), format!("{own}\n")).unwrap();
    let server = Server::start(data.path(), &config);
    server.stop();
}

#[test]
fn what_no_command_changes_is_not_said_to_be_changed_by_one() {
    let data = tempfile::tempdir().unwrap();
    Server::start(data.path(), &[]).stop();
    let file = data.path().join("firm.toml");
    let audit = "[[sessions]]\nid = 23\nname = \"audit\"\nrole = \"audit\"\nkey_file = \"keys/audit.pub\"\n";
    let without = EXAMPLE.replace(audit, "");
    assert_ne!(without, EXAMPLE);
    let looser = without.replacen("value = \"100000\"", "value = \"100001\"", 1);
    assert_ne!(looser, without);
    let mut heard = 0;
    let mut start = |text: &str| {
        fs::write(&file, text).unwrap();
        let server = Server::start(data.path(), &["--config", file.to_str().unwrap()]);
        let log = fs::read_to_string(&server.log).unwrap();
        server.stop();
        let said = log[heard..].to_owned();
        heard = log.len();
        said
    };
    let said = start(&without);
    assert!(
        said.contains("session 23 audit: only in the journal")
            && said.contains("nobody can log on as it (no command changes it)"),
        "{said}"
    );
    assert!(
        said.contains("next:  edit the file; nothing of this"),
        "{said}"
    );
    assert!(!said.contains("--apply-config"), "{said}");
    let said = start(&looser);
    assert!(
        said.contains("start with --apply-config to journal those that a command changes"),
        "{said}"
    );
    // It is as it says: nobody can.
    let server = Server::start(data.path(), &["--config", file.to_str().unwrap()]);
    let credentials = Credentials {
        session_id: 23,
        role: Role::Audit,
        key: keys::load(&data.path().join("keys/audit.key")).unwrap(),
        key_id: 1,
        expected_instance: None,
    };
    let options = Options::default();
    is_refused(
        Client::connect(server.address.as_str(), credentials, options),
        RejectCode::Credentials,
    );
    server.stop();
}
