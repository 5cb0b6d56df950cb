"""Places for traces: what a sink and a store have in common.

A *sink* takes traces; a *store* also gives them back.
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
        """What the log and the metrics call it."""
        ...

    def write(self, traces: Sequence[Encoded]) -> int | None:
        """Take them; whatever it raises loses them all, and is told once. Answers how many of them it did not take."""
        ...

    def close(self) -> None: ...


class Store(Sink, Protocol):
    """A sink that can be asked, from any thread and by other processes."""

    def find(
        self, flow: str | None = None, outcome: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[Summary]:
        """The newest traces first. before: nanoseconds since the epoch; to go on from where the last answer ended."""
        ...

    def get(self, id: str) -> list[Record]:  # noqa: A002  the word of everybody
        """The records with this event or trace id, or the only one it is the beginning of (6 characters or more).

        A trace id answers the one-way calls too, and so does the beginning of their event ids. Raises `Permanent` when
        there is none, or more than one.
        """
        ...


def no_store(path: Path) -> Permanent:
    return Permanent(f"there is no trace store at {str(path)!r}", code=codes.NO_STORE)


def unusable(path: Path, reason: object) -> Permanent:
    return Permanent(f"{str(path)!r} cannot be used as a trace store: {reason}", code=codes.STORE)
