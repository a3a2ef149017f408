//! Owns reading a whole journal that nobody is writing, from a segment to its
//! end, in bounded memory. Leaves out a live journal (`tail`) and the judgement
//! whether damage at the end is a torn tail (`recovery`): here all damage is an
//! error.

use super::batch::Frame;
use super::cursor::{Cursor, End, open_segment, start_of};
use super::error::{Defect, ReadError};
use super::format::SegmentId;
use super::segment::SegmentHeader;
use super::storage::{Storage, first_nonzero};

/// Bytes read at once.
const READ_AHEAD: usize = 1 << 20;

/// Reads frames one after another.
#[derive(Debug)]
pub struct Reader<S: Storage> {
    cursor: Cursor<S>,
}

impl<S: Storage> Reader<S> {
    /// Opens the journal at the first frame of `segment`; [`SegmentId::FIRST`] reads all of it.
    ///
    /// # Errors
    /// [`ReadError`] with the position, when the segment or its header is not as it must be.
    pub fn open(storage: S, segment: SegmentId) -> Result<Self, ReadError> {
        let mut cursor = Cursor::open(storage, segment)?;
        cursor.read_ahead(READ_AHEAD);
        Ok(Self { cursor })
    }

    /// The next frame, empty ones included; `None` at the end of the journal.
    ///
    /// # Errors
    /// [`ReadError`] with the position of the first thing that is wrong; every
    /// frame returned before it was whole, in order and in the chain.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        loop {
            if let Some(header) = self.cursor.peek()? {
                self.cursor.take(&header)?;
                return Ok(Some(self.cursor.frame(header)));
            }
            if let Err(stray) = self.expect_only_zeros() {
                // Written since the look before: the journal is being read beside its writer.
                if self.cursor.peek()?.is_some() {
                    continue;
                }
                return Err(stray);
            }
            if !self.has_later_segment()? {
                return Ok(None);
            }
            self.cursor.follow()?;
        }
    }

    /// Where the reader stands and what it knows there.
    #[must_use]
    pub fn end(&self) -> &End {
        self.cursor.end()
    }

    /// A frame is always followed by frames or by zeros to the segment's end.
    fn expect_only_zeros(&self) -> Result<(), ReadError> {
        let end = self.cursor.end();
        let stray = first_nonzero(self.cursor.file(), end.position.offset, end.segment.size)
            .map_err(ReadError::io(end.position))?;
        match stray {
            Some(first) => Err(self.cursor.damage(Defect::Stray { first })),
            None => Ok(()),
        }
    }

    /// Also true when the next one is missing but a later one is there: following
    /// it then names the missing one.
    fn has_later_segment(&self) -> Result<bool, ReadError> {
        let here = self.cursor.end().position;
        let segments = segments(self.cursor.storage()).map_err(ReadError::io(here))?;
        Ok(segments.last().is_some_and(|last| *last > here.segment))
    }
}

/// All segments of a journal in order.
///
/// # Errors
/// What the file system says.
pub fn segments(storage: &impl Storage) -> std::io::Result<Vec<SegmentId>> {
    let names = storage.list()?;
    let mut segments: Vec<_> = names
        .iter()
        .filter_map(|name| SegmentId::from_file_name(name))
        .collect();
    segments.sort_unstable();
    Ok(segments)
}

/// The header of a segment.
///
/// # Errors
/// [`ReadError`] when the segment or its header is not as it must be.
pub fn segment_header<S: Storage>(storage: &S, id: SegmentId) -> Result<SegmentHeader, ReadError> {
    open_segment(storage, id).map(|(_, header)| header)
}

/// When the first frame of a segment was written; `None` while it has none.
///
/// # Errors
/// [`ReadError`] when the segment or that frame is not as it must be.
pub fn first_time<S: Storage>(storage: &S, id: SegmentId) -> Result<Option<u64>, ReadError> {
    let mut cursor = Cursor::open(storage.clone(), id)?;
    Ok(cursor.peek()?.map(|header| header.time_ns))
}

/// The segment that holds `sequence`, or would hold it next; `None` when the
/// journal starts after it or has no segments. Where a reader begins behind a snapshot.
///
/// # Errors
/// [`ReadError`] when a header on the way cannot be read.
pub fn segment_holding<S: Storage>(
    storage: &S,
    sequence: u64,
) -> Result<Option<SegmentId>, ReadError> {
    let all = segments(storage).map_err(ReadError::io(start_of(SegmentId::FIRST)))?;
    for id in all.into_iter().rev() {
        let (_, header) = open_segment(storage, id)?;
        if header.first_sequence <= sequence {
            return Ok(Some(id));
        }
    }
    Ok(None)
}
