//! `demo --stay`: a server of the example firm with a simulated market for every venue, to connect to.
//!
//! Owns the sessions of the venues and what a person is told; the market itself is [`super::market`], the
//! server the same child process as in the story. It ends at Ctrl-C.

use super::Teller;
use super::market::{Market, Stock};
use super::server::ServerProcess;
use anyhow::{Context, ensure};
use engine::command::Command;
use engine::firm::Firm;
use gateway::clock::{Clock, RealClock};
use portcullis_client::{Client, ClientError, Credentials, Event, Options, keys};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wire::{Role, Time};

/// Time between two movements of the market.
const STEP: Duration = Duration::from_millis(200);

/// One venue: its session and its market.
struct Venue {
    client: Client,
    market: Market,
}

/// Serves until it is told to stop.
pub(super) fn run(directory: &Path, json: bool) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&stop))?;
    }
    let mut server = ServerProcess::start_example(directory)?;
    let firm = Firm::example();
    let clock = RealClock::start();
    let mut venues = Vec::new();
    for (session, name, venue) in venue_sessions(&firm) {
        let credentials = Credentials {
            session_id: session,
            role: Role::Venue,
            key: keys::load(&directory.join("keys").join(format!("{name}.key")))?,
            key_id: 1,
            expected_instance: Some(firm.instance().to_owned()),
        };
        let client = Client::connect(server.address(), credentials, Options::default())
            .with_context(|| format!("logging on as {name}"))?;
        let market = Market::new(venue, stocks(&firm, venue), clock.now());
        venues.push(Venue { client, market });
    }
    tell(&server, directory, json)?;

    let mut next_step = Instant::now() + STEP;
    while !stop.load(Ordering::Relaxed) {
        let steps = Instant::now() >= next_step;
        if steps {
            next_step = Instant::now() + STEP;
        }
        for venue in &mut venues {
            venue
                .turn(&clock, steps)
                .context("the simulated venue lost the server")?;
        }
        ensure!(!server.has_ended()?, "the server has ended; see server.log");
    }
    let (fills, resting) = venues.iter().fold((0, 0), |(fills, resting), venue| {
        (fills + venue.market.fills, resting + venue.market.resting())
    });
    for venue in &mut venues {
        venue.client.terminate()?;
    }
    server.stop()?;
    Teller(!json).say(format!(
        "\nStopped after {fills} fills, with {resting} orders resting."
    ));
    Ok(())
}

impl Venue {
    /// Takes what came, and lets the market move.
    fn turn(&mut self, clock: &RealClock, steps: bool) -> Result<(), ClientError> {
        let mut reports = Vec::new();
        if let Some(Event::Reply(reply)) = self.client.recv(Duration::from_millis(5))? {
            reports = self.market.take(&reply, clock.now());
        }
        if steps {
            reports.extend(self.market.step(clock.now()));
        }
        for report in reports {
            self.client.send(report)?;
        }
        Ok(())
    }
}

/// Session, name and venue of each venue's session.
fn venue_sessions(firm: &Firm) -> Vec<(u32, String, u16)> {
    let of_venues = firm.sessions().iter().filter(|s| s.role == Role::Venue);
    of_venues
        .map(|s| (s.session_id, s.name.as_str().to_owned(), s.venue_id))
        .collect()
}

/// The instruments of a venue that have a reference price.
fn stocks(firm: &Firm, venue: u16) -> BTreeMap<u32, Stock> {
    let mut references = BTreeMap::new();
    let mut out = BTreeMap::new();
    // An instrument is defined before its price is said, so the prices are gathered first.
    let genesis = firm.genesis(Time(0));
    for command in &genesis {
        if let Command::SetReference(m) = command {
            references.insert(m.instrument_id, m.price);
        }
    }
    for command in &genesis {
        if let Command::DefineInstrument(m) = command
            && let Some(begins) = references.get(&m.instrument_id).copied()
            && m.venue_id == venue
        {
            let (tick, step) = (m.tick, m.qty_step);
            out.insert(m.instrument_id, Stock { tick, step, begins });
        }
    }
    out
}

fn tell(server: &ServerProcess, directory: &Path, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let (address, data) = (server.address(), directory.display());
    if json {
        let line = json!({ "listening": [address.to_string()], "data": data.to_string() });
        writeln!(out, "{line}")?;
    } else {
        writeln!(
            out,
            "A server of the example firm is up on {address}, with a simulated market for both venues.\n\
             Keys and journal are in {data}\n\n\
             From another terminal, a desk in Rust, Python or Node.js, and the risk manager:\n  \
             cargo run -q -p portcullis-client --example desk -- --data {data}\n  \
             python3 clients/python/examples/desk.py --data {data}\n  \
             node clients/node/desk.mjs --data {data}\n  \
             cargo portcullis positions --data {data}\n\n\
             Ctrl-C ends it."
        )?;
    }
    out.flush()?;
    Ok(())
}
