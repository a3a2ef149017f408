//! Runs random flows, and makes the history of a disagreement short.

use super::flow::{Flow, Item};
use super::pair::{Disagreement, Pair};
use engine::command::Command;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Runs one random firm, at the end replayed, and from a journal on disk if that is asked for; on a disagreement
/// gives its shortened history as text.
pub(crate) fn run_case(
    seed: u64,
    steps: usize,
    (views_every, on_disk): (u32, bool),
    hits: &mut BTreeMap<String, u64>,
) -> Result<(), String> {
    let mut flow = Flow::new(seed);
    let mut pair = Pair::new(views_every);
    let mut history = Vec::new();
    for _ in 0..steps {
        let item = pair.symbolic(flow.next(&pair.model));
        history.push(item.clone());
        match pair.step(&item) {
            Ok(new) => {
                for hit in new {
                    *hits.entry(hit).or_default() += 1;
                }
            }
            Err(found) => return Err(report(seed, history, found)),
        }
    }
    let ended = pair
        .do_steps()
        .and_then(|()| pair.compare_views())
        .and_then(|()| pair.replay())
        .and_then(|()| match on_disk {
            true => pair.prove_on_disk(),
            false => Ok(()),
        });
    if let Err((what, engine, model)) = ended {
        let item = history.last().map_or(0, |i| i.id);
        let found = Disagreement {
            what,
            engine,
            model,
            item,
        };
        return Err(report(seed, history, found));
    }
    let mut hit = |name: &str| *hits.entry(name.to_owned()).or_default() += 1;
    hit("R33 replayed to the same digests");
    if on_disk {
        hit("R33 proven as a journal on disk");
    }
    Ok(())
}

/// Runs the model without an engine: what do the flows reach?
pub(crate) fn run_alone(seed: u64, steps: usize, hits: &mut BTreeMap<String, u64>) {
    let mut flow = Flow::new(seed);
    let mut pair = Pair::new(u32::MAX);
    for _ in 0..steps {
        let item = pair.symbolic(flow.next(&pair.model));
        for hit in pair.model_step(&item).1.said.hits {
            *hits.entry(hit).or_default() += 1;
        }
        pair.model.send_due_cancels();
    }
}

/// The first disagreement of a history, with all views compared every so many commands.
fn replay(history: &[Item], views_every: u32) -> Option<Disagreement> {
    let mut pair = Pair::new(views_every);
    history.iter().find_map(|item| pair.step(item).err())
}

/// Time that one history is shortened for.
const SHRINK_FOR: Duration = Duration::from_secs(15);
/// Leaves out what is not needed for the same disagreement, in ever smaller pieces.
fn shrink(mut history: Vec<Item>, mut found: Disagreement) -> (Vec<Item>, Disagreement) {
    let started = Instant::now();
    if let Some(earlier) = replay(&history, 1) {
        found = earlier;
    }
    let views_every = if super::views::is_of_views(&found.what) {
        1
    } else {
        u32::MAX
    };
    let end = history.iter().position(|i| i.id == found.item);
    history.truncate(end.map_or(history.len(), |i| i + 1));
    let mut size = history.len() / 2;
    while size > 0 {
        let mut start = 0;
        let mut shorter = false;
        while start < history.len() && started.elapsed() < SHRINK_FOR {
            let end = (start + size).min(history.len());
            let mut candidate = history.clone();
            candidate.drain(start..end);
            let again = replay_quietly(&candidate, views_every);
            match again.filter(|d| d.what == found.what) {
                Some(again) => {
                    let end = candidate.iter().position(|i| i.id == again.item);
                    candidate.truncate(end.map_or(candidate.len(), |i| i + 1));
                    history = candidate;
                    found = again;
                    shorter = true;
                }
                None => start = end,
            }
        }
        if !(shorter && size == 1) || started.elapsed() >= SHRINK_FOR {
            size /= 2;
        }
    }
    (history, found)
}

/// As `replay`; a history that the model itself can't follow is none.
fn replay_quietly(history: &[Item], views_every: u32) -> Option<Disagreement> {
    catch_unwind(AssertUnwindSafe(|| replay(history, views_every)))
        .ok()
        .flatten()
}

fn report(seed: u64, history: Vec<Item>, found: Disagreement) -> String {
    let before = history.len();
    std::panic::set_hook(Box::new(|_| {}));
    let (history, found) = shrink(history, found);
    let _ = std::panic::take_hook();
    let mut text = format!(
        "seed {seed}: {}\n  engine: {}\n  model:  {}\n{} of {before} commands are needed:\n",
        found.what,
        found.engine,
        found.model,
        history.len(),
    );
    for item in &history {
        let said = brief(&item.command);
        let busy = if item.busy { " busy" } else { "" };
        let _ = writeln!(
            text,
            "  [{}] {}{} ns, session {}{busy} {said}",
            item.id,
            if item.t < super::genesis::START {
                "-"
            } else {
                "+"
            },
            item.t.abs_diff(super::genesis::START),
            item.session
        );
    }
    text
}

/// A command without its fields of routine.
fn brief(command: &Command) -> String {
    let text = format!("{command:?}");
    let (head, rest) = text.split_once(" { ").unwrap_or((&text, ""));
    let name = head.split('(').next().unwrap_or(head);
    let dull = [
        "flags: ",
        "seq_no: 0",
        "request_id: ",
        "reserved",
        "name: ",
        "public_key: ",
        "reason: \"",
        "symbol: ",
        "warn",
        "transact_time: ",
        "app_name",
        "key_id",
    ];
    let fields: Vec<&str> = rest
        .trim_end_matches([')', '}', ' '])
        .split(", ")
        .filter(|f| !dull.iter().any(|d| f.starts_with(d)))
        .collect();
    format!("{name} {}", fields.join(", "))
}
