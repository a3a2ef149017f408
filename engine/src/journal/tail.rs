//! Owns following a journal while it is being written, up to what its writer
//! has published as durable. Leaves out how that watermark travels.
//!
//! Nothing beyond the watermark is even looked at: those bytes may be half
//! written. Everything up to it must be whole, so there damage is damage.

use super::batch::Frame;
use super::cursor::{Cursor, End};
use super::error::{Defect, ReadError};
use super::format::SegmentId;
use super::storage::{Storage, first_nonzero};

/// Follows a growing journal.
#[derive(Debug)]
pub struct Tail<S: Storage> {
    cursor: Cursor<S>,
}

/// What a follower gets.
#[derive(Debug, Clone, Copy)]
pub enum TailStep<'a> {
    /// The next frame that holds records, all of them durable.
    Frame(Frame<'a>),
    /// Everything durable has been read; ask again when the watermark has moved.
    NotYet,
}

impl<S: Storage> Tail<S> {
    /// Begins at the first frame of `segment`.
    ///
    /// # Errors
    /// [`ReadError`] when the segment or its header is not as it must be.
    pub fn open(storage: S, segment: SegmentId) -> Result<Self, ReadError> {
        let cursor = Cursor::open(storage, segment)?;
        Ok(Self { cursor })
    }

    /// The next frame of records, if all of it is at or below `durable`, the
    /// sequence the writer has published as durable.
    ///
    /// # Errors
    /// [`ReadError`]: what is durable cannot be read back.
    pub fn next_frame(&mut self, durable: u64) -> Result<TailStep<'_>, ReadError> {
        loop {
            if self.cursor.end().next_sequence > durable {
                return Ok(TailStep::NotYet);
            }
            // A durable record lies ahead, so whatever stands before it is whole too.
            let Some(header) = self.cursor.peek()? else {
                self.leave_segment()?;
                continue;
            };
            if header.last_sequence() > durable {
                return Ok(TailStep::NotYet);
            }
            self.cursor.take(&header)?;
            if header.count > 0 {
                return Ok(TailStep::Frame(self.cursor.frame(header)));
            }
        }
    }

    /// Where the follower stands and what it knows there.
    #[must_use]
    pub fn end(&self) -> &End {
        self.cursor.end()
    }

    /// The writer syncs a segment before it opens the next, so this one is final.
    fn leave_segment(&mut self) -> Result<(), ReadError> {
        let end = self.cursor.end();
        let stray = first_nonzero(self.cursor.file(), end.position.offset, end.segment.size)
            .map_err(ReadError::io(end.position))?;
        if let Some(first) = stray {
            return Err(self.cursor.damage(Defect::Stray { first }));
        }
        self.cursor.follow()
    }
}
