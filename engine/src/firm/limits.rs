//! `[[limits]]` and `[[permissions]]`.

use super::section::{Section, Value};
use super::value::parse_limit_value;
use crate::command::{DefineDesk, DefineTrader};
use crate::suggest::did_you_mean;
use wire::{
    DefineAccount, DefineInstrument, Flag, LimitKind, LimitMode, OrdType, Permit, Price, Scope,
    Selector, SetLimit, Text, Unit,
};

/// What scopes and selectors may name, by id or name.
pub(super) struct Names {
    desks: Vec<(u32, String)>,
    accounts: Vec<(u32, String)>,
    traders: Vec<(u32, String)>,
    instruments: Vec<(u32, String)>,
    groups: Vec<u32>,
    currencies: Vec<Text<4>>,
}

impl Names {
    pub(super) fn of(
        desks: &[DefineDesk],
        accounts: &[DefineAccount],
        traders: &[DefineTrader],
        instruments: &[(DefineInstrument, Option<Price>, Option<Price>)],
        currencies: &[Text<4>],
    ) -> Self {
        let named = |id: u32, name: &str| (id, name.to_owned());
        Self {
            desks: desks
                .iter()
                .map(|d| named(d.desk_id, d.name.as_str()))
                .collect(),
            accounts: accounts
                .iter()
                .map(|a| named(a.account, a.name.as_str()))
                .collect(),
            traders: traders
                .iter()
                .map(|t| named(t.trader_id.into(), t.name.as_str()))
                .collect(),
            instruments: instruments
                .iter()
                .map(|(i, ..)| named(i.instrument_id, i.symbol.as_str()))
                .collect(),
            groups: instruments.iter().map(|(i, ..)| i.product_group).collect(),
            currencies: currencies.to_vec(),
        }
    }

    /// The account that a value names by id or name.
    pub(super) fn account(&self, value: &Value<'_>) -> Option<u32> {
        lookup(value, value.number_or_text()?, "account", &self.accounts)
    }

    /// The instrument that a value names by id or symbol.
    pub(super) fn instrument(&self, value: &Value<'_>) -> Option<u32> {
        lookup(
            value,
            value.number_or_text()?,
            "instrument",
            &self.instruments,
        )
    }

    /// The currency that a value names by its code.
    pub(super) fn currency(&self, value: &Value<'_>, code: &str) -> Option<Text<4>> {
        let found = self.currencies.iter().find(|known| known.as_str() == code);
        if found.is_none() {
            let hint = did_you_mean(code, self.currencies.iter().map(Text::as_str));
            value.wrong(
                format!("there is no currency `{code}`"),
                hint.trim_start_matches("; "),
            );
        }
        found.copied()
    }
}

/// The id of `text`, which is an id or a name of one of `known`.
fn lookup(value: &Value<'_>, text: &str, what: &str, known: &[(u32, String)]) -> Option<u32> {
    let id = text.parse::<u32>().ok();
    let found = known
        .iter()
        .find(|(known_id, name)| Some(*known_id) == id || name == text);
    if found.is_none() {
        let hint = did_you_mean(text, known.iter().map(|(_, name)| name.as_str()));
        value.wrong(
            format!("there is no {what} `{text}`"),
            hint.trim_start_matches("; "),
        );
    }
    found.map(|(id, _)| *id)
}

/// `firm`, `desk:1`, `account:EQ-CLIENT`, `trader:7`.
fn scope(value: Value<'_>, names: &Names) -> Option<(Scope, u32)> {
    let text = value.string()?;
    if text == "firm" {
        return Some((Scope::Firm, 0));
    }
    let (kind, id) = text.split_once(':').unwrap_or((text, ""));
    let id = id.trim();
    match kind.trim() {
        "desk" => Some((Scope::Desk, lookup(&value, id, "desk", &names.desks)?)),
        "account" => Some((
            Scope::Account,
            lookup(&value, id, "account", &names.accounts)?,
        )),
        "trader" => Some((Scope::Trader, lookup(&value, id, "trader", &names.traders)?)),
        _ => {
            value.wrong(
                format!("`{text}` is not a scope"),
                "write firm, desk:ID, account:ID or trader:ID",
            );
            None
        }
    }
}

/// `all`, `group:1`, `instrument:AAPL`, `currency:USD` (whose id is its code's four bytes); all where the file says nothing.
fn selector(value: Option<Value<'_>>, names: &Names) -> Option<(Selector, u32)> {
    let Some(value) = value else {
        return Some((Selector::All, 0));
    };
    let text = value.string()?;
    if text == "all" {
        return Some((Selector::All, 0));
    }
    let (kind, id) = text.split_once(':').unwrap_or((text, ""));
    let id = id.trim();
    match kind.trim() {
        "instrument" => {
            let id = lookup(&value, id, "instrument", &names.instruments)?;
            Some((Selector::Instrument, id))
        }
        "group" => match id.parse() {
            Ok(group) if names.groups.contains(&group) => Some((Selector::Group, group)),
            _ => {
                value.wrong(
                    format!("no instrument is of group `{id}`"),
                    "groups stand at [[instruments]] group",
                );
                None
            }
        },
        "currency" => {
            let code = names.currency(&value, id)?;
            Some((Selector::Currency, u32::from_le_bytes(code.0)))
        }
        _ => {
            value.wrong(
                format!("`{text}` is not a selector"),
                "write all, group:ID, instrument:SYMBOL or currency:CODE",
            );
            None
        }
    }
}

pub(super) fn limits(root: &Section<'_>, names: &Names) -> Vec<SetLimit> {
    let mut out: Vec<SetLimit> = Vec::new();
    for section in root.tables("limits", "[[limits]]") {
        let limit = limit(&section, names);
        section.finish();
        let Some(limit) = limit else { continue };
        let key = |l: &SetLimit| (l.scope, l.scope_id, l.limit_kind, l.selector, l.selector_id);
        if out.iter().any(|other| key(other) == key(&limit)) {
            section.mistake(
                format!(
                    "{} is set twice for the same scope and selector",
                    limit.limit_kind
                ),
                "remove one of the two",
            );
        } else {
            out.push(limit);
        }
    }
    out
}

fn limit(section: &Section<'_>, names: &Names) -> Option<SetLimit> {
    let place = section.required("scope").and_then(|v| scope(v, names));
    let select = selector(section.optional("selector"), names);
    let kind_value = section.required("kind");
    let kind = kind_value
        .and_then(|v| v.choice(&LimitKind::DEF))
        .map(LimitKind);
    if let (Some(value), Some(kind)) = (kind_value, kind)
        && let (Some((scope, _)), Some((selector, _))) = (place, select)
        && let Err((what, help)) = stands_well(kind, scope, selector)
    {
        value.wrong(what, help);
    }
    let typed = section.required("value");
    let value = typed.and_then(|v| {
        let text = v.number_or_text()?;
        let parsed = parse_limit_value(kind?, text);
        parsed.map_err(|what| v.wrong(what, "")).ok()
    });
    let window = window(section, kind, value.map(|(value, _)| value));
    let mode = section
        .optional("mode")
        .map_or(Some(LimitMode::Enforced), |v| {
            v.choice(&LimitMode::DEF).map(LimitMode)
        });
    let halt = halt(section, kind);
    let [warn1, warn2, warn3] = section.optional("warn").map_or(Some([0; 3]), warn_levels)?;
    let ((scope, scope_id), (selector, selector_id)) = (place?, select?);
    let (value, unit) = value?;
    let unit = if halt? { Unit::Halt } else { unit };
    Some(SetLimit {
        value,
        window_ns: window?,
        scope_id,
        selector_id,
        scope,
        limit_kind: kind?,
        selector,
        unit,
        mode: mode?,
        warn1,
        warn2,
        warn3,
        reason: Text::new("genesis"),
        ..SetLimit::default()
    })
}

/// Where a limit of this kind may stand: what is wrong, and the way out.
fn stands_well(
    kind: LimitKind,
    scope: Scope,
    selector: Selector,
) -> Result<(), (String, &'static str)> {
    let wrong = |what: &str, help| Err((format!("{kind} {what}"), help));
    match kind {
        LimitKind::BuyingPower if (scope, selector) != (Scope::Account, Selector::Currency) => {
            wrong(
                "is an account's credit in one currency",
                "write scope = \"account:ID\" and selector = \"currency:USD\"",
            )
        }
        LimitKind::MarketMakerProtection
            if (scope, selector) != (Scope::Account, Selector::Group) =>
        {
            wrong(
                "protects an account in one product group",
                "write scope = \"account:ID\" and selector = \"group:ID\"",
            )
        }
        LimitKind::BuyingPower => Ok(()),
        _ if selector == Selector::Currency => wrong(
            "knows no currencies",
            "write all, group:ID or instrument:SYMBOL; only BuyingPower has currency:CODE",
        ),
        _ => Ok(()),
    }
}

/// Whether a daily loss halts its scope instead of letting it reduce.
fn halt(section: &Section<'_>, kind: Option<LimitKind>) -> Option<bool> {
    let Some(value) = section.optional("halt") else {
        return Some(false);
    };
    if kind.is_some_and(|kind| kind != LimitKind::DailyLoss) {
        value.wrong(
            format!("means nothing for {}", kind?),
            "only DailyLoss chooses between halting and reducing only",
        );
        return None;
    }
    value.boolean()
}

/// Whether a limit of this kind counts events in a window.
fn has_window(kind: LimitKind) -> bool {
    matches!(
        kind,
        LimitKind::OrderRate
            | LimitKind::DuplicateOrder
            | LimitKind::RepeatedExecution
            | LimitKind::MarketMakerProtection
    )
}

fn window(section: &Section<'_>, kind: Option<LimitKind>, value: Option<i64>) -> Option<u64> {
    let per = section.optional("per");
    let kind = kind?;
    match per {
        Some(per) if !has_window(kind) => {
            per.wrong(
                format!("means nothing for {kind}"),
                "it is the window of a rate",
            );
            None
        }
        Some(per) => match per.duration()? {
            0 => {
                per.wrong("must be above 0", "");
                None
            }
            window => Some(window),
        },
        None if has_window(kind) && value != Some(i64::MAX) => {
            section.mistake(
                format!("`per` is missing: {kind} counts in a window"),
                "add `per = \"1s\"`",
            );
            None
        }
        None => Some(0),
    }
}

/// Three rising levels in per cent.
fn warn_levels(value: Value<'_>) -> Option<[u8; 3]> {
    let levels: Option<Vec<u8>> = value
        .items()
        .iter()
        .map(|item| item.uint(1, 100).and_then(|level| u8::try_from(level).ok()))
        .collect();
    match <[u8; 3]>::try_from(levels?) {
        Ok([a, b, c]) if a < b && b < c => Some([a, b, c]),
        _ => {
            value.wrong(
                "must be three rising levels in per cent",
                "for example [70, 80, 90]",
            );
            None
        }
    }
}

pub(super) fn permissions(root: &Section<'_>, names: &Names) -> Vec<Permit> {
    let mut out = Vec::new();
    for section in root.tables("permissions", "[[permissions]]") {
        let scope_value = section.required("scope");
        let place = scope_value.and_then(|v| scope(v, names));
        if let (Some(value), Some((scope, _))) = (scope_value, place)
            && !matches!(scope, Scope::Account | Scope::Desk)
        {
            value.wrong(
                "permissions stand at accounts and desks",
                "write account:ID or desk:ID",
            );
        }
        let select = selector(section.optional("selector"), names);
        let ord_type = section
            .optional("order_type")
            .map_or(Some(OrdType::NULL), |v| {
                v.choice(&OrdType::DEF).map(OrdType)
            });
        let allow = section.required("allow").and_then(|v| v.boolean());
        let reason = section
            .optional("reason")
            .map_or(Some(Text::new("genesis")), |v| v.text());
        section.finish();
        let complete = || {
            let ((scope, scope_id), (selector, selector_id)) = (place?, select?);
            Some(Permit {
                scope_id,
                selector_id,
                scope,
                selector,
                ord_type: ord_type?,
                allow: if allow? { Flag::Yes } else { Flag::No },
                reason: reason?,
                ..Permit::default()
            })
        };
        out.extend(complete());
    }
    out
}
