"""The interface of a database driver: four verbs, and whether all connections are in use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from octo.connectors.database.settings import MOST_BYTES, Connection

Row = dict[str, object]


class Driver(Protocol):
    """An open database. All verbs raise `Transient`, `Permanent` or `Timeout`, and may be cancelled.

    Arguments and the values in rows are values of a flow, without loss: JSON values and bytes; arguments also times.
    """

    @property
    def is_busy(self) -> bool:
        """Whether every connection that may be open is in use."""
        ...

    async def fetch(self, query: str, args: Sequence[object], limit: int, most: int = MOST_BYTES) -> list[Row]:
        """Return the rows. Raises `Permanent` if there are more than `limit`, or more than `most` bytes."""
        ...

    async def first(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> Row | None:
        """Return the first row, None if there is none. Raises `Permanent` if it has more than `most` bytes."""
        ...

    async def execute(self, query: str, args: Sequence[object], most: int = MOST_BYTES) -> int:
        """Run the statement and return how many rows it changed. Raises `Permanent` if it returns more than `most`
        bytes and the driver keeps them.
        """
        ...

    async def ping(self) -> None:
        """Return if the database answers a query now, else raise."""
        ...


class Opener(Protocol):
    """The type of `open_driver` in a driver's module."""

    def __call__(self, settings: Connection, /) -> AbstractAsyncContextManager[Driver]: ...
