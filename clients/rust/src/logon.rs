//! Who logs on, how, and the exchange that does it: Hello, Logon, LogonAck or LogonReject.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer, SigningKey};
use wire::codec::{self, decode_block, encode_block};
use wire::session::{LOGON_SIGNED_LEN, logon_signed_bytes};
use wire::{
    CodMode, Hello, Logon, LogonAck, LogonReject, Message, RejectCode, Role, SessionMessage, Text,
};

use crate::error::{ClientError, Code};
use crate::keys::to_hex;
use crate::stream::FrameStream;

/// Who logs on.
#[derive(Clone)]
pub struct Credentials {
    /// The logical session.
    pub session_id: u32,
    /// Its role.
    pub role: Role,
    /// Its private key; see [`crate::keys`].
    pub key: SigningKey,
    /// Which of the session's keys this is.
    pub key_id: u32,
    /// Name of the server's instance. Pin it: else a rogue server can relay the challenge of another.
    pub expected_instance: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("session_id", &self.session_id)
            .field("role", &self.role)
            .field("key_id", &self.key_id)
            .field("expected_instance", &self.expected_instance)
            .finish_non_exhaustive()
    }
}

/// How to log on.
#[derive(Debug, Clone)]
pub struct Options {
    /// First outbound sequence number wanted again; 0 for live only.
    pub next_expected: u64,
    /// Epoch that `next_expected` and earlier requests belong to; 0 where there is none yet.
    pub epoch: u64,
    /// Interval of heartbeats, both ways.
    pub keep_alive: Duration,
    /// Longest wait for the connection, each answer at logon, and progress of a write.
    pub timeout: Duration,
    /// Whether a loss of the connection cancels the session's orders.
    pub cod_mode: CodMode,
    /// Grace before it does, in milliseconds.
    pub cod_grace_ms: u16,
    /// Name of the client program.
    pub app_name: String,
    /// Its version.
    pub app_version: String,
    /// Speak TLS; plain TCP without it.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::Tls>,
    /// Keep requests until they are acknowledged, so that [`crate::Client::reconnect`] can resend them.
    pub resend: bool,
    /// How long the client itself tries to take a broken session up again, with pauses of up to 2 s, before a
    /// call returns what broke. Zero: a broken line is an error at once. Needs `resend`. A try blocks for at
    /// most twice `timeout`, in non-blocking use too. [`crate::ClientError::WrongEpoch`] is never tried again.
    pub reconnect_for: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            next_expected: 0,
            epoch: 0,
            keep_alive: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
            cod_mode: CodMode::Off,
            cod_grace_ms: 0,
            app_name: "portcullis-client".to_owned(),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            #[cfg(feature = "tls")]
            tls: None,
            resend: true,
            reconnect_for: Duration::ZERO,
        }
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Waits for one message of the logon and reads it with `read`.
fn await_message<T>(
    stream: &mut FrameStream,
    what: &'static str,
    timeout: Duration,
    read: impl FnOnce(u16, &[u8]) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(frame) = stream.next_frame()? {
            return read(frame.template_id, frame.block);
        }
        let now = Instant::now();
        if now >= deadline {
            return Err(ClientError::Timeout {
                what,
                waited: timeout,
            });
        }
        stream.fill(deadline - now)?;
    }
}

pub(crate) fn log_on(
    address: SocketAddr,
    credentials: &Credentials,
    options: &Options,
    epoch: u64,
    next_expected: u64,
) -> Result<(FrameStream, Hello, LogonAck), ClientError> {
    let mut stream = FrameStream::connect(address, options)
        .map_err(|cause| ClientError::Connect { address, cause })?;
    let hello = await_message(
        &mut stream,
        "Hello",
        options.timeout,
        |template_id, block| {
            if template_id != Hello::LAYOUT.template_id {
                return Err(ClientError::Unexpected {
                    expected: "Hello",
                    template_id,
                });
            }
            decode_block::<Hello>(block)
                .map_err(|cause| ClientError::Malformed { template_id, cause })
        },
    )?;
    if let Some(expected) = &credentials.expected_instance
        && hello.instance != Text::new(expected)
    {
        return Err(ClientError::Instance {
            expected: expected.clone(),
            found: hello.instance.to_string(),
        });
    }
    if !(hello.min_version..=hello.max_version).contains(&codec::VERSION) {
        return Err(ClientError::Version {
            min: hello.min_version,
            max: hello.max_version,
            ours: codec::VERSION,
        });
    }
    stream.queue(&signed_logon(
        &hello,
        credentials,
        options,
        epoch,
        next_expected,
    ));
    stream.flush()?;
    let ack = await_message(
        &mut stream,
        "LogonAck",
        options.timeout,
        |template_id, block| read_logon_answer(template_id, block, epoch),
    )?;
    Ok((stream, hello, ack))
}

/// The Logon of these credentials, signed for this connection.
#[must_use]
pub fn signed_logon(
    hello: &Hello,
    credentials: &Credentials,
    options: &Options,
    epoch: u64,
    next_expected: u64,
) -> Logon {
    let mut logon = Logon {
        session_id: credentials.session_id,
        epoch,
        next_expected_seq_no: next_expected,
        keep_alive_ms: millis(options.keep_alive),
        cod_grace_ms: options.cod_grace_ms,
        cod_mode: options.cod_mode,
        role: credentials.role,
        app_name: Text::new(&options.app_name),
        app_version: Text::new(&options.app_version),
        key_id: credentials.key_id,
        ..Logon::default()
    };
    let mut block = [0; codec::MAX_FRAME];
    let len = encode_block(&logon, &mut block);
    debug_assert!(len > LOGON_SIGNED_LEN, "the signature comes last");
    let signature = credentials
        .key
        .sign(&logon_signed_bytes(hello, &block[..len]));
    logon.signature = Text::new(&to_hex(&signature.to_bytes()));
    logon
}

fn read_logon_answer(template_id: u16, block: &[u8], epoch: u64) -> Result<LogonAck, ClientError> {
    let malformed = |cause| ClientError::Malformed { template_id, cause };
    match SessionMessage::decode_block(template_id, block) {
        Some(Ok(SessionMessage::LogonAck(ack))) => Ok(ack),
        Some(Ok(SessionMessage::LogonReject(reject))) => Err(rejected(&reject, epoch)),
        Some(Ok(SessionMessage::Terminate(terminate))) => Err(ClientError::Terminated {
            code: Code(terminate.code),
            last_applied_seq_no: terminate.last_applied_seq_no,
            next_seq_no: terminate.next_seq_no,
        }),
        Some(Err(cause)) => Err(malformed(cause)),
        Some(Ok(_)) | None => Err(ClientError::Unexpected {
            expected: "LogonAck or LogonReject",
            template_id,
        }),
    }
}

fn rejected(reject: &LogonReject, ours: u64) -> ClientError {
    if reject.code == RejectCode::WrongEpoch.number() {
        return ClientError::WrongEpoch {
            ours,
            server: reject.epoch,
            next_seq_no: reject.next_seq_no,
        };
    }
    ClientError::LogonRejected {
        session_id: reject.session_id,
        code: Code(reject.code),
        next_seq_no: reject.next_seq_no,
        retry_after: Duration::from_millis(reject.retry_after_ms.into()),
    }
}
