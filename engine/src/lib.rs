//! The middle office.
pub mod command;
pub mod decision;
pub mod follower;
pub mod journal;
pub mod pipeline;
pub mod record;
pub mod recover;
pub mod risk;
pub mod verify;
pub mod view;
