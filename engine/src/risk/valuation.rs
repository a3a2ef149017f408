//! Marks and rates: who follows a change when.
//!
//! Rows of desks and the firm follow at once: they are few. Rows of accounts and traders follow before
//! anything reads or moves them, and in steps of at most [`STEP_ROWS`] between other commands. A scope
//! follows change by change and its limits are compared after each command's changes, so that it
//! latches, warns and is re-armed as if it had followed at once; only the telling is later. Where few rows
//! hold what has changed, and nothing waits, they follow at once as well.

use super::RiskEngine;
use crate::command::Command;
use crate::exposure::{Sums, Valuation};
use crate::instrument::Instrument;
use crate::limits::Limit;
use std::ops::Range;
use wire::{LimitKind, Scope, Selector};

/// Rows that follow a change within its own command where nothing waits.
const AT_ONCE: u32 = 16;
/// Rows that follow in one step: an order may have to wait for it.
const STEP_ROWS: u32 = 8;
/// Changes up to which a scope's rows are looked up by instrument rather than walked.
const FEW: u64 = 8;

impl RiskEngine {
    /// The valuation of some instruments has changed, by one command.
    pub(super) fn remark(&mut self, slots: Range<u32>, chosen: impl Fn(&Instrument) -> bool) {
        let mut holders = 0_u32;
        for slot in slots.clone() {
            let instrument = self.state.instruments.get(slot);
            if chosen(instrument) {
                holders = holders.saturating_add(instrument.holders);
                let (valuation, first) = (instrument.valuation(), instrument.first_upper_row);
                self.remark_list(first, &valuation);
            }
        }
        // What one step could do is done at once, unless it has to wait for what waits already.
        let waits = self.state.exposure.remarks.is_pending() || holders > AT_ONCE;
        let mut first_number = None;
        for slot in slots.clone() {
            let instrument = self.state.instruments.get(slot);
            if !chosen(instrument) {
                continue;
            }
            let (valuation, first) = (instrument.valuation(), instrument.first_row);
            if !waits {
                self.remark_list(first, &valuation);
            } else if first.is_some() {
                let place = (slot, instrument.remark);
                let number = self.state.exposure.remarks.add(place, valuation, first);
                self.state.instruments.get_mut(slot).remark = number;
                first_number = first_number.or(Some(number));
            }
        }
        if let Some(number) = first_number {
            self.state.exposure.remarks.join(number);
        }
        for slot in slots {
            let instrument = self.state.instruments.get(slot);
            if chosen(instrument) {
                let (upper, lower) = (instrument.first_upper_row, instrument.first_row);
                self.tell_list(upper);
                self.tell_list(lower.filter(|_| !waits));
            }
        }
        if self.state.exposure.remarks.is_full() {
            self.finish_valuation();
        }
    }

    fn remark_list(&mut self, first: Option<u32>, valuation: &Valuation) {
        let mut next = first;
        while let Some(row) = next {
            self.state.exposure.remark(row, valuation);
            next = self.state.exposure.next_in_list(row);
        }
    }

    fn tell_list(&mut self, first: Option<u32>) {
        let mut next = first;
        while let Some(row) = next {
            self.refresh_rows(&[row]);
            next = self.state.exposure.next_in_list(row);
        }
    }

    /// Before anything reads or moves an account's and a trader's rows.
    #[inline]
    pub(super) fn follow(&mut self, account: u32, trader: u32) {
        if self.state.exposure.remarks.is_pending() {
            self.follow_all(account);
            self.follow_all(trader);
        }
    }

    /// A scope follows everything that waits for it.
    pub(super) fn follow_all(&mut self, scope: u32) {
        self.follow_up_to(scope, self.state.exposure.remarks.newest(), None);
    }

    /// A scope follows what waits for it up to a change; returns how many rows that took. `known` is a change
    /// whose row in this scope is at hand.
    fn follow_up_to(&mut self, scope: u32, end: u64, known: Option<(u64, u32)>) -> u32 {
        let seen = self.state.exposure.remarks.seen(scope);
        let lags = matches!(
            self.state.tree.get(scope).scope,
            Scope::Account | Scope::Trader
        );
        if seen >= end || !lags {
            return 0;
        }
        let mut due = self.state.exposure.remarks.take_due();
        debug_assert!(due.is_empty(), "only what is due now is followed now");
        self.collect_due(scope, (seen, end), known, &mut due);
        let count = u32::try_from(due.len()).unwrap_or(u32::MAX);
        // In the order of the changes; those of one command are told of together.
        due.sort_unstable();
        let mut rest = due.as_slice();
        while let Some((number, _)) = rest.first() {
            let event_end = self.state.exposure.remarks.event_end(*number);
            let of_event = rest.partition_point(|(number, _)| *number <= event_end);
            let (now, later) = rest.split_at(of_event);
            for (number, row) in now {
                if let Some(remark) = self.state.exposure.remarks.get(*number) {
                    let valuation = remark.valuation;
                    self.state.exposure.remark(*row, &valuation);
                }
            }
            for (_, row) in now {
                self.refresh_rows(&[*row]);
            }
            rest = later;
        }
        self.state.exposure.remarks.give_back(due);
        self.state.exposure.remarks.note_seen(scope, end);
        count
    }

    /// (number, row) of what a scope has to follow after `seen` up to `end`.
    fn collect_due(
        &self,
        scope: u32,
        (seen, end): (u64, u64),
        known: Option<(u64, u32)>,
        due: &mut Vec<(u64, u32)>,
    ) {
        let exposure = &self.state.exposure;
        if end.saturating_sub(seen) <= FEW {
            for number in seen.saturating_add(1)..=end {
                let row = match known {
                    Some((known, row)) if known == number => Some(row),
                    _ => exposure
                        .remarks
                        .get(number)
                        .and_then(|remark| exposure.find(scope, remark.instrument)),
                };
                due.extend(row.map(|row| (number, row)));
            }
            return;
        }
        for row in exposure.rows_of_scope(scope) {
            let newest = self
                .state
                .instruments
                .get(exposure.instrument_of_row(row))
                .remark;
            let numbers = exposure.remarks.of_instrument(newest, seen, end);
            due.extend(numbers.map(|number| (number, row)));
        }
    }

    /// One bounded step: the next scopes follow the oldest change.
    pub(super) fn valuation_step(&mut self) {
        if let Some((_, row)) = self.state.exposure.remarks.at() {
            self.look_at_list(row);
        }
        let mut left = STEP_ROWS;
        while left > 0
            && let Some((number, row)) = self.state.exposure.remarks.at()
        {
            let Some(row) = row else {
                let next = self.state.exposure.remarks.end_oldest();
                let first = next.and_then(|slot| self.state.instruments.get(slot).first_row);
                self.state.exposure.remarks.move_to(first);
                continue;
            };
            let scope = self.state.exposure.scope_of_row(row);
            let mut took = 1;
            if self.state.exposure.remarks.seen(scope) < number {
                let end = self.state.exposure.remarks.event_end(number);
                took = self.follow_up_to(scope, end, Some((number, row))).max(1);
            }
            let next = self.state.exposure.next_in_list(row);
            self.state.exposure.remarks.move_to(next);
            left = left.saturating_sub(took);
        }
    }

    /// Looks at the next rows of a list and at what following a change reads and moves there, so that a step waits
    /// once for what is in no cache, and not once a row and place.
    fn look_at_list(&self, first: Option<u32>) {
        let exposure = &self.state.exposure;
        let mut rows = [0; STEP_ROWS as usize];
        let mut count = 0;
        for (place, row) in rows.iter_mut().zip(exposure.list(first)) {
            *place = row;
            count += 1;
            exposure.look_at_row(row);
        }
        let rows = &rows[..count];
        for row in rows {
            exposure.look_at_sums(*row);
            self.state.tree.look_at(exposure.scope_of_row(*row));
        }
        for row in rows {
            self.state
                .limits
                .look_at_set(exposure.all_line(exposure.scope_of_row(*row)).limits);
        }
    }

    /// Everyone follows everything that waits, at once: before what is rare and reads or moves many rows.
    pub fn finish_valuation(&mut self) {
        while self.state.exposure.remarks.is_pending() {
            self.valuation_step();
        }
    }

    /// Before a command: the rare ones that read or move many rows find them all valued.
    #[inline]
    pub(super) fn finish_valuation_before(&mut self, command: &Command) {
        if self.state.exposure.remarks.is_pending()
            && matches!(
                command,
                Command::PositionLoad(_)
                    | Command::DayOpen(_)
                    | Command::DayRoll(_)
                    | Command::Reconcile(_)
                    | Command::Adjust(_)
                    | Command::LocateLoad(_)
                    | Command::DefineAccount(_)
                    | Command::DefineInstrument(_)
                    | Command::Started(_)
            )
        {
            self.finish_valuation();
        }
    }

    /// Use of a limit as if every change had been followed already.
    pub(super) fn used_now(&self, limit: &Limit) -> Option<i128> {
        let exposure = &self.state.exposure;
        let follows = matches!(
            limit.kind,
            LimitKind::GrossNotional
                | LimitKind::NetLong
                | LimitKind::NetShort
                | LimitKind::DailyLoss
        );
        if !follows || !exposure.remarks.is_behind(limit.scope) {
            return self.used(limit);
        }
        let mut sums = Sums::default();
        for slot in exposure.rows_of_scope(limit.scope) {
            let row = exposure.row(slot);
            let instrument = self.state.instruments.get(row.instrument);
            let selected = match limit.selector {
                Selector::Instrument => limit.selector_id == instrument.id,
                Selector::Group => limit.selector_id == instrument.definition.product_group,
                _ => true,
            };
            if selected {
                let part = row.valued(&instrument.valuation()).contribution();
                sums.gross += part.gross;
                sums.long += part.long;
                sums.short += part.short;
                sums.profit += part.profit;
            }
        }
        Some(match limit.kind {
            LimitKind::GrossNotional => sums.gross,
            LimitKind::NetLong => sums.long,
            LimitKind::NetShort => sums.short,
            _ => -sums.profit,
        })
    }
}
