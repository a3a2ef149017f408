//! What is said of orders: accepts and rejects to who asked, routed requests to who has the order.

use super::{RiskEngine, Turn};
use crate::checks::{Findings, Refusal};
use crate::decision::{Decision, Outbox, Outcome, Outgoing};
use wire::{CancelReason, Flag, OrderAccepted, OrderRejected, Reply, RoutedCancel, Time};

impl RiskEngine {
    #[inline]
    pub(super) fn accept(
        &mut self,
        turn: &Turn,
        (cl_ord_id, order_id): (u64, u64),
        found: Option<&Findings>,
        out: &mut Outbox,
        decision: &mut Decision,
    ) {
        decision.outcome = Outcome::Accepted;
        decision.self_reported = Flag::No;
        decision.order_id = order_id;
        if let Some(found) = found {
            decision.util_bps = found.headroom.bps;
            decision.util_limit_kind = found.headroom.kind;
            decision.util_scope = found.headroom.scope;
            note_shadow(decision, found);
        }
        let reply = OrderAccepted {
            flags: turn.flags(),
            cl_ord_id,
            order_id,
            util_bps: decision.util_bps,
            util_limit_kind: decision.util_limit_kind,
            util_scope: decision.util_scope,
            ..OrderAccepted::default()
        };
        self.reply(turn, reply.into(), out);
    }

    /// Answers a refused order or replace, with what else was found on the way.
    #[cold]
    #[inline(never)]
    pub(super) fn reject_found(
        &mut self,
        turn: &Turn,
        (cl_ord_id, ref_template_id): (u64, u8),
        refusal: Refusal,
        found: &Findings,
        out: &mut Outbox,
    ) -> Decision {
        let mut decision = self.reject(turn, cl_ord_id, ref_template_id, refusal, out);
        note_shadow(&mut decision, found);
        decision
    }

    /// Answers a refused order, replace, cancel or mass cancel.
    #[cold]
    #[inline(never)]
    pub(super) fn reject(
        &mut self,
        turn: &Turn,
        cl_ord_id: u64,
        ref_template_id: u8,
        refusal: Refusal,
        out: &mut Outbox,
    ) -> Decision {
        let decision = Decision {
            code: refusal.code.number(),
            limit_kind: refusal.kind,
            scope: refusal.scope,
            scope_id: refusal.scope_id.unwrap_or(u32::MAX),
            limit: refusal.limit.unwrap_or(i64::MIN),
            observed: refusal.observed.unwrap_or(i64::MIN),
            version: refusal.version.unwrap_or(u32::MAX),
            ..Decision::of(Outcome::Rejected)
        };
        let reply = OrderRejected {
            flags: turn.flags(),
            cl_ord_id,
            limit_value: decision.limit,
            observed_value: decision.observed,
            code: decision.code,
            ref_template_id,
            limit_scope: decision.scope,
            scope_id: decision.scope_id,
            limit_version: decision.version,
            limit_kind: decision.limit_kind,
            ..OrderRejected::default()
        };
        self.reply(turn, reply.into(), out);
        decision
    }

    /// Sends a request to cancel to whoever has the order: the venue, or the sidecar desk itself.
    pub(super) fn route_cancel(
        &mut self,
        slot: u32,
        cl_ord_id: u64,
        reason: CancelReason,
        out: &mut Outbox,
    ) {
        let order = self.state.orders.get(slot);
        let (inline, session, instrument) = (order.inline, order.session, order.instrument);
        let routed = RoutedCancel {
            order_id: order.order_id,
            cl_ord_id,
            orig_cl_ord_id: self.state.orders.newest_cl_ord_id(slot),
            account: self.state.tree.get(order.account).id,
            instrument_id: self.state.instruments.get(instrument).id,
            order_session_id: self.state.sessions.get(session).id(),
            side: order.side,
            reason,
            ..RoutedCancel::default()
        };
        if inline {
            self.route(instrument, routed.into(), out);
        } else {
            self.send(session, routed.into(), out);
        }
    }

    /// What a process that can't go on asks of the venues: the cancel of every live inline order. Nothing is
    /// numbered and nothing changes here.
    #[must_use]
    pub fn cancels_of_inline_orders(&self) -> Vec<Outgoing> {
        let state = &self.state;
        state
            .orders
            .live()
            .filter(|(_, order)| order.inline)
            .filter_map(|(slot, order)| {
                let instrument = state.instruments.get(order.instrument);
                let venue = state.sessions.of_venue(instrument.definition.venue_id)?;
                let mut reply = Reply::RoutedCancel(RoutedCancel {
                    order_id: order.order_id,
                    orig_cl_ord_id: state.orders.newest_cl_ord_id(slot),
                    account: state.tree.get(order.account).id,
                    instrument_id: instrument.id,
                    order_session_id: state.sessions.get(order.session).id(),
                    side: order.side,
                    reason: CancelReason::KillSwitch,
                    ..RoutedCancel::default()
                });
                reply.set_engine(self.seq, Time(self.t));
                Some(Outgoing {
                    session_id: state.sessions.get(venue).id(),
                    reply,
                })
            })
            .collect()
    }

    /// Sends to the venue of an instrument.
    #[inline(always)]
    pub(super) fn route(&mut self, instrument: u32, reply: wire::Reply, out: &mut Outbox) {
        let venue = self.state.instruments.get(instrument).definition.venue_id;
        if let Some(session) = self.state.sessions.of_venue(venue) {
            self.send(session, reply, out);
        }
    }
}

/// Records the first shadow limit that would have refused.
fn note_shadow(decision: &mut Decision, found: &Findings) {
    if let Some(shadow) = found.shadow {
        decision.shadow_code = shadow.code.number();
        decision.shadow_limit_kind = shadow.kind;
        decision.shadow_scope = shadow.scope;
        decision.shadow_scope_id = shadow.scope_id.unwrap_or(u32::MAX);
    }
}
