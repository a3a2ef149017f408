//! Owns where a session's past is read again from: the nearest snapshot before it, else the journal's
//! first record; and how far back that goes once old segments have been removed. Leaves out deciding the
//! records.

use crate::follower::{Follower, RecordSource};
use crate::journal::{SegmentId, Storage, Tail, segments};
use crate::pipeline::{JournalTail, Kept, Reach};
use crate::snapshot::Snapshots;

/// What the journal in `storage` offers to those who look back.
pub(super) fn kept<S: Storage>(storage: S) -> Kept
where
    Tail<S>: Send,
{
    let same = storage.clone();
    Kept {
        open: Box::new(move |session_id, from| before(&same, session_id, from)),
        reach: Box::new(move |known| reach(&storage, known)),
    }
}

/// From which message of each session on the past can be read again: all of it, as long as the journal's
/// first segment is there; else what the oldest snapshot that can be used leaves.
///
/// # Errors
/// A sentence: neither is there, or the directory can't be read.
fn reach<S: Storage>(storage: &S, known: &Reach) -> Result<Reach, String> {
    let failed = |error: std::io::Error| error.to_string();
    if begins_with_the_first(storage)? {
        return Ok(Reach::default());
    }
    let snapshots = Snapshots::new(storage.clone());
    for found in snapshots.found().map_err(failed)?.into_iter().rev() {
        if found.name == known.snapshot {
            return Ok(known.clone());
        }
        let Ok(restored) = snapshots.read(&found) else {
            continue;
        };
        let engine = restored.into_engine();
        let mut first: Vec<(u32, u64)> = engine
            .sessions()
            .map(|session| (session.session_id, session.next_out_seq_no))
            .collect();
        first.sort_unstable();
        return Ok(Reach {
            snapshot: found.name,
            first,
        });
    }
    Err("old segments have been removed, and no snapshot can be used".to_owned())
}

fn begins_with_the_first<S: Storage>(storage: &S) -> Result<bool, String> {
    let all = segments(storage).map_err(|error| error.to_string())?;
    Ok(all.first() == Some(&SegmentId::FIRST))
}

/// A copy as it was before message `from` of a session was sent, and the records that follow.
///
/// # Errors
/// A sentence: nothing from before that message is kept any more, or it can't be read.
fn before<S: Storage>(
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
    if begins_with_the_first(storage)? {
        let tail = JournalTail::new(storage.clone(), 0);
        return Ok((Follower::new(), Box::new(tail)));
    }
    Err(format!(
        "the records that caused message {from} of session {session_id} have been removed"
    ))
}
