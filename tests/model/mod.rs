//! An independent, naive model of the risk engine, and what is needed to hold the engine against it.
//!
//! Written from the description of the controls and of the protocol alone. It shares with the engine the
//! messages and the views, nothing else, and remembers plain lists of orders and fills from which every
//! row and sum is worked out again at each question. Slow and simple is its whole merit.

pub(crate) mod checks;
pub(crate) mod compare;
pub(crate) mod flow;
pub(crate) mod genesis;
pub(crate) mod lifecycle;
pub(crate) mod random;
pub(crate) mod reports;
pub(crate) mod state;
pub(crate) mod value;
