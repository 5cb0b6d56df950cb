"""Counts the bytes of rows while they are fetched, so that a result never fills the memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from octo.connectors.database import errors

_SMALL = 8
"""Bytes that a number, a time or null counts as."""


class Size:
    """The bytes of a result so far; at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most

    def add(self, values: Iterable[Any]) -> None:
        """Count the values of a row. Raises `Permanent` if there are too many bytes."""
        self._left -= _bytes(values)
        if self._left < 0:
            raise errors.too_many_bytes(self._most)


def _bytes(values: Iterable[Any]) -> int:
    total = 0
    for value in values:
        if isinstance(value, str | bytes | bytearray | memoryview):
            total += len(value)
        elif isinstance(value, dict):
            total += _bytes(value) + _bytes(value.values())
        elif isinstance(value, list | tuple):
            total += _bytes(value)
        else:
            total += _SMALL
    return total
