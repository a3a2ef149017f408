"""What can go wrong between a program and the server, and what to do about it."""

from __future__ import annotations


def code_text(code: int) -> str:
    """A reject code as people read it: its name, number and meaning."""
    # Here, because the messages stand on the errors.
    from portcullis.messages import REJECT_MEANINGS, RejectCode

    if code == 0:
        return "orderly end"
    try:
        return f"{RejectCode(code).name} ({code}): {REJECT_MEANINGS[code]}"
    except ValueError:
        return f"code {code}"


class PortcullisError(Exception):
    """Anything that this package raises on its own."""


class ValueRangeError(PortcullisError, ValueError):
    """A value can't be said exactly on the wire. Nothing was sent."""


class KeyFileError(PortcullisError):
    """A key file can't be used."""


class ProtocolError(PortcullisError):
    """The peer does not keep to the protocol; the connection is over."""


class FrameError(ProtocolError):
    """The byte stream can't be followed any further."""


class MalformedError(ProtocolError):
    """A message is not as the schema says."""


class InstanceError(PortcullisError):
    """The server is not the one that was pinned: nothing was signed."""


class LogonRejectedError(PortcullisError):
    """The server refused the logon."""

    def __init__(self, code: int, next_seq_no: int, retry_after: float) -> None:
        wait = f"; try again after {retry_after:.1f} s" if retry_after else ""
        super().__init__(f"logon refused: {code_text(code)} (next seqNo {next_seq_no}){wait}")
        self.code = code
        self.next_seq_no = next_seq_no
        """First retained (SEQ_TOO_LOW) or next (SEQ_TOO_HIGH) outbound number."""
        self.retry_after = retry_after
        """Seconds to wait before the next try."""


class WrongEpochError(PortcullisError):
    """Records that the server had acknowledged may be lost: reconcile instead of resending."""

    def __init__(self, ours: int, server: int, next_seq_no: int) -> None:
        super().__init__(
            f"the server is in epoch {server}, this session's numbers are of epoch {ours}: "
            f"acknowledged records may be lost. Nothing was sent again. Compare with the venue, then "
            f"call accept_epoch({server}) and connect again"
        )
        self.ours = ours
        self.server = server
        self.next_seq_no = next_seq_no
        """What the old epoch recovered to: the session's next outbound number."""


class LineBrokenError(PortcullisError):
    """The connection is over; reconnecting takes the session up where it was."""


class ClosedError(LineBrokenError):
    """The peer closed the connection without a word."""


class SilentError(LineBrokenError):
    """Nothing was heard for three heartbeat intervals."""


class GapError(LineBrokenError):
    """An outbound message is missing; reconnecting asks for it again."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"expected outbound message {expected}, got {found}")
        self.expected = expected
        self.found = found


class TerminatedError(LineBrokenError):
    """The server ended the connection and said why."""

    def __init__(self, code: int, last_applied_seq_no: int, next_seq_no: int) -> None:
        applied = f"it has applied up to {last_applied_seq_no}"
        super().__init__(f"the server ended the connection: {code_text(code)}; {applied}")
        self.code = code
        self.last_applied_seq_no = last_applied_seq_no
        self.next_seq_no = next_seq_no


class NoAnswerError(PortcullisError, TimeoutError):
    """No answer came in time. The request stands: its answer may still come."""


class RejectedError(PortcullisError):
    """The server could not take a message as it is, or refused a query."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what}: {code_text(code)}")
        self.code = code
