//! Order flow made from a seed, for when there is no file.
//!
//! Owns a small market: in every instrument a reference price walks at random,
//! orders arrive around it, are replaced, cancelled and filled in part or
//! whole. The same parameters give the same events on every machine.
//!
//! Every order is a sensible one: on a tick, in whole lots, of at most
//! [`LOTS_MAX`] lots, priced within 3 % of the day-start price and filled at
//! its limit. A caller that wants refusals makes them itself, so that it knows
//! how many to expect.

use super::{
    Accounting, DayStartPrice, Flow, FlowEvent, FlowInstrument, FlowKind, LineKind, Side, exec_ref,
    random::SplitMix64,
};

/// The most lots of an order, what is filled included.
pub const LOTS_MAX: u64 = 20;

/// The most orders live at a time; beyond it, orders are cancelled rather than sent.
pub const LIVE_ORDERS_MAX: usize = 2_000;

/// How far the reference walks from the day-start price, and an order from the
/// reference: together they keep orders within 3 % of the day-start price.
const WALK_BPS_MAX: i64 = 190;
const SPREAD_BPS_MAX: i64 = 100;

/// Below this many ticks, the walk and the spread would have no room.
const DAY_START_TICKS_MIN: i64 = 100;

/// Prices above this could overflow on the way.
const DAY_START_E8_MAX: i64 = i64::MAX / 100_000;

const OPEN_NS: u64 = 34_200_000_000_000;
const SESSION_NS: u64 = 23_400_000_000_000;

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedParams {
    /// The seed; print it, and the run can be had again.
    pub seed: u64,
    /// How many new orders. Some 2.6 events come of each.
    pub orders: u64,
    /// What is traded; the day-start prices must be known.
    pub instruments: Vec<FlowInstrument>,
}

impl GeneratedParams {
    /// A day in the four [`example_instruments`].
    #[must_use]
    pub fn new(seed: u64, orders: u64) -> Self {
        Self {
            seed,
            orders,
            instruments: example_instruments(),
        }
    }
}

/// Four instruments of different price and lot, with names no market uses.
#[must_use]
pub fn example_instruments() -> Vec<FlowInstrument> {
    [
        ("ALDR", 1_000_000, 1, 18_250_000_000),
        ("BRCH", 1_000_000, 10, 4_790_000_000),
        ("CEDR", 5_000_000, 100, 132_400_000_000),
        ("DGWD", 100_000, 100, 812_500_000),
    ]
    .into_iter()
    .map(|(symbol, tick_e8, lot, price_e8)| FlowInstrument {
        symbol: symbol.to_owned(),
        tick_e8,
        lot,
        odd_lot_sells: false,
        day_start: DayStartPrice::PreviousClose { price_e8 },
    })
    .collect()
}

/// Parameters that no flow can be generated from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeneratedError {
    /// There is nothing to trade.
    #[error("generated flow needs at least one instrument")]
    NoInstruments,
    /// An instrument leaves no room for a market.
    #[error("instrument {symbol} cannot be traded in generated flow: {problem}")]
    Instrument {
        /// The instrument.
        symbol: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Generates a whole day with its account; [`Generator`] gives it piece by piece.
///
/// # Errors
///
/// As [`Generator::new`].
pub fn generate(params: &GeneratedParams) -> Result<Flow, GeneratedError> {
    let mut generator = Generator::new(params)?;
    let events = generator.by_ref().collect();
    let accounting = generator.accounting();
    accounting.check();
    Ok(Flow {
        instruments: params.instruments.clone(),
        events,
        accounting,
    })
}

/// The events one after the other, for flows larger than memory.
#[derive(Debug, Clone)]
pub struct Generator {
    random: SplitMix64,
    markets: Vec<Market>,
    live: Vec<Live>,
    orders: u64,
    orders_max: u64,
    line: u64,
    time_ns: u64,
    step_ns_max: u64,
    accounting: Accounting,
}

impl Generator {
    /// A generator at the start of its day.
    ///
    /// # Errors
    ///
    /// [`GeneratedError`] if there is no instrument, or one without a day-start
    /// price, tick or lot that leaves room to trade.
    pub fn new(params: &GeneratedParams) -> Result<Self, GeneratedError> {
        if params.instruments.is_empty() {
            return Err(GeneratedError::NoInstruments);
        }
        let markets = params
            .instruments
            .iter()
            .zip(0..)
            .map(|(instrument, index)| Market::new(instrument, index))
            .collect::<Result<_, _>>()?;
        // 13 events in five orders, and steps of half the maximum on average.
        let step_ns = SESSION_NS / (params.orders.saturating_mul(13) / 5).max(1);
        Ok(Self {
            random: SplitMix64(params.seed),
            markets,
            live: Vec::new(),
            orders: 0,
            orders_max: params.orders,
            line: 0,
            time_ns: OPEN_NS,
            step_ns_max: (step_ns * 2).max(1),
            accounting: Accounting::default(),
        })
    }

    /// The account of the events given so far; each counts as a line.
    #[must_use]
    pub fn accounting(&self) -> Accounting {
        let mut accounting = self.accounting.clone();
        accounting.close(self.line);
        accounting
    }

    fn step(&mut self) -> (u32, FlowKind) {
        let roll = self.random.below(100);
        if roll < 2 {
            let market = self.random.pick(&mut self.markets);
            return (market.index, market.move_reference(&mut self.random));
        }
        if self.live.is_empty() || (roll < 41 && self.live.len() < LIVE_ORDERS_MAX) {
            return self.open();
        }
        let position = self.random.position(self.live.len());
        match roll {
            41..54 => self.replace(position),
            54..75 => self.cancel(position),
            // From 41 down only a full book comes here: it must shrink.
            ..41 => self.cancel(position),
            _ => self.fill(position),
        }
    }

    fn open(&mut self) -> (u32, FlowKind) {
        self.orders += 1;
        let market = self.random.pick(&mut self.markets);
        let side = match self.random.below(2) {
            0 => Side::Buy,
            _ => Side::Sell,
        };
        let qty = market.quantity(&mut self.random, 0);
        let order = Live {
            order_ref: self.orders,
            instrument: market.index,
            side,
            price_e8: market.price_e8(&mut self.random),
            qty,
            leaves: qty,
        };
        self.live.push(order);
        let kind = FlowKind::New {
            order_ref: order.order_ref,
            side,
            price_e8: order.price_e8,
            qty,
        };
        (order.instrument, kind)
    }

    fn replace(&mut self, position: usize) -> (u32, FlowKind) {
        let order = &mut self.live[position];
        let market = self.markets.iter().find(|m| m.index == order.instrument);
        if let Some(market) = market {
            let filled = order.qty - order.leaves;
            order.price_e8 = market.price_e8(&mut self.random);
            order.leaves = market.quantity(&mut self.random, filled);
            order.qty = filled + order.leaves;
        }
        let kind = FlowKind::Replace {
            order_ref: order.order_ref,
            price_e8: order.price_e8,
            qty: order.qty,
            leaves: order.leaves,
        };
        (order.instrument, kind)
    }

    fn cancel(&mut self, position: usize) -> (u32, FlowKind) {
        let order = self.live.swap_remove(position);
        let kind = FlowKind::Cancel {
            order_ref: order.order_ref,
        };
        (order.instrument, kind)
    }

    fn fill(&mut self, position: usize) -> (u32, FlowKind) {
        let mut order = self.live[position];
        let lot = self
            .markets
            .iter()
            .find(|market| market.index == order.instrument)
            .map_or(1, |market| market.lot);
        // Three in five fills are of all that is left.
        let qty = match self.random.below(5) {
            0..3 => order.leaves,
            _ => lot * (1 + self.random.below(order.leaves / lot)),
        };
        order.leaves -= qty;
        if order.leaves == 0 {
            self.live.swap_remove(position);
        } else {
            self.live[position] = order;
        }
        let kind = FlowKind::Fill {
            order_ref: order.order_ref,
            side: order.side,
            price_e8: order.price_e8,
            qty,
            exec_ref: exec_ref(self.line, order.side),
        };
        (order.instrument, kind)
    }
}

impl Iterator for Generator {
    type Item = FlowEvent;

    fn next(&mut self) -> Option<FlowEvent> {
        if self.orders == self.orders_max {
            return None;
        }
        self.line += 1;
        self.time_ns += 1 + self.random.below(self.step_ns_max);
        let (instrument, kind) = self.step();
        self.accounting.use_line(match kind {
            FlowKind::New { .. } => LineKind::NewOrder,
            FlowKind::Replace { .. } => LineKind::Replace,
            FlowKind::Cancel { .. } => LineKind::Cancel,
            FlowKind::Fill { .. } => LineKind::Execution,
            FlowKind::ReferencePrice { .. } => LineKind::ReferencePrice,
            FlowKind::Halt | FlowKind::Resume => LineKind::Halt,
        });
        Some(FlowEvent {
            time_ns: self.time_ns,
            line: self.line,
            instrument,
            kind,
        })
    }
}

/// An order as the generator has left it. Invariant: leaves is a positive
/// number of lots.
#[derive(Debug, Clone, Copy)]
struct Live {
    order_ref: u64,
    instrument: u32,
    side: Side,
    price_e8: i64,
    qty: u64,
    leaves: u64,
}

/// An instrument and where its price stands, in ticks.
#[derive(Debug, Clone, Copy)]
struct Market {
    index: u32,
    tick_e8: i64,
    lot: u64,
    day_start_ticks: i64,
    reference_ticks: i64,
}

impl Market {
    fn new(instrument: &FlowInstrument, index: u32) -> Result<Self, GeneratedError> {
        let refuse = |problem| GeneratedError::Instrument {
            symbol: instrument.symbol.clone(),
            problem,
        };
        if instrument.tick_e8 <= 0 {
            return Err(refuse("its tick is not positive"));
        }
        if instrument.lot == 0 || instrument.lot > u64::from(u32::MAX) {
            return Err(refuse("its lot is not from 1 to 4294967295"));
        }
        let day_start_e8 = instrument
            .day_start
            .price_e8()
            .ok_or_else(|| refuse("it has no day-start price"))?;
        if day_start_e8 > DAY_START_E8_MAX {
            return Err(refuse("its day-start price is too large"));
        }
        let ticks = day_start_e8 / instrument.tick_e8;
        if ticks < DAY_START_TICKS_MIN {
            return Err(refuse("its day-start price is under 100 ticks"));
        }
        Ok(Self {
            index,
            tick_e8: instrument.tick_e8,
            lot: instrument.lot,
            day_start_ticks: ticks,
            reference_ticks: ticks,
        })
    }

    /// Moves the reference by up to a tenth of a percent, within its bounds.
    fn move_reference(&mut self, random: &mut SplitMix64) -> FlowKind {
        let reach = (self.day_start_ticks / 1_000).max(1);
        let room = self.day_start_ticks * WALK_BPS_MAX / 10_000;
        let moved = self.reference_ticks + random.around_zero(reach);
        self.reference_ticks =
            moved.clamp(self.day_start_ticks - room, self.day_start_ticks + room);
        FlowKind::ReferencePrice {
            price_e8: self.reference_ticks * self.tick_e8,
        }
    }

    /// A limit around the reference, the nearer the likelier.
    fn price_e8(&self, random: &mut SplitMix64) -> i64 {
        let reach = self.day_start_ticks * SPREAD_BPS_MAX / 10_000 / 2;
        let away = random.around_zero(reach) + random.around_zero(reach);
        (self.reference_ticks + away) * self.tick_e8
    }

    /// What an order shall have left that has `filled` behind it. An order
    /// still live has filled less than its whole quantity: there is always room.
    fn quantity(&self, random: &mut SplitMix64, filled: u64) -> u64 {
        let room_lots = LOTS_MAX.saturating_sub(filled / self.lot);
        self.lot * (1 + random.below(room_lots))
    }
}

#[cfg(test)]
mod tests;
