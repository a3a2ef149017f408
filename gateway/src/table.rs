//! The logical sessions: who they are, what was sent to them, how far their messages have come. A
//! logical session outlives its connections. Leaves out sockets and the journal.

use std::collections::{HashMap, VecDeque};

use engine::recover::SessionLog;
use engine::view::SessionView;
use wire::{Logon, RejectCode, Role};

use crate::office::Lane;
use crate::outbound::OutboundLog;
use crate::throttle::Throttle;

/// Times that a session may be taken over within a second.
const TAKE_OVERS_PER_SECOND: u32 = 4;
/// How far a number may be ahead of the last one: four thousand million messages that were not sent.
const GAP_MAX: u64 = 1 << 32;

/// Logons of a session in a second, for long.
const LOGONS_PER_SECOND: u32 = 5;
/// Logons of a session at once.
const LOGONS_BURST: u32 = 50;
/// A session may be over its rate by this part for ever; and by a second's worth at once.
const EXCESS_SHARE: u32 = 10;

/// What one session may use.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Messages a second, cancels as many again; 0 for no throttle.
    pub max_msg_per_sec: u32,
    /// Bytes of its outbound log that are kept in memory.
    pub log_bytes: usize,
    /// Messages before those can be read back from the journal.
    pub remembers: bool,
}

/// One logical session.
#[derive(Debug)]
pub struct LogicalSession {
    /// Its id.
    pub session_id: u32,
    /// Its role.
    pub role: Role,
    /// What it was sent.
    pub log: OutboundLog,
    /// Slot of the connection that speaks for it.
    pub bound: Option<usize>,
    /// Budget of its messages.
    pub messages: Throttle,
    /// Budget of its cancels.
    pub cancels: Throttle,
    /// What it may send beyond the two, to be refused.
    pub excess: Throttle,
    /// Its logons.
    pub logons: Throttle,
    take_overs: Throttle,
    /// Messages before those in the log can be read back from the journal.
    remembers: bool,
    /// `(seqNo, received)` of messages that the engine has not taken yet.
    in_flight: VecDeque<(u64, u64)>,
    /// `(seqNo, engineSeq)` of messages whose records may not be durable yet.
    undurable: VecDeque<(u64, u64)>,
    pushed: u64,
    taken: u64,
    applied: u64,
}

/// Where a proven logon joins the session's outbound log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// First message to be sent.
    pub next: u64,
    /// First message that was not there before.
    pub live_from: u64,
}

/// A logon that the logical session refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: RejectCode,
    /// First retained (`SeqTooLow`) or next outbound number.
    pub next_seq_no: u64,
    /// How long to wait, in milliseconds.
    pub retry_after_ms: u32,
}

impl LogicalSession {
    fn new(view: &SessionView, bounds: Bounds) -> Self {
        let rate = bounds.max_msg_per_sec;
        Self {
            session_id: view.session_id,
            role: view.role,
            log: OutboundLog::new(view.next_out_seq_no.max(1), bounds.log_bytes),
            bound: None,
            messages: Throttle::per_second(rate),
            cancels: Throttle::per_second(rate),
            excess: Throttle::with_burst(rate.div_ceil(EXCESS_SHARE), rate),
            logons: Throttle::with_burst(LOGONS_PER_SECOND, LOGONS_BURST),
            remembers: bounds.remembers,
            take_overs: Throttle::per_second(TAKE_OVERS_PER_SECOND),
            in_flight: VecDeque::new(),
            undurable: VecDeque::new(),
            pushed: view.last_applied_seq_no,
            taken: view.last_applied_seq_no,
            applied: view.last_applied_seq_no,
        }
    }

    /// The ring that its messages take.
    #[must_use]
    pub fn lane(&self) -> Lane {
        if self.role == Role::Desk {
            Lane::Orders
        } else {
            Lane::Control
        }
    }

    /// Messages that the engine has not taken yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether a number is so far ahead that its client must be broken: applied, it would leave the session few
    /// numbers, or none.
    #[must_use]
    pub const fn is_too_far(&self, seq_no: u64) -> bool {
        seq_no.saturating_sub(self.pushed) > GAP_MAX
    }

    /// A message has gone to the engine.
    pub fn push(&mut self, seq_no: u64, received: u64) {
        self.in_flight.push_back((seq_no, received));
        self.pushed = self.pushed.max(seq_no);
    }

    /// The engine has given a message its place; returns when it was received.
    pub fn take(&mut self, seq_no: u64, engine_seq: u64, durable: u64) -> u64 {
        self.taken = self.taken.max(seq_no);
        self.undurable.push_back((seq_no, engine_seq));
        self.settle(durable);
        self.received(seq_no)
    }

    /// The engine had applied the message before.
    pub fn dropped(&mut self, seq_no: u64) {
        self.received(seq_no);
    }

    /// Messages leave the ring in the order in which they went in.
    fn received(&mut self, seq_no: u64) -> u64 {
        match self.in_flight.front() {
            Some((number, received)) if *number == seq_no => {
                let received = *received;
                self.in_flight.pop_front();
                received
            }
            Some(_) | None => 0,
        }
    }

    fn settle(&mut self, durable: u64) {
        while let Some((seq_no, engine_seq)) = self.undurable.front()
            && *engine_seq <= durable
        {
            self.applied = self.applied.max(*seq_no);
            self.undurable.pop_front();
        }
    }

    /// Highest inbound number whose record is durable.
    pub fn last_applied(&mut self, durable: u64) -> u64 {
        self.settle(durable);
        self.applied
    }

    /// Whether everything that was ever sent to the engine for this session is durable.
    pub fn is_settled(&mut self, durable: u64) -> bool {
        self.settle(durable);
        self.in_flight.is_empty() && self.taken >= self.pushed && self.undurable.is_empty()
    }

    /// Whether one more take-over is within reason.
    pub fn may_be_taken_over(&mut self, now: u64) -> bool {
        self.take_overs.passes(now)
    }

    /// Where a proven logon joins; `epoch` is the journal's. What the watermark has not passed counts
    /// as new.
    ///
    /// # Errors
    /// [`Refusal`]: its role, its epoch or the number it asks for.
    pub fn join(&self, logon: &Logon, epoch: u64) -> Result<Joined, Refusal> {
        let refuse = |code, next_seq_no| Refusal {
            code,
            next_seq_no,
            retry_after_ms: 0,
        };
        let next = self.log.next();
        let first = if self.remembers { 1 } else { self.log.first() };
        if logon.role != self.role {
            return Err(refuse(RejectCode::RoleDenied, 0));
        }
        if logon.epoch != 0 && logon.epoch != epoch {
            return Err(refuse(RejectCode::WrongEpoch, next));
        }
        let live_from = self.log.unreleased();
        match logon.next_expected_seq_no {
            0 => Ok(Joined {
                next: live_from,
                live_from,
            }),
            n if n > next => Err(refuse(RejectCode::SeqTooHigh, next)),
            n if n < first => Err(refuse(RejectCode::SeqTooLow, first)),
            n => Ok(Joined { next: n, live_from }),
        }
    }
}

/// All logical sessions.
#[derive(Debug, Default)]
pub struct Table {
    sessions: Vec<LogicalSession>,
    index: HashMap<u32, usize>,
}

impl Table {
    /// The sessions as the engine knows them, with what is still known of their outbound logs.
    #[must_use]
    pub fn new(
        views: impl IntoIterator<Item = SessionView>,
        logs: Vec<SessionLog>,
        bounds: Bounds,
    ) -> Self {
        let mut table = Self::default();
        for view in views {
            table.index.insert(view.session_id, table.sessions.len());
            table.sessions.push(LogicalSession::new(&view, bounds));
        }
        for log in logs {
            let Some(session) = table.find(log.session_id).and_then(|i| table.get_mut(i)) else {
                continue;
            };
            session.log = OutboundLog::new(log.first_retained(), bounds.log_bytes);
            for message in &log.messages {
                session.log.append(&message.reply, 0);
            }
            // Recovery hands out only what is durable.
            session.log.release(u64::MAX);
            session.log.make_room();
        }
        table
    }

    /// Index of a session.
    #[must_use]
    pub fn find(&self, session_id: u32) -> Option<usize> {
        self.index.get(&session_id).copied()
    }

    /// A session by index.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut LogicalSession> {
        self.sessions.get_mut(index)
    }

    /// All sessions.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut LogicalSession> {
        self.sessions.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{AdminAck, Topology};

    pub(crate) fn view(session_id: u32) -> SessionView {
        SessionView {
            session_id,
            name: "desk".to_owned(),
            role: Role::Desk,
            topology: Topology::Inline,
            venue_id: 0,
            key_id: 1,
            public_key: String::new(),
            person: String::new(),
            up: false,
            cod_mode: wire::CodMode::Off,
            awaits_grace: false,
            last_applied_seq_no: 4,
            next_out_seq_no: 3,
            cl_ord_id_mark: 0,
        }
    }

    fn bounds(remembers: bool) -> Bounds {
        Bounds {
            max_msg_per_sec: 0,
            log_bytes: 1 << 20,
            remembers,
        }
    }

    fn session() -> LogicalSession {
        let mut session = LogicalSession::new(&view(1), bounds(false));
        for n in 3..=6 {
            let ack = AdminAck {
                seq_no: n,
                engine_seq: n * 10,
                ..AdminAck::default()
            };
            session.log.append(&ack.into(), 0);
        }
        session
    }

    fn logon(next_expected_seq_no: u64, epoch: u64) -> Logon {
        Logon {
            next_expected_seq_no,
            epoch,
            role: Role::Desk,
            ..Logon::default()
        }
    }

    #[test]
    fn a_number_far_ahead_of_all_that_were_sent_is_too_far() {
        let session = session();
        for (seq_no, too_far) in [
            (1, false),
            (5, false),
            (4 + (1 << 32), false),
            (5 + (1 << 32), true),
            (u64::MAX / 2, true),
            (u64::MAX, true),
        ] {
            assert_eq!(session.is_too_far(seq_no), too_far, "{seq_no}");
        }
    }

    #[test]
    fn last_applied_counts_durable_records_only() {
        let mut session = session();
        session.push(5, 100);
        session.push(6, 200);
        assert_eq!(session.take(5, 71, 70), 100);
        assert_eq!(session.take(6, 72, 70), 200);
        assert_eq!(session.last_applied(70), 4);
        assert_eq!(session.last_applied(71), 5);
        assert!(!session.is_settled(71));
        assert!(session.is_settled(72));
        assert_eq!(session.last_applied(72), 6);
    }

    #[test]
    fn a_dropped_message_settles_without_a_record() {
        let mut session = session();
        session.push(3, 100);
        assert!(!session.is_settled(9));
        session.dropped(3);
        assert!(session.is_settled(9));
        assert_eq!(session.last_applied(9), 4);
    }

    #[test]
    fn a_logon_joins_at_the_number_it_asks_for_or_is_refused_with_what_there_is() {
        let mut session = session();
        session.log.release(40);
        let code = |n, epoch| {
            session
                .join(&logon(n, epoch), 2)
                .map_err(|r| (r.code, r.next_seq_no))
        };
        assert_eq!(code(2, 2), Err((RejectCode::SeqTooLow, 3)));
        assert_eq!(code(8, 2), Err((RejectCode::SeqTooHigh, 7)));
        assert_eq!(code(3, 1), Err((RejectCode::WrongEpoch, 7)));
        let joined = |next| Ok(Joined { next, live_from: 5 });
        assert_eq!(code(3, 2), joined(3));
        assert_eq!(code(7, 2), joined(7));
        // Live only: from the first message that the watermark still holds back.
        assert_eq!(code(0, 0), joined(5));
    }

    #[test]
    fn what_the_journal_remembers_is_never_too_low() {
        let mut session = LogicalSession::new(&view(1), bounds(true));
        session.log = OutboundLog::new(7, 1 << 20);
        for n in [1, 6, 7] {
            assert_eq!(session.join(&logon(n, 2), 2).map(|j| j.next), Ok(n));
        }
    }

    #[test]
    fn a_logon_with_another_role_is_denied() {
        let other = Logon {
            role: Role::Risk,
            ..logon(0, 0)
        };
        let refused = session().join(&other, 2).unwrap_err();
        assert_eq!(refused.code, RejectCode::RoleDenied);
    }
}
