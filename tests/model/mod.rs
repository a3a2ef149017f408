//! An independent, naive model of the risk engine, and what is needed to hold the engine against it.
//!
//! Written from the description of the controls and of the protocol alone. It shares with the engine the
//! messages and the views, nothing else, and remembers plain lists of orders and moves from which every
//! row and sum is worked out again at each question. Slow and simple is its whole merit.
//!
//! The model: `state`, `orders`, `book`, `limits`; the checks in `checks`, `prices`, `exposures`, `covers`;
//! what commands do in `lifecycle`, `entry`, `requests`, `reports`, `fills`, `busts`, `admin`, `day`, and by two
//! people in `approvals` and `looseness`. Random flows come from `genesis` and `flow`; `pair`, `answers` and `views` compare, `shrink` makes a failing history
//! short, `wanted` says what a campaign must reach, `untouched` what refusals and questions leave as it was,
//! `rooms` what a desk has room for, `on_disk` the journal of a case.

pub(crate) mod admin;
pub(crate) mod answers;
pub(crate) mod approvals;
pub(crate) mod book;
pub(crate) mod busts;
pub(crate) mod checks;
pub(crate) mod covers;
pub(crate) mod day;
pub(crate) mod entry;
pub(crate) mod exposures;
pub(crate) mod fills;
pub(crate) mod flow;
pub(crate) mod genesis;
pub(crate) mod lifecycle;
pub(crate) mod limits;
pub(crate) mod looseness;
pub(crate) mod on_disk;
pub(crate) mod orders;
pub(crate) mod pair;
pub(crate) mod prices;
pub(crate) mod random;
pub(crate) mod reports;
pub(crate) mod requests;
pub(crate) mod rooms;
pub(crate) mod shrink;
pub(crate) mod state;
pub(crate) mod untouched;
pub(crate) mod value;
pub(crate) mod views;
pub(crate) mod wanted;
