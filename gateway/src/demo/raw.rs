//! A client that speaks bytes, for what the client library refuses to say.

use super::plan::{INSTANCE, Keys};
use super::server::ServerProcess;
use anyhow::{Context, bail};
use portcullis_client::{Credentials, Options, signed_logon};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use wire::codec::{self, MAX_FRAME};
use wire::{Reply, SessionMessage};

/// A template that no version knows.
const UNKNOWN: u16 = 150;

/// Logs on, sends message 1 with an unknown template, and returns the code of the answer.
pub(super) fn send_unknown_template(
    server: &ServerProcess,
    keys: &Keys,
    session_id: u32,
) -> anyhow::Result<u16> {
    let mut socket = TcpStream::connect(server.address())?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut input = Vec::new();
    let Said::Session(SessionMessage::Hello(hello)) = next(&mut socket, &mut input)? else {
        bail!("the server did not greet");
    };
    let (role, key) = keys.of(session_id).context("a session without a key")?;
    let credentials = Credentials {
        session_id,
        role,
        key,
        key_id: 1,
        expected_instance: Some(INSTANCE.to_owned()),
    };
    let logon = signed_logon(&hello, &credentials, &Options::default(), 0, 0);
    let mut bytes = [0; MAX_FRAME];
    let length = codec::encode_frame(&logon, &mut bytes);
    socket.write_all(&bytes[..length])?;
    let Said::Session(SessionMessage::LogonAck(_)) = next(&mut socket, &mut input)? else {
        bail!("the logon was not taken");
    };
    // flags u32, seqNo u64, and 8 bytes that mean nothing.
    let length = codec::write_frame(UNKNOWN, &mut bytes, |block| {
        block[..20].fill(0);
        block[4] = 1;
        20
    });
    socket.write_all(&bytes[..length])?;
    loop {
        match next(&mut socket, &mut input)? {
            Said::Reply(Reply::BusinessReject(reject)) => return Ok(reject.code),
            Said::Session(SessionMessage::Terminate(_)) => bail!("the server ended the session"),
            Said::Session(_) | Said::Reply(_) => {}
        }
    }
}

enum Said {
    Session(SessionMessage),
    Reply(Reply),
}

fn next(socket: &mut TcpStream, input: &mut Vec<u8>) -> anyhow::Result<Said> {
    loop {
        if let Some(frame) = codec::split_frame(input)? {
            let said = match SessionMessage::decode_block(frame.template_id, frame.block) {
                Some(message) => Said::Session(message?),
                None => {
                    let reply = Reply::decode_block(frame.template_id, frame.block);
                    Said::Reply(reply.context("a message of the server is not known")??)
                }
            };
            let length = frame.len;
            input.drain(..length);
            return Ok(said);
        }
        let mut bytes = [0; 1024];
        let read = socket.read(&mut bytes)?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        input.extend_from_slice(&bytes[..read]);
    }
}
