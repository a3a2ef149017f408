//! The Shanghai exchange's order-by-order log.
//!
//! A line is `//key=value …`; three kinds of message matter here, told by
//! `MsgType`: 192 an order or a cancel, 191 an execution, 111 a snapshot. The
//! file is not in order; `BizIndex` is.
//!
//! **Aggressors.** The exchange publishes an order when it rests in the book.
//! One that meets the other side at once is first seen as a number in an
//! execution, and is published afterwards only if something is left to rest.
//! A desk sent that order before its first execution, and so the reader opens
//! it there, looking ahead in the file for what it must have been:
//!
//! - quantity = the fills up to the published remainder + that remainder;
//! - price = the remainder's, else the worst price it was filled at. That is
//!   the tightest limit the order can have had; the true one is not published.
//!
//! Example: order 9 buys 300 at 10.01 and 200 at 10.02, then 100 are published
//! at 10.05. It is opened as *buy 600 at 10.05*, filled twice, and the
//! published line is folded into it. Without that line it is *buy 500 at 10.02*.
//!
//! An execution fills both its orders. If only one of them is known, that one
//! is filled, to keep its leaves right, and the line counts as unmatched.

use std::collections::{HashMap, HashSet};

use super::{
    Accounting, DayStartPrice, Flow, FlowError, FlowEvent, FlowInstrument, FlowKind, LineKind,
    Side, UnmatchedReason, exec_ref, live::LiveOrders, source::Lines,
};

mod record;

use record::{Aggressor, Execution, Line, OrderMessage, Record, Sequenced, Snapshot};

/// Shanghai's tick for shares: 0.01 CNY.
const TICK_E8: i64 = 1_000_000;

/// Shanghai's lot for shares.
const LOT: u64 = 100;

/// Reads a whole file.
pub(super) fn read(mut lines: Lines) -> Result<Flow, FlowError> {
    let mut accounting = Accounting::default();
    let mut records = Vec::new();
    let mut previous_close = PreviousClose::default();
    let mut symbol = None;
    while let Some(row) = lines.next_row()? {
        if row.text.is_empty() {
            accounting.use_line(LineKind::Blank);
            continue;
        }
        let (security, line) = record::parse(&row)?;
        // Order numbers are told apart by number alone, so that a second
        // security would mix two books into one.
        let known = symbol.get_or_insert_with(|| security.to_owned());
        if known.as_str() != security {
            return Err(row.bad("SecurityID", security, "is a second security in one file"));
        }
        match line {
            Line::Sequenced(record) => records.push(record),
            Line::Snapshot(snapshot) => {
                previous_close.take(&row, snapshot)?;
                accounting.use_line(LineKind::Snapshot);
            }
            Line::Other => accounting.use_line(LineKind::Other),
        }
    }
    records.sort_by_key(|record| (record.biz_index, record.line));

    let mut book = Book::new(accounting, &records);
    for record in &records {
        book.take(record);
    }
    book.accounting.close(lines.lines_read());
    if book.accounting.orders() == 0 {
        return Err(FlowError::NoOrders {
            file: lines.file().to_owned(),
            lines: lines.lines_read(),
        });
    }
    let day_start = match (previous_close.price_e8, first_execution_e8(&records)) {
        (Some(price_e8), _) => DayStartPrice::PreviousClose { price_e8 },
        (None, Some(price_e8)) => DayStartPrice::FirstExecution { price_e8 },
        (None, None) => DayStartPrice::Unknown,
    };
    Ok(Flow {
        instruments: vec![FlowInstrument {
            symbol: symbol.unwrap_or_default(),
            tick_e8: TICK_E8,
            lot: LOT,
            odd_lot_sells: true,
            day_start,
        }],
        events: book.events,
        accounting: book.accounting,
    })
}

/// The previous close, which every snapshot repeats.
#[derive(Default)]
struct PreviousClose {
    price_e8: Option<i64>,
}

impl PreviousClose {
    fn take(
        &mut self,
        row: &super::error::Row<'_>,
        snapshot: Snapshot<'_>,
    ) -> Result<(), FlowError> {
        match (self.price_e8, snapshot.previous_close_e8) {
            (Some(known), Some(price_e8)) if known != price_e8 => Err(row.bad(
                "PrevClosePx",
                snapshot.previous_close_text,
                "is not the previous close of the snapshots before",
            )),
            (known, price_e8) => {
                self.price_e8 = known.or(price_e8);
                Ok(())
            }
        }
    }
}

fn first_execution_e8(records: &[Sequenced]) -> Option<i64> {
    records.iter().find_map(|sequenced| match sequenced.record {
        Record::Execution(execution) => Some(execution.price_e8),
        Record::New(_) | Record::Cancel(_) => None,
    })
}

/// An order that executed before it was published, pieced together.
#[derive(Debug, Clone, Copy)]
struct Hidden {
    side: Side,
    qty: u64,
    price_e8: i64,
    has_remainder: bool,
}

/// Looks through the whole day for orders that execute before they are published.
fn hidden_orders(records: &[Sequenced]) -> HashMap<u64, Hidden> {
    let mut published = HashSet::new();
    let mut hidden: HashMap<u64, Hidden> = HashMap::new();
    for sequenced in records {
        match sequenced.record {
            Record::New(order) => {
                if let Some(earlier) = hidden.get_mut(&order.order_ref)
                    && earlier.side == order.side
                    && published.insert(order.order_ref)
                {
                    earlier.qty += order.qty;
                    earlier.price_e8 = order.price_e8;
                    earlier.has_remainder = true;
                }
                published.insert(order.order_ref);
            }
            Record::Execution(execution) => {
                let Some((order_ref, side)) = execution.aggressor_order() else {
                    continue;
                };
                if published.contains(&order_ref) {
                    continue;
                }
                let Execution { price_e8, qty, .. } = execution;
                hidden
                    .entry(order_ref)
                    .and_modify(|earlier| {
                        earlier.qty += qty;
                        earlier.price_e8 = worse(side, earlier.price_e8, price_e8);
                    })
                    .or_insert(Hidden {
                        side,
                        qty,
                        price_e8,
                        has_remainder: false,
                    });
            }
            Record::Cancel(_) => {}
        }
    }
    hidden
}

/// The price that is worse for whoever trades on `side`.
fn worse(side: Side, one: i64, other: i64) -> i64 {
    match side {
        Side::Buy => one.max(other),
        Side::Sell => one.min(other),
    }
}

/// Walks the day in its order and makes the events.
struct Book {
    orders: LiveOrders,
    /// Aggressors whose first execution is still to come.
    to_open: HashMap<u64, Hidden>,
    /// Aggressors opened whose published remainder is still to come.
    to_fold: HashMap<u64, Side>,
    events: Vec<FlowEvent>,
    accounting: Accounting,
}

impl Book {
    fn new(accounting: Accounting, records: &[Sequenced]) -> Self {
        Self {
            orders: LiveOrders::default(),
            to_open: hidden_orders(records),
            to_fold: HashMap::new(),
            events: Vec::with_capacity(records.len() * 2),
            accounting,
        }
    }

    fn take(&mut self, record: &Sequenced) {
        let (kind, outcome) = match record.record {
            Record::New(order) if self.to_fold.get(&order.order_ref) == Some(&order.side) => {
                self.to_fold.remove(&order.order_ref);
                (LineKind::Remainder, Ok(()))
            }
            Record::New(order) => (LineKind::NewOrder, self.open(record, order)),
            Record::Cancel(order) => (LineKind::Cancel, self.cancel(record, order)),
            Record::Execution(execution) => (LineKind::Execution, self.execute(record, execution)),
        };
        match outcome {
            Ok(()) => self.accounting.use_line(kind),
            Err(reason) => self.accounting.leave_line(kind, reason),
        }
    }

    fn open(&mut self, record: &Sequenced, order: OrderMessage) -> Result<(), UnmatchedReason> {
        let OrderMessage {
            order_ref,
            side,
            price_e8,
            qty,
        } = order;
        self.orders.open(order_ref, side, price_e8, qty)?;
        self.emit(
            record,
            FlowKind::New {
                order_ref,
                side,
                price_e8,
                qty,
            },
        );
        Ok(())
    }

    fn cancel(&mut self, record: &Sequenced, order: OrderMessage) -> Result<(), UnmatchedReason> {
        let OrderMessage {
            order_ref,
            side,
            qty,
            ..
        } = order;
        self.orders.cancel(order_ref, side, qty)?;
        self.emit(record, FlowKind::Cancel { order_ref });
        Ok(())
    }

    fn execute(&mut self, record: &Sequenced, execution: Execution) -> Result<(), UnmatchedReason> {
        if let Some((order_ref, _)) = execution.aggressor_order()
            && let Some(hidden) = self.to_open.remove(&order_ref)
        {
            self.open_hidden(record, order_ref, hidden)?;
        }
        let buy = self.fill(record, execution, Side::Buy);
        let sell = self.fill(record, execution, Side::Sell);
        buy.and(sell)
    }

    fn open_hidden(
        &mut self,
        record: &Sequenced,
        order_ref: u64,
        hidden: Hidden,
    ) -> Result<(), UnmatchedReason> {
        let order = OrderMessage {
            order_ref,
            side: hidden.side,
            price_e8: hidden.price_e8,
            qty: hidden.qty,
        };
        self.open(record, order)?;
        self.accounting.open_from_execution();
        if hidden.has_remainder {
            self.to_fold.insert(order_ref, hidden.side);
        }
        Ok(())
    }

    fn fill(
        &mut self,
        record: &Sequenced,
        execution: Execution,
        side: Side,
    ) -> Result<(), UnmatchedReason> {
        let order_ref = execution.order_of(side);
        let Execution { price_e8, qty, .. } = execution;
        self.orders.fill(order_ref, side, qty)?;
        self.emit(
            record,
            FlowKind::Fill {
                order_ref,
                side,
                price_e8,
                qty,
                exec_ref: exec_ref(record.line, side),
            },
        );
        Ok(())
    }

    fn emit(&mut self, record: &Sequenced, kind: FlowKind) {
        self.events.push(FlowEvent {
            time_ns: record.time_ns,
            line: record.line,
            instrument: 0,
            kind,
        });
    }
}

impl Execution {
    /// The order that traded against one already resting, unless it was an auction.
    fn aggressor_order(&self) -> Option<(u64, Side)> {
        match self.aggressor {
            Aggressor::Order(side) => Some((self.order_of(side), side)),
            Aggressor::Auction => None,
        }
    }

    fn order_of(&self, side: Side) -> u64 {
        match side {
            Side::Buy => self.bid_ref,
            Side::Sell => self.offer_ref,
        }
    }
}

#[cfg(test)]
mod tests;
