//! Public keys of a firm's sessions, read from the files that the configuration names.

use engine::firm::Firm;
use std::fs;
use std::path::Path;

/// Reads every key file of the firm, relative to the data directory.
///
/// # Errors
/// One sentence a key that can't be read, each with the way out.
pub(crate) fn load(firm: &mut Firm, data: &Path) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    for file in firm.key_files.clone() {
        let path = data.join(&file.path);
        let read = fs::read_to_string(&path).map_err(|error| {
            let stem = path.with_extension("");
            format!(
                "session {} {}: cannot read {}: {error}; `portcullis keygen {}` makes it",
                file.session_id,
                file.name,
                path.display(),
                stem.display()
            )
        });
        let set = read.and_then(|hex| {
            firm.set_public_key(file.session_id, &hex)
                .map_err(|problem| format!("{}: {problem}", path.display()))
        });
        problems.extend(set.err());
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}
