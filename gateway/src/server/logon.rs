//! Letting connections in: accept with its caps, greet, check the logon, bind it to its session.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use engine::command::{LogonRefused, SessionUp};
use mio::net::TcpStream;
use wire::codec::VERSION;
use wire::{Hello, Logon, LogonAck, LogonReject, RejectCode, Text, Time};

use super::{Gateway, SLOT_BITS};
use crate::connection::Connection;
use crate::history::History;
use crate::office::{Lane, Office};
use crate::outbound::Cursor;
use crate::session::{Ending, Phase, Session};
use crate::table::{LogicalSession, Refusal};
use crate::throttle::Throttle;
use crate::tls::{Handshake, TlsStream};
use crate::transport::Transport;
use crate::verify_key::{Check, Job, challenge};

/// Connections accepted in one turn: each costs the others some 40 µs.
const ACCEPTED_A_TURN: usize = 2;
/// Pause after connections were refused at the door, nanoseconds: who comes in thousands has them wait there.
const REFUSED_PAUSE: u64 = 2_000_000;
/// Addresses that are remembered; others are let in when one is forgotten.
const ADDRESSES_MAX: usize = 16_384;
/// Pause after the process ran out of descriptors, nanoseconds.
const ACCEPT_PAUSE: u64 = 100_000_000;
/// How long a session that keeps being taken over has to wait, milliseconds.
const RETRY_AFTER_MS: u32 = 1000;
/// `EMFILE` and `ENFILE`: no descriptor is left in the process, in the system.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

/// Who came from one address lately.
#[derive(Debug)]
pub(super) struct Newcomers {
    /// Connections that have not logged on.
    open: usize,
    /// Connections of late.
    accepts: Throttle,
}

impl<O: Office> Gateway<O> {
    /// Accepts who waits, within the caps.
    pub(super) fn accept(&mut self) {
        for _ in 0..ACCEPTED_A_TURN {
            let Some(listener) = &self.listener else {
                return;
            };
            match listener.accept() {
                Ok((socket, peer)) => {
                    if !self.admit(socket, peer) {
                        self.accept_again_at = self.now.saturating_add(REFUSED_PAUSE);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.accepting = false;
                    return;
                }
                Err(error)
                    if error
                        .raw_os_error()
                        .is_some_and(|e| NO_DESCRIPTORS.contains(&e)) =>
                {
                    tracing::warn!(%error, "no connections are accepted for a moment");
                    self.accept_again_at = self.now.saturating_add(ACCEPT_PAUSE);
                    return;
                }
                // The peer was gone before it was accepted: the next one may be there.
                Err(error) => tracing::debug!(%error, "accept failed"),
            }
        }
    }

    /// Greets a connection, if it is within the caps.
    fn admit(&mut self, socket: TcpStream, peer: SocketAddr) -> bool {
        let open = self.connections.len().saturating_sub(self.free.len());
        let unauthenticated = self.unauthenticated;
        if open >= self.limits.connections
            || unauthenticated >= self.limits.unauthenticated
            || !self.lets_in(peer.ip())
        {
            tracing::debug!(%peer, open, unauthenticated, "too many connections: closed at once");
            return false;
        }
        if let Err(error) = self.greet(socket, peer) {
            tracing::warn!(%peer, %error, "a connection could not be greeted");
        }
        true
    }

    /// Whether one more connection of this address is within its caps; one that is is counted.
    fn lets_in(&mut self, address: IpAddr) -> bool {
        let (now, limits) = (self.now, &self.limits);
        if self.newcomers.len() >= ADDRESSES_MAX && !self.newcomers.contains_key(&address) {
            return false;
        }
        let newcomers = self.newcomers.entry(address).or_insert_with(|| Newcomers {
            open: 0,
            accepts: Throttle::with_burst(limits.accepts_per_sec, limits.accepts_burst),
        });
        newcomers.open < limits.unauthenticated_per_address && newcomers.accepts.passes(now)
    }

    /// Forgets addresses that have not been heard of for long enough.
    pub(super) fn forget_newcomers(&mut self) {
        let now = self.now;
        self.newcomers
            .retain(|_, newcomers| newcomers.open > 0 || !newcomers.accepts.is_fresh(now));
    }

    fn greet(&mut self, socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let hello = Hello {
            min_version: VERSION,
            max_version: VERSION,
            server_time: Time(self.clock.now()),
            epoch: self.epoch,
            challenge: challenge().map_err(io::Error::other)?,
            instance: self.instance,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        self.generation = (self.generation + 1) & ((1 << (usize::BITS - SLOT_BITS - 1)) - 1);
        let token = self.generation << SLOT_BITS | slot;
        let mut transport = match &self.tls {
            None => Transport::Plain(socket),
            Some(config) => {
                Transport::Tls(Box::new(TlsStream::accept(socket, Arc::clone(config))?))
            }
        };
        if let Err(error) = transport.register(self.poll.registry(), mio::Token(token)) {
            self.free.push(slot);
            return Err(error);
        }
        self.unauthenticated += 1;
        if let Some(newcomers) = self.newcomers.get_mut(&peer.ip()) {
            newcomers.open += 1;
        }
        let session = Session::accepted(self.timing, self.now);
        let mut connection = Connection::new(transport, peer, token, session, hello, self.now);
        connection.send(&hello);
        self.connections[slot] = Some(connection);
        self.queue(slot);
        self.touch(slot);
        Ok(())
    }

    /// A connection has logged on or gone: it no longer counts as unauthenticated.
    pub(super) fn discount(&mut self, peer: SocketAddr) {
        self.unauthenticated = self.unauthenticated.saturating_sub(1);
        if let Some(newcomers) = self.newcomers.get_mut(&peer.ip()) {
            newcomers.open = newcomers.open.saturating_sub(1);
        }
    }

    /// Has the signature of a logon checked.
    pub(super) fn verify(&mut self, slot: usize, logon: &Logon) {
        let session_id = logon.session_id;
        if self.table.find(session_id).is_none() {
            return self.refuse(slot, session_id, refusal(RejectCode::UnknownSession));
        }
        let Some(key) = self.keys.find(session_id, logon.key_id) else {
            return self.refuse(slot, session_id, refusal(RejectCode::Credentials));
        };
        let Some(connection) = self.connection(slot) else {
            return;
        };
        connection.key = Some(key);
        let check = Check {
            connection: connection.token,
            key,
            hello: connection.hello,
            logon: *logon,
        };
        if !self.verifier.submit(Job::Logon(Box::new(check))) {
            let busy = Refusal {
                retry_after_ms: RETRY_AFTER_MS,
                ..refusal(RejectCode::Throttled)
            };
            self.refuse(slot, session_id, busy);
        }
    }

    /// A handshake has been advanced elsewhere.
    pub(super) fn on_handshake(&mut self, token: usize, result: Result<Handshake, rustls::Error>) {
        let slot = super::slot_of(token);
        let Some(connection) = self.connection(slot).filter(|c| c.token == token) else {
            return;
        };
        match result {
            Ok(handshake) => {
                connection.resume(handshake);
                self.queue(slot);
                self.touch(slot);
            }
            Err(error) => {
                let peer = connection.peer;
                if self.broken_handshakes.passes(self.now) {
                    tracing::info!(%peer, %error, "a TLS handshake failed");
                }
                self.end(slot, Ending::Broken);
            }
        }
    }

    /// A signature has been checked.
    pub(super) fn on_verdict(&mut self, token: usize, holds: bool) {
        let slot = super::slot_of(token);
        let Some(connection) = self.connection(slot).filter(|c| c.token == token) else {
            return;
        };
        let Phase::Verifying(logon) = connection.session.phase() else {
            return;
        };
        let key = connection.key;
        // The key may have been revoked since its signature was sent to be checked.
        let is_valid = key.is_some_and(|key| self.keys.holds(logon.session_id, &key));
        if !holds || !is_valid {
            return self.refuse(slot, logon.session_id, refusal(RejectCode::Credentials));
        }
        // Told to the session itself only: to others it would say that a command of its broke the engine.
        if self.is_blocked(logon.session_id) {
            return self.refuse(slot, logon.session_id, refusal(RejectCode::SessionBlocked));
        }
        if let Err(refused) = self.bind(slot, &logon) {
            self.refuse(slot, logon.session_id, refused);
        }
    }

    /// Whether a command of a session was in hand when the engine broke, and nobody has released it yet.
    /// Looked at each time: a release needs no restart.
    fn is_blocked(&self, session_id: u32) -> bool {
        let blocked = |(id, file): &(u32, PathBuf)| *id == session_id && file.exists();
        self.blocked.iter().any(blocked)
    }

    /// Gives a proven connection its session, away from any other connection.
    fn bind(&mut self, slot: usize, logon: &Logon) -> Result<(), Refusal> {
        let unknown = refusal(RejectCode::UnknownSession);
        let connection = self.connection(slot).ok_or(unknown)?;
        connection.session.check_terms(logon).map_err(refusal)?;
        let index = self.table.find(logon.session_id).ok_or(unknown)?;
        let (now, epoch) = (self.now, self.epoch);
        let session = self.table.get_mut(index).ok_or(unknown)?;
        session.join(logon, epoch)?;
        if !session.logons.passes(now) {
            return Err(Refusal {
                retry_after_ms: RETRY_AFTER_MS,
                ..refusal(RejectCode::Throttled)
            });
        }
        if let Some(older) = session.bound {
            if !session.may_be_taken_over(now) {
                return Err(Refusal {
                    retry_after_ms: RETRY_AFTER_MS,
                    ..refusal(RejectCode::AlreadyLoggedOn)
                });
            }
            self.end(older, Ending::Superseded);
        }
        let Some(session) = self.table.get_mut(index) else {
            return Err(unknown);
        };
        session.bound = Some(slot);
        let lane = session.lane();
        self.command(
            lane,
            SessionUp {
                session_id: logon.session_id,
                key_id: logon.key_id,
                cod_grace_ms: logon.cod_grace_ms.into(),
                cod_mode: logon.cod_mode,
                app_name: logon.app_name,
                ..SessionUp::default()
            }
            .into(),
        );
        if let Some(connection) = self.connection(slot) {
            connection.session.verified();
            connection.logical = Some(index);
            connection.widen();
            connection.is_newcomer = false;
            connection.session_id = logon.session_id;
            let peer = connection.peer;
            self.discount(peer);
        }
        self.settling.push(slot);
        Ok(())
    }

    /// Lets those go live whose older messages are all durable.
    pub(super) fn settle(&mut self) {
        if self.settling.is_empty() {
            return;
        }
        let durable = self.office.durable();
        let waiting = std::mem::take(&mut self.settling);
        for slot in waiting {
            let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else {
                continue;
            };
            let Phase::Settling(logon) = connection.session.phase() else {
                continue;
            };
            let Some(session) = connection.logical.and_then(|i| self.table.get_mut(i)) else {
                continue;
            };
            if !session.is_settled(durable) {
                self.settling.push(slot);
                continue;
            }
            session.log.release(self.seen);
            match look_back(connection, session, &logon, self.history.as_ref()) {
                Past::IsKnown => {}
                Past::IsAskedFor => {
                    self.settling.push(slot);
                    continue;
                }
                Past::BeginsLater(refused) => {
                    self.refuse(slot, logon.session_id, refused);
                    continue;
                }
                Past::IsUnreadable(text) => {
                    let session = logon.session_id;
                    tracing::error!(session, text, "how far back the journal goes is not known");
                    self.end(slot, Ending::Unreadable);
                    continue;
                }
            }
            let joined = match session.join(&logon, self.epoch) {
                Ok(joined) => joined,
                // The log moved on while the connection waited.
                Err(refused) => {
                    self.refuse(slot, logon.session_id, refused);
                    continue;
                }
            };
            connection.send(&LogonAck {
                session_id: logon.session_id,
                epoch: self.epoch,
                next_seq_no: joined.live_from.max(joined.next),
                last_applied_seq_no: session.last_applied(durable),
                server_time: Time(self.clock.now()),
                keep_alive_ms: logon.keep_alive_ms,
                max_msg_per_sec: self.limits.max_msg_per_sec,
                replay_count: joined.live_from.saturating_sub(joined.next),
            });
            connection.cursor = Some(Cursor {
                next: joined.next,
                live_from: joined.live_from,
            });
            connection.replaying = logon.next_expected_seq_no != 0;
            connection.session.live(self.now);
            tracing::info!(
                session = logon.session_id,
                peer = %connection.peer,
                app = logon.app_name.as_str(),
                replay = joined.live_from.saturating_sub(joined.next),
                "session is up"
            );
            self.queue(slot);
            self.touch(slot);
        }
    }

    /// Refuses a logon: by message and, unless that happens too often, in the journal and in the log.
    pub(super) fn refuse(&mut self, slot: usize, session_id: u32, refused: Refusal) {
        let epoch = self.epoch;
        let Some(connection) = self.connection(slot) else {
            return;
        };
        let peer = connection.peer;
        connection.send(&LogonReject {
            session_id,
            epoch,
            next_seq_no: refused.next_seq_no,
            code: refused.code.number(),
            retry_after_ms: refused.retry_after_ms,
            ..LogonReject::default()
        });
        // Whoever is not let in must not fill the disks either: what is too often is only counted.
        if self.refused_logons.passes(self.now) {
            let untold = std::mem::take(&mut self.untold_refusals);
            tracing::warn!(session = session_id, %peer, code = %refused.code, untold, "logon refused");
            self.command(
                Lane::Control,
                LogonRefused {
                    session_id,
                    code: refused.code.number(),
                    peer: Text::new(&peer.ip().to_string()),
                    ..LogonRefused::default()
                }
                .into(),
            );
        } else {
            self.untold_refusals = self.untold_refusals.saturating_add(1);
        }
        self.end(slot, Ending::Refused(refused.code));
    }
}

/// What a logon finds that asks for messages from before those in memory.
enum Past {
    /// All that it asks for is there.
    IsKnown,
    /// Another thread looks how far back the journal goes.
    IsAskedFor,
    /// What it asks for has been removed.
    BeginsLater(Refusal),
    /// A sentence about the journal.
    IsUnreadable(String),
}

fn look_back(
    connection: &mut Connection,
    session: &LogicalSession,
    logon: &Logon,
    history: Option<&History>,
) -> Past {
    let (wanted, in_memory) = (logon.next_expected_seq_no, session.log.first());
    let Some(history) = history.filter(|_| (1..in_memory).contains(&wanted)) else {
        return Past::IsKnown;
    };
    let asked = connection
        .oldest
        .get_or_insert_with(|| history.oldest(logon.session_id));
    match asked.answer() {
        None => Past::IsAskedFor,
        Some(Ok(oldest)) if wanted < oldest => Past::BeginsLater(Refusal {
            next_seq_no: oldest.min(in_memory),
            ..refusal(RejectCode::SeqTooLow)
        }),
        Some(Ok(_)) => Past::IsKnown,
        Some(Err(text)) => Past::IsUnreadable(text),
    }
}

/// A refusal that has nothing more to say.
pub(super) const fn refusal(code: RejectCode) -> Refusal {
    Refusal {
        code,
        next_seq_no: 0,
        retry_after_ms: 0,
    }
}
