//! Holds the risk engine against an independent, naive model over random flows.
//!
//! `cargo test --test model_agrees` runs a quick slice. The campaign runs 1,200,000 steps:
//! `cargo test --release -p portcullis --test model_agrees -- --ignored --nocapture campaign`, with
//! `MODEL_STEPS`, `MODEL_SEED`, `MODEL_CASE_STEPS` and `MODEL_FAILURES` (how many to gather) to change it.
//! It prints its hits per refusal, rule and side of each boundary, and fails where one has too few. A
//! disagreement is printed with its seed and the shortest history that was found for it.

mod model;

use model::rooms::{self, room_is_what_passes};
use model::shrink::{run_alone, run_case};
use model::untouched::{Seen, refusals_and_questions_change_nothing};
use model::wanted::{HITS_MIN, wanted};
use std::collections::BTreeMap;
use wire::Selector;

fn from_env(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

#[test]
fn engine_and_model_decide_alike_on_random_flows() {
    let mut hits = BTreeMap::new();
    for seed in 1..=16 {
        if let Err(report) = run_case(seed, 400, (25, seed == 1), &mut hits) {
            panic!("{report}");
        }
    }
}

#[test]
fn random_flows_reach_every_refusal_and_rule() {
    let mut hits = BTreeMap::new();
    for seed in 228..from_env("MODEL_ALONE", 280) {
        run_alone(seed, 400, &mut hits);
    }
    // Replays are counted where there is an engine.
    let missed: Vec<String> = wanted(&hits)
        .into_iter()
        .filter(|(name, times)| *times == 0 && name != "R33" && !name.starts_with("edge"))
        .map(|(name, _)| name)
        .collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
}

#[test]
fn a_refused_order_changes_nothing_but_rate_counters_and_a_question_nothing_at_all() {
    let mut seen = Seen::default();
    for seed in 200..from_env("MODEL_UNTOUCHED", 205) {
        if let Err(report) = refusals_and_questions_change_nothing(seed, 400, &mut seen) {
            panic!("{report}");
        }
    }
    let enough = seen.refused > 100 && seen.counted > 20 && seen.asked > 5;
    assert!(enough, "too few: {seen:?}");
}

#[test]
fn the_room_a_desk_is_told_is_what_the_checks_allow() {
    let mut seen = rooms::Seen::default();
    for seed in 300..from_env("MODEL_ROOM", 305) {
        if let Err(report) = room_is_what_passes(seed, 400, &mut seen) {
            panic!("{report}");
        }
    }
    let enough = seen.room > 100 && seen.no_room > 100 && seen.replaces > 20;
    let selected = |selector| seen.selected.get(&selector).copied().unwrap_or(0) > 10;
    let of_sums = selected(Selector::Group) && selected(Selector::All);
    assert!(
        enough && of_sums && selected(Selector::Instrument),
        "too few: {seen:?}"
    );
}

#[test]
#[ignore = "more than a million steps: run it in release"]
fn campaign() {
    let steps = from_env("MODEL_STEPS", 1_200_000);
    let first = from_env("MODEL_SEED", 1_000);
    let case_steps = from_env("MODEL_CASE_STEPS", 800);
    let failures_max = from_env("MODEL_FAILURES", 1);
    let mut hits: BTreeMap<String, u64> = BTreeMap::new();
    let mut failures: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for case in 0..steps.div_ceil(case_steps) {
        let length = usize::try_from(case_steps).unwrap_or(800);
        if let Err(report) = run_case(first + case, length, (50, case % 20 == 0), &mut hits) {
            let what = report.lines().next().unwrap_or_default();
            let what = what
                .split_once(": ")
                .map_or(what, |(_, what)| what)
                .to_owned();
            let entry = failures.entry(what).or_insert((0, report));
            entry.0 += 1;
            if failures.values().map(|(n, _)| n).sum::<u64>() >= failures_max {
                break;
            }
        }
    }
    println!("{:>9}  hit", "times");
    for (what, times) in &hits {
        println!("{times:>9}  {what}");
    }
    for (times, report) in failures.values() {
        println!("\n{times} times, for example\n{report}");
    }
    assert!(failures.is_empty(), "engine and model disagree");
    let rare: Vec<(String, u64)> = wanted(&hits)
        .into_iter()
        .filter(|(_, times)| *times < HITS_MIN)
        .collect();
    assert!(
        rare.is_empty(),
        "reached less than {HITS_MIN} times: {rare:?}"
    );
}
