//! A party as a process that may die at any moment: it connects for as long as servers die and come back.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_client::{Client, ClientError, Credentials, Event, Options, keys};
use wire::{POSS_DUP, Reply, Role};

use super::party::{Memory, Party};

/// Variable of the environment that names the campaign's directory.
pub(crate) const DIR: &str = "PORTCULLIS_CAMPAIGN_DIR";
/// Names the party.
pub(crate) const PARTY: &str = "PORTCULLIS_CAMPAIGN_PARTY";
/// Set: ask for nothing new, wait for everything that is under way, end.
pub(crate) const SETTLE: &str = "PORTCULLIS_CAMPAIGN_SETTLE";
/// Requests that may be unanswered at the same time.
const WINDOW: usize = 16;
/// New ones in a round, which takes a millisecond where nothing comes.
const NEW_A_ROUND: usize = 2;
const KEEP_ALIVE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(120);

/// Trades until it is killed; or, to settle, until nothing is under way.
pub(crate) fn run<P: Party>(dir: &Path) {
    let settle = std::env::var(SETTLE).is_ok();
    let mut memory = Memory::<P>::open(dir);
    memory.catch_up();
    if settle || memory.requests.len().is_multiple_of(8) {
        compare_from_the_first(dir, &memory);
    }
    let mut client = connect(dir, &memory, memory.next_expected());
    let mut sent = memory.requests.len();
    let mut heard_at = Instant::now();
    loop {
        match client
            .flush()
            .and_then(|_| client.recv(Duration::from_millis(1)))
        {
            Ok(Some(Event::Reply(reply))) => {
                heard_at = Instant::now();
                assert_eq!(
                    reply.seq_no(),
                    memory.next_expected(),
                    "in order, each once"
                );
                memory.hear(reply);
            }
            // Everything asked is durable, and everything said is heard: what was there at logon (a
            // heartbeat only tells how far the replay is) and what came since.
            Ok(Some(Event::Heartbeat(beat)))
                if settle
                    && memory.party.unanswered() == 0
                    && client.logon_ack().next_seq_no <= memory.next_expected()
                    && beat.last_applied_seq_no == memory.requests.len() as u64
                    && beat.next_seq_no == memory.next_expected() =>
            {
                client.terminate().unwrap();
                return;
            }
            Ok(_) => {
                let unanswered = memory.party.unanswered();
                assert!(
                    unanswered == 0 || heard_at.elapsed() < PATIENCE,
                    "{unanswered} unanswered"
                );
                for _ in 0..NEW_A_ROUND {
                    if !settle
                        && memory.party.unanswered() < WINDOW
                        && let Some(request) = memory.party.of_its_own()
                    {
                        memory.ask(request);
                    }
                }
            }
            // The server has died. Half of the time the client takes its own session up, half of the
            // time a new one does.
            Err(_) if memory.requests.len().is_multiple_of(2) => {
                take_up(dir, &mut client);
                heard_at = Instant::now();
            }
            Err(_) => {
                client = connect(dir, &memory, memory.next_expected());
                sent = memory.requests.len();
                heard_at = Instant::now();
            }
        }
        for request in &memory.requests[sent..] {
            client.queue(*request);
        }
        sent = memory.requests.len();
    }
}

pub(crate) fn credentials(dir: &Path, name: &str, session_id: u32, role: Role) -> Credentials {
    Credentials {
        session_id,
        role,
        key: keys::load(&dir.join(format!("{name}.key"))).unwrap(),
        key_id: 1,
        expected_instance: Some("campaign".to_owned()),
    }
}

fn address(dir: &Path) -> String {
    fs::read_to_string(dir.join("address")).unwrap()
}

fn connect<P: Party>(dir: &Path, memory: &Memory<P>, next_expected: u64) -> Client {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let options = Options {
            next_expected,
            timeout: PATIENCE,
            keep_alive: KEEP_ALIVE,
            ..Options::default()
        };
        let credentials = credentials(dir, P::NAME, P::SESSION, P::ROLE);
        match Client::connect(address(dir), credentials, options) {
            Ok(mut client) => {
                resend(&mut client, memory);
                return client;
            }
            Err(error) => assert!(Instant::now() < deadline, "no server: {error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends again what the server's journal does not hold, under the same numbers.
fn resend<P>(client: &mut Client, memory: &Memory<P>) {
    let applied = usize::try_from(client.last_applied()).unwrap();
    assert!(
        applied <= memory.requests.len(),
        "the server has what was never asked"
    );
    for request in &memory.requests[applied..] {
        let mut again = *request;
        again.set_seq_no(POSS_DUP, 0);
        client.queue(again);
    }
}

/// Hears everything from the first message again, as one who has lost the file would.
fn compare_from_the_first<P: Party>(dir: &Path, memory: &Memory<P>) {
    let mut client = connect(dir, memory, 1);
    for expected in &memory.heard {
        match next(&mut client) {
            Ok(reply) => assert_eq!(said_again(&reply), said_again(expected)),
            // A server that dies meanwhile: the comparison goes as far as it went.
            Err(_) => return,
        }
    }
}

/// The reply as it would be said again.
fn said_again(reply: &Reply) -> Reply {
    let mut reply = *reply;
    let number = reply.seq_no();
    // Whether it was sent before, and whether it is stale, changes with time.
    match &mut reply {
        Reply::OrderAccepted(m) => m.decision_nanos = u32::MAX,
        Reply::RoutedOrder(m) => m.flags = 0,
        Reply::RoutedCancel(m) => m.flags = 0,
        _ => {}
    }
    reply.set_seq_no(POSS_DUP, number);
    reply
}

fn next(client: &mut Client) -> Result<Reply, ClientError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(Event::Reply(reply)) = client.recv(Duration::from_millis(100))? {
            return Ok(reply);
        }
        assert!(Instant::now() < deadline, "a connection that says nothing");
    }
}

fn take_up(dir: &Path, client: &mut Client) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(address) = address(dir).parse() {
            client.set_address(address);
        }
        match client.reconnect() {
            Ok(()) => return,
            Err(error) => assert!(Instant::now() < deadline, "no server: {error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
