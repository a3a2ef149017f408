//! The day's buys of each row, for showing profit and loss in two parts. Nothing here decides.
//!
//! Day P&L is one exact number whose formula knows only Σ ±q·px. To show how much of it is realised, and
//! at which average price a row stands, buys and sells must be told apart: the buys are kept here, and the
//! sells follow from them. What was held at the roll counts as bought (or sold) at the opening mark.
//!
//! ```text
//! B, A_B  quantity and amount bought: today's buys, and P₀ at mark₀ where P₀ > 0
//! S, A_S  quantity and amount sold, likewise;  P = B − S,  day P&L = P·mark + A_S − A_B
//! P > 0: average A_B / B   P < 0: average A_S / S   unrealised = P·(mark − average)
//! ```
//! The split does not depend on the order of the fills, and holds in rows of desks and of the firm as it
//! does in an account's.

use crate::exposure::Row;
use crate::instrument::Instruments;
use crate::table::room_for;
use crate::touch::look_at;
use bincode::{Decode, Encode};

/// Today's buys of one row.
#[derive(Debug, Clone, Copy, Default, Encode, Decode)]
struct Bought {
    /// 10⁻⁸ units.
    qty: i128,
    /// Σ quantity · price, 10⁻¹⁶.
    amount: i128,
}

/// Today's buys, by slot of the row.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct DayBuys {
    by_row: Vec<Bought>,
}

/// Day P&L in two parts, 10⁻⁴ of the base currency; they add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) realised: i128,
    pub(crate) unrealised: i128,
}

impl DayBuys {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            by_row: Vec::with_capacity(rows),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, rows: usize) {
        room_for(&mut self.by_row, rows);
    }

    /// A buy of today joins some rows, or with a negative quantity leaves them.
    #[inline]
    pub(crate) fn note(&mut self, rows: &[u32], qty: i64, price: i64) {
        let more = Bought {
            qty: i128::from(qty),
            amount: i128::from(qty).saturating_mul(i128::from(price)),
        };
        for row in rows {
            self.add(*row, more);
        }
    }

    /// Looks at the buys of some rows.
    #[inline(always)]
    pub(crate) fn look_at(&self, rows: &[u32]) {
        for row in rows {
            if let Some(bought) = self.by_row.get(*row as usize) {
                look_at(&bought.qty);
            }
        }
    }

    #[inline]
    fn add(&mut self, row: u32, more: Bought) {
        let at = row as usize;
        if self.by_row.len() <= at {
            self.by_row.resize(at.saturating_add(1), Bought::default());
        }
        let entry = &mut self.by_row[at];
        entry.qty = entry.qty.saturating_add(more.qty);
        entry.amount = entry.amount.saturating_add(more.amount);
    }

    fn get(&self, row: u32) -> Bought {
        self.by_row.get(row as usize).copied().unwrap_or_default()
    }

    /// R28: an account's buys leave one desk's row and reach another's.
    pub(crate) fn transfer(&mut self, account_row: u32, from: u32, to: u32) {
        let of = self.get(account_row);
        let away = Bought {
            qty: of.qty.saturating_neg(),
            amount: of.amount.saturating_neg(),
        };
        self.add(from, away);
        self.add(to, of);
    }

    /// R24: quantities of a row after a split; amounts stay.
    pub(crate) fn rescale(&mut self, row: u32, numerator: i128, denominator: i128) {
        let of = self.get(row);
        let scaled = of
            .qty
            .saturating_mul(numerator)
            .checked_div_euclid(denominator);
        if let (Some(qty), Some(entry)) = (scaled, self.by_row.get_mut(row as usize)) {
            entry.qty = qty;
        }
    }

    pub(crate) fn start_day(&mut self) {
        self.by_row.fill(Bought::default());
    }

    /// Quantity and amount that a row's position was bought (or sold) for, both positive in quantity.
    fn cost(&self, slot: u32, row: &Row, opening_mark: Option<i64>) -> Option<Bought> {
        let bought = self.get(slot);
        let opening = match row.opening {
            0 => 0,
            held => held.checked_mul(i128::from(opening_mark?))?,
        };
        let sold = Bought {
            qty: bought
                .qty
                .checked_sub(row.position.checked_sub(row.opening)?)?,
            amount: bought.amount.checked_sub(row.traded)?,
        };
        let (side, held, held_amount) = if row.position > 0 {
            (bought, row.opening.max(0), opening.saturating_abs())
        } else {
            (sold, row.opening.min(0), opening.saturating_abs())
        };
        let held_qty = held.checked_abs()?;
        // The opening mark may be negative: its amount keeps the sign of the mark.
        let sign = if opening_mark.is_some_and(|mark| mark < 0) {
            -1
        } else {
            1
        };
        Some(Bought {
            qty: side.qty.checked_add(held_qty)?,
            amount: if held_qty == 0 {
                side.amount
            } else {
                side.amount.checked_add(held_amount.checked_mul(sign)?)?
            },
        })
    }

    /// Average price of a row's position in 10⁻⁸ of the instrument's currency, rounded toward −∞; `None`
    /// where nothing is held or the opening mark is missing.
    pub(crate) fn average_price(
        &self,
        slot: u32,
        row: &Row,
        instruments: &Instruments,
    ) -> Option<i64> {
        if row.position == 0 {
            return None;
        }
        let opening_mark = instruments.get(row.instrument).opening_mark;
        let cost = self.cost(slot, row, opening_mark)?;
        let average = cost.amount.checked_div_euclid(cost.qty)?;
        i64::try_from(average).ok()
    }

    /// The row's day P&L in two parts; `None` where day P&L has none.
    pub(crate) fn parts(&self, slot: u32, row: &Row, instruments: &Instruments) -> Option<Parts> {
        let profit = row.day_profit(&instruments.get(row.instrument).valuation())?;
        if row.position == 0 {
            return Some(Parts {
                realised: profit,
                unrealised: 0,
            });
        }
        let instrument = instruments.get(row.instrument);
        let cost = self.cost(slot, row, instrument.opening_mark)?;
        // P · amount / quantity, without the product that would not fit.
        let whole = cost.amount.checked_div_euclid(cost.qty)?;
        let rest = cost.amount.checked_rem_euclid(cost.qty)?;
        let paid = row.position.checked_mul(whole)?.checked_add(
            row.position
                .checked_mul(rest)?
                .checked_div_euclid(cost.qty)?,
        )?;
        let worth = row.position.checked_mul(i128::from(instrument.mark?))?;
        let unrealised = instrument.factor?.profit(worth.checked_sub(paid)?);
        Some(Parts {
            realised: profit.checked_sub(unrealised)?,
            unrealised,
        })
    }
}
