//! Owns what is done with the journal behind the engine, from durable records only: snapshots, seals of
//! finished segments, heads of the chain, and the removal of what is old. Leaves out the records
//! themselves (see `follower`) and the thread (see `pipeline::follower_thread`).
//!
//! Nothing here may stop the journal: what fails is told, and tried again later.

mod duties;
mod retention;

pub use duties::{Duties, Retention};

use crate::command::{Command, SegmentsRemoved};
use crate::follower::Follower;
use crate::journal::{Build, End, Head, Heads, Seal, Seals, SegmentId, Storage, segments};
use crate::snapshot::{SnapshotError, Snapshots};
use std::io;

/// Time between two heads while records come, in nanoseconds.
const HEAD_EVERY_NS: u64 = 60_000_000_000;
/// So many snapshots are left out at most while the copy has fallen behind.
const SNAPSHOTS_LATE: u64 = 8;
/// Records between two snapshots after one that failed.
const RETRY_AFTER: u64 = 100_000;

/// What the clerk has to say to whoever runs the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// It did something.
    Done(String),
    /// It could not do something: worth a look at the disk.
    Failed(String),
    /// A command of the server itself is due.
    Enter(Command),
}

/// The follower's other work.
pub trait Clerk: Send + 'static {
    /// Called often, between two frames, with everything before `end` applied to `copy`, which stands `behind`
    /// records behind what is durable.
    fn attend(
        &mut self,
        copy: &Follower,
        behind: u64,
        end: &End,
        now_ns: u64,
        pause: &mut dyn FnMut(),
    );

    /// Called once when the pipeline stops cleanly and everything is applied.
    fn close(&mut self, copy: &Follower, end: &End, now_ns: u64);

    /// The journal says that these segments are to go; it is durable that it says so.
    fn remove(&mut self, removed: &SegmentsRemoved);

    /// What there is to say, oldest first.
    fn notices(&mut self) -> Vec<Notice>;
}

/// The clerk of the journal of this machine.
#[derive(Debug)]
pub struct JournalClerk<S> {
    storage: S,
    build: Build,
    duties: Duties,
    seals: Option<Seals<S>>,
    heads: Option<Heads>,
    notices: Vec<Notice>,
    /// Record after which a snapshot is due; `None` until the first look.
    snapshot_due: Option<u64>,
    snapshot_at: u64,
    segment: Option<SegmentId>,
    head_at_ns: u64,
    head_sequence: u64,
    /// A removal has been asked for and is not journalled yet.
    asked: bool,
}

impl<S: Storage> JournalClerk<S> {
    /// For the journal in `storage`, written by `build`.
    #[must_use]
    pub fn new(storage: S, build: Build, duties: Duties) -> Self {
        Self {
            seals: duties
                .signing_key
                .clone()
                .map(|key| Seals::new(storage.clone(), key)),
            heads: duties
                .heads
                .clone()
                .map(|path| Heads::new(path, duties.signing_key.clone())),
            storage,
            build,
            duties,
            notices: Vec::new(),
            snapshot_due: None,
            snapshot_at: 0,
            segment: None,
            head_at_ns: 0,
            head_sequence: 0,
            asked: false,
        }
    }

    fn snapshot(&mut self, copy: &Follower, end: &End, pause: &mut dyn FnMut()) {
        let snapshots = Snapshots::new(self.storage.clone());
        match snapshots.make(copy, &end.place(), self.build, pause) {
            Ok(header) => {
                self.snapshot_at = header.sequence;
                self.snapshot_due =
                    Some(header.sequence.saturating_add(self.duties.snapshot_every));
                self.notices.push(Notice::Done(format!(
                    "snapshot after record {}, {} bytes",
                    header.sequence, header.state_bytes
                )));
            }
            Err(SnapshotError::NotStarted) => {}
            Err(error) => {
                self.snapshot_due = Some(copy.seq().saturating_add(RETRY_AFTER));
                self.notices
                    .push(Notice::Failed(format!("no snapshot: {error}")));
            }
        }
    }

    /// Counted from the newest snapshot and not from the start: a server that is killed again and again
    /// must not decide an ever longer past.
    fn first_due(&self) -> u64 {
        let snapshots = Snapshots::new(self.storage.clone());
        // What can't be listed now is told when the snapshot is made.
        let found = snapshots.found().unwrap_or_default();
        let newest = found.iter().find_map(|found| found.header.ok());
        newest
            .map_or(0, |header| header.sequence)
            .saturating_add(self.duties.snapshot_every)
    }

    fn head(&mut self, end: &End, now_ns: u64) {
        let Some(heads) = &self.heads else { return };
        let head = Head {
            time_ns: now_ns,
            position: end.position,
            sequence: end.next_sequence.saturating_sub(1),
            chain: end.chain,
        };
        self.head_at_ns = now_ns;
        self.head_sequence = end.next_sequence;
        if let Err(error) = heads.append(&head) {
            let place = heads.path().display();
            self.notices
                .push(Notice::Failed(format!("no chain head in {place}: {error}")));
        }
    }

    /// Seals what an earlier run has finished and left without, or its start has. For a journal that is
    /// open, whose last segment is durably there, and that nobody writes into meanwhile.
    pub fn begin(&mut self, now_ns: u64) {
        match segments(&self.storage) {
            Ok(all) => {
                for segment in &all {
                    if let Err(error) = Seal::load(&self.storage, *segment) {
                        let name = segment.seal_name();
                        self.notices.push(Notice::Failed(format!(
                            "{name} is damaged ({error}): removed by hand, it is made anew at the next start"
                        )));
                    }
                }
                if let Some(current) = all.last() {
                    self.seal_before(*current, now_ns);
                }
            }
            Err(error) => self.not_sealed(&error),
        }
    }

    fn seal_before(&mut self, current: SegmentId, now_ns: u64) {
        if let Some(seals) = &self.seals
            && let Err(error) = seals.seal_before(current, now_ns)
        {
            self.not_sealed(&error);
        }
    }

    fn not_sealed(&mut self, error: &io::Error) {
        self.notices
            .push(Notice::Failed(format!("a segment was not sealed: {error}")));
    }

    /// A segment has been left: it will not change any more.
    fn rolled(&mut self, end: &End, now_ns: u64) {
        self.seal_before(end.position.segment, now_ns);
        if self.asked {
            return;
        }
        match retention::due(&self.storage, &self.duties.retention, end, now_ns) {
            Ok(Some(removed)) => {
                self.asked = true;
                let command = Command::SegmentsRemoved(removed);
                self.notices.push(Notice::Enter(command));
            }
            Ok(None) => {}
            Err(error) => self.notices.push(Notice::Failed(format!(
                "old segments were not looked at: {error}"
            ))),
        }
    }
}

/// Whether a snapshot that is due after record `due` is made after `seq`. A copy falls behind while it makes one:
/// where the next would be due before it is up again, it goes on first, but not for good.
const fn is_time(seq: u64, due: u64, behind: u64, every: u64) -> bool {
    let late = due.saturating_add(every.saturating_mul(SNAPSHOTS_LATE));
    seq >= due && (behind < every || seq >= late)
}

impl<S: Storage> Clerk for JournalClerk<S> {
    fn attend(
        &mut self,
        copy: &Follower,
        behind: u64,
        end: &End,
        now_ns: u64,
        pause: &mut dyn FnMut(),
    ) {
        if self.segment != Some(end.position.segment) {
            self.segment = Some(end.position.segment);
            self.rolled(end, now_ns);
            self.head(end, now_ns);
        } else if now_ns.saturating_sub(self.head_at_ns) >= HEAD_EVERY_NS
            && end.next_sequence != self.head_sequence
        {
            self.head(end, now_ns);
        }
        if self.duties.snapshot_every == 0 {
            return;
        }
        let due = match self.snapshot_due {
            Some(due) => due,
            None => self.first_due(),
        };
        self.snapshot_due = Some(due);
        if is_time(copy.seq(), due, behind, self.duties.snapshot_every) {
            self.snapshot(copy, end, pause);
        }
    }

    fn close(&mut self, copy: &Follower, end: &End, now_ns: u64) {
        // Once more what could not be sealed when it was left.
        self.seal_before(end.position.segment, now_ns);
        self.head(end, now_ns);
        if self.duties.snapshot_every > 0 && self.snapshot_at < copy.seq() {
            self.snapshot(copy, end, &mut || {});
        }
    }

    fn remove(&mut self, removed: &SegmentsRemoved) {
        self.asked = false;
        let outcome = retention::remove(&self.storage, removed);
        self.notices.push(match outcome {
            Ok(count) => Notice::Done(format!(
                "{count} segments up to {} removed, as the journal says",
                SegmentId(removed.last_segment)
            )),
            Err(error) => Notice::Failed(format!("old segments were not removed: {error}")),
        });
    }

    fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_has_fallen_behind_goes_on_before_it_makes_a_snapshot_but_not_for_good() {
        assert!(!is_time(99, 100, 0, 10));
        assert!(is_time(100, 100, 0, 10) && is_time(100, 100, 9, 10));
        assert!(!is_time(100, 100, 10, 10) && !is_time(179, 100, 1_000, 10));
        assert!(is_time(180, 100, 1_000, 10));
    }
}
