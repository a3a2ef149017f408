//! The middle office: limits, positions, journal and recovery.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "tests compute with small numbers"
    )
)]

pub mod command;
pub mod date;
pub mod decision;
pub mod firm;
pub mod follower;
pub mod journal;
pub mod pipeline;
pub mod record;
pub mod recover;
pub mod risk;
pub mod suggest;
pub mod text;
pub mod verify;
pub mod view;

mod cash;
mod checks;
mod executions;
mod exposure;
mod instrument;
mod limits;
mod orders;
mod peers;
mod sessions;
mod state;
mod table;
mod tree;
mod units;
mod windows;
