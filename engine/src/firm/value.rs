//! What people type: decimals, durations, sizes and the values of limits, each exactly or not at all.
//!
//! `rust_decimal` stops here: behind this module there are integers only.

use crate::text::{ValueForm, value_form};
use rust_decimal::Decimal;
use wire::{LimitKind, Unit};

/// Reads a decimal into units of 10⁻ᵈⁱᵍⁱᵗˢ. Underscores between digits are allowed, also `1e-8`.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn parse_decimal(text: &str, digits: u32) -> Result<i64, String> {
    let plain = text.trim().replace('_', "");
    let value = if plain.contains(['e', 'E']) {
        Decimal::from_scientific(&plain)
    } else {
        Decimal::from_str_exact(&plain)
    }
    .map_err(|_| format!("`{text}` is not a decimal number such as 101.25"))?;
    let scaled = value
        .checked_mul(Decimal::from(10u64.pow(digits)))
        .ok_or_else(|| format!("`{text}` is out of range"))?;
    if !scaled.fract().is_zero() {
        return Err(format!(
            "`{text}` has more than {digits} decimals, and nothing is rounded"
        ));
    }
    match i64::try_from(scaled) {
        // The extremes are the null value and "unlimited".
        Ok(value) if value != i64::MIN && value != i64::MAX => Ok(value),
        _ => Err(format!("`{text}` is out of range")),
    }
}

/// Reads `250ms`, `2s`, `1.5h`, `1d` into nanoseconds.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ];
    let example = "is not a duration such as 500ms, 2s, 10m or 1d";
    with_unit(text, UNITS).ok_or_else(|| format!("`{text}` {example}"))
}

/// Reads `64MiB`, `4KiB` or a plain number into bytes.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn parse_size(text: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
        ("", 1),
    ];
    with_unit(text, UNITS).ok_or_else(|| format!("`{text}` is not a size such as 64MiB"))
}

/// A number with one of the units, exactly and not negative.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    let number = Decimal::from_str_exact(&number.trim().replace('_', "")).ok()?;
    let scaled = number.checked_mul(Decimal::from(*scale))?;
    if scaled.fract().is_zero() {
        u64::try_from(scaled).ok()
    } else {
        None
    }
}

/// Reads the value of a limit as people write it: `1000`, `unlimited`, `5%`, `500bps`, `20 ticks`, `2s`.
///
/// The result is the value and unit of SetLimit.
///
/// # Errors
/// A sentence that says what a limit of this kind looks like.
pub fn parse_limit_value(kind: LimitKind, text: &str) -> Result<(i64, Unit), String> {
    let text = text.trim();
    let share = matches!(kind, LimitKind::PriceCollar | LimitKind::MaxOrderVsAdv);
    let natural = if share {
        Unit::BasisPoints
    } else if kind == LimitKind::MarketMakerProtection {
        Unit::Fills
    } else {
        Unit::Natural
    };
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok((i64::MAX, natural));
    }
    let (value, unit) = match value_form(kind, Unit::Natural) {
        ValueForm::BasisPoints | ValueForm::Ticks => distance(kind, text)?,
        ValueForm::Nanos => {
            let nanos = parse_duration(text)?;
            let value = i64::try_from(nanos).map_err(|_| format!("`{text}` is out of range"))?;
            (value, Unit::Natural)
        }
        ValueForm::Quantity => (parse_decimal(text, 8)?, Unit::Natural),
        ValueForm::Amount => (parse_decimal(text, 4)?, Unit::Natural),
        ValueForm::Count if kind == LimitKind::MarketMakerProtection => {
            match text.strip_suffix("fills") {
                Some(fills) => (parse_decimal(fills, 0)?, Unit::Fills),
                None => (parse_decimal(text, 8)?, Unit::Quantity),
            }
        }
        ValueForm::Count => (parse_decimal(text, 0)?, Unit::Natural),
    };
    if value < 0 {
        return Err(format!(
            "`{text}` is negative; a limit is 0 or more, or `unlimited`"
        ));
    }
    Ok((value, unit))
}

fn distance(kind: LimitKind, text: &str) -> Result<(i64, Unit), String> {
    if let Some(percent) = text.strip_suffix('%') {
        return Ok((parse_decimal(percent, 2)?, Unit::BasisPoints));
    }
    if let Some(points) = text.strip_suffix("bps") {
        return Ok((parse_decimal(points, 0)?, Unit::BasisPoints));
    }
    let ticks = text
        .strip_suffix("ticks")
        .or_else(|| text.strip_suffix("tick"));
    match ticks {
        Some(ticks) if kind == LimitKind::PriceCollar => {
            Ok((parse_decimal(ticks, 0)?, Unit::Ticks))
        }
        _ if kind == LimitKind::PriceCollar => Err(format!(
            "`{text}` has no unit; write a distance as `5%`, `500bps` or `20 ticks`"
        )),
        _ => Err(format!(
            "`{text}` has no unit; write a share as `5%` or `500bps`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_an_error() {
        assert_eq!(parse_decimal("101.25", 8), Ok(10_125_000_000));
        assert_eq!(parse_decimal("1_000_000", 4), Ok(10_000_000_000));
        assert_eq!(parse_decimal("1e-8", 8), Ok(1));
        assert_eq!(parse_decimal("-0.5", 8), Ok(-50_000_000));
        assert!(
            parse_decimal("0.000000001", 8)
                .unwrap_err()
                .contains("8 decimals")
        );
        assert!(parse_decimal("1e-9", 8).unwrap_err().contains("8 decimals"));
        assert!(
            parse_decimal("92233720368.54775807", 8)
                .unwrap_err()
                .contains("range")
        );
        assert!(parse_decimal("100000000000000000000000000000", 8).is_err());
        for text in ["", "abc", "1.2.3", "nan", "inf", "1,5"] {
            assert!(parse_decimal(text, 8).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_and_sizes_carry_units() {
        assert_eq!(parse_duration("2s"), Ok(2_000_000_000));
        assert_eq!(parse_duration("1.5 ms"), Ok(1_500_000));
        assert_eq!(parse_duration("1d"), Ok(86_400_000_000_000));
        assert!(parse_duration("2").is_err());
        assert!(parse_duration("0.5ns").is_err());
        assert!(parse_duration("-1s").is_err());
        assert_eq!(parse_size("64MiB"), Ok(64 << 20));
        assert_eq!(parse_size("4096"), Ok(4096));
        assert!(parse_size("64 mib").is_err());
    }

    #[test]
    fn a_limit_is_read_in_the_unit_of_its_kind() {
        let cases = [
            (
                LimitKind::MaxOrderQty,
                "1000",
                100_000_000_000,
                Unit::Natural,
            ),
            (
                LimitKind::MaxOrderNotional,
                "1_000_000.5",
                10_000_005_000,
                Unit::Natural,
            ),
            (LimitKind::PriceCollar, "5%", 500, Unit::BasisPoints),
            (LimitKind::PriceCollar, "0.25%", 25, Unit::BasisPoints),
            (LimitKind::PriceCollar, "500 bps", 500, Unit::BasisPoints),
            (LimitKind::PriceCollar, "20 ticks", 20, Unit::Ticks),
            (
                LimitKind::PriceCollar,
                "unlimited",
                i64::MAX,
                Unit::BasisPoints,
            ),
            (
                LimitKind::ReferenceMaxAge,
                "2s",
                2_000_000_000,
                Unit::Natural,
            ),
            (LimitKind::OrderRate, "100", 100, Unit::Natural),
            (LimitKind::MaxOpenOrders, "0", 0, Unit::Natural),
            (
                LimitKind::MarketMakerProtection,
                "10 fills",
                10,
                Unit::Fills,
            ),
            (LimitKind::MaxLong, "unlimited", i64::MAX, Unit::Natural),
        ];
        for (kind, text, value, unit) in cases {
            assert_eq!(
                parse_limit_value(kind, text),
                Ok((value, unit)),
                "{kind} {text}"
            );
        }
        for (kind, text, says) in [
            (LimitKind::PriceCollar, "5", "write a distance as"),
            (LimitKind::PriceCollar, "0.005%", "more than 2 decimals"),
            (LimitKind::MaxOrderQty, "-1", "negative"),
            (LimitKind::OrderRate, "1.5", "more than 0 decimals"),
            (LimitKind::ReferenceMaxAge, "2", "not a duration"),
            (LimitKind::MaxLong, "many", "not a decimal number"),
        ] {
            let error = parse_limit_value(kind, text).unwrap_err();
            assert!(error.contains(says), "{kind} {text}: {error}");
        }
    }
}
