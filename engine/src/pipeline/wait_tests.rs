//! Tests of `wait` with real threads; its interleavings: `engine/tests/wait_under_loom.rs`.

use super::wait::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

#[test]
fn no_wake_up_is_lost_between_the_last_look_and_the_sleep() {
    let (bed, work) = (Arc::new(Bed::default()), Arc::new(AtomicU64::new(0)));
    let sleeper = {
        let (bed, work) = (Arc::clone(&bed), Arc::clone(&work));
        thread::spawn(move || {
            for round in 1..=20_000_u64 {
                while work.load(Ordering::Acquire) < round {
                    // A lost wake-up would show as a test that takes hours.
                    bed.sleep(Duration::from_secs(10), || {
                        work.load(Ordering::Acquire) >= round
                    });
                }
            }
        })
    };
    for round in 1..=20_000 {
        work.store(round, Ordering::Release);
        bed.wake();
    }
    sleeper.join().unwrap();
}
