"""The codec against the published golden frames, and against everything that is not a frame."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support import ROOT, order

from portcullis import (
    Credentials,
    FrameError,
    MalformedError,
    Options,
    PortcullisError,
    Role,
    Session,
    ValueRangeError,
)
from portcullis.codec import FrameReader, decode, encode
from portcullis.layout import Chars, Enumerated, Field, Integer, Message, Pad, Scaled
from portcullis.messages import MESSAGES, CodMode, Hello, NewOrder
from portcullis.session import signed_logon


def golden() -> Iterator[tuple[type[Message], str, list[str], bytes]]:
    """Yields message, instance, the values as written, and the frame."""
    by_name = {message.__name__: message for message in MESSAGES.values()}
    path = ROOT / "engine/wire/golden/frames.txt"
    message: type[Message] | None = None
    instance, values = "", list[str]()
    for line in path.read_text(encoding="ascii").splitlines():
        if not line or line.startswith("#"):
            continue
        if not line.startswith("  "):
            name, instance = line.split(" ", 1)
            message, values = by_name[name], []
            continue
        name, value = line[2:].split(" = ", 1)
        if name == "frame":
            assert message is not None
            yield message, instance, values, bytes.fromhex(value)
        else:
            values.append(value)


def value_of(field: Field, text: str) -> Any:
    """What the golden file says as the value that a program sees."""
    if text == "null":
        return None
    if isinstance(field, Chars):
        return text[1:-1]
    if isinstance(field, Enumerated):
        name = "".join("_" + c if c.isupper() and i else c for i, c in enumerate(text))
        return field.members[name.upper()]
    if isinstance(field, Scaled):
        return Decimal(text).scaleb(-field.digits)
    assert isinstance(field, Integer)
    return int(text)


class Golden(unittest.TestCase):
    def test_every_golden_frame_decodes_to_its_fields_and_they_encode_to_its_bytes(self) -> None:
        seen = set()
        for message, instance, texts, frame in golden():
            with self.subTest(message=message.__name__, instance=instance):
                seen.add(message)
                fields = [(f, t) for f, t in zip(message.FIELDS, texts, strict=True)]
                expected = {f.name: value_of(f, t) for f, t in fields if not isinstance(f, Pad)}
                decoded = decode(frame)
                self.assertEqual(decoded, message(**expected))
                self.assertEqual(encode(message(**expected)), frame)
        self.assertEqual(seen, set(MESSAGES.values()))

    def test_the_signature_of_the_guide_is_reached(self) -> None:
        frames = {(m.__name__, i): f for m, i, _, f in golden()}
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        options = Options(
            keep_alive=1.0,
            cod_mode=CodMode.DISCONNECT,
            cod_grace=5.0,
            epoch=1,
            next_expected=1,
            app_name="example-desk",
            app_version="1.0.0",
        )
        session = Session(Credentials(101, Role.DESK, key, instance=None), options)
        hello = decode(frames["Hello", "typical"])
        assert isinstance(hello, Hello)
        self.assertEqual(encode(signed_logon(session, hello)), frames["Logon", "typical"])


class Frames(unittest.TestCase):
    def test_frames_come_out_whole_however_they_are_cut(self) -> None:
        frames = [frame for _, _, _, frame in golden()]
        stream = b"".join(frames)
        for step in (1, 7, 64, 511, len(stream)):
            reader, found = FrameReader(), []
            for at in range(0, len(stream), step):
                reader.feed(stream[at : at + step])
                while (frame := reader.next_frame()) is not None:
                    found.append(frame)
            self.assertEqual(found, frames)

    def test_every_single_byte_change_is_decoded_or_refused_by_name(self) -> None:
        for _, _, _, frame in golden():
            for at in range(len(frame)):
                for value in {0, 1, 0x7F, 0x80, 0xFF, frame[at] ^ 1}:
                    changed = bytearray(frame)
                    changed[at] = value
                    reader = FrameReader()
                    reader.feed(bytes(changed))
                    try:
                        whole = reader.next_frame()
                        if whole is not None:
                            decode(whole)
                    except PortcullisError:
                        pass

    def test_what_is_no_frame_is_refused_by_name(self) -> None:
        frame = encode(order(1))
        wrong = [
            (b"\x0b\x00" + frame[2:], "length 11"),
            (b"\x01\x02" + frame[2:], "length 513"),
            (frame[:2] + b"\x00\x00" + frame[4:], "marker 0x0000"),
            (frame[:8] + b"\x01\x00" + frame[10:], "schema id 1"),
            (frame[:4] + b"\x00\x00" + frame[6:], "block length 0"),
        ]
        for data, what in wrong:
            reader = FrameReader()
            reader.feed(data)
            with self.assertRaisesRegex(FrameError, what):
                reader.next_frame()

    def test_a_longer_block_of_a_later_version_is_read_and_a_shorter_one_refused(self) -> None:
        block = order(1).encode_block()
        self.assertEqual(NewOrder.decode_block(block + b"later"), order(1))
        with self.assertRaisesRegex(MalformedError, "shorter than the 52 of version 0"):
            NewOrder.decode_block(block[:-1])


class Values(unittest.TestCase):
    def test_a_value_that_can_not_be_said_exactly_is_refused_with_its_field(self) -> None:
        for qty, what in [
            (Decimal("0.000000001"), "qty = .*more than 8 decimals"),
            (Decimal("1e12"), "qty = .*64 bits"),
            (Decimal("NaN"), "qty = "),
            (Decimal("Infinity"), "qty = "),
            (1.5, "qty = 1.5: not a Decimal"),
            (True, "qty = True"),
        ]:
            changed: Any = qty
            with self.assertRaisesRegex(ValueRangeError, what):
                NewOrder(
                    cl_ord_id=1,
                    qty=changed,
                    side=order(1).side,
                    ord_type=order(1).ord_type,
                    tif=order(1).tif,
                    capacity=order(1).capacity,
                ).encode_block()

    def test_integers_are_never_cut_or_wrapped(self) -> None:
        for cl_ord_id in (-1, 2**64):
            with self.assertRaisesRegex(ValueRangeError, "cl_ord_id"):
                order(cl_ord_id).encode_block()

    def test_decimals_come_back_as_people_write_them(self) -> None:
        field = Scaled("px", 0, False, 8)
        for raw, text in ((58533000000, "585.33"), (5000000000, "50"), (0, "0"), (-150000000, "-1.5")):
            self.assertEqual(str(field.from_wire(raw)), text)

    def test_the_largest_and_smallest_quantities_survive(self) -> None:
        for units in (2**63 - 1, -(2**63) + 1, -(2**63), 0, 1):
            qty = Decimal(units).scaleb(-8)
            sent = order(1, qty=str(qty))
            self.assertEqual(NewOrder.decode_block(sent.encode_block()), sent)


if __name__ == "__main__":
    unittest.main()
