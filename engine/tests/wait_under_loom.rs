//! Every interleaving of a sleeper and its wakers, under loom: no wake-up is lost. The one piece of
//! lock-free code that is our own; the rings are crossbeam's.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "a file of the pipeline, seen from outside"
)]

/// What the file under test is made of here.
mod sync {
    pub(super) use loom::sync::atomic::{AtomicBool, Ordering, fence};
    pub(super) use loom::thread::{Thread, current, yield_now};

    /// Without the limit: it is a net, and no wake-up may need it.
    pub(super) fn park_timeout(_limit: std::time::Duration) {
        loom::thread::park();
    }
}

#[path = "../src/pipeline/wait.rs"]
mod wait;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use std::time::Duration;
use wait::Bed;

/// Sleeps until as much work has come; loom reports a sleeper that nobody wakes as a deadlock.
fn sleep_until(bed: &Bed, work: &AtomicU64, wanted: u64) {
    while work.load(Ordering::Acquire) < wanted {
        bed.sleep(Duration::ZERO, || work.load(Ordering::Acquire) >= wanted);
    }
}

#[test]
fn a_sleeper_wakes_for_work_that_comes_at_any_moment() {
    loom::model(|| {
        let (bed, work) = (Arc::new(Bed::default()), Arc::new(AtomicU64::new(0)));
        let sleeper = {
            let (bed, work) = (Arc::clone(&bed), Arc::clone(&work));
            thread::spawn(move || sleep_until(&bed, &work, 1))
        };
        work.store(1, Ordering::Release);
        bed.wake();
        sleeper.join().unwrap();
    });
}

#[test]
fn it_wakes_again_for_the_next() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (bed, work) = (Arc::new(Bed::default()), Arc::new(AtomicU64::new(0)));
        let sleeper = {
            let (bed, work) = (Arc::clone(&bed), Arc::clone(&work));
            thread::spawn(move || {
                sleep_until(&bed, &work, 1);
                sleep_until(&bed, &work, 2);
            })
        };
        for round in 1..=2 {
            work.store(round, Ordering::Release);
            bed.wake();
        }
        sleeper.join().unwrap();
    });
}

#[test]
fn two_wakers_do_not_take_each_others_wake_up() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (bed, work) = (Arc::new(Bed::default()), Arc::new(AtomicU64::new(0)));
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let (bed, work) = (Arc::clone(&bed), Arc::clone(&work));
                thread::spawn(move || {
                    work.fetch_add(1, Ordering::AcqRel);
                    bed.wake();
                })
            })
            .collect();
        sleep_until(&bed, &work, 2);
        for waker in wakers {
            waker.join().unwrap();
        }
    });
}
