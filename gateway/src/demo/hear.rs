//! What the clients do with what they hear: book it, answer it, and note what should not have come.

use super::book::{Asked, Life, Request, Waiting};
use super::desk::Heard;
use super::world::{A, World};
use portcullis_client::Event;
use std::time::Instant;
use wire::{
    BusinessReject, ExecType, OrderAccepted, OrderCancelled, OrderFilled, OrderReplaced, Reply,
    RoutedCancel, RoutedOrder, RoutedReplace,
};

impl World {
    pub(super) fn on_desk(&mut self, desk: usize, event: Event) {
        let Event::Reply(reply) = event else { return };
        self.desks[desk].heard.extend(Heard::of(&reply));
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a desk of the demo is sent nothing else"
        )]
        match reply {
            Reply::OrderAccepted(m) => self.on_accepted(desk, &m),
            Reply::OrderRejected(m) => self.on_rejected(desk, m.cl_ord_id, m.code, m.engine_seq),
            Reply::BusinessReject(m) => self.on_business_reject(desk, &m),
            Reply::OrderReplaced(m) => self.on_replaced(desk, &m),
            Reply::OrderCancelled(m) => self.on_cancelled(desk, &m),
            Reply::OrderFilled(m) => self.on_filled(desk, &m),
            Reply::RoutedCancel(m) => self.on_routed_cancel(desk, &m),
            // Said at once and again at 0; no order message is counted for it.
            Reply::MassCancelReport(m) => drop(self.desks[desk].answer(m.cl_ord_id, m.code)),
            other => self.unexpected("a desk", &other),
        }
    }

    fn unexpected(&mut self, who: &str, reply: &Reply) {
        let name = reply.layout().name;
        self.tally.wrong.push(format!("{who} was sent a {name}"));
    }

    fn answered(&mut self, desk: usize, cl_ord_id: u64, code: u16) -> Option<Request> {
        let request = self.desks[desk].answer(cl_ord_id, code);
        if request.is_none() {
            let what = format!("desk {desk}: a second answer to message {cl_ord_id}");
            self.tally.wrong.push(what);
        }
        request
    }

    fn on_accepted(&mut self, desk: usize, m: &OrderAccepted) {
        let Some(request) = self.answered(desk, m.cl_ord_id, 0) else {
            return;
        };
        let is_new = request.asked == Asked::New;
        self.tally.accept(is_new);
        if self.measures && m.decision_nanos != u32::MAX {
            // A value that the histogram can't hold is cut to its bound by `saturating`.
            self.tally
                .decision
                .saturating_record(m.decision_nanos.into());
            let waited = Instant::now().duration_since(request.sent_at).as_nanos();
            let waited = u64::try_from(waited).unwrap_or(u64::MAX);
            self.tally.round_trip.saturating_record(waited);
        }
        let Some(index) = request.order else { return };
        let sidecar = self.desks[desk].sidecar;
        match request.asked {
            Asked::New => {
                let order = &mut self.orders[index];
                order.order_id = m.order_id;
                order.engine_seq = m.engine_seq;
                order.life = Life::Live;
                if sidecar || order.at_venue {
                    self.done(index);
                }
            }
            Asked::Replace if sidecar && self.orders[index].waiting == Waiting::Replaced => {
                self.report(index, ExecType::Replaced, m.cl_ord_id);
            }
            Asked::Cancel if sidecar => self.cancel_at_venue(index),
            Asked::Replace | Asked::Cancel => {}
        }
    }

    fn on_rejected(&mut self, desk: usize, cl_ord_id: u64, code: u16, engine_seq: u64) {
        let Some(request) = self.answered(desk, cl_ord_id, code) else {
            return;
        };
        self.tally.reject(code);
        let Some(index) = request.order else { return };
        let order = &mut self.orders[index];
        match request.asked {
            Asked::New => {
                order.life = Life::Refused(code);
                order.engine_seq = engine_seq;
                self.done(index);
            }
            Asked::Replace => {
                if order.replacing.is_some_and(|(id, ..)| id == cl_ord_id) {
                    order.replacing = None;
                }
                if order.waiting == Waiting::Replaced {
                    self.done(index);
                }
            }
            Asked::Cancel if order.waiting == Waiting::Cancelled => self.done(index),
            Asked::Cancel => {}
        }
    }

    fn on_business_reject(&mut self, desk: usize, m: &BusinessReject) {
        if (100..=103).contains(&m.ref_template_id) {
            self.on_rejected(desk, m.ref_id, m.code, m.engine_seq);
        } else {
            self.tally.refuse_other(m.code);
        }
    }

    fn on_replaced(&mut self, desk: usize, m: &OrderReplaced) {
        let request = self.desks[desk].request(m.cl_ord_id).copied();
        let Some(index) = request.and_then(|request| request.order) else {
            return;
        };
        let order = &mut self.orders[index];
        if let Some((id, price_e8, qty_e8)) = order.replacing.take_if(|(id, ..)| *id == m.cl_ord_id)
        {
            (order.cl_ord_id, order.price_e8, order.qty_e8) = (id, price_e8, qty_e8);
        }
        let leaves = order.leaves_e8();
        let waited = order.waiting == Waiting::Replaced;
        if leaves == 0 {
            order.life = Life::Done;
        }
        self.tally.expect(m.leaves_qty.0 == leaves, || {
            format!(
                "message {}: leaves {} after a replace, expected {leaves}",
                m.cl_ord_id, m.leaves_qty.0
            )
        });
        if waited {
            self.done(index);
        }
    }

    fn on_cancelled(&mut self, desk: usize, m: &OrderCancelled) {
        let request = self.desks[desk].request(m.orig_cl_ord_id).copied();
        let Some(index) = request.and_then(|request| request.order) else {
            return;
        };
        let order = &mut self.orders[index];
        let leaves = order.leaves_e8();
        order.life = Life::Done;
        let waited = order.waiting == Waiting::Cancelled;
        self.tally.expect(m.cancelled_qty.0 == leaves, || {
            format!(
                "order {}: {} cancelled, expected {leaves}",
                m.order_id, m.cancelled_qty.0
            )
        });
        if waited {
            self.done(index);
        }
    }

    fn on_filled(&mut self, desk: usize, m: &OrderFilled) {
        let request = self.desks[desk].request(m.cl_ord_id).copied();
        let Some(index) = request.and_then(|request| request.order) else {
            return;
        };
        let order = &mut self.orders[index];
        let signed = order.signed(m.last_qty.0);
        let place = (order.account, order.instrument);
        let waited = order.waiting == Waiting::Filled;
        if m.leaves_qty.0 == 0 && order.is_live() {
            order.life = Life::Done;
        }
        let cum = order.cum_e8;
        self.tally.tell_fill(place, signed);
        self.tally.expect(m.cum_qty.0 <= cum, || {
            format!(
                "order {}: filled {} by the server, {cum} by the venue",
                m.order_id, m.cum_qty.0
            )
        });
        if waited {
            self.done(index);
        }
    }

    pub(super) fn on_venue(&mut self, event: Event) {
        let Event::Reply(reply) = event else { return };
        self.venue.routed += 1;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the venue of the demo is sent nothing else"
        )]
        match reply {
            Reply::RoutedOrder(m) => self.on_routed_order(&m),
            Reply::RoutedReplace(m) => self.on_routed_replace(&m),
            Reply::RoutedCancel(m) if self.venue.holds_cancels => self.venue.held.push(m),
            Reply::RoutedCancel(m) => self.on_routed_cancel(A, &m),
            other => self.unexpected("the venue", &other),
        }
    }

    fn on_routed_order(&mut self, m: &RoutedOrder) {
        let request = self.desks[A].request(m.cl_ord_id).copied();
        let Some(index) = request.and_then(|request| request.order) else {
            return;
        };
        let order = &mut self.orders[index];
        order.at_venue = true;
        order.order_id = m.order_id;
        let is_answered = order.is_live();
        self.report(index, ExecType::New, m.cl_ord_id);
        if is_answered && self.orders[index].waiting == Waiting::Entry {
            self.done(index);
        }
    }

    fn on_routed_replace(&mut self, m: &RoutedReplace) {
        let request = self.desks[A].request(m.cl_ord_id).copied();
        if let Some(index) = request.and_then(|request| request.order) {
            self.report(index, ExecType::Replaced, m.cl_ord_id);
        }
    }

    /// A request to cancel has reached whoever has the order.
    pub(super) fn on_routed_cancel(&mut self, desk: usize, m: &RoutedCancel) {
        let request = self.desks[desk].request(m.orig_cl_ord_id).copied();
        if let Some(index) = request.and_then(|request| request.order) {
            self.cancel_at_venue(index);
        }
    }

    /// Reports an order as cancelled, unless it was filled first.
    fn cancel_at_venue(&mut self, index: usize) {
        if self.orders[index].is_live() && self.orders[index].leaves_e8() > 0 {
            let id = self.orders[index].cl_ord_id;
            self.report(index, ExecType::Cancelled, id);
        }
    }

    pub(super) fn on_office(&mut self, event: Event) {
        let Event::Reply(reply) = event else { return };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "alerts are for people to look at"
        )]
        match reply {
            Reply::MassCancelReport(m) => self.mass_cancels.push(m),
            Reply::AdminAck(m) if m.code != 0 => self.tally.refuse_other(m.code),
            Reply::BusinessReject(m) => self.tally.refuse_other(m.code),
            _ => {}
        }
    }
}
