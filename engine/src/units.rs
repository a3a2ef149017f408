//! Exact arithmetic with units. No float, no rounding but the one that is documented.
//!
//! Prices and quantities are integers of 10⁻⁸, amounts integers of 10⁻⁴ of the base currency. What an
//! instrument's multiplier and its currency's rate contribute to a value is reduced to one fraction when
//! either is loaded, so that an order costs one multiplication and one division.

use bincode::{Decode, Encode};

/// Basis points in one.
pub(crate) const BPS: i128 = 10_000;
/// Values are clamped here so that a sum over 2³⁰ rows can't overflow `i128`.
pub(crate) const VALUE_CLAMP: i128 = 1 << 90;
/// 10⁸ (price) · 10⁸ (quantity) · 10⁸ (multiplier) · 10⁸ (rate) / 10⁴ (amount).
const UNIT: u128 = 10_u128.pow(28);

/// `multiplier × rate` as a reduced fraction: value = ⌈ price · quantity · num / den ⌉.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ValueFactor {
    num: u128,
    den: u128,
}

impl ValueFactor {
    /// From multiplier and rate, both positive and in 10⁻⁸.
    pub(crate) fn new(multiplier_e8: i64, rate_e8: i64) -> Self {
        let num = u128::from(multiplier_e8.unsigned_abs())
            .saturating_mul(u128::from(rate_e8.unsigned_abs()));
        let divisor = gcd(num, UNIT).max(1);
        Self {
            num: num / divisor,
            den: UNIT / divisor,
        }
    }

    /// ⌈ |price| · |qty| · multiplier · rate ⌉ in 10⁻⁴; `None` above `i64::MAX`.
    pub(crate) fn order_value(self, price_e8: i64, qty_e8: i64) -> Option<i64> {
        let product = u128::from(price_e8.unsigned_abs()) * u128::from(qty_e8.unsigned_abs());
        i64::try_from(mul_div_ceil(product, self.num, self.den)?).ok()
    }

    /// price · qty · multiplier · rate in 10⁻⁴, signed by the price, rounded up or down; clamped.
    pub(crate) fn fill_value(self, price_e8: i64, qty_e8: i64, up: bool) -> i128 {
        let product = u128::from(price_e8.unsigned_abs()) * u128::from(qty_e8.unsigned_abs());
        let negative = price_e8 < 0;
        // Rounding a negative amount up is rounding its magnitude down.
        let ceiling = mul_div_ceil(product, self.num, self.den);
        let exact = ceiling.and_then(|value| mul_div_is_exact(product, self, value));
        let magnitude = ceiling.map_or(VALUE_CLAMP, |value| {
            let floor = if exact == Some(true) {
                value
            } else {
                value.saturating_sub(1)
            };
            let rounded = if up == negative { floor } else { value };
            i128::try_from(rounded)
                .unwrap_or(VALUE_CLAMP)
                .min(VALUE_CLAMP)
        });
        if negative { -magnitude } else { magnitude }
    }

    /// ⌊ sum · multiplier · rate ⌋ toward −∞ in 10⁻⁴, of a signed sum in 10⁻¹⁶; clamped.
    pub(crate) fn profit(self, sum_e16: i128) -> i128 {
        let ceiling = mul_div_ceil(sum_e16.unsigned_abs(), self.num, self.den);
        let magnitude = ceiling.map_or(VALUE_CLAMP, |value| {
            let exact = mul_div_is_exact(sum_e16.unsigned_abs(), self, value) == Some(true);
            let rounded = if sum_e16 >= 0 && !exact {
                value.saturating_sub(1)
            } else {
                value
            };
            i128::try_from(rounded)
                .unwrap_or(VALUE_CLAMP)
                .min(VALUE_CLAMP)
        });
        if sum_e16 < 0 { -magnitude } else { magnitude }
    }

    /// sign(position) · ⌈ |position| · |mark| · multiplier · rate ⌉ in 10⁻⁴, clamped at ±2⁹⁰. The second
    /// value says whether it had to be clamped.
    pub(crate) fn position_value(self, position_e8: i128, mark_e8: i64) -> (i128, bool) {
        let magnitude = position_e8
            .unsigned_abs()
            .checked_mul(u128::from(mark_e8.unsigned_abs()))
            .and_then(|product| mul_div_ceil(product, self.num, self.den))
            .and_then(|value| i128::try_from(value).ok())
            .filter(|value| *value <= VALUE_CLAMP);
        let value = magnitude.unwrap_or(VALUE_CLAMP);
        let signed = if position_e8 < 0 { -value } else { value };
        (signed, magnitude.is_none())
    }
}

/// ⌈ value · part / whole ⌉: what is reserved of a value (R7). A part above the whole, where a bust reopened
/// more than a version began with, reserves more in proportion.
pub(crate) fn proportion_ceil(value: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 || part <= 0 || value <= 0 {
        return 0;
    }
    if part == whole {
        return value;
    }
    let product = i128::from(value) * i128::from(part);
    let whole = i128::from(whole);
    let ceiling = (product + whole - 1) / whole;
    i64::try_from(ceiling).unwrap_or(i64::MAX)
}

/// ⌈ a · b / d ⌉ with a 256-bit product; `None` if the result is above `u128::MAX`.
pub(crate) fn mul_div_ceil(a: u128, b: u128, d: u128) -> Option<u128> {
    if let Some(product) = a.checked_mul(b) {
        return Some(match (u64::try_from(product), u64::try_from(d)) {
            (Ok(product), Ok(d)) => u128::from(product.div_ceil(d)),
            _ => product.div_ceil(d),
        });
    }
    let (high, low) = wide_mul(a, b);
    if high >= d {
        return None;
    }
    // Schoolbook division, one bit at a time: only absurd sizes come this way.
    let (mut remainder, mut quotient) = (high, 0_u128);
    for bit in (0..128).rev() {
        let carry = remainder >> 127;
        remainder = (remainder << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carry == 1 || remainder >= d {
            remainder = remainder.wrapping_sub(d);
            quotient |= 1;
        }
    }
    if remainder == 0 {
        Some(quotient)
    } else {
        quotient.checked_add(1)
    }
}

/// Whether `product · num / den` is `value` without a remainder.
fn mul_div_is_exact(product: u128, factor: ValueFactor, value: u128) -> Option<bool> {
    Some(wide_mul(product, factor.num) == wide_mul(value, factor.den))
}

/// The 256-bit product as (high, low).
fn wide_mul(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (p00, p01, p10, p11) = (a0 * b0, a0 * b1, a1 * b0, a1 * b1);
    let middle = (p00 >> 64) + (p01 & LOW) + (p10 & LOW);
    let low = (p00 & LOW) | (middle << 64);
    let high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
    (high, low)
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `value` as the wire's `i64`, at its ends where it does not fit.
pub(crate) fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN + 1 } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const E8: i64 = 100_000_000;

    #[test]
    fn a_value_is_rounded_up_once() {
        let factor = ValueFactor::new(E8, E8);
        // 0.00000001 × 1 unit = 10⁻⁸, the least amount is 10⁻⁴.
        assert_eq!(factor.order_value(1, E8), Some(1));
        assert_eq!(factor.order_value(101 * E8, 5 * E8), Some(505 * 10_000));
        // A rate of 1.5 on 0.00007: 0.000105 becomes 0.0002.
        assert_eq!(
            ValueFactor::new(E8, E8 + E8 / 2).order_value(7_000, E8),
            Some(2)
        );
    }

    #[test]
    fn a_value_above_the_largest_amount_is_none_and_its_neighbour_is_not() {
        let factor = ValueFactor::new(E8, E8);
        let largest = i64::MAX;
        assert_eq!(factor.order_value(largest, E8), Some(largest / 10_000 + 1));
        assert_eq!(factor.order_value(largest, i64::MAX), None);
        let dear = ValueFactor::new(i64::MAX, i64::MAX);
        assert_eq!(dear.order_value(i64::MAX, i64::MAX), None);
        assert_eq!(dear.order_value(1, 1), Some(8_507_059_174));
    }

    #[test]
    fn a_position_value_is_signed_and_clamped() {
        let factor = ValueFactor::new(E8, E8);
        assert_eq!(
            factor.position_value(-3 * i128::from(E8), 2 * E8),
            (-60_000, false)
        );
        assert_eq!(
            factor.position_value(i128::MAX, i64::MAX),
            (VALUE_CLAMP, true)
        );
    }

    #[test]
    fn proportions_keep_the_remainder_to_the_last_lot() {
        assert_eq!(proportion_ceil(10, 3, 3), 10);
        assert_eq!(proportion_ceil(10, 2, 3), 7);
        assert_eq!(proportion_ceil(10, 1, 3), 4);
        assert_eq!(proportion_ceil(10, 0, 3), 0);
        assert_eq!(proportion_ceil(10, 4, 3), 14);
    }

    proptest! {
        #[test]
        fn wide_division_undoes_wide_multiplication(a in 1u128.., d in 1u128.., r in 0u128..) {
            // (a·d − r mod d) / d rounds up to a.
            let (high, low) = wide_mul(a, d);
            let r = r % d;
            let (low, borrow) = low.overflowing_sub(r);
            let high = high - u128::from(borrow);
            if high == 0 {
                prop_assert_eq!(mul_div_ceil(low, 1, d), Some(a));
            } else {
                prop_assert_eq!(mul_div_ceil(a, d, d), Some(a));
            }
        }
    }
}
