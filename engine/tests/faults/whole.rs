//! Owns journals that are whole, cleanly stopped, and about to be damaged: their making, and the
//! judgement of what a start makes of the damage.

use engine::journal::sim::SimFiles;
use engine::journal::{
    JournalWriter, Options, Position, PushError, RecoveryError, SegmentId, Verdict,
};

use crate::life::{NOW, options};
use crate::promise::{Breach, Found, Promise};
use crate::tally::Tally;

/// A cleanly stopped journal.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) files: SimFiles,
    pub(crate) promise: Promise,
    /// Names of its segments.
    pub(crate) names: Vec<String>,
    pub(crate) segment_bytes: usize,
    /// Just past the last frame; zeros follow.
    end: Position,
}

impl Whole {
    /// So many segments of `segment_bytes`, the last one begun. `watch` sees the files on the way.
    pub(crate) fn new(
        segments: u64,
        segment_bytes: u64,
        epoch: u64,
        mut watch: impl FnMut(&SimFiles),
    ) -> Self {
        let files = SimFiles::new(segments);
        let options = Options {
            segment_bytes,
            batch_bytes_max: u32::try_from(segment_bytes / 8).unwrap(),
            epoch,
            ..options()
        };
        let mut writer = JournalWriter::create(files.clone(), options).unwrap();
        let mut promise = Promise::default();
        while writer.head().0.segment < SegmentId(segments)
            || writer.room().segment_bytes > segment_bytes / 2
        {
            for _ in 0..segment_bytes / 1024 {
                let sequence = writer.next_sequence();
                let record = promise.next_record().to_vec();
                if writer.push(sequence, &record) == Err(PushError::BatchFull) {
                    promise.may_end_at(sequence - 1);
                    writer.write_batch(NOW).unwrap();
                    writer.push(sequence, &record).unwrap();
                }
            }
            promise.may_end_at(promise.pushed());
            writer.write_batch(NOW).unwrap();
            watch(&files);
        }
        writer.clean_stop(NOW).unwrap();
        promise.needed = promise.pushed();
        let Ok(Found::Journal(_, scan)) = promise.check(&files, promise.needed) else {
            panic!("the journal is not whole before it is damaged");
        };
        let end = scan.end().position;
        drop(scan);
        Self {
            files,
            promise,
            names: (1..=segments).map(|id| SegmentId(id).file_name()).collect(),
            segment_bytes: usize::try_from(segment_bytes).unwrap(),
            end,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.names.len() * self.segment_bytes
    }

    /// What a start makes of the journal, whose first changed byte is `offset` of segment `id`: it
    /// refuses and names that place or one before it in the same segment, or, behind the end, all
    /// records are there and the start reports what it cuts. What has been replaced by something whole
    /// (`foreign`) may first show where the old goes on, in that segment or at the start of the next.
    pub(crate) fn judge(
        &self,
        (id, offset): (u64, usize),
        foreign: bool,
        tally: &mut Tally,
    ) -> Result<(), Breach> {
        let place = Position {
            segment: SegmentId(id),
            offset: u64::try_from(offset).unwrap(),
        };
        match self.promise.check(&self.files, self.promise.needed)? {
            Found::Error(RecoveryError::Refused(refusal)) => {
                let named = refusal.position();
                let before = named.segment == place.segment && named.offset <= place.offset;
                let behind = named.segment == place.segment
                    || (named.segment == place.segment.next() && named.offset == 0);
                if !(before || (foreign && behind)) {
                    return Err(Breach::Refused(format!("{place} was damaged: {refusal}")));
                }
                tally.count("refused with their place");
                Ok(())
            }
            Found::Journal(_, scan) if place >= self.end => match scan.verdict() {
                Verdict::TornTail(torn) if torn.position >= self.end => {
                    tally.count("behind the end, all records there, reported");
                    Ok(())
                }
                verdict @ (Verdict::Clean | Verdict::Unclean | Verdict::TornTail(_)) => Err(
                    Breach::Accepted(format!("{place} was damaged: {verdict:?}")),
                ),
            },
            Found::Journal(_, scan) => Err(Breach::Accepted(format!(
                "{place} was damaged: {:?}",
                scan.verdict()
            ))),
            other @ (Found::Nothing | Found::Error(_)) => {
                Err(Breach::Refused(format!("{place} was damaged: {other:?}")))
            }
        }
    }
}
