//! Desks, a venue's adapter and the server killed at random in the middle of trading, as processes, by
//! SIGKILL; all come back each time. At the end: no order doubled, none lost, at the market too, and the
//! books of desks, adapter and server equal.
//!
//! The whole campaign (a thousand rounds, each kills one or several; some minutes):
//!
//! ```sh
//! cargo test --release -p gateway --test kill_campaign -- --ignored --nocapture
//! ```
//! `PORTCULLIS_KILLS` and `PORTCULLIS_SEED` change it. Each party is this program again: see `process`.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

mod kill_campaign {
    pub(crate) mod adapter;
    pub(crate) mod desk;
    pub(crate) mod judge;
    pub(crate) mod party;
    pub(crate) mod process;
    pub(crate) mod world;
}

use std::path::Path;

use kill_campaign::adapter::Adapter;
use kill_campaign::desk::{Inline, Sidecar};
use kill_campaign::party::Party;
use kill_campaign::world::{PARTIES, World};
use kill_campaign::{judge, process};

/// A generator of random numbers that everybody can repeat (splitmix64).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn campaign(kills: u64, seed: u64) {
    println!("{kills} kills, PORTCULLIS_SEED={seed}");
    let mut random = Random(seed);
    let mut world = World::start();
    let (mut servers, mut killed) = (0, [0; PARTIES.len()]);
    for kill in 1..=kills {
        world.trade(10 + random.below(100), 20 + random.below(200));
        // One in eight strikes everybody, one in eight the server with somebody.
        let anybody = usize::try_from(random.below(3)).unwrap();
        let (server, parties) = match random.below(8) {
            0 => (true, vec![0, 1, 2]),
            1 => (true, vec![anybody]),
            2..=4 => (true, Vec::new()),
            _ => (false, vec![anybody]),
        };
        world.kill(server, &parties);
        servers += u64::from(server);
        for at in parties {
            killed[at] += 1;
        }
        if kill % 50 == 0 {
            println!("{kill} kills: {} requests so far", world.requests());
        }
    }
    let told = judge::judge(world);
    println!("{kills} rounds: the server killed {servers} times, {PARTIES:?} {killed:?} times");
    println!("{told}");
}

#[test]
fn everybody_killed_at_random_ends_with_equal_books_and_nothing_lost_or_doubled() {
    campaign(number("PORTCULLIS_KILLS", 12), number("PORTCULLIS_SEED", 7));
}

#[test]
#[ignore = "minutes: the whole campaign"]
fn a_thousand_kills() {
    campaign(
        number("PORTCULLIS_KILLS", 1000),
        number("PORTCULLIS_SEED", 1),
    );
}

/// Not a test: a party's process, when the campaign starts this program again for it.
#[test]
fn party_process() {
    let Ok(dir) = std::env::var(process::DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    match std::env::var(process::PARTY).unwrap().as_str() {
        Sidecar::NAME => process::run::<Sidecar>(dir),
        Inline::NAME => process::run::<Inline>(dir),
        Adapter::NAME => process::run::<Adapter>(dir),
        other => panic!("no party is called {other}"),
    }
}
