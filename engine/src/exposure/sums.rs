//! How sums are kept: in one cache line each, as rows are, or in full beside it.

use super::line::{BESIDE, BUY, NUMBERS, SELL, fit, narrow};
use super::moves::{Moved, Opened};
use super::row::Sums;
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// What orders read and move of a sum.
#[derive(Debug, Clone, Copy, Default, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct SumLine {
    pub(crate) gross: i64,
    /// Σ −(V − OS) and Σ (V + OB), by [`SELL`] and [`BUY`].
    pub(crate) net: [i64; 2],
    /// Σ of today's fills and live orders, likewise.
    pub(crate) turnover: [i64; 2],
    pub(crate) profit: i64,
    pub(crate) live: i32,
    pub(crate) limits: u32,
    pub(crate) unmarked: u32,
    pub(crate) unrated: u32,
}

impl SumLine {
    pub(crate) fn is_beside(&self) -> bool {
        self.gross == BESIDE
    }
}

/// Sums of one kind, by slot: over groups, or over all instruments.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct SumTable {
    pub(super) lines: Vec<SumLine>,
    /// Numbers of the sums that have outgrown their lines.
    beside: BTreeMap<u32, [i128; NUMBERS]>,
}

impl SumTable {
    pub(super) fn with_capacity(sums: usize) -> Self {
        Self {
            lines: Vec::with_capacity(sums),
            beside: BTreeMap::new(),
        }
    }

    pub(super) fn make_room(&mut self, sums: usize) {
        crate::table::room_for(&mut self.lines, sums);
    }

    /// Adds an empty sum.
    pub(super) fn push(&mut self) -> u32 {
        self.lines.push(SumLine::default());
        u32::try_from(self.lines.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, slot: u32) -> Sums {
        let line = &self.lines[slot as usize];
        let [gross, long, short, buying, selling, profit] = if line.is_beside() {
            self.beside.get(&slot).copied().unwrap_or_default()
        } else {
            [
                line.gross,
                line.net[BUY],
                line.net[SELL],
                line.turnover[BUY],
                line.turnover[SELL],
                line.profit,
            ]
            .map(i128::from)
        };
        Sums {
            gross,
            long,
            short,
            live: i64::from(line.live),
            buying,
            selling,
            profit,
            unmarked: i64::from(line.unmarked),
            unrated: i64::from(line.unrated),
        }
    }

    fn put(&mut self, slot: u32, sums: &Sums) {
        let numbers = [
            sums.gross,
            sums.long,
            sums.short,
            sums.buying,
            sums.selling,
            sums.profit,
        ];
        let line = &mut self.lines[slot as usize];
        line.live = i32::try_from(sums.live).unwrap_or(i32::MAX);
        line.unmarked = u32::try_from(sums.unmarked).unwrap_or(u32::MAX);
        line.unrated = u32::try_from(sums.unrated).unwrap_or(u32::MAX);
        let was_beside = line.is_beside();
        if let Some(numbers) = narrow(numbers) {
            [
                line.gross,
                line.net[BUY],
                line.net[SELL],
                line.turnover[BUY],
                line.turnover[SELL],
                line.profit,
            ] = numbers;
            if was_beside {
                self.beside.remove(&slot);
            }
        } else {
            line.gross = BESIDE;
            self.beside.insert(slot, numbers);
        }
    }

    /// Adds a change of any size.
    pub(super) fn add(&mut self, slot: u32, change: &Sums) {
        let mut sums = self.get(slot);
        sums.add(change);
        self.put(slot, &sums);
    }

    /// Adds what an order opened or released: its value on its side, and what that does to the gross value.
    #[inline(always)]
    pub(super) fn open(&mut self, slot: u32, gross: i64, opened: &Opened) {
        let line = &mut self.lines[slot as usize];
        let side = opened.side();
        // Where the sum has outgrown its line, this does not fit either.
        let after = [
            line.gross.wrapping_add(gross),
            line.net[side] + opened.value,
            line.turnover[side] + opened.value,
        ];
        if !fit(after) {
            return self.open_beside(slot, gross, opened);
        }
        [line.gross, line.net[side], line.turnover[side]] = after;
        line.live += opened.live;
    }

    #[cold]
    #[inline(never)]
    fn open_beside(&mut self, slot: u32, gross: i64, opened: &Opened) {
        let value = i128::from(opened.value);
        let (buys, sells) = if opened.buy { (value, 0) } else { (0, value) };
        let change = Sums {
            gross: i128::from(gross),
            long: buys,
            short: sells,
            live: i64::from(opened.live),
            buying: buys,
            selling: sells,
            ..Sums::default()
        };
        self.add(slot, &change);
    }

    /// Adds what a fill moved: it turned over a value on its side and released what was reserved there, and the
    /// worth of the position changed.
    #[inline(always)]
    pub(super) fn fill(&mut self, slot: u32, (gross, worth): (i64, i64), moved: &Moved<'_>) {
        let line = &mut self.lines[slot as usize];
        let Opened { value, live, .. } = moved.opened;
        let side = moved.opened.side();
        let after = [
            line.gross.wrapping_add(gross),
            line.net[side] + moved.along(worth) + value,
            line.net[1 - side] - moved.along(worth),
            line.turnover[side] + value + moved.turnover,
        ];
        if !fit(after) {
            return self.fill_beside(slot, (gross, worth), moved);
        }
        [
            line.gross,
            line.net[side],
            line.net[1 - side],
            line.turnover[side],
        ] = after;
        line.live += live;
    }

    #[cold]
    #[inline(never)]
    fn fill_beside(&mut self, slot: u32, (gross, worth): (i64, i64), moved: &Moved<'_>) {
        let (value, worth) = (i128::from(moved.opened.value), i128::from(worth));
        let turnover = value + i128::from(moved.turnover);
        let mut change = Sums {
            gross: i128::from(gross),
            long: worth,
            short: -worth,
            live: i64::from(moved.opened.live),
            ..Sums::default()
        };
        if moved.opened.buy {
            (change.long, change.buying) = (worth + value, turnover);
        } else {
            (change.short, change.selling) = (value - worth, turnover);
        }
        self.add(slot, &change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::ValueFactor;

    const MOST: i128 = (1 << 61) - 1;

    #[test]
    fn a_sum_that_outgrows_its_line_stays_exact_and_comes_back() {
        for buy in [true, false] {
            let moved = Moved {
                opened: Opened {
                    buy,
                    qty: 0,
                    value: 2,
                    live: 1,
                },
                position: 0,
                turnover: 1,
                mark: 1,
                factor: &ValueFactor::new(1, 1),
            };
            let mut sums = SumTable::with_capacity(1);
            sums.push();
            let step = (1_i64 << 61) - 1;
            let (mut gross, mut worth) = (0_i128, 0_i128);
            for (number, sign) in (1_i128..).zip([1, 1, 1, -1, -1, -1, -1]) {
                sums.fill(0, (sign * step, -sign * step), &moved);
                gross += i128::from(sign * step);
                worth -= i128::from(sign * step);
                let kept = sums.get(0);
                let (long, short) = match buy {
                    true => (worth + 2 * number, -worth),
                    false => (worth, 2 * number - worth),
                };
                assert_eq!((kept.gross, kept.long, kept.short), (gross, long, short));
                let fits = [gross, long, short]
                    .iter()
                    .all(|number| (-MOST - 1..=MOST).contains(number));
                assert_eq!(sums.lines[0].is_beside(), !fits, "{gross}");
            }
            let kept = sums.get(0);
            let turnover = if buy { (21, 0) } else { (0, 21) };
            assert_eq!((kept.live, (kept.buying, kept.selling)), (7, turnover));
        }
    }

    #[test]
    fn an_order_at_a_sum_that_has_outgrown_its_line_is_counted_on_its_side() {
        let mut sums = SumTable::with_capacity(1);
        sums.push();
        let huge = Sums {
            gross: 1 << 90,
            ..Sums::default()
        };
        sums.add(0, &huge);
        for (buy, value) in [(true, 10), (false, 7)] {
            let opened = Opened {
                buy,
                qty: 1,
                value,
                live: 1,
            };
            sums.open(0, value, &opened);
        }
        let kept = sums.get(0);
        assert_eq!(
            (kept.gross, kept.long, kept.short, kept.live),
            ((1 << 90) + 17, 10, 7, 2)
        );
        assert_eq!((kept.buying, kept.selling), (10, 7));
    }
}
