//! The middle office.
pub mod command;
pub mod decision;
pub mod firm;
pub mod record;
pub mod risk;
pub mod suggest;
pub mod text;
pub mod view;
