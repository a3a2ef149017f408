//! What ops and the price feed say by hand: the trading day, prices and rates, reconciliation.

use super::To;
use super::failure::{Failure, REJECTED, USAGE};
use super::remote::{ScopeArg, connect, connect_as, query};
use super::risk::{applied, finish, reason};
use clap::Subcommand;
use engine::command::Command;
use engine::date::{is_date, yyyymmdd};
use engine::firm::{parse_decimal, parse_duration};
use engine::text::parse_flow_line;
use gateway::voice::remark;
use portcullis_client::{Client, Code};
use serde_json::json;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use wire::{
    CashLoad, DayOpen, DayRoll, Factor, Flag, LocateLoad, OrderStatus, PositionLoad, Qty,
    QueryWhat, Reconcile, ReconcileWhat, RejectCode, Reply, Request, Role, Scope, SetFx, SetMark,
    SetReference, Text, Time,
};

/// In nanoseconds.
const TEN_DAYS: u64 = 10 * 86_400_000_000_000;

/// Steps of the trading day.
#[derive(Debug, Subcommand)]
pub(crate) enum Day {
    /// Load positions, locates and cash of a business date, absolute; a day opens only after a load
    Load {
        /// PositionLoad, LocateLoad and CashLoad lines of the textual form, `-` for stdin; nothing is
        /// loaded without one. Dates, batch and the last row are filled in
        file: Option<PathBuf>,
        /// Business date as YYYYMMDD; else the firm's, or today in UTC before the first
        #[arg(long, value_name = "YYYYMMDD")]
        date: Option<u32>,
        /// Id of the batch, under which the same again has no effect; else the server's time, so that each load
        /// is another one
        #[arg(long, value_name = "ID")]
        batch: Option<u64>,
    },
    /// Open trading
    Open {
        /// Business date as YYYYMMDD; else the firm's, or today in UTC before the first
        #[arg(long, value_name = "YYYYMMDD")]
        date: Option<u32>,
    },
    /// End the day: DAY orders expire, and nothing trades until the new date is loaded and opened
    Roll {
        /// The new business date as YYYYMMDD
        date: u32,
        /// Yes, it is more than ten days ahead: a date can't be taken back
        #[arg(long)]
        far: bool,
    },
}

/// One price or rate.
#[derive(Debug, Subcommand)]
pub(crate) enum Price {
    /// The price that serves the collar and market orders
    Reference {
        /// Instrument
        instrument: u32,
        /// Price, or `none`
        #[arg(value_parser = decimal8_or_none, allow_hyphen_values = true)]
        price: Number,
    },
    /// The price that values positions
    Mark {
        /// Instrument
        instrument: u32,
        /// Price, or `none`
        #[arg(value_parser = decimal8_or_none, allow_hyphen_values = true)]
        price: Number,
    },
    /// The rate of a currency: base currency for one unit
    Fx {
        /// ISO 4217 code
        #[arg(value_parser = currency)]
        currency: Text<4>,
        /// Rate, or `none`
        #[arg(value_parser = decimal8_or_none)]
        rate: Number,
        /// Age above which it is stale, such as 1d; else it stays
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        max_age: Option<u64>,
    },
}

/// What ops confirm.
#[derive(Debug, Subcommand)]
pub(crate) enum Reconciled {
    /// What is left of an unresolved order at the venue
    Order {
        /// Order id
        order_id: u64,
        /// Quantity still live there, at most what is reserved
        #[arg(long, value_name = "QTY", value_parser = qty)]
        leaves: i64,
        /// Why, for the journal; at most 32 characters
        #[arg(long, value_parser = reason)]
        reason: Text<32>,
    },
    /// That orders and positions were compared with the venues after a lossy restart
    Restart {
        /// Why, for the journal; at most 32 characters
        #[arg(long, value_parser = reason)]
        reason: Text<32>,
    },
}

/// A number in 10⁻⁸, or its null value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(i64);

fn decimal8_or_none(text: &str) -> Result<Number, String> {
    if text == "none" {
        return Ok(Number(i64::MIN));
    }
    parse_decimal(text, 8).map(Number)
}

fn qty(text: &str) -> Result<i64, String> {
    parse_decimal(text, 8)
}

fn currency(text: &str) -> Result<Text<4>, String> {
    if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(format!("`{text}` is not an ISO 4217 code such as EUR"));
    }
    Ok(Text::new(text))
}

pub(crate) fn day(to: &To, what: &Day) -> Result<(), Failure> {
    let mut client = connect_as(to, Role::Ops)?;
    match what {
        Day::Load { file, date, batch } => {
            let date = date_or_firms(&mut client, *date)?;
            // A batch of which a row was refused opens no day, and one that is complete stays as it is, whatever
            // comes under its id: each load is another one.
            let batch = batch.unwrap_or(client.hello().server_time.0);
            let rows = match file {
                Some(path) => read_rows(path, date, batch)?,
                None => load_rows("", date, batch).map_err(|what| Failure::new(USAGE, what))?,
            };
            let mut last = None;
            for (row, number) in rows.iter().zip(1..) {
                let ack = client.request_and_ack(*row)?;
                if ack.code != 0 {
                    let what = format!(
                        "row {number} refused: {}; the rows before it are loaded, the day does not open on \
                         them\n  next:  correct the file and load it again",
                        Code(ack.code)
                    );
                    return Err(Failure::new(REJECTED, what));
                }
                last = Some((ack, number));
            }
            if let Some((ack, rows)) = last {
                say(
                    to,
                    &format!("loaded for {date}"),
                    ack.engine_seq,
                    Some(rows),
                )?;
            }
        }
        Day::Open { date } => {
            let date = date_or_firms(&mut client, *date)?;
            let open = DayOpen {
                business_date: date,
                ..DayOpen::default()
            };
            let ack = client.request_and_ack(open)?;
            if ack.code == RejectCode::NotReady.number() {
                let what = format!(
                    "refused: {}\n  what it takes: instruments, accounts, limits, and a whole load of positions for \
                     {date}\n  next:  portcullis day load [FILE]",
                    Code(ack.code)
                );
                return Err(Failure::new(REJECTED, what));
            }
            refused(ack.code)?;
            say(to, &format!("{date} is open"), ack.engine_seq, None)?;
        }
        Day::Roll { date, far } => {
            let firms = firms_date(&mut client)?.unwrap_or(0);
            check_roll(*date, firms, client.hello().server_time.0, *far)?;
            let roll = DayRoll {
                business_date: *date,
                ..DayRoll::default()
            };
            let ack = client.request_and_ack(roll)?;
            refused(ack.code)?;
            say(to, &format!("rolled to {date}"), ack.engine_seq, None)?;
        }
    }
    finish(client, to)
}

/// A roll goes forward, and a date can't be taken back: one far ahead must be meant.
fn check_roll(date: u32, firms: u32, now: u64, far: bool) -> Result<(), Failure> {
    if !is_date(date) {
        let what = format!("{date} is no day of the calendar as YYYYMMDD");
        return Err(Failure::new(USAGE, what));
    }
    if date <= firms {
        let what = format!("the firm's date is {firms} already, and a roll goes forward");
        return Err(Failure::new(REJECTED, what));
    }
    if date > yyyymmdd(now.saturating_add(TEN_DAYS)) && !far {
        let what = format!(
            "{date} is more than ten days ahead, and a date can't be taken back; if it is meant, say --far"
        );
        return Err(Failure::new(USAGE, what));
    }
    Ok(())
}

fn refused(code: u16) -> Result<(), Failure> {
    if code == 0 {
        return Ok(());
    }
    Err(Failure::new(REJECTED, format!("refused: {}", Code(code))))
}

fn say(to: &To, what: &str, engine_seq: u64, rows: Option<u64>) -> io::Result<()> {
    if to.json {
        writeln!(
            io::stdout(),
            "{}",
            json!({"applied": true, "engineSeq": engine_seq, "rows": rows})
        )?;
    } else {
        writeln!(io::stdout(), "{what}, from sequence {engine_seq}")?;
    }
    Ok(())
}

/// The date that was given, else the firm's, else today by the server's clock.
fn date_or_firms(client: &mut Client, given: Option<u32>) -> Result<u32, Failure> {
    let date = match given {
        Some(date) => Some(date),
        None => firms_date(client)?,
    };
    Ok(date.unwrap_or_else(|| yyyymmdd(client.hello().server_time.0)))
}

/// The firm's business date; `None` before the first.
fn firms_date(client: &mut Client) -> Result<Option<u32>, Failure> {
    let firm = ScopeArg {
        scope: Scope::Firm,
        id: 0,
    };
    let states = query(client, QueryWhat::States, Some(firm), None)?;
    Ok(states.iter().find_map(|reply| {
        let Reply::StateReport(report) = reply else {
            return None;
        };
        (report.scope == Scope::Firm && report.business_date != 0).then_some(report.business_date)
    }))
}

fn read_rows(path: &Path, date: u32, batch: u64) -> Result<Vec<Request>, Failure> {
    let name = path.display();
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    let text = text.map_err(|error| Failure::new(1, format!("cannot read {name}: {error}")))?;
    load_rows(&text, date, batch).map_err(|what| Failure::new(USAGE, format!("{name}: {what}")))
}

/// The rows of a load in their order, completed by the row that carries no position.
fn load_rows(text: &str, date: u32, batch: u64) -> Result<Vec<Request>, String> {
    let mut rows: Vec<Request> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        let read = parse_flow_line(line).map_err(|error| error.at_line(number).to_string())?;
        rows.push(if let Command::PositionLoad(row) = read.command {
            let row = PositionLoad {
                batch_id: batch,
                business_date: date,
                last: Flag::No,
                ..row
            };
            row.into()
        } else if let Command::LocateLoad(row) = read.command {
            LocateLoad {
                business_date: date,
                ..row
            }
            .into()
        } else if let Command::CashLoad(row) = read.command {
            CashLoad {
                business_date: date,
                ..row
            }
            .into()
        } else {
            return Err(format!(
                "line {number}: field `cmd`: is none of PositionLoad, LocateLoad, CashLoad"
            ));
        });
    }
    let last = PositionLoad {
        batch_id: batch,
        business_date: date,
        qty: Qty::NULL,
        last: Flag::Yes,
        ..PositionLoad::default()
    };
    rows.push(last.into());
    Ok(rows)
}

pub(crate) fn set_price(to: &To, price: &Price) -> Result<(), Failure> {
    let mut client = connect(to)?;
    let now = client.hello().server_time;
    let (request, what): (Request, &str) = match *price {
        Price::Reference { instrument, price } => {
            let set = SetReference {
                price: wire::Price(price.0),
                feed_time: now,
                instrument_id: instrument,
                ..SetReference::default()
            };
            (set.into(), "reference")
        }
        Price::Mark { instrument, price } => {
            let set = SetMark {
                price: wire::Price(price.0),
                instrument_id: instrument,
                ..SetMark::default()
            };
            (set.into(), "mark")
        }
        Price::Fx {
            currency,
            rate,
            max_age,
        } => {
            let set = SetFx {
                rate: Factor(rate.0),
                rate_time: Time(now.0),
                max_age_ns: max_age.unwrap_or(u64::MAX),
                currency,
                ..SetFx::default()
            };
            (set.into(), "rate")
        }
    };
    let ack = client.request_and_ack(request)?;
    refused(ack.code)?;
    say(to, &format!("{what} set"), ack.engine_seq, None)?;
    if let Price::Fx { currency, .. } = *price
        && ack.new_version == 1
    {
        remark(format_args!(
            "portcullis: it is the first rate of {currency} that this firm has; if that is a slip, `portcullis \
             prices set fx {currency} none`"
        ));
    }
    finish(client, to)
}

/// The status of a live order; `None` if it has ended.
fn status_of(client: &mut Client, order_id: u64) -> Result<Option<OrderStatus>, Failure> {
    let live = query(client, QueryWhat::OpenOrders, None, None)?;
    Ok(live.iter().find_map(|reply| {
        let Reply::OpenOrderReport(report) = reply else {
            return None;
        };
        (report.order_id == order_id).then_some(report.status)
    }))
}

pub(crate) fn reconcile(to: &To, what: &Reconciled) -> Result<(), Failure> {
    let mut client = connect_as(to, Role::Ops)?;
    let request = match *what {
        Reconciled::Order {
            order_id,
            leaves,
            reason,
        } => Reconcile {
            order_id,
            leaves_qty: Qty(leaves),
            what: ReconcileWhat::Order,
            reason,
            ..Reconcile::default()
        },
        Reconciled::Restart { reason } => Reconcile {
            what: ReconcileWhat::Restart,
            reason,
            ..Reconcile::default()
        },
    };
    let ack = client.request_and_ack(request)?;
    if let Reconciled::Order { order_id, .. } = *what
        && ack.code == RejectCode::TooLate.number()
        && let Some(status) = status_of(&mut client, order_id)?
    {
        let line = format!(
            "refused: order {order_id} is live and {status}: only an order that is Unresolved is reconciled; this \
             one ends by its venue's reports, or by a cancel"
        );
        return Err(Failure::new(REJECTED, line));
    }
    applied(&ack, "reconciliation", to)?;
    finish(client, to)
}
