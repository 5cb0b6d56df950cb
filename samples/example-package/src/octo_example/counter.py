"""Counters in memory: numbers that grow while the connector is open, and start again with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from octo.core.block import block
from octo.core.connector import connector
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Settings


class Start(Settings):
    first: int = 1
    """The first number of every counter."""


class Next(Settings):
    name: Expr[str]
    """Which counter, e.g. `"orders." + body.country`."""


@connector("counter")
class Counter:
    def __init__(self, first: int) -> None:
        self._next: defaultdict[str, int] = defaultdict(lambda: first)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Start) -> AsyncIterator[Self]:
        yield cls(settings.first)

    @block("counter-next")
    def count(self, settings: Next, message: Message) -> Message:
        """Replace the body by the next number of a counter."""
        name = settings.name(message)
        number = self._next[name]
        self._next[name] += 1
        return message.with_body(number)
