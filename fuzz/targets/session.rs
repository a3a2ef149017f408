//! The session state machine, against a model of a few lines that says what each state allows.
//!
//! The input is a script of frames and of time going by; the frames have a valid header and a block of
//! the script's own bytes, so that the interesting states are reached.

use super::script::Script;
use engine::command::Command;
use gateway::session::{Due, Ending, Phase, Session, Step, Timing};
use std::sync::LazyLock;
use wire::codec::{self, MAX_FRAME};
use wire::schema::all_layouts;
use wire::{
    FIRST_REQUEST, Frame, Heartbeat, Layout, Logon, Message, REPLY_REQUESTED, Request,
    SessionMessage, Terminate,
};

const MS: u64 = 1_000_000;
const TIMING: Timing = Timing {
    handshake: 2_000 * MS,
    keep_alive_min_ms: 50,
    keep_alive_max_ms: 60_000,
};

static LAYOUTS: LazyLock<Vec<&'static Layout>> = LazyLock::new(all_layouts);

/// What a connection is known to be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Accepted,
    Verifying,
    Settling,
    Live,
    Closing,
}

struct Run {
    session: Session,
    state: State,
    now: u64,
    opened: u64,
    heard: u64,
    beat: u64,
    asked: bool,
    keep_alive: u64,
}

pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let start = u64::from(script.u16()) * MS;
    let mut run = Run {
        session: Session::accepted(TIMING, start),
        state: State::Accepted,
        now: start,
        opened: start,
        heard: start,
        beat: start,
        asked: false,
        keep_alive: 0,
    };
    while !script.is_over() {
        run.step(&mut script);
        run.agrees();
    }
}

impl Run {
    fn step(&mut self, script: &mut Script<'_>) {
        match script.byte() % 16 {
            0..=5 => self.any_frame(script),
            6 => {
                let logon = Logon {
                    session_id: u32::from(script.byte()),
                    keep_alive_ms: u32::from(script.u16()),
                    cod_mode: wire::CodMode::Off,
                    role: wire::Role::Desk,
                    ..Logon::default()
                };
                self.message(&logon);
            }
            7 => {
                let flags = u32::from(script.byte());
                self.message(&Heartbeat {
                    flags,
                    ..Heartbeat::default()
                });
            }
            8 => self.message(&Terminate::default()),
            9 => {
                self.session.verified();
                if self.state == State::Verifying {
                    self.state = State::Settling;
                }
            }
            10 => {
                self.session.live(self.now);
                if self.state == State::Settling {
                    self.state = State::Live;
                    self.heard = self.now;
                    self.beat = self.now;
                }
            }
            11 => {
                self.session.close();
                self.state = State::Closing;
            }
            12 => {
                self.session.not_read(self.now);
                self.heard = self.now;
            }
            13 => {
                self.session.beat(self.now);
                self.beat = self.now;
            }
            _ => {
                self.now += u64::from(script.u16()) * MS;
                self.due();
            }
        }
    }

    /// A frame of some template, whose block is the script's own bytes.
    fn any_frame(&mut self, script: &mut Script<'_>) {
        let choice = usize::from(script.byte());
        let mut block = [0; MAX_FRAME];
        let (template_id, length) = match LAYOUTS.get(choice) {
            Some(layout) => (layout.template_id, layout.block_length),
            None => (script.u16(), usize::from(script.byte())),
        };
        let given = script.take(length);
        block[..given.len()].copy_from_slice(given);
        let version = u16::from(script.byte() == 1);
        self.frame(&Frame {
            template_id,
            version,
            block: &block[..length],
            len: codec::HEADER_LEN + length,
        });
    }

    fn message<M: Message>(&mut self, message: &M) {
        let mut bytes = [0; MAX_FRAME];
        let len = codec::encode_frame(message, &mut bytes);
        let frame = codec::split_frame(&bytes[..len]).unwrap().unwrap();
        self.frame(&frame);
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        let step = self.session.on_frame(frame, self.now);
        match self.state {
            State::Accepted => self.before_logon(frame, step),
            State::Live => {
                self.heard = self.now;
                self.asked = false;
                if frame.template_id < FIRST_REQUEST {
                    between_sessions(frame, step);
                } else {
                    sequenced(frame, step);
                }
            }
            State::Verifying | State::Settling | State::Closing => assert_eq!(step, Step::Heard),
        }
    }

    fn before_logon(&mut self, frame: &Frame<'_>, step: Step) {
        match step {
            Step::Verify(logon) => {
                assert_eq!(frame.version, codec::VERSION);
                assert_eq!(codec::decode_block::<Logon>(frame.block), Ok(logon));
                self.keep_alive = u64::from(logon.keep_alive_ms) * MS;
                self.state = State::Verifying;
                let range = TIMING.keep_alive_min_ms..=TIMING.keep_alive_max_ms;
                let fits = range.contains(&logon.keep_alive_ms) && logon.flags == 0;
                assert_eq!(self.session.check_terms(&logon).is_ok(), fits);
            }
            Step::Refuse(..) => assert_ne!(frame.version, codec::VERSION),
            Step::End(Ending::Misplaced(template)) => {
                assert_eq!(template, frame.template_id);
                assert_ne!(template, Logon::LAYOUT.template_id);
            }
            Step::End(Ending::Malformed(_)) => {
                assert_eq!(frame.template_id, Logon::LAYOUT.template_id);
            }
            other => panic!("before the logon: {other:?}"),
        }
    }

    fn due(&mut self) {
        let silence = self.now - self.heard;
        match (self.state, self.session.due(self.now)) {
            (State::Accepted, Due::End(Ending::HandshakeTimeout)) => {
                assert!(self.now - self.opened >= TIMING.handshake);
            }
            (State::Accepted, Due::Nothing) => {
                assert!(self.now - self.opened < TIMING.handshake);
            }
            (State::Live, Due::End(Ending::Silent)) => assert!(silence >= 3 * self.keep_alive),
            (State::Live, Due::Heartbeat(REPLY_REQUESTED)) => {
                assert!(silence >= 2 * self.keep_alive && !self.asked);
                self.asked = true;
            }
            (State::Live, Due::Heartbeat(0)) => {
                assert!(self.now - self.beat >= self.keep_alive);
            }
            (State::Live, Due::Nothing) => {
                assert!(silence < 3 * self.keep_alive && self.now - self.beat < self.keep_alive);
            }
            (State::Verifying | State::Settling | State::Closing, Due::Nothing) => {}
            other => panic!("due: {other:?}"),
        }
    }

    fn agrees(&self) {
        let state = match self.session.phase() {
            Phase::Accepted => State::Accepted,
            Phase::Verifying(_) => State::Verifying,
            Phase::Settling(_) => State::Settling,
            Phase::Live => State::Live,
            Phase::Closing => State::Closing,
        };
        assert_eq!(state, self.state);
        let takes = matches!(state, State::Accepted | State::Live);
        assert_eq!(self.session.takes_frames(), takes);
    }
}

/// A session message on a live connection.
fn between_sessions(frame: &Frame<'_>, step: Step) {
    let decoded = SessionMessage::decode_block(frame.template_id, frame.block);
    match (decoded, step) {
        (None, Step::End(Ending::Misplaced(id))) => assert_eq!(id, frame.template_id),
        (Some(Err(error)), Step::End(Ending::Malformed(found))) => assert_eq!(error, found),
        (Some(Ok(SessionMessage::Heartbeat(beat))), Step::Answer) => {
            assert_ne!(beat.flags & REPLY_REQUESTED, 0);
        }
        (Some(Ok(SessionMessage::Heartbeat(beat))), Step::Heard) => {
            assert_eq!(beat.flags & REPLY_REQUESTED, 0);
        }
        (Some(Ok(SessionMessage::Terminate(_))), Step::End(Ending::Terminated)) => {}
        (Some(Ok(_)), Step::End(Ending::Misplaced(id))) => assert_eq!(id, frame.template_id),
        other => panic!("session message: {other:?}"),
    }
}

/// A sequenced message on a live connection: one command under its own number, or the end if it has none.
fn sequenced(frame: &Frame<'_>, step: Step) {
    let number = frame
        .block
        .get(4..12)
        .map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
    match step {
        Step::End(Ending::Unnumbered(id)) => assert_eq!((id, number), (frame.template_id, 0)),
        Step::Command { seq_no, command } => {
            assert!(seq_no != 0 && seq_no == number);
            let flags = u32::from_le_bytes(frame.block[..4].try_into().unwrap());
            let decoded = Request::decode_block(frame.template_id, frame.block);
            match (decoded, command) {
                (Some(Ok(request)), command) if command == request.into() => {
                    assert_eq!(flags & !3, 0);
                }
                (None, Command::Refused(refused)) => {
                    assert_eq!(refused.code, wire::RejectCode::UnknownTemplate.number());
                }
                (Some(Err(error)), Command::Refused(refused)) => {
                    assert_eq!(refused.code, wire::RejectCode::MalformedField.number());
                    assert_eq!(refused.field_offset, error.field_offset());
                }
                (Some(Ok(_)), Command::Refused(refused)) => {
                    assert_eq!(refused.code, wire::RejectCode::UnsupportedFlag.number());
                    assert_ne!(flags & !1, 0);
                }
                other => panic!("sequenced message: {other:?}"),
            }
        }
        other => panic!("sequenced message: {other:?}"),
    }
}
