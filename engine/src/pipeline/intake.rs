//! Owns the records between the engine and the writer: the ring, and behind it memory that takes what the
//! ring can't while the disk is busy. Leaves out writing (see `writer_thread`).
//!
//! As long as the writer keeps up, it takes records from the ring itself and nobody else looks. When the
//! ring is half full (a sync takes long, or the disk stands still) the engine wakes the relief, which
//! moves records into the memory until the writer is back. So a frozen disk stops the engine only when
//! the memory is full too, and the ring itself stays small enough for the cache. (One that freezes under a
//! batch of the gateway's loop stops that loop, and the engine in it.)
//!
//! Invariant: what is in the memory is older than what is in the ring.

use super::Shared;
use super::doors::EngineWaker;
use super::engine_loop::Recorded;
use super::rings::Consumer;
use super::sink::{Sink, SinkError};
use super::wait::Bed;
use crate::record::{MAX_RECORD, decode_record, encode_record};
use crate::table::room_for;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// First template id of commands that the server makes itself.
const FIRST_OWN_TEMPLATE: u16 = 300;
/// Bytes in front of each record in the memory: its sequence and its length.
const PREFIX: usize = 12;
/// How often the relief looks while the writer is away.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// How often it looks for itself: a net under the wake-ups, not a means.
const NAP: Duration = Duration::from_millis(100);

/// Where the writer gets its records. The engine has its end of the ring and never takes this lock; who writes
/// does, and that may be the gateway's loop in which it turns.
#[derive(Debug)]
pub(super) struct Intake {
    inner: Mutex<Inner>,
    /// Records, of the largest size, that the memory still takes; changed under the lock only.
    memory_room: AtomicUsize,
    /// Whether the writer should come at once although no reply waits for it.
    urgent: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    ring: Consumer<Recorded>,
    memory: Memory,
}

impl Intake {
    /// The ring, with `bytes` of memory behind it; the memory is taken and touched.
    pub(super) fn new(ring: Consumer<Recorded>, bytes: usize) -> Self {
        let memory = Memory::new(bytes);
        Self {
            memory_room: AtomicUsize::new(memory.room()),
            urgent: AtomicBool::new(false),
            inner: Mutex::new(Inner { ring, memory }),
        }
    }

    /// Records that the memory still takes, at least, without a lock. While the relief moves one it may
    /// count that one twice, here and in the ring: good enough for `Busy`, and nothing else asks.
    pub(super) fn memory_room(&self) -> usize {
        self.memory_room.load(Ordering::Relaxed)
    }

    /// Asks the writer to come at once: wake it behind this.
    pub(super) fn hurry(&self) {
        self.urgent.store(true, Ordering::Relaxed);
    }

    /// Whether the writer was asked to come at once and has not, or could not take everything.
    pub(super) fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    /// Gives `sink` what has gathered, as much as fits one batch and no more than `most` records; returns
    /// their number.
    pub(super) fn fill(&self, sink: &mut dyn Sink, most: usize) -> Result<usize, SinkError> {
        self.urgent.store(false, Ordering::Relaxed);
        let mut inner = self.inner.lock();
        let mut bytes = [0; MAX_RECORD];
        let mut gathered = 0_usize;
        while gathered < most
            && sink.has_room_for(MAX_RECORD)
            && let Some((seq, record)) = inner.memory.front()
        {
            sink.push(seq, record)?;
            inner.memory.advance();
            gathered += 1;
        }
        self.memory_room
            .store(inner.memory.room(), Ordering::Relaxed);
        // A batch ends with the ring's contents as they were, lest a steady stream never be synced.
        let most = most.min(gathered.saturating_add(inner.ring.capacity()));
        while gathered < most && inner.memory.is_empty() && sink.has_room_for(MAX_RECORD) {
            let Some(recorded) = inner.ring.pop() else {
                break;
            };
            let record = encode(&recorded, &mut bytes)?;
            sink.push(recorded.0.seq, record)?;
            gathered += 1;
        }
        if gathered == most || !sink.has_room_for(MAX_RECORD) {
            self.hurry();
        }
        Ok(gathered)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.inner.lock();
        inner.memory.is_empty() && inner.ring.is_empty()
    }

    /// Bytes in the memory.
    pub(super) fn waiting_bytes(&self) -> u64 {
        self.inner.lock().memory.len() as u64
    }

    /// Moves records from the ring into the memory while both allow it; false when the writer has them
    /// in hand, or the memory is full.
    fn relieve(&self) -> Result<bool, SinkError> {
        let Some(mut inner) = self.inner.try_lock() else {
            return Ok(false);
        };
        let mut bytes = [0; MAX_RECORD];
        let mut moved = false;
        while inner.memory.has_room_for(MAX_RECORD) {
            let Some(recorded) = inner.ring.pop() else {
                break;
            };
            let record = encode(&recorded, &mut bytes)?;
            inner.memory.push(recorded.0.seq, record);
            self.memory_room
                .store(inner.memory.room(), Ordering::Relaxed);
            moved = true;
        }
        Ok(moved)
    }

    fn is_crowded(&self) -> bool {
        self.inner
            .try_lock()
            .is_some_and(|inner| inner.ring.len() > inner.ring.capacity() / 2)
    }
}

fn encode<'a>(
    (input, decision): &Recorded,
    bytes: &'a mut [u8; MAX_RECORD],
) -> Result<&'a [u8], SinkError> {
    let length = encode_record(input, decision, bytes);
    // What the server itself makes has not come through the decoder: better to stop here than to leave a
    // journal that can't be read back. Elsewhere only tests pay for the look.
    if cfg!(debug_assertions) || input.command.layout().template_id >= FIRST_OWN_TEMPLATE {
        decode_record(&bytes[..length]).map_err(|error| {
            SinkError(format!(
                "a record that can't be read back was not written: {error}"
            ))
        })?;
    }
    Ok(&bytes[..length])
}

/// Moves records out of the ring while the writer is at the disk, until the writer has ended.
pub(super) fn relief(intake: &Intake, shared: &Shared, bed: &Bed, engine: &EngineWaker) {
    while !shared.writer_ended.load(Ordering::Acquire) {
        match intake.relieve() {
            Ok(true) => {
                engine.wake();
                bed.sleep(LOOK_AGAIN, || false);
            }
            Ok(false) => bed.sleep(NAP, || {
                intake.is_crowded() || shared.writer_ended.load(Ordering::Acquire)
            }),
            Err(error) => {
                shared.watermarks.fail(error.to_string());
                engine.wake();
                return;
            }
        }
    }
}

/// Records in order, one behind the other; the room of those taken is used again once all are.
#[derive(Debug)]
struct Memory {
    bytes: Vec<u8>,
    front: usize,
    most: usize,
}

impl Memory {
    fn new(most: usize) -> Self {
        let mut bytes = Vec::new();
        room_for(&mut bytes, most);
        Self {
            bytes,
            front: 0,
            most,
        }
    }

    fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.front)
    }

    fn is_empty(&self) -> bool {
        self.front == self.bytes.len()
    }

    fn has_room_for(&self, length: usize) -> bool {
        self.free() >= PREFIX.saturating_add(length)
    }

    /// Records of the largest size that there is room for.
    fn room(&self) -> usize {
        self.free() / (PREFIX + MAX_RECORD)
    }

    fn free(&self) -> usize {
        self.most.saturating_sub(self.bytes.len())
    }

    fn push(&mut self, seq: u64, record: &[u8]) {
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&seq.to_le_bytes());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record);
    }

    fn front(&self) -> Option<(u64, &[u8])> {
        let rest = self.bytes.get(self.front..)?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        Some((u64::from_le_bytes(*seq), rest.get(..length)?))
    }

    fn advance(&mut self) {
        let Some((_, record)) = self.front() else {
            return;
        };
        self.front = self
            .front
            .saturating_add(PREFIX)
            .saturating_add(record.len());
        if self.is_empty() {
            self.bytes.clear();
            self.front = 0;
        }
    }
}

/// Starts the relief where there is memory for it.
pub(super) fn spawn_relief(
    intake: &Arc<Intake>,
    shared: &Arc<Shared>,
    bed: &Arc<Bed>,
    engine: EngineWaker,
) -> std::io::Result<()> {
    if intake.inner.lock().memory.most == 0 {
        return Ok(());
    }
    let (intake, shared) = (Arc::clone(intake), Arc::clone(shared));
    let bed = Arc::clone(bed);
    // It ends with the writer and holds nothing that must be given back: nobody waits for it.
    super::spawn(
        "relief",
        |_| {},
        move || relief(&intake, &shared, &bed, &engine),
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_gives_back_what_it_got_in_order_and_starts_anew_when_it_is_empty() {
        let mut memory = Memory::new(100);
        let capacity = memory.bytes.capacity();
        for round in 0..10_u64 {
            assert!(memory.has_room_for(30));
            memory.push(round, &[1; 30]);
            memory.push(round + 1, &[2; 20]);
            assert!(!memory.has_room_for(30));
            assert_eq!(memory.front(), Some((round, &[1; 30][..])));
            memory.advance();
            assert_eq!(memory.front(), Some((round + 1, &[2; 20][..])));
            memory.advance();
            assert!(memory.is_empty() && memory.front().is_none());
        }
        assert_eq!(memory.bytes.capacity(), capacity);
    }
}
