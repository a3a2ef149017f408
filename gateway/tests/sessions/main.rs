//! Sessions over TCP with the Rust client: watermark, replay, resume, take-over, back-pressure, stop.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod life;
mod resume;
mod rivals;

use portcullis_client::Client;
use support::reply;
use wire::Reply;

fn accepted(client: &mut Client) -> wire::OrderAccepted {
    match reply(client) {
        Reply::OrderAccepted(accepted) => accepted,
        other => panic!("{other:?}"),
    }
}
