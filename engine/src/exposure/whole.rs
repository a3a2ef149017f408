//! What concerns all rows at once: the new day, a move between desks, the proof of the sums.

use super::{Delta, Exposure, NO_GROUP, ShortBook, Sums};
use crate::instrument::Instruments;

impl Exposure {
    /// Fills, turnover and profit of the day begin anew; what is held is the day's opening.
    pub(crate) fn start_day(&mut self, instruments: &Instruments) {
        for slot in 0..self.slots() {
            let mut row = self.row(slot);
            let before = row.contribution();
            (row.tail.day_fills, row.tail.bought, row.tail.sold) = (0, 0, 0);
            (row.tail.opening, row.tail.traded) = (row.position, 0);
            row.revalue(&instruments.get(row.instrument).valuation(), self.profits);
            self.put(slot, &row, &before);
        }
        self.shorts.fill(ShortBook::default());
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
        let mut groups = vec![Sums::default(); self.groups.lines.len()];
        let mut alls = vec![Sums::default(); self.alls.lines.len()];
        for row in self.rows() {
            let part = row.contribution();
            if row.group != NO_GROUP {
                groups[row.group as usize].add(&part);
            }
            alls[row.scope as usize].add(&part);
        }
        for (table, wanted) in [(&self.groups, groups), (&self.alls, alls)] {
            for (slot, want) in (0..).zip(wanted) {
                assert_eq!(table.get(slot), want, "a sum equals the fold of its rows");
            }
        }
    }
}
