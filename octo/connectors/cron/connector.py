"""Time as a source: a message whenever a schedule says so.

The source is at-most-once: a tick that falls into a time when no runtime is up is lost, and a message that fails is
not repeated. `overlap` says what happens to a tick while the message of the one before is still on its way, `missed`
what happens after the machine was asleep or its clock was set forward.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from octo.connectors.cron.schedule import Schedule, parse
from octo.core import clock
from octo.core.connector import connector
from octo.core.delivery import Delivery, Verdict
from octo.core.errors import Permanent
from octo.core.expressions import Expr, Names
from octo.core.log import fields
from octo.core.message import Message
from octo.core.settings import Advanced, Settings
from octo.core.source import source
from octo.expr import ExprError, Timestamp

log = logging.getLogger("octo.cron")

_STEP = 10.0
"""Seconds of the longest sleep: how soon a change of the wall clock is noticed."""

_HICCUP = timedelta(seconds=1)
"""A tick up to so late is on time; further ones that fall into the same hiccup are one with it."""

_LATE = timedelta(minutes=1)
"""A tick later than this counts as missed, as does one after a hiccup whose successor is due too."""

_JUMP = -1.0
"""Seconds of disagreement between wall clock and timers from which the clock was set back."""


class Nothing(Settings):
    pass


class Stub(Settings):
    """The schedule rests: ticks come by `trigger` alone."""


class Trigger(Settings):
    """One tick. Returns when its message has been dealt with; there is nothing to answer."""

    at: datetime | None = None
    """The time of the tick, which the payload sees as `now`, e.g. `2026-03-29T06:30:00Z`. Default: the time it is."""

    @field_validator("at", mode="before")
    @classmethod
    def _is_a_moment(cls, text: object) -> object:
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else text
        except ValueError:
            moment = None
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return moment
        raise PydanticCustomError("moment", "not a time; write e.g. 2026-03-29T06:30:00Z")


class Tick(Settings):
    schedule: str = Field(examples=["@every 5s", "0 30 6 * * MON-FRI"])
    """When: `sec min hour day month weekday` as in `0 30 6 * * MON-FRI`, the same five fields without seconds,
    `@every 5s`, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. May begin with `TZ=Europe/Berlin `."""

    payload: Annotated[Expr[object], Names("now", "settings")] | None = None
    """The body of the message. Sees `now`, the time of the tick, and `settings`, these settings. Default null. If it
    fails, the tick is logged and skipped."""

    correlation_id: Annotated[str, Field(alias="correlationID"), Advanced] = ""
    """Correlation id of every message."""

    timezone: str | None = None
    """IANA name of the time zone in which the schedule is read, e.g. `Europe/Berlin`. Default: that of the process
    (`TZ`, else the system's). A fixed time of day runs exactly once a day, also when daylight saving begins or ends."""

    overlap: Literal["skip", "queue", "allow"] = "skip"
    """A tick while the message of the previous one is unfinished: `skip` drops it with a line in the log, `queue` lets
    it wait (several waiting ones become one), `allow` starts it beside the other."""

    missed: Annotated[Literal["skip", "once"], Advanced] = "skip"
    """Ticks that passed while the machine was asleep or its clock was set forward: `skip` leaves them out, `once` runs
    one message for all of them, with the time of the first."""

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, text: str) -> str:
        _parsed(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str | None, info: ValidationInfo) -> str | None:
        _parsed(info.data.get("schedule", "@daily"), name)
        return name

    def as_map(self) -> dict[str, object]:
        """What was written, as the payload sees it."""
        named = {info.alias or name: getattr(self, name) for name, info in type(self).model_fields.items()}
        written = {type(self).model_fields[name].alias or name for name in self.model_fields_set}
        return {
            name: value.text if isinstance(value, Expr) else value for name, value in named.items() if name in written
        }


def _parsed(text: str, zone: str | None = None) -> Schedule:
    try:
        return parse(text, zone)
    except ValueError as error:
        raise PydanticCustomError("schedule", "{reason}", {"reason": str(error)}) from None


@connector("cron")
class Cron:
    def __init__(self, hand: Hand | None = None) -> None:
        self._hand = hand

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls()

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Nothing, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        yield cls(Hand())

    async def trigger(self, source: Tick, spec: Trigger) -> object:
        """One tick of the source."""
        assert self._hand is not None
        await self._hand.tick(source, spec.at or clock.now())
        return None

    @source("cron", once=True, sets=Nothing)
    async def ticks(self, settings: Tick) -> AsyncIterator[Delivery]:
        """A message at every tick of the schedule, from the next one on."""
        running = _Running()
        as_map = settings.as_map()
        async for moment in self._ticks(settings, running):
            if running.count and settings.overlap == "skip":
                _skipped(settings, moment, "the message before it is not finished")
                continue
            if settings.overlap == "queue":
                await running.idle.wait()
            try:
                body = _payload(settings, moment, as_map)
            except ExprError as error:
                running.skipped = f"payload: {error}"
                _skipped(settings, moment, running.skipped)
                continue
            yield running.delivery(Message(body, correlation_id=settings.correlation_id))

    def _ticks(self, settings: Tick, running: _Running) -> AsyncIterator[datetime]:
        if self._hand is not None:
            return self._hand.ticks(settings, running)
        return _moments(parse(settings.schedule, settings.timezone), settings)


def _payload(settings: Tick, moment: datetime, as_map: dict[str, object]) -> object:
    if settings.payload is None:
        return None
    return settings.payload(Timestamp(_nanoseconds(moment)), as_map)


class _Running:
    """How many messages of the source are on their way; `skipped` is why the last tick brought none, or ""."""

    def __init__(self) -> None:
        self.count = 0
        self.skipped = ""
        self.idle = asyncio.Event()
        self.idle.set()

    def delivery(self, message: Message) -> Delivery:
        self.count += 1
        self.idle.clear()
        return Delivery(message, self._done)

    async def _done(self, _: Verdict) -> None:
        self.count -= 1
        if not self.count:
            self.idle.set()


class Hand:
    """Ticks by hand, for the sources of one stub. Those of equal settings are told apart: each is its flow's own."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Queue[tuple[datetime, asyncio.Future[None]]]] = {}

    async def tick(self, source: Tick, moment: datetime) -> None:
        """Let the source tick; returns when its message is finished, raises `Permanent` when there was none."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue(source).put_nowait((moment, over))
        await over

    async def ticks(self, source: Tick, running: _Running) -> AsyncIterator[datetime]:
        """The times that were asked for, each when the message of the one before is finished."""
        queue = self._queue(source)
        while True:
            moment, over = await queue.get()
            if over.done():
                continue  # whoever asked has given up
            running.skipped = ""
            yield moment
            await running.idle.wait()
            if running.skipped and not over.done():
                over.set_exception(Permanent(f"the tick brought no message: {running.skipped}"))
            elif not over.done():
                over.set_result(None)

    def _queue(self, source: Tick) -> asyncio.Queue[tuple[datetime, asyncio.Future[None]]]:
        return self._asked.setdefault(id(source), asyncio.Queue())


# --- waiting -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Woken:
    """How a sleep ended. slept: whether there was one. set_back: whether the clock was, so that it ended early."""

    slept: bool
    set_back: bool = False


async def _moments(schedule: Schedule, settings: Tick) -> AsyncIterator[datetime]:
    """The times of the ticks, each when it has come; late ones as the settings say."""
    due = schedule.next_after(clock.now())
    while True:
        woken = await _sleep_until(due)
        now = clock.now()
        if woken.set_back:
            # Times of day that have been before the clock was set back do not come again.
            due = due if schedule.is_fixed else schedule.next_after(now)
            continue
        following = schedule.next_after(due)
        if now - due <= (_LATE if following > now else _HICCUP):
            yield due
            due = following if following > now else schedule.next_after(now)
            continue
        # Behind after a sleep: the machine was away. Behind without one: the flow had no room for the tick before.
        if woken.slept and settings.missed == "skip":
            _skipped(settings, due, "the clock jumped past it")
        elif not woken.slept and settings.overlap == "skip":
            _skipped(settings, due, "the flow has no room")
        else:
            yield due
        due = schedule.next_after(now)


async def _sleep_until(due: datetime) -> _Woken:
    loop = asyncio.get_running_loop()
    slept = False
    wall, timers = clock.now_ns(), loop.time()
    while (left := (due - clock.now()).total_seconds()) > 0:
        slept = True
        await asyncio.sleep(min(left, _STEP))
        wall_before, timers_before = wall, timers
        wall, timers = clock.now_ns(), loop.time()
        if (wall - wall_before) / 1e9 - (timers - timers_before) < _JUMP:
            return _Woken(slept, set_back=True)
    return _Woken(slept)


def _skipped(settings: Tick, moment: datetime, reason: str) -> None:
    log.warning("tick skipped", extra=fields(schedule=settings.schedule, tick=moment.isoformat(), reason=reason))


def _nanoseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
