"""Undo the `Content-Encoding` of an answer, completely or not at all."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from mmap import mmap

ACCEPTED = "gzip, deflate"
"""What requests ask for. Others would need further libraries, and answers of JSON gain little by them."""
NOTHING = frozenset(("", "identity", "none", "utf-8", "binary", "aws-chunked"))
"""Names that say nothing about the bytes; servers write them by mistake, or for how they store a body."""
WINDOW = 1 << 14
"""Bytes decoded at once. Python copies what follows a gzip member, so that many small ones must not follow at once."""
PIECE = 1 << 18


Bytes = bytes | mmap
"""A body in memory, or one in a file that is read where it is needed."""


class Undecodable(Exception):
    """The body is not in the encoding that its header names, or that is none we know."""


class Cut(Exception):
    """The body ends before its end, or was damaged on the way."""


def decoded(data: Bytes, header: str) -> Iterator[bytes]:
    """Yield the body piece by piece; a piece may be empty. The caller counts: a few bytes may become thousands of MB.

    Raises `Undecodable` or `Cut`.
    """
    names = [name for each in header.lower().split(",") if (name := each.strip()) not in NOTHING]
    if len(names) > 1:
        raise Undecodable(f"the body is encoded more than once: {_shown(header)}")
    name = names[0] if names else ""
    match name:
        case "":
            yield data[:]
        case "gzip" | "x-gzip":
            yield from _gzip(data)
        case "deflate":
            yield from _inflated(data, zlib.MAX_WBITS if _has_zlib_header(data) else -zlib.MAX_WBITS)
        case _:
            raise Undecodable(f"the body is encoded as {_shown(name)}, but gzip or deflate was asked for")


def _gzip(data: Bytes) -> Iterator[bytes]:
    if data[:2] != b"\x1f\x8b"[: len(data)]:
        raise Undecodable("the header says `Content-Encoding: gzip`, but the body is not gzip")
    yield from _inflated(data, 16 + zlib.MAX_WBITS)


def _has_zlib_header(data: Bytes) -> bool:
    """Whether the data is deflate as it should be. Some servers leave the header of two bytes out."""
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2]) % 31 == 0


def _inflated(data: Bytes, bits: int) -> Iterator[bytes]:
    view = memoryview(data)
    engine = zlib.decompressobj(bits)
    for start in range(0, len(view), WINDOW):
        rest: bytes | memoryview = view[start : start + WINDOW]
        while rest:
            if engine.eof:
                if not any(rest) and not any(view[start + WINDOW :]):  # zeros fill a block
                    return
                if bits <= zlib.MAX_WBITS:
                    raise Cut("bytes follow the end of its deflate data")
                engine = zlib.decompressobj(bits)  # gzip may have several members
            try:
                piece = engine.decompress(rest, PIECE)
                while len(piece) == PIECE:
                    yield piece
                    piece = engine.decompress(engine.unconsumed_tail, PIECE)
            except zlib.error as error:
                raise Cut(f"its compressed data is damaged ({error})") from None
            yield piece
            rest = engine.unused_data if engine.eof else engine.unconsumed_tail
    if not engine.eof:
        raise Cut("it ends in the middle of its compressed data")


def _shown(name: str) -> str:
    return repr(name[:40])
