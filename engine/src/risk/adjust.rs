//! Position overrides and splits: journalled deltas with id, reason and approver (R24).

use super::{Done, RiskEngine, Turn};
use crate::exposure::Delta;
use wire::{
    Adjust, AdjustKind, CancelReason, LimitKind, RejectCode, RiskEvent, RiskEventKind, Scope,
    Selector, Severity, TradingState,
};

/// New units for old ones.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    /// A quantity after the split; `None` if it is not whole.
    fn whole(self, qty: i128) -> Option<i128> {
        let product = qty.checked_mul(self.numerator)?;
        (product.checked_rem(self.denominator)? == 0)
            .then(|| product.checked_div(self.denominator))?
    }

    /// A quantity after the split, rounded down to whole steps.
    fn floor(self, qty: i64, step: i128) -> i64 {
        let product = i128::from(qty).saturating_mul(self.numerator);
        let steps = product.div_euclid(self.denominator.saturating_mul(step));
        crate::units::saturate(steps.saturating_mul(step))
    }

    /// A quantity after the split, rounded up to whole steps: for what is used up, of which too little would free
    /// cover.
    fn ceil(self, qty: i64, step: i128) -> i64 {
        let product = i128::from(qty).saturating_mul(self.numerator);
        let steps = product
            .saturating_neg()
            .div_euclid(self.denominator.saturating_mul(step));
        crate::units::saturate(steps.saturating_mul(step).saturating_neg())
    }

    /// A price after the split, rounded to the nearest 10⁻⁸.
    fn price(self, price: i64) -> i64 {
        let product = i128::from(price)
            .saturating_mul(self.denominator)
            .saturating_mul(2);
        let rounded = product
            .saturating_add(self.numerator)
            .div_euclid(self.numerator.saturating_mul(2));
        crate::units::saturate(rounded)
    }
}

impl RiskEngine {
    pub(super) fn adjust(&mut self, turn: &Turn, m: &Adjust) -> Done {
        let range = Done::refused(RejectCode::LimitRange, 0);
        let said = |text: &str| !text.trim().is_empty();
        if m.adjust_id == 0 || !said(m.reason.as_str()) || !said(m.approver.as_str()) {
            return range;
        }
        if self.state.adjusted.contains(&m.adjust_id) {
            return Done::NO_EFFECT;
        }
        let Some(instrument) = self.state.instruments.find(m.instrument_id) else {
            return Done::refused(RejectCode::UnknownInstrument, 0);
        };
        let done = if m.kind == AdjustKind::Position {
            self.override_position(m, instrument)
        } else {
            self.split(m, instrument)
        };
        if done.code.is_some() {
            return done;
        }
        self.state.adjusted.insert(m.adjust_id);
        self.refresh_all();
        let (scope, scope_id) = match m.kind {
            AdjustKind::Position => (Scope::Account, m.account),
            _ => (Scope::NULL, u32::MAX),
        };
        self.alert(RiskEvent {
            new_value: m.qty.0,
            ref_id: m.adjust_id,
            actor: turn
                .session
                .map_or(0, |slot| self.state.sessions.get(slot).id()),
            scope,
            scope_id,
            instrument_id: m.instrument_id,
            event: RiskEventKind::Adjusted,
            severity: Severity::Warning,
            reason: m.reason,
            ..RiskEvent::default()
        });
        done
    }

    fn override_position(&mut self, m: &Adjust, instrument: u32) -> Done {
        let Some(account) = self.state.tree.find(Scope::Account, m.account) else {
            return Done::refused(RejectCode::UnknownAccount, 0);
        };
        let step = self.state.instruments.get(instrument).definition.qty_step.0;
        if m.qty.is_null() || m.qty.0.checked_rem(step) != Some(0) {
            return Done::refused(RejectCode::BadQty, 0);
        }
        let state = &mut self.state;
        let slot = state.exposure.row_or_new(
            account,
            instrument,
            &state.tree,
            &mut state.instruments,
            &state.limits,
        );
        let delta = Delta {
            position: i128::from(m.qty.0),
            opening: i128::from(m.qty.0),
            ..Delta::default()
        };
        let [desk_row, firm_row] = state.exposure.uppers(slot);
        for row in [slot, desk_row, firm_row] {
            state.exposure.apply(row, &delta, &state.instruments);
        }
        Done::APPLIED
    }

    /// A split halts the instrument, rescales what is held and its prices, and leaves open orders to be
    /// reconciled. It is refused unless every row stays whole.
    fn split(&mut self, m: &Adjust, instrument: u32) -> Done {
        let ratio = Ratio {
            numerator: i128::from(m.numerator),
            denominator: i128::from(m.denominator),
        };
        if m.numerator == 0 || m.denominator == 0 {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        let definition = self.state.instruments.get(instrument);
        let rows: Vec<u32> = self.state.exposure.rows_of_instrument(definition).collect();
        let step = i128::from(self.state.instruments.get(instrument).definition.qty_step.0);
        let stays_whole = |qty: i128| {
            ratio
                .whole(qty)
                .is_some_and(|qty| qty.checked_rem(step) == Some(0))
        };
        let all_whole = rows.iter().all(|row| {
            let row = self.state.exposure.row(*row);
            [row.position, row.opening, row.day_fills]
                .into_iter()
                .all(stays_whole)
        });
        if !all_whole {
            return Done::refused(RejectCode::BadQty, 0);
        }
        self.rescale_prices(instrument, ratio);
        for row in rows {
            let old = self.state.exposure.row(row);
            let change = |qty: i128| ratio.whole(qty).unwrap_or(qty).saturating_sub(qty);
            let delta = Delta {
                position: change(old.position),
                opening: change(old.opening),
                ..Delta::default()
            };
            self.state
                .exposure
                .apply(row, &delta, &self.state.instruments);
            let valuation = self.state.instruments.get(instrument).valuation();
            self.state.exposure.remark(row, &valuation);
            self.state
                .day_buys
                .rescale(row, ratio.numerator, ratio.denominator);
            let day_fills = change(old.day_fills);
            self.state.exposure.add_day_fills(row, day_fills);
            let book = self.state.exposure.short_mut(row);
            book.settled = ratio.floor(book.settled, step);
            book.sold = ratio.ceil(book.sold, step);
            book.locates = ratio.floor(book.locates, step);
            book.located_used = ratio.ceil(book.located_used, step);
        }
        self.rescale_limits(m.instrument_id, ratio);
        let open: Vec<u32> = self
            .state
            .orders
            .live()
            .filter(|(_, order)| order.instrument == instrument)
            .map(|(slot, _)| slot)
            .collect();
        for slot in open {
            self.become_unresolved(slot, CancelReason::Reconciled);
        }
        Done::APPLIED
    }

    fn rescale_prices(&mut self, slot: u32, ratio: Ratio) {
        let instrument = self.state.instruments.get_mut(slot);
        instrument.mark = instrument.mark.map(|price| ratio.price(price));
        instrument.opening_mark = instrument.opening_mark.map(|price| ratio.price(price));
        instrument.last_reference = instrument.last_reference.map(|price| ratio.price(price));
        if let Some(reference) = instrument.reference.as_mut() {
            reference.price = ratio.price(reference.price);
        }
        if instrument.state != TradingState::Halted {
            instrument.state = TradingState::Halted;
            instrument.state_version = instrument.state_version.saturating_add(1);
        }
    }

    /// Position limits on this instrument follow; those on groups or all can't.
    fn rescale_limits(&mut self, instrument_id: u32, ratio: Ratio) {
        for slot in self.state.limits.slots() {
            let mut limit = *self.state.limits.get(slot);
            let bound = matches!(limit.kind, LimitKind::MaxLong | LimitKind::MaxShort)
                && limit.selector == Selector::Instrument
                && limit.selector_id == instrument_id;
            if !bound || limit.value.is_none() {
                continue;
            }
            let scale = |value: i64| {
                if value == crate::limits::UNLIMITED {
                    value
                } else {
                    ratio.floor(value, 1)
                }
            };
            limit.value = limit.value.map(scale);
            limit.permanent = limit.permanent.map(scale);
            limit.version = limit.version.saturating_add(1);
            self.state.limits.put(limit);
        }
    }
}
