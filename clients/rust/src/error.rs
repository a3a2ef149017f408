//! What can go wrong between a client and the server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use wire::{BusinessReject, FrameError, Malformed, RejectCode};

/// A reject code as it came: by name where this build knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u16);

impl Code {
    /// The code by name, where this build knows it.
    #[must_use]
    pub fn known(self) -> Option<RejectCode> {
        RejectCode::from_number(self.0)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.known() {
            Some(code) => write!(f, "{} ({}): {}", code.name(), self.0, code.doc()),
            None if self.0 == 0 => f.write_str("orderly end"),
            None => write!(f, "code {}", self.0),
        }
    }
}

/// Why a call of the client failed. After anything but [`ClientError::Rejected`] and
/// [`ClientError::Timeout`] the connection is over; [`crate::Client::reconnect`] takes up the session.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection could be made.
    #[error("cannot connect to {address}: {cause}; is the server running there?")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The host name stands for no address.
    #[error("no address found for the server: {0}")]
    Address(io::Error),
    /// Reading or writing failed.
    #[error("the connection broke: {0}; reconnect takes up the session")]
    Io(#[from] io::Error),
    /// Nothing came in time.
    #[error("no {what} within {waited:?}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        waited: Duration,
    },
    /// The peer does not speak this protocol.
    #[error("the peer does not speak this protocol: {0}")]
    Frame(#[from] FrameError),
    /// The server speaks TLS, and [`crate::Options`] asks for plain TCP.
    #[error("the server speaks TLS, and this client was not told to")]
    SpeaksTls,
    /// A message of the server is not as the schema says.
    #[error("message of template {template_id} from the server is malformed: {cause}")]
    Malformed {
        /// Its template.
        template_id: u16,
        /// What is wrong.
        cause: Malformed,
    },
    /// A message came that has no place here.
    #[error("expected {expected} from the server, got template {template_id}")]
    Unexpected {
        /// What belongs here.
        expected: &'static str,
        /// What came.
        template_id: u16,
    },
    /// The server is not the one that was pinned.
    #[error("server calls itself `{found}`, expected `{expected}`: nothing was signed")]
    Instance {
        /// As pinned.
        expected: String,
        /// As announced.
        found: String,
    },
    /// The server does not understand the version of this client.
    #[error("server understands schema versions {min}..={max}, this client speaks {ours}")]
    Version {
        /// Oldest the server understands.
        min: u16,
        /// Newest the server understands.
        max: u16,
        /// What this client speaks.
        ours: u16,
    },
    /// The journal is in another epoch than this client's sequence numbers.
    #[error(
        "the server is in epoch {server}, this session's numbers are of epoch {ours}: acknowledged \
         records may be lost; reconcile from outbound number {next_seq_no} instead of resending"
    )]
    WrongEpoch {
        /// Of this client.
        ours: u64,
        /// Of the server.
        server: u64,
        /// What the old epoch recovered to: the session's next outbound sequence number.
        next_seq_no: u64,
    },
    /// The logon was refused.
    #[error("logon of session {session_id} refused: {code} (next seqNo {next_seq_no})")]
    LogonRejected {
        /// Session that was named.
        session_id: u32,
        /// Why.
        code: Code,
        /// First retained (`SeqTooLow`) or next (`SeqTooHigh`) outbound number.
        next_seq_no: u64,
        /// How long to wait before trying again.
        retry_after: Duration,
    },
    /// The server ended the connection and said why.
    #[error("the server ended the session: {code}; it has applied up to {last_applied_seq_no}")]
    Terminated {
        /// Why; 0 for an orderly end.
        code: Code,
        /// Highest inbound number that is durable.
        last_applied_seq_no: u64,
        /// Number of the server's next message.
        next_seq_no: u64,
    },
    /// The peer closed without a word.
    #[error("the server closed the connection; reconnect takes up the session")]
    Closed,
    /// Three heartbeat intervals passed without a message.
    #[error("nothing heard from the server for {0:?}; reconnect takes up the session")]
    Silent(Duration),
    /// A message is missing in the outbound log.
    #[error("expected outbound message {expected}, got {found}; reconnect asks for it again")]
    Gap {
        /// Next in order.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The server could not take the message as it is.
    #[error("message {} of template {} rejected: {}", .0.ref_seq_no, .0.ref_template_id, Code(.0.code))]
    Rejected(BusinessReject),
    /// A query was refused.
    #[error("query refused: {0}")]
    QueryRefused(Code),
}
