//! The portcullis-replay command.
fn main() {}
