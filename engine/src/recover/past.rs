//! Owns where a session's past is read again from: the nearest snapshot before it, else the journal's
//! first record. Leaves out deciding the records.

use crate::follower::{Follower, RecordSource};
use crate::journal::{SegmentId, Storage, Tail, segments};
use crate::pipeline::JournalTail;
use crate::snapshot::Snapshots;

/// A copy as it was before message `from` of a session was sent, and the records that follow.
///
/// # Errors
/// A sentence: nothing from before that message is kept any more, or it can't be read.
pub(super) fn before<S: Storage>(
    storage: &S,
    session_id: u32,
    from: u64,
) -> Result<(Follower, Box<dyn RecordSource>), String>
where
    Tail<S>: Send,
{
    let failed = |error: std::io::Error| error.to_string();
    let snapshots = Snapshots::new(storage.clone());
    for found in snapshots.found().map_err(failed)? {
        // One that can't be used is passed over: an older one, or the whole journal, tells the same.
        let Ok(restored) = snapshots.read(&found) else {
            continue;
        };
        let copy = Follower::restored(restored, 0);
        let session = copy
            .engine()
            .sessions()
            .find(|session| session.session_id == session_id);
        if session.is_none_or(|session| session.next_out_seq_no <= from) {
            let tail = JournalTail::new(storage.clone(), copy.seq());
            return Ok((copy, Box::new(tail)));
        }
    }
    if segments(storage).map_err(failed)?.first() == Some(&SegmentId::FIRST) {
        let tail = JournalTail::new(storage.clone(), 0);
        return Ok((Follower::new(), Box::new(tail)));
    }
    Err(format!(
        "the records that caused message {from} of session {session_id} have been removed"
    ))
}
