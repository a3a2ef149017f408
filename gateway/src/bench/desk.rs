//! The desk that a measurement plays: what it sends next, what must come back, and its own books. It is
//! the oracle of a run: by the firm's limits it knows each decision before it is made, and its books are
//! never taken from the engine.
//!
//! A desk trades at its venue itself (sidecar): it asks, waits for the decision, and reports what became
//! of the order. It touches an order only after its answer has come, as a real one does. Leaves out
//! sockets and time.

use std::collections::VecDeque;

use wire::codec::encode_frame;
use wire::{
    CancelOrder, CancelReason, Capacity, E8, ExecType, Message, NewOrder, OrdType, Price, Qty,
    ReplaceOrder, Side, TimeInForce, VenueReport,
};

use super::books::Books;
use super::firm::{DATE, QTY_MAX, REFERENCE, Shape, VENUE};
use super::random::Random;

mod settling;

/// Accounts of its desk that it trades for.
pub const ACCOUNTS: u32 = 10;
/// One new order in this many is larger than C1 allows and must be refused.
pub const REFUSED_ONE_IN: u32 = 50;
/// The largest order of sensible size, in lots.
pub const LOTS_MAX: u32 = 100;

/// Shares of what is done with a live order once there are enough of them, in a hundred; the rest are
/// fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// New orders although there are enough; each is ended by a cancel of its own.
    pub new: u32,
    /// Replaces.
    pub replace: u32,
    /// Cancels.
    pub cancel: u32,
}

impl Mix {
    /// A desk that quotes and trades.
    pub const TRADING: Self = Self {
        new: 0,
        replace: 25,
        cancel: 50,
    };
    /// What exchange-core measured itself with: of its commands 12 % are new orders, 6 % cancels, 82 %
    /// moves. Twelve fills to a hundred commands, half of them complete, keep the number of live orders.
    pub const EXCHANGE_CORE: Self = Self {
        new: 0,
        replace: 82,
        cancel: 6,
    };
}

/// A live order as its desk knows it.
#[derive(Debug, Clone, Copy)]
struct Live {
    cl_ord_id: u64,
    order_id: u64,
    account: u32,
    instrument: u32,
    side: Side,
    qty: i64,
    cum: i64,
}

/// What a message asked for, to be settled by its answer.
#[derive(Debug, Clone, Copy)]
enum Ask {
    New(Live),
    /// A new order that must be refused.
    TooLarge,
    /// Order as it was; total quantity it is to have.
    Replace(Live, i64),
    Cancel(Live),
    Replaced(Live),
    Cancelled,
    Filled(Live, i64),
}

/// A message under way: what its answer must be.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    ask: Ask,
    seq_no: u64,
    cl_ord_id: u64,
    template_id: u16,
}

impl Asked {
    /// Template of the message that was sent: what the echo must give back.
    #[must_use]
    pub const fn template_id(&self) -> u16 {
        self.template_id
    }

    /// Whether it asks for a decision on an order; reports only tell.
    #[must_use]
    pub const fn is_order(&self) -> bool {
        !matches!(
            self.ask,
            Ask::Replaced(_) | Ask::Cancelled | Ask::Filled(..)
        )
    }
}

/// What comes back: the fields that settle a message.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Template of the answer.
    pub template_id: u16,
    /// Its root block.
    pub block: &'a [u8],
}

/// The desk.
#[derive(Debug)]
pub struct Desk {
    random: Random,
    mix: Mix,
    shape: Shape,
    desk: u32,
    /// Live orders around which it trades.
    target: usize,
    next_seq_no: u64,
    next_id: u64,
    exec_id: u64,
    live: Vec<Live>,
    /// New orders whose answers have not come.
    asking: usize,
    /// Reports that are due, with the clOrdId that their answer will name: what ends an order names its newest version.
    reports: VecDeque<(Ask, u64, VenueReport)>,
    books: Books,
}

impl Desk {
    /// The first desk of a small firm, whose session goes on with these numbers.
    #[must_use]
    pub fn new(mix: Mix, target: usize, next_seq_no: u64, first_id: u64) -> Self {
        Self {
            random: Random::new(first_id),
            mix,
            shape: Shape::small(),
            desk: 1,
            target,
            next_seq_no,
            next_id: first_id,
            exec_id: first_id,
            live: Vec::with_capacity(target + 1),
            asking: 0,
            reports: VecDeque::with_capacity(1_024),
            books: Books::default(),
        }
    }

    /// The same as another desk of another firm, which has [`ACCOUNTS`] accounts a desk or more.
    #[must_use]
    pub fn of(self, shape: Shape, desk: u32) -> Self {
        Self {
            shape,
            desk,
            ..self
        }
    }

    /// Its books so far.
    #[must_use]
    pub fn books(&self) -> Books {
        Books {
            live: self.live() as u64,
            ..self.books.clone()
        }
    }

    /// Messages refused for want of room so far.
    #[must_use]
    pub fn busy(&self) -> u64 {
        self.books.busy
    }

    /// Orders that are known to be live: one whose report is due lives until the report is sent.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.len() + self.reports.len()
    }

    /// Writes the next message behind `out`.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Asked {
        if let Some(asked) = self.report(out) {
            return asked;
        }
        // While answers are on their way there may be nothing to do but to send new orders.
        if self.live.len() + self.asking < self.target || self.live.is_empty() {
            return self.order(out);
        }
        let Mix {
            new,
            replace,
            cancel,
        } = self.mix;
        match self.random.below(100) {
            roll if roll < new => self.order(out),
            roll if roll < new + replace => self.replace(out),
            roll if roll < new + replace + cancel => self.cancel(out),
            _ => self.fill(out),
        }
    }

    /// Writes a new order behind `out`.
    pub fn order(&mut self, out: &mut Vec<u8>) -> Asked {
        let account = self.random.below(ACCOUNTS) * self.shape.desks + self.desk;
        let too_large = self.random.one_in(REFUSED_ONE_IN);
        let lots = self.random.between(1, LOTS_MAX);
        let live = Live {
            cl_ord_id: self.next_id,
            order_id: 0,
            account,
            instrument: self.random.below(self.shape.instruments) + 1,
            side: match self.random.one_in(2) {
                true => Side::Buy,
                false => Side::Sell,
            },
            qty: match too_large {
                true => QTY_MAX + E8,
                false => i64::from(lots) * E8,
            },
            cum: 0,
        };
        self.next_id += 1;
        let order = NewOrder {
            cl_ord_id: live.cl_ord_id,
            price: self.price(),
            qty: Qty(live.qty),
            account,
            instrument_id: live.instrument,
            trader_id: self.shape.trader_of(account),
            side: live.side,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        };
        self.asking += 1;
        let ask = match too_large {
            true => Ask::TooLarge,
            false => Ask::New(live),
        };
        self.send(out, ask, live.cl_ord_id, |seq_no| NewOrder {
            seq_no,
            ..order
        })
    }

    /// A price within 1 % of the reference, a multiple of the tick.
    fn price(&mut self) -> Price {
        let ticks = i64::from(self.random.below(200)) - 100;
        Price(REFERENCE + ticks * (E8 / 100))
    }

    fn take_any(&mut self) -> Live {
        let at = self.random.index(self.live.len());
        self.live.swap_remove(at)
    }

    fn replace(&mut self, out: &mut Vec<u8>) -> Asked {
        let live = self.take_any();
        let qty = live.cum + i64::from(self.random.between(1, LOTS_MAX)) * E8;
        let cl_ord_id = self.next_id;
        self.next_id += 1;
        let price = self.price();
        let trader_id = self.shape.trader_of(live.account);
        self.send(out, Ask::Replace(live, qty), cl_ord_id, |seq_no| {
            ReplaceOrder {
                seq_no,
                cl_ord_id,
                orig_cl_ord_id: live.cl_ord_id,
                price,
                qty: Qty(qty),
                trader_id,
                ..ReplaceOrder::default()
            }
        })
    }

    fn cancel(&mut self, out: &mut Vec<u8>) -> Asked {
        let live = self.take_any();
        let cl_ord_id = self.next_id;
        self.next_id += 1;
        let trader_id = self.shape.trader_of(live.account);
        self.send(out, Ask::Cancel(live), cl_ord_id, |seq_no| CancelOrder {
            seq_no,
            cl_ord_id,
            orig_cl_ord_id: live.cl_ord_id,
            trader_id,
            ..CancelOrder::default()
        })
    }

    /// Half of the fills are complete.
    fn fill(&mut self, out: &mut Vec<u8>) -> Asked {
        let live = self.take_any();
        let leaves = u32::try_from((live.qty - live.cum) / E8).unwrap_or(1);
        let lots = match leaves > 1 && self.random.one_in(2) {
            true => self.random.between(1, leaves - 1),
            false => leaves,
        };
        let qty = i64::from(lots) * E8;
        self.exec_id += 1;
        let report = VenueReport {
            venue_exec_id: self.exec_id,
            last_px: Price(REFERENCE),
            last_qty: Qty(qty),
            cum_qty: Qty(live.cum + qty),
            exec_type: ExecType::Fill,
            ..about(&live, live.cl_ord_id)
        };
        self.send(out, Ask::Filled(live, qty), live.cl_ord_id, |seq_no| {
            VenueReport { seq_no, ..report }
        })
    }

    /// Writes a report that is due behind `out`, or else the end of a live order: its venue has cancelled
    /// it. `None` without either.
    pub fn end_one(&mut self, out: &mut Vec<u8>) -> Option<Asked> {
        if let Some(asked) = self.report(out) {
            return Some(asked);
        }
        let live = self.live.pop()?;
        let report = VenueReport {
            exec_type: ExecType::Cancelled,
            reason: CancelReason::Requested,
            ..about(&live, live.cl_ord_id)
        };
        Some(
            self.send(out, Ask::Cancelled, live.cl_ord_id, |seq_no| VenueReport {
                seq_no,
                ..report
            }),
        )
    }

    /// Writes the report that has been due longest behind `out`.
    fn report(&mut self, out: &mut Vec<u8>) -> Option<Asked> {
        let (ask, named, report) = self.reports.pop_front()?;
        Some(self.send(out, ask, named, |seq_no| VenueReport { seq_no, ..report }))
    }

    fn send<M: Message>(
        &mut self,
        out: &mut Vec<u8>,
        ask: Ask,
        cl_ord_id: u64,
        make: impl FnOnce(u64) -> M,
    ) -> Asked {
        let seq_no = self.next_seq_no;
        let message = make(seq_no);
        self.next_seq_no += 1;
        let mut frame = [0; wire::codec::MAX_FRAME];
        let len = encode_frame(&message, &mut frame);
        out.extend_from_slice(&frame[..len]);
        let asked = Asked {
            ask,
            seq_no,
            cl_ord_id,
            template_id: M::LAYOUT.template_id,
        };
        self.books.sent += 1;
        self.books.orders += u64::from(asked.is_order());
        asked
    }
}

fn about(live: &Live, cl_ord_id: u64) -> VenueReport {
    VenueReport {
        cl_ord_id,
        order_id: live.order_id,
        trade_date: DATE,
        account: live.account,
        instrument_id: live.instrument,
        venue_id: VENUE,
        side: live.side,
        ..VenueReport::default()
    }
}
