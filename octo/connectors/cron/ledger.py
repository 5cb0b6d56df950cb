"""What all processes know of the ticks of one flow: one entry of the key-value service.

A tick is taken by writing it over the version of the entry that was read. So of all processes one takes it, whatever
their clocks say, and one that was frozen or cut off in between is refused. The entry is one per flow, however often it
ticks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from octo.core import clock
from octo.core.errors import Transient
from octo.core.source import Outlet
from octo.services.ports import Conflict, KeyValue, Lost

NAMESPACE = "cron"

_KEPT = timedelta(days=400).total_seconds()
"""Seconds for which the entry of a flow is kept after its last tick: longer than a year, for what ticks once a year."""
_RECENT = 16
"""Claims whose ids an entry remembers, so that a process whose connection broke can see whether it got the tick."""
_PAUSE = 1.0
"""Seconds between two looks for whether it did."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Open(NamedTuple):
    """A tick whose flow has not finished. due: when it may be tried again. claim: of whoever runs it."""

    tick: datetime
    attempt: int
    due: datetime
    claim: str


@dataclass(frozen=True)
class Known:
    """A version of the entry.

    last: no tick up to here comes any more. tick: the last one that was run. by: the member that took or left out the
    last, or began the entry; "" once it has ended in order. schedule: the one it belongs to. recent: ids of the last
    claims.
    """

    last: datetime
    tick: datetime | None = None
    by: str = ""
    schedule: str = ""
    open: tuple[Open, ...] = ()
    recent: tuple[str, ...] = ()
    version: int = 0


class Ledger:
    """The entry of one flow; see the module."""

    def __init__(self, store: KeyValue, site: Outlet, member: str) -> None:
        self.key = hashlib.sha256(json.dumps([site.service, site.flow]).encode()).hexdigest()
        self._about = {"service": site.service, "flow": site.flow}
        self._store = store
        self._member = member

    def event_id(self, tick: datetime) -> str:
        """The event id of the message of a tick, the same whoever runs it and however often."""
        return hashlib.sha256(f"{self.key} {_written(tick)}".encode()).hexdigest()[:32]

    async def read(self) -> Known:
        """The entry. A flow that has none gets one: its schedule begins now."""
        while True:
            entry = await self._store.get(NAMESPACE, self.key)
            if entry is not None:
                return _known(entry.value, entry.version)
            with suppress(Conflict):
                new = Known(clock.now(), by=self._member)
                return replace(new, version=await self._put(new, 0))

    async def write(self, known: Known, claim: str = "", **changes: Any) -> Known | None:
        """The entry with the changes; None if somebody else has written since this version.

        claim: names this write. If the connection breaks, the entry is read until it says whether the write was done:
        with one name a write may be tried several times.
        """
        recent = (*known.recent, claim)[-_RECENT:] if claim else known.recent
        new = replace(known, recent=recent, **changes)
        try:
            return replace(new, version=await self._whole(new, known))
        except Conflict:
            found = await self.read()
        except Transient:
            if not claim:
                raise
            found = await self._reached()
        return found if claim and claim in found.recent else None

    async def change(self, change: Callable[[Known], dict[str, Any]]) -> None:
        """Write what `change` makes of the present entry."""
        done = None
        while done is None:
            known = await self.read()
            done = await self.write(known, **change(known))

    async def _whole(self, new: Known, old: Known) -> int:
        """Write. If this is cancelled, the write is taken back: a process that ends must not take a tick with it."""
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._tried(new, old.version))
            try:
                await asyncio.wait((writing,))
            except asyncio.CancelledError:
                if isinstance(version := await writing, int):
                    await self._tried(old, version)
                raise
        version = writing.result()
        if isinstance(version, Transient):
            raise version
        return version

    async def _tried(self, known: Known, version: int) -> int | Transient:
        try:
            return await self._put(known, version)
        except Transient as error:
            return error

    async def _reached(self) -> Known:
        while True:
            await asyncio.sleep(_PAUSE)
            with suppress(Transient):
                return await self.read()

    async def _put(self, known: Known, version: int) -> int:
        return await self._store.put(NAMESPACE, self.key, {**self._about, **_value(known)}, version=version, ttl=_KEPT)


def own(known: Known, tick: datetime, claim: str) -> Open:
    """The open tick of this claim. Raises `Lost` if another process runs it by now, or has finished it."""
    for each in known.open:
        if (each.tick, each.claim) == (tick, claim):
            return each
    raise Lost(f"the tick {tick.isoformat()} was held too long: another process has it")


# --- as a value --------------------------------------------------------------------------------------------------


def _value(known: Known) -> dict[str, object]:
    return {
        "last": _written(known.last),
        "tick": None if known.tick is None else _written(known.tick),
        "by": known.by,
        "schedule": known.schedule,
        "open": [[_written(each.tick), each.attempt, _written(each.due), each.claim] for each in known.open],
        "recent": list(known.recent),
    }


def _known(value: Any, version: int) -> Known:
    try:
        return Known(
            _read(value["last"]),
            None if value["tick"] is None else _read(value["tick"]),
            value["by"],
            value["schedule"],
            tuple(Open(_read(tick), attempt, _read(due), claim) for tick, attempt, due, claim in value["open"]),
            tuple(value["recent"]),
            version,
        )
    except (KeyError, TypeError, ValueError):
        return Known(clock.now(), version=version)  # not ours: the schedule begins now


def _written(moment: datetime) -> int:
    """Microseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _read(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
