//! What execution reports do: acknowledgements, fills, ends, refusals, known and unknown orders.

use super::lifecycle::Expect;
use super::state::{Fill, Model};
use engine::decision::Outcome;
use wire::{
    CancelReason, ExecType, RejectCode, Role, Scope, Side, Topology, TradingState, VenueReport,
};

impl Model {
    /// Applies an execution report.
    pub(crate) fn report(&mut self, session_id: u32, m: &VenueReport) -> Expect {
        let found = self.find_reported(session_id, m);
        if m.exec_type == ExecType::Fill {
            return self.fill(session_id, m, found);
        }
        let Some(index) = found else {
            return Expect::any(&[Outcome::Refused, Outcome::NoEffect])
                .hit("report for an unknown order");
        };
        let loose = Expect::any(&[Outcome::Applied, Outcome::NoEffect]);
        let order = &mut self.orders[index];
        if order.terminal {
            return loose.hit("report after the end");
        }
        if order.unresolved {
            // Only fills or a word of ops end it, and a replace of it is nobody's any more.
            return loose.hit("report about an unresolved order");
        }
        let version = order
            .versions
            .iter()
            .position(|v| v.cl_ord_id == m.cl_ord_id && v.pending && !v.dropped);
        match m.exec_type {
            ExecType::New => {
                order.acknowledged = true;
                loose.hit("acknowledged")
            }
            ExecType::Replaced => {
                if let Some(i) = version {
                    for older in &mut order.versions[..i] {
                        older.dropped = true;
                    }
                    order.versions[i].pending = false;
                    order.acknowledged = true;
                    order.end_if_nothing_is_left();
                    return loose.hit("replaced");
                }
                loose.hit("stale answer to a replace")
            }
            ExecType::ReplaceRejected => {
                let mut expect = loose;
                if let Some(i) = version {
                    order.versions[i].dropped = true;
                    order.versions[i].rejected = true;
                    order.versions[i].pending = false;
                    order.end_if_nothing_is_left();
                    expect = expect.hit("replace rejected");
                }
                expect
            }
            ExecType::CancelRejected => {
                order.cancel_pending = false;
                if m.reason == CancelReason::UnknownAtVenue {
                    order.unresolved = true;
                    order.end_if_nothing_is_left();
                    return loose.hit("unresolved: unknown at the venue");
                }
                loose.hit("cancel rejected")
            }
            ExecType::Cancelled | ExecType::Expired | ExecType::Rejected => {
                if m.exec_type == ExecType::Cancelled && m.reason == CancelReason::UnknownAtVenue {
                    order.unresolved = true;
                    order.end_if_nothing_is_left();
                    return loose.hit("unresolved: unknown at the venue");
                }
                let gap = if m.cum_qty.is_null() {
                    0
                } else {
                    (i128::from(m.cum_qty.0) - order.cum).max(0)
                };
                if gap.min(order.reserved_qty()) == 0 {
                    order.terminal = true;
                    return loose.hit("ended by the venue");
                }
                order.keep_at_most(gap);
                order.unresolved = true;
                order.ended_with_gap = true;
                loose.hit("unresolved: fills are missing")
            }
            _ => Expect::any(&[Outcome::Refused, Outcome::NoEffect]),
        }
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
        let allowed = if sender.role == Role::Venue {
            self.sessions[&of].topology == Topology::Inline
                && self.instruments[&self.orders[index].instrument]
                    .def
                    .venue_id
                    == sender.venue
        } else {
            of == session_id
        };
        allowed.then_some(index)
    }

    fn fill(&mut self, session_id: u32, m: &VenueReport, found: Option<usize>) -> Expect {
        let buy = m.side == Side::Buy;
        let key = (
            m.venue_id,
            m.trade_date,
            m.instrument_id,
            buy,
            m.venue_exec_id,
        );
        let numbers = (m.last_px.0, m.last_qty.0);
        // A desk speaks only for its own accounts; what it may not say is not remembered either.
        let sender = &self.sessions[&session_id];
        if found.is_none() && sender.role == Role::Desk && !sender.accounts.contains(&m.account) {
            return Expect::of(Outcome::Refused)
                .hit("fill of an unknown order for an account that is not the desk's");
        }
        if let Some(before) = self.executions.get(&key) {
            let same = *before == numbers;
            return Expect::of(Outcome::NoEffect).hit(if same {
                "duplicate fill"
            } else {
                "duplicate fill with other numbers"
            });
        }
        // What is not booked is not remembered: sent again once the instrument is known, it must count.
        let step = self
            .instruments
            .get(&m.instrument_id)
            .map(|i| i.def.qty_step.0);
        if step.is_none_or(|step| m.last_qty.0 % step != 0) {
            let at = (Scope::Firm, 0);
            let (state, version) = self
                .states
                .get(&at)
                .copied()
                .unwrap_or((TradingState::Active, 0));
            if state == TradingState::Active {
                self.states
                    .insert(at, (TradingState::ReduceOnly, version + 1));
            }
            return Expect::of(Outcome::Applied).hit("fill of an unknown instrument");
        }
        self.executions.insert(key, numbers);
        let qty = i128::from(m.last_qty.0);
        let signed_qty = if buy { qty } else { -qty };
        let (account, trader) = match found {
            Some(index) => (self.orders[index].account, Some(self.orders[index].trader)),
            None if self.accounts.contains_key(&m.account) => (m.account, None),
            None => match self.suspense {
                Some(account) => (account, None),
                None => return Expect::refused(RejectCode::UnknownAccount),
            },
        };
        self.fills.push(Fill {
            account,
            trader,
            instrument: m.instrument_id,
            signed_qty,
            day: self.day,
        });
        let expect = Expect::of(Outcome::Applied);
        let Some(index) = found else {
            return expect.hit("fill of an unknown order");
        };
        let prior_date = m.trade_date < self.business_date;
        let order = &mut self.orders[index];
        let (was_terminal, leaves) = (order.terminal, order.reserved_qty());
        order.cum += qty;
        if !was_terminal {
            order.acknowledged = true;
            order.end_if_nothing_is_left();
        }
        let expect = expect.hit(match (was_terminal, qty > leaves) {
            (true, _) => "fill after the end",
            (false, true) => "overfill",
            (false, false) if order.terminal => "last fill",
            _ => "partial fill",
        });
        if prior_date {
            expect.hit("fill of a prior date")
        } else {
            expect
        }
    }
}
