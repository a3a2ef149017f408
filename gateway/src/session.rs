//! What one connection may say, and when: a pure state machine. Bytes, sockets, clocks, keys and rings
//! are its caller's; it takes frames and times and returns what is to be done.
//!
//! ```text
//! accepted (Hello sent) ──Logon──▶ verifying ──signature holds──▶ settling ──▶ live ──▶ closing
//!     └──────────── 2 s, other messages, bad frames ──────────────────────────────────────┘
//! ```
//! *Settling* waits until everything that the logical session sent before is durable, so that the
//! `lastAppliedSeqNo` of the LogonAck can't be overtaken by an older connection's messages.

use engine::command::{Command, Refused};
use wire::codec::{self, Frame};
use wire::{
    FrameError, Heartbeat, Logon, Malformed, Message, POSS_DUP, REPLY_REQUESTED, RejectCode,
    Request, SessionMessage, Time, WHAT_IF,
};

/// Bytes of flags and seqNo, with which every sequenced message begins.
const PREFIX: usize = 12;
/// Bytes of the prefix and the clOrdId or requestId behind it.
const PREFIX_AND_ID: usize = 20;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// The peer said Terminate.
    #[error("terminated by the peer")]
    Terminated,
    /// The peer closed, or the socket broke.
    #[error("the connection broke")]
    Broken,
    /// No Logon in time.
    #[error("no logon in time")]
    HandshakeTimeout,
    /// The logon was refused.
    #[error("logon refused: {0}")]
    Refused(RejectCode),
    /// Three intervals without a message.
    #[error("silent for three heartbeat intervals")]
    Silent,
    /// The bytes are no frames.
    #[error("bad framing: {0}")]
    Framing(FrameError),
    /// A session message is malformed.
    #[error("malformed session message: {0}")]
    Malformed(Malformed),
    /// A session message that has no place here.
    #[error("template {0} has no place here")]
    Misplaced(u16),
    /// A sequenced message without a sequence number.
    #[error("template {0} carries no sequence number")]
    Unnumbered(u16),
    /// More messages than the session may send, for a whole second's worth.
    #[error("too many messages for too long")]
    Throttled,
    /// More output waits than is kept for the connection.
    #[error("slow consumer: {waiting}")]
    SlowConsumer {
        /// What waits for it.
        waiting: Waiting,
    },
    /// What was sent before can't be read back from the journal.
    #[error("the journal can't be read back for the replay")]
    Unreadable,
    /// Its key is no longer the session's.
    #[error("its key was revoked")]
    Revoked,
    /// Another connection proved to be the session's.
    #[error("superseded by a newer connection")]
    Superseded,
    /// The server stops in an orderly way.
    #[error("the server stops")]
    Stopping,
    /// The journal has failed: nothing more is acknowledged.
    #[error("the journal has failed")]
    JournalFailed,
}

/// What waits for a consumer that is too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Waiting {
    /// More messages than may wait.
    #[error("{0} messages wait")]
    Messages(u64),
    /// More bytes than may wait.
    #[error("{0} bytes wait")]
    Bytes(usize),
    /// It has taken nothing for the longest time that is allowed.
    #[error("it takes nothing")]
    Anything,
    /// Its log has moved past what it has not been sent.
    #[error("its log in memory has moved on")]
    Log,
}

impl Ending {
    /// The code of the Terminate message and of the journalled SessionDown; 0 for an orderly end.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Terminated | Self::Stopping => 0,
            Self::Broken | Self::HandshakeTimeout | Self::Silent => {
                RejectCode::Disconnected.number()
            }
            Self::Refused(code) => code.number(),
            Self::Framing(_) | Self::Malformed(_) | Self::Unnumbered(_) => {
                RejectCode::MalformedField.number()
            }
            Self::Misplaced(_) => RejectCode::UnknownTemplate.number(),
            Self::Throttled => RejectCode::Throttled.number(),
            Self::SlowConsumer { .. } => RejectCode::SlowConsumer.number(),
            Self::Revoked => RejectCode::Credentials.number(),
            Self::Superseded => RejectCode::AlreadyLoggedOn.number(),
            Self::JournalFailed | Self::Unreadable => RejectCode::Busy.number(),
        }
    }
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Phase {
    /// Hello is sent; only a Logon may follow.
    Accepted,
    /// The signature is being checked.
    Verifying(Logon),
    /// Proven; waits for older messages of the session to become durable.
    Settling(Logon),
    /// Replaying or live.
    Live,
    /// Nothing more is taken or sent.
    Closing,
}

/// What the caller has to do about a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Check this logon's signature; take no more frames until that is done.
    Verify(Logon),
    /// Refuse the logon of this session and close.
    Refuse(u32, RejectCode),
    /// Hand this to the engine: one journal record for this number.
    Command {
        /// Its number in the session.
        seq_no: u64,
        /// What is asked, or the gateway's refusal in its place.
        command: Command,
    },
    /// Send a heartbeat.
    Answer,
    /// Nothing.
    Heard,
    /// Close.
    End(Ending),
}

/// What is due by time alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Send a heartbeat with these flags.
    Heartbeat(u32),
    /// Close.
    End(Ending),
}

/// Times of the session layer, in monotonic nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From accept to Logon.
    pub handshake: u64,
    /// Shortest heartbeat interval a client may ask for, in milliseconds.
    pub keep_alive_min_ms: u32,
    /// Longest heartbeat interval a client may ask for, in milliseconds.
    pub keep_alive_max_ms: u32,
}

/// The protocol state of one connection.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    timing: Timing,
    opened_at: u64,
    keep_alive: u64,
    last_heard: u64,
    last_beat: u64,
    /// A reply was requested after one missed interval.
    asked: bool,
    peer_time: Time,
}

impl Session {
    /// A connection accepted at `now`.
    #[must_use]
    pub fn accepted(timing: Timing, now: u64) -> Self {
        Self {
            phase: Phase::Accepted,
            timing,
            opened_at: now,
            keep_alive: 0,
            last_heard: now,
            last_beat: now,
            asked: false,
            peer_time: Time(0),
        }
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether frames are taken now.
    #[must_use]
    pub const fn takes_frames(&self) -> bool {
        matches!(self.phase, Phase::Accepted | Phase::Live)
    }

    /// `sendTime` of the peer's last heartbeat, to be echoed.
    #[must_use]
    pub const fn peer_time(&self) -> Time {
        self.peer_time
    }

    /// The signature holds.
    pub const fn verified(&mut self) {
        if let Phase::Verifying(logon) = self.phase {
            self.phase = Phase::Settling(logon);
        }
    }

    /// The LogonAck is sent.
    pub fn live(&mut self, now: u64) {
        if let Phase::Settling(logon) = self.phase {
            self.keep_alive = u64::from(logon.keep_alive_ms).saturating_mul(1_000_000);
            self.last_heard = now;
            self.last_beat = now;
            self.phase = Phase::Live;
        }
    }

    /// Nothing more is taken.
    pub const fn close(&mut self) {
        self.phase = Phase::Closing;
    }

    /// Takes one frame.
    pub fn on_frame(&mut self, frame: &Frame<'_>, now: u64) -> Step {
        match self.phase {
            Phase::Accepted => self.on_logon(frame),
            Phase::Live => {
                self.last_heard = now;
                self.asked = false;
                if frame.template_id < wire::FIRST_REQUEST {
                    self.on_session_message(frame)
                } else {
                    on_sequenced(frame)
                }
            }
            Phase::Verifying(_) | Phase::Settling(_) | Phase::Closing => Step::Heard,
        }
    }

    fn on_logon(&mut self, frame: &Frame<'_>) -> Step {
        if frame.template_id != Logon::LAYOUT.template_id {
            return Step::End(Ending::Misplaced(frame.template_id));
        }
        let logon: Logon = match codec::decode_block(frame.block) {
            Ok(logon) => logon,
            Err(error) => return Step::End(Ending::Malformed(error)),
        };
        if frame.version != codec::VERSION {
            return Step::Refuse(logon.session_id, RejectCode::Version);
        }
        self.phase = Phase::Verifying(logon);
        Step::Verify(logon)
    }

    /// What of a proven logon can be refused without looking at the logical session.
    ///
    /// # Errors
    /// The reject code.
    pub fn check_terms(&self, logon: &Logon) -> Result<(), RejectCode> {
        let range = self.timing.keep_alive_min_ms..=self.timing.keep_alive_max_ms;
        if !range.contains(&logon.keep_alive_ms) {
            return Err(RejectCode::KeepAliveRange);
        }
        if logon.flags != 0 {
            return Err(RejectCode::UnsupportedFlag);
        }
        Ok(())
    }

    fn on_session_message(&mut self, frame: &Frame<'_>) -> Step {
        match SessionMessage::decode_block(frame.template_id, frame.block) {
            None => Step::End(Ending::Misplaced(frame.template_id)),
            Some(Err(error)) => Step::End(Ending::Malformed(error)),
            Some(Ok(SessionMessage::Heartbeat(Heartbeat {
                flags, send_time, ..
            }))) => {
                self.peer_time = send_time;
                if flags & REPLY_REQUESTED == 0 {
                    Step::Heard
                } else {
                    Step::Answer
                }
            }
            Some(Ok(SessionMessage::Terminate(_))) => Step::End(Ending::Terminated),
            Some(Ok(_)) => Step::End(Ending::Misplaced(frame.template_id)),
        }
    }

    /// The peer was not listened to, because a ring was full: its silence is not its own.
    pub const fn not_read(&mut self, now: u64) {
        self.last_heard = now;
    }

    /// Nobody was listened to for so many nanoseconds until now: that much of the peer's silence is not its own.
    pub fn not_heard_for(&mut self, absent: u64, now: u64) {
        self.last_heard = self.last_heard.saturating_add(absent).min(now);
    }

    /// A heartbeat was sent.
    pub const fn beat(&mut self, now: u64) {
        self.last_beat = now;
    }

    /// What is due at `now`. A heartbeat goes out every interval, also under traffic: it restates the
    /// durable watermark, up to which the client may forget what it sent.
    #[must_use]
    pub fn due(&mut self, now: u64) -> Due {
        match self.phase {
            Phase::Accepted if now.saturating_sub(self.opened_at) >= self.timing.handshake => {
                Due::End(Ending::HandshakeTimeout)
            }
            Phase::Live => {
                let silence = now.saturating_sub(self.last_heard);
                if silence >= self.keep_alive.saturating_mul(3) {
                    Due::End(Ending::Silent)
                } else if silence >= self.keep_alive.saturating_mul(2) && !self.asked {
                    self.asked = true;
                    Due::Heartbeat(REPLY_REQUESTED)
                } else if now.saturating_sub(self.last_beat) >= self.keep_alive {
                    Due::Heartbeat(0)
                } else {
                    Due::Nothing
                }
            }
            Phase::Accepted | Phase::Verifying(_) | Phase::Settling(_) | Phase::Closing => {
                Due::Nothing
            }
        }
    }
}

/// Turns a sequenced frame into the one command that its number will stand for.
fn on_sequenced(frame: &Frame<'_>) -> Step {
    let unnumbered = Step::End(Ending::Unnumbered(frame.template_id));
    let (Some(flags), Some(seq_no)) = (u32_at(frame.block, 0), u64_at(frame.block, 4)) else {
        return unnumbered;
    };
    debug_assert!(frame.block.len() >= PREFIX, "flags and seqNo were there");
    if seq_no == 0 {
        return unnumbered;
    }
    let refused = |code, field_offset| Step::Command {
        seq_no,
        command: refusal(frame, code, field_offset),
    };
    match Request::decode_block(frame.template_id, frame.block) {
        None => refused(RejectCode::UnknownTemplate, None),
        Some(Err(error)) => refused(RejectCode::MalformedField, Some(error.field_offset())),
        Some(Ok(request)) if flags & !flags_of(&request) != 0 => {
            refused(RejectCode::UnsupportedFlag, Some(0))
        }
        Some(Ok(request)) => Step::Command {
            seq_no,
            command: request.into(),
        },
    }
}

/// The flags that a request may carry: whatIf asks about an order or a replace only (R35).
const fn flags_of(request: &Request) -> u32 {
    if matches!(request, Request::NewOrder(_) | Request::ReplaceOrder(_)) {
        POSS_DUP | WHAT_IF
    } else {
        POSS_DUP
    }
}

/// The gateway's refusal of a sequenced frame, to be journalled in the message's place.
#[must_use]
pub fn refusal(frame: &Frame<'_>, code: RejectCode, field_offset: Option<u16>) -> Command {
    let ref_id = u64_at(frame.block, PREFIX).unwrap_or(0);
    debug_assert!(
        ref_id == 0 || frame.block.len() >= PREFIX_AND_ID,
        "the id was there"
    );
    Refused {
        ref_id,
        code: code.number(),
        ref_template_id: frame.template_id,
        field_offset: field_offset.unwrap_or(u16::MAX),
        ..Refused::default()
    }
    .into()
}

fn u32_at(block: &[u8], at: usize) -> Option<u32> {
    let bytes = block.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn u64_at(block: &[u8], at: usize) -> Option<u64> {
    let bytes = block.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
