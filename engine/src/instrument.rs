//! Instruments and currencies: definitions, reference prices, marks and rates.

use crate::exposure::Valuation;
use crate::ids::Ids;
use crate::table::{mix, room_for};
use crate::units::{Multiple, ValueFactor};
use bincode::{Decode, Encode};
use wire::{DefineInstrument, E8, Text, TradingState};

/// A price with the time of its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Reference {
    pub(crate) price: i64,
    pub(crate) feed_time: u64,
}

/// One instrument.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Instrument {
    pub(crate) id: u32,
    pub(crate) definition: DefineInstrument,
    pub(crate) currency: u32,
    pub(crate) reference: Option<Reference>,
    /// The newest reference there ever was: values a reducing sell when there is none (R17).
    pub(crate) last_reference: Option<i64>,
    pub(crate) mark: Option<i64>,
    /// Mark at the roll; before the first roll, the first mark there was.
    pub(crate) opening_mark: Option<i64>,
    /// The multiplier alone: values in the instrument's own currency.
    pub(crate) own_factor: ValueFactor,
    /// Multiplier × rate; `None` while the currency has no rate.
    pub(crate) factor: Option<ValueFactor>,
    /// Whether the two are the same.
    pub(crate) is_in_base: bool,
    /// The newest factor there ever was: values fills while the currency has no rate.
    pub(crate) last_factor: Option<ValueFactor>,
    /// Multiples of the definition's steps, told without a division.
    pub(crate) qty_steps: Multiple,
    pub(crate) lots: Multiple,
    pub(crate) ticks: Multiple,
    pub(crate) state: TradingState,
    pub(crate) state_version: u32,
    /// First row of an account or trader in the instrument: the head of a list through the rows.
    pub(crate) first_row: Option<u32>,
    /// The same for rows of desks and the firm.
    pub(crate) first_upper_row: Option<u32>,
    /// Rows of accounts and traders.
    pub(crate) holders: u32,
    /// Number of its newest change of mark or rate that some may not have followed.
    pub(crate) remark: u64,
}

impl Instrument {
    /// What a position in it is valued with now.
    pub(crate) fn valuation(&self) -> Valuation {
        Valuation {
            mark: self.mark,
            opening_mark: self.opening_mark,
            factor: self.factor,
        }
    }
}

/// One currency.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Currency {
    pub(crate) code: Text<4>,
    pub(crate) rate: Option<i64>,
    pub(crate) rate_time: u64,
    pub(crate) max_age_ns: Option<u64>,
    /// How often the rate was set: values of one version can be compared.
    pub(crate) version: u32,
}

/// Currencies that there is room for from the start.
const CURRENCIES: usize = 64;

/// All instruments and currencies. Slots are given in order of definition and never reused.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Instruments {
    items: Vec<Instrument>,
    by_id: Ids,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) base_currency: Text<4>,
}

impl Instruments {
    pub(crate) fn with_capacity(capacity: usize, base_currency: Text<4>) -> Self {
        let mut currencies = Vec::with_capacity(CURRENCIES);
        // The base currency's rate is 1 and never stale (R20).
        currencies.push(Currency {
            code: base_currency,
            rate: Some(E8),
            rate_time: 0,
            max_age_ns: None,
            version: 0,
        });
        Self {
            items: Vec::with_capacity(capacity),
            by_id: Ids::with_capacity(capacity),
            currencies,
            base_currency,
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, capacity: usize) {
        room_for(&mut self.items, capacity);
        room_for(&mut self.currencies, CURRENCIES);
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    #[inline]
    pub(crate) fn find(&self, id: u32) -> Option<u32> {
        self.by_id.get(id)
    }

    pub(crate) fn get(&self, slot: u32) -> &Instrument {
        &self.items[slot as usize]
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Instrument {
        &mut self.items[slot as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.items.iter()
    }

    /// Slot of a currency; it is added without a rate if it is new.
    pub(crate) fn currency(&mut self, code: Text<4>) -> u32 {
        let at = self
            .currencies
            .iter()
            .position(|c| c.code == code)
            .unwrap_or_else(|| {
                self.currencies.push(Currency {
                    code,
                    rate: None,
                    rate_time: 0,
                    max_age_ns: None,
                    version: 0,
                });
                self.currencies.len().saturating_sub(1)
            });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    pub(crate) fn currency_of(&self, instrument: &Instrument) -> &Currency {
        &self.currencies[instrument.currency as usize]
    }

    /// Adds a new instrument and returns its slot.
    pub(crate) fn add(&mut self, definition: DefineInstrument) -> u32 {
        let currency = self.currency(definition.currency);
        let slot = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.by_id.insert(definition.instrument_id, slot);
        self.items.push(Instrument {
            id: definition.instrument_id,
            definition,
            currency,
            reference: None,
            last_reference: None,
            mark: None,
            opening_mark: None,
            own_factor: ValueFactor::new(definition.multiplier.0, E8),
            factor: None,
            is_in_base: false,
            last_factor: None,
            qty_steps: Multiple::of(definition.qty_step.0),
            lots: Multiple::of(definition.lot.0),
            ticks: Multiple::of(definition.tick.0),
            state: TradingState::Active,
            state_version: 0,
            first_row: None,
            first_upper_row: None,
            holders: 0,
            remark: 0,
        });
        self.refresh_factor(slot);
        slot
    }

    /// The marks of the old day are where the new one opens.
    pub(crate) fn start_day(&mut self) {
        for instrument in &mut self.items {
            instrument.opening_mark = instrument.mark;
        }
    }

    /// Recomputes what follows from definition and rate, after a change of either.
    pub(crate) fn refresh_factor(&mut self, slot: u32) {
        let rate = self.currencies[self.items[slot as usize].currency as usize].rate;
        let instrument = &mut self.items[slot as usize];
        instrument.qty_steps = Multiple::of(instrument.definition.qty_step.0);
        instrument.lots = Multiple::of(instrument.definition.lot.0);
        instrument.ticks = Multiple::of(instrument.definition.tick.0);
        instrument.own_factor = ValueFactor::new(instrument.definition.multiplier.0, E8);
        instrument.factor =
            rate.map(|rate| ValueFactor::new(instrument.definition.multiplier.0, rate));
        instrument.is_in_base = instrument.factor == Some(instrument.own_factor);
        instrument.last_factor = instrument.factor.or(instrument.last_factor);
    }
}

/// What identifies an execution (R13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(crate) struct ExecutionKey {
    pub(crate) exec_id: u64,
    pub(crate) instrument: u32,
    pub(crate) trade_date: u32,
    pub(crate) venue_id: u16,
    pub(crate) buy: bool,
}

impl ExecutionKey {
    /// A well-mixed hash of the whole key.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        let place = (u64::from(self.instrument) << 32) | u64::from(self.trade_date);
        mix(self.exec_id ^ mix(place ^ (u64::from(self.venue_id) << 1) ^ u64::from(self.buy)))
    }

    /// A hash that eight ids of a venue in sequence share, whatever they are of.
    #[inline]
    pub(crate) fn neighbours(&self) -> u64 {
        let day = (u64::from(self.venue_id) << 32) | u64::from(self.trade_date);
        mix((self.exec_id / 8) ^ day.rotate_left(24))
    }
}
