"""GET from the operations socket of an instance. Both the size of the answer and the time are limited."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from octo_platform.deploy.target import Refused

PATIENCE = 5.0
"""Seconds that a whole answer may take. A stream, such as a tap of traces, is cut off then."""
_MOST_HEAD = 64 * 1024


class Silent(Exception):
    """It does not answer: it starts, stands still, or ends."""


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes


async def get(socket: Path, path: str, limit: int, patience: float = PATIENCE) -> Reply:
    """At most `limit` bytes of the body are returned. Raises `Silent`, and `Refused` for what is no path."""
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise Refused(f"{path[:80]!r} is no path of an operations port")
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket), limit=_MOST_HEAD)
    except OSError as error:
        raise Silent(error.strerror or str(error)) from error
    try:
        # HTTP/1.0: the answer comes in one piece and ends with the connection.
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(patience) as timer:
            head = await reader.readuntil(b"\r\n\r\n")
            return Reply(_status(head), await _body(reader, limit, timer))
    except TimeoutError:
        raise Silent(f"no answer within {patience:g} s") from None
    except (OSError, ValueError, IndexError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Silent(f"no answer: {type(error).__name__}") from error
    finally:
        writer.close()


def _status(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])


async def _body(reader: asyncio.StreamReader, limit: int, timer: asyncio.Timeout) -> bytes:
    """The body, or what of it came within limit and time."""
    body = b""
    try:
        while len(body) < limit and (piece := await reader.read(min(1 << 16, limit - len(body)))):
            body += piece
    except asyncio.CancelledError:
        if not timer.expired() or not body:
            raise
    return body
