//! Owns the memory of the command that is being decided, so that a panic can say which one it was, and
//! the file that says it. Leaves out what is done about it: the gateway refuses that session until somebody
//! has looked at it.

use crate::command::Sequenced;
use crate::journal::Storage;
use crate::text::write_command;
use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};

const PREFIX: &str = "in-hand-";
const SUFFIX: &str = ".json";

thread_local! {
    static HAND: Cell<Option<Sequenced>> = const { Cell::new(None) };
}

/// The calling thread takes this command up.
pub(super) fn take_up(input: &Sequenced) {
    HAND.set(Some(*input));
}

/// The calling thread has decided what it took up, and goes on to something else.
pub(super) fn put_down() {
    HAND.set(None);
}

/// The file that blocks a session in a journal's directory, until it is released.
#[must_use]
pub fn in_hand_file(session_id: u32) -> String {
    format!("{PREFIX}{session_id}{SUFFIX}")
}

/// The sessions whose command was in hand when the engine broke, and who are not released yet.
///
/// # Errors
/// What the file system says.
pub fn sessions_in_hand<S: Storage>(storage: &S) -> io::Result<Vec<u32>> {
    let mut sessions: Vec<u32> = storage
        .list()?
        .iter()
        .filter_map(|name| {
            let id = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
            id.parse().ok()
        })
        .collect();
    sessions.sort_unstable();
    Ok(sessions)
}

/// Saves what this thread has in hand, if anything, for the next start and for whoever looks for the
/// cause; says where. Called while panicking: it does the least it can.
pub(super) fn save(journal: &Path, cause: &str) -> Option<PathBuf> {
    let input = HAND.take()?;
    let mut line = String::new();
    write_command(&input, &mut line);
    let path = journal.join(in_hand_file(input.session_id));
    let cause = serde_json::Value::from(cause);
    let text = format!("{{\"panic\":{cause},\"command\":{}}}\n", line.trim_end());
    std::fs::write(&path, text).ok()?;
    let file = std::fs::File::open(&path).ok()?;
    file.sync_all().ok()?;
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, TimePassed};

    #[test]
    fn what_was_put_down_is_not_blamed_for_what_comes_after() {
        let dir = tempfile::tempdir().expect("a directory");
        let input = Sequenced {
            seq: 1,
            t: 1,
            session_id: 7,
            in_seq_no: 1,
            busy: false,
            command: Command::TimePassed(TimePassed::default()),
        };
        take_up(&input);
        put_down();
        assert_eq!(save(dir.path(), "elsewhere"), None);
        take_up(&input);
        let path = save(dir.path(), "here").expect("it is saved");
        assert_eq!(path, dir.path().join(in_hand_file(7)));
    }
}
