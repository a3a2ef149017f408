//! Exposure: what is held, what is open and what is reserved, summed through the tree.
//!
//! A *row* is (scope, instrument). Each row adds to two *sums*: that of its scope over its product
//! group and that of its scope over all instruments. An account's row leads to the desk's and the
//! firm's row of the same instrument; filled positions net on the way up, open buys and sells never do.
//!
//! Rows of desks and the firm are valued at once when a mark or a rate changes; those of accounts and
//! traders lag behind by what [`Remarks`] holds.
//!
//! Invariant: a sum equals the fold of its rows' contributions; [`Exposure::check`] recomputes it.

mod remarks;
mod row;
mod whole;

pub(crate) use remarks::Remarks;
pub(crate) use row::{Delta, Row, Sums, Valuation, gross};

use crate::instrument::{Instrument, Instruments};
use crate::limits::{Limits, SetKey};
use crate::table::{Table, room_for};
use crate::tree::{CHAIN, FIRM, Tree};
use bincode::{Decode, Encode};
use wire::{Scope, Selector};

/// A sum with its place and the limits on it.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Total {
    pub(crate) sums: Sums,
    pub(crate) limits: u32,
}

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
    /// Leaves of live plain sells.
    pub(crate) live_sells: i128,
}

/// All rows and sums.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Exposure {
    rows: Vec<Row>,
    /// One book for each row, used for accounts only.
    shorts: Vec<ShortBook>,
    by_place: Table<u64>,
    totals: Vec<Total>,
    /// (scope, group) → total.
    groups: Table<u64>,
    /// scope → total over all instruments.
    alls: Vec<u32>,
    /// scope → head of the list of its rows.
    first_of_scope: Vec<Option<u32>>,
    /// Changes of marks and rates that rows of accounts and traders have still to follow.
    pub(crate) remarks: Remarks,
    capacity: usize,
}

fn place(scope: u32, other: u32) -> u64 {
    (u64::from(scope) << 32) | u64::from(other)
}

impl Exposure {
    pub(crate) fn with_capacity(rows: usize, scopes: usize) -> Self {
        let totals = rows.saturating_add(scopes);
        Self {
            rows: Vec::with_capacity(rows),
            shorts: Vec::with_capacity(rows),
            by_place: Table::with_capacity(rows, 0),
            totals: Vec::with_capacity(totals),
            groups: Table::with_capacity(rows, 0),
            alls: Vec::with_capacity(scopes),
            first_of_scope: Vec::with_capacity(scopes),
            remarks: Remarks::with_capacity(scopes),
            capacity: rows,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, scopes: usize) {
        let Self {
            rows,
            shorts,
            by_place: _,
            totals,
            groups: _,
            alls,
            first_of_scope,
            remarks,
            capacity,
        } = self;
        remarks.make_room(scopes);
        room_for(rows, *capacity);
        room_for(shorts, *capacity);
        room_for(totals, capacity.saturating_add(scopes));
        room_for(alls, scopes);
        room_for(first_of_scope, scopes);
    }

    /// Prepares the sums of a new scope. Scopes are added in order of their slots.
    pub(crate) fn add_scope(&mut self, scope: u32) {
        debug_assert_eq!(self.alls.len(), scope as usize, "scopes come in order");
        let total = self.push_total();
        self.alls.push(total);
        self.first_of_scope.push(None);
        self.remarks.add_scope();
    }

    fn push_total(&mut self) -> u32 {
        let slot = u32::try_from(self.totals.len()).unwrap_or(u32::MAX);
        self.totals.push(Total {
            sums: Sums::default(),
            limits: 0,
        });
        slot
    }

    pub(crate) fn is_nearly_full(&self) -> bool {
        self.rows.len().saturating_mul(10) >= self.capacity.saturating_mul(9)
    }

    /// Whether the table has grown past its size.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= self.capacity
    }

    pub(crate) fn find(&self, scope: u32, instrument: u32) -> Option<u32> {
        self.by_place.get(place(scope, instrument))
    }

    pub(crate) fn row(&self, slot: u32) -> &Row {
        &self.rows[slot as usize]
    }

    pub(crate) fn row_mut(&mut self, slot: u32) -> &mut Row {
        &mut self.rows[slot as usize]
    }

    pub(crate) fn short(&self, slot: u32) -> &ShortBook {
        &self.shorts[slot as usize]
    }

    pub(crate) fn short_mut(&mut self, slot: u32) -> &mut ShortBook {
        &mut self.shorts[slot as usize]
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub(crate) fn total(&self, slot: u32) -> &Total {
        &self.totals[slot as usize]
    }

    pub(crate) fn total_mut(&mut self, slot: u32) -> &mut Total {
        &mut self.totals[slot as usize]
    }

    /// Total of a scope over all instruments.
    pub(crate) fn all_of(&self, scope: u32) -> u32 {
        self.alls[scope as usize]
    }

    /// Total of a scope over a product group, if there ever was a row or a limit there.
    pub(crate) fn group_of(&self, scope: u32, group: u32) -> Option<u32> {
        self.groups.get(place(scope, group))
    }

    /// Total of a scope over a product group, made if need be.
    pub(crate) fn group_or_new(&mut self, scope: u32, group: u32) -> u32 {
        self.groups.get(place(scope, group)).unwrap_or_else(|| {
            let total = self.push_total();
            self.groups.insert(place(scope, group), total);
            total
        })
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
        let group_id = instruments.get(instrument).definition.product_group;
        let group = self.group_or_new(scope, group_id);
        let all = self.all_of(scope);
        let slot = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let lags = matches!(node.scope, Scope::Account | Scope::Trader);
        let head = instruments.get_mut(instrument);
        let id = head.id;
        let first = if lags {
            head.holders = head.holders.saturating_add(1);
            &mut head.first_row
        } else {
            &mut head.first_upper_row
        };
        self.rows.push(Row {
            scope,
            instrument,
            position: 0,
            open_buy: 0,
            open_sell: 0,
            reserved_buy: 0,
            reserved_sell: 0,
            value: 0,
            live: 0,
            bought: 0,
            sold: 0,
            opening: 0,
            traded: 0,
            profit: 0,
            day_fills: 0,
            limits: limits.set_of(SetKey {
                scope,
                selector: Selector::Instrument,
                selector_id: id,
            }),
            group,
            all,
            desk_row,
            firm_row,
            next_of_instrument: *first,
            next_of_scope: self.first_of_scope[scope as usize],
            unmarked: false,
            unrated: false,
            saturated: false,
        });
        self.shorts.push(ShortBook::default());
        *first = Some(slot);
        self.first_of_scope[scope as usize] = Some(slot);
        self.by_place.insert(place(scope, instrument), slot);
        slot
    }

    /// The rows of a chain, from the account's and the trader's: account, desk, firm, trader.
    pub(crate) fn chain_rows(&self, account_row: u32, trader_row: u32) -> [u32; CHAIN] {
        let row = self.row(account_row);
        [account_row, row.desk_row, row.firm_row, trader_row]
    }

    /// Applies a change to one row and to its two sums.
    pub(crate) fn apply(&mut self, slot: u32, delta: &Delta, instruments: &Instruments) {
        self.apply_all(&[slot], delta, instruments);
    }

    /// Applies a change to each of some rows and to their sums.
    pub(crate) fn apply_all(&mut self, rows: &[u32], delta: &Delta, instruments: &Instruments) {
        let fills =
            delta.position != 0 || delta.traded != 0 || delta.opening != 0 || delta.turnover != 0;
        for slot in rows {
            if fills {
                self.apply_fill(*slot, delta, instruments);
            } else {
                self.apply_open(*slot, delta);
            }
        }
    }

    /// Applies a change of what is open and reserved.
    fn apply_open(&mut self, slot: u32, delta: &Delta) {
        // What an order reserves or releases moves one side of its row only.
        let row = &mut self.rows[slot as usize];
        let (own, other) = if delta.buy {
            let other = row.value - row.reserved_sell;
            row.open_buy += delta.qty;
            row.reserved_buy += delta.value;
            (row.value + row.reserved_buy, other)
        } else {
            let other = row.value + row.reserved_buy;
            row.open_sell += delta.qty;
            row.reserved_sell += delta.value;
            (row.value - row.reserved_sell, other)
        };
        row.live += delta.live;
        let other = other.abs();
        let own_before = if delta.buy {
            own - delta.value
        } else {
            own + delta.value
        };
        let change = own.abs().max(other) - own_before.abs().max(other);
        for total in [row.group, row.all] {
            let sums = &mut self.totals[total as usize].sums;
            sums.gross += change;
            sums.live += delta.live;
            if delta.buy {
                sums.long += delta.value;
                sums.buying += delta.value;
            } else {
                sums.short += delta.value;
                sums.selling += delta.value;
            }
        }
    }

    /// Applies a change that moves what is valued at the mark.
    fn apply_fill(&mut self, slot: u32, delta: &Delta, instruments: &Instruments) {
        let row = &mut self.rows[slot as usize];
        let before = row.contribution();
        if delta.buy {
            row.open_buy += delta.qty;
            row.reserved_buy += delta.value;
            row.bought += delta.turnover;
        } else {
            row.open_sell += delta.qty;
            row.reserved_sell += delta.value;
            row.sold += delta.turnover;
        }
        row.live += delta.live;
        row.position += delta.position;
        row.opening += delta.opening;
        row.traded += delta.traded;
        row.revalue(&instruments.get(row.instrument).valuation());
        self.settle(slot, before);
    }

    /// Values a row's position anew, after a change of mark or rate.
    pub(crate) fn remark(&mut self, slot: u32, with: &Valuation) {
        let row = &mut self.rows[slot as usize];
        let before = row.contribution();
        row.revalue(with);
        self.settle(slot, before);
    }

    /// Carries what changed in a row into its sums.
    fn settle(&mut self, slot: u32, before: Sums) {
        let row = &self.rows[slot as usize];
        let (after, group, all) = (row.contribution(), row.group, row.all);
        for total in [group, all] {
            let sums = &mut self.totals[total as usize].sums;
            sums.gross += after.gross - before.gross;
            sums.long += after.long - before.long;
            sums.short += after.short - before.short;
            sums.live += after.live - before.live;
            sums.buying += after.buying - before.buying;
            sums.selling += after.selling - before.selling;
            sums.profit += after.profit - before.profit;
            sums.unmarked += after.unmarked - before.unmarked;
            sums.unrated += after.unrated - before.unrated;
        }
    }

    /// Slots of a list of an instrument's rows.
    pub(crate) fn list(&self, first: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(first, |slot| self.row(*slot).next_of_instrument)
    }

    /// Slots of all rows of an instrument.
    pub(crate) fn rows_of_instrument(
        &self,
        instrument: &Instrument,
    ) -> impl Iterator<Item = u32> + '_ {
        self.list(instrument.first_upper_row)
            .chain(self.list(instrument.first_row))
    }

    /// The row behind another one of the same list.
    pub(crate) fn next_in_list(&self, slot: u32) -> Option<u32> {
        self.row(slot).next_of_instrument
    }

    /// Slots of a scope's rows.
    pub(crate) fn rows_of_scope(&self, scope: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.first_of_scope[scope as usize], |slot| {
            self.row(*slot).next_of_scope
        })
    }
}
