//! Owns the campaign of repairs: a journal is damaged where no torn write explains it, an operator has it
//! cut, and the machine stops at every operation of that, and of the start after it. Nothing that was cut
//! may be gone from the disk, and no start may go on with fewer records without having been told so.

use std::collections::BTreeMap;

use engine::command::{Command, Sequenced};
use engine::journal::sim::Fault;
use engine::journal::{RecoveryError, RepairOrder, Repaired, SegmentId, Storage, repair};
use engine::record::decode_record;
use engine::recover::{StartCause, open_on};
use engine::snapshot::is_snapshot_behind;
use wire::Flag;

use crate::office::{Office, Worked};
use crate::plan::Plan;
use crate::promise::Breach;
use crate::random::{Random, mix};
use crate::tally::{Tally, seeds};

/// Commands of each of the two runs before the damage.
const COMMANDS: u32 = 16;

fn order() -> RepairOrder {
    RepairOrder {
        reason: "the disk had a bad sector".to_owned(),
        now_ns: 1,
    }
}

/// The bytes of every file.
type Contents = BTreeMap<String, Vec<u8>>;

fn contents(office: &Office) -> Contents {
    let names = office.files.list().unwrap();
    let bytes = |name: &String| office.files.contents(name).unwrap();
    names
        .iter()
        .map(|name| (name.clone(), bytes(name)))
        .collect()
}

/// What was written of a segment: the zeros behind it are left out.
fn used(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1)
}

/// A firm whose journal is whole and cleanly stopped.
fn whole(seed: u64, plan: &Plan) -> Result<Office, Breach> {
    let mut office = Office::new(seed, plan.clone());
    office.ends_cleanly = true;
    for _ in 0..2 {
        let Some(opened) = office.open(office.durable)? else {
            return Err(Breach::Refused("a start on a working disk".to_owned()));
        };
        if office.work(opened, COMMANDS)? == Worked::Stopped {
            return Err(Breach::Refused("work on a working disk".to_owned()));
        }
        // Only every other firm has lost its oldest segments.
        if seed.is_multiple_of(2) {
            office.plan.remove_old_segments();
        }
    }
    Ok(office)
}

/// Does something to the journal that a torn write does not.
fn damage(office: &Office, random: &mut Random, tally: &mut Tally) {
    let files = &office.files;
    let names: Vec<String> = (contents(office).into_keys())
        .filter(|name| SegmentId::from_file_name(name).is_some())
        .collect();
    let name = &names[random.index(names.len())];
    let bytes = files.contents(name).unwrap();
    let at = random.index(used(&bytes));
    match random.below(3) {
        0 => {
            tally.count("a bit was flipped");
            files.patch(name, at, &[bytes[at] ^ (1 << random.below(8))]);
        }
        1 => {
            tally.count("a sector was blank");
            files.patch(name, at / 512 * 512, &[0; 512]);
        }
        _ => {
            tally.count("a segment was missing");
            files.remove(name).unwrap();
            files.sync_directory().unwrap();
        }
    }
}

/// Every byte that was in a segment or a snapshot is in some file still.
fn nothing_destroyed(office: &Office, before: &Contents, cut: &Repaired) -> Result<(), Breach> {
    let now = contents(office);
    for (name, bytes) in before {
        let is_cut = SegmentId::from_file_name(name) == Some(cut.cut.segment);
        let whole = now.values().any(|kept| kept == bytes);
        let there = if whole {
            true
        } else if is_cut {
            let at = usize::try_from(cut.cut.offset).unwrap();
            let tail = &bytes[at..used(bytes).max(at)];
            let stays = now.get(name).is_some_and(|kept| kept[..at] == bytes[..at]);
            stays && (tail.is_empty() || now.values().any(|kept| kept == tail))
        } else {
            !name.ends_with(".seg") && !name.ends_with(".snapshot") && !name.ends_with(".seal")
        };
        if !there {
            return Err(Breach::Lost(format!("what was cut from {name}")));
        }
    }
    Ok(())
}

/// A start that has not been told of a repair finds everything, or refuses.
fn no_start_goes_on_unawares(office: &Office) -> Result<(), Breach> {
    let fork = office.fork();
    match open_on(fork.files.clone(), &fork.plan.options) {
        Ok(opened) if opened.report.repaired || opened.report.records >= office.durable => Ok(()),
        Ok(opened) => Err(Breach::Lost(format!(
            "{} of {} are there, and nobody was told",
            opened.report.records, office.durable
        ))),
        Err(
            StartCause::Corrupt(_)
            | StartCause::Record { .. }
            | StartCause::Order { .. }
            | StartCause::NoOrigin { .. }
            | StartCause::Read(_),
        ) => Ok(()),
        Err(cause) => Err(Breach::Refused(cause.to_string())),
    }
}

/// The start that is told: restricted, in a new epoch, with every record up to the cut.
fn starts_restricted(office: &mut Office, done: &Repaired) -> Result<(), Breach> {
    let Some(opened) = office.open(done.last_sequence)? else {
        return Err(Breach::Refused("a start on a working disk".to_owned()));
    };
    let report = &opened.report;
    if !report.repaired || !report.restricted {
        return Err(Breach::Accepted("the start was not told".to_owned()));
    }
    let seq = usize::try_from(done.last_sequence).unwrap();
    let started = office.records[seq..].iter().find_map(|bytes| {
        let (Sequenced { command, .. }, _) = decode_record(bytes).unwrap();
        if let Command::Started(started) = command {
            Some(started)
        } else {
            None
        }
    });
    if started.is_none_or(|started| started.restricted != Flag::Yes) {
        return Err(Breach::Accepted("the journal was not told".to_owned()));
    }
    if office.work(opened, 4)? == Worked::Stopped {
        return Err(Breach::Refused("work on a working disk".to_owned()));
    }
    // It is told once.
    match office.open(office.durable)? {
        Some(opened) if !opened.report.repaired => Ok(()),
        _ => Err(Breach::Refused("the start was told twice".to_owned())),
    }
}

/// A repair struck at operation `at`, then the repair again, then the start.
fn strike(
    mut office: Office,
    (seed, at): (u64, u64),
    before: &Contents,
    done: &Repaired,
) -> Result<(), Breach> {
    let chance = mix(seed, at);
    let files = office.files.clone();
    files.fail_at(files.operations() + at, Fault::Crash);
    let outcome = repair(&files, &order(), is_snapshot_behind);
    files.reseed(chance);
    if chance.is_multiple_of(2) {
        files.power_loss();
    } else {
        files.restart();
    }
    nothing_destroyed(&office, before, done).map_err(|b| Breach::Lost(format!("at once: {b}")))?;
    no_start_goes_on_unawares(&office)?;
    match repair(&files, &order(), is_snapshot_behind) {
        Ok(again) if (again.cut, again.last_sequence) == (done.cut, done.last_sequence) => {}
        // It had come as far as that before it was struck.
        Err(RecoveryError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidInput => {}
        other => return Err(Breach::Refused(format!("{other:?} after {outcome:?}"))),
    }
    nothing_destroyed(&office, before, done)?;
    // Now and then the start is struck, and the next one is told as well.
    if chance.is_multiple_of(3) {
        let begins = files.operations() + chance / 3 % 24;
        files.fail_at(begins, Fault::Crash);
        drop(open_on(files.clone(), &office.plan.options));
        files.power_loss();
        let opened = open_on(files.clone(), &office.plan.options);
        match opened {
            Ok(opened) if opened.report.records >= done.last_sequence => return Ok(()),
            other => return Err(Breach::Refused(format!("{other:?}"))),
        }
    }
    office.gives_up_behind(done.last_sequence);
    starts_restricted(&mut office, done)
}

fn campaign(name: &'static str, lives: u64) {
    let plan = Plan::new();
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        let office = match whole(seed, &plan) {
            Ok(office) => office,
            Err(breach) => {
                tally.tried(Err(breach), format_args!("seed {seed}, before the damage"));
                continue;
            }
        };
        damage(&office, &mut Random::new(mix(seed, 11)), &mut tally);
        let before = contents(&office);
        let undisturbed = office.fork();
        let first = undisturbed.files.operations();
        let done = match repair(&undisturbed.files, &order(), is_snapshot_behind) {
            Ok(done) => done,
            Err(error) => {
                // The first segment there is does not even begin, or nothing is missing.
                let beyond = matches!(
                    error,
                    RecoveryError::Read(_) | RecoveryError::Io(_) | RecoveryError::NoJournal
                );
                tally.count("beyond repair");
                assert!(beyond, "seed {seed}: {error}");
                continue;
            }
        };
        let operations = undisturbed.files.operations() - first;
        // Where old segments are gone and no snapshot is left before the cut, nothing can be gone on from.
        let startable = open_on(undisturbed.files.clone(), &office.plan.options);
        if let Err(StartCause::NoOrigin { .. }) = startable {
            tally.count("cut before every snapshot");
            continue;
        }
        for at in 0..operations {
            let outcome = strike(office.fork(), (seed, at), &before, &done);
            tally.tried(outcome, format_args!("seed {seed}, operation {at}"));
        }
    }
    tally.finish(lives * 8);
}

#[test]
fn a_repair_struck_at_any_operation_destroys_nothing_and_never_goes_on_untold() {
    campaign("repairs struck at every operation, quick", 16);
}

#[test]
#[ignore = "minutes in a release build"]
fn full_repairs() {
    campaign("repairs struck at every operation", 2_000);
}
