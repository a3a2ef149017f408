//! Scenarios: text files that a risk officer can read, run against the engine.
//!
//! A file in `tests/scenarios/` is a row of comments and commands, each with its expected answer behind
//! `=>`, or under `----` where it has several lines. The words of the commands are described at the functions that read them, in `orders` and `admin`; those
//! of the whole language in `tests/scenarios/README.md`. `PORTCULLIS_BLESS=1` rewrites the expectations:
//! a reviewer then reads the difference against `docs/controls.md`.

mod admin;
mod approval;
mod firm;
mod message;
mod orders;
mod say;
mod show;
mod text;
mod world;

use engine::command::{Step, TimePassed};
use std::path::{Path, PathBuf};
use text::Words;
use world::{Sender, World};

/// Where the scenarios are.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// Runs one scenario; with `PORTCULLIS_BLESS` set it rewrites what is expected.
///
/// # Panics
/// If the engine says something else, or the file can't be read as a scenario.
pub(crate) fn run(name: &str) {
    let path = directory().join(format!("{name}.txt"));
    if let Err(wrong) = run_file(&path) {
        panic!("{}: {wrong}", path.display());
    }
}

fn run_file(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let scenario = text::parse(&text);
    let mut world = World::new();
    let mut answers = Vec::new();
    let mut differences = String::new();
    for step in &scenario.steps {
        let answer = execute(&mut world, &step.command)
            .map_err(|wrong| format!("line {}: {}: {wrong}", step.line, step.command))?;
        if answer != step.expected {
            differences += &format!(
                "\nline {}: {}\n  expected:        {}\n  the engine says: {}",
                step.line,
                step.command,
                step.expected.join("\n                   "),
                answer.join("\n                   "),
            );
        }
        answers.push(answer);
    }
    // R33, R34: for every scenario, whatever it is about.
    world.replay()?;
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        let blessed = text::rewrite(&scenario, &answers);
        return std::fs::write(path, blessed).map_err(|e| e.to_string());
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{differences}\n(PORTCULLIS_BLESS=1 rewrites what is expected)"
        ))
    }
}

/// Executes one command line and says what came of it.
fn execute(world: &mut World, line: &str) -> Result<Vec<String>, String> {
    if let Some((times, parts)) = line.strip_prefix("times ").and_then(|l| l.split_once(": ")) {
        let times: u32 = times
            .parse()
            .map_err(|_| format!("how often is {times}?"))?;
        let mut last = Vec::new();
        for _ in 0..times {
            for part in parts.split("; ") {
                last = execute(world, part)?;
            }
        }
        return Ok(last);
    }
    let mut words = Words::of(line);
    let speaker = words.peek().and_then(|word| word.strip_suffix(':'));
    let speaker = speaker.map(|name| world.session(name)).transpose()?;
    if speaker.is_some() {
        words.next("the session")?;
    }
    let verb = words.next("the command")?;
    let known = |name: &str| world.sessions.get(name).copied().unwrap_or(0);
    let (desk, venue, risk, ops) = (known("desk1"), known("venue"), known("risk"), known("ops"));
    let mut from = Sender {
        session: speaker.unwrap_or(0),
        ..Sender::default()
    };
    let mut from_or = |default: u32| {
        from.session = speaker.unwrap_or(default);
        from.session
    };
    let mut options = words.clone();
    let seq_no = options.number("seq")?;
    let busy = options.flag("busy");
    let words = &mut options;
    let command = match verb.as_str() {
        "firm" => return firm::firm(world, words.clone()).map(|()| vec!["ready".to_owned()]),
        "show" => {
            let lines = show::show(world, words)?;
            return words.clone().finish().map(|()| lines);
        }
        "wait" | "rewind" => {
            let by = text::duration(&words.next("how long")?)?;
            world.t = if verb == "wait" {
                world.t + by
            } else {
                world.t - by
            };
            let now = text::in_decimals(i128::from(world.t) - i128::from(world::START), 9);
            return words
                .clone()
                .finish()
                .map(|()| vec![format!("{now} s on the clock")]);
        }
        "digest" => return digest(world, &words.next("remember or compare")?),
        "steps" => return Ok(steps(world)),
        "restart" => return restart(world, words),
        "time" => TimePassed::default().into(),
        "step" => Step::default().into(),
        "up" => firm::logon(world, words)?,
        "down" => firm::logoff(world, words)?,
        "explain" => {
            let session = from_or(desk);
            let verb = words.next("buy or sell")?;
            let order = orders::new_order(world, session, &verb, words)?;
            let explained = world.engine.explain(session, &order, world.t);
            return Ok(explained.map_or_else(Vec::new, |e| say::explanation(world, &e)));
        }
        "room" => return show::room(world, from_or(desk), words),
        "buy" | "sell" | "short" => orders::new_order(world, from_or(desk), &verb, words)?,
        "replace" => orders::replace(world, from_or(desk), words)?,
        "cancel" => orders::cancel(world, from_or(desk), words)?,
        "masscancel" => orders::mass_cancel(world, from_or(desk), words)?,
        "ack" | "fill" | "cancelled" | "expired" | "rejected" | "replaced" | "cancel-rejected"
        | "replace-rejected" | "unknown" | "bust" | "correct" => {
            from_or(venue);
            orders::report(world, &verb, words)?
        }
        "stray-fill" => {
            from_or(venue);
            orders::stray_fill(world, words)?
        }
        "limit" => {
            from_or(risk);
            admin::limit(world, words)?
        }
        "state" => {
            from_or(risk);
            admin::state(world, words)?
        }
        "propose" => {
            from_or(risk);
            approval::propose(world, words)?
        }
        "approve" | "drop" => {
            from_or(known("risk2"));
            approval::approve(&verb, words)?
        }
        "two-person" => {
            from_or(risk);
            approval::two_person(words)?
        }
        "reference" => {
            from_or(risk);
            admin::reference(world, words)?
        }
        "mark" => {
            from_or(risk);
            admin::mark(world, words)?
        }
        "rate" => {
            from_or(risk);
            admin::rate(world, words)?
        }
        "permit" | "forbid" => {
            from_or(risk);
            admin::permit(world, verb == "permit", words)?
        }
        "instrument" => {
            from_or(ops);
            admin::instrument(world, words)?
        }
        "account" => {
            from_or(ops);
            admin::account(words)?
        }
        "entitle" | "withdraw" => admin::entitle(world, verb == "entitle", words)?,
        "load" => {
            from_or(ops);
            admin::load(world, words)?
        }
        "open" => {
            from_or(ops);
            admin::open(words)?
        }
        "roll" => {
            from_or(ops);
            admin::roll(words)?
        }
        "reconcile" => {
            from_or(ops);
            admin::reconcile(world, words)?
        }
        "settled" | "locates" => {
            from_or(ops);
            admin::locates(world, &verb, words)?
        }
        "cash" => {
            from_or(ops);
            admin::cash(world, words)?
        }
        "override" | "split" => {
            from_or(ops);
            admin::adjust(world, &verb, words)?
        }
        "mmpreset" => {
            from_or(desk);
            admin::mmp_reset(words)?
        }
        // Any other command, by its name in the schema.
        name => {
            let mut fields = Vec::new();
            while let Ok(word) = words.next("a field") {
                let pair = word.split_once('=').ok_or_else(|| {
                    format!("{name} is not a word of scenarios, and {word} is not field=value")
                })?;
                fields.push((pair.0.to_owned(), pair.1.to_owned()));
            }
            message::command(name, &fields)?
        }
    };
    options.finish()?;
    (from.seq_no, from.busy) = (seq_no, busy);
    let decision = world.apply(from, command);
    Ok(vec![say::decision(world, &decision)])
}

/// `digest remember`, `digest compare`: whether anything that decides has changed.
fn digest(world: &mut World, what: &str) -> Result<Vec<String>, String> {
    let now = world.engine.risk_digest();
    match what {
        "remember" => {
            world.remembered = now;
            Ok(vec!["remembered".to_owned()])
        }
        "compare" if world.remembered == now => Ok(vec!["risk digest unchanged".to_owned()]),
        "compare" => Ok(vec!["risk digest changed".to_owned()]),
        other => Err(format!("digest {other} means nothing")),
    }
}

/// `steps`: the server lets all bounded work be done.
fn steps(world: &mut World) -> Vec<String> {
    let (mut count, mut sent) = (0, Vec::new());
    while world.engine.has_pending_steps() && count < 1_000 {
        world.apply(Sender::default(), Step::default().into());
        sent.append(&mut world.sent);
        count += 1;
    }
    world.sent = sent;
    vec![format!(
        "{count} {}",
        if count == 1 { "step" } else { "steps" }
    )]
}

/// `restart [lossy] [alone]`: the engine is thrown away and rebuilt from its records; alone, nobody logs on.
fn restart(world: &mut World, words: &mut Words) -> Result<Vec<String>, String> {
    let (lossy, alone) = (words.flag("lossy"), words.flag("alone"));
    words.clone().finish()?;
    world.engine = world.replay()?;
    let started = firm::started(world, lossy);
    let decision = world.apply(Sender::default(), started.into());
    let sent = world.sent.clone();
    let ids: Vec<u32> = world.sessions.values().copied().collect();
    for id in ids.into_iter().filter(|_| !alone) {
        world.apply(Sender::default(), firm::up(id).into());
    }
    // What the start itself says is of interest.
    world.sent = sent;
    Ok(vec![say::decision(world, &decision)])
}
