//! Desk and server killed at random in the middle of trading, as processes, by SIGKILL; both come back
//! each time. At the end: no order doubled, none lost, the desk's and the server's books equal.
//!
//! The whole campaign (a thousand kills, some minutes):
//!
//! ```sh
//! cargo test --release -p gateway --test kill_campaign -- --ignored --nocapture
//! ```
//! `PORTCULLIS_KILLS` and `PORTCULLIS_SEED` change it. The desk is this program again: see `desk`.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

mod kill_campaign {
    pub(crate) mod desk;
    pub(crate) mod judge;
    pub(crate) mod world;
}

use kill_campaign::world::World;
use kill_campaign::{desk, judge};

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
    let (mut servers, mut desks) = (0, 0);
    for kill in 1..=kills {
        world.trade(20 + random.below(150));
        match random.below(5) {
            0 | 1 => {
                world.kill_server();
                servers += 1;
            }
            2 | 3 => {
                world.kill_desk();
                desks += 1;
            }
            _ => {
                world.kill_both();
                (servers, desks) = (servers + 1, desks + 1);
            }
        }
        if kill % 50 == 0 {
            println!("{kill} kills: {} requests so far", world.requests());
        }
    }
    let told = judge::judge(world);
    println!("{servers} servers and {desks} desks killed; {told}");
}

#[test]
fn desk_and_server_killed_at_random_end_with_equal_books_and_nothing_lost_or_doubled() {
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

/// Not a test: the desk's process, when the campaign starts this program again for it.
#[test]
fn desk_process() {
    if let Ok(dir) = std::env::var(desk::DIR) {
        desk::run(dir.as_ref());
    }
}
