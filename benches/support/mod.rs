//! What benches and tests share: a firm of any size, a flow of commands against it, and how figures are
//! taken and printed. Leaves out what is measured.
#![allow(dead_code, reason = "each bench and test uses a part of it")]

pub(crate) mod figures;
pub(crate) mod firm;
pub(crate) mod flow;
pub(crate) mod random;
