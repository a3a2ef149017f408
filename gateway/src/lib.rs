//! The front office: sessions over TCP, and where order flow comes from.
//!
//! `server` runs one I/O thread over many connections. The pieces beneath it are pure where they can
//! be: [`session`] says what a connection may do, [`outbound`] keeps what a session is sent, `table`
//! knows the logical sessions; `connection` and [`transport`] carry bytes. [`flow`] is where order flow
//! comes from when nobody is typing: recorded markets and a generator, both as one neutral stream.

pub mod clock;
pub mod flow;
pub mod outbound;
pub mod session;
pub mod throttle;
pub mod transport;
pub mod verify_key;
