//! How rows and sums are kept: what every order moves of one stands in one cache line.
//!
//! Lines hold 64-bit numbers below 2⁶¹, so that adding three of them can't overflow and a check of the result
//! is one comparison. A row or sum that has outgrown its line, at 23 thousand million units or 230
//! million million of the base currency, is kept in full beside it and takes the long way, as exact as
//! the short one; it comes back into its line as soon as it fits.

use super::moves::Moved;
use super::row::{Row, Sums, Tail};
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// Numbers in lines are in −BOUND..BOUND.
const BOUND: i64 = 1 << 61;
/// The first number of a line whose numbers are kept beside it.
const BESIDE: i64 = i64::MIN;
/// Numbers of a line.
const NUMBERS: usize = 6;

/// Whether all of these may stand in a line.
#[inline(always)]
pub(crate) fn fit<const N: usize>(numbers: [i64; N]) -> bool {
    let bits = numbers.into_iter().fold(0, |bits, number| {
        bits | number.wrapping_add(BOUND).cast_unsigned()
    });
    bits >> 62 == 0
}

/// The numbers as they stand in a line, if all of them fit.
fn narrow(numbers: [i128; NUMBERS]) -> Option<[i64; NUMBERS]> {
    let mut narrow = [0; NUMBERS];
    for (narrow, number) in narrow.iter_mut().zip(numbers) {
        *narrow = i64::try_from(number).ok()?;
    }
    fit(narrow).then_some(narrow)
}

/// The group's sum of rows that no limit on their group looks at: none is kept.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// What orders read and move of a row.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct Line {
    pub(crate) position: i64,
    pub(crate) open_buy: i64,
    pub(crate) open_sell: i64,
    pub(crate) reserved_buy: i64,
    pub(crate) reserved_sell: i64,
    pub(crate) value: i64,
    pub(crate) live: i32,
    /// Limits of this scope on this instrument.
    pub(crate) limits: u32,
    /// Sum over the product group; [`NO_GROUP`] while no limit looks at it.
    pub(crate) group: u32,
    pub(crate) scope: u32,
}

impl Line {
    pub(crate) fn is_beside(&self) -> bool {
        self.position == BESIDE
    }

    /// max(|V + OB|, |V − OS|).
    #[inline(always)]
    pub(crate) fn gross(&self) -> i64 {
        gross_of(self.value, self.reserved_buy, self.reserved_sell)
    }
}

/// max(|V + OB|, |V − OS|) of numbers of lines.
#[inline(always)]
pub(crate) fn gross_of(value: i64, reserved_buy: i64, reserved_sell: i64) -> i64 {
    (value + reserved_buy)
        .abs()
        .max((value - reserved_sell).abs())
}

/// All rows, by slot.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct Rows {
    pub(super) lines: Vec<Line>,
    pub(super) tails: Vec<Tail>,
    /// Numbers of the rows that have outgrown their lines.
    beside: BTreeMap<u32, [i128; NUMBERS]>,
}

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            lines: Vec::with_capacity(rows),
            tails: Vec::with_capacity(rows),
            beside: BTreeMap::new(),
        }
    }

    pub(super) fn make_room(&mut self, rows: usize) {
        crate::table::room_for(&mut self.lines, rows);
        crate::table::room_for(&mut self.tails, rows);
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds an empty row.
    pub(super) fn push(&mut self, (scope, limits, group): (u32, u32, u32), tail: Tail) {
        self.lines.push(Line {
            position: 0,
            open_buy: 0,
            open_sell: 0,
            reserved_buy: 0,
            reserved_sell: 0,
            value: 0,
            live: 0,
            limits,
            group,
            scope,
        });
        self.tails.push(tail);
    }

    /// The six numbers of a row.
    fn numbers(&self, slot: u32) -> [i128; NUMBERS] {
        let line = &self.lines[slot as usize];
        if line.is_beside() {
            return self.beside.get(&slot).copied().unwrap_or_default();
        }
        [
            line.position,
            line.open_buy,
            line.open_sell,
            line.reserved_buy,
            line.reserved_sell,
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
                line.open_buy,
                line.open_sell,
                line.reserved_buy,
                line.reserved_sell,
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

/// What orders read and move of a sum.
#[derive(Debug, Clone, Copy, Default, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct SumLine {
    pub(crate) gross: i64,
    pub(crate) long: i64,
    pub(crate) short: i64,
    pub(crate) buying: i64,
    pub(crate) selling: i64,
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
                line.long,
                line.short,
                line.buying,
                line.selling,
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
                line.long,
                line.short,
                line.buying,
                line.selling,
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
    pub(super) fn open(&mut self, slot: u32, gross: i64, moved: &Moved) {
        let line = &mut self.lines[slot as usize];
        // Where the sum has outgrown its line, this does not fit either.
        let gross = line.gross.wrapping_add(gross);
        let (side, turnover) = match moved.buy {
            true => (line.long, line.buying),
            false => (line.short, line.selling),
        };
        let (side, turnover) = (side + moved.value, turnover + moved.value);
        if !fit([gross, side, turnover]) {
            let change = gross.wrapping_sub(line.gross);
            return self.open_beside(slot, change, moved);
        }
        line.gross = gross;
        if moved.buy {
            (line.long, line.buying) = (side, turnover);
        } else {
            (line.short, line.selling) = (side, turnover);
        }
        line.live += moved.live;
    }

    #[cold]
    fn open_beside(&mut self, slot: u32, gross: i64, moved: &Moved) {
        let value = i128::from(moved.value);
        let (buys, sells) = if moved.buy { (value, 0) } else { (0, value) };
        let change = Sums {
            gross: i128::from(gross),
            long: buys,
            short: sells,
            live: i64::from(moved.live),
            buying: buys,
            selling: sells,
            ..Sums::default()
        };
        self.add(slot, &change);
    }

    /// Adds what a fill moved: gross, long, short, buying, selling.
    #[inline(always)]
    pub(super) fn fill(&mut self, slot: u32, change: [i64; 5], live: i32) {
        let line = &mut self.lines[slot as usize];
        let after = [
            line.gross.wrapping_add(change[0]),
            line.long.wrapping_add(change[1]),
            line.short.wrapping_add(change[2]),
            line.buying.wrapping_add(change[3]),
            line.selling.wrapping_add(change[4]),
        ];
        if fit(after) {
            [line.gross, line.long, line.short, line.buying, line.selling] = after;
            line.live += live;
        } else {
            let [gross, long, short, buying, selling] = change.map(i128::from);
            let change = Sums {
                gross,
                long,
                short,
                live: i64::from(live),
                buying,
                selling,
                ..Sums::default()
            };
            self.add(slot, &change);
        }
    }
}

#[cfg(test)]
mod tests;
