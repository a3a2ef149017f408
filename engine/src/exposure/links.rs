//! Where a row stands among the others, and where the other books of its account or trader stand: what an order
//! follows from its account's row, in one cache line.

use super::{CHAIN, Exposure};
use crate::shelves::Shelf;
use crate::touch::look_at;
use bincode::{Decode, Encode};

/// No row.
const NONE: u32 = u32::MAX;

/// The links of one row.
#[derive(Debug, Clone, Copy, Encode, Decode)]
#[repr(C, align(64))]
pub(super) struct Links {
    /// C18: leaves of live plain sells (accounts only).
    pub(super) live_sells: i128,
    pub(super) instrument: u32,
    /// Rows of desk and firm in the same instrument (accounts only).
    uppers: [u32; 2],
    /// Row of the trader of the last order in an account's row: most orders there are of one trader.
    trader_row: u32,
    pub(super) next_of_instrument: Option<u32>,
    pub(super) next_of_scope: Option<u32>,
    shelf: Shelf,
}

const _: () = assert!(size_of::<Links>() == 64, "links are one cache line");

impl Links {
    /// Of a new row: rows above it, next rows of its instrument and of its scope.
    pub(super) fn of(
        instrument: u32,
        uppers: [u32; 2],
        (next_of_instrument, next_of_scope): (Option<u32>, Option<u32>),
    ) -> Self {
        Self {
            live_sells: 0,
            instrument,
            uppers,
            trader_row: NONE,
            next_of_instrument,
            next_of_scope,
            shelf: Shelf::EMPTY,
        }
    }
}

impl Exposure {
    fn links(&self, slot: u32) -> &Links {
        &self.rows.links[slot as usize]
    }

    fn links_mut(&mut self, slot: u32) -> &mut Links {
        &mut self.rows.links[slot as usize]
    }

    pub(crate) fn instrument_of_row(&self, slot: u32) -> u32 {
        self.links(slot).instrument
    }

    /// The rows of desk and firm above an account's row.
    pub(crate) fn uppers(&self, account_row: u32) -> [u32; 2] {
        self.links(account_row).uppers
    }

    /// R28: the account's row leads to another desk's.
    pub(crate) fn set_desk_row(&mut self, account_row: u32, desk_row: u32) {
        self.links_mut(account_row).uppers[0] = desk_row;
    }

    /// The rows of a chain, from the account's and the trader's: account, desk, firm, trader.
    #[inline]
    pub(crate) fn chain_rows(&self, account_row: u32, trader_row: u32) -> [u32; CHAIN] {
        let [desk_row, firm_row] = self.uppers(account_row);
        [account_row, desk_row, firm_row, trader_row]
    }

    /// The row of a trader in the instrument of an account's row.
    #[inline]
    pub(crate) fn trader_row(&self, account_row: u32, trader: u32) -> Option<u32> {
        let Links {
            trader_row,
            instrument,
            ..
        } = *self.links(account_row);
        match self.rows.lines.get(trader_row as usize) {
            Some(line) if line.scope == trader => Some(trader_row),
            _ => self.find(trader, instrument),
        }
    }

    /// The row of the trader who traded there last.
    #[inline]
    pub(crate) fn last_trader_row(&self, account_row: u32) -> u32 {
        self.links(account_row).trader_row
    }

    /// Remembers where the trader's row is for the next order in the account's row.
    #[inline]
    pub(crate) fn note_trader_row(&mut self, account_row: u32, trader_row: u32) {
        let links = self.links_mut(account_row);
        if links.trader_row != trader_row {
            links.trader_row = trader_row;
        }
    }

    /// Looks at the rows of a chain and at the account's sums.
    #[inline(always)]
    pub(crate) fn look_at_chain(&self, rows: &[u32; CHAIN]) {
        for slot in rows {
            if let Some(line) = self.rows.lines.get(*slot as usize) {
                look_at(&line.position);
            }
        }
        if let Some(line) = self.rows.lines.get(rows[0] as usize) {
            look_at(&self.all_line(line.scope).gross);
        }
    }

    /// Looks at a row and its links.
    #[inline(always)]
    pub(crate) fn look_at_end(&self, row: u32) {
        look_at(&self.line(row).position);
        look_at(&self.links(row).instrument);
    }

    /// Looks at the rows that a fill moves, as far as an order knows them by itself.
    #[inline(always)]
    pub(crate) fn look_at_ends(&self, account_row: u32, trader_row: u32) {
        for slot in [account_row, trader_row] {
            look_at(&self.line(slot).position);
            look_at(&self.links(slot).instrument);
        }
    }

    /// Looks at what a fill moves in the rows of a chain besides.
    #[inline(always)]
    pub(crate) fn look_at_fills(&self, rows: &[u32; CHAIN]) {
        for slot in rows {
            look_at(&self.rows.tails[*slot as usize].bought);
        }
    }

    /// Looks at a row that is to be valued anew.
    #[inline(always)]
    pub(crate) fn look_at_row(&self, slot: u32) {
        look_at(&self.line(slot).position);
        let tail = &self.rows.tails[slot as usize];
        look_at(&tail.bought);
        look_at(&tail.profit);
    }

    /// Looks at the sums that a row counts in, and at how far its scope has followed.
    #[inline(always)]
    pub(crate) fn look_at_sums(&self, slot: u32) {
        let line = self.line(slot);
        look_at(&self.all_line(line.scope).gross);
        if let Some(group) = self.group_line(line.group) {
            look_at(&group.gross);
        }
        self.remarks.look_at(line.scope);
    }

    /// What is known of where a row's books stand.
    #[inline]
    pub(crate) fn shelf(&self, slot: u32) -> &Shelf {
        &self.links(slot).shelf
    }

    /// The same, to note where a book stands.
    #[inline]
    pub(crate) fn shelf_mut(&mut self, slot: u32) -> &mut Shelf {
        &mut self.links_mut(slot).shelf
    }

    /// C18: leaves of live plain sells change.
    #[inline]
    pub(crate) fn add_live_sells(&mut self, account_row: u32, change: i64) {
        let sells = &mut self.links_mut(account_row).live_sells;
        *sells = sells.saturating_add(i128::from(change));
    }

    /// The row behind another one of the same list.
    pub(crate) fn next_in_list(&self, slot: u32) -> Option<u32> {
        self.links(slot).next_of_instrument
    }

    /// Slots of a list of an instrument's rows.
    pub(crate) fn list(&self, first: Option<u32>) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(first, |slot| self.next_in_list(*slot))
    }

    /// Slots of a scope's rows.
    pub(crate) fn rows_of_scope(&self, scope: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.first_of_scope[scope as usize], |slot| {
            self.links(*slot).next_of_scope
        })
    }
}
