//! Questions about orders that decide nothing: why an order passes or not, and how much would pass.
//!
//! Both are pure functions over the state: the same checks run as for an order, nothing is reserved and
//! no bucket advances.

use super::{RiskEngine, Turn};
use crate::checks::{self, Ask, Findings, Met, Proposal, Refusal};
use crate::command::Command;
use crate::units::saturate;
use crate::view::{ControlView, Explanation, RoomView};
use wire::{
    Capacity, Flag, LimitMode, NewOrder, OrdType, Price, Qty, RejectCode, Role, Scope, Selector,
    Side, TimeInForce,
};

/// Who asks for room, and about what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomQuestion {
    /// A desk's session.
    pub session_id: u32,
    /// Account.
    pub account: u32,
    /// Instrument.
    pub instrument_id: u32,
    /// Trader; `None` for the first that the session may name.
    pub trader_id: Option<u16>,
    /// Limit price in 10⁻⁸; `None` for the reference price.
    pub price: Option<i64>,
}

impl RiskEngine {
    /// Every control that an order or replace meets, in the order of the checks, with what each would
    /// reach; and the decision. `None` for other commands or an unknown session.
    ///
    /// `t` is the time of the question; it is never before the engine's own.
    #[must_use]
    pub fn explain(&self, session_id: u32, command: &Command, t: u64) -> Option<Explanation> {
        if self.state.exposure.remarks.is_pending() {
            return self.with_all_valued().explain(session_id, command, t);
        }
        let turn = self.question(session_id, t)?;
        let mut found = Findings {
            trace: Some(Vec::new()),
            ..Findings::default()
        };
        let entered = if let Command::NewOrder(m) = command {
            self.check_entry(&turn, m, &mut found)
        } else if let Command::ReplaceOrder(m) = command {
            self.check_replace(&turn, m, &mut found).map(|(_, ask)| ask)
        } else {
            return None;
        };
        if let Err(refusal) = &entered {
            found.note_plain(*refusal);
        }
        let decided = entered.and_then(|ask| self.decided(&ask, &mut found));
        let refusal = decided.err();
        let controls = found.trace.take().unwrap_or_default();
        Some(Explanation {
            code: refusal.map(|refusal| refusal.code),
            refused_by: refusal
                .filter(|refusal| !refusal.scope.is_null())
                .map(|refusal| (refusal.scope, refusal.scope_id.unwrap_or(0))),
            limit_kind: refusal
                .map(|refusal| refusal.kind)
                .filter(|kind| !kind.is_null()),
            controls: controls.iter().map(|met| self.control_view(met)).collect(),
        })
    }

    /// A copy in which no row waits to be valued: what an order would meet.
    fn with_all_valued(&self) -> Self {
        let mut copy = self.clone();
        copy.finish_valuation();
        copy
    }

    fn decided(&self, ask: &Ask, found: &mut Findings) -> Result<(), Refusal> {
        let proposal = Proposal::of(&self.state, ask);
        checks::decide(&self.state, &proposal, found).map(|_| ())
    }

    fn control_view(&self, met: &Met) -> ControlView {
        match *met {
            Met::Limit {
                limit,
                reached,
                refuses,
            } => {
                let node = self.state.tree.get(limit.scope);
                let reached = reached.map(saturate);
                let room = limit.finite().zip(reached);
                ControlView {
                    kind: limit.kind,
                    scope: node.scope,
                    scope_id: node.id,
                    selector: limit.selector,
                    selector_id: limit.selector_id,
                    limit: Some(limit.value.unwrap_or(i64::MAX)),
                    reached,
                    headroom: room.map(|(limit, reached)| limit.saturating_sub(reached)),
                    version: Some(limit.version),
                    shadow: limit.mode == LimitMode::Shadow,
                    refuses,
                }
            }
            Met::Plain {
                refusal,
                bound,
                reached,
            } => {
                let (limit, reached) = (bound.map(saturate), reached.map(saturate));
                let room = limit.zip(reached);
                ControlView {
                    kind: refusal.kind,
                    scope: refusal.scope,
                    scope_id: refusal.scope_id.unwrap_or(0),
                    selector: Selector::NULL,
                    selector_id: 0,
                    limit,
                    reached,
                    headroom: room.map(|(limit, reached)| limit.saturating_sub(reached)),
                    version: None,
                    shadow: false,
                    refuses: Some(refusal.code),
                }
            }
        }
    }

    /// What an account could still buy and sell now with one limit order, and which code one step more
    /// would meet.
    ///
    /// # Errors
    /// The code that refuses the question itself: unknown session, account or instrument, not a desk.
    pub fn room(&self, asked: &RoomQuestion, t: u64) -> Result<RoomView, RejectCode> {
        if self.state.exposure.remarks.is_pending() {
            return self.with_all_valued().room(asked, t);
        }
        let turn = self
            .question(asked.session_id, t)
            .ok_or(RejectCode::UnknownSession)?;
        let session = turn.session.ok_or(RejectCode::UnknownSession)?;
        let session = self.state.sessions.get(session);
        if session.role() != Role::Desk {
            return Err(RejectCode::NotEntitled);
        }
        let instrument = self
            .state
            .instruments
            .find(asked.instrument_id)
            .ok_or(RejectCode::UnknownInstrument)?;
        let account = self
            .state
            .tree
            .find(Scope::Account, asked.account)
            .ok_or(RejectCode::UnknownAccount)?;
        let trader_id = match asked.trader_id {
            Some(id) => id,
            None => session
                .traders
                .slots()
                .first()
                .and_then(|slot| u16::try_from(self.state.tree.get(*slot).id).ok())
                .ok_or(RejectCode::NotEntitled)?,
        };
        if !session.may_use_account(account) {
            return Err(RejectCode::NotEntitled);
        }
        let instrument = self.state.instruments.get(instrument);
        let price = asked.price.or_else(|| {
            let price = instrument.reference?.price;
            let tick = instrument.definition.tick.0;
            price.checked_sub(price.checked_rem_euclid(tick)?)
        });
        let order = NewOrder {
            cl_ord_id: session.cl_ord_id_mark.saturating_add(1),
            price: price.map_or(Price::NULL, Price),
            account: asked.account,
            instrument_id: asked.instrument_id,
            trader_id,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        };
        let definition = &instrument.definition;
        let odd_lots = definition.odd_lot_sell == Flag::Yes;
        let sell_unit = if odd_lots {
            definition.qty_step.0
        } else {
            definition.lot.0
        };
        let buy = NewOrder {
            side: Side::Buy,
            ..order
        };
        let sell = NewOrder {
            side: Side::Sell,
            ..order
        };
        let (max_buy, buy_code) = self.largest(&turn, &buy, definition.lot.0);
        let (max_sell, sell_code) = self.largest(&turn, &sell, sell_unit);
        Ok(RoomView {
            account: asked.account,
            instrument_id: asked.instrument_id,
            trader_id,
            price,
            max_buy,
            max_sell,
            buy_code,
            sell_code,
        })
    }

    /// Largest number of lots that passes, as a quantity, and the code that one lot more meets. What
    /// passes is closed downwards, so that a binary search finds its end.
    fn largest(&self, turn: &Turn, order: &NewOrder, lot: i64) -> (i64, RejectCode) {
        let passes = |lots: i64| {
            let order = NewOrder {
                qty: Qty(lots.saturating_mul(lot)),
                ..*order
            };
            let mut found = Findings::default();
            self.check_entry(turn, &order, &mut found)
                .and_then(|ask| self.decided(&ask, &mut found))
        };
        let lots_max = i64::MAX.checked_div(lot).unwrap_or(0);
        let (mut good, mut bad) = (0_i64, lots_max);
        let mut code = match passes(lots_max) {
            Ok(()) => return (lots_max.saturating_mul(lot), RejectCode::ValueOverflow),
            Err(refusal) => refusal.code,
        };
        while bad.saturating_sub(good) > 1 {
            let middle = good.midpoint(bad);
            match passes(middle) {
                Ok(()) => good = middle,
                Err(refusal) => (bad, code) = (middle, refusal.code),
            }
        }
        (good.saturating_mul(lot), code)
    }

    /// A turn that changes nothing.
    pub(super) fn question(&self, session_id: u32, t: u64) -> Option<Turn> {
        Some(Turn {
            seq: self.seq,
            t: self.t.max(t),
            session: Some(self.state.sessions.find(session_id)?),
            in_seq_no: 0,
            busy: false,
            what_if: true,
        })
    }
}
