//! `simulate`: a flow under the limits of a firm's file, decided offline. `dump --json | simulate` is
//! yesterday's journal under other limits. What is decided when is the simulator's; files, lines and
//! printing are here.

use crate::output::{Failure, remark};
use crate::simulator::{Origin, Simulator, Skipped};
use crate::state;
use clap::Args;
use engine::command::Sequenced;
use engine::decision::Decision;
use engine::firm::Firm;
use engine::text::{TextError, parse_flow_line, write_line};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What is wrong is the input.
const USAGE: u8 = 2;

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The firm's file; the example firm without one
    #[arg(long, value_name = "FIRM.toml")]
    config: Option<PathBuf>,
    /// Lines of the textual form, as `dump --json` writes them; `-` is stdin
    #[arg(default_value = "-")]
    flow: PathBuf,
    /// At the end every row, order, limit with its use, state and both digests, as JSON lines
    #[arg(long)]
    state: bool,
    /// Print what is added, too: the firm, sessions, the day, steps and passings of time
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &SimulateArgs) -> Result<(), Failure> {
    let firm = read_firm(args.config.as_deref())?;
    let from_stdin = args.flow.as_os_str() == "-";
    let name = if from_stdin {
        "stdin".to_owned()
    } else {
        args.flow.display().to_string()
    };
    let mut input: Box<dyn BufRead> = if from_stdin {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.flow)
            .map_err(|error| Failure::new(1, format!("cannot read {name}: {error}")))?;
        Box::new(BufReader::with_capacity(1 << 16, file))
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let refusals = firm.refusals();
    if !refusals.is_empty() {
        let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        let what = format!(
            "the firm's own definition is refused:\n{}",
            refusals.join("\n")
        );
        return Err(Failure::new(USAGE, what));
    }
    let two_person = firm.two_person();
    let mut simulator = Simulator::new(firm);
    let decided = feed(&mut simulator, (&name, &mut input), &mut out, args.all);
    // What was decided before a bad line stands.
    out.flush()?;
    match decided? {
        Ok(()) => {}
        Err(error) => return Err(Failure::new(USAGE, format!("{name}: {error}"))),
    }
    if args.state {
        state::as_json(simulator.engine(), &mut out)?;
        out.flush()?;
    }
    say_skipped(&simulator.skipped);
    if args.state || two_person {
        say_without_key(&simulator.without_key());
    }
    Ok(())
}

fn read_firm(config: Option<&Path>) -> Result<Firm, Failure> {
    let Some(path) = config else {
        return Ok(Firm::example());
    };
    let name = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(1, format!("cannot read {name}: {error}")))?;
    Firm::parse(&name, &text).map_err(|mistakes| Failure::new(USAGE, mistakes.to_string()))
}

/// Decides every line; the inner error is a mistake of the input, with the number of its line.
fn feed(
    simulator: &mut Simulator,
    (name, input): (&str, &mut dyn BufRead),
    out: &mut impl Write,
    all: bool,
) -> Result<Result<(), TextError>, Failure> {
    let mut text = Vec::with_capacity(1 << 10);
    let mut line = String::with_capacity(1 << 10);
    let mut number = 0_u64;
    let mut written = Ok(());
    let mut each = |input: &Sequenced, decision: &Decision, origin: Origin| {
        if written.is_ok() && (all || origin == Origin::Flow) {
            line.clear();
            write_line(input, decision, &mut line);
            line.push('\n');
            written = out.write_all(line.as_bytes());
        }
    };
    let mut decided = Ok(());
    loop {
        text.clear();
        let read = input
            .read_until(b'\n', &mut text)
            .map_err(|error| Failure::new(1, format!("cannot read {name}: {error}")))?;
        if read == 0 {
            break;
        }
        number += 1;
        let parsed = match std::str::from_utf8(&text) {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => parse_flow_line(text),
            Err(_) => Err(TextError::whole("no JSON object: it is not UTF-8")),
        };
        decided = parsed
            .and_then(|line| simulator.line(line, &mut each))
            .map_err(|error| error.at_line(number));
        if decided.is_err() {
            break;
        }
    }
    // An empty flow leaves the firm as its file founds it.
    if decided.is_ok() {
        simulator.found(&mut each);
    }
    written?;
    Ok(decided)
}

fn say_skipped(skipped: &Skipped) {
    let Skipped {
        definitions,
        steps,
        reports,
    } = *skipped;
    let say = |what: &str| remark(format_args!("portcullis-replay: {what}"));
    if definitions > 0 {
        say(&format!(
            "{definitions} definitions of the server skipped: the firm comes from its file"
        ));
    }
    if steps > 0 {
        say(&format!(
            "{steps} steps and passings of time dropped: they are made here"
        ));
    }
    if reports > 0 {
        say(&format!(
            "{reports} reports left out: their orders, or replaces of them, were accepted in the input and \
             refused here"
        ));
    }
}

/// Who is one person where two must agree, and the digest of the state, depend on keys.
fn say_without_key(sessions: &[u32]) {
    if !sessions.is_empty() {
        let ids: Vec<String> = sessions.iter().map(u32::to_string).collect();
        remark(format_args!(
            "portcullis-replay: no key for sessions {}: key files are not read, and the input has no \
             DefineSession with one. Each counts as a person of its own unless the file says `person`, and the \
             digests are not those of a journal",
            ids.join(", ")
        ));
    }
}
