//! Exposure: what is held, what is open and what is reserved, summed through the tree.
//!
//! A *row* is (scope, instrument). Each row adds to the *sum* of its scope over all instruments and, from the
//! first limit there on, to that of its scope over its product group. An account's row leads to the desk's and the
//! firm's row of the same instrument; filled positions net on the way up, open buys and sells never do.
//!
//! Rows of desks and the firm are valued at once when a mark or a rate changes; those of accounts and
//! traders lag behind by what [`Remarks`] holds.
//!
//! Invariant: a sum equals the fold of its rows' contributions; [`Exposure::check`] recomputes it.

mod line;
mod links;
mod moves;
mod remarks;
mod row;
mod sums;
mod uses;
mod whole;

pub(crate) use line::{BUY, Line, NO_GROUP, SELL, fit, gross_of};
pub(crate) use moves::Opened;
pub(crate) use remarks::Remarks;
pub(crate) use row::{Delta, Row, Sums, Valuation, gross};
pub(crate) use sums::SumLine;
pub(crate) use uses::{Lines, Uses};

use crate::index::{Index, Tag};
use crate::instrument::{Instrument, Instruments};
use crate::limits::{Limits, SetKey};
use crate::table::{Table, mix, room_for};
use crate::tree::{CHAIN, FIRM, Tree};
use bincode::{Decode, Encode};
use line::Rows;
use links::Links;
use sums::SumTable;
use wire::{Scope, Selector};

/// What covers the sells of one account in one instrument (C18). Quantities in 10⁻⁸.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ShortBook {
    /// Settled position as loaded today.
    pub(crate) settled: i64,
    /// Today's fills of plain sells; busted ones still count.
    pub(crate) sold: i64,
    /// Located quantity as loaded today, and what accepted short sells have used of it.
    pub(crate) locates: i64,
    pub(crate) located_used: i64,
}

/// All rows and sums.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Exposure {
    rows: Rows,
    /// One book for each row, used for accounts only.
    shorts: Vec<ShortBook>,
    /// (scope, instrument) → row.
    by_place: Index,
    /// Sums over product groups.
    groups: SumTable,
    /// (scope, group) → sum.
    by_group: Table<u64>,
    /// Sums over all instruments, by scope.
    alls: SumTable,
    /// scope → head of the list of its rows.
    first_of_scope: Vec<Option<u32>>,
    /// Changes of marks and rates that rows of accounts and traders have still to follow.
    pub(crate) remarks: Remarks,
    /// Whether rows and sums keep the day's profit: from the first limit on that asks for it.
    profits: bool,
    capacity: usize,
}

fn place(scope: u32, other: u32) -> u64 {
    (u64::from(scope) << 32) | u64::from(other)
}

/// Where the row of a place is looked for.
#[inline]
fn tag(scope: u32, instrument: u32) -> Tag {
    Tag::of_hash(mix(place(scope, instrument)))
}

impl Exposure {
    pub(crate) fn with_capacity(rows: usize, scopes: usize) -> Self {
        Self {
            rows: Rows::with_capacity(rows),
            shorts: Vec::with_capacity(rows),
            by_place: Index::with_capacity(rows),
            groups: SumTable::with_capacity(rows),
            by_group: Table::with_capacity(rows, 0),
            alls: SumTable::with_capacity(scopes),
            first_of_scope: Vec::with_capacity(scopes),
            remarks: Remarks::with_capacity(scopes),
            profits: false,
            capacity: rows,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, scopes: usize) {
        let Self {
            rows,
            shorts,
            by_place: _,
            groups,
            by_group: _,
            alls,
            first_of_scope,
            remarks,
            profits: _,
            capacity,
        } = self;
        remarks.make_room(scopes);
        rows.make_room(*capacity);
        room_for(shorts, *capacity);
        groups.make_room(*capacity);
        alls.make_room(scopes);
        room_for(first_of_scope, scopes);
    }

    /// Prepares the sums of a new scope. Scopes are added in order of their slots.
    pub(crate) fn add_scope(&mut self, scope: u32) {
        let added = self.alls.push();
        debug_assert_eq!(added, scope, "scopes come in order");
        self.first_of_scope.push(None);
        self.remarks.add_scope();
    }

    pub(crate) fn is_nearly_full(&self) -> bool {
        self.rows.len().saturating_mul(10) >= self.capacity.saturating_mul(9)
    }

    /// Whether the table has grown past its size.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= self.capacity
    }

    #[inline]
    pub(crate) fn find(&self, scope: u32, instrument: u32) -> Option<u32> {
        self.by_place.find(tag(scope, instrument), |slot| {
            self.line(slot).scope == scope && self.instrument_of_row(slot) == instrument
        })
    }

    /// Looks at where a place stands.
    #[inline(always)]
    pub(crate) fn look_at_place(&self, scope: u32, instrument: u32) {
        self.by_place.look_at(tag(scope, instrument));
    }

    /// The row that is most likely that of a place.
    #[inline]
    pub(crate) fn likely(&self, scope: u32, instrument: u32) -> Option<u32> {
        self.by_place.likely(tag(scope, instrument))
    }

    /// A row as a whole.
    pub(crate) fn row(&self, slot: u32) -> Row {
        self.rows.get(slot)
    }

    /// What orders read of a row.
    #[inline(always)]
    pub(crate) fn line(&self, slot: u32) -> &Line {
        &self.rows.lines[slot as usize]
    }

    /// Filled position of a row, at the ends of what a message tells where it does not fit.
    pub(crate) fn position(&self, slot: u32) -> i64 {
        let line = self.line(slot);
        match line.is_beside() {
            true => crate::units::saturate(self.row(slot).position),
            false => line.position,
        }
    }

    pub(crate) fn scope_of_row(&self, slot: u32) -> u32 {
        self.line(slot).scope
    }

    /// The set of limits of the row's scope on its instrument.
    pub(crate) fn set_limits_of_row(&mut self, slot: u32, set: u32) {
        self.rows.lines[slot as usize].limits = set;
    }

    /// Fills since the roll, of an account's row.
    pub(crate) fn add_day_fills(&mut self, slot: u32, change: i128) {
        let fills = &mut self.rows.tails[slot as usize].day_fills;
        *fills = fills.saturating_add(change);
    }

    /// What covers sells besides live ones.
    pub(crate) fn short(&self, slot: u32) -> &ShortBook {
        &self.shorts[slot as usize]
    }

    pub(crate) fn short_mut(&mut self, slot: u32) -> &mut ShortBook {
        &mut self.shorts[slot as usize]
    }

    /// Leaves of live plain sells (C18).
    pub(crate) fn live_sells(&self, slot: u32) -> i128 {
        self.rows.links[slot as usize].live_sells
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        (0..self.slots()).map(|slot| self.row(slot))
    }

    fn slots(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// Sums of a scope over all instruments.
    pub(crate) fn all(&self, scope: u32) -> Sums {
        self.alls.get(scope)
    }

    /// Sums over a product group, by the group's slot.
    pub(crate) fn group(&self, slot: u32) -> Sums {
        self.groups.get(slot)
    }

    /// What orders read of the sums over all instruments.
    #[inline(always)]
    pub(crate) fn all_line(&self, scope: u32) -> &SumLine {
        &self.alls.lines[scope as usize]
    }

    /// What orders read of the sums over a row's group, if they are kept.
    #[inline(always)]
    pub(crate) fn group_line(&self, slot: u32) -> Option<&SumLine> {
        self.groups.lines.get(slot as usize)
    }

    pub(crate) fn set_limits_of_all(&mut self, scope: u32, set: u32) {
        self.alls.lines[scope as usize].limits = set;
    }

    pub(crate) fn set_limits_of_group(&mut self, slot: u32, set: u32) {
        self.groups.lines[slot as usize].limits = set;
    }

    /// Slot of a scope's sums over a product group, if they are kept.
    pub(crate) fn group_of(&self, scope: u32, group: u32) -> Option<u32> {
        self.by_group.get(place(scope, group))
    }

    /// Slot of a scope's sums over a product group, kept from now on: at first they cost one look at every
    /// row of the scope, which has followed all changes of marks and rates.
    pub(crate) fn keep_group(&mut self, scope: u32, group: u32, instruments: &Instruments) -> u32 {
        if let Some(slot) = self.group_of(scope, group) {
            return slot;
        }
        let slot = self.groups.push();
        self.by_group.insert(place(scope, group), slot);
        let mut next = self.first_of_scope[scope as usize];
        while let Some(row) = next {
            let links = &self.rows.links[row as usize];
            next = links.next_of_scope;
            if instruments.get(links.instrument).definition.product_group == group {
                self.rows.lines[row as usize].group = slot;
                let part = self.row(row).contribution();
                self.groups.add(slot, &part);
            }
        }
        slot
    }

    /// From now on rows and sums keep the day's profit. Costs one look at every row.
    pub(crate) fn keep_profits(&mut self, instruments: &Instruments) {
        if std::mem::replace(&mut self.profits, true) {
            return;
        }
        for slot in 0..self.slots() {
            let instrument = self.instrument_of_row(slot);
            self.remark(slot, &instruments.get(instrument).valuation());
        }
    }

    /// What a row is before the first order in it.
    pub(crate) fn first_line(&self, scope: u32, instrument: &Instrument, limits: &Limits) -> Line {
        let set = limits.set_of(SetKey {
            scope,
            selector: Selector::Instrument,
            selector_id: instrument.id,
        });
        let group = self.group_of(scope, instrument.definition.product_group);
        Line::empty(scope, set, group.unwrap_or(NO_GROUP))
    }

    /// The row of (scope, instrument), made if need be.
    pub(crate) fn row_or_new(
        &mut self,
        scope: u32,
        instrument: u32,
        tree: &Tree,
        instruments: &mut Instruments,
        limits: &Limits,
    ) -> u32 {
        if let Some(slot) = self.find(scope, instrument) {
            return slot;
        }
        let node = tree.get(scope);
        let (mut desk_row, mut firm_row) = (u32::MAX, u32::MAX);
        if node.scope == Scope::Account {
            desk_row = self.row_or_new(node.desk, instrument, tree, instruments, limits);
            firm_row = self.row_or_new(FIRM, instrument, tree, instruments, limits);
        }
        let line = self.first_line(scope, instruments.get(instrument), limits);
        let slot = self.slots();
        let lags = matches!(node.scope, Scope::Account | Scope::Trader);
        let head = instruments.get_mut(instrument);
        let first = if lags {
            head.holders = head.holders.saturating_add(1);
            &mut head.first_row
        } else {
            &mut head.first_upper_row
        };
        let next = (*first, self.first_of_scope[scope as usize]);
        let links = Links::of(instrument, [desk_row, firm_row], next);
        self.rows.push((line.scope, line.limits, line.group), links);
        self.shorts.push(ShortBook::default());
        *first = Some(slot);
        self.first_of_scope[scope as usize] = Some(slot);
        self.by_place.insert(tag(scope, instrument), slot);
        slot
    }

    /// Slots of all rows of an instrument.
    pub(crate) fn rows_of_instrument(
        &self,
        instrument: &Instrument,
    ) -> impl Iterator<Item = u32> + '_ {
        self.list(instrument.first_upper_row)
            .chain(self.list(instrument.first_row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::alike;

    #[test]
    fn rows_whose_places_look_alike_are_told_apart() {
        let of_a_scope = alike(|n| tag(1, n)).map(|instrument| (1, instrument));
        let of_an_instrument = alike(|n| tag(n, 1)).map(|scope| (scope, 1));
        for [(scope, instrument), (other_scope, other)] in [of_a_scope, of_an_instrument] {
            let mut exposure = Exposure::with_capacity(2, 1);
            let links = Links::of(instrument, [u32::MAX; 2], (None, None));
            exposure.rows.push((scope, 0, NO_GROUP), links);
            exposure.by_place.insert(tag(scope, instrument), 0);
            assert_eq!(exposure.find(scope, instrument), Some(0));
            assert_eq!(exposure.find(other_scope, other), None);
        }
    }
}
