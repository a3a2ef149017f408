//! Which keys may log on for which session: several each, told apart by their number; replaced as a
//! whole while the server runs. Leaves out files.

use std::collections::HashMap;

use ed25519_dalek::VerifyingKey;
use engine::view::SessionView;

use crate::verify_key::public_key;

/// The public keys of all sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRing {
    sessions: HashMap<u32, Vec<(u32, VerifyingKey)>>,
}

impl KeyRing {
    /// A ring without keys: nobody can log on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The one key of each session that the journal holds.
    #[must_use]
    pub fn of_views<'a>(views: impl IntoIterator<Item = &'a SessionView>) -> Self {
        let mut ring = Self::new();
        for view in views {
            match public_key(&view.public_key) {
                Some(key) => ring.add(view.session_id, view.key_id, key),
                None => tracing::warn!(
                    session = view.session_id,
                    name = view.name,
                    "the session's public key is no Ed25519 key: it can't log on"
                ),
            }
        }
        ring
    }

    /// Adds a key; one with the same number gives way to it.
    pub fn add(&mut self, session_id: u32, key_id: u32, key: VerifyingKey) {
        let keys = self.sessions.entry(session_id).or_default();
        keys.retain(|(id, _)| *id != key_id);
        keys.push((key_id, key));
    }

    /// A session's key by its number.
    #[must_use]
    pub fn find(&self, session_id: u32, key_id: u32) -> Option<VerifyingKey> {
        self.sessions
            .get(&session_id)?
            .iter()
            .find_map(|(id, key)| (*id == key_id).then_some(*key))
    }

    /// Whether a key is still one of a session's, under any number.
    #[must_use]
    pub fn holds(&self, session_id: u32, key: &VerifyingKey) -> bool {
        self.sessions
            .get(&session_id)
            .is_some_and(|keys| keys.iter().any(|(_, known)| known == key))
    }

    /// Whether one key may log on for both sessions.
    #[must_use]
    pub fn have_a_key_in_common(&self, one: u32, other: u32) -> bool {
        let keys = self.sessions.get(&one).into_iter().flatten();
        keys.into_iter().any(|(_, key)| self.holds(other, key))
    }

    /// Keys in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.values().map(Vec::len).sum()
    }

    /// Whether nobody can log on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_client::keys;

    fn key() -> VerifyingKey {
        keys::generate().unwrap().verifying_key()
    }

    #[test]
    fn a_session_has_several_keys_by_number_and_a_number_one_key() {
        let (first, second, third) = (key(), key(), key());
        let mut ring = KeyRing::new();
        ring.add(7, 1, first);
        ring.add(7, 2, second);
        assert_eq!(ring.find(7, 1), Some(first));
        assert_eq!(ring.find(7, 2), Some(second));
        assert_eq!(ring.find(8, 1), None);
        ring.add(7, 1, third);
        assert_eq!(ring.find(7, 1), Some(third));
        assert!(!ring.holds(7, &first) && ring.holds(7, &second));
        assert_eq!(ring.len(), 2);
    }
}
