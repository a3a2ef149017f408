//! What the I/O thread needs of the middle and back office, as one small trait: the pipeline's doors in
//! the server, a scripted stand-in in tests of the gateway alone.

use engine::clerk::Notice;
use engine::decision::Outgoing;
use engine::pipeline::{AckPolicy, Archive, Doors, Inbound, Outbound};

/// Which ring a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Risk, ops, audit and venue sessions, sessions coming and going, time.
    Control,
    /// Desks.
    Orders,
}

/// The rings, the watermarks and the bell. Nothing here ever blocks.
pub trait Office {
    /// Hands a command over.
    ///
    /// # Errors
    /// Gives it back when the ring is full.
    #[expect(
        clippy::result_large_err,
        reason = "the command itself is given back, not an error about it"
    )]
    fn push(&self, lane: Lane, inbound: Inbound) -> Result<(), Inbound>;
    /// Where the engine has no thread of its own: decides what has been pushed, a bounded number of
    /// commands. Whether there was anything.
    fn decide(&mut self) -> bool {
        false
    }
    /// Where the engine has no thread of its own: wakes the writer for what was decided.
    fn hand_on(&mut self) {}

    /// Where the engine has no thread of its own: applies one record to the second copy, if there is one at
    /// hand; whether there was.
    fn follow(&mut self) -> bool {
        false
    }
    /// What the engine sends next.
    fn outbound(&self) -> Option<Outbound>;
    /// The follower's next answer.
    fn report(&self) -> Option<Outgoing>;
    /// What the follower's clerk has done or asks for.
    fn notice(&self) -> Option<Notice> {
        None
    }
    /// Last sequence whose replies may leave under `policy`.
    fn acknowledged(&self, policy: AckPolicy) -> u64;
    /// Last sequence that is on the disk.
    fn durable(&self) -> u64;
    /// Whether the last space of the journal is kept for what can't wait.
    fn disk_reserved(&self) -> bool {
        false
    }
    /// Why the journal has failed for good.
    fn failure(&self) -> Option<String>;
    /// After that failure: what the venues are asked for; `None` while the engine has not ended.
    fn wishes(&self) -> Option<&[Outgoing]> {
        Some(&[])
    }
    /// When time must be told to the engine if nothing else does.
    fn next_deadline(&self) -> Option<u64>;
    /// The journal from its beginning, once; `None` where there is none.
    fn archive(&mut self) -> Option<Archive> {
        None
    }
    /// Asks to be woken; false if there is something to do first. See [`Doors::prepare_sleep`].
    fn prepare_sleep(&self, seen: u64, wants_room: bool) -> bool;
    /// Nobody needs to wake the gateway any more.
    fn awake(&self);
}

impl Office for Doors {
    fn push(&self, lane: Lane, inbound: Inbound) -> Result<(), Inbound> {
        match lane {
            Lane::Control => self.control.try_push(inbound),
            Lane::Orders => self.orders.try_push(inbound),
        }
    }

    fn decide(&mut self) -> bool {
        Self::decide(self)
    }

    fn hand_on(&mut self) {
        Self::hand_on(self);
    }

    fn follow(&mut self) -> bool {
        Self::follow(self)
    }

    fn outbound(&self) -> Option<Outbound> {
        self.outbound.pop()
    }

    fn report(&self) -> Option<Outgoing> {
        self.reports.pop()
    }

    fn notice(&self) -> Option<Notice> {
        self.notices.pop()
    }

    fn acknowledged(&self, policy: AckPolicy) -> u64 {
        self.watermarks.acknowledged(policy)
    }

    fn durable(&self) -> u64 {
        self.watermarks.durable()
    }

    fn disk_reserved(&self) -> bool {
        self.watermarks.disk_reserved()
    }

    fn failure(&self) -> Option<String> {
        self.watermarks.failure().map(str::to_owned)
    }

    fn wishes(&self) -> Option<&[Outgoing]> {
        self.watermarks.wishes()
    }

    fn next_deadline(&self) -> Option<u64> {
        self.watermarks.next_deadline()
    }

    fn archive(&mut self) -> Option<Archive> {
        self.archive.take()
    }

    fn prepare_sleep(&self, seen: u64, wants_room: bool) -> bool {
        Self::prepare_sleep(self, seen, wants_room)
    }

    fn awake(&self) {
        Self::awake(self);
    }
}
