//! One order from the command line, and what became of it:
//!
//! ```text
//! cargo run -p portcullis-client --example order -- buy 100 1 585.00
//! ```
//!
//! Side, quantity, instrument and price, for account 4 of the example firm, as its desk 2. That desk is
//! a sidecar: it gets the decision, trades at the venue itself, and would report its fills here.
//! `--data DIR` in front names the server's data directory if it is not `portcullis-data`.

use portcullis_client::wire::{Capacity, NewOrder, OrdType, Reply, Role, Side, TimeInForce};
use portcullis_client::{Client, Code, Credentials, Event, Options, decimal, keys};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: order [--data DIR] buy|sell QTY INSTRUMENT PRICE";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("order: {error}");
            ExitCode::from(1)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut data = PathBuf::from("portcullis-data");
    if words.first().is_some_and(|word| word == "--data") && words.len() > 1 {
        data = PathBuf::from(words.remove(1));
        words.remove(0);
    }
    let [side, qty, instrument, price] = words.as_slice() else {
        return Err(USAGE.into());
    };
    let side = match side.as_str() {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => return Err(USAGE.into()),
    };

    let credentials = Credentials {
        session_id: 2,
        role: Role::Desk,
        key: keys::load(&data.join("keys/desk2.key"))?,
        key_id: 1,
        expected_instance: Some("example".to_owned()),
    };
    let address = std::fs::read_to_string(data.join("address"))
        .map_err(|error| format!("{}: {error}; is the server running?", data.display()))?;
    let mut client = Client::connect(address.trim(), credentials, Options::default())?;

    // clOrdIds rise for the life of a session, and so do its sequence numbers.
    let cl_ord_id = client.next_seq_no();
    client.send(NewOrder {
        cl_ord_id,
        price: decimal::price(price)?,
        qty: decimal::qty(qty)?,
        account: 4,
        instrument_id: instrument.parse()?,
        trader_id: 3,
        side,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Principal,
        ..NewOrder::default()
    })?;
    let deadline = Instant::now() + Duration::from_secs(5);
    let code = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match client.recv(left)? {
            Some(Event::Reply(Reply::OrderAccepted(accepted))) => {
                println!(
                    "accepted: order {}, answered after {:?}, {} bps of {} at {}",
                    accepted.order_id,
                    Duration::from_nanos(accepted.decision_nanos.into()),
                    accepted.util_bps,
                    accepted.util_limit_kind.name(),
                    accepted.util_scope.name(),
                );
                break ExitCode::SUCCESS;
            }
            Some(Event::Reply(Reply::OrderRejected(rejected))) => {
                println!("rejected: {}", Code(rejected.code));
                if !rejected.limit_kind.is_null() {
                    println!(
                        "  {} of {} {} is {}, this order reaches {} (version {})",
                        rejected.limit_kind.name(),
                        rejected.limit_scope.name(),
                        rejected.scope_id,
                        decimal::limit_value(rejected.limit_kind, rejected.limit_value),
                        decimal::limit_value(rejected.limit_kind, rejected.observed_value),
                        rejected.limit_version,
                    );
                }
                break ExitCode::from(6);
            }
            Some(_) => {}
            None => return Err("no answer within 5 s".into()),
        }
    };
    client.terminate()?;
    Ok(code)
}
