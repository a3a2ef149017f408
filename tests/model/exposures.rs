//! C8 to C11 and R4: live orders, worst-case positions and values; and how near an order came.

use super::book::Rows;
use super::checks::{Case, ChainRows, Judgement, Refusal, Worth};
use super::limits::USED_UP;
use super::state::Model;
use num_bigint::BigInt;
use wire::{LimitKind, RejectCode, Scope, TradingState};

impl Model {
    /// C8: live + 1; a chain of replaces counts once.
    pub(crate) fn check_open_orders(
        &self,
        case: &Case,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        if case.replaced.is_some() {
            return Ok(());
        }
        for met in self.met(case, LimitKind::MaxOpenOrders) {
            let rows = &case.rows[self.place(case, &met.0)];
            let after = self.sums(&met.0, rows).live + 1;
            let over = met.1.finite() && after > i128::from(met.1.value);
            found.meet(RejectCode::MaxOpenOrders, &met, Some(after), over)?;
        }
        Ok(())
    }

    /// C9: each side looks only at its own bound.
    pub(crate) fn check_position(
        &self,
        case: &Case,
        after: &ChainRows,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        let buy = case.ask.is_buy();
        let (kind, code) = if buy {
            (LimitKind::MaxLong, RejectCode::MaxLong)
        } else {
            (LimitKind::MaxShort, RejectCode::MaxShort)
        };
        for met in self.met_or_refused(case, kind)? {
            let row = after[self.place(case, &met.0)][&case.ask.instrument];
            let worst = row.worst_case(buy);
            let adds = case.replaced.is_none() || case.qty_added > 0;
            let over = met.1.finite() && worst > i128::from(met.1.value) && adds;
            found.meet(code, &met, Some(worst), over)?;
        }
        Ok(())
    }

    /// R4 and the restart: the account's row decides.
    pub(crate) fn check_reduce_only(
        &self,
        case: &Case,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        let row = case.rows[0].get(&case.ask.instrument).copied();
        let row = row.unwrap_or_default();
        let must_reduce = self.first_in(case, TradingState::ReduceOnly);
        if row.reducing(case.ask.is_buy(), case.qty_added) {
            if must_reduce.is_some() || self.restricted {
                found.edges.push("R4 only reduces".to_owned());
            }
            return Ok(());
        }
        if let Some(at) = must_reduce {
            return Err(Refusal::at(RejectCode::ReduceOnly, at));
        }
        if self.restricted {
            return Err(Refusal::of(RejectCode::Restricted));
        }
        Ok(())
    }

    pub(crate) fn check_gross(
        &self,
        case: &Case,
        worth: &Worth,
        after: &ChainRows,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        for met in self.met_or_refused(case, LimitKind::GrossNotional)? {
            let i = self.place(case, &met.0);
            let before = self.sums(&met.0, &case.rows[i]).gross;
            let reached = self.sums(&met.0, &after[i]).gross;
            let row = case.rows[i].get(&case.ask.instrument).copied();
            let passes = reached <= i128::from(met.1.value)
                || !met.1.finite()
                || reached <= before
                || (case.replaced.is_some() && worth.value_added <= 0)
                || row
                    .unwrap_or_default()
                    .reducing(case.ask.is_buy(), case.qty_added);
            if passes && met.1.bound().is_some_and(|b| reached > b) && reached > before {
                found.edges.push("R3 reduces while breached".to_owned());
            }
            found.meet(RejectCode::GrossNotional, &met, Some(reached), !passes)?;
        }
        Ok(())
    }

    pub(crate) fn check_net(
        &self,
        case: &Case,
        after: &ChainRows,
        found: &mut Judgement,
    ) -> Result<(), Refusal> {
        for (kind, code) in [
            (LimitKind::NetLong, RejectCode::NetLong),
            (LimitKind::NetShort, RejectCode::NetShort),
        ] {
            for met in self.met(case, kind) {
                let i = self.place(case, &met.0);
                let net = |rows: &Rows| {
                    let sums = self.sums(&met.0, rows);
                    if kind == LimitKind::NetLong {
                        sums.long
                    } else {
                        sums.short
                    }
                };
                let (before, reached) = (net(&case.rows[i]), net(&after[i]));
                let over = met.1.finite() && reached > i128::from(met.1.value) && reached > before;
                found.meet(code, &met, Some(reached), over)?;
            }
        }
        Ok(())
    }

    /// The tightest use after the reserve; ties go to what is checked first.
    pub(crate) fn utilisation(
        &self,
        case: &Case,
        after: &ChainRows,
    ) -> Option<(u16, LimitKind, Scope)> {
        let mut tightest: Option<(u16, LimitKind, Scope)> = None;
        for kind in USED_UP {
            for (key, limit) in self.met(case, *kind) {
                let Some(bound) = limit.bound() else {
                    continue;
                };
                let rows = &after[self.place(case, &key)];
                let row = rows[&case.ask.instrument];
                let used = match *kind {
                    // The same bound for each instrument: this one's use.
                    LimitKind::MaxLong => row.worst_case(true),
                    LimitKind::MaxShort => row.worst_case(false),
                    _ => self.used(&key, rows).unwrap_or(0),
                };
                let bps = match (used.max(0), bound) {
                    (0, _) => 0,
                    (_, 0) => 65_534,
                    (used, bound) => u16::try_from(BigInt::from(used) * 10_000 / bound)
                        .unwrap_or(65_534)
                        .min(65_534),
                };
                if tightest.is_none_or(|(most, ..)| bps > most) {
                    tightest = Some((bps, *kind, key.scope));
                }
            }
        }
        tightest
    }
}
