//! Executions already booked, so that none is booked twice (R13).

use crate::instrument::ExecutionKey;
use crate::table::Table;

/// One booked execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Execution {
    pub(crate) key: ExecutionKey,
    pub(crate) price: i64,
    pub(crate) qty: i64,
}

/// Whether a reported execution is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not seen before; it is remembered now.
    New,
    /// The same again.
    Same,
    /// The same execution with another price or quantity.
    Differs,
}

/// Executions of the last five trade dates.
#[derive(Debug, Clone)]
pub(crate) struct Executions {
    items: Vec<Execution>,
    by_key: Table<ExecutionKey>,
    capacity: usize,
}

const FILLER: ExecutionKey = ExecutionKey {
    exec_id: 0,
    instrument: 0,
    trade_date: 0,
    venue_id: 0,
    buy: false,
};

impl Executions {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            items: Vec::with_capacity(capacity),
            by_key: Table::with_capacity(capacity, FILLER),
            capacity,
        }
    }

    /// Looks an execution up and remembers it if it is new.
    pub(crate) fn note(&mut self, execution: Execution) -> Seen {
        match self.by_key.get(execution.key) {
            Some(slot) => {
                let known = &self.items[slot as usize];
                if known.price == execution.price && known.qty == execution.qty {
                    Seen::Same
                } else {
                    Seen::Differs
                }
            }
            None => {
                let slot = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
                self.items.push(execution);
                self.by_key.insert(execution.key, slot);
                Seen::New
            }
        }
    }

    /// Forgets executions of trade dates before `oldest` (off the hot path: at the day roll).
    pub(crate) fn forget_before(&mut self, oldest: u32) {
        self.items
            .retain(|execution| execution.key.trade_date >= oldest);
        self.by_key = Table::with_capacity(self.capacity.max(self.items.len()), FILLER);
        for (slot, execution) in self.items.iter().enumerate() {
            self.by_key
                .insert(execution.key, u32::try_from(slot).unwrap_or(u32::MAX));
        }
    }

    /// Whether new orders must stop: at 90 % of the table.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.items.len().saturating_mul(10) >= self.capacity.saturating_mul(9)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Execution> {
        self.items.iter()
    }
}
