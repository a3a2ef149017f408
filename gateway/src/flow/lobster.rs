//! LOBSTER message files: Nasdaq's book, order by order.
//!
//! A line is `time,type,order id,size,price,direction`: seconds after midnight
//! as decimal text, price × 10 000, direction 1 (buy) or −1 (sell) *of the
//! resting order*. <https://lobsterdata.com/info/DataStructure.php>
//!
//! | type | is | becomes |
//! |---|---|---|
//! | 1 | new limit order | `New` |
//! | 2 | part of an order withdrawn | `Replace` to the smaller quantity; `Cancel` if nothing is left |
//! | 3 | an order withdrawn | `Cancel` |
//! | 4 | a resting order executed | `Fill`; the aggressor is not shown |
//! | 5 | a hidden order executed | `ReferencePrice` |
//! | 6 | a cross trade | `ReferencePrice` |
//! | 7 | trading halt: price −1 halt, 0 quoting again, 1 trading again | `Halt`, nothing, `Resume` |
//!
//! The file begins with a book already full, so that some lines name orders it
//! never opens: those are counted as unmatched and give no event.

use std::path::Path;

use super::{
    Accounting, DayStartPrice, Flow, FlowError, FlowEvent, FlowInstrument, FlowKind, LineKind,
    Side, UnmatchedReason,
    error::{Row, is_digits},
    live::LiveOrders,
    source::Lines,
};

/// One unit of the file's price, 0.0001, in 10⁻⁸.
const PRICE_UNIT_E8: i64 = 10_000;

/// Nasdaq's tick from one dollar up, and below it.
const TICK_E8: i64 = 1_000_000;
const SUB_DOLLAR_TICK_E8: i64 = 10_000;

const NS_PER_SECOND: u64 = 1_000_000_000;
const NS_PER_DAY: u64 = 86_400 * NS_PER_SECOND;

/// The ticker a LOBSTER file name begins with: `AAPL_2012-06-21_…` is `AAPL`.
pub(super) fn symbol_of(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    match name.split(['_', '.']).next() {
        Some(symbol) if !symbol.is_empty() => symbol.to_owned(),
        _ => "LOBSTER".to_owned(),
    }
}

/// Reads a whole file.
pub(super) fn read(mut lines: Lines, symbol: &str) -> Result<Flow, FlowError> {
    let mut reader = Reader::default();
    while let Some(row) = lines.next_row()? {
        if row.text.is_empty() {
            reader.accounting.use_line(LineKind::Blank);
            continue;
        }
        reader.take(&row, &Message::parse(&row)?)?;
    }
    reader.accounting.close(lines.lines_read());
    if reader.accounting.orders() == 0 {
        return Err(FlowError::NoOrders {
            file: lines.file().to_owned(),
            lines: lines.lines_read(),
        });
    }
    Ok(reader.into_flow(symbol))
}

/// A line taken apart; what the price means depends on the type.
struct Message<'a> {
    time_ns: u64,
    kind: &'a str,
    order_id: &'a str,
    size: &'a str,
    price: &'a str,
    direction: &'a str,
}

impl<'a> Message<'a> {
    fn parse(row: &Row<'a>) -> Result<Self, FlowError> {
        let mut columns = row.text.split(',');
        let mut column = |field| columns.next().ok_or_else(|| row.missing(field));
        let time = column("time")?;
        let message = Self {
            time_ns: time_ns(row, time)?,
            kind: column("type")?,
            order_id: column("order id")?,
            size: column("size")?,
            price: column("price")?,
            direction: column("direction")?,
        };
        match columns.next() {
            Some(extra) => Err(row.bad("direction", extra, "is a column too many")),
            None => Ok(message),
        }
    }

    fn order(&self, row: &Row<'_>) -> Result<OrderFields, FlowError> {
        Ok(OrderFields {
            order_ref: row.unsigned("order id", self.order_id)?,
            qty: row.positive("size", self.size)?,
            price_e8: row.price_e8("price", self.price, PRICE_UNIT_E8)?,
            side: match self.direction {
                "1" => Side::Buy,
                "-1" => Side::Sell,
                other => return Err(row.bad("direction", other, "is neither 1 nor -1")),
            },
        })
    }
}

/// The fields of the types that concern an order in the book.
#[derive(Clone, Copy)]
struct OrderFields {
    order_ref: u64,
    qty: u64,
    price_e8: i64,
    side: Side,
}

/// `34200.004241176` as nanoseconds, without a float on the way.
///
/// The clock has nine decimals. A few times in these files show more, as what
/// remains of a binary fraction (`35821.088778456004`): the tenth decimal
/// rounds them to the nanosecond they were made from.
fn time_ns(row: &Row<'_>, text: &str) -> Result<u64, FlowError> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if !is_digits(whole) || !is_digits(decimals) {
        return Err(row.bad("time", text, "is not a number of seconds"));
    }
    let (clock, rest) = decimals.split_at(decimals.len().min(9));
    let nanos = row.unsigned("time", &format!("{clock:0<9}"))? + u64::from(rest >= "5");
    row.unsigned("time", whole)?
        .checked_mul(NS_PER_SECOND)
        .and_then(|seconds_ns| seconds_ns.checked_add(nanos))
        .filter(|&time_ns| time_ns < NS_PER_DAY)
        .ok_or_else(|| row.bad("time", text, "is not within a day"))
}

#[derive(Default)]
struct Reader {
    orders: LiveOrders,
    events: Vec<FlowEvent>,
    accounting: Accounting,
    first_execution_e8: Option<i64>,
    has_sub_cent_order: bool,
}

impl Reader {
    fn take(&mut self, row: &Row<'_>, message: &Message<'_>) -> Result<(), FlowError> {
        let (kind, outcome) = match message.kind {
            "1" => (LineKind::NewOrder, self.open(message.order(row)?)),
            "2" => (LineKind::PartialCancel, self.reduce(message.order(row)?)),
            "3" => (LineKind::Cancel, self.cancel(message.order(row)?)),
            "4" => (
                LineKind::Execution,
                self.fill(message.order(row)?, row.line),
            ),
            "5" => (LineKind::HiddenExecution, self.print(row, message)?),
            "6" => (LineKind::CrossTrade, self.print(row, message)?),
            "7" => (LineKind::Halt, halt(row, message)?),
            other => return Err(row.bad("type", other, "is not a message type from 1 to 7")),
        };
        match outcome {
            Ok(happened) => {
                self.accounting.use_line(kind);
                self.events.extend(happened.map(|kind| FlowEvent {
                    time_ns: message.time_ns,
                    line: row.line,
                    instrument: 0,
                    kind,
                }));
            }
            Err(reason) => self.accounting.leave_line(kind, reason),
        }
        Ok(())
    }

    fn open(&mut self, order: OrderFields) -> Outcome {
        let OrderFields {
            order_ref,
            qty,
            price_e8,
            side,
        } = order;
        self.orders.open(order_ref, side, price_e8, qty)?;
        self.has_sub_cent_order |= price_e8 % TICK_E8 != 0;
        Ok(Some(FlowKind::New {
            order_ref,
            side,
            price_e8,
            qty,
        }))
    }

    fn reduce(&mut self, order: OrderFields) -> Outcome {
        let OrderFields {
            order_ref,
            qty,
            side,
            ..
        } = order;
        let after = self.orders.reduce(order_ref, side, qty)?;
        Ok(Some(match after.leaves {
            0 => FlowKind::Cancel { order_ref },
            leaves => FlowKind::Replace {
                order_ref,
                price_e8: after.price_e8,
                qty: after.qty,
                leaves,
            },
        }))
    }

    fn cancel(&mut self, order: OrderFields) -> Outcome {
        let OrderFields {
            order_ref,
            qty,
            side,
            ..
        } = order;
        self.orders.cancel(order_ref, side, qty)?;
        Ok(Some(FlowKind::Cancel { order_ref }))
    }

    fn fill(&mut self, order: OrderFields, line: u64) -> Outcome {
        let OrderFields {
            order_ref,
            qty,
            price_e8,
            side,
        } = order;
        self.first_execution_e8.get_or_insert(price_e8);
        self.orders.fill(order_ref, side, qty)?;
        Ok(Some(FlowKind::Fill {
            order_ref,
            side,
            price_e8,
            qty,
            exec_ref: super::exec_ref(line, side),
        }))
    }

    fn print(&mut self, row: &Row<'_>, message: &Message<'_>) -> Result<Outcome, FlowError> {
        let price_e8 = row.price_e8("price", message.price, PRICE_UNIT_E8)?;
        self.first_execution_e8.get_or_insert(price_e8);
        Ok(Ok(Some(FlowKind::ReferencePrice { price_e8 })))
    }

    fn into_flow(self, symbol: &str) -> Flow {
        Flow {
            instruments: vec![FlowInstrument {
                symbol: symbol.to_owned(),
                tick_e8: if self.has_sub_cent_order {
                    SUB_DOLLAR_TICK_E8
                } else {
                    TICK_E8
                },
                lot: 1,
                odd_lot_sells: true,
                day_start: match self.first_execution_e8 {
                    Some(price_e8) => DayStartPrice::FirstExecution { price_e8 },
                    None => DayStartPrice::Unknown,
                },
            }],
            events: self.events,
            accounting: self.accounting,
        }
    }
}

/// What a line comes to: an event, none, or the reason it cannot be used.
type Outcome = Result<Option<FlowKind>, UnmatchedReason>;

fn halt(row: &Row<'_>, message: &Message<'_>) -> Result<Outcome, FlowError> {
    match message.price {
        "-1" => Ok(Ok(Some(FlowKind::Halt))),
        "0" => Ok(Ok(None)),
        "1" => Ok(Ok(Some(FlowKind::Resume))),
        other => Err(row.bad("price", other, "is not a halt's -1, 0 or 1")),
    }
}

#[cfg(test)]
mod tests;
