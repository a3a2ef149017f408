//! Everybody but the server: desks, venue, risk manager and ops as real TCP clients, pumped in one loop
//! that never waits for a single answer. Owns what is sent; [`super::hear`] owns what is heard.

use super::book::{Asked, Life, Order, Step, Waiting};
use super::desk::Desk;
use super::plan::{INLINE, INSTANCE, Keys, OPS, PROBE, RISK, SIDECAR, VENUE_SESSION};
use super::server::ServerProcess;
use super::tally::Tally;
use super::venue::{self, Venue};
use anyhow::{Context, bail};
use engine::date::yyyymmdd;
use portcullis_client::{Client, Credentials, Options};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};
use wire::{
    CancelOrder, Capacity, ExecType, Flag, NewOrder, OrdType, PositionLoad, Price, Qty,
    ReplaceOrder, Side, TimeInForce, VenueReport,
};

/// Index of the inline desk.
pub(super) const A: usize = 0;
/// Index of the sidecar desk.
pub(super) const B: usize = 1;
/// Index of the desk that makes mistakes.
pub(super) const MISTAKES: usize = 2;

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// All clients and what they know.
#[derive(Debug)]
pub(super) struct World {
    pub(super) desks: [Desk; 3],
    pub(super) venue: Venue,
    pub(super) risk: Client,
    pub(super) ops: Client,
    pub(super) orders: Vec<Order>,
    pub(super) tally: Tally,
    /// Steps of all orders that are not done yet.
    pub(super) open_steps: usize,
    /// Steps left out because their order had been refused or had ended, by what they were.
    pub(super) skipped: BTreeMap<&'static str, u64>,
    pub(super) trade_date: u32,
    next_exec: u64,
    pub(super) mass_cancels: Vec<wire::MassCancelReport>,
    /// Whether answers count for the latency: while the flow plays.
    pub(super) measures: bool,
    rounds: u64,
}

/// Logs a session on.
pub(super) fn log_on(server: &ServerProcess, keys: &Keys, session: u32) -> anyhow::Result<Client> {
    log_on_from(server, keys, session, 0)
}

/// Logs a session on and asks for what it was sent from `next_expected` on.
pub(super) fn log_on_from(
    server: &ServerProcess,
    keys: &Keys,
    session: u32,
    next_expected: u64,
) -> anyhow::Result<Client> {
    let (role, key) = keys.of(session).context("a session without a key")?;
    let credentials = Credentials {
        session_id: session,
        role,
        key,
        key_id: 1,
        expected_instance: Some(INSTANCE.to_owned()),
    };
    let options = Options {
        app_name: "demo".to_owned(),
        next_expected,
        ..Options::default()
    };
    let client = Client::connect(server.address(), credentials, options)?;
    Ok(client)
}

impl World {
    pub(super) fn connect(
        server: &ServerProcess,
        keys: &Keys,
        tally: Tally,
    ) -> anyhow::Result<Self> {
        let desk = |session, sidecar| {
            let mut client = log_on(server, keys, session)?;
            client.set_nonblocking(true)?;
            Ok::<_, anyhow::Error>(Desk::new(client, session, sidecar))
        };
        let mut venue = log_on(server, keys, VENUE_SESSION)?;
        venue.set_nonblocking(true)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(Self {
            desks: [
                desk(INLINE, false)?,
                desk(SIDECAR, true)?,
                desk(PROBE, true)?,
            ],
            venue: Venue::new(venue),
            risk: log_on(server, keys, RISK)?,
            ops: log_on(server, keys, OPS)?,
            orders: Vec::new(),
            tally,
            open_steps: 0,
            skipped: BTreeMap::new(),
            trade_date: yyyymmdd(u64::try_from(now.as_nanos())?),
            next_exec: 1 << 48,
            mass_cancels: Vec::new(),
            measures: false,
            rounds: 0,
        })
    }

    /// Ops load the (empty) positions of the day and open it.
    pub(super) fn open_day(&mut self) -> anyhow::Result<()> {
        let load = PositionLoad {
            batch_id: 1,
            qty: Qty::NULL,
            business_date: self.trade_date,
            last: Flag::Yes,
            ..PositionLoad::default()
        };
        let open = wire::DayOpen {
            business_date: self.trade_date,
            ..wire::DayOpen::default()
        };
        let loaded = self.ops.request_and_ack(load)?;
        let opened = self.ops.request_and_ack(open)?;
        if (loaded.code, opened.code) != (0, 0) {
            bail!(
                "the day could not be opened: codes {} and {}",
                loaded.code,
                opened.code
            );
        }
        Ok(())
    }

    /// Sends a new order; the clOrdId is chosen here.
    pub(super) fn open(&mut self, desk: usize, order: NewOrder) -> usize {
        let index = self.orders.len();
        let cl_ord_id = self.desks[desk].ask(Asked::New, Some(index));
        let order = NewOrder { cl_ord_id, ..order };
        self.orders.push(Order::new(desk, cl_ord_id, &order));
        self.open_steps += 1;
        self.tally.sent(true);
        self.desks[desk].client.queue(order);
        index
    }

    /// Lets something happen to an order, once all before it has.
    pub(super) fn push(&mut self, index: usize, step: Step) {
        self.open_steps += 1;
        let order = &mut self.orders[index];
        order.todo.push_back(step);
        if order.waiting == Waiting::Nothing {
            self.advance(index);
        }
    }

    /// Takes the order's next steps until one has to wait.
    pub(super) fn advance(&mut self, index: usize) {
        while self.orders[index].waiting == Waiting::Nothing
            && let Some(step) = self.orders[index].todo.pop_front()
        {
            if self.orders[index].is_live() {
                self.take(index, step);
            } else {
                self.open_steps -= 1;
                let what = match step {
                    Step::Replace { .. } => "replace",
                    Step::Cancel => "cancel",
                    Step::Fill { .. } => "fill",
                };
                *self.skipped.entry(what).or_default() += 1;
            }
        }
    }

    fn take(&mut self, index: usize, step: Step) {
        match step {
            Step::Replace { price_e8, qty_e8 } => {
                self.replace(index, price_e8, qty_e8);
                self.orders[index].waiting = Waiting::Replaced;
            }
            Step::Cancel => {
                self.cancel(index);
                self.orders[index].waiting = Waiting::Cancelled;
            }
            Step::Fill {
                price_e8,
                qty_e8,
                exec_id,
            } => {
                self.fill(index, price_e8, qty_e8, exec_id);
                self.orders[index].waiting = Waiting::Filled;
            }
        }
    }

    /// The step that an order waited for is done.
    pub(super) fn done(&mut self, index: usize) {
        self.orders[index].waiting = Waiting::Nothing;
        self.open_steps -= 1;
        self.advance(index);
    }

    /// Sends a replace.
    pub(super) fn replace(&mut self, index: usize, price_e8: i64, qty_e8: i64) {
        let order = &mut self.orders[index];
        let desk = &mut self.desks[order.desk];
        let cl_ord_id = desk.ask(Asked::Replace, Some(index));
        let newest = order.replacing.map_or(order.cl_ord_id, |(id, ..)| id);
        order.replacing = Some((cl_ord_id, price_e8, qty_e8));
        self.tally.sent(false);
        desk.client.queue(ReplaceOrder {
            cl_ord_id,
            orig_cl_ord_id: newest,
            price: Price(price_e8),
            qty: Qty(qty_e8),
            trader_id: order.trader,
            ..ReplaceOrder::default()
        });
    }

    /// Sends a request to cancel.
    pub(super) fn cancel(&mut self, index: usize) {
        let order = &self.orders[index];
        let desk = &mut self.desks[order.desk];
        let cl_ord_id = desk.ask(Asked::Cancel, Some(index));
        self.tally.sent(false);
        desk.client.queue(CancelOrder {
            cl_ord_id,
            orig_cl_ord_id: order.cl_ord_id,
            trader_id: order.trader,
            ..CancelOrder::default()
        });
    }

    /// Reports a fill, as the venue or as the sidecar desk.
    pub(super) fn fill(&mut self, index: usize, price_e8: i64, qty_e8: i64, exec_id: u64) {
        let order = &self.orders[index];
        let place = (order.account, order.instrument);
        let (session, date) = (self.reporting_for(order.desk), self.trade_date);
        let report = venue::fill(order, session, date, exec_id, price_e8, qty_e8);
        self.tally.report_fill(place, order.signed(qty_e8));
        let desk = order.desk;
        self.orders[index].cum_e8 += qty_e8;
        self.send_report(desk, report);
    }

    /// Reports anything else.
    pub(super) fn report(&mut self, index: usize, exec_type: ExecType, cl_ord_id: u64) {
        let order = &self.orders[index];
        let (session, date) = (self.reporting_for(order.desk), self.trade_date);
        let report = venue::report(order, session, date, exec_type, cl_ord_id);
        self.send_report(order.desk, report);
    }

    /// Whose order a report is about: a sidecar desk speaks of its own.
    fn reporting_for(&self, desk: usize) -> u32 {
        match self.desks[desk].sidecar {
            true => 0,
            false => self.desks[desk].session,
        }
    }

    fn send_report(&mut self, desk: usize, report: VenueReport) {
        let reporter = match self.desks[desk].sidecar {
            true => &mut self.desks[desk].client,
            false => &mut self.venue.client,
        };
        reporter.queue(report);
    }

    /// An execution id that the flow does not use.
    pub(super) fn next_exec(&mut self) -> u64 {
        self.next_exec += 1;
        self.next_exec
    }

    /// Writes what is queued and takes what has come; whether anything came.
    pub(super) fn pump(&mut self) -> anyhow::Result<bool> {
        let mut heard = false;
        for desk in 0..self.desks.len() {
            self.desks[desk].client.flush()?;
            while let Some(event) = self.desks[desk].client.try_recv()? {
                heard = true;
                self.on_desk(desk, event);
            }
        }
        self.venue.client.flush()?;
        while let Some(event) = self.venue.client.try_recv()? {
            heard = true;
            self.on_venue(event);
        }
        self.rounds += 1;
        if self.rounds.is_multiple_of(64) || !heard {
            self.pump_office()?;
        }
        Ok(heard)
    }

    /// The risk manager and ops read what came.
    pub(super) fn pump_office(&mut self) -> anyhow::Result<()> {
        self.risk.flush()?;
        while let Some(event) = self.risk.try_recv()? {
            self.on_office(event);
        }
        while let Some(event) = self.ops.try_recv()? {
            self.on_office(event);
        }
        Ok(())
    }

    /// Pumps until something holds.
    pub(super) fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&Self) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            if !self.pump()? {
                std::thread::sleep(Duration::from_micros(50));
            }
            if Instant::now() > deadline {
                let unanswered: Vec<usize> = self.desks.iter().map(|d| d.unanswered).collect();
                bail!(
                    "never: {what} ({} steps open, unanswered {unanswered:?})",
                    self.open_steps
                );
            }
        }
        Ok(())
    }

    /// Pumps until every message is answered and every step done.
    pub(super) fn settle(&mut self) -> anyhow::Result<()> {
        self.until("everything is answered", |world| {
            world.open_steps == 0 && world.desks.iter().all(|desk| desk.unanswered == 0)
        })
    }

    /// Indices of the live orders.
    pub(super) fn live(&self) -> impl Iterator<Item = usize> + '_ {
        let live = |(index, order): (usize, &Order)| order.is_live().then_some(index);
        self.orders.iter().enumerate().filter_map(live)
    }

    /// The code that an order was refused with; 0 if it was accepted.
    pub(super) fn refusal(&self, index: usize) -> u16 {
        match self.orders[index].life {
            Life::Refused(code) => code,
            Life::Sent | Life::Live | Life::Done => 0,
        }
    }
}

/// A limit order for the day.
pub(super) fn limit_order(
    account: u32,
    trader_id: u16,
    instrument_id: u32,
    side: Side,
    price_e8: i64,
    qty_e8: i64,
) -> NewOrder {
    NewOrder {
        price: Price(price_e8),
        qty: Qty(qty_e8),
        account,
        instrument_id,
        trader_id,
        side,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}
