"""What the scripts beside this know of the transport: the published schema, and the four bytes before each
message (docs/protocol.md, section 1)."""

import struct
import sys

try:
    import sbe
except ImportError as error:
    print(f"skipped: python has no module sbe ({error}); pip install sbe==0.4.3")
    sys.exit(77)

MARKER = 0xEB50


def read_schema(path):
    """The schema, and its messages by name."""
    with open(path, "rb") as file:
        schema = sbe.Schema.parse(file)
    return schema, {message.name: message for message in schema.messages.values()}


def framed(message):
    """An SBE message behind its length and the marker."""
    return struct.pack("<HH", 4 + len(message), MARKER) + message


def length_of(framing):
    """The length of a frame that begins with these four bytes; None if they are none."""
    length, marker = struct.unpack_from("<HH", framing)
    return length if marker == MARKER else None
