"""Send bytes that are too many for memory: they are read in a thread, as fast as the client takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from octo.connectors.http.call import Proto

Headers = list[tuple[str, str]]
PIECE = 256 * 1024
"""Bytes that are read at once: a change to the thread and back costs little beside them."""


async def send(proto: Proto, status: int, headers: Headers, pieces: Iterator[bytes], size: int) -> None:
    """Answer with these pieces, `size` bytes together. With fewer the connection is closed: the client must know."""
    stream = proto.stream(status, [*headers, ("content-length", str(size))])
    sent = 0
    try:
        while stream.is_open and sent < size:
            piece = await asyncio.to_thread(next, pieces, b"")
            if not piece:
                break
            stream.send(piece)
            sent += len(piece)
            await stream.room()
    finally:
        if sent == size:
            stream.end()
        else:
            stream.abort()
