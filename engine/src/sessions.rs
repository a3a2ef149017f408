//! Logical sessions: who may speak for what, and how far each has been heard and answered.

use crate::command::DefineSession;
use crate::entitled::Entitled;
use crate::ids::Ids;
use crate::table::room_for;
use bincode::{Decode, Encode};
use std::collections::BTreeSet;
use wire::{CodMode, Role, Topology};

/// A grace that begins when the server listens again: a time that never comes.
const AWAITING: u64 = u64::MAX - 1;

/// One session. Sequence numbers and the clOrdId mark belong to the session digest, the rest to the
/// risk digest. What every message reads stands in the first cache lines.
#[derive(Debug, Clone, Encode, Decode)]
#[repr(C, align(64))]
pub(crate) struct Session {
    pub(crate) last_applied: u64,
    pub(crate) next_out: u64,
    pub(crate) cl_ord_id_mark: u64,
    id: u32,
    venue_id: u16,
    role: Role,
    inline: bool,
    /// Changed by [`Sessions::set_up`] only.
    pub(crate) up: bool,
    pub(crate) cod_mode: CodMode,
    /// Accounts it may act for.
    pub(crate) accounts: Entitled,
    /// Traders it may name.
    pub(crate) traders: Entitled,
    pub(crate) cod_grace_ns: u64,
    /// When the session's orders are cancelled unless it comes back; 0 for never, [`AWAITING`] while the server
    /// does not listen yet.
    pub(crate) cod_deadline: u64,
    /// Changed by [`Sessions::define`] only.
    pub(crate) definition: DefineSession,
}

impl Session {
    fn new(definition: DefineSession) -> Self {
        Self {
            last_applied: 0,
            next_out: 1,
            cl_ord_id_mark: 0,
            id: definition.session_id,
            venue_id: definition.venue_id,
            role: definition.role,
            inline: definition.topology != Topology::Sidecar,
            up: false,
            cod_mode: CodMode::Off,
            accounts: Entitled::default(),
            traders: Entitled::default(),
            cod_grace_ns: 0,
            cod_deadline: 0,
            definition,
        }
    }

    fn redefine(&mut self, definition: DefineSession) {
        let new = Self::new(definition);
        (self.venue_id, self.role, self.inline) = (new.venue_id, new.role, new.inline);
        self.definition = definition;
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Whether its grace is to begin when the server listens.
    pub(crate) fn awaits_grace(&self) -> bool {
        self.cod_deadline == AWAITING
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Venue of a venue's session; else 0.
    pub(crate) fn venue_id(&self) -> u16 {
        self.venue_id
    }

    pub(crate) fn is_inline(&self) -> bool {
        self.inline
    }

    #[inline]
    pub(crate) fn may_use_account(&self, account: u32) -> bool {
        self.accounts.has(account)
    }

    #[inline]
    pub(crate) fn may_name_trader(&self, trader: u32) -> bool {
        self.traders.has(trader)
    }
}

/// One venue and the sessions that speak for it.
#[derive(Debug, Clone, Copy, Encode, Decode)]
struct Venue {
    id: u16,
    /// The first defined.
    session: u32,
    /// How many are logged on.
    up: u32,
}

/// All sessions.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Sessions {
    items: Vec<Session>,
    by_id: Ids,
    /// Slots of the sessions that hear of risk events.
    pub(crate) watchers: Vec<u32>,
    venues: Vec<Venue>,
    /// (end of grace, slot) of sessions that are down.
    deadlines: BTreeSet<(u64, u32)>,
}

/// Most sessions that hear of risk events: one event must fit the outbox for all of them.
pub(crate) const WATCHERS_MAX: usize = 16;

impl Sessions {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            items: Vec::with_capacity(capacity),
            by_id: Ids::with_capacity(capacity),
            watchers: Vec::with_capacity(WATCHERS_MAX),
            venues: Vec::with_capacity(capacity),
            deadlines: BTreeSet::new(),
        }
    }

    /// Takes the memory again that [`Self::with_capacity`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self, capacity: usize) {
        room_for(&mut self.items, capacity);
        room_for(&mut self.watchers, WATCHERS_MAX);
        room_for(&mut self.venues, capacity);
    }

    #[inline]
    pub(crate) fn find(&self, id: u32) -> Option<u32> {
        self.by_id.get(id)
    }

    pub(crate) fn get(&self, slot: u32) -> &Session {
        &self.items[slot as usize]
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Session {
        &mut self.items[slot as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.items.iter()
    }

    /// Adds a session, or changes its definition while numbers, mark and entitlements stay.
    pub(crate) fn define(&mut self, definition: DefineSession) {
        if let Some(slot) = self.find(definition.session_id) {
            self.items[slot as usize].redefine(definition);
        } else {
            let slot = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
            self.by_id.insert(definition.session_id, slot);
            self.items.push(Session::new(definition));
        }
        self.count_venues();
        self.watchers.clear();
        for (slot, session) in self.items.iter().enumerate() {
            if session.role() == Role::Risk && self.watchers.len() < WATCHERS_MAX {
                self.watchers.push(u32::try_from(slot).unwrap_or(u32::MAX));
            }
        }
    }

    /// The session of a venue, first defined first.
    pub(crate) fn of_venue(&self, venue_id: u16) -> Option<u32> {
        self.venue(venue_id).map(|venue| venue.session)
    }

    /// Whether any session of the venue is logged on.
    pub(crate) fn venue_is_up(&self, venue_id: u16) -> bool {
        self.venue(venue_id).is_some_and(|venue| venue.up > 0)
    }

    fn venue(&self, venue_id: u16) -> Option<&Venue> {
        self.venues.iter().find(|venue| venue.id == venue_id)
    }

    /// A session has logged on or its connection has ended; returns whether it was up before.
    pub(crate) fn set_up(&mut self, slot: u32, up: bool) -> bool {
        let before = std::mem::replace(&mut self.items[slot as usize].up, up);
        if before != up {
            self.count_venues();
        }
        before
    }

    /// Lists the venues anew: sessions come and go rarely, orders look every time.
    fn count_venues(&mut self) {
        self.venues.clear();
        for (slot, session) in self.items.iter().enumerate() {
            if session.role() != Role::Venue {
                continue;
            }
            let id = session.venue_id();
            let up = u32::from(session.up);
            match self.venues.iter_mut().find(|venue| venue.id == id) {
                Some(venue) => venue.up = venue.up.saturating_add(up),
                None => self.venues.push(Venue {
                    id,
                    session: u32::try_from(slot).unwrap_or(u32::MAX),
                    up,
                }),
            }
        }
    }

    /// When the first grace period ends.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let first = self.deadlines.first().map(|(t, _)| *t);
        first.filter(|t| *t != AWAITING)
    }

    /// A session whose grace has ended at `t`, soonest first.
    pub(crate) fn due(&self, t: u64) -> Option<u32> {
        self.deadlines
            .first()
            .filter(|(end, _)| *end <= t)
            .map(|(_, slot)| *slot)
    }

    /// Lets a session's grace begin when the server listens again.
    pub(crate) fn await_grace(&mut self, slot: u32) {
        self.set_deadline(slot, AWAITING);
    }

    /// Sets or (with 0) clears the end of a session's grace.
    pub(crate) fn set_deadline(&mut self, slot: u32, deadline: u64) {
        let session = &mut self.items[slot as usize];
        self.deadlines.remove(&(session.cod_deadline, slot));
        session.cod_deadline = deadline;
        if deadline != 0 {
            self.deadlines.insert((deadline, slot));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}
