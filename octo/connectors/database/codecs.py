"""How PostgreSQL's values reach a flow where asyncpg's own form would lose or invent something.

Types with a fixed number of bytes are exchanged in binary, because asyncpg cannot read a composite that has a part in
text. The others are exchanged as the server's own text.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from octo.connectors.database import codes, moments
from octo.core import codec
from octo.core.errors import Permanent


@dataclass(frozen=True, slots=True)
class Parts:
    """The numbers of a time as the server counts them. It is no tuple, which asyncpg would take for a list of times."""

    numbers: tuple[int, ...]

    @classmethod
    def of(cls, numbers: int | tuple[int, ...]) -> Self:
        return cls(numbers if isinstance(numbers, tuple) else (numbers,))


_MOMENTS: dict[str, tuple[Callable[..., str], Callable[[str], int | tuple[int, ...]]]] = {
    "date": (moments.day, moments.read_day),
    "timestamp": (moments.moment, moments.read_moment),
    "timestamptz": (moments.instant, moments.read_moment),
    "time": (moments.clock, moments.read_clock),
    "timetz": (moments.zoned_clock, moments.read_zoned_clock),
    "interval": (moments.span, moments.read_span),
}
_TEXTS = (
    *("pg_lsn", "tid", "txid_snapshot", "pg_snapshot", "anyarray"),
    *("point", "line", "lseg", "box", "path", "polygon", "circle"),
)

_CHAR = 18
"""The number of the type "char"."""

_SMALLEST_NORMAL = 2.0**-126
"""Below it a number of 32 bits has fewer than six digits."""


async def teach(connection: Any) -> None:
    """Set the codecs of a new connection. This sends nothing: asyncpg knows the numbers of these types."""
    for name, (written, read) in _MOMENTS.items():
        await _set(connection, name, "tuple", _numbers(read), _spread(written))
    for name in _TEXTS:
        await _set(connection, name, "text", str, str)
    for name in ("bit", "varbit"):
        await _set(connection, name, "binary", _bits, _read_bits)
    await _set(connection, "float4", "binary", struct.Struct(">f").pack, _real)
    # Not by name: asyncpg takes the name of "char" for that of char(n).
    settings = connection._protocol.get_settings()  # noqa: SLF001
    settings.add_python_codec(_CHAR, "char", "pg_catalog", [], "scalar", str.encode, _letter, "binary")
    await _set(connection, "json", "binary", str.encode, _json)
    await _set(connection, "jsonb", "binary", lambda text: b"\x01" + text.encode(), lambda data: _json(data[1:]))


async def _set(connection: Any, name: str, form: str, encoder: Any, decoder: Any) -> None:
    await connection.set_type_codec(name, schema="pg_catalog", encoder=encoder, decoder=decoder, format=form)


def _numbers(read: Callable[[str], int | tuple[int, ...]]) -> Callable[[Parts | str], tuple[int, ...]]:
    """Return the encoder of a time; SQLAlchemy hands over texts that nobody has read yet."""

    def encode(value: Parts | str) -> tuple[int, ...]:
        if isinstance(value, Parts):
            return value.numbers
        try:
            return Parts.of(read(value)).numbers
        except (AttributeError, TypeError, ValueError):
            raise ValueError("no date or time of this type") from None

    return encode


def _spread(written: Callable[..., str]) -> Callable[[tuple[int, ...]], str]:
    return lambda numbers: written(*numbers)


def _bits(text: str) -> bytes:
    padded = text.ljust(-(-len(text) // 8) * 8, "0")
    return struct.pack(">i", len(text)) + bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8))


def _read_bits(data: bytes) -> str:
    (count,) = struct.unpack_from(">i", data)
    return "".join(f"{each:08b}" for each in data[4:])[:count]


def _real(data: bytes) -> float:
    """Return the double with the fewest digits for these 32 bits: 0.1, and not 0.10000000149011612."""
    (number,) = struct.unpack(">f", data)
    for digits in range(6 if abs(number) >= _SMALLEST_NORMAL else 1, 9):
        shorter = float(f"{number:.{digits}g}")
        try:
            if struct.pack(">f", shorter) == data:
                return shorter
        except OverflowError:  # the largest number of 32 bits, rounded up
            continue
    return float(f"{number:.9g}")


def _letter(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="backslashreplace")


def _json(data: bytes) -> object:
    try:
        return codec.read(data)
    except codec.NotJson as error:  # half a surrogate pair in a `json` column, or too many digits
        raise Permanent(f"a json value of the row cannot be read: {error}", code=codes.BAD_QUERY) from None
