"""The protocols of sinks and stores.

A *sink* takes traces; a *store* also returns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from octo.core.errors import Permanent
from octo.trace import codes
from octo.trace.record import Record

if TYPE_CHECKING:
    from octo.trace.encode import Encoded, Summary


class Sink(Protocol):
    """Takes traces, in a thread of its own."""

    @property
    def name(self) -> str:
        """The name of the sink in the log and the metrics."""
        ...

    def write(self, traces: Sequence[Encoded]) -> int | None:
        """Take the traces; return how many of them were refused, None for none.

        If it raises anything, all of them are lost; the first of several errors in a row is logged.
        """
        ...

    def close(self) -> None: ...


class Store(Sink, Protocol):
    """A sink whose traces can be read, from any thread."""

    def find(
        self, flow: str | None = None, outcome: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[Summary]:
        """The newest traces first. before: only older ones, in nanoseconds since the epoch, to read the next page."""
        ...

    def get(self, id: str) -> list[Record]:  # noqa: A002  the word of everybody
        """The records of the trace with this event or trace id, or the only one whose id begins with it.

        A beginning has at least 6 characters. A trace id also names the traces of one-way calls, and so does a common
        beginning of their event ids. Raises `Permanent` if there is no such trace, or more than one.
        """
        ...


def no_store(path: Path) -> Permanent:
    return Permanent(f"there is no trace store at {str(path)!r}; `octo run --traces` makes it", code=codes.NO_STORE)


def unusable(path: Path, reason: object) -> Permanent:
    return Permanent(f"{str(path)!r} cannot be used as a trace store: {reason}", code=codes.STORE)
