"""What a database driver is to the connector: four verbs, and whether there is room for one more."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from octo.connectors.database.settings import Connection

Row = dict[str, object]


class Driver(Protocol):
    """An open database. All verbs raise `Transient`, `Permanent` or `Timeout`; all survive being cancelled.

    Arguments are JSON values, or bytes; values in rows are JSON values, without loss.
    """

    @property
    def is_busy(self) -> bool:
        """Whether every connection that may be open is in use."""
        ...

    async def fetch(self, query: str, args: Sequence[object], limit: int) -> list[Row]:
        """The rows, or `Permanent` when there are more than `limit`."""
        ...

    async def first(self, query: str, args: Sequence[object]) -> Row | None:
        """The first row, or None when there is none."""
        ...

    async def execute(self, query: str, args: Sequence[object]) -> int:
        """How many rows the statement changed."""
        ...

    async def ping(self) -> None:
        """Return if a query can be answered right now."""
        ...


class Opener(Protocol):
    """`open` of a driver's module."""

    def __call__(self, settings: Connection, /) -> AbstractAsyncContextManager[Driver]: ...
