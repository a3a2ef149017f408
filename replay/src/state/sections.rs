//! What a state is shown as: one section a kind. `docs/simulate.md` says what each field is.

use crate::output::hex;
use engine::risk::RiskEngine;
use engine::text::{decimal4, decimal8, limit_text, push_limit, value_form};
use engine::view::LimitView;
use serde_json::{Value, json};

/// Rows of one kind: said once, printed as a table or as JSON.
pub(super) struct Section {
    pub(super) what: &'static str,
    pub(super) fields: &'static [&'static str],
    pub(super) rows: Vec<Vec<Value>>,
}

pub(super) fn sections(engine: &RiskEngine) -> Vec<Section> {
    vec![
        firm(engine),
        rows(engine),
        profits(engine),
        orders(engine),
        limits(engine),
        Section {
            what: "state",
            fields: &["scope", "scopeId", "state", "version", "breached"],
            rows: engine
                .states()
                .map(|v| {
                    vec![
                        json!(v.scope.name()),
                        json!(v.scope_id),
                        json!(v.state.name()),
                        json!(v.version),
                        json!(v.breached),
                    ]
                })
                .collect(),
        },
        proposals(engine),
        prices(engine),
        currencies(engine),
        sessions(engine),
        cash(engine),
        covers(engine),
        unbooked(engine),
        Section {
            what: "digest",
            fields: &["risk", "session"],
            rows: vec![vec![
                json!(hex(&engine.risk_digest())),
                json!(hex(&engine.session_digest())),
            ]],
        },
    ]
}

fn firm(engine: &RiskEngine) -> Section {
    Section {
        what: "firm",
        fields: &[
            "name",
            "instance",
            "baseCurrency",
            "epoch",
            "seq",
            "t",
            "businessDate",
            "ready",
            "restricted",
            "twoPerson",
            "clockCommanded",
            "liveOrders",
        ],
        rows: engine
            .firm()
            .into_iter()
            .map(|v| {
                vec![
                    json!(v.name),
                    json!(v.instance),
                    json!(v.base_currency),
                    json!(v.epoch),
                    json!(v.seq),
                    json!(v.t),
                    json!(v.business_date),
                    json!(v.ready),
                    json!(v.restricted),
                    json!(v.two_person),
                    json!(v.clock_commanded),
                    json!(v.live_orders),
                ]
            })
            .collect(),
    }
}

fn rows(engine: &RiskEngine) -> Section {
    Section {
        what: "row",
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
            "bought",
            "sold",
            "dayPnl",
            "realisedPnl",
            "unrealisedPnl",
            "avgPx",
            "fxVersion",
        ],
        rows: engine
            .rows()
            .map(|v| {
                vec![
                    json!(v.scope.name()),
                    json!(v.scope_id),
                    json!(v.instrument_id),
                    json!(decimal8(v.position)),
                    json!(decimal8(v.open_buy)),
                    json!(decimal8(v.open_sell)),
                    json!(decimal4(v.reserved_buy)),
                    json!(decimal4(v.reserved_sell)),
                    json!(v.value.map(decimal4)),
                    json!(decimal4(v.bought)),
                    json!(decimal4(v.sold)),
                    json!(v.day_pnl.map(decimal4)),
                    json!(v.realised_pnl.map(decimal4)),
                    json!(v.unrealised_pnl.map(decimal4)),
                    json!(v.average_price.map(decimal8)),
                    json!((v.fx_version != 0).then_some(v.fx_version)),
                ]
            })
            .collect(),
    }
}

/// Profit and loss of the day of each scope over all instruments; nothing where an instrument has none.
fn profits(engine: &RiskEngine) -> Section {
    type Parts = [Option<i128>; 3];
    let mut sums: std::collections::BTreeMap<(wire::Scope, u32), Parts> =
        std::collections::BTreeMap::new();
    for row in engine.rows() {
        let parts = [row.day_pnl, row.realised_pnl, row.unrealised_pnl];
        let sum = sums
            .entry((row.scope, row.scope_id))
            .or_insert([Some(0); 3]);
        for (sum, part) in sum.iter_mut().zip(parts) {
            *sum = sum.and_then(|sum| sum.checked_add(part?));
        }
    }
    Section {
        what: "profit",
        fields: &["scope", "scopeId", "dayPnl", "realisedPnl", "unrealisedPnl"],
        rows: sums
            .into_iter()
            .map(|((scope, id), parts)| {
                let mut row = vec![json!(scope.name()), json!(id)];
                row.extend(parts.map(|part| json!(part.map(decimal4))));
                row
            })
            .collect(),
    }
}

fn orders(engine: &RiskEngine) -> Section {
    Section {
        what: "order",
        fields: &[
            "orderId",
            "session",
            "clOrdId",
            "newestClOrdId",
            "account",
            "instrumentId",
            "traderId",
            "strategyId",
            "side",
            "ordType",
            "tif",
            "status",
            "price",
            "qty",
            "cumQty",
            "leavesQty",
            "reservedQty",
            "reservedValue",
            "pendingReplaces",
        ],
        rows: engine
            .live_orders()
            .map(|v| {
                vec![
                    json!(v.order_id),
                    json!(v.session_id),
                    json!(v.cl_ord_id),
                    json!(v.newest_cl_ord_id),
                    json!(v.account),
                    json!(v.instrument_id),
                    json!(v.trader_id),
                    json!(v.strategy_id),
                    json!(v.side.name()),
                    json!(v.ord_type.name()),
                    json!(v.tif.name()),
                    json!(v.status.name()),
                    json!(v.price.map(decimal8)),
                    json!(decimal8(v.qty)),
                    json!(decimal8(v.cum_qty)),
                    json!(decimal8(v.leaves_qty)),
                    json!(decimal8(v.reserved_qty)),
                    json!(decimal4(v.reserved_value)),
                    json!(v.pending_replaces),
                ]
            })
            .collect(),
    }
}

fn limits(engine: &RiskEngine) -> Section {
    let value = |v: &LimitView, value: i64| {
        let mut text = String::new();
        push_limit(&mut text, value_form(v.kind, v.unit), value);
        text
    };
    Section {
        what: "limit",
        fields: &[
            "scope",
            "scopeId",
            "limitKind",
            "selector",
            "selectorId",
            "value",
            "reads",
            "used",
            "windowNs",
            "version",
            "mode",
            "warn",
            "expiresAt",
        ],
        rows: engine
            .limits()
            .map(|v| {
                vec![
                    json!(v.scope.name()),
                    json!(v.scope_id),
                    json!(v.kind.name()),
                    json!(v.selector.name()),
                    json!(v.selector_id),
                    json!(value(&v, v.value)),
                    json!(limit_text(value_form(v.kind, v.unit), v.value)),
                    json!(v.used.map(|used| value(&v, used))),
                    json!((v.window_ns != 0).then_some(v.window_ns)),
                    json!(v.version),
                    json!(v.mode.name()),
                    json!(v.warn),
                    json!((v.expires_at != 0).then_some(v.expires_at)),
                ]
            })
            .collect(),
    }
}

fn proposals(engine: &RiskEngine) -> Section {
    Section {
        what: "proposal",
        fields: &[
            "proposalId",
            "what",
            "scope",
            "scopeId",
            "limitKind",
            "selector",
            "selectorId",
            "value",
            "state",
            "deskId",
            "session",
            "person",
            "expiresAt",
            "reason",
        ],
        rows: engine
            .proposals()
            .map(|v| {
                let m = &v.change;
                let named = |null: bool, name: &str| (!null).then(|| name.to_owned());
                let limit = !m.limit_kind.is_null();
                let value = limit_text(value_form(m.limit_kind, m.unit), m.value);
                vec![
                    json!(v.id),
                    json!(m.what.name()),
                    json!(named(m.scope.is_null(), m.scope.name())),
                    json!((!m.scope.is_null()).then_some(m.scope_id)),
                    json!(named(!limit, m.limit_kind.name())),
                    json!(named(m.selector.is_null(), m.selector.name())),
                    json!(limit.then_some(m.selector_id)),
                    json!((limit && m.value != i64::MIN).then_some(value)),
                    json!(named(m.state.is_null(), m.state.name())),
                    json!((m.desk_id != 0).then_some(m.desk_id)),
                    json!(v.session_id),
                    json!(v.person),
                    json!(v.expires_at),
                    json!(m.reason.as_str()),
                ]
            })
            .collect(),
    }
}

fn prices(engine: &RiskEngine) -> Section {
    Section {
        what: "instrument",
        fields: &[
            "instrumentId",
            "symbol",
            "currency",
            "reference",
            "referenceTime",
            "mark",
        ],
        rows: engine
            .instruments()
            .map(|v| {
                vec![
                    json!(v.definition.instrument_id),
                    json!(v.definition.symbol.as_str()),
                    json!(v.definition.currency.as_str()),
                    json!(v.reference.map(|(price, _)| decimal8(price))),
                    json!(v.reference.map(|(_, time)| time)),
                    json!(v.mark.map(decimal8)),
                ]
            })
            .collect(),
    }
}

fn currencies(engine: &RiskEngine) -> Section {
    Section {
        what: "currency",
        fields: &["currency", "rate", "rateTime", "maxAgeNs", "version"],
        rows: engine
            .currencies()
            .map(|v| {
                vec![
                    json!(v.currency),
                    json!(v.rate.map(|(rate, _)| decimal8(rate))),
                    json!(v.rate.map(|(_, time)| time)),
                    json!(v.max_age_ns),
                    json!(v.version),
                ]
            })
            .collect(),
    }
}

fn sessions(engine: &RiskEngine) -> Section {
    Section {
        what: "session",
        fields: &[
            "session",
            "name",
            "role",
            "topology",
            "venueId",
            "up",
            "codMode",
            "lastAppliedSeqNo",
            "nextSeqNo",
            "clOrdIdMark",
            "keyId",
            "accounts",
        ],
        rows: engine
            .sessions()
            .map(|v| {
                let accounts: Vec<u32> = engine.entitled_accounts(v.session_id).collect();
                vec![
                    json!(v.session_id),
                    json!(v.name),
                    json!(v.role.name()),
                    json!((!v.topology.is_null()).then(|| v.topology.name())),
                    json!((v.venue_id != 0).then_some(v.venue_id)),
                    json!(v.up),
                    json!(v.cod_mode.name()),
                    json!(v.last_applied_seq_no),
                    json!(v.next_out_seq_no),
                    json!(v.cl_ord_id_mark),
                    json!(v.key_id),
                    json!((!accounts.is_empty()).then_some(accounts)),
                ]
            })
            .collect(),
    }
}

/// C16; amounts of the currency.
fn cash(engine: &RiskEngine) -> Section {
    Section {
        what: "cash",
        fields: &["account", "currency", "cash", "reserved"],
        rows: engine
            .cash_books()
            .map(|v| {
                vec![
                    json!(v.account),
                    json!(v.currency.as_str()),
                    json!(v.cash.map(decimal4)),
                    json!(decimal4(v.reserved)),
                ]
            })
            .collect(),
    }
}

/// C18.
fn covers(engine: &RiskEngine) -> Section {
    Section {
        what: "cover",
        fields: &[
            "account",
            "instrumentId",
            "settled",
            "sold",
            "liveSells",
            "locates",
            "locatedUsed",
        ],
        rows: engine
            .covers()
            .filter(|v| v.settled | v.sold | v.locates | v.located_used != 0 || v.live_sells != 0)
            .map(|v| {
                vec![
                    json!(v.account),
                    json!(v.instrument_id),
                    json!(decimal8(v.settled)),
                    json!(decimal8(v.sold)),
                    json!(decimal8(v.live_sells)),
                    json!(decimal8(v.locates)),
                    json!(decimal8(v.located_used)),
                ]
            })
            .collect(),
    }
}

/// R15.
fn unbooked(engine: &RiskEngine) -> Section {
    Section {
        what: "unbooked",
        fields: &["seq"],
        rows: engine
            .unbooked_fills()
            .iter()
            .map(|seq| vec![json!(seq)])
            .collect(),
    }
}
