//! A flow of accepted work: new orders, replaces and cancels of desks with the reports of their venue,
//! around a steady number of live orders. It plays both sides and needs no answer from the engine,
//! because it knows what a firm without tight limits decides.

mod exchange_core;

use super::firm::{DATE, QTY_MAX, REFERENCE, START, Shape, VENUE, VENUE_SESSION};
use super::random::{Random, Zipf};
use engine::command::{Command, Sequenced};
use std::collections::VecDeque;
use wire::{
    CancelOrder, CancelReason, Capacity, E8, ExecType, NewOrder, OrdType, Price, Qty, ReplaceOrder,
    Side, Time, TimeInForce, VenueReport,
};

/// What a command of the flow is, for figures apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A new order.
    New,
    /// A replace.
    Replace,
    /// A cancel.
    Cancel,
    /// A fill.
    Fill,
    /// Acknowledgement of an order, a replace or a cancel.
    Report,
    /// A new order that must be refused.
    Refused,
}

impl Kind {
    /// All of them, in the order of their index.
    pub const ALL: [Self; 6] = [
        Self::New,
        Self::Replace,
        Self::Cancel,
        Self::Fill,
        Self::Report,
        Self::Refused,
    ];

    /// What figures call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Replace => "replace",
            Self::Cancel => "cancel",
            Self::Fill => "fill",
            Self::Report => "venue report",
            Self::Refused => "refused new",
        }
    }

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL
            .iter()
            .position(|kind| *kind == self)
            .unwrap_or_default()
    }
}

/// One command with what it is.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// What it is.
    pub kind: Kind,
    /// The command in its place.
    pub input: Sequenced,
}

/// A live order as its desk and venue see it.
#[derive(Debug, Clone, Copy)]
struct Live {
    order_id: u64,
    cl_ord_id: u64,
    account: u32,
    instrument: u32,
    trader: u16,
    desk: u32,
    side: Side,
    qty: i64,
    cum: i64,
}

/// What the venue will say, a while after it was asked.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: u64,
    order: Live,
    cl_ord_id: u64,
    exec_type: ExecType,
    /// Of a fill.
    qty: i64,
}

/// Commands between a request and its report.
const LAG: u64 = 16;

/// The flow.
#[derive(Debug)]
pub struct Flow {
    shape: Shape,
    random: Random,
    accounts: Option<Zipf>,
    instruments: Option<Zipf>,
    seq: u64,
    t: u64,
    /// Next inbound number and clOrdId of each desk's session, by desk − 1.
    desks: Vec<(u64, u64)>,
    venue_in: u64,
    exec_id: u64,
    live: Vec<Live>,
    target: usize,
    due: VecDeque<Due>,
    /// One new order in this many is to be refused; 0 for none.
    refuse_one_in: u32,
}

impl Flow {
    /// A flow around `target` live orders that goes on after sequence `seq`.
    pub fn new(shape: Shape, seed: u64, seq: u64, target: usize) -> Self {
        Self {
            shape,
            random: Random::new(seed),
            accounts: None,
            instruments: None,
            seq,
            t: START,
            desks: vec![(1, 1); shape.desks as usize],
            venue_in: 1,
            exec_id: 1,
            live: Vec::with_capacity(target + 1),
            target,
            due: VecDeque::with_capacity(1_024),
            refuse_one_in: 40,
        }
    }

    /// Accounts and instruments are drawn by Zipf (0.99) instead of uniformly.
    pub fn skewed(mut self) -> Self {
        self.accounts = Some(Zipf::new(self.shape.accounts, 0.99));
        self.instruments = Some(Zipf::new(self.shape.instruments, 0.99));
        self
    }

    /// Live orders, those whose cancel is on its way left out.
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Bytes of its own books.
    #[must_use]
    pub fn memory(&self) -> u64 {
        (self.live.len() * size_of::<Live>()) as u64
    }

    /// The last number of the sequence.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The next number of the sequence, for a command from outside the flow.
    pub fn take_seq(&mut self) -> (u64, u64) {
        self.seq += 1;
        (self.seq, self.t)
    }

    /// Fills `batch` anew.
    pub fn fill(&mut self, batch: &mut Vec<Work>, count: usize) {
        batch.clear();
        for _ in 0..count {
            let work = self.next();
            batch.push(work);
        }
    }

    /// The next command.
    #[expect(clippy::should_implement_trait, reason = "a flow without an end")]
    pub fn next(&mut self) -> Work {
        self.seq += 1;
        self.t += u64::from(self.random.between(500, 1_500));
        if self.due.front().is_some_and(|due| due.at <= self.seq)
            && let Some(due) = self.due.pop_front()
        {
            return self.report(due);
        }
        if self.live.len() < self.target {
            return self.new_order();
        }
        match self.random.below(100) {
            0..50 => self.cancel(),
            50..70 => self.replace(),
            _ => self.fill_one(),
        }
    }

    /// New orders drawn as the flow draws them, outside its sequence, for a check that keeps no orders.
    pub fn sample(&mut self, orders: &mut Vec<NewOrder>, count: usize) {
        while orders.len() < count {
            let order = self.drawn();
            orders.push(order);
        }
    }

    fn desk_command(&mut self, desk: u32, make: impl FnOnce(u64) -> Command) -> (u64, Sequenced) {
        let numbers = &mut self.desks[desk as usize - 1];
        let (in_seq_no, cl_ord_id) = *numbers;
        *numbers = (in_seq_no + 1, cl_ord_id + 1);
        let input = self.sequenced(Shape::session_of_desk(desk), in_seq_no, make(cl_ord_id));
        (cl_ord_id, input)
    }

    fn sequenced(&self, session_id: u32, in_seq_no: u64, command: Command) -> Sequenced {
        Sequenced {
            seq: self.seq,
            t: self.t,
            session_id,
            in_seq_no,
            busy: false,
            command,
        }
    }

    /// A price within 5 % of the reference, a multiple of the tick.
    fn price(&mut self) -> Price {
        let ticks = i64::from(self.random.below(1_000)) - 500;
        Price(REFERENCE + ticks * (E8 / 100))
    }

    fn draw(zipf: Option<&Zipf>, random: &mut Random, count: u32) -> u32 {
        match zipf {
            Some(zipf) => zipf.rank(random) + 1,
            None => random.below(count) + 1,
        }
    }

    /// A new order without its numbers.
    fn drawn(&mut self) -> NewOrder {
        let shape = self.shape;
        let rank = Self::draw(self.accounts.as_ref(), &mut self.random, shape.accounts);
        // Ranks are scattered, or the favourites would share their cache lines.
        let account = if self.accounts.is_some() {
            scatter(rank - 1, shape.accounts) + 1
        } else {
            rank
        };
        let instruments = self.instruments.as_ref();
        NewOrder {
            account,
            instrument_id: Self::draw(instruments, &mut self.random, shape.instruments),
            price: self.price(),
            qty: Qty(i64::from(self.random.between(1, 500)) * E8),
            trader_id: shape.trader_of(account),
            side: if self.random.one_in(2) {
                Side::Buy
            } else {
                Side::Sell
            },
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        }
    }

    fn new_order(&mut self) -> Work {
        let mut order = self.drawn();
        let refused = self.refuse_one_in > 0 && self.random.one_in(self.refuse_one_in);
        if refused {
            order.qty = Qty(QTY_MAX + E8);
        }
        let (live, input) = self.ask_for(order);
        if refused {
            return Work {
                kind: Kind::Refused,
                input,
            };
        }
        self.live.push(live);
        Work {
            kind: Kind::New,
            input,
        }
    }

    /// A new order by the desk of its account, and what it is once accepted.
    fn ask_for(&mut self, order: NewOrder) -> (Live, Sequenced) {
        let desk = self.shape.desk_of(order.account);
        let (cl_ord_id, input) =
            self.desk_command(desk, |cl_ord_id| NewOrder { cl_ord_id, ..order }.into());
        let live = Live {
            order_id: self.seq,
            cl_ord_id,
            account: order.account,
            instrument: order.instrument_id,
            trader: order.trader_id,
            desk,
            side: order.side,
            qty: order.qty.0,
            cum: 0,
        };
        (live, input)
    }

    fn any(&mut self) -> usize {
        self.random.index(self.live.len())
    }

    fn cancel(&mut self) -> Work {
        let at = self.any();
        let order = self.live.swap_remove(at);
        let (_, input) = self.desk_command(order.desk, |cl_ord_id| {
            CancelOrder {
                cl_ord_id,
                orig_cl_ord_id: order.cl_ord_id,
                trader_id: order.trader,
                ..CancelOrder::default()
            }
            .into()
        });
        self.ask(order, order.cl_ord_id, ExecType::Cancelled);
        Work {
            kind: Kind::Cancel,
            input,
        }
    }

    fn replace(&mut self) -> Work {
        let at = self.any();
        let order = self.live[at];
        let price = self.price();
        let qty = order.cum + i64::from(self.random.between(1, 500)) * E8;
        let (cl_ord_id, input) = self.desk_command(order.desk, |cl_ord_id| {
            ReplaceOrder {
                cl_ord_id,
                orig_cl_ord_id: order.cl_ord_id,
                price,
                qty: Qty(qty),
                trader_id: order.trader,
                ..ReplaceOrder::default()
            }
            .into()
        });
        // The desk waits for the answer before it touches the order again.
        self.live.swap_remove(at);
        let replaced = Live {
            cl_ord_id,
            qty,
            ..order
        };
        self.ask(replaced, cl_ord_id, ExecType::Replaced);
        Work {
            kind: Kind::Replace,
            input,
        }
    }

    fn ask(&mut self, order: Live, cl_ord_id: u64, exec_type: ExecType) {
        self.due.push_back(Due {
            at: self.seq + LAG,
            order,
            cl_ord_id,
            exec_type,
            qty: 0,
        });
    }

    fn report(&mut self, due: Due) -> Work {
        if due.exec_type == ExecType::Replaced {
            self.live.push(due.order);
        }
        let report = VenueReport {
            order_id: due.order.order_id,
            cl_ord_id: due.cl_ord_id,
            exec_type: due.exec_type,
            reason: CancelReason::Requested,
            ..self.about(&due.order)
        };
        Work {
            kind: Kind::Report,
            input: self.venue_command(report),
        }
    }

    fn fill_one(&mut self) -> Work {
        let at = self.any();
        let mut order = self.live[at];
        let leaves = order.qty - order.cum;
        // Half of the fills are complete.
        let qty = if leaves <= E8 || self.random.one_in(2) {
            leaves
        } else {
            let lots = u32::try_from(leaves / E8).unwrap_or(1);
            i64::from(self.random.between(1, lots)) * E8
        };
        order.cum += qty;
        if order.cum == order.qty {
            self.live.swap_remove(at);
        } else {
            self.live[at] = order;
        }
        self.book_fill(order, qty)
    }

    /// A fill of `qty`, which `cum` holds already.
    fn book_fill(&mut self, order: Live, qty: i64) -> Work {
        self.exec_id += 1;
        let report = VenueReport {
            order_id: order.order_id,
            cl_ord_id: order.cl_ord_id,
            venue_exec_id: self.exec_id,
            last_px: Price(REFERENCE),
            last_qty: Qty(qty),
            cum_qty: Qty(order.cum),
            exec_type: ExecType::Fill,
            ..self.about(&order)
        };
        Work {
            kind: Kind::Fill,
            input: self.venue_command(report),
        }
    }

    fn about(&self, order: &Live) -> VenueReport {
        VenueReport {
            transact_time: Time(self.t),
            trade_date: DATE,
            account: order.account,
            instrument_id: order.instrument,
            order_session_id: Shape::session_of_desk(order.desk),
            venue_id: VENUE,
            side: order.side,
            ..VenueReport::default()
        }
    }

    fn venue_command(&mut self, report: VenueReport) -> Sequenced {
        let in_seq_no = self.venue_in;
        self.venue_in += 1;
        self.sequenced(VENUE_SESSION, in_seq_no, report.into())
    }
}

/// A permutation of 0..n that keeps neighbours apart.
fn scatter(rank: u32, n: u32) -> u32 {
    let wide = (u64::from(rank) * 2_654_435_761 + 12_345) % u64::from(n);
    u32::try_from(wide).unwrap_or(0)
}
