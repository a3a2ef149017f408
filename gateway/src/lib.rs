//! The front office as a library: everything the `portcullis` command is made of.
//!
//! [`server`] runs one I/O thread over many connections. The pieces beneath it are pure where they can
//! be: [`session`] says what a connection may do, [`outbound`] keeps what a session is sent, [`table`]
//! knows the logical sessions; [`connection`] and [`transport`] carry bytes. [`flow`] is where order
//! flow comes from when nobody is typing: recorded markets and a generator, both as one neutral stream
//! of events. [`voice`] is how people are told anything.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod server;

pub mod session;

pub mod table;

pub mod outbound;

pub mod history;

pub mod key_ring;

pub mod office;

pub mod verify_key;

pub mod connection;

pub mod transport;

pub mod tls;

pub mod clock;

pub mod pin;

pub mod memory;

pub mod throttle;

pub mod echo;

pub mod flow;

pub mod voice;

pub mod bench;
