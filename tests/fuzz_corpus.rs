//! Every input that fuzzing has kept is replayed: `fuzz/corpus` holds, minimised, one input for each path
//! that a campaign (`fuzz/run TARGET`) has ever reached, and what it found wrong before that was mended.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::path::Path;

fn replay(target: &str, at_least: usize, run: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort();
    assert!(
        inputs.len() >= at_least,
        "{target}: {} inputs",
        inputs.len()
    );
    for input in inputs {
        // The harness shows what was printed last where a test fails.
        println!("{}", input.display());
        run(&std::fs::read(&input).unwrap());
    }
}

#[test]
fn the_decoder_keeps_its_promises_on_the_whole_corpus() {
    replay("decoder", 50, targets::decoder::run);
}

#[test]
fn the_session_agrees_with_its_model_on_the_whole_corpus() {
    replay("session", 1, targets::session::run);
}

#[test]
fn a_firm_file_becomes_a_firm_or_mistakes_on_the_whole_corpus() {
    replay("config", 1, targets::config::run);
}

#[test]
fn recovery_shows_a_prefix_or_refuses_on_the_whole_corpus() {
    replay("journal", 1, targets::journal::run);
}

#[test]
fn a_start_goes_on_or_is_refused_by_name_on_the_whole_corpus() {
    replay("records", 1, targets::records::run);
}

/// A firm with small tables: a target that makes large ones runs a few inputs a second.
const SMALL: &str = r#"
[firm]
name = "F"
instance = "f"
base_currency = "USD"
two_person = false
[capacity]
accounts = 8
instruments = 8
orders = 64
rows = 64
executions = 64
limits = 64
sessions = 8
[[desks]]
id = 1
name = "D"
[[accounts]]
id = 1
name = "A"
desk = 1
suspense = true
[[traders]]
id = 1
name = "T"
[[instruments]]
id = 1
symbol = "X"
venue = 1
currency = "USD"
tick = 0.01
lot = 1
reference = 5.5
[[limits]]
scope = "firm"
kind = "MaxOrderQty"
value = "100"
[[sessions]]
id = 1
name = "s"
role = "desk"
topology = "sidecar"
accounts = [1]
traders = [1]
public_key = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
"#;

/// Writes the records of a small firm's first start as an input of the target `records`.
#[test]
#[ignore = "makes a seed for a new corpus"]
fn seed_records() {
    use engine::firm::Firm;
    use engine::journal::SegmentId;
    use engine::journal::sim::SimFiles;
    use engine::pipeline::AckPolicy;
    use engine::recover::{self, OpenOptions};
    let now = 1_772_442_000_000_000_000;
    let files = SimFiles::new(1);
    let firm = Firm::parse("small.toml", SMALL).unwrap();
    let mut options = OpenOptions::new(
        firm.genesis(wire::Time(now)),
        AckPolicy::Durable,
        "fuzz",
        now,
    );
    options.segment_bytes = 4 << 20;
    let mut opened = recover::open_on(files.clone(), &options).unwrap();
    opened.enter(firm.first_day(20_260_302), now).unwrap();
    opened.close(now).unwrap();
    let mut seed = Vec::new();
    engine::journal::scan(files, SegmentId::FIRST, |record| {
        seed.extend(u16::try_from(record.bytes.len()).unwrap().to_le_bytes());
        seed.extend(record.bytes);
    })
    .unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/records/small");
    std::fs::write(path, seed).unwrap();
}
