//! Public keys of a firm's sessions, from the configuration and from the files that it names.
//!
//! A key file holds one key a line, 64 hexadecimal digits; a number before it is the key's number, and
//! without one the first key has the session's `key_id`, each further the next. `#` begins a comment.
//! All keys of the file may log on; the first is the one that the journal keeps.

use engine::command::DefineSession;
use engine::firm::{Firm, KeyFile, pairs_of_people};
use gateway::key_ring::KeyRing;
use gateway::verify_key::public_key;
use std::fs;
use std::path::Path;

/// Reads every key file of the firm, relative to the data directory; returns all keys that may log on.
///
/// # Errors
/// One sentence a key that can't be read, each with the way out.
pub(crate) fn load(firm: &mut Firm, data: &Path) -> Result<KeyRing, Vec<String>> {
    let mut ring = KeyRing::new();
    let mut problems = Vec::new();
    for file in firm.key_files.clone() {
        if let Err(problem) = load_file(firm, &file, data, &mut ring) {
            problems.push(problem);
        }
    }
    for session in firm.sessions() {
        let (id, hex) = (session.session_id, session.public_key.as_str());
        if ring.find(id, session.key_id).is_some() || hex.is_empty() {
            continue;
        }
        match public_key(hex) {
            Some(key) => ring.add(id, session.key_id, key),
            None => problems.push(format!(
                "session {id} {}: `public_key` is no Ed25519 key; `portcullis keygen` makes a pair",
                session.name
            )),
        }
    }
    if problems.is_empty() {
        problems = shared_by_two_people(firm.sessions(), &ring);
        if firm.lacks_two_people() {
            problems.push(
                "loosening takes two people, and all sessions of role risk have one key or person; give another \
                 one its own key, or say `two_person = false` in [firm]"
                    .to_owned(),
            );
        }
    }
    if problems.is_empty() {
        Ok(ring)
    } else {
        Err(problems)
    }
}

/// Who counts as two people must not be one behind the keys: whoever holds a key of both could approve what he
/// proposed. A sentence for each pair.
pub(crate) fn shared_by_two_people(sessions: &[DefineSession], ring: &KeyRing) -> Vec<String> {
    pairs_of_people(sessions)
        .filter(|(one, other)| ring.have_a_key_in_common(one.session_id, other.session_id))
        .map(|(one, other)| {
            format!(
                "session {} {} and session {} {} count as two people and have a key in common; take it out of \
                 one of the files, or name the same `person` for both and start with --apply-config",
                one.session_id, one.name, other.session_id, other.name
            )
        })
        .collect()
}

fn load_file(
    firm: &mut Firm,
    file: &KeyFile,
    data: &Path,
    ring: &mut KeyRing,
) -> Result<(), String> {
    let path = data.join(&file.path);
    let text = fs::read_to_string(&path).map_err(|error| {
        let stem = path.with_extension("");
        format!(
            "session {} {}: cannot read {}: {error}; `portcullis keygen {}` makes it",
            file.session_id,
            file.name,
            path.display(),
            stem.display()
        )
    })?;
    let usual = firm
        .sessions()
        .iter()
        .find(|session| session.session_id == file.session_id)
        .map_or(1, |session| session.key_id);
    let mut keys: Vec<u32> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let wrong = |what: &str| format!("{} line {number}: {what}", path.display());
        let (key_id, hex) = match line.split_once(char::is_whitespace) {
            Some((id, hex)) => {
                let id = id.parse().map_err(|_| {
                    wrong("before the key stands a number, as in `2 64-HEX-DIGITS`")
                })?;
                (id, hex.trim())
            }
            None => (
                keys.last().map_or(usual, |last| last.saturating_add(1)),
                line,
            ),
        };
        let key = public_key(hex).ok_or_else(|| {
            wrong("not the 64 hexadecimal digits of an Ed25519 public key; copy them from the .pub file that keygen wrote")
        })?;
        if keys.contains(&key_id) {
            return Err(wrong("another key of the session has this number"));
        }
        if keys.is_empty() {
            firm.set_public_key(file.session_id, hex)
                .map_err(|problem| format!("{}: {problem}", path.display()))?;
            firm.set_key_id(file.session_id, key_id);
        }
        keys.push(key_id);
        ring.add(file.session_id, key_id, key);
    }
    if keys.is_empty() {
        return Err(format!(
            "{} holds no key: session {} {} could never log on; `portcullis keygen` makes one",
            path.display(),
            file.session_id,
            file.name
        ));
    }
    Ok(())
}
