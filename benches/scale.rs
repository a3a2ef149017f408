//! Latency and memory against the size of the state, and what one open order takes (P16).
//!
//! For each size a process of its own builds an engine, fills it with that many open orders, decides a
//! flow around them, and tells nanoseconds a command, resident bytes, page faults. Accounts,
//! instruments and sessions grow with the orders, up to a million, a thousand and 500; drawn uniformly and by
//! Zipf (0.99).
//!
//! ```sh
//! cargo bench --bench scale                        # sizes to 1 M, writes docs/scale-latency.svg, scale-memory.svg
//! cargo bench --bench scale -- 10000000            # up to 10 M; some 16 GiB
//! ```

use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use gateway::bench::figures::{self, Request, nanos};
use gateway::bench::firm::{Shape, TWELVE, firm_of, found};
use gateway::bench::flow::{Flow, Kind, Work};
use gateway::bench::plot;
use gateway::memory;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Open orders of the smallest size, and of the largest unless one is named.
const SMALLEST: u32 = 1_000;
const LARGEST: u32 = 1_000_000;
/// Commands between two readings of the clock, and such batches.
const BATCH: usize = 256;
const BATCHES: usize = 200;
const PAGE: u64 = 4_096;

/// What one process found.
#[derive(Debug, Clone, Copy)]
struct Point {
    orders: f64,
    /// Median of the batches, nanoseconds a command.
    ns: f64,
    /// Resident bytes of the engine.
    bytes: f64,
    /// Page faults during the timed batches.
    faults: f64,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, orders, draw, per_account] = args.as_slice()
        && flag == "--size"
        && let (Ok(orders), Ok(per_account)) = (orders.parse(), per_account.parse())
    {
        return measure(orders, draw == "zipf", per_account);
    }
    let request = Request::from_args();
    figures::open("scale", request);
    let named = args.iter().skip(1).find_map(|arg| arg.parse::<u32>().ok());
    let largest = named.unwrap_or(request.pick(LARGEST, 2 * SMALLEST));
    match run(largest, request.quick) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scale: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(largest: u32, quick: bool) -> Result<(), String> {
    let (mut latency, mut memory) = (Vec::new(), Vec::new());
    for draw in ["uniform", "zipf"] {
        let (mut by_ns, mut by_bytes) = (Vec::new(), Vec::new());
        let mut orders = SMALLEST;
        while orders <= largest {
            let point = child(orders, draw, 10)?;
            println!(
                "{draw:<8} {orders:>9} open orders: {:>7.1} ns a command, {:>6.0} MB, {} page faults in {} commands",
                point.ns,
                point.bytes / 1e6,
                point.faults,
                BATCH * BATCHES
            );
            by_ns.push((point.orders, point.ns));
            by_bytes.push((point.orders, point.bytes / 1e6));
            orders = orders.saturating_mul(10);
        }
        latency.push((draw.to_owned(), by_ns));
        memory.push((draw.to_owned(), by_bytes));
    }
    // All orders in the rows of one hundred accounts: what the sizes differ in is orders alone.
    let (small, large) = (largest / 10, largest);
    let (a, b) = (child(small, "uniform", 0)?, child(large, "uniform", 0)?);
    let each = (b.bytes - a.bytes) / (b.orders - a.orders);
    println!(
        "P16: {each:.1} bytes an open order, indexes counted (goal: 80), from {small} and {large} orders in the same rows"
    );
    if quick {
        return Ok(());
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let draw = |name: &str, title: &str, up: &str, series: &[_]| {
        plot::by_size(&docs.join(name), title, "open orders", up, series)
            .map_err(|error| error.to_string())
    };
    draw(
        "scale-latency.svg",
        "Decision against open orders, twelve limits a chain",
        "nanoseconds a command",
        &latency,
    )?;
    draw(
        "scale-memory.svg",
        "Resident memory against open orders",
        "MB",
        &memory,
    )
}

/// Measures one size in a process of its own.
fn child(orders: u32, draw: &str, per_account: u32) -> Result<Point, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args([
            "--size",
            &orders.to_string(),
            draw,
            &per_account.to_string(),
        ])
        .output()
        .map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stdout);
    let values: Vec<f64> = told
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [orders, ns, bytes, faults] = values[..] else {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{orders} open orders, {draw}: {}: {error}",
            output.status
        ));
    };
    Ok(Point {
        orders,
        ns,
        bytes,
        faults,
    })
}

/// Whether the engine decided as the flow meant it.
fn as_meant(work: &Work, outcome: Outcome) -> bool {
    match work.kind {
        Kind::New | Kind::Replace | Kind::Cancel => outcome == Outcome::Accepted,
        Kind::Fill | Kind::Report => outcome == Outcome::Applied,
        Kind::Refused => outcome == Outcome::Rejected,
    }
}

/// `per_account` orders in each account, or all in a hundred accounts if it is 0.
fn measure(orders: u32, skewed: bool, per_account: u32) -> ExitCode {
    let small = Shape::small();
    let (accounts, instruments) = match orders.checked_div(per_account) {
        None => (small.accounts, small.instruments),
        Some(accounts) => (
            accounts.clamp(small.accounts, 1_000_000),
            (orders / 1_000).clamp(small.instruments, 1_000),
        ),
    };
    let rows = match per_account {
        0 => small.rows,
        _ => orders.saturating_mul(3).saturating_add(small.rows),
    };
    let shape = Shape {
        accounts,
        // Each desk has a session: 500 of a million accounts.
        desks: (accounts / 2_000).clamp(small.desks, 500),
        instruments,
        orders: orders + orders / 4 + 2_048,
        rows,
        executions: (1 << 18) + orders / 2,
        ..small
    };
    let before = resident();
    let mut engine = RiskEngine::new();
    let mut out = Outbox::new();
    let seq = found(&mut engine, &shape, TWELVE);
    let mut flow = Flow::new(shape, 1, seq, orders as usize);
    if skewed {
        flow = flow.skewed();
    }
    // Resident bytes of the flow are not the engine's: it is filled in step with it and taken off below.
    let mut wrong = 0_u64;
    while flow.live() < orders as usize {
        let work = flow.next();
        wrong += u64::from(!as_meant(
            &work,
            engine.apply(&work.input, &mut out).outcome,
        ));
    }
    let bytes = resident().saturating_sub(before + flow.memory());
    // As a server does at its start, unless it would refuse the firm here for want of memory; before this, only
    // what the orders use was there.
    let touched = memory::too_little_for(firm_of(&shape, TWELVE).table_bytes()).is_none();
    if touched {
        engine.make_room();
    }
    let mut work = Vec::with_capacity(BATCH);
    let mut turn = |faults: &mut u64| {
        flow.fill(&mut work, BATCH);
        let at = page_faults();
        let start = Instant::now();
        for work in &work {
            wrong += u64::from(!as_meant(work, engine.apply(&work.input, &mut out).outcome));
            black_box(out.items().len());
        }
        let ns = nanos(start.elapsed()) as f64 / BATCH as f64;
        *faults += page_faults() - at;
        ns
    };
    // Until ended orders have given up their slots.
    let mut warm = 0;
    for _ in 0..(orders as usize / 2).div_ceil(BATCH).clamp(20, 2_000) {
        turn(&mut warm);
    }
    let mut faults = 0;
    let mut batches: Vec<f64> = (0..BATCHES).map(|_| turn(&mut faults)).collect();
    if wrong > 0 {
        eprintln!("{wrong} commands were decided otherwise than meant");
        return ExitCode::FAILURE;
    }
    println!(
        "{orders} {} {bytes} {faults}",
        figures::median(&mut batches)
    );
    ExitCode::SUCCESS
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_u64) * PAGE
}

/// Page faults of this process, minor and major.
fn page_faults() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold blanks: state is field 3, minflt 10, majflt 12.
    let fields: Vec<&str> = text
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let at = |field: usize| {
        fields
            .get(field - 3)
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    };
    at(10) + at(12)
}
