//! Rust client of the Portcullis order-entry protocol.
//!
//! One [`Client`] is one session: it numbers what it sends, delivers each reply exactly once and in
//! order, keeps the line alive with heartbeats, and after a broken line [`Client::reconnect`] asks for
//! what was missed and sends what the server's durable journal does not hold again, under the same
//! numbers. It blocks by default; a load generator uses [`Client::set_nonblocking`],
//! [`Client::queue`], [`Client::flush`] and [`Client::try_recv`].
//!
//! ```no_run
//! use std::{path::Path, time::Duration};
//! use portcullis_client::{Client, ClientError, Credentials, Event, Options, keys};
//! use portcullis_client::wire::{
//!     Capacity, E8, NewOrder, OrdType, Price, Qty, Reply, Role, Side, TimeInForce,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials {
//!     session_id: 1,
//!     role: Role::Desk,
//!     key: keys::load(Path::new("desk.key"))?,
//!     key_id: 1,
//!     expected_instance: Some("example".to_owned()),
//! };
//! let mut client = Client::connect("127.0.0.1:7201", credentials, Options::default())?;
//! client.send(NewOrder {
//!     cl_ord_id: 1,
//!     price: Price(101 * E8),
//!     qty: Qty(5 * E8),
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
//!     match client.recv(Duration::from_secs(1)) {
//!         Ok(Some(Event::Reply(Reply::OrderAccepted(accepted)))) => {
//!             println!("accepted as order {}", accepted.order_id);
//!             break;
//!         }
//!         Ok(Some(Event::Reply(Reply::OrderRejected(rejected)))) => {
//!             println!("refused with code {}", rejected.code);
//!             break;
//!         }
//!         Ok(_) => {}
//!         Err(error @ ClientError::WrongEpoch { .. }) => return Err(error.into()),
//!         Err(_) => client.reconnect()?,
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
mod error;
pub mod keys;
mod line;
mod logon;
pub mod ops;
mod stream;
#[cfg(feature = "tls")]
pub mod tls;

pub use client::{Client, Event};
pub use error::{ClientError, Code};
pub use keys::KeyError;
pub use logon::{Credentials, Options, signed_logon};
