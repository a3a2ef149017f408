//! Owns how a writer comes to be: with a new journal, or where a recovered one
//! ends. Leaves out recovery itself and everything after the first frame.

use super::batch::Batch;
use super::cursor::first_frame_of;
use super::format::{ChainHash, FLAG_OPENED, FORMAT_VERSION, LOWEST_READER_VERSION, SegmentId};
use super::options::{Options, WriteError};
use super::recovery::{Recovered, is_leftover};
use super::segment::SegmentHeader;
use super::spare::SpareTask;
use super::storage::Storage;
use super::watermark::WATERMARK_FILE;
use super::writer::JournalWriter;

impl<S: Storage> JournalWriter<S> {
    /// Starts a new journal in an empty directory.
    ///
    /// # Errors
    /// [`WriteError::NotEmpty`] when there is one already; lock, options, disk.
    pub fn create(storage: S, options: Options) -> Result<Self, WriteError> {
        options.check()?;
        let lock = storage.lock()?;
        for name in storage.list()? {
            if SegmentId::from_file_name(&name).is_some() || name == WATERMARK_FILE {
                return Err(WriteError::NotEmpty(name));
            }
            if is_leftover(&name) {
                storage.remove(&name)?;
            }
        }
        let header = SegmentHeader {
            format_version: FORMAT_VERSION,
            lowest_reader_version: LOWEST_READER_VERSION,
            build: options.build,
            rules_version: options.rules_version,
            size: options.segment_bytes(),
            id: SegmentId::FIRST,
            first_sequence: options.first_sequence,
            epoch: options.epoch,
            previous: ChainHash::NONE,
        };
        let file = SpareTask::new(storage.clone(), header.size)
            .run()?
            .open_as(&storage, &header)?;
        storage.sync_directory()?;
        let before = options.first_sequence.saturating_sub(1);
        let mut writer = Self {
            storage,
            _lock: lock,
            options,
            file,
            position: first_frame_of(SegmentId::FIRST),
            segment_bytes: header.size,
            chain: header.chain_start(),
            batch: Batch::new(options.batch_bytes_max),
            written: before,
            durable: before,
            stated: before,
            unsynced: false,
            spare: None,
            failure: None,
        };
        writer.store_watermark()?;
        Ok(writer)
    }

    /// Goes on where a recovered journal ends, and says so in it: the first
    /// frame is empty, flagged as opened, in the new epoch, and synced.
    ///
    /// When the build or the rules version has changed a new segment begins,
    /// so that a segment's header speaks for all of it.
    ///
    /// # Errors
    /// [`WriteError::Epoch`], options, disk.
    pub fn resume(
        recovered: Recovered<S>,
        options: Options,
        now_ns: u64,
    ) -> Result<Self, WriteError> {
        options.check()?;
        let Recovered {
            storage,
            lock,
            file,
            end,
            ..
        } = recovered;
        if options.epoch < end.epoch {
            return Err(WriteError::Epoch {
                wanted: options.epoch,
                last: end.epoch,
            });
        }
        let last = end.next_sequence.saturating_sub(1);
        let mut writer = Self {
            storage,
            _lock: lock,
            options,
            file,
            position: end.position,
            segment_bytes: end.segment.size,
            chain: end.chain,
            batch: Batch::new(options.batch_bytes_max),
            written: last,
            // Recovery has rewritten and synced the last frame: no page left
            // over from a failed sync is trusted here.
            durable: last,
            stated: end.durable_up_to,
            unsynced: false,
            spare: None,
            failure: None,
        };
        let same_writer = end.segment.build == options.build
            && end.segment.rules_version == options.rules_version;
        if !same_writer {
            writer.roll()?;
        }
        writer.write_empty(FLAG_OPENED, now_ns)?;
        writer.sync()?;
        writer.store_watermark()?;
        Ok(writer)
    }
}
