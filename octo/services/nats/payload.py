"""What a message of JetStream carries: a line of JSON about it, which is mostly empty, then a sealed value.

A value may be larger than its JSON, where each byte of a text is escaped. So large ones are compressed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

LARGE = 256 << 10
"""Bytes from which on a value is compressed."""
MOST = 4 << 20
"""Bytes that the server must accept: no value of a service takes more, compressed."""


_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("attempt", "from", "seen", "token", "z"), (int,)),
    **dict.fromkeys(("due", "wait"), (int, float)),
    **dict.fromkeys(("id", "order", "reason", "reply"), (str,)),
}
"""What may be in the line of JSON."""

_LARGEST = 64 << 20
"""Bytes of a sealed value: an empty `bytes`, which counts one byte, takes 14."""


class Payload(NamedTuple):
    about: dict[str, Any]
    stored: bytes


def written(about: Mapping[str, object], stored: bytes) -> bytes:
    """The bytes of the message."""
    if len(stored) >= LARGE:
        return written({**about, "z": len(stored)}, b"") + zlib.compress(stored, 1)
    return (json.dumps(about).encode() if about else b"") + b"\n" + stored


def read(data: bytes) -> Payload:
    """What was `written`. Raises `ValueError` for anything else."""
    line, newline, stored = data.partition(b"\n")
    about = json.loads(line) if line else {}
    if not newline or not isinstance(about, dict) or not all(map(_is_known, about, about.values())):
        raise ValueError("no message of these services")
    if "z" in about:
        stored = _inflated(stored, about.pop("z"))
    return Payload(about, stored)


def _is_known(name: str, value: object) -> bool:
    return isinstance(value, _KINDS.get(name, ())) and not isinstance(value, bool)


def _inflated(data: bytes, size: int) -> bytes:
    """As many bytes as were compressed, and never more."""
    if not 0 < size <= _LARGEST:
        raise ValueError("no value is as large")
    inflating = zlib.decompressobj()
    try:
        stored = inflating.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(stored) != size:
        raise ValueError("not as many bytes as were written")
    return stored
