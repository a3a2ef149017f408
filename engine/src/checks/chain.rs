//! An order's chain of scopes with the rows, sums and limits that its checks read.

use super::NO_ROW;
use crate::exposure::{NO_GROUP, Row, Sums};
use crate::limits::{KINDS, Limit, NO_SET, SetKey};
use crate::state::State;
use crate::tree::CHAIN;
use wire::{LimitKind, Selector};

/// Selectors within a scope, in the order in which they are checked: instrument, group, all.
const SELECTORS: usize = 3;

/// Where a limit of the chain stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// 0 account, 1 desk, 2 firm, 3 trader.
    pub(crate) level: usize,
    /// 0 instrument, 1 group, 2 all.
    pub(crate) selector: usize,
}

/// The chain of an order, looked up once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    /// Rows of the order's instrument; `None` where there is none yet.
    rows: [Option<u32>; CHAIN],
    groups: [Option<u32>; CHAIN],
    scopes: [u32; CHAIN],
    sets: [u32; CHAIN * SELECTORS],
    /// For each kind, one bit a place that has a limit of it, enforced or shadow.
    present: [u16; KINDS],
    /// Kinds with an enforced limit somewhere in the chain.
    enforced: u32,
}

impl Chain {
    /// Looks up the limits of a chain in an instrument.
    pub(crate) fn of(
        state: &State,
        scopes: [u32; CHAIN],
        rows: [u32; CHAIN],
        instrument: u32,
    ) -> Self {
        let definition = &state.instruments.get(instrument).definition;
        let (instrument_id, group_id) = (definition.instrument_id, definition.product_group);
        let rows = rows.map(|row| Some(row).filter(|row| *row != NO_ROW));
        let mut chain = Self {
            rows,
            groups: [None; CHAIN],
            scopes,
            sets: [NO_SET; CHAIN * SELECTORS],
            present: [0; KINDS],
            enforced: 0,
        };
        for level in 0..CHAIN {
            let scope = scopes[level];
            let instrument_set = match rows[level] {
                Some(slot) => {
                    let row = state.exposure.line(slot);
                    chain.groups[level] = Some(row.group).filter(|slot| *slot != NO_GROUP);
                    row.limits
                }
                None => {
                    chain.groups[level] = state.exposure.group_of(scope, group_id);
                    state.limits.set_of(SetKey {
                        scope,
                        selector: Selector::Instrument,
                        selector_id: instrument_id,
                    })
                }
            };
            let group_set = chain.groups[level]
                .and_then(|slot| state.exposure.group_line(slot))
                .map_or(NO_SET, |sums| sums.limits);
            let all_set = state.exposure.all_line(scope).limits;
            for (selector, set) in [instrument_set, group_set, all_set].into_iter().enumerate() {
                let place = level * SELECTORS + selector;
                chain.sets[place] = set;
                chain.enforced |= state.limits.enforced(set);
                let mut mask = state.limits.mask(set);
                while mask != 0 {
                    chain.present[mask.trailing_zeros() as usize] |= 1 << place;
                    mask &= mask - 1;
                }
            }
        }
        chain
    }

    /// Whether some enforced limit of `kind` selects the order.
    pub(crate) fn has(&self, kind: LimitKind) -> bool {
        self.enforced & (1 << kind.0) != 0
    }

    /// Places of the limits of `kind`, shadow ones too: account, desk, firm, trader; instrument, group, all.
    pub(crate) fn places(&self, kind: LimitKind) -> impl Iterator<Item = Place> + use<> {
        let mut bits = self.present[usize::from(kind.0)];
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let place = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(Place {
                level: place / SELECTORS,
                selector: place % SELECTORS,
            })
        })
    }

    /// Set of limits at a place.
    pub(crate) fn set(&self, place: Place) -> u32 {
        self.sets[place.level * SELECTORS + place.selector]
    }

    /// Limits of `kind` with their places, shadow ones too.
    pub(crate) fn limits<'a>(
        &'a self,
        state: &'a State,
        kind: LimitKind,
    ) -> impl Iterator<Item = (Place, &'a Limit)> {
        self.places(kind).map(move |place| {
            (
                place,
                state.limits.in_set(self.set(place), usize::from(kind.0)),
            )
        })
    }

    /// The row of a level, if there is one.
    pub(crate) fn row(&self, state: &State, level: usize) -> Option<Row> {
        self.rows[level].map(|slot| state.exposure.row(slot))
    }

    /// The sums that a group or all limit is checked against.
    pub(crate) fn sums(&self, state: &State, place: Place) -> Sums {
        match place.selector {
            1 => self.groups[place.level]
                .map(|slot| state.exposure.group(slot))
                .unwrap_or_default(),
            _ => state.exposure.all(self.scopes[place.level]),
        }
    }

    /// Sums over all instruments at a level.
    pub(crate) fn all_sums(&self, state: &State, level: usize) -> Sums {
        state.exposure.all(self.scopes[level])
    }
}
