//! Owns the campaign of rotten bits: every bit of a small journal, random ones of a large one.

use crate::random::{Random, mix};
use crate::tally::{Tally, seeds};
use crate::whole::Whole;

/// Flips one bit, lets a start judge, and flips it back.
fn flip(journal: &Whole, bit: usize, tally: &mut Tally) {
    let (segment, within) = (
        bit / 8 / journal.segment_bytes,
        bit / 8 % journal.segment_bytes,
    );
    let name = &journal.names[segment];
    let byte = journal.files.contents(name).unwrap()[within];
    journal
        .files
        .patch(name, within, &[byte ^ (1 << (bit % 8))]);
    let id = u64::try_from(segment).unwrap() + 1;
    let outcome = journal.judge((id, within), false, tally);
    tally.tried(outcome, format_args!("bit {bit}, byte {within} of {name}"));
    journal.files.patch(name, within, &[byte]);
}

fn every_bit(name: &'static str, step: usize) {
    let journal = Whole::new(4, 16 << 10, 1, |_| {});
    assert_eq!(journal.bytes(), 64 << 10);
    let mut tally = Tally::new(name);
    for bit in (0..journal.bytes() * 8).step_by(step) {
        flip(&journal, bit, &mut tally);
    }
    tally.finish(u64::try_from(journal.bytes() * 8 / step).unwrap());
}

fn random_bits(name: &'static str, segments: u64, count: u64) {
    let journal = Whole::new(segments, 128 << 10, 1, |_| {});
    let mut tally = Tally::new(name);
    for seed in seeds(name, count) {
        let bit = Random::new(mix(seed, 5)).index(journal.bytes() * 8);
        flip(&journal, bit, &mut tally);
    }
    tally.finish(count);
}

#[test]
fn flipped_bits_of_a_small_journal_are_refused_with_their_place() {
    every_bit("every 1009th bit of 64 KiB, quick", 1009);
}

#[test]
#[ignore = "half a million starts: a minute in a release build"]
fn full_bits() {
    every_bit("every bit of 64 KiB", 1);
    random_bits("random bits of 512 KiB", 4, 100_000);
}
