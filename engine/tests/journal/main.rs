//! The journal's promises, tested from outside: crashes, damage, real files, a model.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod common;
mod crash;
mod damage;
mod files;
mod follow;
mod model;
