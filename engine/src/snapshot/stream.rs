//! Owns the way of a state into a file and back, piece by piece, in bounded memory: the whole state is
//! never held twice. Leaves out what stands before it (see `header`) and when it is due (see `clerk`).
//!
//! The encoding is bincode's, fixed-int little-endian, derived from the tables' own definitions: a field
//! that is added to a table can't be forgotten here. [`STATE_LAYOUT`](super::STATE_LAYOUT) is its version.

use super::header::HEADER_BYTES;
use crate::journal::StorageFile;
use crate::risk::RiskEngine;
use bincode::config::{Configuration, Fixint, LittleEndian, NoLimit};
use bincode::de::read::Reader;
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
use std::io;

/// How a state is encoded.
pub const CONFIG: Configuration<LittleEndian, Fixint, NoLimit> = bincode::config::standard()
    .with_little_endian()
    .with_fixed_int_encoding();

/// Bytes handled at a time.
const PIECE: usize = 256 * 1024;
/// Bytes written between two syncs: a sync of the journal beside them waits for no more than these.
const SYNC_EVERY: u64 = 4 << 20;

/// What a file holds of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) hash: [u8; 32],
}

/// Writes `state` behind the header's place; `pause` is called after each piece, so that whoever shares
/// the machine gets his turn.
pub(super) fn write<F: StorageFile>(
    file: &F,
    state: &impl Encode,
    pause: &mut dyn FnMut(),
) -> io::Result<Written> {
    let mut sink = Sink {
        file,
        hasher: blake3::Hasher::new(),
        piece: Vec::with_capacity(PIECE),
        bytes: 0,
        unsynced: 0,
        failure: None,
        pause,
    };
    let encoded = bincode::encode_into_writer(state, &mut sink, CONFIG);
    if let Some(failure) = sink.failure.take() {
        return Err(failure);
    }
    encoded.map_err(|error| io::Error::other(error.to_string()))?;
    sink.flush()?;
    Ok(Written {
        bytes: sink.bytes,
        hash: *sink.hasher.finalize().as_bytes(),
    })
}

struct Sink<'a, F> {
    file: &'a F,
    hasher: blake3::Hasher,
    piece: Vec<u8>,
    bytes: u64,
    unsynced: u64,
    failure: Option<io::Error>,
    pause: &'a mut dyn FnMut(),
}

impl<F: StorageFile> Sink<'_, F> {
    fn flush(&mut self) -> io::Result<()> {
        let offset = (HEADER_BYTES as u64).saturating_add(self.bytes);
        self.file.write_at(&self.piece, offset)?;
        self.hasher.update(&self.piece);
        let length = self.piece.len() as u64;
        self.bytes = self.bytes.saturating_add(length);
        self.unsynced = self.unsynced.saturating_add(length);
        self.piece.clear();
        if self.unsynced >= SYNC_EVERY {
            self.file.sync()?;
            self.unsynced = 0;
        }
        Ok(())
    }
}

impl<F: StorageFile> Writer for &mut Sink<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() < PIECE {
            return Ok(());
        }
        let flushed = self.flush();
        (self.pause)();
        flushed.map_err(|error| {
            self.failure = Some(error);
            EncodeError::Other("the disk refused")
        })
    }
}

/// The BLAKE3 of `bytes` bytes behind the header.
pub(super) fn hash(file: &impl StorageFile, bytes: u64) -> io::Result<[u8; 32]> {
    let mut source = Source::new(file, bytes);
    let mut hasher = blake3::Hasher::new();
    while source.fill()? {
        hasher.update(&source.piece);
        source.at = source.piece.len();
    }
    Ok(*hasher.finalize().as_bytes())
}

/// Reads a state of `bytes` bytes behind the header. The caller has compared their hash.
pub(super) fn read<T: Decode<()>>(
    file: &impl StorageFile,
    bytes: u64,
) -> Result<T, Box<dyn std::error::Error>> {
    let mut source = Source::new(file, bytes);
    let state = bincode::decode_from_reader(&mut source, CONFIG)?;
    if source.left > 0 || source.at < source.piece.len() {
        return Err("bytes are left over behind the state".into());
    }
    Ok(state)
}

/// The encoded state of an engine: what a snapshot's file holds of it.
///
/// # Errors
/// None is known; the encoder's own words.
pub fn engine_bytes(engine: &RiskEngine) -> Result<Vec<u8>, EncodeError> {
    bincode::encode_to_vec(engine, CONFIG)
}

/// The engine that [`engine_bytes`] was made of, with the memory of a firm of its size.
///
/// # Errors
/// What is wrong with the bytes, bytes left over included.
pub fn engine_from(bytes: &[u8]) -> Result<RiskEngine, DecodeError> {
    let (mut engine, used): (RiskEngine, usize) = bincode::decode_from_slice(bytes, CONFIG)?;
    if used != bytes.len() {
        return Err(DecodeError::Other("bytes are left over behind the state"));
    }
    engine.make_room();
    Ok(engine)
}

struct Source<'a, F> {
    file: &'a F,
    offset: u64,
    left: u64,
    piece: Vec<u8>,
    at: usize,
}

impl<'a, F: StorageFile> Source<'a, F> {
    fn new(file: &'a F, bytes: u64) -> Self {
        Self {
            file,
            offset: HEADER_BYTES as u64,
            left: bytes,
            piece: Vec::new(),
            at: 0,
        }
    }

    /// The next piece; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(PIECE);
        self.piece.resize(length, 0);
        self.at = 0;
        if length == 0 {
            return Ok(false);
        }
        if self.file.read_at(&mut self.piece, self.offset)? != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset = self.offset.saturating_add(length as u64);
        self.left = self.left.saturating_sub(length as u64);
        Ok(true)
    }
}

impl<F: StorageFile> Reader for &mut Source<'_, F> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        let mut filled = 0_usize;
        while filled < bytes.len() {
            if self.at == self.piece.len() {
                let more = self.fill().map_err(|inner| DecodeError::Io {
                    inner,
                    additional: bytes.len().saturating_sub(filled),
                })?;
                if !more {
                    return Err(DecodeError::UnexpectedEnd {
                        additional: bytes.len().saturating_sub(filled),
                    });
                }
            }
            let rest = &self.piece[self.at..];
            let take = rest.len().min(bytes.len().saturating_sub(filled));
            let end = filled.saturating_add(take);
            bytes[filled..end].copy_from_slice(&rest[..take]);
            self.at = self.at.saturating_add(take);
            filled = end;
        }
        Ok(())
    }
}
