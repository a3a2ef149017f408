//! Owns the campaigns in which the kernel tells the real server that the disk has failed, is full or
//! is slow: errors and delays injected by strace, and a small file system that is really full.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portcullis_client::{Client, Event};
use wire::{CancelOrder, RejectCode, Reply, Scope, SetState, Text, TradingState};

use crate::afterwards::Afterwards;
use crate::desk::Desk;
use crate::server::{Firm, INLINE, RISK, SUSPENSE, available, strace_works, tail};

const PATIENCE: Duration = Duration::from_secs(60);

/// The n-th `call` of a thread fails: the server ends, and nothing acknowledged is missing.
fn fails(call: &str, errno: &str, n: u64) {
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    let server = firm.serve_under_strace(&[&format!("{call}:error={errno}:when={n}")]);
    let mut desk = Desk::new(&firm, &server, n);
    assert!(desk.trade(|_| false).is_err());
    desk.drain();
    let status = server.ended();
    let log = tail(&firm.log());
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(
        log.contains("failed at"),
        "it says what failed and where: {log}"
    );
    let found = Afterwards::read(&firm, desk.acknowledged);
    found.hold_all_that_was_acknowledged(&desk);
    let server = firm.serve();
    desk.resume(&server);
    desk.compare(&firm, &server);
    server.stop();
}

fn failing(each: u64) {
    if !strace_works() {
        return;
    }
    let mut tried = 0;
    for (call, errno) in [
        ("fdatasync", "EIO"),
        ("pwrite64", "EIO"),
        ("pwrite64", "ENOSPC"),
    ] {
        for n in 0..each {
            fails(call, errno, 30 + n);
            tried += 1;
        }
    }
    println!("errors injected into the real binary: {tried}; nothing acknowledged is missing");
}

/// Half a second of a frozen disk: decisions go on, answers come late, nothing is dropped.
#[test]
fn a_disk_frozen_for_half_a_second_delays_answers_and_drops_nothing() {
    if !strace_works() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let firm = Firm::found(data.path());
    let server = firm.serve_under_strace(&["fdatasync:delay_enter=500ms:when=40"]);
    let mut desk = Desk::new(&firm, &server, 1);
    let started = Instant::now();
    desk.trade(|desk| desk.orders.len() > 5_000 || started.elapsed() > Duration::from_secs(10))
        .unwrap();
    desk.settle();
    assert!(
        desk.silence_max > Duration::from_millis(450),
        "{:?}",
        desk.silence_max
    );
    desk.compare(&firm, &server);
    println!(
        "frozen for 500 ms: {} orders, all answered, {} of them Busy",
        desk.orders.len(),
        desk.busy
    );
    server.stop();
}

/// A mounted file system that is taken away again.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn tmpfs(at: &'a Path, mib: u64) -> Option<Self> {
        let option = format!("size={mib}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &option, "portcullis-test"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        let there = mounted.is_ok_and(|status| status.success());
        available("mounting a small tmpfs (root)", there).then_some(Self(at))
    }

    fn grow(&self, mib: u64) {
        let option = format!("remount,size={mib}m");
        let status = Command::new("mount")
            .args(["-o", &option])
            .arg(self.0)
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        // Nothing is left to do about it where this fails.
        drop(Command::new("umount").args(["-l"]).arg(self.0).status());
    }
}

/// How long a desk that floods a full disk must have heard nothing to know that its orders wait.
const WAITS: Duration = Duration::from_secs(3);

/// A desk floods a file system until it is full: new orders become `Busy`, then wait with their client,
/// and what the risk manager and a desk that does not flood need is taken as before. Then there is space
/// again and everything goes on by itself; or, of every second, the server is killed and the next one goes
/// on. Everything acknowledged is there.
fn full(mib: u64) {
    let data = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(data.path(), mib) else {
        return;
    };
    let firm = Firm::found(data.path());
    let mut server = firm.serve();
    let mut desk = Desk::new(&firm, &server, mib);
    let started = Instant::now();
    desk.trade(|desk| desk.silence() > WAITS || started.elapsed() > Duration::from_secs(120))
        .unwrap();
    assert!(desk.silence() > WAITS, "the file system did not fill up");
    assert!(desk.busy > 0, "first they are Busy");
    let log = firm.log();
    assert!(log.contains("space for the journal runs out"), "{log}");
    // They log on only now. Five hundred messages: what the flood has left is for these.
    let mut quiet = firm.connect(&server, INLINE);
    let mut risk = firm.connect(&server, RISK);
    let mut version = 0;
    for n in 1..=250 {
        let answered = cancel_of_nothing(&mut quiet, n);
        assert_eq!(answered, RejectCode::UnknownOrder.number());
        let state = if n % 2 == 0 {
            TradingState::Active
        } else {
            TradingState::ReduceOnly
        };
        version = set_state(&mut risk, version, state);
    }
    drop((risk, quiet));
    let killed = mib.is_multiple_of(2);
    if killed {
        server.signal("-KILL");
        server.ended();
        desk.drain();
        let found = Afterwards::read(&firm, desk.acknowledged);
        found.hold_all_that_was_acknowledged(&desk);
        mount.grow(mib + 64);
        server = firm.serve();
        desk.resume(&server);
    } else {
        mount.grow(mib + 64);
        desk.settle();
        let log = firm.log();
        let line = "there is space for the journal again: all messages are taken connections=1";
        // One desk floods, however often it has tried.
        assert!(log.lines().any(|said| said.ends_with(line)), "{log}");
    }
    desk.compare(&firm, &server);
    let before = desk.orders.len();
    desk.trade(|desk| desk.orders.len() > before + 500).unwrap();
    desk.settle();
    desk.compare(&firm, &server);
    server.stop();
    println!(
        "a file system of {mib} MiB: full after {before} orders, {} of them Busy; 500 cancels and states \
         passed; {}; {} acknowledged, all there",
        desk.busy,
        if killed {
            "killed"
        } else {
            "went on by itself"
        },
        desk.answers
    );
    drop(mount);
}

/// The code that a cancel of an order that is not there is answered with.
fn cancel_of_nothing(client: &mut Client, cl_ord_id: u64) -> u16 {
    client
        .send(CancelOrder {
            cl_ord_id,
            orig_cl_ord_id: u64::MAX,
            trader_id: 1,
            ..CancelOrder::default()
        })
        .unwrap();
    let answer = answer(client);
    let Reply::OrderRejected(m) = answer else {
        panic!("{answer:?}");
    };
    m.code
}

/// The next answer, heartbeats left out.
fn answer(client: &mut Client) -> Reply {
    loop {
        match client.recv(PATIENCE).unwrap() {
            Some(Event::Reply(reply)) => return reply,
            Some(_) => {}
            None => panic!("no answer"),
        }
    }
}

/// The risk manager changes the state of an account that nobody trades; its new version.
fn set_state(client: &mut Client, version: u32, state: TradingState) -> u32 {
    client
        .send(SetState {
            expected_version: version,
            reason: Text::new("a full disk"),
            scope: Scope::Account,
            scope_id: SUSPENSE,
            state,
            ..SetState::default()
        })
        .unwrap();
    loop {
        // Alerts come between.
        if let Reply::AdminAck(m) = answer(client) {
            assert_eq!(m.code, 0, "{m:?}");
            return m.new_version;
        }
    }
}

#[test]
fn after_an_error_of_the_disk_the_server_ends_and_nothing_acknowledged_is_missing() {
    failing(1);
}

#[test]
fn a_really_full_file_system_costs_nothing_acknowledged() {
    full(13);
}

#[test]
#[ignore = "minutes"]
fn full_disk_errors() {
    failing(40);
    for mib in [9, 10, 11, 13, 14, 17, 18, 21] {
        full(mib);
    }
}
