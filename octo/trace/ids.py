"""Ids of traces: finds the traces that a full or a shortened id names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.core.printable import printable
from octo.trace import codes

if TYPE_CHECKING:
    from octo.trace.encode import Summary

SHORTEST_PREFIX = 6


def chosen(id: str, entries: Iterable[tuple[Summary, Sequence[str]]]) -> list[int]:  # noqa: A002  as above
    """The positions of the traces that an id names. Each entry is a summary and the event ids inside the trace.

    The event ids of one-way calls begin like that of the message that made them: an id that begins them all names them
    all.
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
