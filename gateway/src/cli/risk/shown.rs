//! What a running server is asked to show: limits, states, positions, orders, sessions.

use super::finish;
use crate::cli::To;
use crate::cli::failure::Failure;
use crate::cli::output::Rows;
use crate::cli::remote::{
    ScopeArg, connect, instrument_must_exist, must_exist, query, query_since,
};
use engine::date::rfc3339;
use engine::text::{decimal4, decimal8, limit_text, push_limit, value_form};
use portcullis_client::Client;
use serde_json::{Value, json};
use wire::{Amount, Flag, LimitReport, QueryWhat, Reply, Scope, TradingState, Unit};

pub(super) fn limit_reports(
    client: &mut Client,
    scope: Option<ScopeArg>,
    min_engine_seq: u64,
) -> Result<Vec<LimitReport>, Failure> {
    let replies = query_since(client, QueryWhat::Limits, (scope, None), min_engine_seq)?;
    let report = |reply| {
        if let Reply::LimitReport(report) = reply {
            Some(report)
        } else {
            None
        }
    };
    Ok(replies.into_iter().filter_map(report).collect())
}

pub(crate) fn list_limits(to: &To, scope: Option<ScopeArg>) -> Result<(), Failure> {
    let mut client = connect(to)?;
    if let Some(place) = scope {
        must_exist(&mut client, place)?;
    }
    let row = |r: &LimitReport| {
        let form = value_form(r.limit_kind, r.unit);
        let plain = |value: i64| {
            let mut text = String::new();
            push_limit(&mut text, form, value);
            text
        };
        vec![
            json!(r.scope.name()),
            json!(r.scope_id),
            json!(r.limit_kind.name()),
            json!(r.selector.name()),
            json!(r.selector_id),
            json!(if to.json {
                plain(r.value)
            } else {
                limit_text(form, r.value)
            }),
            json!((r.used != i64::MIN).then(|| plain(r.used))),
            json!((r.window_ns != 0).then_some(r.window_ns)),
            json!(r.version),
            json!(r.mode.name()),
            json!(if to.json {
                json!([r.warn1, r.warn2, r.warn3])
            } else {
                json!(format!("{}/{}/{}", r.warn1, r.warn2, r.warn3))
            }),
            json!((r.expires_at.0 != 0).then(|| {
                if to.json {
                    json!(r.expires_at.0)
                } else {
                    json!(rfc3339(r.expires_at.0))
                }
            })),
            json!((r.unit == Unit::Halt).then_some(true)),
        ]
    };
    let rows = limit_reports(&mut client, scope, 0)?
        .iter()
        .map(row)
        .collect();
    Rows {
        fields: &[
            "scope",
            "scopeId",
            "limitKind",
            "selector",
            "selectorId",
            "value",
            "used",
            "windowNs",
            "version",
            "mode",
            "warn",
            "expiresAt",
            "halt",
        ],
        rows,
    }
    .print(to.json)?;
    finish(client, to)
}

pub(crate) fn show_states(to: &To, changed: bool) -> Result<(), Failure> {
    let mut client = connect(to)?;
    let mut rows = Vec::new();
    for reply in query(&mut client, QueryWhat::States, None, None)? {
        let Reply::StateReport(r) = reply else {
            continue;
        };
        let is_quiet = r.state == TradingState::Active && r.breached == Flag::No;
        if changed && is_quiet && r.scope != Scope::Firm {
            continue;
        }
        let of_firm = |value: Value| {
            if r.scope == Scope::Firm {
                value
            } else {
                Value::Null
            }
        };
        rows.push(vec![
            json!(r.scope.name()),
            json!(r.scope_id),
            json!(r.state.name()),
            json!(r.breached == Flag::Yes),
            json!(r.version),
            of_firm(json!(r.business_date)),
            of_firm(json!(r.ready == Flag::Yes)),
            of_firm(json!(r.restricted == Flag::Yes)),
            of_firm(json!(r.two_person == Flag::Yes)),
        ]);
    }
    Rows {
        fields: &[
            "scope",
            "scopeId",
            "state",
            "breached",
            "version",
            "businessDate",
            "ready",
            "restricted",
            "twoPerson",
        ],
        rows,
    }
    .print(to.json)?;
    finish(client, to)
}

/// An amount, or nothing where it is not known.
fn amount(amount: Amount) -> Value {
    json!((!amount.is_null()).then(|| decimal4(amount.0)))
}

pub(crate) fn positions(
    to: &To,
    scope: Option<ScopeArg>,
    instrument: Option<u32>,
) -> Result<(), Failure> {
    let mut client = connect(to)?;
    if let Some(place) = scope {
        must_exist(&mut client, place)?;
    }
    instrument_must_exist(&mut client, instrument)?;
    let mut rows = Vec::new();
    for reply in query(&mut client, QueryWhat::Positions, scope, instrument)? {
        let Reply::PositionReport(r) = reply else {
            continue;
        };
        rows.push(vec![
            json!(r.scope.name()),
            json!(r.scope_id),
            json!(r.instrument_id),
            json!(decimal8(r.net_qty.0)),
            json!(decimal8(r.open_buy_qty.0)),
            json!(decimal8(r.open_sell_qty.0)),
            json!(decimal4(r.reserved_buy.0)),
            json!(decimal4(r.reserved_sell.0)),
            json!(decimal4(r.notional.0)),
            json!((!r.avg_px.is_null()).then(|| decimal8(r.avg_px.0))),
            amount(r.day_pnl),
            amount(r.realised_pnl),
            amount(r.unrealised_pnl),
            json!((r.fx_version != 0).then_some(r.fx_version)),
        ]);
    }
    Rows {
        fields: &[
            "scope",
            "scopeId",
            "instrumentId",
            "netQty",
            "openBuyQty",
            "openSellQty",
            "reservedBuy",
            "reservedSell",
            "notional",
            "avgPx",
            "dayPnl",
            "realisedPnl",
            "unrealisedPnl",
            "fxVersion",
        ],
        rows,
    }
    .print(to.json)?;
    finish(client, to)
}

pub(crate) fn orders(to: &To, instrument: Option<u32>) -> Result<(), Failure> {
    let mut client = connect(to)?;
    instrument_must_exist(&mut client, instrument)?;
    let mut rows = Vec::new();
    for reply in query(&mut client, QueryWhat::OpenOrders, None, instrument)? {
        let Reply::OpenOrderReport(r) = reply else {
            continue;
        };
        rows.push(vec![
            json!(r.order_id),
            json!(r.session_id),
            json!(r.cl_ord_id),
            json!(r.account),
            json!(r.instrument_id),
            json!(r.trader_id),
            json!(r.side.name()),
            json!((!r.price.is_null()).then(|| decimal8(r.price.0))),
            json!(decimal8(r.qty.0)),
            json!(decimal8(r.cum_qty.0)),
            json!(decimal8(r.leaves_qty.0)),
            json!(decimal8(r.reserved_qty.0)),
            json!(decimal4(r.reserved_value.0)),
            json!(r.status.name()),
        ]);
    }
    Rows {
        fields: &[
            "orderId",
            "sessionId",
            "clOrdId",
            "account",
            "instrumentId",
            "traderId",
            "side",
            "price",
            "qty",
            "cumQty",
            "leavesQty",
            "reservedQty",
            "reservedValue",
            "status",
        ],
        rows,
    }
    .print(to.json)?;
    finish(client, to)
}

pub(crate) fn sessions(to: &To) -> Result<(), Failure> {
    let mut client = connect(to)?;
    let mut rows = Vec::new();
    for reply in query(&mut client, QueryWhat::Sessions, None, None)? {
        let Reply::SessionReport(r) = reply else {
            continue;
        };
        let is_desk = r.role == wire::Role::Desk;
        rows.push(vec![
            json!(r.session_id),
            json!(r.name.as_str()),
            json!(r.role.name()),
            json!(is_desk.then(|| r.topology.name())),
            json!((r.venue_id != 0).then_some(r.venue_id)),
            json!(r.up == Flag::Yes),
            json!(r.last_applied_seq_no),
            json!(r.next_seq_no),
            json!(r.cl_ord_id_mark),
        ]);
    }
    Rows {
        fields: &[
            "sessionId",
            "name",
            "role",
            "topology",
            "venueId",
            "up",
            "lastAppliedSeqNo",
            "nextSeqNo",
            "clOrdIdMark",
        ],
        rows,
    }
    .print(to.json)?;
    finish(client, to)
}
