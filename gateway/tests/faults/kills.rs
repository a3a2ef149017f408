//! Owns the campaign of kills: SIGKILL at a random moment under load with `ack=durable`, and SIGKILL by
//! strace at the entry of the n-th write or sync of a thread. Each time, before anything else touches
//! the journal, every acknowledgement that the desk received is looked for in it; after the restart the
//! desk takes up its session, and the engine's positions must equal the desk's own tally.

use std::time::{Duration, Instant};

use crate::afterwards::{Afterwards, Moment};
use crate::desk::Desk;
use crate::server::{Firm, Server, strace_works};

/// Kills of one firm; then a new one begins, lest restarts replay ever more.
const KILLS_A_FIRM: u64 = 20;
/// From so many kills on, the share that lands in the middle of a batch must be half.
const SHARE_KILLS: u64 = 200;

/// What the kills met.
#[derive(Debug, Default)]
struct Counts {
    kills: u64,
    acknowledgements: u64,
    in_the_write: u64,
    before_the_first_answer: u64,
    amid_the_answers: u64,
    between_batches: u64,
}

impl Counts {
    fn add(&mut self, moment: Moment) {
        self.kills += 1;
        *match moment {
            Moment::InTheWrite => &mut self.in_the_write,
            Moment::BeforeTheFirstAnswer => &mut self.before_the_first_answer,
            Moment::AmidTheAnswers => &mut self.amid_the_answers,
            Moment::BetweenBatches => &mut self.between_batches,
        } += 1;
    }

    /// Kills that found a batch begun and not all of it acknowledged.
    fn in_the_middle(&self) -> u64 {
        self.in_the_write + self.before_the_first_answer + self.amid_the_answers
    }
}

fn env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// The journal right after the kill, then the next server, then the books.
fn outlive(firm: &Firm, desk: &mut Desk, counts: &mut Counts) -> Server {
    desk.drain();
    let found = Afterwards::read(firm, desk.acknowledged);
    counts.acknowledgements += found.hold_all_that_was_acknowledged(desk);
    counts.add(found.moment);
    let server = firm.serve();
    desk.resume(&server);
    desk.compare(firm, &server);
    server
}

fn random_kills(kills: u64) {
    let first = env("PORTCULLIS_SEED", 1);
    println!("{kills} kills at random moments: seeds {first}..");
    let mut counts = Counts::default();
    let mut random = first;
    while counts.kills < kills {
        let data = tempfile::tempdir().unwrap();
        let firm = Firm::found(data.path());
        let mut server = firm.serve();
        let mut desk = Desk::new(&firm, &server, first + counts.kills);
        for _ in 0..KILLS_A_FIRM.min(kills - counts.kills) {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695);
            // The load begins at once; the kill comes 2 to 42 ms later.
            let wait = Duration::from_micros(2_000 + (random >> 33) % 40_000);
            let killed = server.kill_after(wait);
            let ended = desk.trade(|_| false);
            assert!(ended.is_err(), "the server went on");
            killed.join().unwrap();
            server = outlive(&firm, &mut desk, &mut counts);
        }
        desk.settle();
        server.stop();
        if counts.kills.is_multiple_of(100) {
            println!("{counts:?}");
        }
    }
    println!(
        "{counts:?}; in the middle of a batch: {}",
        counts.in_the_middle()
    );
    assert!(
        counts.acknowledgements > kills,
        "hardly anything was acknowledged"
    );
    // Where a kill lands is the scheduler's choice: a few say nothing about the share.
    assert!(
        kills < SHARE_KILLS || counts.in_the_middle() * 2 >= counts.kills,
        "too few kills landed in the middle of a batch"
    );
}

/// `call` is the system call at whose entry the server is killed: it does not happen any more.
fn chosen_kills(call: &str, kills: u64) {
    if !strace_works() {
        return;
    }
    let mut counts = Counts::default();
    for n in 0..kills {
        let data = tempfile::tempdir().unwrap();
        let firm = Firm::found(data.path());
        // The start needs some of these calls on the main thread; the writer's own are counted anew.
        let inject = format!("{call}:signal=KILL:when={}", 30 + n * 3);
        let server = firm.serve_under_strace(&[&inject]);
        let mut desk = Desk::new(&firm, &server, n);
        let started = Instant::now();
        let ended = desk.trade(|_| started.elapsed() > Duration::from_secs(60));
        assert!(ended.is_err(), "no thread came to its n-th {call}");
        server.ended();
        let server = outlive(&firm, &mut desk, &mut counts);
        server.stop();
    }
    println!("killed entering the n-th {call}: {counts:?}");
    if call == "fdatasync" {
        // The sync of a batch that was written: none of it was acknowledged.
        assert_eq!(counts.before_the_first_answer, counts.kills, "{counts:?}");
    }
}

#[test]
fn after_kills_at_random_moments_every_acknowledgement_is_there_and_positions_are_the_desks_own() {
    random_kills(env("PORTCULLIS_KILLS", 6));
}

#[test]
fn a_server_killed_entering_a_write_or_a_sync_has_acknowledged_nothing_of_that_batch() {
    chosen_kills("fdatasync", 2);
    chosen_kills("pwrite64", 2);
}

#[test]
#[ignore = "1,000 kills: half an hour"]
fn full_kills() {
    random_kills(env("PORTCULLIS_KILLS", 1_000));
    chosen_kills("fdatasync", 60);
    chosen_kills("pwrite64", 60);
}
