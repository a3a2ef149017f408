//! A simulated market: takes routed orders, moves its prices, and says what became of the orders.
//!
//! Pure: messages and times in, reports out. Each instrument has one price that walks a tick at a time and
//! is drawn back to where it began. An order that the price reaches is filled: half at once and half at the
//! next step, an order that comes in through the price at the price, a resting one at its limit.

use std::collections::BTreeMap;

use engine::date::yyyymmdd;
use wire::{
    CancelReason, ExecType, Flag, Liquidity, Price, Qty, Reply, RoutedCancel, RoutedOrder,
    RoutedReplace, Side, Time, TimeInForce, VenueReport,
};

/// Age above which a routed order is not taken as if it were new, in nanoseconds.
const STALE_NS: u64 = 2_000_000_000;
/// Ticks from where the price began, beyond which it is drawn back.
const REACH: i64 = 40;

/// An instrument as the market trades it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stock {
    /// Smallest step of its price.
    pub(super) tick: Price,
    /// Smallest quantity that trades.
    pub(super) step: Qty,
    /// Where its price begins.
    pub(super) begins: Price,
}

#[derive(Debug)]
struct Traded {
    stock: Stock,
    /// Ticks from where it began.
    moved: i64,
}

impl Traded {
    fn price(&self) -> i64 {
        self.stock.begins.0 + self.moved * self.stock.tick.0
    }
}

/// What the market has of an order.
#[derive(Debug, Clone, Copy)]
struct Resting {
    order: RoutedOrder,
    /// Id of the version in force.
    cl_ord_id: u64,
    price: Price,
    qty: i64,
    cum: i64,
    /// Whether it came in through the price, which is then the price it trades at.
    takes: bool,
}

impl Resting {
    fn leaves(&self) -> i64 {
        self.qty - self.cum
    }
}

/// The market of one venue.
#[derive(Debug)]
pub(super) struct Market {
    venue: u16,
    stocks: BTreeMap<u32, Traded>,
    resting: BTreeMap<u64, Resting>,
    next_exec: u64,
    random: u64,
    /// Executions so far.
    pub(super) fills: u64,
}

impl Market {
    /// A market whose execution ids begin above `first_exec`: they are unique also after a new start.
    pub(super) fn new(venue: u16, stocks: BTreeMap<u32, Stock>, first_exec: u64) -> Self {
        let traded = |stock| Traded { stock, moved: 0 };
        Self {
            venue,
            stocks: stocks.into_iter().map(|(id, s)| (id, traded(s))).collect(),
            resting: BTreeMap::new(),
            next_exec: first_exec,
            random: first_exec,
            fills: 0,
        }
    }

    /// Orders that rest.
    pub(super) fn resting(&self) -> usize {
        self.resting.len()
    }

    /// Takes what was routed here.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nothing else asks a venue for something"
    )]
    pub(super) fn take(&mut self, message: &Reply, now: u64) -> Vec<VenueReport> {
        let mut out = Vec::new();
        match message {
            Reply::RoutedOrder(order) => self.new_order(order, now, &mut out),
            Reply::RoutedReplace(request) => self.replace(request, now, &mut out),
            Reply::RoutedCancel(request) => self.cancel(request, now, &mut out),
            _ => {}
        }
        out
    }

    /// Moves every price by at most a tick and fills what is reached.
    pub(super) fn step(&mut self, now: u64) -> Vec<VenueReport> {
        for traded in self.stocks.values_mut() {
            // Knuth's linear congruential generator; its upper bits are random enough for a walk.
            self.random = self
                .random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            traded.moved += match traded.moved {
                moved if moved > REACH => -1,
                moved if moved < -REACH => 1,
                _ => [-1, 0, 1, 0][usize::from(self.random.to_be_bytes()[0] & 3)],
            };
        }
        let mut out = Vec::new();
        let all: Vec<u64> = self.resting.keys().copied().collect();
        for order_id in all {
            self.fill_if_reached(order_id, now, &mut out);
        }
        out
    }

    fn new_order(&mut self, order: &RoutedOrder, now: u64, out: &mut Vec<VenueReport>) {
        if self.resting.contains_key(&order.order_id) {
            return;
        }
        let mut resting = Resting {
            order: *order,
            cl_ord_id: order.cl_ord_id,
            price: order.price,
            qty: order.qty.0,
            cum: 0,
            takes: false,
        };
        let stale = now.saturating_sub(order.engine_time.0) > STALE_NS;
        if stale || !self.stocks.contains_key(&order.instrument_id) {
            out.push(self.report(&resting, ExecType::Rejected, now));
            return;
        }
        resting.takes = self.reaches(&resting);
        out.push(self.report(&resting, ExecType::New, now));
        let all_or_nothing = order.tif == TimeInForce::FillOrKill;
        self.resting.insert(order.order_id, resting);
        if resting.takes && all_or_nothing {
            self.fill(order.order_id, resting.leaves(), now, out);
        } else if !all_or_nothing {
            self.fill_if_reached(order.order_id, now, out);
        }
        if all_or_nothing || order.tif == TimeInForce::ImmediateOrCancel {
            self.end(order.order_id, CancelReason::Unsolicited, now, out);
        }
    }

    fn replace(&mut self, request: &RoutedReplace, now: u64, out: &mut Vec<VenueReport>) {
        let Some(resting) = self.resting.get_mut(&request.order_id) else {
            return;
        };
        let fits = request.qty.0 > resting.cum;
        if fits {
            resting.cl_ord_id = request.cl_ord_id;
            resting.price = request.price;
            resting.qty = request.qty.0;
        }
        let answer = Resting {
            cl_ord_id: request.cl_ord_id,
            ..*resting
        };
        let what = if fits {
            ExecType::Replaced
        } else {
            ExecType::ReplaceRejected
        };
        out.push(self.report(&answer, what, now));
        self.fill_if_reached(request.order_id, now, out);
    }

    /// An order that is not here was ended by an earlier run of the market: its cancel is as good.
    fn cancel(&mut self, request: &RoutedCancel, now: u64, out: &mut Vec<VenueReport>) {
        if self.resting.contains_key(&request.order_id) {
            self.end(request.order_id, request.reason, now, out);
            return;
        }
        out.push(VenueReport {
            order_id: request.order_id,
            account: request.account,
            instrument_id: request.instrument_id,
            order_session_id: request.order_session_id,
            side: request.side,
            exec_type: ExecType::Cancelled,
            reason: request.reason,
            ..self.blank(now)
        });
    }

    fn reaches(&self, resting: &Resting) -> bool {
        let Some(traded) = self.stocks.get(&resting.order.instrument_id) else {
            return false;
        };
        resting.price.is_null()
            || match resting.order.side {
                Side::Buy => resting.price.0 >= traded.price(),
                _ => resting.price.0 <= traded.price(),
            }
    }

    /// Half of what is left, and all of it where the half can't be traded.
    fn fill_if_reached(&mut self, order_id: u64, now: u64, out: &mut Vec<VenueReport>) {
        let Some(resting) = self.resting.get(&order_id).copied() else {
            return;
        };
        if !self.reaches(&resting) {
            return;
        }
        let step = self
            .stocks
            .get(&resting.order.instrument_id)
            .map_or(1, |traded| traded.stock.step.0.max(1));
        let half = resting.leaves() / 2 / step * step;
        let begun = resting.cum > 0;
        let qty = if begun || half == 0 {
            resting.leaves()
        } else {
            half
        };
        self.fill(order_id, qty, now, out);
    }

    fn fill(&mut self, order_id: u64, qty: i64, now: u64, out: &mut Vec<VenueReport>) {
        let Some(mut resting) = self.resting.get(&order_id).copied() else {
            return;
        };
        let market = self
            .stocks
            .get(&resting.order.instrument_id)
            .map_or(resting.price.0, Traded::price);
        let through = resting.takes || resting.price.is_null();
        let price = if through { market } else { resting.price.0 };
        resting.cum += qty;
        self.next_exec += 1;
        self.fills += 1;
        out.push(VenueReport {
            venue_exec_id: self.next_exec,
            last_px: Price(price),
            last_qty: Qty(qty),
            liquidity: if through {
                Liquidity::Removed
            } else {
                Liquidity::Added
            },
            ..self.report(&resting, ExecType::Fill, now)
        });
        if resting.leaves() == 0 {
            self.resting.remove(&order_id);
        } else {
            // What is left of it rests, and trades at its own price.
            resting.takes = false;
            self.resting.insert(order_id, resting);
        }
    }

    fn end(&mut self, order_id: u64, reason: CancelReason, now: u64, out: &mut Vec<VenueReport>) {
        if let Some(resting) = self.resting.remove(&order_id) {
            out.push(VenueReport {
                reason,
                ..self.report(&resting, ExecType::Cancelled, now)
            });
        }
    }

    fn report(&self, resting: &Resting, exec_type: ExecType, now: u64) -> VenueReport {
        let order = &resting.order;
        VenueReport {
            order_id: order.order_id,
            cl_ord_id: resting.cl_ord_id,
            cum_qty: Qty(resting.cum),
            leaves_qty: Qty(resting.leaves()),
            account: order.account,
            instrument_id: order.instrument_id,
            order_session_id: order.order_session_id,
            side: order.side,
            exec_type,
            ..self.blank(now)
        }
    }

    fn blank(&self, now: u64) -> VenueReport {
        VenueReport {
            last_qty: Qty(0),
            transact_time: Time(now),
            trade_date: yyyymmdd(now),
            venue_id: self.venue,
            liquidity: Liquidity::Unknown,
            reopen: Flag::No,
            reason: CancelReason::Requested,
            ..VenueReport::default()
        }
    }
}

#[cfg(test)]
#[path = "market_tests.rs"]
mod tests;
