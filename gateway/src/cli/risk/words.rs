//! How people say what a limit or a state is, on the command line.

use crate::cli::failure::Failure;
use engine::date::parse_rfc3339;
use engine::firm::parse_duration;
use wire::layout::EnumDef;
use wire::{LimitKind, Selector, Text, TradingState};

pub(super) fn choice(def: &'static EnumDef, text: &str) -> Result<u8, String> {
    let wanted: String = text.chars().filter(|c| *c != '-').collect();
    def.values
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(&wanted))
        .map(|(_, value, _)| *value)
        .ok_or_else(|| Failure::unknown(def.name, text, def.values.iter().map(|(name, ..)| *name)))
}

pub(super) fn kind(text: &str) -> Result<LimitKind, String> {
    choice(&LimitKind::DEF, text).map(LimitKind)
}

pub(super) fn state(text: &str) -> Result<TradingState, String> {
    choice(&TradingState::DEF, text).map(TradingState)
}

pub(super) fn selector(text: &str) -> Result<(Selector, u32), String> {
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
pub(super) enum Until {
    /// Nanoseconds from now on.
    After(u64),
    /// Nanoseconds since the epoch.
    At(u64),
}

pub(super) fn until(text: &str) -> Result<Until, String> {
    if let Some(at) = parse_rfc3339(text) {
        return Ok(Until::At(at));
    }
    parse_duration(text)
        .map(Until::After)
        .map_err(|what| format!("{what}, nor a time such as 2026-11-22T16:30:00Z"))
}

pub(super) fn warn_levels(text: &str) -> Result<[u8; 3], String> {
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
