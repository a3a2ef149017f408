"""How the fields of a message stand in its root block, and what they are in Python.

The classes of portcullis.messages list their fields with the descriptors below. A descriptor knows its
place, its struct code, and how the wire's integer becomes the value that a program sees and back. A
conversion is exact or an error: no value is rounded, cut or wrapped.
"""

from __future__ import annotations

import dataclasses
import struct
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import IntEnum
from typing import Any, ClassVar, Self

from portcullis.errors import MalformedError, ValueRangeError

# Enough digits for every 64-bit integer; anything that would have to be rounded is refused.
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])

_UNSIGNED_NULL = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFF_FFFF, "Q": 0xFFFF_FFFF_FFFF_FFFF}
_INT64_MIN = -(2**63)
_INT64_MAX = 2**63 - 1


class Field:
    """One field: name in Python, first byte in the root block, whether it may be None, struct code."""

    __slots__ = ("code", "name", "offset", "optional")

    def __init__(self, name: str, offset: int, optional: bool, code: str) -> None:
        self.name = name
        self.offset = offset
        self.optional = optional
        self.code = code

    def to_wire(self, value: Any) -> Any:
        """The value as struct packs it."""
        raise NotImplementedError

    def from_wire(self, raw: Any) -> Any:
        """What struct unpacked as the value that a program sees."""
        raise NotImplementedError

    def _refuse(self, value: object, why: str) -> ValueRangeError:
        return ValueRangeError(f"{self.name} = {value!r}: {why}")


class Pad(Field):
    """Reserved bytes: written as zero, never looked at."""

    def __init__(self, size: int) -> None:
        super().__init__("", 0, False, f"{size}x")


class Integer(Field):
    """An integer of 1 to 8 bytes; the codes are struct's."""

    __slots__ = ("highest", "lowest", "null")

    def __init__(self, name: str, offset: int, optional: bool, code: str) -> None:
        super().__init__(name, offset, optional, code)
        if code == "q":
            self.null, self.lowest, self.highest = _INT64_MIN, _INT64_MIN, _INT64_MAX
        else:
            self.null, self.lowest, self.highest = _UNSIGNED_NULL[code], 0, _UNSIGNED_NULL[code]

    def to_wire(self, value: Any) -> int:
        if value is None and self.optional:
            return self.null
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._refuse(value, "not an integer")
        if not self.lowest <= value <= self.highest:
            raise self._refuse(value, f"not within {self.lowest} to {self.highest}")
        if self.optional and value == self.null:
            raise self._refuse(value, "this number stands for null; say None")
        return int(value)

    def from_wire(self, raw: int) -> int | None:
        return None if self.optional and raw == self.null else raw


class Scaled(Field):
    """A signed 64-bit integer of 10**-digits, seen as a Decimal."""

    __slots__ = ("digits",)

    def __init__(self, name: str, offset: int, optional: bool, digits: int) -> None:
        super().__init__(name, offset, optional, "q")
        self.digits = digits

    def to_wire(self, value: Any) -> int:
        if value is None and self.optional:
            return _INT64_MIN
        if not isinstance(value, (Decimal, int)) or isinstance(value, bool):
            raise self._refuse(value, "not a Decimal or an int (a float is not exact)")
        if not Decimal(value).is_finite():
            raise self._refuse(value, "not a number of the protocol")
        try:
            scaled = _EXACT.scaleb(_EXACT.plus(Decimal(value)), self.digits)
            units = int(_EXACT.to_integral_exact(scaled))
        except (Inexact, InvalidOperation):
            raise self._refuse(value, f"has more than {self.digits} decimals") from None
        if not _INT64_MIN <= units <= _INT64_MAX:
            raise self._refuse(value, "does not fit into 64 bits")
        if self.optional and units == _INT64_MIN:
            raise self._refuse(value, "this number stands for null; say None")
        return units

    def from_wire(self, raw: int) -> Decimal | None:
        if self.optional and raw == _INT64_MIN:
            return None
        units, rest = divmod(raw, 10**self.digits)
        # As people write it: 585.33 and 50, not 585.33000000 and 0E-8.
        return Decimal(units) if rest == 0 else _EXACT.scaleb(Decimal(raw), -self.digits).normalize(_EXACT)


class Enumerated(Field):
    """One byte that is a value of an enum."""

    __slots__ = ("members",)

    def __init__(self, name: str, offset: int, optional: bool, members: type[IntEnum]) -> None:
        super().__init__(name, offset, optional, "B")
        self.members = members

    def to_wire(self, value: Any) -> int:
        if value is None and self.optional:
            return 0xFF
        if not isinstance(value, self.members):
            raise self._refuse(value, f"not a {self.members.__name__}")
        return int(value)

    def from_wire(self, raw: int) -> IntEnum | None:
        if self.optional and raw == 0xFF:
            return None
        try:
            return self.members(raw)
        except ValueError:
            what = f"{raw} is no {self.members.__name__}"
            raise MalformedError(f"{self.name} at offset {self.offset}: {what}") from None


class Chars(Field):
    """Printable ASCII, padded with NUL bytes."""

    __slots__ = ("size",)

    def __init__(self, name: str, offset: int, optional: bool, size: int) -> None:
        super().__init__(name, offset, optional, f"{size}s")
        self.size = size

    def to_wire(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise self._refuse(value, "not a str")
        if not all(" " <= c <= "~" for c in value):
            raise self._refuse(value, "not printable ASCII")
        if len(value) > self.size:
            raise self._refuse(value, f"longer than {self.size} characters")
        return value.encode("ascii")

    def from_wire(self, raw: bytes) -> str:
        text = raw.rstrip(b"\0")
        if not all(0x20 <= b <= 0x7E for b in text):
            raise MalformedError(f"{self.name} at offset {self.offset}: not printable ASCII")
        return text.decode("ascii")


class Message:
    """A message of the protocol. Instances are immutable; changed() makes others."""

    __slots__ = ()

    TEMPLATE_ID: ClassVar[int]
    FIELDS: ClassVar[tuple[Field, ...]]

    def encode_block(self) -> bytes:
        """The root block.

        Raises ValueRangeError, naming the field, if a value can't be said exactly on the wire.
        """
        packer, fields = _packer(type(self))
        return packer.pack(*(field.to_wire(getattr(self, field.name)) for field in fields))

    @classmethod
    def decode_block(cls, block: bytes) -> Message:
        """Reads a root block; what a later version added behind it is ignored.

        Raises MalformedError if the block is too short or a field holds what the schema forbids.
        """
        packer, fields = _packer(cls)
        if len(block) < packer.size:
            need = f"shorter than the {packer.size} of version 0"
            raise MalformedError(f"{cls.__name__}: block of {len(block)} bytes is {need}")
        raw = packer.unpack_from(block)
        return cls(**{field.name: field.from_wire(value) for field, value in zip(fields, raw)})

    def changed(self, **values: Any) -> Self:
        """The message with other values in these fields."""
        replaced: Self = dataclasses.replace(self, **values)  # type: ignore[type-var]
        return replaced

    @classmethod
    def block_length(cls) -> int:
        """Bytes of the root block."""
        return _packer(cls)[0].size


_PACKERS: dict[int, tuple[struct.Struct, tuple[Field, ...]]] = {}


def _packer(message: type[Message]) -> tuple[struct.Struct, tuple[Field, ...]]:
    """The struct of a message and the fields that it holds, reserved bytes left out."""
    packer = _PACKERS.get(message.TEMPLATE_ID)
    if packer is None:
        layout = "<" + "".join(field.code for field in message.FIELDS)
        shown = tuple(field for field in message.FIELDS if not isinstance(field, Pad))
        packer = _PACKERS[message.TEMPLATE_ID] = struct.Struct(layout), shown
    return packer


class SessionMessage(Message):
    """A message that has no sequence number (template ids below 100)."""

    __slots__ = ()


class Request(Message):
    """What a client sends inside its sequence (template ids 100 to 199)."""

    __slots__ = ()

    flags: int
    seq_no: int


class Reply(Message):
    """What the server sends inside a session's outbound log (template ids from 200)."""

    __slots__ = ()

    flags: int
    seq_no: int
    engine_seq: int
    engine_time: int
