//! `show …`: the state, one line a row, in an order of its own ids.

use super::say;
use super::text::{Words, decimal, in_decimals, in_duration};
use super::world::World;
use engine::risk::RoomQuestion;
use engine::view::{OrderView, RowView};
use wire::{LimitKind, LimitMode, TradingState, Unit};

/// `show rows|row|pnl|split-pnl|orders|order|limits|proposals|states|sessions|sent|alerts|day|unbooked|command`
pub(super) fn show(world: &World, words: &mut Words) -> Result<Vec<String>, String> {
    let lines = match words.next("what to show")?.as_str() {
        "rows" => rows(world, words)?,
        "row" => {
            let (scope, id) = world.scope(words)?;
            let instrument = world.instrument(&words.next("the instrument")?)?;
            let mut all = world.engine.rows();
            let found =
                all.find(|r| (r.scope, r.scope_id, r.instrument_id) == (scope, id, instrument));
            vec![found.map_or_else(|| "no row".to_owned(), |row| row_words(world, &row))]
        }
        "orders" => {
            let lines = world.engine.live_orders().map(|o| order_words(world, &o));
            or_none(lines.collect(), "no live orders")
        }
        "order" => {
            let name = words.next("the order")?;
            let mut all = world.engine.live_orders();
            let found = all.find(|order| world.orders.get(&order.order_id) == Some(&name));
            vec![found.map_or_else(
                || format!("{name} is not live"),
                |order| order_words(world, &order),
            )]
        }
        "limits" => limits(world, words)?,
        "proposals" => {
            let lines = world.engine.proposals();
            let lines = lines.map(|view| super::approval::words_of(world, &view));
            or_none(lines.collect(), "no proposal")
        }
        "states" => {
            let states = world.engine.states();
            let told = states.filter(|state| {
                let calm = state.state == TradingState::Active && !state.breached;
                state.version > 0 || !calm
            });
            let lines = told.map(|state| {
                let place = world.scope_words(state.scope, state.scope_id);
                let breached = if state.breached { ", BREACHED" } else { "" };
                format!(
                    "{place}: {}, version {}{breached}",
                    state.state, state.version
                )
            });
            or_none(lines.collect(), "all active, none breached")
        }
        "sessions" => world
            .engine
            .sessions()
            .map(|session| {
                let up = if session.up { "up" } else { "down" };
                format!(
                    "{} ({}): {up}, applied {}, clOrdId mark {}",
                    session.name, session.role, session.last_applied_seq_no, session.cl_ord_id_mark
                )
            })
            .collect(),
        "sent" => {
            let to = words.peek().map(|name| world.session(name)).transpose()?;
            if to.is_some() {
                words.next("the session")?;
            }
            let items = world.sent.iter();
            let lines = items.filter(|item| to.is_none_or(|to| to == item.session_id));
            or_none(
                lines.map(|item| say::outgoing(world, item)).collect(),
                "nothing",
            )
        }
        "alerts" => {
            let risk = world.session("risk")?;
            let items = world.sent.iter().filter(|item| item.session_id == risk);
            let alerts = items.filter(|item| matches!(item.reply, wire::Reply::RiskEvent(_)));
            or_none(
                alerts.map(|item| say::outgoing(world, item)).collect(),
                "no alert",
            )
        }
        "day" => world
            .engine
            .firm()
            .map(|firm| {
                let ready = if firm.ready { "ready" } else { "not ready" };
                let restricted = if firm.restricted { ", RESTRICTED" } else { "" };
                let date = firm.business_date;
                format!(
                    "{date}, {ready}{restricted}, {} live orders",
                    firm.live_orders
                )
            })
            .into_iter()
            .collect(),
        "pnl" => {
            let (scope, id) = world.scope(words)?;
            let instrument = world.instrument(&words.next("the instrument")?)?;
            let mut all = world.engine.rows();
            let found =
                all.find(|r| (r.scope, r.scope_id, r.instrument_id) == (scope, id, instrument));
            vec![found.map_or_else(|| "no row".to_owned(), |row| profit_words(&row))]
        }
        "split-pnl" => {
            let (scope, id) = world.scope(words)?;
            let instrument = world.instrument(&words.next("the instrument")?)?;
            let mut all = world.engine.rows();
            let found =
                all.find(|r| (r.scope, r.scope_id, r.instrument_id) == (scope, id, instrument));
            vec![found.map_or_else(|| "no row".to_owned(), |row| split_words(&row))]
        }
        "command" => {
            let name = words.next("its name")?;
            let known = engine::command::Command::LAYOUTS
                .iter()
                .any(|layout| layout.name == name);
            vec![if known { "known" } else { "no such command" }.to_owned()]
        }
        "unbooked" => vec![format!("{} unbooked", world.engine.unbooked_fills().len())],
        other => return Err(format!("{other} can't be shown")),
    };
    Ok(lines)
}

fn or_none(lines: Vec<String>, none: &str) -> Vec<String> {
    if lines.is_empty() {
        vec![none.to_owned()]
    } else {
        lines
    }
}

/// `show rows [SYMBOL]`: the rows that hold or have open anything.
fn rows(world: &World, words: &mut Words) -> Result<Vec<String>, String> {
    let only = words
        .peek()
        .map(|text| world.instrument(text))
        .transpose()?;
    if only.is_some() {
        words.next("the instrument")?;
    }
    let empty = |row: &RowView| {
        [
            row.position,
            row.open_buy,
            row.open_sell,
            row.reserved_buy,
            row.reserved_sell,
        ]
        .iter()
        .all(|value| *value == 0)
    };
    let lines = world
        .engine
        .rows()
        .filter(|row| !empty(row) && only.is_none_or(|id| id == row.instrument_id))
        .map(|row| row_words(world, &row));
    Ok(or_none(lines.collect(), "nothing held, nothing open"))
}

fn row_words(world: &World, row: &RowView) -> String {
    let place = world.scope_words(row.scope, row.scope_id);
    let symbol = world.symbol(row.instrument_id);
    let value = row
        .value
        .map_or_else(|| "none".to_owned(), |v| in_decimals(v, 4));
    format!(
        "{place} {symbol}: P {}, B {}, S {}, V {value}, OB {}, OS {}",
        in_decimals(row.position, 8),
        in_decimals(row.open_buy, 8),
        in_decimals(row.open_sell, 8),
        in_decimals(row.reserved_buy, 4),
        in_decimals(row.reserved_sell, 4),
    )
}

/// What the row traded today at fill prices, and what it has won or lost today.
fn split_words(row: &RowView) -> String {
    let part = |value: Option<i128>, places| {
        value.map_or_else(|| "unknown".to_owned(), |v| in_decimals(v, places))
    };
    let average = row.average_price.map_or_else(
        || "none".to_owned(),
        |price| in_decimals(i128::from(price), 8),
    );
    format!(
        "average {average}, realised {}, unrealised {}, day P&L {}, rate version {}",
        part(row.realised_pnl, 4),
        part(row.unrealised_pnl, 4),
        part(row.day_pnl, 4),
        row.fx_version
    )
}

fn profit_words(row: &RowView) -> String {
    let profit = row
        .day_pnl
        .map_or_else(|| "unknown".to_owned(), |v| in_decimals(v, 4));
    format!(
        "bought {}, sold {}, day P&L {profit}",
        in_decimals(row.bought, 4),
        in_decimals(row.sold, 4),
    )
}

fn order_words(world: &World, order: &OrderView) -> String {
    let name = world
        .orders
        .get(&order.order_id)
        .map_or("?", String::as_str);
    let side = order.side.name().to_lowercase();
    let price = order.price.map_or_else(
        || "market".to_owned(),
        |price| format!("@ {}", in_decimals(i128::from(price), 8)),
    );
    let qty = |value| in_decimals(i128::from(value), 8);
    let mut text = format!(
        "{name}: {side} {} {} {price} account {}, {}, cum {}, leaves {}, reserved {} worth {}",
        qty(order.qty),
        world.symbol(order.instrument_id),
        order.account,
        order.status,
        qty(order.cum_qty),
        qty(order.leaves_qty),
        qty(order.reserved_qty),
        in_decimals(i128::from(order.reserved_value), 4),
    );
    if order.newest_cl_ord_id != order.cl_ord_id {
        let newest = world.name_of(order.session_id, order.newest_cl_ord_id);
        text += &format!(", newest {newest}");
    }
    text
}

/// `show limits [KIND]`: all that are not the firm's "unlimited".
fn limits(world: &World, words: &mut Words) -> Result<Vec<String>, String> {
    let only = match words.peek().and_then(|name| LimitKind::DEF.value_of(name)) {
        Some(kind) => {
            words.next("the kind")?;
            Some(LimitKind(kind))
        }
        None => None,
    };
    let lines = world
        .engine
        .limits()
        .filter(|l| only.map_or(l.value != i64::MAX, |kind| kind == l.kind))
        .map(|limit| {
            let unit = match limit.unit {
                Unit::BasisPoints => " bps",
                Unit::Ticks => " ticks",
                Unit::Fills => " fills",
                Unit::Halt => " (halts)",
                _ => "",
            };
            let mut text = format!(
                "{} {} {}: {}{unit}",
                world.scope_words(limit.scope, limit.scope_id),
                limit.kind,
                world.selector_words(limit.selector, limit.selector_id),
                say::value(limit.kind, limit.value),
            );
            if limit.window_ns > 0 {
                text += &format!(" per {}", in_duration(limit.window_ns));
            }
            if let Some(used) = limit.used {
                text += &format!(", used {}", say::value(limit.kind, used));
            }
            if limit.mode == LimitMode::Shadow {
                text += ", shadow";
            }
            if limit.expires_at > 0 {
                text += &format!(", for {} more", in_duration(limit.expires_at - world.t));
            }
            format!("{text}, version {}", limit.version)
        });
    Ok(or_none(lines.collect(), "none"))
}

/// `room [account N] SYMBOL [@ PRICE] [trader N]`: what passes now, and what one lot more would meet.
pub(super) fn room(world: &World, session: u32, words: &mut Words) -> Result<Vec<String>, String> {
    let price = words.named("@")?;
    let price = price.map(|text| decimal(&text, 8)).transpose()?;
    let asked = RoomQuestion {
        session_id: session,
        account: words.number("account")?.unwrap_or(1),
        trader_id: words.number("trader")?,
        instrument_id: world.instrument(&words.next("the instrument")?)?,
        price,
    };
    words.clone().finish()?;
    let room = match world.engine.room(&asked, world.t) {
        Ok(room) => room,
        Err(code) => return Ok(vec![format!("refused {} {code}", code.number())]),
    };
    let side = |most: i64, code: wire::RejectCode| {
        let most = in_decimals(i128::from(most), 8);
        format!("{most}, then {} {code}", code.number())
    };
    Ok(vec![
        format!("buy {}", side(room.max_buy, room.buy_code)),
        format!("sell {}", side(room.max_sell, room.sell_code)),
    ])
}
