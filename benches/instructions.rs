//! Instructions of the hot paths, counted by callgrind (P17): the one figure that a loud machine does not
//! change, and so the gate against drift.
//!
//! Each path runs twice under valgrind with the same preparation, over fewer and over more repetitions;
//! the difference is the path's own. The counts stand in `benches/instructions.txt`; more than 2 % away
//! from them, up or down, is an error. Another compiler counts otherwise, and so does a processor with other
//! copying instructions: then nothing is compared.
//!
//! ```sh
//! cargo bench --bench instructions                       # compare
//! PORTCULLIS_BLESS=1 cargo bench --bench instructions    # store what is counted now, then read the diff
//! ```

use engine::command::Sequenced;
use engine::decision::{Decision, Outbox, Outcome};
use engine::pipeline::ring;
use engine::record::{MAX_RECORD, decode_record, encode_record};
use engine::risk::RiskEngine;
use gateway::bench::firm::{Shape, TWELVE, found};
use gateway::bench::flow::Flow;
use gateway::outbound::{Cursor, OutboundLog};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use wire::codec::{MAX_FRAME, decode_block, encode_frame, split_frame};
use wire::{Message, NewOrder, OrderAccepted, Reply};

/// Repetitions of the two runs.
const FEW: usize = 500;
const MANY: usize = 2_500;
/// Drift that passes, in hundredths.
const DRIFT_MAX: f64 = 2.0;
const COUNTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// Runs a path so many times.
type Run = fn(usize);

/// What is counted, by name.
const PATHS: [(&str, Run); 7] = [
    ("decide", decide),
    ("decode-order", decode_order),
    ("encode-accept", encode_accept),
    ("hand-off", hand_off),
    ("encode-record", encode_one),
    ("decode-record", decode_one),
    ("outbound-log", outbound_log),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, path, count] = args.as_slice()
        && flag == "--run"
        && let Some((_, run)) = PATHS.iter().find(|(name, _)| name == path)
        && let Ok(count) = count.parse()
    {
        run(count);
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) {
        eprintln!(
            "instructions: a debug build has no figures; run `cargo bench --bench instructions`"
        );
        return ExitCode::from(2);
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("NOT CHECKED: instruction counts: valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    match gate() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts everything and compares or stores; whether all is within the drift.
fn gate() -> Result<bool, String> {
    let machine = machine()?;
    let mut counted = BTreeMap::new();
    for (name, _) in PATHS {
        let (few, many) = (collected(name, FEW)?, collected(name, MANY)?);
        let each = (many as f64 - few as f64) / (MANY - FEW) as f64;
        counted.insert(name, each);
    }
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        let mut text = format!("# Instructions a repetition, by callgrind. {machine}\n");
        for (name, each) in &counted {
            text += &format!("{name} {each:.1}\n");
        }
        std::fs::write(COUNTS, text).map_err(|error| format!("{COUNTS}: {error}"))?;
        println!("stored in {COUNTS}");
        return Ok(true);
    }
    let stored = std::fs::read_to_string(COUNTS).map_err(|error| format!("{COUNTS}: {error}"))?;
    let comparable = stored
        .lines()
        .next()
        .is_some_and(|line| line.ends_with(&machine));
    let stored: BTreeMap<&str, f64> = stored
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, each)| Some((name, each.parse().ok()?)))
        .collect();
    let mut within = true;
    for (name, each) in &counted {
        let told = match stored.get(name) {
            None => "not stored yet".to_owned(),
            Some(before) => {
                let drift = 100.0 * (each / before - 1.0);
                let passes = drift.abs() <= DRIFT_MAX;
                within &= passes;
                let note = if passes { "" } else { "  DRIFTED" };
                format!("stored {before:.1}, {drift:+.2} %{note}")
            }
        };
        println!("{name:<14} {each:>10.1} instructions, {told}");
    }
    if !comparable {
        println!("NOT CHECKED: instruction counts: stored for another machine than {machine}");
        return Ok(true);
    }
    if !within {
        println!(
            "more than {DRIFT_MAX} % from {COUNTS}; if that is meant, PORTCULLIS_BLESS=1 stores it"
        );
    }
    Ok(within)
}

/// What the counts depend on besides the source: the compiler, and how wide the C library may copy here.
fn machine() -> Result<String, String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = info.lines().find(|line| line.starts_with("flags"));
    let wide =
        |flag: &str| flags.is_some_and(|line| line.split_whitespace().any(|word| word == flag));
    let copies = ["avx", "avx2", "avx512vl", "erms", "fsrm"]
        .into_iter()
        .filter(|flag| wide(flag))
        .collect::<Vec<_>>()
        .join(" ");
    Ok(format!("{}; {copies}", compiler()?))
}

fn compiler() -> Result<String, String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc)
        .arg("--version")
        .output()
        .map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Instructions of a whole run, as callgrind says at its end.
fn collected(path: &str, count: usize) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind.out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-instr=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["--run", path, &count.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{path}: {}: {told}", output.status));
    }
    let collected = told
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    collected
        .and_then(|(_, count)| count.trim().parse().ok())
        .ok_or_else(|| format!("{path}: callgrind says no count: {told}"))
}

/// `RiskEngine::apply` of a flow of new orders, replaces, cancels, fills and reports. Everything is
/// drawn before, in both runs.
fn decide(count: usize) {
    let shape = Shape {
        orders: 2_048,
        rows: 16_384,
        executions: 65_536,
        ..Shape::small()
    };
    let mut engine = RiskEngine::new();
    let mut out = Outbox::new();
    let seq = found(&mut engine, &shape, TWELVE);
    let mut flow = Flow::new(shape, 1, seq, 1_000);
    // The first order of an account in an instrument makes rows: that is over when it counts.
    for _ in 0..40_000 {
        engine.apply(&flow.next().input, &mut out);
    }
    let work: Vec<Sequenced> = (0..MANY).map(|_| flow.next().input).collect();
    for input in work.iter().take(count) {
        black_box(engine.apply(black_box(input), &mut out));
    }
}

fn order_frame() -> ([u8; MAX_FRAME], usize) {
    let mut frame = [0; MAX_FRAME];
    let len = encode_frame(&NewOrder::default(), &mut frame);
    (frame, len)
}

fn decode_order(count: usize) {
    let (frame, len) = order_frame();
    for _ in 0..count {
        if let Ok(Some(frame)) = split_frame(black_box(&frame[..len])) {
            let _decoded = black_box(decode_block::<NewOrder>(frame.block));
        }
    }
}

fn encode_accept(count: usize) {
    let mut frame = [0; MAX_FRAME];
    let accept = OrderAccepted::default();
    for _ in 0..count {
        black_box(encode_frame(black_box(&accept), black_box(&mut frame)));
    }
}

fn record() -> (Sequenced, Decision) {
    let input = Sequenced {
        seq: 1,
        t: 1,
        session_id: 1,
        in_seq_no: 1,
        busy: false,
        command: NewOrder::default().into(),
    };
    (input, Decision::of(Outcome::Accepted))
}

fn hand_off(count: usize) {
    let (producer, consumer) = ring(64);
    let record = record();
    for _ in 0..count {
        if black_box(producer.room()) > 0 {
            let _pushed = black_box(producer.try_push(black_box(record)));
        }
        black_box(consumer.pop());
    }
}

fn encode_one(count: usize) {
    let (input, decision) = record();
    let mut bytes = [0; MAX_RECORD];
    for _ in 0..count {
        black_box(encode_record(black_box(&input), &decision, &mut bytes));
    }
}

fn decode_one(count: usize) {
    let (input, decision) = record();
    let mut bytes = [0; MAX_RECORD];
    let len = encode_record(&input, &decision, &mut bytes);
    for _ in 0..count {
        let _decoded = black_box(decode_record(black_box(&bytes[..len])));
    }
}

/// A reply into the session's log, released, and copied behind what is to be written.
fn outbound_log(count: usize) {
    let mut log = OutboundLog::new(1, 1 << 16);
    let mut cursor = Cursor {
        next: 1,
        live_from: 1,
    };
    let mut out = Vec::with_capacity(MAX_FRAME);
    for seq_no in 1..=count as u64 {
        let reply: Reply = OrderAccepted {
            seq_no,
            engine_seq: seq_no,
            ..OrderAccepted::default()
        }
        .into();
        log.append(&reply, 1);
        log.release(seq_no);
        out.clear();
        let now = gateway::outbound::Now {
            monotonic: 2,
            stale_before: 0,
        };
        black_box(log.copy(&mut cursor, u64::MAX, &mut out, usize::MAX, now));
    }
    assert_eq!(OrderAccepted::LAYOUT.template_id, 200);
}
