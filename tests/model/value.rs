//! Exact values, by arithmetic that is obviously right: big integers, one division, rounded up once.

use num_bigint::BigInt;

/// 10⁸: prices, quantities, multipliers and rates are integers of 10⁻⁸.
pub(crate) const E8: i64 = 100_000_000;

/// ⌈a / b⌉ for a ≥ 0 and b > 0.
pub(crate) fn ceil_div(a: &BigInt, b: &BigInt) -> BigInt {
    (a + b - BigInt::from(1)) / b
}

/// ⌊a / b⌋ for b > 0.
pub(crate) fn floor_div(a: &BigInt, b: &BigInt) -> BigInt {
    let rest = ((a % b) + b) % b;
    (a - rest) / b
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

/// What a fill costs or brings in 10⁻⁴: rounded against us, a buy up and a sell down.
pub(crate) fn cash_of(px: i64, qty: i128, multiplier: i64, buy: bool) -> i128 {
    let product = BigInt::from(px) * qty * multiplier;
    let unit = BigInt::from(10).pow(20);
    let rounded = if buy {
        -floor_div(&-product, &unit)
    } else {
        floor_div(&product, &unit)
    };
    i128::try_from(rounded).unwrap_or(i128::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_rounded_up_once() {
        // 100.01 × 3 × 1 × 1 = 300.03 exactly.
        let px = BigInt::from(100 * E8 + E8 / 100);
        assert_eq!(amount(&px, i128::from(3 * E8), E8, E8), 3_000_300.into());
        // 0.00000001 of anything is more than nothing.
        assert_eq!(amount(&1.into(), 1, E8, E8), 1.into());
        // 1 × 1 × 1 × 1.00005 = 1.00005 → 1.0001.
        assert_eq!(
            amount(&E8.into(), i128::from(E8), E8, E8 + 5_000),
            10_001.into()
        );
    }

    #[test]
    fn a_buy_costs_no_less_and_a_sell_brings_no_more() {
        assert_eq!(cash_of(5_000, i128::from(E8), E8, true), 1);
        assert_eq!(cash_of(5_000, i128::from(E8), E8, false), 0);
        assert_eq!(cash_of(-5_000, i128::from(E8), E8, true), 0);
        assert_eq!(cash_of(-5_000, i128::from(E8), E8, false), -1);
    }

    #[test]
    fn a_position_is_valued_away_from_zero_on_both_sides() {
        assert_eq!(position_value(-1, E8, E8, E8), -1);
        assert_eq!(position_value(1, -E8, E8, E8), 1);
        assert_eq!(position_value(0, E8, E8, E8), 0);
    }
}
