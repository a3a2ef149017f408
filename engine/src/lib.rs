//! The middle office.
pub mod command;
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
