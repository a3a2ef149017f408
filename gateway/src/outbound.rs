//! One logical session's outbound log: every message that the engine sent it, as frames, in order; and
//! the cursor with which a connection reads it. Owns what is retained, what may leave under the ack
//! policy's watermark, and how a message sent again is marked. Leaves out sockets.
//!
//! Invariant: entries are numbered without gaps from `first`, and their engineSeq never falls.

use std::collections::VecDeque;

use wire::codec::{self, HEADER_LEN, MAX_FRAME};
use wire::{
    Message, OrderAccepted, POSS_DUP, Reply, RoutedCancel, RoutedOrder, RoutedReplace, STALE,
};

/// Where `flags` stand in a frame: every sequenced message begins with them.
const FLAGS_AT: usize = HEADER_LEN;
/// Where `templateId` stands in a frame.
const TEMPLATE_AT: usize = 6;
/// Where `engineTime` stands in a frame: behind flags, seqNo and engineSeq.
const ENGINE_TIME_AT: usize = HEADER_LEN + 20;
/// Requests that a venue's adapter passes on.
const ROUTED: [u16; 3] = [
    RoutedOrder::LAYOUT.template_id,
    RoutedReplace::LAYOUT.template_id,
    RoutedCancel::LAYOUT.template_id,
];
/// Where `decisionNanos` stands in an OrderAccepted frame.
const DECISION_NANOS_AT: usize = HEADER_LEN + offset_in_accepted("decisionNanos");
/// The longest time that `decisionNanos` can tell; one more is its null.
const DECISION_NANOS_MAX: u64 = u32::MAX as u64 - 1;

const fn offset_in_accepted(name: &str) -> usize {
    let fields = OrderAccepted::LAYOUT.fields;
    let mut i = 0;
    while i < fields.len() {
        if same(fields[i].name.as_bytes(), name.as_bytes()) {
            return fields[i].offset;
        }
        i += 1;
    }
    panic!("OrderAccepted has the field")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The record that it results from.
    engine_seq: u64,
    /// Offset behind its last byte, counted from the beginning of time.
    end: u64,
    /// When the message that it accepts was received (monotonic); 0 for all others.
    received: u64,
}

/// How frames are marked when they leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// They were there before the connection.
    pub again: bool,
    /// Routed requests from before this time (nanoseconds since the epoch) are stale.
    pub stale_before: u64,
}

impl Marks {
    /// Marks the frame that begins at `start`.
    fn put(self, out: &mut [u8], start: usize) {
        let frame = &mut out[start..];
        if self.again {
            frame[FLAGS_AT] |= POSS_DUP.to_le_bytes()[0];
        }
        let template_id = u16::from_le_bytes([frame[TEMPLATE_AT], frame[TEMPLATE_AT + 1]]);
        if ROUTED.contains(&template_id) {
            let mut time = [0; 8];
            time.copy_from_slice(&frame[ENGINE_TIME_AT..ENGINE_TIME_AT + 8]);
            if u64::from_le_bytes(time) < self.stale_before {
                frame[FLAGS_AT] |= STALE.to_le_bytes()[0];
            }
        }
    }
}

/// Puts a reply behind `out` as one marked frame.
pub(crate) fn write_marked(reply: &Reply, marks: Marks, out: &mut Vec<u8>) {
    let mut frame = [0; MAX_FRAME];
    let len = encode(reply, &mut frame);
    let start = out.len();
    out.extend_from_slice(&frame[..len]);
    marks.put(out, start);
}

/// What of a session's outbound messages is still in memory.
#[derive(Debug)]
pub struct OutboundLog {
    first: u64,
    /// First message that may not leave yet.
    unreleased: u64,
    entries: VecDeque<Entry>,
    bytes: VecDeque<u8>,
    /// Offset of the first byte of `bytes`.
    base: u64,
    bytes_max: usize,
}

/// When frames leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic nanoseconds, as the times of receipt.
    pub monotonic: u64,
    /// Routed requests from before this time (nanoseconds since the epoch) are stale.
    pub stale_before: u64,
}

/// Where a connection reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Next message to be sent.
    pub next: u64,
    /// Messages below this were there before the connection: they go out marked as sent before.
    pub live_from: u64,
}

impl OutboundLog {
    /// An empty log whose next message is number `next`; what it keeps takes about `bytes_max` bytes,
    /// and what may not leave yet.
    #[must_use]
    pub const fn new(next: u64, bytes_max: usize) -> Self {
        Self {
            first: next,
            unreleased: next,
            entries: VecDeque::new(),
            bytes: VecDeque::new(),
            base: 0,
            bytes_max,
        }
    }

    /// Number of the first message retained; of the next one if there is none.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Number of the next message.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// First message that may not leave yet; [`OutboundLog::next`] if all may.
    #[must_use]
    pub const fn unreleased(&self) -> u64 {
        self.unreleased
    }

    /// Adds a message; `received` is when the message that it accepts came in, 0 where that is not
    /// known. The oldest messages make room.
    ///
    /// # Panics
    /// If the engine left out a number: nothing after it could be delivered.
    pub fn append(&mut self, reply: &Reply, received: u64) {
        let next = self.next();
        assert!(
            reply.seq_no() == next,
            "outbound message {} follows {next} in the log",
            reply.seq_no()
        );
        let received = match reply {
            Reply::OrderAccepted(_) => received,
            Reply::OrderRejected(_)
            | Reply::OrderReplaced(_)
            | Reply::OrderCancelled(_)
            | Reply::OrderFilled(_)
            | Reply::MassCancelReport(_)
            | Reply::BusinessReject(_)
            | Reply::NotApplied(_)
            | Reply::RiskEvent(_)
            | Reply::PositionReport(_)
            | Reply::AdminAck(_)
            | Reply::LimitReport(_)
            | Reply::OpenOrderReport(_)
            | Reply::StateReport(_)
            | Reply::SessionReport(_)
            | Reply::RoomReport(_)
            | Reply::ProposalReport(_)
            | Reply::RoutedOrder(_)
            | Reply::RoutedReplace(_)
            | Reply::RoutedCancel(_) => 0,
        };
        let mut frame = [0; MAX_FRAME];
        let len = encode(reply, &mut frame);
        self.bytes.extend(&frame[..len]);
        self.entries.push_back(Entry {
            engine_seq: reply.engine_seq(),
            end: self.base + self.bytes.len() as u64,
            received,
        });
        self.make_room();
    }

    /// Forgets the oldest messages beyond the bound; what may not leave yet can't be read back from the
    /// journal either, and stays.
    pub fn make_room(&mut self) {
        while self.size() > self.bytes_max && self.first < self.unreleased {
            self.evict();
        }
    }

    /// Bytes that it keeps.
    fn size(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<Entry>()
    }

    fn evict(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            let len = length(oldest.end, self.base);
            self.bytes.drain(..len);
            self.base = oldest.end;
            self.first += 1;
        }
    }

    /// Lets everything leave that results from records up to `watermark`.
    pub fn release(&mut self, watermark: u64) {
        while let Some(entry) = self.entry(self.unreleased)
            && entry.engine_seq <= watermark
        {
            self.unreleased += 1;
        }
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.entries.get(index)
    }

    /// Copies what may leave and has not left for this cursor behind `out`, up to message `until` and as
    /// long as `out` is shorter than `fill_to`; routed requests from before `stale_before` are marked.
    /// False if the log no longer holds what the cursor needs.
    pub fn copy(
        &self,
        cursor: &mut Cursor,
        until: u64,
        out: &mut Vec<u8>,
        fill_to: usize,
        now: Now,
    ) -> bool {
        if cursor.next < self.first {
            return false;
        }
        let until = until.min(self.unreleased);
        while cursor.next < until && out.len() < fill_to {
            let Some(entry) = self.entry(cursor.next) else {
                break;
            };
            let from = match cursor.next == self.first {
                true => self.base,
                false => self.entry(cursor.next - 1).map_or(self.base, |e| e.end),
            };
            let start = out.len();
            self.copy_bytes(from, entry.end, out);
            let again = cursor.next < cursor.live_from;
            let marks = Marks {
                again,
                stale_before: now.stale_before,
            };
            marks.put(out, start);
            if !again && entry.received != 0 {
                let nanos = now
                    .monotonic
                    .saturating_sub(entry.received)
                    .min(DECISION_NANOS_MAX);
                let nanos = u32::try_from(nanos).unwrap_or(u32::MAX).to_le_bytes();
                let at = start + DECISION_NANOS_AT;
                out[at..at + nanos.len()].copy_from_slice(&nanos);
            }
            cursor.next += 1;
        }
        true
    }

    fn copy_bytes(&self, from: u64, to: u64, out: &mut Vec<u8>) {
        let (from, to) = (length(from, self.base), length(to, self.base));
        let (head, tail) = self.bytes.as_slices();
        let split = head.len();
        if from < split {
            out.extend_from_slice(&head[from..to.min(split)]);
        }
        if to > split {
            out.extend_from_slice(&tail[from.max(split) - split..to - split]);
        }
    }
}

/// Bytes from `base` to `end`, both within one log.
fn length(end: u64, base: u64) -> usize {
    usize::try_from(end - base).unwrap_or(usize::MAX)
}

/// Writes a reply as one frame; returns its length.
pub(crate) fn encode(reply: &Reply, out: &mut [u8]) -> usize {
    codec::write_frame(reply.layout().template_id, out, |block| {
        reply.encode_block(block)
    })
}

#[cfg(test)]
mod tests;
