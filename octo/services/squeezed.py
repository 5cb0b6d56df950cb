"""Large values as fewer bytes. A value may be larger than it counts: in JSON each byte of a text may be escaped."""

from __future__ import annotations

import zlib

LARGE = 256 << 10
"""Bytes from which on a value is compressed."""
MOST = 4 << 20
"""Bytes that a server must accept: no value of a service takes more, compressed."""

_LARGEST = 64 << 20
"""Bytes of a sealed value: an empty `bytes`, which counts one byte, takes 14."""
_SIZE = 8
_PLAIN, _COMPRESSED = b"=", b"z"


def deflated(data: bytes) -> bytes:
    return zlib.compress(data, 1)


def inflated(data: bytes, size: int) -> bytes:
    """As many bytes as were compressed, and never more. Raises `ValueError`."""
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


def squeezed(data: bytes) -> bytes:
    """The bytes, compressed if they are many, and a sign which they are."""
    if len(data) < LARGE:
        return _PLAIN + data
    return _COMPRESSED + len(data).to_bytes(_SIZE, "big") + deflated(data)


def expanded(data: bytes) -> bytes:
    """What was `squeezed`. Raises `ValueError` for anything else."""
    if data[:1] == _PLAIN:
        return data[1:]
    if data[:1] != _COMPRESSED or len(data) <= 1 + _SIZE:
        raise ValueError("no value of these services")
    return inflated(data[1 + _SIZE :], int.from_bytes(data[1 : 1 + _SIZE], "big"))
