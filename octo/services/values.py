"""Values as bytes: a checksum of the bytes and of where they belong, then the value as JSON."""

from __future__ import annotations

import zlib

from octo.core import codec, record
from octo.core.errors import Permanent
from octo.services import codes

_SUM = 4


class Damaged(Permanent):
    """Something in the store is not what was written."""

    code = codes.DAMAGED


def sealed(value: object, *place: object) -> bytes:
    """The value, for a row that these columns identify."""
    data = codec.write_kinds(record.pack(value))
    return _sum(data, place) + data


def opened(stored: object, *place: object) -> object:
    """The value of the row. Raises `Damaged` if its bytes, or the columns, are not those that were written."""
    check(stored, *place)
    assert isinstance(stored, bytes)
    return record.unpack(codec.read(stored[_SUM:]))


def check(stored: object, *place: object) -> None:
    """Raise `Damaged` if the bytes, or the columns, are not those that were written."""
    if not isinstance(stored, bytes) or stored[:_SUM] != _sum(memoryview(stored)[_SUM:], place):
        raise Damaged(f"a row of the store is not as it was written: {', '.join(map(repr, place))}"[:200])


def _sum(data: bytes | memoryview, place: tuple[object, ...]) -> bytes:
    return zlib.crc32(data, zlib.crc32(repr(place).encode(errors="surrogatepass"))).to_bytes(_SUM, "big")
