"""Messages that have run: what each block made of them, and what can be done with one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.work import cut
from octo.cli.editing.feed import Feed
from octo.core import codec
from octo.core.errors import OctoError, Permanent
from octo.expr import to_json
from octo.trace import codes as trace_codes
from octo.trace.encode import Summary
from octo.trace.record import Record, Seen, SpanState, states
from octo.trace.sqlite import Sqlite

Answer = dict[str, Any]
T = TypeVar("T")

PLACE = Path(".octo") / "traces.db"
LOOK = 0.3
"""Seconds between two looks for new messages, while flows run."""
MOST_ONCE = 200
MOST_BYTES = 8 << 20
"""Bytes of a message with all its steps; of a larger one, each value is shown in part."""
PATIENCE = 0.5
"""Seconds to wait for a message that was just sent: it is written once it has ended, in a thread. A request that no
flow took makes none; of one that is late, pages hear."""


_NONE: Mapping[str, str] = {}


class Messages:
    """The messages of a project: those that flows have run here, from any editor or terminal.

    triggers: what brings the messages of each flow, as far as is known.
    """

    def __init__(
        self, root: Path, feed: Feed, running: Callable[[], bool], triggers: Mapping[str, str] = _NONE
    ) -> None:
        self.place = root / PLACE
        self._feed = feed
        self._running = running
        self._triggers = triggers
        self._last: int | None = None

    @property
    def url(self) -> str:
        return f"sqlite:{self.place}"

    async def listed(self, flow: str | None, outcome: str | None, limit: int, before: int | None) -> list[Answer]:
        """The newest first. before: only older ones, in nanoseconds."""
        found = await self._read(lambda store: store.find(flow, outcome, limit, before))
        return [self._summary(each) for each in found or ()]

    async def records(self, id: str) -> Sequence[Record]:  # noqa: A002  everybody's word
        """The records of one message, by its event or trace id. Raises `Refused`."""
        found = await self._read(lambda store: store.get(id))
        if not found:
            raise Refused(codes.MISSING, f"no message has the id {id[:80]!r}")
        return found

    async def one(self, id: str) -> Answer:  # noqa: A002
        """One message with its steps."""
        return message_of(await self.records(id))

    async def of_trace(self, trace: str) -> str | None:
        """The event id of the message with this trace id, once it is written; None if it is not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    for record in await self._read(lambda store: store.get(trace)) or ():
                        if record["kind"] == "flow":
                            return str(record["event"])
                    await asyncio.sleep(LOOK / 3)
        return None

    async def crossings(self, address: str, limit: int) -> list[Answer]:
        """What the last messages were before and behind a block: what a spy sees."""
        flow = address.partition(".")[0].partition("[")[0]

        def read(store: Sqlite) -> list[Answer]:
            found = (each.event for each in store.find(flow, None, limit))
            seen = ((event, state) for event in found for state in states(store.get(event)))
            crossed = ({"message": event, **_step(each)} for event, each in seen if each.record["path"] == address)
            return list(islice(crossed, limit))

        return await self._read(read) or []

    async def follow(self) -> None:
        """Tell pages of each message that has run, until cancelled."""
        while True:
            if self._running() or self._last is None:
                await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Tell pages of the messages that are new since the last look."""
        if self._last is None:
            self._last = await self._read(lambda store: store.last()) or 0
            return
        after = self._last
        found, self._last = await self._read(lambda store: store.written(after, MOST_ONCE)) or ([], after)
        if found:
            self._feed.tell("messages", {"messages": [self._summary(each) for each in found]})

    def _summary(self, found: Summary) -> Answer:
        return {
            "id": found.event,
            "trace": found.trace,
            "correlation": found.correlation,
            "flow": found.flow,
            "trigger": self._triggers.get(found.flow, ""),
            "at": found.at // 1000 / 1000,
            "duration": found.duration / 1_000_000,
            "outcome": found.outcome,
            "code": found.code,
            "lost": found.lost,
        }

    async def _read(self, read: Callable[[Sqlite], T]) -> T | None:
        """What the store says; None if there is no store yet, or no such message. Raises `Refused`."""
        if not self.place.is_file():
            return None
        try:
            return await asyncio.to_thread(lambda: read(Sqlite(self.place)))
        except Permanent as error:
            if error.code in (trace_codes.NO_STORE, trace_codes.NO_TRACE):
                return None
            raise Refused(error.code, str(error)) from None
        except OctoError as error:
            raise Refused(error.code, str(error)) from None


def message_of(records: Sequence[Record]) -> Answer:
    """A message as pages show it. Times are milliseconds: `at` since the epoch."""
    steps = [_step(each) for each in states(records)]
    root = next(record for record in records if record["kind"] == "flow")
    about = {"id": root["event"], "trace": root["trace"], "flow": root["flow"], "isWhole": True, "steps": steps}
    if len(codec.write(about)) <= MOST_BYTES:
        return about
    return {**about, "isWhole": False, "steps": [_small(each) for each in steps]}


def _small(step: Answer) -> Answer:
    shown = {name: cut(step[name], 1_000, 30) for name in ("input", "output", "effects")}
    return {**step, **shown}


def _step(state: SpanState) -> Answer:
    record, change = state.record, state.record.get("output", {})
    error = record.get("error")
    return {
        "kind": record["kind"],
        "span": record["span"],
        "parent": record.get("parent"),
        "flow": record["flow"],
        "address": record["path"],
        "type": record.get("type"),
        "connector": record.get("connector"),
        "event": record.get("event"),
        "at": record["at"] // 1000 / 1000,
        "duration": record["duration"] / 1_000_000,
        "outcome": record["outcome"],
        "reason": record.get("reason"),
        "error": None if error is None else {name: error.get(name) for name in ("message", "code", "type", "at")},
        "input": _seen(state.before),
        "output": None if state.after is None else _seen(state.after),
        "changed": {"body": "body" in change, "set": sorted(change.get("set", ())), "unset": change.get("unset", [])},
        "effects": to_json(list(record.get("effects", ()))),
        "omitted": dict(record.get("omitted", {})),
        "isBrief": bool(record.get("brief")),
    }


def _seen(seen: Seen) -> Answer:
    return {"body": to_json(seen.body), "vars": to_json(dict(seen.vars)), "raw": seen.raw}
