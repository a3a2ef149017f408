//! The controls, one pure function each, in the order in which they refuse.
//!
//! A function here reads the state and a [`Proposal`] and says pass or [`Refusal`]; none of them changes
//! anything, except that [`decide`] advances the rate buckets once all of them conform (C5). The first
//! refusal wins, so the order of the lines in [`decide`] is the documented precedence.

mod chain;
mod notional;
mod open_orders;
mod permission;
mod position;
mod price;
mod rate;
mod refusal;
mod size;
mod trading_state;

pub(crate) use chain::Chain;
pub(crate) use permission::is_permitted;
pub(crate) use position::fits_reduce_only;
pub(crate) use refusal::{Headroom, Refusal};

use crate::state::State;
use wire::{OrdType, Price, Side};

/// What a new order or a replace would do, before anything is changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proposal {
    pub(crate) chain: Chain,
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
    pub(crate) is_replace: bool,
    /// Time of the command.
    pub(crate) t: u64,
}

impl Proposal {
    pub(crate) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }

    /// Change of the reserved quantity.
    pub(crate) fn qty_delta(&self) -> i128 {
        i128::from(self.leaves.saturating_sub(self.reserved_qty).max(0))
    }
}

/// The outcome of all checks: what to reserve, and how near the nearest limit is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Approved {
    /// Value of the new version's leaves, to be stored with it.
    pub(crate) value: i64,
    /// Tightest use of a limit.
    pub(crate) headroom: Headroom,
}

/// Runs every control from the trading state on. Rate buckets advance if, and only if, all conform.
pub(crate) fn decide(state: &mut State, order: &Proposal) -> Result<Approved, Refusal> {
    let mut headroom = Headroom::default();
    let reducing = position::is_purely_reducing(state, order);

    trading_state::not_halted(state, order)?;
    rate::conforms(state, order)?;
    rate::advance(state, order);
    price::reference_is_known(state, order, reducing)?;
    price::rate_is_known(state, order, reducing)?;
    price::is_within_collars(state, order, reducing)?;
    size::quantity_is_within_limits(state, order)?;
    let (full_value, value) = size::value(state, order)?;
    size::value_is_within_limits(state, order, full_value)?;
    open_orders::count_is_within_limits(state, order, &mut headroom)?;
    position::is_within_limits(state, order, &mut headroom)?;
    trading_state::reduces_where_it_must(state, order)?;
    let value_delta = value.saturating_sub(order.reserved_value).max(0);
    notional::gross_is_within_limits(state, order, value_delta, &mut headroom)?;
    notional::net_is_within_limits(state, order, value_delta, &mut headroom)?;

    Ok(Approved { value, headroom })
}
