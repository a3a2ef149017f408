//! The mix of commands that exchange-core publishes its percentiles of, as commands for the engine with the
//! reports of a venue: of a hundred client commands 9 new orders that rest, 3 that do not (IOC), 6 cancels
//! and 82 moves; 6 of them trade (its README, benchmark configuration). The stream depends on its seed
//! alone.
//!
//! exchange-core is the venue itself and needs no reports; here each move and cancel has one more command,
//! and each trade two fills. The number of live orders keeps to its target: what rests is cancelled or
//! traded away.

use super::super::firm::Shape;
use super::{Due, Flow, Kind, LAG, Live, Work};
use wire::{E8, ExecType, NewOrder, TimeInForce};

/// Client commands in a hundred.
const GTC: u32 = 9;
const IOC: u32 = 3;
const CANCELS: u32 = 6;
/// One move in this many trades: three in a hundred commands, as do the IOC orders.
const MOVES_A_TRADE: u32 = 27;
/// How far the number of live orders may drift, in per cent of the target.
const DRIFT: usize = 10;

impl Shape {
    /// One instrument and 1,000 accounts, as exchange-core measured.
    #[must_use]
    pub fn exchange_core() -> Self {
        Self {
            accounts: 1_000,
            instruments: 1,
            groups: 1,
            ..Self::small()
        }
    }
}

impl Flow {
    /// The next command of exchange-core's mix. New orders come first, up to the target.
    pub fn next_of_exchange_core(&mut self) -> Work {
        self.seq += 1;
        self.t += 1_000;
        if self.due.front().is_some_and(|due| due.at <= self.seq)
            && let Some(due) = self.due.pop_front()
        {
            return match due.exec_type {
                ExecType::Fill => self.filled(due),
                _ => self.report(due),
            };
        }
        let drift = self.target * DRIFT / 100;
        match self.random.below(100) {
            _ if self.live.len() + drift < self.target => self.rests(),
            roll if roll < GTC && self.live.len() > self.target + drift => self.cancel(),
            roll if roll < GTC => self.rests(),
            roll if roll < GTC + IOC => self.trades_at_once(),
            roll if roll < GTC + IOC + CANCELS => self.cancel(),
            _ => self.moves(),
        }
    }

    fn rests(&mut self) -> Work {
        let (work, order) = self.asked(TimeInForce::GoodTillCancel);
        self.live.push(order);
        work
    }

    /// An IOC order takes a whole resting one of the other side, as far as this flow is concerned.
    fn trades_at_once(&mut self) -> Work {
        let (work, order) = self.asked(TimeInForce::ImmediateOrCancel);
        let resting = self.any();
        let resting = self.live.swap_remove(resting);
        for order in [order, resting] {
            self.trade(order, order.qty - order.cum);
        }
        work
    }

    /// A move; of some, one lot of two resting orders trades.
    fn moves(&mut self) -> Work {
        if self.random.one_in(MOVES_A_TRADE) && self.live.len() > 2 {
            for _ in 0..2 {
                let at = self.any();
                let order = self.live.swap_remove(at);
                self.trade(order, E8);
            }
        }
        self.replace()
    }

    fn asked(&mut self, tif: TimeInForce) -> (Work, Live) {
        let order = NewOrder {
            tif,
            ..self.drawn()
        };
        let (live, input) = self.ask_for(order);
        (
            Work {
                kind: Kind::New,
                input,
            },
            live,
        )
    }

    /// A fill a while from now; until then nobody touches the order.
    fn trade(&mut self, order: Live, qty: i64) {
        self.due.push_back(Due {
            at: self.seq + LAG,
            order: Live {
                cum: order.cum + qty,
                ..order
            },
            cl_ord_id: order.cl_ord_id,
            exec_type: ExecType::Fill,
            qty,
        });
    }

    fn filled(&mut self, due: Due) -> Work {
        if due.order.cum < due.order.qty {
            self.live.push(due.order);
        }
        self.book_fill(due.order, due.qty)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::firm::{TWELVE, found};
    use super::*;
    use engine::decision::{Outbox, Outcome};
    use engine::risk::RiskEngine;

    #[test]
    fn the_mix_is_the_published_one_and_all_of_it_is_accepted() {
        let shape = Shape::exchange_core();
        let mut engine = RiskEngine::new();
        let mut out = Outbox::new();
        let seq = found(&mut engine, &shape, TWELVE);
        let mut flow = Flow::new(shape, 1, seq, 1_000);
        let mut counts = [0_u32; Kind::ALL.len()];
        for n in 0..10_000 {
            let work = flow.next_of_exchange_core();
            let outcome = engine.apply(&work.input, &mut out).outcome;
            let wanted = match work.kind {
                Kind::New | Kind::Replace | Kind::Cancel => Outcome::Accepted,
                Kind::Fill | Kind::Report => Outcome::Applied,
                Kind::Refused => Outcome::Rejected,
            };
            assert_eq!(outcome, wanted, "command {n}, {:?}", work.kind);
            if n >= 2_000 {
                counts[work.kind.index()] += 1;
                let live = engine.live_orders().count();
                assert!(
                    (800..=1_200).contains(&live) || n % 1_000 > 0,
                    "{live} live"
                );
            }
        }
        // Some are about to be traded away.
        let live = engine.live_orders().count();
        assert!((850..=1_150).contains(&live), "{live} live");
        let [new, replaces, cancels, fills, ..] = counts;
        let percent = |count: u32| 100.0 * f64::from(count) / f64::from(new + replaces + cancels);
        for (count, published) in [(new, 12.0), (cancels, 6.0), (replaces, 82.0), (fills, 12.0)] {
            let share = percent(count);
            assert!(
                (share - published).abs() < 1.5,
                "{share} %, not {published} %"
            );
        }
    }
}
