//! The controls, one pure function each, in the order in which they refuse.
//!
//! A function here reads the state and a [`Proposal`] and says pass or [`Refusal`]; none of them changes
//! anything. What has to change whether or not the order passes is said in [`Findings`]. The first
//! refusal wins, so the order of the lines in [`decide`] is the documented precedence.

mod chain;
mod cover;
mod duplicate;
mod fast;
mod notional;
mod open_orders;
mod permission;
mod position;
mod price;
mod protection;
mod rate;
mod refusal;
mod self_match;
mod size;
mod trading_state;
mod turnover;

pub(crate) use chain::Chain;
pub(crate) use cover::unlocated;
pub(crate) use duplicate::key as order_key;
#[cfg(debug_assertions)]
pub(crate) use fast::Passed;
pub(crate) use fast::passes;
pub(crate) use permission::is_permitted;
pub(crate) use position::fits_reduce_only;
pub(crate) use rate::advance as advance_rates;
#[cfg(debug_assertions)]
pub(crate) use rate::arrivals;
pub(crate) use refusal::{Findings, Headroom, Met, Refusal};
pub(crate) use self_match::{group_of, price_of};
pub(crate) use size::Values;

use crate::state::State;
use crate::tree::CHAIN;
use wire::{OrdType, Price, Side};

/// No row of a scope in the order's instrument yet.
pub(crate) const NO_ROW: u32 = u32::MAX;

/// What a new order or a replace asks for, before anything is changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// Account, desk, firm, trader.
    pub(crate) scopes: [u32; CHAIN],
    /// Their rows in the order's instrument; [`NO_ROW`] where there is none yet.
    pub(crate) rows: [u32; CHAIN],
    pub(crate) instrument: u32,
    pub(crate) side: Side,
    pub(crate) ord_type: OrdType,
    pub(crate) price: Price,
    /// Total order quantity, 10⁻⁸.
    pub(crate) qty: i64,
    /// Quantity that would be live: the order's, or the new version's leaves.
    pub(crate) leaves: i64,
    /// What the chain of replaces has reserved already.
    pub(crate) reserved_qty: i64,
    pub(crate) reserved_value: i64,
    pub(crate) reserved_cash: i64,
    /// Quantity that a short sell has located already.
    pub(crate) located_qty: i64,
    /// Slot of the order that is replaced; `None` for a new one.
    pub(crate) replaces: Option<u32>,
    /// Only asked about: nothing may be reserved or counted (R35).
    pub(crate) what_if: bool,
    /// Time of the command.
    pub(crate) t: u64,
}

impl Ask {
    pub(crate) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }

    pub(crate) fn is_replace(&self) -> bool {
        self.replaces.is_some()
    }

    /// Change of the reserved quantity.
    pub(crate) fn qty_delta(&self) -> i128 {
        i128::from(self.leaves.saturating_sub(self.reserved_qty).max(0))
    }

    /// Change of the reserved value.
    fn value_delta(&self, values: &Values) -> i64 {
        let change = values.worth.value.saturating_sub(self.reserved_value);
        change.max(0)
    }

    /// Change of the reserved cash.
    fn cash_delta(&self, values: &Values) -> i64 {
        let change = values.worth.cash.saturating_sub(self.reserved_cash);
        change.max(0)
    }

    /// The account's row, if there is one.
    fn account_row(&self) -> Option<u32> {
        Some(self.rows[0]).filter(|row| *row != NO_ROW)
    }
}

/// What is asked, with the limits of its chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proposal {
    ask: Ask,
    pub(crate) chain: Chain,
}

impl Proposal {
    pub(crate) fn of(state: &State, ask: &Ask) -> Self {
        Self {
            ask: *ask,
            chain: Chain::of(state, ask.scopes, ask.rows, ask.instrument),
        }
    }
}

impl std::ops::Deref for Proposal {
    type Target = Ask;

    fn deref(&self) -> &Ask {
        &self.ask
    }
}

/// Runs every control from the trading state on, and gives what the new version's leaves are worth.
///
/// The first refusal wins. Where the order is to be explained, the rest are run all the same.
pub(crate) fn decide(
    state: &State,
    order: &Proposal,
    found: &mut Findings,
) -> Result<Values, Refusal> {
    let explains = found.trace.is_some();
    let mut first = Ok(());
    macro_rules! check {
        ($control:expr) => {
            let control: Result<(), Refusal> = $control;
            if !explains {
                control?;
            } else {
                if let Err(refusal) = control {
                    found.note_plain(refusal);
                }
                if first.is_ok() {
                    first = control.and(found.first.map_or(Ok(()), Err));
                }
            }
        };
    }
    let reducing = position::is_purely_reducing(state, order);

    check!(trading_state::not_halted(state, order));
    check!(rate::conforms(state, order, found));
    found.rate_conforms = first.is_ok();
    check!(duplicate::is_not_repeated(state, order, found));
    check!(price::reference_is_known(state, order, reducing, found));
    check!(price::rate_is_known(state, order, reducing, found));
    check!(price::is_within_collars(state, order, reducing, found));
    check!(size::quantity_is_within_limits(state, order, found));
    let values = match (size::value(state, order), first) {
        (Ok(values), _) => values,
        (Err(refusal), first) => {
            found.note_plain(refusal);
            return Err(first.err().unwrap_or(refusal));
        }
    };
    check!(size::value_is_within_limits(
        state,
        order,
        values.full,
        found
    ));
    check!(size::share_of_volume_is_within_limits(state, order, found));
    check!(open_orders::count_is_within_limits(state, order, found));
    check!(cover::sale_is_covered(state, order));
    check!(position::is_within_limits(state, order, found));
    check!(trading_state::reduces_where_it_must(state, order));
    let value_delta = order.value_delta(&values);
    check!(notional::gross_is_within_limits(
        state,
        order,
        value_delta,
        found
    ));
    check!(notional::net_is_within_limits(
        state,
        order,
        value_delta,
        found
    ));
    check!(turnover::is_within_limits(state, order, value_delta, found));
    let cash_delta = order.cash_delta(&values);
    check!(cover::buy_is_paid(state, order, cash_delta, found));
    check!(self_match::matches_nobody(state, order, found));
    check!(protection::is_not_frozen(state, order));

    first.map(|()| values)
}
