//! Moving messages: from sockets into the rings, from the logs to the sockets, and ending connections.

use engine::command::Command;
use engine::decision::Outgoing;
use engine::pipeline::Inbound;
use wire::codec::Frame;
use wire::{Heartbeat, RejectCode, ReplayComplete, Role, Terminate, Time};

use super::Gateway;
use super::logon::refusal;
use crate::connection::{Connection, Filled};
use crate::office::Office;
use crate::session::{self, Due, Ending, Phase, Step};
use crate::table::LogicalSession;

/// Frames taken from one connection in one turn, so that the others have theirs.
const FRAMES_A_TURN: usize = 512;
/// Output gathered for one write.
const WRITE_BYTES: usize = 256 * 1024;
/// From the last words to the end of a connection, nanoseconds.
const LINGER: u64 = 1_000_000_000;
/// A session that is refused this many seconds' worth of messages in a row is ended.
const SECONDS_OF_EXCESS: u32 = 1;

/// What became of one attempt to take a frame.
enum Taken {
    /// One frame; there may be more.
    Frame,
    /// Nothing is there now.
    Nothing,
    /// The ring is full.
    Stalled,
    /// The connection is over, or has ended.
    Over,
}

impl<O: Office> Gateway<O> {
    /// Puts a connection on the list of those with something to write.
    pub(super) fn touch(&mut self, slot: usize) {
        if let Some(connection) = self.connection(slot)
            && !connection.touched
        {
            connection.touched = true;
            self.touched.push(slot);
        }
    }

    /// Tries again what found a full ring; whether anything moved.
    pub(super) fn push_waiting(&mut self) -> bool {
        if !self.push_control() || self.stalled.is_empty() {
            return false;
        }
        self.ready.append(&mut self.stalled);
        true
    }

    /// Reads every connection that has something.
    pub(super) fn read_ready(&mut self) {
        let ready = std::mem::take(&mut self.ready);
        for slot in ready {
            self.read(slot);
        }
    }

    fn read(&mut self, slot: usize) {
        for _ in 0..FRAMES_A_TURN {
            match self.take_frame(slot) {
                Taken::Frame => {}
                Taken::Nothing | Taken::Over => return,
                Taken::Stalled => {
                    if !self.stalled.contains(&slot) {
                        self.stalled.push(slot);
                    }
                    return;
                }
            }
        }
        self.ready.push(slot);
    }

    fn take_frame(&mut self, slot: usize) -> Taken {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return Taken::Over;
        };
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
        let mut step = connection.session.on_frame(&frame, now);
        let mut excess = false;
        if let Step::Command { command, .. } = &mut step
            && let Some(session) = connection.logical.and_then(|i| self.table.get_mut(i))
        {
            let passes = throttled(session, &frame, command, now);
            connection.refused_in_a_row = match passes {
                true => 0,
                false => connection.refused_in_a_row.saturating_add(1),
            };
            let most = self
                .limits
                .max_msg_per_sec
                .saturating_mul(SECONDS_OF_EXCESS);
            excess = !passes && connection.refused_in_a_row > most;
        }
        connection.input.consume(len);
        let taken = self.act(slot, step);
        if excess {
            self.end(slot, Ending::Throttled);
            return Taken::Over;
        }
        taken
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
        // Behind the gateway's own commands, so that no message overtakes its SessionUp.
        let lane = session.lane();
        let pushed = match self.control.is_empty() {
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

    /// Sends the answer to a query; one for a session that is not here is asked for again by it.
    pub(super) fn answer(&mut self, answer: &Outgoing) {
        let index = self.table.find(answer.session_id);
        let bound = index
            .and_then(|i| self.table.get_mut(i))
            .and_then(|s| s.bound);
        let Some(slot) = bound else {
            return;
        };
        let most = self.limits.backlog_answer_bytes;
        let Some(connection) = self.connection(slot) else {
            return;
        };
        if connection.session.phase() != Phase::Live {
            return;
        }
        connection.send_reply(&answer.reply);
        if connection.unwritten() > most.saturating_add(WRITE_BYTES) {
            self.end(slot, Ending::SlowConsumer { waiting: 0 });
        } else {
            self.touch(slot);
        }
    }

    /// Writes to every connection on the list, once; whether any has more to write at once.
    pub(super) fn write_touched(&mut self) -> bool {
        if self.touched.is_empty() {
            return false;
        }
        let sending = self.monotonic();
        let touched = std::mem::take(&mut self.touched);
        let mut worked = false;
        for slot in touched {
            if let Some(connection) = self.connection(slot) {
                connection.touched = false;
            }
            worked |= self.write(slot, sending);
        }
        worked
    }

    fn write(&mut self, slot: usize, sending: u64) -> bool {
        let seen = self.seen;
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return false;
        };
        let live = connection.session.phase() == Phase::Live;
        let session = connection.logical.and_then(|i| self.table.get_mut(i));
        let mut waits_for_watermark = false;
        let mut waiting = 0;
        if live && let Some(session) = session {
            session.log.release(seen);
            if !gather(connection, session, sending) {
                self.end(slot, Ending::SlowConsumer { waiting: u64::MAX });
                return false;
            }
            let next = connection.cursor.map_or(0, |c| c.next);
            waits_for_watermark = session.log.next() > next;
            if !connection.replaying {
                waiting = session.log.unreleased().saturating_sub(next);
            }
        }
        let before = connection.unwritten();
        if connection.writable && !connection.write(sending) {
            self.end(slot, Ending::Broken);
            return false;
        }
        let moved = connection.unwritten() < before;
        let writable = connection.writable;
        let more = waits_for_watermark || connection.unwritten() > 0;
        if !writable && waiting > self.limits.backlog_messages {
            self.end(slot, Ending::SlowConsumer { waiting });
        } else if writable && more {
            self.touch(slot);
        }
        moved
    }

    /// Sends a heartbeat with both watermarks.
    pub(super) fn heartbeat(&mut self, slot: usize, flags: u32) {
        let (now, durable) = (self.now, self.office.durable());
        let send_time = Time(self.clock.now());
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let Some(session) = connection.logical.and_then(|i| self.table.get_mut(i)) else {
            return;
        };
        connection.send(&Heartbeat {
            flags,
            next_seq_no: connection.cursor.map_or(0, |c| c.next),
            last_applied_seq_no: session.last_applied(durable),
            send_time,
            echo_time: connection.session.peer_time(),
        });
        connection.session.beat(now);
        self.touch(slot);
    }

    /// What is due for one connection by time alone.
    pub(super) fn tick_connection(&mut self, slot: usize) {
        let (now, stall) = (self.now, super::nanos(self.limits.stall));
        let Some(connection) = self.connection(slot) else {
            return;
        };
        if connection.closes_at.is_some_and(|at| now >= at) {
            return self.remove(slot);
        }
        let stalled = now.saturating_sub(connection.progress_at) >= stall;
        if connection.unwritten() > 0 && stalled && connection.closes_at.is_none() {
            return self.end(slot, Ending::SlowConsumer { waiting: 0 });
        }
        if connection.unwritten() == 0 {
            connection.progress_at = now;
        }
        if connection.held.is_some() {
            connection.session.not_read(now);
        }
        match connection.session.due(now) {
            Due::Nothing => {}
            Due::Heartbeat(flags) => self.heartbeat(slot, flags),
            Due::End(ending) => self.end(slot, ending),
        }
    }

    /// Ends a connection with its last words, where anybody may still hear them.
    pub(super) fn end(&mut self, slot: usize, ending: Ending) {
        let (now, durable) = (self.now, self.office.durable());
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        if connection.session.phase() == Phase::Closing {
            if ending == Ending::Broken {
                self.remove(slot);
            }
            return;
        }
        let authenticated = connection.logical;
        let peer = connection.peer;
        tracing::debug!(%peer, %ending, "connection ends");
        if let Ending::SlowConsumer { .. } = ending {
            tracing::warn!(%peer, %ending, "connection ended; its output stays in the log");
        }
        let mut words = Terminate {
            code: ending.code(),
            ..Terminate::default()
        };
        if let Some(session) = authenticated.and_then(|i| self.table.get_mut(i)) {
            words.last_applied_seq_no = session.last_applied(durable);
            words.next_seq_no = connection.cursor.map_or(0, |c| c.next);
        }
        let refused = matches!(ending, Ending::Refused(_));
        if ending != Ending::Broken && !refused {
            connection.send(&words);
        }
        connection.session.close();
        connection.held = None;
        connection.cursor = None;
        connection.logical = None;
        connection.closes_at = Some(now.saturating_add(LINGER));
        match authenticated {
            Some(index) => self.unbind(slot, index, ending),
            None => self.discount(peer),
        }
        let broken = match self.connection(slot) {
            Some(connection) => ending == Ending::Broken || !connection.write(now),
            None => true,
        };
        if broken {
            self.remove(slot);
        } else {
            self.ready.push(slot);
            self.touch(slot);
        }
    }

    /// Forgets a connection that has ended.
    fn remove(&mut self, slot: usize) {
        let gone = self.connections.get_mut(slot).and_then(Option::take);
        if let Some(mut connection) = gone {
            if let Err(error) = connection.transport.deregister(self.poll.registry()) {
                tracing::debug!(%error, "a socket could not be deregistered");
            }
            self.free.push(slot);
        }
    }
}

/// Charges a message to its budget; one that is over it is replaced by its refusal. Whether it passes.
fn throttled(
    session: &mut LogicalSession,
    frame: &Frame<'_>,
    command: &mut Command,
    now: u64,
) -> bool {
    let budget = match matches!(command, Command::CancelOrder(_) | Command::MassCancel(_)) {
        true => &mut session.cancels,
        false => &mut session.messages,
    };
    let passes = budget.passes(now);
    if !passes {
        *command = session::refusal(frame, RejectCode::Throttled, None);
    }
    passes
}

/// Takes what may leave from the log behind a connection's output; false if the log has lost it.
fn gather(connection: &mut Connection, session: &LogicalSession, now: u64) -> bool {
    let Some(mut cursor) = connection.cursor else {
        return true;
    };
    if connection.replaying {
        let until = cursor.live_from;
        if !session
            .log
            .copy(&mut cursor, until, connection.out(), WRITE_BYTES, now)
        {
            return false;
        }
        if cursor.next >= until {
            connection.replaying = false;
            connection.send(&ReplayComplete {
                next_seq_no: cursor.next,
                ..ReplayComplete::default()
            });
        }
    }
    let whole = connection.replaying
        || session
            .log
            .copy(&mut cursor, u64::MAX, connection.out(), WRITE_BYTES, now);
    connection.cursor = Some(cursor);
    whole
}
