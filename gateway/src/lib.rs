//! The front office as a library: everything the `portcullis` command is made of.
//!
//! `flow` is where order flow comes from when nobody is typing: recorded
//! markets and a generator, both as one neutral stream of events.

pub mod flow;
