//! How rows and their sums move: by orders that reserve and release, by fills, by marks.
//!
//! Each has a short way over lines and a long way over whole rows that takes any number.

use super::{Delta, Exposure, NO_GROUP, Row, Sums, Valuation, fit};
use crate::instrument::Instruments;

/// A change whose numbers fit lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub(super) buy: bool,
    pub(super) qty: i64,
    pub(super) value: i64,
    pub(super) live: i32,
    pub(super) position: i64,
    pub(super) turnover: i64,
}

impl Moved {
    #[inline(always)]
    fn of(delta: &Delta) -> Option<Self> {
        let moved = Self {
            buy: delta.buy,
            qty: i64::try_from(delta.qty).ok()?,
            value: i64::try_from(delta.value).ok()?,
            live: i32::try_from(delta.live).ok()?,
            position: i64::try_from(delta.position).ok()?,
            turnover: i64::try_from(delta.turnover).ok()?,
        };
        fit([moved.qty, moved.value, moved.position, moved.turnover]).then_some(moved)
    }
}

impl Exposure {
    /// Applies a change to one row and to its sums.
    pub(crate) fn apply(&mut self, slot: u32, delta: &Delta, instruments: &Instruments) {
        self.apply_all(&[slot], delta, instruments);
    }

    /// Applies a change to each of some rows and to their sums.
    pub(crate) fn apply_all(&mut self, rows: &[u32], delta: &Delta, instruments: &Instruments) {
        let fills =
            delta.position != 0 || delta.traded != 0 || delta.opening != 0 || delta.turnover != 0;
        let moved = Moved::of(delta);
        if let Some(moved) = &moved
            && !fills
        {
            for slot in rows {
                self.open(*slot, moved);
            }
            return;
        }
        for slot in rows {
            let short = moved.as_ref().filter(|_| !self.profits);
            let filled = short.and_then(|moved| self.fill(*slot, moved, delta, instruments));
            if filled.is_none() {
                self.apply_whole(*slot, delta, instruments);
            }
        }
    }

    /// Applies a change that moves a position with a mark and a rate; nothing where that takes the long way.
    #[inline(always)]
    fn fill(
        &mut self,
        slot: u32,
        moved: &Moved,
        delta: &Delta,
        instruments: &Instruments,
    ) -> Option<()> {
        let line = &mut self.rows.lines[slot as usize];
        let tail = &mut self.rows.tails[slot as usize];
        let instrument = instruments.get(tail.instrument);
        let (mark, factor) = (instrument.mark?, instrument.factor?);
        if line.is_beside() || tail.unmarked || tail.unrated {
            return None;
        }
        let mut after = *line;
        let (open, reserved) = match moved.buy {
            true => (&mut after.open_buy, &mut after.reserved_buy),
            false => (&mut after.open_sell, &mut after.reserved_sell),
        };
        *open += moved.qty;
        *reserved += moved.value;
        let (open, reserved) = (*open, *reserved);
        after.position += moved.position;
        after.live += moved.live;
        after.value = factor.line_value(after.position, mark)?;
        fit([open, reserved, after.position, after.value]).then_some(())?;
        let worth = after.value - line.value;
        let (long, short, buying, selling) = match moved.buy {
            true => (worth + moved.value, -worth, moved.value + moved.turnover, 0),
            false => (worth, moved.value - worth, 0, moved.value + moved.turnover),
        };
        let change = [after.gross() - line.gross(), long, short, buying, selling];
        *line = after;
        match moved.buy {
            true => tail.bought += delta.turnover,
            false => tail.sold += delta.turnover,
        }
        tail.opening += delta.opening;
        tail.traded += delta.traded;
        tail.saturated = false;
        self.alls.fill(after.scope, change, moved.live);
        if after.group != NO_GROUP {
            self.groups.fill(after.group, change, moved.live);
        }
        Some(())
    }

    /// Applies a change of what is open and reserved: it moves one side of the row only.
    #[inline(always)]
    fn open(&mut self, slot: u32, moved: &Moved) {
        let line = &mut self.rows.lines[slot as usize];
        let before = line.gross();
        let (open, reserved) = match moved.buy {
            true => (line.open_buy, line.reserved_buy),
            false => (line.open_sell, line.reserved_sell),
        };
        let (open, reserved) = (open + moved.qty, reserved + moved.value);
        if line.is_beside() || !fit([open, reserved]) {
            return self.open_beside(slot, moved);
        }
        if moved.buy {
            (line.open_buy, line.reserved_buy) = (open, reserved);
        } else {
            (line.open_sell, line.reserved_sell) = (open, reserved);
        }
        line.live += moved.live;
        let change = line.gross() - before;
        let (group, scope) = (line.group, line.scope);
        self.alls.open(scope, change, moved);
        if group != NO_GROUP {
            self.groups.open(group, change, moved);
        }
    }

    #[cold]
    fn open_beside(&mut self, slot: u32, moved: &Moved) {
        let mut row = self.row(slot);
        let before = row.contribution();
        let (open, reserved) = match moved.buy {
            true => (&mut row.open_buy, &mut row.reserved_buy),
            false => (&mut row.open_sell, &mut row.reserved_sell),
        };
        *open += i128::from(moved.qty);
        *reserved += i128::from(moved.value);
        row.live += i64::from(moved.live);
        self.put(slot, &row, &before);
    }

    /// Applies a change of any size, and values what is held at the mark.
    fn apply_whole(&mut self, slot: u32, delta: &Delta, instruments: &Instruments) {
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
        row.revalue(&instruments.get(row.instrument).valuation(), self.profits);
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
