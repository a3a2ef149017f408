//! The mark that a server leaves in the journal's directory when it can't go on, and the next start's word
//! about it. Best effort: the disk that has just failed may refuse this too, or never answer.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// How long the disk may take for the mark.
const PATIENCE: Duration = Duration::from_secs(1);

/// The file `failed`.
#[derive(Debug)]
pub(crate) struct Mark(PathBuf);

impl Mark {
    pub(crate) fn of(journal: &Path) -> Self {
        Self(journal.join("failed"))
    }

    /// Says how the last run ended, if it could say so.
    pub(crate) fn report(&self) {
        if let Ok(cause) = fs::read_to_string(&self.0) {
            let cause = cause.trim_end();
            tracing::warn!(cause, "the last run could not go on");
        }
    }

    /// The journal has been read and gone on with: the mark has been told.
    pub(crate) fn clear(&self) {
        // Most often there is none.
        drop(fs::remove_file(&self.0));
    }

    pub(crate) fn set(&self, cause: &str) {
        let (done, answer) = mpsc::channel();
        let (path, text) = (self.0.clone(), format!("{cause}\n"));
        // On a thread of its own, which a disk that never answers may keep.
        let writing = std::thread::Builder::new()
            .name("portcullis-mark".to_owned())
            .spawn(move || {
                let written = fs::File::create(&path).and_then(|mut file| {
                    file.write_all(text.as_bytes())
                        .and_then(|()| file.sync_all())
                });
                let _gone = done.send(written.is_ok());
            });
        if writing.is_err() || answer.recv_timeout(PATIENCE) != Ok(true) {
            tracing::warn!(mark = %self.0.display(), "the disk did not take the mark");
        }
    }
}
