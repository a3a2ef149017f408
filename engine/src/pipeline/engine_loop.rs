//! Owns the engine's loop: takes commands from the inlets, gives each its sequence, applies it, and
//! hands the decision on. Leaves out what is decided (see `risk`), the disk (see `writer_thread`) and on
//! which thread it turns: one of its own (see `engine_thread`) or the gateway's (see `engine_seat`).
//!
//! After the start it does no I/O, takes no lock, reads no clock and allocates nothing; its one call
//! outside is the bell that wakes a sleeping gateway.
//!
//! Invariant: a command is taken only while the outbound ring has room for everything that it may
//! cause and the journal ring for its record, so that no push below can fail.

use super::Shared;
use super::doors::{Bell, Inbound, Outbound};
use super::in_hand;
use super::intake::Intake;
use super::rings::{Consumer, Producer};
use super::wait::Bed;
use super::watermarks::AckPolicy;
use crate::command::{Command, Sequenced, Step, TimePassed};
use crate::decision::{Decision, Outbox};
use crate::risk::RiskEngine;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Commands that control may have in a row while orders wait.
const CONTROL_RUN_MAX: u32 = 64;
/// Commands of others between two steps for which nobody waits.
const QUIET_STEP_EVERY: u32 = 16;
/// So many orders must wait before some are looked at ahead.
const WORTH_LOOKING: usize = 4;
/// Commands after which those who sleep are woken even if more wait.
const WAKE_EVERY: u32 = 16;
/// Slots of the outbound ring that one command may need: its messages and its `Taken`.
pub(super) const SLOTS_OF_A_COMMAND: usize = Outbox::CAPACITY + 1;
/// Times that one deadline may fire in a row, in bounded steps, before it counts as stuck.
const DEADLINE_RUN_MAX: u32 = 1 << 20;
/// A record on its way to the writer.
pub(super) type Recorded = (Sequenced, Decision);

/// Everything that the engine's loop owns.
#[derive(Debug)]
pub(super) struct EngineLoop {
    pub(super) engine: RiskEngine,
    pub(super) control: Consumer<Inbound>,
    pub(super) orders: Consumer<Inbound>,
    pub(super) outbound: Producer<Outbound>,
    pub(super) journal: Producer<Recorded>,
    pub(super) shared: Arc<Shared>,
    pub(super) writer: Arc<Bed>,
    /// The far end of the journal ring: only asked for the room of the memory behind it.
    pub(super) intake: Arc<Intake>,
    /// Moves records out of the journal ring while the writer is at the disk.
    pub(super) relief: Arc<Bed>,
    pub(super) bell: Arc<Bell>,
    /// Free places, in the outbound ring or for records, below which new orders are `Busy`, beyond what
    /// a command needs.
    pub(super) reserve: usize,
    pub(super) seq: u64,
    pub(super) t: u64,
    pub(super) progress: Progress,
}

/// Where the loop stands between two commands.
#[derive(Debug, Default)]
pub(super) struct Progress {
    outbox: Outbox,
    /// Taken from its ring, but time has to pass first.
    held: Option<Inbound>,
    /// The next orders, out of their ring, so that their memory can be looked at ahead.
    coming: VecDeque<Inbound>,
    control_run: u32,
    /// Commands of others since the last step.
    since_step: u32,
    since_wake: u32,
    inbound_taken: u64,
    dropped: u64,
    deadline: u64,
    deadline_run: u32,
    outbound_dirty: bool,
    /// Something in the ring to the writer is waited for.
    writer_awaited: bool,
}

impl Progress {
    /// Nothing has been done, and room is there for all that waits to be looked at.
    pub(super) fn new() -> Self {
        Self {
            coming: VecDeque::with_capacity(RiskEngine::AHEAD + 1),
            ..Self::default()
        }
    }
}

/// What the engine's loop leaves behind.
#[derive(Debug)]
pub(super) struct EngineStopped {
    pub(super) engine: RiskEngine,
    pub(super) taken: u64,
    pub(super) dropped: u64,
    pub(super) seq: u64,
}

/// What one turn of the loop did.
pub(super) enum Turn {
    /// A command.
    Worked,
    /// A step of a long work.
    Stepped,
    /// Nothing: there was nothing.
    NothingToDo,
    /// Nothing: what it might cause has no room downstream.
    NoRoom,
}

impl EngineLoop {
    /// Takes one command, or one bounded step of a long work, if there is one and room for what it causes.
    pub(super) fn turn(&mut self) -> Turn {
        if !self.has_room() {
            return Turn::NoRoom;
        }
        if self.engine.has_pending_steps()
            && (self.progress.since_step >= self.step_every() || !self.has_input())
            && !self.shared.stop.load(Ordering::Relaxed)
        {
            self.progress.since_step = 0;
            self.apply(0, 0, self.t, Command::Step(Step::default()), false);
            return Turn::Stepped;
        }
        self.progress.since_step = self.progress.since_step.saturating_add(1);
        let Some(inbound) = self.take() else {
            return Turn::NothingToDo;
        };
        let Inbound {
            session_id,
            in_seq_no,
            ..
        } = inbound;
        if self.engine.already_applied(session_id, in_seq_no) {
            self.progress.dropped += 1;
            self.push(Outbound::Dropped {
                session_id,
                in_seq_no,
            });
            self.bell.ring();
            return Turn::Worked;
        }
        let t = self.t.max(inbound.received_at);
        if let Some(deadline) = self.engine.next_deadline()
            && deadline <= t
        {
            self.progress.held = Some(inbound);
            self.fire(deadline);
            return Turn::Worked;
        }
        self.progress.inbound_taken += 1;
        self.apply(session_id, in_seq_no, t, inbound.command, true);
        Turn::Worked
    }

    /// Commands of others between two steps; when there are none, step upon step.
    fn step_every(&self) -> u32 {
        if self.engine.has_urgent_steps() {
            1
        } else {
            QUIET_STEP_EVERY
        }
    }

    /// Lets the deadline fire as a record of its own before what comes after it.
    fn fire(&mut self, deadline: u64) {
        if deadline == self.progress.deadline {
            self.progress.deadline_run += 1;
            assert!(
                self.progress.deadline_run < DEADLINE_RUN_MAX,
                "the deadline at {deadline} is still due after firing {DEADLINE_RUN_MAX} times"
            );
        } else {
            self.progress.deadline = deadline;
            self.progress.deadline_run = 0;
        }
        let t = self.t.max(deadline);
        let time = Command::TimePassed(TimePassed::default());
        self.apply(0, 0, t, time, false);
    }

    /// The next command: the one held back, else control (up to 64 in a row), else orders.
    fn take(&mut self) -> Option<Inbound> {
        if let Some(held) = self.progress.held.take() {
            return Some(held);
        }
        let inbound = if self.progress.control_run < CONTROL_RUN_MAX {
            match self.control.pop() {
                Some(inbound) => {
                    self.progress.control_run += 1;
                    Some(inbound)
                }
                None => {
                    self.progress.control_run = 0;
                    self.next_order()
                }
            }
        } else {
            self.progress.control_run = 0;
            self.next_order().or_else(|| self.control.pop())
        };
        // Looked at after the pop: a gateway that has just missed the room has said so before.
        if inbound.is_some() && self.bell.wants_room() && !self.inlets_crowded() {
            self.bell.ring();
        }
        inbound
    }

    /// The next order. Where several wait, some are taken out of their ring to be looked at ahead.
    fn next_order(&mut self) -> Option<Inbound> {
        let coming = &mut self.progress.coming;
        if coming.is_empty() && self.orders.len() < WORTH_LOOKING {
            return self.orders.pop();
        }
        while coming.len() <= RiskEngine::AHEAD
            && let Some(inbound) = self.orders.pop()
        {
            coming.push_back(inbound);
        }
        coming.pop_front()
    }

    /// Applies one command in the next place of the sequence and hands everything on.
    fn apply(
        &mut self,
        session_id: u32,
        in_seq_no: u64,
        t: u64,
        command: Command,
        is_inbound: bool,
    ) {
        self.seq += 1;
        self.t = t;
        let input = Sequenced {
            seq: self.seq,
            t,
            session_id,
            in_seq_no,
            busy: self.is_busy(),
            command,
        };
        let is_asked = input.command.is_awaited();
        if is_asked {
            self.shared.called.store(input.seq, Ordering::Release);
        }
        let is_awaited = is_asked || self.bell.policy != AckPolicy::Memory;
        self.progress.outbox.clear();
        self.progress.since_wake = self.progress.since_wake.saturating_add(1);
        in_hand::take_up(&input);
        let coming = &self.progress.coming;
        if !coming.is_empty() {
            self.engine.look_ahead(|by| {
                let next = coming.get(by.wrapping_sub(1))?;
                Some((next.session_id, &next.command))
            });
        }
        let decision = self.engine.apply(&input, &mut self.progress.outbox);
        // Outbound first: whoever sees this sequence durable also sees what it sent.
        if is_inbound {
            self.push(Outbound::Taken {
                session_id,
                in_seq_no,
                engine_seq: input.seq,
            });
        }
        for outgoing in self.progress.outbox.items() {
            self.push(Outbound::Send(*outgoing));
        }
        self.progress.outbound_dirty |= is_inbound || !self.progress.outbox.items().is_empty();
        if self.journal.try_push((input, decision)).is_err() {
            panic!("the journal ring was full though a slot had been kept for this record");
        }
        // The writer is called before the relief, who copies what the writer could take.
        let (room, slots) = (self.journal.room(), self.journal.capacity());
        if is_awaited || room < slots / 4 * 3 {
            self.progress.writer_awaited = true;
        }
        if room < slots / 2 {
            self.relief.wake();
        }
        self.shared
            .watermarks
            .publish_deadline(self.engine.next_deadline());
    }

    fn push(&self, outbound: Outbound) {
        assert!(
            self.outbound.try_push(outbound).is_ok(),
            "the outbound ring was full though slots had been kept for this command"
        );
    }

    /// Whether everything that one command may cause has room downstream.
    pub(super) fn has_room(&self) -> bool {
        self.outbound.room() >= SLOTS_OF_A_COMMAND && self.journal.room() >= 1
    }

    /// Whether so little room is left that it is kept for reports, cancels and states.
    fn is_busy(&self) -> bool {
        self.outbound.room() < SLOTS_OF_A_COMMAND.saturating_add(self.reserve)
            || self.journal_is_short()
            || self.shared.watermarks.disk_low()
    }

    /// The memory counts too: what it still takes the relief makes free in the ring, as soon as it gets a
    /// core. That it has not had one yet is no reason to refuse an order.
    fn journal_is_short(&self) -> bool {
        let ring = self.journal.room();
        ring <= self.reserve && ring.saturating_add(self.intake.memory_room()) <= self.reserve
    }

    /// Whether a command waits.
    pub(super) fn has_input(&self) -> bool {
        self.progress.held.is_some()
            || !self.progress.coming.is_empty()
            || !self.control.is_empty()
            || !self.orders.is_empty()
    }

    fn inlets_crowded(&self) -> bool {
        self.control.len() > self.control.capacity() / 2
            || self.orders.len() > self.orders.capacity() / 2
    }

    /// Whether there is something to do and room for what it causes.
    pub(super) fn can_turn(&self) -> bool {
        self.has_room() && (self.has_input() || self.engine.has_pending_steps())
    }

    /// Has the ring to the writer emptied into memory if it is full and the writer at the disk.
    pub(super) fn call_relief(&self) {
        if self.journal.room() == 0 {
            self.relief.wake();
        }
    }

    /// Whether so many commands have been applied that those who sleep are woken although more wait.
    pub(super) const fn owes_wakes(&self) -> bool {
        self.progress.since_wake >= WAKE_EVERY
    }

    /// Wakes those who have something to do since the last time.
    pub(super) fn wake_others(&mut self) {
        if self.progress.since_wake == 0 {
            return;
        }
        self.progress.since_wake = 0;
        // Else it comes by itself.
        if std::mem::take(&mut self.progress.writer_awaited) {
            self.intake.hurry();
            self.writer.wake();
        }
        // Under the other policies the writer rings, once the watermark has passed the replies.
        if self.progress.outbound_dirty && self.bell.policy == AckPolicy::Memory {
            self.bell.ring();
        }
        self.progress.outbound_dirty = false;
    }

    /// Records on their way to the writer.
    pub(super) fn records_waiting(&self) -> usize {
        self.journal.capacity().saturating_sub(self.journal.room())
    }

    /// What waited for the writer has been written, and its replies may leave.
    pub(super) fn needs_no_writer(&mut self) {
        self.progress.since_wake = 0;
        self.progress.writer_awaited = false;
        self.progress.outbound_dirty = false;
    }

    /// Whether the loop has to end now, whatever waits.
    pub(super) fn must_end(&self) -> bool {
        self.shared.killed() || self.shared.watermarks.failure().is_some()
    }

    /// Says what the loop leaves behind, and, if the journal has failed, what the venues are to be asked for.
    pub(super) fn end(mut self) -> EngineStopped {
        if self.shared.watermarks.failure().is_some() {
            let wishes = self.engine.cancels_of_inline_orders();
            self.shared.watermarks.set_wishes(wishes);
        }
        self.wake_others();
        EngineStopped {
            taken: self.progress.inbound_taken,
            dropped: self.progress.dropped,
            seq: self.seq,
            engine: self.engine,
        }
    }
}
