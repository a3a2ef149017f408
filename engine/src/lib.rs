//! The middle office: limits, positions, journal and recovery.
//!
//! # The walk
//!
//! ```text
//! desk ──TCP──▶ gateway thread ──ring──▶ engine thread ──ring──▶ writer thread ──▶ journal
//!   ◀────────── replies, once the ack policy's watermark has passed them ◀─────┘       │
//! risk manager ─▶ the same door: every change is a command in the one sequence      follower ─▶ reads, replay
//! ```
//!
//! 1. **Bytes in.** The mio loop wakes; the connection fills its buffer:
//!    `gateway/src/server.rs`, `gateway/src/connection.rs`.
//! 2. **Decode.** The codec (sans-IO: slices in, messages out) returns a message, *incomplete* or
//!    *malformed*; the session confirms who speaks: `engine/wire/src/codec.rs`, `gateway/src/session.rs`.
//! 3. **Sequence.** The gateway stamps `received_at` and puts the command into one of two rings, control
//!    or orders; the engine takes control first and gives each command the next sequence as it takes it.
//!    Limit changes, kill switch, prices, session up/down and time enter by this same door. Nothing else
//!    reaches the engine: `pipeline/doors.rs`, `pipeline/engine_thread.rs`, [`command`].
//! 4. **Check.** Controls in the documented order; the first refusal wins: `checks/mod.rs`, one file a
//!    control beside it.
//! 5. **Decide.** One commented line: above it nothing has changed, below it nothing can fail. An accepted
//!    order reserves its exposure: `new_order` in `risk/orders.rs`, `exposure/`.
//! 6. **Journal.** (sequence, command, decision) goes to the writer thread, which batches, syncs, and
//!    publishes the durable sequence: `pipeline/writer_thread.rs`, `pipeline/writing.rs`, [`record`], [`journal`].
//! 7. **Bytes out.** The reply leaves when the watermark allows: `pipeline/watermarks.rs`,
//!    `gateway/src/outbound.rs`.
//! 8. **Replay.** `portcullis-replay verify` feeds the same commands to a fresh engine; every decision and
//!    the final digest must match: [`verify`](mod@verify), [`recover`] at a start.
//!
//! What decides ([`risk`] and what it alone uses) reads no clock, does no I/O, takes no lock, and uses no
//! float, no randomness and no hash-map order; once its tables stand it allocates nothing.

#![deny(clippy::float_arithmetic)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "tests compute with small numbers"
    )
)]

pub mod beginning;
pub mod chain;
pub mod clerk;
pub mod command;
pub mod date;
pub mod decision;
pub mod firm;
pub mod follower;
pub mod journal;
pub mod pipeline;
pub mod record;
pub mod recover;
pub mod risk;
pub mod snapshot;
pub mod suggest;
pub mod text;
pub mod verify;
pub mod view;

mod cash;
mod checks;
mod day_buys;
mod entitled;
mod executions;
mod exposure;
mod ids;
mod index;
mod instrument;
mod limits;
mod looseness;
mod orders;
mod outbound_logs;
mod peers;
mod proposals;
mod sessions;
mod shelves;
mod state;
mod table;
mod touch;
mod tree;
mod units;
mod windows;
