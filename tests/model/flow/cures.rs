//! What undoes the things that keep orders out, so that a flow goes on.

use super::limits::{Draft, KINDS, of_firm};
use super::office::permit_command;
use super::{Flow, Item};
use crate::model::genesis::{self, CURRENCIES, DESK_SESSIONS, INSTRUMENTS, OPS, RISK};
use crate::model::state::Model;
use engine::command::Command;
use wire::{CodMode, Flag, MmpReset, Reconcile, ReconcileWhat, SetState, Text, TradingState};

impl Flow {
    /// One of the cures for what ails the firm.
    pub(crate) fn heal(&mut self, model: &Model) -> Option<Item> {
        if !model.ready && model.loaded != model.business_date && self.random.chance(60) {
            let batch = self.next_batch;
            self.next_batch += 1;
            let load = genesis::load(&mut self.random, batch, model.business_date);
            self.last_load.clone_from(&load);
            return Some(self.enqueue(OPS, load));
        }
        let mut cures: Vec<(u32, Command)> = Vec::new();
        for (at, (state, version)) in &model.states {
            if *state != TradingState::Active {
                let release = SetState {
                    expected_version: *version,
                    scope_id: at.1,
                    scope: at.0,
                    state: TradingState::Active,
                    cancel_open: Flag::No,
                    ..SetState::default()
                };
                cures.push((RISK, release.into()));
            }
        }
        self.cures_of_prices(model, &mut cures);
        for (kind, must_be_set) in KINDS {
            let key = of_firm(*kind);
            let enforced = model.limits.get(&key).is_some_and(|l| !l.shadow());
            if *must_be_set && !enforced && self.random.chance(20) {
                let version = model.limit_version(&key);
                cures.push((RISK, Draft::plain(*kind, i64::MAX).command(&key, version)));
            }
        }
        for session in genesis::sessions() {
            if !model.sessions.get(&session)?.up {
                let desk = DESK_SESSIONS.iter().any(|(id, ..)| *id == session);
                let up = if desk && self.random.chance(60) {
                    let mode = self.random.pick(&[CodMode::Both, CodMode::Disconnect]);
                    genesis::up_with(session, mode, 50)
                } else {
                    genesis::up(session)
                };
                cures.push((0, up));
            }
        }
        if !model.ready {
            cures.push((OPS, genesis::day_open(model.business_date)));
        }
        if model.restricted {
            let reconciled = Reconcile {
                what: ReconcileWhat::Restart,
                reason: Text::new("model"),
                ..Reconcile::default()
            };
            cures.push((OPS, reconciled.into()));
        }
        for (account, product_group) in &model.frozen {
            if self.random.chance(70) {
                continue;
            }
            let reset = MmpReset {
                account: *account,
                product_group: *product_group,
                ..MmpReset::default()
            };
            let desk = DESK_SESSIONS
                .iter()
                .find(|(_, _, accounts, _)| accounts.contains(account));
            cures.push((desk.map_or(11, |d| d.0), reset.into()));
        }
        for (scope, id, selector, selector_id, ord_type) in &model.forbidden {
            let selector = (*selector, *selector_id);
            let permit = permit_command((*scope, *id), selector, *ord_type, Flag::Yes);
            cures.push((RISK, permit));
        }
        let i = usize::try_from(self.random.below(cures.len() as u64)).ok()?;
        let (session, command) = *cures.get(i)?;
        Some(self.item(session, command))
    }

    fn cures_of_prices(&mut self, model: &Model, cures: &mut Vec<(u32, Command)>) {
        for i in &INSTRUMENTS {
            let Some(known) = model.instruments.get(&i.id) else {
                continue;
            };
            let old = known
                .reference
                .is_none_or(|(_, feed_time)| feed_time + 1_000_000_000 < model.t);
            if old && self.random.chance(70) {
                cures.push((RISK, genesis::reference(i.id, Some(i.price), model.t)));
            }
            if known.mark.is_none() {
                cures.push((RISK, genesis::mark(i.id, Some(i.price))));
            }
        }
        for (currency, rate) in CURRENCIES {
            let known = model.currencies.get(&Text::new(currency));
            let fresh = known
                .and_then(|c| c.rate)
                .is_some_and(|(_, time)| time + 20_000_000_000 >= model.t);
            if !fresh {
                cures.push((RISK, genesis::fx(currency, Some(rate), model.t)));
            }
        }
    }
}
