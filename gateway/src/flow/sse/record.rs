//! One line of a Shanghai log, taken apart.
//!
//! Owns the fields, their units (price and quantity × 1000, time `HHMMSScc`)
//! and their codes. Keys may stand in any order; those not named here are not
//! looked at.

use crate::flow::{
    FlowError, Side,
    error::{QTY_MAX, Row},
};

/// One unit of the file's price, 0.001, in 10⁻⁸.
const PRICE_UNIT_E8: i64 = 100_000;

/// The file's quantities are in thousandths of a share.
const QTY_UNITS_PER_SHARE: u64 = 1_000;

const NS_PER_CENTISECOND: u64 = 10_000_000;

/// A line, as far as order flow is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line<'a> {
    /// 191 and 192: part of the day's one sequence.
    Sequenced(Sequenced),
    /// 111.
    Snapshot(Snapshot<'a>),
    /// Any other message.
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot<'a> {
    /// `None` while the exchange sends zero.
    pub(super) previous_close_e8: Option<i64>,
    pub(super) previous_close_text: &'a str,
}

/// A message with its place in the day and in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequenced {
    pub(super) biz_index: u64,
    pub(super) line: u64,
    pub(super) time_ns: u64,
    pub(super) record: Record,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Record {
    /// An order published in the book.
    New(OrderMessage),
    /// An order withdrawn; the quantity is what was left.
    Cancel(OrderMessage),
    /// Two orders executed against each other.
    Execution(Execution),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct OrderMessage {
    pub(super) order_ref: u64,
    pub(super) side: Side,
    pub(super) price_e8: i64,
    pub(super) qty: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Execution {
    pub(super) bid_ref: u64,
    pub(super) offer_ref: u64,
    pub(super) price_e8: i64,
    pub(super) qty: u64,
    pub(super) aggressor: Aggressor,
}

/// Who came to whom.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aggressor {
    /// The order on this side met one that was resting.
    Order(Side),
    /// Both rested until the auction.
    Auction,
}

/// Takes a line apart: the security it is about, and what it says.
pub(super) fn parse<'a>(row: &Row<'a>) -> Result<(&'a str, Line<'a>), FlowError> {
    let fields = Fields { row };
    let message = fields.text("MsgType")?;
    let security = fields.text("SecurityID")?;
    let line = match message {
        "192" => fields.sequenced(fields.order()?)?,
        "191" => fields.sequenced(Record::Execution(fields.execution()?))?,
        "111" => Line::Snapshot(fields.snapshot()?),
        other => {
            row.unsigned("MsgType", other)?;
            Line::Other
        }
    };
    Ok((security, line))
}

struct Fields<'r, 'a> {
    row: &'r Row<'a>,
}

impl<'a> Fields<'_, 'a> {
    fn text(&self, key: &'static str) -> Result<&'a str, FlowError> {
        let text = self.row.text;
        text.strip_prefix("//")
            .unwrap_or(text)
            .split_ascii_whitespace()
            .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
            .ok_or_else(|| self.row.missing(key))
    }

    fn number(&self, key: &'static str) -> Result<u64, FlowError> {
        self.row.unsigned(key, self.text(key)?)
    }

    fn price_e8(&self, key: &'static str) -> Result<i64, FlowError> {
        self.row.price_e8(key, self.text(key)?, PRICE_UNIT_E8)
    }

    fn shares(&self, key: &'static str) -> Result<u64, FlowError> {
        let text = self.text(key)?;
        let thousandths = self.row.unsigned(key, text)?;
        if thousandths == 0 || thousandths % QTY_UNITS_PER_SHARE != 0 {
            return Err(self.row.bad(key, text, "is not a whole number of shares"));
        }
        match thousandths / QTY_UNITS_PER_SHARE {
            shares if shares > QTY_MAX => Err(self.row.bad(key, text, "is too large")),
            shares => Ok(shares),
        }
    }

    /// `9250080` is 09:25:00.80.
    fn time_ns(&self) -> Result<u64, FlowError> {
        const KEY: &str = "TransactTime";
        let text = self.text(KEY)?;
        let digits = self.row.unsigned(KEY, text)?;
        let (hour, minute) = (digits / 1_000_000, digits / 10_000 % 100);
        let (second, centisecond) = (digits / 100 % 100, digits % 100);
        if hour >= 24 || minute >= 60 || second >= 60 {
            return Err(self.row.bad(KEY, text, "is not a time of day (HHMMSScc)"));
        }
        let seconds = (hour * 60 + minute) * 60 + second;
        Ok((seconds * 100 + centisecond) * NS_PER_CENTISECOND)
    }

    fn order(&self) -> Result<Record, FlowError> {
        let message = OrderMessage {
            order_ref: self.number("OrderNo")?,
            side: match self.text("Side")? {
                "66" => Side::Buy,
                "83" => Side::Sell,
                other => return Err(self.row.bad("Side", other, "is neither 66 nor 83")),
            },
            price_e8: self.price_e8("Price")?,
            qty: self.shares("OrderQty")?,
        };
        match self.text("OrdType")? {
            "65" => Ok(Record::New(message)),
            "68" => Ok(Record::Cancel(message)),
            other => Err(self.row.bad("OrdType", other, "is neither 65 nor 68")),
        }
    }

    fn execution(&self) -> Result<Execution, FlowError> {
        Ok(Execution {
            bid_ref: self.number("BidApplSeqNum")?,
            offer_ref: self.number("OfferApplSeqNum")?,
            price_e8: self.price_e8("LastPx")?,
            qty: self.shares("LastQty")?,
            aggressor: match self.text("ExecType")? {
                "66" => Aggressor::Order(Side::Buy),
                "83" => Aggressor::Order(Side::Sell),
                "78" => Aggressor::Auction,
                other => return Err(self.row.bad("ExecType", other, "is none of 66, 83 and 78")),
            },
        })
    }

    fn snapshot(&self) -> Result<Snapshot<'a>, FlowError> {
        const KEY: &str = "PrevClosePx";
        let text = self.text(KEY)?;
        Ok(Snapshot {
            previous_close_e8: match self.row.unsigned(KEY, text)? {
                0 => None,
                _ => Some(self.price_e8(KEY)?),
            },
            previous_close_text: text,
        })
    }

    fn sequenced(&self, record: Record) -> Result<Line<'a>, FlowError> {
        Ok(Line::Sequenced(Sequenced {
            biz_index: self.number("BizIndex")?,
            line: self.row.line,
            time_ns: self.time_ns()?,
            record,
        }))
    }
}
