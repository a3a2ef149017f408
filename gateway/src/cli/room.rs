//! `room`: what a desk's account could still buy and sell now with one limit order, and what one lot more
//! would meet.

use super::To;
use super::failure::Failure;
use super::output::Rows;
use super::remote::connect_as;
use super::risk::finish;
use clap::Args;
use engine::firm::parse_decimal;
use engine::text::decimal8;
use serde_json::json;
use wire::{Price, Query, QueryWhat, RejectCode, Reply, Role, Scope};

#[derive(Debug, Args)]
pub(crate) struct RoomArgs {
    #[command(flatten)]
    to: To,
    /// Account, of the session's own
    #[arg(long, value_name = "ID")]
    account: u32,
    /// Instrument
    #[arg(long, value_name = "ID")]
    instrument: u32,
    /// Trader; else the first that the session may name
    #[arg(long, value_name = "ID")]
    trader: Option<u16>,
    /// Limit price of the order in mind; else the reference price
    #[arg(long, value_name = "PRICE", value_parser = price)]
    price: Option<i64>,
}

fn price(text: &str) -> Result<i64, String> {
    parse_decimal(text, 8)
}

fn name(code: u16) -> &'static str {
    RejectCode::from_number(code).map_or("?", RejectCode::name)
}

pub(crate) fn run(args: &RoomArgs) -> Result<(), Failure> {
    let mut client = connect_as(&args.to, Role::Desk)?;
    let query = Query {
        what: QueryWhat::Room,
        scope: Scope::Account,
        scope_id: args.account,
        instrument_id: args.instrument,
        trader_id: args.trader.unwrap_or(u16::MAX),
        price: args.price.map_or(Price::NULL, Price),
        ..Query::default()
    };
    let mut rows = Vec::new();
    for reply in client.query(query)? {
        let Reply::RoomReport(r) = reply else {
            continue;
        };
        rows.push(vec![
            json!(r.account),
            json!(r.instrument_id),
            json!(r.trader_id),
            json!((!r.price.is_null()).then(|| decimal8(r.price.0))),
            json!(decimal8(r.max_buy.0)),
            json!(name(r.buy_code)),
            json!(decimal8(r.max_sell.0)),
            json!(name(r.sell_code)),
        ]);
    }
    Rows {
        fields: &[
            "account",
            "instrumentId",
            "traderId",
            "price",
            "maxBuy",
            "nextBuyMeets",
            "maxSell",
            "nextSellMeets",
        ],
        rows,
    }
    .print(args.to.json)?;
    finish(client, &args.to)
}
