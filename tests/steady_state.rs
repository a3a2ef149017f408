//! Once its buffers stand, the I/O thread allocates nothing, and no thread of the server waits for a page: a
//! connection that trades on for longer costs the same.

#![allow(clippy::unwrap_used, reason = "a test that meets something else fails")]

use engine::pipeline::{self, AckPolicy};
use engine::recover::{self, OpenOptions};
use gateway::bench::desk::{Desk, Mix};
use gateway::bench::firm::{
    FIRST_DESK_SESSION, INSTANCE, OPS_SESSION, Shape, TWELVE, day_open, genesis,
};
use gateway::bench::line::{Line, Waiting};
use gateway::clock::{Clock, RealClock};
use gateway::server::{Server, ServerConfig};
use portcullis_client::{Client, Credentials, Event, Options, SigningKey, keys};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wire::{Reply, Role, Text, Topology};

/// Messages a second, slow enough for a debug build.
const RATE: u64 = 4_000;
/// Until the outbound log, its frames and every buffer have their size.
const WARM: Duration = Duration::from_millis(1_500);
/// Lists that may still grow when the machine lets a turn find more to do than any before it.
const GROWTH: u64 = 32;
/// The system takes pages away and gives them back when it likes, to move them for example: of these stretches one
/// has to be free of that.
const STRETCHES: usize = 10;
const STRETCH: Duration = Duration::from_millis(300);
/// Name of the thread that serves.
const IO_THREAD: &str = "serving";
/// Names of I/O, engine, writer and follower, as the system cuts them.
const ON_THE_WAY: [&str; 4] = [
    IO_THREAD,
    "portcullis-engi",
    "portcullis-writ",
    "portcullis-foll",
];

fn connect(address: SocketAddr, key: &SigningKey, session_id: u32, role: Role) -> Client {
    let credentials = Credentials {
        session_id,
        role,
        key: key.clone(),
        key_id: 1,
        expected_instance: Some(INSTANCE.to_owned()),
    };
    // No heartbeat of the client's comes between, in neither run.
    let options = Options {
        keep_alive: Duration::from_secs(60),
        ..Options::default()
    };
    Client::connect(address, credentials, options).unwrap()
}

/// A desk that has traded until every buffer has its size.
struct Trading {
    line: Line,
}

impl Trading {
    /// Opens the day and trades for the warm-up.
    fn start(address: SocketAddr, key: &SigningKey) -> Self {
        let mut ops = connect(address, key, OPS_SESSION, Role::Ops);
        ops.send(day_open()).unwrap();
        loop {
            let event = ops.recv(Duration::from_secs(30)).unwrap();
            if let Some(Event::Reply(Reply::AdminAck(ack))) = event {
                assert_eq!(ack.code, 0, "the day is open");
                break;
            }
        }
        let client = connect(address, key, FIRST_DESK_SESSION, Role::Desk);
        let stream = client.socket().try_clone().unwrap();
        let desk = Desk::new(Mix::TRADING, 256, client.next_seq_no(), 1);
        let line = Line::new(stream, Waiting::Yielding, Some(client), desk).unwrap();
        let mut trading = Self { line };
        trading.go_on(WARM);
        trading
    }

    /// Messages sent in that time.
    fn go_on(&mut self, time: Duration) -> u64 {
        self.line.open_loop(RATE, time).unwrap().sent
    }

    /// All of them were answered rightly.
    fn end(self) {
        let books = self.line.books();
        assert_eq!(books.right, books.sent, "{:?}", books.wrong);
    }
}

/// A server on a journal of its own, and the key of all its sessions.
fn server(dir: &Path, ack: AckPolicy) -> (Server, SigningKey) {
    let key = keys::generate().unwrap();
    let shape = Shape {
        topology: Topology::Sidecar,
        ..Shape::small()
    };
    let clock = Arc::new(RealClock::start());
    let genesis = genesis(&shape, TWELVE, Text::new(&keys::public_hex(&key)));
    let options = OpenOptions {
        // As small as the gateway's log below: both are full when the warm-up ends.
        retained: 2_000,
        ..OpenOptions::new(genesis, ack, "test", clock.now())
    };
    let opened = recover::open(dir, &options).unwrap();
    let mut config = ServerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)), ack);
    config.limits.outbound_log_bytes = 1 << 18;
    let server = Server::start(config, pipeline::Options::new(ack), opened, clock).unwrap();
    (server, key)
}

/// What the I/O thread allocated from its first turn to its last, and the messages after the warm-up.
fn allocations(ack: AckPolicy, time: Duration) -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let (server, key) = server(dir.path(), ack);
    let (address, stop) = (server.address(), server.stop_handle());
    std::thread::scope(|scope| {
        let desk = scope.spawn(|| {
            let mut trading = Trading::start(address, &key);
            let sent = trading.go_on(time);
            trading.end();
            stop.stop();
            sent
        });
        let info = allocation_counter::measure(|| {
            server.run().unwrap();
        });
        (info.count_total, desk.join().unwrap())
    })
}

/// One server at a time in this process: another's threads have the same names.
static ALONE: Mutex<()> = Mutex::new(());

/// Page faults so far of the threads that an order meets; `None` where the system does not tell.
fn page_faults() -> Option<u64> {
    let mut faults = None;
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        // Other threads come and go.
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        let (name, fields) = stat.rsplit_once(") ")?;
        if ON_THE_WAY
            .iter()
            .any(|on_the_way| name.ends_with(on_the_way))
        {
            // Behind the name: state is field 3, minor faults are field 10.
            let minor: u64 = fields.split(' ').nth(10 - 3)?.parse().ok()?;
            faults = Some(faults.unwrap_or(0) + minor);
        }
    }
    faults
}

/// P16.
#[test]
fn the_server_has_no_page_fault_in_its_steady_state() {
    let _alone = ALONE.lock();
    for ack in [AckPolicy::Memory, AckPolicy::Durable] {
        let dir = tempfile::tempdir().unwrap();
        let (server, key) = server(dir.path(), ack);
        let (address, stop) = (server.address(), server.stop_handle());
        let serving = std::thread::Builder::new().name(IO_THREAD.to_owned());
        let serving = serving.spawn(|| drop(server.run().unwrap())).unwrap();
        let mut trading = Trading::start(address, &key);
        let mut stretches = Vec::new();
        for _ in 0..STRETCHES {
            let Some(before) = page_faults() else {
                println!("skipped: this system does not tell the page faults of a thread");
                break;
            };
            let sent = trading.go_on(STRETCH);
            let faults = page_faults().unwrap() - before;
            assert!(sent > 0, "something was sent");
            stretches.push(faults);
            if faults == 0 {
                break;
            }
        }
        trading.end();
        stop.stop();
        serving.join().unwrap();
        println!("{ack:?}: page faults of {STRETCH:?} each: {stretches:?}");
        assert!(
            stretches.is_empty() || stretches.contains(&0),
            "{ack:?}: page faults in each {STRETCH:?}: {stretches:?}"
        );
    }
}

#[test]
fn the_io_thread_allocates_nothing_in_its_steady_state() {
    let _alone = ALONE.lock();
    for ack in [AckPolicy::Memory, AckPolicy::Durable] {
        let (short, few) = allocations(ack, Duration::from_millis(200));
        let (long, many) = allocations(ack, Duration::from_millis(2_200));
        println!("{ack:?}: {short} allocations with {few} messages, {long} with {many}");
        assert!(many > few + 2_000, "the longer run has more messages");
        assert!(
            long <= short + GROWTH,
            "{ack:?}: {} messages more cost {} allocations more",
            many - few,
            long - short
        );
    }
}
