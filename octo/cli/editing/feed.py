"""What happens, told to all pages: a numbered list of the last events, from which each page reads at its own pace.

Invariant: what is kept is bounded by number and by bytes. A page that has missed more is told to read everything anew.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple

import orjson

from octo.core import codec

MOST_KEPT, MOST_BYTES = 2_000, 4 << 20
"""Events, and their bytes, that a page may have missed."""
HEARTBEAT = 15.0
"""Seconds without an event after which a page hears that the server is there."""
TYPE = "text/event-stream"

RESYNC = "resync"


class _Event(NamedTuple):
    number: int
    text: bytes


class Feed:
    """Events of one server. Those of an earlier one are told apart: its pages begin anew."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(4)
        self._last = 0
        self._kept: deque[_Event] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._is_closed = False

    def tell(self, kind: str, value: object) -> None:
        """Tell all pages. value: JSON."""
        self._last += 1
        data = codec.write(value).decode()
        text = f"id: {self._name}-{self._last}\nevent: {kind}\ndata: {data}\n\n".encode()
        self._kept.append(_Event(self._last, text))
        self._bytes += len(text)
        while len(self._kept) > MOST_KEPT or (self._bytes > MOST_BYTES and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft().text)
        self._wake()

    def close(self) -> None:
        """End all streams."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def stream(self, last: str) -> AsyncGenerator[bytes, None]:
        """The events after the one with the id `last`.

        It begins with `resync` if the page cannot know what it has missed, as one that has seen none.
        """
        seen = self._seen(last)
        if seen is None:
            seen = self._last
            yield self._resync()
        else:
            yield b": here\n\n"
        while not self._is_closed:
            news = self._news
            if seen < self._last:
                if self._first > seen + 1:
                    seen = self._last
                    yield self._resync()
                    continue
                pieces = list(self._after(seen))
                seen = self._last
                yield b"".join(pieces)
                continue
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await news.wait()
            except TimeoutError:
                yield b": here\n\n"

    @property
    def _first(self) -> int:
        return self._kept[0].number if self._kept else self._last + 1

    def _after(self, seen: int) -> Iterator[bytes]:
        return (each.text for each in self._kept if each.number > seen)

    def _seen(self, last: str) -> int | None:
        """The number of the event with this id; None if it is none of this server."""
        name, _, number = last.rpartition("-")
        if name != self._name or not number.isascii() or not number.isdigit() or len(number) > 15:
            return None
        return min(int(number), self._last)

    def _resync(self) -> bytes:
        data = orjson.dumps({"id": f"{self._name}-{self._last}"}).decode()
        return f"id: {self._name}-{self._last}\nevent: {RESYNC}\ndata: {data}\n\n".encode()
