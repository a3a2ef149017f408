//! The Rust client against the real server: what it promises when the line breaks, and its examples.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

#[path = "support/process.rs"]
mod process;

use portcullis_client::{Client, ClientError, Credentials, Event, Options, decimal, keys};
use process::ServerProcess;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wire::{Capacity, NewOrder, OrdType, Query, QueryWhat, Reply, Role, Side, TimeInForce};

const ORDERS: u64 = 60;

fn credentials(server: &ServerProcess) -> Credentials {
    Credentials {
        session_id: 2,
        role: Role::Desk,
        key: keys::load(&server.key("desk2")).unwrap(),
        key_id: 1,
        expected_instance: Some("example".to_owned()),
    }
}

fn connect(server: &ServerProcess, options: Options) -> Client {
    Client::connect(server.address, credentials(server), options).unwrap()
}

fn patient() -> Options {
    Options {
        timeout: Duration::from_secs(20),
        reconnect_for: Duration::from_secs(60),
        ..Options::default()
    }
}

fn order(cl_ord_id: u64) -> NewOrder {
    NewOrder {
        cl_ord_id,
        price: decimal::price("585.33").unwrap(),
        qty: decimal::qty("10").unwrap(),
        account: 4,
        instrument_id: 1,
        trader_id: 3,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Principal,
        ..NewOrder::default()
    }
}

/// Answers by clOrdId, and how often the session was taken up, until all orders are answered.
fn hear_all(client: &mut Client, mut next: impl FnMut(&mut Client) -> Option<Event>) -> u32 {
    let (mut answered, mut resumed) = (Vec::new(), 0);
    let until = Instant::now() + Duration::from_secs(60);
    while answered.len() < usize::try_from(ORDERS).unwrap() && Instant::now() < until {
        match next(client) {
            Some(Event::Reply(Reply::OrderAccepted(accepted))) => {
                answered.push(accepted.cl_ord_id);
            }
            Some(Event::Resumed(_)) => resumed += 1,
            Some(other) => assert!(!matches!(other, Event::Reply(_)), "{other:?}"),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    assert_eq!(answered, (1..=ORDERS).collect::<Vec<_>>());
    let open = Query {
        what: QueryWhat::OpenOrders,
        ..Query::default()
    };
    assert_eq!(client.query(open).unwrap().len(), answered.len());
    resumed
}

#[test]
fn a_killed_server_is_waited_for_and_no_order_is_doubled_or_lost() {
    let mut server = ServerProcess::start();
    let mut client = connect(&server, patient());
    for n in 1..=ORDERS {
        client.send(order(n)).unwrap();
        if n % 20 == 0 {
            server.kill_and_restart();
        }
    }
    let resumed = hear_all(&mut client, |client| {
        client.recv(Duration::from_millis(200)).unwrap()
    });
    assert!(resumed >= 1);
}

#[test]
fn the_same_holds_without_blocking() {
    let mut server = ServerProcess::start();
    let mut client = connect(&server, patient());
    client.set_nonblocking(true).unwrap();
    for n in 1..=ORDERS {
        client.queue(order(n));
        if n == 30 {
            client.flush().unwrap();
            server.kill_and_restart();
        }
    }
    client.flush().unwrap();
    let resumed = hear_all(&mut client, |client| client.try_recv().unwrap());
    assert!(resumed >= 1);
}

#[test]
fn without_patience_a_broken_line_is_an_error_at_once() {
    let mut server = ServerProcess::start();
    let options = Options {
        reconnect_for: Duration::ZERO,
        ..patient()
    };
    let mut client = connect(&server, options);
    server.kill_and_restart();
    let error = loop {
        if let Err(error) = client.recv(Duration::from_secs(5)) {
            break error;
        }
    };
    assert!(
        matches!(error, ClientError::Closed | ClientError::Io(_)),
        "{error}"
    );
    client.reconnect().unwrap();
    client.send(order(1)).unwrap();
}

#[test]
fn a_client_that_gives_up_says_what_it_met_last() {
    let mut server = ServerProcess::start();
    let options = Options {
        reconnect_for: Duration::from_millis(300),
        ..patient()
    };
    let mut client = connect(&server, options);
    server.kill();
    let began = Instant::now();
    let error = loop {
        if let Err(error) = client.recv(Duration::from_secs(5)) {
            break error;
        }
    };
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_waits_for_a_busy_program_is_not_taken_for_silence() {
    let server = ServerProcess::start();
    let options = Options {
        keep_alive: Duration::from_millis(400),
        reconnect_for: Duration::ZERO,
        ..patient()
    };
    let mut client = connect(&server, options);
    // The server closes after three silent intervals; what it said before that is in the socket.
    std::thread::sleep(Duration::from_millis(1_000));
    let mut beats = 0;
    while let Some(event) = client.try_recv().unwrap() {
        beats += u32::from(matches!(event, Event::Heartbeat(_)));
    }
    assert!(beats >= 1, "heartbeats were waiting");
}

#[test]
fn an_epoch_of_another_server_is_given_up_only_when_that_is_said() {
    let server = ServerProcess::start();
    let options = Options {
        epoch: 9,
        next_expected: 1,
        ..patient()
    };
    let refused = Client::connect(server.address, credentials(&server), options);
    let error = refused.err().unwrap();
    assert!(
        matches!(
            error,
            ClientError::WrongEpoch {
                ours: 9,
                server: 1,
                ..
            }
        ),
        "{error}"
    );
}

/// Ends a child process however the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Builds the client's examples, which are beside this test's own binary then, and names one of them.
fn example(name: &str) -> Command {
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "-q",
            "--locked",
            "-p",
            "portcullis-client",
            "--examples",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status();
    assert!(built.unwrap().success());
    let here = std::env::current_exe().unwrap();
    Command::new(
        here.parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("examples")
            .join(name),
    )
}

/// Runs the example desk to its end: exit code and what it said.
fn desk(arguments: &[&str]) -> (Option<i32>, String) {
    let output = example("desk").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.code(),
        said + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn the_example_desk_trades_at_the_market_of_the_demo() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let mut demo = Killed(
        Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(["demo", "--stay", "--json", "--keep", data])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    BufReader::new(demo.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("listening"), "{line}");

    // Well above where the market began: filled in two parts.
    let (code, said) = desk(&["--data", data, "100", "600"]);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "asked what would be decided: accepted",
        "accepted: order",
        "filled: 50",
        "0 left; position 100",
    ] {
        assert!(said.contains(line), "{said}");
    }
    // Far below it: cancelled after a while.
    let (code, said) = desk(&["--data", data, "10", "560"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("cancelled: 10 (Requested)"), "{said}");
    // Beyond the collar.
    let (code, said) = desk(&["--data", data, "10", "900"]);
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("PriceCollar of Firm 0 is 1000"), "{said}");

    // In order: the server goes with it, and the journal is whole.
    let stopped = Command::new("kill")
        .args(["-TERM", &demo.0.id().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    assert!(demo.0.wait().unwrap().success());
    engine::verify::verify(&directory.path().join("journal"), |_| {}).unwrap();
}

#[test]
fn the_example_desk_trades_with_the_example_venue_adapter() {
    let server = ServerProcess::start();
    let data = server.data().to_str().unwrap();
    let mut venue = Killed(
        example("venue")
            .args(["--data", data])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    // Held to the end: the adapter goes on saying what it does.
    let mut said_by_venue = BufReader::new(venue.0.stdout.take().unwrap());
    let mut line = String::new();
    said_by_venue.read_line(&mut line).unwrap();
    assert!(line.contains("connected as venue 1"), "{line}");
    let (code, said) = desk(&["--data", data]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("filled: 100 at 585.33, 0 left; position 100"),
        "{said}"
    );
}

#[test]
fn the_example_order_says_how_long_its_answer_took_as_a_person_reads_it() {
    let server = ServerProcess::start();
    let output = example("order")
        .arg("--data")
        .arg(server.data())
        .args(["buy", "100", "1", "585.00"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let took = said.split("answered after ").nth(1).unwrap();
    let (took, _) = took.split_once(',').unwrap();
    let unit = took.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    assert!(["µs", "ms", "s"].contains(&unit), "{said}");
}
