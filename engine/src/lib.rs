//! Placeholder crate root.

pub mod journal;
