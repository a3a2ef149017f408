//! `[[currencies]]` and `[[instruments]]`.

use super::section::{Section, Value};
use crate::command::DefineCurrency;
use wire::{DefineInstrument, E8, Factor, Flag, OrdType, Price, Qty, SetFx, Text};

type Currency = Text<4>;

fn code(value: Value<'_>) -> Option<Currency> {
    let text = value.string()?;
    if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
        value.wrong(
            format!("`{text}` is not a currency"),
            "write its ISO 4217 code, such as EUR",
        );
        return None;
    }
    Some(Text::new(text))
}

/// The base currency's code in `[firm]`.
pub(super) fn base_currency(firm: &Section<'_>) -> Option<Currency> {
    firm.required("base_currency").and_then(code)
}

pub(super) fn currencies(
    root: &Section<'_>,
    base: Option<Currency>,
) -> Vec<(DefineCurrency, SetFx)> {
    let mut out: Vec<(DefineCurrency, SetFx)> = Vec::new();
    for section in root.tables("currencies", "[[currencies]]") {
        let code_value = section.required("code");
        let currency = code_value.and_then(code);
        let rate = section.required("rate").and_then(|v| v.positive8());
        let max_age = section.required("max_age").and_then(max_age);
        section.finish();
        let (Some(value), Some(currency)) = (code_value, currency) else {
            continue;
        };
        if Some(currency) == base {
            value.wrong(
                format!("{currency} is the base currency: its rate is 1 and never stale"),
                "remove this section",
            );
        }
        if out.iter().any(|(other, _)| other.currency == currency) {
            value.wrong(
                format!("{currency} is defined twice"),
                "remove one of the two sections",
            );
        }
        let (Some(rate), Some(max_age_ns)) = (rate, max_age) else {
            continue;
        };
        let define = DefineCurrency {
            currency,
            max_age_ns,
        };
        let fx = SetFx {
            rate: Factor(rate),
            currency,
            ..SetFx::default()
        };
        out.push((define, fx));
    }
    out
}

/// Age above which a rate is stale; `never` is the null value.
fn max_age(value: Value<'_>) -> Option<u64> {
    if value.string()? == "never" {
        return Some(u64::MAX);
    }
    value.duration()
}

pub(super) fn instruments(
    root: &Section<'_>,
    base: Option<Currency>,
    known: &[Currency],
) -> Vec<(DefineInstrument, Option<Price>, Option<Price>)> {
    let mut out: Vec<(DefineInstrument, Option<Price>, Option<Price>)> = Vec::new();
    for section in root.tables("instruments", "[[instruments]]") {
        let id = section.required("id");
        let symbol = section.required("symbol");
        let instrument_id = id.and_then(|v| v.id());
        let text = symbol.and_then(|v| v.text::<20>());
        for (other, ..) in &out {
            if let (Some(id), true) = (id, Some(other.instrument_id) == instrument_id) {
                id.wrong("is the id of another instrument too", "give each its own");
            }
            if let (Some(symbol), true) = (symbol, Some(other.symbol) == text) {
                symbol.wrong(
                    "is the symbol of another instrument too",
                    "give each its own",
                );
            }
        }
        let definition = instrument(&section, instrument_id, text, base, known);
        let price = |key| {
            let value = section.optional(key)?;
            value.decimal8().map(Price)
        };
        let (reference, mark) = (price("reference"), price("mark"));
        section.finish();
        out.extend(definition.map(|definition| (definition, reference, mark)));
    }
    out
}

fn instrument(
    section: &Section<'_>,
    instrument_id: Option<u32>,
    symbol: Option<Text<20>>,
    base: Option<Currency>,
    known: &[Currency],
) -> Option<DefineInstrument> {
    let tick = section.required("tick").and_then(|v| v.positive8());
    let lot = section.required("lot").and_then(|v| v.positive8());
    let step_value = section.optional("qty_step");
    let qty_step = step_value.map_or(lot, |v| v.positive8());
    if let (Some(value), Some(lot), Some(step)) = (step_value, lot, qty_step)
        && lot % step != 0
    {
        value.wrong(
            "does not divide the lot",
            "the lot is a multiple of the smallest quantity",
        );
    }
    let multiplier = section
        .optional("multiplier")
        .map_or(Some(E8), |v| v.positive8());
    let currency_value = section.optional("currency");
    let currency = currency_value.map_or(base, code);
    if let (Some(value), Some(currency)) = (currency_value, currency)
        && !known.contains(&currency)
    {
        value.wrong(
            format!("{currency} is not defined"),
            format!("add [[currencies]] with code = \"{currency}\""),
        );
    }
    let group = section
        .optional("group")
        .map_or(Some(0), |v| v.uint(0, u64::from(u32::MAX) - 1));
    let venue_id = section.required("venue").and_then(|v| v.small_id());
    let odd_lot = section
        .optional("odd_lot_sell")
        .map_or(Some(false), |v| v.boolean());
    let short_sale = section
        .optional("short_sale_check")
        .map_or(Some(false), |v| v.boolean());
    let adv = section
        .optional("average_daily_volume")
        .map_or(Some(Qty::NULL), |v| v.positive8().map(Qty));
    let ord_types = section.optional("order_types").map_or(Some(3), order_types);
    Some(DefineInstrument {
        tick: Price(tick?),
        lot: Qty(lot?),
        qty_step: Qty(qty_step?),
        multiplier: Factor(multiplier?),
        instrument_id: instrument_id?,
        product_group: u32::try_from(group?).ok()?,
        currency: currency?,
        venue_id: venue_id?,
        average_daily_volume: adv?,
        odd_lot_sell: if odd_lot? { Flag::Yes } else { Flag::No },
        short_sale_check: if short_sale? { Flag::Yes } else { Flag::No },
        ord_types: ord_types?,
        symbol: symbol?,
        ..DefineInstrument::default()
    })
}

/// The order types allowed, one bit each: 1 market, 2 limit.
fn order_types(value: Value<'_>) -> Option<u8> {
    let items = value.items();
    if items.is_empty() {
        value.wrong("allows nothing", "name \"market\", \"limit\" or both");
        return None;
    }
    let mut bits = 0;
    for item in items {
        let number = item.choice(&OrdType::DEF)?;
        if !matches!(OrdType(number), OrdType::Market | OrdType::Limit) {
            item.wrong("is not supported", "supported are market and limit");
            return None;
        }
        bits |= number;
    }
    Some(bits)
}
