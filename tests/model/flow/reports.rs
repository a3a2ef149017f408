//! What venues and sidecar desks report: in order, out of order, twice, too late, for nobody's order.

use super::{Flow, Item};
use crate::model::genesis::{self, DESK_SESSIONS, INSTRUMENTS, Listed};
use crate::model::orders::Order;
use crate::model::state::Model;
use engine::command::Command;
use wire::{
    CancelReason, ExecType, Flag, LimitKind, Liquidity, Price, Qty, Role, Side, Time, Topology,
    VenueReport,
};

impl Flow {
    pub(crate) fn report(&mut self, model: &Model) -> Item {
        if self.random.chance(4)
            && let Some((session, mut again)) = self.earlier_fill()
        {
            if self.random.chance(30) {
                again.last_px.0 += 1;
            }
            return self.item(session, again.into());
        }
        if self.random.chance(9)
            && let Some(item) = self.take_back(model)
        {
            return item;
        }
        if self.random.chance(4) {
            return self.stray_fill(model);
        }
        let Some(order) = self.pick_order(model, 85) else {
            return self.new_order(model);
        };
        let Some(listed) = INSTRUMENTS.iter().find(|i| i.id == order.instrument) else {
            return self.new_order(model);
        };
        let mut session = reporter(model, order, listed);
        if self.random.chance(1) {
            session = self.random.pick(&[12, 21, 22]);
        }
        let ids: Vec<u64> = order.versions.iter().map(|v| v.cl_ord_id).collect();
        let pending: Vec<u64> = order
            .versions
            .iter()
            .filter(|v| v.pending && !v.dropped)
            .map(|v| v.cl_ord_id)
            .collect();
        let mut m = VenueReport {
            cl_ord_id: self.random.pick(&ids),
            account: order.account,
            instrument_id: order.instrument,
            order_session_id: order.session,
            side: order.side,
            ..blank(model, listed)
        };
        if !pending.is_empty() && self.random.chance(45) {
            m.cl_ord_id = if self.random.chance(90) {
                self.random.pick(&pending)
            } else {
                self.random.pick(&ids)
            };
            m.exec_type = self.random.pick(&[
                ExecType::Replaced,
                ExecType::Replaced,
                ExecType::ReplaceRejected,
            ]);
            return self.item(session, m.into());
        }
        match self.random.below(100) {
            0..=16 => m.exec_type = ExecType::New,
            17..=66 => self.fill_of(&mut m, order, listed),
            67..=80 => self.end_of(&mut m, order, listed),
            81..=86 => {
                m.exec_type = ExecType::Rejected;
                m.reason = CancelReason::VenueRejected;
            }
            _ => {
                m.exec_type = ExecType::CancelRejected;
                self.answer_cancel(&mut m, order);
                if self.random.chance(25) {
                    m.reason = CancelReason::UnknownAtVenue;
                }
            }
        }
        if self.random.chance(1) {
            // About something else than the order has.
            m.side = if order.is_buy() {
                Side::Sell
            } else {
                Side::Buy
            };
        }
        if m.exec_type == ExecType::Fill {
            self.fills.push((session, m));
            if self.random.chance(45) {
                self.aim_fill(model, order);
            }
            if self.random.chance(4) {
                return self.bust_first(session, m);
            }
        }
        self.item(session, m.into())
    }

    fn end_of(&mut self, m: &mut VenueReport, order: &Order, listed: &Listed) {
        m.exec_type = self.random.pick(&[
            ExecType::Cancelled,
            ExecType::Cancelled,
            ExecType::Cancelled,
            ExecType::Expired,
        ]);
        m.cum_qty = Qty(i64::try_from(order.cum).unwrap_or(0));
        match self.random.below(10) {
            0..=2 => m.cum_qty.0 += listed.step * self.random.between(1, 50),
            3 => m.cum_qty.0 = (m.cum_qty.0 - listed.step).max(0),
            4 => m.cum_qty = Qty::NULL,
            5 if m.exec_type == ExecType::Cancelled => m.reason = CancelReason::UnknownAtVenue,
            _ => {}
        }
        self.answer_cancel(m, order);
    }

    /// Half of the answers to a cancel name the cancel.
    fn answer_cancel(&mut self, m: &mut VenueReport, order: &Order) {
        if !order.cancel_ids.is_empty() && self.random.chance(50) {
            m.cl_ord_id = self.random.pick(&order.cancel_ids);
            m.order_id = order.order_id;
        }
    }

    fn earlier_fill(&mut self) -> Option<(u32, VenueReport)> {
        let recent = self.fills.len().saturating_sub(40);
        let recent = &self.fills[recent..];
        let i = usize::try_from(self.random.below(recent.len() as u64)).ok()?;
        recent.get(i).copied()
    }

    /// Busts or corrects an earlier fill, at times for the second time.
    fn take_back(&mut self, model: &Model) -> Option<Item> {
        let (session, fill) = self.earlier_fill()?;
        let listed = INSTRUMENTS.iter().find(|i| i.id == fill.instrument_id)?;
        let mut m = VenueReport {
            venue_exec_id: 0,
            ref_exec_id: fill.venue_exec_id,
            transact_time: Time(model.t),
            reopen: genesis::flag(self.random.chance(40)),
            exec_type: ExecType::Bust,
            ..fill
        };
        if self.random.chance(45) {
            m.exec_type = ExecType::Correct;
            if self.random.chance(50) {
                m.venue_exec_id = self.next_execution;
                self.next_execution += 1;
            }
            match self.random.below(4) {
                0 => m.last_px.0 += listed.tick,
                1 => {}
                _ => {
                    let steps = self.random.between(1, 60);
                    m.last_qty = Qty((m.last_qty.0 + listed.step * (steps - 40)).max(listed.step));
                }
            }
            if m.venue_exec_id != 0 {
                let new = VenueReport {
                    ref_exec_id: 0,
                    exec_type: ExecType::Fill,
                    reopen: Flag::No,
                    ..m
                };
                self.fills.push((session, new));
            }
        }
        if self.random.chance(2) {
            m.ref_exec_id = 1_000_000 + self.random.below(50);
        }
        if self.random.chance(1) {
            m.instrument_id = 77;
        }
        Some(self.item(session, m.into()))
    }

    /// A fill behind what takes it back: its bust (a tombstone) or its correction, or both with what takes that
    /// back in its turn, in any order.
    fn bust_first(&mut self, session: u32, fill: VenueReport) -> Item {
        let first = self.taker_of(&fill);
        if self.random.chance(25) {
            let (stranger, bust) = self.by_a_stranger(first);
            let fill = self.item(session, fill.into());
            self.queue.push(fill);
            return self.item(stranger, bust.into());
        }
        let mut reports = vec![first, fill];
        if first.exec_type == ExecType::Correct && self.random.chance(60) {
            let second = self.taker_of(&first);
            let at = self.random.below(reports.len() as u64 + 1);
            reports.insert(usize::try_from(at).unwrap_or(0), second);
            if self.random.chance(50) {
                reports.reverse();
            }
        }
        self.enqueue(session, reports.into_iter().map(Command::from).collect())
    }

    /// A report that busts or corrects what another books.
    fn taker_of(&mut self, report: &VenueReport) -> VenueReport {
        let mut taker = VenueReport {
            venue_exec_id: 0,
            ref_exec_id: report.venue_exec_id,
            exec_type: ExecType::Bust,
            reopen: genesis::flag(self.random.chance(50)),
            ..*report
        };
        if self.random.chance(40) {
            taker.exec_type = ExecType::Correct;
            taker.venue_exec_id = self.next_execution;
            self.next_execution += 1;
            if self.random.chance(50) {
                let listed = INSTRUMENTS.iter().find(|i| i.id == taker.instrument_id);
                let step = listed.map_or(1, |listed| listed.step);
                taker.last_qty.0 = (taker.last_qty.0 / step / 2).max(1) * step;
            }
        }
        taker
    }

    /// The same said by a desk of an account of its own, whosever execution it is.
    fn by_a_stranger(&mut self, report: VenueReport) -> (u32, VenueReport) {
        // One of the three may report at all: that in the middle.
        let at = self.random.pick(&[0, 1, 1, 1, 2]);
        let (desk, _, accounts, _) = DESK_SESSIONS[at];
        let report = VenueReport {
            order_id: 0,
            cl_ord_id: 0,
            order_session_id: desk,
            account: self.random.pick(accounts),
            ..report
        };
        (desk, report)
    }

    fn fill_of(&mut self, m: &mut VenueReport, order: &Order, listed: &Listed) {
        let leaves = order.reserved_qty().max(i128::from(listed.step));
        let steps = i64::try_from(leaves / i128::from(listed.step)).unwrap_or(1);
        let qty = match self.random.below(100) {
            0..=29 => steps,
            30..=34 => steps.min(1_000_000) + self.random.between(1, 50),
            _ => self.random.between(1, steps.max(1)),
        };
        m.exec_type = ExecType::Fill;
        m.last_qty = Qty(qty.min(1_000_000_000).saturating_mul(listed.step));
        if self.random.below(300) == 0 {
            m.last_qty.0 += listed.step / 2;
        }
        if self.random.below(300) == 0 {
            m.last_qty = Qty(0);
        }
        m.last_px = Price(listed.price + self.random.between(-9, 9) * listed.tick);
        m.last_px.0 += self.random.between(-2, 2);
        m.cum_qty = Qty(i64::try_from(order.cum)
            .unwrap_or(0)
            .saturating_add(m.last_qty.0));
        self.number(m);
    }

    /// Gives the fill its execution id, at times of an earlier trade date.
    fn number(&mut self, m: &mut VenueReport) {
        m.venue_exec_id = self.next_execution;
        self.next_execution += 1;
        if self.random.chance(6) {
            m.trade_date = match m.venue_exec_id % 6 {
                0 => 0,
                1 => 20_261_399,
                _ => m.trade_date - 1,
            };
        }
    }

    /// Aims a fill at the end of the window of an earlier one (C7, C15).
    fn aim_fill(&mut self, model: &Model, order: &Order) {
        let mut ends = Vec::new();
        for (key, limit) in &model.limits {
            let of_fills = matches!(
                key.kind,
                LimitKind::RepeatedExecution | LimitKind::MarketMakerProtection
            );
            let prints = model.prints.iter().filter(|p| {
                of_fills && (p.trader == Some(order.trader) || p.account == order.account)
            });
            ends.extend(prints.map(|p| p.t + limit.window));
        }
        ends.retain(|t| *t >= model.t);
        if !ends.is_empty() {
            let end = self.random.pick(&ends);
            self.aim_at(model, end);
        }
    }

    /// A fill for an order or an instrument that nobody knows.
    fn stray_fill(&mut self, model: &Model) -> Item {
        let listed = self.listed();
        let session = self.random.pick(&[21, 22, 12]);
        let mut m = VenueReport {
            cl_ord_id: 888_888_888,
            last_px: Price(listed.price),
            last_qty: Qty(listed.step * self.random.between(1, 300)),
            account: self.account_or_none(),
            exec_type: ExecType::Fill,
            side: self.random.pick(&[Side::Buy, Side::Sell, Side::SellShort]),
            liquidity: Liquidity::Unknown,
            ..blank(model, listed)
        };
        self.number(&mut m);
        if self.random.chance(6) && model.sessions[&session].role == Role::Venue {
            m.instrument_id = 77;
        }
        if self.random.chance(10) {
            m.exec_type = ExecType::Cancelled;
        }
        self.fills.push((session, m));
        self.item(session, m.into())
    }
}

/// Who reports about an order: its venue, or the sidecar desk itself.
fn reporter(model: &Model, order: &Order, listed: &Listed) -> u32 {
    if model.sessions[&order.session].topology == Topology::Sidecar {
        return order.session;
    }
    genesis::VENUE_SESSIONS
        .iter()
        .find(|(_, venue)| *venue == listed.venue)
        .map_or(21, |(id, _)| *id)
}

/// A report about nothing yet.
fn blank(model: &Model, listed: &Listed) -> VenueReport {
    VenueReport {
        transact_time: Time(model.t),
        trade_date: model.business_date,
        instrument_id: listed.id,
        order_session_id: 0,
        venue_id: listed.venue,
        liquidity: Liquidity::Added,
        reopen: Flag::No,
        reason: CancelReason::Unsolicited,
        ..VenueReport::default()
    }
}
