"""Counters in memory: numbers that grow while the connector is open, and start again with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo import Expr, Message, Permanent, Settings, Stubbed, block, connector
from octo_example import codes


class Start(Settings):
    """Where counting begins, and where it ends."""

    first: int = 1
    """The first number of every counter."""
    last: int = 1_000_000
    """The last one; after it the block fails."""


class Standin(Settings):
    """Counters are in memory anyway; there is nothing to set."""


class Next(Settings):
    """Which counter goes on."""

    name: Expr[str]
    """Which counter, e.g. `"orders." + body.country`."""


@connector("counter")
class Counter:
    """Numbers that grow while the connector is open, and start again with it."""

    def __init__(self, first: int, last: int) -> None:
        self._next: defaultdict[str, int] = defaultdict(lambda: first)
        self._last = last

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Start) -> AsyncIterator[Self]:
        yield cls(settings.first, settings.last)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Start, stub: Standin) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls(settings.first, settings.last)

    @block("counter-next", guarantee="answered", steps=("send", "confirm"))
    def count(self, settings: Next, message: Message) -> Message:
        """Replace the body by the next number of a counter."""
        name = settings.name(message)
        number = self._next[name]
        if number > self._last:
            raise Permanent(f"the counter {name!r} has passed {self._last}", code=codes.FULL)
        self._next[name] += 1
        return message.with_body(number)


_: Stubbed = Counter
