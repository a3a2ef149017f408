//! The day: rolls, loads, restarts, reconciliation, overrides and splits; and messages of the wrong role.

use super::limits::Draft;
use super::{Flow, Item};
use crate::model::genesis::{self, ACCOUNTS, DESK_SESSIONS, OPS, RISK};
use crate::model::orders::Order;
use crate::model::state::Model;
use crate::model::value::E8;
use engine::command::{Command, SessionDown, Started};
use wire::{
    Adjust, AdjustKind, DayRoll, Flag, LimitKind, PositionLoad, Qty, Reconcile, ReconcileWhat, Text,
};

impl Flow {
    pub(crate) fn roll(&mut self, model: &Model) -> Item {
        let last_of_month = model.business_date % 100 >= 28;
        let business_date = if last_of_month || self.random.chance(15) {
            model.business_date
        } else {
            model.business_date + 1
        };
        let m = DayRoll {
            business_date,
            ..DayRoll::default()
        };
        self.item(OPS, m.into())
    }

    pub(crate) fn repeat_load(&mut self, model: &Model) -> Item {
        let mut load = self.last_load.clone();
        if self.random.chance(50) {
            self.next_batch += 1;
            load = genesis::load(&mut self.random, self.next_batch, model.business_date);
            self.last_load.clone_from(&load);
        } else if let Some(Command::PositionLoad(first)) = load.first_mut()
            && self.random.chance(40)
            && first.last == Flag::No
        {
            *first = PositionLoad {
                qty: Qty(first.qty.0 + E8),
                ..*first
            };
        }
        if let Some(Command::PositionLoad(first)) = load.first_mut()
            && self.random.chance(20)
            && first.last == Flag::No
        {
            // A row that is refused, at times said rightly behind it.
            let right = *first;
            match self.random.below(3) {
                0 => first.account = 77,
                1 => first.instrument_id = 77,
                _ => first.qty.0 += 1,
            }
            if self.random.chance(50) {
                load.insert(1, right.into());
            }
        }
        self.enqueue(OPS, load)
    }

    pub(crate) fn reconcile(&mut self, model: &Model) -> Item {
        let unresolved: Vec<&Order> = model
            .orders
            .iter()
            .filter(|o| o.unresolved && !o.terminal)
            .collect();
        let order = if self.random.chance(85) {
            let i = usize::try_from(self.random.below(unresolved.len() as u64)).unwrap_or(0);
            unresolved.get(i).copied()
        } else {
            self.pick_order(model, 50)
        };
        let Some(order) = order else {
            return self.new_order(model);
        };
        let step = i128::from(model.instruments[&order.instrument].def.qty_step.0);
        let steps = i64::try_from(order.reserved_qty() / step).unwrap_or(0);
        let leaves = match self.random.below(10) {
            0..=3 => 0,
            4..=5 => steps,
            6 => steps + 1,
            _ => self.random.between(0, steps),
        };
        let m = Reconcile {
            order_id: order.order_id,
            leaves_qty: Qty(leaves.saturating_mul(i64::try_from(step).unwrap_or(1))
                + i64::from(self.random.below(20) == 0)),
            what: ReconcileWhat::Order,
            reason: Text::new(if self.random.chance(95) { "model" } else { "" }),
            ..Reconcile::default()
        };
        self.item(OPS, m.into())
    }

    pub(crate) fn restart(&mut self) -> Item {
        let started = Started {
            epoch: 1,
            restricted: genesis::flag(self.random.chance(80)),
            clean: Flag::No,
            clock_commanded: Flag::No,
            ack: 1,
            ..Started::default()
        };
        let mut commands: Vec<Command> = vec![started.into()];
        if self.random.chance(50) {
            for session_id in genesis::sessions() {
                let down = SessionDown {
                    session_id,
                    ..SessionDown::default()
                };
                commands.push(down.into());
            }
        }
        commands.extend(genesis::sessions().map(genesis::up));
        self.enqueue(0, commands)
    }

    pub(crate) fn wrong_role(&mut self, model: &Model) -> Item {
        let (session, command) = match self.random.below(4) {
            0 => {
                let key = self.random_key(LimitKind::MaxLong);
                let command = Draft::plain(key.kind, 5).command(&key, 0);
                (self.random.pick(&DESK_SESSIONS).0, command)
            }
            1 => (21, self.new_order(model).command),
            2 => (RISK, genesis::day_open(model.business_date)),
            _ => (11, self.report(model).command),
        };
        self.item(session, command)
    }

    /// Overrides a position, or splits an instrument.
    pub(crate) fn adjust(&mut self) -> Item {
        let listed = self.listed();
        let mut m = Adjust {
            adjust_id: self.next_adjustment,
            instrument_id: listed.id,
            approver: Text::new("another"),
            reason: Text::new("model"),
            ..Adjust::default()
        };
        self.next_adjustment += 1;
        if self.random.chance(70) {
            m.kind = AdjustKind::Position;
            m.account = self.random.pick(&ACCOUNTS).0;
            m.qty = Qty(listed.step * self.random.between(-400, 400));
            if self.random.chance(4) {
                m.qty.0 += listed.step / 2;
            }
        } else {
            m.kind = AdjustKind::Split;
            (m.numerator, m.denominator) =
                self.random
                    .pick(&[(2, 1), (2, 1), (1, 2), (3, 2), (1, 10), (0, 1)]);
        }
        match self.random.below(20) {
            0 => m.adjust_id = m.adjust_id.saturating_sub(2),
            1 => m.reason = Text::default(),
            2 => m.approver = Text::default(),
            3 => m.instrument_id = 77,
            4 if m.kind == AdjustKind::Position => m.account = 77,
            _ => {}
        }
        self.item(OPS, m.into())
    }
}
