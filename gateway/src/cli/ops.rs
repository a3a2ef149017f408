//! What operations decide: an order or a restart is reconciled with the venue, the day is ended and
//! opened. Leaves out limits and states, which belong to the risk manager (`risk`).

use super::To;
use super::failure::{Failure, REJECTED, USAGE};
use super::remote::{connect_as, say_two_person};
use clap::{Args, Subcommand};
use engine::firm::parse_limit_value;
use portcullis_client::{Client, Code};
use serde_json::json;
use std::io::{self, Write};
use wire::{
    AdminAck, DayOpen, DayRoll, Flag, LimitKind, PositionLoad, Qty, Reconcile, ReconcileWhat, Role,
    Text,
};

/// What has been reconciled with the venue.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// The restart that may have lost records: releases RESTRICTED
    Restart(Why),
    /// An unresolved order
    Order {
        /// Its orderId, as `portcullis orders` shows it
        order_id: u64,
        /// What is still live at the venue, at most what is reserved
        #[arg(long, value_name = "QTY")]
        leaves: String,
        #[command(flatten)]
        why: Why,
    },
}

/// Why, for the journal.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why, for the journal; at most 32 characters
    #[arg(long, value_parser = reason)]
    reason: Text<32>,
}

/// The business day.
#[derive(Debug, Subcommand)]
pub(crate) enum Day {
    /// End the day: DAY and IOC orders expire, turnover and locates start anew
    Roll {
        /// The new business date as YYYYMMDD
        date: u32,
    },
    /// Open the day that was rolled to, with the positions that the journal has
    Open {
        /// Its business date as YYYYMMDD
        date: u32,
    },
}

pub(crate) fn reason(text: &str) -> Result<Text<32>, String> {
    let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if text.trim().is_empty() || text.len() > 32 || !printable {
        return Err("a reason has 1 to 32 characters of printable ASCII".to_owned());
    }
    Ok(Text::new(text))
}

pub(crate) fn reconcile(to: &To, what: &What) -> Result<(), Failure> {
    let (request, said) = match what {
        What::Restart(why) => (
            Reconcile {
                what: ReconcileWhat::Restart,
                reason: why.reason,
                ..Reconcile::default()
            },
            "the restart is reconciled".to_owned(),
        ),
        What::Order {
            order_id,
            leaves,
            why,
        } => {
            // Quantities have one form on the command line, that of a limit on them.
            let (leaves_qty, _) = parse_limit_value(LimitKind::MaxOrderQty, leaves)
                .map_err(|what| Failure::new(USAGE, what))?;
            (
                Reconcile {
                    what: ReconcileWhat::Order,
                    order_id: *order_id,
                    leaves_qty: Qty(leaves_qty),
                    reason: why.reason,
                    ..Reconcile::default()
                },
                format!("order {order_id} is reconciled"),
            )
        }
    };
    let mut client = connect_as(to, Role::Ops)?;
    let ack = client.request_and_ack(request)?;
    finish(client, to, &said, &ack)
}

pub(crate) fn day(to: &To, what: &Day) -> Result<(), Failure> {
    let mut client = connect_as(to, Role::Ops)?;
    match what {
        Day::Roll { date } => {
            let ack = client.request_and_ack(DayRoll {
                business_date: *date,
                ..DayRoll::default()
            })?;
            finish(client, to, &format!("the day is {date}"), &ack)
        }
        Day::Open { date } => {
            // A batch without rows, named by its date: positions stay as they are, and saying it twice
            // has no effect. Where positions were loaded before, opening needs no batch of ours.
            let loaded = client.request_and_ack(PositionLoad {
                batch_id: u64::from(*date),
                qty: Qty::NULL,
                business_date: *date,
                last: Flag::Yes,
                ..PositionLoad::default()
            })?;
            let ack = if loaded.code == 0 {
                client.request_and_ack(DayOpen {
                    business_date: *date,
                    ..DayOpen::default()
                })?
            } else {
                loaded
            };
            finish(client, to, &format!("the day {date} is open"), &ack)
        }
    }
}

fn finish(mut client: Client, to: &To, said: &str, ack: &AdminAck) -> Result<(), Failure> {
    if ack.code != 0 {
        let line = format!("refused: {}", Code(ack.code));
        return Err(Failure::new(REJECTED, line));
    }
    let mut out = io::stdout();
    if to.json {
        let line = json!({"applied": true, "engineSeq": ack.engine_seq});
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{said} from sequence {}", ack.engine_seq)?;
    }
    say_two_person(&mut client, to.json)?;
    // The answer is complete; a connection that ends badly now takes nothing from it.
    let _ = client.terminate();
    Ok(())
}
