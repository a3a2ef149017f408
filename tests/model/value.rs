//! Exact values, by arithmetic that is obviously right: big integers, one division, rounded up once.

use num_bigint::BigInt;

/// 10⁸: prices, quantities, multipliers and rates are integers of 10⁻⁸.
pub(crate) const E8: i64 = 100_000_000;

/// ⌈a / b⌉ for a ≥ 0 and b > 0.
pub(crate) fn ceil_div(a: &BigInt, b: &BigInt) -> BigInt {
    (a + b - BigInt::from(1)) / b
}

/// ⌈a / b⌉ for a ≥ 0 and b > 0, in 128 bits.
pub(crate) fn ceil_div_128(a: i128, b: i128) -> i128 {
    (a + b - 1) / b
}

/// ⌈ px × qty × multiplier × FX ⌉ in 10⁻⁴ of the base currency, each factor an integer of 10⁻⁸, none
/// of them negative: 10⁻³² down to 10⁻⁴ is a division by 10²⁸.
pub(crate) fn amount(px: &BigInt, qty: i128, multiplier: i64, rate: i64) -> BigInt {
    let product = px * BigInt::from(qty) * BigInt::from(multiplier) * BigInt::from(rate);
    ceil_div(&product, &BigInt::from(10).pow(28))
}

/// Signed value of a position at the mark: sign(P) × ⌈|P| × |mark| × k⌉, saturating.
pub(crate) fn position_value(position: i128, mark: i64, multiplier: i64, rate: i64) -> i128 {
    let px = BigInt::from(mark).magnitude().clone().into();
    let value = amount(&px, position.abs(), multiplier, rate);
    let value = i128::try_from(value).unwrap_or(i128::MAX);
    value * position.signum()
}

/// The nearest 64-bit integer.
pub(crate) fn saturate(x: i128) -> i64 {
    i64::try_from(x).unwrap_or(if x < 0 { i64::MIN } else { i64::MAX })
}
