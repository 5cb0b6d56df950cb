"""Send bytes that are too many for memory: they are read in a thread, as fast as the client takes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from octo.connectors.http.call import Proto
from octo.connectors.http.limit import TimeLimit

Headers = list[tuple[str, str]]
Sending = Callable[[TimeLimit], Coroutine[Any, Any, None]]
"""What is left to do for a response. It gets the limit for each wait until the client has taken what was sent."""
log = logging.getLogger("octo.http")
PIECE = 256 * 1024
"""Bytes that are read at once: a change to the thread and back costs little beside them."""


async def send(
    proto: Proto, status: int, headers: Headers, pieces: Iterator[bytes], size: int, taking: TimeLimit
) -> None:
    """Answer with these pieces, `size` bytes together. With fewer the connection is closed: the client must know.

    taking: limit for each wait until the client has taken enough of what was sent; past it the connection is closed.
    """
    stream = proto.stream(status, [*headers, ("content-length", str(size))])
    sent = 0
    try:
        while stream.is_open and sent < size:
            piece = await asyncio.to_thread(next, pieces, b"")
            if not piece:
                break
            stream.send(piece)
            sent += len(piece)
            del piece  # while a slow client is waited for, it is not in memory twice
            if stream.is_full:
                await taking.of(stream.room())
    except TimeoutError:
        log.info("a client was too slow to take its response; the connection is closed")
    finally:
        if sent == size:
            stream.end()
        else:
            stream.abort()
