"""Places for traces: what they have in common, and how one is named.

A *sink* takes traces; a *store* also gives them back. `memory:` is gone with its process, `file:PATH.jsonl` is easy to
read with other tools, `sqlite:PATH.db` finds and forgets best and may be written by several processes at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from octo.core.errors import Permanent
from octo.core.printable import printable
from octo.trace import codes
from octo.trace.record import Record

if TYPE_CHECKING:
    from octo.trace.encode import Encoded, Summary

SHORTEST_PREFIX = 6


class Sink(Protocol):
    """Takes traces, in a thread of its own."""

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


def open_store(url: str, *, write: bool = False) -> Store:
    """The store that is named by `memory:`, `file:PATH`, `sqlite:PATH` or a path ending in .jsonl, .db or .sqlite.

    write: make it if it is not there, and find out now whether it can be written.
    """
    kind, path = _parts(url)
    if kind == "memory":
        if not write:
            raise Permanent(
                "memory: is kept in the process that runs; ask its operations port for GET /traces", code=codes.NO_STORE
            )
        from octo.trace.memory import Memory

        return Memory()
    if kind == "file":
        from octo.trace.file import File

        return File(path).ready(write=write)
    from octo.trace.sqlite import Sqlite

    return Sqlite(path).ready(write=write)


_ENDINGS = {".jsonl": "file", ".ndjson": "file", ".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite"}


def _parts(url: str) -> tuple[str, Path]:
    kind, colon, path = url.partition(":")
    if url == "memory:":
        return "memory", Path()
    if colon and kind in ("file", "sqlite") and path:
        return kind, Path(path)
    known = _ENDINGS.get(Path(url).suffix)
    if known is None or (colon and kind == "memory"):
        raise Permanent(
            f"{url!r} is no place for traces; write memory:, file:traces.jsonl or sqlite:traces.db", code=codes.STORE
        )
    return known, Path(url)


def chosen(id: str, entries: Iterable[tuple[Summary, Sequence[str]]]) -> list[int]:  # noqa: A002  as above
    """Which of these traces, given as summary and inner event ids, are meant by an id; their positions.

    The event ids of one-way calls begin as that of the message that made them: what fits them all means them all.
    """
    found: dict[str, list[int]] = {}
    traces: set[str] = set()
    for position, (summary, events) in enumerate(entries):
        ids = dict.fromkeys((summary.event, summary.trace, *events))
        for each in ids:
            if each == id or (len(id) >= SHORTEST_PREFIX and each.startswith(id)):
                found.setdefault(each, []).append(position)
                traces.add(summary.trace)
    if id in found:
        return found[id]
    if not found:
        raise no_trace(id)
    if len(traces) > 1:
        listed = printable(", ".join(sorted(found)[:5]))
        raise Permanent(f"{id!r} is the beginning of several ids: {listed}", code=codes.AMBIGUOUS)
    return sorted({position for positions in found.values() for position in positions})


def no_trace(id: str) -> Permanent:  # noqa: A002  as above
    short = f"; give at least {SHORTEST_PREFIX} characters of it" if len(id) < SHORTEST_PREFIX else ""
    return Permanent(f"no kept trace has the event or trace id {id!r}{short}", code=codes.NO_TRACE)


def no_store(path: Path) -> Permanent:
    return Permanent(f"there is no trace store at {str(path)!r}", code=codes.NO_STORE)


def unusable(path: Path, reason: object) -> Permanent:
    return Permanent(f"{str(path)!r} cannot be used as a trace store: {reason}", code=codes.STORE)
