//! Moving messages out: from the engine's ring into the sessions' logs, from the logs to the sockets.

use engine::decision::Outgoing;
use engine::pipeline::Outbound;
use wire::{Heartbeat, ReplayComplete, Time};

use super::{Gateway, take_list};
use crate::connection::Connection;
use crate::history::{History, Lost, Recall};
use crate::office::Office;
use crate::outbound::{Cursor, Now};
use crate::session::{Ending, Phase, Waiting};
use crate::table::LogicalSession;

/// Messages taken from the engine in one turn.
const OUTBOUND_A_TURN: usize = 4096;
/// Output gathered for one write.
pub(super) const WRITE_BYTES: usize = 256 * 1024;

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

    /// Takes what the engine and the follower sent; whether there was anything.
    pub(super) fn take_outbound(&mut self) -> bool {
        // Read before the ring: whatever is below the watermark is then in the ring already.
        let acknowledged = self.office.acknowledged(self.ack);
        let mut worked = acknowledged != self.seen;
        self.seen = acknowledged;
        for _ in 0..OUTBOUND_A_TURN {
            let Some(outbound) = self.office.outbound() else {
                break;
            };
            worked = true;
            self.on_outbound(outbound);
        }
        while let Some(answer) = self.office.report() {
            worked = true;
            self.answer(&answer);
        }
        worked
    }

    fn on_outbound(&mut self, outbound: Outbound) {
        match outbound {
            Outbound::Taken {
                session_id,
                in_seq_no,
                engine_seq,
            } => {
                let durable = self.office.durable();
                self.current = self.table.find(session_id).and_then(|index| {
                    let session = self.table.get_mut(index)?;
                    let received = session.take(in_seq_no, engine_seq, durable);
                    Some((index, engine_seq, received))
                });
                if let Some((index, ..)) = self.current {
                    self.go_on(index);
                }
            }
            Outbound::Dropped {
                session_id,
                in_seq_no,
            } => {
                if let Some(index) = self.table.find(session_id) {
                    if let Some(session) = self.table.get_mut(index) {
                        session.dropped(in_seq_no);
                    }
                    self.go_on(index);
                }
            }
            Outbound::Send(message) if message.reply.seq_no() == 0 => self.answer(&message),
            Outbound::Send(message) => {
                let Some(index) = self.table.find(message.session_id) else {
                    tracing::error!(
                        session = message.session_id,
                        "a message for a session that does not exist"
                    );
                    return;
                };
                let received = match self.current {
                    Some((sender, engine_seq, received))
                        if sender == index && engine_seq == message.reply.engine_seq() =>
                    {
                        received
                    }
                    Some(_) | None => 0,
                };
                let bound = self.table.get_mut(index).and_then(|session| {
                    session.log.append(&message.reply, received);
                    session.bound
                });
                if let Some(slot) = bound {
                    self.touch(slot);
                }
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
        let bytes = connection.unwritten();
        if bytes > most.saturating_add(WRITE_BYTES) {
            let waiting = Waiting::Bytes(bytes);
            self.end(slot, Ending::SlowConsumer { waiting });
        } else {
            self.touch(slot);
        }
    }

    /// Writes to every connection on the list, once; whether any has more to write at once.
    pub(super) fn write_touched(&mut self) -> bool {
        if self.touched.is_empty() {
            return false;
        }
        let sending = Now {
            monotonic: self.monotonic(),
            stale_before: self
                .clock
                .now()
                .saturating_sub(super::nanos(self.limits.route_max_age)),
        };
        let mut touched = take_list(&mut self.touched, &mut self.spare);
        let mut worked = false;
        for slot in touched.drain(..) {
            if let Some(connection) = self.connection(slot) {
                connection.touched = false;
            }
            worked |= self.write(slot, sending);
        }
        self.spare = touched;
        worked
    }

    /// Looks again at those whose output is being read back: the thread that reads wakes the poll.
    pub(super) fn touch_recalling(&mut self) {
        if self.recalling.is_empty() {
            return;
        }
        let mut recalling = take_list(&mut self.recalling, &mut self.spare);
        for slot in recalling.drain(..) {
            if self.connection(slot).is_some_and(|c| c.recall.is_some()) {
                self.touch(slot);
            }
        }
        self.spare = recalling;
    }

    fn write(&mut self, slot: usize, sending: Now) -> bool {
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
            if let Err(ending) = gather(connection, session, self.history.as_ref(), sending) {
                self.end(slot, ending);
                return false;
            }
            if connection.recall.is_some() {
                self.recalling.push(slot);
            }
            let next = connection.cursor.map_or(0, |c| c.next);
            waits_for_watermark = connection.recall.is_none() && session.log.next() > next;
            if !connection.replaying && connection.recall.is_none() {
                waiting = session.log.unreleased().saturating_sub(next);
            }
        }
        let before = connection.unwritten();
        if connection.writable && !connection.write(sending.monotonic) {
            self.end(slot, Ending::Broken);
            return false;
        }
        let moved = connection.unwritten() < before;
        let writable = connection.writable;
        let more = waits_for_watermark || connection.unwritten() > 0;
        if !writable && waiting > self.limits.backlog_messages {
            let waiting = Waiting::Messages(waiting);
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
}

/// Takes what may leave behind a connection's output: what is no longer in memory from the journal, the
/// rest from the log.
fn gather(
    connection: &mut Connection,
    session: &LogicalSession,
    history: Option<&History>,
    now: Now,
) -> Result<(), Ending> {
    let Some(mut cursor) = connection.cursor else {
        return Ok(());
    };
    if cursor.next < session.log.first() {
        let begun = connection.replaying || connection.recall.is_some();
        // A burst may pass the log before it is written; who takes nothing has been given its time.
        let (Some(history), true) = (history, begun || connection.writable) else {
            let waiting = Waiting::Log;
            return Err(Ending::SlowConsumer { waiting });
        };
        recall(connection, session.session_id, history, &mut cursor)?;
        if cursor.next < session.log.first() {
            complete_replay(connection, cursor);
            connection.cursor = Some(cursor);
            return Ok(());
        }
    }
    connection.recall = None;
    if connection.replaying {
        let until = cursor.live_from;
        copy(connection, session, &mut cursor, until, now)?;
        complete_replay(connection, cursor);
    }
    if !connection.replaying {
        copy(connection, session, &mut cursor, u64::MAX, now)?;
    }
    connection.cursor = Some(cursor);
    Ok(())
}

fn copy(
    connection: &mut Connection,
    session: &LogicalSession,
    cursor: &mut Cursor,
    until: u64,
    now: Now,
) -> Result<(), Ending> {
    let waiting = Waiting::Log;
    session
        .log
        .copy(cursor, until, connection.out(), WRITE_BYTES, now)
        .then_some(())
        .ok_or(Ending::SlowConsumer { waiting })
}

/// Says that what was asked for at logon has been sent, when it has.
fn complete_replay(connection: &mut Connection, cursor: Cursor) {
    if connection.replaying && cursor.next >= cursor.live_from {
        connection.replaying = false;
        connection.send(&ReplayComplete {
            next_seq_no: cursor.next,
            ..ReplayComplete::default()
        });
    }
}

/// Takes chunks from the journal's past while there is room; ReplayComplete goes between two of them.
fn recall(
    connection: &mut Connection,
    session_id: u32,
    history: &History,
    cursor: &mut Cursor,
) -> Result<(), Ending> {
    if connection.recall.is_none() {
        connection.recall = Some(history.recall(session_id, cursor.next, cursor.live_from));
    }
    while connection.unwritten() < WRITE_BYTES {
        let chunk = match connection.recall.as_ref().map(Recall::next) {
            Some(Ok(Some(chunk))) => chunk,
            Some(Ok(None)) | None => return Ok(()),
            Some(Err(Lost::Unreadable(_))) => return Err(Ending::Unreadable),
            Some(Err(Lost::GivenUp)) => {
                let waiting = Waiting::Anything;
                return Err(Ending::SlowConsumer { waiting });
            }
        };
        if chunk.first != cursor.next {
            return Err(Ending::Unreadable);
        }
        connection.out().extend_from_slice(&chunk.bytes);
        cursor.next = chunk.next;
        complete_replay(connection, *cursor);
    }
    Ok(())
}
