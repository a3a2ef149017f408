//! Once its buffers stand, the I/O thread allocates nothing: connections of which one trades on for longer than
//! the other cost it the same.

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
use std::sync::Arc;
use std::time::Duration;
use wire::{Reply, Role, Text, Topology};

/// Messages a second, slow enough for a debug build.
const RATE: u64 = 4_000;
/// Until the outbound log, its frames and every buffer have their size.
const WARM: Duration = Duration::from_millis(1_500);
/// Lists that may still grow when the machine lets a turn find more to do than any before it.
const GROWTH: u64 = 16;

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

/// Opens the day and trades for `time` after the warm-up; messages sent then.
fn trade(address: SocketAddr, key: &SigningKey, time: Duration) -> u64 {
    let mut ops = connect(address, key, OPS_SESSION, Role::Ops);
    ops.send(day_open()).unwrap();
    loop {
        if let Some(Event::Reply(Reply::AdminAck(ack))) = ops.recv(Duration::from_secs(30)).unwrap()
        {
            assert_eq!(ack.code, 0, "the day is open");
            break;
        }
    }
    let client = connect(address, key, FIRST_DESK_SESSION, Role::Desk);
    let stream = client.socket().try_clone().unwrap();
    let desk = Desk::new(Mix::TRADING, 256, client.next_seq_no(), 1);
    let mut line = Line::new(stream, Waiting::Yielding, Some(client), desk).unwrap();
    line.open_loop(RATE, WARM).unwrap();
    let sent = line.open_loop(RATE, time).unwrap().sent;
    let books = line.books();
    assert_eq!(books.right, books.sent, "{:?}", books.wrong);
    sent
}

/// What the I/O thread allocated from its first turn to its last, and the messages after the warm-up.
fn allocations(ack: AckPolicy, time: Duration) -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let key = keys::generate().unwrap();
    let shape = Shape {
        topology: Topology::Sidecar,
        ..Shape::small()
    };
    let clock = Arc::new(RealClock::start());
    let genesis = genesis(&shape, TWELVE, Text::new(&keys::public_hex(&key)));
    let opened = recover::open(
        dir.path(),
        &OpenOptions::new(genesis, ack, "test", clock.now()),
    )
    .unwrap();
    let mut config = ServerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)), ack);
    config.limits.outbound_log_bytes = 1 << 18;
    let server = Server::start(config, pipeline::Options::new(ack), opened, clock).unwrap();
    let (address, stop) = (server.address(), server.stop_handle());
    std::thread::scope(|scope| {
        let desk = scope.spawn(|| {
            let sent = trade(address, &key, time);
            stop.stop();
            sent
        });
        let info = allocation_counter::measure(|| {
            server.run().unwrap();
        });
        (info.count_total, desk.join().unwrap())
    })
}

#[test]
fn the_io_thread_allocates_nothing_in_its_steady_state() {
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
