//! The engine in the gateway's loop: the same decisions, the same promises, no thread of its own.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't set itself up has to fail"
)]
#![allow(clippy::disallowed_methods, reason = "a test gives up after a while")]

mod pipeline_kit;

use engine::command::Sequenced;
use engine::decision::{Decision, Outcome};
use engine::follower::RecordSource;
use engine::journal::End;
use engine::pipeline::{
    AckPolicy, BeforeSync, Doors, Inbound, Options, Outbound, Pipeline, PipelineError, Shape, Sink,
    Stopped,
};
use engine::verify::verify;
use parking_lot::Mutex;
use pipeline_kit::{Desk, FailingSink, NOW, open, start, start_with_wake, tiny};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use wire::{Query, QueryWhat};

const PATIENCE: Duration = Duration::from_secs(60);

fn fused(ack: AckPolicy) -> Options {
    Options {
        shape: Shape::Fused,
        ..tiny(ack)
    }
}

/// Pushes `messages` of one desk through rings that are full all the time; returns what was taken.
fn trade(doors: &mut Doors, messages: u64) -> u64 {
    let (mut desk, mut taken, mut pushed) = (Desk::new(101), 0, 0);
    let mut waiting = Some(desk.next(0));
    while taken < messages {
        if let Some(inbound) = waiting.take() {
            match doors.orders.try_push(inbound) {
                Ok(()) => {
                    pushed += 1;
                    waiting = (pushed < messages).then(|| desk.next(pushed));
                }
                Err(back) => waiting = Some(back),
            }
        }
        doors.decide();
        while let Some(outbound) = doors.outbound.pop() {
            taken += u64::from(matches!(outbound, Outbound::Taken { .. }));
        }
        doors.hand_on();
    }
    taken
}

fn run(dir: &Path, options: Options) -> Stopped {
    let (mut doors, handle) = start(open(dir, options.ack), options);
    let taken = trade(&mut doors, 3_000);
    let stopped = handle.shutdown(&mut doors, |_| {}).unwrap();
    assert_eq!(stopped.taken, taken);
    assert_eq!(doors.watermarks.durable(), stopped.seq);
    stopped
}

#[test]
fn both_shapes_decide_the_same_and_leave_the_same_journal() {
    for ack in [AckPolicy::Durable, AckPolicy::Written, AckPolicy::Memory] {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let in_one_loop = run(one.path(), fused(ack));
        let apart = run(two.path(), tiny(ack));
        assert_eq!(in_one_loop.seq, apart.seq);
        assert_eq!(in_one_loop.engine.risk_digest(), apart.engine.risk_digest());
        let report = verify(one.path(), |_| {}).unwrap();
        assert_eq!(report.records, in_one_loop.seq);
        assert_eq!(report.risk_digest, apart.engine.risk_digest());
    }
}

#[test]
fn what_was_pushed_before_a_stop_is_decided_and_written() {
    let dir = tempfile::tempdir().unwrap();
    let (mut doors, handle) = start(
        open(dir.path(), AckPolicy::Memory),
        fused(AckPolicy::Memory),
    );
    let mut desk = Desk::new(101);
    for n in 0..8 {
        doors.orders.try_push(desk.next(n)).unwrap();
    }
    let stopped = handle.shutdown(&mut doors, |_| {}).unwrap();
    assert_eq!(stopped.taken, 8);
    assert_eq!(verify(dir.path(), |_| {}).unwrap().records, stopped.seq);
}

#[test]
fn a_failed_journal_ends_it_and_it_says_what_the_venues_are_to_be_asked_for() {
    for at_sync in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut opened = open(dir.path(), AckPolicy::Durable);
        opened.sink = FailingSink::after(50, at_sync, opened.sink);
        let (mut doors, handle) = start(opened, fused(AckPolicy::Durable));
        let (mut desk, until) = (Desk::new(101), Instant::now() + PATIENCE);
        let mut waiting = desk.next(0);
        while doors.watermarks.failure().is_none() && Instant::now() < until {
            match doors.orders.try_push(waiting) {
                Ok(()) => waiting = desk.next(0),
                Err(back) => waiting = back,
            }
            doors.decide();
            doors.hand_on();
            while doors.outbound.pop().is_some() {}
        }
        assert!(doors.watermarks.failure().unwrap().contains("patience"));
        assert!(!doors.decide(), "nothing is decided after that");
        assert!(doors.watermarks.wishes().is_some());
        let error = handle.shutdown(&mut doors, |_| {}).unwrap_err();
        assert!(matches!(error, PipelineError::Failed(_)));
    }
}

#[test]
fn a_loop_that_sleeps_for_want_of_room_is_woken_by_the_writer_who_makes_some() {
    let dir = tempfile::tempdir().unwrap();
    let rung = Arc::new(AtomicU64::new(0));
    let bell = Arc::clone(&rung);
    let (mut doors, handle) = start_with_wake(
        open(dir.path(), AckPolicy::Memory),
        fused(AckPolicy::Memory),
        Arc::new(move || {
            bell.fetch_add(1, Ordering::Relaxed);
        }),
    );
    let (mut desk, until) = (Desk::new(101), Instant::now() + PATIENCE);
    let (mut slept, mut n) = (0, 0);
    while slept < 20 && Instant::now() < until {
        // More than the four slots of the ring to the writer take.
        for _ in 0..8 {
            n += 1;
            let _full = doors.orders.try_push(desk.next(n));
        }
        doors.decide();
        while doors.outbound.pop().is_some() {}
        doors.hand_on();
        let before = rung.load(Ordering::Relaxed);
        if doors.prepare_sleep(u64::MAX, false) {
            slept += 1;
            while rung.load(Ordering::Relaxed) == before {
                assert!(Instant::now() < until, "nobody rang: {slept} sleeps");
                thread::yield_now();
            }
        }
    }
    assert_eq!(slept, 20);
    handle.shutdown(&mut doors, |_| {}).unwrap();
}

#[test]
fn under_memory_the_writer_comes_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (mut doors, handle) = start(open(dir.path(), AckPolicy::Memory), roomy());
    trade(&mut doors, 100);
    let until = Instant::now() + PATIENCE;
    while doors.watermarks.durable() < 100 && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(doors.watermarks.durable() >= 100);
    handle.shutdown(&mut doors, |_| {}).unwrap();
}

fn roomy() -> Options {
    usual_fused(AckPolicy::Memory)
}

fn usual_fused(ack: AckPolicy) -> Options {
    Options {
        shape: Shape::Fused,
        ..Options::new(ack)
    }
}

/// A gateway's loop that has time left: trades and follows until `over`; returns the records that it gave to
/// the second copy.
fn follow_until(
    doors: &mut Doors,
    desk: &mut Desk,
    mut over: impl FnMut(&Doors, u64) -> bool,
) -> u64 {
    let (mut stepped, until) = (0, Instant::now() + PATIENCE);
    while !over(doors, stepped) {
        assert!(Instant::now() < until, "{stepped} records followed, no end");
        let _full = doors.orders.try_push(desk.next(0));
        doors.decide();
        while doors.outbound.pop().is_some() {}
        doors.hand_on();
        while doors.follow() {
            stepped += 1;
        }
        thread::yield_now();
    }
    stepped
}

#[test]
fn the_loop_follows_what_the_followers_thread_leaves_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut doors, handle) = start(open(dir.path(), AckPolicy::Memory), roomy());
    let mut desk = Desk::new(101);
    follow_until(&mut doors, &mut desk, |_, stepped| stepped > 1_000);
    let query = Query {
        seq_no: 1,
        what: QueryWhat::States,
        ..Query::default()
    };
    let asked = Inbound {
        received_at: NOW,
        session_id: 1,
        in_seq_no: 1,
        command: query.into(),
    };
    doors.control.try_push(asked).unwrap();
    follow_until(&mut doors, &mut desk, |doors, _| {
        doors.reports.pop().is_some()
    });
    let stopped = handle.shutdown(&mut doors, |_| {}).unwrap();
    assert_eq!(doors.watermarks.diverged(), None);
    assert_eq!(doors.watermarks.followed(), stopped.seq);
    // The stop has left a snapshot of what was followed: it is the state that was decided.
    let again = open(dir.path(), AckPolicy::Memory);
    assert!(again.report.snapshot.is_some());
    assert_eq!(again.engine.risk_digest(), stopped.engine.risk_digest());
}

/// A journal in which one record was decided otherwise.
struct Otherwise {
    honest: Box<dyn RecordSource>,
    at: u64,
}

impl RecordSource for Otherwise {
    fn next(&mut self, durable: u64) -> Result<Option<(Sequenced, Decision)>, String> {
        Ok(self.honest.next(durable)?.map(|(input, mut decision)| {
            if input.seq == self.at {
                decision.outcome = match decision.outcome == Outcome::Applied {
                    true => Outcome::Refused,
                    false => Outcome::Applied,
                };
            }
            (input, decision)
        }))
    }

    fn gathered(&self, nth: usize) -> Option<&Sequenced> {
        self.honest.gathered(nth)
    }

    fn gather(&mut self, durable: u64) -> Result<u64, String> {
        self.honest.gather(durable)
    }

    fn end(&self) -> Option<End> {
        self.honest.end()
    }
}

#[test]
fn what_the_loop_decides_otherwise_than_the_journal_says_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), AckPolicy::Memory);
    let at = opened.seq + 500;
    let honest = opened.tail;
    opened.tail = Box::new(Otherwise { honest, at });
    let (mut doors, handle) = start(opened, roomy());
    follow_until(&mut doors, &mut Desk::new(101), |doors, _| {
        doors.watermarks.diverged().is_some()
    });
    let text = doors.watermarks.diverged().unwrap();
    assert!(text.contains(&format!("record {at}")), "{text}");
    let error = handle.shutdown(&mut doors, |_| {}).unwrap_err();
    assert!(matches!(error, PipelineError::Diverged(_)), "{error}");
}

/// `sink`, and the threads that make its syncs.
fn watched(sink: Box<dyn Sink>) -> (Box<dyn Sink>, Arc<Mutex<Vec<ThreadId>>>) {
    let syncs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&syncs);
    let note = move || seen.lock().push(thread::current().id());
    (Box::new(BeforeSync::new(sink, note)), syncs)
}

/// Trades one order after the other, each durable before the next, by a clock on which each batch takes at least
/// so many nanoseconds (others look at it too); returns the syncs of this loop and those of others.
fn one_at_a_time(ack: AckPolicy, takes: u64, orders: u64) -> (usize, usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut opened = open(dir.path(), ack);
    let (sink, syncs) = watched(opened.sink);
    opened.sink = sink;
    let now = AtomicU64::new(NOW);
    let clock = move || now.fetch_add(takes, Ordering::Relaxed);
    let options = usual_fused(ack);
    let (mut doors, handle) =
        Pipeline::start(opened, options, Arc::new(clock), Arc::new(|| {})).unwrap();
    let (mut desk, until) = (Desk::new(101), Instant::now() + PATIENCE);
    for n in 0..orders {
        doors.orders.try_push(desk.next(n)).unwrap();
        assert!(doors.decide());
        let mut last = 0;
        while let Some(outbound) = doors.outbound.pop() {
            if let Outbound::Taken { engine_seq, .. } = outbound {
                last = engine_seq;
            }
        }
        doors.hand_on();
        while doors.watermarks.durable() < last {
            assert!(Instant::now() < until, "order {n} never became durable");
            thread::yield_now();
        }
    }
    let stopped = handle.shutdown(&mut doors, |_| {}).unwrap();
    assert_eq!(verify(dir.path(), |_| {}).unwrap().records, stopped.seq);
    let syncs = syncs.lock();
    let here = syncs.iter().filter(|id| **id == thread::current().id());
    let here = here.count();
    (here, syncs.len() - here)
}

#[test]
fn under_durable_the_loop_writes_what_is_little_itself_while_the_disk_is_quick() {
    // The writer has the first ones, and some whenever the loop finds it awake.
    let (here, others) = one_at_a_time(AckPolicy::Durable, 1_000, 100);
    assert!(here > 0 && others >= 4, "{here} of {}", here + others);
    let (here, _) = one_at_a_time(AckPolicy::Durable, 2_000_000, 40);
    assert_eq!(here, 0, "sockets wait for no slow disk");
    let (here, _) = one_at_a_time(AckPolicy::Written, 0, 40);
    assert_eq!(here, 0, "no reply waits for the sync");
}

#[test]
fn after_the_loop_has_failed_to_write_nobody_tries_again() {
    for at_sync in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut opened = open(dir.path(), AckPolicy::Durable);
        let started = opened.seq;
        let (sink, syncs) = watched(FailingSink::after(200, at_sync, opened.sink));
        opened.sink = sink;
        // By the kit's clock, which stands, every disk is quick.
        let (mut doors, handle) = start(opened, usual_fused(AckPolicy::Durable));
        let (mut desk, until) = (Desk::new(101), Instant::now() + PATIENCE);
        let mut pushed = 0;
        while doors.watermarks.failure().is_none() && Instant::now() < until {
            if doors.watermarks.durable() == started + pushed {
                doors.orders.try_push(desk.next(0)).unwrap();
                pushed += 1;
            }
            doors.decide();
            doors.hand_on();
            while doors.outbound.pop().is_some() {}
        }
        assert!(doors.watermarks.failure().unwrap().contains("patience"));
        let tried = syncs.lock().len();
        assert!(!doors.decide(), "nothing is decided after that");
        thread::sleep(Duration::from_millis(50));
        let error = handle.shutdown(&mut doors, |_| {}).unwrap_err();
        assert!(matches!(error, PipelineError::Failed(_)));
        assert_eq!(syncs.lock().len(), tried);
        assert_eq!(doors.watermarks.durable(), started + 199);
        let here = thread::current().id();
        assert!(syncs.lock().contains(&here));
        let again = open(dir.path(), AckPolicy::Durable);
        assert!(again.report.records >= started + 199);
    }
}
