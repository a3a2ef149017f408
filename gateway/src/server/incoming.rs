//! Moving messages in: from the sockets into the rings, each connection its share of a turn.

use engine::command::Command;
use engine::pipeline::Inbound;
use wire::{RejectCode, Role};

use super::logon::refusal;
use super::{Gateway, take_list};
use crate::connection::Filled;
use crate::office::{Lane, Office};
use crate::session::{self, Ending, Phase, Step};
use crate::table::LogicalSession;
use crate::verify_key::Job;

/// Frames taken in one turn: what is left then waits until these are decided and answered.
const FRAMES_A_TURN: usize = 64;
/// How many of them are kept for those who wait.
const KEPT_FOR_WAITING: usize = 32;
/// Connections served in one turn of those who wait: each may cost the others the system calls that read from
/// it and answer it, some 15 µs.
const WAITING_A_TURN: usize = 4;
/// Frames taken from a connection that goes first, before the others have theirs.
const FRAMES_AT_FIRST: usize = 4;
/// Frames taken from one that waits, before the others have theirs.
const FRAMES_A_ROUND: usize = 16;
/// Who has sent something within this time goes first, nanoseconds.
const LATELY: u64 = 20_000_000;

/// What became of one attempt to take a frame.
enum Taken {
    /// One frame; there may be more.
    Frame,
    /// Nothing is there now.
    Nothing,
    /// The ring is full.
    Stalled,
    /// The space that is left is kept for others.
    OutOfSpace,
    /// The connection is over, or has ended.
    Over,
}

/// What the session's budgets say about a message.
enum Charge {
    Passes,
    Refused,
    /// The session has been over its rate for too long.
    TooLong,
}

impl<O: Office> Gateway<O> {
    /// Tries again what found a full ring; whether anything moved.
    pub(super) fn push_waiting(&mut self) -> bool {
        let control = self.push_own(Lane::Control);
        let orders = self.push_own(Lane::Orders);
        if self.stalled.is_empty() || !(control || orders) {
            return false;
        }
        let mut stalled = take_list(&mut self.stalled, &mut self.spare);
        for slot in stalled.drain(..) {
            if let Some(connection) = self.connection(slot) {
                connection.stalled = false;
            }
            self.queue(slot);
        }
        self.spare = stalled;
        true
    }

    /// Lets those go on who have waited for space, when there is some again.
    pub(super) fn retry_out_of_space(&mut self) {
        if self.out_of_space.is_empty() || self.office.disk_reserved() {
            return;
        }
        let mut waiting = take_list(&mut self.out_of_space, &mut self.spare);
        let mut connections = 0;
        for slot in waiting.drain(..) {
            if let Some(connection) = self.connection(slot)
                && std::mem::take(&mut connection.out_of_space)
            {
                connections += 1;
            }
            self.queue(slot);
        }
        self.spare = waiting;
        tracing::info!(
            connections,
            "there is space for the journal again: all messages are taken"
        );
    }

    /// Puts a connection on a list of those with something to read. Who has sent whole frames of late goes first;
    /// who comes after a pause, is in the middle of a frame or has not logged on waits.
    pub(super) fn queue(&mut self, slot: usize) {
        let now = self.now;
        if let Some(connection) = self.connection(slot)
            && !std::mem::replace(&mut connection.queued, true)
        {
            let trades = connection.logical.is_some()
                && connection.input.is_empty()
                && now.saturating_sub(connection.framed_at) < LATELY;
            if trades {
                self.ready.push(slot);
            } else {
                self.waiting.push_back(slot);
            }
        }
    }

    /// Whether somebody has something to read.
    pub(super) fn has_ready(&self) -> bool {
        !(self.ready.is_empty() && self.waiting.is_empty())
    }

    /// Takes everybody off the lists.
    pub(super) fn forget_ready(&mut self) {
        while let Some(slot) = self.ready.pop().or_else(|| self.waiting.pop_front()) {
            self.unqueue(slot);
        }
    }

    fn unqueue(&mut self, slot: usize) {
        if let Some(connection) = self.connection(slot) {
            connection.queued = false;
        }
    }

    /// Takes a turn's frames: first from those who are trading, a few each; then, a round each, from those who
    /// have had more or come after a pause, for whom half of each turn is kept.
    ///
    /// So who trades waits for one short turn, whatever others have piled up and however many of them wake up
    /// together: a burst is paid for by those who make it.
    pub(super) fn read_ready(&mut self) {
        let mut ready = take_list(&mut self.ready, &mut self.spare);
        let mut left = FRAMES_A_TURN;
        for slot in ready.drain(..) {
            let kept = match self.waiting.is_empty() {
                true => 0,
                false => KEPT_FOR_WAITING,
            };
            let most = left.saturating_sub(kept).min(FRAMES_AT_FIRST);
            left -= self.serve(slot, most);
        }
        self.spare = ready;
        for _ in 0..WAITING_A_TURN {
            if let Some(slot) = self.waiting.pop_front() {
                left -= self.serve(slot, left.min(FRAMES_A_ROUND));
            }
        }
    }

    /// Takes up to `most` frames of one connection, which waits if there may be more; returns how many.
    fn serve(&mut self, slot: usize, most: usize) -> usize {
        let taken = self.read(slot, most);
        if taken == most {
            self.waiting.push_back(slot);
        } else {
            self.unqueue(slot);
        }
        taken
    }

    /// Takes up to `most` frames of one connection; returns how many. Fewer: there are no more for now.
    fn read(&mut self, slot: usize, most: usize) -> usize {
        let mut taken = 0;
        while taken < most {
            match self.take_frame(slot) {
                Taken::Frame => taken += 1,
                Taken::Nothing | Taken::Over => break,
                Taken::OutOfSpace => {
                    if self.out_of_space.is_empty() {
                        tracing::error!(
                            "space for the journal runs out: only reports, cancels and states are taken"
                        );
                    }
                    if let Some(connection) = self.connection(slot)
                        && !std::mem::replace(&mut connection.out_of_space, true)
                    {
                        self.out_of_space.push(slot);
                    }
                    break;
                }
                Taken::Stalled => {
                    if let Some(connection) = self.connection(slot)
                        && !std::mem::replace(&mut connection.stalled, true)
                    {
                        self.stalled.push(slot);
                    }
                    break;
                }
            }
        }
        taken
    }

    fn take_frame(&mut self, slot: usize) -> Taken {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return Taken::Over;
        };
        if connection.transport.is_handshaking() && connection.session.phase() != Phase::Closing {
            return self.shake_hands(slot);
        }
        if connection.session.phase() == Phase::Closing {
            return match connection.readable.then(|| connection.discard()) {
                Some(Filled::Some) => Taken::Frame,
                Some(Filled::Empty) | None => Taken::Nothing,
                Some(Filled::Over) => {
                    self.remove(slot);
                    Taken::Over
                }
            };
        }
        if let Some(held) = connection.held.take() {
            return self.push(slot, held);
        }
        if !connection.session.takes_frames() {
            return Taken::Nothing;
        }
        let mut session = connection.logical.and_then(|i| self.table.get_mut(i));
        if let Some(session) = &session
            && session.in_flight() >= self.limits.in_flight
        {
            // Its next messages are taken when the engine has taken half of these.
            connection.waits_for_engine = true;
            return Taken::Nothing;
        }
        let frame = match connection.input.frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                return match connection.readable.then(|| connection.fill()) {
                    Some(Filled::Some) => Taken::Frame,
                    Some(Filled::Empty) | None => Taken::Nothing,
                    Some(Filled::Over) => {
                        self.end(slot, Ending::Broken);
                        Taken::Over
                    }
                };
            }
            Err(error) => {
                self.end(slot, Ending::Framing(error));
                return Taken::Over;
            }
        };
        let len = frame.len;
        connection.framed_at = now;
        let mut step = connection.session.on_frame(&frame, now);
        let mut too_long = false;
        if let Step::Command { command, .. } = &mut step
            && let Some(session) = &mut session
        {
            match charge(session, command, now) {
                Charge::Passes => {}
                Charge::Refused => {
                    *command = session::refusal(&frame, RejectCode::Throttled, None);
                }
                Charge::TooLong => {
                    *command = session::refusal(&frame, RejectCode::Throttled, None);
                    too_long = true;
                }
            }
        }
        connection.input.consume(len);
        let taken = self.act(slot, step);
        if too_long {
            self.end(slot, Ending::Throttled);
            return Taken::Over;
        }
        taken
    }

    /// Takes in a part of a TLS handshake and has it computed elsewhere.
    fn shake_hands(&mut self, slot: usize) -> Taken {
        let Some(connection) = self.connection(slot) else {
            return Taken::Over;
        };
        let token = connection.token;
        match connection.readable.then(|| connection.fill_handshake()) {
            Some(Ok(Some(handshake))) => {
                if self.verifier.submit(Job::Handshake(token, handshake)) {
                    Taken::Nothing
                } else {
                    self.end(slot, Ending::Broken);
                    Taken::Over
                }
            }
            Some(Ok(None)) => Taken::Frame,
            Some(Err(Filled::Over)) => {
                self.end(slot, Ending::Broken);
                Taken::Over
            }
            Some(Err(Filled::Some | Filled::Empty)) | None => Taken::Nothing,
        }
    }

    /// Does what the protocol says about a frame.
    fn act(&mut self, slot: usize, step: Step) -> Taken {
        match step {
            Step::Heard => Taken::Frame,
            Step::Answer => {
                self.heartbeat(slot, 0);
                Taken::Frame
            }
            Step::Verify(logon) => {
                self.verify(slot, &logon);
                Taken::Nothing
            }
            Step::Refuse(session_id, code) => {
                self.refuse(slot, session_id, refusal(code));
                Taken::Over
            }
            Step::End(ending) => {
                self.end(slot, ending);
                Taken::Over
            }
            Step::Command { seq_no, command } => {
                let index = self.connection(slot).and_then(|c| c.logical);
                let Some(session) = index.and_then(|i| self.table.get_mut(i)) else {
                    return Taken::Over;
                };
                if session.is_too_far(seq_no) {
                    self.end(slot, Ending::Unnumbered(command.layout().template_id));
                    return Taken::Over;
                }
                if let Command::AdvanceTime(m) = &command
                    && session.role == Role::Ops
                {
                    self.clock.command(m.time.0);
                    self.stamp = self.clock.now();
                }
                let inbound = Inbound {
                    received_at: self.stamp,
                    session_id: session.session_id,
                    in_seq_no: seq_no,
                    command,
                };
                self.push(slot, inbound)
            }
        }
    }

    /// Hands a command to the engine, or keeps it with its connection.
    fn push(&mut self, slot: usize, inbound: Inbound) -> Taken {
        let (now, seq_no) = (self.now, inbound.in_seq_no);
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return Taken::Over;
        };
        let Some(session) = connection.logical.and_then(|i| self.table.get_mut(i)) else {
            return Taken::Over;
        };
        if may_wait(session.role, &inbound.command) && self.office.disk_reserved() {
            connection.held = Some(inbound);
            return Taken::OutOfSpace;
        }
        // Behind the gateway's own commands, so that no message overtakes its SessionUp.
        let lane = session.lane();
        let own = match lane {
            Lane::Control => &self.own_control,
            Lane::Orders => &self.own_orders,
        };
        let pushed = match own.is_empty() {
            true => self.office.push(lane, inbound),
            false => Err(inbound),
        };
        match pushed {
            Ok(()) => {
                session.push(seq_no, now);
                Taken::Frame
            }
            Err(back) => {
                connection.held = Some(back);
                Taken::Stalled
            }
        }
    }

    /// The engine has taken something of a session: it may send on when half its share is free.
    pub(super) fn go_on(&mut self, index: usize) {
        let Some(session) = self.table.get_mut(index) else {
            return;
        };
        if session.in_flight() > self.limits.in_flight / 2 {
            return;
        }
        if let Some(slot) = session.bound
            && let Some(connection) = self.connection(slot)
            && std::mem::take(&mut connection.waits_for_engine)
        {
            self.queue(slot);
        }
    }
}

/// Whether a message may wait for space. People who watch over risk are answered to the last.
fn may_wait(role: Role, command: &Command) -> bool {
    let watches = matches!(role, Role::Risk | Role::Ops);
    command.may_wait() && !(watches && matches!(command, Command::Query(_)))
}

/// Charges a message to its budget; cancels have their own. A refused one is charged to the excess that
/// a session may afford: it outlives the connection, so that logging on again does not renew it.
fn charge(session: &mut LogicalSession, command: &Command, now: u64) -> Charge {
    let budget = match matches!(command, Command::CancelOrder(_) | Command::MassCancel(_)) {
        true => &mut session.cancels,
        false => &mut session.messages,
    };
    if budget.passes(now) {
        Charge::Passes
    } else if session.excess.passes(now) {
        Charge::Refused
    } else {
        Charge::TooLong
    }
}
