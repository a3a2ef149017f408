//! Session messages, template ids 1 to 7. They carry no sequence number.

use crate::messages;
use crate::types::{CodMode, Role, Text, Time};

/// Bytes of the [`Logon`] root block that the signature covers: all but the signature itself.
pub const LOGON_SIGNED_LEN: usize = 60;
/// What the signed text begins with.
pub const LOGON_CONTEXT: &[u8] = b"portcullis-logon-v1";

/// The bytes a client signs to log on: context, instance, challenge, first 60 bytes of the root block.
#[must_use]
pub fn logon_signed_bytes(hello: &Hello, logon_block: &[u8]) -> Vec<u8> {
    let mut bytes = LOGON_CONTEXT.to_vec();
    bytes.extend_from_slice(&hello.instance.0);
    bytes.extend_from_slice(&hello.challenge.0);
    bytes.extend_from_slice(&logon_block[..LOGON_SIGNED_LEN.min(logon_block.len())]);
    bytes
}

messages! {
    #[doc = "First message of the server on every connection."]
    1 Hello {
        #[doc = "Oldest schema version the server understands."]
        min_version: u16,
        #[doc = "Newest schema version the server understands."]
        max_version: u16,
        #[doc = "Clock of the server."]
        server_time: Time,
        #[doc = "Epoch of the journal: see the protocol guide."]
        epoch: u64,
        #[doc = "Random text of this connection, to be signed."]
        challenge: Text<32>,
        #[doc = "Name of the server's instance, to be pinned by clients."]
        instance: Text<16>,
    }

    #[doc = "Says and proves who speaks."]
    2 Logon {
        #[doc = "The logical session."]
        session_id: u32,
        #[doc = "Epoch the client's sequence numbers belong to; 0 where it has none yet."]
        epoch: u64,
        #[doc = "First outbound sequence number wanted again; 0 for live only."]
        next_expected_seq_no: u64,
        #[doc = "Wanted interval of heartbeats in milliseconds."]
        keep_alive_ms: u32,
        #[doc = "Grace before cancel on disconnect, in milliseconds."]
        cod_grace_ms: u16,
        #[doc = "Cancel on disconnect."]
        cod_mode: CodMode,
        #[doc = "Role of the session."]
        role: Role,
        #[doc = "Name of the client program."]
        app_name: Text<16>,
        #[doc = "Version of the client program."]
        app_version: Text<8>,
        #[doc = "Which of the session's keys signs."]
        key_id: u32,
        #[doc = "No flag is defined yet: 0."]
        flags: u32,
        #[doc = "Ed25519 signature as 128 hexadecimal digits."]
        signature: Text<128>,
    }

    #[doc = "The session is live, or is after the replay that was asked for."]
    3 LogonAck {
        #[doc = "The logical session."]
        session_id: u32,
        #[doc = "Epoch of the journal."]
        epoch: u64,
        #[doc = "Sequence number of the next new outbound message."]
        next_seq_no: u64,
        #[doc = "Highest inbound sequence number in the durable journal: resend what lies above."]
        last_applied_seq_no: u64,
        #[doc = "Clock of the server."]
        server_time: Time,
        #[doc = "Interval of heartbeats in milliseconds."]
        keep_alive_ms: u32,
        #[doc = "Inbound messages a second; 0 for no throttle."]
        max_msg_per_sec: u32,
        #[doc = "Number of messages replayed before ReplayComplete."]
        replay_count: u64,
    }

    #[doc = "The logon is refused; the server closes the connection."]
    4 LogonReject {
        #[doc = "The logical session."]
        session_id: u32,
        #[doc = "Epoch of the journal."]
        epoch: u64,
        #[doc = "First retained (SeqTooLow) or next (SeqTooHigh) outbound sequence number."]
        next_seq_no: u64,
        #[doc = "Reject code."]
        code: u16,
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "How long to wait before trying again, in milliseconds."]
        retry_after_ms: u32,
    }

    #[doc = "Keeps the session alive and restates both watermarks."]
    5 Heartbeat {
        #[doc = "4: answer this heartbeat."]
        flags: u32,
        #[doc = "Sequence number of the sender's next message."]
        next_seq_no: u64,
        #[doc = "Highest inbound sequence number applied (server: durably)."]
        last_applied_seq_no: u64,
        #[doc = "Clock of the sender."]
        send_time: Time,
        #[doc = "sendTime of the last heartbeat received; 0 for none."]
        echo_time: Time,
    }

    #[doc = "The replay asked for at logon is over; what follows is live."]
    6 ReplayComplete {
        #[doc = "Zero."]
        flags: u32,
        #[doc = "Sequence number of the next live message."]
        next_seq_no: u64,
    }

    #[doc = "The sender closes the connection."]
    7 Terminate {
        #[doc = "Reject code; 0 for an orderly end."]
        code: u16,
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Highest inbound sequence number applied."]
        last_applied_seq_no: u64,
        #[doc = "Sequence number of the sender's next message."]
        next_seq_no: u64,
    }
}
