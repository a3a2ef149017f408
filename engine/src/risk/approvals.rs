//! Two people to loosen, one to tighten: proposals, their approval, and their end.

use super::{Done, RiskEngine, Turn};
use crate::limits::SetKey;
use crate::looseness::{limit_loosens, must_be_said, state_loosens};
use crate::proposals::{Identity, Proposal};
use crate::view::ProposalView;
use wire::{
    ApprovalAction, Approve, DefineAccount, Flag, LimitKind, LimitMode, ProposalKind, Propose,
    RejectCode, RiskEvent, RiskEventKind, Role, Scope, Selector, SetLimit, SetState, SetTwoPerson,
    Severity, Text,
};

/// How long a proposal waits unless it says so: a trading day.
const USUAL_LIFE_NS: u64 = 8 * 3_600 * 1_000_000_000;
/// How long it may wait at most.
const LONGEST_LIFE_NS: u64 = 7 * 24 * 3_600 * 1_000_000_000;

impl RiskEngine {
    /// Whether loosening takes two people now. What the server itself says takes none before its first
    /// start: that is the genesis.
    fn takes_two(&self, turn: &Turn) -> bool {
        let founds = turn.session.is_none() && self.state.epoch == 0;
        self.state.firm.two_person == Flag::Yes && !founds
    }

    /// Whether one person may not set this limit alone.
    pub(super) fn limit_takes_two(&self, turn: &Turn, key: SetKey, m: &SetLimit) -> bool {
        if !self.takes_two(turn) {
            return false;
        }
        let known = self.state.limits.find(key, m.limit_kind);
        let before = known.map(|slot| self.state.limits.get(slot));
        let covered = !must_be_said(m.limit_kind) || self.is_covered(key, m.limit_kind);
        limit_loosens(before, m, covered)
    }

    /// Whether another enforced limit of the kind bounds every order that `key` selects.
    fn is_covered(&self, key: SetKey, kind: LimitKind) -> bool {
        let group = (key.selector == Selector::Instrument)
            .then(|| self.state.instruments.find(key.selector_id))
            .flatten()
            .map(|slot| self.state.instruments.get(slot).definition.product_group);
        let broader = [
            Some((key.selector, key.selector_id)),
            group.map(|group| (Selector::Group, group)),
            Some((Selector::All, 0)),
        ];
        let desk = self.state.tree.get(key.scope).desk;
        [key.scope, desk, crate::tree::FIRM].iter().any(|scope| {
            broader.iter().flatten().any(|(selector, selector_id)| {
                let other = SetKey {
                    scope: *scope,
                    selector: *selector,
                    selector_id: *selector_id,
                };
                other != key
                    && self.state.limits.find(other, kind).is_some_and(|slot| {
                        let limit = self.state.limits.get(slot);
                        limit.value.is_some() && limit.mode == LimitMode::Enforced
                    })
            })
        })
    }

    /// Whether one person may not set this state alone.
    pub(super) fn state_takes_two(
        &self,
        turn: &Turn,
        old: wire::TradingState,
        new: wire::TradingState,
    ) -> bool {
        self.takes_two(turn) && state_loosens(old, new)
    }

    /// Whether one person may not move an account alone.
    pub(super) fn move_takes_two(&self, turn: &Turn, m: &DefineAccount) -> bool {
        self.takes_two(turn) && self.moves(m)
    }

    pub(super) fn set_two_person(&mut self, turn: &Turn, m: &SetTwoPerson) -> Done {
        if m.on == self.state.firm.two_person {
            return Done::NO_EFFECT;
        }
        if m.on == Flag::No && self.takes_two(turn) {
            return Done::refused(RejectCode::NeedsApproval, 0);
        }
        self.switch_two_person(turn, m.on, m.reason);
        Done::APPLIED
    }

    fn switch_two_person(&mut self, turn: &Turn, on: Flag, reason: Text<32>) {
        self.state.firm.two_person = on;
        self.alert(RiskEvent {
            new_value: i64::from(on.0),
            actor: self.actor(turn),
            event: RiskEventKind::TwoPerson,
            severity: if on == Flag::Yes {
                Severity::Info
            } else {
                Severity::Warning
            },
            reason,
            ..RiskEvent::default()
        });
    }

    /// Files a proposal; the answer's version is its number.
    pub(super) fn propose(&mut self, turn: &Turn, m: &Propose) -> Done {
        let Some(slot) = turn.session else {
            return Done::refused(RejectCode::NotAuthorised, 0);
        };
        if !self.may_judge(slot, m.what) {
            return Done::refused(RejectCode::NotAuthorised, 0);
        }
        let usual = turn.t.saturating_add(USUAL_LIFE_NS);
        let expires_at = match m.expires_at.0 {
            0 => usual,
            at => at,
        };
        let lives = expires_at > turn.t && expires_at <= turn.t.saturating_add(LONGEST_LIFE_NS);
        if !lives || m.reason.as_str().trim().is_empty() {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        if let Err(refused) = self.check_proposal(turn, m) {
            return refused;
        }
        let proposal = Proposal {
            id: 0,
            session_id: self.actor(turn),
            by: self.identity(slot),
            proposed_at: turn.t,
            expires_at,
            change: *m,
        };
        let Some(id) = self.state.proposals.add(proposal) else {
            return Done::refused(RejectCode::CapacityExceeded, 0);
        };
        let told = Proposal { id, ..proposal };
        let actor = self.actor(turn);
        self.tell_proposal(&told, RiskEventKind::Proposed, actor, m.reason);
        Done::version(id)
    }

    /// Whether the change could be made now, by two people.
    fn check_proposal(&self, turn: &Turn, m: &Propose) -> Result<(), Done> {
        let range = Err(Done::refused(RejectCode::LimitRange, 0));
        match m.what {
            ProposalKind::Limit => self.check_limit(turn, &limit_of(m)).map(|_| ()),
            ProposalKind::State if m.state.is_null() || m.scope.is_null() => range,
            ProposalKind::State => {
                let (_, version) = self.state_of(m.scope, m.scope_id)?;
                if version == m.expected_version {
                    Ok(())
                } else {
                    Err(Done::refused(RejectCode::VersionConflict, version))
                }
            }
            ProposalKind::Move => {
                let account = self.state.tree.find(Scope::Account, m.scope_id);
                let desk = self.state.tree.find(Scope::Desk, m.desk_id);
                match (account, desk) {
                    (None, _) => Err(Done::refused(RejectCode::UnknownAccount, 0)),
                    (Some(account), Some(desk)) if self.state.tree.get(account).desk != desk => {
                        Ok(())
                    }
                    (Some(_), _) => range,
                }
            }
            ProposalKind::SinglePerson if self.state.firm.two_person == Flag::Yes => Ok(()),
            _ => range,
        }
    }

    /// A second person says yes, or anyone takes a proposal off the table.
    pub(super) fn approve(&mut self, turn: &Turn, m: &Approve) -> Done {
        let Some(slot) = turn.session else {
            return Done::refused(RejectCode::NotAuthorised, 0);
        };
        // Lapsed, used and withdrawn ones are off the table: what they wanted needs an approval still.
        let Some(proposal) = self.state.proposals.find(m.proposal_id).copied() else {
            return Done::refused(RejectCode::NeedsApproval, 0);
        };
        if !self.may_judge(slot, proposal.change.what) {
            return Done::refused(RejectCode::NotAuthorised, 0);
        }
        if m.reason.as_str().trim().is_empty() {
            return Done::refused(RejectCode::LimitRange, 0);
        }
        let actor = self.actor(turn);
        if m.action == ApprovalAction::Withdraw {
            self.state.proposals.remove(proposal.id);
            self.tell_proposal(&proposal, RiskEventKind::Withdrawn, actor, m.reason);
            return Done::APPLIED;
        }
        if self.identity(slot).is_same_person(&proposal.by) {
            return Done::refused(RejectCode::NotAuthorised, 0);
        }
        // Used or overtaken by another change: either way it can't be approved a second time.
        self.state.proposals.remove(proposal.id);
        let done = self.carry_out(turn, &proposal, m.reason);
        let event = if done.code.is_none() {
            RiskEventKind::Approved
        } else {
            RiskEventKind::Withdrawn
        };
        self.tell_proposal(&proposal, event, actor, m.reason);
        done
    }

    fn carry_out(&mut self, turn: &Turn, proposal: &Proposal, reason: Text<32>) -> Done {
        let change = &proposal.change;
        if let Err(refused) = self.check_proposal(turn, change) {
            return refused;
        }
        match change.what {
            ProposalKind::Limit => match self.check_limit(turn, &limit_of(change)) {
                Ok(key) => self.put_limit(turn, key, &limit_of(change)),
                Err(refused) => refused,
            },
            ProposalKind::State => self.put_state(turn, &state_of(change)),
            ProposalKind::Move => {
                let account = self.state.tree.find(Scope::Account, change.scope_id);
                let desk = self.state.tree.find(Scope::Desk, change.desk_id);
                if let (Some(account), Some(desk)) = (account, desk) {
                    self.move_account(account, desk);
                }
                Done::APPLIED
            }
            _ => {
                self.switch_two_person(turn, Flag::No, reason);
                Done::APPLIED
            }
        }
    }

    /// R26: proposals that have lapsed are off the table before anything at or after their end.
    pub(super) fn end_proposals(&mut self) {
        while let Some(proposal) = self.state.proposals.due(self.t) {
            self.state.proposals.remove(proposal.id);
            let reason = proposal.change.reason;
            self.tell_proposal(&proposal, RiskEventKind::ProposalLapsed, 0, reason);
        }
    }

    /// Moves are the business of ops and risk, all else of risk.
    fn may_judge(&self, slot: u32, what: ProposalKind) -> bool {
        let role = self.state.sessions.get(slot).role();
        role == Role::Risk || (role == Role::Ops && what == ProposalKind::Move)
    }

    fn identity(&self, slot: u32) -> Identity {
        let definition = &self.state.sessions.get(slot).definition;
        Identity {
            session_id: definition.session_id,
            key: definition.public_key,
            person: definition.person,
        }
    }

    /// The session that a command came from; 0 for the server.
    fn actor(&self, turn: &Turn) -> u32 {
        turn.session
            .map_or(0, |slot| self.state.sessions.get(slot).id())
    }

    fn tell_proposal(
        &mut self,
        proposal: &Proposal,
        event: RiskEventKind,
        actor: u32,
        reason: Text<32>,
    ) {
        let change = &proposal.change;
        self.alert(RiskEvent {
            new_value: match change.what {
                ProposalKind::State => i64::from(change.state.0),
                ProposalKind::Move => i64::from(change.desk_id),
                _ => change.value,
            },
            ref_id: proposal.id.into(),
            actor,
            scope: change.scope,
            scope_id: change.scope_id,
            instrument_id: if change.selector == Selector::Instrument {
                change.selector_id
            } else {
                u32::MAX
            },
            limit_kind: change.limit_kind,
            selector: change.selector,
            selector_id: match change.selector.is_null() {
                true => u32::MAX,
                false => change.selector_id,
            },
            event,
            severity: Severity::Info,
            reason,
            ..RiskEvent::default()
        });
    }

    /// Whether a definition gives another desk to an account that there is already.
    fn moves(&self, m: &DefineAccount) -> bool {
        let desk = self.state.tree.find(Scope::Desk, m.desk_id);
        self.state
            .tree
            .find(Scope::Account, m.account)
            .zip(desk)
            .is_some_and(|(slot, desk)| self.state.tree.get(slot).desk != desk)
    }

    /// Proposals that wait, oldest first.
    pub fn proposals(&self) -> impl Iterator<Item = ProposalView> + '_ {
        self.state.proposals.iter().map(|proposal| ProposalView {
            id: proposal.id,
            session_id: proposal.session_id,
            person: proposal.by.person.as_str().to_owned(),
            proposed_at: proposal.proposed_at,
            expires_at: proposal.expires_at,
            change: proposal.change,
        })
    }
}

/// The setting that a proposal of a limit asks for.
fn limit_of(m: &Propose) -> SetLimit {
    SetLimit {
        value: m.value,
        window_ns: m.window_ns,
        expires_at: m.limit_expires_at,
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
        reason: m.reason,
        ..SetLimit::default()
    }
}

fn state_of(m: &Propose) -> SetState {
    SetState {
        expected_version: m.expected_version,
        scope_id: m.scope_id,
        scope: m.scope,
        state: m.state,
        reason: m.reason,
        ..SetState::default()
    }
}
