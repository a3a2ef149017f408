//! Scaled integers as decimal text, exactly, in both directions.
//!
//! `10125000000` at 8 digits is `101.25`; trailing zeros and a trailing point are never written.

use std::fmt::Write;

/// Why a text is not a number of the wanted scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It is not digits with at most one point and a leading minus.
    #[error("is not a decimal number such as 101.25")]
    Syntax,
    /// It has more decimals than can be held.
    #[error("has more than {0} decimals, and nothing is rounded")]
    TooFine(u32),
    /// It is outside what can be held.
    #[error("is out of range")]
    Range,
}

/// Appends an unsigned integer.
pub fn push_u64(out: &mut String, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// Appends a signed integer.
pub fn push_i64(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    push_u64(out, value.unsigned_abs());
}

/// Appends `value` × 10⁻ᵈⁱᵍⁱᵗˢ as a decimal without trailing zeros.
pub fn push_scaled(out: &mut String, value: i128, digits: u32) {
    if value < 0 {
        out.push('-');
    }
    let magnitude = value.unsigned_abs();
    // Nearly all numbers fit into 64 bits, where division is many times faster.
    if let (Ok(magnitude), Some(one)) = (u64::try_from(magnitude), 10_u64.checked_pow(digits)) {
        push_u64(out, magnitude / one);
        push_fraction(out, magnitude % one, one);
        return;
    }
    let one = 10u128.pow(digits);
    let (whole, mut fraction) = (magnitude / one, magnitude % one);
    match u64::try_from(whole) {
        Ok(whole) => push_u64(out, whole),
        Err(_) => drop(write!(out, "{whole}")),
    }
    if fraction == 0 {
        return;
    }
    out.push('.');
    let mut place = one / 10;
    while fraction != 0 {
        let digit = u8::try_from(fraction / place).unwrap_or(0);
        out.push(char::from(b'0' + digit));
        fraction %= place;
        place /= 10;
    }
}

/// Appends `.` and the digits of `fraction` / `one`, a power of ten, without trailing zeros; of 0, nothing.
fn push_fraction(out: &mut String, mut fraction: u64, one: u64) {
    if fraction == 0 {
        return;
    }
    out.push('.');
    let mut place = one / 10;
    while fraction != 0 {
        out.push(char::from(
            b'0' + u8::try_from(fraction / place).unwrap_or(0),
        ));
        fraction %= place;
        place /= 10;
    }
}

/// A price, quantity, rate or factor: `value` × 10⁻⁸.
#[must_use]
pub fn decimal8(value: impl Into<i128>) -> String {
    let mut out = String::new();
    push_scaled(&mut out, value.into(), 8);
    out
}

/// An amount: `value` × 10⁻⁴ of the base currency.
#[must_use]
pub fn decimal4(value: impl Into<i128>) -> String {
    let mut out = String::new();
    push_scaled(&mut out, value.into(), 4);
    out
}

/// Reads a decimal into units of 10⁻ᵈⁱᵍⁱᵗˢ.
///
/// # Errors
/// [`NumberError`] if it is no decimal, finer than the scale, or out of range.
pub fn parse_scaled(text: &str, digits: u32) -> Result<i64, NumberError> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let (whole, fraction) = match body.split_once('.') {
        Some((_, "")) => return Err(NumberError::Syntax),
        Some((whole, fraction)) => (whole, fraction),
        None => (body, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(NumberError::Syntax);
    }
    let scale = usize::try_from(digits).unwrap_or(usize::MAX);
    let (kept, dropped) = fraction.split_at(fraction.len().min(scale));
    if dropped.bytes().any(|b| b != b'0') {
        return Err(NumberError::TooFine(digits));
    }
    let padding = std::iter::repeat_n(b'0', scale - kept.len());
    let mut magnitude: u64 = 0;
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        magnitude = magnitude
            .checked_mul(10)
            .and_then(|m| m.checked_add(u64::from(digit - b'0')))
            .ok_or(NumberError::Range)?;
    }
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
    .ok_or(NumberError::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_without_trailing_zeros() {
        for (value, text) in [
            (0, "0"),
            (1, "0.00000001"),
            (-1, "-0.00000001"),
            (10_125_000_000, "101.25"),
            (-100_000_000, "-1"),
            (i64::MAX, "92233720368.54775807"),
            (i64::MIN, "-92233720368.54775808"),
        ] {
            assert_eq!(decimal8(value), text);
            assert_eq!(parse_scaled(text, 8), Ok(value));
        }
        assert_eq!(decimal4(12_345), "1.2345");
        assert_eq!(
            decimal8(i128::MAX),
            "1701411834604692317316873037158.84105727"
        );
    }

    #[test]
    fn what_does_not_fit_exactly_is_an_error() {
        assert_eq!(parse_scaled("1.000000001", 8), Err(NumberError::TooFine(8)));
        assert_eq!(parse_scaled("1.0000000010", 9), Ok(1_000_000_001));
        assert_eq!(parse_scaled("1.50000", 4), Ok(15_000));
        assert_eq!(
            parse_scaled("92233720368.54775808", 8),
            Err(NumberError::Range)
        );
        for text in ["", "-", ".5", "5.", "1e3", "+1", "1 ", "1.2.3", "--1", "٣"] {
            assert_eq!(parse_scaled(text, 8), Err(NumberError::Syntax), "{text:?}");
        }
    }
}
