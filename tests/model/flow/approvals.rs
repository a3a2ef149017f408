//! Two people: what loosens is proposed and approved, by the right ones, by the wrong ones, or too late.

use super::{Flow, Item};
use crate::model::genesis::{self, OPS, RISK, RISK_OF_ANOTHER, RISK_WITH_THE_SAME_KEY};
use crate::model::state::Model;
use engine::command::Command;
use wire::{
    ApprovalAction, Approve, ProposalKind, Propose, Scope, SetLimit, SetState, SetTwoPerson, Text,
    Time,
};

const JUDGES: [u32; 4] = [RISK, RISK_OF_ANOTHER, RISK_WITH_THE_SAME_KEY, OPS];

impl Flow {
    /// Turns what one person may not do into a proposal and its approval; at times it is left to be refused.
    pub(crate) fn by_two(&mut self, model: &Model, item: Item) -> Item {
        if !model.takes_two(item.session) || self.random.chance(10) {
            return item;
        }
        let Some(change) = loosening(model, &item.command) else {
            return item;
        };
        let by = self.random.pick(&[RISK, RISK_OF_ANOTHER]);
        let other = if by == RISK { RISK_OF_ANOTHER } else { RISK };
        let propose = self.proposal(model, by, change);
        if self.random.chance(88) {
            let by = if self.random.chance(90) {
                other
            } else {
                self.random.pick(&JUDGES)
            };
            let approve = self.approval(by, model.last_proposal + 1, 98);
            self.queue.push(approve);
        }
        propose
    }

    fn proposal(&mut self, model: &Model, by: u32, change: Propose) -> Item {
        let life = match self.random.below(100) {
            0..=79 => 0,
            80..=95 => model.t + self.random.pick(&[1_000_000, 40_000_000, 900_000_000]),
            96..=97 => model.t,
            _ => model.t + 169 * 3_600_000_000_000,
        };
        let m = Propose {
            expires_at: Time(life),
            reason: Text::new(if self.random.chance(98) { "model" } else { " " }),
            ..change
        };
        self.item(by, m.into())
    }

    fn approval(&mut self, by: u32, proposal_id: u32, says_yes: u64) -> Item {
        let m = Approve {
            proposal_id,
            action: if self.random.chance(says_yes) {
                ApprovalAction::Approve
            } else {
                ApprovalAction::Withdraw
            },
            reason: Text::new(if self.random.chance(95) { "model" } else { "" }),
            ..Approve::default()
        };
        self.item(by, m.into())
    }

    /// What the people of risk do besides: old proposals, odd ones, and the rule itself on and off.
    pub(crate) fn judge(&mut self, model: &Model) -> Item {
        let by = self.random.pick(&JUDGES);
        if !model.two_person && self.random.chance(40) {
            return self.switch_two_person(80);
        }
        match self.random.below(100) {
            0..=44 => {
                let waiting: Vec<u32> = model.proposals.iter().map(|p| p.id).collect();
                let id = if waiting.is_empty() || self.random.chance(15) {
                    model.last_proposal + u32::from(self.random.chance(50))
                } else {
                    self.random.pick(&waiting)
                };
                self.approval(by, id, 70)
            }
            45..=59 => {
                let change = self.odd_change(model);
                self.proposal(model, by, change)
            }
            60..=79 => {
                // The end of a proposal, to the nanosecond.
                let ends: Vec<u64> = model.proposals.iter().map(|p| p.expires).collect();
                let id = model.proposals.first().map_or(1, |p| p.id);
                let item = self.approval(by, id, 90);
                if !ends.is_empty() {
                    let end = self.random.pick(&ends);
                    self.aim_at(model, end);
                }
                item
            }
            80..=89 => self.switch_two_person(60),
            90..=94 => {
                // More than wait at once.
                let change = Propose {
                    what: ProposalKind::State,
                    scope: Scope::Firm,
                    expected_version: model
                        .states
                        .get(&(Scope::Firm, 0))
                        .map_or(0, |(_, version)| *version),
                    state: wire::TradingState::Halted,
                    reason: Text::new("model"),
                    ..Propose::default()
                };
                let flood = vec![change.into(); 66];
                self.enqueue(RISK, flood)
            }
            _ => {
                let change = Propose {
                    what: ProposalKind::SinglePerson,
                    ..Propose::default()
                };
                self.proposal(model, by, change)
            }
        }
    }

    fn switch_two_person(&mut self, says_on: u64) -> Item {
        let m = SetTwoPerson {
            on: genesis::flag(self.random.chance(says_on)),
            reason: Text::new("model"),
            ..SetTwoPerson::default()
        };
        self.item(RISK, m.into())
    }

    /// A change of any kind, possible or not, whether or not it takes two.
    fn odd_change(&mut self, model: &Model) -> Propose {
        match self.random.below(4) {
            0 => {
                let command = self.change_limit(model).command;
                proposal_of(&command).unwrap_or_default()
            }
            1 => {
                let command = self.change_state(model).command;
                proposal_of(&command).unwrap_or_default()
            }
            _ => Propose {
                what: ProposalKind::Move,
                scope: Scope::Account,
                scope_id: self.account_or_none(),
                desk_id: self.random.pick(&[1, 2, 3]),
                ..Propose::default()
            },
        }
    }
}

/// What has to be proposed instead of a command, where that loosens.
fn loosening(model: &Model, command: &Command) -> Option<Propose> {
    let loosens = if let Command::SetLimit(m) = command {
        model.limit_loosens(m)
    } else if let Command::SetState(m) = command {
        m.state.0 < model.state((m.scope, m.scope_id)).0
    } else if let Command::DefineAccount(m) = command {
        let known = model.accounts.get(&m.account);
        known.is_some_and(|known| known.desk != m.desk_id)
    } else {
        false
    };
    proposal_of(command).filter(|_| loosens)
}

/// The proposal of what a command does; of commands that can't be proposed, none.
fn proposal_of(command: &Command) -> Option<Propose> {
    if let Command::SetLimit(m) = command {
        return Some(proposal_of_limit(m));
    }
    if let Command::SetState(m) = command {
        return Some(proposal_of_state(m));
    }
    if let Command::DefineAccount(m) = command {
        return Some(Propose {
            what: ProposalKind::Move,
            scope: Scope::Account,
            scope_id: m.account,
            desk_id: m.desk_id,
            ..Propose::default()
        });
    }
    None
}

fn proposal_of_limit(m: &SetLimit) -> Propose {
    Propose {
        what: ProposalKind::Limit,
        value: m.value,
        window_ns: m.window_ns,
        limit_expires_at: m.expires_at,
        expected_version: m.expected_version,
        scope_id: m.scope_id,
        selector_id: m.selector_id,
        scope: m.scope,
        limit_kind: m.limit_kind,
        selector: m.selector,
        unit: m.unit,
        mode: m.mode,
        warn1: m.warn1,
        warn2: m.warn2,
        warn3: m.warn3,
        ..Propose::default()
    }
}

fn proposal_of_state(m: &SetState) -> Propose {
    Propose {
        what: ProposalKind::State,
        expected_version: m.expected_version,
        scope_id: m.scope_id,
        scope: m.scope,
        state: m.state,
        ..Propose::default()
    }
}
