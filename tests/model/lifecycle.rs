//! One command at a time: who may send it, what it does, and what must be answered.

use super::checks::{Plan, Refusal};
use super::state::{Currency, Model, Said, Session};
use engine::command::{Command, Sequenced};
use engine::decision::Outcome;
use wire::{CodMode, Flag, RejectCode, RiskEventKind, Role, Scope, Topology, TradingState};

/// What the engine must answer. `None`: the documents don't say, so it is not compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expect {
    /// Any of these.
    pub(crate) outcomes: Vec<Outcome>,
    /// The code of a refused report or administrative command.
    pub(crate) code: Option<RejectCode>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) order_id: Option<u64>,
    pub(crate) plan: Option<Plan>,
    /// Version that an administrative command put in force.
    pub(crate) version: Option<u32>,
    /// The shadow limit that would have refused; only for orders and replaces.
    pub(crate) shadow: Option<Option<Refusal>>,
    /// First missing inbound number and how many.
    pub(crate) not_applied: Option<(u64, u64)>,
    /// Alerts, progress of mass cancels, what is counted for the campaign.
    pub(crate) said: Said,
}

impl Expect {
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self::any(&[outcome])
    }

    pub(crate) fn any(outcomes: &[Outcome]) -> Self {
        Self {
            outcomes: outcomes.to_vec(),
            ..Self::default()
        }
    }

    /// Applied or without effect: the documents don't tell these apart.
    pub(crate) fn loose() -> Self {
        Self::any(&[Outcome::Applied, Outcome::NoEffect])
    }

    pub(crate) fn version(version: u32) -> Self {
        Self {
            version: Some(version),
            ..Self::of(Outcome::Applied)
        }
    }

    pub(crate) fn refused(code: RejectCode) -> Self {
        Self {
            code: Some(code),
            ..Self::of(Outcome::Refused)
        }
    }

    pub(crate) fn rejected(refusal: Refusal) -> Self {
        let code = format!("code {} {}", refusal.code.number(), refusal.code.name());
        let mut expect = Self::of(Outcome::Rejected).hit(&code);
        if let (RejectCode::LimitNotSet, Some(kind)) = (refusal.code, refusal.kind) {
            expect = expect.hit(&format!("{code} {kind}"));
        }
        expect.refusal = Some(refusal);
        expect
    }

    pub(crate) fn hit(mut self, what: &str) -> Self {
        self.said.hits.push(what.to_owned());
        self
    }
}

impl Model {
    /// Applies one command and says what must be decided.
    pub(crate) fn apply(&mut self, input: &Sequenced) -> Expect {
        self.said = Said::default();
        let mut not_applied = None;
        if input.in_seq_no > 0
            && let Some(session) = self.sessions.get_mut(&input.session_id)
        {
            if input.in_seq_no <= session.last_applied {
                return Expect::of(Outcome::Dropped).hit("R32 dropped");
            }
            let next = session.last_applied + 1;
            if input.in_seq_no > next {
                not_applied = Some((next, input.in_seq_no - next));
            }
            session.last_applied = input.in_seq_no;
        }
        if input.t < self.t {
            self.hit("R34 a stamp that runs backwards");
        }
        self.t = self.t.max(input.t);
        self.end_temporary_limits();
        if !matches!(input.command, Command::Started(_)) {
            self.end_graces();
        }
        self.end_proposals();
        if !matches!(input.command, Command::Step(_)) && self.orders.iter().any(|o| o.cancel_due) {
            self.hit("R30 a command between the steps of wide work");
        }
        let asks = matches!(
            input.command,
            Command::NewOrder(_) | Command::ReplaceOrder(_)
        );
        let mut expect = if !self.may_send(input.session_id, &input.command) {
            Expect::refused(RejectCode::RoleDenied).hit("code 10 RoleDenied")
        } else if input.command.flags() & wire::WHAT_IF != 0 && !asks {
            Expect::refused(RejectCode::UnsupportedFlag).hit("code 52 UnsupportedFlag")
        } else {
            self.dispatch(input)
        };
        self.end_jobs();
        self.look_at_limits();
        self.halt_when_full();
        expect.not_applied = not_applied;
        if not_applied.is_some() {
            expect = expect.hit("R32 gap in the inbound sequence");
        }
        let said = std::mem::take(&mut self.said);
        expect.said.alerts.extend(said.alerts);
        expect.said.reports.extend(said.reports);
        expect.said.hits.extend(said.hits);
        expect
    }

    /// At 100 % of the table the firm is halted.
    fn halt_when_full(&mut self) {
        let full = self.executions.len() >= self.executions_max;
        let told = std::mem::replace(&mut self.full, full);
        if full && !told && self.executions_max > 0 {
            self.tighten((Scope::Firm, 0), TradingState::Halted);
            self.alert(RiskEventKind::Capacity);
            self.hit("a full table halts the firm");
        }
    }

    fn may_send(&self, session_id: u32, command: &Command) -> bool {
        let Some(session) = self.sessions.get(&session_id) else {
            return true;
        };
        let id = command.layout().template_id;
        match session.role {
            // What the gateway says of a session's message it says in the session's name.
            _ if id == 313 => true,
            Role::Desk => {
                matches!(id, 100..=103 | 122 | 138)
                    || id == 104 && session.topology == Topology::Sidecar
            }
            Role::Venue => id == 104,
            Role::Risk => matches!(id, 120..=125 | 128 | 136 | 137 | 140),
            Role::Ops => matches!(id, 122 | 126 | 127 | 129..=137),
            _ => id == 122,
        }
    }

    fn dispatch(&mut self, input: &Sequenced) -> Expect {
        let session_id = input.session_id;
        match &input.command {
            Command::NewOrder(m) => self.new_order(input, m),
            Command::ReplaceOrder(m) => self.replace_order(input, m),
            Command::CancelOrder(m) => self.cancel(session_id, m),
            Command::MassCancel(m) => self.mass_cancel(session_id, m),
            Command::VenueReport(m) => self.report(session_id, m),
            Command::SetLimit(m) => self.set_limit(session_id, m),
            Command::SetState(m) => self.set_state(session_id, m),
            Command::SetReference(m) => self.set_reference(m),
            Command::SetMark(m) => self.set_mark(m),
            Command::SetFx(m) => self.set_fx(m),
            Command::DefineInstrument(m) => self.define_instrument(m),
            Command::DefineAccount(m) => self.define_account(session_id, m),
            Command::Permit(m) => self.permit(m),
            Command::PositionLoad(m) => self.position_load(m),
            Command::DayOpen(m) => self.day_open(m),
            Command::DayRoll(m) => self.day_roll(m),
            Command::Reconcile(m) => self.reconcile(m),
            Command::Adjust(m) => self.adjust(m),
            Command::LocateLoad(m) => self.locate_load(m),
            Command::CashLoad(m) => self.cash_load(m),
            Command::MmpReset(m) => self.mmp_reset(session_id, m),
            Command::DefineFirm(m) => {
                self.base = m.base_currency;
                self.two_person = m.two_person == Flag::Yes;
                self.executions_max = usize::try_from(m.executions).unwrap_or(usize::MAX);
                Expect::of(Outcome::Applied)
            }
            Command::DefineDesk(m) => {
                self.desks.insert(m.desk_id);
                Expect::of(Outcome::Applied)
            }
            Command::DefineTrader(m) => {
                self.traders.insert(m.trader_id);
                Expect::of(Outcome::Applied)
            }
            Command::DefineSession(m) => {
                self.sessions.insert(
                    m.session_id,
                    Session {
                        role: m.role,
                        person: m.person,
                        key: m.public_key,
                        topology: m.topology,
                        venue: m.venue_id,
                        up: false,
                        last_applied: 0,
                        mark: 0,
                        accounts: Default::default(),
                        traders: Default::default(),
                        cod: CodMode::Off,
                        grace: 0,
                        deadline: None,
                        awaits_grace: false,
                    },
                );
                Expect::of(Outcome::Applied)
            }
            Command::Entitle(m) => {
                if let Some(session) = self.sessions.get_mut(&m.session_id) {
                    let grant = m.allow == Flag::Yes;
                    if m.account != u32::MAX {
                        session.accounts.remove(&m.account);
                        session.accounts.extend(grant.then_some(m.account));
                    } else {
                        session.traders.remove(&m.trader_id);
                        session.traders.extend(grant.then_some(m.trader_id));
                    }
                }
                Expect::loose()
            }
            Command::SessionUp(m) => self.session_up(m),
            Command::SessionDown(m) => self.session_down(m),
            Command::Started(m) => self.started(m),
            Command::Refused(m) => Expect {
                code: RejectCode::from_number(m.code),
                ..Expect::of(Outcome::Refused)
            }
            .hit("refused by the gateway"),
            Command::DefineCurrency(m) => {
                self.currencies.insert(
                    m.currency,
                    Currency {
                        max_age: (m.max_age_ns != u64::MAX).then_some(m.max_age_ns),
                        ..Currency::default()
                    },
                );
                Expect::loose()
            }
            Command::Step(_) => {
                self.send_due_cancels();
                Expect::loose()
            }
            Command::Query(_)
            | Command::LogonRefused(_)
            | Command::TimePassed(_)
            | Command::RulesChanged(_)
            | Command::SegmentsRemoved(_)
            | Command::AdvanceTime(_) => Expect::loose(),
            Command::Propose(m) => self.propose(session_id, m),
            Command::Approve(m) => self.approve(session_id, m),
            Command::SetTwoPerson(m) => self.set_two_person(session_id, m),
        }
    }
}
