//! The risk engine: [`RiskEngine::apply`] is the only way in.
//!
//! One command enters, one [`Decision`] comes out, and messages to sessions go to the [`Outbox`]. The
//! engine reads no clock, does no I/O and takes no lock: time comes with the commands.

mod accounts;
mod adjust;
mod ahead;
mod answers;
mod approvals;
mod booked;
mod busts;
mod day;
mod define;
mod digest;
mod dispatch;
mod entry;
mod events;
mod explain;
mod fills;
mod holdings;
mod limits;
mod orders;
mod reports;
#[cfg(test)]
mod short_way;
mod valuation;
mod views;
mod wide;

pub use explain::RoomQuestion;

use crate::command::{Command, Sequenced};
use crate::decision::{Decision, Outbox, Outcome};
use crate::state::State;
use bincode::{Decode, Encode};
use dispatch::Done;
use std::collections::VecDeque;
use wide::Jobs;
use wire::{NotApplied, RejectCode, Reply, Role};

/// Messages that wait for room in a later command's outbox: alerts and reports of finished wide work.
const BACKLOG: usize = 4_096;
/// Room that a command keeps for what it must still say when the backlog is drained.
const ROOM_KEPT: usize = 8;

/// The middle office: all state, one entrance.
#[derive(Debug, Clone, Encode, Decode)]
pub struct RiskEngine {
    state: State,
    jobs: Jobs,
    backlog: VecDeque<(u32, Reply)>,
    /// Sequence of the last command.
    seq: u64,
    /// Time of the last command; never runs backwards.
    t: u64,
    defined: bool,
    /// A correction is under way: alerts and latches wait for its fill.
    in_one_event: bool,
    /// When the next deadline is due; `u64::MAX` for never. Only what is rare moves it.
    due_at: u64,
}

/// One command being applied: where it stands and who sent it.
#[derive(Debug, Clone, Copy)]
struct Turn {
    seq: u64,
    t: u64,
    /// Slot of the sending session; `None` for the server itself.
    session: Option<u32>,
    in_seq_no: u64,
    busy: bool,
    /// The order is only asked about (R35).
    what_if: bool,
}

impl Turn {
    /// Flags of the answer.
    const fn flags(&self) -> u32 {
        if self.what_if { wire::WHAT_IF } else { 0 }
    }
}

impl Default for RiskEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl RiskEngine {
    /// An engine that knows nothing; the genesis commands of the journal build the firm.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::empty(),
            jobs: Jobs::new(),
            backlog: VecDeque::with_capacity(BACKLOG),
            seq: 0,
            t: 0,
            defined: false,
            in_one_event: false,
            due_at: u64::MAX,
        }
    }

    /// Takes all the memory that a firm of this size may need and writes to each page of it once, so that nothing
    /// is allocated and no page is missing while orders flow: an engine has its tables as empty addresses at
    /// first, and after a snapshot was read its entries only.
    pub fn make_room(&mut self) {
        self.state.make_room();
        self.backlog
            .reserve(BACKLOG.saturating_sub(self.backlog.len()));
    }

    /// Applies one command and says what was decided; `out` then holds the messages it causes.
    #[inline]
    pub fn apply(&mut self, input: &Sequenced, out: &mut Outbox) -> Decision {
        let mut decision = Decision::default();
        self.apply_into(input, out, &mut decision);
        decision
    }

    /// The decision is written where it stays: `decision` comes with nothing said.
    #[inline(never)]
    fn apply_into(&mut self, input: &Sequenced, out: &mut Outbox, decision: &mut Decision) {
        out.clear();
        let session = match input.session_id {
            0 => None,
            id => self.state.sessions.find(id),
        };
        if let Some(slot) = session
            && input.in_seq_no > 0
            && input.in_seq_no <= self.state.sessions.get(slot).last_applied
        {
            // It leaves no record, so it may leave no trace: not even its time.
            *decision = Decision::of(Outcome::Dropped);
            return;
        }
        self.seq = input.seq;
        self.t = self.t.max(input.t);
        if session.is_none() && input.session_id != 0 {
            *decision = Decision::refused(RejectCode::UnknownSession);
            return;
        }
        let turn = Turn {
            seq: self.seq,
            t: self.t,
            session,
            in_seq_no: input.in_seq_no,
            busy: input.busy,
            what_if: false,
        };
        debug_assert_eq!(
            self.due_at,
            self.next_deadline().unwrap_or(u64::MAX),
            "only what is rare moves deadlines"
        );
        if self.t >= self.due_at {
            self.fire_deadlines(&input.command);
        }
        let (role, out_seq_no) = session.map_or((Role::NULL, 0), |slot| {
            let session = self.state.sessions.get(slot);
            (session.role(), session.next_out)
        });
        self.take_seq_no(&turn, out);
        // What flows all day goes straight to its place; everything else is asked about first.
        let plain = |flags: u32| flags & wire::WHAT_IF == 0;
        let command = &input.command;
        if let Command::NewOrder(m) = command
            && role == Role::Desk
            && plain(m.flags)
        {
            self.new_order(&turn, m, out, decision);
        } else if let Command::VenueReport(m) = command
            && role == Role::Venue
            && plain(m.flags)
        {
            self.venue_report(&turn, m, out, decision);
        } else if let Command::CancelOrder(m) = command
            && role == Role::Desk
            && plain(m.flags)
        {
            self.cancel_order(&turn, m, out, decision);
        } else if let Command::ReplaceOrder(m) = command
            && role == Role::Desk
            && plain(m.flags)
        {
            self.replace_order(&turn, m, out, decision);
        } else {
            self.dispatch(turn, command, out, decision);
        }
        self.halt_when_full();
        if !self.backlog.is_empty() {
            self.drain_backlog(out);
        }
        decision.out_seq_no = out_seq_no;
    }

    /// At 100 % of a table the firm is halted: the table has grown, the one allowed allocation.
    #[inline]
    fn halt_when_full(&mut self) {
        let full = self.state.orders.is_full()
            || self.state.exposure.is_full()
            || self.state.executions.is_full();
        if full != self.state.full {
            self.note_full(full);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_full(&mut self, full: bool) {
        self.state.full = full;
        if !full || !self.defined {
            return;
        }
        let firm = self.state.tree.get_mut(crate::tree::FIRM);
        if firm.state != wire::TradingState::Halted {
            firm.state = wire::TradingState::Halted;
            firm.state_version = firm.state_version.saturating_add(1);
        }
        self.alert(wire::RiskEvent {
            event: wire::RiskEventKind::Capacity,
            severity: wire::Severity::Critical,
            ..wire::RiskEvent::default()
        });
    }

    /// R26: what is due by now happens before the command. But a grace that ended while the server was down
    /// begins anew.
    #[cold]
    #[inline(never)]
    fn fire_deadlines(&mut self, command: &Command) {
        self.end_temporary_limits();
        if !matches!(command, Command::Started(_)) {
            self.end_graces();
        }
        self.end_proposals();
        self.note_deadlines();
    }

    /// Something rare may have moved the next deadline.
    fn note_deadlines(&mut self) {
        self.due_at = self.next_deadline().unwrap_or(u64::MAX);
    }

    /// R32: a gap in the session's numbers is told, and the message processed.
    #[inline]
    fn take_seq_no(&mut self, turn: &Turn, out: &mut Outbox) {
        let Some(slot) = turn.session.filter(|_| turn.in_seq_no > 0) else {
            return;
        };
        let session = self.state.sessions.get_mut(slot);
        let expected = session.last_applied.saturating_add(1);
        session.last_applied = turn.in_seq_no;
        if turn.in_seq_no > expected {
            self.tell_gap(slot, expected, turn.in_seq_no, out);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_gap(&mut self, session: u32, expected: u64, in_seq_no: u64, out: &mut Outbox) {
        let gap = NotApplied {
            from_seq_no: expected,
            count: in_seq_no.saturating_sub(expected),
            ..NotApplied::default()
        };
        self.send(session, gap.into(), out);
    }

    /// Sends to the session that the command came from, if it came from one.
    #[inline(always)]
    fn reply(&mut self, turn: &Turn, reply: Reply, out: &mut Outbox) {
        if let Some(slot) = turn.session {
            self.send(slot, reply, out);
        }
    }

    /// Sends to a session, numbered in its outbound log.
    #[inline(always)]
    fn send(&mut self, session: u32, reply: Reply, out: &mut Outbox) {
        let session = self.state.sessions.get_mut(session);
        let number = session.next_out;
        session.next_out = number.saturating_add(1);
        out.push(session.id(), number, self.seq, self.t, reply);
    }

    /// Sends what waited for room, oldest first.
    #[cold]
    #[inline(never)]
    fn drain_backlog(&mut self, out: &mut Outbox) {
        while out.room() > ROOM_KEPT
            && let Some((session, reply)) = self.backlog.pop_front()
        {
            self.send(session, reply, out);
        }
    }

    /// Whether the session's message was applied before: it must be dropped without a record.
    #[must_use]
    pub fn already_applied(&self, session_id: u32, in_seq_no: u64) -> bool {
        in_seq_no > 0
            && self
                .state
                .sessions
                .find(session_id)
                .is_some_and(|slot| in_seq_no <= self.state.sessions.get(slot).last_applied)
    }

    /// Whether a `Step` command is due (cancels of a kill switch, notices of a day roll, alerts, rows to be
    /// valued anew).
    #[must_use]
    pub fn has_pending_steps(&self) -> bool {
        self.has_urgent_steps() || self.state.exposure.remarks.is_pending()
    }

    /// Whether somebody waits for what the next `Step` does: rows that are only to be valued anew are
    /// valued before they matter, whenever the steps come.
    #[must_use]
    pub fn has_urgent_steps(&self) -> bool {
        self.jobs.is_any_scanning() || !self.backlog.is_empty()
    }

    /// When the next deadline is due: a `TimePassed` must enter then if nothing else does.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        let limits = self.state.limits.next_deadline();
        let sessions = self.state.sessions.next_deadline();
        let proposals = self.state.proposals.next_deadline();
        limits.into_iter().chain(sessions).chain(proposals).min()
    }

    /// Recomputes every sum from its parts.
    ///
    /// # Panics
    /// If one differs: the engine must stop closed.
    pub fn check_invariants(&self) {
        self.state.exposure.check();
    }
}
