//! Changes of marks and rates that rows of accounts and traders have still to follow.
//!
//! An instrument may be held by 100,000 accounts, and no order waits for them all to be valued anew. So a
//! change is remembered here, and a scope follows it at the latest before anything that reads or moves
//! its rows: one change after the other, in their order, as if each had been followed at once. Steps
//! between other commands bring those along that nobody asks for.
//!
//! Invariant: what is remembered is exactly what some scope may not have followed; a scope is behind by
//! the changes after the larger of what it has seen and what all have seen.

use super::Valuation;
use crate::table::room_for;
use bincode::{Decode, Encode};
use std::collections::VecDeque;

/// Changes that may wait; one more waits for the oldest to be followed by all.
const WAITING: usize = 4_096;

/// One change of an instrument's valuation.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Remark {
    pub(crate) instrument: u32,
    pub(crate) valuation: Valuation,
    /// Number of the last change of the same command: between them nothing is told.
    event_end: u64,
    /// Number of the change before it of the same instrument; 0 where all have followed that.
    previous: u64,
}

/// All that waits, and how far each scope has come. Changes are numbered from 1.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Remarks {
    waiting: VecDeque<Remark>,
    /// Number of the newest change.
    newest: u64,
    /// Scope → number of the newest change that it has followed.
    seen: Vec<u64>,
    /// Next row of the oldest change that a step comes to.
    cursor: Option<u32>,
    /// Rows to follow changes, reused: (number, row).
    due: Vec<(u64, u32)>,
}

impl Remarks {
    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(super) fn make_room(&mut self, scopes: usize) {
        self.waiting
            .reserve(WAITING.saturating_sub(self.waiting.len()));
        room_for(&mut self.seen, scopes);
        room_for(&mut self.due, WAITING);
    }

    pub(super) fn with_capacity(scopes: usize) -> Self {
        Self {
            waiting: VecDeque::with_capacity(WAITING),
            newest: 0,
            seen: Vec::with_capacity(scopes),
            cursor: None,
            due: Vec::with_capacity(WAITING),
        }
    }

    pub(super) fn add_scope(&mut self) {
        self.seen.push(self.newest);
    }

    /// Whether anything waits.
    #[inline]
    pub(crate) fn is_pending(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    /// Number of the newest change that all scopes have followed.
    fn followed_by_all(&self) -> u64 {
        self.newest.saturating_sub(self.waiting.len() as u64)
    }

    /// Number of the newest change that a scope has followed.
    pub(crate) fn seen(&self, scope: u32) -> u64 {
        self.seen[scope as usize].max(self.followed_by_all())
    }

    /// Looks at how far a scope has followed.
    #[inline(always)]
    pub(super) fn look_at(&self, scope: u32) {
        crate::touch::look_at(&self.seen[scope as usize]);
    }

    /// Whether a scope has changes to follow.
    pub(crate) fn is_behind(&self, scope: u32) -> bool {
        self.seen(scope) < self.newest
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// A change that waits.
    pub(crate) fn get(&self, number: u64) -> Option<&Remark> {
        let at = number.checked_sub(self.followed_by_all())?.checked_sub(1)?;
        self.waiting.get(usize::try_from(at).ok()?)
    }

    /// Remembers a change; `first` is the first row that has to follow it and `previous` the number of
    /// the instrument's change before. Returns its number.
    pub(crate) fn add(
        &mut self,
        (instrument, previous): (u32, u64),
        valuation: Valuation,
        first: Option<u32>,
    ) -> u64 {
        if self.waiting.is_empty() {
            self.cursor = first;
        }
        self.newest = self.newest.saturating_add(1);
        self.waiting.push_back(Remark {
            instrument,
            valuation,
            event_end: self.newest,
            previous,
        });
        self.newest
    }

    /// The changes from `first` on belong to one command.
    pub(crate) fn join(&mut self, first: u64) {
        let (end, oldest) = (self.newest, self.followed_by_all());
        for (number, remark) in (oldest.saturating_add(1)..).zip(&mut self.waiting) {
            if number >= first {
                remark.event_end = end;
            }
        }
    }

    /// Numbers of an instrument's changes after `seen` up to `end`, newest first.
    pub(crate) fn of_instrument(
        &self,
        newest: u64,
        seen: u64,
        end: u64,
    ) -> impl Iterator<Item = u64> + '_ {
        std::iter::successors(Some(newest), |number| Some(self.get(*number)?.previous))
            .take_while(move |number| *number > seen)
            .filter(move |number| *number <= end)
    }

    /// Number of the last change of the command that a change belongs to.
    pub(crate) fn event_end(&self, number: u64) -> u64 {
        self.get(number).map_or(number, |remark| remark.event_end)
    }

    /// A scope has followed all changes up to this one.
    pub(crate) fn note_seen(&mut self, scope: u32, number: u64) {
        self.seen[scope as usize] = number;
    }

    /// Number and next row of the change that steps are at; `None` when nothing waits.
    pub(crate) fn at(&self) -> Option<(u64, Option<u32>)> {
        self.is_pending()
            .then(|| (self.followed_by_all().saturating_add(1), self.cursor))
    }

    /// The steps have come to this row.
    pub(crate) fn move_to(&mut self, row: Option<u32>) {
        self.cursor = row;
    }

    /// The oldest change has been followed by all; returns the instrument of the next.
    pub(crate) fn end_oldest(&mut self) -> Option<u32> {
        self.waiting.pop_front();
        self.waiting.front().map(|remark| remark.instrument)
    }

    /// The reused list of rows, to be given back by [`Remarks::give_back`].
    pub(crate) fn take_due(&mut self) -> Vec<(u64, u32)> {
        std::mem::take(&mut self.due)
    }

    pub(crate) fn give_back(&mut self, mut due: Vec<(u64, u32)>) {
        due.clear();
        self.due = due;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNVALUED: Valuation = Valuation {
        mark: None,
        opening_mark: None,
        factor: None,
    };

    /// Changes of these instruments, one after the other, of which two scopes have followed none.
    fn changes(instruments: &[u32]) -> Remarks {
        let mut remarks = Remarks::with_capacity(2);
        remarks.add_scope();
        remarks.add_scope();
        for (at, instrument) in instruments.iter().enumerate() {
            let previous = instruments[..at]
                .iter()
                .rposition(|before| before == instrument)
                .map_or(0, |before| before as u64 + 1);
            remarks.add((*instrument, previous), UNVALUED, None);
        }
        remarks
    }

    #[test]
    fn a_scope_is_behind_until_it_or_all_have_followed_the_newest_change() {
        let mut remarks = changes(&[]);
        assert!(!remarks.is_behind(0));
        remarks = changes(&[1, 2]);
        assert!(remarks.is_behind(0));
        remarks.note_seen(0, 1);
        assert!(remarks.is_behind(0));
        remarks.note_seen(0, 2);
        assert!(!remarks.is_behind(0));
        assert!(remarks.is_behind(1));
        assert_eq!(remarks.end_oldest(), Some(2));
        assert!(remarks.is_behind(1));
        assert_eq!(remarks.end_oldest(), None);
        assert!(!remarks.is_behind(1));
    }

    #[test]
    fn an_instruments_changes_are_those_after_what_was_seen_up_to_the_end() {
        let mut remarks = changes(&[1, 2, 1, 1, 2, 1]);
        let of_one = |remarks: &Remarks, seen, end| -> Vec<u64> {
            remarks.of_instrument(6, seen, end).collect()
        };
        assert_eq!(of_one(&remarks, 0, 6), [6, 4, 3, 1]);
        assert_eq!(of_one(&remarks, 0, 5), [4, 3, 1]);
        assert_eq!(of_one(&remarks, 2, 4), [4, 3]);
        assert_eq!(of_one(&remarks, 3, 6), [6, 4]);
        assert_eq!(of_one(&remarks, 6, 6), [0; 0]);
        // What all have followed is not remembered.
        for _ in 0..3 {
            remarks.end_oldest();
        }
        assert_eq!(of_one(&remarks, 3, 6), [6, 4]);
    }

    #[test]
    fn no_more_changes_wait_than_are_remembered() {
        let mut remarks = changes(&[1; WAITING - 1]);
        assert!(!remarks.is_full());
        remarks.add((1, 1), UNVALUED, None);
        assert!(remarks.is_full());
        remarks.end_oldest();
        assert!(!remarks.is_full());
    }
}
