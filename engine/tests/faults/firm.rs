//! Owns the campaign of a whole firm: the engine decides, the journal keeps, the clerk seals, snapshots
//! and removes, the machine stops or the disk says no, and the start that follows goes on from a snapshot
//! and decides the rest again. What it finds must be what was promised, and the engine's state that of a
//! fresh engine fed every record there ever was: nothing half-applied.

use std::io::ErrorKind;

use engine::journal::sim::Fault;

use crate::life::Between;
use crate::office::{Office, Worked};
use crate::plan::Plan;
use crate::promise::Breach;
use crate::random::mix;
use crate::tally::{Tally, seeds};

/// Commands of the first run, of the one that is struck, and of those after it.
const COMMANDS: [u32; 3] = [14, 14, 4];

/// What is done at one operation, and what becomes of the machine then.
#[derive(Debug, Clone, Copy)]
struct Strike {
    at: u64,
    fault: Fault,
    between: Between,
}

/// A firm after its first run, about to start again.
fn founded(seed: u64, plan: &Plan) -> Result<Office, Breach> {
    let mut office = Office::new(seed, plan.clone());
    let Some(opened) = office.open(0)? else {
        return Err(Breach::Refused("the first start".to_owned()));
    };
    office.work(opened, COMMANDS[0])?;
    office.files.restart();
    office.plan.remove_old_segments();
    Ok(office)
}

/// The second run, up to its end.
fn second_run(office: &mut Office) -> Result<Worked, Breach> {
    match office.open(office.written)? {
        Some(opened) => office.work(opened, COMMANDS[1]),
        None => Ok(Worked::Stopped),
    }
}

/// What is there after the end: the same process image, or what the disk has kept.
fn end(office: &Office, strike: &Strike) -> u64 {
    match strike.between {
        Between::Killed => office.files.restart(),
        Between::Evicted => office.files.restart_and_evict(),
        Between::PowerLoss => office.files.power_loss(),
    }
    // What a failed sync has left marked clean is not to be trusted after the death of the process.
    let killed = strike.between == Between::Killed && strike.fault == Fault::Crash;
    if killed {
        office.written
    } else {
        office.durable
    }
}

/// A second run that is struck; then starts, struck themselves, until one works, and an end.
fn strike(mut office: Office, strike: Strike, seed: u64, tally: &mut Tally) -> Result<(), Breach> {
    let before = office.files.operations();
    office.files.fail_at(before + strike.at, strike.fault);
    second_run(&mut office)?;
    office.files.reseed(mix(seed, strike.at));
    for number in 0..3 {
        let needed = end(&office, &strike);
        if number < 2 {
            let at = office.files.operations() + office.random.below(24);
            office.files.fail_at(at, Fault::Crash);
        }
        if let Some(opened) = office.open(needed)? {
            office.work(opened, COMMANDS[2])?;
        }
    }
    office.prove()?;
    count(&office, tally);
    Ok(())
}

fn count(office: &Office, tally: &mut Tally) {
    let seen = office.seen;
    tally.add("orders accepted", seen.accepted);
    tally.add("snapshots made", seen.snapshots);
    tally.add("starts from a snapshot", seen.from_snapshots);
    tally.add("removals", seen.removals);
    tally.add("segments removed", seen.removed);
    tally.add("seals proven", seen.sealed);
}

/// Operations of a second run that nothing disturbs.
fn undisturbed(founded: &Office, tally: &mut Tally) -> Result<u64, Breach> {
    let mut office = founded.fork();
    let before = office.files.operations();
    second_run(&mut office)?;
    let operations = office.files.operations() - before;
    office.prove()?;
    count(&office, tally);
    Ok(operations)
}

fn campaign(
    name: &'static str,
    lives: u64,
    (every, least): (u64, u64),
    fault: impl Fn(u64) -> (Fault, Between),
) {
    let plan = Plan::new();
    let mut tally = Tally::new(name);
    for seed in seeds(name, lives) {
        let office = match founded(seed, &plan) {
            Ok(office) => office,
            Err(breach) => {
                tally.tried(Err(breach), format_args!("seed {seed}, founding"));
                continue;
            }
        };
        let operations = undisturbed(&office, &mut tally);
        let until = *operations.as_ref().unwrap_or(&0);
        tally.tried(
            operations.map(drop),
            format_args!("seed {seed}, undisturbed"),
        );
        for at in (0..until).filter(|at| (seed + at).is_multiple_of(every)) {
            let (fault, between) = fault(mix(seed, at));
            let blow = Strike { at, fault, between };
            let outcome = strike(office.fork(), blow, seed, &mut tally);
            tally.tried(outcome, format_args!("seed {seed}, {blow:?}"));
        }
    }
    for (what, each) in [
        ("orders accepted", 50),
        ("snapshots made", 50),
        ("starts from a snapshot", 50),
        ("removals", 5),
        ("segments removed", 10),
        ("seals proven", 50),
    ] {
        assert!(tally.of(what) >= lives * each, "{tally}: too few {what}");
    }
    tally.finish(lives * least);
}

fn crashes(name: &'static str, lives: u64) {
    campaign(name, lives, (1, 40), |chance| {
        let between = [Between::Killed, Between::PowerLoss];
        (Fault::Crash, between[usize::from(chance % 2 == 0)])
    });
}

fn errors(name: &'static str, lives: u64) {
    campaign(name, lives, (1, 40), |chance| {
        let kinds = [ErrorKind::Other, ErrorKind::StorageFull];
        let kind = kinds[usize::from(chance % 2 == 0)];
        let between = match chance / 2 % 3 {
            0 => Between::Killed,
            1 => Between::Evicted,
            _ => Between::PowerLoss,
        };
        (Fault::Error(kind), between)
    });
}

#[test]
fn a_firm_struck_at_any_operation_comes_back_as_it_was_promised() {
    crashes("a firm struck at every operation, quick", 2);
}

#[test]
fn a_firm_whose_disk_says_no_at_any_operation_loses_nothing_acknowledged() {
    errors("a firm with an error at every operation, quick", 2);
}

#[test]
#[ignore = "minutes in a release build"]
fn full_firm() {
    crashes("a firm struck at every operation", 2_000);
}

#[test]
#[ignore = "minutes in a release build"]
fn full_firm_errors() {
    errors("a firm with an error at every operation", 500);
}
