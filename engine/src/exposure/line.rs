//! How rows are kept: what every order moves of one stands in one cache line.
//!
//! Lines hold 64-bit numbers below 2⁶¹, so that adding three of them can't overflow and a check of the result
//! is one comparison. A row or sum that has outgrown its line, at 23 thousand million units or 230
//! million million of the base currency, is kept in full beside it and takes the long way, as exact as
//! the short one; it comes back into its line as soon as it fits.

use super::links::Links;
use super::row::{Row, Tail};
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// Numbers in lines are in −BOUND..BOUND.
const BOUND: i64 = 1 << 61;
/// The first number of a line whose numbers are kept beside it.
pub(super) const BESIDE: i64 = i64::MIN;
/// Numbers of a line.
pub(super) const NUMBERS: usize = 6;

/// Whether all of these may stand in a line.
#[inline(always)]
pub(crate) fn fit<const N: usize>(numbers: [i64; N]) -> bool {
    let bits = numbers.into_iter().fold(0, |bits, number| {
        bits | number.wrapping_add(BOUND).cast_unsigned()
    });
    bits >> 62 == 0
}

/// The numbers as they stand in a line, if all of them fit.
pub(super) fn narrow(numbers: [i128; NUMBERS]) -> Option<[i64; NUMBERS]> {
    let mut narrow = [0; NUMBERS];
    for (narrow, number) in narrow.iter_mut().zip(numbers) {
        *narrow = i64::try_from(number).ok()?;
    }
    fit(narrow).then_some(narrow)
}

/// The group's sum of rows that no limit on their group looks at: none is kept.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// The sides of a row or sum, as an order's side is looked up: `usize::from(buy)`.
pub(crate) const SELL: usize = 0;
/// See [`SELL`].
pub(crate) const BUY: usize = 1;

/// What orders read and move of a row.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct Line {
    pub(crate) position: i64,
    /// Open quantity and reserved value of live sells and of live buys, by [`SELL`] and [`BUY`].
    pub(crate) open: [i64; 2],
    pub(crate) reserved: [i64; 2],
    pub(crate) value: i64,
    pub(crate) live: i32,
    /// Limits of this scope on this instrument.
    pub(crate) limits: u32,
    /// Sum over the product group; [`NO_GROUP`] while no limit looks at it.
    pub(crate) group: u32,
    pub(crate) scope: u32,
}

impl Line {
    /// Of a row in which nothing was ever held or open.
    pub(crate) const fn empty(scope: u32, limits: u32, group: u32) -> Self {
        Self {
            position: 0,
            open: [0; 2],
            reserved: [0; 2],
            value: 0,
            live: 0,
            limits,
            group,
            scope,
        }
    }

    pub(crate) fn is_beside(&self) -> bool {
        self.position == BESIDE
    }

    /// max(|V + OB|, |V − OS|).
    #[inline(always)]
    pub(crate) fn gross(&self) -> i64 {
        gross_of(self.value, self.reserved)
    }
}

/// max(|V + OB|, |V − OS|) of numbers of lines.
#[inline(always)]
pub(crate) fn gross_of(value: i64, reserved: [i64; 2]) -> i64 {
    let worst = (value + reserved[BUY]).abs();
    worst.max((value - reserved[SELL]).abs())
}

/// All rows, by slot.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct Rows {
    pub(super) lines: Vec<Line>,
    pub(super) links: Vec<Links>,
    pub(super) tails: Vec<Tail>,
    /// Numbers of the rows that have outgrown their lines.
    beside: BTreeMap<u32, [i128; NUMBERS]>,
}

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            lines: Vec::with_capacity(rows),
            links: Vec::with_capacity(rows),
            tails: Vec::with_capacity(rows),
            beside: BTreeMap::new(),
        }
    }

    pub(super) fn make_room(&mut self, rows: usize) {
        crate::table::room_for(&mut self.lines, rows);
        crate::table::room_for(&mut self.links, rows);
        crate::table::room_for(&mut self.tails, rows);
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds an empty row.
    pub(super) fn push(&mut self, (scope, limits, group): (u32, u32, u32), links: Links) {
        self.lines.push(Line::empty(scope, limits, group));
        self.links.push(links);
        self.tails.push(Tail::default());
    }

    /// The six numbers of a row.
    fn numbers(&self, slot: u32) -> [i128; NUMBERS] {
        let line = &self.lines[slot as usize];
        if line.is_beside() {
            return self.beside.get(&slot).copied().unwrap_or_default();
        }
        [
            line.position,
            line.open[BUY],
            line.open[SELL],
            line.reserved[BUY],
            line.reserved[SELL],
            line.value,
        ]
        .map(i128::from)
    }

    pub(super) fn get(&self, slot: u32) -> Row {
        let line = &self.lines[slot as usize];
        let [
            position,
            open_buy,
            open_sell,
            reserved_buy,
            reserved_sell,
            value,
        ] = self.numbers(slot);
        Row {
            position,
            open_buy,
            open_sell,
            reserved_buy,
            reserved_sell,
            value,
            live: i64::from(line.live),
            scope: line.scope,
            group: line.group,
            instrument: self.links[slot as usize].instrument,
            tail: self.tails[slot as usize],
        }
    }

    /// Keeps what has become of a row's numbers and tail.
    pub(super) fn put(&mut self, slot: u32, row: &Row) {
        let numbers = [
            row.position,
            row.open_buy,
            row.open_sell,
            row.reserved_buy,
            row.reserved_sell,
            row.value,
        ];
        let line = &mut self.lines[slot as usize];
        line.live = i32::try_from(row.live).unwrap_or(i32::MAX);
        self.tails[slot as usize] = row.tail;
        let was_beside = line.is_beside();
        if let Some(numbers) = narrow(numbers) {
            [
                line.position,
                line.open[BUY],
                line.open[SELL],
                line.reserved[BUY],
                line.reserved[SELL],
                line.value,
            ] = numbers;
            if was_beside {
                self.beside.remove(&slot);
            }
        } else {
            line.position = BESIDE;
            self.beside.insert(slot, numbers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: i128 = (1 << 61) - 1;

    #[test]
    fn a_row_that_outgrows_its_line_keeps_every_number_and_comes_back() {
        let mut rows = Rows::with_capacity(1);
        rows.push((3, 0, 7), Links::of(0, [u32::MAX; 2], (None, None)));
        for (position, beside) in [
            (MOST, false),
            (MOST + 1, true),
            (i128::MAX, true),
            (-MOST - 1, false),
            (-MOST - 2, true),
            (5, false),
        ] {
            let mut row = rows.get(0);
            (row.position, row.value, row.live) = (position, -position / 2, 2);
            rows.put(0, &row);
            let kept = rows.get(0);
            assert_eq!(
                (kept.position, kept.value, kept.live, kept.scope, kept.group),
                (position, -position / 2, 2, 3, 7)
            );
            assert_eq!(rows.lines[0].is_beside(), beside, "{position}");
            assert_eq!(rows.beside.len(), usize::from(beside), "{position}");
        }
    }
}
