//! The field types of the protocol: scaled integers and text; [`crate::enums`] has the enums.
//!
//! They carry bytes and names only. Arithmetic with units belongs to the engine.

pub use crate::enums::*;

use crate::layout::{FieldKind, WireField, bytes_at, set_bytes_at};
use bincode::{Decode, Encode};
use core::fmt;

/// 10⁸: the scale of prices, quantities, rates and factors.
pub const E8: i64 = 100_000_000;
/// 10⁴: the scale of amounts.
pub const E4: i64 = 10_000;

macro_rules! scaled {
    ($($(#[$meta:meta])* $name:ident($inner:ty) $kind:ident null $null:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
        pub struct $name(pub $inner);

        impl $name {
            /// The null value of the protocol.
            pub const NULL: Self = Self($null);

            /// Whether this is the null value.
            #[must_use]
            pub const fn is_null(self) -> bool {
                self.0 == $null
            }
        }

        impl WireField for $name {
            const SIZE: usize = size_of::<$inner>();
            const TYPE_NAME: &'static str = stringify!($name);
            const KIND: FieldKind = FieldKind::$kind;
            const ZERO: Self = Self(0);
            const NULL: Self = Self($null);

            #[inline]
            fn is_valid(&self, _optional: bool) -> bool {
                true
            }

            #[inline]
            fn get(block: &[u8], at: usize) -> Self {
                Self(<$inner as WireField>::get(block, at))
            }

            #[inline]
            fn put(self, block: &mut [u8], at: usize) {
                self.0.put(block, at);
            }
        }
    )*};
}
scaled! {
    /// A price in 10⁻⁸ of the instrument's currency.
    Price(i64) Decimal8 null i64::MIN;
    /// A quantity in 10⁻⁸ units of the instrument (not lots).
    Qty(i64) Decimal8 null i64::MIN;
    /// A dimensionless factor or rate in 10⁻⁸.
    Factor(i64) Decimal8 null i64::MIN;
    /// An amount in 10⁻⁴ of the base currency.
    Amount(i64) Amount null i64::MIN;
    /// Nanoseconds since the Unix epoch.
    Time(u64) Time null u64::MAX;
}

/// Printable ASCII of at most `N` bytes, padded with NUL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Text<const N: usize>(pub [u8; N]);

impl<const N: usize> Text<N> {
    /// Takes the first `N` bytes of `text`; what is not printable ASCII becomes `?`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut out = [0; N];
        for (to, c) in out.iter_mut().zip(text.chars()) {
            *to = if matches!(c, ' '..='~') {
                u8::try_from(c).unwrap_or(b'?')
            } else {
                b'?'
            };
        }
        Self(out)
    }

    /// The text without its padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(N);
        core::str::from_utf8(&self.0[..end]).unwrap_or("?")
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> WireField for Text<N> {
    const SIZE: usize = N;
    const TYPE_NAME: &'static str = "char";
    const KIND: FieldKind = FieldKind::Chars;
    const ZERO: Self = Self([0; N]);
    const NULL: Self = Self([0; N]);

    fn is_valid(&self, _optional: bool) -> bool {
        // Bytes are judged without early exits and counted in a byte each, so that the compiler can
        // vectorize both passes.
        let mut wrong = 0;
        for b in self.0 {
            wrong |= u8::from(!(b' '..=b'~').contains(&b)) & u8::from(b != 0);
        }
        for (b, next) in self.0.iter().zip(self.0.iter().skip(1)) {
            wrong |= u8::from(*b == 0) & u8::from(*next != 0);
        }
        wrong == 0
    }

    #[inline]
    fn get(block: &[u8], at: usize) -> Self {
        Self(bytes_at(block, at))
    }

    #[inline]
    fn put(self, block: &mut [u8], at: usize) {
        set_bytes_at(block, at, self.0);
    }
}
