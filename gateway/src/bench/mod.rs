//! What measures Portcullis, in one place for the `portcullis bench` command, the benches of the pieces
//! and some tests: a firm of any size, a flow of commands against it, how figures are taken and printed,
//! and the machine under them.

pub mod figures;
pub mod firm;
pub mod flow;
pub mod machine;
pub mod random;
