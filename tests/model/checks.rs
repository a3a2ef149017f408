//! The order of checks of `controls.md`, from `Busy` to the end, over rows made from scratch.
//!
//! `prices` has the checks of prices and values, `exposures` those of what is open, `covers` those of
//! C6, C12 and C15 to C18.

use super::book::Rows;
use super::limits::{Limit, LimitKey, edge_of};
use super::orders::Order;
use super::state::{At, Instrument, Model};
use wire::{LimitKind, RejectCode, Scope, Side, Topology, TradingState};

/// What a new order or a replace asks for, once its fields are known to make sense.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) trader: u16,
    pub(crate) side: Side,
    pub(crate) price: Option<i64>,
    /// Full quantity of the order or of the new version.
    pub(crate) qty: i128,
    pub(crate) busy: bool,
    /// Index of the order that is replaced.
    pub(crate) replaces: Option<usize>,
}

impl Ask {
    pub(crate) fn is_buy(&self) -> bool {
        self.side == Side::Buy
    }
}

/// Why an order was refused. `None` where the documents don't say and nothing is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: RejectCode,
    pub(crate) kind: Option<LimitKind>,
    pub(crate) at: Option<At>,
    pub(crate) limit: Option<i64>,
    pub(crate) observed: Option<i64>,
    pub(crate) version: Option<u32>,
}

impl Refusal {
    /// A refusal of which only the code is defined.
    pub(crate) fn of(code: RejectCode) -> Self {
        Self {
            code,
            kind: None,
            at: None,
            limit: None,
            observed: None,
            version: None,
        }
    }

    pub(crate) fn at(code: RejectCode, at: At) -> Self {
        Self {
            at: Some(at),
            ..Self::of(code)
        }
    }

    pub(crate) fn not_set(kind: LimitKind) -> Self {
        Self {
            kind: Some(kind),
            ..Self::of(RejectCode::LimitNotSet)
        }
    }
}

/// What an accepted order reserves, and how near it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) leaves: i128,
    pub(crate) value: i128,
    pub(crate) cash: i128,
    pub(crate) util: Option<(u16, LimitKind, Scope)>,
}

/// What the checks found on their way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judgement {
    /// Buckets that advance whether or not the answer is yes.
    pub(crate) advance: Vec<(LimitKey, u64)>,
    /// The first shadow limit that would have refused.
    pub(crate) shadow: Option<Refusal>,
    /// Bounds that were reached, or nearly: for the campaign's count.
    pub(crate) edges: Vec<String>,
}

impl Judgement {
    /// A limit was met: refuses if it is enforced and `over`, and is recorded if it is a shadow.
    pub(crate) fn meet(
        &mut self,
        code: RejectCode,
        (key, limit): &(LimitKey, Limit),
        reached: Option<i128>,
        over: bool,
    ) -> Result<(), Refusal> {
        if let (Some(reached), true) = (reached, limit.bound().is_some()) {
            self.edges
                .extend(edge_of(key.kind, reached, limit.value, over));
        }
        if !over {
            return Ok(());
        }
        let refusal = Refusal {
            kind: Some(key.kind),
            limit: Some(limit.value),
            observed: Some(reached.map_or(0, super::value::saturate)),
            version: Some(limit.version),
            ..Refusal::at(code, (key.scope, key.scope_id))
        };
        if limit.shadow() {
            self.shadow = self.shadow.take().or(Some(refusal));
            return Ok(());
        }
        Err(refusal)
    }
}

/// Everything that the checks of one order look at.
pub(crate) struct Case<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) chain: [At; 4],
    pub(crate) instrument: &'a Instrument,
    pub(crate) replaced: Option<&'a Order>,
    pub(crate) rows: &'a ChainRows,
    /// Leaves of the order, or of the new version when accepted.
    pub(crate) leaves: i128,
    /// What is added to the open quantity of the side.
    pub(crate) qty_added: i128,
    pub(crate) purely_reducing: bool,
}

/// The rows of the four scopes of an order's chain.
pub(crate) type ChainRows = [Rows; 4];

/// What the order is worth, and what of it is added to what is reserved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worth {
    pub(crate) full: i128,
    pub(crate) value: i128,
    pub(crate) cash: i128,
    pub(crate) value_added: i128,
    pub(crate) cash_added: i128,
}

impl Model {
    /// The rows that the checks of an order read.
    pub(crate) fn chain_rows(&self, account: u32, trader: u16) -> ChainRows {
        self.chain(account, trader).map(|at| self.rows(at))
    }

    /// All checks from `Busy` to the end: first refusal wins.
    pub(crate) fn judge(
        &self,
        ask: &Ask,
        rows: &ChainRows,
        found: &mut Judgement,
    ) -> Result<Plan, Refusal> {
        let replaced = ask.replaces.map(|index| &self.orders[index]);
        let leaves = (ask.qty - replaced.map_or(0, |o| o.cum)).max(0);
        let reserved = replaced.map_or(0, Order::reserved_qty);
        let qty_added = reserved.max(leaves) - reserved;
        let own = rows[0].get(&ask.instrument).copied().unwrap_or_default();
        let case = Case {
            ask,
            chain: self.chain(ask.account, ask.trader),
            instrument: &self.instruments[&ask.instrument],
            replaced,
            rows,
            leaves,
            qty_added,
            purely_reducing: ask.price.is_some() && own.reducing(ask.is_buy(), qty_added),
        };
        self.check_service(&case)?;
        self.check_halted(&case)?;
        self.check_rate(&case, found)?;
        self.check_duplicate(&case, found)?;
        let stale = self.check_reference(&case, found)?;
        let rate = self.check_fx(&case)?;
        self.check_collar(&case, stale, found)?;
        self.check_size(&case, found)?;
        let worth = self.worth(&case, rate)?;
        self.check_value(&case, &worth, found)?;
        self.check_volume(&case, found)?;
        self.check_open_orders(&case, found)?;
        self.check_short_sale(&case, found)?;
        let after = self.after(&case, &worth);
        self.check_position(&case, &after, found)?;
        self.check_reduce_only(&case, found)?;
        self.check_gross(&case, &worth, &after, found)?;
        self.check_net(&case, &after, found)?;
        self.check_turnover(&case, &worth, &after, found)?;
        self.check_cash(&case, &worth, found)?;
        self.check_self_match(&case, found)?;
        self.check_frozen(&case)?;
        Ok(Plan {
            leaves,
            value: worth.value,
            cash: worth.cash,
            util: self.utilisation(&case, &after),
        })
    }

    /// The limits of a kind that the order meets.
    pub(crate) fn met(&self, case: &Case, kind: LimitKind) -> Vec<(LimitKey, Limit)> {
        self.binding(kind, &case.chain, case.ask.instrument)
    }

    /// ●: some enforced limit must be there, or "unlimited" must have been said.
    pub(crate) fn met_or_refused(
        &self,
        case: &Case,
        kind: LimitKind,
    ) -> Result<Vec<(LimitKey, Limit)>, Refusal> {
        let met = self.met(case, kind);
        if met.iter().all(|(_, l)| l.shadow()) {
            return Err(Refusal::not_set(kind));
        }
        Ok(met)
    }

    /// Busy, CapacityExceeded, VenueDown, NotReady.
    fn check_service(&self, case: &Case) -> Result<(), Refusal> {
        if case.ask.busy || case.replaced.is_some_and(|o| o.pending_replaces() >= 8) {
            return Err(Refusal::of(RejectCode::Busy));
        }
        if self.executions.len() * 10 >= self.executions_max * 9 {
            return Err(Refusal::of(RejectCode::CapacityExceeded));
        }
        if self.sessions[&case.ask.session].topology == Topology::Inline
            && !self.venue_up(case.instrument.def.venue_id)
        {
            return Err(Refusal::of(RejectCode::VenueDown));
        }
        if !self.ready {
            return Err(Refusal::of(RejectCode::NotReady));
        }
        Ok(())
    }

    /// The first place of the chain, then the instrument, that has the state.
    pub(crate) fn first_in(&self, case: &Case, state: TradingState) -> Option<At> {
        let instrument = (Scope::Instrument, case.ask.instrument);
        case.chain
            .into_iter()
            .chain([instrument])
            .find(|at| self.state(*at) == state)
    }

    fn check_halted(&self, case: &Case) -> Result<(), Refusal> {
        match self.first_in(case, TradingState::Halted) {
            Some(at) => Err(Refusal::at(RejectCode::Halted, at)),
            None => Ok(()),
        }
    }

    /// C5: every bucket is tested before any of them advances.
    fn check_rate(&self, case: &Case, found: &mut Judgement) -> Result<(), Refusal> {
        let mut advance = Vec::new();
        for met in self.met_or_refused(case, LimitKind::OrderRate)? {
            let (key, limit) = &met;
            if !limit.finite() {
                continue;
            }
            let n = u64::try_from(limit.value).unwrap_or(0);
            let spacing = if n == 0 { 0 } else { limit.window.div_ceil(n) };
            let tat = limit.arrival.max(self.t) + spacing;
            let (wait, burst) = (
                u128::from(tat - self.t),
                u128::from(n) * u128::from(spacing),
            );
            let over = n == 0 || wait > burst;
            if n > 0 && limit.bound().is_some() {
                let side = match wait.abs_diff(burst) {
                    0 => Some("at"),
                    1..=1_000 if over => Some("past"),
                    1..=1_000 => Some("below"),
                    _ => None,
                };
                found
                    .edges
                    .extend(side.map(|side| format!("edge {}: {side}", key.kind)));
            }
            found.meet(RejectCode::OrderRate, &met, None, over)?;
            if !over {
                advance.push((*key, tat));
            }
        }
        found.advance = advance;
        Ok(())
    }

    /// Place of a limit's scope in the chain.
    pub(crate) fn place(&self, case: &Case, key: &LimitKey) -> usize {
        let at = (key.scope, key.scope_id);
        case.chain.iter().position(|it| *it == at).unwrap_or(0)
    }

    /// The rows with the order's reserve in them.
    fn after(&self, case: &Case, worth: &Worth) -> ChainRows {
        let mut after = case.rows.clone();
        for rows in &mut after {
            let row = rows.entry(case.ask.instrument).or_default();
            row.live += i128::from(case.replaced.is_none());
            if case.ask.is_buy() {
                row.open_buy += case.qty_added;
                row.reserved_buy += worth.value_added;
            } else {
                row.open_sell += case.qty_added;
                row.reserved_sell += worth.value_added;
            }
        }
        after
    }
}
