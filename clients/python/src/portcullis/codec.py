"""Frames: bytes in, messages out, and back. No I/O; a frame that is not whole yet is no error."""

from __future__ import annotations

import struct

from portcullis.errors import FrameError
from portcullis.layout import Message
from portcullis.messages import HEADER_LEN, MAGIC, MAX_FRAME, MESSAGES, SCHEMA_ID, VERSION

_HEADER = struct.Struct("<HHHHHH")


def encode(message: Message) -> bytes:
    """A message as one frame."""
    block = message.encode_block()
    length = HEADER_LEN + len(block)
    return (
        _HEADER.pack(length, MAGIC, len(block), message.TEMPLATE_ID, SCHEMA_ID, VERSION) + block
    )


def decode(frame: bytes) -> Message | None:
    """The message of one whole frame; None for a template that this version does not know."""
    template_id = int.from_bytes(frame[6:8], "little")
    message = MESSAGES.get(template_id)
    return None if message is None else message.decode_block(frame[HEADER_LEN:])


class FrameReader:
    """Collects bytes and hands out whole frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Takes what was read from the peer."""
        self._bytes += data

    def next_frame(self) -> bytes | None:
        """The next whole frame, or None until more bytes come.

        Raises FrameError if what is there can't be the beginning of a frame.
        """
        have = len(self._bytes)
        if have < 2:
            return None
        length = int.from_bytes(self._bytes[:2], "little")
        if not HEADER_LEN <= length <= MAX_FRAME:
            raise FrameError(f"frame length {length} is outside {HEADER_LEN} to {MAX_FRAME}")
        if have < HEADER_LEN:
            return None
        _, marker, block, _, schema, _ = _HEADER.unpack_from(self._bytes)
        if marker != MAGIC:
            raise FrameError(f"frame marker {marker:#06x} is not {MAGIC:#06x}")
        if schema != SCHEMA_ID:
            raise FrameError(f"schema id {schema} is not {SCHEMA_ID}")
        if HEADER_LEN + block != length:
            raise FrameError(f"block length {block} does not fill a frame of {length} bytes")
        if have < length:
            return None
        frame = bytes(self._bytes[:length])
        del self._bytes[:length]
        return frame
