//! The journal's and the recovery's real code over a file system that fails on purpose.
//!
//! Each campaign has a quick slice, which runs with every `cargo test`, and a full count:
//! ```sh
//! cargo test --release -p engine --test faults -- --ignored --nocapture
//! ```
//! A campaign prints its seeds and what it counted. `PORTCULLIS_SEED` moves the seeds of all of them.
//! What was found last, and under which conditions, stands in `docs/fault-campaigns.md`.
#![allow(
    clippy::unwrap_used,
    reason = "a campaign that cannot go on should say where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a campaign says how long it took"
)]

// What is done to a disk, and what must be there afterwards.
mod life;
mod office;
mod plan;
mod promise;
mod random;
mod tally;
mod whole;

// The campaigns.
mod bits;
mod crashes;
mod errors;
mod firm;
mod liars;
mod power;
mod repairs;
mod sectors;
