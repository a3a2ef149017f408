//! How rows and their sums move: by orders that reserve and release, by fills, by marks.
//!
//! Each has a short way over lines and a long way over whole rows that takes any number.

use super::{CHAIN, Delta, Exposure, NO_GROUP, Row, Sums, Valuation, fit};
use crate::instrument::{Instrument, Instruments};
use crate::units::ValueFactor;

/// What an order opens or, negative, releases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) buy: bool,
    pub(crate) qty: i64,
    /// Reserved value.
    pub(crate) value: i64,
    /// Live orders.
    pub(crate) live: i32,
}

impl Opened {
    /// Where the numbers of its side stand in a line.
    #[inline(always)]
    pub(super) fn side(&self) -> usize {
        usize::from(self.buy)
    }
}

/// A fill, with what it releases, whose numbers fit lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved<'a> {
    pub(super) opened: Opened,
    pub(super) position: i64,
    pub(super) turnover: i64,
    pub(super) mark: i64,
    pub(super) factor: &'a ValueFactor,
}

impl<'a> Moved<'a> {
    /// What a change moves in rows of an instrument with mark and rate.
    #[inline(always)]
    fn of(delta: &Delta, instrument: &'a Instrument) -> Option<Self> {
        let moved = Self {
            opened: Opened {
                buy: delta.buy,
                qty: i64::try_from(delta.qty).ok()?,
                value: i64::try_from(delta.value).ok()?,
                live: i32::try_from(delta.live).ok()?,
            },
            position: i64::try_from(delta.position).ok()?,
            turnover: i64::try_from(delta.turnover).ok()?,
            mark: instrument.mark?,
            factor: instrument.factor.as_ref()?,
        };
        let Opened { qty, value, .. } = moved.opened;
        fit([qty, value, moved.position, moved.turnover]).then_some(moved)
    }

    /// A change of worth as the net value of the change's own side sees it.
    #[inline(always)]
    pub(super) fn along(&self, worth: i64) -> i64 {
        if self.opened.buy { worth } else { -worth }
    }
}

impl Exposure {
    /// Applies a change to one row and to its sums.
    pub(crate) fn apply(&mut self, slot: u32, delta: &Delta, instruments: &Instruments) {
        let instrument = instruments.get(self.instrument_of_row(slot));
        self.apply_all(&[slot], delta, instrument);
    }

    /// Applies a change to each of some rows of an instrument and to their sums.
    pub(crate) fn apply_all(&mut self, rows: &[u32], delta: &Delta, instrument: &Instrument) {
        // What moves the opening position or the day's profit is rare or takes whole rows.
        let moved = match self.profits || delta.opening != 0 {
            true => None,
            false => Moved::of(delta, instrument),
        };
        for slot in rows {
            let filled = moved
                .as_ref()
                .and_then(|moved| self.fill(*slot, moved, delta));
            if filled.is_none() {
                self.apply_whole(*slot, delta, instrument);
            }
        }
    }

    /// Applies a change that moves a position with a mark and a rate; nothing where that takes the long way.
    ///
    /// Invariant: whoever is filled has followed every mark and rate before. Where there are both, its row is
    /// not counted in its sums as one without, whatever else its scope holds: nothing of that moves here.
    #[inline(always)]
    fn fill(&mut self, slot: u32, moved: &Moved<'_>, delta: &Delta) -> Option<()> {
        let line = &mut self.rows.lines[slot as usize];
        if line.is_beside() {
            return None;
        }
        let (side, mut after) = (moved.opened.side(), *line);
        after.open[side] += moved.opened.qty;
        after.reserved[side] += moved.opened.value;
        after.position += moved.position;
        after.live += moved.opened.live;
        after.value = moved.factor.line_value(after.position, moved.mark)?;
        let (open, reserved) = (after.open[side], after.reserved[side]);
        fit([open, reserved, after.position, after.value]).then_some(())?;
        let change = (after.gross() - line.gross(), after.value - line.value);
        *line = after;
        let tail = &mut self.rows.tails[slot as usize];
        debug_assert!(!tail.saturated, "a value at its end does not fit a line");
        debug_assert!(
            !tail.unmarked && !tail.unrated,
            "a row is valued before it is filled"
        );
        match moved.opened.buy {
            true => tail.bought += delta.turnover,
            false => tail.sold += delta.turnover,
        }
        tail.traded += delta.traded;
        self.alls.fill(after.scope, change, moved);
        if after.group != NO_GROUP {
            self.groups.fill(after.group, change, moved);
        }
        Some(())
    }

    /// Opens or releases the same in each of some rows and in their sums.
    #[inline(never)]
    pub(crate) fn open_all(&mut self, rows: &[u32; CHAIN], opened: &Opened) {
        if fit([opened.qty, opened.value]) {
            for slot in rows {
                self.open(*slot, opened);
            }
        } else {
            for slot in rows {
                self.open_beside(*slot, opened);
            }
        }
    }

    /// Applies a change of what is open and reserved: it moves one side of the row only.
    #[inline(always)]
    fn open(&mut self, slot: u32, opened: &Opened) {
        let line = &mut self.rows.lines[slot as usize];
        let (before, side) = (line.gross(), opened.side());
        let after = [
            line.open[side] + opened.qty,
            line.reserved[side] + opened.value,
        ];
        if line.is_beside() || !fit(after) {
            return self.open_beside(slot, opened);
        }
        [line.open[side], line.reserved[side]] = after;
        line.live += opened.live;
        let change = line.gross() - before;
        let (group, scope) = (line.group, line.scope);
        self.alls.open(scope, change, opened);
        if group != NO_GROUP {
            self.groups.open(group, change, opened);
        }
    }

    #[cold]
    #[inline(never)]
    fn open_beside(&mut self, slot: u32, opened: &Opened) {
        let mut row = self.row(slot);
        let before = row.contribution();
        let (open, reserved) = match opened.buy {
            true => (&mut row.open_buy, &mut row.reserved_buy),
            false => (&mut row.open_sell, &mut row.reserved_sell),
        };
        *open += i128::from(opened.qty);
        *reserved += i128::from(opened.value);
        row.live += i64::from(opened.live);
        self.put(slot, &row, &before);
    }

    /// Applies a change of any size, and values what is held at the mark.
    #[cold]
    #[inline(never)]
    fn apply_whole(&mut self, slot: u32, delta: &Delta, instrument: &Instrument) {
        let mut row = self.row(slot);
        let before = row.contribution();
        if delta.buy {
            row.open_buy += delta.qty;
            row.reserved_buy += delta.value;
            row.tail.bought += delta.turnover;
        } else {
            row.open_sell += delta.qty;
            row.reserved_sell += delta.value;
            row.tail.sold += delta.turnover;
        }
        row.live += delta.live;
        row.position += delta.position;
        row.tail.opening += delta.opening;
        row.tail.traded += delta.traded;
        row.revalue(&instrument.valuation(), self.profits);
        self.put(slot, &row, &before);
    }

    /// Values a row's position anew, after a change of mark or rate.
    pub(crate) fn remark(&mut self, slot: u32, with: &Valuation) {
        let mut row = self.row(slot);
        let before = row.contribution();
        row.revalue(with, self.profits);
        self.put(slot, &row, &before);
    }

    /// Keeps what has become of a row and carries it into its sums.
    pub(super) fn put(&mut self, slot: u32, row: &Row, before: &Sums) {
        self.rows.put(slot, row);
        let change = row.contribution().since(before);
        self.alls.add(row.scope, &change);
        if row.group != NO_GROUP {
            self.groups.add(row.group, &change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposure::links::Links;

    /// One row of one scope.
    fn one_row() -> Exposure {
        let mut exposure = Exposure::with_capacity(1, 1);
        exposure.add_scope(0);
        let links = Links::of(0, [u32::MAX; 2], (None, None));
        exposure.rows.push((0, 0, NO_GROUP), links);
        exposure
    }

    #[test]
    fn a_fill_of_what_has_outgrown_its_line_takes_the_long_way() {
        let most: i128 = (1 << 61) - 1;
        for (position, fits) in [(-most, true), (-most - 1, false), (-most - 2, false)] {
            let mut exposure = one_row();
            let mut row = exposure.row(0);
            let before = row.contribution();
            row.position = position;
            exposure.put(0, &row, &before);
            let sold = Moved {
                opened: Opened {
                    buy: false,
                    qty: 0,
                    value: 0,
                    live: 0,
                },
                position: -1,
                turnover: 0,
                mark: 0,
                factor: &ValueFactor::new(1, 1),
            };
            let filled = exposure.fill(0, &sold, &Delta::default());
            assert_eq!(filled.is_some(), fits, "{position}");
            let moved = if fits { position - 1 } else { position };
            assert_eq!(exposure.row(0).position, moved);
        }
    }

    #[test]
    fn what_orders_open_beyond_64_bits_is_kept_and_comes_back() {
        let mut exposure = one_row();
        let most: i64 = (1 << 61) - 1;
        let mut live = 0;
        for change in [1, 1, 1, 1, 1, -1, -1, -1, -1, 1, -1] {
            let opened = Opened {
                buy: true,
                qty: i64::from(change) * most,
                value: 0,
                live: change,
            };
            exposure.open(0, &opened);
            live += i64::from(change);
            let row = exposure.row(0);
            assert_eq!(row.live, live);
            assert_eq!(row.open_buy, i128::from(live) * i128::from(most));
            assert_eq!(exposure.rows.lines[0].is_beside(), live > 1);
        }
    }
}
