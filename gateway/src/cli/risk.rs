//! Live risk management: limits, states, positions, orders and sessions of a running server.

use super::To;
use super::approvals::{self, Lapses};
use super::failure::{Failure, REJECTED, USAGE};
use super::output::Rows;
use super::remote::{ScopeArg, connect, instrument_must_exist, must_exist, query, say_two_person};
use clap::Args;
use engine::date::{parse_rfc3339, rfc3339};
use engine::firm::{parse_duration, parse_limit_value};
use engine::text::{decimal4, decimal8, limit_text, push_limit, value_form};
use portcullis_client::{Client, Code};
use serde_json::{Value, json};
use wire::layout::EnumDef;
use wire::{
    AdminAck, Amount, Flag, LimitKind, LimitMode, LimitReport, ProposalKind, Propose, QueryWhat,
    RejectCode, Reply, Scope, Selector, SetLimit, SetState, Text, Time, TradingState, Unit,
};

/// One limit, as people say it.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Where it stands: firm, desk:1, account:2, trader:3
    scope: ScopeArg,
    /// What it limits: MaxOrderQty, PriceCollar, …
    #[arg(value_parser = kind)]
    kind: LimitKind,
    /// 1000, unlimited, 5%, 500bps, "20 ticks", 2s; `none` removes the limit
    value: String,
    /// What it applies to: all, group:1, instrument:7, currency:USD
    #[arg(long, default_value = "all", value_parser = selector)]
    selector: (Selector, u32),
    /// Window of a rate, such as 1s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    per: Option<u64>,
    /// Temporary: the value ends by itself after a duration such as 30m, or at a time such as
    /// 2026-11-22T16:30:00Z, and the permanent one is back
    #[arg(long, value_name = "DURATION|TIME", value_parser = until)]
    until: Option<Until>,
    /// Evaluate and record it without ever refusing; else the mode stays
    #[arg(long, conflicts_with = "enforced")]
    shadow: bool,
    /// Let a shadow limit refuse
    #[arg(long)]
    enforced: bool,
    /// Warn levels in per cent, such as 50,75,90; else they stay
    #[arg(long, value_name = "A,B,C", value_parser = warn_levels)]
    warn: Option<[u8; 3]>,
    /// DailyLoss: halt the scope instead of letting it only reduce
    #[arg(long)]
    halt: bool,
    /// Why, for the journal; at most 32 characters
    #[arg(long, value_parser = reason)]
    reason: Text<32>,
    /// Version that the change is based on; else the one in force now
    #[arg(long, value_name = "VERSION")]
    expect_version: Option<u32>,
    /// Propose it, for another person to approve: what loosens takes two
    #[arg(long)]
    propose: bool,
    #[command(flatten)]
    lapses: Lapses,
}

/// One trading state, as people say it.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// Where it stands: firm, desk:1, account:2, trader:3, instrument:4
    scope: ScopeArg,
    /// Active, ReduceOnly or Halted
    #[arg(value_parser = state)]
    state: TradingState,
    /// Ask for the cancel of every live order in scope
    #[arg(long, conflicts_with = "propose")]
    cancel_open: bool,
    /// Why, for the journal; at most 32 characters
    #[arg(long, value_parser = reason)]
    reason: Text<32>,
    /// Version that the change is based on; else the one in force now
    #[arg(long, value_name = "VERSION")]
    expect_version: Option<u32>,
    /// Propose it, for another person to approve: what loosens takes two
    #[arg(long)]
    propose: bool,
    #[command(flatten)]
    lapses: Lapses,
}

fn choice(def: &'static EnumDef, text: &str) -> Result<u8, String> {
    let wanted: String = text.chars().filter(|c| *c != '-').collect();
    def.values
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(&wanted))
        .map(|(_, value, _)| *value)
        .ok_or_else(|| Failure::unknown(def.name, text, def.values.iter().map(|(name, ..)| *name)))
}

fn kind(text: &str) -> Result<LimitKind, String> {
    choice(&LimitKind::DEF, text).map(LimitKind)
}

fn state(text: &str) -> Result<TradingState, String> {
    choice(&TradingState::DEF, text).map(TradingState)
}

fn selector(text: &str) -> Result<(Selector, u32), String> {
    if text == "all" {
        return Ok((Selector::All, 0));
    }
    let wrong = || {
        format!("`{text}` is not a selector: write all, group:ID, instrument:ID or currency:CODE")
    };
    let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
    if kind == "currency" && id.len() == 3 && id.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok((Selector::Currency, u32::from_le_bytes(Text::<4>::new(id).0)));
    }
    let id = id.parse().map_err(|_| wrong())?;
    match kind {
        "group" => Ok((Selector::Group, id)),
        "instrument" => Ok((Selector::Instrument, id)),
        _ => Err(wrong()),
    }
}

/// When a temporary limit ends.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// Nanoseconds from now on.
    After(u64),
    /// Nanoseconds since the epoch.
    At(u64),
}

fn until(text: &str) -> Result<Until, String> {
    if let Some(at) = parse_rfc3339(text) {
        return Ok(Until::At(at));
    }
    parse_duration(text)
        .map(Until::After)
        .map_err(|what| format!("{what}, nor a time such as 2026-11-22T16:30:00Z"))
}

fn warn_levels(text: &str) -> Result<[u8; 3], String> {
    let levels: Option<Vec<u8>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match levels.map(<[u8; 3]>::try_from) {
        Some(Ok([a, b, c])) if 0 < a && a < b && b < c && c <= 100 => Ok([a, b, c]),
        _ => Err("warn levels are three rising numbers in per cent, such as 70,80,90".to_owned()),
    }
}

pub(crate) fn reason(text: &str) -> Result<Text<32>, String> {
    let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if text.is_empty() || text.len() > 32 || !printable {
        return Err("a reason has 1 to 32 characters of printable ASCII".to_owned());
    }
    Ok(Text::new(text))
}

fn limit_reports(
    client: &mut Client,
    scope: Option<ScopeArg>,
) -> Result<Vec<LimitReport>, Failure> {
    let replies = query(client, QueryWhat::Limits, scope, None)?;
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
    let rows = limit_reports(&mut client, scope)?.iter().map(row).collect();
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

pub(crate) fn set_limit(to: &To, args: &SetArgs) -> Result<(), Failure> {
    let removed = args.value == "none";
    let (selector, selector_id) = args.selector;
    if args.scope.scope == Scope::Instrument {
        let what = "limits stand at firm, desk, account or trader; which instrument a limit is for \
                    is said by --selector instrument:ID";
        return Err(Failure::new(USAGE, what));
    }
    let mut client = connect(to)?;
    must_exist(&mut client, args.scope)?;
    instrument_must_exist(
        &mut client,
        (selector == Selector::Instrument).then_some(selector_id),
    )?;
    let in_force = limit_reports(&mut client, Some(args.scope))?
        .into_iter()
        .find(|r| {
            r.limit_kind == args.kind && (r.selector, r.selector_id) == (selector, selector_id)
        });
    let (value, unit) = if removed {
        (i64::MIN, in_force.map_or(Unit::Natural, |r| r.unit))
    } else {
        parse_limit_value(args.kind, &args.value).map_err(|what| Failure::new(USAGE, what))?
    };
    let windowed = matches!(
        args.kind,
        LimitKind::OrderRate
            | LimitKind::DuplicateOrder
            | LimitKind::RepeatedExecution
            | LimitKind::MarketMakerProtection
    );
    let window_ns = args.per.or(in_force.map(|r| r.window_ns)).unwrap_or(0);
    if windowed && window_ns == 0 && !matches!(value, i64::MIN | i64::MAX) {
        let what = format!(
            "{} counts in a window: add --per 1s or another duration",
            args.kind
        );
        return Err(Failure::new(USAGE, what));
    }
    if args.until.is_some() && (in_force.is_none() || removed) {
        let what = "a temporary value covers a permanent one: there is none to go back to; set it first, \
                    without --until";
        return Err(Failure::new(USAGE, what));
    }
    let unit = match (args.kind, args.halt) {
        (LimitKind::DailyLoss, true) => Unit::Halt,
        (LimitKind::DailyLoss, false) => in_force.map_or(unit, |r| r.unit),
        (_, true) => {
            let what = format!("--halt means nothing for {}", args.kind);
            return Err(Failure::new(USAGE, what));
        }
        (_, false) => unit,
    };
    let mode = match (args.shadow, args.enforced) {
        (true, _) => LimitMode::Shadow,
        (_, true) => LimitMode::Enforced,
        _ => in_force.map_or(LimitMode::Enforced, |r| r.mode),
    };
    let [warn1, warn2, warn3] = args
        .warn
        .unwrap_or_else(|| in_force.map_or([0; 3], |r| [r.warn1, r.warn2, r.warn3]));
    let expires_at = match args.until {
        None => 0,
        Some(Until::At(at)) => at,
        // By the server's clock, which is the one that counts.
        Some(Until::After(ns)) => client.hello().server_time.0.saturating_add(ns),
    };
    let set = SetLimit {
        value,
        unit,
        mode,
        expires_at: Time(expires_at),
        selector,
        selector_id,
        scope: args.scope.scope,
        scope_id: args.scope.id,
        limit_kind: args.kind,
        window_ns,
        expected_version: args
            .expect_version
            .or(in_force.map(|r| r.version))
            .unwrap_or(0),
        warn1,
        warn2,
        warn3,
        reason: args.reason,
        ..SetLimit::default()
    };
    if args.propose {
        let proposal = Propose {
            what: ProposalKind::Limit,
            expires_at: args.lapses.at(&client),
            value: set.value,
            window_ns: set.window_ns,
            limit_expires_at: set.expires_at,
            expected_version: set.expected_version,
            scope: set.scope,
            scope_id: set.scope_id,
            limit_kind: set.limit_kind,
            selector: set.selector,
            selector_id: set.selector_id,
            unit: set.unit,
            mode: set.mode,
            warn1,
            warn2,
            warn3,
            reason: set.reason,
            ..Propose::default()
        };
        approvals::propose(&mut client, proposal, to)?;
    } else {
        let ack = client.request_and_ack(set)?;
        applied(&ack, "limit", to)?;
    }
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

pub(crate) fn set_state(to: &To, args: &StateArgs) -> Result<(), Failure> {
    let mut client = connect(to)?;
    must_exist(&mut client, args.scope)?;
    let in_force = query(&mut client, QueryWhat::States, Some(args.scope), None)?
        .into_iter()
        .find_map(|reply| {
            let Reply::StateReport(r) = reply else {
                return None;
            };
            let asked = (args.scope.scope, args.scope.id);
            ((r.scope, r.scope_id) == asked).then_some(r.version)
        });
    let set = SetState {
        scope: args.scope.scope,
        scope_id: args.scope.id,
        state: args.state,
        cancel_open: if args.cancel_open {
            Flag::Yes
        } else {
            Flag::No
        },
        expected_version: args.expect_version.or(in_force).unwrap_or(0),
        reason: args.reason,
        ..SetState::default()
    };
    if args.propose {
        let proposal = Propose {
            what: ProposalKind::State,
            expires_at: args.lapses.at(&client),
            expected_version: set.expected_version,
            scope: set.scope,
            scope_id: set.scope_id,
            state: set.state,
            reason: set.reason,
            ..Propose::default()
        };
        approvals::propose(&mut client, proposal, to)?;
    } else {
        let ack = client.request_and_ack(set)?;
        applied(&ack, "state", to)?;
    }
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

/// Says what the server answered; a refusal is exit code 6.
pub(super) fn applied(ack: &AdminAck, what: &str, to: &To) -> Result<(), Failure> {
    if ack.code == RejectCode::NeedsApproval.number() {
        let help = "it loosens, and loosening takes two: propose it with --propose, and let another \
                    person approve it; see `portcullis approvals --help`";
        return Err(approvals::refused(ack, help));
    }
    if ack.code != 0 {
        let code = Code(ack.code);
        let line = match RejectCode::from_number(ack.code) {
            Some(RejectCode::VersionConflict) => format!(
                "refused: {code}; somebody has changed it: version in force is {}; look, and decide again",
                ack.new_version
            ),
            _ => format!("refused: {code}"),
        };
        return Err(Failure::new(REJECTED, line));
    }
    if to.json {
        println!(
            "{}",
            json!({"applied": true, "engineSeq": ack.engine_seq, "version": ack.new_version})
        );
    } else {
        println!(
            "{what} in force from sequence {}, version {}",
            ack.engine_seq, ack.new_version
        );
    }
    Ok(())
}

pub(super) fn finish(mut client: Client, to: &To) -> Result<(), Failure> {
    say_two_person(&mut client, to.json)?;
    // The answer is complete; a connection that ends badly now takes nothing from it.
    let _ = client.terminate();
    Ok(())
}
