//! Proposals that wait for a second person: a table of bounded size, oldest first.

use crate::table::room_for;
use bincode::{Decode, Encode};
use wire::{Propose, Text};

/// Most proposals that wait at once.
pub(crate) const PROPOSALS_MAX: usize = 64;

/// One proposal.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Proposal {
    /// Number, never reused.
    pub(crate) id: u32,
    /// Session that proposed it.
    pub(crate) session_id: u32,
    /// The person and the key behind that session when it proposed.
    pub(crate) by: Identity,
    pub(crate) proposed_at: u64,
    /// It lapses before the first command at or after this time (R26).
    pub(crate) expires_at: u64,
    pub(crate) change: Propose,
}

/// Who a session is, for counting people.
///
/// Two sessions are the same person if they are the same session, have the same key, or name the same
/// person. A session that names none is a person of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Identity {
    pub(crate) session_id: u32,
    pub(crate) key: Text<64>,
    pub(crate) person: Text<16>,
}

impl Identity {
    /// Whether both are, or may be, one person.
    pub(crate) fn is_same_person(&self, other: &Self) -> bool {
        let said = |text: &str| !text.is_empty();
        self.session_id == other.session_id
            || (said(self.key.as_str()) && self.key == other.key)
            || (said(self.person.as_str()) && self.person == other.person)
    }
}

/// All that wait.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Proposals {
    waiting: Vec<Proposal>,
    /// Number of the last one.
    pub(crate) last_id: u32,
}

impl Proposals {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Vec::with_capacity(PROPOSALS_MAX),
            last_id: 0,
        }
    }

    /// Takes the memory again that [`Self::new`] takes, after a snapshot was read.
    pub(crate) fn make_room(&mut self) {
        room_for(&mut self.waiting, PROPOSALS_MAX);
    }

    /// Adds a proposal and returns its number; `None` if too many wait.
    pub(crate) fn add(&mut self, proposal: Proposal) -> Option<u32> {
        if self.waiting.len() >= PROPOSALS_MAX {
            return None;
        }
        let id = self.last_id.checked_add(1)?;
        self.last_id = id;
        self.waiting.push(Proposal { id, ..proposal });
        Some(id)
    }

    pub(crate) fn find(&self, id: u32) -> Option<&Proposal> {
        self.waiting.iter().find(|proposal| proposal.id == id)
    }

    /// Takes a proposal off the table: it can never be used again.
    pub(crate) fn remove(&mut self, id: u32) {
        self.waiting.retain(|proposal| proposal.id != id);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Proposal> {
        self.waiting.iter()
    }

    /// When the first one lapses.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.waiting
            .iter()
            .map(|proposal| proposal.expires_at)
            .min()
    }

    /// A proposal that has lapsed at `t`, soonest first, then oldest.
    pub(crate) fn due(&self, t: u64) -> Option<Proposal> {
        self.waiting
            .iter()
            .filter(|proposal| proposal.expires_at <= t)
            .min_by_key(|proposal| (proposal.expires_at, proposal.id))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(session_id: u32, key: &str, person: &str) -> Identity {
        Identity {
            session_id,
            key: Text::new(key),
            person: Text::new(person),
        }
    }

    #[test]
    fn two_sessions_of_one_person_are_one() {
        let ada = who(1, "aa", "ada");
        assert!(ada.is_same_person(&who(1, "bb", "bob")), "the same session");
        assert!(ada.is_same_person(&who(2, "aa", "bob")), "the same key");
        assert!(ada.is_same_person(&who(2, "bb", "ada")), "the same name");
        assert!(!ada.is_same_person(&who(2, "bb", "bob")));
        assert!(!who(1, "", "").is_same_person(&who(2, "", "")));
    }
}
