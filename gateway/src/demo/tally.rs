//! The clients' own books: what they sent, what they were answered, what was filled. Nothing here is
//! read from the engine's state; it is what that state is compared with.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use wire::RejectCode;

/// Account and instrument.
pub(super) type Place = (u32, u32);

/// All clients' counts together.
#[derive(Debug)]
pub(super) struct Tally {
    /// Order messages sent: new orders, replaces and cancels.
    pub(super) sent: u64,
    pub(super) accepted: u64,
    /// Refused, by code; Busy is counted apart.
    pub(super) rejected: BTreeMap<u16, u64>,
    pub(super) busy: u64,
    pub(super) new_orders: u64,
    pub(super) new_accepted: u64,
    /// Refusals of administrative requests and of messages as such, by code.
    pub(super) others: BTreeMap<u16, u64>,
    /// Fills that the venue and the sidecar desks reported.
    pub(super) fills_reported: u64,
    /// Fills that the desks were told.
    pub(super) fills_told: u64,
    /// Signed positions by the fills reported, 10⁻⁸.
    pub(super) reported: BTreeMap<Place, i128>,
    /// The same by the fills that the desks were told.
    pub(super) told: BTreeMap<Place, i128>,
    /// From receipt to the departure of the reply, as the server says.
    pub(super) decision: Histogram<u64>,
    /// From sending to reading the answer, as the client measures.
    pub(super) round_trip: Histogram<u64>,
    /// What did not add up, in words.
    pub(super) wrong: Vec<String>,
}

impl Tally {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            sent: 0,
            accepted: 0,
            rejected: BTreeMap::new(),
            busy: 0,
            new_orders: 0,
            new_accepted: 0,
            others: BTreeMap::new(),
            fills_reported: 0,
            fills_told: 0,
            reported: BTreeMap::new(),
            told: BTreeMap::new(),
            decision: histogram()?,
            round_trip: histogram()?,
            wrong: Vec::new(),
        })
    }

    pub(super) fn sent(&mut self, is_new: bool) {
        self.sent += 1;
        self.new_orders += u64::from(is_new);
    }

    pub(super) fn accept(&mut self, is_new: bool) {
        self.accepted += 1;
        self.new_accepted += u64::from(is_new);
    }

    pub(super) fn reject(&mut self, code: u16) {
        if code == RejectCode::Busy.number() {
            self.busy += 1;
        } else {
            *self.rejected.entry(code).or_default() += 1;
        }
    }

    pub(super) fn refuse_other(&mut self, code: u16) {
        *self.others.entry(code).or_default() += 1;
    }

    pub(super) fn report_fill(&mut self, place: Place, signed: i64) {
        self.fills_reported += 1;
        *self.reported.entry(place).or_default() += i128::from(signed);
    }

    pub(super) fn tell_fill(&mut self, place: Place, signed: i64) {
        self.fills_told += 1;
        *self.told.entry(place).or_default() += i128::from(signed);
    }

    /// Notes what does not add up; the demo goes on and fails at its end.
    pub(super) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) -> bool {
        if !holds {
            self.wrong.push(what());
        }
        holds
    }

    pub(super) fn rejected_in_all(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Signed positions that are not flat.
    pub(super) fn positions(&self) -> BTreeMap<Place, i128> {
        let open = self.reported.iter().filter(|(_, qty)| **qty != 0);
        open.map(|(place, qty)| (*place, *qty)).collect()
    }
}

/// A code by name, as far as this build knows it.
pub(super) fn code_name(code: u16) -> String {
    RejectCode::from_number(code).map_or_else(|| code.to_string(), |code| code.name().to_owned())
}

/// From 1 ns to a minute, three digits.
fn histogram() -> Result<Histogram<u64>, hdrhistogram::CreationError> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3)
}
