//! `demo`: the whole job played once, with a real server process and real clients over TCP.
//!
//! Owns the story and its end: everything adds up, or the exit code says that it does not. What the
//! clients know ([`tally`]) is never taken from the engine; [`check`] compares the two.
//!
//! ```text
//! plan (the firm) → server (child process) ◀─TCP─▶ world: desks, venue, risk manager, ops
//! drive (flow) → scenes: limit, kill, crash → check → verify the journal → report
//! ```

mod book;
mod check;
mod desk;
mod drive;
mod hear;
mod market;
mod plan;
mod probes;
mod raw;
mod report;
mod scenes;
mod server;
mod side;
mod stay;
mod tally;
mod venue;
mod world;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use drive::Prints;
use gateway::flow::{
    self, Flow, FlowEvent, FlowKind, Format, count_outside_collar, expected_positions, generated,
};
use gateway::voice::say;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::{Keys, Plan, Width, attribution};
use report::{FlowResult, Story};
use scenes::Stage;
use server::ServerProcess;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tally::Tally;
use world::World;

/// Play the whole job once.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// New orders of the generated flow
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        conflicts_with = "flow"
    )]
    orders: u64,
    /// Seed of the generated flow
    #[arg(
        long,
        value_name = "N",
        default_value_t = 7201,
        conflicts_with = "flow"
    )]
    seed: u64,
    /// Play recorded order flow instead: plain, .gz or .zip
    #[arg(long, value_name = "FILE", requires = "format")]
    flow: Option<PathBuf>,
    /// What the file is: lobster or sse
    #[arg(long, value_name = "FORMAT", requires = "flow")]
    format: Option<Format>,
    /// Collar around the price that a recorded day begins with, in per cent; else none
    #[arg(long, value_name = "PCT", requires = "flow")]
    collar: Option<String>,
    /// Keep the journal, the firm's file and the server's log in this directory, which must be new
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Instead of the story: a server of the example firm with a simulated market to connect to, until
    /// Ctrl-C; `--keep DIR` may name the directory of an earlier one
    #[arg(long, conflicts_with_all = ["flow", "orders", "seed"])]
    stay: bool,
    /// One JSON object instead of the story
    #[arg(long)]
    json: bool,
}

/// Plays the demo.
pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    let temporary = tempfile::tempdir()?;
    let directory = match &args.keep {
        Some(path) => {
            fs::create_dir_all(path)?;
            if !args.stay && fs::read_dir(path)?.next().is_some() {
                bail!(
                    "{} is not empty; --keep wants a new directory",
                    path.display()
                );
            }
            fs::canonicalize(path)?
        }
        None => temporary.path().join("demo"),
    };
    fs::create_dir_all(&directory)?;
    if args.stay {
        return stay::run(&directory, args.json);
    }
    play(args, &directory, temporary.path(), began)
}

/// Says a step of the story, unless a program is listening.
struct Teller(bool);

impl Teller {
    fn say(&self, line: impl AsRef<str>) {
        if self.0 {
            say(line.as_ref());
        }
    }
}

fn play(args: &DemoArgs, directory: &Path, temporary: &Path, began: Instant) -> anyhow::Result<()> {
    let teller = Teller(!args.json);
    let flow = flow_of(args)?;
    let collar_bps = args.collar.as_deref().map(basis_points).transpose()?;
    let width = match (&args.flow, &args.collar) {
        (None, _) => Width::Sensible,
        (Some(_), collar) => Width::Unlimited {
            collar: collar.as_ref().map(|percent| format!("{percent}%")),
        },
    };
    let keys = Keys::generate()?;
    let plan = Plan {
        keys: &keys,
        instruments: &flow.instruments,
        base_currency: if args.format == Some(Format::Sse) {
            "CNY"
        } else {
            "USD"
        },
        width: &width,
        orders: flow.accounting.orders(),
        table: None,
    };
    fs::write(directory.join("config.toml"), plan.toml()?)?;
    let server = ServerProcess::start(directory, &[])?;
    teller.say(format!(
        "A server is up on {}: two desks (one inline, one sidecar), a venue, a risk manager and ops \
         log on.",
        server.address()
    ));
    let mut tally = Tally::new()?;
    let generated = args.flow.is_none();
    if generated {
        probes::unknown_template(&mut tally, &server, &keys)?;
    }
    let mut world = World::connect(&server, &keys, tally)?;
    if generated {
        probes::not_ready(&mut world)?;
    }
    world.open_day()?;

    let result = play_flow(args, &mut world, &flow, collar_bps)?;
    teller.say(format!(
        "Orders flow: {} new orders, {} accepted, {} replaces, {} cancels, {} fills, in {:.1} s.",
        result.played.new_orders,
        result.played.accepted,
        result.played.replaces,
        result.played.cancels,
        result.played.fills,
        began.elapsed().as_secs_f32()
    ));
    if generated {
        probes::all(&mut world)?;
        let seen = world.tally.rejected.len();
        teller.say(format!(
            "A third desk makes every mistake there is: {seen} different refusals."
        ));
    }
    let instrument = flow
        .instruments
        .first()
        .context("the flow has no instrument")?;
    let stage = Stage::of(instrument)?;
    let tightened = scenes::tighten(&mut world, stage)?;
    teller.say(format!(
        "The risk manager tightens MaxOrderQty of account 1 to {} lots, record {}: {} orders before it \
         are judged by the old limit, {} larger ones after it are refused.",
        tightened.limit_lots, tightened.at_seq, tightened.before, tightened.refused_after
    ));
    let killed = scenes::kill(&mut world, stage)?;
    teller.say(format!(
        "Kill switch on desk 1: {} live orders, {} new ones refused, {} filled before the venue saw the \
         cancel, the rest cancelled late; clear at 0, released.",
        killed.live, killed.refused, killed.filled_in_the_race
    ));
    let (server, recovered) = scenes::crash(&mut world, stage, server, directory, &keys)?;
    teller.say(format!(
        "SIGKILL with {} orders unanswered; restarted on its journal. The clients resend: {} positions \
         and {} live orders as their own books say, {} earlier answers heard again and the same.",
        recovered.unanswered,
        recovered.compared.positions,
        recovered.compared.open_orders,
        recovered.heard_again
    ));
    let compared = world.compare("at the end")?;
    let journal = server.journal();
    server.stop()?;
    let verified = engine::verify::verify(&journal, |_| {})
        .map_err(|error| anyhow::anyhow!("{}: {error}", journal.display()))?;
    let mut tally = world.tally;
    if generated {
        tally = side::run(&temporary.join("side"), &keys, &plan, tally)?;
    }
    let adds_up = tally.sent == tally.accepted + tally.rejected_in_all() + tally.busy;
    tally.expect(adds_up, || {
        "sent is not accepted + refused + busy".to_owned()
    });
    if generated {
        check_shares(&mut tally);
    }

    let story = Story {
        tally: &tally,
        flow: &flow,
        result: &result,
        from_file: !generated,
        tightened,
        killed,
        recovered,
        tally_equal: compared.equal && result.positions_equal,
        verified: &verified,
        took: began.elapsed(),
        seed: generated.then_some(args.seed),
        kept: args.keep.as_deref(),
    };
    if args.json {
        say(story.json());
    } else {
        say(story.text().trim_end());
    }
    if !tally.wrong.is_empty() {
        bail!(
            "{} things do not add up, the first: {}",
            tally.wrong.len(),
            tally.wrong[0]
        );
    }
    Ok(())
}

fn flow_of(args: &DemoArgs) -> anyhow::Result<Flow> {
    match (&args.flow, args.format) {
        // The error names its cause itself: as a chain it would be told twice.
        (Some(path), Some(format)) => {
            flow::open(path, format).map_err(|error| anyhow!(error.to_string()))
        }
        _ => {
            let params = generated::GeneratedParams::new(args.seed, args.orders);
            Ok(generated::generate(&params)?)
        }
    }
}

/// Per cent with at most two decimals as basis points.
fn basis_points(percent: &str) -> anyhow::Result<u32> {
    let bps = engine::firm::parse_decimal(percent, 2)
        .map_err(|what| anyhow::anyhow!("--collar: {what}"))?;
    u32::try_from(bps).context("--collar must be 0 or more")
}

/// Plays the flow and checks it against sums made from its events alone.
fn play_flow(
    args: &DemoArgs,
    world: &mut World,
    flow: &Flow,
    collar_bps: Option<u32>,
) -> anyhow::Result<FlowResult> {
    let prints = if args.flow.is_some() {
        Prints::Mark
    } else {
        Prints::Reference
    };
    let target = if stderr().is_terminal() && !args.json {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let progress = ProgressBar::with_draw_target(None, target);
    progress.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} {eta}",
    )?);
    let played = drive::play(world, flow, prints, &progress)?;

    let refused: HashSet<u64> = played.refused_orders.iter().copied().collect();
    let kept = flow.events.iter().filter(|event| !is_of(event, &refused));
    let expected: BTreeMap<tally::Place, i128> = expected_positions(kept, &attribution())
        .into_iter()
        .map(|(key, shares)| {
            let place = (key.account + 1, key.instrument + 1);
            (place, shares * i128::from(wire::E8))
        })
        .filter(|(_, qty)| *qty != 0)
        .collect();
    let compared = world.compare("after the flow")?;
    let sums_equal = world.tally.positions() == expected;
    world.tally.expect(sums_equal, || {
        "positions are not the sum of the flow's fills".to_owned()
    });
    let reference = flow
        .instruments
        .first()
        .and_then(|i| i.day_start.price_e8());
    let outside = collar_bps
        .zip(reference)
        .map(|(bps, reference)| count_outside_collar(&flow.events, 0, reference, bps));
    if let Some(outside) = outside {
        let code = wire::RejectCode::PriceCollar.number();
        let refused = played.refused.get(&code).copied().unwrap_or(0);
        world.tally.expect(refused == outside, || {
            format!("{refused} orders refused by the collar, {outside} are outside it in the file")
        });
    }
    let within = flow.accounting.unmatched_is_within(20);
    world.tally.expect(within, || {
        "more than 0.2 % of the lines are unmatched".to_owned()
    });
    Ok(FlowResult {
        played,
        outside_collar: outside,
        positions_equal: sums_equal && compared.equal,
        final_positions: expected.len(),
    })
}

/// Whether an event is about one of these orders.
fn is_of(event: &FlowEvent, orders: &HashSet<u64>) -> bool {
    match event.kind {
        FlowKind::New { order_ref, .. }
        | FlowKind::Replace { order_ref, .. }
        | FlowKind::Cancel { order_ref }
        | FlowKind::Fill { order_ref, .. } => orders.contains(&order_ref),
        FlowKind::ReferencePrice { .. } | FlowKind::Halt | FlowKind::Resume => false,
    }
}

/// Codes that an order message can be refused with in this version; all of them must have been seen.
const CODES: &[u16] = &[
    50, 51, 52, 100, 101, 102, 103, 104, 105, 106, 108, 109, 110, 111, 112, 113, 200, 201, 203,
    204, 205, 206, 207, 208, 209, 210, 212, 214, 215, 216, 217, 218, 219, 220, 225,
];

/// Enough was accepted, and every refusal was seen.
fn check_shares(tally: &mut Tally) {
    let enough = tally.new_accepted * 10 >= tally.new_orders * 8;
    tally.expect(enough, || {
        "less than 80 % of the orders were accepted".to_owned()
    });
    let missing: Vec<String> = CODES
        .iter()
        .filter(|code| !tally.rejected.contains_key(code))
        .map(|code| tally::code_name(*code))
        .collect();
    tally.expect(missing.is_empty(), || {
        format!("never seen: {}", missing.join(", "))
    });
    let busy = tally.busy;
    tally.expect(busy > 0, || "never seen: Busy".to_owned());
}
