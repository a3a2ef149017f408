//! The value of a limit in the unit of its kind.

use super::number::{NumberError, parse_scaled, push_i64, push_scaled};
use wire::{LimitKind, Unit};

/// What a limit's integer value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    /// Quantity of the instrument, 10⁻⁸.
    Quantity,
    /// Amount, 10⁻⁴ of the base currency (of the account's currency for buying power).
    Amount,
    /// Orders, fills or messages.
    Count,
    /// Hundredths of a per cent.
    BasisPoints,
    /// Ticks of the instrument.
    Ticks,
    /// Nanoseconds.
    Nanos,
}

impl ValueForm {
    /// What stands after the number where people read it.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Quantity | Self::Amount | Self::Count => "",
            Self::BasisPoints => " bps",
            Self::Ticks => " ticks",
            Self::Nanos => " ns",
        }
    }
}

/// What the value of a limit of this kind counts.
#[must_use]
pub fn value_form(kind: LimitKind, unit: Unit) -> ValueForm {
    match (unit, kind) {
        (Unit::BasisPoints, _) => ValueForm::BasisPoints,
        (Unit::Ticks, _) => ValueForm::Ticks,
        (Unit::Quantity, _) => ValueForm::Quantity,
        (Unit::Fills, _) => ValueForm::Count,
        (_, LimitKind::MaxOrderQty | LimitKind::MaxLong | LimitKind::MaxShort) => {
            ValueForm::Quantity
        }
        (
            _,
            LimitKind::MaxOrderNotional
            | LimitKind::GrossNotional
            | LimitKind::NetLong
            | LimitKind::NetShort
            | LimitKind::DailyBuyTurnover
            | LimitKind::DailySellTurnover
            | LimitKind::DailyTurnover
            | LimitKind::DailyLoss
            | LimitKind::BuyingPower,
        ) => ValueForm::Amount,
        (_, LimitKind::PriceCollar | LimitKind::MaxOrderVsAdv) => ValueForm::BasisPoints,
        (_, LimitKind::ReferenceMaxAge) => ValueForm::Nanos,
        _ => ValueForm::Count,
    }
}

/// Appends the value: decimals for quantities and amounts, else an integer; `unlimited` for `i64::MAX`.
pub fn push_limit(out: &mut String, form: ValueForm, value: i64) {
    match form {
        _ if value == i64::MAX => out.push_str("unlimited"),
        ValueForm::Quantity => push_scaled(out, value.into(), 8),
        ValueForm::Amount => push_scaled(out, value.into(), 4),
        ValueForm::Count | ValueForm::BasisPoints | ValueForm::Ticks | ValueForm::Nanos => {
            push_i64(out, value);
        }
    }
}

/// The value as people read it: `1000`, `500 bps`, `unlimited`.
#[must_use]
pub fn limit_text(form: ValueForm, value: i64) -> String {
    let mut out = String::new();
    push_limit(&mut out, form, value);
    if value != i64::MAX {
        out.push_str(form.suffix());
    }
    out
}

/// Reads what [`push_limit`] wrote.
///
/// # Errors
/// [`NumberError`] if it is not a number of that form.
pub fn read_limit(text: &str, form: ValueForm) -> Result<i64, NumberError> {
    match form {
        _ if text == "unlimited" => Ok(i64::MAX),
        ValueForm::Quantity => parse_scaled(text, 8),
        ValueForm::Amount => parse_scaled(text, 4),
        ValueForm::Count | ValueForm::BasisPoints | ValueForm::Ticks | ValueForm::Nanos => {
            parse_scaled(text, 0)
        }
    }
}
