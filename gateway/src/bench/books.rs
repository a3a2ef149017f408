//! A desk's own arithmetic of a run: positions, and what became of its messages.

use std::collections::BTreeMap;

/// Positions and counts as a desk's own arithmetic has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// Messages sent.
    pub sent: u64,
    /// Of these orders, replaces and cancels.
    pub orders: u64,
    /// Messages answered as they had to be.
    pub right: u64,
    /// Refused with `Busy`, by a server that was asked for more than it had room for.
    pub busy: u64,
    /// Orders that are live.
    pub live: u64,
    /// Position by (account, instrument), in lots.
    pub positions: BTreeMap<(u32, u32), i64>,
    /// Answers that must not have come, by what they were.
    pub wrong: BTreeMap<String, u64>,
}

impl Books {
    /// Adds the books of another connection of the same desk.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.orders += other.orders;
        self.right += other.right;
        self.busy += other.busy;
        self.live += other.live;
        for (place, lots) in &other.positions {
            *self.positions.entry(*place).or_default() += lots;
        }
        for (what, count) in &other.wrong {
            *self.wrong.entry(what.clone()).or_default() += count;
        }
    }
}
