//! The echo sends every frame back as it was.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use gateway::echo::Echo;
use wire::NewOrder;
use wire::codec::{self, MAX_FRAME};

#[test]
fn every_frame_comes_back_as_it_was_also_in_pieces_and_in_bulk() {
    let echo = Echo::bind("127.0.0.1:0".parse().unwrap(), Duration::ZERO).unwrap();
    let (address, stop) = (echo.address(), echo.stop_handle());
    let thread = std::thread::spawn(move || echo.run());
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut frame = [0; MAX_FRAME];
    let order = NewOrder {
        seq_no: 1,
        ..NewOrder::default()
    };
    let len = codec::encode_frame(&order, &mut frame);
    let mut back = vec![0; len];
    socket.write_all(&frame[..7]).unwrap();
    socket.write_all(&frame[7..len]).unwrap();
    socket.read_exact(&mut back).unwrap();
    assert_eq!(back, frame[..len]);

    let bulk = frame[..len].repeat(10_000);
    let mut writer = socket.try_clone().unwrap();
    let sent = bulk.clone();
    let sender = std::thread::spawn(move || writer.write_all(&sent).unwrap());
    let mut back = vec![0; bulk.len()];
    socket.read_exact(&mut back).unwrap();
    sender.join().unwrap();
    assert_eq!(back, bulk);
    stop.stop();
    thread.join().unwrap().unwrap();
}
