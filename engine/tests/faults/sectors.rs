//! Owns the campaign of sectors that are not what belongs there: exchanged with others, older than
//! they should be, from another journal of the same shape, blank, or noise.

use engine::journal::sim::{SECTOR_BYTES, SimFiles};

use crate::promise::Breach;
use crate::random::{Random, mix};
use crate::tally::{Tally, seeds};
use crate::whole::Whole;

/// The segments as they were at some moment; `None` for those not there yet.
type Moment = Vec<Option<Vec<u8>>>;

fn moment(files: &SimFiles, names: &[String]) -> Moment {
    names.iter().map(|name| files.contents(name)).collect()
}

/// Segment and sector, both from 0.
type Place = (usize, usize);

struct Museum {
    journal: Whole,
    now: Moment,
    /// The same journal at earlier moments.
    before: Vec<Moment>,
    /// Another one with the same sequences in the same places.
    twin: Moment,
}

impl Museum {
    fn new(segments: u64, segment_bytes: u64) -> Self {
        let names: Vec<String> = (1..=segments)
            .map(|id| engine::journal::SegmentId(id).file_name())
            .collect();
        let mut before = Vec::new();
        let mut number = 0_u32;
        let journal = Whole::new(segments, segment_bytes, 1, |files| {
            number += 1;
            if number.is_multiple_of(8) {
                before.push(moment(files, &names));
            }
        });
        let twin = Whole::new(segments, segment_bytes, 2, |_| {});
        Self {
            now: moment(&journal.files, &names),
            twin: moment(&twin.files, &names),
            journal,
            before,
        }
    }

    fn sector(&self, moment: &Moment, (segment, at): (usize, usize)) -> Option<Vec<u8>> {
        let bytes = moment[segment].as_ref()?;
        Some(bytes[at * SECTOR_BYTES..][..SECTOR_BYTES].to_vec())
    }

    fn place(&self, random: &mut Random) -> (usize, usize) {
        let segment = random.index(self.now.len());
        (
            segment,
            random.index(self.journal.segment_bytes / SECTOR_BYTES),
        )
    }

    /// What is put where, by the seed; only changes.
    fn changes(&self, random: &mut Random) -> (&'static str, Vec<(Place, Vec<u8>)>) {
        loop {
            let here = self.place(random);
            let there = self.place(random);
            let own = self.sector(&self.now, here).unwrap();
            let other = self.sector(&self.now, there).unwrap();
            let (what, mut changes) = match random.below(6) {
                0 => ("exchanged", vec![(here, other), (there, own)]),
                1 => ("misdirected", vec![(here, other)]),
                2 => {
                    let moment = &self.before[random.index(self.before.len())];
                    let Some(old) = self.sector(moment, here) else {
                        continue;
                    };
                    ("stale", vec![(here, old)])
                }
                3 => {
                    let foreign = self.sector(&self.twin, here).unwrap();
                    ("of a twin journal", vec![(here, foreign)])
                }
                4 => ("blank", vec![(here, vec![0; SECTOR_BYTES])]),
                _ => {
                    let noise = (0..SECTOR_BYTES).map(|_| random.next().to_le_bytes()[0]);
                    ("noise", vec![(here, noise.collect())])
                }
            };
            changes.retain(|(place, bytes)| Some(bytes) != self.sector(&self.now, *place).as_ref());
            if !changes.is_empty() {
                return (what, changes);
            }
        }
    }

    fn strike(&self, seed: u64, tally: &mut Tally) -> Result<(), Breach> {
        let (what, changes) = self.changes(&mut Random::new(mix(seed, 6)));
        tally.count(what);
        let mut first: Option<(usize, usize)> = None;
        for ((segment, at), bytes) in &changes {
            let own = self.sector(&self.now, (*segment, *at)).unwrap();
            let differs = own.iter().zip(bytes).position(|(a, b)| a != b).unwrap();
            let place = (*segment, at * SECTOR_BYTES + differs);
            first = Some(first.map_or(place, |first| first.min(place)));
            let name = &self.journal.names[*segment];
            self.journal.files.patch(name, at * SECTOR_BYTES, bytes);
        }
        let (segment, offset) = first.unwrap();
        let id = u64::try_from(segment).unwrap() + 1;
        let outcome = self.journal.judge((id, offset), true, tally);
        for (place, _) in changes {
            let own = self.sector(&self.now, place).unwrap();
            let name = &self.journal.names[place.0];
            self.journal.files.patch(name, place.1 * SECTOR_BYTES, &own);
        }
        outcome
    }
}

fn campaign(name: &'static str, segments: u64, segment_bytes: u64, count: u64) {
    let museum = Museum::new(segments, segment_bytes);
    let mut tally = Tally::new(name);
    for seed in seeds(name, count) {
        let outcome = museum.strike(seed, &mut tally);
        tally.tried(outcome, format_args!("seed {seed}"));
    }
    tally.finish(count);
}

#[test]
fn sectors_that_do_not_belong_there_are_refused_with_their_place() {
    campaign("sectors exchanged and replaced, quick", 4, 16 << 10, 600);
}

#[test]
#[ignore = "100,000 starts: minutes in a release build"]
fn full_sectors() {
    campaign(
        "sectors exchanged and replaced in 64 KiB",
        4,
        16 << 10,
        100_000,
    );
    campaign(
        "sectors exchanged and replaced in 512 KiB",
        4,
        128 << 10,
        20_000,
    );
}
