"""The session without I/O: bytes and times in, messages and bytes out.

A Session outlives its connections. It logs on, numbers what a program sends, hands out each message of
the outbound log exactly once and in order, answers heartbeats, and after a broken line asks for what it
missed and sends again what the server's durable journal does not hold, under the same numbers. It opens
no socket and reads no clock: portcullis.client and portcullis.aio do that, and so may you.

    session.connection_made(now)          a new connection stands
    session.receive(data, now)            what was read; then take messages from next_message()
    session.send(request)                 numbers a request
    session.tick(now)                     at the latest at next_tick(): heartbeats
    session.take_output()                 what to write
    session.connection_lost()             the line broke
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis import codec
from portcullis.errors import (
    GapError,
    InstanceError,
    LineBrokenError,
    LogonRejectedError,
    ProtocolError,
    SilentError,
    TerminatedError,
    WrongEpochError,
)
from portcullis.layout import Message, Reply, Request, SessionMessage
from portcullis.messages import (
    POSS_DUP,
    REPLY_REQUESTED,
    VERSION,
    CodMode,
    Heartbeat,
    Hello,
    Logon,
    LogonAck,
    LogonReject,
    RejectCode,
    ReplayComplete,
    Role,
    Terminate,
)

LOGON_CONTEXT = b"portcullis-logon-v1"
SIGNED_LEN = 60
"""Bytes of the Logon root block that the signature covers."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs on."""

    session_id: int
    role: Role
    key: Ed25519PrivateKey = field(repr=False)
    instance: str | None
    """Name of the server's instance. Pin it: else a rogue server could pass on another's challenge."""
    key_id: int = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How to log on, and how long to be patient. Times are in seconds."""

    keep_alive: float = 5.0
    """Interval of heartbeats, both ways."""
    timeout: float = 5.0
    """Longest wait for a connection, a logon, an answer, and progress of a write."""
    reconnect_for: float = 60.0
    """How long a client tries to take up a broken session before it gives up; 0 for not at all."""
    cod_mode: CodMode = CodMode.OFF
    cod_grace: float = 0.0
    """Grace before cancel on disconnect; at most 65.535."""
    next_expected: int = 0
    """First outbound number wanted again at the first logon: 0 live only, 1 everything."""
    epoch: int = 0
    """Epoch that next_expected belongs to; 0 where there is none yet."""
    app_name: str = "portcullis-py"
    app_version: str = "0.1.0"


class Phase(Enum):
    """Where the connection stands."""

    DISCONNECTED = "disconnected"
    WAITING_FOR_HELLO = "waiting for Hello"
    LOGGING_ON = "logging on"
    REPLAYING = "replaying"
    LIVE = "live"
    CLOSING = "closing"


class Session:
    """One logical session, over any number of connections, one at a time."""

    def __init__(self, credentials: Credentials, options: Options | None = None) -> None:
        self.credentials = credentials
        self.options = options or Options()
        self.phase = Phase.DISCONNECTED
        self.hello: Hello | None = None
        self.ack: LogonAck | None = None
        self.epoch = self.options.epoch
        self.next_seq_no = 0
        """Number of the next request; 0 before the first logon."""
        self.next_expected = self.options.next_expected
        """Number of the next reply: next_expected of another process that takes up the session."""
        self.last_applied = 0
        """Highest request that is known to be durable."""
        self._unapplied: deque[Request] = deque()
        self._inbox: deque[Message] = deque()
        self._failure: Exception | None = None
        self._frames = codec.FrameReader()
        self._output = bytearray()
        self._keep_alive = self.options.keep_alive
        self._last_beat = self._last_heard = 0.0
        self._answer_due = False
        self._peer_time = 0

    # --- the connection ---

    def connection_made(self, now: float) -> None:
        """A new connection stands; the server speaks first."""
        self.phase = Phase.WAITING_FOR_HELLO
        self._frames = codec.FrameReader()
        self._output.clear()
        self._failure = None
        self._last_beat = self._last_heard = now
        self._answer_due = False
        self._peer_time = 0

    def connection_lost(self) -> None:
        """The line broke. What was numbered is kept for the next connection."""
        self.phase = Phase.DISCONNECTED
        self._output.clear()

    def receive(self, data: bytes, now: float) -> None:
        """Takes what was read from the peer. next_message() tells what it was."""
        self._last_heard = now
        self._frames.feed(data)
        while self._failure is None:
            try:
                frame = self._frames.next_frame()
                if frame is None:
                    return
                message = codec.decode(frame)
                if message is not None:
                    self._take(message)
                elif int.from_bytes(frame[6:8], "little") < 100:
                    raise ProtocolError("a session message that this version does not know")
                else:
                    raise ProtocolError(
                        "a sequenced message that this version does not know: get a newer client"
                    )
            except Exception as error:
                self._failure = error

    def next_message(self) -> Message | None:
        """The next message for the program; None if there is none.

        Raises what ended the connection, once everything before it has been handed out.
        """
        if self._inbox:
            return self._inbox.popleft()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self.connection_lost()
            raise failure
        return None

    def take_output(self) -> bytes:
        """The bytes to be written now."""
        out = bytes(self._output)
        self._output.clear()
        return out

    @property
    def is_up(self) -> bool:
        """Whether the logon has succeeded on this connection."""
        return self.phase in (Phase.REPLAYING, Phase.LIVE)

    @property
    def unapplied(self) -> int:
        """How many requests would be sent again after a reconnect now."""
        return len(self._unapplied)

    # --- what the program sends ---

    def send(self, request: Request) -> int:
        """Numbers a request and puts it into the output; returns its number.

        While the line is broken the request waits for the next connection. Raises ValueRangeError, and
        uses no number, if a value can't be said on the wire.
        """
        if self.next_seq_no == 0:
            raise LineBrokenError("not logged on yet: the session's numbers are not known")
        seq_no = self.next_seq_no
        numbered = request.changed(seq_no=seq_no)
        frame = codec.encode(numbered)
        self.next_seq_no += 1
        self._unapplied.append(numbered)
        if self.is_up:
            self._put(frame)
        return seq_no

    def terminate(self) -> None:
        """Ends the connection in an orderly way. The session can be taken up again."""
        if self.is_up:
            self._put(
                codec.encode(
                    Terminate(
                        code=0,
                        last_applied_seq_no=max(self.next_expected - 1, 0),
                        next_seq_no=self.next_seq_no,
                    )
                )
            )
        self.phase = Phase.CLOSING

    def accept_epoch(self, error: WrongEpochError) -> list[Request]:
        """After a WrongEpochError and a reconciliation: go on in the server's epoch.

        Returns the requests that were not known to be durable. They are not sent again; their numbers
        are void.
        """
        given_up = list(self._unapplied)
        self._unapplied.clear()
        self.epoch = error.server
        self.next_expected = min(self.next_expected, error.next_seq_no)
        self.next_seq_no = 0
        self.last_applied = 0
        return given_up

    # --- time ---

    def next_tick(self) -> float:
        """The time at which tick() has to be called at the latest."""
        return self._last_beat + self._keep_alive

    def tick(self, now: float) -> None:
        """Sends the heartbeat that is due: one every interval, and one at once if the server asked."""
        if not self.is_up or not (self._answer_due or now >= self.next_tick()):
            return
        # Who has heard nothing for two intervals asks whether anybody is there.
        silent = now - self._last_heard >= 2 * self._keep_alive
        self._answer_due = False
        self._put(
            codec.encode(
                Heartbeat(
                    flags=REPLY_REQUESTED if silent else 0,
                    next_seq_no=self.next_seq_no,
                    last_applied_seq_no=max(self.next_expected - 1, 0),
                    send_time=time.time_ns(),
                    echo_time=self._peer_time,
                )
            )
        )
        self._last_beat = now

    def check_silence(self, now: float) -> None:
        """To be called after a read that brought nothing. Raises SilentError after three intervals."""
        silence = now - self._last_heard
        if self.is_up and silence >= 3 * self._keep_alive:
            raise SilentError(f"nothing heard from the server for {silence:.1f} s")

    # --- what the server says ---

    def _put(self, frame: bytes) -> None:
        self._output += frame

    def _take(self, message: Message) -> None:
        if self.phase is Phase.WAITING_FOR_HELLO:
            if not isinstance(message, Hello):
                raise ProtocolError(f"expected Hello, got {type(message).__name__}")
            self._log_on(message)
        elif self.phase is Phase.LOGGING_ON:
            self._logon_answer(message)
        elif isinstance(message, Reply):
            self._reply(message)
        elif isinstance(message, SessionMessage):
            self._session_message(message)
        else:
            raise ProtocolError(f"{type(message).__name__} is not for a server to send")

    def _log_on(self, hello: Hello) -> None:
        pinned = self.credentials.instance
        if pinned is not None and hello.instance != pinned:
            raise InstanceError(
                f"the server calls itself {hello.instance!r}, expected {pinned!r}: nothing was signed"
            )
        if not hello.min_version <= VERSION <= hello.max_version:
            raise ProtocolError(
                f"the server understands schema versions {hello.min_version} to "
                f"{hello.max_version}, this client speaks {VERSION}"
            )
        self.hello = hello
        self._put(codec.encode(signed_logon(self, hello)))
        self.phase = Phase.LOGGING_ON

    def _logon_answer(self, message: Message) -> None:
        if isinstance(message, LogonReject):
            if message.code == RejectCode.WRONG_EPOCH:
                raise WrongEpochError(self.epoch, message.epoch, message.next_seq_no)
            wait = message.retry_after_ms / 1000
            raise LogonRejectedError(message.code, message.next_seq_no, wait)
        if isinstance(message, Terminate):
            raise TerminatedError(message.code, message.last_applied_seq_no, message.next_seq_no)
        if not isinstance(message, LogonAck):
            raise ProtocolError(f"expected LogonAck, got {type(message).__name__}")
        self.ack = message
        self.epoch = message.epoch
        self._keep_alive = message.keep_alive_ms / 1000
        self.phase = Phase.REPLAYING if self.next_expected else Phase.LIVE
        if self.next_expected == 0:
            self.next_expected = message.next_seq_no
        self._applied(message.last_applied_seq_no)
        self.next_seq_no = max(self.next_seq_no, message.last_applied_seq_no + 1)
        for request in self._unapplied:
            again = request.changed(flags=request.flags | POSS_DUP)
            self._put(codec.encode(again))
        self._inbox.append(message)

    def _reply(self, reply: Reply) -> None:
        # Answers to queries are not part of the log: they carry no number.
        if reply.seq_no != 0:
            if reply.seq_no < self.next_expected:
                return
            if reply.seq_no > self.next_expected:
                raise GapError(self.next_expected, reply.seq_no)
            self.next_expected += 1
        self._inbox.append(reply)

    def _session_message(self, message: SessionMessage) -> None:
        if isinstance(message, Heartbeat):
            self._peer_time = message.send_time
            self._answer_due |= bool(message.flags & REPLY_REQUESTED)
            self._applied(message.last_applied_seq_no)
            self._inbox.append(message)
        elif isinstance(message, ReplayComplete):
            self.phase = Phase.LIVE
            self._inbox.append(message)
        elif isinstance(message, Terminate):
            self._applied(message.last_applied_seq_no)
            raise TerminatedError(message.code, message.last_applied_seq_no, message.next_seq_no)
        else:
            raise ProtocolError(f"{type(message).__name__} has no place here")

    def _applied(self, seq_no: int) -> None:
        """Everything up to seq_no is durable and never has to be sent again."""
        self.last_applied = max(self.last_applied, seq_no)
        while self._unapplied and self._unapplied[0].seq_no <= seq_no:
            self._unapplied.popleft()


def signed_logon(session: Session, hello: Hello) -> Logon:
    """The Logon of a session on the connection that this Hello opened."""
    options, credentials = session.options, session.credentials
    logon = Logon(
        session_id=credentials.session_id,
        epoch=session.epoch,
        next_expected_seq_no=session.next_expected,
        keep_alive_ms=round(options.keep_alive * 1000),
        cod_grace_ms=round(options.cod_grace * 1000),
        cod_mode=options.cod_mode,
        role=credentials.role,
        app_name=options.app_name,
        app_version=options.app_version,
        key_id=credentials.key_id,
    )
    signed = logon_signed_bytes(hello, logon.encode_block())
    return logon.changed(signature=credentials.key.sign(signed).hex())


def logon_signed_bytes(hello: Hello, logon_block: bytes) -> bytes:
    """The bytes that a client signs: context, instance, challenge, first 60 bytes of the Logon."""
    instance = hello.instance.encode("ascii").ljust(16, b"\0")
    challenge = hello.challenge.encode("ascii").ljust(32, b"\0")
    return LOGON_CONTEXT + instance + challenge + logon_block[:SIGNED_LEN]
