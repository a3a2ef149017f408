//! The order of checks of `controls.md`, as one flat list of questions over rows made from scratch.

use super::state::{At, Instrument, Limit, LimitKey, Model, Row};
use super::value::{amount, ceil_div};
use num_bigint::BigInt;
use std::collections::BTreeMap;
use wire::{LimitKind, RejectCode, Scope, Topology, TradingState, Unit};

/// What a new order or a replace asks for, once its fields are known to make sense.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) session: u32,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) trader: u16,
    pub(crate) buy: bool,
    pub(crate) price: Option<i64>,
    /// Full quantity of the order or of the new version.
    pub(crate) qty: i128,
    pub(crate) busy: bool,
    /// Index of the order that is replaced.
    pub(crate) replaces: Option<usize>,
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

    fn not_set(kind: LimitKind) -> Self {
        Self {
            kind: Some(kind),
            ..Self::of(RejectCode::LimitNotSet)
        }
    }

    fn by(code: RejectCode, key: &LimitKey, limit: &Limit, observed: Option<i128>) -> Self {
        Self {
            code,
            kind: Some(key.kind),
            at: Some((key.scope, key.scope_id)),
            limit: Some(limit.value),
            observed: observed.map(super::value::saturate),
            version: Some(limit.version),
        }
    }
}

/// What an accepted order reserves, and how near it came.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) leaves: i128,
    pub(crate) value: i128,
    pub(crate) util_bps: u16,
    pub(crate) util_kind: LimitKind,
    pub(crate) util_scope: Scope,
    /// Limits that it reaches exactly, or nearly: for the campaign's count of boundaries.
    pub(crate) edges: Vec<String>,
}

/// Counts a passed limit that was reached exactly or to within one per cent.
fn edge(edges: &mut Vec<String>, kind: LimitKind, reached: i128, limit: i64) {
    let limit = i128::from(limit);
    if reached == limit {
        edges.push(format!("edge {kind}: at the limit"));
    } else if reached < limit && (limit - reached) * 100 <= limit.max(100) {
        edges.push(format!("edge {kind}: just below"));
    }
}

/// The answer, and the buckets that advance whether or not it is yes.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    pub(crate) advance: Vec<(LimitKey, u64)>,
    pub(crate) answer: Result<Plan, Refusal>,
}

/// The rows of the four scopes of an order's chain.
pub(crate) type ChainRows = [BTreeMap<u32, Row>; 4];

/// What the order adds to the open quantity and reserved value of its side.
struct Added {
    qty: i128,
    value: i128,
}

impl Model {
    /// The rows that the checks of an order read.
    pub(crate) fn chain_rows(&self, account: u32, trader: u16) -> ChainRows {
        self.chain(account, trader).map(|at| self.rows(at))
    }

    /// All checks from `Busy` to the end.
    pub(crate) fn judge(&self, ask: &Ask, rows: &ChainRows) -> Judgement {
        let mut advance = Vec::new();
        let answer = self.checks(ask, rows, &mut advance);
        Judgement { advance, answer }
    }

    fn checks(
        &self,
        ask: &Ask,
        rows: &ChainRows,
        advance: &mut Vec<(LimitKey, u64)>,
    ) -> Result<Plan, Refusal> {
        let chain = self.chain(ask.account, ask.trader);
        let instrument = &self.instruments[&ask.instrument];
        let binding = |kind| self.binding(kind, &chain, ask.instrument);
        let replaced = ask.replaces.map(|index| &self.orders[index]);
        let row = |i: usize| rows[i].get(&ask.instrument).copied().unwrap_or_default();

        // Busy, VenueDown, NotReady, Halted.
        if ask.busy || replaced.is_some_and(|o| o.pending_replaces() >= 8) {
            return Err(Refusal::of(RejectCode::Busy));
        }
        if self.sessions[&ask.session].topology == Topology::Inline
            && !self.venue_up(instrument.def.venue_id)
        {
            return Err(Refusal::of(RejectCode::VenueDown));
        }
        if !self.ready {
            return Err(Refusal::of(RejectCode::NotReady));
        }
        let everywhere: Vec<At> = chain
            .into_iter()
            .chain([(Scope::Instrument, ask.instrument)])
            .collect();
        for at in &everywhere {
            if self.state(*at) == TradingState::Halted {
                return Err(Refusal {
                    at: Some(*at),
                    ..Refusal::of(RejectCode::Halted)
                });
            }
        }

        // C5: every bucket is tested before any of them advances.
        let rates = binding(LimitKind::OrderRate);
        if rates.is_empty() {
            return Err(Refusal::not_set(LimitKind::OrderRate));
        }
        for (key, limit) in rates.iter().filter(|(_, l)| l.finite()) {
            let n = u64::try_from(limit.value).unwrap_or(0);
            let spacing = if n == 0 { 0 } else { limit.window.div_ceil(n) };
            let tat = self.buckets.get(key).copied().unwrap_or(0).max(self.t) + spacing;
            if n == 0 || u128::from(tat - self.t) > u128::from(n) * u128::from(spacing) {
                advance.clear();
                return Err(Refusal::by(RejectCode::OrderRate, key, limit, Some(0)));
            }
            advance.push((*key, tat));
        }

        // What the order would reserve beyond what is reserved now, and whether it only reduces.
        let cum = replaced.map_or(0, |o| o.cum);
        let leaves = (ask.qty - cum).max(0);
        let qty_before = replaced.map_or(0, |o| o.reserved_qty());
        let value_before = replaced.map_or(0, |o| o.reserved_value());
        let qty_added = qty_before.max(leaves) - qty_before;
        let purely_reducing = ask.price.is_some() && row(0).reducing(ask.buy, qty_added);

        // C4, and the marks of what is held in the chain.
        let stale = match instrument.reference {
            None if purely_reducing => true,
            None => return Err(Refusal::of(RejectCode::ReferenceMissing)),
            Some((_, feed_time)) => {
                let age = self.t - feed_time.min(self.t);
                let mut stale = false;
                for (key, limit) in binding(LimitKind::ReferenceMaxAge) {
                    if limit.finite() && i128::from(age) > i128::from(limit.value) {
                        if !purely_reducing {
                            return Err(Refusal::by(
                                RejectCode::ReferenceStale,
                                &key,
                                &limit,
                                Some(0),
                            ));
                        }
                        stale = true;
                    }
                }
                stale
            }
        };
        let held = |missing: &dyn Fn(&Instrument) -> bool| {
            rows.iter().any(|rows| {
                rows.iter()
                    .any(|(id, row)| row.position != 0 && missing(&self.instruments[id]))
            })
        };
        if !purely_reducing && held(&|i| i.mark.is_none()) {
            return Err(Refusal::of(RejectCode::ReferenceMissing));
        }

        // FX: always for the order's own currency; for what is held unless it only reduces.
        let Some((rate, rate_time)) = self.rate(instrument) else {
            return Err(Refusal::of(RejectCode::FxMissing));
        };
        if !purely_reducing && held(&|i| self.rate(i).is_none()) {
            return Err(Refusal::of(RejectCode::FxMissing));
        }
        if instrument.def.currency != self.base {
            let max_age = self.currencies[&instrument.def.currency].max_age;
            if max_age.is_some_and(|max| self.t - rate_time.min(self.t) > max) {
                return Err(Refusal::of(RejectCode::FxStale));
            }
        }

        // C3.
        let collars = binding(LimitKind::PriceCollar);
        if collars.is_empty() || (ask.price.is_none() && !collars.iter().any(|(_, l)| l.finite())) {
            return Err(Refusal::not_set(LimitKind::PriceCollar));
        }
        if let (Some(px), false, Some((reference, _))) = (ask.price, stale, instrument.reference) {
            for (key, limit) in collars.iter().filter(|(_, l)| l.finite()) {
                if beyond_collar(px, reference, ask.buy, limit, instrument) {
                    return Err(Refusal::by(RejectCode::PriceCollar, key, limit, None));
                }
            }
        }

        // C1.
        let mut edges = Vec::new();
        let sizes = binding(LimitKind::MaxOrderQty);
        if sizes.is_empty() {
            return Err(Refusal::not_set(LimitKind::MaxOrderQty));
        }
        for (key, limit) in sizes.iter().filter(|(_, l)| l.finite()) {
            if ask.qty > i128::from(limit.value) {
                return Err(Refusal::by(
                    RejectCode::MaxOrderQty,
                    key,
                    limit,
                    Some(ask.qty),
                ));
            }
            edge(&mut edges, key.kind, ask.qty, limit.value);
        }

        // The value of the full quantity, and C2.
        let px = valuation_price(ask, instrument, &collars);
        let multiplier = instrument.def.multiplier.0;
        let Ok(full_value) = i64::try_from(amount(&px, ask.qty, multiplier, rate)) else {
            return Err(Refusal::of(RejectCode::ValueOverflow));
        };
        let full_value = i128::from(full_value);
        let notionals = binding(LimitKind::MaxOrderNotional);
        if notionals.is_empty() {
            return Err(Refusal::not_set(LimitKind::MaxOrderNotional));
        }
        for (key, limit) in notionals.iter().filter(|(_, l)| l.finite()) {
            if full_value > i128::from(limit.value) {
                return Err(Refusal::by(
                    RejectCode::MaxOrderNotional,
                    key,
                    limit,
                    Some(full_value),
                ));
            }
            edge(&mut edges, key.kind, full_value, limit.value);
        }
        let value = i128::try_from(amount(&px, leaves, multiplier, rate)).unwrap_or(i128::MAX);
        let added = Added {
            qty: qty_added,
            value: value_before.max(value) - value_before,
        };

        // C8.
        if replaced.is_none() {
            for (key, limit) in binding(LimitKind::MaxOpenOrders) {
                let after = self.live_count(&key) + 1;
                if limit.finite() && after > i128::from(limit.value) {
                    return Err(Refusal::by(
                        RejectCode::MaxOpenOrders,
                        &key,
                        &limit,
                        Some(after),
                    ));
                }
            }
        }

        let after = after_rows(rows, ask, &added);
        let place = |key: &LimitKey| chain.iter().position(|at| *at == (key.scope, key.scope_id));

        // C9: each side looks only at its own bound.
        let (kind, code) = if ask.buy {
            (LimitKind::MaxLong, RejectCode::MaxLong)
        } else {
            (LimitKind::MaxShort, RejectCode::MaxShort)
        };
        let bounds = binding(kind);
        if bounds.is_empty() {
            return Err(Refusal::not_set(kind));
        }
        for (key, limit) in bounds.iter().filter(|(_, l)| l.finite()) {
            let at = place(key).map_or(0, |i| worst_case(ask.buy, &after[i][&ask.instrument]));
            if at > i128::from(limit.value) && added.qty > 0 {
                return Err(Refusal::by(code, key, limit, Some(at)));
            }
        }

        // ReduceOnly and Restricted.
        let reduces = row(0).reducing(ask.buy, added.qty);
        if !reduces {
            for at in &everywhere {
                if self.state(*at) == TradingState::ReduceOnly {
                    return Err(Refusal {
                        at: Some(*at),
                        ..Refusal::of(RejectCode::ReduceOnly)
                    });
                }
            }
            if self.restricted {
                return Err(Refusal::of(RejectCode::Restricted));
            }
        }

        // C10 and C11.
        let grosses = binding(LimitKind::GrossNotional);
        if grosses.is_empty() {
            return Err(Refusal::not_set(LimitKind::GrossNotional));
        }
        for (key, limit) in grosses.iter().filter(|(_, l)| l.finite()) {
            let i = place(key).unwrap_or(0);
            let (before, ..) = self.sums(key, &rows[i]);
            let (reached, ..) = self.sums(key, &after[i]);
            let passes = reached <= i128::from(limit.value)
                || reached <= before
                || added.value <= 0
                || row(i).reducing(ask.buy, added.qty);
            if !passes {
                return Err(Refusal::by(
                    RejectCode::GrossNotional,
                    key,
                    limit,
                    Some(reached),
                ));
            }
        }
        for (key, limit) in binding(LimitKind::NetLong) {
            let i = place(&key).unwrap_or(0);
            let (_, before, _) = self.sums(&key, &rows[i]);
            let (_, reached, _) = self.sums(&key, &after[i]);
            if limit.finite() && reached > i128::from(limit.value) && reached > before {
                return Err(Refusal::by(
                    RejectCode::NetLong,
                    &key,
                    &limit,
                    Some(reached),
                ));
            }
        }
        for (key, limit) in binding(LimitKind::NetShort) {
            let i = place(&key).unwrap_or(0);
            let (.., before) = self.sums(&key, &rows[i]);
            let (.., reached) = self.sums(&key, &after[i]);
            if limit.finite() && reached > i128::from(limit.value) && reached > before {
                return Err(Refusal::by(
                    RejectCode::NetShort,
                    &key,
                    &limit,
                    Some(reached),
                ));
            }
        }

        // Accepted: how near does it come?
        let mut plan = Plan {
            leaves,
            value,
            util_bps: 0,
            util_kind: LimitKind::NULL,
            util_scope: Scope::NULL,
            edges,
        };
        let more = i128::from(replaced.is_none());
        for kind in [
            LimitKind::MaxOpenOrders,
            LimitKind::MaxLong,
            LimitKind::MaxShort,
            LimitKind::GrossNotional,
            LimitKind::NetLong,
            LimitKind::NetShort,
        ] {
            for (key, limit) in binding(kind).iter().filter(|(_, l)| l.finite()) {
                let i = place(key).unwrap_or(0);
                let (gross, long, short) = self.sums(key, &after[i]);
                let row = &after[i][&ask.instrument];
                let used = match kind {
                    LimitKind::MaxOpenOrders => self.live_count(key) + more,
                    LimitKind::MaxLong => worst_case(true, row),
                    LimitKind::MaxShort => worst_case(false, row),
                    LimitKind::GrossNotional => gross,
                    LimitKind::NetLong => long,
                    _ => short,
                };
                edge(&mut plan.edges, kind, used, limit.value);
                let bps = utilisation(used.max(0), limit.value);
                if plan.util_kind.is_null() || bps > plan.util_bps {
                    plan.util_bps = bps;
                    plan.util_kind = kind;
                    plan.util_scope = key.scope;
                }
            }
        }
        Ok(plan)
    }

    /// Whether a session of the venue is logged on.
    pub(crate) fn venue_up(&self, venue: u16) -> bool {
        self.sessions
            .values()
            .any(|s| s.role == wire::Role::Venue && s.venue == venue && s.up)
    }
}

/// The rows with the order's reserve in them.
fn after_rows(rows: &ChainRows, ask: &Ask, added: &Added) -> ChainRows {
    let mut after = rows.clone();
    for rows in &mut after {
        let row = rows.entry(ask.instrument).or_default();
        if ask.buy {
            row.open_buy += added.qty;
            row.reserved_buy += added.value;
        } else {
            row.open_sell += added.qty;
            row.reserved_sell += added.value;
        }
    }
    after
}

/// P + B, or −(P − S).
pub(crate) fn worst_case(buy: bool, row: &Row) -> i128 {
    if buy {
        row.position + row.open_buy
    } else {
        -(row.position - row.open_sell)
    }
}

fn utilisation(used: i128, limit: i64) -> u16 {
    if limit == 0 {
        return if used == 0 { 0 } else { 65_534 };
    }
    let bps = BigInt::from(used) * 10_000 / limit;
    u16::try_from(bps).unwrap_or(65_534).min(65_534)
}

fn beyond_collar(
    px: i64,
    reference: i64,
    buy: bool,
    limit: &Limit,
    instrument: &Instrument,
) -> bool {
    let (px, reference, c) = (
        i128::from(px),
        i128::from(reference),
        i128::from(limit.value),
    );
    if limit.unit == Unit::Ticks {
        let width = c * i128::from(instrument.def.tick.0);
        return if buy {
            px > reference + width
        } else {
            px < reference - width
        };
    }
    if reference <= 0 {
        return true;
    }
    if buy {
        px * 10_000 > reference * (10_000 + c)
    } else {
        px * 10_000 < reference * (10_000 - c)
    }
}

/// The price at which an order is valued (section 2), never negative.
fn valuation_price(ask: &Ask, instrument: &Instrument, collars: &[(LimitKey, Limit)]) -> BigInt {
    let reference = instrument.last_reference.map(i128::from);
    match (ask.price.map(i128::from), reference) {
        (Some(px), None) => px.abs().into(),
        (Some(px), Some(reference)) if px <= 0 || reference <= 0 => {
            px.abs().max(reference.abs()).into()
        }
        (Some(px), Some(reference)) if !ask.buy => px.max(reference).into(),
        (Some(px), Some(_)) => px.into(),
        (None, reference) => {
            let reference = BigInt::from(reference.unwrap_or(0).abs());
            collars
                .iter()
                .filter(|(_, l)| l.finite())
                .map(|(_, l)| {
                    if l.unit == Unit::Ticks {
                        &reference + BigInt::from(l.value) * instrument.def.tick.0
                    } else {
                        ceil_div(
                            &(&reference * (BigInt::from(l.value) + 10_000)),
                            &BigInt::from(10_000),
                        )
                    }
                })
                .min()
                .unwrap_or_default()
        }
    }
}
