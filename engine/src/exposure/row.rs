//! One row: position and open exposure of one scope in one instrument, and what it adds to its sums.

use super::Opened;
use crate::units::ValueFactor;
use bincode::{Decode, Encode};

/// Position and open exposure of one scope in one instrument. Quantities in 10⁻⁸, values in 10⁻⁴.
///
/// A row as its readers see it; it is kept in two parts, see [`super::line`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Signed filled position.
    pub(crate) position: i128,
    /// Open quantity of live buys.
    pub(crate) open_buy: i128,
    /// Open quantity of live sells.
    pub(crate) open_sell: i128,
    /// Reserved value of live buys.
    pub(crate) reserved_buy: i128,
    /// Reserved value of live sells.
    pub(crate) reserved_sell: i128,
    /// Signed value of the position at the mark; 0 where mark or rate is missing.
    pub(crate) value: i128,
    /// Live orders.
    pub(crate) live: i64,
    pub(crate) scope: u32,
    /// Sum over the product group, if one is kept.
    pub(crate) group: u32,
    pub(crate) instrument: u32,
    /// What fills move besides.
    pub(crate) tail: Tail,
}

/// The part of a row that only fills, loads and marks move. What a fill moves stands in the first cache line.
#[derive(Debug, Clone, Copy, Default, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct Tail {
    /// Value of today's buys and sells at their fill prices, each rounded up, 10⁻⁴.
    pub(crate) bought: i128,
    pub(crate) sold: i128,
    /// Σ ±quantity · price of today's fills (buys +) in 10⁻¹⁶.
    pub(crate) traded: i128,
    /// Fills since the roll (accounts only): a position load is `loaded + fills since the roll`.
    pub(crate) day_fills: i128,
    /// Position at the roll.
    pub(crate) opening: i128,
    /// Profit and loss of the day in 10⁻⁴; 0 where mark or rate is missing, and while no limit asks for it.
    pub(crate) profit: i128,
    pub(super) unmarked: bool,
    pub(super) unrated: bool,
    pub(crate) saturated: bool,
}

impl std::ops::Deref for Row {
    type Target = Tail;

    fn deref(&self) -> &Tail {
        &self.tail
    }
}

impl Row {
    /// Worst case of the value: |V + OB| or |V − OS|.
    pub(crate) fn gross(&self) -> i128 {
        gross(self.value, self.reserved_buy, self.reserved_sell)
    }

    /// What the row adds to its sums.
    pub(crate) fn contribution(&self) -> Sums {
        Sums {
            gross: self.gross(),
            long: self.value + self.reserved_buy,
            short: self.reserved_sell - self.value,
            live: self.live,
            buying: self.bought + self.reserved_buy,
            selling: self.sold + self.reserved_sell,
            profit: self.profit,
            unmarked: i64::from(self.unmarked),
            unrated: i64::from(self.unrated),
        }
    }
}

/// max(|V + OB|, |V − OS|).
pub(crate) fn gross(value: i128, reserved_buy: i128, reserved_sell: i128) -> i128 {
    (value + reserved_buy)
        .abs()
        .max((value - reserved_sell).abs())
}

/// Totals of a scope over a product group or over all instruments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Sums {
    /// Σ max(|V + OB|, |V − OS|).
    pub(crate) gross: i128,
    /// Σ (V + OB).
    pub(crate) long: i128,
    /// −Σ (V − OS).
    pub(crate) short: i128,
    /// Live orders.
    pub(crate) live: i64,
    /// Σ of today's buys and live buys.
    pub(crate) buying: i128,
    /// Σ of today's sells and live sells.
    pub(crate) selling: i128,
    /// Σ of the day's profit and loss.
    pub(crate) profit: i128,
    /// Held instruments without mark.
    pub(crate) unmarked: i64,
    /// Held instruments without rate.
    pub(crate) unrated: i64,
}

impl Sums {
    /// Adds a change.
    pub(super) fn add(&mut self, change: &Self) {
        self.gross += change.gross;
        self.long += change.long;
        self.short += change.short;
        self.live += change.live;
        self.buying += change.buying;
        self.selling += change.selling;
        self.profit += change.profit;
        self.unmarked += change.unmarked;
        self.unrated += change.unrated;
    }

    /// What has to be added to `before` to come here.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            gross: self.gross - before.gross,
            long: self.long - before.long,
            short: self.short - before.short,
            live: self.live - before.live,
            buying: self.buying - before.buying,
            selling: self.selling - before.selling,
            profit: self.profit - before.profit,
            unmarked: self.unmarked - before.unmarked,
            unrated: self.unrated - before.unrated,
        }
    }
}

/// A change of open exposure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) buy: bool,
    pub(crate) qty: i128,
    pub(crate) value: i128,
    pub(crate) live: i64,
    /// Signed change of the filled position.
    pub(crate) position: i128,
    /// Value of a fill of today on the delta's side, 10⁻⁴.
    pub(crate) turnover: i128,
    /// Change of the position at the roll: what moves P without profit or loss.
    pub(crate) opening: i128,
    /// Σ ±quantity · price of today's fills, 10⁻¹⁶.
    pub(crate) traded: i128,
}

impl Delta {
    /// The same, with what an order opens or releases in the same event.
    pub(crate) fn with(&self, opened: &Opened) -> Self {
        Self {
            buy: opened.buy,
            qty: i128::from(opened.qty),
            value: i128::from(opened.value),
            live: i64::from(opened.live),
            ..*self
        }
    }
}

/// What a position is valued with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Valuation {
    pub(crate) mark: Option<i64>,
    /// Mark at the roll.
    pub(crate) opening_mark: Option<i64>,
    /// Multiplier × rate; `None` while the currency has no rate.
    pub(crate) factor: Option<ValueFactor>,
}

impl Row {
    /// Values the position anew, and the day's profit where some limit asks for it.
    pub(super) fn revalue(&mut self, with: &Valuation, profits: bool) {
        let held = self.position != 0;
        self.tail.unmarked = held && with.mark.is_none();
        self.tail.unrated = held && with.factor.is_none();
        (self.value, self.tail.saturated) = match (with.mark, with.factor) {
            (Some(mark), Some(factor)) if held => factor.position_value(self.position, mark),
            _ => (0, false),
        };
        self.tail.profit = match profits {
            true => self.day_profit(with).unwrap_or(0),
            false => 0,
        };
    }

    /// The row as it looks valued this way, profit included.
    pub(crate) fn valued(&self, with: &Valuation) -> Self {
        let mut row = *self;
        row.revalue(with, true);
        row
    }

    /// P·mark − P₀·mark₀ − Σ(±q·px of today's fills), times k, rounded once toward −∞.
    pub(crate) fn day_profit(&self, with: &Valuation) -> Option<i128> {
        let worth = |position: i128, mark: Option<i64>| {
            if position == 0 {
                return Some(0);
            }
            crate::units::product(position, mark?)
        };
        let now = worth(self.position, with.mark)?;
        let opening = worth(self.opening, with.opening_mark)?;
        let sum = now.checked_sub(opening)?.checked_sub(self.traded)?;
        Some(with.factor?.profit(sum))
    }
}
