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
    /// ⌊(2¹²⁸ − 1) / den⌋: a division by `den` is a multiplication by it and one correction.
    reciprocal: u128,
    /// `den` is `odd` · 2^`twos`, and ⌊(2⁶⁴ − 1) / odd⌋ divides what fits 64 bits without its `twos`.
    twos: u32,
    odd: u64,
    reciprocal_of_odd: u64,
}

/// ⌊n / d⌋ and whether nothing remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quotient {
    floor: u128,
    exact: bool,
}

impl Quotient {
    fn ceiling(self) -> Option<u128> {
        if self.exact {
            Some(self.floor)
        } else {
            self.floor.checked_add(1)
        }
    }
}

impl ValueFactor {
    /// From multiplier and rate, both positive and in 10⁻⁸.
    pub(crate) fn new(multiplier_e8: i64, rate_e8: i64) -> Self {
        let num = u128::from(multiplier_e8.unsigned_abs())
            .saturating_mul(u128::from(rate_e8.unsigned_abs()));
        let divisor = gcd(num, UNIT).max(1);
        let den = UNIT / divisor;
        let twos = den.trailing_zeros();
        // 5²⁸ has 66 bits: an odd part that does not fit never divides the short way.
        let odd = u64::try_from(den >> twos).unwrap_or(0);
        Self {
            num: num / divisor,
            den,
            reciprocal: u128::MAX / den,
            twos,
            odd,
            reciprocal_of_odd: u64::MAX.checked_div(odd).unwrap_or(0),
        }
    }

    /// product · num / den; `None` above `u128::MAX`.
    fn divide(&self, product: u128) -> Option<Quotient> {
        let scaled = if self.num == 1 {
            product
        } else {
            match product.checked_mul(self.num) {
                Some(scaled) => scaled,
                None => return wide_div(product, self.num, self.den),
            }
        };
        if let Ok(short) = u64::try_from(scaled >> self.twos)
            && self.odd != 0
        {
            return Some(self.divide_short(short, scaled.trailing_zeros() >= self.twos));
        }
        // The reciprocal is at most den / 2¹²⁸ too small, so that the estimate is at most 1 too small.
        let estimate = high_half(scaled, self.reciprocal);
        let rest = scaled.wrapping_sub(estimate.wrapping_mul(self.den));
        Some(if rest >= self.den {
            Quotient {
                floor: estimate.wrapping_add(1),
                exact: rest == self.den,
            }
        } else {
            Quotient {
                floor: estimate,
                exact: rest == 0,
            }
        })
    }

    /// ⌊n / odd⌋; `exact` tells whether nothing was lost of n before.
    #[inline(always)]
    fn divide_short(&self, n: u64, exact: bool) -> Quotient {
        let estimate = high_of(n, self.reciprocal_of_odd);
        let rest = n.wrapping_sub(estimate.wrapping_mul(self.odd));
        // As above: at most 1 too small.
        let more = rest >= self.odd;
        Quotient {
            floor: u128::from(estimate) + u128::from(more),
            exact: exact && (rest == 0 || rest == self.odd),
        }
    }

    /// ⌈ |price| · |qty| · multiplier · rate ⌉ in 10⁻⁴; `None` above `i64::MAX`.
    pub(crate) fn order_value(&self, price_e8: i64, qty_e8: i64) -> Option<i64> {
        let product = u128::from(price_e8.unsigned_abs()) * u128::from(qty_e8.unsigned_abs());
        i64::try_from(self.divide(product)?.ceiling()?).ok()
    }

    /// price · qty · multiplier · rate in 10⁻⁴, signed by the price, rounded up or down; clamped.
    pub(crate) fn fill_value(&self, price_e8: i64, qty_e8: i64, up: bool) -> i128 {
        let product = u128::from(price_e8.unsigned_abs()) * u128::from(qty_e8.unsigned_abs());
        let negative = price_e8 < 0;
        // Rounding a negative amount up is rounding its magnitude down.
        self.signed(product, negative, up != negative)
    }

    /// ⌊ sum · multiplier · rate ⌋ toward −∞ in 10⁻⁴, of a signed sum in 10⁻¹⁶; clamped.
    pub(crate) fn profit(&self, sum_e16: i128) -> i128 {
        let negative = sum_e16 < 0;
        self.signed(sum_e16.unsigned_abs(), negative, negative)
    }

    /// A magnitude rounded away from zero or toward it, with its sign; clamped.
    fn signed(&self, product: u128, negative: bool, away: bool) -> i128 {
        let rounded = self.divide(product).and_then(|quotient| {
            if away {
                quotient.ceiling()
            } else {
                Some(quotient.floor)
            }
        });
        let magnitude = rounded
            .and_then(|value| i128::try_from(value).ok())
            .unwrap_or(VALUE_CLAMP)
            .min(VALUE_CLAMP);
        if negative { -magnitude } else { magnitude }
    }

    /// [`Self::position_value`] of a position that stands in a line; `None` where the value does not fit 64 bits.
    #[inline(always)]
    pub(crate) fn line_value(&self, position_e8: i64, mark_e8: i64) -> Option<i64> {
        let magnitude = self.order_value(mark_e8, position_e8)?;
        Some(if position_e8 < 0 {
            -magnitude
        } else {
            magnitude
        })
    }

    /// sign(position) · ⌈ |position| · |mark| · multiplier · rate ⌉ in 10⁻⁴, clamped at ±2⁹⁰. The second
    /// value says whether it had to be clamped.
    pub(crate) fn position_value(&self, position_e8: i128, mark_e8: i64) -> (i128, bool) {
        let magnitude = product(position_e8, mark_e8)
            .and_then(|product| self.divide(product.unsigned_abs())?.ceiling())
            .and_then(|value| i128::try_from(value).ok())
            .filter(|value| *value <= VALUE_CLAMP);
        let value = magnitude.unwrap_or(VALUE_CLAMP);
        let signed = if position_e8 < 0 { -value } else { value };
        (signed, magnitude.is_none())
    }
}

/// quantity · price; `None` if it does not fit. Quantities that fit `i64` cost one multiplication.
pub(crate) fn product(qty_e8: i128, price_e8: i64) -> Option<i128> {
    match i64::try_from(qty_e8) {
        Ok(qty) => Some(i128::from(qty) * i128::from(price_e8)),
        Err(_) => qty_e8.checked_mul(i128::from(price_e8)),
    }
}

/// The upper 64 bits of the 128-bit product.
#[inline(always)]
pub(crate) fn high_of(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    u64::try_from(product >> 64).unwrap_or(u64::MAX)
}

/// The upper 128 bits of the 256-bit product.
fn high_half(a: u128, b: u128) -> u128 {
    wide_mul(a, b).0
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
    let (value, part, whole) = (
        value.unsigned_abs(),
        part.unsigned_abs(),
        whole.unsigned_abs(),
    );
    // Most products fit 64 bits, whose division is the quicker one. Nothing here is 0: one division, rounded up.
    let ceiling = match value.checked_mul(part) {
        Some(product) => product.div_ceil(whole),
        None => {
            let product = u128::from(value) * u128::from(part);
            let whole = u128::from(whole);
            u64::try_from((product - 1) / whole + 1).unwrap_or(u64::MAX)
        }
    };
    i64::try_from(ceiling).unwrap_or(i64::MAX)
}

/// a · b / d with a 256-bit product; `None` if the result is above `u128::MAX`.
fn wide_div(a: u128, b: u128, d: u128) -> Option<Quotient> {
    let (high, low) = wide_mul(a, b);
    if high >= d {
        return None;
    }
    // Schoolbook division, one bit at a time: only absurd sizes come this way.
    let (mut remainder, mut floor) = (high, 0_u128);
    for bit in (0..128).rev() {
        let carry = remainder >> 127;
        remainder = (remainder << 1) | ((low >> bit) & 1);
        floor <<= 1;
        if carry == 1 || remainder >= d {
            remainder = remainder.wrapping_sub(d);
            floor |= 1;
        }
    }
    Some(Quotient {
        floor,
        exact: remainder == 0,
    })
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

/// Tells multiples of a positive step without a division (Granlund and Montgomery, PLDI 1994, §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Multiple {
    /// Inverse of the step's odd part modulo 2⁶⁴.
    inverse: u64,
    /// The step's factors of two.
    twos: u32,
    /// Largest quotient of a multiple.
    most: u64,
}

impl Multiple {
    /// A step of 1 or more; anything else has no multiples but 0.
    pub(crate) fn of(step: i64) -> Self {
        let step = u64::try_from(step).unwrap_or(0);
        if step == 0 {
            return Self {
                inverse: 1,
                twos: 0,
                most: 0,
            };
        }
        let twos = step.trailing_zeros();
        let odd = step >> twos;
        // Newton's iteration: each round doubles the bits that are right, three to begin with.
        let mut inverse = odd;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        }
        Self {
            inverse,
            twos,
            most: u64::MAX / step,
        }
    }

    /// Whether `n` is a multiple of the step.
    pub(crate) fn divides(self, n: i64) -> bool {
        let quotient = n.unsigned_abs().wrapping_mul(self.inverse);
        quotient.rotate_right(self.twos) <= self.most
    }
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

    #[test]
    fn divisibility_is_told_for_every_small_number_and_step() {
        for step in 1..=64_i64 {
            let multiple = Multiple::of(step);
            for n in -300..=300 {
                assert_eq!(multiple.divides(n), n % step == 0, "{n} by {step}");
            }
            assert_eq!(multiple.divides(i64::MIN), i64::MIN % step == 0);
            assert_eq!(multiple.divides(i64::MAX), i64::MAX % step == 0);
        }
    }

    proptest! {
        #[test]
        fn divisibility_agrees_with_the_remainder(n in any::<i64>(), d in 1_i64.., small in 1_i64..100_000) {
            prop_assert_eq!(Multiple::of(d).divides(n), n % d == 0);
            prop_assert_eq!(Multiple::of(small).divides(n), n % small == 0);
            prop_assert!(Multiple::of(d).divides(n / d * d));
        }

        #[test]
        fn wide_division_undoes_wide_multiplication(a in 1u128.., d in 1u128.., r in 0u128..) {
            // a · d / d is a without a remainder, and (a·d − r) / d rounds up to a.
            prop_assert_eq!(wide_div(a, d, d), Some(Quotient { floor: a, exact: true }));
            let (high, low) = wide_mul(a, d);
            let low = low.wrapping_sub(r % d);
            if high == 0 {
                prop_assert_eq!(wide_div(low, 1, d).and_then(Quotient::ceiling), Some(a));
            }
        }

        #[test]
        fn the_reciprocal_divides_as_the_schoolbook_does(
            multiplier in 1_i64.., rate in 1_i64.., product in any::<u128>(), shift in 0_u32..127,
        ) {
            for (multiplier, rate) in [(multiplier, rate), (E8, E8), (E8, rate), (multiplier % 1_000 + 1, E8)] {
                let factor = ValueFactor::new(multiplier, rate);
                let product = product >> shift;
                prop_assert_eq!(factor.divide(product), wide_div(product, factor.num, factor.den));
            }
        }
    }
}
