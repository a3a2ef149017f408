//! Prices, quantities and amounts as decimals, for people.
//!
//! On the wire they are integers of 10⁻⁸ and 10⁻⁴. A conversion is exact or an error: nothing is rounded.
//!
//! ```
//! use portcullis_client::decimal::{self, ToDecimal};
//!
//! let price = decimal::price("585.25")?;
//! assert_eq!(price.0, 58_525_000_000);
//! assert_eq!(price.to_decimal().unwrap().to_string(), "585.25");
//! assert!(decimal::qty("0.000000001").is_err());
//! # Ok::<(), decimal::DecimalError>(())
//! ```

pub use rust_decimal::Decimal;

use wire::{Amount, Factor, LimitKind, Price, Qty};

/// A number that can't be said on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// It is no decimal number.
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    /// It has more decimals than the wire keeps.
    #[error("{number} has more than {digits} decimals")]
    Digits {
        /// The number.
        number: Decimal,
        /// Decimals that the wire keeps.
        digits: u32,
    },
    /// It does not fit into 64 bits.
    #[error("{0} does not fit the protocol's range")]
    Range(Decimal),
}

/// Reads a price.
///
/// # Errors
/// [`DecimalError`], also for more than eight decimals.
pub fn price(text: &str) -> Result<Price, DecimalError> {
    price_of(number(text)?)
}

/// Reads a quantity, in units of the instrument.
///
/// # Errors
/// [`DecimalError`], also for more than eight decimals.
pub fn qty(text: &str) -> Result<Qty, DecimalError> {
    qty_of(number(text)?)
}

/// Reads an amount of the base currency.
///
/// # Errors
/// [`DecimalError`], also for more than four decimals.
pub fn amount(text: &str) -> Result<Amount, DecimalError> {
    units(number(text)?, 4).map(Amount)
}

/// A decimal as a price.
///
/// # Errors
/// [`DecimalError`], also for more than eight decimals.
pub fn price_of(number: Decimal) -> Result<Price, DecimalError> {
    units(number, 8).map(Price)
}

/// A decimal as a quantity.
///
/// # Errors
/// [`DecimalError`], also for more than eight decimals.
pub fn qty_of(number: Decimal) -> Result<Qty, DecimalError> {
    units(number, 8).map(Qty)
}

fn number(text: &str) -> Result<Decimal, DecimalError> {
    Decimal::from_str_exact(text).map_err(|_| DecimalError::NotANumber(text.to_owned()))
}

/// The number in units of 10⁻ᵈⁱᵍⁱᵗˢ.
fn units(number: Decimal, digits: u32) -> Result<i64, DecimalError> {
    let plain = number.normalize();
    let missing = digits
        .checked_sub(plain.scale())
        .ok_or(DecimalError::Digits { number, digits })?;
    10_i128
        .checked_pow(missing)
        .and_then(|factor| plain.mantissa().checked_mul(factor))
        .and_then(|units| i64::try_from(units).ok())
        // The smallest integer stands for null.
        .filter(|units| *units != i64::MIN)
        .ok_or(DecimalError::Range(number))
}

/// A number of the wire as a decimal.
pub trait ToDecimal {
    /// The decimal, without trailing zeros; `None` for null.
    fn to_decimal(self) -> Option<Decimal>;
}

macro_rules! to_decimal {
    ($($name:ident $digits:literal;)*) => {$(
        impl ToDecimal for $name {
            fn to_decimal(self) -> Option<Decimal> {
                (!self.is_null()).then(|| Decimal::new(self.0, $digits).normalize())
            }
        }
    )*};
}
to_decimal! {
    Price 8;
    Qty 8;
    Factor 8;
    Amount 4;
}

/// The value of a limit, or what was reached, as people read it: a quantity or an amount in decimals, else
/// the plain number (basis points or ticks, nanoseconds, counts).
#[must_use]
pub fn limit_value(kind: LimitKind, value: i64) -> String {
    let digits = match kind {
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
    };
    match value {
        i64::MAX => "unlimited".to_owned(),
        i64::MIN => "none".to_owned(),
        _ => Decimal::new(value, digits).normalize().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_written() {
        for text in ["0", "585.25", "-0.00000001", "92233720368.54775807", "100"] {
            assert_eq!(price(text).unwrap().to_decimal().unwrap().to_string(), text);
            assert_eq!(qty(text).unwrap().to_decimal().unwrap().to_string(), text);
        }
        assert_eq!(amount("12.3456").unwrap(), Amount(123_456));
        assert_eq!(qty("1.50").unwrap(), Qty(150_000_000));
        assert_eq!(Price::NULL.to_decimal(), None);
    }

    #[test]
    fn what_can_not_be_said_exactly_is_refused() {
        let digits = |text| matches!(qty(text), Err(DecimalError::Digits { digits: 8, .. }));
        assert!(digits("0.000000001"));
        assert!(matches!(
            amount("0.00001"),
            Err(DecimalError::Digits { .. })
        ));
        for text in [
            "92233720368.54775808",
            "-92233720368.54775808",
            "1000000000000",
        ] {
            assert!(matches!(price(text), Err(DecimalError::Range(_))), "{text}");
        }
        for text in ["", "x", "1e3", "1,5", "--1"] {
            assert!(
                matches!(price(text), Err(DecimalError::NotANumber(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_limit_is_shown_in_the_unit_of_its_kind() {
        let value = |kind| limit_value(kind, 5_000_000_000);
        assert_eq!(value(LimitKind::MaxOrderQty), "50");
        assert_eq!(value(LimitKind::GrossNotional), "500000");
        assert_eq!(value(LimitKind::PriceCollar), "5000000000");
        assert_eq!(limit_value(LimitKind::MaxLong, i64::MAX), "unlimited");
    }
}
