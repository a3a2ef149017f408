//! An example venue adapter: takes accepted orders from the server and reports what became of them.
//!
//! ```text
//! cargo portcullis serve
//! cargo run -p portcullis-client --example venue -- --data portcullis-data
//! ```
//!
//! It is the session of venue 1 of the example firm, used without blocking, as a program does that has the
//! market's socket to look after as well. In place of a market it fills every order at once, whole and at its
//! own price. What a real adapter adds is the market's own protocol, and a file with the orders that it has
//! sent there, so that it knows after a restart of its own which of the replayed orders are new to it.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a program looks at the messages that concern it"
)]

use portcullis_client::wire::{
    CancelReason, ExecType, Flag, Liquidity, Qty, Reply, Role, RoutedOrder, Side, Time, VenueReport,
};
use portcullis_client::{Client, Credentials, Event, Options, decimal::ToDecimal, keys};
use std::collections::HashSet;
use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const VENUE: u16 = 1;
/// Age above which an order is not sent to a market as if it were new, in nanoseconds.
const STALE_NS: u64 = 2_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let data = match words.as_slice() {
        [] => PathBuf::from("portcullis-data"),
        [option, data] if option == "--data" => PathBuf::from(data),
        _ => return Err("usage: venue [--data DIR]".into()),
    };
    let credentials = Credentials {
        session_id: 11,
        role: Role::Venue,
        key: keys::load(&data.join("keys/venue1.key"))?,
        key_id: 1,
        expected_instance: Some("example".to_owned()),
    };
    let options = Options {
        reconnect_for: Duration::from_secs(600),
        ..Options::default()
    };
    let address = std::fs::read_to_string(data.join("address"))?;
    let mut client = Client::connect(address.trim(), credentials, options)?;
    client.set_nonblocking(true)?;
    println!("connected as venue 1; Ctrl-C ends it");

    let mut known = HashSet::new();
    // Unique within venue, trade date, instrument and side, also after a restart.
    let mut exec_id = now();
    loop {
        // All that has come, then one write for all reports: the market's own socket would be next.
        let mut heard = false;
        while let Some(event) = client.try_recv()? {
            heard = true;
            match event {
                Event::Reply(Reply::RoutedOrder(order)) if known.insert(order.order_id) => {
                    if now().saturating_sub(order.engine_time.0) > STALE_NS || order.price.is_null()
                    {
                        println!(
                            "order {}: refused, too old or without a price",
                            order.order_id
                        );
                        client.queue(report(&order, ExecType::Rejected));
                    } else {
                        exec_id += 1;
                        client.queue(report(&order, ExecType::New));
                        client.queue(fill(&order, exec_id));
                        let decimals = (order.qty.to_decimal(), order.price.to_decimal());
                        if let (Some(qty), Some(price)) = decimals {
                            println!("order {}: filled {qty} at {price}", order.order_id);
                        }
                    }
                }
                // Nothing rests here: whatever is to be cancelled or replaced has ended.
                Event::Reply(Reply::RoutedCancel(request)) => {
                    client.queue(VenueReport {
                        order_id: request.order_id,
                        cl_ord_id: request.orig_cl_ord_id,
                        account: request.account,
                        instrument_id: request.instrument_id,
                        order_session_id: request.order_session_id,
                        ..blank(ExecType::CancelRejected, request.side)
                    });
                }
                Event::Reply(Reply::RoutedReplace(request)) => {
                    client.queue(VenueReport {
                        order_id: request.order_id,
                        cl_ord_id: request.cl_ord_id,
                        account: request.account,
                        instrument_id: request.instrument_id,
                        order_session_id: request.order_session_id,
                        ..blank(ExecType::ReplaceRejected, request.side)
                    });
                }
                Event::Resumed(_) => println!("the line broke, and is up again"),
                _ => {}
            }
        }
        client.flush()?;
        if !heard {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn fill(order: &RoutedOrder, exec_id: u64) -> VenueReport {
    VenueReport {
        venue_exec_id: exec_id,
        last_px: order.price,
        last_qty: order.qty,
        cum_qty: order.qty,
        leaves_qty: Qty(0),
        liquidity: Liquidity::Added,
        ..report(order, ExecType::Fill)
    }
}

fn report(order: &RoutedOrder, exec_type: ExecType) -> VenueReport {
    VenueReport {
        order_id: order.order_id,
        cl_ord_id: order.cl_ord_id,
        account: order.account,
        instrument_id: order.instrument_id,
        order_session_id: order.order_session_id,
        ..blank(exec_type, order.side)
    }
}

fn blank(exec_type: ExecType, side: Side) -> VenueReport {
    let now = now();
    VenueReport {
        last_qty: Qty(0),
        transact_time: Time(now),
        trade_date: date(now / 1_000_000_000 / 86_400),
        venue_id: VENUE,
        exec_type,
        side,
        liquidity: Liquidity::Unknown,
        reopen: Flag::No,
        reason: CancelReason::Requested,
        ..VenueReport::default()
    }
}

/// Nanoseconds since the Unix epoch.
fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The date of a day since 1970 as YYYYMMDD, counted year by year and month by month.
fn date(mut days: u64) -> u32 {
    let leap = |year: u32| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    year * 10_000 + month * 100 + u32::try_from(days).unwrap_or(0) + 1
}
