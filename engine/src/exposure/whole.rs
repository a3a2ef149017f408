//! What concerns all rows at once: the new day, a move between desks, the proof of the sums.

use super::{Delta, Exposure, ShortBook, Sums};
use crate::instrument::Instruments;

impl Exposure {
    /// Fills, turnover and profit of the day begin anew; what is held is the day's opening.
    pub(crate) fn start_day(&mut self, instruments: &Instruments) {
        for slot in 0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX) {
            let row = &mut self.rows[slot as usize];
            let before = row.contribution();
            (row.day_fills, row.bought, row.sold) = (0, 0, 0);
            (row.opening, row.traded) = (row.position, 0);
            row.revalue(&instruments.get(row.instrument).valuation());
            self.settle(slot, before);
        }
        for book in &mut self.shorts {
            *book = ShortBook {
                live_sells: book.live_sells,
                ..ShortBook::default()
            };
        }
    }

    /// What an account's row would take away from or bring to a desk (R28).
    pub(crate) fn transfer(&self, account_row: u32, sign: i128, live_sign: i64) -> [Delta; 2] {
        let row = self.row(account_row);
        [
            Delta {
                buy: true,
                qty: sign * row.open_buy,
                value: sign * row.reserved_buy,
                live: live_sign * row.live,
                position: sign * row.position,
                turnover: sign * row.bought,
                opening: sign * row.opening,
                traded: sign * row.traded,
            },
            Delta {
                qty: sign * row.open_sell,
                value: sign * row.reserved_sell,
                turnover: sign * row.sold,
                ..Delta::default()
            },
        ]
    }

    /// Recomputes every sum from its rows.
    ///
    /// # Panics
    /// If one differs: the engine must stop closed.
    pub(crate) fn check(&self) {
        let mut totals = vec![Sums::default(); self.totals.len()];
        for slot in 0..self.rows.len() {
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let part = self.row(slot).contribution();
            for total in [self.row(slot).group, self.row(slot).all] {
                let sums = &mut totals[total as usize];
                sums.gross += part.gross;
                sums.long += part.long;
                sums.short += part.short;
                sums.live += part.live;
                sums.buying += part.buying;
                sums.selling += part.selling;
                sums.profit += part.profit;
                sums.unmarked += part.unmarked;
                sums.unrated += part.unrated;
            }
        }
        for (have, want) in self.totals.iter().zip(&totals) {
            assert_eq!(&have.sums, want, "a sum equals the fold of its rows");
        }
    }
}
