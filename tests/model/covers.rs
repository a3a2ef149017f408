//! C6, C12 and C15 to C18: repeated orders, turnover, market-maker protection, cash, self match, sales.

use super::checks::{Case, ChainRows, Judgement, Refusal, Worth};
use super::limits::LimitKey;
use super::orders::Order;
use super::state::Model;
use wire::{Flag, LimitKind, RejectCode, Scope, Selector, Side};

impl Model {
    /// C6: equal new orders that were accepted in the window, ended ones too.
    pub(crate) fn check_duplicate(
        &self,
        case: &Case,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        if case.replaced.is_some() {
            return Ok(());
        }
        let ask = case.ask;
        for met in self.met(case, LimitKind::DuplicateOrder) {
            if !met.1.finite() {
                continue;
            }
            let window = met.1.window;
            let equal = |o: &&Order| {
                o.account == ask.account
                    && o.instrument == ask.instrument
                    && o.is_buy() == ask.is_buy()
                    && o.versions[0].price == ask.price
                    && o.versions[0].qty == ask.qty
            };
            for order in self.orders.iter().filter(equal) {
                found
                    .edges
                    .extend(window_edge(met.0.kind, self.t - order.accepted_at, window));
            }
            let before: usize = self
                .orders
                .iter()
                .filter(equal)
                .filter(|o| self.t - o.accepted_at < window)
                .count();
            let reached = i128::try_from(before).unwrap_or(0) + 1;
            let over = reached > i128::from(met.1.value);
            if met.1.bound().is_some() {
                let side = match i128::from(met.1.value) - reached {
                    0 => "at",
                    1.. => "below",
                    _ => "past",
                };
                found.edges.push(format!("edge {}: {side}", met.0.kind));
            }
            found.meet(RejectCode::DuplicateOrder, &met, None, over)?;
        }
        Ok(())
    }

    /// C12: today's fills, what is open, and this order.
    pub(crate) fn check_turnover(
        &self,
        case: &Case,
        worth: &Worth,
        after: &ChainRows,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        for kind in [
            LimitKind::DailyBuyTurnover,
            LimitKind::DailySellTurnover,
            LimitKind::DailyTurnover,
        ] {
            let counts = match kind {
                LimitKind::DailyBuyTurnover => case.ask.is_buy(),
                LimitKind::DailySellTurnover => !case.ask.is_buy(),
                _ => true,
            };
            for met in self.met(case, kind).iter().filter(|_| counts) {
                let rows = &after[self.place(case, &met.0)];
                let reached = self.used(&met.0, rows).unwrap_or(0);
                let adds = case.replaced.is_none() || worth.value_added > 0;
                let over = met.1.finite() && reached > i128::from(met.1.value) && adds;
                found.meet(RejectCode::Turnover, met, Some(reached), over)?;
            }
        }
        Ok(())
    }

    /// C16: cash and credit, in the currency of the instrument.
    pub(crate) fn check_cash(
        &self,
        case: &Case,
        worth: &Worth,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        if !case.ask.is_buy() || (case.replaced.is_some() && worth.cash_added <= 0) {
            return Ok(());
        }
        let account = case.ask.account;
        let currency = case.instrument.def.currency;
        for met in self.met(case, LimitKind::BuyingPower) {
            let cash = self.cash.get(&(account, currency)).copied();
            let needed = self.reserved_cash(account, currency) + worth.cash_added;
            let used = needed - cash.unwrap_or(0);
            let over = cash.is_none() || met.1.finite() && used > i128::from(met.1.value);
            found.meet(RejectCode::BuyingPower, &met, Some(used), over)?;
        }
        Ok(())
    }

    /// C17: would it trade with a live order of the same group?
    pub(crate) fn check_self_match(
        &self,
        case: &Case,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        let ask = case.ask;
        let own = self.accounts[&ask.account];
        if own.self_match_off {
            return Ok(());
        }
        let group = |account: u32| match self.accounts[&account].group {
            0 => (Some(account), 0),
            group => (None, group),
        };
        let crosses = |other: Option<i64>| match (ask.price, other) {
            (Some(px), Some(other)) if ask.is_buy() => px >= other,
            (Some(px), Some(other)) => px <= other,
            _ => true,
        };
        let matched = self
            .orders
            .iter()
            .enumerate()
            .filter(|(index, o)| {
                Some(*index) != ask.replaces
                    && group(o.account) == group(ask.account)
                    && o.instrument == ask.instrument
                    && o.is_buy() != ask.is_buy()
            })
            .find(|(_, o)| {
                o.versions
                    .iter()
                    .any(|v| o.leaves(v) > 0 && crosses(v.price))
            });
        if let Some((_, order)) = matched {
            if order.cancel_pending || order.cancel_due {
                found.edges.push("R29 matches a pending cancel".to_owned());
            }
            return Err(Refusal::at(
                RejectCode::SelfMatch,
                (Scope::Account, ask.account),
            ));
        }
        Ok(())
    }

    /// C18: sales of what is settled, short sales of what is located.
    pub(crate) fn check_short_sale(
        &self,
        case: &Case,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        let ask = case.ask;
        if ask.is_buy() || case.instrument.def.short_sale_check != Flag::Yes {
            return Ok(());
        }
        let place = (ask.account, ask.instrument);
        let book = self.shorts.get(&place).copied().unwrap_or_default();
        let (bound, reached) = if ask.side == Side::Sell {
            let live = self.live_sells(ask.account, ask.instrument);
            (book.settled - book.sold, live + case.qty_added)
        } else {
            let most = case.replaced.map_or(0, Order::largest_qty);
            (book.locates - book.used, (ask.qty - most).max(0))
        };
        let limit = super::value::saturate(bound);
        let over = reached > bound;
        let lot = i128::from(case.instrument.def.lot.0);
        let side = match bound - reached {
            0 => Some("at"),
            gap if gap > 0 && gap <= lot => Some("below"),
            gap if gap < 0 && gap >= -lot => Some("past"),
            _ => None,
        };
        let edge = side.map(|side| format!("edge {:?} sale: {side}", ask.side));
        found.edges.extend(edge);
        if over {
            return Err(Refusal {
                limit: Some(limit),
                observed: Some(super::value::saturate(reached)),
                ..Refusal::at(RejectCode::ShortSale, (Scope::Account, ask.account))
            });
        }
        Ok(())
    }

    /// C15: nothing new where protection has tripped.
    pub(crate) fn check_frozen(&self, case: &Case) -> Result<(), Refusal> {
        let group = case.instrument.def.product_group;
        if self.frozen.contains(&(case.ask.account, group)) {
            return Err(Refusal::at(
                RejectCode::MarketMakerProtection,
                (Scope::Account, case.ask.account),
            ));
        }
        Ok(())
    }

    /// C15 at a fill: may trip the account's protection in the group.
    pub(crate) fn protect(&mut self, account: u32, instrument: u32) {
        let group = self.instruments[&instrument].def.product_group;
        let key = LimitKey {
            scope: Scope::Account,
            scope_id: account,
            kind: LimitKind::MarketMakerProtection,
            selector: Selector::Group,
            selector_id: group,
        };
        let Some(limit) = self.limits.get(&key).cloned() else {
            return;
        };
        let mut reached = 0;
        let mut edges = Vec::new();
        for print in self.prints.iter().filter(|p| p.account == account) {
            let age = self.t - print.t;
            if self.instruments[&print.instrument].def.product_group != group {
                continue;
            }
            edges.extend(window_edge(key.kind, age, limit.window));
            if age < limit.window {
                reached += match limit.unit {
                    wire::Unit::Quantity => print.qty,
                    _ => 1,
                };
            }
        }
        let Some(bound) = limit.bound() else {
            return;
        };
        self.said.hits.extend(edges);
        let trips = reached >= bound;
        let near = (bound - reached) * 100 <= bound.max(100);
        if trips || near {
            let side = match reached.cmp(&bound) {
                std::cmp::Ordering::Less => "below",
                std::cmp::Ordering::Equal => "at",
                std::cmp::Ordering::Greater => "past",
            };
            self.hit(&format!("edge {}: {side}", key.kind));
        }
        if trips && self.frozen.insert((account, group)) {
            let orders = self.live_where(|m, o| {
                o.account == account && m.instruments[&o.instrument].def.product_group == group
            });
            self.ask_cancels(None, orders);
            self.alert(wire::RiskEventKind::MarketMakerProtection);
            self.hit("C15 protection trips");
        }
    }

    /// C7 at a fill: may halt its trader.
    pub(crate) fn halt_repeating(&mut self, account: u32, trader: u16, instrument: u32) {
        let chain = self.chain(account, trader);
        let mut trips = false;
        for (key, limit) in self.binding(LimitKind::RepeatedExecution, &chain, instrument) {
            let mut count: i128 = 0;
            let mut edges = Vec::new();
            for print in self.prints.iter().filter(|p| p.trader == Some(trader)) {
                if self.selects(&key, print.instrument) {
                    let age = self.t - print.t;
                    edges.extend(window_edge(key.kind, age, limit.window));
                    count += i128::from(age < limit.window);
                }
            }
            if let Some(bound) = limit.bound() {
                self.said.hits.extend(edges);
                let side = match bound - count {
                    1 => Some("below"),
                    0 => Some("at"),
                    ..0 => Some("past"),
                    _ => None,
                };
                if let Some(side) = side {
                    self.hit(&format!("edge {}: {side}", key.kind));
                }
                trips |= count >= bound;
            }
        }
        let at = (Scope::Trader, u32::from(trader));
        if trips && self.tighten(at, wire::TradingState::Halted) {
            self.alert(wire::RiskEventKind::RepeatedExecution);
            self.hit("C7 a trader is halted");
        }
    }
}

/// On which side of a window's end an event lies, if near it.
fn window_edge(kind: LimitKind, age: u64, window: u64) -> Option<String> {
    let side = match i128::from(age) - i128::from(window) {
        0 => "at",
        1..=1_000 => "past",
        -1_000..=-1 => "below",
        _ => return None,
    };
    Some(format!("edge window of {kind}: {side}"))
}
