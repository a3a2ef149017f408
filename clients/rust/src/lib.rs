//! Rust client of the Portcullis order-entry protocol.
//!
//! One [`Client`] is one session: it numbers what it sends, delivers each reply exactly once and in
//! order, keeps the line alive with heartbeats, and takes a broken session up again: it asks for what was
//! missed and sends what the server's durable journal does not hold again, under the same numbers. It does
//! so by itself for as long as [`Options::reconnect_for`] says, or when [`Client::reconnect`] is called.
//!
//! It blocks by default. A program that has its own loop uses [`Client::set_nonblocking`],
//! [`Client::queue`], [`Client::flush`] and [`Client::try_recv`], and waits for [`Client::socket`]. On the
//! wire prices and quantities are integers; [`decimal`] makes them of text and back, exactly.
//!
//! The examples are a desk (`examples/desk.rs`), a venue adapter (`examples/venue.rs`, non-blocking) and a
//! single order (`examples/order.rs`); `portcullis demo --stay` is a server with a market to try them on.
//!
//! ```no_run
//! use std::{path::Path, time::Duration};
//! use portcullis_client::{Client, Credentials, Event, Options, decimal, keys};
//! use portcullis_client::wire::{
//!     Capacity, NewOrder, OrdType, Reply, Role, Side, TimeInForce,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials {
//!     session_id: 1,
//!     role: Role::Desk,
//!     key: keys::load(Path::new("desk1.key"))?,
//!     key_id: 1,
//!     expected_instance: Some("example".to_owned()),
//! };
//! let options = Options {
//!     reconnect_for: Duration::from_secs(60),
//!     ..Options::default()
//! };
//! let mut client = Client::connect("127.0.0.1:7201", credentials, options)?;
//! client.send(NewOrder {
//!     // Both rise for the life of a session.
//!     cl_ord_id: client.next_seq_no(),
//!     price: decimal::price("585.25")?,
//!     qty: decimal::qty("5")?,
//!     account: 1,
//!     instrument_id: 1,
//!     trader_id: 1,
//!     side: Side::Buy,
//!     ord_type: OrdType::Limit,
//!     tif: TimeInForce::Day,
//!     capacity: Capacity::Agency,
//!     ..NewOrder::default()
//! })?;
//! loop {
//!     match client.recv(Duration::from_secs(1))? {
//!         Some(Event::Reply(Reply::OrderAccepted(accepted))) => {
//!             println!("accepted as order {}", accepted.order_id);
//!             break;
//!         }
//!         Some(Event::Reply(Reply::OrderRejected(rejected))) => {
//!             println!("refused with code {}", rejected.code);
//!             break;
//!         }
//!         // Heartbeats, answers to something else, a session that was taken up again.
//!         _ => {}
//!     }
//! }
//! client.terminate()?;
//! # Ok(())
//! # }
//! ```

pub use ed25519_dalek::SigningKey;
pub use wire;

mod answer;
mod client;
pub mod decimal;
mod error;
pub mod keys;
mod line;
mod logon;
pub mod ops;
mod resume;
mod stream;
#[cfg(feature = "tls")]
pub mod tls;

pub use client::{Client, Event};
pub use error::{ClientError, Code};
pub use keys::KeyError;
pub use logon::{Credentials, Options, signed_logon};
