//! What is fuzzed, one file a target: `run(data)` panics if a promise is broken.
//!
//! The same files serve two masters: the binaries of this workspace hand them what libFuzzer thinks up,
//! and `tests/fuzz_corpus.rs` of the main workspace replays the kept corpus in every `cargo test`.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unreachable_pub,
    reason = "a target that meets the unexpected has found something"
)]

pub mod config;
pub mod decoder;
pub mod journal;
pub mod records;
pub mod script;
pub mod session;
