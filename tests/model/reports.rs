//! Execution reports but fills: acknowledgements, ends, refusals, and which order a report is about.

use super::lifecycle::Expect;
use super::state::Model;
use engine::decision::Outcome;
use wire::{CancelReason, ExecType, RejectCode, RiskEventKind, Role, Side, Topology, VenueReport};

impl Model {
    /// Applies an execution report.
    pub(crate) fn report(&mut self, session_id: u32, m: &VenueReport) -> Expect {
        let found = self.find_reported(session_id, m);
        let expect = match m.exec_type {
            ExecType::Fill => self.fill(session_id, m, found),
            ExecType::Bust => self.bust(session_id, m, found),
            ExecType::Correct => self.correct(session_id, m, found),
            _ => match found {
                None => {
                    Expect::refused(RejectCode::UnknownOrder).hit("R15 report for nothing known")
                }
                Some(index) => self.word_of_venue(index, m),
            },
        };
        let sidecar = found.is_some_and(|index| self.orders[index].session == session_id);
        if sidecar && expect.outcomes == [Outcome::Applied] {
            return expect.hit("S6 self-reported");
        }
        expect
    }

    fn word_of_venue(&mut self, index: usize, m: &VenueReport) -> Expect {
        let no_effect = Expect::of(Outcome::NoEffect);
        let order = &mut self.orders[index];
        if order.terminal {
            return no_effect.hit("report after the end");
        }
        if order.unresolved {
            // R9: only fills or a word of ops end it.
            return no_effect.hit("R9 report about an unresolved order");
        }
        if m.reason == CancelReason::UnknownAtVenue {
            self.become_unresolved(index);
            return Expect::of(Outcome::Applied).hit("R9 unknown at the venue");
        }
        match m.exec_type {
            ExecType::New => {
                order.acknowledged = true;
                Expect::loose().hit("R5 acknowledged")
            }
            ExecType::Replaced | ExecType::ReplaceRejected => self.replace_answered(index, m),
            ExecType::CancelRejected => {
                let asked = std::mem::replace(&mut order.cancel_pending, false);
                if asked {
                    Expect::of(Outcome::Applied).hit("R9 cancel rejected")
                } else {
                    no_effect
                }
            }
            _ => self.ended_at_venue(index, m),
        }
    }

    /// R10: an answer to a replace; answers for dropped versions have no effect.
    fn replace_answered(&mut self, index: usize, m: &VenueReport) -> Expect {
        let order = &mut self.orders[index];
        let version = order
            .versions
            .iter()
            .position(|v| v.cl_ord_id == m.cl_ord_id && v.pending && !v.dropped);
        let Some(i) = version else {
            return Expect::of(Outcome::NoEffect).hit("R10 answer for a version that is gone");
        };
        let others = order.pending_replaces() > 1;
        let what = if m.exec_type == ExecType::Replaced {
            for older in &mut order.versions[..i] {
                older.dropped = true;
                older.pending = false;
            }
            order.acknowledged = true;
            "replaced"
        } else {
            order.versions[i].dropped = true;
            order.versions[i].rejected = true;
            "replace rejected"
        };
        order.versions[i].pending = false;
        order.end_if_nothing_is_left();
        let more = if others { " with others under way" } else { "" };
        Expect::of(Outcome::Applied).hit(&format!("R10 {what}{more}"))
    }

    /// R8: what the venue has filled and we have not seen stays reserved.
    fn ended_at_venue(&mut self, index: usize, m: &VenueReport) -> Expect {
        let order = &mut self.orders[index];
        let gap = if m.cum_qty.is_null() {
            0
        } else {
            (i128::from(m.cum_qty.0) - order.cum).max(0)
        };
        let applied = Expect::of(Outcome::Applied);
        if gap.min(order.reserved_qty()) == 0 {
            order.end();
            return applied.hit(if m.exec_type == ExecType::Rejected {
                "R5 rejected by the venue"
            } else {
                "R8 released by the venue"
            });
        }
        order.keep_at_most(gap);
        self.become_unresolved(index);
        applied.hit("R8 fills are missing")
    }

    /// Reserved and listed until fills or ops end it.
    pub(crate) fn become_unresolved(&mut self, index: usize) {
        let order = &mut self.orders[index];
        if order.terminal || order.unresolved {
            return;
        }
        order.unresolved = true;
        order.cancel_pending = false;
        order.end_if_nothing_is_left();
        self.alert(RiskEventKind::OrderUnresolved);
    }

    /// The order that the session may report about under this id.
    fn find_reported(&self, session_id: u32, m: &VenueReport) -> Option<usize> {
        let sender = self.sessions.get(&session_id)?;
        let of = if m.order_session_id == 0 {
            session_id
        } else {
            m.order_session_id
        };
        let index = self.find(of, m.cl_ord_id).or_else(|| {
            self.orders
                .iter()
                .position(|o| o.order_id == m.order_id && o.session == of)
        })?;
        let order = &self.orders[index];
        let allowed = if sender.role == Role::Venue {
            self.sessions[&of].topology == Topology::Inline
                && self.instruments[&order.instrument].def.venue_id == sender.venue
        } else {
            of == session_id
        };
        let fits = m.instrument_id == order.instrument
            && (m.side == Side::Buy) == order.is_buy()
            && (m.order_id == 0 || m.order_id == order.order_id);
        (allowed && fits).then_some(index)
    }
}
