//! Owns the choices of a pipeline: on which thread the engine turns, sizes and waits. Leaves out what is made
//! of them.

use super::wait::{Wait, spare_cores};
use super::watermarks::AckPolicy;

/// On which thread the engine turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One of its own, between the gateway's and the writer's.
    Pipelined,
    /// The gateway's: no hand-off between two threads on an order's way.
    Fused,
}

impl Shape {
    /// What serves best on this machine: a thread needs a core of its own to be worth its hand-offs.
    #[must_use]
    pub fn of_this_machine() -> Self {
        if spare_cores() {
            Self::Pipelined
        } else {
            Self::Fused
        }
    }
}

/// Sizes and waits of the pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// On which thread the engine turns.
    pub shape: Shape,
    /// Slots of the control ring.
    pub control_slots: usize,
    /// Slots of the orders ring.
    pub orders_slots: usize,
    /// Slots of the outbound ring; at least what one command may cause.
    pub outbound_slots: usize,
    /// Slots of the ring to the writer.
    pub journal_slots: usize,
    /// Bytes of memory behind that ring, for records decided while the disk is busy; 0 for none.
    pub journal_memory: usize,
    /// Slots of the follower's reports.
    pub report_slots: usize,
    /// Free slots of the outbound ring, and free places for records in the journal ring and the memory
    /// behind it, below which new orders are `Busy`; kept for reports, cancels and states.
    pub reserve: usize,
    /// How the engine's thread waits, where it has one.
    pub engine_wait: Wait,
    /// How the writer thread waits.
    pub writer_wait: Wait,
    /// When replies leave: decides only who wakes the gateway.
    pub ack: AckPolicy,
    /// Called by each thread when it begins, with its name: to pin it, for example.
    pub on_thread: fn(&'static str),
}

impl Options {
    /// The sizes that serve a firm.
    #[must_use]
    pub fn new(ack: AckPolicy) -> Self {
        Self {
            shape: Shape::of_this_machine(),
            control_slots: 1024,
            orders_slots: 4096,
            outbound_slots: 4096,
            journal_slots: 4096,
            journal_memory: 64 << 20,
            report_slots: 4096,
            reserve: 512,
            engine_wait: Wait::engine(),
            writer_wait: Wait::behind(),
            ack,
            on_thread: |_| {},
        }
    }
}
