//! A peer that speaks bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use portcullis_client::Options;
use wire::codec::{self, MAX_FRAME};
use wire::{Hello, Message, Reply, SessionMessage};

use super::{Fixture, WAIT};

/// What a raw peer got.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Got {
    Session(SessionMessage),
    Reply(Reply),
    Closed,
}

/// A peer that speaks bytes.
pub struct Raw {
    pub socket: TcpStream,
    pub hello: Hello,
    input: Vec<u8>,
}

impl Raw {
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(WAIT)).unwrap();
        socket.set_nodelay(true).unwrap();
        let mut raw = Self {
            socket,
            hello: Hello::default(),
            input: Vec::new(),
        };
        match raw.next() {
            Got::Session(SessionMessage::Hello(hello)) => raw.hello = hello,
            other => panic!("no Hello: {other:?}"),
        }
        raw
    }

    /// Connects and logs on.
    pub fn log_on(fixture: &Fixture, session_id: u32) -> Self {
        let mut raw = Self::connect(fixture.address);
        let logon = portcullis_client::signed_logon(
            &raw.hello,
            &fixture.credentials(session_id),
            &Options::default(),
            0,
            0,
        );
        raw.send(&logon);
        let answer = raw.next();
        assert!(
            matches!(answer, Got::Session(SessionMessage::LogonAck(_))),
            "{answer:?}"
        );
        raw
    }

    pub fn send<M: Message>(&mut self, message: &M) {
        let mut bytes = [0; MAX_FRAME];
        let len = codec::encode_frame(message, &mut bytes);
        self.write(&bytes[..len]);
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// The next message.
    pub fn next(&mut self) -> Got {
        loop {
            if let Some(frame) = codec::split_frame(&self.input).unwrap() {
                let got = match SessionMessage::decode_block(frame.template_id, frame.block) {
                    Some(message) => Got::Session(message.unwrap()),
                    None => Got::Reply(
                        Reply::decode_block(frame.template_id, frame.block)
                            .unwrap()
                            .unwrap(),
                    ),
                };
                let len = frame.len;
                self.input.drain(..len);
                return got;
            }
            let mut bytes = [0; 4096];
            match self.socket.read(&mut bytes) {
                Ok(0) => return Got::Closed,
                Ok(n) => self.input.extend_from_slice(&bytes[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Got::Closed;
                }
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    /// Expects a Terminate with this code, then the end.
    pub fn is_terminated(&mut self, code: u16) {
        loop {
            match self.next() {
                Got::Session(SessionMessage::Terminate(terminate)) => {
                    assert_eq!(terminate.code, code);
                    assert_eq!(self.next(), Got::Closed);
                    return;
                }
                Got::Session(SessionMessage::Heartbeat(_)) => {}
                other => panic!("expected Terminate, got {other:?}"),
            }
        }
    }
}
