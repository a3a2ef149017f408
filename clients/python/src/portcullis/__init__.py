"""Client of the Portcullis order-entry protocol: Client blocks, AsyncClient is for asyncio.

Both are thin faces of portcullis.session.Session, which does no I/O. Messages are dataclasses with
Decimal prices and quantities; all of them are in portcullis.messages and can be imported from here.
"""

from portcullis import keys
from portcullis.aio import AsyncClient
from portcullis.answers import Decision
from portcullis.client import Client
from portcullis.errors import (
    ClosedError,
    FrameError,
    GapError,
    InstanceError,
    KeyFileError,
    LineBrokenError,
    LogonRejectedError,
    MalformedError,
    NoAnswerError,
    PortcullisError,
    ProtocolError,
    RejectedError,
    SilentError,
    TerminatedError,
    ValueRangeError,
    WrongEpochError,
    code_text,
)
from portcullis.layout import Message, Reply, Request, SessionMessage
from portcullis.messages import *  # noqa: F403
from portcullis.session import Credentials, Options, Session
from portcullis import messages as _messages

UNLIMITED = 2**63 - 1
"""Value of a limit that says "unlimited"."""

__all__ = [
    "UNLIMITED",
    "AsyncClient",
    "Client",
    "ClosedError",
    "Credentials",
    "Decision",
    "FrameError",
    "GapError",
    "InstanceError",
    "KeyFileError",
    "LineBrokenError",
    "LogonRejectedError",
    "MalformedError",
    "Message",
    "NoAnswerError",
    "Options",
    "PortcullisError",
    "ProtocolError",
    "RejectedError",
    "Reply",
    "Request",
    "Session",
    "SessionMessage",
    "SilentError",
    "TerminatedError",
    "ValueRangeError",
    "WrongEpochError",
    "code_text",
    "keys",
]
__all__ += _messages.__all__
