//! Order flow: where orders come from when no desk is typing them.
//!
//! Owns the neutral form of a market's day ([`FlowEvent`]), the readers that
//! make it from recorded files ([`lobster`], [`sse`]) or from a seed
//! ([`generated`]), the account of what became of every line ([`Accounting`]),
//! the synthetic attribution of orders to accounts ([`attribution`]) and an
//! independent sum of what the day must end with ([`oracle`]).
//!
//! Leaves out everything about the wire and the engine: an event says what
//! happened in the market, and the caller turns it into messages. A file is
//! read whole before its first event is handed out, so that a broken file is
//! refused at the door and never in mid-day.
//!
//! Units: prices are in 10⁻⁸ of the currency, quantities in shares, times in
//! nanoseconds after midnight. There are no floats on the way.

use std::{fmt, path::Path, str::FromStr};

pub mod accounting;
pub mod attribution;
pub mod error;
pub mod generated;
pub mod lobster;
pub mod oracle;
pub mod sse;

mod live;
mod random;
mod source;

pub use accounting::{Accounting, LineKind, UnmatchedReason};
pub use attribution::{Attributed, Attribution};
pub use error::FlowError;
pub use oracle::{PositionKey, count_outside_collar, expected_positions};

/// Buy or sell, from the point of view of the order concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The order buys.
    Buy,
    /// The order sells.
    Sell,
}

/// One thing that happened in the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowEvent {
    /// When, in nanoseconds after midnight.
    pub time_ns: u64,
    /// The line of the file it came from, counted from 1. One line can give
    /// several events: an execution can open its aggressor and fill two orders.
    pub line: u64,
    /// Index into [`Flow::instruments`].
    pub instrument: u32,
    /// What happened.
    pub kind: FlowKind,
}

/// What happened, in the order a caller must send it.
///
/// Invariant, held by every source: an order is opened before anything else
/// names it, fills never exceed its leaves, and nothing follows its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowKind {
    /// A new limit order.
    New {
        /// The order's number in the source, unique within the flow.
        order_ref: u64,
        /// The order's side.
        side: Side,
        /// The limit price.
        price_e8: i64,
        /// The order quantity.
        qty: u64,
    },
    /// A live order gets another quantity, another price, or both.
    Replace {
        /// The order.
        order_ref: u64,
        /// The limit price from here on.
        price_e8: i64,
        /// The total order quantity from here on: what is already filled plus `leaves`.
        qty: u64,
        /// What remains open from here on; more than zero.
        leaves: u64,
    },
    /// A live order is withdrawn with everything it has left.
    Cancel {
        /// The order.
        order_ref: u64,
    },
    /// The venue fills a live order.
    Fill {
        /// The order.
        order_ref: u64,
        /// The order's side, repeated so that positions can be summed from fills alone.
        side: Side,
        /// The price of the execution.
        price_e8: i64,
        /// The quantity of the execution, at most what the order has left.
        qty: u64,
        /// The execution's number: twice the line, plus one for the sell side.
        exec_ref: u64,
    },
    /// A trade of others was printed: a reference price and nothing more.
    ReferencePrice {
        /// The price printed.
        price_e8: i64,
    },
    /// Trading in the instrument stops.
    Halt,
    /// Trading in the instrument goes on.
    Resume,
}

/// Where an instrument's day-start price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayStartPrice {
    /// The source names the previous close.
    PreviousClose {
        /// The previous close.
        price_e8: i64,
    },
    /// The source names no close; its first execution stands in for one.
    FirstExecution {
        /// The price of the first execution, shown or hidden.
        price_e8: i64,
    },
    /// The source names no close and holds no execution.
    Unknown,
}

impl DayStartPrice {
    /// The price, where there is one.
    #[must_use]
    pub fn price_e8(self) -> Option<i64> {
        match self {
            Self::PreviousClose { price_e8 } | Self::FirstExecution { price_e8 } => Some(price_e8),
            Self::Unknown => None,
        }
    }
}

/// What a caller must know of an instrument to set it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowInstrument {
    /// The instrument's name in the source.
    pub symbol: String,
    /// The tick all order prices are multiples of.
    pub tick_e8: i64,
    /// The lot, in shares.
    pub lot: u64,
    /// Whether the venue lets a holder sell less than a lot.
    pub odd_lot_sells: bool,
    /// The price the day starts with.
    pub day_start: DayStartPrice,
}

/// A day of order flow, complete and accounted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The instruments the events refer to by index.
    pub instruments: Vec<FlowInstrument>,
    /// What happened, in order.
    pub events: Vec<FlowEvent>,
    /// What became of every line read.
    pub accounting: Accounting,
}

/// The formats of recorded order flow that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// LOBSTER message files (Nasdaq).
    Lobster,
    /// Order-by-order logs of the Shanghai exchange, `//key=value …`.
    Sse,
}

impl Format {
    /// Every format, in the order help texts list them.
    pub const ALL: [Self; 2] = [Self::Lobster, Self::Sse];

    /// The format's name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lobster => "lobster",
            Self::Sse => "sse",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A format's name that is none of [`Format::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a flow format; the formats are lobster and sse")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// Reads a file of recorded order flow as it is: plain, `.gz` or `.zip` with
/// one file inside, told apart by their first bytes and not by their names.
///
/// # Errors
///
/// [`FlowError`] with the file and, where one is at fault, the line, the field
/// and the value. No part of a broken file is returned.
pub fn open(path: &Path, format: Format) -> Result<Flow, FlowError> {
    let lines = source::Lines::open(path)?;
    let flow = match format {
        Format::Lobster => lobster::read(lines, &lobster::symbol_of(path))?,
        Format::Sse => sse::read(lines)?,
    };
    flow.accounting.check();
    Ok(flow)
}

/// An execution's number from its line and the side filled: unique within a
/// flow, and traceable back to the line.
fn exec_ref(line: u64, side: Side) -> u64 {
    2 * line
        + match side {
            Side::Buy => 0,
            Side::Sell => 1,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_the_name_it_prints() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
    }

    #[test]
    fn an_unknown_format_is_refused_by_name() {
        let refusal = "itch".parse::<Format>().unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "`itch` is not a flow format; the formats are lobster and sse"
        );
    }
}
