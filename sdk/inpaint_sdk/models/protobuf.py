"""Protocol buffers' wire format, as far as looking into an ONNX file needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""


MAX_FIELDS = 1 << 17
"""Of one message: what has more would take far more memory than its bytes."""


class MalformedError(ValueError):
    """The bytes are not a protocol-buffers message."""


@dataclass(frozen=True)
class Field:
    """A field of a message, by positions in the message's bytes."""

    number: int
    wire: int
    start: int  # of the field's tag
    payload: int  # of its content, behind tag and length
    end: int


def fields(data: bytes, position: int, end: int) -> Iterator[Field]:
    """Walks the fields of one message; raises ``MalformedError`` where it does not parse."""
    count = 0
    while position < end:
        start = position
        count += 1
        if count > MAX_FIELDS:
            raise MalformedError(f"a message has more than {MAX_FIELDS} fields")
        tag, position = read_varint(data, position, end)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise MalformedError(f"no field at byte {start}")
        payload = position
        if wire == VARINT:
            _, position = read_varint(data, position, end)
        elif wire == FIXED64:
            position += 8
        elif wire == FIXED32:
            position += 4
        elif wire == BYTES:
            length, payload = read_varint(data, position, end)
            position = payload + length
        else:
            raise MalformedError(f"no field at byte {start}")
        if position > end:
            raise MalformedError(f"{position - end} bytes are missing at its end")
        yield Field(number, wire, start, payload, position)


def read_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """The number at a position, and the position behind it."""
    value = shift = 0
    while position < end and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise MalformedError(f"no number at byte {position}")


def to_varint(value: int) -> bytes:
    """A number, which is not negative, as it is written."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))
