//! The risk manager's side of the command against a running server of the example firm.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop"
)]

mod limits;
mod ops;
mod people;
mod room;
mod serving;
mod states;
