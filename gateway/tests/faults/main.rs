//! The real binary under faults: killed at random moments and at chosen system calls, told by the
//! kernel that a write or a sync has failed, on a file system that is really full, and stopped.
//!
//! A quick slice runs with every `cargo test`; the full counts:
//! ```sh
//! cargo test --release -p gateway --test faults -- --ignored --nocapture
//! ```
//! `PORTCULLIS_KILLS` sets the number of kills, `PORTCULLIS_SEED` the first seed. What needs strace or
//! root says so and is skipped where they are missing; `PORTCULLIS_REQUIRE_FAULTS=1` fails instead.

#![allow(
    clippy::unwrap_used,
    reason = "a campaign that cannot go on should say where"
)]

// The server as a process, the client that keeps books, and what lies on the disk afterwards.
mod afterwards;
mod desk;
mod server;

// The campaigns.
mod disk;
mod ends;
mod grace;
mod kills;
mod stopped;
