//! Owns what the gateway holds of the pipeline: two inlets, the outlet of replies, the reports of the
//! follower, the watermarks, and the bell that wakes it. Leaves out sessions and sockets.

use super::archive::Archive;
use super::engine_seat::EngineSeat;
use super::rings::{Consumer, Producer};
use super::wait::Bed;
use super::watermarks::{AckPolicy, Watermarks};
use crate::clerk::Notice;
use crate::command::Command;
use crate::decision::Outgoing;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// A command on its way to the engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inbound {
    /// Stamp of the gateway, nanoseconds since the epoch.
    pub received_at: u64,
    /// Session that sent it; 0 for the server itself.
    pub session_id: u32,
    /// Sequence number of that session's message; 0 for the server's own.
    pub in_seq_no: u64,
    /// What is asked.
    pub command: Command,
}

/// What comes out of the engine, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outbound {
    /// An inbound command has got its place; what it causes follows.
    Taken {
        /// Session that sent it; 0 for the server itself.
        session_id: u32,
        /// Sequence number of that session's message.
        in_seq_no: u64,
        /// Its place in the journal.
        engine_seq: u64,
    },
    /// A message to a session, to be kept in its outbound log, and sent once the watermark has passed
    /// its `engineSeq`.
    Send(Outgoing),
    /// The session's message had been applied before: its answer is in the outbound log.
    Dropped {
        /// Session that sent it.
        session_id: u32,
        /// Sequence number of that session's message.
        in_seq_no: u64,
    },
}

/// One of the two ways into the engine.
#[derive(Debug)]
pub struct Inlet {
    pub(super) ring: Producer<Inbound>,
    pub(super) engine: Arc<Bed>,
}

impl Inlet {
    /// Hands a command to the engine; never blocks.
    ///
    /// # Errors
    /// Gives the command back when the ring is full: keep it, stop reading that socket, drain the
    /// outlet, try again.
    #[expect(
        clippy::result_large_err,
        reason = "the command itself is given back, not an error about it"
    )]
    pub fn try_push(&self, inbound: Inbound) -> Result<(), Inbound> {
        self.ring.try_push(inbound)?;
        self.engine.wake();
        Ok(())
    }

    /// Free slots, at least.
    #[must_use]
    pub fn room(&self) -> usize {
        self.ring.room()
    }
}

/// The gateway's end of the pipeline.
#[derive(Debug)]
pub struct Doors {
    /// For risk, ops and venue sessions, sessions coming and going, and time.
    pub control: Inlet,
    /// For desks' sessions.
    pub orders: Inlet,
    /// What the engine sends.
    pub outbound: Outlet<Outbound>,
    /// The follower's answers to queries (sequence number 0); they tell durable things only and may
    /// leave at once.
    pub reports: Outlet<Outgoing>,
    /// What the follower's clerk has done or asks for.
    pub notices: Outlet<Notice>,
    /// How far the journal is, and whether it has failed.
    pub watermarks: Arc<Watermarks>,
    /// The journal from its first record, for what is no longer in memory; the gateway takes it.
    pub archive: Option<Archive>,
    pub(super) bell: Arc<Bell>,
    /// The engine, where it has no thread of its own.
    pub(super) seat: Option<EngineSeat>,
}

impl Doors {
    /// Where the engine has no thread of its own: decides what has been pushed, a bounded number of commands.
    /// Whether there was anything. Drain the outlet and call it again.
    pub fn decide(&mut self) -> bool {
        self.seat.as_mut().is_some_and(EngineSeat::decide)
    }

    /// Where the engine has no thread of its own: wakes the writer for what was decided. Call it behind
    /// [`Self::decide`], when replies that need not wait for the disk have left.
    pub fn hand_on(&mut self) {
        if let Some(seat) = &mut self.seat {
            seat.hand_on();
        }
    }

    /// Where the engine has no thread of its own: applies one record to the second copy, if there is one at
    /// hand. Call it when there is nothing else to do; whether there was one.
    pub fn follow(&self) -> bool {
        self.seat.as_ref().is_some_and(EngineSeat::follow)
    }

    /// Asks to be woken by the callback given at the start. True: nothing has happened since `seen`,
    /// block in the poll. False: there is something to do first.
    ///
    /// `seen` is the acknowledged sequence ([`Watermarks::acknowledged`]) that the gateway has acted
    /// on; `wants_room` asks to be woken also when a full inlet has got room again.
    #[must_use]
    pub fn prepare_sleep(&self, seen: u64, wants_room: bool) -> bool {
        let bell = &self.bell;
        bell.wants_room.store(wants_room, Ordering::Relaxed);
        bell.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let news = match bell.policy {
            // Replies leave as soon as they are decided.
            AckPolicy::Memory => !self.outbound.is_empty(),
            AckPolicy::Durable | AckPolicy::Written => {
                self.watermarks.acknowledged(bell.policy) > seen
            }
        };
        let room = wants_room && self.control.room() > 0 && self.orders.room() > 0;
        let ready = news
            || room
            || !self.reports.is_empty()
            || !self.notices.is_empty()
            || self.watermarks.failure().is_some()
            || self.outbound.is_half_full()
            || self.seat.as_ref().is_some_and(EngineSeat::can_turn);
        if ready {
            self.awake();
        }
        !ready
    }

    /// The gateway is awake again: nobody needs to wake it.
    pub fn awake(&self) {
        self.bell.asleep.store(false, Ordering::Relaxed);
    }
}

/// A ring's end that the gateway drains.
#[derive(Debug)]
pub struct Outlet<T> {
    pub(super) ring: Consumer<T>,
    /// The thread that may be waiting for room.
    pub(super) filler: Arc<Bed>,
}

impl<T> Outlet<T> {
    /// Takes the oldest value.
    #[must_use]
    pub fn pop(&self) -> Option<T> {
        let value = self.ring.pop()?;
        // The filler sleeps only when the ring was too full for it; a drained half is worth waking for.
        if self.ring.len() == self.ring.capacity() / 2 || self.ring.is_empty() {
            self.filler.wake();
        }
        Some(value)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    fn is_half_full(&self) -> bool {
        self.ring.len() > self.ring.capacity() / 2
    }
}

/// Wakes the gateway, but only when it has said that it sleeps.
pub(super) struct Bell {
    asleep: AtomicBool,
    wants_room: AtomicBool,
    pub(super) policy: AckPolicy,
    wake: Wake,
}

/// Wakes whoever turns the engine.
#[derive(Debug, Clone)]
pub(super) enum EngineWaker {
    /// Its thread.
    Thread(Arc<Bed>),
    /// The gateway's.
    Gateway(Arc<Bell>),
}

impl EngineWaker {
    /// Call it after making the room that a full ring had not.
    pub(super) fn wake(&self) {
        match self {
            Self::Thread(bed) => bed.wake(),
            Self::Gateway(bell) => bell.ring(),
        }
    }
}

/// Wakes the gateway's poll from any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

impl Bell {
    pub(super) fn new(policy: AckPolicy, wake: Wake) -> Self {
        Self {
            asleep: AtomicBool::new(false),
            wants_room: AtomicBool::new(false),
            policy,
            wake,
        }
    }

    /// Wakes the gateway if it sleeps. Call it after publishing what it waits for.
    pub(super) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    /// Whether the gateway sleeps.
    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// Whether the gateway waits for a full inlet to get room.
    pub(super) fn wants_room(&self) -> bool {
        self.wants_room.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell")
            .field("asleep", &self.asleep)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
