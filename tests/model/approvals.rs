//! Section 5: one person tightens, two loosen. What waits for a second person, and what comes of it.

use super::lifecycle::Expect;
use super::state::Model;
use engine::decision::Outcome;
use wire::{
    ApprovalAction, Approve, Flag, ProposalKind, Propose, RejectCode, RiskEventKind, Role,
    SetLimit, SetState, SetTwoPerson, Text,
};

/// Most proposals that wait at once.
const WAITING_MAX: usize = 64;
const HOUR: u64 = 3_600_000_000_000;

/// A proposal that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) id: u32,
    pub(crate) session: u32,
    pub(crate) expires: u64,
    pub(crate) change: Propose,
    /// Who proposed, as the session was defined then.
    by: Person,
}

/// Who a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Person {
    session: u32,
    key: Text<64>,
    name: Text<16>,
}

impl Person {
    fn is(&self, other: &Self) -> bool {
        let named = |text: &str| !text.is_empty();
        self.session == other.session
            || named(self.key.as_str()) && self.key == other.key
            || named(self.name.as_str()) && self.name == other.name
    }
}

impl Model {
    /// Whether what loosens is refused to one person; the genesis is nobody's.
    pub(crate) fn takes_two(&self, session_id: u32) -> bool {
        self.two_person && (session_id != 0 || self.started)
    }

    pub(crate) fn needs_approval() -> Expect {
        Expect::refused(RejectCode::NeedsApproval).hit("code 303 NeedsApproval")
    }

    fn person(&self, session_id: u32) -> Person {
        let session = &self.sessions[&session_id];
        Person {
            session: session_id,
            key: session.key,
            name: session.person,
        }
    }

    pub(crate) fn set_two_person(&mut self, session_id: u32, m: &SetTwoPerson) -> Expect {
        let on = m.on == Flag::Yes;
        if on == self.two_person {
            return Expect::of(Outcome::NoEffect);
        }
        if !on && self.takes_two(session_id) {
            return Self::needs_approval();
        }
        self.two_person = on;
        self.alert(RiskEventKind::TwoPerson);
        Expect::of(Outcome::Applied).hit("S5 two-person approval switched")
    }

    /// Moves are the business of risk and ops, all else of risk.
    fn may_judge(&self, session_id: u32, what: ProposalKind) -> bool {
        match self.sessions.get(&session_id).map(|s| s.role) {
            Some(Role::Risk) => true,
            Some(Role::Ops) => what == ProposalKind::Move,
            _ => false,
        }
    }

    pub(crate) fn propose(&mut self, session_id: u32, m: &Propose) -> Expect {
        if !self.may_judge(session_id, m.what) {
            return Expect::refused(RejectCode::NotAuthorised).hit("S5 not of the role");
        }
        let expires = match m.expires_at.0 {
            0 => self.t + 8 * HOUR,
            at => at,
        };
        if expires <= self.t || expires > self.t + 168 * HOUR || is_blank(m.reason) {
            return Expect::refused(RejectCode::LimitRange).hit("S5 a proposal that can't wait");
        }
        if let Err(code) = self.could_be_done(m) {
            return Expect::refused(code).hit("S5 a proposal of what can't be done");
        }
        if self.proposals.len() >= WAITING_MAX {
            return Expect::refused(RejectCode::CapacityExceeded).hit("S5 too many proposals");
        }
        self.last_proposal += 1;
        let proposal = Proposal {
            id: self.last_proposal,
            session: session_id,
            expires,
            change: *m,
            by: self.person(session_id),
        };
        self.proposals.push(proposal);
        self.alert(RiskEventKind::Proposed);
        Expect::version(proposal.id).hit("S5 proposed")
    }

    /// Whether the change could be made now by two people.
    fn could_be_done(&self, m: &Propose) -> Result<(), RejectCode> {
        match m.what {
            ProposalKind::Limit => self.check_limit(&limit_of(m)),
            ProposalKind::State => self.check_state(&state_of(m)),
            ProposalKind::Move => match self.accounts.get(&m.scope_id) {
                None => Err(RejectCode::UnknownAccount),
                Some(account) if account.desk != m.desk_id && self.desks.contains(&m.desk_id) => {
                    Ok(())
                }
                Some(_) => Err(RejectCode::LimitRange),
            },
            _ if self.two_person => Ok(()),
            _ => Err(RejectCode::LimitRange),
        }
    }

    pub(crate) fn approve(&mut self, session_id: u32, m: &Approve) -> Expect {
        let found = self.proposals.iter().position(|p| p.id == m.proposal_id);
        let Some(at) = found else {
            return Self::needs_approval().hit("S5 no such proposal any more");
        };
        let proposal = self.proposals[at];
        if !self.may_judge(session_id, proposal.change.what) {
            return Expect::refused(RejectCode::NotAuthorised).hit("S5 not of the role");
        }
        if is_blank(m.reason) {
            return Expect::refused(RejectCode::LimitRange).hit("S5 an approval without a reason");
        }
        if m.action == ApprovalAction::Withdraw {
            self.proposals.remove(at);
            self.alert(RiskEventKind::Withdrawn);
            return Expect::of(Outcome::Applied).hit("S5 withdrawn");
        }
        if self.person(session_id).is(&proposal.by) {
            return Expect::refused(RejectCode::NotAuthorised)
                .hit("S5 approved by the same person");
        }
        self.proposals.remove(at);
        if let Err(code) = self.could_be_done(&proposal.change) {
            self.alert(RiskEventKind::Withdrawn);
            return Expect::refused(code).hit("S5 overtaken");
        }
        self.alert(RiskEventKind::Approved);
        self.carry_out(&proposal.change).hit("S5 approved")
    }

    fn carry_out(&mut self, m: &Propose) -> Expect {
        match m.what {
            ProposalKind::Limit => self.put_limit(&limit_of(m)),
            ProposalKind::State => self.put_state(&state_of(m)),
            ProposalKind::Move => {
                if let Some(account) = self.accounts.get_mut(&m.scope_id) {
                    account.desk = m.desk_id;
                }
                Expect::of(Outcome::Applied).hit("R28 account moved")
            }
            _ => {
                self.two_person = false;
                self.alert(RiskEventKind::TwoPerson);
                Expect::of(Outcome::Applied).hit("S5 two-person approval switched")
            }
        }
    }

    /// R26: proposals that have lapsed are gone before anything at or after their end.
    pub(crate) fn end_proposals(&mut self) {
        let now = self.t;
        let waiting = self.proposals.len();
        self.proposals.retain(|p| p.expires > now);
        for _ in self.proposals.len()..waiting {
            self.alert(RiskEventKind::ProposalLapsed);
            self.hit("S5 a proposal lapses");
        }
    }
}

fn is_blank(reason: Text<32>) -> bool {
    reason.as_str().trim().is_empty()
}

/// The setting that a proposal of a limit asks for.
pub(crate) fn limit_of(m: &Propose) -> SetLimit {
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
        ..SetLimit::default()
    }
}

fn state_of(m: &Propose) -> SetState {
    SetState {
        expected_version: m.expected_version,
        scope_id: m.scope_id,
        scope: m.scope,
        state: m.state,
        cancel_open: Flag::No,
        ..SetState::default()
    }
}
