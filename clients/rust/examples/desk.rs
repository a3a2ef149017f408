//! An example desk: asks, buys, watches what becomes of it, and cancels what is left.
//!
//! ```text
//! cargo portcullis demo --stay                       # a server with a simulated market
//! cargo run -p portcullis-client --example desk -- --data DIRECTORY
//! ```
//!
//! It is desk 1 of the example firm, which is inline: an accepted order goes on to the venue's session. The
//! client takes the session up again by itself if the line breaks or the server is restarted meanwhile.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a program looks at the messages that concern it"
)]

use portcullis_client::decimal::{self, ToDecimal};
use portcullis_client::wire::{
    CancelOrder, Capacity, NewOrder, OrdType, OrderFilled, Reply, Role, Side, TimeInForce,
};
use portcullis_client::{Client, Code, Credentials, Event, Options, keys};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: desk [--data DIR] [QTY [PRICE]]";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("desk: {error}");
            ExitCode::from(1)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut data = PathBuf::from("portcullis-data");
    if words.first().is_some_and(|word| word == "--data") {
        data = PathBuf::from(words.get(1).ok_or(USAGE)?);
        words.drain(..2);
    }
    if words.len() > 2 {
        return Err(USAGE.into());
    }
    let qty = decimal::qty(words.first().map_or("100", String::as_str))?;
    let price = decimal::price(words.get(1).map_or("585.33", String::as_str))?;

    let credentials = Credentials {
        session_id: 1,
        role: Role::Desk,
        key: keys::load(&data.join("keys/desk1.key"))?,
        key_id: 1,
        expected_instance: Some("example".to_owned()),
    };
    let options = Options {
        reconnect_for: Duration::from_secs(60),
        ..Options::default()
    };
    let address = std::fs::read_to_string(data.join("address"))
        .map_err(|error| format!("{}: {error}; is the server running?", data.display()))?;
    let mut client = Client::connect(address.trim(), credentials, options)?;

    let order = NewOrder {
        // Both rise for the life of a session.
        cl_ord_id: client.next_seq_no(),
        price,
        qty,
        account: 1,
        instrument_id: 1,
        trader_id: 1,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    };
    let would_be = match client.what_if(order)? {
        Reply::OrderAccepted(_) => "accepted",
        _ => "refused",
    };
    println!("asked what would be decided: {would_be}");

    let cl_ord_id = client.next_seq_no();
    client.send(NewOrder { cl_ord_id, ..order })?;
    let code = follow(&mut client, cl_ord_id)?;
    client.terminate()?;
    Ok(code)
}

/// Follows an order to its end; asks for its cancel after three seconds.
fn follow(client: &mut Client, cl_ord_id: u64) -> Result<ExitCode, Box<dyn Error>> {
    let mut patience = Some(Instant::now() + Duration::from_secs(3));
    loop {
        let event = client.recv(Duration::from_millis(100))?;
        if patience.is_some_and(|until| Instant::now() >= until) {
            patience = None;
            println!("cancelling what is left");
            client.send(CancelOrder {
                cl_ord_id: client.next_seq_no(),
                orig_cl_ord_id: cl_ord_id,
                trader_id: 1,
                ..CancelOrder::default()
            })?;
        }
        match event {
            Some(Event::Reply(Reply::OrderAccepted(m))) if m.cl_ord_id == cl_ord_id => {
                println!("accepted: order {}", m.order_id);
            }
            Some(Event::Reply(Reply::OrderRejected(m))) if m.cl_ord_id == cl_ord_id => {
                println!("rejected: {}", Code(m.code));
                if !m.limit_kind.is_null() {
                    let value = |value| decimal::limit_value(m.limit_kind, value);
                    println!(
                        "  {} of {} {} is {}, this order reaches {} (version {})",
                        m.limit_kind.name(),
                        m.limit_scope.name(),
                        m.scope_id,
                        value(m.limit_value),
                        value(m.observed_value),
                        m.limit_version,
                    );
                }
                return Ok(ExitCode::from(6));
            }
            Some(Event::Reply(Reply::OrderFilled(m))) => {
                say_fill(&m);
                if m.leaves_qty.0 == 0 {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Some(Event::Reply(Reply::OrderCancelled(m))) => {
                let qty = m.cancelled_qty.to_decimal().unwrap_or_default();
                println!("cancelled: {qty} ({})", m.reason);
                return Ok(ExitCode::SUCCESS);
            }
            Some(Event::Resumed(_)) => println!("the line broke, and is up again"),
            _ => {}
        }
    }
}

fn say_fill(fill: &OrderFilled) {
    let qty = |qty: portcullis_client::wire::Qty| qty.to_decimal().unwrap_or_default();
    println!(
        "filled: {} at {}, {} left; position {}",
        qty(fill.last_qty),
        fill.last_px.to_decimal().unwrap_or_default(),
        qty(fill.leaves_qty),
        qty(fill.net_position),
    );
}
