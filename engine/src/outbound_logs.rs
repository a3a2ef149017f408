//! Owns what is kept of the sessions' outbound messages behind the engine: a bounded window, the oldest
//! given up first, yet some of every session. A start hands it to the gateway, for clients that come back.

use crate::decision::Outgoing;
use bincode::{Decode, Encode};
use std::collections::{BTreeMap, VecDeque};

/// Messages that every session keeps, however busy the others are.
const KEPT_BY_EACH: usize = 1024;

/// The outbound messages of one session that are still known.
#[derive(Debug, Clone, Default, PartialEq, Encode, Decode)]
pub struct SessionLog {
    /// Session.
    pub session_id: u32,
    /// The messages in order of their sequence numbers, without gaps; never empty. The first is the
    /// first retained, and `SeqTooLow` is the answer to whoever asks for an earlier one.
    pub messages: VecDeque<Outgoing>,
}

impl SessionLog {
    /// Sequence number of the first message kept; 1 where nothing was ever sent.
    #[must_use]
    pub fn first_retained(&self) -> u64 {
        self.messages
            .front()
            .map_or(1, |outgoing| outgoing.reply.seq_no())
    }

    /// Adds a message to the log of its session, which is made where there is none.
    pub(crate) fn append_to(logs: &mut Vec<Self>, outgoing: &Outgoing) {
        if outgoing.reply.seq_no() == 0 {
            return;
        }
        let session_id = outgoing.session_id;
        let at = match logs.binary_search_by_key(&session_id, |log| log.session_id) {
            Ok(at) => at,
            Err(at) => {
                logs.insert(
                    at,
                    Self {
                        session_id,
                        messages: VecDeque::new(),
                    },
                );
                at
            }
        };
        logs[at].messages.push_back(*outgoing);
    }
}

/// The logs of all sessions.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Logs {
    sessions: BTreeMap<u32, SessionLog>,
    /// Sessions in the order of their messages: whose oldest goes next.
    order: VecDeque<u32>,
    retained: usize,
}

impl Logs {
    pub(crate) fn new(retained: usize) -> Self {
        Self {
            sessions: BTreeMap::new(),
            order: VecDeque::new(),
            retained,
        }
    }

    /// Adds a message; those without a number are answers to queries and not kept.
    pub(crate) fn add(&mut self, outgoing: &Outgoing) {
        if outgoing.reply.seq_no() == 0 {
            return;
        }
        let session_id = outgoing.session_id;
        let log = self
            .sessions
            .entry(session_id)
            .or_insert_with(|| SessionLog {
                session_id,
                messages: VecDeque::new(),
            });
        log.messages.push_back(*outgoing);
        self.order.push_back(session_id);
        if self.order.len() > self.retained {
            self.give_up_oldest();
        }
    }

    fn give_up_oldest(&mut self) {
        if let Some(session_id) = self.order.pop_front()
            && let Some(log) = self.sessions.get_mut(&session_id)
            && log.messages.len() > KEPT_BY_EACH
        {
            log.messages.pop_front();
        }
    }

    /// Changes how many messages are kept over all sessions.
    pub(crate) fn retain(&mut self, retained: usize) {
        self.retained = retained;
        while self.order.len() > self.retained {
            self.give_up_oldest();
        }
    }

    /// The logs by ascending session id.
    pub(crate) fn sessions(&self) -> Vec<SessionLog> {
        self.sessions.values().cloned().collect()
    }

    #[cfg(test)]
    fn finish(self) -> Vec<SessionLog> {
        self.sessions.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{AdminAck, Reply};

    fn message(session_id: u32, seq_no: u64) -> Outgoing {
        let ack = AdminAck {
            seq_no,
            ..AdminAck::default()
        };
        Outgoing {
            session_id,
            reply: Reply::AdminAck(ack),
        }
    }

    #[test]
    fn a_busy_session_does_not_push_out_the_last_messages_of_a_quiet_one() {
        let mut logs = Logs::new(5000);
        for seq_no in 1..=10 {
            logs.add(&message(7, seq_no));
        }
        for seq_no in 1..=100_000 {
            logs.add(&message(8, seq_no));
        }
        let logs = logs.finish();
        assert_eq!(logs[0].messages.len(), 10);
        assert_eq!(logs[0].first_retained(), 1);
        assert!(logs[1].messages.len() <= 5000 + KEPT_BY_EACH);
        let last = logs[1].messages.back().map(|m| m.reply.seq_no());
        assert_eq!(last, Some(100_000));
        assert_eq!(
            logs[1].first_retained() + logs[1].messages.len() as u64,
            100_001
        );
    }

    #[test]
    fn answers_to_queries_are_not_kept() {
        let mut logs = Logs::new(10);
        logs.add(&message(7, 0));
        assert!(logs.finish().is_empty());
    }
}
