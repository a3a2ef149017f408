//! What became of every line: the reader's account, exact to the line.
//!
//! A line has one [`LineKind`] and was either used or left unmatched for an
//! [`UnmatchedReason`]. What the engine then made of the events (accepted,
//! refused and why) is the caller's account and begins where this one ends.

use std::{collections::BTreeMap, fmt};

/// What a line is, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// A new order.
    NewOrder,
    /// The posted remainder of an order already opened by its executions.
    Remainder,
    /// A change of price or quantity (generated flow).
    Replace,
    /// A reduction of an order's quantity (LOBSTER type 2).
    PartialCancel,
    /// A cancel of all an order has left.
    Cancel,
    /// An execution of one or two orders.
    Execution,
    /// An execution of an order that was never shown: a print.
    HiddenExecution,
    /// A cross or auction trade without order numbers: a print.
    CrossTrade,
    /// A price of others (generated flow).
    ReferencePrice,
    /// A trading halt, or the end of one.
    Halt,
    /// A picture of the book.
    Snapshot,
    /// A message of a kind that says nothing about orders.
    Other,
    /// A line with nothing on it.
    Blank,
}

impl fmt::Display for LineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewOrder => "new order",
            Self::Remainder => "posted remainder",
            Self::Replace => "replace",
            Self::PartialCancel => "partial cancel",
            Self::Cancel => "cancel",
            Self::Execution => "execution",
            Self::HiddenExecution => "hidden execution",
            Self::CrossTrade => "cross trade",
            Self::ReferencePrice => "reference price",
            Self::Halt => "halt or resume",
            Self::Snapshot => "snapshot",
            Self::Other => "other message",
            Self::Blank => "blank line",
        })
    }
}

/// Why a line could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnmatchedReason {
    /// It names an order the file never opens: one that rested before the first line.
    OrderNotInFile,
    /// It names an order that is already filled or cancelled.
    OrderClosed,
    /// It opens an order number a second time.
    DuplicateOrder,
    /// It names an order of the other side.
    OtherSide,
    /// It takes more than the order has left, or cancels another quantity than that.
    NotWhatIsLeft,
}

impl fmt::Display for UnmatchedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OrderNotInFile => "its order is not in the file",
            Self::OrderClosed => "its order is already filled or cancelled",
            Self::DuplicateOrder => "its order number is already in use",
            Self::OtherSide => "its order is on the other side",
            Self::NotWhatIsLeft => "its quantity is not what the order has left",
        })
    }
}

/// The account of a flow's lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounting {
    lines_read: u64,
    used: BTreeMap<LineKind, u64>,
    unmatched: BTreeMap<(LineKind, UnmatchedReason), u64>,
    orders_from_executions: u64,
}

impl Accounting {
    /// Every line read, used or not.
    #[must_use]
    pub fn lines_read(&self) -> u64 {
        self.lines_read
    }

    /// The lines of a kind that were used.
    #[must_use]
    pub fn used(&self, kind: LineKind) -> u64 {
        self.used.get(&kind).copied().unwrap_or(0)
    }

    /// The lines used, by kind; kinds that do not occur are left out.
    pub fn used_by_kind(&self) -> impl Iterator<Item = (LineKind, u64)> + '_ {
        self.used.iter().map(|(&kind, &lines)| (kind, lines))
    }

    /// The lines that could not be used, in total.
    #[must_use]
    pub fn unmatched(&self) -> u64 {
        self.unmatched.values().sum()
    }

    /// The lines that could not be used, by kind and reason.
    pub fn unmatched_by_reason(
        &self,
    ) -> impl Iterator<Item = (LineKind, UnmatchedReason, u64)> + '_ {
        self.unmatched
            .iter()
            .map(|(&(kind, reason), &lines)| (kind, reason, lines))
    }

    /// Orders opened by an execution, because the source never published them
    /// before. These are not lines; their lines are counted as executions.
    #[must_use]
    pub fn orders_from_executions(&self) -> u64 {
        self.orders_from_executions
    }

    /// All orders the flow opens.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.used(LineKind::NewOrder) + self.orders_from_executions
    }

    /// Whether at most `bps` of 10 000 lines could not be used.
    #[must_use]
    pub fn unmatched_is_within(&self, bps: u32) -> bool {
        u128::from(self.unmatched()) * 10_000 <= u128::from(self.lines_read) * u128::from(bps)
    }

    /// Asserts that every line read is in exactly one place of this account.
    ///
    /// # Panics
    ///
    /// When it is not: the account would be a fiction, and nothing resting on
    /// it may be shown.
    pub fn check(&self) {
        let accounted = self.used.values().sum::<u64>() + self.unmatched();
        assert_eq!(
            self.lines_read, accounted,
            "lines read and lines accounted for differ: {self:?}"
        );
    }

    pub(super) fn use_line(&mut self, kind: LineKind) {
        *self.used.entry(kind).or_default() += 1;
    }

    pub(super) fn leave_line(&mut self, kind: LineKind, reason: UnmatchedReason) {
        *self.unmatched.entry((kind, reason)).or_default() += 1;
    }

    pub(super) fn open_from_execution(&mut self) {
        self.orders_from_executions += 1;
    }

    /// Sets the lines read: the source's own number, so that [`Self::check`]
    /// compares two counts made apart.
    pub(super) fn close(&mut self, lines_read: u64) {
        self.lines_read = lines_read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Accounting {
        let mut accounting = Accounting::default();
        accounting.use_line(LineKind::NewOrder);
        accounting.leave_line(LineKind::Cancel, UnmatchedReason::OrderNotInFile);
        accounting
    }

    #[test]
    fn an_account_with_every_line_in_one_place_passes_its_check() {
        let mut accounting = one_of_each();
        accounting.close(2);
        accounting.check();
        assert_eq!(accounting.unmatched(), 1);
    }

    #[test]
    #[should_panic(expected = "lines read and lines accounted for differ")]
    fn an_account_that_misses_a_line_fails_its_check() {
        let mut accounting = one_of_each();
        accounting.close(3);
        accounting.check();
    }

    #[test]
    fn unmatched_at_the_allowance_is_within_it_and_one_past_is_not() {
        let mut accounting = Accounting::default();
        accounting.close(1_000);
        for _ in 0..2 {
            accounting.leave_line(LineKind::Cancel, UnmatchedReason::OrderNotInFile);
        }
        assert!(accounting.unmatched_is_within(20));
        accounting.leave_line(LineKind::Cancel, UnmatchedReason::OrderClosed);
        assert!(!accounting.unmatched_is_within(20));
    }
}
