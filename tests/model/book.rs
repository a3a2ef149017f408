//! Rows worked out from scratch: positions from what moved them, open quantity from the live orders,
//! values, turnover and the day's profit and loss from both.

use super::limits::LimitKey;
use super::state::{At, Model};
use super::value::{floor_div, position_value};
use num_bigint::BigInt;
use std::collections::BTreeMap;
use wire::Scope;

/// What moved a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A fill, bust or correction.
    Fill,
    /// A load, an override, a split.
    Other,
}

/// One change of a position, with what it is worth to the day.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    /// Whose rows it moves: of an account with its desk and the firm, of a trader, or of both.
    pub(crate) account: Option<u32>,
    pub(crate) trader: Option<u16>,
    pub(crate) instrument: u32,
    /// Positive for buys.
    pub(crate) qty: i128,
    pub(crate) cause: Cause,
    /// Rolls of the day before it.
    pub(crate) day: u32,
    /// Part of the day's trading: not of a prior trade date.
    pub(crate) of_the_day: bool,
    /// ± quantity × price, buys positive.
    pub(crate) traded: i128,
    /// Turnover at the fill price in the base currency.
    pub(crate) bought: i128,
    pub(crate) sold: i128,
}

/// A row, worked out from the lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) position: i128,
    pub(crate) open_buy: i128,
    pub(crate) open_sell: i128,
    pub(crate) reserved_buy: i128,
    pub(crate) reserved_sell: i128,
    pub(crate) live: i128,
    /// Today's fills at their prices.
    pub(crate) bought: i128,
    pub(crate) sold: i128,
    /// Quantity of today's trading, and ± quantity × price of it.
    pub(crate) today: i128,
    pub(crate) traded: i128,
    /// Fills since the roll, of whatever date.
    pub(crate) filled: i128,
}

impl Row {
    /// "Reducing in a row", with what the order would add to its open quantity.
    pub(crate) fn reducing(&self, buy: bool, added: i128) -> bool {
        if buy {
            self.position < 0 && self.open_buy + added <= -self.position
        } else {
            self.position > 0 && self.open_sell + added <= self.position
        }
    }

    /// P + B, or −(P − S).
    pub(crate) fn worst_case(&self, buy: bool) -> i128 {
        if buy {
            self.position + self.open_buy
        } else {
            -(self.position - self.open_sell)
        }
    }

    /// P₀: what was held when the day began, with what loads, overrides and prior dates changed since.
    pub(crate) fn opening(&self) -> i128 {
        self.position - self.today
    }
}

/// The rows of a scope by instrument.
pub(crate) type Rows = BTreeMap<u32, Row>;

/// What a limit's selector takes in, summed up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) gross: i128,
    pub(crate) long: i128,
    pub(crate) short: i128,
    pub(crate) live: i128,
    pub(crate) buying: i128,
    pub(crate) selling: i128,
    pub(crate) profit: i128,
}

impl Model {
    /// All rows of a scope by instrument, from scratch.
    pub(crate) fn rows(&self, at: At) -> Rows {
        let mut rows = Rows::new();
        for m in &self.moves {
            // A trader's row holds only that trader's own fills.
            let account = m.account.filter(|_| at.0 != Scope::Trader);
            if !self.belongs(at, account, m.trader) {
                continue;
            }
            let row = rows.entry(m.instrument).or_default();
            row.position += m.qty;
            if m.day == self.day {
                row.bought += m.bought;
                row.sold += m.sold;
                row.traded += m.traded;
                if m.of_the_day {
                    row.today += m.qty;
                }
                if m.cause == Cause::Fill {
                    row.filled += m.qty;
                }
            }
        }
        for order in self.orders.iter().filter(|o| !o.terminal) {
            if self.belongs(at, Some(order.account), Some(order.trader)) {
                let row = rows.entry(order.instrument).or_default();
                row.live += 1;
                if order.is_buy() {
                    row.open_buy += order.reserved_qty();
                    row.reserved_buy += order.reserved_value();
                } else {
                    row.open_sell += order.reserved_qty();
                    row.reserved_sell += order.reserved_value();
                }
            }
        }
        rows
    }

    /// Signed value of a position; `None` without mark or rate.
    pub(crate) fn value_of(&self, instrument: u32, position: i128) -> Option<i128> {
        let instrument = self.instruments.get(&instrument)?;
        let (rate, _) = self.rate(instrument)?;
        let multiplier = instrument.def.multiplier.0;
        Some(position_value(position, instrument.mark?, multiplier, rate))
    }

    /// The day's profit and loss of a row; `None` where something held has no mark or rate.
    pub(crate) fn profit_of(&self, instrument: u32, row: &Row) -> Option<i128> {
        let instrument = self.instruments.get(&instrument)?;
        let worth = |position: i128, mark: Option<i64>| match position {
            0 => Some(BigInt::from(0)),
            _ => Some(BigInt::from(position) * mark?),
        };
        let exact = worth(row.position, instrument.mark)?
            - worth(row.opening(), instrument.mark0)?
            - row.traded;
        let (rate, _) = self.rate(instrument)?;
        let scaled = exact * instrument.def.multiplier.0 * rate;
        i128::try_from(floor_div(&scaled, &BigInt::from(10).pow(28))).ok()
    }

    /// Σ over the rows that a selector takes in.
    ///
    /// A position without mark or rate counts with no value: R17 says which orders may still pass.
    pub(crate) fn sums(&self, key: &LimitKey, rows: &Rows) -> Sums {
        let mut sums = Sums::default();
        for (instrument, row) in rows {
            if self.selects(key, *instrument) {
                let value = self.value_of(*instrument, row.position).unwrap_or(0);
                let up = value + row.reserved_buy;
                let down = value - row.reserved_sell;
                sums.gross += up.abs().max(down.abs());
                sums.long += up;
                sums.short -= down;
                sums.live += row.live;
                sums.buying += row.bought + row.reserved_buy;
                sums.selling += row.sold + row.reserved_sell;
                sums.profit += self.profit_of(*instrument, row).unwrap_or(0);
            }
        }
        sums
    }

    /// What live `Sell` orders of an account in an instrument reserve (C18).
    pub(crate) fn live_sells(&self, account: u32, instrument: u32) -> i128 {
        self.orders
            .iter()
            .filter(|o| {
                o.account == account && o.instrument == instrument && o.side == wire::Side::Sell
            })
            .map(|o| o.reserved_qty())
            .sum()
    }

    /// What live buys of an account in a currency reserve of it (C16).
    pub(crate) fn reserved_cash(&self, account: u32, currency: wire::Text<4>) -> i128 {
        self.orders
            .iter()
            .filter(|o| o.account == account && o.is_buy())
            .filter(|o| self.instruments[&o.instrument].def.currency == currency)
            .map(|o| o.reserved_cash())
            .sum()
    }
}
