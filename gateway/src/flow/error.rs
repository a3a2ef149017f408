//! What can be wrong with a file of order flow, and where.

use std::io;

/// How much of an offending value is quoted back, in characters.
const VALUE_CHARS_MAX: usize = 40;

/// The largest quantity a line may carry, in shares: more than any venue lists,
/// and small enough that sums over a whole file stay far inside 64 bits.
pub(super) const QTY_MAX: u64 = 1_000_000_000_000;

/// A file of order flow that cannot be read, with the place.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The file cannot be opened.
    #[error("{file}: cannot be opened: {source}")]
    Open {
        /// The file, as the caller named it.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The zip archive itself is not sound, or not one we can choose from.
    #[error("{file}: {problem}")]
    Archive {
        /// The file, as the caller named it.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The bytes stop or fail to decompress before the end of the file.
    #[error("{file} line {line}: cannot be read further: {source}")]
    Read {
        /// The file, as the caller named it.
        file: String,
        /// The line that could not be completed.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// A line is not a line of text of a sensible length.
    #[error("{file} line {line}: {problem}")]
    Line {
        /// The file, as the caller named it.
        file: String,
        /// The line.
        line: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A field is absent.
    #[error("{file} line {line}, field {field}: is missing")]
    Missing {
        /// The file, as the caller named it.
        file: String,
        /// The line.
        line: u64,
        /// The field, by the format's own name.
        field: &'static str,
    },
    /// A field has a value that means nothing there.
    #[error("{file} line {line}, field {field}: `{value}` {problem}")]
    Field {
        /// The file, as the caller named it.
        file: String,
        /// The line.
        line: u64,
        /// The field, by the format's own name.
        field: &'static str,
        /// The value, shortened if long.
        value: String,
        /// What is wrong with it: "is not an integer".
        problem: &'static str,
    },
    /// The file was read to its end and holds no order.
    #[error("{file}: holds no order ({lines} lines read)")]
    NoOrders {
        /// The file, as the caller named it.
        file: String,
        /// The lines read.
        lines: u64,
    },
}

/// One line of a file and its place, for parsing fields with good errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) file: &'a str,
    pub(super) line: u64,
    pub(super) text: &'a str,
}

impl Row<'_> {
    pub(super) fn missing(&self, field: &'static str) -> FlowError {
        FlowError::Missing {
            file: self.file.to_owned(),
            line: self.line,
            field,
        }
    }

    pub(super) fn bad(&self, field: &'static str, value: &str, problem: &'static str) -> FlowError {
        FlowError::Field {
            file: self.file.to_owned(),
            line: self.line,
            field,
            value: shorten(value),
            problem,
        }
    }

    /// Digits only: no sign, no blanks, at most `u64::MAX`.
    pub(super) fn unsigned(&self, field: &'static str, value: &str) -> Result<u64, FlowError> {
        if !is_digits(value) {
            return Err(self.bad(field, value, "is not a whole number"));
        }
        value
            .parse()
            .map_err(|_| self.bad(field, value, "is too large"))
    }

    /// Digits with an optional minus sign.
    pub(super) fn signed(&self, field: &'static str, value: &str) -> Result<i64, FlowError> {
        if !is_digits(value.strip_prefix('-').unwrap_or(value)) {
            return Err(self.bad(field, value, "is not an integer"));
        }
        value
            .parse()
            .map_err(|_| self.bad(field, value, "is too large"))
    }

    /// A price in the file's unit as a positive price in 10⁻⁸.
    pub(super) fn price_e8(
        &self,
        field: &'static str,
        value: &str,
        unit_e8: i64,
    ) -> Result<i64, FlowError> {
        let price = self.signed(field, value)?;
        if price <= 0 {
            return Err(self.bad(field, value, "is not a positive price"));
        }
        price
            .checked_mul(unit_e8)
            .ok_or_else(|| self.bad(field, value, "is too large"))
    }

    /// A quantity from one to [`QTY_MAX`].
    pub(super) fn positive(&self, field: &'static str, value: &str) -> Result<u64, FlowError> {
        match self.unsigned(field, value)? {
            0 => Err(self.bad(field, value, "is not a positive quantity")),
            qty if qty > QTY_MAX => Err(self.bad(field, value, "is too large")),
            qty => Ok(qty),
        }
    }
}

/// Whether `text` is digits and at least one of them.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Quotes a value without letting a broken file flood or garble a terminal.
fn shorten(value: &str) -> String {
    let mut shown: String = value.chars().take(VALUE_CHARS_MAX).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    // '…' itself is printable and is left as it is.
    shown.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row<'static> = Row {
        file: "AAPL.csv.gz",
        line: 812,
        text: "",
    };

    #[test]
    fn an_error_names_file_line_field_and_value() {
        let error = ROW.price_e8("price", "12x", 10_000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "AAPL.csv.gz line 812, field price: `12x` is not an integer"
        );
    }

    #[test]
    fn a_long_or_unprintable_value_is_quoted_short_and_escaped() {
        let error = ROW.unsigned("size", &"\u{1b}x".repeat(500)).unwrap_err();
        let text = error.to_string();
        assert!(text.len() < 400, "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains('…'));
    }

    #[test]
    fn numbers_at_the_edge_are_read_and_one_past_it_is_refused() {
        assert_eq!(ROW.unsigned("n", "18446744073709551615").unwrap(), u64::MAX);
        assert!(ROW.unsigned("n", "18446744073709551616").is_err());
        assert_eq!(ROW.signed("n", "-9223372036854775808").unwrap(), i64::MIN);
        assert!(ROW.price_e8("p", "922337203685478", 10_000).is_err());
        assert_eq!(
            ROW.price_e8("p", "922337203685477", 10_000).unwrap(),
            9_223_372_036_854_770_000
        );
    }

    #[test]
    fn signs_blanks_and_nothing_are_not_numbers() {
        for value in ["", "+1", " 1", "1 ", "-", "--1", "1.0", "١"] {
            assert!(ROW.unsigned("n", value).is_err(), "{value:?}");
            assert!(ROW.signed("n", value).is_err(), "{value:?}");
        }
    }
}
