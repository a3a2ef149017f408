//! Owns which old segments may go, and their going. Leaves out when it is looked at.
//!
//! A removal is a record first: it names the segments and the chain hash at their end, so that the chain
//! of what is left still begins somewhere that the journal itself vouches for. Only when that record is
//! durable are the files removed.

use super::duties::Retention;
use crate::command::SegmentsRemoved;
use crate::journal::{End, SegmentId, Storage, StorageFile, first_time, segment_header, segments};
use crate::snapshot::{STATE_LAYOUT, Snapshots};
use std::io;
use wire::Text;

/// What should go now; `None` for nothing.
pub(super) fn due<S: Storage>(
    storage: &S,
    retention: &Retention,
    end: &End,
    now_ns: u64,
) -> io::Result<Option<SegmentsRemoved>> {
    if *retention == Retention::default() {
        return Ok(None);
    }
    // Both snapshots must stand without the segment: one of them may turn out to be damaged.
    let covered: Vec<SegmentId> = Snapshots::new(storage.clone())
        .found()?
        .iter()
        .filter_map(|found| found.header.ok())
        // This build could not go on from another's.
        .filter(|header| header.layout == STATE_LAYOUT)
        .map(|header| header.place.position.segment)
        .collect();
    let [_, _, ..] = covered.as_slice() else {
        return Ok(None);
    };
    let needed = covered.iter().min().copied().unwrap_or(SegmentId::FIRST);
    let all = segments(storage)?;
    let mut sizes = Vec::with_capacity(all.len());
    for id in &all {
        sizes.push(storage.open(&id.file_name())?.length()?);
    }
    let mut left: u64 = sizes.iter().sum();
    let mut removed: Option<SegmentsRemoved> = None;
    for (id, bytes) in all.iter().zip(sizes) {
        if *id >= needed || *id >= end.position.segment {
            break;
        }
        let next = segment_header(storage, id.next()).map_err(io::Error::other)?;
        // All of a segment is older than the first frame of the next.
        let next_began = first_time(storage, id.next()).map_err(io::Error::other)?;
        let too_large = retention.keep_bytes.is_some_and(|keep| left > keep);
        let too_old = retention
            .keep_ns
            .zip(next_began)
            .is_some_and(|(keep, began)| now_ns.saturating_sub(began) > keep);
        if !too_large && !too_old {
            break;
        }
        left = left.saturating_sub(bytes);
        let so_far = removed.unwrap_or(SegmentsRemoved {
            first_segment: id.0,
            ..SegmentsRemoved::default()
        });
        removed = Some(SegmentsRemoved {
            last_segment: id.0,
            last_sequence: next.first_sequence.saturating_sub(1),
            bytes: so_far.bytes.saturating_add(bytes),
            chain: Text::new(&next.previous.to_string()),
            ..so_far
        });
    }
    Ok(removed)
}

/// Removes the segments that a record names; those gone already do not matter. Returns how many went.
///
/// Oldest first, each durably before the next: wherever the machine stops, what is left is a journal without
/// a gap, whose first segment the record covers. What an interrupted removal leaves, the next one takes.
pub(super) fn remove<S: Storage>(storage: &S, removed: &SegmentsRemoved) -> io::Result<u64> {
    let mut count = 0_u64;
    for id in segments(storage)? {
        if (removed.first_segment..=removed.last_segment).contains(&id.0) {
            storage.remove(&id.file_name())?;
            storage.sync_directory()?;
            count = count.saturating_add(1);
        }
    }
    Ok(count)
}
