//! Peers that want to hurt, against a real server process, and an honest desk beside them: every order
//! of the honest desk is answered once and in order, and its latency is told with and without them.
//!
//! The whole measurement (some minutes; it wants a quiet machine, and the attackers need processor time
//! of their own):
//!
//! ```sh
//! cargo test --release -p gateway --test hostile -- --ignored --nocapture
//! ```
//! `cargo test` runs the same with small counts, and asserts no times.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

mod hostile {
    pub(crate) mod attack;
    pub(crate) mod desk;
    pub(crate) mod server;
}

use std::thread;
use std::time::Duration;

use hostile::attack::{self, Attack};
use hostile::desk::{self, Honest, Latencies};
use hostile::server::Server;
use portcullis_client::{Client, Options};

/// How much of everything.
struct Scale {
    deaf: u32,
    connects: u32,
    slow_writers: u32,
    half_open: u32,
    floods: u32,
    /// Length of one phase.
    phase: Duration,
    /// Phases with and without, in turn.
    pairs: u32,
}

const SMALL: Scale = Scale {
    deaf: 20,
    connects: 300,
    slow_writers: 20,
    half_open: 60,
    floods: 2,
    phase: Duration::from_millis(400),
    pairs: 1,
};

const WHOLE: Scale = Scale {
    deaf: 500,
    connects: 10_000,
    slow_writers: 200,
    half_open: 1000,
    floods: 2,
    phase: Duration::from_millis(1500),
    pairs: 8,
};

/// One attack: quiet, attacked, attacked, quiet, as often as there are pairs. Each pair gives a ratio of
/// the honest desk's p99; their median is told with the spread from the tenth to the ninetieth hundredth.
fn measure(name: &str, scale: &Scale, honest: &mut Honest, mut begin: impl FnMut() -> Attack) {
    let (mut quiet, mut attacked) = (Latencies::new(), Latencies::new());
    let mut ratios = Vec::new();
    for _ in 0..scale.pairs {
        let (mut without, mut with) = (Latencies::new(), Latencies::new());
        honest.trade(scale.phase, &mut without);
        let attack = begin();
        honest.trade(scale.phase, &mut with);
        honest.trade(scale.phase, &mut with);
        attack.end();
        honest.trade(scale.phase, &mut without);
        ratios.push(with.p99() / without.p99());
        quiet.add(&without);
        attacked.add(&with);
    }
    ratios.sort_by(f64::total_cmp);
    let at = |percent: usize| ratios[(ratios.len() - 1) * percent / 100];
    println!(
        "{name:28} {quiet}   {attacked}   p99 × {:.2} ({:.2} to {:.2})",
        at(50),
        at(10),
        at(90)
    );
}

fn run(scale: &Scale) {
    let server = Server::start(scale.deaf, None);
    let mut honest = Honest::connect(&server);
    println!("{:28} {:46}   {:46}", "", "without", "with");
    // The floor: the same phases with nobody attacking.
    measure("nobody", scale, &mut honest, Attack::nobody);
    measure("floods above their rate", scale, &mut honest, || {
        attack::floods(&server, scale.floods)
    });
    measure("sessions that never read", scale, &mut honest, || {
        attack::deaf(&server, scale.deaf)
    });
    measure("connects", scale, &mut honest, || {
        attack::connects(server.address, scale.connects / scale.pairs)
    });
    measure("one byte at a time", scale, &mut honest, || {
        attack::slow_writers(&server, scale.slow_writers)
    });
    measure("half-open logons", scale, &mut honest, || {
        attack::half_open(server.address, scale.half_open)
    });
    honest.finish();
    server.finish();
}

#[test]
fn an_honest_desk_has_every_answer_beside_peers_that_want_to_hurt() {
    run(&SMALL);
}

#[test]
#[ignore = "minutes: the whole measurement"]
fn an_honest_desk_beside_500_deaf_sessions_10_000_connects_and_1_000_half_open_logons() {
    run(&WHOLE);
}

#[test]
fn a_server_without_descriptors_serves_who_is_there_and_lets_others_in_when_it_has_some() {
    let server = Server::start(1, Some(64));
    let mut honest = Honest::connect(&server);
    let crowd = attack::hold(server.address, 120);
    let mut latencies = Latencies::new();
    honest.trade(Duration::from_millis(300), &mut latencies);
    drop(crowd);
    // The crowd's places are free again.
    let mut second = Honest::connect_as(&server, 2);
    second.trade(Duration::from_millis(100), &mut latencies);
    second.finish();
    honest.finish();
    server.finish();
}

#[test]
fn a_server_that_stood_still_takes_nobodys_silence_amiss() {
    // More than one turn of the server reads.
    const PEERS: u32 = 150;
    let server = Server::start(PEERS, None);
    let options = Options {
        keep_alive: Duration::from_secs(2),
        ..Options::default()
    };
    let connect = |id| Client::connect(server.address, server.credentials(id), options.clone());
    let mut peers: Vec<Client> = (2..PEERS + 2).map(|id| connect(id).unwrap()).collect();
    let challenges: Vec<_> = peers.iter().map(|peer| peer.hello().challenge).collect();
    let stopped = thread::scope(|scope| {
        server.signal("-STOP");
        let goes_on = scope.spawn(|| {
            thread::sleep(Duration::from_secs(5));
            server.signal("-CONT");
        });
        // Whoever asked into the silence is answered.
        for peer in &mut peers {
            peer.send(desk::order(1)).unwrap();
        }
        goes_on.join()
    });
    stopped.unwrap();
    for (at, peer) in peers.iter_mut().enumerate() {
        let answer = peer.recv(Duration::from_secs(10));
        assert!(matches!(answer, Ok(Some(_))), "peer {at}: {answer:?}");
        assert_eq!(peer.hello().challenge, challenges[at], "peer {at} stayed");
    }
    server.finish();
}
