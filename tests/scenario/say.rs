//! What the engine decided and sent, in words and decimals.

use super::message;
use super::text::{in_decimals, in_duration};
use super::world::World;
use engine::decision::{Decision, Outcome, Outgoing};
use engine::view::Explanation;
use wire::{
    FieldKind, LimitKind, RejectCode, Reply, RiskEvent, RiskEventKind, Scope, TradingState,
};

/// Decimal places of a limit's value: quantities 8, amounts 4, counts none.
pub(super) fn places(kind: LimitKind) -> u32 {
    match kind {
        LimitKind::MaxOrderQty | LimitKind::MaxLong | LimitKind::MaxShort => 8,
        LimitKind::MaxOrderNotional
        | LimitKind::GrossNotional
        | LimitKind::NetLong
        | LimitKind::NetShort
        | LimitKind::DailyBuyTurnover
        | LimitKind::DailySellTurnover
        | LimitKind::DailyTurnover
        | LimitKind::DailyLoss
        | LimitKind::BuyingPower => 4,
        _ => 0,
    }
}

/// A value of a limit.
pub(super) fn value(kind: LimitKind, value: i64) -> String {
    match value {
        i64::MAX => "unlimited".to_owned(),
        i64::MIN => "none".to_owned(),
        _ if kind == LimitKind::ReferenceMaxAge => {
            let sign = if value < 0 { "-" } else { "" };
            format!("{sign}{}", in_duration(value.unsigned_abs()))
        }
        _ => in_decimals(i128::from(value), places(kind)),
    }
}

fn code(number: u16) -> String {
    match RejectCode::from_number(number) {
        Some(code) => format!("{number} {code}"),
        None => number.to_string(),
    }
}

/// A decision, as the first line of a command's output, with the shadow limit that would have refused.
pub(super) fn decision(world: &World, decision: &Decision) -> String {
    let text = outcome(world, decision);
    if decision.shadow_limit_kind.is_null() {
        return text;
    }
    let place = world.scope_words(decision.shadow_scope, decision.shadow_scope_id);
    format!("{text}; in shadow {}: {place}", code(decision.shadow_code))
}

/// What became of the command. Orders and cancels speak of use.
fn outcome(world: &World, decision: &Decision) -> String {
    let outcome = decision.outcome.name().to_lowercase();
    match decision.outcome {
        Outcome::Accepted if !decision.util_limit_kind.is_null() => {
            let percent = in_decimals(i128::from(decision.util_bps), 2);
            let (kind, scope) = (decision.util_limit_kind, decision.util_scope);
            format!("accepted, {percent}% of {kind} at {}", level(scope))
        }
        Outcome::Rejected if decision.scope.is_null() && decision.limit_kind.is_null() => {
            format!("rejected {}", code(decision.code))
        }
        Outcome::Rejected if decision.scope.is_null() => {
            format!("rejected {}: {}", code(decision.code), decision.limit_kind)
        }
        Outcome::Rejected => {
            let place = world.scope_words(decision.scope, decision.scope_id);
            let mut text = format!("rejected {}: {place}", code(decision.code));
            if !decision.limit_kind.is_null() {
                let kind = decision.limit_kind;
                let (limit, reached) =
                    (value(kind, decision.limit), value(kind, decision.observed));
                text += &format!(
                    " limit {limit}, reached {reached}, version {}",
                    decision.version
                );
            }
            text
        }
        Outcome::Refused => match decision.version {
            0 | u32::MAX => format!("refused {}", code(decision.code)),
            version => format!("refused {}, version {version}", code(decision.code)),
        },
        Outcome::Applied if !matches!(decision.version, 0 | u32::MAX) => {
            format!("applied, version {}", decision.version)
        }
        Outcome::NoEffect => "no effect".to_owned(),
        _ => outcome,
    }
}

/// Every limit that an order meets, and what came of it.
pub(super) fn explanation(world: &World, explained: &Explanation) -> Vec<String> {
    let mut lines: Vec<String> = explained
        .controls
        .iter()
        .map(|met| {
            let fits = met.headroom.is_none_or(|room| room < 0);
            assert!(
                met.refuses.is_none() || fits,
                "room beside a refusal: {met:?}"
            );
            let mut parts = Vec::new();
            let show = |number: i64| value(met.kind, number);
            let named = |name: &'static str| move |text: String| format!("{name} {text}");
            parts.extend(met.limit.map(show));
            parts.extend(met.reached.map(show).map(named("reaches")));
            parts.extend(met.headroom.map(show).map(named("headroom")));
            parts.extend(met.version.map(|version| format!("version {version}")));
            parts.extend(met.shadow.then(|| "shadow".to_owned()));
            let refuses = met.refuses.map(|refuses| code(refuses.number()));
            parts.extend(refuses.map(named("REFUSES")));
            let mut place = Vec::new();
            if !met.kind.is_null() {
                place.push(met.kind.to_string());
            }
            if !met.scope.is_null() {
                place.push(world.scope_words(met.scope, met.scope_id));
            }
            if !met.selector.is_null() {
                place.push(world.selector_words(met.selector, met.selector_id));
            }
            if place.is_empty() {
                place.push("no limit".to_owned());
            }
            format!("{}: {}", place.join(" "), parts.join(", "))
        })
        .collect();
    lines.push(match explained.code {
        None => "passes".to_owned(),
        Some(refused) => format!("refused {}", code(refused.number())),
    });
    lines
}

fn level(scope: Scope) -> String {
    scope.name().to_lowercase()
}

/// One message, with its addressee.
pub(super) fn outgoing(world: &World, item: &Outgoing) -> String {
    let to = world
        .sessions
        .iter()
        .find(|(_, id)| **id == item.session_id)
        .map_or("?", |(name, _)| name.as_str());
    if let Reply::RiskEvent(event) = &item.reply {
        return format!("to {to}: {}", risk_event(world, event));
    }
    let layout = item.reply.layout();
    let mut block = [0; wire::codec::MAX_FRAME];
    item.reply.encode_block(&mut block);
    let raw = |name: &str| message::field(layout, name).map(|f| message::integer(&block, f));
    let kind = raw("limitKind")
        .and_then(|number| u8::try_from(number).ok())
        .map_or(LimitKind::NULL, LimitKind);
    let number = |name: &str| raw(name).and_then(|n| u32::try_from(n).ok());
    let owner = number("orderSessionId").unwrap_or(item.session_id);
    let words = message::words(layout, &block, |field, number| {
        let positive = u64::try_from(number).unwrap_or(0);
        let small = u32::try_from(number).unwrap_or(0);
        match field.name {
            "orderId" => Some(world.orders.get(&positive).cloned().unwrap_or_default()),
            "origClOrdId" => Some(world.name_of(owner, positive)),
            "clOrdId" if layout.name != "MassCancelReport" => Some(world.name_of(owner, positive)),
            "instrumentId" => Some(world.symbol(small)),
            "code" if small == 0 => Some("0".to_owned()),
            "code" => Some(code(u16::try_from(number).unwrap_or(0))),
            "limitValue" | "observedValue" => {
                Some(value(kind, i64::try_from(number).unwrap_or(i64::MIN)))
            }
            "liquidity" | "capacity" | "transactTime" => Some(String::new()),
            _ if matches!(field.kind, FieldKind::Time) => Some(in_duration(positive)),
            _ => None,
        }
    });
    format!("to {to}: {} {}", layout.name, words.join(", "))
        .trim_end()
        .to_owned()
}

/// A risk event: `Breach (Critical): MaxLong of account 1, 10 → 12`.
fn risk_event(world: &World, event: &RiskEvent) -> String {
    let mut text = format!("{} ({})", event.event, event.severity);
    let mut about = Vec::new();
    if !event.limit_kind.is_null() {
        about.push(event.limit_kind.to_string());
    }
    if !event.scope.is_null() {
        about.push(world.scope_words(event.scope, event.scope_id));
    }
    if event.instrument_id != u32::MAX {
        about.push(world.symbol(event.instrument_id));
    }
    let named = world.orders.get(&event.ref_id);
    match event.event {
        RiskEventKind::Warning => about.push(format!("{} %", event.ref_id)),
        RiskEventKind::LateFill
        | RiskEventKind::Overfill
        | RiskEventKind::OrderUnresolved
        | RiskEventKind::Reconciled => about.extend(named.map(|name| format!("order {name}"))),
        RiskEventKind::MarketMakerProtection => about.push(format!("group {}", event.ref_id)),
        _ => {}
    }
    let show = |number: i64| match event.event {
        RiskEventKind::StateChanged | RiskEventKind::RepeatedExecution => u8::try_from(number)
            .map_or_else(
                |_| number.to_string(),
                |n| TradingState(n).name().to_owned(),
            ),
        RiskEventKind::LimitChanged
        | RiskEventKind::Breach
        | RiskEventKind::Warning
        | RiskEventKind::TemporaryEnded
        | RiskEventKind::DailyLoss => value(event.limit_kind, number),
        RiskEventKind::MarketMakerProtection => number.to_string(),
        RiskEventKind::Day | RiskEventKind::Restricted => number.to_string(),
        _ => in_decimals(i128::from(number), 8),
    };
    let ends = [event.old_value, event.new_value];
    let ends: Vec<String> = ends
        .into_iter()
        .filter(|number| *number != i64::MIN)
        .map(show)
        .collect();
    if !ends.is_empty() {
        about.push(ends.join(" -> "));
    }
    if !about.is_empty() {
        text = format!("{text}: {}", about.join(", "));
    }
    text
}
