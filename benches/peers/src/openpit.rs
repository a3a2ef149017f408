//! The crate `openpit` against the engine, both in process and in one thread: the same new orders decided,
//! then what they reserved released (P14). No transport and no journal on either side.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ::openpit::param::{AccountId, Asset, Pnl, Price, Quantity, Side, TradeAmount, Volume};
use ::openpit::pretrade::PreTradeReservation;
use ::openpit::pretrade::policies::{
    OrderSizeBrokerBarrier, OrderSizeLimit, OrderSizeLimitPolicy, OrderSizeLimitSettings,
    OrderValidationPolicy, PnlBoundsBrokerBarrier, PnlBoundsKillSwitchPolicy,
    PnlBoundsKillSwitchSettings, RateLimit, RateLimitBrokerBarrier, RateLimitPolicy,
    RateLimitSettings, SpotFundsPolicy, SpotFundsSettings,
};
use ::openpit::storage::NoLocking;
use ::openpit::{
    AccountAdjustmentAmount, Engine, Instrument, LocalEngine, LocalSync, OrderOperation,
    SpotFundsLimitMode, SpotFundsMarketData, SpotFundsPricingSource, WithAccountAdjustmentAmount,
    WithAccountAdjustmentBalanceOperation, WithAccountAdjustmentBounds,
    WithExecutionReportFillDetails, WithExecutionReportOperation, WithFinancialImpact,
};
use anyhow::{Result, ensure};
use engine::command::{Command, Sequenced};
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use gateway::bench::Settings;
use gateway::bench::figures::{Pairs, median, nanos};
use gateway::bench::firm::{DATE, QTY_MAX, START, Shape, TWELVE, VENUE, VENUE_SESSION, found};
use gateway::bench::flow::Flow;
use gateway::bench::random::Random;
use gateway::bench::report::Report;
use wire::{CancelReason, E8, ExecType, NewOrder, Qty, VenueReport};

/// Orders between two readings of the clock.
const BATCH: usize = 256;
/// Batches of one side before the other has its turn.
const TURN: usize = 16;
/// Orders that stay live on both sides all the time.
const LIVE: usize = 10_000;
/// One new order in this many is larger than allowed and must be refused.
const REFUSED_ONE_IN: u32 = 50;

/// Nanoseconds an order.
#[derive(Debug, Clone, Copy)]
struct Times {
    decide: f64,
    release: f64,
}

/// New orders as both sides get them, and how many of them must be refused.
struct Batches {
    flow: Flow,
    random: Random,
    orders: Vec<NewOrder>,
    refused: usize,
}

impl Batches {
    fn new(shape: Shape) -> Self {
        Self {
            flow: Flow::new(shape, 1, 0, 0),
            random: Random::new(1),
            orders: Vec::with_capacity(BATCH),
            refused: 0,
        }
    }

    fn draw(&mut self, count: usize, refuse: bool) {
        self.orders.clear();
        self.refused = 0;
        self.flow.sample(&mut self.orders, count);
        for order in &mut self.orders {
            if refuse && self.random.one_in(REFUSED_ONE_IN) {
                order.qty = Qty(QTY_MAX + E8);
                self.refused += 1;
            }
        }
    }
}

/// The engine with twelve limits a chain of four scopes, and numbers for its commands.
struct Ours {
    engine: RiskEngine,
    out: Outbox,
    shape: Shape,
    seq: u64,
    t: u64,
    /// Next inbound number and clOrdId of each desk's session, by desk − 1.
    desks: Vec<u64>,
    venue: u64,
    work: Vec<Sequenced>,
}

impl Ours {
    fn new(shape: Shape) -> Self {
        let mut engine = RiskEngine::new();
        let seq = found(&mut engine, &shape, TWELVE);
        Self {
            engine,
            out: Outbox::new(),
            shape,
            seq,
            t: START,
            desks: vec![0; shape.desks as usize],
            venue: 0,
            work: Vec::with_capacity(BATCH),
        }
    }

    fn put(&mut self, session_id: u32, in_seq_no: u64, command: Command) {
        self.seq += 1;
        self.t += 1_000;
        self.work.push(Sequenced {
            seq: self.seq,
            t: self.t,
            session_id,
            in_seq_no,
            busy: false,
            command,
        });
    }

    /// Decides what is in `work`; nanoseconds a command and how many came out as `outcome`.
    fn apply(&mut self, outcome: Outcome) -> (f64, usize) {
        let mut count = 0;
        let start = Instant::now();
        for input in &self.work {
            let decision = self.engine.apply(input, &mut self.out);
            count += usize::from(decision.outcome == outcome);
            black_box(self.out.items().len());
        }
        let ns = nanos(start.elapsed()) as f64 / self.work.len().max(1) as f64;
        (ns, count)
    }

    fn decide(&mut self, batches: &Batches) -> Result<f64> {
        self.work.clear();
        for order in &batches.orders {
            let desk = self.shape.desk_of(order.account);
            let numbers = &mut self.desks[desk as usize - 1];
            *numbers += 1;
            let cl_ord_id = *numbers;
            let order = NewOrder {
                cl_ord_id,
                ..*order
            };
            self.put(Shape::session_of_desk(desk), cl_ord_id, order.into());
        }
        let (ns, accepted) = self.apply(Outcome::Accepted);
        let wanted = batches.orders.len() - batches.refused;
        ensure!(
            accepted == wanted,
            "the engine accepted {accepted}, not {wanted}"
        );
        Ok(ns)
    }

    /// The venue has cancelled what the batch at hand left live.
    fn release(&mut self) -> Result<f64> {
        let decided = std::mem::take(&mut self.work);
        for input in &decided {
            let Command::NewOrder(order) = input.command else {
                continue;
            };
            if order.qty.0 > QTY_MAX {
                continue;
            }
            self.venue += 1;
            let report = VenueReport {
                order_id: input.seq,
                cl_ord_id: order.cl_ord_id,
                exec_type: ExecType::Cancelled,
                reason: CancelReason::Requested,
                trade_date: DATE,
                account: order.account,
                instrument_id: order.instrument_id,
                order_session_id: input.session_id,
                venue_id: VENUE,
                side: order.side,
                ..VenueReport::default()
            };
            self.put(VENUE_SESSION, self.venue, report.into());
        }
        let (ns, applied) = self.apply(Outcome::Applied);
        let wanted = self.work.len();
        ensure!(
            applied == wanted,
            "the engine released {applied}, not {wanted}"
        );
        Ok(ns)
    }
}

/// A report and an adjustment have the fields that the policies ask for; none is ever made here.
type PitReport =
    WithFinancialImpact<WithExecutionReportOperation<WithExecutionReportFillDetails<()>>>;
type PitAdjustment = WithAccountAdjustmentAmount<
    WithAccountAdjustmentBounds<WithAccountAdjustmentBalanceOperation<AccountAdjustmentAmount>>,
>;

/// openpit with all its policies.
struct Pit {
    engine: LocalEngine<OrderOperation, PitReport, PitAdjustment>,
    instruments: Vec<Instrument>,
    orders: Vec<OrderOperation>,
    reserved: Vec<PreTradeReservation>,
}

impl Pit {
    fn new(shape: &Shape) -> Result<Self> {
        let dollars = Asset::new("USD")?;
        let assets = (1..=shape.instruments)
            .map(|n| Ok(Asset::new(format!("S{n}"))?))
            .collect::<Result<Vec<_>>>()?;
        // Funds are tracked and not gated, positions are: the engine has no cash limit set either.
        let mut funds = SpotFundsSettings::new(0, SpotFundsPricingSource::Mark, [])?;
        funds.set_global_limit_mode(SpotFundsLimitMode::TrackOnly);
        for account in 1..=shape.accounts {
            for asset in &assets {
                let limit = Some(Quantity::from_str("10000000")?);
                let account = AccountId::from_u64(u64::from(account));
                funds.set_position_limit(account, asset.clone(), limit);
            }
        }
        let size = OrderSizeLimit {
            max_quantity: Some(Quantity::from_str("10000")?),
            max_notional: Some(Volume::from_str("10000000")?),
        };
        let rate = RateLimit {
            max_orders: 1_000_000_000,
            window: Duration::from_secs(1),
        };
        let loss = PnlBoundsBrokerBarrier {
            settlement_asset: dollars.clone(),
            lower_bound: Some(Pnl::from_str("-1000000000")?),
            upper_bound: None,
        };
        let builder = Engine::builder::<OrderOperation, PitReport, PitAdjustment>().no_sync();
        let storage = builder.storage_builder();
        let rate = RateLimitPolicy::<NoLocking>::new(
            RateLimitSettings::new(Some(RateLimitBrokerBarrier { limit: rate }), [], [], [])?,
            storage,
        );
        let loss = PnlBoundsKillSwitchPolicy::<NoLocking>::new(
            PnlBoundsKillSwitchSettings::new([loss], [])?,
            storage,
        );
        let funds = SpotFundsPolicy::<LocalSync, LocalSync>::new(
            funds,
            None::<SpotFundsMarketData<LocalSync>>,
            storage,
        );
        let size = OrderSizeLimitPolicy::<NoLocking>::new(OrderSizeLimitSettings::new(
            Some(OrderSizeBrokerBarrier { limit: size }),
            [],
            [],
        )?);
        Ok(Self {
            engine: builder
                .pre_trade(OrderValidationPolicy::new())
                .pre_trade(size)
                .pre_trade(rate)
                .pre_trade(loss)
                .pre_trade(funds)
                .build()?,
            instruments: assets
                .into_iter()
                .map(|asset| Instrument::new(asset, dollars.clone()))
                .collect(),
            orders: Vec::with_capacity(BATCH),
            reserved: Vec::with_capacity(LIVE + BATCH),
        })
    }

    fn decide(&mut self, batches: &Batches) -> Result<f64> {
        self.orders.clear();
        for order in &batches.orders {
            let ticks = order.price.0 / (E8 / 100);
            let price = format!("{}.{:02}", ticks / 100, ticks % 100);
            self.orders.push(OrderOperation {
                instrument: self.instruments[order.instrument_id as usize - 1].clone(),
                account_id: AccountId::from_u64(u64::from(order.account)),
                side: match order.side {
                    wire::Side::Buy => Side::Buy,
                    _ => Side::Sell,
                },
                trade_amount: TradeAmount::Quantity(Quantity::from_str(
                    &(order.qty.0 / E8).to_string(),
                )?),
                price: Some(Price::from_str(&price)?),
            });
        }
        let count = self.orders.len();
        let mut refused = 0;
        let start = Instant::now();
        for order in self.orders.drain(..) {
            match self.engine.execute_pre_trade(order) {
                Ok(reservation) => self.reserved.push(reservation),
                Err(_) => refused += 1,
            }
        }
        let ns = nanos(start.elapsed()) as f64 / count.max(1) as f64;
        ensure!(
            refused == batches.refused,
            "openpit refused {refused}, not {}",
            batches.refused
        );
        Ok(ns)
    }

    /// Gives back what the batch at hand reserved, by the shortest way there is.
    fn release(&mut self, keep: usize) -> f64 {
        let count = self.reserved.len() - keep;
        let start = Instant::now();
        for mut reservation in self.reserved.drain(keep..) {
            reservation.rollback();
        }
        nanos(start.elapsed()) as f64 / count.max(1) as f64
    }
}

struct Both {
    ours: Ours,
    pit: Pit,
    our_batches: Batches,
    pit_batches: Batches,
}

impl Both {
    fn new() -> Result<Self> {
        let shape = Shape {
            orders: 65_536,
            ..Shape::small()
        };
        let mut both = Self {
            ours: Ours::new(shape),
            pit: Pit::new(&shape)?,
            our_batches: Batches::new(shape),
            pit_batches: Batches::new(shape),
        };
        both.our_batches.draw(LIVE, false);
        both.ours.decide(&both.our_batches)?;
        both.pit_batches.draw(LIVE, false);
        both.pit.decide(&both.pit_batches)?;
        Ok(both)
    }

    fn ours(&mut self) -> Result<Times> {
        turn(|| {
            self.our_batches.draw(BATCH, true);
            Ok(Times {
                decide: self.ours.decide(&self.our_batches)?,
                release: self.ours.release()?,
            })
        })
    }

    fn theirs(&mut self) -> Result<Times> {
        turn(|| {
            self.pit_batches.draw(BATCH, true);
            Ok(Times {
                decide: self.pit.decide(&self.pit_batches)?,
                release: self.pit.release(LIVE),
            })
        })
    }
}

/// The medians of the batches of a turn.
fn turn(mut batch: impl FnMut() -> Result<Times>) -> Result<Times> {
    let times = (0..TURN).map(|_| batch()).collect::<Result<Vec<_>>>()?;
    Ok(Times {
        decide: median(&mut times.iter().map(|t| t.decide).collect::<Vec<_>>()),
        release: median(&mut times.iter().map(|t| t.release).collect::<Vec<_>>()),
    })
}

/// openpit beside the engine.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let title =
        "P14: openpit in process beside the engine in process, the same orders, one thread each";
    let mut report = Report::open("peers-openpit", title, settings.quick);
    settings.conditions(&mut report)?;
    let mut both = Both::new()?;
    let mut ratios = [const { Pairs::none() }; 2];
    let mut all: [Vec<f64>; 4] = Default::default();
    // A pair takes some ten milliseconds: a hundred give a narrow interval.
    for pair in 0..=settings.pick(settings.pairs.max(100), 4) {
        let (ours, theirs) = match pair % 2 {
            0 => {
                let ours = both.ours()?;
                (ours, both.theirs()?)
            }
            _ => {
                let theirs = both.theirs()?;
                (both.ours()?, theirs)
            }
        };
        if pair == 0 {
            continue;
        }
        ratios[0].add(theirs.decide, ours.decide);
        ratios[1].add(theirs.release, ours.release);
        let times = [ours.decide, theirs.decide, ours.release, theirs.release];
        for (all, ns) in all.iter_mut().zip(times) {
            all.push(ns);
        }
    }
    both.ours.engine.check_invariants();
    let [our_decide, decide, our_release, release] = all.each_mut().map(|all| median(all));
    report.note(format!(
        "decide {our_decide:.0} ns, openpit {decide:.0} ns; release {our_release:.0} ns, openpit {release:.0} ns; \
         {LIVE} live orders, {BATCH} between two readings of the clock"
    ));
    report.ratio_at_least("decide: openpit / ours", &ratios[0], Some(15.0));
    report.ratio_at_least("release: openpit / ours", &ratios[1], Some(15.0));
    report.note("all decisions right, refusals counted on both sides");
    report.write(&settings.out)
}
