//! Owns the engine offline: lines of a flow in, decisions out, everything that a server would add made
//! here, deterministically. Leaves out files and printing (see `simulate`).
//!
//! What a server adds, and when it is added here:
//! - the firm: from its file, at the time of the first line; what the server itself defined in the input
//!   is skipped, but for the keys of sessions whose key the file leaves to a key file;
//! - sessions: all come up before the first message of a session, unless a SessionUp stands before it;
//! - the day, where the file opens it by itself: before the first order, unless the input has loaded,
//!   opened or rolled one before;
//! - `TimePassed`: each deadline before the first command at or after it;
//! - `Step`: all of them, right after the command that made them necessary.
//!
//! What is added carries the sequence of the line before it, so that lines keep theirs and order ids
//! stay what they were.

use crate::left_out::LeftOut;
use engine::command::{Command, DefineSession, Sequenced, SessionUp, Step, TimePassed};
use engine::date::yyyymmdd;
use engine::decision::{Decision, Outbox, Outcome};
use engine::firm::{DayOpening, Firm, KeyFile, auto_day};
use engine::record::MAX_RECORD;
use engine::risk::RiskEngine;
use engine::text::{FlowLine, TextError};
use std::collections::BTreeMap;
use wire::{CodMode, Role, Time, WHAT_IF};

/// Steps or deadlines in a row after which they count as stuck.
const RUN_MAX: u32 = 1 << 24;

/// Where a decision comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A line of the flow.
    Flow,
    /// Added here.
    Added,
}

/// What was not decided, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// The server's own definitions: the firm comes from its file.
    pub(crate) definitions: u64,
    /// Steps and passings of time: made here.
    pub(crate) steps: u64,
    /// Reports about orders, or terms of an order, that were accepted in the input and refused here.
    pub(crate) reports: u64,
}

/// The engine offline.
pub(crate) struct Simulator {
    firm: Firm,
    engine: RiskEngine,
    outbox: Outbox,
    seq: u64,
    t: u64,
    /// Time of the first line: that of the firm.
    first_t: Option<u64>,
    founded: bool,
    sessions_said: bool,
    day_said: bool,
    /// Next sequence number of each session's messages.
    next_in: BTreeMap<u32, u64>,
    venues: BTreeMap<u32, u16>,
    left_out: LeftOut,
    pub(crate) skipped: Skipped,
}

impl Simulator {
    pub(crate) fn new(firm: Firm) -> Self {
        Self {
            left_out: LeftOut::new(&firm),
            firm,
            engine: RiskEngine::new(),
            outbox: Outbox::new(),
            seq: 0,
            t: 0,
            first_t: None,
            founded: false,
            sessions_said: false,
            day_said: false,
            next_in: BTreeMap::new(),
            venues: BTreeMap::new(),
            skipped: Skipped::default(),
        }
    }

    /// The engine as it stands now.
    pub(crate) fn engine(&self) -> &RiskEngine {
        &self.engine
    }

    /// Sessions that have no key here: their files are not read, and the input names none.
    pub(crate) fn without_key(&self) -> Vec<u32> {
        let files = self.firm.key_files.iter();
        let ids = files.map(|file| file.session_id);
        ids.filter(|id| !has_key(&self.firm, *id)).collect()
    }

    /// Founds the firm, if no line has done so yet.
    pub(crate) fn found(&mut self, each: &mut impl FnMut(&Sequenced, &Decision, Origin)) {
        if std::mem::replace(&mut self.founded, true) {
            return;
        }
        for command in self.firm.genesis(Time(self.first_t.unwrap_or(0))) {
            self.add(command, each);
        }
        let instruments = self.engine.instruments();
        self.venues = instruments
            .map(|view| (view.definition.instrument_id, view.definition.venue_id))
            .collect();
    }

    /// Decides one line, and before and after it what it makes necessary.
    ///
    /// # Errors
    /// The field that can't be filled in or does not fit.
    pub(crate) fn line(
        &mut self,
        line: FlowLine,
        each: &mut impl FnMut(&Sequenced, &Decision, Origin),
    ) -> Result<(), TextError> {
        let t = line.t.unwrap_or(self.t);
        if self.first_t.is_none() {
            (self.first_t, self.t) = (Some(t), t);
        }
        // Without a session, the server's own definitions are those that no role may send.
        let by_server = line
            .session_id
            .map_or(role_of(&line.command).is_none(), |id| id == 0);
        if by_server && is_definition(&line.command) {
            self.skipped.definitions += 1;
            self.keep_seq(line.seq)?;
            if let Command::DefineSession(session) = &line.command {
                self.take_key(session, each);
            }
            return Ok(());
        }
        self.found(each);
        if matches!(line.command, Command::Step(_) | Command::TimePassed(_)) {
            self.skipped.steps += 1;
            return self.keep_seq(line.seq).map(|_| ());
        }
        let session_id = match line.session_id {
            Some(id) => id,
            None => self.session_of(&line.command)?,
        };
        let mut said = line.command;
        if let Command::VenueReport(report) = &line.command {
            let Some(kept) = self.left_out.keep(&self.engine, session_id, report) else {
                self.skipped.reports += 1;
                self.count_seq_no(session_id, line.in_seq_no);
                return self.keep_seq(line.seq).map(|_| ());
            };
            said = kept.into();
        }
        // While a server is down no deadline fires: what its start makes of them is the engine's to say.
        if !matches!(line.command, Command::Started(_)) {
            self.fire_deadlines(t, each);
        }
        self.t = self.t.max(t);
        self.prepare(session_id, &said, each);
        let seq = self.keep_seq(line.seq)?;
        let in_seq_no = self.count_seq_no(session_id, line.in_seq_no);
        let command = if line.in_seq_no.is_none() {
            numbered(&said, in_seq_no)
        } else {
            said
        };
        let decision = self.decide(
            Sequenced {
                seq,
                t,
                session_id,
                in_seq_no,
                busy: line.busy,
                command,
            },
            Origin::Flow,
            each,
        );
        let differs = line.decision == Some(Outcome::Accepted)
            && matches!(decision.outcome, Outcome::Rejected | Outcome::Refused)
            && command.flags() & WHAT_IF == 0;
        if differs && let Command::NewOrder(order) = &command {
            self.left_out.refused_order(seq, session_id, order);
        } else if differs && let Command::ReplaceOrder(replace) = &command {
            self.left_out
                .refused_replace(&self.engine, session_id, replace);
        }
        self.run_steps(each);
        Ok(())
    }

    /// A session's key as the input's server had it, where the file only says which file holds it.
    fn take_key(
        &mut self,
        said: &DefineSession,
        each: &mut impl FnMut(&Sequenced, &Decision, Origin),
    ) {
        let id = said.session_id;
        let in_a_file = |file: &KeyFile| file.session_id == id;
        if !self.firm.key_files.iter().any(in_a_file)
            || self
                .firm
                .set_public_key(id, said.public_key.as_str())
                .is_err()
        {
            return;
        }
        self.firm.set_key_id(id, said.key_id);
        let mut sessions = self.firm.sessions().iter();
        let with_key = sessions.find(|session| session.session_id == id).copied();
        // Before the firm is founded the key enters with it.
        if let Some(session) = with_key.filter(|_| self.founded) {
            self.add(session.into(), each);
        }
    }

    fn decide(
        &mut self,
        input: Sequenced,
        origin: Origin,
        each: &mut impl FnMut(&Sequenced, &Decision, Origin),
    ) -> Decision {
        let decision = self.engine.apply(&input, &mut self.outbox);
        each(&input, &decision, origin);
        decision
    }

    /// Applies a command of the server itself.
    fn add(&mut self, command: Command, each: &mut impl FnMut(&Sequenced, &Decision, Origin)) {
        let input = Sequenced {
            seq: self.seq,
            t: self.t,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command,
        };
        self.decide(input, Origin::Added, each);
    }

    fn run_steps(&mut self, each: &mut impl FnMut(&Sequenced, &Decision, Origin)) {
        let mut run = 0_u32;
        while self.engine.has_pending_steps() {
            self.add(Step::default().into(), each);
            run += 1;
            assert!(
                run < RUN_MAX,
                "a step is still pending after {RUN_MAX} of them"
            );
        }
    }

    fn fire_deadlines(&mut self, t: u64, each: &mut impl FnMut(&Sequenced, &Decision, Origin)) {
        let mut run = 0_u32;
        while let Some(deadline) = self.engine.next_deadline().filter(|d| *d <= t.max(self.t)) {
            self.t = self.t.max(deadline);
            self.add(TimePassed::default().into(), each);
            self.run_steps(each);
            run += 1;
            assert!(
                run < RUN_MAX,
                "a deadline is still due after firing {RUN_MAX} times"
            );
        }
    }

    /// Sessions and day, where the flow leaves them to the server.
    fn prepare(
        &mut self,
        session_id: u32,
        command: &Command,
        each: &mut impl FnMut(&Sequenced, &Decision, Origin),
    ) {
        self.sessions_said |= matches!(command, Command::SessionUp(_));
        // A restart closes the day.
        self.day_said &= !matches!(command, Command::Started(_));
        self.day_said |= matches!(
            command,
            Command::DayOpen(_) | Command::DayRoll(_) | Command::PositionLoad(_)
        );
        if session_id != 0 && !std::mem::replace(&mut self.sessions_said, true) {
            let ids: Vec<u32> = self.engine.sessions().map(|view| view.session_id).collect();
            for session_id in ids {
                let up = SessionUp {
                    session_id,
                    cod_mode: CodMode::Off,
                    ..SessionUp::default()
                };
                self.add(up.into(), each);
                self.run_steps(each);
            }
        }
        let orders = matches!(command, Command::NewOrder(_) | Command::ReplaceOrder(_));
        let auto = self.firm.process.day_open == DayOpening::Auto;
        if orders && auto && !std::mem::replace(&mut self.day_said, true) {
            let commands = match self.engine.firm().map_or(0, |view| view.business_date) {
                0 => self.firm.first_day(yyyymmdd(self.t)),
                date => auto_day(date),
            };
            for command in commands {
                self.add(command, each);
                self.run_steps(each);
            }
        }
    }

    /// The line's own sequence, or the next.
    fn keep_seq(&mut self, given: Option<u64>) -> Result<u64, TextError> {
        let seq = match given {
            Some(seq) if seq <= self.seq => {
                let what = format!("{seq} is not above {}, the line's before it", self.seq);
                return Err(TextError::new("seq", what));
            }
            Some(seq) => seq,
            None => self.seq.saturating_add(1),
        };
        self.seq = seq;
        Ok(seq)
    }

    /// The number of the session's message: its own, or the next.
    fn count_seq_no(&mut self, session_id: u32, given: Option<u64>) -> u64 {
        if session_id == 0 {
            return given.unwrap_or(0);
        }
        let next = self.next_in.entry(session_id).or_insert(1);
        let number = given.unwrap_or(*next);
        *next = (*next).max(number.saturating_add(1));
        number
    }

    /// The only session that can have sent a command.
    fn session_of(&self, command: &Command) -> Result<u32, TextError> {
        let (role, who) = match role_of(command) {
            Some(role) => (Some(role), format!("of role {role} ")),
            // Every session but those of venues may ask.
            None if matches!(command, Command::Query(_)) => (None, String::new()),
            None => return Ok(0),
        };
        let candidates: Vec<u32> = self
            .firm
            .sessions()
            .iter()
            .filter(|session| role.map_or(session.role != Role::Venue, |role| session.role == role))
            .filter(|session| {
                if let Command::NewOrder(order) = command {
                    self.engine
                        .entitled_accounts(session.session_id)
                        .any(|entitled| entitled == order.account)
                } else if let Command::VenueReport(report) = command {
                    self.venues
                        .get(&report.instrument_id)
                        .is_none_or(|venue| *venue == session.venue_id)
                } else {
                    true
                }
            })
            .map(|session| session.session_id)
            .collect();
        match candidates.as_slice() {
            [only] => Ok(*only),
            [] => Err(TextError::new(
                "session",
                format!("is missing, and no session {who}can have sent this"),
            )),
            several => {
                let ids: Vec<String> = several.iter().map(u32::to_string).collect();
                let what = format!(
                    "is missing, and sessions {} {who}can have sent this",
                    ids.join(", ")
                );
                Err(TextError::new("session", what))
            }
        }
    }
}

fn has_key(firm: &Firm, session_id: u32) -> bool {
    let mut sessions = firm.sessions().iter();
    sessions.any(|one| one.session_id == session_id && !one.public_key.as_str().is_empty())
}

/// The command with the sequence number that it is given here.
fn numbered(command: &Command, in_seq_no: u64) -> Command {
    let layout = command.layout();
    let Some(field) = layout.fields.iter().find(|field| field.name == "seqNo") else {
        return *command;
    };
    let mut block = [0; MAX_RECORD];
    let length = command.encode_block(&mut block);
    block[field.offset..field.offset + field.size].copy_from_slice(&in_seq_no.to_le_bytes());
    match Command::decode_block(layout.template_id, &block[..length]) {
        Some(Ok(numbered)) => numbered,
        Some(Err(_)) | None => *command,
    }
}

/// Whether a server says this when it founds a firm or applies its file.
fn is_definition(command: &Command) -> bool {
    matches!(
        command,
        Command::DefineFirm(_)
            | Command::DefineDesk(_)
            | Command::DefineTrader(_)
            | Command::DefineSession(_)
            | Command::DefineCurrency(_)
            | Command::DefineInstrument(_)
            | Command::DefineAccount(_)
            | Command::Entitle(_)
            | Command::Permit(_)
            | Command::SetTwoPerson(_)
            | Command::SetLimit(_)
            | Command::SetReference(_)
            | Command::SetMark(_)
            | Command::SetFx(_)
    )
}

/// The role whose sessions send this; `None` for the server's own records, and for queries, which are nobody's own.
fn role_of(command: &Command) -> Option<Role> {
    match command {
        Command::NewOrder(_)
        | Command::ReplaceOrder(_)
        | Command::CancelOrder(_)
        | Command::MassCancel(_)
        | Command::MmpReset(_) => Some(Role::Desk),
        Command::VenueReport(_) => Some(Role::Venue),
        Command::SetLimit(_)
        | Command::SetState(_)
        | Command::SetReference(_)
        | Command::SetMark(_)
        | Command::SetFx(_)
        | Command::Permit(_)
        | Command::Propose(_)
        | Command::Approve(_)
        | Command::SetTwoPerson(_) => Some(Role::Risk),
        Command::DefineInstrument(_)
        | Command::DefineAccount(_)
        | Command::PositionLoad(_)
        | Command::DayOpen(_)
        | Command::DayRoll(_)
        | Command::Reconcile(_)
        | Command::Adjust(_)
        | Command::LocateLoad(_)
        | Command::CashLoad(_)
        | Command::AdvanceTime(_) => Some(Role::Ops),
        Command::DefineFirm(_)
        | Command::DefineDesk(_)
        | Command::DefineTrader(_)
        | Command::DefineSession(_)
        | Command::DefineCurrency(_)
        | Command::Entitle(_)
        | Command::SessionUp(_)
        | Command::SessionDown(_)
        | Command::LogonRefused(_)
        | Command::Refused(_)
        | Command::TimePassed(_)
        | Command::Step(_)
        | Command::Started(_)
        | Command::RulesChanged(_)
        | Command::SegmentsRemoved(_)
        | Command::Query(_) => None,
    }
}
