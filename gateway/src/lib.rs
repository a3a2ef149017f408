//! The front office: sessions over TCP.
//!
//! [`server`] runs one I/O thread over many connections. The pieces beneath it are pure where they can
//! be: [`session`] says what a connection may do, [`outbound`] keeps what a session is sent, [`table`]
//! knows the logical sessions; [`connection`] and [`transport`] carry bytes.

pub mod clock;
pub mod connection;
pub mod echo;
pub mod office;
pub mod outbound;
pub mod server;
pub mod session;
pub mod table;
pub mod throttle;
pub mod transport;
pub mod verify_key;
