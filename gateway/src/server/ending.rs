//! Ending connections: by time, by what they do, by what they leave undone.

use engine::command::SessionDown;
use wire::Terminate;

use super::Gateway;
use crate::connection::Connection;
use crate::key_ring::KeyRing;
use crate::office::Office;
use crate::session::{Due, Ending, Phase, Waiting};

/// From the last words to the end of a connection, nanoseconds.
const LINGER: u64 = 1_000_000_000;

impl<O: Office> Gateway<O> {
    /// What is due for one connection by time alone; whether it was told something, or went.
    pub(super) fn tick_connection(&mut self, slot: usize) -> bool {
        let (now, stall) = (self.now, super::nanos(self.limits.stall));
        let Some(connection) = self.connection(slot) else {
            return false;
        };
        if connection.closes_at.is_some_and(|at| now >= at) {
            self.remove(slot);
            return true;
        }
        let stalled = now.saturating_sub(connection.progress_at) >= stall;
        if connection.unwritten() > 0 && stalled && connection.closes_at.is_none() {
            let waiting = Waiting::Anything;
            self.end(slot, Ending::SlowConsumer { waiting });
            return true;
        }
        if connection.unwritten() == 0 {
            connection.progress_at = now;
        }
        if connection.held.is_some() || connection.waits_for_engine {
            connection.session.not_read(now);
        }
        match connection.session.due(now) {
            Due::Nothing => return false,
            Due::Heartbeat(flags) => self.heartbeat(slot, flags),
            Due::End(ending) => self.end(slot, ending),
        }
        true
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
        connection.recall = None;
        connection.cursor = None;
        connection.logical = None;
        connection.closes_at = Some(now.saturating_add(LINGER));
        if let Some(index) = authenticated {
            self.unbind(slot, index, ending);
        }
        let broken = match self.connection(slot) {
            Some(connection) => ending == Ending::Broken || !connection.write(now),
            None => true,
        };
        if broken {
            self.remove(slot);
        } else {
            self.queue(slot);
            self.touch(slot);
        }
    }

    /// Whoever was logged on when the server stopped, or had not come back yet, can do so from now on.
    pub(super) fn begin_graces(&mut self) {
        self.stamp = self.clock.now();
        for session_id in std::mem::take(&mut self.graces) {
            let Some(session) = self
                .table
                .find(session_id)
                .and_then(|i| self.table.get_mut(i))
            else {
                continue;
            };
            let lane = session.lane();
            let down = SessionDown {
                session_id,
                code: Ending::Broken.code(),
                ..SessionDown::default()
            };
            self.command(lane, down.into());
        }
    }

    /// Forgets a connection that has ended.
    pub(super) fn remove(&mut self, slot: usize) {
        let gone = self.connections.get_mut(slot).and_then(Option::take);
        if let Some(mut connection) = gone {
            if let Err(error) = connection.transport.deregister(self.poll.registry()) {
                tracing::debug!(%error, "a socket could not be deregistered");
            }
            if connection.is_newcomer {
                self.discount(connection.peer);
            }
            self.free.push(slot);
        }
    }

    /// Keeps what waits for all slow connections together within bounds: who has most goes first.
    pub(super) fn bound_output(&mut self) {
        let all = |connections: &[Option<Connection>]| -> usize {
            connections
                .iter()
                .flatten()
                .map(Connection::unwritten)
                .sum()
        };
        while all(&self.connections) > self.limits.output_total {
            let most = self
                .connections
                .iter()
                .enumerate()
                .filter_map(|(slot, c)| Some((c.as_ref()?.unwritten(), slot)))
                .max();
            let Some((bytes, slot)) = most.filter(|(bytes, _)| *bytes > 0) else {
                return;
            };
            let waiting = Waiting::Bytes(bytes);
            self.end(slot, Ending::SlowConsumer { waiting });
            // Its last words, if it ever reads them, are not worth what waits before them.
            self.remove(slot);
        }
    }

    /// Puts other keys in the place of those in force; who logged on with one that is gone is ended.
    pub(super) fn change_keys(&mut self, keys: KeyRing) {
        self.keys = keys;
        let revoked: Vec<usize> = self
            .connections
            .iter()
            .enumerate()
            .filter_map(|(slot, connection)| {
                let connection = connection.as_ref()?;
                let session_id = match connection.session.phase() {
                    Phase::Verifying(logon) | Phase::Settling(logon) => logon.session_id,
                    Phase::Live => connection.session_id,
                    Phase::Accepted | Phase::Closing => return None,
                };
                let key = connection.key?;
                (!self.keys.holds(session_id, &key)).then_some(slot)
            })
            .collect();
        tracing::info!(
            keys = self.keys.len(),
            ended = revoked.len(),
            "the keys have been read anew"
        );
        for slot in revoked {
            self.end(slot, Ending::Revoked);
        }
    }

    /// A connection no longer speaks for its session.
    pub(super) fn unbind(&mut self, slot: usize, index: usize, ending: Ending) {
        let Some(session) = self.table.get_mut(index) else {
            return;
        };
        if session.bound != Some(slot) {
            return;
        }
        session.bound = None;
        let (session_id, lane) = (session.session_id, session.lane());
        tracing::info!(session = session_id, %ending, "session is down");
        // The server stops, not the session: its next start finds the session up, as after a crash, and
        // begins the grace of cancel-on-disconnect.
        if ending == Ending::Stopping {
            return;
        }
        self.command(
            lane,
            SessionDown {
                session_id,
                code: ending.code(),
                ..SessionDown::default()
            }
            .into(),
        );
    }
}
