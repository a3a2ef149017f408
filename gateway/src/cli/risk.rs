//! Live risk management: limits, states, positions, orders and sessions of a running server.

mod idle;
mod shown;
mod words;

pub(crate) use shown::{list_limits, orders, positions, sessions, show_states};
pub(crate) use words::reason;

use super::To;
use super::approvals::{self, Lapses};
use super::failure::{Failure, REJECTED, USAGE};
use super::remote::{ScopeArg, connect, instrument_must_exist, must_exist, query, say_two_person};
use clap::Args;
use engine::firm::{parse_duration, parse_limit_value};
use portcullis_client::{Client, Code};
use serde_json::json;
use shown::limit_reports;
use std::io::{self, Write};
use wire::{
    AdminAck, Flag, LimitKind, LimitMode, LimitReport, ProposalKind, Propose, QueryWhat,
    RejectCode, Reply, Scope, Selector, SetLimit, SetState, Text, Time, TradingState, Unit,
};
use words::{Until, kind, selector, state, until, warn_levels};

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
    /// Window of a kind that counts in one, such as 1s; else it stays
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
    /// DailyLoss: halt the scope; else what it does stays, and a new limit lets it only reduce
    #[arg(long, conflicts_with = "reduce_only")]
    halt: bool,
    /// DailyLoss: let the scope only reduce, where the limit in force halts it
    #[arg(long)]
    reduce_only: bool,
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

pub(crate) fn set_limit(to: &To, args: &SetArgs) -> Result<(), Failure> {
    let removed = args.value == "none";
    let (selector, selector_id) = args.selector;
    if args.scope.scope == Scope::Instrument {
        let what = "limits stand at firm, desk, account or trader; which instrument a limit is for \
                    is said by --selector instrument:ID";
        return Err(Failure::new(USAGE, what));
    }
    args.lapses.must_be_proposed(args.propose)?;
    let windowed = matches!(
        args.kind,
        LimitKind::OrderRate
            | LimitKind::DuplicateOrder
            | LimitKind::RepeatedExecution
            | LimitKind::MarketMakerProtection
    );
    if args.per.is_some() && !windowed {
        let what = format!(
            "--per means nothing for {}: it counts in no window",
            args.kind
        );
        return Err(Failure::new(USAGE, what));
    }
    let mut client = connect(to)?;
    must_exist(&mut client, args.scope)?;
    instrument_must_exist(
        &mut client,
        (selector == Selector::Instrument).then_some(selector_id),
    )?;
    let in_force = limit_in_force(&mut client, args, 0)?;
    let (value, unit) = if removed {
        (i64::MIN, in_force.map_or(Unit::Natural, |r| r.unit))
    } else {
        parse_limit_value(args.kind, &args.value).map_err(|what| Failure::new(USAGE, what))?
    };
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
    let unit = match (args.kind, args.halt, args.reduce_only) {
        (LimitKind::DailyLoss, true, _) => Unit::Halt,
        (LimitKind::DailyLoss, _, true) => Unit::Natural,
        (LimitKind::DailyLoss, false, false) => in_force.map_or(unit, |r| r.unit),
        (_, false, false) => unit,
        (_, halt, _) => {
            let flag = if halt { "--halt" } else { "--reduce-only" };
            let what = format!("{flag} means nothing for {}", args.kind);
            return Err(Failure::new(USAGE, what));
        }
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
        let mut ack = client.request_and_ack(set)?;
        let is_conflict = ack.code == RejectCode::VersionConflict.number();
        // A limit that was removed is not listed, and keeps its version: it is only told here.
        if is_conflict
            && args.expect_version.is_none()
            && in_force.is_none()
            && limit_in_force(&mut client, args, ack.engine_seq)?.is_none()
        {
            let again = SetLimit {
                expected_version: ack.new_version,
                ..set
            };
            ack = client.request_and_ack(again)?;
        }
        applied(&ack, "limit", to)?;
        if !removed {
            idle::warn(&mut client, &set, ack.engine_seq);
        }
    }
    finish(client, to)
}

/// The limit that is to be set, if there is one, as of a sequence or later.
fn limit_in_force(
    client: &mut Client,
    args: &SetArgs,
    min_engine_seq: u64,
) -> Result<Option<LimitReport>, Failure> {
    Ok(limit_reports(client, Some(args.scope), min_engine_seq)?
        .into_iter()
        .find(|r| r.limit_kind == args.kind && (r.selector, r.selector_id) == args.selector))
}

pub(crate) fn set_state(to: &To, args: &StateArgs) -> Result<(), Failure> {
    args.lapses.must_be_proposed(args.propose)?;
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
        writeln!(
            io::stdout(),
            "{}",
            json!({"applied": true, "engineSeq": ack.engine_seq, "version": ack.new_version})
        )?;
    } else {
        writeln!(
            io::stdout(),
            "{what} in force from sequence {}, version {}",
            ack.engine_seq,
            ack.new_version
        )?;
    }
    Ok(())
}

pub(super) fn finish(mut client: Client, to: &To) -> Result<(), Failure> {
    say_two_person(&mut client, to.json)?;
    // The answer is complete; a connection that ends badly now takes nothing from it.
    let _ = client.terminate();
    Ok(())
}
